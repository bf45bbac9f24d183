"""From located columns to checked rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from skillmap.core.tabular._wire import DATE, ERROR, FORMULA, LONG
from skillmap.core.tabular.cells import unescape
from skillmap.core.tabular.columns import Column, Kind
from skillmap.core.tabular.layout import Layout, WireRow
from skillmap.core.tabular.normalise import BadCell, RawCell, Value, as_text, normalise, trim
from skillmap.core.tabular.problems import RowProblem, masked, shown

SAMPLES = 3  # readings of dates kept for each column
REMEMBERED = 2_000  # different cells of a column whose values are not worked out twice


@dataclass(slots=True)
class Row:
    """One row of the file. A cell that could not be taken is None in `values` and named in `failed`."""

    number: int  # as the spreadsheet program counts
    values: dict[str, Value]
    failed: set[str] = field(default_factory=set)

    @property
    def ok(self) -> bool:
        """No cell failed."""
        return not self.failed


@dataclass(frozen=True, slots=True)
class DateReading:
    """How a date that was not written in ISO form was understood, to be shown before anything is applied."""

    row: int
    column: str
    written: str
    value: str


@dataclass(frozen=True, slots=True)
class Place:
    """A column and where it stands; what its cells were found to hold, for the next row with the same cell."""

    column: Column
    key: str
    position: int
    remarked: bool  # whether the reader should see how a cell was understood
    known: dict[tuple[type, RawCell], Value] = field(default_factory=dict)


class Problems:
    """Problems in the order of the file: the first `limit` kept, all counted."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self.kept: list[RowProblem] = []

    def add(self, problem: RowProblem) -> None:
        """Count it, and keep it where there is room."""
        self.total += 1
        if len(self.kept) < self.limit:
            self.kept.append(problem)


