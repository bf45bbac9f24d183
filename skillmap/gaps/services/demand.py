"""Writes of an organisation's answer to the demand survey: its lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypedDict

from django.db import transaction
from django.db.models import Case, F, OuterRef, Subquery, Value, When
from django.http import Http404

from skillmap.core import audit, clock
from skillmap.core.errors import NotAllowed
from skillmap.core.locks import hold_shared
from skillmap.core.tabular.normalise import trim
from skillmap.framework.choices import ItemKind
from skillmap.framework.models import Skill
from skillmap.gaps import demand_rules
from skillmap.gaps.choices import Phase, ResponseState
from skillmap.gaps.demand_diff import Comparison, Entry, compare
from skillmap.gaps.messages import refuse, stale
from skillmap.gaps.models import DemandItem, DemandResponse, DemandSurvey
from skillmap.gaps.selectors.demand import (
    capacities_of,
    counted,
    last_years_response,
    lines_of,
    situation_of,
    skills_of,
    with_counts,
)
from skillmap.people.models import User

LONGEST = {"business": 120, "note": 300}
LINE_FIELDS = (
    "business",
    "phase",
    "skill",
    "level",
    "headcount",
    "needed_from",
    "needed_until",
    "filled_staff",
    "filled_govtech",
    "filled_vendor",
    "note",
)


class Line(TypedDict):
    """One line as it is entered."""

    business: str
    phase: str
    skill: Skill
    level: int
    headcount: int
    needed_from: date | None
    needed_until: date | None
    filled_staff: int
    filled_govtech: int
    filled_vendor: int
    note: str


def line_of(item: DemandItem) -> Line:
    """What a stored line says; its item must have been read with it."""
    return {
        "business": item.business,
        "phase": item.phase,
        "skill": item.skill,
        "level": item.level,
        "headcount": item.headcount,
        "needed_from": item.needed_from,
        "needed_until": item.needed_until,
        "filled_staff": item.filled_staff,
        "filled_govtech": item.filled_govtech,
        "filled_vendor": item.filled_vendor,
        "note": item.note,
    }


def entry_of(line: Line) -> Entry:
    """A line as plain values, to be compared."""
    return Entry(
        business=line["business"],
        phase=line["phase"],
        skill=line["skill"].code,
        level=line["level"],
        headcount=line["headcount"],
        needed_from=line["needed_from"],
        needed_until=line["needed_until"],
        filled_staff=line["filled_staff"],
        filled_govtech=line["filled_govtech"],
        filled_vendor=line["filled_vendor"],
        note=line["note"],
    )


def tidy(text: str) -> str:
    """Text in one line: no line breaks, tabs, doubled or outer spaces, no invisible characters.

    It is what a sheet gives back, so that an export brought in again changes nothing.
    """
    return trim(" ".join(trim(text).split()))


# ----------------------------------------------------------------------------------------------------------- lines


def locked(response_id: int, actor: User) -> DemandResponse:
    """Lock an answer that the actor sees, then read it with its counts; Http404 otherwise.

    The survey is held first, shared: closing it waits for writers under way, and later ones see it closed.
    """
    hold_shared(DemandSurvey, "responses", response_id)
    visible = DemandResponse.objects.visible_to(actor).filter(pk=response_id)
    locked = visible.select_for_update(of=("self",)).values_list("pk", flat=True).first()
    if locked is None:
        raise Http404
    rows = with_counts(DemandResponse.objects.filter(pk=locked))
    return rows.select_related("survey__framework", "organisation").get()


def _writable(response_id: int, actor: User) -> DemandResponse:
    """Lock an answer whose lines the actor may write now; NotAllowed or RuleViolation otherwise."""
    return _refuse_entry(locked(response_id, actor), actor)


def _touched(response_id: int, actor: User) -> DemandResponse:
    """The same for writing one line: the answer's version moves, and an untouched answer becomes a draft.

    The update itself is the lock; where the rules refuse, the exception takes it back.
    """
    hold_shared(DemandSurvey, "responses", response_id)
    visible = DemandResponse.objects.visible_to(actor).filter(pk=response_id)
    begun = Case(When(state=ResponseState.NOT_STARTED, then=Value(ResponseState.DRAFT)), default=F("state"))
    if not DemandResponse.objects.filter(pk__in=visible.values("pk")).update(version=F("version") + 1, state=begun):
        raise Http404
    last = DemandItem.objects.filter(response=OuterRef("pk")).order_by("-position").values("position")[:1]
    rows = with_counts(DemandResponse.objects.filter(pk=response_id)).annotate(last_position=Subquery(last))
    return _refuse_entry(rows.select_related("survey__framework", "organisation").get(), actor)


def _refuse_entry(response: DemandResponse, actor: User) -> DemandResponse:
    if demand_rules.COORDINATOR not in capacities_of(actor, response):
        raise NotAllowed
    code = demand_rules.entry_refusal(situation_of(response))
    if code is not None:
        raise refuse(code)
    return response


def _checked(line: Line, response: DemandResponse) -> Line:
    """The line, tidied; RuleViolation where it can't stand, whoever sends it."""
    skill = line["skill"]
    if skill.framework_id != response.survey.framework_id or skill.kind != ItemKind.DIGITAL:
        raise refuse("unknown_skill")
    code = demand_rules.line_refusal(
        level=line["level"],
        headcount=line["headcount"],
        needed_from=line["needed_from"],
        needed_until=line["needed_until"],
    )
    if code is not None:
        raise refuse(code)
    business, note = tidy(line["business"])[: LONGEST["business"]], tidy(line["note"])[: LONGEST["note"]]
    if not business or line["phase"] not in Phase.values:
        raise refuse("empty_text")
    return {**line, "business": business, "note": note}


