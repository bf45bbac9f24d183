"""Who is in a cycle: opening it, joiners, leavers, more time for one person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.assessment import cycle_rules, rules
from skillmap.assessment.choices import Action, CycleState, CycleStep, SecondMeeting, State
from skillmap.assessment.cycle_messages import refuse
from skillmap.assessment.models import Assessment, Cycle, CycleGroup, Extension, MentorPair, SkillRating
from skillmap.assessment.selectors.cycles import windows_of_cycle
from skillmap.assessment.selectors.participants import Participants, participants
from skillmap.assessment.selectors.situations import windows_of
from skillmap.assessment.services.bulk import insert_select, pairs_param, pairs_table
from skillmap.assessment.services.cycles import lock_cycle
from skillmap.assessment.services.dropped_times import drop_times
from skillmap.assessment.services.locking import hold_people, lock_check
from skillmap.assessment.services.standing import settle, settle_people, stand
from skillmap.assessment.services.transitions import transition
from skillmap.core import audit, clock, jobs, notifications
from skillmap.core.errors import RuleViolation
from skillmap.core.models import AuditEvent, Job
from skillmap.core.templatetags.ui.words import jp_date
from skillmap.framework.choices import FrameworkState
from skillmap.framework.models import JobType
from skillmap.people.access import access_of
from skillmap.people.choices import Role, StaffStatus
from skillmap.people.models import Staff, User
from skillmap.people.selectors.staff import users_with_role

OPEN_AT_ONCE = 500  # more people than that are a job for the worker
MOST_NAMES = 50
OPEN_KIND = "assessment.open_cycle"

PRESENT = "SELECT 1 FROM assessment_assessment x WHERE x.cycle_id = %s AND x.staff_id = s.id"

# ---------------------------------------------------------------------------------------------------------- opening


def opening_start(*, cycle_id: int, version: int, without_mentor: bool, actor: User) -> Job | None:
    """Open a cycle here and now, or where it is large as a job; the job, or None where it is open already.

    What can be refused is refused at once. Raises as `cycle_open`.
    """
    access_of(actor).require(Role.SECRETARIAT)
    with transaction.atomic():
        cycle, found = _ready_to_open(cycle_id, version, without_mentor=without_mentor)
        if found.count > OPEN_AT_ONCE:
            inputs = {"cycle": cycle.pk, "version": version, "without_mentor": without_mentor}
            return jobs.enqueue(OPEN_KIND, inputs, requested_by=actor, dedup_key=f"cycle:{cycle.pk}")
    cycle_open(cycle_id=cycle_id, version=version, without_mentor=without_mentor, actor=actor)
    return None


def _ready_to_open(cycle_id: int, version: int, *, without_mentor: bool) -> tuple[Cycle, Participants]:
    cycle = lock_cycle(cycle_id, version=version)
    if cycle.state != CycleState.DRAFT:
        raise refuse("not_a_draft")
    if cycle.framework.state != FrameworkState.PUBLISHED:
        raise refuse("framework_not_published")
    problems = cycle_rules.window_problems(
        windows_of_cycle(cycle),
        fiscal_year=cycle.fiscal_year,
        second_before=cycle.second_meeting == SecondMeeting.BEFORE,
    )
    if problems:
        raise refuse("windows", {"problems": {problem.step: problem.code for problem in problems}})
    if not cycle.groups.exists():
        raise refuse("no_groups")
    found = participants(cycle)
    if not found.count:
        raise refuse("nobody_takes_part")
    if found.without_mentor and not without_mentor:
        names = [f"{person.name} ({person.number})" for person in found.without_mentor[:MOST_NAMES]]
        raise refuse("mentors_missing", {"count": len(found.without_mentor), "names": names})
    return cycle, found


@transaction.atomic
def cycle_open(*, cycle_id: int, version: int, without_mentor: bool, actor: User) -> Cycle:
    """Open a cycle: a check with its items for everyone, in a constant number of statements, with a snapshot of
    organisation, grade and occupation; the target job type of the last cycle is carried over.

    Raises:
        RuleViolation: `not_a_draft`, `framework_not_published`, `windows`, `no_groups`, `nobody_takes_part`,
            `mentors_missing` with `details` `count` and `names` (at most fifty).
        Conflict: `cycle_changed`.
    """
    access_of(actor).require(Role.SECRETARIAT)
    cycle, found = _ready_to_open(cycle_id, version, without_mentor=without_mentor)
    people = _add_checks(cycle, found.by_staff())
    cycle.state, cycle.opened_at = CycleState.OPEN, clock.now()
    cycle.version += 1
    cycle.save(update_fields=["state", "opened_at", "version"])
    audit.record(verb="cycle.open", actor=actor, target=cycle, people=people, without_mentor=len(found.without_mentor))
    return cycle


def _add_checks(cycle: Cycle, groups: Mapping[int, int]) -> int:
    """A check with its items for each person (staff id to group id); eight statements, whatever the number.

    The checks are written in the order of the organisations and of the people in them: lists follow it.
    """
    last = Assessment.objects.aggregate(last=Max("pk"))["last"] or 0
    people = insert_select(
        Assessment,
        {
            "cycle_id": str(int(cycle.pk)),
            "group_id": "wanted.b",
            "staff_id": "s.id",
            "organisation_id": "s.organisation_id",
            "grade": "s.grade",
            "occupation": "s.occupation",
        },
        f"{pairs_table()} wanted JOIN people_staff s ON s.id = wanted.a "
        f"JOIN people_organisation o ON o.id = s.organisation_id WHERE NOT EXISTS ({PRESENT}) "
        "ORDER BY o.path, s.kana, s.id",
        [pairs_param(groups), cycle.pk],
    )
    insert_select(
        SkillRating,
        {"assessment_id": "a.id", "skill_id": "k.id"},
        "assessment_assessment a JOIN assessment_cyclegroup g ON g.id = a.group_id "
        "JOIN framework_skill k ON k.framework_id = %s AND (g.items = 'both' OR k.kind = g.items) "
        "WHERE a.cycle_id = %s AND NOT EXISTS (SELECT 1 FROM assessment_skillrating x WHERE x.assessment_id = a.id)",
        [cycle.framework_id, cycle.pk],
    )
    _carry_targets(cycle, after=last)
    settle(Assessment.objects.filter(cycle=cycle, due_step=""))
    return people


def _carry_targets(cycle: Cycle, *, after: int) -> None:
    """The job type that a person compared with last time, where this version of the framework has it.

    For checks after this one alone, which have just come into the cycle: others may have taken theirs away.
    """
    earlier = Assessment.objects.filter(staff=OuterRef(OuterRef("staff_id")), target_job_type__isnull=False)
    last = earlier.exclude(cycle=cycle).order_by("-cycle__fiscal_year", "-pk").values("target_job_type__code")[:1]
    wanted = JobType.objects.filter(framework=cycle.framework_id, code=Subquery(last)).values("pk")[:1]
    fresh = Assessment.objects.filter(cycle=cycle, pk__gt=after, target_job_type=None)
    fresh.update(target_job_type=Subquery(wanted))


# ---------------------------------------------------------------------------------------------------------- joiners


@transaction.atomic
def person_add(*, cycle_id: int, staff_id: int, group_id: int, actor: User) -> Assessment:
    """Take a person into a running cycle, with the organisation, grade and occupation of today.

    Raises:
        RuleViolation: `not_open`, `not_at_work`, `no_check_for`, `takes_part_already`, `withdrawn_already`.
        Staff.DoesNotExist, CycleGroup.DoesNotExist: unknown ids.
    """
    access_of(actor).require(Role.SECRETARIAT)
    cycle = lock_cycle(cycle_id)
    if cycle.state != CycleState.OPEN:
        raise refuse("not_open")
    staff = Staff.objects.visible_to(actor).select_for_update(of=("self",)).get(pk=staff_id)
    if staff.status != StaffStatus.ACTIVE:
        raise refuse("not_at_work", name=staff.name)
    if staff.employer not in rules.EMPLOYERS_WITH_CHECK:
        raise refuse("no_check_for")
    present = Assessment.objects.filter(cycle=cycle, staff=staff).values_list("state", flat=True).first()
    if present is not None:
        code = "withdrawn_already" if present == State.WITHDRAWN else "takes_part_already"
        raise refuse(code, name=staff.name)
    group = CycleGroup.objects.get(pk=group_id, cycle=cycle)
    _add_checks(cycle, {staff.pk: group.pk})
    check = Assessment.objects.get(cycle=cycle, staff=staff)
    audit.record(verb="cycle.add_person", actor=actor, target=check, subject_id=staff.pk, group=group.pk)
    if staff.user_id is not None and staff.user_id != actor.pk:
        with notifications.in_own_language():
            notifications.notify(
                recipient_id=staff.user_id,
                kind="assessment.added",
                subject=_("You take part in the yearly check: please answer the self-check"),
                path=reverse("assessment:check", args=[check.pk]),
                dedup_key=f"assessment:{check.pk}:added",
            )
    return check


# ---------------------------------------------------------------------------------------------------------- leavers


@dataclass(frozen=True)
class WithdrawOutcome:
    """What became of each check: withdrawn, and those left out with the reason."""

    withdrawn: tuple[int, ...]
    left_out: tuple[tuple[int, str], ...]


def withdraw_many(*, assessment_ids: Iterable[int], reason: str, actor: User) -> WithdrawOutcome:
    """Withdraw checks, each in its own transaction, in ascending order; who mentors these people stops doing so."""
    access_of(actor).require(Role.SECRETARIAT)
    withdrawn: list[int] = []
    left_out: list[tuple[int, str]] = []
    for pk in sorted(set(assessment_ids)):
        try:
            with transaction.atomic():
                transition(assessment_id=pk, action=Action.WITHDRAW, actor=actor, comment=reason)
        except RuleViolation as refusal:
            left_out.append((pk, str(refusal)))
        else:
            withdrawn.append(pk)
    return WithdrawOutcome(tuple(withdrawn), tuple(left_out))


def _end_pairs(which: Q, reason: str) -> None:
    """End pairs of running cycles; the people of these pairs are held before, as everywhere."""
    pairs = MentorPair.objects.active().filter(which)
    for cycle_id in pairs.order_by("cycle_id").values_list("cycle_id", flat=True).distinct():
        hold_people(cycle_id, ())  # from here on nobody assigns
        here = pairs.filter(cycle=cycle_id)
        mentees = list(here.values_list("mentee_id", flat=True))
        hold_people(cycle_id, mentees)
        drop_times(cycle_id, here.filter(is_deputy=False).values_list("mentee_id", flat=True))
        here.update(ended_at=clock.now(), reason=reason)
        settle_people(cycle_id, mentees)


def people_left(*, staff_ids: Iterable[int], on: date) -> None:
    """People have left: their checks in running cycles are withdrawn, and they stop mentoring and being mentored.

    A check is withdrawn in the name of whoever recorded the leaving; where that is nobody of the secretariat any more,
    it waits on the board. The secretariat is told either way.
    """
    ids = sorted(set(staff_ids))
    running = Q(cycle__state__in=[CycleState.DRAFT, CycleState.OPEN])
    with transaction.atomic():
        mentees = list(
            MentorPair.objects.active().filter(running, mentor__in=ids).values_list("mentee_id", flat=True).distinct()
        )
        _end_pairs(running & (Q(mentor__in=ids) | Q(mentee__in=ids)), "left")
        audit.record(verb="pairs.end_leavers", actor=None, people=len(ids), mentees=len(mentees))
    waiting = 0
    for check in _unfinished().filter(staff__in=ids).order_by("pk"):
        actor = _who_recorded_leaving(check.staff_id)
        with notifications.in_own_language():
            reason = _("Left the service on %(day)s.") % {"day": jp_date(on)}
        if actor is None or withdraw_many(assessment_ids=[check.pk], reason=reason, actor=actor).left_out:
            waiting += 1
    with notifications.in_own_language():
        _tell_secretariat(
            key=f"left:{on.isoformat()}:{','.join(map(str, ids))}",
            subject=_("People left the service: please look at their checks and mentees"),
            lines=[
                _("Checks still to be withdrawn: %(count)s") % {"count": waiting},
                _("People who need a new mentor: %(count)s") % {"count": len(mentees)},
            ],
        )


def take_up_leavers() -> int:
    """Do what a leaving brings for those whose news got lost, as where a process ended at that moment.

    Returns for how many. Whose check alone is left, and waits on the board for want of somebody who recorded the
    leaving, is none of them; the secretariat is told of each once.
    """
    left = Staff.objects.filter(status=StaffStatus.LEFT)
    running = MentorPair.objects.active().filter(cycle__state__in=[CycleState.DRAFT, CycleState.OPEN])
    paired = left.filter(Q(pk__in=running.values("mentor")) | Q(pk__in=running.values("mentee")))
    waiting = left.filter(pk__in=_unfinished().values("staff"))
    found = {pk: on for pk, on in waiting.values_list("pk", "left_on") if _who_recorded_leaving(pk) is not None}
    found |= dict(paired.values_list("pk", "left_on"))
    for pk, on in sorted(found.items()):
        people_left(staff_ids=[pk], on=on or clock.today())
    return len(found)


def _unfinished() -> QuerySet[Assessment]:
    """Checks of running cycles that whoever leaves will not finish."""
    done = [State.CONFIRMED, State.RECEIVED, State.WITHDRAWN]
    return Assessment.objects.filter(cycle__state=CycleState.OPEN).exclude(state__in=done)


def people_on_leave(*, staff_ids: Iterable[int], on: date) -> None:
    """People went on leave: nothing is taken from them; the secretariat is told and decides on the board."""
    ids = sorted(set(staff_ids))
    checks = Assessment.objects.filter(cycle__state=CycleState.OPEN, staff__in=ids).exclude(
        state__in=[State.RECEIVED, State.WITHDRAWN]
    )
    mentees = MentorPair.objects.active().filter(cycle__state=CycleState.OPEN, mentor__in=ids, is_deputy=False)
    found, mentored = checks.count(), mentees.count()
    if found or mentored:
        with notifications.in_own_language():
            _tell_secretariat(
                key=f"leave:{on.isoformat()}:{','.join(map(str, ids))}",
                subject=_("People went on leave: please look at their checks and mentees"),
                lines=[
                    _("Checks that are not finished: %(count)s") % {"count": found},
                    _("People whose mentor is away: %(count)s") % {"count": mentored},
                ],
            )


def _who_recorded_leaving(staff_id: int) -> User | None:
    """The member of the secretariat who recorded that a person leaves; None where that can't be said."""
    line = (
        AuditEvent.objects.filter(subject_key=audit.subject_of(staff_id), verb="staff.leave", actor__isnull=False)
        .order_by("-pk")
        .values_list("actor_id", flat=True)
        .first()
    )
    actor = User.objects.filter(pk=line, is_active=True).first() if line is not None else None
    return actor if actor is not None and access_of(actor).is_secretariat else None


