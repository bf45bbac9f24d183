"""Hold the Japanese catalogue against the code and the templates: every string there, translated, compiled.

    python scripts/check_translations.py            # says what is missing; changes nothing
    python scripts/check_translations.py --write    # collects new strings into the catalogue and compiles it

English is the language of the source and needs no catalogue.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = Path("locale/ja/LC_MESSAGES/django.po")
SOURCES = ("skillmap", "templates")
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}")
MARKS = ("_", "gettext", "ngettext", "pgettext", "npgettext", "gettext_lazy", "pgettext_lazy")

Key = tuple[str | None, str]


class ExtractionError(Exception):
    """The strings could not be collected; the text says why."""


def collect(folder: Path) -> None:
    """Run makemessages in `folder`, which holds SOURCES and a `locale` folder."""
    if shutil.which("xgettext") is None:
        raise ExtractionError("gettext is not installed (Debian: gettext)")
    # Without settings makemessages writes to the folder it runs in, and not to the project's own.
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [
            sys.executable, "-m", "django", "makemessages", "--locale", "ja", "--extension", "html,txt,py",
            "--no-location", "--no-obsolete", "--no-wrap",
        ],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise ExtractionError(done.stderr.strip())


def copy_sources(root: Path, target: Path) -> None:
    """Copy what has strings, without its catalogue, to `target`."""
    for name in SOURCES:
        if (root / name).exists():
            shutil.copytree(root / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    (target / CATALOGUE).parent.mkdir(parents=True)


def placeholders(texts: list[str]) -> set[str]:
    """What the program fills in."""
    return {match for text in texts for match in PLACEHOLDER.findall(text)}


def entries(path: Path) -> dict[Key, polib.POEntry]:
    """Living entries of a catalogue by context and source string."""
    return {(entry.msgctxt, entry.msgid): entry for entry in polib.pofile(str(path)) if not entry.obsolete}


def translations(entry: polib.POEntry | polib.MOEntry) -> list[str]:
    """All forms of a translation; one, where the string has no plural."""
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def problem(entry: polib.POEntry | None, key: Key) -> str | None:
    """Return what is wrong with one translation, or None."""
    shown = repr(key[1])
    if entry is None:
        return f"missing: {shown}"
    if entry.fuzzy:
        return f"fuzzy: {shown}"
    if not all(translations(entry)):
        return f"untranslated: {shown}"
    source = placeholders([text for text in (entry.msgid, entry.msgid_plural) if text])
    have = placeholders(translations(entry))
    # A plural form may leave the number out, and Japanese may put it into words: names must be known, and used.
    if have - source or (source - have and not entry.msgid_plural):
        lost, strange = ", ".join(sorted(source - have)), ", ".join(sorted(have - source))
        return f"placeholders differ: {shown} has {lost or 'no more'}, the translation has {strange or 'not'}"
    return None


def compare(wanted: Path, have: Path) -> list[str]:
    """Problems of the catalogue `have`, where `wanted` holds the strings of the source."""
    known = entries(have)
    problems = (problem(known.get(key), key) for key in entries(wanted))
    return [text for text in problems if text]


def compare_compiled(source: Path, compiled: Path) -> list[str]:
    """Say where the compiled catalogue is not what its source says."""
    if not compiled.exists():
        return [f"{compiled.name} is missing: make translations"]
    built = {(entry.msgctxt, entry.msgid): translations(entry) for entry in polib.mofile(str(compiled))}
    written = {
        key: translations(entry)
        for key, entry in entries(source).items()
        if not entry.fuzzy and any(translations(entry))
    }
    different = sorted(
        {msgid for (_, msgid) in built.keys() ^ written.keys()}
        | {key[1] for key in built.keys() & written.keys() if built[key] != written[key]}
    )
    return [f"{compiled.name} does not hold what {source.name} says: {msgid!r}" for msgid in different]


def unseen(root: Path) -> list[str]:
    """Say which strings stand inside f-strings, where xgettext does not look: they would stay English."""
    found = []
    for path in sorted((root / SOURCES[0]).rglob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        parts = [part for node in nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)]
        found += [
            f"inside an f-string: {path.relative_to(root)}:{part.lineno}"
            for part in parts
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in MARKS
        ]
    return found


def check(root: Path) -> list[str]:
    """All problems of the project's Japanese."""
    catalogue = root / CATALOGUE
    if not catalogue.exists():
        return [f"{CATALOGUE} is missing"]
    with tempfile.TemporaryDirectory(prefix="skillmap-strings-") as name:
        folder = Path(name)
        copy_sources(root, folder)
        collect(folder)
        problems = compare(folder / CATALOGUE, catalogue)
        unused = entries(catalogue).keys() - entries(folder / CATALOGUE).keys()
    problems += [f"no longer in the source: {msgid!r}" for _, msgid in sorted(unused, key=str)]
    problems += unseen(root)
    return problems + compare_compiled(catalogue, catalogue.with_suffix(".mo"))


def write(root: Path) -> None:
    """Collect new strings into the catalogue, drop those that are gone, and compile it."""
    catalogue = root / CATALOGUE
    with tempfile.TemporaryDirectory(prefix="skillmap-strings-") as name:
        folder = Path(name)
        copy_sources(root, folder)
        if catalogue.exists():
            shutil.copy(catalogue, folder / CATALOGUE)
        collect(folder)
        shutil.copy(folder / CATALOGUE, catalogue)
    polib.pofile(str(catalogue)).save_as_mofile(str(catalogue.with_suffix(".mo")))


def main() -> int:
    """Print the problems; return 1 where there is one."""
    parser = argparse.ArgumentParser(description="Check the Japanese catalogue.")
    parser.add_argument("--write", action="store_true", help="collect and compile first")
    try:
        if parser.parse_args().write:
            write(ROOT)
        problems = check(ROOT)
    except ExtractionError as error:
        problems = [str(error)]
    for text in problems:
        print(text)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
