"""Answers of the API as JSON: the quick writer says what the plain one says, whatever it is given."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ErrorDetail
from rest_framework.renderers import JSONRenderer

from skillmap.core.api import QuickJSONRenderer
from skillmap.core.clock import TOKYO


class Word(StrEnum):
    """As the choices of a field."""

    ONE = "one"


PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text()
KEYS = st.text() | st.integers(-(2**53), 2**53) | st.booleans() | st.none()
OTHERS = st.sampled_from(
    [
        *(datetime(2026, 4, 1, 9, 30, 0, 5, UTC), datetime(2026, 4, 1, tzinfo=TOKYO), date(2026, 4, 1), time(9, 30)),
        *(timedelta(hours=1), Decimal("1.50"), UUID(int=7), Word.ONE, (1, "b"), b"bytes"),
        *(lazystr("あ"), mark_safe("<b>"), ErrorDetail("wrong", code="wrong")),
        *("\u2028and\u2029", '"\\/', "\x00\x7f", "😀"),
    ]
)
VALUES = st.recursive(PLAIN | OTHERS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)


@given(VALUES)
def test_both_write_the_same_bytes(value: object) -> None:
    assert QuickJSONRenderer().render(value) == JSONRenderer().render(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_the_same(number: float) -> None:
    assert json.loads(QuickJSONRenderer().render([number])) == [number]


def test_lines_are_indented_for_those_who_ask() -> None:
    answer = QuickJSONRenderer().render({"a": [1]}, "application/json; indent=2", {})
    assert answer == b'{\n  "a": [\n    1\n  ]\n}'


@pytest.mark.parametrize("value", [object(), {"a": object()}, "\ud800"])
def test_what_is_no_json_is_an_error_of_ours(value: object) -> None:
    with pytest.raises((TypeError, UnicodeEncodeError)):
        QuickJSONRenderer().render(value)
