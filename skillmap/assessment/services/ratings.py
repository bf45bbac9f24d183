"""Answers of a check: level, wish and note per item by compare and set; evidence; the purpose text acknowledged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from django.db import transaction
from django.db.models import Count, F, IntegerField, OuterRef, Subquery
from django.http import Http404
from django.utils.translation import gettext as _

from skillmap.assessment import rules
from skillmap.assessment.choices import State
from skillmap.assessment.messages import REFUSALS, refuse
from skillmap.assessment.models import Assessment, Evidence, PurposeAcknowledgement, SkillRating
from skillmap.assessment.selectors.situations import capacity_of, entry_situation_of
from skillmap.assessment.services.locking import lock_check, lock_entry
from skillmap.assessment.services.notices import tell_about_entry
from skillmap.core import audit, clock
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.framework.choices import Level
from skillmap.people.models import User

MOST_EVIDENCE = 10


class Answer(TypedDict, total=False):
    """What a person may change in one item; keys that are absent stay as they are."""

    level: int | None
    wish: bool
    note: str


@dataclass(frozen=True)
class Saved:
    """An item after saving, and how far the check is."""

    rating: SkillRating
    level: int | None
    answered: int
    items: int


def _open_check(assessment_id: int, actor: User) -> tuple[Assessment, str, bool]:
    """Lock a check in which the actor may answer now: the check, the level's column, whether it is on behalf."""
    check = lock_entry(assessment_id, actor)
    capacity = capacity_of(actor, check)
    if rules.SELF not in capacity.words and not capacity.on_behalf:
        raise refuse("wrong_person")
    code = rules.entry_refusal(entry_situation_of(check))
    column = rules.editable_level(check.state)
    if code is not None or column is None:
        raise refuse(code or "wrong_state", {"state": check.state})
    return check, column, rules.SELF not in capacity.words


@transaction.atomic
def save_rating(
    *, assessment_id: int, skill_code: str, version: int, answer: Answer, actor: User, channel: str = "page"
) -> Saved:
    """Save one item if it still has the version that the person saw.

    Raises:
        Http404: no such check or item for this actor.
        RuleViolation: not the person's turn, window over, unknown level.
        Conflict: another tab or person was first; `details` holds the present `version`, `level`, `wish`, `note`.
    """
    check, column, on_behalf = _open_check(assessment_id, actor)
    try:
        _save_one(check, column, skill_code, version, answer, actor)
    except Conflict as conflict:
        if on_behalf:  # a refused try must not tell what somebody else is answering
            raise Conflict(str(conflict), code="changed", details={"version": conflict.details["version"]}) from None
        if any(conflict.details[name] != value for name, value in answer.items()):
            raise
        return _saved(check, column, skill_code)  # sent twice, as after a lost answer
    if on_behalf:
        _record_on_behalf(check, actor, channel, [skill_code])
    return _saved(check, column, skill_code)


def _saved(check: Assessment, column: str, skill_code: str) -> Saved:
    """The item as it is now, and how far the check is; one query."""
    beside = SkillRating.objects.filter(assessment=OuterRef("assessment")).order_by().values("assessment")
    progress = beside.annotate(items=Count("pk"), answered=Count(column))
    rows = SkillRating.objects.annotate(
        item_count=Subquery(progress.values("items"), output_field=IntegerField()),
        answered_count=Subquery(progress.values("answered"), output_field=IntegerField()),
    )
    rating = rows.get(assessment=check, skill__code=skill_code)
    return Saved(rating, getattr(rating, column), rating.answered_count, rating.item_count)


def _save_one(check: Assessment, column: str, skill_code: str, version: int, answer: Answer, actor: User) -> None:
    changes = _changes(column, answer, actor)
    row = SkillRating.objects.filter(assessment=check, skill__code=skill_code)
    if row.filter(version=version).update(version=F("version") + 1, updated_at=clock.now(), **changes):
        return
    present = row.first()
    if present is None:
        raise Http404
    raise Conflict(
        REFUSALS["changed"],
        code="changed",
        details={
            "version": present.version,
            "level": getattr(present, column),
            "wish": present.wish,
            "note": present.note,
        },
    )


def _changes(column: str, answer: Answer, actor: User) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "level" in answer:
        level = answer["level"]
        if level is not None and level not in Level.values:
            raise refuse("unknown_level")
        prefix = column.removesuffix("_level")
        changes |= {column: level, f"{prefix}_at": clock.now(), f"{prefix}_by": actor}
    if "wish" in answer:
        changes["wish"] = answer["wish"]
    if "note" in answer:
        changes["note"] = answer["note"].strip()[:500]
    return changes


def _record_on_behalf(check: Assessment, actor: User, channel: str, codes: Sequence[str]) -> None:
    audit.record(
        verb="assessment.entry_on_behalf",
        actor=actor,
        target=check,
        subject_id=check.staff_id,
        channel=channel,
        items=list(codes),
    )
    tell_about_entry(check)


@dataclass(frozen=True)
class FormOutcome:
    """What became of a whole page of answers: codes saved, and for each conflict the present values."""

    saved: tuple[str, ...]
    conflicts: Mapping[str, Mapping[str, Any]]


