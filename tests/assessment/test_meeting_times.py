"""Times of a 1on1 and its calendar file."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.assessment.choices import ProposalState, SecondMeeting
from skillmap.assessment.models import (
    MeetingProposal,
)
from skillmap.assessment.services import times
from skillmap.core import clock
from skillmap.core.models import Notification
from tests.assessment.meeting_support import DAY, WITH_MEETINGS, as_user, dossier, refused, slot
from tests.factories.assessment import World, make_cycle
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db


laid, world = on_ground(lambda: make_cycle(items=4))


# ------------------------------------------------------------------------------------------------------ times, calendar


def test_either_side_proposes_and_the_other_agrees(world: World) -> None:
    check, person = world.check("submitted"), world.user("submitted")
    first, second, third = times.propose(assessment_id=check.pk, slots=[slot(1), slot(2), slot(3)], actor=world.mentor)
    told = Notification.objects.filter(kind="meeting.proposed")
    assert {row.recipient_id for row in told} == {person.pk, world.deputy.pk}
    assert all(row.path == reverse("assessment:meeting_times", args=[check.pk]) for row in told)
    assert (
        refused(lambda: times.agree(assessment_id=check.pk, proposal_id=second.pk, actor=world.mentor))
        == "own_proposal"
    )
    assert (
        refused(lambda: times.agree(assessment_id=check.pk, proposal_id=second.pk, actor=world.deputy))
        == "own_proposal"
    )

    times.agree(assessment_id=check.pk, proposal_id=second.pk, actor=person)
    states = dict(MeetingProposal.objects.values_list("pk", "state"))
    assert states == {first.pk: "dropped", second.pk: "accepted", third.pk: "dropped"}
    assert Notification.objects.filter(kind="meeting.agreed", recipient=world.mentor).count() == 1
    assert refused(lambda: times.agree(assessment_id=check.pk, proposal_id=first.pk, actor=person)) == "time_gone"

    # Proposing others keeps the agreed time until another one is agreed.
    (other,) = times.propose(assessment_id=check.pk, slots=[slot(5)], actor=person)
    assert dossier(person, check).agreed.pk == second.pk  # type: ignore[union-attr]
    times.agree(assessment_id=check.pk, proposal_id=other.pk, actor=world.deputy)
    assert dossier(person, check).agreed.pk == other.pk  # type: ignore[union-attr]
    times.cancel(assessment_id=check.pk, proposal_id=other.pk, actor=person)
    assert dossier(person, check).agreed is None
    assert Notification.objects.filter(kind="meeting.cancelled", recipient=world.mentor).count() == 1


def test_proposing_replaces_what_was_proposed(world: World) -> None:
    check = world.check("submitted")
    times.propose(assessment_id=check.pk, slots=[slot(1)], actor=world.mentor)
    times.propose(assessment_id=check.pk, slots=[slot(1), slot(2)], actor=world.user("submitted"))
    assert [row.by_id for row in dossier(world.mentor, check).open_times] == [world.user("submitted").pk] * 2


@pytest.mark.parametrize(
    ("slots", "code"),
    [
        ([], "times_missing"),
        ([slot(1), slot(2), slot(3), slot(4)], "times_too_many"),
        ([slot(1), slot(1)], "time_twice"),
        ([slot(-1)], "time_past"),
        ([slot(31)], "time_outside_window"),
    ],
)
def test_impossible_times_are_refused(world: World, slots: list[times.Slot], code: str) -> None:
    check = world.check("submitted")
    assert refused(lambda: times.propose(assessment_id=check.pk, slots=slots, actor=world.mentor)) == code
    assert not MeetingProposal.objects.exists()


@pytest.mark.parametrize("second", SecondMeeting.values)
def test_times_are_arranged_until_the_1on1_is_held(second: str) -> None:
    world = make_cycle(items=2, second_meeting=SecondMeeting(second))
    open_stages = {"untouched", "started", "submitted", "corrected"} | ({"confirmed"} if second == "after" else set())
    for stage in WITH_MEETINGS:
        check = world.check(stage)
        for actor in (world.mentor, world.user(stage)):
            code = refused(
                lambda check=check, actor=actor: times.propose(assessment_id=check.pk, slots=[slot(2)], actor=actor)
            )
            assert (code == "") == (stage in open_stages), (stage, code)
    secretariat = refused(
        lambda: times.propose(assessment_id=world.check("submitted").pk, slots=[slot(2)], actor=world.secretariat)
    )
    assert secretariat == "wrong_person"


def test_the_page_of_times(world: World) -> None:
    check, url = world.check("submitted"), reverse("assessment:meeting_times", args=[world.check("submitted").pk])
    mentor, person = as_user(world.mentor), as_user(world.user("submitted"))
    day = (clock.today() + 2 * DAY).isoformat()
    form = {"do": "propose", "day_1": day, "time_1": "10:00", "minutes": "45", "way": "in_person", "place": "会議室3"}
    assert mentor.post(url, {**form, "time_1": ""}).status_code == 422
    assert mentor.post(url, {**form, "day_1": "", "time_1": ""}).status_code == 422
    assert mentor.post(url, {**form, "day_1": (clock.today() - DAY).isoformat()}).status_code == 422
    assert mentor.post(url, form).status_code == 302
    made = MeetingProposal.objects.get()
    assert (made.starts_at.astimezone(clock.TOKYO).hour, made.minutes, made.place) == (10, 45, "会議室3")
    assert "会議室3" in person.get(url).content.decode()
    assert mentor.post(url, {"do": "agree", "proposal": made.pk}).status_code == 409
    assert person.post(url, {"do": "agree", "proposal": made.pk}).status_code == 302
    assert person.post(url, {"do": "agree", "proposal": 10**9}).status_code == 404
    assert person.post(url, {"do": "agree", "proposal": "x"}).status_code == 404
    other = world.check("met")
    foreign = as_user(world.user("met")).post(
        reverse("assessment:meeting_times", args=[other.pk]), {"do": "cancel", "proposal": made.pk}
    )
    assert foreign.status_code in (404, 409) and MeetingProposal.objects.get().state == ProposalState.ACCEPTED
    assert mentor.get(reverse("assessment:one_on_one", args=[check.pk])).content.decode().count("会議室3") == 1


def unfolded(body: bytes) -> list[str]:
    """The lines of a calendar file, as RFC 5545 3.1 folds them."""
    assert body.endswith(b"\r\n") and b"\n" not in body.replace(b"\r\n", b"")
    assert max(len(line) for line in body.split(b"\r\n")) <= 75
    return body.decode().replace("\r\n ", "").split("\r\n")[:-1]


def test_the_calendar_file(world: World) -> None:
    check = world.check("submitted")
    (made,) = times.propose(
        assessment_id=check.pk,
        slots=[
            slot(
                2, way="in_person", place="第二本庁舎, 12階; 会議室3\\北側の一番奥にある小さな打合せ用の部屋(予約済み)"
            )
        ],
        actor=world.mentor,
    )
    url = reverse("assessment:meeting_file", args=[check.pk])
    assert as_user(world.mentor).get(url).status_code == 404  # not agreed yet
    times.agree(assessment_id=check.pk, proposal_id=made.pk, actor=world.user("submitted"))
    answer = as_user(world.mentor).get(url)
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="one-on-one-first.ics"'
    lines = unfolded(answer.content)
    assert lines[0] == "BEGIN:VCALENDAR" and lines[-1] == "END:VCALENDAR"
    assert (lines.count("BEGIN:VEVENT"), lines.count("END:VEVENT"), "VERSION:2.0" in lines) == (1, 1, True)
    values = dict(line.split(":", 1) for line in lines)
    starts = datetime.strptime(values["DTSTART"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    ends = datetime.strptime(values["DTEND"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert (starts, ends - starts) == (made.starts_at, timedelta(minutes=30))
    assert values["LOCATION"].endswith(
        "第二本庁舎\\, 12階\\; 会議室3\\\\北側の一番奥にある小さな打合せ用の部屋(予約済み)"
    )
    assert check.staff.name in values["SUMMARY"]
    assert world.mentor.name in as_user(world.user("submitted")).get(url).content.decode().replace("\r\n ", "")
    # A moved time has the same UID and a higher SEQUENCE.
    (moved,) = times.propose(assessment_id=check.pk, slots=[slot(3)], actor=world.mentor)
    times.agree(assessment_id=check.pk, proposal_id=moved.pk, actor=world.user("submitted"))
    again = dict(line.split(":", 1) for line in unfolded(as_user(world.mentor).get(url).content))
    assert again["UID"] == values["UID"] and int(again["SEQUENCE"]) > int(values["SEQUENCE"])


def test_the_own_proposal_waits_for_the_other_side(world: World) -> None:
    check = world.check("submitted")
    times.propose(assessment_id=check.pk, slots=[slot(2)], actor=world.user("submitted"))
    asked, own = str(_("See the proposed times")), str(_("Times are proposed: the answer is awaited"))
    mine = as_user(world.user("submitted")).get(reverse("assessment:my_one_on_one", args=[check.pk])).content.decode()
    assert asked not in mine and own in mine
    theirs = as_user(world.mentor).get(reverse("assessment:one_on_one", args=[check.pk])).content.decode()
    assert asked in theirs and own not in theirs


def test_a_refused_time_is_named(world: World) -> None:
    url = reverse("assessment:meeting_times", args=[world.check("submitted").pk])
    good, past = ((clock.today() + days * DAY).isoformat() for days in (2, -1))
    form = {"do": "propose", "minutes": "45", "way": "in_person"}
    sent = {"day_1": good, "time_1": "10:00", "day_3": past, "time_3": "10:00"}
    answer = as_user(world.mentor).post(url, {**form, **sent})
    assert list(answer.context["form"].errors) == ["day_3"]
    assert str(answer.context["form"]["day_3"].label).startswith(_("Choice %(number)s") % {"number": 3})
    twice = as_user(world.mentor).post(url, {**form, **sent, "day_3": good})
    assert list(twice.context["form"].errors) == ["day_3"]
