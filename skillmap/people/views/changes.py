"""組織改正: plan, look at what it would do, apply, drop; and which organisation stands for which."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from skillmap.core import clock
from skillmap.core.errors import RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.people import selectors, services
from skillmap.people.access import user_of
from skillmap.people.choices import ChangeKind, ChangeState
from skillmap.people.forms import CHANGE_FORMS, MappingForm, PartForm, SplitForm, selectable
from skillmap.people.models import Organisation, OrganisationChange, Staff
from skillmap.people.rules import Node
from skillmap.people.views.change_words import effects, related, words_of
from skillmap.people.views.common import (
    GET,
    GET_AND_POST,
    act_and_return,
    form_page,
    posted,
    secretariat,
    sections,
    status_of,
)

PARTS = 4


@sign_in_required
@require_http_methods(GET)
def changes(request: HttpRequest) -> HttpResponse:
    """Planned changes first, then what came into force."""
    secretariat(request)
    rows = OrganisationChange.objects.select_related("created_by").order_by("-effective_on", "-pk")
    names = dict(Organisation.objects.values_list("pk", "name"))
    planned = rows.filter(state=ChangeState.PLANNED).order_by("effective_on", "pk")
    past = rows.exclude(state=ChangeState.PLANNED)[:200]

    def shown(row: OrganisationChange) -> dict[str, Any]:
        return {"change": row, "words": words_of(row, names), "is_due": row.effective_on <= clock.today()}

    context = {
        "planned": [shown(row) for row in planned],
        "past": [shown(row) for row in past],
        "kinds": [{"label": kind.label, "url": reverse("people:change_new", args=[kind.value])} for kind in ChangeKind],
        "sections": sections(request, "changes"),
    }
    return render(request, "people/changes.html", context)


@sign_in_required
@require_http_methods(GET_AND_POST)
def change_new(request: HttpRequest, kind: str) -> HttpResponse:
    """Plan a change of one kind."""
    user = secretariat(request)
    if kind == ChangeKind.SPLIT:
        return _split(request)
    if kind not in CHANGE_FORMS:
        raise Http404
    nodes = selectable()
    form = CHANGE_FORMS[kind](posted(request), nodes=nodes, initial=_initial(request, kind, nodes))
    made: list[OrganisationChange] = []

    def act(data: dict[str, Any]) -> None:
        made.append(
            services.change_plan(
                kind=kind, effective_on=data["effective_on"], plan=form.plan(), note=data["note"], actor=user
            )
        )

    response = form_page(
        request,
        form,
        act,
        below="changes",
        title=_("Plan: %(kind)s") % {"kind": ChangeKind(kind).label},
        submit=_("Put it into the plan"),
        back=reverse("people:changes"),
        done=_("The change is planned. Look through it below; until its day you can drop it."),
        lead=_(
            "Nothing changes at once: the change goes into the plan and takes force by itself on its day. "
            "Until then you can look through it and drop it."
        ),
        fields_of_codes={"code_taken": "new_code", "too_few": "sources", "closed": "effective_on"},
    )
    return redirect("people:change", pk=made[0].pk) if made else response


def _initial(request: HttpRequest, kind: str, nodes: Sequence[Node]) -> dict[str, Any]:
    """Begin with the organisation whose page led here."""
    wanted = request.GET.get("organisation", "")
    node = next((node for node in nodes if str(node.pk) == wanted), None)
    if node is None:
        return {}
    names = {"name": node.name, "short_name": node.short_name, "name_en": node.name_en}
    found: dict[str, Any] = {"organisation": node.pk, "sources": [node.pk], "new_parent_id": node.parent_id}
    return found | (names if kind == ChangeKind.RENAME else {})


def _split(request: HttpRequest) -> HttpResponse:
    """Split one organisation: which one stands in the address, what comes out of it in the form."""
    user = secretariat(request)
    nodes = selectable()
    source = next((node for node in nodes if str(node.pk) == request.GET.get("organisation", "")), None)
    context: dict[str, Any] = {"nodes": nodes, "source": source}
    if source is None:
        return render(request, "people/change_split_choose.html", context)
    children = [node for node in nodes if node.parent_id == source.pk]
    data = posted(request)
    form = SplitForm(data, nodes=nodes)
    start = {"new_parent_id": source.parent_id, "new_kind": source.kind, "new_bureau_group_id": source.bureau_group_id}
    parts = [PartForm(data, prefix=f"part{n}", nodes=nodes, children=children, initial=start) for n in range(PARTS)]
    members = Staff.objects.in_service().filter(organisation=source.pk).order_by("kana", "pk")
    context |= {"form": form, "parts": parts, "page_errors": False}
    if data is not None and all([form.is_valid(), *(part.is_valid() for part in parts)]):
        wanted = [part for part in parts if part.is_named()]
        if _resolve(wanted, source.pk):
            plan = {
                "source": source.pk,
                "keep": form.cleaned_data["keep"],
                "carry_roles": form.cleaned_data["carry_roles"],
                "parts": [_part(part) for part in wanted],
            }
            try:
                change = services.change_plan(
                    kind=ChangeKind.SPLIT,
                    effective_on=form.cleaned_data["effective_on"],
                    plan=plan,
                    note=form.cleaned_data["note"],
                    actor=user,
                )
            except RuleViolation as refusal:
                form.add_error("effective_on" if refusal.code == "closed" else None, str(refusal))
            else:
                return redirect("people:change", pk=change.pk)
    failed = bool(form.errors or any(part.errors for part in parts))
    context |= {"page_errors": failed, "members": members[:500]}
    return render(request, "people/change_split.html", context, status=422 if failed else status_of(form))


def _resolve(parts: Sequence[PartForm], source_id: int) -> bool:
    """Turn staff numbers into people of the organisation; whoever is not one of them is an error at the field."""
    numbers = {number for part in parts for number in part.numbers()}
    people = dict(
        Staff.objects.in_service().filter(number__in=numbers, organisation=source_id).values_list("number", "pk")
    )
    fine = True
    for part in parts:
        unknown = [number for number in part.numbers() if number not in people]
        if unknown:
            text = _("These numbers are nobody's in this organisation: %(numbers)s")
            part.add_error("staff_numbers", text % {"numbers": "、".join(unknown[:10])})
            fine = False
        part.staff_ids = [people[number] for number in dict.fromkeys(part.numbers()) if number in people]
    return fine


def _part(form: PartForm) -> dict[str, Any]:
    return {"new": form.new(), "staff": form.staff_ids, "children": form.cleaned_data.get("children", [])}


@sign_in_required
@require_http_methods(GET)
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """One change: the plan in words, what it would do or did, and the buttons that its state allows."""
    secretariat(request)
    row = get_object_or_404(OrganisationChange.objects.select_related("created_by"), pk=pk)
    names = dict(Organisation.objects.values_list("pk", "name"))
    planned = row.state == ChangeState.PLANNED
    context = {
        "change": row,
        "words": words_of(row, names),
        "effects": effects(row, names) if planned else [],
        "related": related(row, names) if planned else [],
        "successions": row.successions.select_related("predecessor", "successor").order_by("predecessor", "pk"),
        "is_due": row.effective_on <= clock.today(),
        "is_planned": planned,
    }
    return render(request, "people/change.html", context)


@sign_in_required
@require_POST
def change_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a change into force."""
    secretariat(request)
    row = get_object_or_404(OrganisationChange, pk=pk)
    return act_and_return(
        request,
        lambda: services.change_apply(change_id=row.pk, actor=user_of(request)),
        done=_("The change is in force."),
        back=reverse("people:change", args=[pk]),
    )


