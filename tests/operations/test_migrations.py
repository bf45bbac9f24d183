"""Later migrations can be taken back and applied again: the schema is the same, and so is every row that had a place.

The first ones too, which leaves nothing: that takes long, and is a trial (tests/trials/test_ten_thousand.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from skillmap.assessment.models import OneOnOne
from tests.factories.assessment import World, make_cycle
from tests.support.reversing import back_and_forth

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> Iterator[World]:
    """A cycle; whatever happens to its tables, the tests after this one find every one."""
    yield make_cycle(items=4)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_later_migrations_can_be_taken_back_and_applied_again(world: World) -> None:
    journey = back_and_forth(stay=1)
    assert journey.is_round(), journey
    assert "unapply assessment.0003_meeting_drafts" in journey.steps


def test_what_would_be_lost_is_said_before_a_migration_is_taken_back() -> None:
    make_cycle(items=4)
    refuse = import_module("skillmap.assessment.migrations.0003_meeting_drafts").refuse_to_lose
    refuse(apps, None)
    meeting = OneOnOne.objects.first()
    assert meeting is not None
    OneOnOne.objects.filter(pk=meeting.pk).update(person_note="下書き", person_version=1)
    with pytest.raises(RuntimeError, match="1 meetings"):
        refuse(apps, None)
