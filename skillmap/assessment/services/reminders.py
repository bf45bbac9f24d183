"""Reminders: the texts, the automatic ones, told once per stage, and those sent by hand; one per step and day."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.assessment import cycle_rules, mail_texts, rules
from skillmap.assessment.choices import CycleState, CycleStep
from skillmap.assessment.cycle_messages import REFUSALS, refuse
from skillmap.assessment.models import Assessment, Cycle, MailText
from skillmap.assessment.selectors.board import DueRow, due_rows
from skillmap.assessment.selectors.cycles import windows_of_cycle
from skillmap.core import audit, clock, notifications
from skillmap.core.errors import Conflict
from skillmap.core.models import Notification
from skillmap.core.templatetags.ui.words import jp_date
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import User

KEPT_FOR = timedelta(days=400)  # the reminders of one cycle lie within that
KIND_OF = {
    cycle_rules.OPENS: mail_texts.OPENS,
    cycle_rules.SOON: mail_texts.SOON,
    cycle_rules.OVERDUE: mail_texts.OVERDUE,
}

# ------------------------------------------------------------------------------------------------------------ texts


@transaction.atomic
def mail_text_save(*, kind: str, subject: str, body: str, version: int, actor: User) -> MailText:
    """Keep the words of one kind of reminder.

    Args:
        version: the stored version that the actor saw; 0 where nothing was stored yet.

    Raises:
        RuleViolation: `unknown_kind`, `unknown_placeholder`.
        Conflict: `text_changed`, with the present `subject` and `body`.
    """
    access_of(actor).require(Role.SECRETARIAT)
    if kind not in mail_texts.TEXTS:
        raise refuse("unknown_kind")
    unknown = mail_texts.unknown_placeholders(f"{subject}\n{body}")
    if unknown:
        raise refuse("unknown_placeholder", name=f"{{{unknown[0]}}}")
    values = {"subject": " ".join(subject.split())[:200], "body": body.strip(), "updated_by": actor}
    if version == 0:
        try:
            with transaction.atomic():
                row = MailText.objects.create(kind=kind, **values)
        except IntegrityError as error:
            raise _text_conflict(kind) from error
    else:
        moved = MailText.objects.filter(kind=kind, version=version).update(
            version=F("version") + 1, updated_at=clock.now(), **values
        )
        if not moved:
            raise _text_conflict(kind)
        row = MailText.objects.get(kind=kind)
    audit.record(verb="mail_text.save", actor=actor, target=row, kind=kind)
    return row


def _text_conflict(kind: str) -> Conflict:
    present = MailText.objects.filter(kind=kind).first()
    details = {"version": present.version, "subject": present.subject, "body": present.body} if present else {}
    return Conflict(REFUSALS["text_changed"], code="text_changed", details=details)


@transaction.atomic
def mail_text_reset(*, kind: str, actor: User) -> None:
    """Go back to the built-in words."""
    access_of(actor).require(Role.SECRETARIAT)
    if MailText.objects.filter(kind=kind).delete()[0]:
        audit.record(verb="mail_text.reset", actor=actor, kind=kind)


def words_of(kinds: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Subject and body of kinds: the kept words, else the built-in ones; one query."""
    kept = {row.kind: (row.subject, row.body) for row in MailText.objects.filter(kind__in=list(kinds))}
    return {
        kind: kept.get(kind) or (str(mail_texts.TEXTS[kind].subject), str(mail_texts.TEXTS[kind].body))
        for kind in kinds
    }


# ---------------------------------------------------------------------------------------------------------- sending


@dataclass(frozen=True)
class Sent:
    """What became of reminders: written now, held back since sent today already, and people without an account."""

    sent: int
    already: int
    unreachable: int


def remind_automatically(cycle: Cycle) -> Sent:
    """Write the reminders that fall on today for one running cycle; running it again writes nothing twice."""
    today = clock.today()
    opened_on = cycle.opened_at.astimezone(clock.TOKYO).date() if cycle.opened_at is not None else None
    chosen: list[tuple[DueRow, cycle_rules.Reminder]] = []
    for row in due_rows(cycle, windows_of_cycle(cycle)):
        due = cycle_rules.reminder(rules.Window(row.opens_on, row.due_on), today, opened_on=opened_on)
        if due is not None:
            chosen.append((row, due))
    return _send(cycle, chosen, today)


def remind_now(*, cycle_id: int, assessment_ids: Sequence[int], actor: User) -> Sent:
    """Remind whoever the chosen checks wait for: the persons, and each mentor once for all who wait.

    Checks that wait for the secretariat, or for nobody, are passed over. RuleViolation `not_open`, `nothing_chosen`.
    """
    access_of(actor).require(Role.SECRETARIAT)
    cycle = Cycle.objects.visible_to(actor).get(pk=cycle_id)
    if cycle.state != CycleState.OPEN:
        raise refuse("not_open")
    visible = Assessment.objects.visible_to(actor).filter(cycle=cycle)
    wanted = sorted(set(assessment_ids))
    if not wanted:
        raise refuse("nothing_chosen")
    rows = due_rows(cycle, windows_of_cycle(cycle), only=wanted)
    known = set(visible.filter(pk__in=[row.check_id for row in rows]).values_list("pk", flat=True))
    with transaction.atomic(), notifications.in_own_language():
        now = cycle_rules.Reminder("now", clock.today().isoformat())
        outcome = _send(cycle, [(row, now) for row in rows if row.check_id in known], clock.today())
        audit.record(verb="cycle.remind", actor=actor, target=cycle, sent=outcome.sent)
    return outcome


