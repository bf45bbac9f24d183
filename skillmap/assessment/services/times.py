"""Times for a 1on1: either side proposes up to three, the other one agrees or proposes others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from skillmap.assessment import meeting_rules
from skillmap.assessment.choices import MeetingWay, ProposalState
from skillmap.assessment.messages import refuse
from skillmap.assessment.models import MeetingProposal
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.selectors.meetings.parts import Time
from skillmap.assessment.services.dropped_times import CANCELLED
from skillmap.assessment.services.meetings import hold, refuse_unless
from skillmap.core import clock, notifications
from skillmap.core.clock import TOKYO
from skillmap.people.models import User

MOST_TIMES = 3
PROPOSED = _("Times for a 1on1 were proposed to you: please answer")
AGREED = _("The time of a 1on1 is agreed")


@dataclass(frozen=True)
class Slot:
    """One time to propose."""

    starts_at: datetime
    minutes: int = 30
    way: str = MeetingWay.ONLINE.value
    place: str = ""


@transaction.atomic
def propose(*, assessment_id: int, slots: Sequence[Slot], actor: User) -> list[MeetingProposal]:
    """Propose one to three times for the present 1on1; what was proposed before is dropped, an agreed time stays.

    Raises RuleViolation: not arranged now (see `meeting_rules.times_refusal`), times_missing, times_too_many, and with
    the place of the time in `details["slot"]` time_past, time_outside_window, time_twice.
    """
    dossier = hold(assessment_id, actor)
    refuse_unless(dossier.times_refusal, dossier)
    if not dossier.mentors:
        raise refuse("no_mentor")
    _check(dossier, slots)
    rows = MeetingProposal.objects.filter(assessment=dossier.assessment, kind=dossier.kind)
    rows.filter(state=ProposalState.OPEN).update(state=ProposalState.DROPPED, answered_at=clock.now())
    made = [
        MeetingProposal.objects.create(
            assessment=dossier.assessment,
            kind=dossier.kind,
            starts_at=slot.starts_at,
            minutes=slot.minutes,
            way=slot.way,
            place=slot.place.strip()[:200],
            proposed_by=actor,
        )
        for slot in slots
    ]
    _tell_other_side(dossier, actor, kind="meeting.proposed", subject=PROPOSED, key=f"proposal:{made[0].pk}")
    return made


def _check(dossier: Dossier, slots: Sequence[Slot]) -> None:
    if not slots:
        raise refuse("times_missing")
    if len(slots) > MOST_TIMES:
        raise refuse("times_too_many")
    if len({slot.starts_at for slot in slots}) < len(slots):
        moments = [slot.starts_at for slot in slots]
        twice = next(place for place, moment in enumerate(moments) if moment in moments[:place])
        raise refuse("time_twice", {"slot": twice})
    window = dossier.situation.windows.get(meeting_rules.WINDOWS[dossier.kind])
    for place, slot in enumerate(slots):
        if slot.starts_at <= clock.now():
            raise refuse("time_past", {"slot": place})
        if window is not None and not window.is_open(slot.starts_at.astimezone(TOKYO).date()):
            raise refuse("time_outside_window", {"slot": place})


@transaction.atomic
def agree(*, assessment_id: int, proposal_id: int, actor: User) -> Time:
    """Agree to a time that the other side proposed; it takes the place of one agreed before.

    Raises Http404 for an unknown one, RuleViolation time_gone, own_proposal, time_past.
    """
    dossier = hold(assessment_id, actor)
    refuse_unless(dossier.times_refusal, dossier)
    rows = MeetingProposal.objects.filter(assessment=dossier.assessment, kind=dossier.kind)
    if not rows.filter(pk=proposal_id).exists():
        raise Http404
    time = next((row for row in dossier.open_times if row.pk == proposal_id), None)
    if time is None:
        raise refuse("time_gone")
    if not dossier.may_answer(time):
        raise refuse("own_proposal")
    if time.starts_at <= clock.now():
        raise refuse("time_past")
    now = clock.now()
    others = rows.filter(state__in=[ProposalState.OPEN, ProposalState.ACCEPTED]).exclude(pk=proposal_id)
    others.update(state=ProposalState.DROPPED, answered_at=now)
    rows.filter(pk=proposal_id).update(state=ProposalState.ACCEPTED, answered_at=now)
    _tell_other_side(dossier, actor, kind="meeting.agreed", subject=AGREED, key=f"agreed:{proposal_id}")
    return time


@transaction.atomic
def cancel(*, assessment_id: int, proposal_id: int, actor: User) -> None:
    """Take back an own proposal, or cancel the agreed time (either side); the other side is told of the latter."""
    dossier = hold(assessment_id, actor)
    refuse_unless(dossier.times_refusal, dossier)
    time = next((row for row in dossier.times if row.pk == proposal_id and row.kind == dossier.kind), None)
    if time is None:
        raise Http404
    agreed = time.state == ProposalState.ACCEPTED
    if not agreed and time in dossier.open_times and dossier.may_answer(time):
        raise refuse("own_proposal")
    MeetingProposal.objects.filter(pk=proposal_id).update(state=ProposalState.DROPPED, answered_at=clock.now())
    if agreed:
        _tell_other_side(dossier, actor, kind="meeting.cancelled", subject=CANCELLED, key=f"cancelled:{proposal_id}")


def _tell_other_side(dossier: Dossier, actor: User, *, kind: str, subject: object, key: str) -> None:
    """Those of the two sides who did not act, by a link alone."""
    mentors = [mentor.user_id for mentor in dossier.mentors]
    recipients = mentors if dossier.is_own else [dossier.assessment.staff.user_id, *mentors]
    path = reverse("assessment:meeting_times", args=[dossier.assessment.pk])
    notifications.notify_many(
        notifications.build(recipient_id=user_id, kind=kind, subject=subject, path=path, dedup_key=key)
        for user_id in recipients
        if user_id is not None and user_id != actor.pk
    )
