"""Files of honest people: what is understood, what is remarked, and how problems are told."""

import io
import random
from collections.abc import Sequence
from typing import Any

import openpyxl
import pytest
from django.utils.translation import gettext_lazy, override

from skillmap.core.tabular import messages
from skillmap.core.tabular._csv import read_csv
from skillmap.core.tabular._wire import Refused, column_index, column_name
from skillmap.core.tabular._workbook import read_workbook
from skillmap.core.tabular.columns import Column, Kind
from skillmap.core.tabular.layout import ranges
from skillmap.core.tabular.limits import DEFAULT, Limits
from skillmap.core.tabular.problems import Notice, RowProblem, TabularError, masked, shown
from skillmap.core.tabular.reading import TableReading, read_table
from skillmap.core.tabular.report import problem_table
from skillmap.core.tabular.writing import write_csv
from tests.core import hostile

COLUMNS = [
    Column(key="number", headers=["職員番号", "ID"], kind=Kind.CODE, digits=8, required=True),
    Column(key="name", headers=[gettext_lazy("Name"), "氏名"], required=True),
    Column(key="hired", headers=["採用日"], kind=Kind.DATE),
    Column(key="level", headers=["レベル"], kind=Kind.LEVEL),
    Column(key="occupation", headers=["職種"], kind=Kind.CHOICE, choices={"ict": ["ICT職"], "clerk": ["事務"]}),
]


def read(data: bytes, filename: str = "list.xlsx", **options: Any) -> TableReading:
    return read_table(data, filename, **{"columns": COLUMNS, **options})


def read_csv_text(text: str, encoding: str = "utf-8", **options: Any) -> TableReading:
    return read(text.encode(encoding), "list.csv", **options)


def names(reading: TableReading) -> list[Any]:
    return [row.values["name"] for row in reading.rows]


def notices(reading: TableReading) -> dict[str, Notice]:
    return {notice.code: notice for notice in reading.notices}


def test_cells_that_are_equal_and_not_the_same_are_read_each_as_what_it_is() -> None:
    head = ["職員番号", "氏名", "採用日", "レベル", "職種"]
    levels: list[Any] = [1, True, "1", True, "１", 7, 7]
    rows = [[f"1000000{count}", "山田", "R8.4.1", level, "ICT職"] for count, level in enumerate(levels)]
    reading = read(saved({"Sheet": [head, *rows]}))
    assert [row.values["level"] for row in reading.rows] == [1, None, 1, None, 1, None, None]
    assert [problem.row for problem in reading.problems] == [3, 5, 7, 8]
    assert {row.values["occupation"] for row in reading.rows} == {"ict"}
    assert [date.row for date in reading.dates] == [2, 3, 4]


