"""What is next for me: the tasks of a person, a mentor, a coordinator, the secretariat, one button each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from skillmap.assessment import rules
from skillmap.assessment.choices import CycleState, CycleStep, ObjectionState, State
from skillmap.assessment.models import Assessment, CycleWindow, MentorPair, Objection
from skillmap.core import clock, notifications
from skillmap.core.models import Job
from skillmap.gaps.choices import ResponseState, SurveyState
from skillmap.gaps.models import DemandResponse
from skillmap.people.models import User
from skillmap.portal.selectors.progress import CycleProgress

SOON = timedelta(days=30)  # what begins later is not named yet


@dataclass(frozen=True)
class Task:
    """One line of "next for me": what, until when, and the one button."""

    title: str
    note: str
    due: date | None
    url: str
    button: str
    is_late: bool = False
    is_ahead: bool = False  # `due` is the day it begins


def _windows(cycle_ids: set[int]) -> dict[tuple[int, str], tuple[date, date]]:
    rows = CycleWindow.objects.filter(cycle__in=cycle_ids).values_list("cycle_id", "step", "opens_on", "closes_on")
    return {(cycle, step): (opens, closes) for cycle, step, opens, closes in rows}


def own_checks(staff_id: int) -> list[Assessment]:
    """The person's checks in open cycles, newest first, with how many items are answered."""
    rows = Assessment.objects.filter(staff=staff_id, cycle__state=CycleState.OPEN).exclude(state=State.WITHDRAWN)
    counted = rows.annotate(
        item_count=Count("ratings"),
        answered_count=Count("ratings", filter=Q(ratings__self_level__isnull=False)),
    )
    return list(counted.select_related("cycle", "group").order_by("-cycle__fiscal_year", "-pk"))


def own_results(staff_id: int) -> list[Assessment]:
    """The person's checks of all years whose levels are confirmed, newest first: each has a result sheet."""
    rows = Assessment.objects.filter(staff=staff_id, state__in=[State.CONFIRMED, State.RECEIVED])
    return list(rows.select_related("cycle").order_by("-cycle__fiscal_year", "-pk"))


def check_to_open(checks: list[Assessment]) -> Assessment | None:
    """Of the own checks, newest first: one whose self-check has begun, else the newest; one query at most."""
    if len(checks) < 2:
        return checks[0] if checks else None
    windows = _windows({check.cycle_id for check in checks})
    today = clock.today()

    def has_begun(check: Assessment) -> bool:
        opens, _closes = windows.get((check.cycle_id, CycleStep.SELF_CHECK), (today, today))
        return opens <= today

    return next((check for check in checks if has_begun(check)), checks[0])


def own_tasks(checks: list[Assessment]) -> list[Task]:
    """What the person has to do for the own checks, and last what begins soon; one query."""
    windows = _windows({check.cycle_id for check in checks})
    tasks = []
    for check in checks:
        task = _own_task(check, windows)
        if task is not None:
            tasks.append(task)
    return sorted(tasks, key=lambda task: task.is_ahead)


def _own_task(check: Assessment, windows: Mapping[tuple[int, str], tuple[date, date]]) -> Task | None:
    today = clock.today()
    page = reverse("assessment:check", args=[check.pk])
    if check.state == State.DRAFT:
        opens, closes = windows.get((check.cycle_id, "self_check"), (today, today))
        note = _("%(answered)d of %(items)d items answered") % {
            "answered": check.answered_count,  # type: ignore[attr-defined]
            "items": check.item_count,  # type: ignore[attr-defined]
        }
        if today < opens:
            if opens - today > SOON:
                return None
            note = str(check.cycle.name)
            return Task(_("The self-check opens soon"), note, opens, page, _("Have a look"), is_ahead=True)
        begun = check.answered_count > 0  # type: ignore[attr-defined]
        button = _("Continue the self-check") if begun else _("Begin the self-check")
        return Task(_("Self-check"), note, closes, page, button, is_late=closes < today)
    if check.state == State.REVIEWED:
        _opens, closes = windows.get((check.cycle_id, "correction"), (today, today))
        note = _("Your mentor's view stands beside your answers.")
        return Task(_("Self-correction"), note, closes, page, _("Correct and submit"), is_late=closes < today)
    if check.state == State.CONFIRMED:
        _opens, closes = windows.get((check.cycle_id, "second_one_on_one"), (today, today))
        note = _("Your levels are confirmed.")
        url = reverse("assessment:result", args=[check.pk])
        return Task(_("Result sheet"), note, closes, url, _("Read and receive"), is_late=closes < today)
    return None


