"""Hostile and broken files, made by code: each one a way in which an upload has been known to hurt or to mislead.

`CASES` names, for each file, the refusal or the row problem that must come of it.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEETML = "application/vnd.openxmlformats-officedocument.spreadsheetml"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MEGABYTE = 1024 * 1024

HEADERS = ("職員番号", "氏名", "採用日", "レベル", "職種")
GOOD_ROW = ("10000001", "髙﨑 𠮷", "2026/4/1", "2", "ICT職")
CSV_HEADER = ",".join(HEADERS) + "\r\n"
CSV_ROW = ",".join(GOOD_ROW) + "\r\n"

Parts = dict[str, str | bytes]


def text_cell(address: str, text: str) -> str:
    """A cell with text of its own."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<c r="{address}" t="inlineStr"><is><t xml:space="preserve">{escaped}</t></is></c>'


def text_row(number: int, texts: tuple[str, ...] = GOOD_ROW) -> str:
    """A row of texts from column A on."""
    cells = "".join(text_cell(f"{chr(65 + index)}{number}", text) for index, text in enumerate(texts))
    return f'<row r="{number}">{cells}</row>'


HEADER_ROW = text_row(1, HEADERS)


def sheet_xml(rows: str, before: str = "", after: str = "") -> str:
    """A worksheet with these rows."""
    return f'{DECLARATION}<worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


def sheet_of(rows: str, before: str = "", after: str = "") -> str:
    """A worksheet with the usual headers, then these rows."""
    return sheet_xml(HEADER_ROW + rows, before, after)


def parts_of(sheet: str | bytes, *, shared: str | bytes = "", styles: str | bytes = "", book: str = "") -> Parts:
    """The parts of a small workbook."""
    targets = {"worksheet": "worksheets/sheet1.xml", "sharedStrings": "sharedStrings.xml", "styles": "styles.xml"}
    relations = "".join(
        f'<Relationship Id="{kind}" Type="{OFFICE}/{kind}" Target="{target}"/>' for kind, target in targets.items()
    )
    return {
        "[Content_Types].xml": f'{DECLARATION}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{SHEETML}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": book or book_xml(),
        "xl/_rels/workbook.xml.rels": f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">'
        f"{relations}</Relationships>",
        "xl/sharedStrings.xml": shared or shared_xml(""),
        "xl/styles.xml": styles or styles_xml(),
        "xl/worksheets/sheet1.xml": sheet,
    }


def book_xml(sheets: str = '<sheet name="table" sheetId="1" r:id="worksheet"/>', *, date1904: bool = False) -> str:
    """workbook.xml."""
    return (
        f'{DECLARATION}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><workbookPr date1904="{int(date1904)}"/>'
        f"<sheets>{sheets}</sheets></workbook>"
    )


def shared_xml(strings: str) -> str:
    """sharedStrings.xml."""
    return f'{DECLARATION}<sst xmlns="{MAIN}">{strings}</sst>'


