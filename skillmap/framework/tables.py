"""Read a version of the framework from a folder of CSV files; docs/framework.md describes their columns.

UTF-8 with or without a byte order mark. What cannot be read is refused with the file, the line and the column.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from skillmap.core.errors import RuleViolation
from skillmap.framework import rules

# What each file must have; the files of the second group may be missing.
REQUIRED = {
    "skill_categories.csv": ("sort_order", "code", "name", "source"),
    "skill_levels.csv": ("level", "label", "name", "definition", "source"),
    "skills.csv": ("number", "code", "category_code", "name", "definition", "source"),
}
OPTIONAL = {
    "job_types.csv": (
        "sort_order",
        "code",
        "name",
        "name_provenance",
        "definition",
        "definition_provenance",
        "core_category_code",
        "source",
        "note",
    ),
    "job_type_requirements.csv": ("job_type_code", "skill_code", "level", "provenance", "source", "note"),
    "certifications.csv": ("code", "exam", "issuer", "grade", "skill_code", "provenance", "source", "note"),
    "digital_tools.csv": ("sort_order", "code", "category_code", "category", "name", "provenance", "source"),
    "digital_tool_levels.csv": ("tool_code", "level", "text", "text_en", "provenance", "source"),
    "framework_en.csv": ("table", "code", "name_en", "definition_en"),
}
COLUMNS = REQUIRED | OPTIONAL


@dataclass(frozen=True)
class Line:
    """One row of a file, with where it stands."""

    file: str
    number: int
    values: Mapping[str, str]

    def text(self, column: str) -> str:
        """The cell without spaces around it; empty where the row is too short."""
        return (self.values.get(column) or "").strip()

    def needed(self, column: str) -> str:
        """The cell; RuleViolation where it is empty."""
        return self.text(column) or self._refuse(column, _("is empty"))

    def whole(self, column: str) -> int:
        """The cell as a whole number of at most four digits; RuleViolation where it is none."""
        value = self.text(column)
        if not (value.isascii() and value.isdigit() and len(value) <= 4):
            self._refuse(column, _("is not a whole number"))
        return int(value)

    def one_of(self, column: str, allowed: tuple[str, ...]) -> str:
        """The cell; RuleViolation where it is none of the allowed words."""
        value = self.text(column)
        return value if value in allowed else self._refuse(column, _("must be one of: ") + ", ".join(allowed))

    def level(self) -> int:
        """The column `level`, 0 to 3."""
        return int(self.one_of("level", tuple(map(str, rules.LEVELS))))

    def _refuse(self, column: str, what: str) -> str:
        words = _("%(file)s, line %(line)s, column %(column)s %(what)s. Nothing was loaded.")
        raise RuleViolation(
            words % {"file": self.file, "line": self.number, "column": column, "what": what}, code="table_invalid"
        )


@dataclass(frozen=True)
class English:
    """Names and definitions in English, by table and code."""

    rows: Mapping[tuple[str, str], Line]

    def name(self, table: str, code: str) -> str:
        """The name, or an empty text."""
        return self._text(table, code, "name_en")

    def definition(self, table: str, code: str) -> str:
        """The definition, or an empty text."""
        return self._text(table, code, "definition_en")

    def _text(self, table: str, code: str, column: str) -> str:
        line = self.rows.get((table, code))
        return line.text(column) if line else ""


def content_from(folder: Path) -> rules.Content:
    """All that the files of a folder hold; RuleViolation for a missing file or an unreadable cell."""
    english = English({(line.text("table"), line.text("code")): line for line in _lines(folder, "framework_en.csv")})
    digital = list(_categories(folder, english))
    tools = list(_tool_categories(folder, english, first=len(digital) + 1))
    return rules.content(
        categories=[*digital, *tools],
        levels=_levels(folder, english),
        items=[*_skills(folder, english), *_tools(folder, english)],
        job_types=_job_types(folder, english),
        certifications=_certifications(folder, english),
    )


def _lines(folder: Path, name: str) -> Iterator[Line]:
    path = folder / name
    if not path.is_file():
        if name in OPTIONAL:
            return
        words = _("The file %(file)s is missing. Nothing was loaded.")
        raise RuleViolation(words % {"file": str(path)}, code="table_missing")
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            yield from _read(file, name)
        except (UnicodeDecodeError, csv.Error) as error:
            words = _("%(file)s cannot be read as CSV in UTF-8. Nothing was loaded.")
            raise RuleViolation(words % {"file": name}, code="table_invalid") from error


def _read(file: Iterator[str], name: str) -> Iterator[Line]:
    reader = csv.DictReader(file, strict=True)
    missing = [column for column in COLUMNS[name] if column not in (reader.fieldnames or ())]
    if missing:
        words = _("%(file)s lacks the columns %(columns)s. Nothing was loaded.")
        raise RuleViolation(words % {"file": name, "columns": ", ".join(missing)}, code="table_invalid")
    for row in reader:
        yield Line(name, reader.line_num, row)


def _no_strays(file: str, column: str, found: Iterable[str], lines: Iterable[Line]) -> None:
    """RuleViolation where a file names a code that the table it belongs to does not have."""
    if strays := sorted(set(found) - {line.text("code") for line in lines}):
        words = _("%(file)s, column %(column)s names codes that do not exist: %(codes)s. Nothing was loaded.")
        raise RuleViolation(words % {"file": file, "column": column, "codes": ", ".join(strays)}, code="table_invalid")


def _categories(folder: Path, english: English) -> Iterator[rules.CategoryRow]:
    for line in _lines(folder, "skill_categories.csv"):
        code = line.needed("code")
        yield rules.CategoryRow(
            code=code,
            name=line.needed("name"),
            name_en=english.name("category", code),
            sort_order=line.whole("sort_order"),
            source=line.text("source"),
        )


def _tool_categories(folder: Path, english: English, *, first: int) -> Iterator[rules.CategoryRow]:
    seen: dict[str, Line] = {}
    for line in _lines(folder, "digital_tools.csv"):
        seen.setdefault(line.needed("category_code"), line)
    for place, (code, line) in enumerate(seen.items(), start=first):
        yield rules.CategoryRow(
            code=code,
            name=line.needed("category"),
            name_en=english.name("category", code),
            kind=rules.TOOL,
            sort_order=place,
            source=line.text("source"),
        )


def _levels(folder: Path, english: English) -> Iterator[rules.LevelRow]:
    for line in _lines(folder, "skill_levels.csv"):
        level = line.level()
        yield rules.LevelRow(
            level=level,
            label=line.needed("label"),
            name=line.needed("name"),
            name_en=english.name("level", str(level)),
            definition=line.needed("definition"),
            definition_en=english.definition("level", str(level)),
            source=line.text("source"),
        )


def _skills(folder: Path, english: English) -> Iterator[rules.ItemRow]:
    for line in _lines(folder, "skills.csv"):
        code = line.needed("code")
        yield rules.ItemRow(
            code=code,
            number=line.whole("number"),
            name=line.needed("name"),
            name_en=english.name("skill", code),
            category=line.needed("category_code"),
            definition=line.needed("definition"),
            definition_en=english.definition("skill", code),
            provenance=rules.SEEN if line.text("source") else rules.INFERRED,
            source=line.text("source"),
        )


def _tools(folder: Path, english: English) -> Iterator[rules.ItemRow]:
    texts: dict[str, list[rules.LevelTextRow]] = {}
    for line in _lines(folder, "digital_tool_levels.csv"):
        row = rules.LevelTextRow(
            level=line.level(),
            text=line.needed("text"),
            text_en=line.text("text_en"),
            provenance=line.one_of("provenance", rules.PROVENANCES),
            source=line.text("source"),
        )
        texts.setdefault(line.needed("tool_code"), []).append(row)
    lines = list(_lines(folder, "digital_tools.csv"))
    _no_strays("digital_tool_levels.csv", "tool_code", texts, lines)
    for line in lines:
        code = line.needed("code")
        yield rules.ItemRow(
            code=code,
            number=line.whole("sort_order"),
            name=line.needed("name"),
            name_en=english.name("skill", code),
            category=line.needed("category_code"),
            kind=rules.TOOL,
            definition_en=english.definition("skill", code),
            provenance=line.one_of("provenance", rules.PROVENANCES),
            source=line.text("source"),
            level_texts=tuple(sorted(texts.get(code, ()), key=lambda row: row.level)),
        )


def _job_types(folder: Path, english: English) -> Iterator[rules.JobTypeRow]:
    order = {line.text("code"): line.whole("number") for line in _lines(folder, "skills.csv")}
    cells: dict[str, list[rules.CellRow]] = {}
    for line in _lines(folder, "job_type_requirements.csv"):
        cell = rules.CellRow(
            skill=line.needed("skill_code"),
            level=line.level(),
            provenance=line.one_of("provenance", rules.PROVENANCES),
            source=line.text("source"),
            note=line.text("note"),
        )
        cells.setdefault(line.needed("job_type_code"), []).append(cell)
    lines = list(_lines(folder, "job_types.csv"))
    _no_strays("job_type_requirements.csv", "job_type_code", cells, lines)
    for line in lines:
        code = line.needed("code")
        yield rules.JobTypeRow(
            code=code,
            name=line.needed("name"),
            name_en=english.name("job_type", code),
            definition=line.needed("definition"),
            definition_en=english.definition("job_type", code),
            core_category=line.text("core_category_code"),
            sort_order=line.whole("sort_order"),
            name_provenance=line.one_of("name_provenance", rules.PROVENANCES),
            definition_provenance=line.one_of("definition_provenance", rules.PROVENANCES),
            source=line.text("source"),
            note=line.text("note"),
            cells=tuple(sorted(cells.get(code, ()), key=lambda cell: order.get(cell.skill, 0))),
        )


def _certifications(folder: Path, english: English) -> Iterator[rules.CertificationRow]:
    exams: dict[str, list[Line]] = {}
    for line in _lines(folder, "certifications.csv"):
        exams.setdefault(line.needed("code"), []).append(line)
    for code, rows in exams.items():
        first = rows[0]
        yield rules.CertificationRow(
            code=code,
            name=first.needed("exam"),
            name_en=english.name("certification", code),
            issuer=first.text("issuer"),
            grade=first.text("grade"),
            provenance=first.one_of("provenance", rules.PROVENANCES),
            source=first.text("source"),
            note=first.text("note"),
            skills=tuple(sorted(row.text("skill_code") for row in rows if row.text("skill_code"))),
        )