def _begun(response: DemandResponse) -> None:
    """The first line makes an untouched answer a draft; every change moves the answer's version."""
    if response.state == ResponseState.NOT_STARTED:
        response.state = ResponseState.DRAFT
    response.version += 1
    response.save(update_fields=["state", "version"])


@transaction.atomic
def line_add(*, response_id: int, line: Line, actor: User, channel: str = "page") -> DemandItem:
    """Add one line at the end; at most 1,000."""
    response = _touched(response_id, actor)
    if counted(response, "line_count") >= demand_rules.MOST_LINES:
        raise refuse("too_many_lines")
    last: int | None = vars(response)["last_position"]
    position = 0 if last is None else last + 1
    item = DemandItem.objects.create(response=response, position=position, **_checked(line, response))
    audit.record(verb="demand.line_add", actor=actor, target=item, channel=channel)
    return item


@dataclass(frozen=True)
class Changed:
    """A line as it was stored."""

    line: Line
    version: int
    updated_at: datetime


@transaction.atomic
def line_change(
    *, response_id: int, item_id: int, version: int, line: Line, actor: User, channel: str = "page"
) -> Changed:
    """Change one line if it still has the version that was seen; Conflict with its present version otherwise."""
    response = _touched(response_id, actor)
    row, now = DemandItem.objects.filter(pk=item_id, response=response), clock.now()
    values = _checked(line, response)
    if not row.filter(version=version).update(version=F("version") + 1, updated_at=now, **values):
        raise _conflict(row.first(), "changed")
    audit.record(verb="demand.line_change", actor=actor, target=DemandItem(pk=item_id), channel=channel)
    return Changed(values, version + 1, now)


@transaction.atomic
def line_remove(*, response_id: int, item_id: int, version: int, actor: User, channel: str = "page") -> None:
    """Remove one line if it still has the version that was seen; Conflict otherwise."""
    row = DemandItem.objects.filter(pk=item_id, response=_touched(response_id, actor))
    removed, _by_model = row.filter(version=version).delete()
    if not removed:
        raise _conflict(row.first(), "changed_since")
    audit.record(verb="demand.line_remove", actor=actor, target=DemandItem(pk=item_id), channel=channel)


