"""Who may do what with an answer, in which state, on which day; what a sheet changes; all in plain values."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillmap.gaps import demand_rules as rules
from skillmap.gaps.choices import ResponseState, SurveyState
from skillmap.gaps.demand_diff import FIELDS, LIKENESS, Entry, compare

OPENS, CLOSES = date(2026, 4, 1), date(2026, 5, 31)
BEFORE, FIRST, DURING, LAST, AFTER = (
    OPENS - timedelta(days=1), OPENS, date(2026, 5, 1), CLOSES, CLOSES + timedelta(days=1),
)  # fmt: skip
WITHIN = (FIRST, DURING, LAST)
DAYS = (BEFORE, *WITHIN, AFTER)
STATES = tuple(ResponseState.values)
ACTORS = ((), (rules.COORDINATOR,), (rules.SECRETARIAT,), (rules.COORDINATOR, rules.SECRETARIAT))


def situation(state: str = "draft", today: date = DURING, **more: object) -> rules.Situation:
    """A running survey, an answer with a line and no question."""
    values = {"survey_open": True, "opens_on": OPENS, "closes_on": CLOSES, "items": 1, **more}
    return rules.Situation(state=state, today=today, **values)  # type: ignore[arg-type]


# ----------------------------------------------------------------------------------------------------------- steps

# action -> the states from which it is open, by whom, on which days, written out once more by hand.
OPEN: dict[str, tuple[dict[str, tuple[date, ...]], str, tuple[int, ...]]] = {
    "submit": ({"draft": WITHIN, "questioned": (*WITHIN, AFTER)}, rules.COORDINATOR, (1, 5)),
    "nothing": ({"not_started": WITHIN, "draft": WITHIN, "questioned": (*WITHIN, AFTER)}, rules.COORDINATOR, (0,)),
    "reopen": ({"submitted": WITHIN, "none": WITHIN}, rules.COORDINATOR, (0, 1, 5)),
    "ask": ({"submitted": DAYS, "none": DAYS}, rules.SECRETARIAT, (0, 1, 5)),
}


def test_every_step_in_every_state_on_every_day_by_everyone() -> None:
    seen = 0
    for action, state, today, actors, is_open, items, questions in product(
        rules.STEPS, STATES, DAYS, ACTORS, (True, False), (0, 1, 5), (0, 1)
    ):
        now = situation(state, today, survey_open=is_open, items=items, open_questions=questions)
        days, actor, amounts = OPEN[action]
        wanted = (
            is_open
            and today in days.get(state, ())
            and actor in actors
            and items in amounts
            and not (questions and action in ("submit", "nothing"))
        )
        refused = rules.refusal(action, now, actors)
        assert (refused is None) == wanted, (action, now, actors, refused)
        assert (action in rules.open_actions(now, actors)) == wanted
        seen += wanted
    assert seen > 100


@pytest.mark.parametrize(
    ("action", "now", "actors", "code"),
    [
        ("destroy", situation(), (rules.COORDINATOR,), "unknown_action"),
        ("submit", situation(), (rules.SECRETARIAT,), "wrong_person"),
        ("ask", situation("submitted"), (rules.COORDINATOR,), "wrong_person"),
        ("submit", situation("submitted"), (rules.COORDINATOR,), "wrong_state"),
        ("ask", situation("draft"), (rules.SECRETARIAT,), "wrong_state"),
        ("submit", situation(survey_open=False), (rules.COORDINATOR,), "survey_closed"),
        ("submit", situation(today=BEFORE), (rules.COORDINATOR,), "not_yet"),
        ("submit", situation(today=AFTER), (rules.COORDINATOR,), "over"),
        ("reopen", situation("submitted", AFTER), (rules.COORDINATOR,), "over"),
        ("submit", situation(items=0), (rules.COORDINATOR,), "no_lines"),
        ("nothing", situation(items=2), (rules.COORDINATOR,), "has_lines"),
        ("submit", situation("questioned", open_questions=1), (rules.COORDINATOR,), "unanswered_question"),
        ("nothing", situation("questioned", items=0, open_questions=1), (rules.COORDINATOR,), "unanswered_question"),
    ],
)
def test_the_reason_of_a_refusal(action: str, now: rules.Situation, actors: tuple[str, ...], code: str) -> None:
    assert rules.refusal(action, now, actors) == code


def test_lines_can_be_entered_in_writable_states_within_the_window() -> None:
    for state, today, is_open in product(STATES, DAYS, (True, False)):
        refused = rules.entry_refusal(situation(state, today, survey_open=is_open))
        days = {"not_started": WITHIN, "draft": WITHIN, "questioned": (*WITHIN, AFTER)}.get(state, ())
        assert (refused is None) == (is_open and today in days), (state, today, refused)


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (situation(survey_open=False), "survey_closed"),
        (situation(today=BEFORE), "not_yet"),
        (situation(today=AFTER), "over"),
        (situation("submitted"), "already_submitted"),
        (situation("none"), "already_submitted"),
        (situation("submitted", AFTER), "over"),
    ],
)
def test_why_lines_cannot_be_entered(now: rules.Situation, code: str) -> None:
    assert rules.entry_refusal(now) == code


def test_states_of_the_rules_are_those_of_the_tables() -> None:
    named = {state for step in rules.STEPS.values() for state in (*step.sources, step.target)}
    assert named <= set(STATES)
    assert set(STATES) == rules.WRITABLE | rules.ANSWERED and not rules.WRITABLE & rules.ANSWERED
    assert {state for pair in rules.SURVEY_STEPS.values() for state in pair} == set(SurveyState.values)


def test_a_dialogue_ends_with_the_survey_only() -> None:
    assert rules.reply_refusal(situation("questioned", AFTER)) is None
    assert rules.reply_refusal(situation("questioned", survey_open=False)) == "survey_closed"


# ------------------------------------------------------------------------------------------------- days and amounts


@pytest.mark.parametrize(
    ("is_open", "until", "code"),
    [
        (True, date(2026, 6, 1), None),
        (True, rules.LAST_DAY, None),
        (False, date(2026, 6, 10), "survey_closed"),
        (True, date(2026, 4, 30), "day_passed"),
        (True, DURING, "not_later"),
        (True, CLOSES, "not_later"),
        (True, rules.LAST_DAY + timedelta(days=1), "too_far"),
    ],
)
def test_more_time(is_open: bool, until: date, code: str | None) -> None:
    assert rules.extension_refusal(survey_open=is_open, closes_on=CLOSES, until=until, today=DURING) == code


@pytest.mark.parametrize(
    ("level", "headcount", "start", "end", "code"),
    [
        (1, 1, None, None, None),
        (3, 999, OPENS, OPENS, None),
        (2, 5, rules.FIRST_DAY, rules.LAST_DAY, None),
        (0, 1, None, None, "bad_level"),
        (4, 1, None, None, "bad_level"),
        (2, 0, None, None, "bad_headcount"),
        (2, 1000, None, None, "bad_headcount"),
        (2, 1, CLOSES, OPENS, "bad_period"),
        (2, 1, date(1999, 4, 1), None, "bad_period"),
        (2, 1, None, date(2100, 4, 1), "bad_period"),
    ],
)
def test_what_a_line_may_say(
    level: int, headcount: int, start: date | None, end: date | None, code: str | None
) -> None:
    found = rules.line_refusal(level=level, headcount=headcount, needed_from=start, needed_until=end)
    assert found == code


@pytest.mark.parametrize(
    ("days_left", "wanted"),
    [
        (30, None), (8, None), (7, rules.Reminder("week")), (2, rules.Reminder("week")), (1, rules.Reminder("day")),
        (0, rules.Reminder("day")), (-1, rules.Reminder("over", 0)), (-7, rules.Reminder("over", 0)),
        (-8, rules.Reminder("over", 1)), (-15, rules.Reminder("over", 2)),
    ],
)  # fmt: skip
def test_reminders_by_day(days_left: int, wanted: rules.Reminder | None) -> None:
    today = CLOSES - timedelta(days=days_left)
    assert rules.reminder(situation(today=today)) == wanted
    assert rules.reminder(situation("not_started", today)) == wanted
    assert rules.reminder(situation("submitted", today)) is None
    assert rules.reminder(situation("none", today)) is None
    assert rules.reminder(situation(today=today, survey_open=False)) is None


def test_nobody_is_reminded_on_the_first_day_or_before() -> None:
    short = CLOSES - timedelta(days=3)
    assert rules.reminder(situation(today=short, opens_on=short)) is None
    assert rules.reminder(situation(today=short, opens_on=short + timedelta(days=1))) is None
    assert rules.reminder(situation(today=short, opens_on=short - timedelta(days=1))) == rules.Reminder("week")


# ------------------------------------------------------------------------------------------------ what a sheet changes

BASE = Entry("予約サービス", "planning", "cloud", 2, 3)


def test_equal_lines_stay_whatever_their_order() -> None:
    other = replace(BASE, skill="ux")
    assert compare([BASE, other], [other, BASE]) == type(compare([], []))((1, 0), ())


@pytest.mark.parametrize(
    "change",
    [
        {"headcount": 4}, {"note": "x"}, {"phase": "operation"}, {"level": 3}, {"level": 1, "phase": "budget"},
        {"needed_from": OPENS}, {"filled_vendor": 2},
    ],
)  # fmt: skip
def test_a_line_that_differs_in_little_is_the_same_line_changed(change: dict[str, object]) -> None:
    changed = replace(BASE, **change)  # type: ignore[arg-type]
    found = compare([replace(BASE, skill="ux"), BASE], [changed])
    assert (found.before, found.removed) == ((1,), (0,))
    assert set(BASE.changes_to(changed)) == set(change)


@pytest.mark.parametrize("change", [{"skill": "ux"}, {"business": "別の業務"}])
def test_another_business_or_item_is_another_line(change: dict[str, str]) -> None:
    found = compare([BASE], [replace(BASE, **change)])  # type: ignore[arg-type]
    assert (found.before, found.removed) == ((None,), (0,))


def test_the_likest_line_is_taken_first() -> None:
    more, level3 = replace(BASE, headcount=9), replace(BASE, level=3)
    found = compare([BASE, level3], [more, replace(level3, headcount=1)])
    assert found.before == (0, 1)


entries = st.lists(
    st.builds(
        Entry,
        business=st.sampled_from(["甲", "乙"]),
        phase=st.sampled_from(["planning", "budget"]),
        skill=st.sampled_from(["a", "b"]),
        level=st.integers(1, 3),
        headcount=st.integers(1, 2),
    ),
    max_size=12,
)


@given(entries, entries)
def test_every_line_is_used_once_and_nothing_alike_is_left_over(present: list[Entry], wanted: list[Entry]) -> None:
    found = compare(present, wanted)
    used = [index for index in found.before if index is not None]
    assert sorted([*used, *found.removed]) == list(range(len(present)))
    assert len(found.before) == len(wanted)
    same = sum(present[index] == wanted[n] for n, index in enumerate(found.before) if index is not None)
    assert same == sum((Counter(present) & Counter(wanted)).values())
    loosest = LIKENESS[-1]
    fresh = {loosest(wanted[n]) for n, index in enumerate(found.before) if index is None}
    assert not fresh & {loosest(present[index]) for index in found.removed}
    for n, index in enumerate(found.before):
        if index is not None:
            assert loosest(present[index]) == loosest(wanted[n])


def test_a_line_says_what_is_stored_of_it() -> None:
    assert set(FIELDS) == {
        "business", "phase", "skill", "level", "headcount", "needed_from", "needed_until", "filled_staff",
        "filled_govtech", "filled_vendor", "note",
    }  # fmt: skip
