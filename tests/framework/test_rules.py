"""The rules of versions, on plain values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skillmap.framework import diff_rules, rules
from skillmap.framework.diff_rules import CellChange, FieldChange, RowChange
from skillmap.framework.rules import (
    CategoryRow,
    CellRow,
    CertificationRow,
    Content,
    ItemRow,
    JobTypeRow,
    LevelRow,
    LevelTextRow,
    Problem,
)

LEVELS = tuple(LevelRow(level, f"Lv.{level}", f"name {level}", f"meaning {level}") for level in rules.LEVELS)
WHOLE = rules.content(
    categories=[CategoryRow("strategy", "戦略", 1), CategoryRow("office", "Office", 2, kind=rules.TOOL)],
    levels=LEVELS,
    items=[
        ItemRow("it_strategy", 1, "ITストラテジー", "strategy", definition="戦略を作る"),
        ItemRow("marketing", 2, "マーケティング", "strategy", definition="需要を知る"),
        ItemRow("excel", 1, "Excel", "office", kind=rules.TOOL),
    ],
    job_types=[
        JobTypeRow("designer", "デザイナー", "構想する", 1, cells=(CellRow("it_strategy", 3), CellRow("marketing", 0)))
    ],
    certifications=[CertificationRow("st", "ITストラテジスト試験", skills=("it_strategy",))],
)


def test_a_whole_version_has_no_problem() -> None:
    assert rules.publish_problems(WHOLE) == ()


ITEM, OTHER, TOOL = WHOLE.items[0], WHOLE.items[1], WHOLE.items[2]
JOB = WHOLE.job_types[0]


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (Content(levels=LEVELS), Problem("no_items")),
        (replace(WHOLE, levels=LEVELS[:3]), Problem("levels_incomplete")),
        (replace(WHOLE, levels=(*LEVELS[:3], LEVELS[0])), Problem("levels_incomplete")),
        (replace(WHOLE, items=(replace(ITEM, name=""), OTHER, TOOL)), Problem("name_missing", "it_strategy")),
        (
            replace(WHOLE, items=(replace(ITEM, definition=""), OTHER, TOOL)),
            Problem("definition_missing", "ITストラテジー"),
        ),
        (replace(WHOLE, job_types=(replace(JOB, definition=""),)), Problem("job_type_text_missing", "デザイナー")),
        (replace(WHOLE, job_types=(replace(JOB, name=""),)), Problem("job_type_text_missing", "designer")),
        (replace(WHOLE, items=(ITEM, OTHER)), Problem("category_empty", "Office")),
        (replace(WHOLE, items=(ITEM, replace(OTHER, number=1), TOOL)), Problem("number_repeated", "1", 2)),
        (
            replace(WHOLE, items=(ITEM, replace(OTHER, code="it_strategy"), TOOL)),
            Problem("code_repeated", "it_strategy", 2),
        ),
        (replace(WHOLE, job_types=(replace(JOB, code="De signer"),)), Problem("code_unusable", "De signer")),
        (replace(WHOLE, items=(replace(ITEM, category="lost"), OTHER, TOOL)), Problem("category_unknown", "lost")),
        (
            replace(WHOLE, items=(replace(ITEM, category="office"), OTHER, TOOL)),
            Problem("category_of_other_kind", "ITストラテジー"),
        ),
        (
            replace(WHOLE, items=(replace(ITEM, level_texts=(LevelTextRow(4, "?"),)), OTHER, TOOL)),
            Problem("level_unknown", "ITストラテジー"),
        ),
        (replace(WHOLE, job_types=(replace(JOB, core_category="lost"),)), Problem("category_unknown", "lost")),
        (
            replace(WHOLE, certifications=(CertificationRow("st", "試験", skills=("lost", "gone")),)),
            Problem("skill_unknown", "gone, lost"),
        ),
        (replace(WHOLE, job_types=(replace(JOB, cells=JOB.cells[:1]),)), Problem("cells_missing", "デザイナー", 1)),
        (
            replace(WHOLE, job_types=(replace(JOB, cells=(*JOB.cells, CellRow("excel", 1))),)),
            Problem("skill_unknown", "excel"),
        ),
        (
            replace(WHOLE, job_types=(replace(JOB, cells=(*JOB.cells, JOB.cells[0])),)),
            Problem("cells_repeated", "デザイナー"),
        ),
        (
            replace(WHOLE, job_types=(replace(JOB, cells=(CellRow("it_strategy", 4), JOB.cells[1])),)),
            Problem("level_unknown", "デザイナー"),
        ),
    ],
)
def test_what_stands_in_the_way_of_publishing(broken: Content, problem: Problem) -> None:
    assert problem in rules.publish_problems(broken)


def test_tools_need_no_definition_and_no_cells() -> None:
    assert TOOL.definition == ""
    assert TOOL.code not in {cell.skill for cell in JOB.cells}
    assert rules.publish_problems(WHOLE) == ()


@pytest.mark.parametrize("code", ["a", "2024", "it_strategy", "v2-1", "a" * 40])
def test_codes(code: str) -> None:
    assert rules.is_code(code)


@pytest.mark.parametrize("code", ["", "-a", "_a", "A", "a b", "あ", "a" * 41, "a\n", " a"])
def test_what_is_no_code(code: str) -> None:
    assert not rules.is_code(code)


def test_steps_of_a_version() -> None:
    assert rules.open_actions("draft") == ("edit", "publish", "discard")
    assert rules.open_actions("published") == ("copy", "retire")
    assert rules.open_actions("retired") == ("copy",)
    assert rules.open_actions("unheard") == ()


def test_content_has_one_order() -> None:
    turned = rules.content(
        categories=reversed(WHOLE.categories),
        levels=reversed(WHOLE.levels),
        items=reversed(WHOLE.items),
        job_types=reversed(WHOLE.job_types),
        certifications=reversed(WHOLE.certifications),
    )
    assert turned == WHOLE
    assert rules.fingerprint(turned, 1) == rules.fingerprint(WHOLE, 1) != rules.fingerprint(WHOLE, 2)


def test_fingerprint_sees_every_change() -> None:
    moved = replace(WHOLE, job_types=(replace(JOB, cells=(replace(JOB.cells[0], level=2), JOB.cells[1])),))
    confirmed = replace(
        WHOLE, job_types=(replace(JOB, cells=(replace(JOB.cells[0], provenance="confirmed"), JOB.cells[1])),)
    )
    assert len({rules.fingerprint(version, 1) for version in (WHOLE, moved, confirmed)}) == 3


def test_no_difference_to_itself() -> None:
    assert diff_rules.differences(WHOLE, WHOLE).count == 0


def test_differences_name_rows_fields_and_cells() -> None:
    new = rules.content(
        categories=[replace(WHOLE.categories[0], name="戦略・企画"), WHOLE.categories[1]],
        levels=[replace(LEVELS[0], definition="another"), *LEVELS[1:]],
        items=[
            replace(ITEM, level_texts=(LevelTextRow(2, "独力で", "alone"),)),
            ItemRow("ux", 3, "UX", "strategy", definition="体験"),
            TOOL,
        ],
        job_types=[replace(JOB, cells=(CellRow("it_strategy", 2, "confirmed"), CellRow("ux", 1)))],
        certifications=[replace(WHOLE.certifications[0], skills=("it_strategy", "ux"))],
    )
    found = diff_rules.differences(WHOLE, new)
    assert found.categories == (
        RowChange("changed", "strategy", "戦略・企画", (FieldChange("name", "戦略", "戦略・企画"),)),
    )
    assert found.levels == (RowChange("changed", "0", "name 0", (FieldChange("definition", "meaning 0", "another"),)),)
    assert found.items == (
        RowChange(
            "changed",
            "it_strategy",
            "ITストラテジー",
            (FieldChange("level_2", "", "独力で"), FieldChange("level_2_en", "", "alone")),
        ),
        RowChange("added", "ux", "UX"),
        RowChange("removed", "marketing", "マーケティング"),
    )
    assert found.job_types == ()
    assert found.cells == (CellChange("designer", "it_strategy", 3, 2),)
    assert found.certifications[0].fields == (FieldChange("skills", "it_strategy", "it_strategy, ux"),)
    assert found.confirmed == 1
    assert found.count == 7


def test_a_cell_that_is_missing_on_one_side_is_a_difference() -> None:
    without = replace(WHOLE, job_types=(replace(JOB, cells=JOB.cells[:1]),))
    assert diff_rules.differences(without, WHOLE).cells == (CellChange("designer", "marketing", None, 0),)
    assert diff_rules.differences(WHOLE, without).cells == (CellChange("designer", "marketing", 0, None),)


def test_provenance_and_source_alone_are_no_difference_for_readers() -> None:
    other = replace(WHOLE, items=(replace(ITEM, source="elsewhere", provenance="confirmed"), OTHER, TOOL))
    assert diff_rules.differences(WHOLE, other).count == 0
    assert other != WHOLE
