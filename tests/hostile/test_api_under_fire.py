"""Every operation of the API, called in every way that its document allows and in many that it does not.

No fault (5xx), no answer beside the document, no value left out in silence, nothing without a valid sign-in: for every
role, for tokens, and for whoever has none.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.access_world import AccessWorld
from tests.hostile.asking import Asker
from tests.hostile.fire import CALLERS, OUTSIDE, Attack
from tests.support.ground import on_ground

Note = Callable[[str, object], None]
laid, world = on_ground(AccessWorld)


@pytest.mark.postgres
@pytest.mark.parametrize(("caller", "examples"), [("secretariat", 4), ("revoked token", 1)])
def test_a_few_calls_of_each_operation_get_what_the_document_says(
    laid: AccessWorld, db: None, caller: str, examples: int
) -> None:
    attack = Attack(laid, caller, examples=examples, edges=False)
    attack.every_operation()
    assert not attack.problems, "\n".join(attack.problems)
    assert attack.application.statuses[200] > 5 or caller in OUTSIDE


@pytest.mark.trials
@pytest.mark.parametrize("caller", CALLERS)
def test_no_caller_gets_anything_that_the_document_does_not_say(
    laid: AccessWorld, db: None, caller: str, record_property: Note
) -> None:
    attack = Attack(laid, caller, examples=25)
    attack.every_operation()
    record_property("calls", dict(sorted(attack.application.statuses.items())))
    assert not attack.problems, "\n".join(attack.problems)
    assert attack.application.statuses[200] or caller in OUTSIDE


@pytest.mark.trials
@pytest.mark.parametrize("caller", CALLERS)
def test_no_sequence_of_calls_does_either(laid: AccessWorld, db: None, caller: str, record_property: Note) -> None:
    attack = Attack(laid, caller, examples=40)
    attack.scenarios()
    record_property("calls", dict(sorted(attack.application.statuses.items())))
    assert not attack.problems, "\n".join(attack.problems)


@pytest.mark.parametrize(
    "address",
    [
        *(f"cycles/?page_size={size}" for size in ("0", "-1", "1.5", "many", "", "%EF%BC%95", "0" * 400)),
        "cycles/?fiscal_year=0.5",
        "cycles/?fiscal_year=",
        "assessments/?state=",
        "skills/?number=1.5",
        "demand-items/?survey=0.5",
        "organisations/?kind=",
        "organisations/?on=",
        "organisations/?on=20260401",
        "organisations/?on=2026-4-1",
        "organisations/?on=2026-W14-3",
        "organisations/?on=2026-04-31",
        "profiles/?as_of=20260401",
        "reports/supply/?format=",
    ],
)
def test_what_cannot_be_meant_is_refused_and_not_left_out(laid: AccessWorld, db: None, address: str) -> None:
    assert Asker(laid).ask("secretariat", "GET", f"/api/v1/{address}").status_code == 400
