"""What lists of the framework can be narrowed down by."""

import django_filters
from django.db.models import QuerySet

from skillmap.core.filters import FilterSet
from skillmap.framework.choices import FrameworkState, ItemKind
from skillmap.framework.models import Framework, JobType, Skill


class FrameworkFilter(FilterSet):
    """Versions by state."""

    state = django_filters.ChoiceFilter(choices=FrameworkState.choices)

    class Meta:
        model = Framework
        fields = ("state",)


class SkillFilter(FilterSet):
    """Items by kind, category and number."""

    kind = django_filters.ChoiceFilter(choices=ItemKind.choices)
    category = django_filters.CharFilter(field_name="category__code")

    class Meta:
        model = Skill
        fields = ("kind", "category", "number")


class JobTypeFilter(FilterSet):
    """Job types by core category, and by an item that they ask for at a level or above."""

    core_category = django_filters.CharFilter(field_name="core_category__code")
    skill = django_filters.CharFilter(method="asks_for", label="Asks for this item (its code) at level 1 or above.")

    class Meta:
        model = JobType
        fields = ("core_category",)

    def asks_for(self, queryset: QuerySet[JobType], name: str, value: str) -> QuerySet[JobType]:
        """Job types with a requirement above 0 for the item."""
        return queryset.filter(requirements__skill__code=value, requirements__level__gt=0)
