"""The parts of the pages: what they say, and how they are tied together for those who don't see them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from django.utils import translation

from skillmap.core.templatetags.ui import charts, icons, words
from skillmap.core.templatetags.ui.form_parts import level_cards


def render(source: str, **context: Any) -> str:
    """Render a template's source with the ui tags, in the running language."""
    return Template("{% load ui %}" + source).render(Context(context))


class Wish(forms.Form):
    name = forms.CharField(label="Name", help_text="As you call it")
    way = forms.ChoiceField(label="Way", choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)
    sure = forms.BooleanField(label="Sure")
    note = forms.CharField(label="Note", required=False)
    secret = forms.CharField(widget=forms.HiddenInput, required=False)


# ---------------------------------------------------------------------------------------------------------- filters


@pytest.mark.parametrize(
    ("value", "japanese", "english"),
    [
        (2026, "令和8年度(2026年度)", "FY2026"),
        (date(2026, 3, 31), "令和7年度(2025年度)", "FY2025"),
        (datetime(2026, 3, 31, 15, 0, tzinfo=UTC), "令和8年度(2026年度)", "FY2026"),
        (2019, "令和元年度(2019年度)", "FY2019"),
        (None, "", ""),
    ],
)
def test_fiscal_year(value: Any, japanese: str, english: str) -> None:
    with translation.override("ja"):
        assert words.fiscal_year(value) == japanese
    with translation.override("en"):
        assert words.fiscal_year(value) == english


def test_dates_are_shown_in_tokyo() -> None:
    late = datetime(2026, 3, 31, 15, 2, tzinfo=UTC)
    with translation.override("ja"):
        assert words.jp_date(date(2026, 4, 1)) == "2026年4月1日(水)"
        assert words.jp_datetime(late) == "2026年4月1日(水) 00:02"
        assert words.short_date(date(2026, 4, 1)) == "4月1日"
    with translation.override("en"):
        assert words.jp_date(date(2026, 4, 1)) == "Wed 1 Apr 2026"
        assert words.jp_datetime(late) == "Wed 1 Apr 2026 00:02"
        assert words.short_date(date(2026, 4, 1)) == "1 Apr"
    assert words.jp_date(None) == words.short_date(None) == words.jp_time(None) == words.jp_datetime(None) == ""


def test_not_answered_is_not_level_zero() -> None:
    with translation.override("en"):
        assert words.level_label(None) == "Not answered"
        assert words.level_label(0) == "Lv.0 Not yet practised"
        assert words.level_label(3) == "Lv.3 Guides others"
        assert words.level_label(7) == "Lv.7"
    assert "level--none" in render("{% level_badge None %}")
    assert "level--0" in render("{% level_badge 0 %}")


@pytest.mark.parametrize("smallest", [1, 5])
@pytest.mark.parametrize("largest", [1, 3, 5, 9, 21, 97, 1000])
def test_heat_steps_and_their_legend_agree(largest: int, smallest: int) -> None:
    keys = charts.heat_legend(largest, smallest)["keys"]
    said = {value: key["step"] for key in keys for value in range(key["low"], key["high"] + 1)}
    assert said == {value: charts.heat_step(value, largest) for value in range(smallest, largest + 1)}
    assert charts.heat_step(largest, largest) == charts.HEAT_STEPS
    assert charts.heat_step(0, largest) == charts.heat_step(None, largest) == charts.heat_step(3, 0) == 0


# ------------------------------------------------------------------------------------------------------------ parts


@override_settings(SMALL_CELL_K=7)
def test_what_is_hidden_says_below_which_number() -> None:
    with translation.override("en"):
        assert re.sub(r"<[^>]+>", "", render("{% suppressed %}")).strip() == "Not shown (fewer than 7)"


def test_badges_say_their_word() -> None:
    assert '<span class="badge badge--good">Done</span>' in render("{% status_badge 'done' 'Done' %}")
    assert "badge--mute" in render("{% status_badge 'never-heard-of' %}")
    assert "provenance" in render("{% provenance_badge 'inferred' %}")
    assert "provenance" not in render("{% provenance_badge 'seen' %}")


