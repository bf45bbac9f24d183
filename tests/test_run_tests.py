"""`make test`: what is missing is said loudly, is an error in CI, and takes only its own lane away."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from scripts import needs, run_tests
from tests.support import lanes

# One lane is enough: nothing here has to do with a database.
pytestmark = pytest.mark.sqlite
ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = next(need for need in needs.NEEDS if need.lane == "browser")
FONT = next(need for need in needs.NEEDS if need.package == "fonts-noto-cjk")

RunMain = Callable[..., tuple[int, list[str], dict[str, str]]]


@pytest.fixture
def run_main(monkeypatch: pytest.MonkeyPatch) -> RunMain:
    """Run the script with these needs missing; answer its exit code, the pytest command and the environment."""

    def run(missing: Sequence[needs.Need], **environment: str) -> tuple[int, list[str], dict[str, str]]:
        seen: list[tuple[list[str], dict[str, str]]] = []

        @contextlib.contextmanager
        def servers(absent: Sequence[str]) -> Iterator[dict[str, str]]:
            yield {"ABSENT": ",".join(absent)}

        def run_pytest(command: list[str], handed: dict[str, str]) -> int:
            seen.append((command, handed))
            return 0

        monkeypatch.setattr(needs, "install_missing", lambda: list(missing))
        monkeypatch.setattr(run_tests, "servers", servers)
        monkeypatch.setattr(run_tests, "run_pytest", run_pytest)
        monkeypatch.setattr("signal.signal", lambda *_: None)
        monkeypatch.setattr(sys, "argv", ["run_tests.py", "tests/people", "-x"])
        for name in ("CI", "LANES"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        code = run_tests.main()
        return (code, *(seen[0] if seen else ([], {})))

    return run


def lanes_of(command: list[str]) -> list[str]:
    """Names of the lanes that a pytest command starts."""
    return [word.partition("id=")[2].partition("//")[0] for word in command if word.startswith("popen//")]


def test_everything_runs_where_nothing_is_missing(run_main: RunMain) -> None:
    code, command, environment = run_main([])
    assert code == 0
    assert lanes_of(command) == ["sqlite", "postgres", "browser"]
    assert command[-2:] == ["tests/people", "-x"]
    assert environment[lanes.MISSING] == "[]"
    assert (environment[lanes.ONCE], environment[lanes.EARLY]) == ("postgres", "browser")


def test_what_is_missing_is_said_and_takes_its_lane_away(
    run_main: RunMain, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, command, environment = run_main([CHROMIUM])
    assert code == 0
    assert lanes_of(command) == ["sqlite", "postgres"]
    assert environment[lanes.EARLY] == "sqlite"
    assert "!!! MISSING: Chromium (chromium-headless-shell): no browser test runs !!!" in capsys.readouterr().out
    monkeypatch.setenv(lanes.MISSING, environment[lanes.MISSING])
    assert lanes.pytest_report_header() == ["MISSING: Chromium (chromium-headless-shell): no browser test runs"]


@pytest.mark.parametrize("need", needs.NEEDS, ids=lambda need: need.package)
def test_nothing_may_be_missing_in_ci(run_main: RunMain, need: needs.Need) -> None:
    code, command, _ = run_main([need], CI="true")
    assert code == 1
    assert command == []


def test_a_font_takes_no_lane_away(run_main: RunMain) -> None:
    assert lanes_of(run_main([FONT])[1]) == ["sqlite", "postgres", "browser"]


def test_lanes_can_be_chosen(run_main: RunMain) -> None:
    assert lanes_of(run_main([], LANES="postgres")[1]) == ["postgres"]
    assert run_main([], LANES="sqlite browser")[2][lanes.ONCE] == "sqlite"
    assert run_main([], LANES="browser")[2][lanes.ONCE] == ""
    with pytest.raises(SystemExit, match="Unknown lane oracle"):
        run_main([], LANES="oracle")


def test_the_closing_line_is_the_last_and_counts_every_lane(tmp_path: Path) -> None:
    """A run of its own over two lanes: each takes its own, what is missing is repeated above the closing line."""
    (tmp_path / "conftest.py").write_text(
        "import os\n"
        "from tests.support import lanes\n"
        "def pytest_collection_modifyitems(items):\n"
        "    lane = os.environ.get('TEST_LANE', '')\n"
        "    items[:] = [i for i in items if lanes.wanted(lane, {m.name for m in i.iter_markers()}, postgres=False)]\n"
    )
    (tmp_path / "test_two.py").write_text(
        "import pytest\n"
        "def test_plain(): pass\n"
        "@pytest.mark.browser\n"
        "def test_seen(): pass\n"
        "@pytest.mark.postgres\n"
        "def test_elsewhere(): assert False\n"
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        own = ["-p", "xdist", "--rootdir", str(tmp_path), "-c", "/dev/null", "-p", "no:cacheprovider"]
        command = run_tests.pytest_command(["sqlite", "browser"], [*own, "-W", "ignore", str(tmp_path), *arguments])
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # loading all takes longer than the tests
            lanes.MISSING: '["a pony (pony): no ride"]',
        }
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    done = run()
    assert done.returncode == 0, done.stdout
    *_, above, closing = done.stdout.strip().splitlines()
    assert above == "MISSING: a pony (pony): no ride"
    assert " 2 passed in " in closing

    # A lane without a test is no failure; a run without one is.
    assert run("-k", "plain").returncode == 0
    assert run("-k", "nothing").returncode == pytest.ExitCode.NO_TESTS_COLLECTED
