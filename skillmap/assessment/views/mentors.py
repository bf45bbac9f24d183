"""Mentors of a cycle: who has whom, proposals to accept, one person's mentor and deputy, lists brought in."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from skillmap.assessment.choices import CycleState
from skillmap.assessment.forms.cycles import AssignForm, FindMentorForm, MentorFilterForm
from skillmap.assessment.models import Cycle, MentorPair
from skillmap.assessment.selectors.mentoring import (
    Offer,
    mentee_rows,
    mentors_offered,
    proposal_job,
    stored_proposals,
)
from skillmap.assessment.services import mentors
from skillmap.assessment.services.mentors import Wanted
from skillmap.assessment.views.office import number, office_cycle, tabs_of
from skillmap.core.errors import RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.people.access import user_of
from skillmap.people.choices import StaffStatus
from skillmap.people.models import Staff
from skillmap.people.selectors.staff import search

PER_PAGE = 50
MOST_PER_MENTOR = 50
REASONS = {
    "last_year": gettext_lazy("mentor last time"),
    "same_bureau": gettext_lazy("same bureau, another section"),
    "other_bureau": gettext_lazy("another bureau"),
    "same_section": gettext_lazy("same section: please check the line of command"),
    "lower_grade": gettext_lazy("lower grade than the person"),
    "nobody_free": gettext_lazy("nobody is free within the limit"),
}
ENDED = {
    "handed_over": gettext_lazy("handed over"),
    "withdrawn": gettext_lazy("check withdrawn"),
    "left": gettext_lazy("left the service"),
    "cycle_closed": gettext_lazy("cycle closed"),
}


@sign_in_required
@require_GET
def mentors_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Everyone who takes part with 1on1, the mentor, and a proposal where there is none."""
    cycle = office_cycle(request, pk)
    form = MentorFilterForm(request.GET)
    form.is_valid()
    missing = Q(mentor_id=None) | ~Q(mentor_status=StaffStatus.ACTIVE)
    rows = mentee_rows(cycle)
    if form.cleaned_data.get("q"):
        rows = search(rows, form.cleaned_data["q"])  # type: ignore[assignment]
    shown = form.cleaned_data.get("show")
    if shown:
        rows = rows.filter(missing) if shown == "missing" else rows.exclude(missing)
    ordered = rows.select_related("organisation__parent__parent").order_by("organisation__path", "kana", "pk")
    page = Paginator(ordered, PER_PAGE).get_page(request.GET.get("page"))
    job = proposal_job(cycle)
    proposed = stored_proposals(job)
    lines = [_line(row, proposed.get(row.pk)) for row in page]
    names = Staff.objects.select_related("organisation__parent__parent").in_bulk(
        [line["proposal"].mentor for line in lines if line["proposal"] is not None and line["proposal"].mentor]
    )
    for line in lines:
        line["mentor"] = names.get(line["proposal"].mentor) if line["proposal"] is not None else None
    context = {
        "cycle": cycle,
        "tabs": tabs_of(cycle, "mentors"),
        "form": form,
        "page_obj": page,
        "lines": lines,
        "job": job,
        "waiting": job is not None and job.is_active,
        "acceptable": any(line["mentor"] is not None for line in lines),
        "is_closed": cycle.state == CycleState.CLOSED,
        "query": request.META.get("QUERY_STRING", ""),
    }
    return render(request, "assessment/mentors.html", context)


def _line(row: Any, proposal: Any) -> dict[str, Any]:
    needs = row.mentor_id is None or row.mentor_status != StaffStatus.ACTIVE
    shown = proposal if needs else None
    return {
        "staff": row,
        "needs": needs,
        "away": row.mentor_id is not None and row.mentor_status != StaffStatus.ACTIVE,
        "proposal": shown,
        "reasons": [REASONS[code] for code in shown.reasons if code in REASONS] if shown is not None else [],
    }


