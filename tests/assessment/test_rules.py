"""The check's rules: every step from every state, in every capacity; fit, spans, what to talk about."""

from datetime import date, timedelta
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillmap.assessment import level_rules, mentor_rules, rules
from skillmap.assessment.choices import Action, State
from skillmap.assessment.messages import REFUSALS
from skillmap.people.choices import Employer

TODAY = date(2026, 6, 15)
OPEN = rules.Window(TODAY - timedelta(days=5), TODAY + timedelta(days=5))
WINDOWS = dict.fromkeys(("self_check", "first_one_on_one", "correction", "confirmation", "second_one_on_one"), OPEN)
ACTORS = (rules.SELF, rules.MENTOR, rules.DEPUTY, rules.SECRETARIAT)

# The table of product.md: action, state it starts from -> who may. Everything else is refused.
ALLOWED = {
    ("submit", "draft"): {"self"},
    ("take_back", "submitted"): {"self"},
    ("review", "submitted"): {"mentor", "deputy"},
    ("correct", "reviewed"): {"self"},
    ("return", "submitted"): {"mentor", "deputy", "secretariat"},
    ("return", "reviewed"): {"mentor", "deputy", "secretariat"},
    ("return", "corrected"): {"mentor", "deputy", "secretariat"},
    ("confirm", "corrected"): {"secretariat"},
    ("receive", "confirmed"): {"self"},
    ("reopen", "confirmed"): {"secretariat"},
    ("reopen", "received"): {"secretariat"},
    ("withdraw", "draft"): {"secretariat"},
    ("withdraw", "submitted"): {"secretariat"},
    ("withdraw", "reviewed"): {"secretariat"},
    ("withdraw", "corrected"): {"secretariat"},
}
TARGETS = {
    ("submit", "draft"): "submitted", ("take_back", "submitted"): "draft", ("review", "submitted"): "reviewed",
    ("correct", "reviewed"): "corrected", ("return", "submitted"): "draft", ("return", "reviewed"): "draft",
    ("return", "corrected"): "reviewed", ("confirm", "corrected"): "confirmed", ("receive", "confirmed"): "received",
    ("reopen", "confirmed"): "reviewed", ("reopen", "received"): "reviewed",
}  # fmt: skip


def situation(state: str, **more: object) -> rules.Situation:
    """A situation in which every condition of every step holds, but for what a test changes."""
    met = more.pop("met", False)
    values: dict[str, object] = {
        "state": state,
        "today": TODAY,
        "cycle_open": True,
        "windows": WINDOWS,
        "items": 22,
        "answered": 22,
        "first_held": state != "submitted" or met,
        "second_held": True,
    }
    return rules.Situation(**(values | more))  # type: ignore[arg-type]


def test_the_steps_are_the_actions_and_states_of_the_choices() -> None:
    assert set(rules.STEPS) == set(Action.values)
    reachable = {state for step in rules.STEPS.values() for state in (*step.targets, *step.targets.values())}
    assert reachable == set(State.values)


@pytest.mark.parametrize(("action", "state", "actor"), list(product(Action.values, State.values, ACTORS)))
def test_each_step_by_state_and_capacity(action: str, state: str, actor: str) -> None:
    held = action == "review"
    found = rules.refusal(action, situation(state, met=held), {actor}, comment="because")
    if actor in ALLOWED.get((action, state), set()):
        assert found is None
        assert rules.target_of(action, state) == TARGETS.get((action, state), "withdrawn")
    elif actor not in rules.STEPS[action].actors:
        assert found == "wrong_person"
    else:
        assert found == "wrong_state"


@pytest.mark.parametrize(("action", "state"), sorted(ALLOWED))
def test_a_closed_cycle_refuses_every_step(action: str, state: str) -> None:
    actor = next(iter(ALLOWED[action, state]))
    closed = situation(state, cycle_open=False, met=action == "review")
    assert rules.refusal(action, closed, {actor}, comment="x") == "cycle_not_open"


