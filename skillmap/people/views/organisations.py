"""The tree of organisations, one organisation, bureau groups."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from skillmap.core import clock
from skillmap.core.htmx import sign_in_required
from skillmap.core.stencils import fill_each
from skillmap.core.templatetags.ui.parts import provenance_badge
from skillmap.people import rules, selectors, services
from skillmap.people.access import Access
from skillmap.people.choices import OrganisationKind
from skillmap.people.forms import EditGroupForm, NewGroupForm, OrganisationForm, TreeDayForm
from skillmap.people.models import BureauGroup, Organisation, OrganisationSuccession
from skillmap.people.views.common import (
    GET,
    GET_AND_POST,
    OFFICE,
    ORGANISATION_READERS,
    form_page,
    posted,
    require,
    secretariat,
    sections,
)

#: Stands for an organisation's id in an address.
ANY_ID = 1_234_567_890
INFERRED = "inferred"


def _counts(access: Access) -> dict[int, int]:
    """People per organisation, for the secretariat, its supporters and coordinators; nothing for others."""
    if access.is_secretariat or access.is_supporter or access.is_coordinator:
        return selectors.headcounts()
    return {}


def _may_count(access: Access, path: str) -> bool:
    if access.is_secretariat or access.is_supporter:
        return True
    return path.startswith(access.coordinated_paths) if access.coordinated_paths else False


def _rows(tree: Iterable[rules.Node], people: Mapping[int, str]) -> Iterator[dict[str, str]]:
    """The tree line by line; with numbers of people where these are given."""
    groups = {row.pk: row for row in BureauGroup.objects.all()}
    defaults = set(Organisation.objects.filter(provenance=INFERRED).values_list("pk", flat=True))
    kinds = {value: str(label) for value, label in OrganisationKind.choices}
    default = provenance_badge(INFERRED)
    url = reverse("people:organisation", args=[ANY_ID])
    for node in tree:
        group = groups.get(node.bureau_group_id or 0)
        yield {
            "depth": str(node.depth),
            "url": url.replace(str(ANY_ID), str(node.pk)),
            "name": node.name,
            "default": default if node.pk in defaults else "",
            "code": node.code,
            "kind": kinds.get(node.kind, ""),
            "group": group.name if group else "",
            "group_default": provenance_badge(group.provenance) if group else "",
            "people": people.get(node.pk, ""),
        }


@sign_in_required
@require_http_methods(GET)
def organisations(request: HttpRequest) -> HttpResponse:
    """The tree of today or of another day."""
    access = require(request, ORGANISATION_READERS)
    form = TreeDayForm(request.GET or None)
    day = form.day()
    today = clock.today()
    counts = _counts(access) if day == today else {}
    tree = selectors.tree_on(day)
    people = {
        node.pk: str(counts.get(node.pk, 0)) if _may_count(access, node.path) else "—"
        for node in (tree if counts else ())
    }
    context = {
        "rows": fill_each("people/_organisation_row.html", _rows(tree, people)),
        "form": form,
        "day": day,
        "is_today": day == today,
        "has_counts": bool(counts),
        "may_write": access.is_secretariat,
        "sections": sections(request, "organisations"),
    }
    return render(request, "people/organisations.html", context)


@sign_in_required
@require_http_methods(GET)
def organisation(request: HttpRequest, pk: int) -> HttpResponse:
    """One organisation: what it is, its versions, what it came from and went into, who coordinates it."""
    access = require(request, ORGANISATION_READERS)
    row = get_object_or_404(Organisation.objects.select_related("parent", "bureau_group"), pk=pk)
    may_count = _may_count(access, row.path)
    steps = OrganisationSuccession.objects.filter(Q(predecessor=row) | Q(successor=row))
    steps = steps.exclude(predecessor=F("successor")).select_related("predecessor", "successor", "change")
    ordered = list(steps.order_by("change__effective_on", "pk"))
    context = {
        "organisation": row,
        "versions": row.versions.select_related("parent", "bureau_group").order_by("-valid_from"),
        "children": Organisation.objects.current().filter(parent=row).order_by("sort_order", "code"),
        "people": selectors.headcounts().get(row.pk, 0) if may_count else None,
        "coordinators": selectors.coordinators_of([row.pk]).get(row.pk, []) if may_count else None,
        "before": [step for step in ordered if step.successor_id == row.pk],
        "after": [step for step in ordered if step.predecessor_id == row.pk],
        "may_write": access.is_secretariat and row.valid_to is None,
        "may_list": may_count,
    }
    return render(request, "people/organisation.html", context)


@sign_in_required
@require_http_methods(GET_AND_POST)
def organisation_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what describes an organisation."""
    user = secretariat(request)
    row = get_object_or_404(Organisation, pk=pk)
    initial = {
        "role_text": row.role_text,
        "bureau_group_id": row.bureau_group_id,
        "sort_order": row.sort_order,
        "confirmed": row.provenance == "confirmed",
        "version": row.version,
    }

    def act(data: dict[str, Any]) -> None:
        confirmed = data.pop("confirmed")
        provenance = "confirmed" if confirmed else row.provenance
        services.organisation_update(organisation_id=pk, actor=user, provenance=provenance, **data)

    return form_page(
        request,
        OrganisationForm(posted(request), initial=initial),
        act,
        below="organisations",
        title=_("Change the description"),
        submit=_("Save"),
        back=reverse("people:organisation", args=[pk]),
        done=_("Saved."),
        about=row.name,
        lead=_("Name and place in the tree change by a change of organisation, with a day."),
    )


@sign_in_required
@require_http_methods(GET)
def groups(request: HttpRequest) -> HttpResponse:
    """Bureau groups with their organisations."""
    access = require(request, OFFICE)
    members: dict[int | None, list[Organisation]] = {}
    for row in Organisation.objects.current().exclude(bureau_group=None).order_by("sort_order", "code"):
        members.setdefault(row.bureau_group_id, []).append(row)
    rows = []
    for group in BureauGroup.objects.order_by("sort_order", "code"):
        held = members.get(group.pk, [])
        # A section's name alone says nothing: it is counted with the bureau above it.
        top = [row for row in held if not any(rules.is_below(row.path, up.path) for up in held if up != row)]
        rows.append({"group": group, "organisations": top, "below": len(held) - len(top)})
    context = {"rows": rows, "may_write": access.is_secretariat, "sections": sections(request, "groups")}
    return render(request, "people/groups.html", context)


@sign_in_required
@require_http_methods(GET_AND_POST)
def group_new(request: HttpRequest) -> HttpResponse:
    """Make a bureau group."""
    user = secretariat(request)
    return form_page(
        request,
        NewGroupForm(posted(request)),
        lambda data: services.group_create(actor=user, **data),
        below="groups",
        title=_("Make a bureau group"),
        submit=_("Make it"),
        back=reverse("people:groups"),
        done=_("The bureau group was made. Put organisations into it on their pages."),
        fields_of_codes={"code_taken": "code"},
    )


@sign_in_required
@require_http_methods(GET_AND_POST)
def group_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a bureau group; saving confirms it."""
    user = secretariat(request)
    row = get_object_or_404(BureauGroup, pk=pk)
    initial = {name: getattr(row, name) for name in ("name", "name_en", "sort_order", "version")}
    return form_page(
        request,
        EditGroupForm(posted(request), initial=initial),
        lambda data: services.group_update(group_id=pk, actor=user, **data),
        below="groups",
        title=_("Change the bureau group"),
        submit=_("Save"),
        back=reverse("people:groups"),
        done=_("Saved."),
        about=row.name,
        lead=_("Once saved, the group counts as confirmed by the secretariat."),
    )
