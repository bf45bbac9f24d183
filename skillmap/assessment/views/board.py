"""The cycle board: progress, reminders; and the coordinator's page without levels."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from skillmap.assessment.choices import CycleState, State
from skillmap.assessment.forms.cycles import (
    WHO,
    BoardFilterForm,
    ProgressFilterForm,
    ReasonForm,
)
from skillmap.assessment.models import (
    Assessment,
    CheckCount,
    Cycle,
)
from skillmap.assessment.selectors import board
from skillmap.assessment.selectors.board import BoardFigures, BoardFilter, windows_and_cycle
from skillmap.assessment.selectors.cycles import cycle_steps
from skillmap.assessment.services.participation import withdraw_many
from skillmap.assessment.services.reminders import Sent, remind_now
from skillmap.assessment.views.office import number, numbers, running_cycle, tabs_of
from skillmap.core import clock
from skillmap.core.errors import RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.people.access import access_of, user_of
from skillmap.people.choices import Role
from skillmap.people.models import Organisation

PER_PAGE = 50
MOST_AT_ONCE = 5000
# Messages with this tag are shown where the address leads after reminding.
AT_LIST = "board-list"

# ------------------------------------------------------------------------------------------------------------ board


@dataclass(frozen=True)
class Listing:
    """A filtered list: the form, what it narrows down to, and the rows."""

    form: BoardFilterForm
    wanted: BoardFilter
    rows: "QuerySet[board.ListedCheck, board.ListedCheck]"
    count: int | None = None  # of the rows, where it is known without counting them


def _is_part(request: HttpRequest) -> bool:
    """Whether htmx asks for the list alone."""
    return bool(request.htmx) and not request.htmx.history_restore_request  # type: ignore[attr-defined]


def _listing(
    request: HttpRequest,
    checks: QuerySet[Assessment],
    counts: QuerySet[CheckCount],
    cycle: Cycle,
    figures: BoardFigures | None,
    *,
    form_class: type[BoardFilterForm] = BoardFilterForm,
) -> Listing:
    """The rows that the address asks for; what it says wrongly does not narrow."""
    org = number(request.GET.get("org"))
    place = None
    if figures is None and org is not None:
        place = Organisation.objects.filter(pk=org).values_list("pk", "path", "name").first()
    elif figures is not None and org is not None:
        place = next(((line.pk, line.path, line.name) for line in figures.bureaus if line.pk == org), None)
    bureaus = [(line.pk, line.name) for line in figures.bureaus] if figures is not None else []
    if place is not None and place[0] not in dict(bureaus):
        bureaus.append((place[0], place[2]))
    form = form_class(request.GET, bureaus=bureaus)
    form.is_valid()
    data = form.cleaned_data
    wanted = BoardFilter(
        state=data.get("state", ""),
        organisation=place[1] if place is not None and data.get("org") else "",
        step=data.get("step", ""),
        who=data.get("who", ""),
        words=data.get("q", ""),
        overdue=data.get("overdue", False),
        absent=data.get("absent", False),
        without_mentor=data.get("without_mentor", False),
    )
    rows = board.listed(board.with_people(checks), cycle, wanted)
    count = figures.listed(wanted) if figures is not None else board.listed_count(counts, wanted)
    return Listing(form, wanted, rows, count)


@dataclass(frozen=True)
class Line:
    """A row of the list in words."""

    check: "board.ListedCheck"
    step: str
    who: str
    is_late: bool

    @property
    def is_untouched(self) -> bool:
        """Whether the person has answered nothing yet."""
        return self.check.state == State.DRAFT and not self.check.begun


def _lines(rows: Any) -> list[Line]:
    today = clock.today()
    return [
        Line(
            row,
            board.step_label(row.due_step),
            str(WHO[row.due_who]) if row.due_who else "",
            row.due_on is not None and row.due_on < today,
        )
        for row in rows
    ]


def _page(request: HttpRequest, listing: Listing) -> Any:
    """The rows of one page; which they are is asked within, what is shown of them for these alone."""
    paginator = Paginator(listing.rows.values_list("pk", flat=True), PER_PAGE)
    if listing.count is not None:
        paginator.count = listing.count
    page: Any = paginator.get_page(request.GET.get("page"))
    page.object_list = listing.rows.filter(pk__in=page.object_list)
    return page


@sign_in_required
@require_GET
def board_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Figures, who is waited for, bureaus, and the list; the list alone for htmx."""
    cycle, windows = running_cycle(request, pk)
    checks = Assessment.objects.visible_to(user_of(request)).filter(cycle=cycle)
    counts = CheckCount.objects.progress_visible_to(user_of(request)).filter(cycle=cycle)
    figures = None if _is_part(request) else board.figures(counts, checks, cycle)
    listing = _listing(request, checks, counts, cycle, figures)
    page = _page(request, listing)
    context = {
        "cycle": cycle,
        "page_obj": page,
        "lines": _lines(page),
        "form": listing.form,
        "is_open": cycle.state == CycleState.OPEN,
        "query": request.META.get("QUERY_STRING", ""),
    }
    if figures is None:
        return render(request, "assessment/_board_list.html", context)
    context |= {
        "tabs": tabs_of(cycle, "board"),
        "figures": figures,
        "steps": cycle_steps(cycle, windows, clock.today()),
        "waiting": [(row, WHO[row.who]) for row in figures.waiting],
    }
    return render(request, "assessment/board.html", context)


