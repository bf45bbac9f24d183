"""What every page's frame needs: the navigation by role, the unread notices, who is signed in."""

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from skillmap.core.redis_health import background_waits
from skillmap.people.access import Access, access_of, staff_of
from skillmap.people.models import User
from skillmap.portal.selectors.finding import finds_people
from skillmap.portal.selectors.frame import frame

MOST_ENTRIES = 6


def place_of(request: HttpRequest) -> str:
    """The address by which the menu knows where a page belongs: its own, or the one that its view has named.

    A check of somebody else's has the address that the own one would have.
    """
    place: str = getattr(request, "place_in_menu", request.path)
    return place


def navigation(request: HttpRequest) -> dict[str, Any]:
    """The frame of one page; nothing for those who are not signed in. One query beyond the rights themselves."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"nav": {"help_url": reverse("portal:help")}}
    access = access_of(user)
    told_of_work = access.is_secretariat or access.is_supporter or access.is_coordinator
    counts = frame(user, told_of_work=told_of_work)
    return {
        "nav": {
            "items": _entries(place_of(request), access, is_mentor=counts.is_mentor),
            "search_url": reverse("portal:search"),
            "finds_people": finds_people(access),
            "notifications_url": reverse("portal:notices"),
            "unread": counts.unread,
            "help_url": reverse("portal:help"),
            "user_name": user.name,
            "role_label": role_label(user, access, is_mentor=counts.is_mentor),
            "account_links": _account_links(access),
            "background_notice": _background_notice(stands_still=counts.work_stands_still) if told_of_work else None,
        }
    }


def _background_notice(*, stands_still: bool) -> str | None:
    """For those who start background work: that it waits for its queue, or that nobody does it."""
    if background_waits():
        return _(
            "Background work is waiting: imports, runs and mails. What you enter is stored, and the work goes on by "
            "itself as soon as its queue is back."
        )
    if stands_still:
        return _(
            "Background work has stood still for some minutes: imports, runs and mails. What you enter is stored, and "
            "the work goes on by itself as soon as its worker is back. If this lasts, please tell those who run the "
            "system."
        )
    return None


def role_label(user: User, access: Access, *, is_mentor: bool) -> str:
    """One short line below the name: the widest role, else occupation and grade."""
    if access.is_secretariat:
        return _("Secretariat")
    if access.is_supporter:
        return _("Secretariat supporter")
    if access.is_executive:
        return _("Executive viewer")
    if access.is_coordinator:
        return _("Bureau coordinator")
    staff = staff_of(user)
    if staff is None:
        return ""
    both = {"occupation": staff.get_occupation_display(), "grade": staff.get_grade_display()}
    words = _("%(occupation)s, %(grade)s") % both
    return _("Mentor (%(words)s)") % {"words": words} if is_mentor else words


def _link(
    label: str, name: str, path: str, *, under: tuple[str, ...] = (), children: Any = None
) -> dict[str, Any] | None:
    try:
        url = reverse(name)
    except NoReverseMatch:
        return None
    active = path == url if url == "/" else path.startswith((url, *under))
    return {"label": label, "url": url, "active": active, "children": children}


def _entries(path: str, access: Access, *, is_mentor: bool) -> list[dict[str, Any]]:
    """At most six entries: what the person does most, first.

    Whoever is of the office beside other roles finds the step figures on the boards, and the own answers to demand
    surveys below supply and demand, so that nothing falls off the end.
    """
    wanted = [_link(_("Home"), "portal:home", path)]
    about_oneself = not is_mentor or path.endswith("/mine/")
    meetings = ("/one-on-ones/",)
    if access.staff_id is not None:
        results = () if is_mentor or access.is_secretariat else ("/results/",)  # others read those of others too
        own = ("/check/", "/looks/", *results, *(meetings if about_oneself else ()))
        wanted.append(_link(_("My skills"), "portal:my_map", path, under=own))
    if is_mentor:
        wanted.append(_link(_("Mentees"), "assessment:mentees", path, under=() if about_oneself else meetings))
    if access.is_secretariat:
        wanted.append(_link(_("Yearly cycles"), "assessment:cycles", path, under=("/cycles/", "/objections/")))
    elif access.is_coordinator:
        wanted.append(_link(_("Progress"), "assessment:progress", path))
    if access.is_coordinator and not _is_office(access):
        wanted.append(_link(_("Demand survey"), "gaps:my_demand", path))
    if access.sees_all_aggregates or access.is_coordinator:
        wanted.append(_supply_and_demand(path, access))
    if _is_office(access):
        wanted.append(_link(_("People and organisations"), "people:staff_list", path, under=("/people/",)))
    wanted.append(_link(_("Skill framework"), "framework:home", path, under=("/framework/",)))
    return [entry for entry in wanted if entry is not None][:MOST_ENTRIES]


def _is_office(access: Access) -> bool:
    return access.is_secretariat or access.is_supporter


def _supply_and_demand(path: str, access: Access) -> dict[str, Any] | None:
    """The dashboard; below it, for the office, what it is made of."""
    under = ("/gaps/", "/areas/")
    if not _is_office(access):
        return _link(_("Supply and demand"), "gaps:dashboard", path, under=under)
    survey_pages = ("/surveys/",) if access.is_coordinator else ("/surveys/", "/demand/")
    found = [
        _link(_("Demand surveys"), "gaps:surveys", path, under=survey_pages),
        _link(_("Answers of your organisations"), "gaps:my_demand", path) if access.is_coordinator else None,
        _link(_("Runs"), "gaps:runs", path) if access.is_secretariat else None,
        _link(_("Priority areas"), "gaps:areas", path),
    ]
    children = [child for child in found if child is not None]
    return _link(
        _("Supply and demand"), "gaps:dashboard", path, under=(*under, "/surveys/", "/demand/"), children=children
    )


def _account_links(access: Access) -> list[dict[str, Any]]:
    wanted = [
        _link(_("My account"), "people:account", ""),
        _link(_("Password and second factor"), "mfa_index", ""),
    ]
    if access.staff_id is not None:
        wanted.append(_link(_("Who looked at my data"), "portal:looks", ""))
    wanted.append(_link(_("Skill framework"), "framework:home", ""))
    return [entry for entry in wanted if entry is not None]