def test_icons_are_decoration_and_known() -> None:
    assert 'aria-hidden="true"' in render("{% icon 'bell' %}")
    with pytest.raises(KeyError):
        icons.icon("never-drawn")


def test_stepper_marks_the_running_step() -> None:
    steps = [
        {"name": name, "date": "", "state": state} for name, state in (("A", "done"), ("B", "current"), ("C", "todo"))
    ]
    html = render("{% stepper steps %}", steps=steps)
    assert html.count('aria-current="step"') == 1
    assert html.index("A") < html.index('aria-current="step"') < html.index("C")


def test_unknown_progress_has_no_value() -> None:
    assert "value=" not in render("{% progress None 1 'Counting' %}")
    assert 'value="3"' in render("{% progress 3 8 'Counting' %}")


def test_level_cards_choose_nothing_for_the_person() -> None:
    levels = tuple((number, f"N{number}", f"D{number} <b>") for number in range(4))
    untouched = level_cards("skill", levels, None, 2)
    assert "checked" not in untouched
    assert untouched.count("level-card__last") == 1
    assert untouched.index("D2") < untouched.index("level-card__last") < untouched.index("D3")
    answered = level_cards("skill", levels, 0)
    assert re.findall(r'value="(\d)"[^>]* checked', answered) == ["0"]
    assert "<b>" not in answered and "disabled" not in answered
    shown = level_cards("skill", levels, 0, disabled=True, form="f")
    assert shown.count(" disabled") == shown.count(' form="f"') == shown.count('name="skill"') == 4
    assert re.findall(r'id="(\w+)"', shown) == ["skill_0", "skill_1", "skill_2", "skill_3"]


def test_stacked_bar_fills_its_width() -> None:
    html = render("{% stacked_bar counts 'in words' %}", counts=[1, 2, 1])
    assert re.findall(r'bar__\d" x="([\d.]+)" width="([\d.]+)"', html) == [
        ("0.00", "25.00"),
        ("25.00", "50.00"),
        ("75.00", "25.00"),
    ]
    assert 'aria-label="in words"' in html
    assert "bar__1" in render("{% stacked_bar counts 'none' %}", counts=[0])


def test_slope_chart_draws_marked_pairs_last() -> None:
    pairs = [
        {"name": "First", "left": 1, "right": 3, "marked": True},
        {"name": "Second", "left": 2, "right": None, "marked": False},
        {"name": "Third", "left": None, "right": 1, "marked": False},
    ]
    html = render("{% slope_chart pairs 'L' 'R' 'what it shows' %}", pairs=pairs)
    assert 'role="img" aria-label="what it shows"' in html
    assert html.index("Third") < html.index("First")
    assert html.count("slope__line--open") == 2
    assert html.count('class="is-marked"') == 1


def test_a_name_too_long_for_the_slope_chart_stands_in_two_lines() -> None:
    names = ["プロジェクトマネジメント", "Business application design and development", "あ" * 15]
    pairs = [{"name": name, "left": at, "right": at, "marked": False} for at, name in enumerate(names, start=1)]
    html = render("{% slope_chart pairs 'L' 'R' 'what it shows' %}", pairs=pairs)
    assert html.count(f">{names[0]}</text>") == 2
    assert html.count(">Business application <tspan") == 2
    assert html.count(">design and development</tspan>") == 2
    assert html.count(">" + "あ" * 7 + " <tspan") == 2


def test_history_tells_when_and_why() -> None:
    entries = [{"when": datetime(2026, 4, 1, 5, 2, tzinfo=UTC), "who": "A", "text": "sent", "why": "<b>late</b>"}]
    with translation.override("ja"):
        html = render("{% history entries %}", entries=entries)
    assert "2026年4月1日(水) 14:02" in html
    assert "&lt;b&gt;late" in html


def test_pagination_keeps_the_filters() -> None:
    request = RequestFactory().get("/list/", {"state": "open", "page": "2"})
    page = Paginator(range(100), 10).page(2)
    html = render("{% pagination page %}", page=page, request=request)
    assert "state=open&amp;page=3" in html
    assert html.count('aria-current="page"') == 1
    assert "<ul>" not in render("{% pagination page %}", page=Paginator(range(3), 10).page(1), request=request)


