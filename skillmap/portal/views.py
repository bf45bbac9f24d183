"""Home, maps, notices, looks, search, help."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from skillmap.assessment.models import MentorPair
from skillmap.assessment.services.looks import look
from skillmap.core import clock, notifications, purpose
from skillmap.core.choices import Purpose
from skillmap.core.htmx import sign_in_required
from skillmap.core.models import Job, Notification
from skillmap.gaps.selectors.runs.visible import latest_run
from skillmap.people.access import access_of, staff_of, user_of
from skillmap.people.choices import Role
from skillmap.people.models import Staff, User
from skillmap.portal.radar import radar
from skillmap.portal.selectors import finding, maps
from skillmap.portal.selectors.areas import adopted_areas
from skillmap.portal.selectors.frame import frame
from skillmap.portal.selectors.looks import looks_at
from skillmap.portal.selectors.next_for_me import (
    check_to_open,
    coordinator_tasks,
    mentor_tasks,
    own_checks,
    own_results,
    own_tasks,
    secretariat_tasks,
)
from skillmap.portal.selectors.progress import cycles_in_progress

HELP_TOPICS = {
    "staff": _("For those who check their skills"),
    "mentor": _("For mentors"),
    "coordinator": _("For bureau coordinators"),
    "expert": _("For information technology experts"),
    "secretariat": _("For the secretariat"),
    "executive": _("For executive viewers"),
}


@sign_in_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Next for me: what is due, until when, one button each; then what belongs to the role."""
    user = user_of(request)
    access = access_of(user)
    checks = own_checks(access.staff_id) if access.staff_id is not None else []
    tasks = own_tasks(checks)
    if access.staff_id is not None:
        tasks += mentor_tasks(access.staff_id)
    if access.is_coordinator:
        tasks += coordinator_tasks(user)
    progress = cycles_in_progress() if access.is_secretariat else []
    if access.is_secretariat:
        tasks += secretariat_tasks(progress)
    tasks.sort(key=lambda task: task.is_ahead)
    reads_figures = access.sees_all_aggregates or access.is_coordinator
    context = {
        "tasks": tasks,
        "checks": checks,
        "progress": progress,
        "reads_figures": reads_figures,
        "run": latest_run(user) if reads_figures else None,
        "areas": adopted_areas(),
        "access": access,
    }
    return render(request, "portal/home.html", context)


class MapForm(forms.Form):
    """What the map compares with, and as of which day."""

    job_type = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    as_of = forms.DateField(required=False)

    def clean_as_of(self) -> date | None:
        """A day that has come."""
        day: date | None = self.cleaned_data["as_of"]
        if day is not None and day > clock.today():
            raise forms.ValidationError(_("Choose a day that is not in the future."), code="future")
        return day


def _map(request: HttpRequest, staff: Staff, *, reason: str, own: bool) -> HttpResponse:
    form = MapForm(request.GET)
    valid = form.is_valid()
    areas = adopted_areas()
    found = look(
        lambda: maps.person_map(
            viewer=user_of(request),
            staff=staff,
            job_type_id=form.cleaned_data.get("job_type") if valid else None,
            as_of=form.cleaned_data.get("as_of") if valid else None,
            areas=areas,
        ),
        viewer=user_of(request),
        staff_ids=[staff.pk],
        purpose=reason,
        what="map",
    )
    context: dict[str, Any] = {
        "map": found,
        "staff": staff,
        "own": own,
        "form": form,
        "areas": areas,
        "today": clock.today(),
    }
    if found is not None:
        labels = [category.label for category, _mean, _target in found.means]
        context["radar"] = radar(labels, [mean for _c, mean, _t in found.means], [t or 0 for _c, _m, t in found.means])
    if own:
        context["looks"] = list(looks_at(staff.pk)[:3])
        context["check"] = check_to_open(own_checks(staff.pk))
        context["results"] = own_results(staff.pk)
    return render(request, "portal/map.html", context, status=200 if valid else 422)


@sign_in_required
@require_GET
def my_map(request: HttpRequest) -> HttpResponse:
    """The own confirmed levels: radar, table, change, what to learn next, who looked."""
    staff = staff_of(user_of(request))
    if staff is None:
        return render(request, "portal/map_none.html")
    return _map(request, staff, reason="", own=True)


