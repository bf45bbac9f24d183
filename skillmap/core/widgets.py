"""Widgets for what Django's own do too slowly."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class LongSelect(forms.Select):
    """One of very many, such as every organisation: written at once, not by a template for each option.

    The choices are plain pairs, without groups.
    """

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The same HTML as Django's, but for blanks."""
        chosen = set(self.format_value(value))
        given = self.build_attrs(self.attrs, attrs) | {"name": name}
        return format_html("<select{}>{}</select>", flatatt(given), _options(self.choices, chosen))


def _options(choices: Iterable[Any], chosen: set[str]) -> SafeString:
    pairs = (("" if key is None else str(key), label) for key, label in choices)
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((key, " selected" if key in chosen else "", label) for key, label in pairs),
    )
