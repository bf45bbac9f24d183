"""A workbook becomes rows: looked over, scanned, repacked, then given to the fast reader. Plain Python only."""

import unicodedata
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from python_calamine import CalamineError, load_workbook

from skillmap.core.tabular._package import Package, resolve
from skillmap.core.tabular._sheet import Contents, ContentTypes, Relations, Sheet, Strings
from skillmap.core.tabular._wire import ERROR, FORMULA, Refused, encode_cell
from skillmap.core.tabular._xml import Scanner
from skillmap.core.tabular.limits import Limits

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PATHS = {"worksheet": "worksheets/sheet1.xml", "sharedStrings": "sharedStrings.xml", "styles": "styles.xml"}


def read_workbook(data: bytes, *, sheets: list[str], limits: Limits) -> Iterator[Any]:
    """The facts about the chosen sheet, then its rows, as `_wire` describes them.

    Args:
        data: the file.
        sheets: names of which the first found is read; empty for the first visible sheet.
        limits: the ceilings.

    Raises:
        Refused: where the file is not read.
    """
    package = Package(data, limits)
    contents, relations, base = _open_contents(package, limits)
    name, relation, others = _choose(contents, relations, sheets)
    parts = {kind: resolve(base, target) for kind, target in relations.values() if kind in {"sharedStrings", "styles"}}
    parts["worksheet"] = resolve(base, relations[relation][1])
    sheet, repacked = _repack(package, parts, contents.date1904, limits)
    rows = _values(repacked)
    yield {
        "kind": "xlsx",
        "sheet": name,
        "other_sheets": others,
        "date1904": contents.date1904,
        "merged": sheet.merged,
        "hidden_rows": sheet.hidden_rows,
        "hidden_columns": sheet.hidden_columns,
    }
    yield from _encoded(rows, sheet, limits)


def _open_contents(package: Package, limits: Limits) -> tuple[Contents, dict[str, tuple[str, str]], str]:
    """workbook.xml, its relationships by id, and its path. All relationships of the file are looked over."""
    types = ContentTypes(limits)
    types.walk(package.stream("[content_types].xml"))
    for path in package.parts:
        if path.endswith(".rels"):
            Relations(limits).walk(package.stream(path))
    root = Relations(limits)
    if "_rels/.rels" in package:
        root.walk(package.stream("_rels/.rels"))
    base = next((resolve("", target) for kind, target in root.targets.values() if kind == "officeDocument"), "")
    if base not in package or not types.is_workbook:
        raise Refused("not_workbook")
    contents, relations = Contents(limits), Relations(limits)
    contents.walk(package.stream(base))
    folder, _, file = base.rpartition("/")
    relations.walk(package.stream(f"{folder}/_rels/{file}.rels" if folder else f"_rels/{file}.rels"))
    return contents, relations.targets, base


def _choose(contents: Contents, relations: dict[str, tuple[str, str]], wanted: list[str]) -> tuple[str, str, list[str]]:
    """Name and relationship of the sheet to read; where none was asked for, the names of the other visible ones."""
    tables = [sheet for sheet in contents.sheets if relations.get(sheet[1], ("", ""))[0] == "worksheet"]
    if len({_folded(name) for name, _, _ in tables}) != len(tables):
        raise Refused("damaged")
    visible = [sheet for sheet in tables if sheet[2] not in {"hidden", "veryHidden"}]
    if not visible:
        raise Refused("no_visible_sheet")
    chosen = visible[0]
    if wanted:
        by_name = {_folded(sheet[0]): sheet for sheet in visible}
        names = [_folded(name) for name in wanted]
        found = next((by_name[name] for name in names if name in by_name), None)
        if found is None:
            raise Refused("sheet_missing", sheet=wanted[0], found=[_shown(name) for name, _, _ in visible[:10]])
        chosen = found
    others = [] if wanted else [_shown(sheet[0]) for sheet in visible if sheet is not chosen]
    return _shown(chosen[0]), chosen[1], others[:20]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _shown(name: str) -> str:
    return name[:31]  # the longest a spreadsheet program allows


def _repack(package: Package, parts: dict[str, str], date1904: bool, limits: Limits) -> tuple[Sheet, BytesIO]:
    """Scan the needed parts and write them, byte for byte as scanned, into a container of our own."""
    strings = Strings(limits)
    scanners: dict[str, Scanner] = {"sharedStrings": strings, "styles": Scanner(limits)}
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as container:
        for kind, scanner in scanners.items():
            if kind in parts:
                _copy(package, parts[kind], scanner, container, PATHS[kind])
        sheet = Sheet(limits, strings.lengths)
        _copy(package, parts["worksheet"], sheet, container, PATHS["worksheet"])
        for path, text in _frame(date1904, parts).items():
            container.writestr(path, text)
    target.seek(0)
    return sheet, target


def _copy(package: Package, source: str, scanner: Scanner, container: zipfile.ZipFile, path: str) -> None:
    with container.open(f"xl/{path}", "w") as part:
        scanner.walk(package.stream(source), copy=part.write)


def _frame(date1904: bool, parts: dict[str, str]) -> dict[str, str]:
    """The parts that hold a workbook together, for one sheet."""
    relations = "".join(
        f'<Relationship Id="{kind}" Type="{OFFICE}/{kind}" Target="{PATHS[kind]}"/>' for kind in PATHS if kind in parts
    )
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="book" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{relations}</Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><workbookPr date1904="{int(date1904)}"/>'
        '<sheets><sheet name="table" sheetId="1" r:id="worksheet"/></sheets></workbook>',
    }


def _values(repacked: BytesIO) -> list[list[Any]]:
    """All cells from A1 on, rows of equal length."""
    try:
        with load_workbook(repacked) as book:
            return list(book.get_sheet_by_index(0).to_python(skip_empty_area=False))
    except CalamineError as error:
        raise Refused("damaged") from error


def _encoded(rows: list[list[Any]], sheet: Sheet, limits: Limits) -> Iterator[Any]:
    """Rows with content as JSON values; a formula's or error's place holds a mark instead of the stored value."""
    marks: dict[int, dict[int, Any]] = {}
    for (row, column), text in sheet.errors.items():
        marks.setdefault(row, {})[column] = [ERROR, text]
    for row, column in sheet.formulas:
        marks.setdefault(row, {})[column] = [FORMULA, ""]
    for number in range(1, max(len(rows), *marks, 0) + 1):
        source = rows[number - 1] if number <= len(rows) else []
        cells = [encode_cell(value, longest=limits.cell_chars) for value in source]
        for column, mark in marks.get(number, {}).items():
            cells.extend([None] * (column + 1 - len(cells)))
            cells[column] = mark
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            yield [number, cells]
