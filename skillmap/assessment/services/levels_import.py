"""Confirmed levels of past years from a sheet (one row a person, one column an item), and the same sheet as export.

An empty cell says nothing: the level stays as it is. What holds already on the day is not recorded again, so that an
exported sheet, brought in unchanged, changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from skillmap.assessment.choices import LevelSource
from skillmap.assessment.selectors.levels import (
    level_on,
    levels_holding,
    sheet_rows,
    sheet_skills,
    sheet_staff,
)
from skillmap.assessment.services.looks import look
from skillmap.assessment.services.profile import NewLevel, record_levels
from skillmap.core import audit, clock
from skillmap.core.choices import Purpose, RowOutcome
from skillmap.core.errors import RuleViolation
from skillmap.core.imports import Checked, Importer, Progress, Staged
from skillmap.core.models import ImportBatch
from skillmap.core.tabular.columns import Column, Kind
from skillmap.core.tabular.problems import masked
from skillmap.core.tabular.reading import TableReading
from skillmap.core.tabular.rows import Row
from skillmap.core.tabular.writing import Form, Out, Table, notes_for
from skillmap.framework.models import Skill
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import Staff, User
from skillmap.people.rules import fold

KIND = "assessment.levels"
NUMBER, NAME, PLACE, SINCE = "number", "name", "organisation", "valid_from"
HEADERS = {
    NUMBER: gettext_lazy("Staff number"),
    NAME: gettext_lazy("Name"),
    PLACE: gettext_lazy("Organisation"),
    SINCE: gettext_lazy("Holds from"),
}
SHEET = gettext_lazy("Confirmed levels")


def header_of(skill: Skill) -> str:
    """The heading of an item, with its number so that it is found beside the printed list."""
    return f"{skill.number} {skill.label}" if skill.kind == "digital" else skill.label


def columns_for(skills: Sequence[Skill]) -> list[Column]:
    """Person, day, and a column for each item; an item is known by its code and its name in either language."""
    lead = [
        Column(key=NUMBER, headers=[HEADERS[NUMBER], "職員番号"], kind=Kind.CODE, required=True),
        Column(key=NAME, headers=[HEADERS[NAME], "氏名"], hint=gettext_lazy("only compared, never changed")),
        Column(key=PLACE, headers=[HEADERS[PLACE], "所属"], hint=gettext_lazy("not read")),
        Column(
            key=SINCE,
            headers=[HEADERS[SINCE], "有効日"],
            kind=Kind.DATE,
            hint=gettext_lazy("the day from which the levels of this row hold; empty: the day given at the upload"),
        ),
    ]
    items = [
        Column(
            key=skill.code,
            headers=list(dict.fromkeys(name for name in _names(skill) if name)),
            kind=Kind.LEVEL,
            blanks=("未回答", "-", "－"),
            hint=gettext_lazy("0 to 3; empty: stays as it is"),
        )
        for skill in skills
    ]
    return lead + items


def _names(skill: Skill) -> list[str]:
    names = [skill.name, skill.name_en]
    numbered = [f"{skill.number} {name}" for name in names if name] if skill.kind == "digital" else []
    return numbered + names


class LevelsImporter(Importer):
    """Past confirmed levels, so that the first cycle has a last level."""

    kind = KIND
    title = gettext_lazy("Confirmed levels of past years")
    unique = ((NUMBER,),)

    def columns(self, options: Mapping[str, Any]) -> Sequence[Column]:
        """Those of the newest published version."""
        return columns_for(sheet_skills())

    def may(self, user: AbstractBaseUser, options: Mapping[str, Any]) -> bool:
        """The secretariat."""
        return isinstance(user, User) and access_of(user).is_secretariat

    def check(
        self, reading: TableReading, options: Mapping[str, Any], *, user: AbstractBaseUser, progress: Progress
    ) -> Checked:
        """Compare with what is known. The looks at levels that are there already are recorded with it."""
        assert isinstance(user, User)  # noqa: S101  `may` was asked
        codes = [skill.code for skill in sheet_skills() if reading.has(skill.code)]
        day = date.fromisoformat(str(options["valid_from"]))
        people = {
            row.number: row
            for row in Staff.objects.visible_to(user).filter(
                number__in=[str(row.values[NUMBER]) for row in reading.rows if row.values.get(NUMBER)]
            )
        }
        known = look(
            lambda: levels_holding([row.pk for row in people.values()], codes),
            viewer=user,
            staff_ids=[row.pk for row in people.values()],
            purpose=Purpose.CYCLE_OPERATION,
            what="levels_import",
            channel="job",
        )
        own, staged, other_names = access_of(user).staff_id, [], 0
        for count, row in enumerate(reading.rows, start=1):
            person = self._person(reading, row, people, own=own, day=day)
            if person is not None and row.ok:
                other_names += bool(row.values.get(NAME)) and fold(str(row.values[NAME])) != fold(person.name)
                staged.append(_staged(row, person, known[person.pk], codes, day))
            if count % 1000 == 0:
                progress(count, len(reading.rows), _("Comparing with what is known"))
        remarks = [] if codes else [_("The file has no column of an item, so nothing would change.")]
        if other_names:
            remarks.append(
                _("In %(count)s rows the name is not the one on record. Please check the numbers.")
                % {"count": other_names}
            )
        return Checked(rows=staged, remarks=remarks)

    def _person(
        self, reading: TableReading, row: Row, people: Mapping[str, Staff], *, own: int | None, day: date
    ) -> Staff | None:
        """The person of a row, if the row can be taken; what is wrong with it is told."""
        text = str(row.values.get(NUMBER) or "")
        if not text:
            return None
        person = people.get(text)
        if person is None:
            reading.refuse(
                row,
                NUMBER,
                reason=_("There is nobody with this staff number."),
                fix=_("Correct the number, or bring in the person first."),
                value=masked(text),
            )
            return None
        if person.pk == own:
            reading.refuse(
                row,
                NUMBER,
                reason=_("Nobody brings in the own levels."),
                fix=_("Ask a colleague, or remove the row."),
                value=masked(text),
            )
        holds = row.values.get(SINCE) or day
        if isinstance(holds, date) and holds > clock.today():
            reading.refuse(
                row,
                SINCE,
                reason=_("The day lies in the future."),
                fix=_("Enter the day from which the levels hold, today at the latest."),
                value=holds.isoformat(),
            )
        return person

    def apply(
        self, rows: Iterable[Staged], options: Mapping[str, Any], *, user: AbstractBaseUser, batch: ImportBatch
    ) -> Mapping[str, Any]:
        """Record the levels, a constant number of statements per day from which they hold.

        RuleViolation `changed_meanwhile` where somebody's level moved since the check.
        """
        assert isinstance(user, User)  # noqa: S101  `may` was asked
        skills = {skill.code: skill for skill in sheet_skills()}
        wanted: dict[date, list[NewLevel]] = defaultdict(list)
        staged = [row.data for row in rows]
        if access_of(user).staff_id in {data["staff"] for data in staged}:  # who applies it may not be who uploaded it
            raise RuleViolation(_("Nobody brings in the own levels."), code="own_levels")
        known = levels_holding([data["staff"] for data in staged], list(skills))
        for data in staged:
            day = date.fromisoformat(data["valid_from"])
            for code, (old, new) in data["changes"].items():
                if code not in skills or level_on(known[data["staff"]], code, day) != old:
                    raise RuleViolation(
                        _("Some levels changed since the check. Nothing was written; check the file again."),
                        code="changed_meanwhile",
                    )
                wanted[day].append(NewLevel(data["staff"], skills[code], new))
        count = 0
        for day in sorted(wanted):
            count += record_levels(wanted[day], valid_from=day, source=LevelSource.IMPORT, actor=user)
        audit.record_many(
            audit.build(
                verb="levels.import",
                actor=user,
                target=batch,
                subject_id=data["staff"],
                channel="job",
                items=len(data["changes"]),
            )
            for data in staged
        )
        return {"people": len(staged), "levels": count}


def _staged(
    row: Row,
    person: Staff,
    spans: Sequence[tuple[str, int, date, date | None]],
    codes: Sequence[str],
    day: date,
) -> Staged:
    given = row.values.get(SINCE)
    holds = given if isinstance(given, date) else day
    changes = {}
    for code in codes:
        new = row.values.get(code)
        old = level_on(spans, code, holds)
        if new is not None and new != old:
            changes[code] = [old, new]
    if not changes:
        return Staged(row.number, person.number, RowOutcome.SAME, label=person.name)
    outcome = RowOutcome.UPDATE if any(old is not None for old, _new in changes.values()) else RowOutcome.CREATE
    data = {"staff": person.pk, "valid_from": holds.isoformat(), "changes": changes}
    return Staged(row.number, person.number, outcome, data, label=person.name)


# ----------------------------------------------------------------------------------------------------------- export


def levels_table(
    *,
    viewer: User,
    purpose: str,
    occupation: str = "",
    organisation_id: int | None = None,
    filters: Mapping[str, object],
) -> Table:
    """The sheet of confirmed levels: the look at every person in it is recorded, then its rows are read as they are
    written.

    Args:
        purpose: a value of core.choices.Purpose; it stands above the table.
        filters: what it was narrowed down to, in words.

    Raises:
        NotAllowed: not the secretariat.
    """
    access_of(viewer).require(Role.SECRETARIAT)
    skills = sheet_skills()
    people = sheet_staff(viewer, occupation=occupation, organisation_id=organisation_id)
    ids = list(people.values_list("pk", flat=True))
    rows = look(lambda: sheet_rows(ids, skills), viewer=viewer, staff_ids=ids, purpose=purpose, what="levels_export")
    lead = [
        Out(HEADERS[NUMBER], width=14),
        Out(HEADERS[NAME], width=18),
        Out(HEADERS[PLACE], width=24),
        Out(HEADERS[SINCE], Form.DATE),
    ]
    return Table(
        name=SHEET,
        columns=[*lead, *(Out(header_of(skill), Form.LEVEL, width=12) for skill in skills)],
        rows=([*row[:-1], *row.levels] for row in rows),
        notes=notes_for(filters={_("Purpose"): Purpose(purpose).label, **filters}),
    )
