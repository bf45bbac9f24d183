"""An organisation's answer to the demand survey on its way: submitted, opened again, questions and replies."""

from django.db import transaction
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.core import audit, clock, notifications
from skillmap.core.errors import NotAllowed
from skillmap.gaps import demand_rules
from skillmap.gaps.choices import ResponseState
from skillmap.gaps.messages import refuse
from skillmap.gaps.models import DemandQuestion, DemandResponse
from skillmap.gaps.selectors.demand import (
    capacities_of,
    situation_of,
)
from skillmap.gaps.services.demand import locked
from skillmap.gaps.services.demand_notices import tell
from skillmap.people.models import User


@transaction.atomic
def response_step(*, response_id: int, action: str, actor: User) -> DemandResponse:
    """Submit, report nothing, or open again; asking back needs a text, see `question_ask`.

    RuleViolation where the rules say no, NotAllowed for the wrong person.
    """
    response = locked(response_id, actor)
    held = capacities_of(actor, response)
    if demand_rules.COORDINATOR not in held:
        raise NotAllowed
    code = "unknown_action" if action == "ask" else demand_rules.refusal(action, situation_of(response), held)
    if code is not None:
        raise refuse(code)
    source, response.state = response.state, demand_rules.STEPS[action].target
    response.version += 1
    done = response.state in demand_rules.ANSWERED
    response.submitted_at, response.submitted_by = (clock.now(), actor) if done else (None, None)
    response.save(update_fields=["state", "version", "submitted_at", "submitted_by"])
    audit.record(verb=f"demand.{action}", actor=actor, target=response, source=source, to=response.state)
    return response


@transaction.atomic
def question_ask(*, response_id: int, text: str, actor: User) -> DemandQuestion:
    """Ask the organisation back; its answer opens again and the coordinators are told."""
    response = locked(response_id, actor)
    if not text.strip():
        raise refuse("empty_text")
    code = demand_rules.refusal("ask", situation_of(response), capacities_of(actor, response))
    if code == "wrong_person":
        raise NotAllowed
    if code is not None:
        raise refuse(code)
    question = DemandQuestion.objects.create(response=response, text=text.strip()[:1000], asked_by=actor)
    response.state = ResponseState.QUESTIONED
    response.version += 1
    response.save(update_fields=["state", "version"])
    audit.record(verb="demand.ask", actor=actor, target=response)
    tell(
        [response],
        kind="demand.ask",
        subject=lambda _answer: _("The secretariat has a question about the demand survey"),
        body=lambda _answer: _("Reply to it on the page, change lines where needed, and submit again."),
        key=lambda _answer: str(question.pk),
    )
    return question


@transaction.atomic
def question_reply(*, question_id: int, response_id: int, text: str, actor: User) -> None:
    """Reply to a question; the one who asked is told."""
    response = locked(response_id, actor)
    if demand_rules.COORDINATOR not in capacities_of(actor, response):
        raise NotAllowed
    if not text.strip():
        raise refuse("empty_text")
    question = DemandQuestion.objects.select_for_update().filter(pk=question_id, response=response).first()
    if question is None:
        raise Http404
    code = demand_rules.reply_refusal(situation_of(response))
    if code is not None or question.replied_at is not None:
        raise refuse(code or "wrong_state")
    question.reply, question.replied_by, question.replied_at = text.strip()[:1000], actor, clock.now()
    question.save(update_fields=["reply", "replied_by", "replied_at"])
    audit.record(verb="demand.reply", actor=actor, target=response)
    with notifications.in_own_language():
        what = _("A question about the demand survey was answered")
        subject = f"{what}: {response.organisation.label}"
    notifications.notify(
        recipient_id=question.asked_by_id,
        kind="demand.reply",
        subject=subject,
        path=reverse("gaps:demand", args=[response.pk]),
        dedup_key=f"demand.reply:{question.pk}",
    )