def _send(cycle: Cycle, chosen: Sequence[tuple[DueRow, cycle_rules.Reminder]], today: date) -> Sent:
    words = words_of(mail_texts.TEXTS)
    rows: list[Notification] = []
    unreachable = 0
    mentors: defaultdict[tuple[int, str, str], list[DueRow]] = defaultdict(list)
    for row, due in chosen:
        if row.who == rules.MENTOR:
            if row.mentor_user is None:
                unreachable += 1
            else:
                mentors[row.mentor_user, row.step, due.stage].append(row)
        elif row.user_id is None:
            unreachable += 1
        else:
            rows.append(_to_person(cycle, row, due, words, today))
    names = dict(User.objects.filter(pk__in={key[0] for key in mentors}).values_list("pk", "name"))
    rows += [
        _to_mentor(cycle, user, names.get(user, ""), stage, waiting, words, today)
        for (user, _step, stage), waiting in mentors.items()
    ]
    written = _write(rows)
    return Sent(written, len(rows) - written, unreachable)


def _what(key: str) -> str:
    """What a key is about, whatever its stage: the check and its step, or all that wait for a mentor at a step."""
    return key.rpartition(":")[0]


def _write(rows: Sequence[Notification]) -> int:
    """Write what is not there yet, about one thing once a day at most; returns how many were written.

    A stage that is passed over for that is told on the next day.
    """
    recipients = {row.recipient_id for row in rows}
    before, told_today = _held(recipients, {row.dedup_key for row in rows})
    fresh = []
    for row in rows:
        about = (row.recipient_id, _what(row.dedup_key))
        if (row.recipient_id, row.dedup_key) in before or about in told_today:
            continue
        told_today.add(about)
        fresh.append(row)
    notifications.notify_many(fresh)
    return len(fresh)


def _held(recipients: set[int], keys: set[str]) -> tuple[set[tuple[int, str]], set[tuple[int, str]]]:
    """Of these keys those that were told before, and what was told today by whichever key; each with its recipient."""
    found: set[tuple[int, str]] = set()
    told_today: set[tuple[int, str]] = set()
    midnight = datetime.combine(clock.today(), time(), tzinfo=clock.TOKYO)
    ordered = sorted(recipients)
    for start in range(0, len(ordered), 5000):
        rows = Notification.objects.filter(
            recipient__in=ordered[start : start + 5000],
            kind__startswith="reminder.",
            created_at__gte=clock.now() - KEPT_FOR,
        )
        for recipient, key, at in rows.values_list("recipient_id", "dedup_key", "created_at"):
            if key in keys:
                found.add((recipient, key))
            if at >= midnight:
                told_today.add((recipient, _what(key)))
    return found, told_today


def _values(cycle: Cycle, row: DueRow, name: str, today: date, count: int = 1) -> dict[str, object]:
    return {
        "name": name,
        "cycle": cycle.name,
        "step": _step_in_words(row),
        "opens_on": jp_date(row.opens_on),
        "closes_on": jp_date(row.due_on),
        "days_left": max(0, (row.due_on - today).days),
        "count": count,
    }


def _step_in_words(row: DueRow) -> str:
    """What is to be done; the last thing that a person does has no step of its own in the calendar."""
    receives = row.who == rules.SELF and row.step in (CycleStep.CONFIRMATION, CycleStep.SECOND_ONE_ON_ONE)
    return _("Receiving the result") if receives else str(CycleStep(row.step).label)


def _to_person(
    cycle: Cycle, row: DueRow, due: cycle_rules.Reminder, words: Mapping[str, tuple[str, str]], today: date
) -> Notification:
    kind = KIND_OF.get(due.kind, mail_texts.NOW)
    subject, body = words[kind]
    values = _values(cycle, row, row.name, today)
    assert row.user_id is not None  # noqa: S101  the caller has looked
    return notifications.build(
        recipient_id=row.user_id,
        kind=kind,
        subject=mail_texts.filled(subject, values),
        body=mail_texts.filled(body, values),
        path=reverse("assessment:check", args=[row.check_id]),
        dedup_key=f"reminder:{row.check_id}:{row.step}:{due.stage}",
    )


def _to_mentor(
    cycle: Cycle,
    user_id: int,
    name: str,
    stage: str,
    waiting: Sequence[DueRow],
    words: Mapping[str, tuple[str, str]],
    today: date,
) -> Notification:
    first = min(waiting, key=lambda row: row.due_on)
    subject, body = words[mail_texts.MENTOR]
    values = _values(cycle, first, name, today, count=len(waiting))
    return notifications.build(
        recipient_id=user_id,
        kind=mail_texts.MENTOR,
        subject=mail_texts.filled(subject, values),
        body=mail_texts.filled(body, values),
        path=reverse("assessment:mentees"),
        dedup_key=f"reminder:mentor:{cycle.pk}:{first.step}:{stage}",
    )
