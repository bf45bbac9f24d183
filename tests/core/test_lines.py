"""What stands on one line stays on it."""

from __future__ import annotations

import pytest
from django import forms
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from skillmap.assessment.forms.cycles import CycleForm
from skillmap.core.lines import CONTROL, LineField
from skillmap.gaps.forms.demand import SurveyForm
from skillmap.people.forms.accounts import AccountForm, EmailForm
from skillmap.people.forms.organisations import RenameForm
from skillmap.people.forms.people import PlainForm


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\r\n\t\x00\x1b\u2028")), max_size=20))
def test_whatever_is_taken_is_one_line_and_can_be_shown(text: str) -> None:
    try:
        taken = LineField(required=False).clean(text)
    except ValidationError:
        assert CONTROL.search(text)
    else:
        assert len(taken.splitlines()) <= 1
        assert not CONTROL.search(taken)


@pytest.mark.parametrize("text", ["第一\n課", "第一\r\n課", "第一\t課", "第一\u2028課"])
def test_a_pasted_break_becomes_a_blank(text: str) -> None:
    assert LineField().clean(text) == "第一 課"


@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "a\x9bb", "a\ud800b"])
def test_what_cannot_be_shown_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"."):
        LineField().clean(text)


@pytest.mark.parametrize("form", [CycleForm, SurveyForm, RenameForm])
def test_names_are_lines(form: type[forms.Form]) -> None:
    assert isinstance(form.base_fields["name"], LineField)


@pytest.mark.parametrize("form", [AccountForm, EmailForm, PlainForm])
def test_an_address_is_a_line_too(form: type[forms.Form]) -> None:
    """Django's own check lets a form feed through between quotes; in the header of a mail it begins a new line."""
    field = form.base_fields["email"]
    assert field.clean("taro@tokyo.example") == "taro@tokyo.example"
    for breaking in "\x0b\x0c\x1c\x1d\x1e":
        with pytest.raises(ValidationError, match=r"."):
            field.clean(f'"x{breaking}Bcc:evil@evil.example"@tokyo.example')


@pytest.mark.parametrize("strange", ["\ue000", "\uf8ff", "\U000f0000", "\ufdd0", "\uffff"])
def test_what_only_one_machine_knows_how_to_draw_is_refused(strange: str) -> None:
    """As a table refuses it: else a list that came from here could not be brought in again."""
    with pytest.raises(ValidationError):
        LineField().clean(f"山{strange}田")
