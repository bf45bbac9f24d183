"""The rules of the house are held by tools; here the tools are seen to hold them."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from scripts import bootstrap, check_translations, check_words

ROOT = Path(__file__).resolve().parent.parent
# One lane is enough: nothing here has to do with a database.
pytestmark = pytest.mark.sqlite
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


# ------------------------------------------------------------------------------------------------ import contracts
def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the import contracts on the project in `folder`."""
    # Not this run's settings: the copy is only read, never started.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the contracts look at."""
    folder = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(ROOT / "skillmap", folder / "skillmap", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def copy(pristine: Path, tmp_path: Path) -> Path:
    """A copy of one's own, to break."""
    return shutil.copytree(pristine, tmp_path / "tree")


def test_the_tree_keeps_every_contract(pristine: Path) -> None:
    done = lint_imports(pristine)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("core/broken.py", "from skillmap.gaps import models", "Apps import downward only"),
        ("people/broken.py", "import skillmap.framework.models", "Apps import downward only"),
        ("assessment/broken.py", "from skillmap import portal", "Apps import downward only"),
        ("gaps/rules/broken.py", "from django.db import models", "rules: values in, values out"),
        ("gaps/rules/broken.py", "import time", "rules: values in, values out"),
        (
            "assessment/rules/broken.py",
            "from pathlib import Path",
            "rules: values in, values out",
        ),
        ("people/models/broken.py", "import skillmap.people.views", "Inside an app"),
        ("assessment/selectors/broken.py", "import skillmap.assessment.services", "Inside an app"),
        ("gaps/services/broken.py", "import skillmap.gaps.forms", "Inside an app"),
        ("gaps/views/broken.py", "import skillmap.gaps.api", "Inside an app"),
        ("gaps/rules/broken.py", "import skillmap.gaps.choices", "Inside an app"),
        ("core/models/broken.py", "import skillmap.core.tasks", "Inside core"),
        ("portal/broken.py", "from skillmap.config import celery", "Apps name the configuration by strings only"),
        ("config/broken.py", "import skillmap.people.models", "The configuration names the apps by strings only"),
    ],
)
def test_a_broken_contract_is_found(copy: Path, module: str, line: str, broken: str) -> None:
    target = copy / "skillmap" / module
    room = target.parent
    # A room is a file in one app and a folder in another; either way the line stands in that room.
    if room.with_suffix(".py").exists():
        target = room.with_suffix(".py")
    room_is_new = not room.is_dir() and target.parent == room
    if room_is_new:
        room.mkdir()
        (room / "__init__.py").touch()
    for imported in re.findall(r"skillmap\.\w+\.\w+", line):
        path = copy / Path(*imported.split("."))
        if not path.is_dir() and not path.with_suffix(".py").exists():
            path.with_suffix(".py").touch()
    with target.open("a") as handle:
        handle.write(f"\n{line}\n")

    done = lint_imports(copy)

    assert done.returncode == 1, done.stdout
    report = " ".join(done.stdout.split())
    assert re.search(rf"{re.escape(broken)}[^.]*? BROKEN", report), done.stdout


def rules_modules() -> list[Path]:
    """Every module that holds rules, those that have a second name too."""
    return sorted(path for name in ("rules", "*_rules", "rules/*") for path in ROOT.glob(f"skillmap/*/{name}.py"))


