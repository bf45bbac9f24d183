"""Where in a file the expected columns stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from skillmap.core.tabular._wire import cell_name, column_name
from skillmap.core.tabular.columns import Column
from skillmap.core.tabular.keys import header_key
from skillmap.core.tabular.limits import Limits
from skillmap.core.tabular.normalise import as_text
from skillmap.core.tabular.problems import TabularError, shown

WireRow = list[Any]  # [row number, [cells], number of cells before trailing empty ones were dropped (CSV only)]
Merged = Sequence[Sequence[int]]  # (first row, first column, last row, last column), rows from 1, columns from 0


@dataclass(frozen=True, slots=True)
class Layout:
    """The heading row of a file, and at which index each known column stands."""

    row: int
    width: int  # cells of the heading row
    index: dict[str, int]  # by the column's key
    headers: dict[int, str]  # as they stand in the file, by index
    ignored: tuple[str, ...]


def check_columns(columns: Sequence[Column]) -> None:
    """A table's own definition must be unambiguous.

    Raises:
        ValueError: where a header, in any language, could mean two columns; a mistake of the program, not of a user.
    """
    owner: dict[str, str] = {}
    for column in columns:
        for key in column.header_keys:
            if owner.setdefault(key, column.key) != column.key:
                raise ValueError(f"The header {key!r} could mean {owner[key]} or {column.key}.")
        if column.choices:
            _ = column.codes_by_label


def find_layout(rows: Sequence[WireRow], columns: Sequence[Column], limits: Limits, *, strict: bool) -> Layout:
    """The heading row is the one among the first rows in which most columns are found; notes may stand above it.

    Raises:
        TabularError: where none is found, a needed column is missing or there twice, or (strict) one is unknown.
    """
    by_key = {key: column for column in columns for key in column.header_keys}
    candidates = list(rows[: limits.header_rows])
    if not candidates:
        raise TabularError("empty_file")
    best = max(candidates, key=lambda row: len(_matches(row, by_key)))  # the first of equals
    if not _matches(best, by_key):
        # What stands there instead is not quoted: without headings it may well be somebody's name.
        raise TabularError("no_header", expected=[column.label for column in columns[:10]])
    layout = _layout_of(best, by_key)
    missing = [column.label for column in columns if column.must_be_there and column.key not in layout.index]
    if missing:
        raise TabularError("missing_headers", missing=missing, row=layout.row)
    if strict and layout.ignored:
        raise TabularError("unknown_headers", unknown=list(layout.ignored[:10]), row=layout.row)
    return layout


def _header(cell: Any) -> str:
    return "" if cell is None or isinstance(cell, list) else shown(as_text(cell))


def _key(cell: Any) -> str:
    return "" if cell is None or isinstance(cell, list) else header_key(as_text(cell)[:200])


def _matches(row: WireRow, by_key: dict[str, Column]) -> set[str]:
    return {by_key[key].key for key in map(_key, row[1]) if key in by_key}


def _layout_of(row: WireRow, by_key: dict[str, Column]) -> Layout:
    number, cells = row[0], row[1]
    index: dict[str, int] = {}
    headers: dict[int, str] = {}
    ignored: list[str] = []
    for position, cell in enumerate(cells):
        text = _header(cell)
        if not text:
            continue
        headers[position] = text
        column = by_key.get(_key(cell))
        if column is None:
            ignored.append(text)
        elif column.key in index:
            places = [cell_name(number, index[column.key]), cell_name(number, position)]
            raise TabularError("duplicate_headers", header=text, cells=places)
        else:
            index[column.key] = position
    width = row[2] if len(row) > 2 else len(cells)
    return Layout(row=number, width=width, index=index, headers=headers, ignored=tuple(ignored))


def range_name(area: Sequence[int]) -> str:
    """The address of merged cells, such as B3:B5."""
    return f"{cell_name(area[0], area[1])}:{cell_name(area[2], area[3])}"


def merged_by_row(merged: Merged, layout: Layout) -> dict[int, list[tuple[int, str]]]:
    """Merged cells among the data of known columns: by their first row, (first column, address).

    Raises:
        TabularError: where cells of the heading row are merged. Titles above it may be.
    """
    used = set(layout.index.values())
    found: dict[int, list[tuple[int, str]]] = {}
    for area in merged:
        touched = used.intersection(range(area[1], min(area[3], area[1] + 1000) + 1))
        if not touched or area[2] < layout.row:
            continue
        if area[0] <= layout.row:
            raise TabularError("merged_header", cells=range_name(area), row=layout.row)
        found.setdefault(area[0], []).append((min(touched), range_name(area)))
    return found


def ranges(numbers: Sequence[int]) -> list[str]:
    """Row numbers for people: 3, 5-9, 12; at most ten parts and an ellipsis."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in parts[:10]]
    return texts + ["…"] * (len(parts) > 10)


def column_names(indexes: Sequence[int]) -> list[str]:
    """Column letters for people."""
    return [column_name(index) for index in indexes[:10]] + ["…"] * (len(indexes) > 10)