def mentor_tasks(staff_id: int) -> list[Task]:
    """Mentees who wait for their mentor, at most five by name; two queries."""
    pairs = MentorPair.objects.active().filter(mentor=staff_id, cycle=OuterRef("cycle_id"), mentee=OuterRef("staff_id"))
    waiting = Assessment.objects.filter(Exists(pairs), cycle__state=CycleState.OPEN, state=State.SUBMITTED)
    rows = list(waiting.select_related("staff", "cycle").order_by("submitted_at", "pk")[:5])
    windows = _windows({row.cycle_id for row in rows})
    today = clock.today()
    tasks = []
    for row in rows:
        _opens, closes = windows.get((row.cycle_id, "first_one_on_one"), (today, today))
        tasks.append(
            Task(
                _("First 1on1 with %(name)s") % {"name": row.staff.name},
                _("The self-check is submitted."),
                closes,
                reverse("assessment:one_on_one", args=[row.pk]),
                _("Prepare the 1on1"),
                is_late=closes < today,
            )
        )
    return tasks


def coordinator_tasks(user: User) -> list[Task]:
    """Surveys that wait for the own organisations' answer; one query."""
    waiting = (ResponseState.NOT_STARTED, ResponseState.DRAFT, ResponseState.QUESTIONED)
    rows = DemandResponse.objects.visible_to(user).filter(survey__state=SurveyState.OPEN, state__in=waiting)
    today = clock.today()
    return [
        Task(
            _("Demand survey: %(organisation)s") % {"organisation": row.organisation.label},
            row.get_state_display(),
            row.extended_to or row.survey.closes_on,
            reverse("gaps:demand", args=[row.pk]),
            _("Answer"),
            is_late=(row.extended_to or row.survey.closes_on) < today,
        )
        for row in rows.select_related("survey", "organisation").order_by("survey__closes_on", "pk")[:5]
    ]


def secretariat_tasks(progress: list[CycleProgress]) -> list[Task]:
    """What waits for the secretariat: confirmations, objections, given-up jobs and mails; three queries."""
    tasks = []
    for line in progress:
        board = reverse("assessment:board", args=[line.cycle.pk])
        waiting = line.to_confirm
        if waiting:
            title = ngettext("%(n)d check waits for confirmation", "%(n)d checks wait for confirmation", waiting)
            url = f"{board}?step={CycleStep.CONFIRMATION.value}&who={rules.SECRETARIAT}#board-list"
            tasks.append(Task(title % {"n": waiting}, str(line.cycle.name), None, url, _("To the board")))
    objections = Objection.objects.filter(state=ObjectionState.OPEN).count()
    if objections:
        title = ngettext("%(n)d request for correction", "%(n)d requests for correction", objections)
        url = reverse("assessment:objections")
        tasks.append(Task(title % {"n": objections}, _("People object to a confirmed level."), None, url, _("Answer")))
    stuck = Job.objects.stuck().count()
    unsent = notifications.unsent().count()
    if stuck or unsent:
        note = _("Jobs: %(jobs)d, mails: %(mails)d") % {"jobs": stuck, "mails": unsent}
        tasks.append(Task(_("Background work that failed"), note, None, reverse("portal:background"), _("Look")))
    return tasks
