"""From what stands in a cell to a value."""

import datetime as dt
import string
from typing import Any

import pytest
from django.db.models import IntegerChoices, TextChoices
from hypothesis import given
from hypothesis import strategies as st

from skillmap.core.tabular.columns import Column, Kind, labels_of
from skillmap.core.tabular.keys import INVISIBLE, header_key, match_key
from skillmap.core.tabular.layout import check_columns
from skillmap.core.tabular.normalise import (
    CONTROLS,
    EDGES,
    KANA_WITH_MARK,
    LINE_ENDS,
    ODD,
    PRIVATE,
    BadCell,
    normalise,
    trim,
)

APRIL = dt.date(2026, 4, 1)


def column(kind: Kind = Kind.TEXT, **options: Any) -> Column:
    return Column(key="x", headers=["X"], kind=kind, **options)


def code_of(raw: Any, wanted: Column, *, date1904: bool = False) -> str:
    """The code of the problem that a cell has."""
    with pytest.raises(BadCell) as caught:
        normalise(raw, wanted, date1904=date1904)
    return caught.value.code


# ------------------------------------------------------------------------------------------------------- text


def test_what_is_passed_over_quickly_holds_nothing_to_look_for() -> None:
    every = "".join(map(chr, range(0x110000)))
    passed = "".join(letter for letter in every if not ODD.match(letter))
    assert passed.translate(INVISIBLE) == passed
    assert not LINE_ENDS.search(passed.replace("\r", ""))
    assert not KANA_WITH_MARK.search("か".join(passed))
    assert not set(EDGES) & set(passed)
    shown = "".join(letter for letter in every if letter.isprintable())
    assert not CONTROLS.search(shown)
    assert not PRIVATE.search(shown)


@pytest.mark.parametrize(
    "name", ["髙橋", "﨑山", "𠮷田", "葛\U000e0100城", "邉〜", "神", "ﾔﾏﾀﾞ", "Ⅲ", "①", "ｱ", "㈱", "e\u0301"]
)
def test_names_keep_their_form(name: str) -> None:
    assert normalise(name, column()) == name


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("　山田　太郎　", "山田　太郎"),
        ("\ufeff山田\u200b", "山田"),
        ("\u200e山田\u202c", "山田"),
        ("\u00a0山田\u00a0\n", "山田"),
        ("\u200d山田\u200c", "山田"),
        ("山\t田", "山 田"),
        ("か\u3099き", "がき"),
        (1.0, "1"),
        (1.5, "1.5"),
        (True, "TRUE"),
        (["date", "2026-04-01"], "2026-04-01"),
        ("", None),
        (" 　\u200b", None),
        (None, None),
    ],
)
def test_text(raw: Any, value: str | None) -> None:
    assert normalise(raw, column()) == value


def test_line_breaks_are_for_notes() -> None:
    assert code_of("a\nb", column()) == "line_break"
    assert normalise("a\r\nb\rc\u2028d\n", column(multiline=True)) == "a\nb\nc\nd"


@pytest.mark.parametrize("strange", ["a\x00b", "a\x07b", "a\x7fb", "a\x85b", "a\ud800b", "a\uffffb", "a\ufdd0b"])
def test_characters_that_cannot_be_shown(strange: str) -> None:
    assert code_of(strange, column()) == "control_character"


@pytest.mark.parametrize("gaiji", ["\ue000", "\uf8ff", "\U000f0000", "\U0010fffd"])
def test_gaiji(gaiji: str) -> None:
    assert code_of(f"山{gaiji}", column()) == "private_character"


def test_length_counts_characters() -> None:
    assert normalise("𠮷" * 200, column()) == "𠮷" * 200
    assert code_of("𠮷" * 201, column()) == "too_long"
    assert code_of("abc", column(max_length=2)) == "too_long"


@given(st.text())
def test_any_text_is_taken_or_refused(text: str) -> None:
    try:
        value = normalise(text, column(multiline=True))
    except BadCell:
        return
    assert value is None or (isinstance(value, str) and value == trim(value) and "\x00" not in value)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    ("raw", "code"), [(["formula"], "formula"), (["error", "#N/A"], "error_value"), (["long", 99_999], "cell_too_long")]
)
def test_marks_are_never_values(kind: Kind, raw: Any, code: str) -> None:
    choices = {"a": ["A"]} if kind is Kind.CHOICE else {}
    assert code_of(raw, column(kind, choices=choices)) == code


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("raw", [None, "", "　", "\u200b"])
def test_empty_cells(kind: Kind, raw: Any) -> None:
    choices = {"a": ["A"]} if kind is Kind.CHOICE else {}
    assert normalise(raw, column(kind, choices=choices)) is None
    assert code_of(raw, column(kind, choices=choices, required=True)) == "required"


def test_words_for_empty() -> None:
    unanswered = column(Kind.LEVEL, blanks=["未回答", "-"])
    assert normalise("未回答", unanswered) is None
    assert normalise("－", unanswered) is None
    assert normalise("0", unanswered) == 0