def _conflict(present: DemandItem | None, code: str) -> Exception:
    if present is None:
        return Http404()
    details = {"version": present.version, "business": present.business, "headcount": present.headcount}
    return stale(code, details)


# ----------------------------------------------------------------------------------------------- many lines at once


@dataclass(frozen=True)
class Replaced:
    """What putting other lines in place of the present ones did."""

    added: int
    changed: int
    removed: int
    same: int


@transaction.atomic
def lines_replace(*, response_id: int, lines: Sequence[Line], version: int, actor: User) -> Replaced:
    """Put these lines in place of all present ones, if the answer has the version that was seen; Conflict otherwise.

    Lines that stay or are changed keep their identity, so that whoever has one open notices the change.
    """
    response = _writable(response_id, actor)
    if response.version != version:
        raise stale("sheet_stale", {"version": response.version})
    if len(lines) > demand_rules.MOST_LINES:
        raise refuse("too_many_lines")
    wanted = [_checked(line, response) for line in lines]
    present = list(lines_of(response))
    comparison = compare([entry_of(line_of(item)) for item in present], [entry_of(line) for line in wanted])
    done = _write(response, present, wanted, comparison)
    if done.added or done.changed or done.removed:
        _begun(response)
        audit.record(
            verb="demand.replace",
            actor=actor,
            target=response,
            added=done.added,
            changed=done.changed,
            removed=done.removed,
        )
    return done


def _write(
    response: DemandResponse, present: Sequence[DemandItem], wanted: Sequence[Line], comparison: Comparison
) -> Replaced:
    now, fresh, changed, moved = clock.now(), [], [], []
    for position, (line, index) in enumerate(zip(wanted, comparison.before, strict=True)):
        if index is None:
            fresh.append(DemandItem(response=response, position=position, **line))
            continue
        item = present[index]
        if line_of(item) != line:
            for name, value in line.items():
                setattr(item, name, value)
            item.position, item.version, item.updated_at = position, item.version + 1, now
            changed.append(item)
        elif item.position != position:
            item.position = position
            moved.append(item)
    removed = [present[index].pk for index in comparison.removed]
    DemandItem.objects.filter(response=response, pk__in=removed).delete()
    DemandItem.objects.bulk_update(changed, [*LINE_FIELDS, "position", "version", "updated_at"], batch_size=200)
    DemandItem.objects.bulk_update(moved, ["position"], batch_size=500)
    DemandItem.objects.bulk_create(fresh, batch_size=200)
    return Replaced(len(fresh), len(changed), len(removed), len(wanted) - len(fresh) - len(changed))


@dataclass(frozen=True)
class Copied:
    """How many lines were copied, and how many were left out since their item is no longer asked about."""

    lines: int
    left_out: int


@transaction.atomic
def copy_last_year(*, response_id: int, actor: User) -> Copied:
    """Copy the lines of the organisation's last answer into an empty one, without periods; items by their code."""
    response = _writable(response_id, actor)
    if counted(response, "line_count"):
        raise refuse("lines_there")
    source = last_years_response(response)
    if source is None:
        raise refuse("nothing_to_copy")
    lines, left_out = last_years_lines(response, source)
    if not lines:
        raise refuse("nothing_to_copy")
    rows = [DemandItem(response=response, position=position, **line) for position, line in enumerate(lines)]
    DemandItem.objects.bulk_create(rows, batch_size=200)
    _begun(response)
    audit.record(verb="demand.copy", actor=actor, target=response, lines=len(lines), left_out=left_out)
    return Copied(len(lines), left_out)


def last_years_lines(response: DemandResponse, source: DemandResponse) -> tuple[list[Line], int]:
    """The lines of an earlier answer as they would stand in this one, and how many have no item any more."""
    skills = {skill.code: skill for skill in skills_of(response.survey.framework)}
    items = list(lines_of(source))
    kept = [item for item in items if item.skill.code in skills]
    lines: list[Line] = [
        {**line_of(item), "skill": skills[item.skill.code], "needed_from": None, "needed_until": None} for item in kept
    ]
    return lines, len(items) - len(kept)