@sign_in_required
@require_GET
def person_map(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody else's map: for the present mentor, and for the secretariat with a purpose; each look is recorded."""
    user = user_of(request)
    access = access_of(user)
    if access.staff_id == pk:
        return redirect("portal:my_map")
    staff = get_object_or_404(Staff.objects.select_related("organisation"), pk=pk)
    mentors = (
        access.staff_id is not None
        and MentorPair.objects.active().filter(mentor=access.staff_id, mentee=pk, cycle__state="open").exists()
    )
    if mentors:
        return _map(request, staff, reason=Purpose.MENTORING, own=False)
    if not access.is_secretariat:
        raise Http404
    reason = purpose.chosen(request)
    if reason is None:
        return redirect(f"{reverse('portal:purpose')}?{urlencode({'next': request.get_full_path()})}")
    return _map(request, staff, reason=reason, own=False)


class PurposeForm(forms.Form):
    """Why named levels are read."""

    purpose = forms.ChoiceField(label=_("Purpose"), choices=Purpose.choices, widget=forms.RadioSelect)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def purpose_page(request: HttpRequest) -> HttpResponse:
    """Choose the purpose of this session; it is recorded with every look."""
    access_of(user_of(request)).require(Role.SECRETARIAT)
    target = request.POST.get("next") or request.GET.get("next") or "/"
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ) or not target.startswith("/"):
        target = "/"
    form = PurposeForm(request.POST or None, initial={"purpose": purpose.chosen(request)})
    if request.method == "POST" and form.is_valid():
        purpose.choose(request, form.cleaned_data["purpose"])
        return redirect(target)
    status = 422 if form.errors else 200
    return render(request, "portal/purpose.html", {"form": form, "next": target}, status=status)


@sign_in_required
@require_GET
def looks(request: HttpRequest) -> HttpResponse:
    """Who looked at my levels, when, why."""
    staff_id = access_of(user_of(request)).staff_id
    if staff_id is None:
        raise Http404
    page = Paginator(looks_at(staff_id), 50).get_page(request.GET.get("page"))
    labels = dict(Purpose.choices)
    rows = [{"event": event, "purpose": labels.get(event.purpose, event.purpose)} for event in page]
    return render(request, "portal/looks.html", {"rows": rows, "page_obj": page})


@sign_in_required
@require_GET
def notices(request: HttpRequest) -> HttpResponse:
    """Notices, newest first."""
    rows = Notification.objects.filter(recipient=user_of(request)).order_by("-pk")
    return render(request, "portal/notices.html", {"page_obj": Paginator(rows, 30).get_page(request.GET.get("page"))})


@sign_in_required
@require_POST
def notice_open(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one notice as read and go where it points."""
    row = get_object_or_404(Notification, pk=pk, recipient=user_of(request))
    Notification.objects.filter(pk=row.pk, read_at=None).update(read_at=clock.now())
    return redirect(row.path or "portal:notices")


@sign_in_required
@require_POST
def notices_read(request: HttpRequest) -> HttpResponse:
    """Mark all notices as read."""
    Notification.objects.filter(recipient=user_of(request), read_at=None).update(read_at=clock.now())
    return redirect("portal:notices")


@sign_in_required
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Items, job types, organisations and, by right, people."""
    words = request.GET.get("q", "").strip()[:60].replace("\x00", "")
    hits = finding.search(user_of(request), words) if words else []
    return render(request, "portal/search.html", {"hits": hits, "search_query": words})


@sign_in_required
@require_GET
def background(request: HttpRequest) -> HttpResponse:
    """Background work that failed: jobs given up or never taken, and mails that could not be sent."""
    access_of(user_of(request)).require(Role.SECRETARIAT)
    failed = Job.objects.stuck().order_by("-pk")[:50]
    mails = notifications.unsent().select_related("recipient").order_by("-pk")[:50]
    return render(request, "portal/background.html", {"jobs": failed, "mails": mails})


@sign_in_required
@require_POST
def background_retry(request: HttpRequest) -> HttpResponse:
    """Send the failed mails once more."""
    access_of(user_of(request)).require(Role.SECRETARIAT)
    notifications.try_again()
    return redirect("portal:background")


def _own_topics(request: HttpRequest) -> list[str]:
    """The help pages of the reader's own roles, the widest role first; none for who is not signed in."""
    user = request.user
    if not isinstance(user, User):
        return []
    access = access_of(user)
    held = {
        "secretariat": access.is_secretariat or access.is_supporter,
        "executive": access.is_executive,
        "coordinator": access.is_coordinator,
        "expert": access.is_expert,
        "mentor": frame(user).is_mentor,
        "staff": access.staff_id is not None,
    }
    return [topic for topic, is_own in held.items() if is_own]


@require_GET
def help_page(request: HttpRequest, topic: str = "") -> HttpResponse:
    """Help, a page per role; open to everyone, so that it helps with signing in too."""
    if topic and topic not in HELP_TOPICS:
        raise Http404
    language = "en" if (get_language() or "").startswith("en") else "ja"
    own = _own_topics(request)
    order = [*own, *(key for key in HELP_TOPICS if key not in own)]
    context = {
        "topic": topic,
        "topic_label": HELP_TOPICS.get(topic, ""),
        "topics": [{"topic": key, "label": HELP_TOPICS[key], "own": key in own} for key in order],
        "part": f"portal/help/{language}/{topic}.html" if topic else None,
    }
    return render(request, "portal/help.html", context)
