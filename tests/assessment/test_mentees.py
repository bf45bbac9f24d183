"""A mentor's list of mentees."""

import pytest
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.assessment.choices import CycleState, CycleStep
from skillmap.assessment.models import (
    Cycle,
    Extension,
)
from skillmap.assessment.selectors.mentees import mentees_of
from skillmap.assessment.services import times
from skillmap.core import clock
from skillmap.core.models import AuditEvent
from skillmap.people.models import Organisation
from tests.assessment.meeting_support import DAY, as_user, fresh, slot
from tests.factories.assessment import World, make_cycle, make_organisation, set_windows
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db


laid, world = on_ground(lambda: make_cycle(items=4))


# ------------------------------------------------------------------------------------------------------ list of mentees


def test_those_who_wait_come_first(world: World) -> None:
    found = mentees_of(fresh(world.mentor))
    waiting = {row.assessment.pk for row in found if row.waits}
    assert waiting == {world.check(stage).pk for stage in ("submitted", "met", "confirmed")}
    assert [row.waits for row in found] == sorted((row.waits for row in found), reverse=True)
    assert world.check("withdrawn").pk not in {row.assessment.pk for row in found}


def test_the_list_names_step_dates_and_the_next_1on1(world: World) -> None:
    check = world.check("submitted")
    times.propose(assessment_id=world.check("confirmed").pk, slots=[slot(3)], actor=world.user("confirmed"))
    (made,) = times.propose(assessment_id=check.pk, slots=[slot(2)], actor=world.user("submitted"))
    times.agree(assessment_id=check.pk, proposal_id=made.pk, actor=world.mentor)
    html = as_user(world.mentor).get(reverse("assessment:mentees")).content.decode()
    assert reverse("assessment:meeting_times", args=[world.check("confirmed").pk]) in html
    assert reverse("assessment:one_on_one", args=[check.pk]) in html
    row = next(row for row in mentees_of(fresh(world.mentor)) if row.assessment.pk == check.pk)
    assert row.agreed_at == made.starts_at
    assert not AuditEvent.objects.filter(verb="levels.read").exists()
    assert "Lv." not in html


def test_the_list_is_of_running_cycles_and_marks_deputies(world: World) -> None:
    assert all(row.is_deputy for row in mentees_of(fresh(world.deputy)))
    assert mentees_of(fresh(world.former_mentor)) == mentees_of(fresh(world.stranger)) == []
    assert "empty" in as_user(world.stranger).get(reverse("assessment:mentees")).content.decode()
    Cycle.objects.filter(pk=world.cycle.pk).update(state=CycleState.CLOSED, closed_at=clock.now())
    assert mentees_of(fresh(world.mentor)) == []


def test_a_late_one_stands_above(world: World) -> None:
    late = world.check("met")
    yesterday = clock.today() - DAY
    set_windows(world.cycle, opens_on=yesterday - DAY, closes_on=yesterday, steps=[CycleStep.FIRST_ONE_ON_ONE])
    Extension.objects.create(
        assessment=world.check("submitted"),
        step=CycleStep.FIRST_ONE_ON_ONE,
        closes_on=clock.today() + DAY,
        reason="出張",
        granted_by=world.secretariat,
    )
    first, second, *_rest = mentees_of(fresh(world.mentor))
    assert (first.assessment.pk, first.is_late, second.is_late) == (late.pk, True, False)


def test_the_list_names_number_and_bureau_and_who_has_not_begun(world: World) -> None:
    check = world.check("submitted")
    bureau = make_organisation("計画局")
    Organisation.objects.filter(pk=check.organisation_id).update(parent=bureau)
    html = as_user(world.mentor).get(reverse("assessment:mentees")).content.decode()
    assert f"計画局 {check.organisation.name}" in html
    assert check.staff.number in html
    assert html.count(str(_("Not started"))) == 1
