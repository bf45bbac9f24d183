"""Changes of organisation in words: the plan, what it would do, and which other plans touch the same places."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from skillmap.people import selectors
from skillmap.people.choices import ChangeKind, ChangeState, Role
from skillmap.people.models import Organisation, OrganisationChange, RoleGrant
from skillmap.people.services.changes import named


def words_of(change: OrganisationChange, names: Mapping[int, str]) -> str:
    """A plan in one sentence."""
    plan = change.plan

    def name(key: str) -> str:
        return names.get(plan.get(key) or 0, "—")

    if change.kind == ChangeKind.RENAME:
        return _("%(old)s gets the name %(new)s.") % {"old": name("organisation"), "new": plan["name"]}
    if change.kind == ChangeKind.MOVE:
        if plan["parent"] is None:
            return _("%(name)s goes to the top of the tree.") % {"name": name("organisation")}
        return _("%(name)s goes below %(parent)s.") % {"name": name("organisation"), "parent": name("parent")}
    if change.kind == ChangeKind.MERGE:
        sources = "、".join(names.get(pk, "—") for pk in plan["sources"])
        into = plan["new"]["name"] if plan.get("new") else name("target")
        return _("%(sources)s go into %(into)s.") % {"sources": sources, "into": into}
    if change.kind == ChangeKind.SPLIT:
        parts = "、".join(part["new"]["name"] for part in plan["parts"])
        text = _("%(parts)s come out of %(source)s, which goes on.")
        return (text if plan["keep"] else _("%(source)s is split into %(parts)s and ends.")) % {
            "source": name("source"),
            "parts": parts,
        }
    if change.kind == ChangeKind.CLOSE:
        if plan.get("members_to") is None:
            return _("%(name)s is closed.") % {"name": name("organisation")}
        text = _("%(name)s is closed; its members go to %(to)s.")
        return text % {"name": name("organisation"), "to": name("members_to")}
    return _("%(name)s is opened.") % {"name": plan["new"]["name"]}


def effects(change: OrganisationChange, names: Mapping[int, str]) -> list[str]:
    """What a planned change would do, one sentence each, as things stand now."""
    lines = []
    ending = _ending(change)
    for pk in ending:
        people = selectors.members_on(pk, change.effective_on)
        text = ngettext("%(name)s ends; %(count)s person moves.", "%(name)s ends; %(count)s people move.", people)
        lines.append(text % {"name": names.get(pk, "—"), "count": people})
    below = Organisation.objects.current().filter(parent__in=ending).count()
    if below:
        text = ngettext("%(count)s unit below moves along.", "%(count)s units below move along.", below)
        lines.append(text % {"count": below})
    if change.kind == ChangeKind.SPLIT:
        for part in change.plan["parts"]:
            text = _("%(name)s: %(people)s people and %(units)s units by name")
            counts = {"people": len(part.get("staff", [])), "units": len(part.get("children", []))}
            lines.append(text % (counts | {"name": part["new"]["name"]}))
    if change.kind == ChangeKind.MOVE:
        moved = Organisation.objects.get(pk=change.plan["organisation"])
        units = Organisation.objects.current().filter(path__startswith=moved.path).count()
        text = ngettext(
            "%(count)s unit changes its place in the tree.", "%(count)s units change their place in the tree.", units
        )
        lines.append(text % {"count": units})
    return lines + _role_effects(change, ending)


def _ending(change: OrganisationChange) -> list[int]:
    """The organisations that end by a change."""
    plan = change.plan
    if change.kind == ChangeKind.MERGE:
        return list(plan["sources"])
    if change.kind == ChangeKind.SPLIT and not plan["keep"]:
        return [plan["source"]]
    return [plan["organisation"]] if change.kind == ChangeKind.CLOSE else []


def _role_effects(change: OrganisationChange, ending: Sequence[int]) -> list[str]:
    count = RoleGrant.objects.not_over().filter(organisation__in=ending, role=Role.COORDINATOR).count()
    if not count:
        return []
    if change.kind != ChangeKind.CLOSE and change.plan.get("carry_roles", True):
        text = ngettext(
            "%(count)s coordinator goes on for what follows.", "%(count)s coordinators go on for what follows.", count
        )
    else:
        text = ngettext(
            "%(count)s coordinator is left without an organisation: take the role, or give it anew.",
            "%(count)s coordinators are left without an organisation: take the roles, or give them anew.",
            count,
        )
    return [text % {"count": count}]


def related(change: OrganisationChange, names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Other planned changes that name one of the same organisations."""
    mine = named(change.plan)
    others = OrganisationChange.objects.filter(state=ChangeState.PLANNED).exclude(pk=change.pk)
    return [
        {"change": other, "words": words_of(other, names)}
        for other in others.order_by("effective_on", "pk")
        if mine & named(other.plan)
    ]
