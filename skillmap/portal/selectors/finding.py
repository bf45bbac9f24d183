"""Search over the framework, organisations and people."""

from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.framework.catalogue import Catalogue, catalogue_of
from skillmap.framework.selectors import current_framework
from skillmap.people.access import Access, access_of
from skillmap.people.models import Organisation, Staff, User
from skillmap.people.selectors import search as people_search


@dataclass(frozen=True)
class Hit:
    """One thing found."""

    kind: str
    label: str
    note: str
    url: str


def finds_people(access: Access) -> bool:
    """Whether a search looks for organisations and people too."""
    return access.is_secretariat or access.is_supporter or access.is_coordinator


def search(user: User, words: str) -> list[Hit]:
    """Items, job types, organisations and, by right, people whose name or number holds the words; four queries."""
    framework = current_framework()
    hits: list[Hit] = []
    if framework is not None:
        hits += _search_framework(catalogue_of(framework), words)
    named = Q(name__icontains=words) | Q(short_name__icontains=words) | Q(name_en__icontains=words)
    organisations = Organisation.objects.current().filter(named)
    if finds_people(access_of(user)):
        hits += [
            Hit(_("Organisation"), row.name, "", reverse("people:organisation", args=[row.pk]))
            for row in organisations.order_by("path")[:10]
        ]
        hits += _search_people(user, words)
    return hits


def _search_framework(catalogue: Catalogue, words: str) -> list[Hit]:
    home = reverse("framework:home")
    low = words.casefold()
    found = [
        Hit(_("Skill item"), skill.label, skill.text, f"{home}#skill-{skill.code}")
        for skill in catalogue.skills
        if low in f"{skill.name} {skill.name_en} {skill.definition}".casefold()
    ]
    found += [
        Hit(_("Job type"), row.label, row.text, f"{home}#job-{row.code}")
        for row in catalogue.job_types
        if low in f"{row.name} {row.name_en} {row.definition}".casefold()
    ]
    return found


def _search_people(user: User, words: str) -> list[Hit]:
    """The people whom the list of people would find by the same words, the first of them."""
    people = people_search(Staff.objects.readable_by(user), words).select_related("organisation")
    return [
        Hit(_("Person"), row.name, row.organisation.label, reverse("people:staff", args=[row.pk]))
        for row in people.order_by("kana", "pk")[:20]
    ]
