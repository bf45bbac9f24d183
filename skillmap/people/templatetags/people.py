"""Days of intervals in words: the tables keep the first day outside, people read the last one inside."""

from datetime import date, timedelta

from django import template
from django.utils.translation import gettext as _

from skillmap.core import clock
from skillmap.core.templatetags.ui.words import jp_date

register = template.Library()


@register.filter
def last_day(valid_to: date | None) -> str:
    """The last day of an interval that ends before `valid_to`; empty for one without an end."""
    return jp_date(valid_to - timedelta(days=1)) if valid_to is not None else ""


@register.filter
def closed_words(valid_to: date) -> str:
    """That an organisation is closed, or on which day it is going to be."""
    if valid_to <= clock.today():
        return _("Closed on %(day)s") % {"day": last_day(valid_to)}
    return _("Closes on %(day)s") % {"day": last_day(valid_to)}
