"""The quick select writes what Django's own does."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django import forms
from django.utils import translation

from skillmap.core.widgets import LongSelect

CHOICES = [("", "All"), (1, "総務局"), (2, '\u3000<b>課</b> & "co"'), ("x'\"", "odd")]


def _tags(html: str) -> list[Any]:
    found: list[Any] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, sorted(attrs, key=str)))

        def handle_data(self, data: str) -> None:
            if data.strip(" \n"):
                found.append(re.sub(r"[ \n]+$", "", data.lstrip("\n ")))

    Parser().feed(html)
    return found


@pytest.mark.parametrize("value", [None, "", 1, "1", 2, "x'\"", "unknown", "<script>"])
@pytest.mark.parametrize("attrs", [{}, {"id": "id_place", "disabled": True, "aria-describedby": 'a"b'}])
def test_it_says_what_djangos_select_says(value: object, attrs: dict[str, Any]) -> None:
    ours = LongSelect(choices=CHOICES).render("place", value, attrs)
    assert _tags(ours) == _tags(forms.Select(choices=CHOICES).render("place", value, attrs))


def test_in_a_form_it_keeps_what_was_chosen_and_required() -> None:
    class Form(forms.Form):
        place = forms.ChoiceField(choices=CHOICES[1:], widget=LongSelect)

    class Plain(forms.Form):
        place = forms.ChoiceField(choices=CHOICES[1:])

    assert _tags(str(Form({"place": "2"})["place"])) == _tags(str(Plain({"place": "2"})["place"]))
    assert _tags(str(Form({"place": "9"})["place"])) == _tags(str(Plain({"place": "9"})["place"]))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ja", "3文字までです(今は5文字)。短くしてください。"),
        ("en", "At most 3 characters; this has 5. Please shorten it."),
    ],
)
def test_what_is_too_long_is_said_in_our_words(language: str, words: str) -> None:
    class Form(forms.Form):
        name = forms.CharField(max_length=3)

    with translation.override(language):
        assert Form({"name": "12345"}).errors["name"] == [words]
