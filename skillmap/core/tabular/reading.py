"""An uploaded workbook or CSV file becomes checked rows.

`read_table` is the one way in. It raises nothing but `TabularError`; what is wrong with single cells is gathered row by
row in the result. Nothing here writes: the caller stores what it needs and applies it in its own transaction.
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

from skillmap.core.tabular._package import OLE2
from skillmap.core.tabular.columns import Column, in_all_languages
from skillmap.core.tabular.layout import (
    Layout,
    WireRow,
    check_columns,
    column_names,
    find_layout,
    merged_by_row,
    ranges,
)
from skillmap.core.tabular.limits import DEFAULT, MEGABYTE, Limits
from skillmap.core.tabular.messages import ENCODINGS
from skillmap.core.tabular.problems import Notice, RowProblem, TabularError, shown
from skillmap.core.tabular.rows import DateReading, Problems, Row, RowReader, cell_shown
from skillmap.core.tabular.sandbox import Parsed, parse

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

logger = logging.getLogger(__name__)

PREVIEW_ROWS = 5
MAX_PROBLEMS = 1_000
ENCRYPTED_PART = "EncryptedPackage".encode("utf-16-le")
HTML = (b"<html", b"<!doctype", b"<table", b"<meta", b"<?xml", b"<head", b"<body", b"<script", b"<svg")
OTHER_FILES = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"%PDF",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"\x1f\x8b",
    b"MZ",
    b"{\\rtf",
)
TEXT_ENDINGS = {".csv", ".tsv", ".txt"}
REFUSED_ENDINGS = {
    ".xls": "old_workbook",
    ".xlt": "old_workbook",
    ".xlsb": "binary_workbook",
    ".xlsm": "macros",
    ".xltm": "macros",
    ".xlam": "macros",
    ".ods": "opendocument",
}


@dataclass(slots=True)
class TableReading:
    """What was found in a file. `ok` only where every row can be taken: any problem means that nothing is applied."""

    filename: str
    digest: str  # SHA-256 of the file, hex: the same file twice is the same import
    kind: str  # "xlsx" or "csv"
    sheet: str
    encoding: str  # "utf-8-sig", "utf-8" or "cp932"; empty for a workbook
    separator: str
    layout: Layout
    rows: list[Row]
    notices: list[Notice]
    preview: list[list[str]]  # the heading row and the first rows, as read
    dates: list[DateReading]
    cpu_seconds: float
    memory_kb: float
    _problems: Problems = field(repr=False)

    @property
    def ok(self) -> bool:
        """No row has a problem."""
        return self._problems.total == 0

    @property
    def problems(self) -> list[RowProblem]:
        """Problems in the order of the file, at most as many as are kept."""
        return sorted(self._problems.kept, key=lambda problem: (problem.row, problem.position))

    @property
    def problems_total(self) -> int:
        """All problems, also those not kept."""
        return self._problems.total

    @property
    def problems_left_out(self) -> int:
        """Problems counted but not kept."""
        return self._problems.total - len(self._problems.kept)

    def has(self, key: str) -> bool:
        """Whether the file has this column; an absent one leaves what is stored alone, an empty cell clears it."""
        return key in self.layout.index

    def refuse(self, row: Row, key: str, *, reason: str, fix: str, value: str = "") -> None:
        """Add a problem that only the caller can see, such as a person who does not exist.

        Args:
            row: the row.
            key: the column to blame; an empty string for the whole row.
            reason: what is wrong, translated.
            fix: how to mend it, translated.
            value: what to show of it; mask it where it is personal (`problems.masked`).
        """
        position = self.layout.index.get(key, -1)
        row.failed.add(key)
        self._problems.add(
            RowProblem(
                row=row.number,
                column=self.layout.headers.get(position, ""),
                code="custom",
                value=value,
                key=key,
                position=position,
                custom=(reason, fix),
            )
        )


def read_table(
    source: bytes | BinaryIO,
    filename: str,
    *,
    columns: Sequence[Column],
    sheets: Sequence["StrOrPromise"] = (),
    unique: Sequence[Sequence[str]] = (),
    strict: bool = False,
    limits: Limits = DEFAULT,
    max_problems: int = MAX_PROBLEMS,
) -> TableReading:
    """Read an untrusted workbook (.xlsx) or CSV file into checked rows.

    Args:
        source: the file, or an open binary file such as an upload; not more than one byte beyond the limit is read.
        filename: its name; only the ending is used, and it must agree with the contents.
        columns: what is expected. The heading row is looked for in the first rows, notes may stand above it.
        sheets: names of which the first found is read, lazy ones in every language; if none is given, the first
            visible sheet, with a notice where there are more.
        unique: groups of column keys whose values together may appear only once; rows with an empty one do not count.
        strict: columns that are not expected refuse the file; else they are not read, with a notice.
        limits: ceilings of size, time and memory.
        max_problems: how many problems are kept; all are counted.

    Raises:
        TabularError: where the file cannot be read at all. Nothing else, whatever the file holds.
        ValueError: where `columns` contradict themselves, before the file is touched.
    """
    check_columns(columns)
    try:
        data = source if isinstance(source, bytes) else source.read(limits.file_bytes + 1)
        kind = kind_of(data, filename, limits)
        headers = {key for column in columns for key in column.header_keys}
        names = [name for sheet in sheets for name in in_all_languages(sheet)]
        parsed = parse(data, kind=kind, headers=headers, sheets=names, limits=limits)
        layout = find_layout(parsed.rows, columns, limits, strict=strict)
        reader = RowReader(
            columns,
            layout,
            problems=Problems(max_problems),
            unique=unique,
            merged=merged_by_row(parsed.facts.get("merged", ()), layout),
            date1904=parsed.facts.get("date1904", False),
            is_csv=kind == "csv",
        )
        rows = _rows(parsed, reader, limits)
    except TabularError:
        raise
    except Exception as error:
        logger.warning(
            "An uploaded table could not be read: %s.", type(error).__name__
        )  # its text could quote the file
        raise TabularError("unreadable") from error
    return TableReading(
        filename=filename,
        digest=hashlib.sha256(data).hexdigest(),
        kind=kind,
        sheet=parsed.facts.get("sheet", ""),
        encoding=parsed.facts.get("encoding", ""),
        separator=parsed.facts.get("separator", ""),
        layout=layout,
        rows=rows,
        notices=list(_notices(parsed, reader)),
        preview=_preview(parsed.rows, layout),
        dates=reader.dates,
        cpu_seconds=parsed.cpu_seconds,
        memory_kb=parsed.memory_kb,
        _problems=reader.problems,
    )


def kind_of(data: bytes, filename: str, limits: Limits = DEFAULT) -> str:
    """ "xlsx" or "csv", where ending and contents agree.

    Raises:
        TabularError: for anything else, saying what the file is as far as its first bytes tell.
    """
    if not data:
        raise TabularError("empty_file")
    if len(data) > limits.file_bytes:
        raise TabularError("file_too_big", limit=limits.file_bytes // MEGABYTE)
    ending = PurePath(filename).suffix.lower()
    beginning = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if data.startswith(OLE2):
        raise TabularError("encrypted" if ENCRYPTED_PART in data else "old_workbook")
    if beginning.startswith(HTML) and (ending in TEXT_ENDINGS or ending.startswith(".xl")):
        raise TabularError("web_page")
    if ending in REFUSED_ENDINGS:
        raise TabularError(REFUSED_ENDINGS[ending])
    if ending in TEXT_ENDINGS:
        if data.startswith(OTHER_FILES):
            raise TabularError("named_csv")
        return "csv"
    if ending != ".xlsx":
        raise TabularError("extension")
    if not data.startswith(b"PK"):
        raise TabularError("named_workbook")
    return "xlsx"


def _rows(parsed: Parsed, reader: RowReader, limits: Limits) -> list[Row]:
    lines = [line for line in parsed.rows if line[0] > reader.layout.row and reader.has_content(line)]
    if not lines:
        raise TabularError("no_rows")
    if len(lines) > limits.rows:
        raise TabularError("too_many_rows", limit=limits.rows, row=lines[limits.rows][0])
    return [reader.read(line) for line in lines]


def _notices(parsed: Parsed, reader: RowReader) -> Iterator[Notice]:
    facts, layout = parsed.facts, reader.layout
    if facts.get("other_sheets"):
        yield Notice(
            "several_sheets", {"sheet": shown(facts["sheet"]), "others": [shown(s) for s in facts["other_sheets"]]}
        )
    if facts.get("encoding") == "cp932":
        yield Notice("encoding", {"encoding": ENCODINGS["cp932"]})
    if layout.ignored:
        yield Notice("ignored_columns", {"headers": list(layout.ignored[:20])})
    if reader.without_heading:
        yield Notice("no_heading", {"columns": column_names(sorted(reader.without_heading))})
    if reader.short_rows:
        yield Notice("short_rows", {"count": reader.short_rows})
    for header in reader.number_codes:
        yield Notice("numbers_as_codes", {"header": header})
    if facts.get("date1904") and reader.has_dates:
        yield Notice("date1904")
    yield from _hidden(facts, layout)


def _hidden(facts: dict[str, Any], layout: Layout) -> Iterator[Notice]:
    rows = [number for number in facts.get("hidden_rows", ()) if number > layout.row]
    if rows:
        yield Notice("hidden_rows", {"rows": ranges(rows)})
    used = set(layout.index.values())
    columns = {
        index for first, last in facts.get("hidden_columns", ()) for index in used.intersection(range(first, last + 1))
    }
    if columns:
        yield Notice("hidden_columns", {"columns": column_names(sorted(columns))})


def _preview(rows: Sequence[WireRow], layout: Layout) -> list[list[str]]:
    lines = [line for line in rows if line[0] >= layout.row][: PREVIEW_ROWS + 1]
    return [[cell_shown(cell) for cell in line[1]] for line in lines]
