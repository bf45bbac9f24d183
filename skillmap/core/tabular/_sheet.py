"""The parts of a workbook, as far as they decide whether it is read and how. Plain Python only."""

import re
from array import array
from collections.abc import Callable
from functools import partial

from skillmap.core.tabular._wire import A1, MAX_COLUMN, MAX_ROW, Refused, cell_name, column_index
from skillmap.core.tabular._xml import Attributes, Scanner
from skillmap.core.tabular.limits import Limits

TRUE = {"1", "true"}
INDEX = re.compile(r"[0-9]{1,9}")
COLUMN = re.compile(r"[A-Z]{1,3}")
RANGE = re.compile(rf"({A1.pattern})(?::({A1.pattern}))?")


class Relations(Scanner):
    """A .rels part: where each id points. A target outside the file is refused, except for plain hyperlinks."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.targets: dict[str, tuple[str, str]] = {}  # id: (last word of the type, target)

    def start(self, tag: str, attributes: Attributes) -> None:
        """Note one relationship."""
        if tag != "Relationship":
            return
        kind = attributes.get("Type", "").rpartition("/")[2]
        if attributes.get("TargetMode", "").lower() == "external":
            if kind != "hyperlink":
                raise Refused("external_links")
            return
        self.targets[attributes.get("Id", "")] = (kind, attributes.get("Target", ""))


class ContentTypes(Scanner):
    """[Content_Types].xml: a workbook with macros says so here, whatever its name is."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.is_workbook = False

    def start(self, tag: str, attributes: Attributes) -> None:
        """Look at one declared type."""
        declared = attributes.get("ContentType", "").lower()
        if "macroenabled" in declared or "vbaproject" in declared:
            raise Refused("macros")
        if "spreadsheetml" in declared:
            self.is_workbook = True


class Contents(Scanner):
    """workbook.xml: the sheets in their order, and from which year dates are counted."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.sheets: list[tuple[str, str, str]] = []  # (name, relationship id, visible | hidden | veryHidden)
        self.date1904 = False

    def start(self, tag: str, attributes: Attributes) -> None:
        """Note a sheet or the date system."""
        if tag == "workbookPr":
            self.date1904 = attributes.get("date1904", "").lower() in TRUE
        elif tag == "sheet" and self.depth == 3:
            relation = next((value for key, value in attributes.items() if key.endswith("}id")), "")
            self.sheets.append((attributes.get("name", ""), relation, attributes.get("state", "visible")))
        elif tag in {"ddeLink", "oleLink"}:
            raise Refused("external_links")


class Strings(Scanner):
    """sharedStrings.xml: how long each string is, to know what a cell will cost before it is made."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.lengths: array[int] = array("L")
        self._length = 0

    def start(self, tag: str, attributes: Attributes) -> None:
        """A string begins."""
        if tag == "si":
            if self.depth != 2:
                raise Refused("damaged")
            self._length = 0

    def end(self, tag: str) -> None:
        """A string is complete."""
        if tag == "si":
            self.lengths.append(self._length)

    def text(self, data: str) -> None:
        """Count, keep nothing. Readings in furigana are counted too: the sum errs on the safe side."""
        self._length += len(data)


