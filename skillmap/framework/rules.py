"""What a version of the framework holds, and when it may be published: values in, values out.

A version is one `Content`, the same whether it was read from tables, from the database or from a draft.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LEVELS = (0, 1, 2, 3)
DIGITAL, TOOL = "digital", "tool"
SEEN, INFERRED, CONFIRMED = "seen", "inferred", "confirmed"
PROVENANCES = (SEEN, INFERRED, CONFIRMED)
DRAFT, PUBLISHED, RETIRED = "draft", "published", "retired"
CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")

# What may be done with a version in a state; the buttons of the page.
ACTIONS = {
    DRAFT: ("edit", "publish", "discard"),
    PUBLISHED: ("copy", "retire"),
    RETIRED: ("copy",),
}


def open_actions(state: str) -> tuple[str, ...]:
    """What the secretariat may do with a version in this state; nothing for an unknown one."""
    return ACTIONS.get(state, ())


def is_code(value: str) -> bool:
    """Whether a text may be a code: a-z, 0-9, _ and -, at most 40 characters, a letter or digit first."""
    return CODE.fullmatch(value) is not None


# ------------------------------------------------------------------------------------------- what a version holds


@dataclass(frozen=True)
class CategoryRow:
    """分類."""

    code: str
    name: str
    sort_order: int
    name_en: str = ""
    kind: str = DIGITAL
    source: str = ""


@dataclass(frozen=True)
class LevelRow:
    """A level and what it means in general; `label` is its short form, such as Lv.2."""

    level: int
    label: str
    name: str
    definition: str
    name_en: str = ""
    definition_en: str = ""
    source: str = ""


@dataclass(frozen=True)
class LevelTextRow:
    """What a level means for one item."""

    level: int
    text: str
    text_en: str = ""
    provenance: str = INFERRED
    source: str = ""


@dataclass(frozen=True)
class ItemRow:
    """スキル項目; `category` is a category's code."""

    code: str
    number: int
    name: str
    category: str
    kind: str = DIGITAL
    name_en: str = ""
    definition: str = ""
    definition_en: str = ""
    provenance: str = SEEN
    source: str = ""
    level_texts: tuple[LevelTextRow, ...] = ()


@dataclass(frozen=True)
class CellRow:
    """The level at which a job type asks for the item with the code `skill`."""

    skill: str
    level: int
    provenance: str = INFERRED
    source: str = ""
    note: str = ""


@dataclass(frozen=True)
class JobTypeRow:
    """ジョブタイプ with one cell for each digital item; `core_category` is a code or empty."""

    code: str
    name: str
    definition: str
    sort_order: int
    name_en: str = ""
    definition_en: str = ""
    core_category: str = ""
    name_provenance: str = INFERRED
    definition_provenance: str = INFERRED
    source: str = ""
    note: str = ""
    cells: tuple[CellRow, ...] = ()


@dataclass(frozen=True)
class CertificationRow:
    """An exam and the codes of the items that it is evidence for."""

    code: str
    name: str
    name_en: str = ""
    issuer: str = ""
    grade: str = ""
    provenance: str = SEEN
    source: str = ""
    note: str = ""
    skills: tuple[str, ...] = ()


@dataclass(frozen=True)
class Content:
    """All that a version holds, in its one order (see `content`), so that two versions can be compared."""

    categories: tuple[CategoryRow, ...] = ()
    levels: tuple[LevelRow, ...] = ()
    items: tuple[ItemRow, ...] = ()
    job_types: tuple[JobTypeRow, ...] = ()
    certifications: tuple[CertificationRow, ...] = ()

    def digital_codes(self) -> tuple[str, ...]:
        """Codes of the items that job types ask for, in the order of their numbers."""
        return tuple(item.code for item in self.items if item.kind == DIGITAL)


def content(
    *,
    categories: Iterable[CategoryRow] = (),
    levels: Iterable[LevelRow] = (),
    items: Iterable[ItemRow] = (),
    job_types: Iterable[JobTypeRow] = (),
    certifications: Iterable[CertificationRow] = (),
) -> Content:
    """Put the rows into their one order: by kind and number or by place, then by code."""
    return Content(
        categories=tuple(sorted(categories, key=lambda row: (row.sort_order, row.code))),
        levels=tuple(sorted(levels, key=lambda row: row.level)),
        items=tuple(sorted(items, key=lambda row: (row.kind, row.number, row.code))),
        job_types=tuple(sorted(job_types, key=lambda row: (row.sort_order, row.code))),
        certifications=tuple(sorted(certifications, key=lambda row: row.code)),
    )