def test_breadcrumbs_lead_from_home_to_this_page() -> None:
    html = render("{% breadcrumbs 'List' '/list/' 'This' %}")
    assert re.findall(r'href="([^"]+)"', html) == ["/", "/list/"]
    assert '<span aria-current="page">This</span>' in html


def test_breadcrumbs_take_the_pages_above_from_the_view() -> None:
    above = [("Survey", "/survey/"), ("Answer", "/answer/")]
    html = render("{% breadcrumbs 'List' '/list/' 'This' above=above %}", above=above)
    assert re.findall(r'href="([^"]+)"', html) == ["/", "/survey/", "/answer/", "/list/"]


def test_no_page_says_the_way_from_home_itself() -> None:
    templates = Path(settings.ROOT / "templates").rglob("*.html")
    assert [str(path) for path in templates if re.search(r'{% breadcrumbs _\("Home"\)', path.read_text())] == []


# ------------------------------------------------------------------------------------------------------------ forms


def test_a_field_is_tied_to_its_hint_and_error() -> None:
    form = Wish({"way": "", "name": ""})
    html = render("{% field form.name %}", form=form)
    described = re.findall(r'aria-describedby="([^"]+)"', html)[0].split()
    assert described == ["id_name_helptext", "id_name_error"]
    assert all(f'id="{name}"' in html for name in described)
    assert 'aria-invalid="true"' in html
    assert '<label class="field__label" for="id_name">' in html


def test_a_hint_given_on_the_page_is_tied_too() -> None:
    html = render("{% field form.note hint=hint label='Memo' %}", form=Wish(), hint="Only <you> see it")
    assert 'aria-describedby="id_note_helptext"' in html
    assert "Only &lt;you&gt; see it" in html
    assert '<label class="field__label" for="id_note">Memo' in html


def test_radios_are_a_group_with_a_name() -> None:
    html = render("{% field form.way %}", form=Wish({"name": "x"}))
    assert html.lstrip().startswith("<fieldset")
    assert "<legend>" in html
    assert re.search(r'<fieldset[^>]* aria-describedby="id_way_error"', html)
    assert 'id="id_way_error"' in html


def test_error_summary_links_to_the_fields() -> None:
    form = Wish({})
    form.add_error(None, "Both of them")
    html = render("{% error_summary form %}", form=form)
    assert 'tabindex="-1"' in html
    assert "Both of them" in html
    links = re.findall(r'href="#([^"]+)"', html)
    assert links == ["id_name", "id_way_0", "id_sure"]
    shown = render("{% fields form %}", form=form)
    assert all(f'id="{link}"' in shown for link in links)


def test_error_summary_is_silent_when_all_is_well() -> None:
    assert render("{% error_summary form other %}", form=Wish(), other=None).strip() == ""


def test_required_and_optional_are_said() -> None:
    form = Wish()
    assert "field__required" in render("{% field form.name %}", form=form)
    assert "field__required" not in render("{% field form.name mark=False %}", form=form)
    assert "field__optional" in render("{% field form.note optional=True %}", form=form)


def test_hidden_fields_and_placeholders() -> None:
    form = Wish()
    form.fields["name"].widget.attrs["placeholder"] = "Name"
    html = render("{% fields form placeholders=False %}", form=form)
    assert 'type="hidden"' in html
    assert "placeholder" not in html


# ----------------------------------------------------------------------------------------------------------- blocks


def test_blocks_keep_their_content_and_escape_their_words() -> None:
    html = render("{% notice 'warn' title %}<p>kept</p>{% endnotice %}", title="<i>")
    assert "notice--warn" in html
    assert "<p>kept</p>" in html
    assert "&lt;i&gt;" in html
    html = render("{% table_region label %}<table></table>{% endtable_region %}", label='a"b')
    assert 'role="region" tabindex="0" aria-label="a&quot;b"' in html
    assert "zone--private" in render("{% zone 'Memo' who='Only you' private=True %}x{% endzone %}")
    assert 'aria-labelledby="sure-title"' in render("{% dialog 'sure' 'Sure?' %}x{% enddialog %}")
