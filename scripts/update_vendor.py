"""Fetch the third-party files that the pages serve, and lay them under ``static/vendor``.

Nothing is built and nothing is loaded from another host at run time: the files are copied as published, each beside
its licence and its version. Run it by hand after changing a version below, look at the difference, commit it::

    python scripts/update_vendor.py                 # every package
    python scripts/update_vendor.py noto-sans-jp    # one

It needs ``npm`` on the path (``npm pack`` checks each archive against the digest that its registry names).
htmx is not here: django-htmx ships it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"


@dataclass(frozen=True)
class Package:
    """One npm package: the folder it gets here, its version, and the files taken (source pattern, target folder)."""

    folder: str
    name: str
    version: str
    files: tuple[tuple[str, str], ...]


PACKAGES = (
    Package("design-tokens", "@digital-go-jp/design-tokens", "1.1.9", (("dist/tokens.css", "."),)),
    Package(
        "noto-sans-jp",
        "@fontsource-variable/noto-sans-jp",
        "5.3.1",
        (("wght.css", "."), ("files/*-wght-normal.woff2", "files")),
    ),
)


def unpack(package: Package, into: Path) -> Path:
    """Download one package with ``npm pack`` and return the folder of its unpacked files."""
    answer = subprocess.run(
        ["npm", "pack", "--json", "--pack-destination", str(into), f"{package.name}@{package.version}"],
        check=True,
        capture_output=True,
        text=True,
    )
    archive = into / json.loads(answer.stdout)[0]["filename"]
    with tarfile.open(archive) as tar:
        tar.extractall(into / package.folder, filter="data")
    return into / package.folder / "package"


def lay(package: Package, source: Path, vendor: Path = VENDOR) -> list[Path]:
    """Replace ``static/vendor/<folder>`` by the chosen files, LICENSE and VERSION; return what was written."""
    target = vendor / package.folder
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    written = []
    for pattern, folder in (*package.files, ("LICENSE", ".")):
        found = sorted(source.glob(pattern))
        if not found:
            raise FileNotFoundError(f"{package.name} {package.version} has no {pattern}")
        (target / folder).mkdir(exist_ok=True)
        written += [Path(shutil.copyfile(path, target / folder / path.name)) for path in found if path.is_file()]
    (target / "VERSION").write_text(f"{package.name} {package.version}\n", encoding="utf-8")
    return [*written, target / "VERSION"]


def main(arguments: list[str]) -> int:
    """Update the packages named on the command line, or all."""
    parser = argparse.ArgumentParser(description="Update the vendored static files from npm.")
    parser.add_argument("folders", nargs="*", choices=[[], *(package.folder for package in PACKAGES)])
    wanted = parser.parse_args(arguments).folders
    for package in PACKAGES:
        if wanted and package.folder not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            written = lay(package, unpack(package, Path(folder)))
        size = sum(path.stat().st_size for path in written)
        print(f"{package.folder}: {package.version}, {len(written)} files, {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
