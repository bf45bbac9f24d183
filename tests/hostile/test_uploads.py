"""Hostile files through the real pages of every import: refused in words, in Japanese and in English; nothing written.

What each file is stands in tests/core/hostile.py; that reading one stays below 10 s and 512 MB is measured beside it.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse
from django.utils.html import strip_tags

from skillmap.assessment.models import ConfirmedLevel, MentorPair
from skillmap.core import jobs
from skillmap.core.choices import ImportState
from skillmap.core.models import ImportBatch, ImportRow
from skillmap.gaps.models import DemandItem
from skillmap.people.models import Membership, Staff, User
from tests.access_world import AccessWorld
from tests.core import hostile
from tests.hostile.asking import Asker
from tests.hostile.forms import forms_of
from tests.support.ground import on_ground

pytestmark = pytest.mark.sqlite

laid, world = on_ground(AccessWorld)
STORED = (Staff, Membership, User, MentorPair, ConfirmedLevel, DemandItem)
JAPANESE = re.compile(r"[ぁ-んァ-ン一-龥]")
GENERIC = ("Something went wrong", "エラーが発生しました", "unexpected", "Traceback")
#: One of each way to hurt, for every run of the tests; the long form takes all of them.
FEW = {"formula-dde", "surrogate-in-utf8"}
BY_NAME = {case.name: case for case in hostile.CASES}


@pytest.fixture(scope="module")
def asker(laid: AccessWorld, django_db_blocker: Any) -> Asker:
    with django_db_blocker.unblock():
        return Asker(laid)


def places(world: AccessWorld) -> dict[str, tuple[str, str]]:
    """Who brings in each kind of table, and where."""
    return {
        "people.staff": ("secretariat", reverse("people:import")),
        "assessment.levels": ("secretariat", reverse("assessment:levels_import")),
        "assessment.mentors": ("secretariat", reverse("assessment:mentors_import")),
        "gaps.demand": ("coordinator", reverse("gaps:demand_sheet", args=[world.response.pk])),
    }


def upload(client: Client, url: str, case: hostile.Case) -> Any:
    """Send a file by the form of the page, its other fields as they stand."""
    form = next(form for form in forms_of(url, client.get(url).content.decode()) if form.multipart)
    values: dict[str, Any] = {**dict(form.values), "file": SimpleUploadedFile(case.filename, case.make())}
    return client.generic("POST", url, encode_multipart(BOUNDARY, values), MULTIPART_CONTENT)


def words(page: str) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", strip_tags(page))


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("kind", ["people.staff", "assessment.levels", "assessment.mentors", "gaps.demand"])
@pytest.mark.parametrize(
    "name", [name if name in FEW else pytest.param(name, marks=pytest.mark.trials) for name in BY_NAME]
)
def test_a_hostile_file_is_refused_in_words(
    asker: Asker, laid: AccessWorld, db: None, name: str, kind: str, language: str
) -> None:
    if name in FEW and language == "en" and kind != "people.staff":
        return  # the words are the same ones; the long form of the others asks for both
    actor, url = places(laid)[kind]
    client = asker.become(actor)
    client.cookies["django_language"] = language
    before = [model._base_manager.count() for model in STORED]
    answer = upload(client, url, BY_NAME[name])
    if answer.status_code == 302:
        batch = ImportBatch.objects.latest("pk")
        jobs.run(batch.job_id or 0)
        batch.refresh_from_db()
        assert batch.state == ImportState.REFUSED, (batch.state, batch.problem)
        answer = client.get(answer.headers["Location"])
        told = batch.problem or " ".join(str(row) for row in ImportRow.objects.values_list("problems", flat=True))
    else:
        assert answer.status_code == 422
        told = words(answer.content.decode())
    assert told
    assert bool(JAPANESE.search(told)) or language == "en"
    assert not any(word in words(answer.content.decode()) for word in GENERIC)
    assert [model._base_manager.count() for model in STORED] == before


def test_there_are_enough_of_them() -> None:
    assert len(hostile.CASES) >= 60
    assert set(BY_NAME) >= FEW