@pytest.mark.parametrize(
    ("action", "state", "actor", "step"),
    [
        ("submit", "draft", "self", "self_check"),
        ("take_back", "submitted", "self", "self_check"),
        ("review", "submitted", "mentor", "first_one_on_one"),
        ("correct", "reviewed", "self", "correction"),
        ("confirm", "corrected", "secretariat", "confirmation"),
    ],
)
def test_windows_open_and_close_with_their_days(action: str, state: str, actor: str, step: str) -> None:
    def on(day: date) -> str | None:
        return rules.refusal(action, situation(state, today=day, met=action == "review"), {actor})

    assert on(OPEN.opens_on - timedelta(days=1)) == "window_not_yet"
    assert on(OPEN.opens_on) is None
    assert on(OPEN.closes_on) is None
    assert on(OPEN.closes_on + timedelta(days=1)) == "window_over"


@pytest.mark.parametrize(("action", "state"), [("submit", "draft"), ("correct", "reviewed")])
def test_nothing_is_submitted_half_answered(action: str, state: str) -> None:
    assert rules.refusal(action, situation(state, answered=21), {"self"}) == "not_all_answered"


def test_take_back_ends_with_the_first_meeting_and_review_needs_it() -> None:
    before = situation("submitted")
    after = situation("submitted", met=True)
    assert rules.refusal("take_back", before, {"self"}) is None
    assert rules.refusal("take_back", after, {"self"}) == "first_meeting_held"
    assert rules.refusal("review", before, {"mentor"}) == "first_meeting_missing"


@pytest.mark.parametrize(
    ("second_before", "action", "state"), [(True, "confirm", "corrected"), (False, "receive", "confirmed")]
)
def test_the_second_meeting_stands_where_the_cycle_says(second_before: bool, action: str, state: str) -> None:
    actor = {"confirm": "secretariat", "receive": "self"}[action]
    missing = situation(state, second_before=second_before, second_held=False)
    assert rules.refusal(action, missing, {actor}) == "second_meeting_missing"
    elsewhere = situation(state, second_before=not second_before, second_held=False)
    assert rules.refusal(action, elsewhere, {actor}) is None


def test_groups_without_meetings_go_straight_to_confirmation() -> None:
    plain = situation("submitted", with_one_on_one=False, second_held=False)
    assert rules.refusal("confirm", plain, {"secretariat"}) is None
    assert rules.refusal("confirm", situation("submitted"), {"secretariat"}) == "wrong_state"
    assert rules.refusal("review", situation("submitted", with_one_on_one=False, met=True), {"mentor"}) == "wrong_state"
    received = situation("confirmed", with_one_on_one=False, second_held=False)
    assert rules.refusal("receive", received, {"self"}) is None


@pytest.mark.parametrize("action", ["return", "reopen", "withdraw"])
def test_these_steps_need_a_reason(action: str) -> None:
    state = {"return": "submitted", "reopen": "confirmed", "withdraw": "draft"}[action]
    assert rules.refusal(action, situation(state), {"secretariat"}, comment=" \n") == "comment_required"
    assert rules.refusal(action, situation(state), {"secretariat"}, comment="休職") is None


def test_open_actions_are_the_ones_not_refused() -> None:
    assert rules.open_actions(situation("submitted"), {"self"}) == ("take_back",)
    assert rules.open_actions(situation("submitted", met=True), {"mentor"}) == ("review", "return")
    assert rules.open_actions(situation("corrected"), {"secretariat"}) == ("return", "confirm", "withdraw")
    assert rules.open_actions(situation("withdrawn"), ACTORS) == ()


def test_every_refusal_has_its_sentence() -> None:
    codes = {
        "unknown_action", "wrong_state", "wrong_person", "cycle_not_open", "window_not_yet", "window_over",
        "not_all_answered", "first_meeting_held", "first_meeting_missing", "second_meeting_missing", "comment_required",
    }  # fmt: skip
    assert codes <= set(REFUSALS)
    assert rules.refusal("fly", situation("draft"), ACTORS) == "unknown_action"