class RowReader:
    """Reads the rows below the heading row, gathering problems instead of stopping at the first."""

    def __init__(
        self,
        columns: Sequence[Column],
        layout: Layout,
        *,
        problems: Problems,
        unique: Sequence[Sequence[str]] = (),
        merged: dict[int, list[tuple[int, str]]] | None = None,
        date1904: bool = False,
        is_csv: bool = False,
    ) -> None:
        self.layout = layout
        self.problems = problems
        self.merged = merged or {}
        self.date1904 = date1904
        self.is_csv = is_csv
        self.dates: list[DateReading] = []
        self.short_rows = 0
        self.number_codes: dict[str, None] = {}  # headers, in order
        self.without_heading: set[int] = set()
        self._places = [_place(column, layout.index[column.key]) for column in columns if column.key in layout.index]
        self._absent = [column.key for column in columns if column.key not in layout.index]
        self._labels = {column.key: column.label for column in columns}
        self._unique = [tuple(keys) for keys in unique if all(key in layout.index for key in keys)]
        self._seen: dict[tuple[str, ...], dict[tuple[Value, ...], int]] = {keys: {} for keys in self._unique}
        self._samples: dict[str, int] = {}

    @property
    def has_dates(self) -> bool:
        """A column of dates is read."""
        return any(place.column.kind is Kind.DATE for place in self._places)

    def has_content(self, line: WireRow) -> bool:
        """Whether any known column is filled in this row; a running number prepared in another one does not count."""
        cells = line[1]
        width = len(cells)
        return any(place.position < width and is_filled(cells[place.position]) for place in self._places)

    def read(self, line: WireRow) -> Row:
        """One row of the file."""
        number, cells = line[0], line[1]
        row = Row(number, dict.fromkeys(self._absent))
        self._check_width(line)
        for position, address in self.merged.get(number, ()):
            self._add(number, "merged", position=position, cells=address)
            row.failed.add("")
        width = len(cells)
        for place in self._places:
            raw = cells[place.position] if place.position < width else None
            if self.is_csv and isinstance(raw, str):
                raw = unescape(raw)
            value = row.values[place.key] = self._value(row, place, raw)
            if place.remarked and value is not None:
                self._remark(number, place.column, raw, value)
        self._check_unique(row)
        return row

    def _value(self, row: Row, place: Place, raw: RawCell) -> Value:
        """The value of a cell. What a column says again and again (a grade, a day) is worked out once."""
        if isinstance(raw, list):
            return self._normalised(row, place.column, place.position, raw)
        cell = (raw.__class__, raw)  # 1, 1.0 and True are equal, and not the same
        value = place.known.get(cell)
        if value is None:
            value = self._normalised(row, place.column, place.position, raw)
            if value is not None and len(place.known) < REMEMBERED:
                place.known[cell] = value
        return value

    def _normalised(self, row: Row, column: Column, position: int, raw: RawCell) -> Value:
        try:
            return normalise(raw, column, date1904=self.date1904)
        except BadCell as bad:
            row.failed.add(column.key)
            self.problems.add(
                RowProblem(
                    row=row.number,
                    column=self.layout.headers[position],
                    code=bad.code,
                    params=bad.params,
                    value=displayed(raw, column),
                    key=column.key,
                    position=position,
                )
            )
            return None

    def _remark(self, number: int, column: Column, raw: RawCell, value: Value) -> None:
        """Note what the reader should see: dates that were interpreted, codes that came as numbers."""
        if column.kind is not Kind.DATE:
            if isinstance(raw, int | float):
                self.number_codes[self._labels[column.key]] = None
            return
        if isinstance(raw, list) and raw[0] == DATE and not self.date1904:
            return
        written, count = shown(as_text(raw)), self._samples.get(column.key, 0)
        if written != str(value) and count < SAMPLES:
            self._samples[column.key] = count + 1
            self.dates.append(DateReading(number, self._labels[column.key], written, str(value)))

    def _check_width(self, line: WireRow) -> None:
        number, cells = line[0], line[1]
        for position, cell in enumerate(cells):
            if position not in self.layout.headers and is_filled(cell):
                self.without_heading.add(position)
        if len(line) <= 2:
            return
        if len(cells) > self.layout.width:
            self._add(number, "extra_cells", found=len(cells), expected=self.layout.width)
        elif line[2] < self.layout.width:
            self.short_rows += 1

    def _check_unique(self, row: Row) -> None:
        for keys in self._unique:
            values = tuple(row.values[key] for key in keys)
            if any(value is None for value in values):
                continue
            first = self._seen[keys].setdefault(values, row.number)
            if first != row.number:
                row.failed.update(keys)
                names = [self._labels[key] for key in keys]
                position = self.layout.index[keys[0]]
                self._add(row.number, "duplicate", position=position, columns=names, rows=[first, row.number])

    def _add(self, number: int, code: str, position: int = -1, **params: Any) -> None:
        header = self.layout.headers.get(position, "")
        self.problems.add(RowProblem(row=number, column=header, code=code, params=params, position=position))


def _place(column: Column, position: int) -> Place:
    remarked = column.kind is Kind.DATE or (column.kind is Kind.CODE and column.digits is None)
    return Place(column, column.key, position, remarked)


def is_filled(raw: RawCell) -> bool:
    """Whether a cell holds more than white space."""
    return bool(trim(raw)) if isinstance(raw, str) else raw is not None


def cell_shown(raw: RawCell) -> str:
    """A cell as read, for a preview; formulas and overlong texts have no value to show."""
    if raw is None or (isinstance(raw, list) and raw[0] in {FORMULA, LONG}):
        return ""
    return shown(as_text(raw))


def displayed(raw: RawCell, column: Column) -> str:
    """A refused value for the report: masked where it may be personal, or where an address stands in a wrong column."""
    text = cell_shown(raw)
    if isinstance(raw, list) and raw[0] == ERROR:
        return text
    return masked(text) if column.is_personal or "@" in text else shown(text, 20)
