"""1on1s: the mentor's view of levels, the shared note, the private memo, the dated record.

Everything is saved by compare and set: what somebody else changed meanwhile is never overwritten unseen. What belongs
to a mentor is written by somebody who mentors the person at that moment: the pair's row is held until the end.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import F
from django.http import Http404

from skillmap.assessment import meeting_rules
from skillmap.assessment.choices import Action, MeetingKind, MeetingWay
from skillmap.assessment.messages import REFUSALS, refuse
from skillmap.assessment.models import Assessment, MentorPair, OneOnOne, PrivateMemo, SkillRating
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.selectors.meetings.parts import Meeting
from skillmap.assessment.selectors.meetings.reading import dossier_of
from skillmap.assessment.services.locking import share_cycle_of
from skillmap.assessment.services.standing import settle
from skillmap.assessment.services.transitions import transition
from skillmap.core import audit, clock
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.framework.choices import Level
from skillmap.people.access import access_of
from skillmap.people.models import User

LONGEST_NOTE, LONGEST_WORDS, LONGEST_REASON = 4000, 2000, 500


@dataclass(frozen=True)
class View:
    """The mentor's view of one item: a level or none, and the reason."""

    level: int | None
    reason: str = ""


@dataclass(frozen=True)
class Text:
    """A text as it was entered, and the version that its author had before them (0: nothing was written yet)."""

    version: int
    text: str


def hold(assessment_id: int, actor: User) -> Dossier:
    """Lock a check that the actor may know of and the pair by which they mentor, then read; Http404 otherwise.

    In this order: the cycle (shared), the check, the pair. A hand-over waits for the end of this transaction, or has
    happened and is seen.
    """
    share_cycle_of(assessment_id)
    visible = Assessment.objects.visible_to(actor).filter(pk=assessment_id).select_for_update(of=("self",))
    check = visible.values_list("cycle_id", "staff_id").first()
    if check is None:
        raise Http404
    pairs = MentorPair.objects.active().filter(cycle=check[0], mentee=check[1], mentor=access_of(actor).staff_id)
    list(pairs.select_for_update(no_key=True).values_list("pk", flat=True))
    dossier = dossier_of(actor, assessment_id)
    if dossier is None:
        raise Http404
    return dossier


def refuse_unless(code: str | None, dossier: Dossier) -> None:
    """Raise what a rule refused."""
    if code is not None:
        raise refuse(code, {"state": dossier.assessment.state})


# ---------------------------------------------------------------------------------------------- the mentor's view


@transaction.atomic
def save_view(*, assessment_id: int, skill_code: str, version: int, view: View, actor: User) -> int:
    """Save the mentor's view of one item; returns the item's new version.

    Raises:
        Http404: no such check or item for this actor.
        RuleViolation: not a mentor's turn, window over, unknown level, reason too long.
        Conflict: the item was changed meanwhile; `details` holds the present `version`, `level` and `reason`.
    """
    dossier = hold(assessment_id, actor)
    refuse_unless(meeting_rules.record_refusal(meeting_rules.FIRST, dossier.situation, dossier.words), dossier)
    return _set_view(dossier, skill_code, version, view, actor)


def _set_view(dossier: Dossier, skill_code: str, version: int, view: View, actor: User) -> int:
    _check_view(view)
    row = SkillRating.objects.filter(assessment=dossier.assessment, skill__code=skill_code)
    now = clock.now()
    written = row.filter(version=version).update(
        mentor_level=view.level,
        mentor_reason=view.reason.strip(),
        mentor_at=now,
        mentor_by=actor,
        updated_at=now,
        version=F("version") + 1,
    )
    if written:
        return version + 1
    present = row.first()
    if present is None:
        raise Http404
    if (present.mentor_level, present.mentor_reason) == (view.level, view.reason.strip()):
        return present.version  # sent twice, as after a lost answer
    details = {"version": present.version, "level": present.mentor_level, "reason": present.mentor_reason}
    raise Conflict(REFUSALS["changed"], code="changed", details=details)


def _check_view(view: View) -> None:
    if view.level is not None and view.level not in Level.values:
        raise refuse("unknown_level")
    if len(view.reason.strip()) > LONGEST_REASON:
        raise refuse("too_long")


# ------------------------------------------------------------------------------------ shared note, own words, memo


@transaction.atomic
def save_note(*, assessment_id: int, kind: str, note: Text, actor: User) -> int:
    """Save the mentor's side of the shared note, also before the 1on1 is held; returns its new version.

    Raises as `save_view`; the Conflict's `details` hold the present `version` and `text`.
    """
    dossier = hold(assessment_id, actor)
    refuse_unless(meeting_rules.record_refusal(kind, dossier.situation, dossier.words), dossier)
    return _set_note(dossier, kind, note, actor)