def save_form(*, assessment_id: int, answers: Mapping[str, tuple[int, Answer]], actor: User) -> FormOutcome:
    """Save a page sent without JavaScript: each item (code -> version seen, answer) by itself, conflicts kept apart.

    What is equal to the stored value is not written, so that an old tab does not undo anything.
    """
    saved: list[str] = []
    conflicts: dict[str, Mapping[str, Any]] = {}
    with transaction.atomic():
        check, column, on_behalf = _open_check(assessment_id, actor)
        present = {rating.skill.code: rating for rating in check.ratings.select_related("skill")}
        for code, (version, answer) in answers.items():
            rating = present.get(code)
            if rating is None or not _differs(rating, column, answer):
                continue
            try:
                _save_one(check, column, code, version, answer, actor)
            except Conflict as conflict:
                conflicts[code] = conflict.details
            else:
                saved.append(code)
        if saved and on_behalf:
            _record_on_behalf(check, actor, "page", saved)
    return FormOutcome(tuple(saved), conflicts)


def _differs(rating: SkillRating, column: str, answer: Answer) -> bool:
    stored = {"level": getattr(rating, column), "wish": rating.wish, "note": rating.note}
    return any(stored[key] != value for key, value in answer.items())


class EvidenceEntry(TypedDict, total=False):
    """One piece of evidence as it is entered."""

    work: str
    fiscal_year: int | None
    difficulty: str
    role: str
    shown: str
    certification_id: int | None


def _evidence_values(entry: EvidenceEntry) -> dict[str, Any]:
    values: dict[str, Any] = dict(entry)
    if not values.get("work", "").strip() and not values.get("certification_id"):
        raise RuleViolation(_("Write the work or choose a certificate."), code="evidence_empty")
    return values


@transaction.atomic
def evidence_add(*, assessment_id: int, skill_code: str, entry: EvidenceEntry, actor: User) -> Evidence:
    """Put one piece of evidence beside an item; at most ten. Raises as `save_rating`."""
    check, _column, on_behalf = _open_check(assessment_id, actor)
    rating = SkillRating.objects.filter(assessment=check, skill__code=skill_code).first()
    if rating is None:
        raise Http404
    position = rating.evidence.count()
    if position >= MOST_EVIDENCE:
        raise RuleViolation(
            _("An item holds at most %(most)d pieces of evidence. Change or remove one of them.")
            % {"most": MOST_EVIDENCE},
            code="evidence_full",
        )
    row = Evidence.objects.create(rating=rating, position=position, created_by=actor, **_evidence_values(entry))
    if on_behalf:
        _record_on_behalf(check, actor, "page", [skill_code])
    return row


@transaction.atomic
def evidence_change(
    *, assessment_id: int, evidence_id: int, version: int, entry: EvidenceEntry, actor: User
) -> Evidence:
    """Change one piece of evidence if it still has the version that the person saw; Conflict with the present text."""
    check, _column, on_behalf = _open_check(assessment_id, actor)
    row = Evidence.objects.filter(pk=evidence_id, rating__assessment=check)
    if not row.filter(version=version).update(version=F("version") + 1, **_evidence_values(entry)):
        present = row.first()
        if present is None:
            raise Http404
        raise Conflict(
            REFUSALS["changed"],
            code="changed",
            details={"version": present.version, "work": present.work, "shown": present.shown},
        )
    changed = row.select_related("rating__skill").get()
    if on_behalf:
        _record_on_behalf(check, actor, "page", [changed.rating.skill.code])
    return changed


@transaction.atomic
def evidence_remove(*, assessment_id: int, evidence_id: int, actor: User) -> None:
    """Remove one piece of evidence while the item can be answered; Http404 where it is not there."""
    check, _column, on_behalf = _open_check(assessment_id, actor)
    row = Evidence.objects.filter(pk=evidence_id, rating__assessment=check).select_related("rating__skill").first()
    if row is None:
        raise Http404
    row.delete()
    if on_behalf:
        _record_on_behalf(check, actor, "page", [row.rating.skill.code])


@transaction.atomic
def acknowledge_purpose(*, assessment: Assessment, actor: User) -> None:
    """Record that the person has seen the cycle's purpose text, in its version; pressing twice is once."""
    PurposeAcknowledgement.objects.get_or_create(
        staff_id=assessment.staff_id, cycle_id=assessment.cycle_id, purpose_text_id=assessment.cycle.purpose_text_id
    )
    audit.record(
        verb="purpose.acknowledge",
        actor=actor,
        target=assessment,
        subject_id=assessment.staff_id,
        purpose_text=assessment.cycle.purpose_text_id,
    )


@transaction.atomic
def choose_target(*, assessment_id: int, job_type_id: int | None, actor: User) -> None:
    """Choose the job type that the person compares with; open in any state before withdrawal, for the person alone."""
    check = lock_check(assessment_id, actor)
    if rules.SELF not in capacity_of(actor, check).words:
        raise refuse("wrong_person")
    if check.state == State.WITHDRAWN:
        raise refuse("wrong_state", {"state": check.state})
    if job_type_id is not None and not check.cycle.framework.job_types.filter(pk=job_type_id).exists():
        raise Http404
    Assessment.objects.filter(pk=check.pk).update(target_job_type=job_type_id)