def saved(sheets: dict[str, Sequence[Sequence[Any]]]) -> bytes:
    """A workbook as another program writes it."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


# --------------------------------------------------------------------------------------------------- workbooks


@pytest.mark.parametrize("reference", ["A1", "A1:A1", "A1:XFD1048576"])
def test_the_declared_dimension_does_not_matter(reference: str) -> None:
    rows = hostile.text_row(2) + hostile.text_row(3, ("10000002", "山田"))
    reading = read(hostile.workbook(rows, before=f'<dimension ref="{reference}"/>'))
    assert names(reading) == ["髙﨑 𠮷", "山田"]


@pytest.mark.parametrize(("serial", "since1904"), [("46113", False), ("44651", True)])
def test_both_date_systems(serial: str, since1904: bool) -> None:
    """The same day, stored in a cell with a date format and as a bare number."""
    for style in (0, 1):
        row = hostile.number_row(f'<c r="C2" s="{style}"><v>{serial}</v></c>')
        reading = read(hostile.workbook(row, book=hostile.book_xml(date1904=since1904)))
        assert str(reading.rows[0].values["hired"]) == "2026-04-01"
        assert ("date1904" in notices(reading)) is since1904


def test_cells_as_other_programs_write_them() -> None:
    """Shared strings with furigana, numbers as text, 1.0 for 1, cells and rows without addresses."""
    shared = (
        "<si><t>10000001</t></si><si><r><t>山</t></r><r><t>田</t></r>"
        '<rPh sb="0" eb="1"><t>ヤマ</t></rPh><phoneticPr fontId="1"/></si>'
    )
    row = (
        '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c><c s="1"/><c><v>2.0</v></c><c t="str"><v>ict</v></c></row>'
        '<row r="7"><c r="A7" t="s"><v>0</v></c><c r="B7" t="s"><v>1</v></c>'
        '<c r="D7" t="inlineStr"><is><t>３</t></is></c></row>'
    )
    reading = read(hostile.workbook(row, shared=hostile.shared_xml(shared)))
    assert [row.number for row in reading.rows] == [2, 7]
    assert reading.rows[0].values == {
        "number": "10000001",
        "name": "山田",
        "hired": None,
        "level": 2,
        "occupation": "ict",
    }
    assert reading.rows[1].values["level"] == 3


def test_a_workbook_of_another_library() -> None:
    rows: list[list[Any]] = [
        ["職員番号", "Name", "採用日", "レベル", "職種"],
        ["10000001", "山田", "R8.4.1", 0, "ＩＣＴ職"],
    ]
    reading = read(saved({"職員": rows}))
    assert reading.ok
    assert reading.rows[0].values["level"] == 0
    assert (reading.kind, reading.sheet) == ("xlsx", "職員")
    assert [(date.written, date.value) for date in reading.dates] == [("R8.4.1", "2026-04-01")]


def test_mail_links_are_harmless() -> None:
    """Excel makes a link of every address that is typed; that is no link to another file."""
    relation = (
        f'<Relationship Id="r" Type="{hostile.OFFICE}/hyperlink" Target="mailto:a@example.jp" TargetMode="External"/>'
    )
    data = hostile.with_parts({"xl/worksheets/_rels/sheet1.xml.rels": hostile.relations_xml(relation)})
    assert names(read(data)) == ["髙﨑 𠮷"]


def test_the_sheet_is_chosen_by_name() -> None:
    header = ["職員番号", "氏名"]
    data = saved({"説明": [["はじめに"]], "職員": [header, ["10000001", "A"]], "旧": [header, ["10000002", "B"]]})
    reading = read(data, sheets=[gettext_lazy("Staff list of no year"), "職員"])
    assert names(reading) == ["A"]
    assert "several_sheets" not in notices(reading)
    with pytest.raises(TabularError) as caught:
        read(data, sheets=["新"])
    assert caught.value.code == "sheet_missing"
    assert "職員" in str(caught.value)


def test_the_first_visible_sheet_is_read_and_said() -> None:
    header = ["職員番号", "氏名"]
    book = openpyxl.load_workbook(
        io.BytesIO(saved({"隠": [["x"]], "職員": [header, ["10000001", "A"]], "旧": [["x"]]}))
    )
    book["隠"].sheet_state = "hidden"
    target = io.BytesIO()
    book.save(target)
    reading = read(target.getvalue())
    assert reading.sheet == "職員"
    assert notices(reading)["several_sheets"].params == {"sheet": "職員", "others": ["旧"]}
    with pytest.raises(TabularError) as caught:
        read(target.getvalue(), sheets=["隠"])
    assert caught.value.code == "sheet_missing"


def test_hidden_and_merged_cells_are_named() -> None:
    hidden = "".join(
        hostile.text_row(number, (f"1000000{number}", "A")).replace("<row ", '<row hidden="1" ') for number in (3, 4, 6)
    )
    rows = hostile.text_row(2) + hidden
    columns = '<cols><col min="4" max="5" hidden="1"/><col min="9" max="16384" width="0"/></cols>'
    reading = read(hostile.workbook(rows, before=columns))
    assert len(reading.rows) == 4
    assert notices(reading)["hidden_rows"].params == {"rows": ["3-4", "6"]}
    assert notices(reading)["hidden_columns"].params == {"columns": ["D", "E"]}


def test_titles_above_the_heading_row_may_be_merged() -> None:
    title = '<row r="1"><c r="A1" t="inlineStr"><is><t>職員一覧（職員番号順）</t></is></c></row>'
    rows = title + hostile.text_row(3, hostile.HEADERS) + hostile.text_row(4)
    sheet = hostile.sheet_xml(rows, after='<mergeCells><mergeCell ref="A1:E1"/></mergeCells>')
    reading = read(hostile.packed(hostile.parts_of(sheet)))
    assert reading.layout.row == 3
    assert reading.rows[0].number == 4
    assert reading.ok


def test_formulas_outside_the_table_do_not_matter() -> None:
    """A helper column that is not read may hold anything; its rows count only where a known column is filled."""
    helper = '<c r="F{n}"><f>ROW()</f><v>1</v></c></row>'
    rows = hostile.text_row(2).replace("</row>", helper.format(n=2)) + '<row r="3">' + helper.format(n=3)
    reading = read(hostile.workbook(rows))
    assert reading.ok
    assert [row.number for row in reading.rows] == [2]
    assert "no_heading" in notices(reading)


# --------------------------------------------------------------------------------------------------------- CSV


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "cp932"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_encodings_and_separators(encoding: str, separator: str) -> None:
    text = f"職員番号{separator}氏名\r\n10000001{separator}山田、太郎～\r\n"
    reading = read_csv_text(text, encoding)
    assert reading.encoding == encoding
    assert reading.separator == separator
    assert names(reading) == ["山田、太郎～"]
    assert ("encoding" in notices(reading)) is (encoding == "cp932")
    assert reading.preview == [["職員番号", "氏名"], ["10000001", "山田、太郎～"]]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_line_ends(end: str) -> None:
    reading = read_csv_text(end.join(["number,name", "10000001,A", "", "10000002,B"]))
    assert [row.number for row in reading.rows] == [2, 4]


def test_rows_are_counted_as_a_spreadsheet_shows_them() -> None:
    notes = [*COLUMNS, Column(key="note", headers=["備考"], multiline=True)]
    text = '職員番号,氏名,備考\r\n10000001,A,"一行目\n二行目\r三行目"\r\n\r\n,B,\r\n'
    reading = read_csv_text(text, columns=notes)
    assert reading.rows[0].values["note"] == "一行目\n二行目\n三行目"
    assert [(problem.row, problem.column, problem.code) for problem in reading.problems] == [
        (4, "職員番号", "required")
    ]


def test_short_rows_are_filled_up_and_said() -> None:
    """Excel leaves out trailing separators of rows whose last cells are empty."""
    reading = read_csv_text("職員番号,氏名,採用日,レベル\r\n10000001,A\r\n10000002,B,,1\r\n")
    assert reading.ok
    assert notices(reading)["short_rows"].params == {"count": 1}


def test_preview_shows_the_first_five_rows() -> None:
    reading = read_csv_text("職員番号,氏名\r\n" + "".join(f"{n:08d},N{n}\r\n" for n in range(20)))
    assert len(reading.preview) == 6
    assert reading.preview[5] == ["00000004", "N4"]


def test_text_that_looks_like_a_formula_is_text() -> None:
    reading = read_csv_text("職員番号,氏名\r\n10000001,=1+1\r\n10000002,'@SUM\r\n10000003,'quoted'\r\n")
    assert names(reading) == ["=1+1", "@SUM", "'quoted'"]


# ----------------------------------------------------------------------------------------------------- headers


@pytest.mark.parametrize("header", ["氏名", "Name", "ＮＡＭＥ", "name", "氏　名（必須）", "※氏名", "\u200b氏名 "])
def test_headers_in_any_form(header: str) -> None:
    assert names(read_csv_text(f"ID,{header}\r\n10000001,A\r\n")) == ["A"]


def test_notes_may_stand_above_the_heading_row() -> None:
    reading = read_csv_text(
        "人材育成目的。人事評価への利用禁止\r\n作成日時,2026\r\n\r\n職員番号,氏名\r\n10000001,A\r\n"
    )
    assert reading.layout.row == 4
    assert reading.rows[0].number == 5


def test_columns_that_are_not_known() -> None:
    text = "職員番号,氏名,血液型\r\n10000001,A,O\r\n"
    assert notices(read_csv_text(text))["ignored_columns"].params == {"headers": ["血液型"]}
    with pytest.raises(TabularError) as caught:
        read_csv_text(text, strict=True)
    assert caught.value.code == "unknown_headers"
    assert "血液型" in str(caught.value)


def test_absent_and_empty_are_told_apart() -> None:
    reading = read_csv_text("職員番号,氏名,レベル\r\n10000001,A,\r\n")
    assert reading.has("level")
    assert not reading.has("hired")
    assert reading.rows[0].values["hired"] is None
    wanted = [*COLUMNS[:4], Column(key="x", headers=["区分"], header_required=True)]
    with pytest.raises(TabularError) as caught:
        read_csv_text("職員番号,氏名\r\n10000001,A\r\n", columns=wanted)
    assert caught.value.details["missing"] == ["区分"]
    assert caught.value.row == 1


# ---------------------------------------------------------------------------------------------------- problems


def test_all_problems_are_gathered_in_the_order_of_the_file() -> None:
    text = "採用日,氏名,職員番号\r\nまだ,,1\r\n2026/4/1,B,10000001\r\n,C,10000001\r\n,D,10000001\r\n"
    reading = read_csv_text(text, unique=[["number"]])
    found = [(problem.row, problem.column, problem.code) for problem in reading.problems]
    assert found == [
        (2, "採用日", "date"),
        (2, "氏名", "required"),
        (2, "職員番号", "code_digits"),
        (4, "職員番号", "duplicate"),
        (5, "職員番号", "duplicate"),
    ]
    assert [problem.params["rows"] for problem in reading.problems[3:]] == [[3, 4], [3, 5]]
    assert [row.ok for row in reading.rows] == [False, True, False, False]


def test_keys_of_several_columns() -> None:
    text = "職員番号,氏名,職種\r\n10000001,A,ICT職\r\n10000001,A,事務\r\n10000001,B,ict\r\n10000001,B,\r\n"
    reading = read_csv_text(text, unique=[["number", "occupation"]])
    assert [(problem.row, problem.params["rows"]) for problem in reading.problems] == [(4, [2, 4])]


def test_many_problems_are_counted_and_few_kept() -> None:
    reading = read_csv_text("職員番号,氏名\r\n" + "x,\r\n" * 3000, max_problems=100)
    assert len(reading.problems) == 100
    assert reading.problems_total == 6000
    assert reading.problems_left_out == 5900
    table = problem_table(reading.problems, total=reading.problems_total, filename="list.csv")
    assert any("5900" in note for note in table.notes)


def test_values_are_masked_where_they_are_personal() -> None:
    text = "職員番号,氏名,レベル,職種\r\n123,山田\x07太郎,９,総理\r\n12,A,taro@example.jp,\r\n"
    reading = read_csv_text(text)
    assert [problem.value for problem in reading.problems] == ["1***", "山***", "９", "総理", "1***", "t***@example.jp"]
    assert masked("") == ""
    assert masked("山田太郎") == "山***"
    assert shown("a\x00b\u202ec" + "x" * 100).startswith("a b c")


def test_a_caller_adds_what_only_it_can_see() -> None:
    reading = read_csv_text("職員番号,氏名\r\n10000001,A\r\n10000002,B\r\n")
    reading.refuse(reading.rows[1], "number", reason="登録されていません。", fix="確認してください。", value="1***")
    reading.refuse(reading.rows[0], "", reason="行が不要です。", fix="削除してください。")
    assert not reading.ok
    assert [(p.row, p.column, p.reason, p.fix) for p in reading.problems] == [
        (2, "", "行が不要です。", "削除してください。"),
        (3, "職員番号", "登録されていません。", "確認してください。"),
    ]
    assert [row.ok for row in reading.rows] == [False, False]


def test_problems_and_notices_can_be_stored() -> None:
    import json

    reading = read_csv_text("職員番号,氏名,血液型\r\n1,\r\n", unique=[["number"]])
    reading.refuse(reading.rows[0], "name", reason="a", fix="b")
    stored = json.loads(json.dumps([problem.to_json() for problem in reading.problems]))
    assert [RowProblem.from_json(item) for item in stored] == reading.problems
    kept = json.loads(json.dumps([notice.to_json() for notice in reading.notices]))
    assert [Notice.from_json(item) for item in kept] == reading.notices


def test_the_report_follows_the_file() -> None:
    reading = read_csv_text("氏名,職員番号\r\n,1\r\n=A,2\r\n")
    table = problem_table(reading.problems, total=reading.problems_total, filename="list.csv")
    lines = b"".join(write_csv(table)).decode("utf-8-sig").split("\r\n")
    start = lines.index("") + 2
    assert [line.split(",")[:2] for line in lines[start:-1]] == [["2", "氏名"], ["2", "職員番号"], ["3", "職員番号"]]


def test_every_notice_has_words() -> None:
    values = {
        "sheet": "a",
        "others": ["b", "c"],
        "rows": ["1"],
        "columns": ["A"],
        "headers": ["x"],
        "count": 2,
        "encoding": "e",
    }
    values["header"] = "h"
    for code in messages.NOTICES:
        for language in ("ja", "en"):
            with override(language):
                text = str(Notice(code, values))
                assert text
                assert "%(" not in text


# -------------------------------------------------------------------------------------------------- the source


def test_an_upload_is_not_read_beyond_the_limit() -> None:
    class Endless(io.RawIOBase):
        """Gives as many bytes as are asked for, and refuses to be read to an end it does not have."""

        asked = 0

        def read(self, size: int = -1) -> bytes:
            assert size >= 0
            self.asked += size
            return b"x" * size

    source = Endless()
    with pytest.raises(TabularError) as caught:
        read_table(source, "list.csv", columns=COLUMNS)  # type: ignore[arg-type]
    assert caught.value.code == "file_too_big"
    assert source.asked == DEFAULT.file_bytes + 1


def test_the_same_file_has_the_same_digest() -> None:
    data = hostile.csv_file(hostile.CSV_ROW)
    assert read(data, "a.csv").digest == read(data, "b.txt").digest
    assert len(read(data, "a.csv").digest) == 64


def test_limits_are_the_callers() -> None:
    data = hostile.csv_file(hostile.CSV_ROW * 11)
    assert len(read(data, "a.csv", limits=Limits(rows=11)).rows) == 11
    with pytest.raises(TabularError) as caught:
        read(data, "a.csv", limits=Limits(rows=10))
    assert caught.value.code == "too_many_rows"


def test_addresses() -> None:
    assert [column_name(index) for index in (0, 25, 26, 51, 52, 701, 702, 16_383)] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD",
    ]  # fmt: skip
    assert all(column_index(column_name(index)) == index for index in range(16_384))
    assert ranges([3, 4, 5, 9]) == ["3-5", "9"]
    assert ranges(range(1, 100, 2))[-1] == "…"


# ------------------------------------------------------------------------------------------------------ mutants


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A file with a few bytes changed, removed or doubled."""
    body = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(body))
        length = chance.choice([1, 1, 2, 8, 40])
        match chance.randrange(3):
            case 0:
                body[start : start + length] = chance.randbytes(length)
            case 1:
                del body[start : start + length]
            case _:
                body[start:start] = body[start : start + length]
        if not body:
            break
    return bytes(body)


