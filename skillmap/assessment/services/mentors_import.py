"""Pairs of mentor and person from a list. See core.imports for the two steps, services.mentors for the rules."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from skillmap.assessment.choices import CycleState
from skillmap.assessment.cycle_messages import REFUSALS
from skillmap.assessment.models import Cycle, MentorPair
from skillmap.assessment.services.cycles import lock_cycle
from skillmap.assessment.services.mentors import Wanted, assign, refusals
from skillmap.core.choices import RowOutcome
from skillmap.core.errors import RuleViolation
from skillmap.core.imports import Checked, Importer, Progress, Staged
from skillmap.core.models import ImportBatch
from skillmap.core.tabular.columns import Column, Kind
from skillmap.core.tabular.problems import masked
from skillmap.core.tabular.reading import TableReading
from skillmap.core.tabular.rows import Row
from skillmap.people.access import access_of
from skillmap.people.models import Staff, User

KIND = "assessment.mentors"
MENTEE, MENTOR, DEPUTY = "mentee", "mentor", "deputy"
COLUMNS = (
    Column(key=MENTEE, headers=[gettext_lazy("Staff number"), "職員番号"], kind=Kind.CODE, required=True),
    Column(key="name", headers=[gettext_lazy("Name"), "氏名"], hint=gettext_lazy("not read")),
    Column(
        key=MENTOR,
        headers=[gettext_lazy("Staff number of the mentor"), "メンターの職員番号"],
        kind=Kind.CODE,
        required=True,
    ),
    Column(
        key=DEPUTY,
        headers=[gettext_lazy("Staff number of the deputy"), "代理メンターの職員番号"],
        kind=Kind.CODE,
        hint=gettext_lazy("empty: stays as it is"),
    ),
)


class MentorsImporter(Importer):
    """Who mentors whom in a cycle."""

    kind = KIND
    title = gettext_lazy("List of mentors")
    unique = ((MENTEE,),)

    def columns(self, options: Mapping[str, Any]) -> Sequence[Column]:
        """Person, mentor, deputy."""
        return COLUMNS

    def may(self, user: AbstractBaseUser, options: Mapping[str, Any]) -> bool:
        """The secretariat."""
        return isinstance(user, User) and access_of(user).is_secretariat

    def check(
        self, reading: TableReading, options: Mapping[str, Any], *, user: AbstractBaseUser, progress: Progress
    ) -> Checked:
        """Say for each row whether its pairs can begin, all the others of the list taken into account."""
        cycle = _cycle(options)
        people = _people(reading)
        active = list(MentorPair.objects.active().filter(cycle=cycle))
        holds = {(pair.mentee_id, pair.is_deputy): pair.mentor_id for pair in active}
        names = {row.pk: row for row in people.values()}
        wanted: list[tuple[Row, str, Wanted]] = []
        by_row: dict[int, list[Wanted]] = {}
        for row in reading.rows:
            ids = {key: _known(reading, row, key, people) for key in (MENTEE, MENTOR, DEPUTY)}
            for key in (MENTOR, DEPUTY):
                mentee, mentor = ids[MENTEE], ids[key]
                if row.ok and mentee is not None and mentor is not None:
                    entry = Wanted(mentee, mentor, is_deputy=key == DEPUTY)
                    wanted.append((row, key, entry))
                    by_row.setdefault(row.number, []).append(entry)
        where = {entry: (row, key) for row, key, entry in wanted}
        for refused in refusals(cycle, [entry for _row, _key, entry in wanted], active):
            row, key = where[refused.wanted]
            blamed = MENTEE if refused.code == "mentee_not_in_cycle" else key
            reading.refuse(row, blamed, reason=refused.text, fix=_("Correct the number, or remove the row."))
        staged = [_staged(row, people, by_row.get(row.number, []), holds, names) for row in reading.rows if row.ok]
        return Checked(rows=staged)

    def apply(
        self, rows: Iterable[Staged], options: Mapping[str, Any], *, user: AbstractBaseUser, batch: ImportBatch
    ) -> Mapping[str, Any]:
        """Begin the pairs, all or none; the rules are asked again under the cycle's lock.

        RuleViolation `changed_meanwhile` where somebody else was assigned since the check.
        """
        assert isinstance(user, User)  # noqa: S101  `may` was asked
        pairs = [pair for row in rows for pair in row.data["pairs"]]
        _require_as_checked(int(options["cycle"]), pairs)
        wanted = [Wanted(*pair[:3]) for pair in pairs]
        declared = bool(options.get("not_evaluator"))
        count = assign(cycle_id=int(options["cycle"]), wanted=wanted, not_evaluator=declared, actor=user, channel="job")
        return {"pairs": count}


def _require_as_checked(cycle_id: int, pairs: Sequence[Sequence[Any]]) -> None:
    """Hold the cycle, whose pairs then stay as they are, and compare with whom each had at the check."""
    lock_cycle(cycle_id)
    active = MentorPair.objects.active().filter(cycle=cycle_id)
    holds = {(mentee, deputy): mentor for mentee, deputy, mentor in active.values_list("mentee", "is_deputy", "mentor")}
    for mentee, _mentor, is_deputy, *held in pairs:
        if held and holds.get((mentee, is_deputy)) != held[0]:
            text = _("Some mentors changed since the check. Nothing was written; check the file again.")
            raise RuleViolation(text, code="changed_meanwhile")


def _cycle(options: Mapping[str, Any]) -> Cycle:
    if not options.get("not_evaluator"):
        raise RuleViolation(REFUSALS["mentor_evaluates"], code="mentor_evaluates")
    cycle = Cycle.objects.filter(pk=options["cycle"]).exclude(state=CycleState.CLOSED).first()
    if cycle is None:
        raise RuleViolation(REFUSALS["not_open"], code="not_open")
    return cycle


def _people(reading: TableReading) -> dict[str, Staff]:
    numbers = {str(row.values[key]) for row in reading.rows for key in (MENTEE, MENTOR, DEPUTY) if row.values.get(key)}
    ordered = sorted(numbers)
    found: dict[str, Staff] = {}
    for start in range(0, len(ordered), 900):
        found |= {row.number: row for row in Staff.objects.filter(number__in=ordered[start : start + 900])}
    return found


def _known(reading: TableReading, row: Row, key: str, people: Mapping[str, Staff]) -> int | None:
    text = row.values.get(key)
    if text is None:
        return None
    person = people.get(str(text))
    if person is None:
        reading.refuse(
            row,
            key,
            reason=_("There is nobody with this staff number."),
            fix=_("Correct the number, or bring in the person first."),
            value=masked(str(text)),
        )
    return person.pk if person is not None else None


def _staged(
    row: Row,
    people: Mapping[str, Staff],
    pairs: Sequence[Wanted],
    holds: Mapping[tuple[int, bool], int],
    names: Mapping[int, Staff],
) -> Staged:
    person = people[str(row.values[MENTEE])]
    fresh = [entry for entry in pairs if holds.get((entry.mentee_id, entry.is_deputy)) != entry.mentor_id]
    changes = {}
    replaces = False
    for entry in fresh:
        held = holds.get((entry.mentee_id, entry.is_deputy))
        replaces = replaces or held is not None
        new = names[entry.mentor_id].name
        changes[DEPUTY if entry.is_deputy else MENTOR] = [_("(another)") if held is not None else None, new]
    if not fresh:
        return Staged(row.number, person.number, RowOutcome.SAME, label=person.name)
    pairs_with_held = [
        [entry.mentee_id, entry.mentor_id, entry.is_deputy, holds.get((entry.mentee_id, entry.is_deputy))]
        for entry in fresh
    ]
    data = {"pairs": pairs_with_held, "changes": changes}
    outcome = RowOutcome.UPDATE if replaces else RowOutcome.CREATE
    return Staged(row.number, person.number, outcome, data, label=person.name)
