"""訂正申出: the person objects to a confirmed level, the secretariat answers; accepting reopens the check."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from skillmap.assessment import objection_rules
from skillmap.assessment.choices import Action, ObjectionState, State
from skillmap.assessment.messages import REFUSALS, refuse
from skillmap.assessment.models import Objection, SkillRating
from skillmap.assessment.selectors.situations import capacity_of, situation_of
from skillmap.assessment.services.locking import lock_check
from skillmap.assessment.services.transitions import transition
from skillmap.core import audit, clock, notifications
from skillmap.core.errors import Conflict
from skillmap.framework.choices import Level
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import RoleGrant, User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LONGEST = 1000
RAISED = _("A request for correction of a confirmed level has come in")
ACCEPTED = _("Your request for correction was accepted: your check is open again")
ACCEPTED_WHILE_OPEN = _("Your request for correction was accepted: your check had already been opened again")
REFUSED = _("Your request for correction was answered")


@transaction.atomic
def raise_objection(
    *, assessment_id: int, skill_code: str, wanted_level: int, text: str, actor: User, channel: str = "page"
) -> Objection:
    """Object to the confirmed level of one item; the secretariat is told.

    Raises Http404 (no such check or item), and RuleViolation: wrong_person, not_confirmed, unknown_level, text_missing,
    too_long, objection_same_level, objection_open.
    """
    check = lock_check(assessment_id, actor)
    code = objection_rules.objection_refusal(situation_of(check), capacity_of(actor, check).words)
    if code is not None:
        raise refuse(code)
    if wanted_level not in Level.values:
        raise refuse("unknown_level")
    words = _words(text, missing="text_missing")
    rating = SkillRating.objects.filter(assessment=check, skill__code=skill_code).select_related("skill").first()
    if rating is None:
        raise Http404
    if rating.confirmed_level == wanted_level:
        raise refuse("objection_same_level")
    if Objection.objects.filter(assessment=check, skill=rating.skill, state=ObjectionState.OPEN).exists():
        raise refuse("objection_open")
    row = Objection.objects.create(assessment=check, skill=rating.skill, wanted_level=wanted_level, text=words)
    audit.record(verb="objection.raise", actor=actor, target=row, subject_id=check.staff_id, channel=channel)
    notifications.notify_many(
        notifications.build(
            recipient_id=user_id,
            kind="objection.raised",
            subject=RAISED,
            path=reverse("assessment:objection_answer", args=[row.pk]),
            dedup_key=f"objection:{row.pk}",
        )
        for user_id in _secretariat()
        if user_id != actor.pk
    )
    return row


def _words(text: str, *, missing: str) -> str:
    words = text.strip()
    if not words:
        raise refuse(missing)
    if len(words) > LONGEST:
        raise refuse("too_long")
    return words


def _secretariat() -> list[int]:
    grants = RoleGrant.objects.in_force().filter(role=Role.SECRETARIAT, user__is_active=True)
    return sorted(set(grants.values_list("user_id", flat=True)))


@transaction.atomic
def answer_objection(
    *, objection_id: int, version: int, accept: bool, answer: str, actor: User, channel: str = "page"
) -> Objection:
    """Answer a request for correction, with reason; accepting reopens the check by the usual step. The person is told.

    Raises:
        NotAllowed: the actor is not the secretariat.
        Http404: there is no such request.
        RuleViolation: own_objection, comment_required, too_long, objection_answered, objection_withdrawn (nothing can
            be corrected any more: it can but be refused), or what `transition` refuses.
        Conflict: the request was changed meanwhile.
    """
    access_of(actor).require(Role.SECRETARIAT)
    found = Objection.objects.filter(pk=objection_id).values_list("assessment_id", flat=True).first()
    if found is None:
        raise Http404
    check = lock_check(found, actor)
    row = Objection.objects.select_for_update(of=("self",)).get(pk=objection_id)
    if check.staff_id == access_of(actor).staff_id:
        raise refuse("own_objection")
    if row.state != ObjectionState.OPEN:
        raise refuse("objection_answered")
    if row.version != version:
        raise Conflict(REFUSALS["changed"], code="changed", details={"version": row.version})
    if accept and check.state == State.WITHDRAWN:
        raise refuse("objection_withdrawn")
    words = _words(answer, missing="comment_required")
    row.state = ObjectionState.ACCEPTED if accept else ObjectionState.REFUSED
    row.answer, row.answered_by, row.answered_at = words, actor, clock.now()
    row.version += 1
    row.save(update_fields=["state", "answer", "answered_by", "answered_at", "version"])
    audit.record(
        verb="objection.accept" if accept else "objection.refuse",
        actor=actor,
        target=row,
        subject_id=check.staff_id,
        channel=channel,
    )
    reopens = accept and check.state in (State.CONFIRMED, State.RECEIVED)
    if reopens:
        transition(assessment_id=check.pk, action=Action.REOPEN, actor=actor, comment=words, channel=channel)
    if check.staff.user_id is not None:
        notifications.notify(
            recipient_id=check.staff.user_id,
            kind="objection.answered",
            subject=_told(accept=accept, reopens=reopens),
            path=reverse("assessment:result", args=[check.pk]),
            dedup_key=f"objection:{row.pk}:answer",
            mail=not reopens,  # the step has mailed already
        )
    return row


def _told(*, accept: bool, reopens: bool) -> "StrOrPromise":
    if not accept:
        return REFUSED
    return ACCEPTED if reopens else ACCEPTED_WHILE_OPEN
