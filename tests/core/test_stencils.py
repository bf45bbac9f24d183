"""A stencil filled in is what its template would have drawn."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from skillmap.core.stencils import fill

ITEM = "assessment/_item.html"
NAMES = (
    *("code", "number", "label", "text", "version", "level", "last", "target", "lack", "save_url", "evidence_url"),
    *("stored", "hidden", "can_edit", "wish", "cards", "evidence", "mentor_level", "mentor_reason", "mentor_differs"),
)
STENCILS = {
    ITEM: NAMES,
    "assessment/_category.html": ("code", "label", "rows"),
    "assessment/_category_line.html": ("code", "label", "complete", "answered", "of"),
    "assessment/_evidence_piece.html": ("work", "facts", "shown", "code", "change_url", "remove_url", "csrf_token"),
    "assessment/_job_type_option.html": ("pk", "label", "is_default", "chosen"),
    "assessment/_pill.html": ("code", "level", "label", "title", "chosen"),
    "assessment/_talk_piece.html": ("work", "certification", "facts", "shown"),
    "assessment/one_on_one_item.html": (
        *("code", "number", "label", "category", "change", "lack", "wish", "own", "corrected", "is_confirmed", "last"),
        *("target", "evidence", "wants_evidence", "note", "conflict", "stored_level", "stored_reason", "view"),
        *("reason", "save_url", "version", "without_view", "pills"),
    ),
    "components/badge.html": ("label", "tone", "small"),
    "components/level_badge.html": ("level", "label", "short"),
    "components/provenance_badge.html": ("is_default",),
    "people/_organisation_row.html": (
        *("depth", "url", "name", "default", "code", "kind", "group", "group_default", "people"),
    ),
}
TEXTS = st.text(alphabet="ab0/<>&\"'{}%\ue000\ue001 あ", max_size=8)


@pytest.mark.parametrize("template", STENCILS)
@given(data=st.data(), language=st.sampled_from(["ja", "en"]))
def test_a_stencil_filled_in_is_what_its_template_draws(template: str, data: st.DataObject, language: str) -> None:
    values = data.draw(st.fixed_dictionaries(dict.fromkeys(STENCILS[template], TEXTS)))

    with override(language):
        assert fill(template, values) == render_to_string(template, {"item": values})


def test_every_stencil_is_tried() -> None:
    drawn = {
        str(path.relative_to(settings.ROOT / "templates"))
        for path in (settings.ROOT / "templates").rglob("*.html")
        if "A stencil (core/stencils.py)" in path.read_text(encoding="utf-8")
    }

    assert drawn == set(STENCILS)


def test_what_is_typed_stays_text_also_where_it_looks_like_a_hole() -> None:
    typed = "<b>\ue000label\ue001</b>"

    drawn = fill(ITEM, {"code": "S01", "label": "一覧", "mentor_level": "2", "mentor_reason": typed})

    assert "&lt;b&gt;\ue000label\ue001&lt;/b&gt;" in drawn
    assert "<b>\ue000" not in drawn


def test_what_is_safe_already_goes_in_as_it_is() -> None:
    assert "<p>piece</p>" in fill(ITEM, {"code": "S01", "evidence": mark_safe("<p>piece</p>")})


@pytest.mark.parametrize("language", ["ja", "en"])
def test_each_language_has_its_own(language: str) -> None:
    with override(language):
        drawn = fill(ITEM, {"code": "S01", "last": "2"})
    assert ("Last Lv.2" in drawn) == (language == "en")
