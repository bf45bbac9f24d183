"""Template tags and filters of the pages' parts; each part is a template in ``templates/components``.

What a part needs stands in the comment at the top of its template.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from django import template
from django.conf import settings
from django.core.paginator import Page
from django.forms import BaseForm, BoundField, CheckboxInput
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, gettext_lazy

from skillmap.core.fiscal import fiscal_year_label, fiscal_year_of

register = template.Library()

WEEKDAYS_JA = "月火水木金土日"
WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

LEVEL_NAMES: dict[int, Promise] = {
    0: gettext_lazy("Not yet practised"),
    1: gettext_lazy("With guidance"),
    2: gettext_lazy("Independent"),
    3: gettext_lazy("Guides others"),
}

HEAT_STEPS = 5
SLOPE_TOP = 8  # units of the drawing, which is 560 wide
SLOPE_STEP = 28

# Colour says the mood only; the word says what it is. A state not named here is grey.
TONES = {
    "open": "info",
    "running": "info",
    "submitted": "info",
    "reviewed": "info",
    "corrected": "info",
    "proposed": "info",
    "pending": "warn",
    "queued": "mute",
    "overdue": "bad",
    "returned": "warn",
    "waiting": "warn",
    "question": "warn",
    "questioned": "warn",
    "answered": "good",
    "confirmed": "good",
    "received": "good",
    "published": "good",
    "adopted": "good",
    "active": "good",
    "done": "good",
    "succeeded": "good",
    "completed": "good",
    "failed": "bad",
    "dead": "bad",
    "refused": "bad",
    "error": "bad",
}

# Strokes on a 24 x 24 ground, drawn for this product.
ICONS = {
    "bell": "M6 16v-5a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
    "calendar": "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
    "check": "m5 12 5 5 9-10",
    "chevron-down": "m6 9 6 6 6-6",
    "chevron-right": "m9 6 6 6-6 6",
    "close": "M6 6l12 12M18 6 6 18",
    "copy": "M9 9h11v11H9zM15 9V4H4v11h5",
    "download": "M12 4v11m-5-5 5 5 5-5M5 20h14",
    "error": "M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 8v5M12 16.5v.01",
    "good": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm-4 9 3 3 5-6",
    "info": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v6M12 7.5v.01",
    "key": "M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM11 12l9-9M16 7l3 3",
    "link": "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
    "lock": "M5 11h14v10H5zM8 11V7a4 4 0 0 1 8 0v4",
    "menu": "M4 7h16M4 12h16M4 17h16",
    "print": "M7 9V3h10v6M7 17H4V9h16v8h-3M7 14h10v7H7z",
    "search": "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zm5 12 5 5",
    "star": "m12 3 2.8 5.8 6.2.9-4.500 4.400 1 6.200L12 17.400 6.500 20.300l1-6.200L3 9.700l6.200-.9z",
    "users": "M9 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM2 21a7 7 0 0 1 14 0M16 4.500a4 4 0 0 1 0 7M22 21a7 7 0 0 0-4-6.300",
    "warn": "M12 3 2 20h20zM12 10v4M12 17v.01",
}
NOTICE_ICONS = {"info": "info", "quiet": "info", "good": "good", "warn": "warn", "bad": "error"}


def _smallest_group() -> int:
    """Return the smallest number of people that a figure may stand for."""
    return getattr(settings, "SMALL_CELL_K", 5)


def _japanese() -> bool:
    return (get_language() or "ja").startswith("ja")


# ---------------------------------------------------------------------------------------------------------- filters


@register.filter
def fiscal_year(value: int | date | None) -> str:
    """Return 令和8年度(2026年度) or FY2026 for a fiscal year's number, a date, or an aware datetime; empty for None."""
    if value is None or value == "":
        return ""
    number = fiscal_year_of(value) if isinstance(value, date) else int(value)
    return fiscal_year_label(number, get_language() or "ja")


@register.filter
def jp_date(value: date | None) -> str:
    """Return 2026年4月1日(水) or Wed 1 Apr 2026; a datetime is taken in the running time zone; empty for None."""
    if not isinstance(value, date):
        return ""
    if isinstance(value, datetime) and timezone.is_aware(value):
        value = timezone.localtime(value)
    if _japanese():
        return f"{value.year}年{value.month}月{value.day}日({WEEKDAYS_JA[value.weekday()]})"
    return f"{WEEKDAYS_EN[value.weekday()]} {value.day} {MONTHS_EN[value.month - 1]} {value.year}"


