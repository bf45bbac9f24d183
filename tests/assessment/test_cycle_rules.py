"""The cycle and its mentors as plain values."""

import random
from datetime import date, timedelta

import pytest

from skillmap.assessment import cycle_rules, mail_texts
from skillmap.assessment.choices import CycleStep
from skillmap.assessment.cycle_rules import ClosingFigures, Due
from skillmap.assessment.mentor_rules import Mentee, Mentor, default_capacity, pair_cost, propose
from skillmap.assessment.rules import Situation, Window
from skillmap.assessment.selectors.steps import StepLine, step_lines

# -------------------------------------------------------------------------------------------------------- calendar


def test_the_default_calendar_runs_from_june_to_october() -> None:
    windows = cycle_rules.default_windows(2026)

    assert windows["self_check"] == Window(date(2026, 6, 1), date(2026, 6, 30))
    assert windows["first_one_on_one"].closes_on == date(2026, 7, 31)
    assert windows["confirmation"].opens_on == date(2026, 9, 1)
    assert windows["second_one_on_one"].opens_on == date(2026, 10, 1)
    assert not cycle_rules.window_problems(windows, fiscal_year=2026, second_before=False)


def test_the_second_meeting_comes_before_confirmation_where_the_cycle_says_so() -> None:
    windows = cycle_rules.default_windows(2026, second_before=True)

    assert windows["second_one_on_one"].opens_on == date(2026, 9, 1)
    assert windows["confirmation"].opens_on == date(2026, 10, 1)
    assert not cycle_rules.window_problems(windows, fiscal_year=2026, second_before=True)
    assert cycle_rules.window_problems(windows, fiscal_year=2026, second_before=False)


@pytest.mark.parametrize(
    ("step", "opens_on", "closes_on", "code"),
    [
        ("self_check", date(2026, 6, 30), date(2026, 6, 1), "ends_before_start"),
        ("self_check", date(2026, 3, 31), date(2026, 6, 30), "outside"),
        ("second_one_on_one", date(2026, 10, 1), date(2027, 7, 1), "outside"),
        ("second_one_on_one", date(2027, 4, 1), date(2027, 5, 1), "outside"),
        ("correction", date(2026, 6, 15), date(2026, 8, 31), "opens_too_early"),
        ("correction", date(2026, 8, 1), date(2026, 7, 30), "ends_before_start"),
        ("correction", date(2026, 7, 2), date(2026, 7, 30), "closes_too_early"),
    ],
)
def test_dates_out_of_order_are_named(step: str, opens_on: date, closes_on: date, code: str) -> None:
    windows = cycle_rules.default_windows(2026) | {step: Window(opens_on, closes_on)}
    problems = {p.step: p.code for p in cycle_rules.window_problems(windows, fiscal_year=2026, second_before=False)}

    assert problems[step] == code


def test_a_missing_window_is_named() -> None:
    windows = cycle_rules.default_windows(2026)
    del windows["correction"]

    problems = cycle_rules.window_problems(windows, fiscal_year=2026, second_before=False)

    assert [(problem.step, problem.code) for problem in problems] == [("correction", "missing")]


def test_copied_dates_keep_the_last_day_of_the_month() -> None:
    moved = cycle_rules.moved_windows({"self_check": Window(date(2027, 2, 1), date(2027, 2, 28))}, 1)

    assert moved["self_check"] == Window(date(2028, 2, 1), date(2028, 2, 29))


# ------------------------------------------------------------------------------------------------------ whose turn


@pytest.mark.parametrize(
    ("state", "meets", "before", "held", "expected"),
    [
        ("draft", True, False, False, Due("self_check", "self")),
        ("submitted", True, False, False, Due("first_one_on_one", "mentor")),
        ("submitted", False, False, False, Due("confirmation", "secretariat")),
        ("reviewed", True, False, False, Due("correction", "self")),
        ("corrected", True, False, False, Due("confirmation", "secretariat")),
        ("corrected", True, True, False, Due("second_one_on_one", "mentor")),
        ("corrected", True, True, True, Due("confirmation", "secretariat")),
        ("confirmed", True, False, False, Due("second_one_on_one", "mentor")),
        ("confirmed", True, False, True, Due("second_one_on_one", "self")),
        ("confirmed", True, True, True, Due("confirmation", "self")),
        ("confirmed", False, False, False, Due("second_one_on_one", "self")),
        ("confirmed", False, True, False, Due("confirmation", "self")),
        ("received", True, False, True, None),
        ("withdrawn", True, False, False, None),
    ],
)
def test_whose_turn_it_is(state: str, meets: bool, before: bool, held: bool, expected: Due | None) -> None:
    assert cycle_rules.due(state, with_one_on_one=meets, second_before=before, second_held=held) == expected


