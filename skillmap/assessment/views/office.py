"""What the pages of the secretariat share: who asks, which cycle, the tabs around it."""

import re
from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.assessment import rules
from skillmap.assessment.choices import CycleState
from skillmap.assessment.models import Cycle
from skillmap.assessment.selectors.board import windows_and_cycle
from skillmap.people.access import access_of, user_of
from skillmap.people.choices import Role
from skillmap.people.models import User

NUMBER = re.compile(r"[0-9]{1,15}")


def office_of(request: HttpRequest) -> User:
    """Who is signed in, 403 for everyone but the secretariat."""
    user = user_of(request)
    access_of(user).require(Role.SECRETARIAT)
    return user


def cycle_of(request: HttpRequest, pk: int) -> Cycle:
    """The cycle, 404 where it is not there or not for this person."""
    visible = Cycle.objects.visible_to(user_of(request)).select_related("framework", "purpose_text")
    return get_object_or_404(visible, pk=pk)


def office_cycle(request: HttpRequest, pk: int) -> Cycle:
    """The cycle for a page of the secretariat: 403 for others, 404 where it is not there."""
    office_of(request)
    return cycle_of(request, pk)


def running_cycle(request: HttpRequest, pk: int) -> tuple[Cycle, dict[str, rules.Window]]:
    """An opened cycle with its windows, in one query; 403 and 404 as above, 404 for a draft."""
    office_of(request)
    cycle, windows = windows_and_cycle(pk)
    if cycle is None or cycle.state == CycleState.DRAFT:
        raise Http404
    return cycle, windows


def number(text: str | None) -> int | None:
    """A plain number from the address or a form; None for anything else."""
    return int(text) if text is not None and NUMBER.fullmatch(text) else None


def numbers(texts: Iterable[str]) -> list[int]:
    """The plain numbers among texts."""
    return [int(text) for text in texts if NUMBER.fullmatch(text)]


def tabs_of(cycle: Cycle, active: str, *, office: bool = True) -> list[dict[str, Any]]:
    """The pages of one cycle; a draft has those of its preparation."""
    pages = {"detail": (_("Settings"), "assessment:cycle_detail")}
    if office:
        pages |= {
            "participants": (_("Participants"), "assessment:cycle_participants"),
            "mentors": (_("Mentors"), "assessment:mentors"),
        }
    if office and cycle.state != CycleState.DRAFT:
        board = {
            "board": (_("Progress"), "assessment:board"),
            "confirm": (_("Confirmation"), "assessment:board_confirm"),
            "findings": (_("Findings and measures"), "assessment:findings"),
        }
        pages = board | pages
    return [
        {"label": label, "url": reverse(name, args=[cycle.pk]), "active": key == active}
        for key, (label, name) in pages.items()
    ]
