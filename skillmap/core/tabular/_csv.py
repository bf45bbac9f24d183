"""A CSV file becomes rows: which encoding, which separator, and every doubt said aloud. Plain Python only."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from skillmap.core.tabular._wire import MAX_ROW, Refused, cell_name, encode_cell
from skillmap.core.tabular.keys import header_key
from skillmap.core.tabular.limits import Limits

UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
JIS_ESCAPES = (b"\x1b$B", b"\x1b$@", b"\x1b(J")
# Bytes 80, A0, FD, FE, FF stand for nothing in cp932; the codec lets them pass as these.
NOT_CP932 = re.compile("[\x80\uf8f0-\uf8f3]")
SEPARATORS = (",", "\t", ";")
SAMPLE = 200_000  # characters in which the heading row is looked for to find the separator
BARE_CR = re.compile(r"\r(?!\n)")


def read_csv(data: bytes, *, headers: set[str], limits: Limits) -> Iterator[Any]:
    """The facts about the file, then its rows, as `_wire` describes them.

    Args:
        data: the file.
        headers: the headers expected, as `header_key` gives them; they decide on the separator.
        limits: the ceilings.

    Raises:
        Refused: where the file is not read.
    """
    text, encoding = decode(data)
    separator = _separator(text, headers, limits)
    yield {"kind": "csv", "encoding": encoding, "separator": separator}
    for number, row in enumerate(_records(text, separator), start=1):
        if number > MAX_ROW:
            raise Refused("too_many_rows", limit=limits.rows, row=number)
        if "".join(row[limits.columns :]).strip():
            raise Refused("too_many_columns", limit=limits.columns, cell=_first_beyond(number, row, limits.columns))
        cells = [encode_cell(value, longest=limits.cell_chars) for value in row[: limits.columns]]
        while cells and not _filled(cells[-1]):
            cells.pop()
        if cells:
            yield [number, cells, len(row)]


def _first_beyond(number: int, row: list[str], columns: int) -> str:
    return cell_name(number, next(index for index in range(columns, len(row)) if row[index].strip()))


def _filled(cell: Any) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None


def decode(data: bytes) -> tuple[str, str]:
    """The text and the name of the encoding: UTF-8 with mark, UTF-8, or cp932 (Shift_JIS as Windows writes it).

    Each is tried strictly; a byte that fits none is refused with its line, never replaced.
    """
    _refuse_other_encodings(data)
    if data.startswith(UTF8_BOM):
        text, good = _try(data[3:], "utf-8")
        if text is None:
            raise Refused("bad_bytes", encoding="UTF-8", line=_line(data[3:], good))
        return text, "utf-8-sig"
    text, good = _try(data, "utf-8")
    if text is not None:
        return text, "utf-8"
    text, good_cp932 = _try(data, "cp932")
    if text is not None:
        return text, "cp932"
    # Whichever got further is most likely what the file is in.
    name = "UTF-8" if good >= good_cp932 else "Shift_JIS"
    raise Refused("bad_bytes", encoding=name, line=_line(data, max(good, good_cp932)))


def _refuse_other_encodings(data: bytes) -> None:
    if data.startswith(UTF16_BOMS) or data.count(0) > len(data) // 10:
        raise Refused("utf16")
    if 0 in data:
        raise Refused("nul", line=_line(data, data.index(0)))
    if any(escape in data for escape in JIS_ESCAPES):
        raise Refused("jis")


def _try(data: bytes, encoding: str) -> tuple[str | None, int]:
    """The text, or None and how many bytes were good."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        return None, error.start
    strange = NOT_CP932.search(text) if encoding == "cp932" else None
    if strange is not None:
        return None, len(text[: strange.start()].encode("cp932"))
    return text, len(data)


def _line(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _separator(text: str, headers: set[str], limits: Limits) -> str:
    """The separator with which most expected headers are found in one row; a comma where none helps."""
    scores = {separator: _best_match(text, separator, headers, limits) for separator in SEPARATORS}
    return max(SEPARATORS, key=lambda separator: scores[separator])  # the first of equals


def _best_match(text: str, separator: str, headers: set[str], limits: Limits) -> int:
    best = 0
    try:
        for row in islice(_records(text[:SAMPLE], separator), limits.header_rows):
            best = max(best, len({header_key(cell[:200]) for cell in row[: 4 * limits.columns]} & headers))
    except Refused:  # wrong separators break quotes; what is wrong with the right one is said when it is read
        pass
    return best


class _Lines:
    """The lines of a text with their ends kept, remembering the last one given out."""

    def __init__(self, text: str) -> None:
        self._stream = io.StringIO(text, newline="")
        self.last = ""
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        self.last = next(self._stream)
        self.number += 1
        return self.last


def _records(text: str, separator: str) -> Iterator[list[str]]:
    """The records of a CSV text. Line breaks inside quotes belong to the cell; a lone CR outside them is refused.

    Files that end every line with CR alone (old Macintosh) are read.
    """
    lines = _Lines(text) if "\n" in text and BARE_CR.search(text) else None
    # Long cells are reported later, with their place. The limit is the whole process's: it may only grow.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.reader(lines or io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    while True:
        number += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Refused("csv_quote", row=number) from error
        if lines is not None and lines.last.endswith("\r"):
            raise Refused("bare_cr", line=lines.number)
        yield row
