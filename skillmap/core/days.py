"""Days in forms: picked or typed, of years that can be meant, in their order."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class DayField(forms.DateField):
    """A day with the browser's calendar; before `earliest` or after `latest` it can only be mistyped and is refused."""

    def __init__(self, *, earliest: date, latest: date, **kwargs: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(widget=widget, **kwargs)
        self.earliest, self.latest = earliest, latest

    def clean(self, value: Any) -> Any:
        """The day, or None where it may stay empty."""
        day = super().clean(value)
        if day is not None and not self.earliest <= day <= self.latest:
            raise ValidationError(_("Please check the year."), code="year")
        return day


def require_order(form: forms.Form, first: str, last: str) -> None:
    """Blame the last day where it lies before the first; to be called once the fields are clean."""
    start, end = form.cleaned_data.get(first), form.cleaned_data.get(last)
    if start and end and end < start:
        form.add_error(last, _("The last day lies before the first."))