@sign_in_required
@require_POST
def mentors_propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for proposals, with at most so many people per mentor."""
    cycle = office_cycle(request, pk)
    capacity = number(request.POST.get("capacity"))
    if capacity is not None and not 1 <= capacity <= MOST_PER_MENTOR:
        messages.error(request, _("Enter a number from 1 to %(most)s.") % {"most": MOST_PER_MENTOR})
    else:
        mentors.proposals_start(cycle=cycle, capacity=capacity, actor=user_of(request))
    return redirect("assessment:mentors", pk=cycle.pk)


@sign_in_required
@require_POST
def mentors_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Assign the chosen proposals, all or none; the declaration holds for the whole list."""
    cycle = office_cycle(request, pk)
    wanted: dict[int, Wanted] = {}
    for text in request.POST.getlist("chosen"):
        mentee, mentor = map(number, text.partition(":")[::2])
        if mentee is not None and mentor is not None:
            wanted[mentee] = Wanted(mentee, mentor)  # the page offers one for each; of two the last counts
    try:
        count = mentors.assign(
            cycle_id=cycle.pk,
            wanted=list(wanted.values()),
            not_evaluator="not_evaluator" in request.POST,
            actor=user_of(request),
        )
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    else:
        text = ngettext("%(n)d mentor is assigned.", "%(n)d mentors are assigned.", count)
        messages.success(request, text % {"n": count})
    query = request.META.get("QUERY_STRING", "")
    response = redirect("assessment:mentors", pk=cycle.pk)
    if query:
        response["Location"] += f"?{query}"
    return response


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def mentor_edit(request: HttpRequest, pk: int, staff_id: int) -> HttpResponse:
    """One person's mentor and deputy: assign, hand over, end; with what was before."""
    cycle = office_cycle(request, pk)
    mentee = get_object_or_404(mentee_rows(cycle).select_related("organisation__parent__parent"), pk=staff_id)
    find = FindMentorForm(request.POST if request.method == "POST" else None)
    words = find.cleaned_data["words"] if find.is_valid() else ""
    chosen = number(request.POST.get("mentor")) if "find" not in request.POST else None
    offer = mentors_offered(cycle, mentee, words=words, chosen=chosen)
    form = _assign_form(request, offer)
    if form.is_bound and form.is_valid():
        data = form.cleaned_data
        try:
            mentors.assign(
                cycle_id=cycle.pk,
                wanted=[Wanted(mentee.pk, data["mentor"], is_deputy=data["is_deputy"])],
                not_evaluator=data["not_evaluator"],
                reason=data["reason"],
                actor=user_of(request),
            )
        except RuleViolation as refusal:
            form.add_error("not_evaluator" if refusal.code == "mentor_evaluates" else "mentor", str(refusal))
        else:
            messages.success(
                request, _("Saved. Everybody concerned is told, and an earlier mentor no longer sees the check.")
            )
            return redirect("assessment:mentor_edit", pk=cycle.pk, staff_id=mentee.pk)
    context = {
        "cycle": cycle,
        "mentee": mentee,
        "find": find,
        "form": form,
        "offer_hint": _offer_hint(offer),
        "pairs": _pairs(cycle, mentee.pk),
        "is_closed": cycle.state == CycleState.CLOSED,
    }
    return render(request, "assessment/mentor_edit.html", context, status=422 if form.errors or find.errors else 200)


def _assign_form(request: HttpRequest, offer: Offer) -> AssignForm:
    """The form as it was sent; while a mentor is still looked for, what is typed stays and nothing is missing yet."""
    choices = [(row.staff_id, row.label) for row in offer.mentors]
    if "find" not in request.POST:
        return AssignForm(request.POST if request.method == "POST" else None, mentors=choices)
    typed = {name: request.POST.get(name, "") for name in AssignForm.base_fields}
    if len(choices) == 1:
        typed["mentor"] = str(choices[0][0])
    return AssignForm(initial=typed, mentors=choices)


def _offer_hint(offer: Offer) -> str:
    """Who is offered, below the label of the choice."""
    if not offer.mentors:
        return _("Nobody who may mentor has this name, kana or number.")
    words = (
        _(
            "The %(count)s nearest to choose from; there are more, find them by name, kana or number. In brackets: "
            "organisation and number of people in this cycle."
        )
        if offer.is_cut
        else _(
            "%(count)s to choose from, the nearest first. In brackets: organisation and number of people in this cycle."
        )
    )
    return words % {"count": len(offer.mentors)}


def _pairs(cycle: Cycle, staff_id: int) -> list[dict[str, Any]]:
    rows = MentorPair.objects.filter(cycle=cycle, mentee=staff_id).select_related(
        "mentor__organisation__parent__parent", "assigned_by"
    )
    ordered = sorted(rows, key=lambda pair: (pair.ended_at is not None, pair.is_deputy, -pair.pk))
    return [{"pair": pair, "reason": ENDED.get(pair.reason, pair.reason)} for pair in ordered]


@sign_in_required
@require_POST
def mentor_end(request: HttpRequest, pk: int, pair_id: int) -> HttpResponse:
    """End one pair without a successor."""
    cycle = office_cycle(request, pk)
    pair = get_object_or_404(MentorPair.objects.visible_to(user_of(request)), pk=pair_id, cycle=cycle)
    try:
        mentors.pair_end(pair_id=pair.pk, reason=request.POST.get("reason", ""), actor=user_of(request))
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Ended. The check is no longer open to this mentor."))
    return redirect("assessment:mentor_edit", pk=cycle.pk, staff_id=pair.mentee_id)
