"""Hostile and broken files: each is refused in words, within 10 seconds and 512 MB, and nothing else ever comes out."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.utils.functional import Promise
from django.utils.translation import override

from skillmap.core.errors import RuleViolation
from skillmap.core.tabular import messages, sandbox
from skillmap.core.tabular.columns import Column, Kind
from skillmap.core.tabular.limits import DEFAULT, MEGABYTE, Limits
from skillmap.core.tabular.problems import TabularError
from skillmap.core.tabular.reading import TableReading, read_table
from tests.core import hostile

COLUMNS = [
    Column(key="number", headers=["職員番号"], kind=Kind.CODE, digits=8, required=True),
    Column(key="name", headers=["氏名"], required=True),
    Column(key="hired", headers=["採用日"], kind=Kind.DATE),
    Column(key="level", headers=["レベル"], kind=Kind.LEVEL),
    Column(key="occupation", headers=["職種"], kind=Kind.CHOICE, choices={"ict": ["ICT職"], "clerk": ["事務"]}),
]
MAX_SECONDS, MAX_KB = 10, 512 * 1024  # published figures; the defaults allow 30 seconds


def read(data: bytes, filename: str, limits: Limits = DEFAULT) -> TableReading:
    """Read with the columns of a small staff list."""
    return read_table(data, filename, columns=COLUMNS, unique=[["number"]], limits=limits)


def assert_clear(text: str) -> None:
    """A sentence for people: filled in, with an end."""
    assert text
    assert "%(" not in text
    assert text[-1] in ".。)"


@pytest.mark.parametrize("case", hostile.CASES, ids=lambda case: case.name)
def test_hostile_file(case: hostile.Case) -> None:
    if case.kind == "row":
        reading = read(case.make(), case.filename)
        assert case.code in {problem.code for problem in reading.problems}
        assert not reading.ok
        assert all(problem.row >= 2 for problem in reading.problems)
        for problem in reading.problems:
            for language in ("ja", "en"):
                with override(language):
                    assert_clear(problem.reason)
                    assert_clear(problem.fix)
        seconds, kb = reading.cpu_seconds, reading.memory_kb
    else:
        with pytest.raises(TabularError) as caught:
            read(case.make(), case.filename)
        assert caught.value.code == case.code
        for language in ("ja", "en"):
            with override(language):
                assert_clear(str(caught.value))
                assert caught.value.what in str(caught.value)
        seconds, kb = caught.value.cpu_seconds, caught.value.memory_kb
    assert seconds < MAX_SECONDS
    assert kb < MAX_KB


def test_there_are_enough_cases() -> None:
    names = [case.name for case in hostile.CASES]
    assert len(names) == len(set(names)) >= 60


@pytest.mark.parametrize("code", sorted({case.code for case in hostile.CASES}))
def test_the_words_are_translatable(code: str) -> None:
    texts = messages.REFUSALS.get(code) or messages.PROBLEMS[code]
    assert all(isinstance(text, Promise) for text in texts)


def test_every_text_in_the_catalogue_is_lazy() -> None:
    pairs = [*messages.REFUSALS.values(), *messages.PROBLEMS.values()]
    assert all(isinstance(text, Promise) for pair in pairs for text in pair)
    assert all(isinstance(text, Promise) for text in messages.NOTICES.values())


@pytest.mark.parametrize("limits", [Limits(cpu_seconds=1), Limits(wall_seconds=1)], ids=["of the processor", "waited"])
def test_time_is_limited(limits: Limits) -> None:
    """Two million cells need more than a second; the process is then killed, and the user told."""
    with pytest.raises(TabularError) as caught:
        read(hostile.formatted_cells(), "slow.xlsx", limits)
    assert caught.value.code == "too_slow"


@pytest.mark.parametrize("megabytes", [45, 60])
def test_memory_is_limited(megabytes: int) -> None:
    """Wherever the allocation fails, in Python or in native code, it is said in the same words.

    The table needs more than 70 MB; below 55 native code fails first.
    """
    rows = "".join(hostile.text_row(number, ("10000001", "あ" * 440)) for number in range(2, 20_000))
    with pytest.raises(TabularError) as caught:
        read(hostile.workbook(rows), "large.xlsx", Limits(memory_bytes=megabytes * MEGABYTE))
    assert caught.value.code in {"too_heavy", "unreadable"}
    assert_clear(str(caught.value))


def test_the_reading_process_knows_nothing_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """It loads no web framework, and the environment with its secrets is not handed on."""
    monkeypatch.setenv("SECRET_KEY", "not-for-parsers")
    code = "import sys, skillmap.core.tabular._child; print(sorted(m for m in sys.modules if m.startswith('django')))"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

    answer = "{'refused': 'unreadable', 'params': dict(os.environ), 'cpu': 0, 'memory_kb': 0}"
    tell = f"import json, os; print(json.dumps({answer}))"
    monkeypatch.setattr(sandbox, "COMMAND", (sys.executable, "-c", tell))
    with pytest.raises(TabularError) as caught:
        read(hostile.csv_file(hostile.CSV_ROW), "list.csv")
    assert "PATH" in caught.value.details
    assert set(caught.value.details) <= {"PATH", "LANG", "LC_CTYPE"}


def test_no_other_exception_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of our own is told as an unreadable file, and logged without the file's contents."""

    def broken(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError("山田")

    monkeypatch.setattr("skillmap.core.tabular.reading.parse", broken)
    with pytest.raises(TabularError) as caught:
        read(hostile.csv_file(hostile.CSV_ROW), "list.csv")
    assert caught.value.code == "unreadable"
    assert "山田" not in str(caught.value)


def test_a_refusal_is_a_rule_violation() -> None:
    """Pages show it as a form error, the API as a conflict, like every other refusal."""
    with pytest.raises(RuleViolation) as caught:
        read(b"", "list.csv")
    assert caught.value.code == "empty_file"
    assert str(caught.value.message) == str(caught.value)
