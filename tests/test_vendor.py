"""What is served from static/vendor is complete, of the versions named, with its licence, and asks no other host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts import update_vendor
from scripts.update_vendor import PACKAGES, VENDOR, Package


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.folder)
def test_version_and_licence_lie_beside_the_files(package: Package) -> None:
    folder = VENDOR / package.folder
    assert (folder / "VERSION").read_text(encoding="utf-8") == f"{package.name} {package.version}\n"
    assert (folder / "LICENSE").stat().st_size > 500
    for pattern, target in package.files:
        assert list((folder / target).glob(Path(pattern).name))


def test_every_folder_has_a_package() -> None:
    assert {path.name for path in VENDOR.iterdir()} == {package.folder for package in PACKAGES}


def test_style_sheets_ask_for_files_that_are_here() -> None:
    wanted = 0
    for sheet in VENDOR.rglob("*.css"):
        for address in re.findall(r"url\([\"']?([^)\"']+)", sheet.read_text(encoding="utf-8")):
            assert (sheet.parent / address).is_file(), address
            wanted += 1
    assert wanted > 100  # the font's subsets


def test_what_a_package_no_longer_has_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "package"
    source.mkdir()
    (source / "LICENSE").write_text("MIT")
    package = Package("thing", "thing", "1.0.0", (("dist/thing.js", "."),))
    with pytest.raises(FileNotFoundError, match=r"thing 1\.0\.0 has no dist/thing\.js"):
        update_vendor.lay(package, source, vendor=tmp_path / "vendor")
    (source / "dist").mkdir()
    (source / "dist" / "thing.js").write_text("1")
    written = update_vendor.lay(package, source, vendor=tmp_path / "vendor")
    assert sorted(path.name for path in written) == ["LICENSE", "VERSION", "thing.js"]