def _set_note(dossier: Dossier, kind: str, note: Text, actor: User) -> int:
    present = dossier.meetings[kind]
    _check_length(note, LONGEST_NOTE)
    if present.shared_note == note.text and present.version:
        return present.version
    if present.version != note.version:
        raise _text_conflict(present.version, present.shared_note)
    _write_meeting(dossier, kind, actor, shared_note=note.text, version=note.version + 1)
    return note.version + 1


def _write_meeting(dossier: Dossier, kind: str, actor: User, **changes: Any) -> None:
    """Change the row of a 1on1, or make it; the check's lock keeps two from making it."""
    row = OneOnOne.objects.filter(assessment=dossier.assessment, kind=kind)
    if row.update(updated_at=clock.now(), **changes):
        return
    own = access_of(actor).staff_id
    mentor_id = own if dossier.is_mentor and own is not None else dossier.mentors[0].staff_id
    values = {"mentor_id": mentor_id, "version": 0, **changes}
    OneOnOne.objects.create(assessment=dossier.assessment, kind=kind, created_by=actor, **values)


def _check_length(note: Text, most: int) -> None:
    if len(note.text) > most:
        raise refuse("too_long")


def _text_conflict(version: int, text: str) -> Conflict:
    return Conflict(REFUSALS["changed"], code="changed", details={"version": version, "text": text})


@transaction.atomic
def save_words(*, assessment_id: int, kind: str, words: Text, actor: User) -> int:
    """Save the person's own part of the shared note: what to talk about, or how it was. Returns its new version.

    The mentor reads it at once. Raises as `save_note`, and RuleViolation `no_mentor` while there is nobody to read it.
    """
    dossier = hold(assessment_id, actor)
    refuse_unless(meeting_rules.words_refusal(dossier.situation, dossier.words), dossier)
    if kind != dossier.kind:
        raise refuse("wrong_state", {"state": dossier.assessment.state})
    if not dossier.mentors:
        raise refuse("no_mentor")
    present = dossier.meetings[kind]
    _check_length(words, LONGEST_WORDS)
    if present.person_note == words.text:
        return present.person_version
    if present.person_version != words.version:
        raise _text_conflict(present.person_version, present.person_note)
    _write_meeting(dossier, kind, actor, person_note=words.text, person_version=words.version + 1)
    return words.version + 1


@transaction.atomic
def save_memo(*, assessment_id: int, memo: Text, actor: User) -> int:
    """Save the mentor's private memo; nobody else ever reads it. Returns its new version. Raises as `save_note`."""
    dossier = hold(assessment_id, actor)
    refuse_unless(dossier.memo_refusal, dossier)
    return _set_memo(dossier, memo, actor)


def _set_memo(dossier: Dossier, memo: Text, actor: User) -> int:
    _check_length(memo, LONGEST_NOTE)
    if dossier.memo.text == memo.text:
        return dossier.memo.version
    if dossier.memo.version != memo.version:
        raise _text_conflict(dossier.memo.version, dossier.memo.text)
    row = PrivateMemo.objects.filter(assessment=dossier.assessment, author=actor)
    if not row.update(text=memo.text, version=memo.version + 1, updated_at=clock.now()):
        PrivateMemo.objects.create(assessment=dossier.assessment, author=actor, text=memo.text, version=1)
    return memo.version + 1


@transaction.atomic
def remove_memo(*, memo_id: int, actor: User) -> None:
    """Delete an own memo, also after a hand-over; Http404 for anybody else's."""
    removed, _by_model = PrivateMemo.objects.visible_to(actor).filter(pk=memo_id).delete()
    if not removed:
        raise Http404


# ------------------------------------------------------------------------------------------------- a whole page


@dataclass(frozen=True)
class PageEntry:
    """What a 1on1 page sends at once: views by item code with the version seen, the note and the memo."""

    kind: str
    views: Mapping[str, tuple[int, View]] = field(default_factory=dict)
    note: Text | None = None
    memo: Text | None = None


@dataclass(frozen=True)
class PageOutcome:
    """What became of a page: how many parts were saved; the present values of those that somebody else changed; and
    the sentence for those that were refused. Parts are `note`, `memo` and item codes.
    """

    saved: int
    conflicts: Mapping[str, Mapping[str, Any]]
    refused: Mapping[str, str]

    @property
    def is_clean(self) -> bool:
        """Whether everything is saved."""
        return not self.conflicts and not self.refused


