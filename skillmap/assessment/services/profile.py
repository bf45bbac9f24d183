"""The confirmed profile: levels recorded with the day from which they hold; nothing is overwritten."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from skillmap.assessment import level_rules
from skillmap.assessment.choices import LevelSource
from skillmap.assessment.models import Assessment, ConfirmedLevel
from skillmap.core import clock
from skillmap.core.locks import queue_to_change
from skillmap.framework.models import Skill
from skillmap.people.models import User


@dataclass(frozen=True)
class NewLevel:
    """One level to record for one person."""

    staff_id: int
    skill: Skill
    level: int
    assessment: Assessment | None = None


def record_levels(levels: Iterable[NewLevel], *, valid_from: date, source: LevelSource, actor: User | None) -> int:
    """Record levels in the transaction of the caller, a constant number of statements; returns how many.

    Each holds from `valid_from` until the next known change; the rows that this cuts short are kept as they were known.
    """
    wanted = list(levels)
    now = clock.now()
    if source == LevelSource.IMPORT:
        queue_to_change(ConfirmedLevel)  # the spans of two imports that do not know each other would overlap
    history = _known({new.staff_id for new in wanted}, {new.skill.code for new in wanted})
    skills = {row.pk: row for rows in history.values() for row in rows}
    superseded: list[int] = []
    added: list[ConfirmedLevel] = []
    for new in wanted:
        rows = history[new.staff_id, new.skill.code]
        change = level_rules.record_level([_span(row) for row in rows], new.level, valid_from)
        superseded += change.superseded
        *kept, fresh = change.added
        old = skills[change.superseded[0]] if change.superseded else None
        added += [_closed_copy(old, span, now=now) for span in kept if old is not None]
        added.append(
            ConfirmedLevel(
                staff_id=new.staff_id,
                skill=new.skill,
                skill_code=new.skill.code,
                level=fresh.level,
                valid_from=fresh.valid_from,
                valid_to=fresh.valid_to,
                recorded_at=now,
                source=source,
                assessment=new.assessment,
                recorded_by=actor,
            )
        )
    for start in range(0, len(superseded), 500):
        ConfirmedLevel.objects.filter(pk__in=superseded[start : start + 500]).update(recorded_until=now)
    ConfirmedLevel.objects.bulk_create(added, batch_size=500)
    return len(wanted)


def _known(staff_ids: set[int], codes: set[str]) -> Mapping[tuple[int, str], list[ConfirmedLevel]]:
    found: defaultdict[tuple[int, str], list[ConfirmedLevel]] = defaultdict(list)
    ids = sorted(staff_ids)
    for start in range(0, len(ids), 500):
        rows = ConfirmedLevel.objects.known().filter(staff__in=ids[start : start + 500], skill_code__in=codes)
        for row in rows.order_by("staff_id", "skill_code", "valid_from"):
            found[row.staff_id, row.skill_code].append(row)
    return found


def _span(row: ConfirmedLevel) -> level_rules.Span:
    return level_rules.Span(row.level, row.valid_from, row.valid_to, key=row.pk)


def _closed_copy(old: ConfirmedLevel, span: level_rules.Span, *, now: datetime) -> ConfirmedLevel:
    return ConfirmedLevel(
        staff_id=old.staff_id,
        skill_id=old.skill_id,
        skill_code=old.skill_code,
        level=span.level,
        valid_from=span.valid_from,
        valid_to=span.valid_to,
        recorded_at=now,
        source=old.source,
        assessment_id=old.assessment_id,
        recorded_by_id=old.recorded_by_id,
    )