# ------------------------------------------------------------------------------------------------ codes, numbers


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("0012", "0012"),
        ("００１２", "0012"),
        ("Ａ－１", "A-1"),
        ("A−1", "A-1"),
        ("it_strategy", "it_strategy"),
        (12.0, "12"),
    ],
)
def test_codes(raw: Any, value: str) -> None:
    assert normalise(raw, column(Kind.CODE)) == value


@pytest.mark.parametrize("raw", ["1 2", "山", "=1+1", "a/b", "a'b", "<b>"])
def test_not_a_code(raw: Any) -> None:
    assert code_of(raw, column(Kind.CODE)) == "code"


def test_codes_of_fixed_length() -> None:
    number = column(Kind.CODE, digits=8)
    assert normalise("０００１２３４５", number) == "00012345"
    assert normalise(12345678.0, number) == "12345678"
    assert code_of(12345.0, number) == "zeros_lost"
    assert code_of("12345", number) == "code_digits"
    assert code_of("A2345678", number) == "code_digits"
    assert code_of(["date", "2026-04-01"], number) == "became_date"
    assert code_of(1e15, column(Kind.CODE)) == "too_precise"
    assert code_of("x" * 300, column(Kind.CODE)) == "too_long"
    assert code_of("x", column(Kind.CODE, pattern="[0-9]+", example="12")) == "code_pattern"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("3", 3),
        ("３", 3),
        (3.0, 3),
        ("3.0", 3),
        ("1,200", 1200),
        ("１，２００", 1200),
        ("+3", 3),
        ("3人", 3),
        ("３名", 3),
        (0, 0),
    ],
)
def test_integers(raw: Any, value: int) -> None:
    assert normalise(raw, column(Kind.INTEGER, suffixes=["人", "名"])) == value


@pytest.mark.parametrize(
    "raw", ["3.5", 3.5, "三", "1,20", "1 2", "--3", "0x3", "1e3", "٣", True, ["date", "2026-04-01"]]
)
def test_not_an_integer(raw: Any) -> None:
    assert code_of(raw, column(Kind.INTEGER)) == "integer"


def test_integers_stay_in_range() -> None:
    assert normalise(2**31 - 1, column(Kind.INTEGER)) == 2**31 - 1
    assert code_of(float(2**31), column(Kind.INTEGER)) == "integer_range"
    assert code_of("-1", column(Kind.INTEGER)) == "integer_range"
    assert code_of("9" * 15, column(Kind.INTEGER)) == "integer_range"
    assert code_of("9" * 5000, column(Kind.INTEGER)) == "integer"
    assert normalise("−5", column(Kind.INTEGER, minimum=-10, maximum=0)) == -5


@pytest.mark.parametrize(("raw", "value"), [("0", 0), ("３", 3), (2.0, 2), ("2.0", 2), (" 1 ", 1), ("²", 2)])
def test_levels(raw: Any, value: int) -> None:
    assert normalise(raw, column(Kind.LEVEL)) == value


@pytest.mark.parametrize("raw", ["4", 4.0, -1.0, 1.5, "1.5", "Lv2", "二", "02", True, "٢", ["date", "2026-04-01"]])
def test_not_a_level(raw: Any) -> None:
    assert code_of(raw, column(Kind.LEVEL)) == "level"
    assert code_of(raw, column(Kind.LEVEL, required=True)) == "level_required"


# ------------------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    "raw",
    [
        "2026/4/1",
        "2026/04/01",
        "2026-04-01",
        "2026.4.1",
        "２０２６／４／１",
        "2026年4月1日",
        "2026年 4月 1日（水）",
        "2026年4月1日(水曜日)",
        "令和8年4月1日",
        "令和８年４月１日（水）",
        "R8.4.1",
        "r8/4/1",
        "R08-04-01",
        "㋿8年4月1日",
        "20260401",
        20260401.0,
        "2026-04-01 00:00:00",
        "2026-04-01T00:00",
        46113.0,
        "46113",
        ["date", "2026-04-01"],
    ],
)
def test_dates(raw: Any) -> None:
    assert normalise(raw, column(Kind.DATE)) == APRIL


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("平成元年1月8日", dt.date(1989, 1, 8)),
        ("H31.4.30", dt.date(2019, 4, 30)),
        ("令和元年5月1日", dt.date(2019, 5, 1)),
        ("S64.1.7", dt.date(1989, 1, 7)),
        ("昭和45年4月1日", dt.date(1970, 4, 1)),
        ("平成32年3月31日", dt.date(2020, 3, 31)),
        ("2024/2/29", dt.date(2024, 2, 29)),
    ],
)
def test_eras(raw: str, value: dt.date) -> None:
    assert normalise(raw, column(Kind.DATE)) == value


