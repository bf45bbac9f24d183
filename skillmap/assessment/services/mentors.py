"""Mentors assigned, handed over and ended. A pair is never edited: one row ends, another begins."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.assessment.choices import CycleState
from skillmap.assessment.cycle_messages import REFUSALS, refuse
from skillmap.assessment.models import Assessment, Cycle, MentorPair
from skillmap.assessment.selectors.mentoring import PROPOSE_KIND, may_mentor, mentee_staff
from skillmap.assessment.services.cycles import lock_cycle
from skillmap.assessment.services.dropped_times import drop_times
from skillmap.assessment.services.locking import hold_people
from skillmap.assessment.services.standing import settle_people
from skillmap.core import audit, clock, jobs, notifications
from skillmap.core.errors import RuleViolation
from skillmap.core.models import Job, Notification
from skillmap.core.plaintext import plain
from skillmap.people.access import access_of
from skillmap.people.choices import Role, StaffStatus
from skillmap.people.models import Staff, User


@dataclass(frozen=True)
class Wanted:
    """A pair to begin; a mentor who is that person's already is left as it is."""

    mentee_id: int
    mentor_id: int
    is_deputy: bool = False


@dataclass(frozen=True)
class Refused:
    """Why one pair can't begin: a code of cycle_messages and the sentence."""

    wanted: Wanted
    code: str
    text: str


@transaction.atomic
def assign(
    *,
    cycle_id: int,
    wanted: Sequence[Wanted],
    not_evaluator: bool,
    actor: User,
    reason: str = "",
    channel: str = "page",
) -> int:
    """Begin pairs, all or none; a pair that is in the way ends at the same moment (hand-over). Returns how many began.

    The cycle's row is held, so that two people assigning at once can't make a pair both ways.

    Args:
        not_evaluator: declared by the actor for every pair of the list: the mentor does not evaluate the person.

    Raises:
        RuleViolation: `mentor_evaluates` (not declared), `nothing_chosen`, `not_open` (closed cycle), and the code of
            `_refusal` or `pairs_refused` with `details["refused"]`, a list of `mentee`, `code` and `text`.
    """
    access_of(actor).require(Role.SECRETARIAT)
    if not not_evaluator:
        raise refuse("mentor_evaluates")
    if not wanted:
        raise refuse("nothing_chosen")
    cycle = lock_cycle(cycle_id)
    if cycle.state == CycleState.CLOSED:
        raise refuse("not_open")
    active = list(MentorPair.objects.active().filter(cycle=cycle))
    refused = refusals(cycle, wanted, active)
    if refused:
        raise _all_refused(refused)
    holds = {(pair.mentee_id, pair.is_deputy): pair for pair in active}
    fresh = [
        entry
        for entry in wanted
        if (held := holds.get((entry.mentee_id, entry.is_deputy))) is None or held.mentor_id != entry.mentor_id
    ]
    ended = [holds[entry.mentee_id, entry.is_deputy] for entry in fresh if (entry.mentee_id, entry.is_deputy) in holds]
    _replace(cycle, fresh, ended, reason=reason, actor=actor, channel=channel)
    return len(fresh)


def _all_refused(refused: Sequence[Refused]) -> RuleViolation:
    text = _("%(count)s of the pairs can't begin, so none was saved. First: %(text)s")
    return RuleViolation(
        text % {"count": len(refused), "text": refused[0].text},
        code="pairs_refused" if len(refused) > 1 else refused[0].code,
        details={
            "refused": [{"mentee": each.wanted.mentee_id, "code": each.code, "text": each.text} for each in refused]
        },
    )


def _replace(
    cycle: Cycle,
    fresh: Sequence[Wanted],
    ended: Sequence[MentorPair],
    *,
    reason: str,
    actor: User,
    channel: str,
) -> None:
    now = clock.now()
    for start in range(0, len(ended), 500):
        chunk = [pair.pk for pair in ended[start : start + 500]]
        MentorPair.objects.active().filter(pk__in=chunk).update(ended_at=now, reason=reason[:200] or "handed_over")
    drop_times(cycle.pk, [pair.mentee_id for pair in ended if not pair.is_deputy])
    MentorPair.objects.bulk_create(
        (
            MentorPair(
                cycle=cycle,
                mentee_id=entry.mentee_id,
                mentor_id=entry.mentor_id,
                is_deputy=entry.is_deputy,
                not_evaluator_declared=True,
                started_at=now,
                assigned_by=actor,
                reason=reason[:200],
            )
            for entry in fresh
        ),
        batch_size=500,
    )
    audit.record_many(
        audit.build(
            verb="pair.assign",
            actor=actor,
            target=cycle,
            subject_id=entry.mentee_id,
            channel=channel,
            mentor=entry.mentor_id,
            deputy=entry.is_deputy,
            not_evaluator_declared=True,
        )
        for entry in fresh
    )
    settle_people(cycle.pk, (entry.mentee_id for entry in fresh))
    if cycle.state == CycleState.OPEN:
        _tell(cycle, fresh, ended, actor)


