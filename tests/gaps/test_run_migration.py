"""Runs computed before keep what they read: rows of people become rows of places, and back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from skillmap.gaps.selectors import counting
from tests.factories.gaps import finished_run, make_run_world
from tests.support.effects import inputs_of

BY_PERSON, BY_PLACE = [("gaps", "0002_inputs_by_place")], [("gaps", "0004_no_rows_of_people")]


@pytest.fixture
def _in_the_end_as_it_was() -> Iterator[None]:
    yield
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_in_the_end_as_it_was")
def test_what_was_read_survives_the_way_back_and_forth() -> None:
    runs = [finished_run(make_run_world(), parameters={"k": k}) for k in (5, 6)]
    before = [sorted(inputs_of(run)) for run in runs]
    assert all(before)
    counted = counting.own_counts(runs[0], counting.items_of(runs[0].framework))

    executor = MigrationExecutor(connection)
    single = executor.migrate(BY_PERSON).apps.get_model("gaps", "GapInput").objects
    for run, rows in zip(runs, before, strict=True):
        people = single.filter(run=run.pk).order_by("staff", "organisation")
        assert list(people.values_list("staff", "organisation", "levels")) == rows

    MigrationExecutor(connection).migrate(BY_PLACE)
    assert [sorted(inputs_of(run)) for run in runs] == before
    assert counting.own_counts(runs[0], counting.items_of(runs[0].framework)) == counted
