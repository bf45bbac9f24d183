"""All exports: workbooks and CSV from the same description of a table, every cell through `cells`.

Both writers take rows as they come and keep none of them: memory stays flat however long the table is.
"""

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, BinaryIO

import xlsxwriter
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from skillmap.core.clock import TOKYO
from skillmap.core.tabular.cells import CellValue, PlainValue, clean, csv_text, escape, looks_like_formula, plain
from skillmap.core.tabular.lines import ColumnCells, LineSheet

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

CSV_ROWS = 500  # rows in one piece of a CSV answer
FORBIDDEN_IN_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
LONGEST_NAME = 31
UTF8_BOM = b"\xef\xbb\xbf"
WIDEST = 60


class Form(StrEnum):
    """How a column of an export looks; the values themselves stay what they are."""

    TEXT = "text"
    INTEGER = "integer"
    LEVEL = "level"
    DECIMAL = "decimal"
    PERCENT = "percent"  # of a share: 0.25 is shown as 25.0%
    DATE = "date"
    TIME = "time"


NUMBER_FORMATS = {
    Form.TEXT: "@",  # what is typed there later stays text too
    Form.INTEGER: "#,##0",
    Form.LEVEL: "0",
    Form.DECIMAL: "#,##0.00",
    Form.PERCENT: "0.0%",
    Form.DATE: "yyyy-mm-dd",
    Form.TIME: "yyyy-mm-dd hh:mm",
}
WIDTHS = {
    Form.TEXT: 18,
    Form.INTEGER: 10,
    Form.LEVEL: 8,
    Form.DECIMAL: 10,
    Form.PERCENT: 10,
    Form.DATE: 12,
    Form.TIME: 17,
}


@dataclass(frozen=True, slots=True)
class Out:
    """One column of an export: its header, form, and width in characters (by default by form and header)."""

    header: "StrOrPromise"
    form: Form = Form.TEXT
    width: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table to write.

    Args:
        name: of the sheet.
        columns: of the table.
        rows: as many values a row as there are columns; consumed once.
        notes: lines above the heading row: purpose, time, filters; see `notes_for`.
    """

    name: "StrOrPromise"
    columns: Sequence[Out]
    rows: Iterable[Sequence[CellValue]]
    notes: Sequence[str] = ()


def purpose_note() -> str:
    """The sentence that every list of named people carries."""
    return _("For developing people. Use for personnel evaluation is forbidden.")


def notes_for(
    *,
    made_at: dt.datetime | None = None,
    filters: Mapping[str, object] | None = None,
    purpose: bool = True,
    more: Sequence[str] = (),
) -> list[str]:
    """The lines above a table: the purpose sentence, when it was made (Tokyo time), what it was filtered by.

    Args:
        made_at: aware; now by default.
        filters: label to value as people read them; empty values are left out.
        purpose: whether the table is about people.
        more: further lines, such as the framework version or the number of the run.
    """
    moment = (made_at or timezone.now()).astimezone(TOKYO).strftime("%Y-%m-%d %H:%M")
    lines = [purpose_note()] if purpose else []
    lines.append(_("Made on: %(moment)s (Japan time)") % {"moment": moment})
    given = {label: value for label, value in (filters or {}).items() if value not in (None, "")}
    if given:
        separator = pgettext("between the items of a list", ", ")
        shown = separator.join(f"{label}={value}" for label, value in given.items())
        lines.append(_("Filters: %(filters)s") % {"filters": shown})
    return [*lines, *more]


def write_csv(table: Table) -> Iterator[bytes]:
    """The table as CSV in UTF-8 with mark (which Excel needs), in pieces for a streaming answer.

    The notes come first, one a line, then an empty line, the headers, the rows.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    buffer.write("\ufeff")
    for note in table.notes:
        writer.writerow([escape(clean(note))])
    if table.notes:
        buffer.write("\r\n")
    writer.writerow([escape(clean(column.header)) for column in table.columns])
    for count, row in enumerate(table.rows, start=1):
        writer.writerow([csv_text(value) for value in row])
        if count % CSV_ROWS == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    """What the buffer holds; empties it."""
    piece = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return piece


def write_xlsx(tables: Iterable[Table], target: BinaryIO, *, made_at: dt.datetime | None = None) -> None:
    """Write a workbook, one sheet a table, row by row (`constant_memory`).

    There is no author, no hidden sheet, no defined name, no link and no formula in it. The heading row is frozen.

    Args:
        tables: one or more.
        target: an open binary file, such as a temporary file or BytesIO.
        made_at: the time noted in the document's properties; now by default. With the same rows and time the bytes
            are the same.
    """
    with Book(target, made_at=made_at) as book:
        for table in tables:
            book.add(table)


