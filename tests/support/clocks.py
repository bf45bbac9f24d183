"""A clock that is wrong: that of one worker among others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone


@contextmanager
def wrong_clock(minutes: float) -> Iterator[None]:
    """This process's clock is so far ahead, or behind; the database's is right."""
    real = timezone.now
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: real() + timedelta(minutes=minutes))
        yield