def drained(lines: Any) -> None:
    """Read to the end; being refused in known words is an end, any other exception fails the test."""
    refused: Refused | None = None
    try:
        for _line in lines:
            pass
    except Refused as refusal:
        refused = refusal
    if refused is not None:
        assert messages.fill(messages.REFUSALS[refused.code][0], refused.params)


@pytest.mark.parametrize("seed", range(8))
def test_mutated_workbooks_are_read_or_refused(seed: int) -> None:
    """In this process, where nothing hides a stray exception: 50 mutants of the container, 50 of the sheet's XML."""
    chance = random.Random(seed)
    rows = hostile.text_row(2) + hostile.number_row('<c r="D2" t="e"><v>#N/A</v></c>').replace(
        'r="2"', 'r="3"'
    ).replace('2"', '3"')
    sheet = hostile.sheet_of(rows, after='<mergeCells><mergeCell ref="B2:B3"/></mergeCells>').encode()
    good = hostile.packed(hostile.parts_of(sheet))
    for _ in range(50):
        drained(read_workbook(mutated(good, chance), sheets=[], limits=DEFAULT))
        parts = hostile.parts_of(mutated(sheet, chance))
        drained(read_workbook(hostile.packed(parts), sheets=[], limits=DEFAULT))


@pytest.mark.parametrize("seed", range(4))
def test_mutated_csv_files_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    for encoding in ("utf-8-sig", "cp932"):
        good = ('職員番号,氏名\r\n10000001,"山田\n太郎"\r\n' * 5).encode(encoding)
        for _ in range(50):
            drained(read_csv(mutated(good, chance), headers={"職員番号", "氏名"}, limits=DEFAULT))
