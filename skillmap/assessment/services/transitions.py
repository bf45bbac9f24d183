"""Steps of a check: one function for all of them, and the confirmation of many."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from skillmap.assessment import rules
from skillmap.assessment.choices import Action, CycleStep, LevelSource, State
from skillmap.assessment.digits import digits_of
from skillmap.assessment.messages import REFUSALS, refuse
from skillmap.assessment.models import Assessment, AssessmentEvent, Extension, MentorPair, SkillRating
from skillmap.assessment.selectors.situations import Capacity, capacity_of, situation_of
from skillmap.assessment.services.dropped_times import drop_times_of
from skillmap.assessment.services.locking import lock_check
from skillmap.assessment.services.notices import tell_about_step
from skillmap.assessment.services.profile import NewLevel, record_levels
from skillmap.assessment.services.standing import stand
from skillmap.core import audit, clock, notifications
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.plaintext import plain
from skillmap.framework.choices import ItemKind
from skillmap.people.access import access_of
from skillmap.people.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LONGEST_COMMENT = 1000
GRACE_AFTER_RETURN = timedelta(days=7)
TIME_AFTER_RETURN = gettext_lazy("Time after the check was returned")
TIME_AFTER_REOPENING = gettext_lazy("Time after the check was reopened")


@transaction.atomic
def transition(
    *,
    assessment_id: int,
    action: str,
    actor: User,
    comment: str = "",
    expected_version: int | None = None,
    channel: str = "page",
) -> Assessment:
    """Take one step of a check, with its history, audit line and notices; all or nothing.

    Args:
        action: a key of `rules.STEPS`.
        expected_version: the check's version that the actor saw; required to confirm.

    Raises:
        Http404: the actor may not know of the check.
        RuleViolation: the rules say no (see `rules.refusal`), with its code.
        Conflict: the check moved since the actor saw it.
    """
    check = lock_check(assessment_id, actor)
    comment = plain(comment, longest=LONGEST_COMMENT)
    capacity = capacity_of(actor, check)
    words, on_behalf = _words_for(action, capacity)
    _refuse_unless_open(check, action, words, comment)
    if expected_version is None and action == Action.CONFIRM:
        raise Conflict(REFUSALS["changed"], code="changed")
    if expected_version is not None and expected_version != check.version:
        raise Conflict(REFUSALS["changed"], code="changed", details={"version": check.version})

    source, target = check.state, rules.target_of(action, check.state)
    _effects(check, action, actor)
    check.state = target
    check.version += 1
    told = ("submitted_at", "confirmed_at", "confirmed_by", "confirmed_digits", "received_at")
    check.save(update_fields=["state", "version", *told, *stand(check)])
    acting_as = rules.SELF if on_behalf else Capacity(words).acting_as(rules.STEPS[action].actors)
    AssessmentEvent.objects.create(
        assessment=check,
        action=action,
        source=source,
        target=target,
        actor=actor,
        acting_as=acting_as,
        on_behalf=on_behalf,
        comment=comment,
    )
    audit.record(
        verb=f"assessment.{action}",
        actor=actor,
        target=check,
        subject_id=check.staff_id,
        channel=channel,
        source=source,
        to=target,
        on_behalf=on_behalf,
    )
    tell_about_step(check, action=action, actor=actor)
    return check


def _words_for(action: str, capacity: Capacity) -> tuple[frozenset[str], bool]:
    """The capacities to act in; the secretariat may submit and correct on behalf of the person, and it is recorded."""
    on_behalf = capacity.on_behalf and action in (Action.SUBMIT, Action.CORRECT)
    return (frozenset({rules.SELF}) if on_behalf else capacity.words), on_behalf


def _refuse_unless_open(check: Assessment, action: str, words: Iterable[str], comment: str) -> None:
    code = rules.refusal(action, situation_of(check), words, comment=comment)
    if code is not None:
        raise refuse(code, {"state": check.state})


def _effects(check: Assessment, action: str, actor: User) -> None:
    now = clock.now()
    if action == Action.SUBMIT:
        check.submitted_at = now
    elif action == Action.REVIEW:
        # The correction starts from the person's own answers; nothing is taken over from the mentor's view.
        SkillRating.objects.filter(assessment=check, corrected_level=None).update(
            corrected_level=F("self_level"), version=F("version") + 1
        )
    elif action == Action.RETURN:
        step = CycleStep.SELF_CHECK if check.state in (State.SUBMITTED, State.REVIEWED) else CycleStep.CORRECTION
        _give_time(check, step, TIME_AFTER_RETURN, actor)
        if check.state == State.REVIEWED:
            # Whoever answers anew corrects anew: an old correction must not win over the new answer.
            SkillRating.objects.filter(assessment=check).exclude(corrected_level=None).update(
                corrected_level=None, corrected_at=None, corrected_by=None, version=F("version") + 1
            )
    elif action == Action.CONFIRM:
        check.confirmed_at, check.confirmed_by = now, actor
        _confirm_levels(check, actor)
    elif action == Action.RECEIVE:
        check.received_at = now
    elif action == Action.REOPEN:
        check.received_at = None
        _give_time(check, CycleStep.CORRECTION, TIME_AFTER_REOPENING, actor)
        # Without 1on1 there was no correction yet; it starts from what was confirmed.
        SkillRating.objects.filter(assessment=check, corrected_level=None).update(
            corrected_level=F("self_level"), version=F("version") + 1
        )
    elif action == Action.WITHDRAW:
        MentorPair.objects.active().filter(cycle=check.cycle_id, mentee=check.staff_id).update(
            ended_at=now, reason="withdrawn"
        )
        drop_times_of(check)


def _give_time(check: Assessment, step: CycleStep, why: "StrOrPromise", actor: User) -> None:
    """A check that comes back can be worked on for a week at least, even when its window is over."""
    until = clock.today() + GRACE_AFTER_RETURN
    window = situation_of(check).windows.get(step)
    if window is None or window.closes_on >= until:
        return
    with notifications.in_own_language():
        reason = str(why)
    Extension.objects.update_or_create(
        assessment=check,
        step=step,
        defaults={"closes_on": until, "reason": reason, "granted_by": actor},
    )


def _confirm_levels(check: Assessment, actor: User) -> None:
    ratings = list(SkillRating.objects.filter(assessment=check).select_related("skill").order_by("skill__number"))
    SkillRating.objects.filter(assessment=check).update(
        confirmed_level=Coalesce("corrected_level", "self_level"), version=F("version") + 1
    )
    found = [(rating.skill, rules.level_to_confirm(rating.self_level, rating.corrected_level)) for rating in ratings]
    check.confirmed_digits = digits_of(level for skill, level in found if skill.kind == ItemKind.DIGITAL)
    levels = [NewLevel(check.staff_id, skill, level, check) for skill, level in found if level is not None]
    record_levels(levels, valid_from=clock.today(), source=LevelSource.CYCLE, actor=actor)


@dataclass(frozen=True)
class BulkOutcome:
    """What became of each check of a bulk confirmation, by id; `left_out` says why."""

    confirmed: tuple[int, ...]
    changed: tuple[int, ...]
    left_out: tuple[tuple[int, str], ...]


def confirm_many(*, chosen: Iterable[tuple[int, int]], actor: User, channel: str = "page") -> BulkOutcome:
    """Confirm checks, each as (id, version seen in the preview) and in its own transaction, in ascending order.

    What somebody changed since the preview is not confirmed. 403 unless the actor is the secretariat.
    """
    access_of(actor).require("secretariat")
    confirmed: list[int] = []
    changed: list[int] = []
    left_out: list[tuple[int, str]] = []
    for assessment_id, version in sorted(chosen):
        try:
            transition(
                assessment_id=assessment_id, action="confirm", actor=actor, expected_version=version, channel=channel
            )
        except Conflict:
            changed.append(assessment_id)
        except RuleViolation as refusal:
            left_out.append((assessment_id, str(refusal)))
        except Http404:
            left_out.append((assessment_id, _("There is no such check.")))
        else:
            confirmed.append(assessment_id)
    return BulkOutcome(tuple(confirmed), tuple(changed), tuple(left_out))
