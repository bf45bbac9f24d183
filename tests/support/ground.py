"""The type of the fixture `ground`: `with ground(): ...` stores what all tests of a module start from."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

Ground = Callable[[], AbstractContextManager[None]]