def asks_the_clock(source: str) -> list[int]:
    """Lines of `source` that ask for the present moment."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [c.lineno for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr in {"now", "today", "utcnow"}]


def test_rules_under_a_second_name_are_pure_too() -> None:
    """The contract on `rules` names modules; this holds `mentor_rules` and the like to the same list."""
    contracts = {contract["id"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]}
    forbidden = set(contracts["pure-rules"]["forbidden_modules"])
    assert forbidden >= {"django", "os", "time"}
    for path in rules_modules():
        assert not forbidden & set(imported_packages(path)), path


def test_rules_never_ask_the_clock() -> None:
    found = {str(path.relative_to(ROOT)): asks_the_clock(path.read_text()) for path in rules_modules()}
    assert {path: lines for path, lines in found.items() if lines} == {}
    assert asks_the_clock("import datetime\nx = datetime.date.today()\n") == [2]


# ------------------------------------------------------------------------------------------------------- libraries
def running_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below `node` but those that only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            yield child
            yield from running_nodes(child)


def imported_packages(place: Path) -> dict[str, str]:
    """Top-level packages that a module, or all in a folder, import at run time, each with one module that does."""
    found: dict[str, str] = {}
    for path in place.rglob("*.py") if place.is_dir() else [place]:
        for node in running_nodes(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            found |= {name.partition(".")[0]: str(path.relative_to(ROOT)) for name in names}
    return found


def canonical(requirement: str) -> str:
    """The name of the project that a requirement asks for."""
    match = re.match(r"[\w.-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def test_every_imported_library_is_declared() -> None:
    declared = {canonical(requirement) for requirement in PROJECT["project"]["dependencies"]}
    providers = packages_distributions()
    missing = {
        f"{name} in {module}"
        for name, module in imported_packages(ROOT / "skillmap").items()
        if name != "skillmap"
        and name not in sys.stdlib_module_names
        and not declared & {canonical(provider) for provider in providers.get(name, [])}
    }
    assert missing == set()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-uv.txt"])
def test_every_pin_has_a_hash_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    pins = re.findall(r"^[a-z0-9][\w.-]*==", text, re.MULTILINE)
    blocks = re.findall(r"^[a-z0-9][^\n]*==[^\n]*\\\n(?:    --hash=sha256:[0-9a-f]{64}[^\n]*\n)+", text, re.MULTILINE)
    assert len(pins) == len(blocks) > 0
    assert "://" not in text
    assert not re.search(r"^\s*-(i|f|-index-url|-extra-index-url|-find-links)\b", text, re.MULTILINE)


def test_pins_cover_what_the_project_declares() -> None:
    extra = PROJECT["project"]["optional-dependencies"]["dev"]
    runtime = set(re.findall(r"^([a-z0-9][\w.-]*)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    dev = set(re.findall(r"^([a-z0-9][\w.-]*)==", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE))
    assert {canonical(requirement) for requirement in PROJECT["project"]["dependencies"]} <= runtime
    assert {canonical(requirement) for requirement in extra} <= dev
    assert runtime <= dev
    # Beside psycopg2 Django would take psycopg 3, untried here.
    assert not {"psycopg", "psycopg-binary"} & dev


# ------------------------------------------------------------------------------------------------------- bootstrap
def fake_pins(folder: Path) -> None:
    """Lay three small requirement files where the real ones would be."""
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-uv.txt"):
        (folder / name).write_text(f"# {name}\n")


def test_bootstrap_does_without_ensurepip_and_without_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare Debian: `python3 -m venv` fails, uv cannot be had, the system's pip does the work."""
    fake_pins(tmp_path)
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    venv, calls = tmp_path / "env", []

    def run(command: list[str | Path], *, quiet: bool = False) -> bool:
        words = [*map(str, command)]
        calls.append(words)
        if "venv" in words and "--without-pip" in words:
            (venv / "bin").mkdir(parents=True)
            (venv / "bin" / "python").touch()
            return True
        inside = words[0].startswith(str(venv))
        return "venv" not in words and not inside and "requirements-uv.txt" not in words[-1]

    monkeypatch.setattr(bootstrap, "run", run)
    assert bootstrap.bootstrap(venv, dev=False) == venv / "bin" / "python"

    final = calls[-1]
    assert final[:3] == [sys.executable, "-m", "pip"]
    assert final[3:5] == ["--python", str(venv / "bin" / "python")]
    assert "--require-hashes" in final
    assert final[-1] == str(tmp_path / "requirements.txt")


def test_bootstrap_works_again_only_when_a_pin_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pins(tmp_path)
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    venv, calls = tmp_path / "env", []
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()

    def run(command: list[str | Path], *, quiet: bool = False) -> bool:
        calls.append([*map(str, command)])
        return True

    monkeypatch.setattr(bootstrap, "run", run)

    def installs(*, dev: bool) -> list[str]:
        calls.clear()
        bootstrap.bootstrap(venv, dev=dev)
        return [Path(call[-1]).name for call in calls if "install" in call and "requirements-uv" not in call[-1]]

    assert installs(dev=False) == ["requirements.txt"]
    assert installs(dev=False) == []
    assert installs(dev=True) == ["requirements-dev.txt"]
    assert installs(dev=False) == []
    (tmp_path / "requirements.txt").write_text("# newer\n")
    assert installs(dev=False) == ["requirements.txt"]


