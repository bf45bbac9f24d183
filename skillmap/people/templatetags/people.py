"""What the pages about people say in words: days of intervals, the browser of a session."""

from datetime import date, timedelta

from django import template
from django.template.defaultfilters import truncatechars
from django.utils.translation import gettext as _

from skillmap.core import clock
from skillmap.core.templatetags.ui.words import jp_date

register = template.Library()

# What each name says of itself; the first that fits is taken, since all of them claim to be the later ones too.
BROWSERS = (
    ("Edg", "Edge"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@register.filter
def browser_name(user_agent: str) -> str:
    """A browser and its system as people call them; what names neither is given as it came, shortened."""
    names = [next((name for mark, name in marks if mark in user_agent), "") for marks in (BROWSERS, SYSTEMS)]
    return " / ".join(filter(None, names)) or truncatechars(user_agent, 60) or "—"


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
