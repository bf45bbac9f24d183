"""Many checks are confirmed from a preview while their people take them back and answer anew."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from functools import partial
from typing import Any

import pytest

from skillmap.assessment.models import Assessment, AssessmentEvent, ConfirmedLevel, SkillRating
from skillmap.assessment.selectors.preview import preview
from skillmap.assessment.services.confirming import confirm_chunk
from skillmap.assessment.services.ratings import save_rating
from skillmap.assessment.services.transitions import transition
from skillmap.core.errors import RuleViolation
from skillmap.people.models import User
from tests.factories.assessment import World, make_cycle
from tests.support.crowd import crowd
from tests.support.trials import Trial, short_and_long

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4  # checks of one confirmation
Seen = dict[int, tuple[int, dict[str, int | None]]]  # check: its version, and the levels that the preview showed


def seen_in_preview(checks: list[Assessment]) -> Seen:
    """What the secretariat has before it when it presses the button."""
    fresh = list(Assessment.objects.filter(pk__in=[check.pk for check in checks]).order_by("pk"))
    return {
        line.check.pk: (line.check.version, {item.code: item.level for item in line.items})
        for line in preview(fresh, None)
    }


def answer_anew(check: Assessment, code: str, stop: threading.Event) -> str:
    """Take the check back, change a level, submit it again, over and over, until it is confirmed."""
    user = User.objects.get(staff=check.staff_id)
    for turn in itertools.count():
        if stop.is_set():
            return "not confirmed"
        try:
            transition(assessment_id=check.pk, action="take_back", actor=user)
            version = SkillRating.objects.get(assessment=check, skill__code=code).version
            save_rating(
                assessment_id=check.pk, skill_code=code, version=version, answer={"level": turn % 4}, actor=user
            )
            transition(assessment_id=check.pk, action="submit", actor=user)
            time.sleep(0.005)  # SQLite lets in whoever comes first, and would never let the confirmation in
        except RuleViolation as refusal:
            return refusal.code
    raise AssertionError


def unseen(seen: Seen, confirmed: set[int]) -> list[str]:
    """Confirmed checks whose confirmed levels are not those that the preview showed."""
    found = []
    for pk in confirmed:
        levels = dict(SkillRating.objects.filter(assessment=pk).values_list("skill__code", "confirmed_level"))
        profile = dict(ConfirmedLevel.objects.filter(assessment=pk).values_list("skill_code", "level"))
        if not levels == profile == seen[pk][1]:
            found.append(f"{pk}: shown {seen[pk][1]}, confirmed {levels}, profile {profile}")
    return found


@short_and_long(3, 1000)
def test_nothing_is_confirmed_that_nobody_saw(trial: Trial, repeats: int) -> None:
    """Two of the secretariat confirm the same checks while two people change theirs; a deadlock would raise."""
    world: World = make_cycle(people=AT_ONCE * repeats, items=2, stages=("plain_submitted",), last_levels=False)
    checks, code = iter(world.checks), world.skills[0].code
    offices = [User.objects.get(pk=user.pk) for user in (world.secretariat, world.secretariat_colleague)]
    outcomes: Counter[str] = Counter()
    with crowd(4) as members:
        for _trial in range(repeats):
            chosen = list(itertools.islice(checks, AT_ONCE))
            seen, stop = seen_in_preview(chosen), threading.Event()
            wanted = [(pk, version) for pk, (version, _levels) in seen.items()]
            told: list[Any] = members.act(
                partial(confirm_chunk, wanted, actor=offices[0]),
                partial(confirm_and_stop, wanted, offices[1], stop),
                *[partial(answer_anew, check, code, stop) for check in (chosen[0], chosen[-1])],
            )
            confirmed = {pk for part in told[:2] for pk in part["confirmed"]}
            assert unseen(seen, confirmed) == []
            stored = set(Assessment.objects.filter(pk__in=seen, state="confirmed").values_list("pk", flat=True))
            assert stored == confirmed, "what is confirmed was told as confirmed"
            events = AssessmentEvent.objects.filter(assessment__in=seen, action="confirm")
            assert events.count() == len(confirmed)
            outcomes.update({"confirmed": len(confirmed), "changed": AT_ONCE - len(confirmed)})
            trial.count()
    trial.held(unseen=0, deadlocks=0, confirmed=outcomes["confirmed"], told_as_changed=outcomes["changed"])


def confirm_and_stop(wanted: list[tuple[int, int]], office: User, stop: threading.Event) -> dict[str, list[Any]]:
    """Confirm, and let the others stop."""
    try:
        return confirm_chunk(wanted, actor=office)
    finally:
        stop.set()