@pytest.mark.parametrize("second_before", [False, True])
def test_whoever_is_confirmed_within_the_window_is_not_late_at_once(second_before: bool) -> None:
    windows = cycle_rules.default_windows(2026, second_before=second_before)

    due = cycle_rules.due("confirmed", with_one_on_one=True, second_before=second_before, second_held=True)

    assert due is not None
    assert windows[due.step].closes_on >= windows["confirmation"].closes_on


def drawn(state: str, *, meets: bool = True, before: bool = False, held: bool = False) -> list[StepLine]:
    """The steps as a page draws them."""
    return step_lines(
        Situation(
            state=state,
            today=date(2026, 9, 1),
            cycle_open=True,
            windows=cycle_rules.default_windows(2026, second_before=before),
            with_one_on_one=meets,
            second_before=before,
            second_held=held,
        )
    )


@pytest.mark.parametrize("before", [False, True])
def test_steps_are_drawn_in_the_order_of_the_cycle(before: bool) -> None:
    order = [CycleStep(step) for step in cycle_rules.steps_in_order(second_before=before)]

    assert [line.name for line in drawn("corrected", before=before)] == [str(step.label) for step in order]


@pytest.mark.parametrize(
    ("state", "meets", "before", "held", "expected"),
    [
        ("draft", True, False, False, "current todo todo todo todo"),
        ("corrected", True, False, False, "done done done current todo"),
        ("confirmed", True, False, False, "done done done done current"),
        ("corrected", True, True, False, "done done done current todo"),
        ("corrected", True, True, True, "done done done done current"),
        ("confirmed", True, True, True, "done done done done done"),
        ("received", True, False, True, "done done done done done"),
        ("submitted", False, False, False, "done current"),
        ("reviewed", False, False, False, "done current"),  # reopened
        ("confirmed", False, False, False, "done done"),
        ("confirmed", False, True, False, "done done"),
        ("withdrawn", True, False, False, "todo todo todo todo todo"),
    ],
)
def test_what_is_drawn_as_done(state: str, meets: bool, before: bool, held: bool, expected: str) -> None:
    assert " ".join(line.state for line in drawn(state, meets=meets, before=before, held=held)) == expected


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (-1, None),
        (0, "opens"),
        (2, "opens"),
        (3, None),
        (21, None),
        (22, "soon week-2026-06-30"),
        (27, "soon week-2026-06-30"),
        (28, "soon day-2026-06-30"),
        (29, "soon day-2026-06-30"),
        (30, "overdue over-2026-06-30-0"),
        (36, "overdue over-2026-06-30-0"),
        (37, "overdue over-2026-06-30-1"),
    ],
)
def test_the_days_of_reminders(offset: int, expected: str | None) -> None:
    """Whatever day a stage was not told on is made up for on the next: each lasts until the one after it."""
    window = Window(date(2026, 6, 1), date(2026, 6, 30))

    assert said(window, date(2026, 6, 1) + timedelta(days=offset)) == expected


@pytest.mark.parametrize(("length", "days"), [(1, ["opens"]), (2, ["soon day-2026-06-02"] * 2), (5, ["opens"] * 3)])
def test_a_short_window_begins_before_it_is_about_to_close(length: int, days: list[str]) -> None:
    window = Window(date(2026, 6, 1), date(2026, 6, length))

    assert [said(window, date(2026, 6, 1 + day)) for day in range(len(days))] == days


def said(window: Window, today: date, **more: date) -> str | None:
    """A reminder in words: its kind, and the stage where that is another one."""
    due = cycle_rules.reminder(window, today, **more)
    return " ".join(dict.fromkeys((due.kind, due.stage))) if due is not None else None


def test_a_cycle_opened_late_tells_the_beginning_then() -> None:
    window = Window(date(2026, 6, 1), date(2026, 6, 30))

    assert said(window, date(2026, 6, 10), opened_on=date(2026, 6, 10)) == "opens"
    assert said(window, date(2026, 6, 13), opened_on=date(2026, 6, 10)) is None


def test_the_closing_checklist_wants_findings_and_nothing_open() -> None:
    settled = cycle_rules.closing_checklist(ClosingFigures(0, 0, 0, 0, 1, 1))
    loose = cycle_rules.closing_checklist(ClosingFigures(3, 0, 1, 0, 0, 1))

    assert cycle_rules.not_accepted(settled, ()) == ()
    assert cycle_rules.not_accepted(loose, ()) == ("unfinished", "unreceived", "findings")
    assert cycle_rules.not_accepted(loose, ("unfinished", "unreceived", "findings")) == ()