@register.filter
def jp_time(value: datetime | None) -> str:
    """Return the 24-hour clock of a datetime in the running time zone, such as 14:02; empty for None."""
    if not isinstance(value, datetime):
        return ""
    return f"{timezone.localtime(value) if timezone.is_aware(value) else value:%H:%M}"


@register.filter
def jp_datetime(value: datetime | None) -> str:
    """Return 2026年4月1日(水) 14:02, or its English like; empty for None."""
    return f"{jp_date(value)} {jp_time(value)}".strip()


@register.filter
def level_label(level: int | str | None) -> str:
    """Return Lv.2 自立 for a level 0 to 3; None is 未回答, which is not level 0."""
    if level is None or level == "":
        return gettext("Not answered")
    number = int(level)
    name = LEVEL_NAMES.get(number)
    return f"Lv.{number} {name}" if name else f"Lv.{number}"


@register.filter
def heat_step(value: float | None, largest: float | None) -> int:
    """Return the step of lightness, 1 to 5, of a value out of the largest one; 0 for nothing."""
    if not value or not largest or value <= 0:
        return 0
    return min(HEAT_STEPS, int(HEAT_STEPS * value / largest - 1e-9) + 1)


# ------------------------------------------------------------------------------------------------------- small parts


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """Draw one of ICONS, hidden from screen readers: the word beside it says the same. KeyError for an unknown name."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{}"/></svg>',
        css,
        ICONS[name],
    )


@register.inclusion_tag("components/badge.html")
def badge(label: str, tone: str = "mute", small: bool = False) -> dict[str, Any]:
    """Show a word with one of the tones info, good, warn, bad, mute, strong, outline."""
    return {"label": label, "tone": tone, "small": small}


@register.inclusion_tag("components/badge.html")
def status_badge(value: str, label: str = "") -> dict[str, Any]:
    """Show a coloured word for any state; an unknown one is grey rather than an error."""
    return {"label": label or value, "tone": TONES.get(str(value), "mute")}


@register.inclusion_tag("components/level_badge.html")
def level_badge(level: int | None, short: bool = False) -> dict[str, Any]:
    """Show a level in the colour of its step; None as 未回答. ``short`` leaves the name to screen readers."""
    return {"level": level, "label": level_label(level), "short": short and level is not None}


@register.inclusion_tag("components/provenance_badge.html")
def provenance_badge(provenance: str) -> dict[str, Any]:
    """Mark a value that is our default and not the government's own; nothing for one that is printed or confirmed."""
    return {"is_default": str(provenance) in {"inferred", "default"}}


@register.inclusion_tag("components/stat.html")
def stat(label: str, value: object, unit: str = "", note: str = "", url: str = "") -> dict[str, Any]:
    """Show one figure; to be put inside ``<div class="stats">``. Whole numbers get their thousands separated."""
    shown = number_format(value, use_l10n=True, force_grouping=True) if isinstance(value, int) else value
    return {"label": label, "value": shown, "unit": unit, "note": note, "url": url}


@register.inclusion_tag("components/stepper.html")
def stepper(steps: Iterable[object], label: str = "") -> dict[str, Any]:
    """Show the steps of a cycle; each has name, date and state (done, current, todo)."""
    return {"steps": list(steps), "label": label or gettext("Steps")}


@register.inclusion_tag("components/progress.html")
def progress(value: int | None, maximum: int, label: str, text: str = "") -> dict[str, Any]:
    """Show a progress bar with its words; value None means: running, not known how far."""
    return {"value": value, "maximum": maximum, "label": label, "text": text}


@register.inclusion_tag("components/history.html")
def history(entries: Iterable[object]) -> dict[str, Any]:
    """List what happened, newest first; each entry has when, who, text and maybe why."""
    return {"entries": list(entries)}


@register.inclusion_tag("components/empty.html")
def empty_state(title: str, text: str = "", url: str = "", action: str = "") -> dict[str, Any]:
    """Say what will be here and how to begin."""
    return {"title": title, "text": text, "url": url, "action": action}