class Book:
    """A workbook being written."""

    def __init__(self, target: BinaryIO, *, made_at: dt.datetime | None = None) -> None:
        options = {
            "constant_memory": True,
            "strings_to_urls": False,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
        }
        self._book = xlsxwriter.Workbook(target, options)
        moment = (made_at or timezone.now()).astimezone(dt.UTC).replace(tzinfo=None, microsecond=0)
        self._book.set_properties({"author": "", "created": moment})
        self._names: set[str] = set()
        self._formats: dict[tuple[str, bool], Any] = {}
        self.heading = self._book.add_format(
            {"bold": True, "bg_color": "#E8F1FE", "bottom": 1, "text_wrap": True, "valign": "top", "num_format": "@"}
        )
        self.note = self._book.add_format({"font_color": "#4D4D4D"})

    def __enter__(self) -> "Book":
        return self

    def __exit__(self, *_error: object) -> None:
        self._book.close()

    def form(self, form: Form, *, quoted: bool = False) -> Any:
        """The cell format of a form; `quoted` marks text that must never be taken for a formula."""
        key = (form.value, quoted)
        if key not in self._formats:
            properties = {"num_format": NUMBER_FORMATS[form], "quote_prefix": quoted, "valign": "top"}
            self._formats[key] = self._book.add_format(properties)
        return self._formats[key]

    def sheet(self, name: object) -> LineSheet:
        """A new sheet; a name that is taken, empty or too long is changed."""
        base = FORBIDDEN_IN_NAME.sub(" ", clean(name)).strip(" '")[:LONGEST_NAME] or "Sheet"
        candidate, count = base, 1
        while candidate.casefold() in self._names or candidate.casefold() == "history":
            count += 1
            candidate = f"{base[: LONGEST_NAME - 4]} ({count})"
        self._names.add(candidate.casefold())
        sheet: LineSheet = self._book.add_worksheet(candidate, worksheet_class=LineSheet)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        return sheet

    def add(self, table: Table) -> LineSheet:
        """Write one table into a sheet of its own, which is returned."""
        sheet = self.sheet(table.name)
        for index, column in enumerate(table.columns):
            sheet.set_column(index, index, width_of(column), self.form(column.form))
        first = self.write_notes(sheet, table.notes)
        for index, column in enumerate(table.columns):
            self.write_text(sheet, first, index, clean(column.header), self.heading)
        sheet.freeze_panes(first + 1, 0)
        if table.notes:
            sheet.set_header("&L" + clean(table.notes[0]).replace("&", "&&")[:200])
        cells = [self._cells(sheet, index, column.form) for index, column in enumerate(table.columns)]
        sheet.begin_lines(first + 1)
        for number, row in enumerate(table.rows, start=first + 1):
            line = str(number + 1)
            found = [column.cell(line, value) for column, value in zip(cells, row, strict=True)]
            sheet.write_line(number, "".join(found))
        return sheet

    def _cells(self, sheet: LineSheet, index: int, form: Form) -> ColumnCells:
        """What makes the cells of a column."""
        return ColumnCells(sheet, index, lambda cell: int(self._look(cell, form)._get_xf_index()))

    def write_notes(self, sheet: Any, notes: Sequence[str]) -> int:
        """Write the lines above a table; the index of the row where the table begins."""
        for number, note in enumerate(notes):
            self.write_text(sheet, number, 0, clean(note), self.note)
        return len(notes) + 1 if notes else 0

    def write(self, sheet: Any, row: int, column: int, value: CellValue, form: Form) -> None:
        """One cell. Text is always written as text, whatever it looks like."""
        cell = plain(value)
        if cell is None or cell == "":
            return
        look = self._look(cell, form)
        if isinstance(cell, bool):
            sheet.write_string(row, column, csv_text(cell), look)
        elif isinstance(cell, str):
            sheet.write_string(row, column, cell, look)
        elif isinstance(cell, dt.date):
            sheet.write_datetime(row, column, cell, look)
        else:
            sheet.write_number(row, column, cell, look)

    def _look(self, cell: PlainValue, form: Form) -> Any:
        """The cell format of a value in a column of a form."""
        if isinstance(cell, str):
            return self.form(Form.TEXT, quoted=looks_like_formula(cell))
        if isinstance(cell, bool):
            return self.form(Form.TEXT)
        if isinstance(cell, dt.date):
            return self.form(Form.TIME if isinstance(cell, dt.datetime) else Form.DATE)
        return self.form(_number_form(form))

    def write_text(self, sheet: Any, row: int, column: int, text: str, form: Any) -> None:
        """Text of the frame (notes, headers); what looks like a formula gets the quote prefix."""
        sheet.write_string(row, column, text, self.form(Form.TEXT, quoted=True) if looks_like_formula(text) else form)


def _number_form(form: Form) -> Form:
    """How a number looks in a column of a form; plain where the column is for something else."""
    return form if form not in {Form.TEXT, Form.DATE, Form.TIME} else Form.LEVEL


def width_of(column: Out) -> int:
    """Characters: as given, else wide enough for the form and most of the header (a full-width letter counts two)."""
    if column.width is not None:
        return column.width
    header = sum(2 if ord(letter) > 0xFF else 1 for letter in str(column.header))
    return min(max(WIDTHS[column.form], header + 2), WIDEST // 2)