@transaction.atomic
def save_page(*, assessment_id: int, entry: PageEntry, actor: User) -> PageOutcome:
    """Save a page: each part by itself, conflicts and refusals kept apart; what is equal to the stored is not written.

    Raises Http404 where the actor does not mentor the person (any more).
    """
    dossier = hold(assessment_id, actor)
    if not dossier.is_mentor:
        raise Http404
    parts: dict[str, Callable[[], object]] = {}
    record_code = meeting_rules.record_refusal(entry.kind, dossier.situation, dossier.words)
    for code, (version, view) in _changed_views(dossier, entry).items():
        first_code = meeting_rules.record_refusal(meeting_rules.FIRST, dossier.situation, dossier.words)
        parts[code] = _part(first_code, dossier, _set_view, code, version, view, actor)
    if entry.note is not None and entry.note.text != dossier.meetings[entry.kind].shared_note:
        parts["note"] = _part(record_code, dossier, _set_note, entry.kind, entry.note, actor)
    if entry.memo is not None and entry.memo.text != dossier.memo.text:
        parts["memo"] = _part(dossier.memo_refusal, dossier, _set_memo, entry.memo, actor)
    conflicts: dict[str, Mapping[str, Any]] = {}
    refused: dict[str, str] = {}
    for name, save in parts.items():
        try:
            save()
        except Conflict as conflict:
            conflicts[name] = conflict.details
        except RuleViolation as refusal:
            refused[name] = str(refusal)
    return PageOutcome(len(parts) - len(conflicts) - len(refused), conflicts, refused)


def _part(code: str | None, dossier: Dossier, save: Callable[..., object], *arguments: object) -> Callable[[], object]:
    def run() -> object:
        refuse_unless(code, dossier)
        return save(dossier, *arguments)

    return run


def _changed_views(dossier: Dossier, entry: PageEntry) -> dict[str, tuple[int, View]]:
    if not entry.views:
        return {}
    rows = SkillRating.objects.filter(assessment=dossier.assessment, skill__code__in=entry.views)
    stored = {
        code: (level, reason)
        for code, level, reason in rows.values_list("skill__code", "mentor_level", "mentor_reason")
    }
    return {
        code: (version, view)
        for code, (version, view) in entry.views.items()
        if code in stored and stored[code] != (view.level, view.reason.strip())
    }


# ------------------------------------------------------------------------------------------------- the dated record


@transaction.atomic
def record_meeting(
    *,
    assessment_id: int,
    kind: str,
    held_on: date,
    way: str,
    actor: User,
    note: Text | None = None,
    channel: str = "page",
) -> Meeting:
    """Record that a 1on1 was held: its day and way, with or without the shared note; a recorded one is mended.

    A deputy is recorded as such. Raises as `save_note`, and RuleViolation held_in_future, held_too_early, way_missing.
    """
    dossier = hold(assessment_id, actor)
    refuse_unless(meeting_rules.record_refusal(kind, dossier.situation, dossier.words), dossier)
    if way not in MeetingWay.values:
        raise refuse("way_missing")
    _check_day(dossier, kind, held_on)
    before = dossier.meetings[kind]
    version = before.version if note is None else _set_note(dossier, kind, note, actor)
    if (before.held_on, before.way) != (held_on, way):
        changes: dict[str, Any] = {"held_on": held_on, "way": way, "version": version + 1}
        if before.held_on is None:
            changes |= {"mentor_id": access_of(actor).staff_id, "by_deputy": dossier.is_deputy}
        _write_meeting(dossier, kind, actor, **changes)
        settle(Assessment.objects.filter(pk=assessment_id))
        audit.record(
            verb="one_on_one.record" if before.held_on is None else "one_on_one.change",
            actor=actor,
            target=dossier.assessment,
            subject_id=dossier.assessment.staff_id,
            channel=channel,
            kind=kind,
            deputy=dossier.is_deputy,
        )
    after = dossier_of(actor, assessment_id)
    assert after is not None  # noqa: S101  its row is locked
    return after.meetings[kind]


def _check_day(dossier: Dossier, kind: str, held_on: date) -> None:
    if held_on > clock.today():
        raise refuse("held_in_future")
    window = dossier.situation.windows.get(meeting_rules.WINDOWS[kind])
    if window is not None and held_on < window.opens_on:
        raise refuse("held_too_early")


@transaction.atomic
def finish_first(*, assessment_id: int, held_on: date, way: str, actor: User, channel: str = "page") -> Assessment:
    """Record the first 1on1 and hand the check to the person for correction, together or not at all."""
    record_meeting(
        assessment_id=assessment_id, kind=MeetingKind.FIRST, held_on=held_on, way=way, actor=actor, channel=channel
    )
    return transition(assessment_id=assessment_id, action=Action.REVIEW, actor=actor, channel=channel)