def refusals(cycle: Cycle, wanted: Sequence[Wanted], active: Iterable[MentorPair]) -> list[Refused]:
    """Why pairs can't begin, in the order given; a constant number of queries. Also for the report of an import."""
    ids = {entry.mentee_id for entry in wanted} | {entry.mentor_id for entry in wanted}
    people = _by_id(ids)
    mentees = _mentees_among(cycle, {entry.mentee_id for entry in wanted})
    replaced = {(entry.mentee_id, entry.is_deputy) for entry in wanted}
    kept = [pair for pair in active if (pair.mentee_id, pair.is_deputy) not in replaced]
    ways = {(pair.mentor_id, pair.mentee_id) for pair in kept} | {
        (entry.mentor_id, entry.mentee_id) for entry in wanted
    }
    roles = {(pair.mentee_id, pair.is_deputy): pair.mentor_id for pair in kept}
    roles |= {(entry.mentee_id, entry.is_deputy): entry.mentor_id for entry in wanted}
    found = []
    for entry in wanted:
        code = _refusal(entry, people, mentees, ways, roles)
        if code is not None:
            blamed = people.get(entry.mentee_id if code == "mentee_not_in_cycle" else entry.mentor_id)
            text = REFUSALS[code] % {"name": blamed.name if blamed is not None else "?"}
            found.append(Refused(entry, code, text))
    return found


def _refusal(
    entry: Wanted,
    people: Mapping[int, Staff],
    mentees: set[int],
    ways: set[tuple[int, int]],
    roles: Mapping[tuple[int, bool], int],
) -> str | None:
    mentor = people.get(entry.mentor_id)
    if entry.mentee_id not in mentees:
        return "mentee_not_in_cycle"
    if entry.mentor_id == entry.mentee_id:
        return "mentor_oneself"
    if mentor is None or not may_mentor(mentor):
        return "mentor_not_eligible"
    if mentor.status != StaffStatus.ACTIVE:
        return "mentor_away"
    if (entry.mentee_id, entry.mentor_id) in ways:
        return "mentor_both_ways"
    return "deputy_is_mentor" if roles.get((entry.mentee_id, not entry.is_deputy)) == entry.mentor_id else None


def _by_id(ids: set[int]) -> dict[int, Staff]:
    ordered = sorted(ids)
    found: dict[int, Staff] = {}
    for start in range(0, len(ordered), 5000):
        found |= Staff.objects.in_bulk(ordered[start : start + 5000])
    return found


def _mentees_among(cycle: Cycle, ids: set[int]) -> set[int]:
    return ids & set(mentee_staff(cycle).values_list("pk", flat=True))


def _tell(cycle: Cycle, fresh: Sequence[Wanted], ended: Sequence[MentorPair], actor: User) -> None:
    """The new mentor, the person and the mentor who hands over are told, each with a link and no more."""
    people = _by_id(
        {entry.mentee_id for entry in fresh} | {entry.mentor_id for entry in fresh} | {pair.mentor_id for pair in ended}
    )
    checks = dict(
        Assessment.objects.filter(cycle=cycle, staff__in=[entry.mentee_id for entry in fresh]).values_list(
            "staff_id", "pk"
        )
    )
    moment = clock.now().isoformat()
    rows: list[Notification] = []

    def tell(staff_id: int, kind: str, subject: str, path: str) -> None:
        user_id = people[staff_id].user_id
        if user_id is not None and user_id != actor.pk:
            rows.append(
                notifications.build(
                    recipient_id=user_id,
                    kind=kind,
                    subject=subject,
                    path=path,
                    dedup_key=f"{kind}:{path}:{moment}"[:200],
                )
            )

    with notifications.in_own_language():
        for entry in fresh:
            check = checks.get(entry.mentee_id)
            if check is None:
                continue
            mentor = people[entry.mentor_id].name
            own = _("Your deputy mentor is %(name)s") if entry.is_deputy else _("Your mentor is %(name)s")
            tell(entry.mentee_id, "pair.mentee", own % {"name": mentor}, reverse("assessment:check", args=[check]))
            stands_in, mentors = _("You are the deputy mentor of %(name)s"), _("You are the mentor of %(name)s")
            page = reverse("assessment:one_on_one", args=[check])
            part = (stands_in if entry.is_deputy else mentors) % {"name": people[entry.mentee_id].name}
            tell(entry.mentor_id, "pair.mentor", part, page)
        for pair in ended:
            text = _("%(name)s has another mentor from now on. Your private memos stay with you.")
            tell(pair.mentor_id, f"pair.ended.{pair.pk}", text % {"name": people[pair.mentee_id].name}, "/")
    notifications.notify_many(rows)


@transaction.atomic
def pair_end(*, pair_id: int, reason: str, actor: User) -> MentorPair:
    """End one pair without a successor (a deputy who is no longer needed, a mentor who can't go on).

    Raises:
        RuleViolation: `no_such_pair` where it has ended already, `too_long`.
    """
    access_of(actor).require(Role.SECRETARIAT)
    reason = plain(reason, longest=200)
    pairs = MentorPair.objects.visible_to(actor).active().filter(pk=pair_id)
    for cycle_id, mentee_id in pairs.values_list("cycle_id", "mentee_id"):
        hold_people(cycle_id, [mentee_id])
    pair = pairs.select_for_update(of=("self",)).first()
    if pair is None:
        raise refuse("no_such_pair")
    pair.ended_at, pair.reason = clock.now(), reason
    pair.save(update_fields=["ended_at", "reason"])
    if not pair.is_deputy:
        drop_times(pair.cycle_id, [pair.mentee_id])
    settle_people(pair.cycle_id, [pair.mentee_id])
    audit.record(
        verb="pair.end",
        actor=actor,
        target=pair.cycle,
        subject_id=pair.mentee_id,
        mentor=pair.mentor_id,
        deputy=pair.is_deputy,
    )
    return pair


def proposals_start(*, cycle: Cycle, capacity: int | None, actor: User) -> Job:
    """Ask a worker for proposals for everyone without a mentor; one run at a time per cycle."""
    access_of(actor).require(Role.SECRETARIAT)
    inputs = {"cycle": cycle.pk, "capacity": capacity}
    with transaction.atomic():
        return jobs.enqueue(PROPOSE_KIND, inputs, requested_by=actor, dedup_key=f"cycle:{cycle.pk}")
