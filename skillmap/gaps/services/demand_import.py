"""The lines of an answer from a sheet: checked, shown as what would change, then put in place of the present lines.

See core.imports for the two steps. The sheet is the whole answer: a line that is not in it is removed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from skillmap.core.choices import RowOutcome
from skillmap.core.imports import Checked, Importer, Progress, Staged
from skillmap.core.models import ImportBatch
from skillmap.core.tabular.columns import Column
from skillmap.core.tabular.reading import TableReading
from skillmap.core.tabular.rows import Row
from skillmap.framework.models import Skill
from skillmap.gaps import demand_rules
from skillmap.gaps.choices import Phase
from skillmap.gaps.demand_diff import FIELDS, Comparison, Entry, compare
from skillmap.gaps.demand_tables import columns_for
from skillmap.gaps.messages import refuse
from skillmap.gaps.models import DemandResponse
from skillmap.gaps.selectors.demand import lines_of, situation_of, skills_asked, with_counts
from skillmap.gaps.services.demand import Line, entry_of, line_of, lines_replace, tidy
from skillmap.people.access import access_of
from skillmap.people.models import User

KIND = "gaps.demand"


class DemandImporter(Importer):
    """The sheet of one answer. Options: `response`, its id, and `version`, as it was at the upload."""

    kind = KIND
    title = gettext_lazy("Lines from a sheet")

    def columns(self, options: Mapping[str, Any]) -> Sequence[Column]:
        """With the items of the survey; one query."""
        return columns_for(list(_skills(options).values()))

    def may(self, user: AbstractBaseUser, options: Mapping[str, Any]) -> bool:
        """The coordinators of the organisation."""
        if not isinstance(user, User) or not access_of(user).is_coordinator:
            return False
        return not options or DemandResponse.objects.of_own(user).filter(pk=options["response"]).exists()

    def check(
        self, reading: TableReading, options: Mapping[str, Any], *, user: AbstractBaseUser, progress: Progress
    ) -> Checked:
        """Compare the sheet with the present lines; five queries."""
        response = _response(options)
        code = demand_rules.entry_refusal(situation_of(response))
        if code is None and len(reading.rows) > demand_rules.MOST_LINES:
            code = "too_many_lines"
        if code is not None:
            raise refuse(code)
        entries = {row.number: _entry(row) for row in reading.rows if row.ok and _has_good_period(reading, row)}
        if not reading.ok:
            return Checked([])  # what would change can't be told before every row can be read
        skills = _skills(options)
        present = [entry_of(line_of(item)) for item in lines_of(response)]
        comparison = compare(present, list(entries.values()))
        absent = [name for name in FIELDS if not reading.has(name)]
        staged = [
            _staged(number, entry, None if index is None else present[index], skills, response.version, absent)
            for (number, entry), index in zip(entries.items(), comparison.before, strict=True)
        ]
        gone = [present[index] for index in comparison.removed]
        return Checked(
            staged,
            {"removed": [_shown(entry, skills) for entry in gone]},
            _remarks(staged, comparison, list(entries.values())),
        )

    def apply(
        self, rows: Iterable[Staged], options: Mapping[str, Any], *, user: AbstractBaseUser, batch: ImportBatch
    ) -> Mapping[str, Any]:
        """Put all rows in place of the present lines, also those that stay as they are; Conflict where it moved."""
        assert isinstance(user, User)  # noqa: S101  `may` said so
        skills = _skills(options)
        checked = list(batch.rows.exclude(outcome=RowOutcome.ERROR).order_by("number"))
        version = checked[0].version if checked else None
        done = lines_replace(
            response_id=options["response"],
            lines=[_line(row.data, skills) for row in checked],
            version=version or 0,
            actor=user,
        )
        return asdict(done)


def _skills(options: Mapping[str, Any]) -> dict[str, Skill]:
    if not options:
        return {}
    return {skill.code: skill for skill in skills_asked(options["response"])}


def _response(options: Mapping[str, Any]) -> DemandResponse:
    rows = with_counts(DemandResponse.objects.filter(pk=options["response"]))
    return rows.select_related("survey", "organisation").get()


# ------------------------------------------------------------------------------------------------------------ check


def _has_good_period(reading: TableReading, row: Row) -> bool:
    start, end = row.values.get("needed_from"), row.values.get("needed_until")
    if not isinstance(start, date) or not isinstance(end, date) or start <= end:
        return True
    reading.refuse(
        row,
        "needed_until",
        reason=_("The last day lies before the first."),
        fix=_("Correct one of the two days."),
        value=end.isoformat(),
    )
    return False


def _entry(row: Row) -> Entry:
    """A row as plain values; its required cells are there, since it could be read."""
    values: Mapping[str, Any] = row.values
    return Entry(
        business=tidy(values["business"]),
        phase=values["phase"],
        skill=values["skill"],
        level=values["level"],
        headcount=values["headcount"],
        needed_from=values.get("needed_from"),
        needed_until=values.get("needed_until"),
        filled_staff=values.get("filled_staff") or 0,
        filled_govtech=values.get("filled_govtech") or 0,
        filled_vendor=values.get("filled_vendor") or 0,
        note=tidy(values.get("note") or ""),
    )


def _staged(
    number: int, entry: Entry, before: Entry | None, skills: Mapping[str, Skill], version: int, absent: Sequence[str]
) -> Staged:
    """One row; a column that the sheet does not have leaves what stands in the line that it continues."""
    if before is not None and absent:
        entry = replace(entry, **{name: getattr(before, name) for name in absent})
    changes = before.changes_to(entry) if before is not None else {}
    outcome = RowOutcome.CREATE if before is None else RowOutcome.UPDATE if changes else RowOutcome.SAME
    return Staged(
        number=number,
        key=entry.business,
        outcome=outcome,
        data={**asdict(entry), "changes": {name: list(pair) for name, pair in changes.items()}},
        version=version,
        label=" / ".join(_shown(entry, skills)[1:]),
    )


def _shown(entry: Entry, skills: Mapping[str, Skill]) -> list[str]:
    skill = skills.get(entry.skill)
    return [
        entry.business,
        str(Phase(entry.phase).label),
        f"{skill.number}. {skill.label}" if skill is not None else entry.skill,
        f"Lv.{entry.level}",
        str(entry.headcount),
    ]


def _remarks(staged: Sequence[Staged], comparison: Comparison, entries: Sequence[Entry]) -> list[str]:
    """What applying would do in all, and rows that look like slips."""
    counts = Counter(row.outcome for row in staged)
    added, changed, removed = counts[RowOutcome.CREATE], counts[RowOutcome.UPDATE], len(comparison.removed)
    if not (added or changed or removed):
        return [_("The sheet says what the answer says already. Applying it would change nothing.")]
    text = _(
        "Applying replaces all present lines by the sheet: %(added)d added, %(changed)d changed, %(removed)d removed, "
        "%(same)d as they are."
    )
    remarks = [text % {"added": added, "changed": changed, "removed": removed, "same": counts[RowOutcome.SAME]}]
    twice = len(entries) - len(set(entries))
    if twice:
        words = ngettext("%(n)d row repeats another one.", "%(n)d rows repeat another one.", twice) % {"n": twice}
        remarks.append(words + " " + _("If that is not meant, remove it from the sheet and upload it again."))
    return remarks


# ------------------------------------------------------------------------------------------------------------ apply


def _line(data: Mapping[str, Any], skills: Mapping[str, Skill]) -> Line:
    skill = skills.get(data["skill"])
    if skill is None:
        raise refuse("unknown_skill")
    return {
        "business": data["business"],
        "phase": data["phase"],
        "skill": skill,
        "level": data["level"],
        "headcount": data["headcount"],
        "needed_from": _day(data["needed_from"]),
        "needed_until": _day(data["needed_until"]),
        "filled_staff": data["filled_staff"],
        "filled_govtech": data["filled_govtech"],
        "filled_vendor": data["filled_vendor"],
        "note": data["note"],
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
