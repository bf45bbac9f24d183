"""How lists of people and organisations are narrowed down, on pages and by REST."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from skillmap.core.filters import FilterSet
from skillmap.people import selectors
from skillmap.people.choices import DesignationKind, Employer, Grade, Occupation, OrganisationKind, StaffStatus
from skillmap.people.models import Organisation, Staff


class StaffFilter(FilterSet):
    """People by words, organisation and all below it, occupation, grade, status, designation of today, employer."""

    q = django_filters.CharFilter(method="filter_q", label=_("Name, kana or number"), max_length=100)
    organisation = django_filters.NumberFilter(
        method="filter_organisation", label=_("Organisation"), min_value=1, max_value=2**31 - 1, decimal_places=0
    )
    occupation = django_filters.ChoiceFilter(choices=Occupation.choices, label=_("Occupation"), empty_label=_("All"))
    grade = django_filters.ChoiceFilter(choices=Grade.choices, label=_("Staff grade"), empty_label=_("All"))
    status = django_filters.ChoiceFilter(choices=StaffStatus.choices, label=_("Status"), empty_label=_("In service"))
    designation = django_filters.ChoiceFilter(
        method="filter_designation", choices=DesignationKind.choices, label=_("Designation"), empty_label=_("All")
    )
    employer = django_filters.ChoiceFilter(choices=Employer.choices, label=_("Employer"), empty_label=_("All"))

    class Meta:
        model = Staff
        fields: tuple[str, ...] = ()

    def filter_q(self, people: QuerySet[Staff], name: str, value: str) -> QuerySet[Staff]:
        """Every word typed is in name, kana or number."""
        return selectors.search(people, value)

    def filter_organisation(self, people: QuerySet[Staff], name: str, value: Any) -> QuerySet[Staff]:
        """The organisation itself and what stands below it."""
        return people.filter(organisation__path__contains=f"/{int(value)}/")

    def filter_designation(self, people: QuerySet[Staff], name: str, value: str) -> QuerySet[Staff]:
        """Held today."""
        return selectors.designated_on(people, value)


class OrganisationFilter(FilterSet):
    """Organisations by code, kind, bureau group (its code) and what they stand below (id, itself included)."""

    code = django_filters.CharFilter()
    kind = django_filters.ChoiceFilter(choices=OrganisationKind.choices)
    bureau_group = django_filters.CharFilter(method="filter_bureau_group")
    under = django_filters.NumberFilter(method="filter_under", min_value=1, max_value=2**31 - 1, decimal_places=0)

    class Meta:
        model = Organisation
        fields: tuple[str, ...] = ()

    def filter_bureau_group(self, rows: QuerySet[Organisation], name: str, value: str) -> QuerySet[Organisation]:
        """Left to the list, which asks for the group of its day."""
        return rows

    def filter_under(self, rows: QuerySet[Organisation], name: str, value: Any) -> QuerySet[Organisation]:
        """The organisation itself and what stands below it."""
        return rows.filter(path__contains=f"/{int(value)}/")
