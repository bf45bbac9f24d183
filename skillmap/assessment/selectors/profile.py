"""The confirmed profile as it is, as it was known on a past day, or as it held on a day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import F, Func, Q, QuerySet, TextField, Value

from skillmap.assessment.choices import CycleState
from skillmap.assessment.models import ConfirmedLevel, MentorPair
from skillmap.core.aggregates import Joined
from skillmap.core.prepared import Prepared
from skillmap.people.access import access_of
from skillmap.people.models import Staff, User

#: Between texts that are read from the database in one: no text of ours holds a control character.
PART, FIELD = "\x1e", "\x1f"


@dataclass(frozen=True)
class LastLevel:
    """A confirmed level with the day from which it holds."""

    level: int
    since: date


class _LevelBeside(NamedTuple):
    """A level of somebody beside a check: still known, of the check itself, or of a day from which the check's hold."""

    code: str
    level: int
    since: date
    recorded_at: datetime
    recorded_until: datetime | None
    check: int | None


def _levels_beside(
    staff: int, check: int
) -> QuerySet[ConfirmedLevel, tuple[str, int, date, datetime, datetime | None, int | None]]:
    own = ConfirmedLevel.objects.filter(assessment=check)
    which = Q(recorded_until=None) | Q(assessment=check) | Q(valid_from__in=own.values("valid_from"))
    rows = ConfirmedLevel.objects.filter(which, staff=staff).order_by("valid_from", "recorded_at")
    return rows.values_list("skill_code", "level", "valid_from", "recorded_at", "recorded_until", "assessment")


_LEVELS_BESIDE = Prepared(_levels_beside, staff=int, check=int)


def last_levels(staff_id: int, *, before_assessment: int | None = None) -> dict[str, LastLevel]:
    """The confirmed levels of one person by item code; one query.

    Rights are the caller's: it has found the person through `visible_to`. With `before_assessment` the levels that this
    check itself confirmed are left out, so that "last" means the time before it.
    """
    if before_assessment is None:
        known = ConfirmedLevel.objects.filter(staff=staff_id, recorded_until=None, valid_to=None).order_by("valid_from")
        present = known.values_list("skill_code", "level", "valid_from")
        return {code: LastLevel(level, since) for code, level, since in present}
    read = [_LevelBeside(*row) for row in _LEVELS_BESIDE.ask(staff=staff_id, check=before_assessment)]
    began = {row.code: row for row in reversed(read) if row.check == before_assessment}
    return {
        row.code: LastLevel(row.level, row.since)
        for row in read
        if row.check != before_assessment and _came_before(row, began.get(row.code))
    }


def _came_before(row: _LevelBeside, own: _LevelBeside | None) -> bool:
    """Whether a level held before the first one that a check confirmed in the same item.

    One that holds from the very same day does so no longer: the check's own took its place as that was recorded.
    """
    if row.recorded_until is None:
        return own is None or row.since < own.since
    return own is not None and row.since == own.since and row.recorded_until == own.recorded_at


def people_with_levels(user: User) -> QuerySet[Staff]:
    """Whose confirmed levels the user may read: oneself, present mentees, for the secretariat everyone."""
    access = access_of(user)
    if access.is_secretariat:
        return Staff.objects.all()
    if access.staff_id is None:
        return Staff.objects.none()
    mentees = MentorPair.objects.active().filter(mentor=access.staff_id, cycle__state=CycleState.OPEN)
    return Staff.objects.filter(Q(pk=access.staff_id) | Q(pk__in=mentees.values("mentee")))


def levels_of(
    staff_ids: Sequence[int], *, viewer: User, as_of: date | None = None, valid_on: date | None = None
) -> QuerySet[ConfirmedLevel]:
    """Confirmed levels of people that the viewer may see, by person in item order; one query.

    `as_of`: as known at the end of that day; `valid_on`: what held that day by today's knowledge; neither: now.
    """
    rows = ConfirmedLevel.objects.visible_to(viewer).filter(staff__in=staff_ids)
    if as_of is not None:
        rows = rows.as_of(as_of)
    elif valid_on is not None:
        rows = rows.valid_on(valid_on)
    else:
        rows = rows.current()
    return rows.order_by("staff_id", "skill__kind", "skill__number")


class ItemLevel(NamedTuple):
    """The level in one item; sorts as the items do."""

    kind: str
    number: int
    skill_code: str
    level: int


class LevelsAlike(NamedTuple):
    """Levels of one person that hold for the same days, known since the same moment, in item order."""

    staff_id: int
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    source: str
    items: Sequence[ItemLevel]


def levels_together(rows: QuerySet[ConfirmedLevel]) -> list[LevelsAlike]:
    """The levels of many people: what a person's levels have in common comes once, not with each level; one query."""
    fields = ("skill__kind", "skill__number", "skill_code", "level")
    parts = [each for field in fields for each in (F(field), Value(FIELD))][:-1]
    text = Func(*parts, template="%(expressions)s", arg_joiner=" || ", output_field=TextField())
    common = ("staff_id", "valid_from", "valid_to", "recorded_at", "source")
    found = [
        ((staff_id, valid_from, valid_to, recorded_at, source), joined.split(PART))
        for staff_id, valid_from, valid_to, recorded_at, source, joined in rows.order_by()
        .values_list(*common)
        .annotate(joined=Joined(text, PART))
    ]
    items = {part: _item_level(part) for part in {part for _group, parts in found for part in parts}}  # few, often
    rank = {part: place for place, part in enumerate(sorted(items, key=items.__getitem__))}
    return [
        LevelsAlike(*group, [items[part] for part in sorted(parts, key=rank.__getitem__)]) for group, parts in found
    ]


def _item_level(text: str) -> ItemLevel:
    kind, number, code, level = text.split(FIELD)
    return ItemLevel(kind, int(number), code, int(level))


def levels_now(staff_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Confirmed levels by person and item code, for several people in one query; rights are the caller's."""
    found: dict[int, dict[str, int]] = {pk: {} for pk in staff_ids}
    rows = ConfirmedLevel.objects.current().filter(staff__in=list(found))
    for staff_id, code, level in rows.values_list("staff_id", "skill_code", "level"):
        found[staff_id][code] = level
    return found
