"""How lists are narrowed down: what is asked for is taken at its word or refused, never left out in silence."""

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters.filterset import FILTER_FOR_DBFIELD_DEFAULTS
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import APIView


class WholeNumberFilter(django_filters.NumberFilter):
    """A whole number: half a year or half a level is refused."""

    field_class: Any = forms.IntegerField


class FilterSet(django_filters.FilterSet):
    """A filter set whose numbers are whole ones where the column's are."""

    FILTER_DEFAULTS = {
        **FILTER_FOR_DBFIELD_DEFAULTS,
        **{
            field: {"filter_class": WholeNumberFilter}
            for field in (models.IntegerField, models.PositiveIntegerField, models.PositiveSmallIntegerField)
        },
    }


def refuse_empty(request: Request, names: Iterable[str]) -> None:
    """Raise ValidationError (400) where one of these parameters is given without a value, which is a slip."""
    empty = [name for name in names if name in request.query_params and not request.query_params[name].strip()]
    if empty:
        raise exceptions.ValidationError({name: [_("Give a value, or leave the parameter out.")] for name in empty})


class StrictFilterBackend(DjangoFilterBackend):
    """The filter set of a view, for a REST client."""

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        """The rows asked for; ValidationError (400) for a value that can't be one, or for none."""
        kind = self.get_filterset_class(view, queryset)
        if kind is not None:
            refuse_empty(request, kind.base_filters)
        found: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return found
