"""What is next for me: the tasks of a person, a mentor, a coordinator, the secretariat, one button each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from skillmap.assessment import rules
from skillmap.assessment.choices import CycleState, CycleStep, ObjectionState, State
from skillmap.assessment.models import Assessment, CycleWindow, Objection
from skillmap.assessment.models.checks import mentored_by
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


def _is_over(day: date | None) -> bool:
    return day is not None and day < clock.today()


def _own_task(check: Assessment, windows: Mapping[tuple[int, str], tuple[date, date]]) -> Task | None:
    """The step that a check waits for, until the day kept with it: that of the window, or later by an extension."""
    page = reverse("assessment:check", args=[check.pk])
    late = _is_over(check.due_on)
    if check.state == State.DRAFT:
        return _self_check(check, windows, page)
    if check.state == State.REVIEWED:
        note = _("Your mentor's view stands beside your answers.")
        return Task(_("Self-correction"), note, check.due_on, page, _("Correct and submit"), is_late=late)
    if check.state != State.CONFIRMED:
        return None
    sheet = reverse("assessment:result", args=[check.pk])
    if check.due_who == rules.SELF:
        note = _("Your levels are confirmed.")
        return Task(_("Result sheet"), note, check.due_on, sheet, _("Read and receive"), is_late=late)
    note = _("Your levels are confirmed. The second 1on1 on the result comes next.")
    return Task(_("Result sheet"), note, None, sheet, _("Read the result"))


def _self_check(check: Assessment, windows: Mapping[tuple[int, str], tuple[date, date]], page: str) -> Task | None:
    today = clock.today()
    opens, _closes = windows.get((check.cycle_id, CycleStep.SELF_CHECK), (today, today))
    if today < opens:
        if opens - today > SOON:
            return None
        return Task(_("The self-check opens soon"), str(check.cycle.name), opens, page, _("Have a look"), is_ahead=True)
    answered, items = check.answered_count, check.item_count  # type: ignore[attr-defined]
    note = _("%(answered)d of %(items)d items answered") % {"answered": answered, "items": items}
    button = _("Continue the self-check") if answered else _("Begin the self-check")
    return Task(_("Self-check"), note, check.due_on, page, button, is_late=_is_over(check.due_on))


def mentor_tasks(staff_id: int) -> list[Task]:
    """Mentees who wait for their mentor, at most five by name, the most urgent first; one query."""
    waiting = Assessment.objects.filter(mentored_by(staff_id), cycle__state=CycleState.OPEN, due_who=rules.MENTOR)
    rows = waiting.select_related("staff", "cycle").order_by("due_on", "submitted_at", "pk")[:5]
    return [_one_on_one(row) for row in rows]


def _one_on_one(check: Assessment) -> Task:
    if check.due_step == CycleStep.FIRST_ONE_ON_ONE:
        title, note = _("First 1on1 with %(name)s"), _("The self-check is submitted.")
    else:
        title, note = _("Second 1on1 with %(name)s"), _("It is about the result.")
    return Task(
        title % {"name": check.staff.name},
        note,
        check.due_on,
        reverse("assessment:one_on_one", args=[check.pk]),
        _("Prepare the 1on1"),
        is_late=_is_over(check.due_on),
    )


def coordinator_tasks(user: User) -> list[Task]:
    """Surveys that wait for the own organisations' answer; one query. The closing day ends no dialogue."""
    waiting = (ResponseState.NOT_STARTED, ResponseState.DRAFT, ResponseState.QUESTIONED)
    rows = DemandResponse.objects.visible_to(user).filter(survey__state=SurveyState.OPEN, state__in=waiting)
    return [
        Task(
            _("Demand survey: %(organisation)s") % {"organisation": row.organisation.label},
            row.get_state_display(),
            None if row.state == ResponseState.QUESTIONED else row.extended_to or row.survey.closes_on,
            reverse("gaps:demand", args=[row.pk]),
            _("Answer"),
            is_late=row.state != ResponseState.QUESTIONED and _is_over(row.extended_to or row.survey.closes_on),
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
