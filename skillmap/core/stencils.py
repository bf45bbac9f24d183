"""A part of a page that stands there many times, drawn once for each of its kinds and then only filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from html import escape

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

#: Stands for a value in a drawn stencil: letters that no text of people has, for they are nobody's.
HOLE = re.compile("\ue000(\\w+)\ue001")
MOST_KINDS = 512


def flag(value: object) -> str:
    """A value of which a stencil only asks whether it is there."""
    return "1" if value else ""


def fill(template: str, values: Mapping[str, str]) -> SafeString:
    """Draw a template with these values as `item`, all of them texts; what is not there is an empty text.

    The template is drawn once for each language and each set of values that are there, with holes in their places;
    afterwards the values, escaped where they are not safe, only go into the holes. So the template may ask whether a
    value is there and print it (also through `blocktranslate`), and nothing else: no comparing, no filter.
    """
    # As `conditional_escape`, without its detours for what is no text or has no sign: a page fills in hundreds.
    safe = {
        name: value if isinstance(value, SafeString) or value.isalnum() else escape(value)
        for name, value in values.items()
        if value
    }
    draw = _drawn.__wrapped__ if settings.DEBUG else _drawn  # while templates are worked on, nothing is kept
    parts = draw(template, frozenset(safe), get_language())
    filled = [safe[part] if at % 2 else part for at, part in enumerate(parts)]
    return mark_safe("".join(filled))  # noqa: S308  each is escaped


def fill_each(template: str, rows: Iterable[Mapping[str, str]]) -> SafeString:
    """One after the other."""
    return mark_safe("".join(fill(template, row) for row in rows))  # noqa: S308  each is drawn


@lru_cache(maxsize=MOST_KINDS)
def _drawn(template: str, there: frozenset[str], _language: str | None) -> Sequence[str]:
    """The texts between the holes, and between them the names of the holes."""
    return HOLE.split(render_to_string(template, {"item": {name: f"\ue000{name}\ue001" for name in there}}))