def _tell_secretariat(*, key: str, subject: str, lines: Iterable[str]) -> None:
    cycle = Cycle.objects.filter(state=CycleState.OPEN).order_by("-fiscal_year", "-pk").first()
    if cycle is None:
        return
    notifications.notify_many(
        notifications.build(
            recipient_id=pk,
            kind="assessment.absent",
            subject=subject,
            body="\n".join(lines),
            path=reverse("assessment:board", args=[cycle.pk]) + "?absent=1",
            dedup_key=key[:200],
        )
        for pk in users_with_role(Role.SECRETARIAT).values_list("pk", flat=True)
    )


# -------------------------------------------------------------------------------------------------------- more time


@transaction.atomic
def extend(*, assessment_id: int, step: str, closes_on: date, reason: str, actor: User) -> Extension:
    """Give one person more time for one step; a second extension replaces the first.

    Raises:
        Http404: no such check.
        RuleViolation: `wrong_person` (nobody extends the own window), `not_open`, `step_unknown`,
            `extension_reason`, `extension_too_early`, `extension_finished`.
    """
    access_of(actor).require(Role.SECRETARIAT)
    check = lock_check(assessment_id, actor)
    if access_of(actor).staff_id == check.staff_id:
        raise refuse("wrong_person")
    if check.cycle.state != CycleState.OPEN:
        raise refuse("not_open")
    if step not in CycleStep.values:
        raise refuse("step_unknown")
    if check.state in (State.RECEIVED, State.WITHDRAWN):
        raise refuse("extension_finished")
    if not reason.strip():
        raise refuse("extension_reason")
    window = windows_of(check).get(step)
    present = window.closes_on if window is not None else clock.today()
    if closes_on <= present or closes_on < clock.today():
        raise refuse("extension_too_early", day=jp_date(present))
    row, _created = Extension.objects.update_or_create(
        assessment=check,
        step=step,
        defaults={"closes_on": closes_on, "reason": reason.strip()[:200], "granted_by": actor},
    )
    check.save(update_fields=stand(check))
    audit.record(
        verb="assessment.extend",
        actor=actor,
        target=check,
        subject_id=check.staff_id,
        step=step,
        closes_on=closes_on.isoformat(),
    )
    if check.staff.user_id is not None and check.staff.user_id != actor.pk:
        with notifications.in_own_language():
            notifications.notify(
                recipient_id=check.staff.user_id,
                kind="assessment.extended",
                subject=_("You have more time for the yearly check"),
                body=_("%(step)s: until %(day)s") % {"step": CycleStep(step).label, "day": jp_date(closes_on)},
                path=reverse("assessment:check", args=[check.pk]),
                dedup_key=f"assessment:{check.pk}:extended:{step}:{closes_on.isoformat()}",
            )
    return row