@register.inclusion_tag("components/tabs.html")
def tabs(items: Iterable[object], label: str) -> dict[str, Any]:
    """Show pages of one matter as links; each has label, url, active and maybe count."""
    return {"items": list(items), "label": label}


@register.inclusion_tag("components/breadcrumbs.html")
def breadcrumbs(*pairs: str) -> dict[str, Any]:
    """Show the way to this page: label, url, label, url, …, label of this page."""
    steps = [{"label": label, "url": url} for label, url in zip(pairs[::2], [*pairs[1::2], ""], strict=False)]
    return {"steps": steps}


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: template.Context, page: Page[Any], target: str = "") -> dict[str, Any]:
    """Show the pages of a list, keeping the filters of the address; ``target`` is the id that htmx swaps."""
    return {
        "page": page,
        "target": target,
        "request": context.get("request"),
        "numbers": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "gap": page.paginator.ELLIPSIS,
    }


@register.inclusion_tag("components/stacked_bar.html")
def stacked_bar(counts: Sequence[int], label: str, total: int = 0) -> dict[str, Any]:
    """Draw counts beside each other (at most five, light to dark) out of a total; ``label`` says them in words."""
    whole = max(total, sum(counts)) or 1
    parts, left = [], 0.0
    for step, count in enumerate(counts, start=1):
        width = 100 * count / whole
        parts.append({"step": step, "x": f"{left:.2f}", "width": f"{width:.2f}"})
        left += width
    return {"parts": parts, "label": label}


@register.inclusion_tag("components/heat_cell.html")
def heat_cell(value: int | None, largest: int | None = None, hidden: bool = False, url: str = "") -> dict[str, Any]:
    """Draw one cell (a ``td``) of a heat map: a number on one of five steps, hatched when hidden, a dash for none."""
    return {"value": value, "step": heat_step(value, largest), "hidden": hidden, "url": url, "k": _smallest_group()}