def styles_xml() -> str:
    """styles.xml with a general style (0) and a date style (1)."""
    return (
        f'{DECLARATION}<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    )


def packed(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The parts as a zip file."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as container:
        for name, content in parts.items():
            container.writestr(name, content)
    return target.getvalue()


def workbook(rows: str, *, before: str = "", after: str = "", shared: str = "", book: str = "") -> bytes:
    """A small workbook with the usual headers and these rows."""
    return packed(parts_of(sheet_of(rows, before, after), shared=shared, book=book))


def with_parts(extra: Mapping[str, str | bytes]) -> bytes:
    """A good workbook with further or other parts."""
    return packed(parts_of(sheet_of(text_row(2))) | dict(extra))


def relations_xml(relation: str) -> str:
    """A .rels part."""
    return f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">{relation}</Relationships>'


def csv_file(rows: str, encoding: str = "utf-8") -> bytes:
    """A CSV file with the usual headers."""
    return (CSV_HEADER + rows).encode(encoding)


# ------------------------------------------------------------------------------------------------ containers


def lying_size() -> bytes:
    """The directory says 100 bytes where 30 MB come out."""
    data = bytearray(packed(parts_of(sheet_of(text_row(2) + "<!--" + " " * 30 * MEGABYTE + "-->"))))
    start = data.rindex(b"PK\x01\x02")  # the sheet is the last part
    data[start + 24 : start + 28] = struct.pack("<I", 100)
    data[start + 20 : start + 24] = struct.pack("<I", 100)
    return bytes(data)


def overlapping() -> bytes:
    """Two directory entries over the same bytes, as the most compact bombs have it."""
    data = bytearray(packed(parts_of(sheet_of(text_row(2))) | {"xl/a.xml": "x" * 500, "xl/b.xml": "x" * 500}))
    last = data.rindex(b"PK\x01\x02")
    before = data.rindex(b"PK\x01\x02", 0, last)
    data[last + 42 : last + 46] = data[before + 42 : before + 46]
    return bytes(data)


def entry_flag() -> bytes:
    """A part that claims to be encrypted."""
    data = bytearray(workbook(text_row(2)))
    start = data.rindex(b"PK\x01\x02")
    data[start + 8] |= 1
    return bytes(data)


def wrong_checksum() -> bytes:
    """A sheet whose bytes do not match their checksum."""
    data = bytearray(workbook(text_row(2)))
    start = data.rindex(b"PK\x01\x02")
    data[start + 16] ^= 0xFF
    return bytes(data)


def renamed_part(new: bytes) -> bytes:
    """A part with a name that no zip library would write."""
    old = b"xl/placeholder.xml"
    return with_parts({old.decode(): "x"}).replace(old, new.ljust(len(old), b"_")[: len(old)])


def doubled(second: str) -> bytes:
    """A part that is there twice."""
    target = io.BytesIO(workbook(text_row(2)))
    with zipfile.ZipFile(target, "a") as container:
        name = next(info for info in container.infolist() if info.filename.endswith("sheet1.xml"))
        entry = zipfile.ZipInfo("xl/worksheets/sheeX1.xml")
        container.writestr(entry, sheet_of(text_row(2)))
        assert len(second) == len(name.filename) == len(entry.filename)
    return target.getvalue().replace(b"xl/worksheets/sheeX1.xml", second.encode())


def open_document() -> bytes:
    """A LibreOffice sheet under another name."""
    return packed({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"})


# -------------------------------------------------------------------------------------------------------- XML

LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1 if n > 1 else str()};" * 10}">' for n in range(1, 10))
    + "]>"
)
ENTITY_FILE = '<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>'
ENTITY_PARAMETER = '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/evil.dtd"> %p;]>'
DTD_OUTSIDE = '<!DOCTYPE worksheet SYSTEM "http://127.0.0.1:9/evil.dtd">'


def after_declaration(xml: str, inserted: str) -> str:
    """A document type put where it belongs."""
    return xml.replace(DECLARATION, DECLARATION + inserted)


def deep_xml() -> bytes:
    """100,000 elements, each in the one before."""
    return packed(parts_of(sheet_of(text_row(2), after="<x>" * 100_000 + "</x>" * 100_000)), zipfile.ZIP_STORED)


def many_names() -> bytes:
    """20,000 different element names."""
    names = "".join(f"<e{number}/>" for number in range(20_000))
    return workbook(text_row(2), after=f"<extLst>{names}</extLst>")


def many_rows(count: int) -> bytes:
    """A long sheet; 300,000 rows pack into about 1 MB."""
    rows = "".join(
        f'<row r="{n}"><c r="A{n}"><v>{n * 7919 % 99_999_989}</v></c><c r="B{n}"><v>{n % 4}</v></c></row>'
        for n in range(2, count + 2)
    )
    return workbook(rows)


def string_bomb() -> bytes:
    """One string of 32,000 letters, used by 19,000 cells: 600 MB of text from 1 MB of XML."""
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(2, 19_002))
    return packed(parts_of(sheet_of(rows), shared=shared_xml(f"<si><t>{'あ' * 32_000}</t></si>")), zipfile.ZIP_STORED)


def empty_strings() -> bytes:
    """Five million shared strings, all empty: 25 MB of XML, packed to almost nothing."""
    return packed(parts_of(sheet_of(text_row(2)), shared=shared_xml("<si/>" * 5_000_000)))


def noisy_strings() -> bytes:
    """The same with some noise in between, so that the ratio stays below suspicion."""
    noise = "".join(f"{'<si/>' * 1000}<!--{(n * 2_654_435_761) ** 7:x}-->" for n in range(1, 4_500))
    return packed(parts_of(sheet_of(text_row(2)), shared=shared_xml(noise)))


@cache
def formatted_cells() -> bytes:
    """35,000 rows of 60 cells that have a style and nothing in them: 38 MB of XML."""
    columns = [f"{first}{second}" for first in ("", "A", "B") for second in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"][:60]
    pattern = "".join(f'<c r="{column}%(n)d" s="1"/>' for column in columns)
    return workbook("".join(f'<row r="{n}">{pattern % {"n": n}}</row>' for n in range(2, 35_002)))


def many_formulas() -> bytes:
    """More formulas than are worth listing."""
    rows = "".join(f'<row r="{n}"><c r="A{n}"><f>{n}+1</f></c><c r="B{n}"><f>1</f></c></row>' for n in range(2, 12_002))
    return workbook(rows)


def shared_cell(index: str) -> bytes:
    """A cell that points into a list of one string."""
    row = f'<row r="2"><c r="A2" t="s"><v>{index}</v></c></row>'
    return workbook(row, shared=shared_xml("<si><t>10000001</t></si>"))


def number_row(cells: str) -> str:
    """A good second row of which some cells are replaced: name and number come first, the rest as given."""
    return f'<row r="2">{text_cell("A2", "10000001")}{text_cell("B2", "山田")}{cells}</row>'


# ------------------------------------------------------------------------------------------------------ cases


@dataclass(frozen=True, slots=True)
class Case:
    """One file and what must come of it: a refusal of the file, or a problem in a row."""

    name: str
    filename: str
    make: Callable[[], bytes]
    code: str
    kind: Literal["file", "row"] = "file"


def _xlsx(name: str, code: str, make: Callable[[], bytes], kind: Literal["file", "row"] = "file") -> Case:
    return Case(name, f"{name}.xlsx", make, code, kind)


def _csv(name: str, code: str, make: Callable[[], bytes], kind: Literal["file", "row"] = "file") -> Case:
    return Case(name, f"{name}.csv", make, code, kind)


FILES = [
    _xlsx("empty", "empty_file", lambda: b""),
    _xlsx("eleven-megabytes", "file_too_big", lambda: b"PK\x03\x04" + bytes(11 * MEGABYTE)),
    Case("program", "list.exe", lambda: b"MZ" + bytes(100), "extension"),
    Case("no-ending", "list", lambda: workbook(text_row(2)), "extension"),
    Case("double-ending", "list.csv.exe", lambda: csv_file(CSV_ROW), "extension"),
    Case("old-format", "list.xls", lambda: OLE2 + bytes(5000), "old_workbook"),
    _xlsx("old-format-renamed", "old_workbook", lambda: OLE2 + bytes(5000)),
    _xlsx("password", "encrypted", lambda: OLE2 + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)),
    Case("web-page-xls", "list.xls", lambda: b"<html><table><tr><td>1</td></tr></table></html>", "web_page"),
    _xlsx("web-page-xlsx", "web_page", lambda: b"\xef\xbb\xbf\r\n <!DOCTYPE html><script>alert(1)</script>"),
    _csv("web-page-csv", "web_page", lambda: b"<table><tr><td>1</td></tr></table>"),
    _xlsx("csv-named-xlsx", "named_workbook", lambda: csv_file(CSV_ROW)),
    _xlsx("picture", "named_workbook", lambda: b"\x89PNG\r\n\x1a\n" + bytes(100)),
    _csv("xlsx-named-csv", "named_csv", lambda: workbook(text_row(2))),
    _csv("pdf-named-csv", "named_csv", lambda: b"%PDF-1.7\n"),
    _csv("gzip-named-csv", "named_csv", lambda: b"\x1f\x8b\x08" + bytes(50)),
    Case("binary-format", "list.xlsb", lambda: workbook(text_row(2)), "binary_workbook"),
    Case("macro-format", "list.xlsm", lambda: workbook(text_row(2)), "macros"),
    Case("libreoffice", "list.ods", open_document, "opendocument"),
    _xlsx("libreoffice-renamed", "opendocument", open_document),
]

CONTAINERS = [
    _xlsx("half", "damaged", lambda: workbook(text_row(2))[:400]),
    _xlsx("tail-cut", "damaged", lambda: workbook(text_row(2))[:-12]),
    _xlsx("only-signature", "damaged", lambda: b"PK\x03\x04"),
    _xlsx("bomb-200-mb", "zip_unpacked", lambda: with_parts({"xl/media/image1.png": bytes(200 * MEGABYTE)})),
    _xlsx("ratio", "zip_ratio", lambda: with_parts({"xl/media/image1.png": bytes(20 * MEGABYTE)})),
    _xlsx("lying-size", "damaged", lying_size),
    _xlsx("overlapping-parts", "damaged", overlapping),
    _xlsx("many-parts", "zip_entries", lambda: with_parts({f"xl/p{n}.xml": "" for n in range(201)})),
    _xlsx("path-traversal", "zip_names", lambda: with_parts({"../../etc/cron.d/evil": "x"})),
    _xlsx("absolute-path", "zip_names", lambda: renamed_part(b"/etc/evil")),
    _xlsx("backslash-path", "zip_names", lambda: renamed_part(b"..\\..\\evil")),
    _xlsx("nul-in-path", "zip_names", lambda: renamed_part(b"xl/a\x00../../evil")),
    _xlsx("drive-path", "zip_names", lambda: with_parts({"C:/evil.xml": "x"})),
    _xlsx("part-twice", "zip_names", lambda: doubled("xl/worksheets/sheet1.xml")),
    _xlsx("part-twice-by-case", "zip_names", lambda: doubled("xl/worksheets/SHEET1.xml")),
    _xlsx("zip-in-zip", "zip_nested", lambda: with_parts({"xl/media/image1.png": packed({"a": "b"})})),
    _xlsx("gzip-in-zip", "zip_nested", lambda: with_parts({"xl/media/image1.png": b"\x1f\x8b\x08" + bytes(50)})),
    _xlsx("encrypted-part", "encrypted", entry_flag),
    _xlsx("rare-method", "damaged", lambda: packed(parts_of(sheet_of(text_row(2))), zipfile.ZIP_LZMA)),
    _xlsx("wrong-checksum", "damaged", wrong_checksum),
    _xlsx("macros", "macros", lambda: with_parts({"xl/vbaProject.bin": OLE2})),
    _xlsx("macros-elsewhere", "macros", lambda: with_parts({"xl/other/VBAPROJECT.BIN": b"x"})),
    _xlsx(
        "macros-by-type",
        "macros",
        lambda: with_parts(
            {
                "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Override PartName="/xl/workbook.xml" '
                'ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/></Types>'
            }
        ),
    ),
    _xlsx("macro-sheet", "macros", lambda: with_parts({"xl/macrosheets/sheet1.xml": "<x/>"})),
    _xlsx("external-link", "external_links", lambda: with_parts({"xl/externalLinks/externalLink1.xml": "<x/>"})),
    _xlsx(
        "dde-link",
        "external_links",
        lambda: packed(parts_of(sheet_of(text_row(2)), book=book_xml().replace("<sheets>", "<ddeLink/><sheets>"))),
    ),
    _xlsx(
        "external-relation",
        "external_links",
        lambda: with_parts(
            {
                "xl/worksheets/_rels/sheet1.xml.rels": relations_xml(
                    f'<Relationship Id="r" Type="{OFFICE}/oleObject" Target="file://host/x" TargetMode="External"/>'
                )
            }
        ),
    ),
    _xlsx("data-connection", "external_links", lambda: with_parts({"xl/connections.xml": "<connections/>"})),
    _xlsx("embedded-object", "embedded", lambda: with_parts({"xl/embeddings/oleObject1.bin": b"x"})),
    _xlsx("embedded-by-contents", "embedded", lambda: with_parts({"xl/media/image1.png": OLE2 + bytes(20)})),
    _xlsx("program-inside", "embedded", lambda: with_parts({"xl/media/image1.png": b"MZ\x90\x00"})),
    _xlsx("plain-zip", "not_workbook", lambda: packed({"readme.txt": "hello"})),
    _xlsx("empty-zip", "not_workbook", lambda: packed({})),
    _xlsx(
        "word-document",
        "not_workbook",
        lambda: packed(
            {
                "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
                "word/document.xml": "<x/>",
                "_rels/.rels": relations_xml(""),
            }
        ),
    ),
    _xlsx("binary-inside", "binary_workbook", lambda: with_parts({"xl/workbook.bin": b"x"})),
    _xlsx("book-missing", "not_workbook", lambda: packed({"[Content_Types].xml": "<Types/>"})),
    _xlsx(
        "sheet-missing",
        "damaged",
        lambda: packed({k: v for k, v in parts_of("").items() if not k.endswith("sheet1.xml")}),
    ),
    _xlsx(
        "sheet-outside",
        "damaged",
        lambda: with_parts(
            {
                "xl/_rels/workbook.xml.rels": relations_xml(
                    f'<Relationship Id="worksheet" Type="{OFFICE}/worksheet" Target="../../../../etc/passwd"/>'
                )
            }
        ),
    ),
]

DOCUMENTS = [
    _xlsx(
        "billion-laughs-sheet", "xml_dtd", lambda: packed(parts_of(after_declaration(sheet_of(text_row(2)), LAUGHS)))
    ),
    _xlsx(
        "billion-laughs-strings",
        "xml_dtd",
        lambda: packed(
            parts_of(sheet_of(text_row(2)), shared=after_declaration(shared_xml("<si>&lol9;</si>"), LAUGHS))
        ),
    ),
    _xlsx(
        "entity-file",
        "xml_dtd",
        lambda: packed(parts_of(sheet_of(text_row(2)), book=after_declaration(book_xml(), ENTITY_FILE))),
    ),
    _xlsx(
        "entity-parameter",
        "xml_dtd",
        lambda: packed(parts_of(sheet_of(text_row(2)), styles=after_declaration(styles_xml(), ENTITY_PARAMETER))),
    ),
    _xlsx("dtd-outside", "xml_dtd", lambda: packed(parts_of(after_declaration(sheet_of(text_row(2)), DTD_OUTSIDE)))),
    _xlsx("nested-100000-deep", "damaged", deep_xml),
    _xlsx("many-element-names", "damaged", many_names),
    _xlsx("xml-cut", "damaged", lambda: packed(parts_of(sheet_of(text_row(2))[:-30]))),
    _xlsx("xml-utf16", "damaged", lambda: packed(parts_of(sheet_of(text_row(2)).encode("utf-16")))),
    _xlsx("xml-empty", "damaged", lambda: packed(parts_of(" "))),
    _xlsx(
        "surrogate-reference", "damaged", lambda: packed(parts_of(sheet_of(text_row(2)).replace("ICT職", "&#xD800;")))
    ),
    _xlsx(
        "surrogate-bytes",
        "damaged",
        lambda: packed(parts_of(sheet_of(text_row(2)).encode().replace("ICT職".encode(), b"\xed\xa0\x80"))),
    ),
    _xlsx("nul-reference", "damaged", lambda: packed(parts_of(sheet_of(text_row(2)).replace("ICT職", "&#0;")))),
    _xlsx("unknown-entity", "damaged", lambda: packed(parts_of(sheet_of(text_row(2)).replace("ICT職", "&evil;")))),
    _xlsx(
        "long-address",
        "damaged",
        lambda: packed(
            parts_of(sheet_of(f'<row r="2"><c r="A{"2" * 500_000}"><v>1</v></c></row>')), zipfile.ZIP_STORED
        ),
    ),
    _xlsx("300000-rows", "too_many_rows", lambda: many_rows(300_000)),
    _xlsx("20001-rows", "too_many_rows", lambda: many_rows(20_001)),
    _xlsx("far-corner", "too_many_columns", lambda: workbook('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
    _xlsx("far-row", "too_many_rows", lambda: workbook('<row r="1048576"><c r="A1048576"><v>1</v></c></row>')),
    _xlsx("61-columns", "too_many_columns", lambda: workbook('<row r="2"><c r="BI2"><v>1</v></c></row>')),
    _xlsx("dimension-nonsense", "damaged", lambda: workbook(text_row(2), before='<dimension ref="nonsense"/>')),
    _xlsx("row-negative", "damaged", lambda: workbook('<row r="-5"><c r="A-5"><v>1</v></c></row>')),
    _xlsx("row-zero", "damaged", lambda: workbook('<row r="0"><c r="A0"><v>1</v></c></row>')),
    _xlsx("row-twice", "damaged", lambda: workbook(text_row(2) + text_row(2))),
    _xlsx("rows-backwards", "damaged", lambda: workbook(text_row(3) + text_row(2))),
    _xlsx("row-beyond", "damaged", lambda: workbook('<row r="1048577"><c r="A1048577"><v>1</v></c></row>')),
    _xlsx("cell-twice", "damaged", lambda: workbook('<row r="2"><c r="A2"><v>1</v></c><c r="A2"><v>2</v></c></row>')),
    _xlsx("cell-of-other-row", "damaged", lambda: workbook('<row r="2"><c r="A9"><v>1</v></c></row>')),
    _xlsx("column-beyond", "damaged", lambda: workbook('<row r="2"><c r="ZZZ2"><v>1</v></c></row>')),
    _xlsx("address-in-words", "damaged", lambda: workbook('<row r="2"><c r="a2"><v>1</v></c></row>')),
    _xlsx("two-values", "damaged", lambda: workbook('<row r="2"><c r="A2"><v>1</v><v>2</v></c></row>')),
    _xlsx("two-tables", "damaged", lambda: workbook(text_row(2), after="<sheetData/>")),
    _xlsx("cell-in-cell", "damaged", lambda: workbook('<row r="2"><c r="A2"><c r="B2"><v>1</v></c></c></row>')),
    _xlsx("string-index-huge", "damaged_cell", lambda: shared_cell("4294967295")),
    _xlsx("string-index-beyond", "damaged_cell", lambda: shared_cell("1")),
    _xlsx("string-index-negative", "damaged_cell", lambda: shared_cell("-1")),
    _xlsx("string-bomb", "too_much_text", string_bomb),
    _xlsx("five-million-strings", "zip_ratio", empty_strings),
    _xlsx("noisy-strings", "too_many_cells", noisy_strings),
    _xlsx("formatted-cells", "too_many_cells", formatted_cells),
    _xlsx("12000-formulas", "too_many_formulas", many_formulas),
    _xlsx(
        "only-hidden-sheets",
        "no_visible_sheet",
        lambda: workbook(
            text_row(2), book=book_xml('<sheet name="a" sheetId="1" state="veryHidden" r:id="worksheet"/>')
        ),
    ),
    _xlsx(
        "sheets-of-one-name",
        "damaged",
        lambda: workbook(
            text_row(2),
            book=book_xml(
                '<sheet name="a" sheetId="1" r:id="worksheet"/><sheet name="A" sheetId="2" r:id="worksheet"/>'
            ),
        ),
    ),
    _xlsx("no-header", "no_header", lambda: packed(parts_of(sheet_xml(text_row(1))))),
    _xlsx("empty-sheet", "empty_file", lambda: packed(parts_of(sheet_xml("")))),
    _xlsx(
        "header-missing", "missing_headers", lambda: packed(parts_of(sheet_xml(text_row(1, HEADERS[1:]) + text_row(2))))
    ),
    _xlsx(
        "header-twice",
        "duplicate_headers",
        lambda: packed(parts_of(sheet_xml(text_row(1, (*HEADERS, "氏　名")) + text_row(2)))),
    ),
    _xlsx(
        "header-merged",
        "merged_header",
        lambda: workbook(text_row(2), after='<mergeCells><mergeCell ref="B1:C1"/></mergeCells>'),
    ),
    _xlsx(
        "merged-nonsense",
        "damaged",
        lambda: workbook(text_row(2), after='<mergeCells><mergeCell ref="nonsense"/></mergeCells>'),
    ),
    _xlsx("only-header", "no_rows", lambda: workbook("")),
]

CELLS = [
    _xlsx("formula", "formula", lambda: workbook(number_row('<c r="D2"><f>1+1</f><v>2</v></c>')), "row"),
    _xlsx("formula-no-value", "formula", lambda: workbook(number_row('<c r="D2"><f>1+1</f></c>')), "row"),
    _xlsx(
        "formula-dde", "formula", lambda: workbook(number_row("<c r=\"D2\"><f>cmd|'/c calc'!A0</f><v>2</v></c>")), "row"
    ),
    _xlsx(
        "formula-shared",
        "formula",
        lambda: workbook(number_row('<c r="D2"><f t="shared" si="0"/><v>2</v></c>')),
        "row",
    ),
    _xlsx(
        "formula-array",
        "formula",
        lambda: workbook(number_row('<c r="D2" t="str"><f t="array" ref="D2">WEBSERVICE("http://x")</f><v>2</v></c>')),
        "row",
    ),
    _xlsx(
        "formula-other-namespace",
        "formula",
        lambda: workbook(number_row('<c r="D2"><y:f xmlns:y="urn:y">1+1</y:f><v>2</v></c>')),
        "row",
    ),
    _xlsx("error-value", "error_value", lambda: workbook(number_row('<c r="D2" t="e"><v>#N/A</v></c>')), "row"),
    _xlsx("not-a-number", "error_value", lambda: workbook(number_row('<c r="D2"><v>NaN</v></c>')), "row"),
    _xlsx("infinite", "error_value", lambda: workbook(number_row('<c r="D2"><v>1E999</v></c>')), "row"),
    _xlsx("level-four", "level", lambda: workbook(number_row('<c r="D2"><v>4</v></c>')), "row"),
    _xlsx("level-half", "level", lambda: workbook(number_row('<c r="D2"><v>1.5</v></c>')), "row"),
    _xlsx("level-truth", "level", lambda: workbook(number_row('<c r="D2" t="b"><v>1</v></c>')), "row"),
    _xlsx("date-huge", "date", lambda: workbook(number_row('<c r="C2" s="1"><v>99999999</v></c>')), "row"),
    _xlsx("date-negative", "date", lambda: workbook(number_row('<c r="C2" s="1"><v>-5</v></c>')), "row"),
    _xlsx("date-with-time", "date_time", lambda: workbook(number_row('<c r="C2" s="1"><v>46113.5</v></c>')), "row"),
    _xlsx(
        "merged-data",
        "merged",
        lambda: workbook(text_row(2) + text_row(3), after='<mergeCells><mergeCell ref="B2:B3"/></mergeCells>'),
        "row",
    ),
    _xlsx(
        "megabyte-cell",
        "cell_too_long",
        lambda: packed(parts_of(sheet_of(text_row(2, ("10000001", "あ" * MEGABYTE)))), zipfile.ZIP_STORED),
        "row",
    ),
    _xlsx("control-character", "control_character", lambda: workbook(text_row(2, ("10000001", "山_x0000_田"))), "row"),
    _xlsx("noncharacter", "control_character", lambda: workbook(text_row(2, ("10000001", "山\ufdd0田"))), "row"),
    _xlsx("gaiji", "private_character", lambda: workbook(text_row(2, ("10000001", "山\ue000田"))), "row"),
    _xlsx(
        "line-break",
        "line_break",
        lambda: workbook(text_row(2, ("10000001", "山&#10;田")).replace("&amp;", "&")),
        "row",
    ),
    _xlsx("zeros-lost", "zeros_lost", lambda: workbook('<row r="2"><c r="A2"><v>123</v></c></row>'), "row"),
    _xlsx("name-missing", "required", lambda: workbook(text_row(2, ("10000001", "　\u200b "))), "row"),
    _xlsx("same-number-twice", "duplicate", lambda: workbook(text_row(2) + text_row(3)), "row"),
]

CSV_FILES = [
    _csv("utf16-le", "utf16", lambda: csv_file(CSV_ROW, "utf-16")),
    _csv("utf16-be", "utf16", lambda: b"\xfe\xff" + csv_file(CSV_ROW, "utf-16-be")),
    _csv("utf16-no-mark", "utf16", lambda: "number,name\r\n1,a\r\n".encode("utf-16-le")),
    _csv("utf32", "utf16", lambda: csv_file(CSV_ROW, "utf-32")),
    _csv("nul", "nul", lambda: csv_file(CSV_ROW * 20).replace(b"ICT", b"I\x00T", 1)),
    _csv("bare-cr", "bare_cr", lambda: csv_file("10000001,山田\r" + CSV_ROW)),
    _csv("mixed-encodings", "bad_bytes", lambda: csv_file(CSV_ROW) + "10000002,山田太郎\r\n".encode("cp932")),
    _csv(
        "cp932-impossible", "bad_bytes", lambda: "職員番号,氏名\r\n10000001,山\r\n".encode("cp932") + b"1,\x80\xfd\r\n"
    ),
    _csv("cp932-cut-letter", "bad_bytes", lambda: "職員番号,氏名\r\n10000001,山".encode("cp932")[:-1]),
    _csv("mark-then-cp932", "bad_bytes", lambda: b"\xef\xbb\xbf" + "職員番号,氏名\r\n".encode("cp932")),
    _csv("surrogate-in-utf8", "bad_bytes", lambda: csv_file("10000001,") + b"\xed\xa0\x80\r\n"),
    _csv("jis", "jis", lambda: "職員番号,氏名\r\n1,山田\r\n".encode("iso-2022-jp")),
    _csv("euc", "bad_bytes", lambda: "職員番号,氏名\r\n10000001,山田\r\n".encode("euc-jp")),
    _csv("quote-open", "csv_quote", lambda: csv_file('10000001,"山田\r\n' + CSV_ROW * 3)),
    _csv("quote-inside", "csv_quote", lambda: csv_file('10000001,"山田"太郎,,,\r\n')),
    _csv("three-megabytes-of-quotes", "csv_quote", lambda: csv_file("10000001," + '"' * (3 * MEGABYTE + 1))),
    _csv("csv-300000-rows", "too_many_rows", lambda: csv_file(CSV_ROW * 300_000)[: 10 * MEGABYTE - 10]),
    _csv("million-columns", "too_many_columns", lambda: csv_file("1," * MEGABYTE)),
    _csv("nine-megabytes-of-commas", "no_header", lambda: b"," * 9 * MEGABYTE + b"\r\nx\r\n"),
    _csv("eight-megabytes-of-line-ends", "too_many_rows", lambda: b"\r\n" * 4 * MEGABYTE),
    _csv("csv-header-twice", "duplicate_headers", lambda: b"number,name,NAME\r\n1,2,3\r\n"),
    _csv("csv-header-missing", "missing_headers", "職員番号,レベル\r\n10000001,1\r\n".encode),
    _csv("csv-only-header", "no_rows", lambda: csv_file("\r\n,,,\r\n")),
    _csv("random-bytes", "bad_bytes", lambda: bytes((n * n * 31 + 7 * n) % 251 + 4 for n in range(5000))),
]

CSV_CELLS = [
    _csv("csv-megabyte-cell", "cell_too_long", lambda: csv_file("10000001," + "あ" * MEGABYTE + "\r\n"), "row"),
    _csv("csv-too-long", "too_long", lambda: csv_file("10000001," + "あ" * 300 + "\r\n"), "row"),
    _csv("csv-extra-cells", "extra_cells", lambda: csv_file("10000001,山田,2026/4/1,1,ICT職,余分\r\n"), "row"),
    _csv("csv-formula-as-code", "code_digits", lambda: csv_file("=1+1,山田\r\n"), "row"),
    _csv("csv-code-short", "code_digits", lambda: csv_file("0001,山田\r\n"), "row"),
    _csv("csv-escape-character", "control_character", lambda: csv_file("10000001,山\x1b[31m田\r\n"), "row"),
    _csv("csv-date-without-century", "date_year", lambda: csv_file("10000001,山田,26/4/1\r\n"), "row"),
    _csv("csv-date-impossible", "date", lambda: csv_file("10000001,山田,令和8年4月31日\r\n"), "row"),
    _csv("csv-date-far", "date_range", lambda: csv_file("10000001,山田,9999-12-31\r\n"), "row"),
    _csv("csv-choice", "choice", lambda: csv_file("10000001,山田,,,大統領\r\n"), "row"),
]

CASES = [*FILES, *CONTAINERS, *DOCUMENTS, *CELLS, *CSV_FILES, *CSV_CELLS]
