"""The cells of a long table, made where the writer of workbooks would take several steps for each.

The writer's own way notes every cell, then looks up what kind it is and which look it has, one by one; in a list of a
hundred thousand people that takes longer than reading them. Here a column knows its look, and a row is written at once.
What stands in the file is the same, byte by byte.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

from xlsxwriter.worksheet import Worksheet

from skillmap.core.tabular._wire import column_name
from skillmap.core.tabular.cells import LONGEST, CellValue, PlainValue, csv_text, plain

REMEMBERED = 1_000  # different values of a column whose cells are not worked out twice
SHORT = 200  # characters of a cell that is worth remembering


class LineSheet(Worksheet):
    """A sheet that takes whole rows as well."""

    def begin_lines(self, row: int) -> None:
        """Before the first whole row: what was written cell by cell goes into the file, with the looks it needs."""
        self._write_single_row(row)

    def write_line(self, row: int, cells: str) -> None:
        """Write a row, whose cells are ready; rows come in rising order, and none beyond the last possible one."""
        self.previous_row = row
        if cells and self._check_dimensions(row, 0) == 0:
            self.fh.write(f'<row r="{row + 1}">{cells}</row>')

    def escaped(self, text: str) -> str:
        """Text as it stands in the file."""
        return str(self._escape_data(self._escape_control_characters(text)))

    def day_number(self, day: dt.date) -> float:
        """A day or a moment as the number that it is in a workbook."""
        return float(self._convert_date_time(day))

    def _xml_rich_inline_string(self, string: str, attributes: Any) -> None:
        """Write text that begins with `<r>` and ends with `</r>` as the text that it is.

        The writer takes it for text that is formatted already, and would put it into the file as it stands: cells and
        formulas of somebody's choice among it.
        """
        self._xml_inline_string(string, preserve=False, attributes=attributes)


class ColumnCells:
    """The cells of one column of a sheet.

    Args:
        sheet: that they are for.
        index: of the column, from 0.
        look: gives the number of the look of a value (as `plain` gives it) in this column.
    """

    def __init__(self, sheet: LineSheet, index: int, look: Callable[[PlainValue], int]) -> None:
        self._sheet, self._look = sheet, look
        self._begin = f'<c r="{column_name(index)}'
        self._known: dict[tuple[type, CellValue], str] = {}

    def cell(self, line: str, value: CellValue) -> str:
        """The cell of a row, whose number as people count it is given; empty where there is nothing."""
        if value is None:
            return ""
        key = (value.__class__, value)
        rest = self._known.get(key)
        if rest is None:
            rest = self._rest(value)
            if len(rest) < SHORT and len(self._known) < REMEMBERED:
                self._known[key] = rest
        return f"{self._begin}{line}{rest}" if rest else ""

    def _rest(self, value: CellValue) -> str:
        """A cell from behind its address on."""
        cell = plain(value)
        if cell is None or cell == "":
            return ""
        look = f'" s="{self._look(cell)}"'
        if isinstance(cell, bool):
            cell = csv_text(cell)
        if isinstance(cell, str):
            space = ' xml:space="preserve"' if cell != cell.strip() else ""
            return f'{look} t="inlineStr"><is><t{space}>{self._sheet.escaped(cut(cell))}</t></is></c>'
        number = self._sheet.day_number(cell) if isinstance(cell, dt.date) else cell
        return f"{look}><v>{number:.16G}</v></c>"


def cut(text: str) -> str:
    """Text that a cell can hold, where characters beyond the 65,536th of Unicode count two."""
    if len(text) <= LONGEST // 2:
        return text
    return text.encode("utf-16-le")[: 2 * LONGEST].decode("utf-16-le", "ignore")
