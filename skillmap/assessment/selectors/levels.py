"""The sheet of confirmed levels: one row a person, one column an item; the same for export and import."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from skillmap.assessment.models import ConfirmedLevel
from skillmap.assessment.selectors.participants import EMPLOYERS_WITH_CHECK
from skillmap.core.chunks import chunks
from skillmap.framework.choices import FrameworkState
from skillmap.framework.models import Framework, Skill
from skillmap.people.models import Organisation, Staff, User

NONE = 255


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


@dataclass(frozen=True)
class SheetRow:
    """One person: levels in the order of the items, one byte each, NONE where nothing is confirmed."""

    staff_id: int
    number: str
    name: str
    organisation: str
    since: date | None
    levels: bytes

    def cells(self) -> list[int | None]:
        """The levels as values."""
        return [None if level == NONE else level for level in self.levels]


def sheet_rows(people: QuerySet[Staff], skills: Sequence[Skill]) -> list[SheetRow]:
    """The current confirmed levels of people; two queries. To be read through services.looks.look.

    `since` is the day from which the newest of the levels holds.
    """
    place = {skill.code: index for index, skill in enumerate(skills)}
    levels: dict[int, bytearray] = {}
    since: dict[int, date] = {}
    current = ConfirmedLevel.objects.current().filter(staff__in=people.order_by().values("pk"))
    for staff_id, code, level, valid_from in current.values_list(
        "staff_id", "skill_code", "level", "valid_from"
    ).iterator(chunk_size=5000):
        if code not in place:
            continue
        row = levels.setdefault(staff_id, bytearray([NONE] * len(place)))
        row[place[code]] = level
        since[staff_id] = max(valid_from, since.get(staff_id, valid_from))
    empty = bytes([NONE] * len(place))
    columns = ("pk", "number", "name", "organisation__name")
    return [
        SheetRow(pk, number, name, organisation, since.get(pk), bytes(levels.get(pk, empty)))
        for pk, number, name, organisation in people.values_list(*columns)
    ]


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