def test_entry_follows_state_and_window() -> None:
    assert rules.entry_refusal(situation("draft")) is None
    assert rules.entry_refusal(situation("reviewed")) is None
    assert rules.entry_refusal(situation("submitted")) == "wrong_state"
    assert rules.entry_refusal(situation("draft", today=OPEN.closes_on + timedelta(days=1))) == "window_over"
    assert rules.entry_refusal(situation("draft", cycle_open=False)) == "cycle_not_open"


def test_fit_counts_to_the_required_level_only() -> None:
    found = level_rules.fit({"a": 3, "b": 0, "c": None}, {"a": 1, "b": 2, "c": 1, "d": 0})
    assert found == level_rules.Fit(Fraction(1, 4), 1, 3)
    assert found.percent == 25
    assert level_rules.fit({"a": 3}, {"a": 0}) == level_rules.Fit(None, 0, 0)


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3)),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3)),
)
def test_fit_is_whole_exactly_when_every_required_level_is_held(held: dict[str, int], required: dict[str, int]) -> None:
    found = level_rules.fit(held, required)
    whole = all(held.get(code, 0) >= level for code, level in required.items())
    if found.ratio is not None:
        assert (found.ratio == 1) == whole == (found.met == found.required) == (found.percent == 100)
        assert 0 <= found.ratio <= 1


def test_a_meeting_talks_about_what_differs_or_lacks() -> None:
    items = [
        level_rules.Item("same", 1, 1, 1),
        level_rules.Item("changed", 2, 1, 1),
        level_rules.Item("lacking", 1, 1, 2),
        level_rules.Item("new", 0, None, 0),
    ]
    assert level_rules.worth_talking_about(items) == ("changed", "lacking", "new")


def test_category_means_leave_out_what_is_not_answered() -> None:
    means = level_rules.category_means({"a": 1, "b": 2, "c": None}, {"x": ["a", "b"], "y": ["c"], "z": ["a", "c"]})
    assert means == {"x": Fraction(3, 2), "y": None, "z": Fraction(1)}


DAYS = st.integers(0, 40).map(lambda n: date(2024, 4, 1) + timedelta(days=n * 9))


@given(st.lists(st.tuples(DAYS, st.integers(0, 3)), max_size=7))
def test_recorded_levels_never_overlap_and_the_newest_word_holds(entries: list[tuple[date, int]]) -> None:
    """Whatever the order of recording: on each day the level holds that was recorded last for the span it lies in."""
    known: list[level_rules.Span] = []
    number = 0
    expected: dict[date, int] = {}
    for day, level in entries:
        change = level_rules.record_level(known, level, day)
        later = [span.valid_from for span in known if span.valid_from > day]
        for on in (date(2024, 4, 1) + timedelta(days=n * 3) for n in range(140)):
            if on >= day and (not later or on < min(later)):
                expected[on] = level
        known = [span for span in known if span.key not in change.superseded]
        for span in change.added:
            number += 1
            known.append(level_rules.Span(span.level, span.valid_from, span.valid_to, key=number))
    for on in (date(2024, 4, 1) + timedelta(days=n * 3) for n in range(140)):
        holding = [s.level for s in known if s.valid_from <= on and (s.valid_to is None or on < s.valid_to)]
        assert holding == ([expected[on]] if on in expected else [])


@pytest.mark.parametrize(
    ("occupation", "grade", "may"),
    [("ict", 2, False), ("ict", 3, True), ("ict", 5, True), ("expert", 1, True), ("clerical", 5, False)],
)
@pytest.mark.parametrize("employer", Employer.values)
def test_who_may_mentor(occupation: str, grade: int, employer: str, may: bool) -> None:
    own = employer in (Employer.GOVERNMENT, Employer.GOVTECH)
    assert mentor_rules.may_mentor(occupation=occupation, grade=grade, employer=employer) is (may and own)
