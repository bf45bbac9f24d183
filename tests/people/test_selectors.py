"""Reads about organisations that are put together in SQL."""

from __future__ import annotations

import pytest

from skillmap.people.choices import OrganisationKind
from skillmap.people.models import Organisation, Staff
from skillmap.people.selectors import search
from skillmap.people.selectors.organisations import top_of
from tests.factories.people import OrganisationFactory, StaffFactory

pytestmark = pytest.mark.django_db


def test_the_bureau_of_a_path_is_the_topmost_unit_that_is_no_mere_heading() -> None:
    heading = OrganisationFactory.create(kind=OrganisationKind.GROUP)
    nested = OrganisationFactory.create(kind=OrganisationKind.GROUP, parent=heading)
    plain, below, deep = (OrganisationFactory.create(parent=parent) for parent in (None, heading, nested))
    for bureau in (plain, below, deep):
        OrganisationFactory.create(parent=OrganisationFactory.create(parent=bureau))
    units = Organisation.objects.in_bulk()
    headings = {unit.path: unit.pk for unit in (heading, nested)}

    found = dict(Organisation.objects.annotate(top=top_of("path", headings)).values_list("pk", "top"))
    topmost = dict(Organisation.objects.annotate(top=top_of("path", {})).values_list("pk", "top"))

    for unit in units.values():
        above = [units[int(part)] for part in unit.path.strip("/").split("/")]
        assert found[unit.pk] == next((one for one in above if one.kind != OrganisationKind.GROUP), above[-1]).pk
        assert topmost[unit.pk] == above[0].pk


def test_every_word_of_a_search_counts() -> None:
    wanted = StaffFactory.create(name="一 二 三 四 五 六")
    StaffFactory.create(name="一 二 三 四 五 七")
    assert list(search(Staff.objects.all(), "一 二 三 四 五 六")) == [wanted]
