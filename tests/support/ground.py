"""What all tests of a module start from, stored once a module: see the fixture `ground`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import deepcopy
from typing import Any

import pytest

Ground = Callable[[], AbstractContextManager[None]]


def on_ground(build: Callable[[], Any]) -> tuple[Any, Any]:
    """Two fixtures of a module: `laid, world = on_ground(make_cycle)`.

    What `build` makes is stored once, before the first test of the module; each test gets a copy of the objects as
    `world`.
    """

    @pytest.fixture(scope="module", autouse=True)
    def laid(ground: Ground) -> Any:
        with ground():
            return build()

    @pytest.fixture
    def world(laid: Any, db: None) -> Any:
        return deepcopy(laid)

    return laid, world
