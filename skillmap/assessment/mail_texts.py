"""The texts of reminders: what each kind says when nobody has edited it, and the placeholders it may hold."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

OPENS, SOON, OVERDUE, NOW, MENTOR = (
    "reminder.opens",
    "reminder.soon",
    "reminder.overdue",
    "reminder.now",
    "reminder.mentor",
)

# What a text may say. Nothing about levels, notes or wishes is among it, so that no mail can carry any.
PLACEHOLDERS: Mapping[str, "StrPromise"] = {
    "name": _("name of the recipient"),
    "cycle": _("name of the cycle"),
    "step": _("the step"),
    "opens_on": _("first day of the step"),
    "closes_on": _("last day of the step"),
    "days_left": _("days that are left"),
    "count": _("number of people who wait (only to mentors)"),
}


@dataclass(frozen=True)
class Text:
    """A kind of text: when it is sent, and its built-in words."""

    kind: str
    title: "StrPromise"
    when: "StrPromise"
    subject: "StrPromise"
    body: "StrPromise"


TEXTS: Mapping[str, Text] = {
    text.kind: text
    for text in (
        Text(
            OPENS,
            _("A step begins"),
            _("to the person, on the first day of the self-check, of the correction, and of the receipt of the result"),
            _("{step} has begun: until {closes_on}"),
            _(
                "Dear {name},\n\n{step} of “{cycle}” is open from {opens_on} to {closes_on}.\n"
                "The check serves your development and is not used for personnel evaluation."
            ),
        ),
        Text(
            SOON,
            _("A step ends soon"),
            _("to the person, 7 days and 1 day before the last day"),
            _("{step}: {days_left} days left"),
            _(
                "Dear {name},\n\n{step} of “{cycle}” ends on {closes_on}. It takes about ten minutes, and everything "
                "is saved as you go.\nIf you need more time, please ask the secretariat."
            ),
        ),
        Text(
            OVERDUE,
            _("The time is over"),
            _("to the person, on the day after the last day, then once a week"),
            _("{step}: not yet done"),
            _(
                "Dear {name},\n\nthe time for {step} of “{cycle}” ended on {closes_on}. What you entered is kept.\n"
                "Please ask the secretariat for more time."
            ),
        ),
        Text(
            NOW,
            _("Reminder sent by hand"),
            _("to the people that the secretariat chooses on the board"),
            _("Reminder: {step}"),
            _("Dear {name},\n\n{step} of “{cycle}” waits for you. The last day is {closes_on}."),
        ),
        Text(
            MENTOR,
            _("To mentors"),
            _("to a mentor, one mail for all the people who wait, on the same days and when sent by hand"),
            _("1on1: {count} people are waiting"),
            _(
                "Dear {name},\n\n{count} people wait for {step} of “{cycle}”. The last day is {closes_on}.\n"
                "You find them under “Mentees”."
            ),
        ),
    )
}


def unknown_placeholders(text: str) -> list[str]:
    """Names in braces that no text may hold, in the order in which they stand there."""
    return [name for name in PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]


def filled(text: str, values: Mapping[str, object]) -> str:
    """The text with its placeholders filled; one without a value stays as it is written."""
    return PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), text)
