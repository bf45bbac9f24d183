"""Workbooks to fill in: the same columns that `reading.read_table` expects, with lists to choose from."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from django.utils.translation import gettext as _

from skillmap.core.tabular._wire import column_name
from skillmap.core.tabular.cells import CellValue, clean
from skillmap.core.tabular.columns import Column, Kind
from skillmap.core.tabular.writing import Book, Form, Out, Table, width_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SPARE_ROWS = 300
LONGEST_TITLE, LONGEST_MESSAGE = 32, 255  # what Excel takes for the note of a cell
FORMS = {Kind.INTEGER: Form.INTEGER, Kind.LEVEL: Form.LEVEL, Kind.DATE: Form.DATE}


def write_template(
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, CellValue]],
    lists: Mapping[str, Sequence[str]],
    target: BinaryIO,
    *,
    name: "StrOrPromise",
    notes: Sequence[str] = (),
    spare: int = SPARE_ROWS,
    made_at: dt.datetime | None = None,
) -> None:
    """Write a workbook to fill in and import again.

    The heading row marks required columns in words. A cell offers its list, refuses what cannot be read, and shows the
    column's hint when it is entered. The lists stand on a second, visible sheet.

    Args:
        columns: as given to `read_table`.
        rows: rows to begin with (last year's, for example), values by column key; choices as their label.
        lists: entries to choose from by column key, where they are not the column's own choices.
        target: an open binary file.
        name: of the sheet to fill in.
        notes: how to fill it in, one line each, above the heading row.
        spare: empty rows that are prepared below `rows`.
        made_at: the time noted in the document's properties; now by default.
    """
    offered = {column.key: list(lists.get(column.key) or _own_list(column)) for column in columns}
    offered = {key: entries for key, entries in offered.items() if entries}
    with Book(target, made_at=made_at) as book:
        sheet = book.sheet(name)
        outs = [_out(column) for column in columns]
        for index, out in enumerate(outs):
            sheet.set_column(index, index, width_of(out), book.form(out.form))
        first = book.write_notes(sheet, notes)
        for index, out in enumerate(outs):
            book.write_text(sheet, first, index, clean(out.header), book.heading)
        sheet.freeze_panes(first + 1, 0)
        last = first
        for last, row in enumerate(rows, start=first + 1):
            for index, column in enumerate(columns):
                book.write(sheet, last, index, row.get(column.key), outs[index].form)
        places = _write_lists(book, columns, offered)
        for index, column in enumerate(columns):
            sheet.data_validation(first + 1, index, last + spare, index, _validation(column, places.get(column.key)))


def _out(column: Column) -> Out:
    header = _("%(header)s (required)") % {"header": column.label} if column.required else column.label
    return Out(header, FORMS.get(column.kind, Form.TEXT), column.width)


def _own_list(column: Column) -> list[str]:
    if column.kind is Kind.CHOICE:
        return column.choice_labels()
    return ["○", "×"] if column.kind is Kind.BOOLEAN else []


def _write_lists(book: Book, columns: Sequence[Column], offered: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The sheet of lists; where each list stands, by column key."""
    if not offered:
        return {}
    listed = [column for column in columns if column.key in offered]
    longest = max(len(entries) for entries in offered.values())
    rows = [
        [offered[column.key][number] if number < len(offered[column.key]) else None for column in listed]
        for number in range(longest)
    ]
    title = _("Choices")
    book.add(Table(name=title, columns=[Out(column.label, width=30) for column in listed], rows=rows))
    places: dict[str, str] = {}
    for index, column in enumerate(listed):
        letter = f"${column_name(index)}"
        places[column.key] = f"='{title}'!{letter}$2:{letter}${len(offered[column.key]) + 1}"
    return places


def _validation(column: Column, place: str | None) -> dict[str, Any]:
    """What Excel lets be typed into the cells of a column, and what it says about it."""
    rule: dict[str, Any] = {"validate": "any"}
    if place is not None:
        rule = {"validate": "list", "source": place}
    elif column.kind is Kind.LEVEL:
        rule = {"validate": "list", "source": [str(level) for level in range(column.minimum, column.highest + 1)]}
    elif column.kind is Kind.INTEGER:
        rule = {"validate": "integer", "criteria": "between", "minimum": column.minimum, "maximum": column.highest}
    elif column.kind is Kind.DATE:
        rule = {"validate": "date", "criteria": "between", "minimum": column.earliest, "maximum": column.latest}
    elif column.kind is Kind.TEXT:
        rule = {"validate": "length", "criteria": "<=", "value": column.longest}
    rule["ignore_blank"] = True
    hint = clean(column.hint)
    if hint:
        rule |= {"input_title": column.label[:LONGEST_TITLE], "input_message": hint[:LONGEST_MESSAGE]}
    refusal = hint or _("Please choose from the list, or enter a value of the kind that the heading asks for.")
    return rule | {"error_title": column.label[:LONGEST_TITLE], "error_message": refusal[:LONGEST_MESSAGE]}