@sign_in_required
@require_POST
def change_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Drop a plan."""
    secretariat(request)
    row = get_object_or_404(OrganisationChange, pk=pk)
    return act_and_return(
        request,
        lambda: services.change_cancel(change_id=row.pk, actor=user_of(request)),
        done=_("The plan was dropped. Nothing has changed."),
        back=reverse("people:changes"),
    )


@sign_in_required
@require_http_methods(GET)
def mapping(request: HttpRequest) -> HttpResponse:
    """Which organisations of one day stand for which of another."""
    secretariat(request)
    form = MappingForm(request.GET or None)
    rows: list[dict[str, Any]] = []
    if form.is_bound and form.is_valid():
        first, last = form.cleaned_data["from_day"], form.cleaned_data["to_day"]
        found = selectors.mapping(first, last)
        names = {node.pk: node.name for node in selectors.tree_on(last)}
        rows = [
            {
                "name": node.name,
                "depth": node.depth,
                "same": found.get(node.pk) == (node.pk,) and names.get(node.pk) == node.name,
                "ends": [names.get(pk, "—") for pk in found.get(node.pk, ())],
            }
            for node in selectors.tree_on(first)
        ]
    context = {"form": form, "rows": rows}
    return render(request, "people/mapping.html", context, status=status_of(form))