def test_bootstrap_refuses_an_unknown_python(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sys.version_info", (3, 9, 2))
        with pytest.raises(bootstrap.BootstrapError, match=r"3\.11 to 3\.13 is needed, this one is 3\.9\.2"):
            bootstrap.check_python()
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.14"


# ----------------------------------------------------------------------------------------------------------- words
@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("README.md", "see https:" + "//py" + "pi.example/simple/"),
        ("package-lock.json", '"resolved": "https:' + "//regis" + 'try.example/x.tgz"'),
        ("Dockerfile", "RUN pip install --" + "index-url=https://files.example/simple x"),
        ("docs/a.md", "it lies in /" + "root/project"),
        ("docs/a.md", "see /" + "home/alice/notes"),
        ("templates/a.html", "<p>不正な" + "値です</p>"),
        ("locale/ja/LC_MESSAGES/django.po", 'msgstr "不正な' + '値"'),
        ("skillmap/core/a.py", "# TO" + "DO: later"),
        ("templates/a.html", '<p style="color: red">'),
        ("templates/a.html", '<button onclick="go()">'),
        ("templates/a.html", '<button hx-on:click="go()">'),
        ("templates/a.html", "<script>go()</script>"),
        ("templates/a.html", "<style>p {}</style>"),
        ("deploy/key.pem", "-----BEGIN PRIVATE " + "KEY-----"),
    ],
)
def test_a_forbidden_word_is_found(path: str, line: str) -> None:
    findings = check_words.check_text(Path(path), f"first line\n{line}\n")
    assert {finding.line for finding in findings} == {2}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("README.md", "open http://localhost:8000"),
        ("templates/a.html", "<script src=\"{% static 'js/app.js' %}\" defer></script>"),
        ("templates/a.html", '<div data-on="x">'),
        ("templates/emails/a.html", '<p style="color: red">'),
        ("skillmap/core/a.py", "position = method(todo)"),
    ],
)
def test_an_innocent_line_passes(path: str, line: str) -> None:
    assert check_words.check_text(Path(path), line) == []


def test_the_project_has_no_forbidden_word() -> None:
    assert [str(finding) for finding in check_words.check_project(ROOT)] == []


# ---------------------------------------------------------------------------------------------------- translations
HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\nPlural-Forms: nplurals=1; plural=0;\\n"\n\n'


def write(folder: Path, name: str, text: str) -> Path:
    """Write a catalogue and return its path."""
    path = folder / name
    path.write_text(HEADER + text)
    return path


@pytest.mark.parametrize(
    ("have", "problem"),
    [
        ("", "missing: 'Home'"),
        ('msgid "Home"\nmsgstr ""\n', "untranslated: 'Home'"),
        ('#, fuzzy\nmsgid "Home"\nmsgstr "ホーム"\n', "fuzzy: 'Home'"),
        ('msgctxt "other"\nmsgid "Home"\nmsgstr "ホーム"\n', "missing: 'Home'"),
    ],
)
def test_a_gap_in_the_translation_is_found(tmp_path: Path, have: str, problem: str) -> None:
    wanted = write(tmp_path, "wanted.po", 'msgid "Home"\nmsgstr ""\n')
    assert check_translations.compare(wanted, write(tmp_path, "have.po", have)) == [problem]


def test_a_lost_placeholder_is_found(tmp_path: Path) -> None:
    wanted = write(tmp_path, "wanted.po", 'msgid "%(count)s of {total}"\nmsgstr ""\n')
    have = write(tmp_path, "have.po", 'msgid "%(count)s of {total}"\nmsgstr "{total}人中%(n)s人"\n')
    assert check_translations.compare(wanted, have) == [
        "placeholders differ: '%(count)s of {total}' has %(count)s, the translation has %(n)s"
    ]


def test_a_stale_compiled_catalogue_is_found(tmp_path: Path) -> None:
    import polib

    source = write(tmp_path, "django.po", 'msgid "Home"\nmsgstr "ホーム"\n')
    compiled = tmp_path / "django.mo"
    polib.pofile(str(source)).save_as_mofile(str(compiled))
    assert check_translations.compare_compiled(source, compiled) == []
    write(tmp_path, "django.po", 'msgid "Home"\nmsgstr "トップ"\n')
    assert check_translations.compare_compiled(source, compiled) == [
        "django.mo does not hold what django.po says: 'Home'"
    ]
    compiled.unlink()
    assert check_translations.compare_compiled(source, compiled) == ["django.mo is missing: make translations"]


def test_a_string_inside_an_f_string_is_told(tmp_path: Path) -> None:
    (tmp_path / "skillmap").mkdir()
    module = tmp_path / "skillmap" / "module.py"
    module.write_text("""words = _("seen")\nshown = f"{words}: {_('never seen')}"\n""", encoding="utf-8")

    assert check_translations.unseen(tmp_path) == ["inside an f-string: skillmap/module.py:2"]
