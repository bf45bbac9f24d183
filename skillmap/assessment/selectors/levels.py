"""The sheet of confirmed levels: one row a person, one column an item; the same for export and import."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from django.db.models import CharField, Max, QuerySet, Value
from django.db.models.functions import Cast, Concat

from skillmap.assessment.models import ConfirmedLevel
from skillmap.assessment.rules import EMPLOYERS_WITH_CHECK
from skillmap.core.aggregates import Joined
from skillmap.core.chunks import chunks
from skillmap.framework.choices import FrameworkState, Level
from skillmap.framework.models import Framework, Skill
from skillmap.people.models import Organisation, Staff, User

SEPARATOR = "\n"


def sheet_framework() -> Framework | None:
    """The version whose items are the columns: the newest published one."""
    return Framework.objects.filter(state=FrameworkState.PUBLISHED).order_by("-published_at", "-pk").first()


def sheet_skills() -> list[Skill]:
    """The items of the sheet in their order; two queries."""
    framework = sheet_framework()
    return list(framework.skills.order_by("kind", "number")) if framework is not None else []


def sheet_staff(viewer: User, *, occupation: str = "", organisation_id: int | None = None) -> QuerySet[Staff]:
    """The people of a sheet: in service with an employer whose people are checked, narrowed down."""
    people = Staff.objects.visible_to(viewer).in_service().filter(employer__in=EMPLOYERS_WITH_CHECK)
    if occupation:
        people = people.filter(occupation=occupation)
    if organisation_id is not None:
        path = Organisation.objects.filter(pk=organisation_id).values_list("path", flat=True).first()
        people = people.filter(organisation__path__startswith=path) if path else people.none()
    return people.order_by("organisation__path", "kana", "pk")


class SheetRow(NamedTuple):
    """One person, and the levels in the order of the items; None where nothing is confirmed."""

    number: str
    name: str
    organisation: str
    since: date | None
    levels: list[int | None]


def sheet_rows(staff_ids: Sequence[int], skills: Sequence[Skill]) -> Iterator[SheetRow]:
    """The current confirmed levels of people in the order given; two queries a chunk, each when its rows are asked for.

    To be read behind services.looks.look. `since` is the day from which the newest of the levels holds. Somebody who
    is gone by then is left out.
    """
    nothing: tuple[date | None, list[int | None]] = (None, [None] * len(skills))
    for part in chunks(staff_ids):
        people = {
            pk: (number, name, place)
            for pk, number, name, place in Staff.objects.filter(pk__in=part).values_list(
                "pk", "number", "name", "organisation__name"
            )
        }
        held = _levels_held(part, skills)
        for pk in part:
            if pk in people:
                yield SheetRow(*people[pk], *held.get(pk, nothing))


def _levels_held(staff_ids: Sequence[int], skills: Sequence[Skill]) -> dict[int, tuple[date, list[int | None]]]:
    """Since when, and the level of each item; one query, with a row for each person.

    The database joins "code=level" of all items: rows of single levels cost more, a column for each item much more.
    """
    places = {f"{skill.code}={level}": (place, level) for place, skill in enumerate(skills) for level in Level.values}
    rows = (
        ConfirmedLevel.objects.current()
        .filter(staff__in=staff_ids, skill_code__in=[skill.code for skill in skills])
        .values("staff_id")
        .annotate(
            since=Max("valid_from"),
            held=Joined(Concat("skill_code", Value("="), Cast("level", CharField())), SEPARATOR),
        )
        .order_by()
    )
    held = {}
    for staff, since, texts in rows.values_list("staff_id", "since", "held"):
        levels: list[int | None] = [None] * len(skills)
        for text in texts.split(SEPARATOR):
            place, level = places[text]
            levels[place] = level
        held[staff] = (since, levels)
    return held


def levels_holding(
    staff_ids: Sequence[int], codes: Sequence[str]
) -> dict[int, list[tuple[str, int, date, date | None]]]:
    """What is known of people's levels at any time: (code, level, from, to) by person; one query per chunk."""
    found: dict[int, list[tuple[str, int, date, date | None]]] = {pk: [] for pk in staff_ids}
    for part in chunks(sorted(staff_ids)):
        rows = ConfirmedLevel.objects.known().filter(staff__in=part, skill_code__in=list(codes))
        columns = ("staff_id", "skill_code", "level", "valid_from", "valid_to")
        for staff_id, code, level, valid_from, valid_to in rows.values_list(*columns):
            found[staff_id].append((code, level, valid_from, valid_to))
    return found


def level_on(spans: Sequence[tuple[str, int, date, date | None]], code: str, day: date) -> int | None:
    """The level of an item that held on a day."""
    for known, level, valid_from, valid_to in spans:
        if known == code and valid_from <= day and (valid_to is None or day < valid_to):
            return level
    return None