def fingerprint(content: Content, changes: int) -> str:
    """A short text that differs when anything in a version differs: what somebody saw before publishing it.

    Args:
        changes: how often its own name and note have changed, which stand beside the content.
    """
    return hashlib.sha256(repr((content, changes)).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Defaults:
    """How much of a version is still our default, and not the government's own."""

    cells: int
    job_types: int
    level_texts: int
    items: int
    translation: bool = False

    @property
    def total(self) -> int:
        """All values that wait for the secretariat, the translation counting as one."""
        return self.cells + self.job_types + self.level_texts + self.items + self.translation


def defaults_in(version: Content) -> Defaults:
    """Count what nobody has confirmed yet; the translation is none of the content."""
    return Defaults(
        cells=sum(cell.provenance == INFERRED for row in version.job_types for cell in row.cells),
        job_types=sum(INFERRED in (row.name_provenance, row.definition_provenance) for row in version.job_types),
        level_texts=sum(text.provenance == INFERRED for row in version.items for text in row.level_texts),
        items=sum(row.provenance == INFERRED for row in version.items),
    )


# --------------------------------------------------------------------------------------- may it be published?


@dataclass(frozen=True)
class Problem:
    """Why a version cannot be published: a stable `code`, and what it is about."""

    code: str
    about: str = ""
    count: int = 0


def publish_problems(version: Content) -> tuple[Problem, ...]:
    """Everything that stands in the way of publishing; empty when a version is whole."""
    return (
        *_missing_parts(version),
        *_repeated(version),
        *_loose_ends(version),
        *_cell_problems(version),
    )


def _missing_parts(version: Content) -> Iterable[Problem]:
    if not version.items:
        yield Problem("no_items")
    if tuple(row.level for row in version.levels) != LEVELS:
        yield Problem("levels_incomplete")
    for item in version.items:
        if not item.name:
            yield Problem("name_missing", item.code)
        if item.kind == DIGITAL and not item.definition:
            yield Problem("definition_missing", item.name or item.code)
    for job_type in version.job_types:
        if not job_type.name or not job_type.definition:
            yield Problem("job_type_text_missing", job_type.name or job_type.code)
    used = {item.category for item in version.items}
    for category in version.categories:
        if category.code not in used:
            yield Problem("category_empty", category.name)


def _repeated(version: Content) -> Iterable[Problem]:
    for (_kind, number), count in Counter((item.kind, item.number) for item in version.items).items():
        if count > 1:
            yield Problem("number_repeated", str(number), count)
    rows: tuple[Sequence[CategoryRow | ItemRow | JobTypeRow | CertificationRow], ...] = (
        version.categories,
        version.items,
        version.job_types,
        version.certifications,
    )
    for table in rows:
        for code, count in Counter(row.code for row in table).items():
            if count > 1:
                yield Problem("code_repeated", code, count)
            if not is_code(code):
                yield Problem("code_unusable", code)


def _loose_ends(version: Content) -> Iterable[Problem]:
    kinds = {category.code: category.kind for category in version.categories}
    known = {item.code for item in version.items}
    for item in version.items:
        if item.category not in kinds:
            yield Problem("category_unknown", item.category)
        elif kinds[item.category] != item.kind:
            yield Problem("category_of_other_kind", item.name)
        if any(text.level not in LEVELS for text in item.level_texts):
            yield Problem("level_unknown", item.name)
    for job_type in version.job_types:
        if job_type.core_category and job_type.core_category not in kinds:
            yield Problem("category_unknown", job_type.core_category)
    for certification in version.certifications:
        if lost := set(certification.skills) - known:
            yield Problem("skill_unknown", ", ".join(sorted(lost)))


def _cell_problems(version: Content) -> Iterable[Problem]:
    wanted = set(version.digital_codes())
    for job_type in version.job_types:
        cells = Counter(cell.skill for cell in job_type.cells)
        if missing := wanted - set(cells):
            yield Problem("cells_missing", job_type.name, len(missing))
        if lost := set(cells) - wanted:
            yield Problem("skill_unknown", ", ".join(sorted(lost)))
        if any(count > 1 for count in cells.values()):
            yield Problem("cells_repeated", job_type.name)
        if any(cell.level not in LEVELS for cell in job_type.cells):
            yield Problem("level_unknown", job_type.name)