@sign_in_required
@require_POST
def board_remind(request: HttpRequest, pk: int) -> HttpResponse:
    """Remind whoever the chosen checks wait for, or, once that is confirmed, all that the filters show."""
    cycle, _windows_of = running_cycle(request, pk)
    if "all" in request.POST:
        checks = Assessment.objects.visible_to(user_of(request)).filter(cycle=cycle)
        rows = _listing(request, checks, CheckCount.objects.filter(cycle=cycle), cycle, None).rows
        chosen = list(rows.values_list("pk", flat=True)[:MOST_AT_ONCE])
        if "confirmed" not in request.POST:
            return _ask_before_reminding(request, cycle, len(chosen))
    else:
        chosen = numbers(request.POST.getlist("chosen"))
    try:
        sent = remind_now(cycle_id=cycle.pk, assessment_ids=chosen, actor=user_of(request))
    except RuleViolation as refusal:
        messages.error(request, str(refusal), extra_tags=AT_LIST)
    else:
        _say_reminded(request, sent)
    return redirect(_back_to_board(request, cycle))


def _ask_before_reminding(request: HttpRequest, cycle: Cycle, count: int) -> HttpResponse:
    """How many would be reminded, before mails go to all of them."""
    context = {"cycle": cycle, "count": count, "back": _back_to_board(request, cycle)}
    return render(request, "assessment/board_remind.html", context)


def _say_reminded(request: HttpRequest, sent: Sent) -> None:
    text = ngettext("%(n)d reminder is on its way.", "%(n)d reminders are on their way.", sent.sent)
    messages.success(request, text % {"n": sent.sent}, extra_tags=AT_LIST)
    if sent.already:
        text = _("%(n)d were reminded today already.")
        messages.info(request, text % {"n": sent.already}, extra_tags=AT_LIST)
    if sent.unreachable:
        text = _("%(n)d can't be reached: there is no account, or no mentor at work.")
        messages.warning(request, text % {"n": sent.unreachable}, extra_tags=AT_LIST)


def _back_to_board(request: HttpRequest, cycle: Cycle) -> str:
    query = request.META.get("QUERY_STRING", "")
    return reverse("assessment:board", args=[cycle.pk]) + (f"?{query}" if query else "") + f"#{AT_LIST}"


@sign_in_required
@require_POST
def board_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the reason, then withdraw the chosen checks."""
    cycle, _windows_of = running_cycle(request, pk)
    visible = Assessment.objects.visible_to(user_of(request)).filter(cycle=cycle)
    rows = visible.filter(pk__in=numbers(request.POST.getlist("chosen"))).select_related(
        "staff", "organisation__parent__parent"
    )
    chosen = list(rows.order_by("organisation__path", "staff__kana", "pk"))
    if not chosen:
        messages.error(request, _("Nothing was chosen. Mark at least one line."))
        return redirect("assessment:board", pk=cycle.pk)
    form = ReasonForm(request.POST if "comment" in request.POST else None)
    if form.is_bound and form.is_valid():
        outcome = withdraw_many(
            assessment_ids=[check.pk for check in chosen],
            reason=form.cleaned_data["comment"],
            actor=user_of(request),
        )
        _say_withdrawn(request, outcome.withdrawn, outcome.left_out)
        return redirect("assessment:board", pk=cycle.pk)
    context = {"cycle": cycle, "chosen": chosen, "form": form}
    return render(request, "assessment/board_withdraw.html", context, status=422 if form.errors else 200)


def _say_withdrawn(request: HttpRequest, withdrawn: tuple[int, ...], left_out: tuple[tuple[int, str], ...]) -> None:
    if withdrawn:
        text = ngettext("%(n)d check was withdrawn.", "%(n)d checks were withdrawn.", len(withdrawn))
        messages.success(request, text % {"n": len(withdrawn)})
    for reason in sorted({why for _pk, why in left_out}):
        messages.warning(request, reason)


# ------------------------------------------------------------------------------------------------------ coordinators


@sign_in_required
@require_GET
def progress_page(request: HttpRequest) -> HttpResponse:
    """Who of the own organisation is at which step of the running cycle; no level, no note, no mentor."""
    user = user_of(request)
    access_of(user).require(Role.COORDINATOR, Role.SECRETARIAT)
    running = list(Cycle.objects.filter(state=CycleState.OPEN).order_by("-fiscal_year", "-pk"))
    chosen = number(request.GET.get("cycle"))
    cycle = next((row for row in running if row.pk == chosen), running[0] if running else None)
    if cycle is None:
        return render(request, "assessment/progress.html", {"cycle": None})
    _same, windows = windows_and_cycle(cycle.pk)
    checks = Assessment.objects.progress_visible_to(user).filter(cycle=cycle).exclude(state=State.WITHDRAWN)
    counts = CheckCount.objects.progress_visible_to(user).filter(cycle=cycle).exclude(state=State.WITHDRAWN)
    figures = None if _is_part(request) else board.figures(counts, checks, cycle)
    listing = _listing(request, checks, counts, cycle, figures, form_class=ProgressFilterForm)
    page = _page(request, listing)
    context = {
        "cycle": cycle,
        "page_obj": page,
        "lines": _lines(page),
        "form": listing.form,
    }
    if figures is None:
        return render(request, "assessment/_progress_list.html", context)
    context |= {
        "running": running,
        "figures": figures,
        "waiting": [(row, WHO[row.who]) for row in figures.waiting],
        "steps": cycle_steps(cycle, windows, clock.today()),
    }
    return render(request, "assessment/progress.html", context)