# --------------------------------------------------------------------------------------------------------- mentors


def test_last_years_mentor_is_kept_though_others_have_less_to_do() -> None:
    mentors = [Mentor(1, 4, "A", "A2", load=3), Mentor(2, 4, "A", "A3")]

    (proposal,) = propose([Mentee(9, 2, "A", "A1", last_mentor=1)], mentors, capacity=5)

    assert (proposal.mentor, proposal.load) == (1, 4)
    assert proposal.reasons[0] == "last_year"


def test_the_same_bureau_but_another_section_is_preferred() -> None:
    mentors = [Mentor(1, 4, "A", "A1"), Mentor(2, 4, "A", "A2"), Mentor(3, 4, "B", "B1")]
    mentee = Mentee(9, 2, "A", "A1")

    (proposal,) = propose([mentee], mentors, capacity=5)

    assert (proposal.mentor, proposal.reasons) == (2, ("same_bureau",))
    assert sorted(mentors, key=lambda mentor: pair_cost(mentee, mentor))[1].key == 3


def test_people_are_spread_evenly() -> None:
    mentors = [Mentor(key, 4, "A", f"S{key}") for key in range(1, 5)]
    mentees = [Mentee(100 + key, 2, "A", "X") for key in range(20)]

    loads = [p.mentor for p in propose(mentees, mentors, capacity=20)]

    assert {loads.count(mentor.key) for mentor in mentors} == {5}


def test_nobody_is_proposed_beyond_the_capacity() -> None:
    mentors = [Mentor(1, 4, "A", "A1", load=1)]
    mentees = [Mentee(key, 2, "A", "A2") for key in (7, 8, 9)]

    found = propose(mentees, mentors, capacity=2)

    assert sorted(p.mentor is None for p in found) == [False, True, True]
    assert {p.reasons for p in found if p.mentor is None} == {("nobody_free",)}


def test_two_people_are_never_proposed_for_each_other() -> None:
    people = [(1, 3), (2, 3), (3, 4)]
    mentors = [Mentor(key, grade, "A", f"S{key}") for key, grade in people]
    mentees = [Mentee(key, grade, "A", f"S{key}") for key, grade in people[:2]]

    chosen = {p.mentee: p.mentor for p in propose(mentees, mentors, capacity=1)}

    assert chosen[1] != 2 or chosen[2] != 1
    assert None not in chosen.values()


def test_an_existing_pair_is_not_turned_round() -> None:
    found = propose([Mentee(1, 3, "A", "A1")], [Mentor(2, 3, "A", "A2")], capacity=3, pairs={(1, 2)})

    assert found[0].mentor is None


@pytest.mark.parametrize("seed", range(8))
def test_any_world_keeps_the_rules(seed: int) -> None:
    chance = random.Random(seed)
    mentors = [
        Mentor(key, chance.choice([3, 4, 5]), chance.randrange(3), chance.randrange(6), load=chance.randrange(3))
        for key in range(8)
    ]
    mentees = [
        Mentee(
            key,
            chance.choice([1, 2, 3]),
            chance.randrange(3),
            chance.randrange(6),
            chance.choice([None, *range(8)]),
        )
        for key in range(4, 30)
    ]
    capacity = default_capacity(len(mentees), mentors)

    found = propose(mentees, mentors, capacity=capacity)

    chosen = {p.mentee: p.mentor for p in found}
    assert [p.mentee for p in found] == [mentee.key for mentee in mentees]
    assert all(mentee != mentor for mentee, mentor in chosen.items())
    assert all(chosen.get(mentor) != mentee for mentee, mentor in chosen.items() if mentor is not None)
    taken = list(chosen.values())
    assert all(mentor.load + taken.count(mentor.key) <= capacity for mentor in mentors)


# ----------------------------------------------------------------------------------------------------------- texts


def test_placeholders_are_filled_and_unknown_ones_found() -> None:
    assert mail_texts.filled("{name}: {step} {x}", {"name": "A", "step": "B"}) == "A: B {x}"
    assert mail_texts.unknown_placeholders("{name} {level} {}") == ["level", ""]


@pytest.mark.parametrize("kind", mail_texts.TEXTS)
def test_the_built_in_texts_hold_known_placeholders_only(kind: str) -> None:
    text = mail_texts.TEXTS[kind]

    assert not mail_texts.unknown_placeholders(f"{text.subject}\n{text.body}")
