"""What the pages of the framework share: who asks, for which version, and the frame around it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.forms import BaseForm, BoundField
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.framework import rules
from skillmap.framework.models import Framework
from skillmap.people.access import access_of, user_of
from skillmap.people.choices import Role


def version_of(request: HttpRequest, code: str) -> Framework:
    """The version, 404 where it is not there or not for this person."""
    visible = Framework.objects.visible_to(user_of(request)).select_related("based_on")
    return get_object_or_404(visible, code=code)


def version_to_edit(request: HttpRequest, code: str) -> Framework:
    """The version for a page of the secretariat: 404 as above, 403 for others who may read it."""
    framework = version_of(request, code)
    access_of(user_of(request)).require(Role.SECRETARIAT)
    return framework


def frame(request: HttpRequest, framework: Framework, tab: str) -> dict[str, Any]:
    """What every page about one version shows around its content.

    `can_edit` is about drafts; `actions` are the steps open to this person; `has_own_map` says whether
    levels of their own are kept.
    """
    access = access_of(user_of(request))
    actions = rules.open_actions(framework.state) if access.is_secretariat else ()
    return {
        "framework": framework,
        "tabs": _tabs(framework, tab),
        "actions": actions,
        "can_edit": "edit" in actions,
        "is_office": access.is_secretariat or access.is_supporter,
        "has_own_map": access.staff_id is not None,
    }


def _tabs(framework: Framework, active: str) -> list[dict[str, Any]]:
    pages: dict[str, Callable[[], str]] = {
        "detail": lambda: _("Items and job types"),
        "matrix": lambda: _("Required levels"),
        "certifications": lambda: _("Exams"),
    }
    return [
        {"label": label(), "url": reverse(f"framework:{name}", args=[framework.code]), "active": name == active}
        for name, label in pages.items()
    ]


@dataclass(frozen=True)
class Theirs:
    """A field whose stored value differs from what the person entered."""

    label: str
    value: str


def differing(mine: BaseForm, stored: BaseForm) -> list[Theirs]:
    """Where an entered form and the same form with the stored values differ, in words of the stored ones."""
    found = []
    for bound in stored.visible_fields():
        entered = mine[bound.name].value()
        if _plain(entered) != _plain(bound.value()):
            found.append(Theirs(str(bound.label), _shown(bound)))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(map(str, value))
    return "" if value in (None, False) else str(value).replace("\r\n", "\n")


def _shown(bound: BoundField) -> str:
    choices = getattr(bound.field, "choices", None)
    value = bound.value()
    if choices is None:
        return "—" if value in (None, "") else str(value)
    wanted = {str(one) for one in (value if isinstance(value, list) else [value])}
    return "、".join(str(label) for key, label in choices if str(key) in wanted and str(key)) or "—"