@register.inclusion_tag("components/heat_legend.html")
def heat_legend(largest: int | None) -> dict[str, Any]:
    """Explain the five steps of a heat map in numbers, and the hatched cell."""
    top = largest or 0
    edges = [top * step // HEAT_STEPS for step in range(HEAT_STEPS + 1)]
    bounds = enumerate(pairwise(edges), start=1)
    keys = [{"step": step, "low": low + 1, "high": high} for step, (low, high) in bounds if low < high]
    return {"keys": keys, "k": _smallest_group()}


@register.inclusion_tag("components/slope_chart.html")
def slope_chart(pairs: Sequence[Mapping[str, Any]], left: str, right: str, label: str) -> dict[str, Any]:
    """Draw rank against rank: two columns joined by lines, the marked ones in the accent colour and on top.

    Each pair has name, left and right (rank from 1, or None where it has none) and marked. ``label`` is the finding in
    one sentence; the same numbers follow as a table.
    """
    rows = [_slope_row(pair) for pair in pairs]
    ranks = [rank for pair in pairs for rank in (pair["left"], pair["right"]) if rank]
    return {
        "rows": sorted(rows, key=lambda row: bool(row["marked"])),
        "left": left,
        "right": right,
        "label": label,
        "height": SLOPE_TOP + SLOPE_STEP * max(ranks, default=0) + SLOPE_STEP // 2,
    }


def _slope_row(pair: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pair with the heights of its two ends in the drawing."""
    ends = {f"y_{side}": SLOPE_TOP + SLOPE_STEP * pair[side] if pair[side] else None for side in ("left", "right")}
    return {**pair, **ends}


@register.inclusion_tag("components/chart.html")
def chart(kind: str, data: Mapping[str, Any], label: str, name: str = "chart", size: str = "") -> dict[str, Any]:
    """Put a chart with its data on the page; ``label`` is the finding in one sentence, ``name`` is unique on the page.

    ``radar``: {"axes": [{"name", "max"}], "series": [{"name", "values"}]}.
    ``bars`` (stacked, at most five series): {"categories": [name], "series": [{"name", "values"}]}.
    ``size``: tall, short or empty.
    """
    return {"kind": kind, "data": data, "label": label, "source": f"{name}-data", "size": size}


@register.inclusion_tag("components/chart_scripts.html")
def chart_scripts() -> dict[str, Any]:
    """Load what draws the charts; in the scripts block of pages that have one."""
    return {}


@register.inclusion_tag("components/suppressed.html")
def suppressed() -> dict[str, Any]:
    """Say that a figure is not shown because it stands for fewer people than may be shown."""
    return {"k": _smallest_group()}


@register.inclusion_tag("components/level_cards.html")
def level_cards(
    name: str,
    levels: Iterable[object],
    chosen: int | None = None,
    last: int | None = None,
    prefix: str = "",
    disabled: bool = False,
    form: str = "",
) -> dict[str, Any]:
    """Draw the radio cards of one item; each level has level, name and definition. None is chosen for the person.

    ``form`` is the id of the form that the radios belong to, where they don't stand inside it.
    """
    return {
        "name": name,
        "levels": list(levels),
        "chosen": chosen,
        "last": last,
        "prefix": prefix or name,
        "disabled": disabled,
        "form": form,
    }


# ------------------------------------------------------------------------------------------------------------- forms


@register.inclusion_tag("components/field.html")
def field(
    bound: BoundField, hint: str = "", optional: bool = False, mark: bool = True, label: str = ""
) -> dict[str, Any]:
    """Show one form field: label or legend, hint, error and control, tied together for screen readers.

    The ids are those that Django names in ``aria-describedby``. ``optional`` marks a field that may stay empty;
    without ``mark`` nothing is said about that (filters).
    """
    if hint:
        bound.help_text = hint  # so that Django names it in aria-describedby
    return {
        "field": bound,
        "label": label or bound.label,
        "hint": bound.help_text,
        "single": isinstance(bound.field.widget, CheckboxInput),
        "required": mark and bound.field.required,
        "optional": optional and not bound.field.required,
    }


@register.inclusion_tag("components/fields.html")
def fields(form: BaseForm, placeholders: bool = True) -> dict[str, Any]:
    """Show all fields of a form, hidden ones too, in their order; placeholders that only repeat the label can go."""
    if not placeholders:
        for bound in form:
            bound.field.widget.attrs.pop("placeholder", None)
    return {"form": form}


@register.inclusion_tag("components/error_summary.html")
def error_summary(*forms: BaseForm | str | None) -> dict[str, Any]:
    """List what has to be mended in bound forms, each linked to its field; nothing when all is well."""
    errors: list[dict[str, str]] = []
    for form in forms:
        if not isinstance(form, BaseForm):  # allauth passes an empty word where there is no form
            continue
        errors += [{"text": str(text), "href": ""} for text in form.non_field_errors()]
        for bound in form:
            href = _first_control(bound)
            errors += [{"label": str(bound.label), "text": str(text), "href": href} for text in bound.errors]
    return {"errors": errors}


def _first_control(bound: BoundField) -> str:
    """Return the id a link jumps to: of a group, its first radio or checkbox, since the group itself has none."""
    return f"{bound.auto_id}_0" if bound.use_fieldset else bound.id_for_label or bound.auto_id


# ----------------------------------------------------------------------------------------------------------- blocks


def _render(name: str, **context: object) -> SafeString:
    return render_to_string(f"components/{name}.html", context)


@register.simple_block_tag
def notice(content: str, tone: str = "info", title: str = "") -> SafeString:
    """Wrap words that must be seen: tone info, good, warn, bad, quiet."""
    return _render("notice", content=content, tone=tone, title=title, icon_name=NOTICE_ICONS[tone])


@register.simple_block_tag
def table_region(content: str, label: str) -> SafeString:
    """Wrap a table that may be wider than the page: scrolls by touch and keyboard, with a name."""
    return _render("table_region", content=content, label=label)


@register.simple_block_tag
def zone(content: str, title: str, who: str = "", private: bool = False, heading: int = 3) -> SafeString:
    """Wrap what a circle of people may read; ``who`` says who. The private zone looks different and has a lock."""
    return _render("zone", content=content, title=title, who=who, private=private, tag=f"h{int(heading)}")


@register.simple_block_tag
def dialog(content: str, dialog_id: str, title: str) -> SafeString:
    """Wrap a question before a step; opened by a link with ``data-dialog-open``, which leads to a page without JS."""
    return _render("dialog", content=content, id=dialog_id, title=title)
