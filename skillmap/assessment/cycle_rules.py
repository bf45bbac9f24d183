"""The cycle in plain Python: its calendar, whose turn it is, when to remind, what is settled before it closes.

Values in, values out, as in rules.py.
"""

import calendar
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from skillmap.assessment.rules import MENTOR, SECRETARIAT, SELF, Window

SELF_CHECK, FIRST, CORRECTION, CONFIRMATION, SECOND = (
    "self_check",
    "first_one_on_one",
    "correction",
    "confirmation",
    "second_one_on_one",
)
# The printed yearly calendar: self-check in June, 1on1 in July, correction in August, confirmed version after that.
MONTHS = (6, 7, 8, 9, 10)

# ------------------------------------------------------------------------------------------------------- calendar


def steps_in_order(*, second_before: bool) -> tuple[str, ...]:
    """The steps as they follow each other: the second 1on1 comes before or after confirmation."""
    if second_before:
        return SELF_CHECK, FIRST, CORRECTION, SECOND, CONFIRMATION
    return SELF_CHECK, FIRST, CORRECTION, CONFIRMATION, SECOND


def default_windows(fiscal_year: int, *, second_before: bool = False) -> dict[str, Window]:
    """A month for each step, June to October of the fiscal year."""
    return {
        step: Window(date(fiscal_year, month, 1), date(fiscal_year, month, calendar.monthrange(fiscal_year, month)[1]))
        for step, month in zip(steps_in_order(second_before=second_before), MONTHS, strict=True)
    }


def _moved(day: date, years: int) -> date:
    last = calendar.monthrange(day.year + years, day.month)[1]
    is_last = day.day == calendar.monthrange(day.year, day.month)[1]
    return date(day.year + years, day.month, last if is_last else min(day.day, last))


def moved_windows(windows: Mapping[str, Window], years: int) -> dict[str, Window]:
    """The same days some years later; the last day of a month stays the last day."""
    return {
        step: Window(_moved(window.opens_on, years), _moved(window.closes_on, years))
        for step, window in windows.items()
    }


@dataclass(frozen=True)
class WindowProblem:
    """What is wrong with a step's window: missing, ends_before_start, opens_too_early, closes_too_early, outside."""

    step: str
    code: str


def window_problems(
    windows: Mapping[str, Window], *, fiscal_year: int, second_before: bool
) -> tuple[WindowProblem, ...]:
    """Problems in the order of the steps. Windows may overlap; each opens and closes no earlier than the one before it.

    They open within the fiscal year, and the last one closes within three months after it.
    """
    first, last = date(fiscal_year, 4, 1), date(fiscal_year + 1, 6, 30)
    found: list[WindowProblem] = []
    before: Window | None = None
    for step in steps_in_order(second_before=second_before):
        window = windows.get(step)
        if window is None:
            found.append(WindowProblem(step, "missing"))
            continue
        code = _window_problem(window, before, first, last)
        if code is not None:
            found.append(WindowProblem(step, code))
        before = window
    return tuple(found)


def _window_problem(window: Window, before: Window | None, first: date, last: date) -> str | None:
    if window.closes_on < window.opens_on:
        return "ends_before_start"
    if not first <= window.opens_on <= date(last.year, 3, 31) or window.closes_on > last:
        return "outside"
    if before is not None and window.opens_on < before.opens_on:
        return "opens_too_early"
    if before is not None and window.closes_on < before.closes_on:
        return "closes_too_early"
    return None


# ------------------------------------------------------------------------------------------------------ whose turn


@dataclass(frozen=True)
class Due:
    """The step that a check waits for, and for whom: the person, the mentor or the secretariat."""

    step: str
    who: str


def due(state: str, *, with_one_on_one: bool, second_before: bool, second_held: bool) -> Due | None:
    """What a check in a state waits for; None when nothing is left to do.

    A confirmed one is received until the last step of its cycle ends, for it comes to that only after confirmation.
    """
    if state == "draft":
        return Due(SELF_CHECK, SELF)
    if state == "submitted":
        return Due(FIRST, MENTOR) if with_one_on_one else Due(CONFIRMATION, SECRETARIAT)
    if state == "reviewed":
        return Due(CORRECTION, SELF)
    if state == "corrected":
        waits = with_one_on_one and second_before and not second_held
        return Due(SECOND, MENTOR) if waits else Due(CONFIRMATION, SECRETARIAT)
    if state == "confirmed":
        if second_before:
            return Due(CONFIRMATION, SELF)
        waits_for_meeting = with_one_on_one and not second_held
        return Due(SECOND, MENTOR if waits_for_meeting else SELF)
    return None


# -------------------------------------------------------------------------------------------------------- reminding

OPENS, SOON, OVERDUE = "opens", "soon", "overdue"
WEEK, DAY = timedelta(days=7), timedelta(days=1)  # so long before a window closes one is reminded
CATCH_UP = timedelta(days=2)  # a window's opening is still told when the job did not run on the very day


@dataclass(frozen=True)
class Reminder:
    """What somebody is reminded of, `opens`, `soon` or `overdue`, and the stage, of which one is told once."""

    kind: str
    stage: str


def reminder(window: Window, today: date, *, opened_on: date | None = None) -> Reminder | None:
    """The automatic reminder that falls on a day: the window opens, closes in a week, on the next day, or is over.

    Each stage is told once, that of being over once a week; a day on which nothing ran is made up for on the next.
    `opened_on` is when the cycle itself was opened, where that was later than the window's first day.
    """
    begun, closes = max(window.opens_on, opened_on or window.opens_on), window.closes_on
    if today > closes:
        return Reminder(OVERDUE, f"over-{closes.isoformat()}-{(today - closes - DAY) // WEEK}")
    if today < begun:
        return None
    if begun <= closes - DAY <= today:
        return Reminder(SOON, f"day-{closes.isoformat()}")
    if begun <= closes - WEEK <= today:
        return Reminder(SOON, f"week-{closes.isoformat()}")
    return Reminder(OPENS, OPENS) if today - begun <= CATCH_UP else None


# ---------------------------------------------------------------------------------------------------------- closing


@dataclass(frozen=True)
class ClosingFigures:
    """What is counted before a cycle closes."""

    unfinished: int  # before correction is submitted: the person or the mentor still has to act
    unconfirmed: int  # ready for confirmation
    unreceived: int  # confirmed, not received
    objections: int  # requests for correction without an answer
    findings: int
    measures: int


@dataclass(frozen=True)
class ClosingItem:
    """One line of the closing checklist."""

    code: str
    count: int
    settled: bool


def closing_checklist(figures: ClosingFigures) -> tuple[ClosingItem, ...]:
    """The checklist: settled, or to be accepted knowingly before the cycle closes all the same."""
    open_ones = (
        ("unfinished", figures.unfinished),
        ("unconfirmed", figures.unconfirmed),
        ("unreceived", figures.unreceived),
        ("objections", figures.objections),
    )
    written = (("findings", figures.findings), ("measures", figures.measures))
    return (
        *(ClosingItem(code, count, count == 0) for code, count in open_ones),
        *(ClosingItem(code, count, count > 0) for code, count in written),
    )


def not_accepted(items: Sequence[ClosingItem], accepted: Collection[str]) -> tuple[str, ...]:
    """Codes of what is neither settled nor accepted."""
    return tuple(item.code for item in items if not item.settled and item.code not in accepted)
