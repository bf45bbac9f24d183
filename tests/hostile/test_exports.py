"""Markup that people type in, in what is no page: files and answers of the API say what they are, and hold it as text.

A browser that opened one of them as a page would run what stands in it; so each names its type, forbids guessing, and a
file is for saving.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pytest

from tests.access_world import AccessWorld
from tests.hostile.asking import Asker
from tests.hostile.exports import Export, exports
from tests.hostile.poison import MARK, MARKUP, poison
from tests.support.ground import on_ground

pytestmark = pytest.mark.postgres

#: What would make a workbook fetch or run something when it is opened.
ACTIVE = re.compile(rb"<f[ >]|<hyperlinks?[ >]|externalLink|TargetMode=.External|vbaProject|<oleObject|<ddeLink")
#: The name that a browser saves a file under: nothing of it ends the header, begins another, or leads elsewhere.
FILE_NAME = re.compile(r"attachment; filename=\"[\w. -]+\"(; filename\*=UTF-8''[\w.%~!$&+^`|-]+)?")


def poisoned() -> AccessWorld:
    """The world of the access matrix with markup in every text."""
    world = AccessWorld()
    assert len(poison(MARKUP)) > 45
    return world


laid, world = on_ground(poisoned)


@pytest.fixture(scope="module")
def asker(laid: AccessWorld, django_db_blocker: Any) -> Asker:
    with django_db_blocker.unblock():
        return Asker(laid)


def problems_of(export: Export) -> list[str]:
    """What a browser or a spreadsheet could take for more than text."""
    headers, found = export.answer.headers, []
    if headers.get("X-Content-Type-Options") != "nosniff":
        found.append("its type may be guessed")
    if export.kind != "json" and not FILE_NAME.fullmatch(headers.get("Content-Disposition", "")):
        found.append(f"to be saved as {headers.get('Content-Disposition')!r}")
    if export.kind == "xlsx":
        with zipfile.ZipFile(io.BytesIO(export.answer.content)) as workbook:
            found += [name for name in workbook.namelist() if ACTIVE.search(workbook.read(name))]
    return [f"{export.name}: {problem}" for problem in found]


def test_markup_in_files_and_in_the_api_is_text(asker: Asker, laid: AccessWorld, db: None) -> None:
    found: set[str] = set()
    problems: list[str] = []
    seen = 0
    for export in exports(asker, laid, "csv", "xlsx", "json", "ics"):
        found.add(export.name)
        problems += problems_of(export)
        for _type, value in export.values():
            if isinstance(value, str) and MARK in value:
                seen += any(text.strip() in value for text in MARKUP)
                assert "&lt;script" not in value, f"{export.name}: escaped for a page, which it is not"
    assert not problems, "\n".join(problems)
    assert len(found) >= 40, found
    assert seen > 50