def test_day_numbers_of_1904() -> None:
    assert normalise(44651.0, column(Kind.DATE), date1904=True) == APRIL


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("2026/4/31", "date"),
        ("2025/2/29", "date"),
        ("2026/4", "date"),
        ("4/1", "date"),
        ("8", "date"),
        (8.0, "date"),
        (True, "date"),
        ("来年度", "date"),
        (99_999_999.0, "date"),
        (["time", "12:00:00"], "date"),
        (["duration", 3600.0], "date"),
        ("26/4/1", "date_year"),
        ("4/1/2026", "date"),
        ("2026/4-1", "date"),
        ("2026-04-01 13:00", "date_time"),
        (["datetime", "2026-04-01T13:00:00"], "date_time"),
        ("1899-12-31", "date_range"),
        ("2200-01-01", "date_range"),
        ("明治5年1月1日", "date_range"),
    ],
)
def test_not_a_date(raw: Any, code: str) -> None:
    assert code_of(raw, column(Kind.DATE)) == code


# ------------------------------------------------------------------------------------------- choices and the rest


class Fruit(TextChoices):
    APPLE = "apple", "りんご"
    PEAR = "pear", "洋 なし"


class Grade(IntegerChoices):
    LOW = 1, "低"
    HIGH = 2, "高"


@pytest.mark.parametrize(
    ("raw", "value"), [("りんご", "apple"), ("APPLE", "apple"), ("洋なし", "pear"), ("洋　なし", "pear")]
)
def test_choices(raw: str, value: str) -> None:
    assert normalise(raw, column(Kind.CHOICE, choices=labels_of(Fruit))) == value


def test_choices_by_number() -> None:
    assert normalise(2.0, column(Kind.CHOICE, choices=labels_of(Grade))) == "2"
    assert normalise("低", column(Kind.CHOICE, choices=labels_of(Grade))) == "1"


def test_not_a_choice() -> None:
    assert code_of("みかん", column(Kind.CHOICE, choices=labels_of(Fruit))) == "choice"
    bureaus = {f"b{number}": [f"第{number}総務部"] for number in range(50)}
    assert code_of("第7総務課部", column(Kind.CHOICE, choices=bureaus)) == "choice_near"
    assert code_of("xyz", column(Kind.CHOICE, choices=bureaus)) == "choice_unknown"
    assert code_of("あ" * 30_000, column(Kind.CHOICE, choices=bureaus)) == "choice_unknown"


@pytest.mark.parametrize(
    ("raw", "value"), [("Taro@Example.JP", "Taro@example.jp"), ("ｔａｒｏ＠example.jp", "taro@example.jp")]
)
def test_addresses(raw: str, value: str) -> None:
    assert normalise(raw, column(Kind.EMAIL)) == value


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("taro", "email"),
        ("a@b", "email"),
        ("a b@example.jp", "email"),
        ("a@example.jp, b@example.jp", "email"),
        ("a@example.jp\nBcc: b@example.jp", "email"),
        ('"a\x0cBcc:b@example.jp"@example.jp', "email"),
        (f"{'a' * 300}@example.jp", "too_long"),
    ],
)
def test_not_an_address(raw: str, code: str) -> None:
    assert code_of(raw, column(Kind.EMAIL)) == code


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("○", True),
        ("〇", True),
        ("◯", True),
        ("はい", True),
        ("TRUE", True),
        ("１", True),
        (1.0, True),
        (True, True),
        ("あり", True),
        ("×", False),
        ("いいえ", False),
        ("No", False),
        ("0", False),
        (0.0, False),
        (False, False),
        ("なし", False),
    ],
)
def test_yes_and_no(raw: Any, value: bool) -> None:
    assert normalise(raw, column(Kind.BOOLEAN)) is value


@pytest.mark.parametrize("raw", ["x", "X", "△", "2", 2.0, "maybe", ["date", "2026-04-01"]])
def test_neither_yes_nor_no(raw: Any) -> None:
    assert code_of(raw, column(Kind.BOOLEAN)) == "boolean"


# ------------------------------------------------------------------------------------------- keys and definitions


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Staff_Number", "staff number"),
        ("職員番号（必須）", "職員 番号"),
        ("※ 氏名", "氏名"),
        ("ＩＣＴ職", "ict職"),
        ("Name (required)", "NAME"),
    ],
)
def test_headers_that_mean_the_same(one: str, other: str) -> None:
    assert header_key(one) == header_key(other)


def test_marks_belong_to_choices() -> None:
    assert match_key("研修（任意）") != match_key("研修")
    assert match_key("-") == "-"


@given(st.text(alphabet=string.printable + "　＿（）必須*※"))
def test_keys_are_stable(text: str) -> None:
    assert header_key(header_key(text)) == header_key(text)


def test_a_table_must_be_unambiguous() -> None:
    with pytest.raises(ValueError, match="could mean"):
        check_columns([Column(key="a", headers=["氏名"]), Column(key="b", headers=["氏 名"])])
    with pytest.raises(ValueError, match="stands for"):
        check_columns([column(Kind.CHOICE, choices={"a": ["同じ"], "b": ["同じ"]})])
    with pytest.raises(ValueError, match="choices"):
        column(Kind.CHOICE)
    with pytest.raises(ValueError, match="header"):
        Column(key="a", headers=[])