class Sheet(Scanner):
    """One sheet: formulas, error values, merged and hidden cells, and how far the content reaches.

    The declared <dimension> is not looked at. Structure that a spreadsheet program never writes (cells out of order,
    twice, or under another row's number) is damage: two readers could take it for two different tables.

    Raises:
        Refused: as soon as a limit is passed; the rest is then not read.
    """

    def __init__(self, limits: Limits, strings: "array[int]") -> None:
        super().__init__(limits)
        self.strings = strings
        self.cells = 0  # also empty ones
        self.rows = 0  # rows with content
        self.last_row = 0
        self.text_chars = 0
        self.formulas: set[tuple[int, int]] = set()
        self.errors: dict[tuple[int, int], str] = {}
        self.merged: list[tuple[int, int, int, int]] = []  # first row, first column, last row, last column
        self.hidden_rows: list[int] = []
        self.hidden_columns: list[tuple[int, int]] = []
        self._in_data = self._data_seen = False
        self._row, self._row_text = 0, ""
        self._column_indexes: dict[str, int] = {}
        self._row_hidden = self._row_filled = False
        self._column = -1
        self._kind = ""
        self._filled = self._valued = self._collecting = False
        self._pieces: list[str] = []

    def at_start(self, tag: str) -> Callable[[Attributes], None] | None:
        """The few elements that matter."""
        starts: dict[str, Callable[[Attributes], None]] = {
            "c": self._start_cell,
            "row": self._start_row,
            "v": partial(self._start_value, "v"),
            "f": partial(self._start_value, "f"),
            "is": partial(self._start_value, "is"),
            "sheetData": self._start_data,
            "mergeCell": self._note_merged,
            "col": self._note_column,
        }
        return starts.get(tag)

    def at_end(self, tag: str) -> Callable[[], None] | None:
        """Complete a value, a cell, a row or the data."""
        ends = {"v": self._end_value, "c": self._end_cell, "row": self._end_row, "sheetData": self._end_data}
        return ends.get(tag)

    def _start_data(self, _attributes: Attributes) -> None:
        if self._data_seen or self.depth != 2:
            raise Refused("damaged")
        self._in_data = self._data_seen = True

    def _end_data(self) -> None:
        self._in_data = False

    def text(self, data: str) -> None:
        """Text of a value is collected, of an inline string counted; the rest does not matter."""
        if self._collecting:
            self._pieces.append(data)
        elif self.depth > 5 and self._in_data:
            self._count_text(len(data))

    def _count_text(self, length: int) -> None:
        self.text_chars += length
        if self.text_chars > self.limits.text_chars:
            raise Refused("too_much_text", limit=self.limits.text_chars)

    def _start_row(self, attributes: Attributes) -> None:
        if not self._in_data or self.depth != 3:
            raise Refused("damaged")
        number = attributes.get("r")
        row = self._row + 1 if number is None else int(number) if INDEX.fullmatch(number) else 0
        if not self._row < row <= MAX_ROW:
            raise Refused("damaged")
        self._row, self._row_text, self._column, self._row_filled = row, str(row), -1, False
        self._row_hidden = attributes.get("hidden", "").lower() in TRUE

    def _end_row(self) -> None:
        if not self._row_filled:
            return
        self.rows += 1
        self.last_row = self._row
        most = self.limits.rows + self.limits.header_rows
        if self.rows > most or self.last_row > 2 * most:
            raise Refused("too_many_rows", limit=self.limits.rows, row=self._row)
        if self._row_hidden:
            self.hidden_rows.append(self._row)

    def _start_cell(self, attributes: Attributes) -> None:
        self.cells += 1
        if not self._in_data or self.depth != 4:
            raise Refused("damaged")
        if self.cells > self.limits.cells:
            raise Refused("too_many_cells")
        address = attributes.get("r")
        column = self._column + 1 if address is None else self._column_of(address)
        if not self._column < column < MAX_COLUMN:
            raise Refused("damaged")
        self._column = column
        self._kind = attributes.get("t", "n")
        self._filled = self._valued = False

    def _column_of(self, address: str) -> int:
        """The column of a cell of the present row; damage where the address is no address, or of another row."""
        letters = address.removesuffix(self._row_text)
        column = self._column_indexes.get(letters)
        if column is None:
            if not COLUMN.fullmatch(letters):
                raise Refused("damaged")
            column = self._column_indexes[letters] = column_index(letters)
        return column

    def _start_value(self, tag: str, _attributes: Attributes) -> None:
        if not self._in_data:
            return
        if self.depth != 5:
            raise Refused("damaged")
        if tag == "f":
            self.formulas.add((self._row, self._column))
            if len(self.formulas) > self.limits.flagged_cells:
                raise Refused("too_many_formulas", cells=[cell_name(*cell) for cell in sorted(self.formulas)[:5]])
        elif self._valued:  # a second value in one cell
            raise Refused("damaged")
        else:
            self._pieces.clear()
            self._collecting = tag == "v"
            self._valued = True
        self._filled = True

    def _end_value(self) -> None:
        self._collecting = False

    def _end_cell(self) -> None:
        if not self._filled:
            return
        self._row_filled = True
        if self._column >= self.limits.columns:
            cell = cell_name(self._row, self._column)
            raise Refused("too_many_columns", limit=self.limits.columns, cell=cell)
        if not self._pieces:
            return
        value = "".join(self._pieces)
        self._pieces.clear()
        if self._kind == "s":
            self._end_shared(value.strip())
            return
        self._count_text(len(value))
        if self._kind == "e":
            self.errors[(self._row, self._column)] = value[:20]
            if len(self.errors) > self.limits.flagged_cells:
                raise Refused("too_many_errors", cells=[cell_name(*cell) for cell in sorted(self.errors)[:5]])

    def _end_shared(self, index: str) -> None:
        if not INDEX.fullmatch(index) or int(index) >= len(self.strings):
            raise Refused("damaged_cell", cell=cell_name(self._row, self._column))
        self._count_text(self.strings[int(index)])

    def _note_merged(self, attributes: Attributes) -> None:
        found = RANGE.fullmatch(attributes.get("ref", ""))
        if found is None or len(self.merged) >= self.limits.flagged_cells:
            raise Refused("damaged")
        first_column, first_row = column_index(found[2]), int(found[3])
        last_column, last_row = (column_index(found[5]), int(found[6])) if found[4] else (first_column, first_row)
        self.merged.append((first_row, first_column, last_row, last_column))

    def _note_column(self, attributes: Attributes) -> None:
        hidden = attributes.get("hidden", "").lower() in TRUE or attributes.get("width") == "0"
        first, last = attributes.get("min", ""), attributes.get("max", "")
        if hidden and INDEX.fullmatch(first) and INDEX.fullmatch(last):
            self.hidden_columns.append((int(first) - 1, min(int(last) - 1, self.limits.columns - 1)))
