"""Writes of the demand survey: the survey itself, an organisation's lines, its steps, questions and replies."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, TypedDict

from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.core import audit, clock, notifications
from skillmap.core.errors import Conflict
from skillmap.core.locks import hold_shared
from skillmap.framework.models import Framework, Skill
from skillmap.gaps import demand_rules
from skillmap.gaps.choices import ResponseState, SurveyState
from skillmap.gaps.messages import REFUSALS, refuse
from skillmap.gaps.models import DemandItem, DemandQuestion, DemandResponse, DemandSurvey
from skillmap.gaps.selectors.demand import capacities_of, last_years_response, situation_of, with_counts
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import Organisation, RoleGrant, User

MOST_LINES = 1000


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


# ---------------------------------------------------------------------------------------------------------- survey


@transaction.atomic
def survey_create(
    *, fiscal_year: int, name: str, framework: Framework, opens_on: date, closes_on: date,
    organisations: Iterable[Organisation], actor: User,
) -> DemandSurvey:  # fmt: skip
    """A survey in preparation, with an empty answer for each organisation asked. RuleViolation where the name is taken."""
    access_of(actor).require(Role.SECRETARIAT)
    asked = list(organisations)
    if not asked:
        raise refuse("no_organisations")
    try:
        with transaction.atomic():
            survey = DemandSurvey.objects.create(
                fiscal_year=fiscal_year, name=name, framework=framework, opens_on=opens_on, closes_on=closes_on,
                created_by=actor,
            )  # fmt: skip
    except IntegrityError as error:
        raise refuse("survey_exists") from error
    DemandResponse.objects.bulk_create(DemandResponse(survey=survey, organisation=unit) for unit in asked)
    audit.record(verb="survey.create", actor=actor, target=survey, organisations=len(asked))
    return survey


@transaction.atomic
def survey_open(*, survey_id: int, actor: User) -> DemandSurvey:
    """Open a survey and tell the coordinators of the organisations asked."""
    survey = _survey(survey_id, actor, SurveyState.DRAFT)
    _move(survey, SurveyState.OPEN, actor)
    _tell_coordinators(survey, kind="survey.open", subject=_("The demand survey has begun"))
    return survey


@transaction.atomic
def survey_close(*, survey_id: int, actor: User) -> DemandSurvey:
    """Close a survey; answers stay as they are."""
    survey = _survey(survey_id, actor, SurveyState.OPEN)
    _move(survey, SurveyState.CLOSED, actor)
    return survey


@transaction.atomic
def survey_remind(*, survey_id: int, actor: User) -> int:
    """Remind the coordinators whose answer is not in; once a day each. Returns how many answers are missing."""
    survey = _survey(survey_id, actor, SurveyState.OPEN)
    missing = survey.responses.filter(state__in=sorted(demand_rules.WRITABLE))
    _tell_coordinators(
        survey,
        kind="survey.remind",
        subject=_("The demand survey waits for your answer"),
        responses=missing,
        suffix=clock.today().isoformat(),
    )
    audit.record(verb="survey.remind", actor=actor, target=survey)
    return missing.count()


def _survey(survey_id: int, actor: User, state: SurveyState) -> DemandSurvey:
    access_of(actor).require(Role.SECRETARIAT)
    survey = DemandSurvey.objects.select_for_update().filter(pk=survey_id).first()
    if survey is None:
        raise Http404
    if survey.state != state:
        raise refuse("wrong_state")
    return survey


def _move(survey: DemandSurvey, state: SurveyState, actor: User) -> None:
    survey.state = state
    survey.version += 1
    survey.save(update_fields=["state", "version"])
    audit.record(verb=f"survey.{state.value}", actor=actor, target=survey)


def _tell_coordinators(
    survey: DemandSurvey, *, kind: str, subject: str, responses: Any = None, suffix: str = ""
) -> None:
    """One notice per coordinator and answer; two queries."""
    answers = list((responses if responses is not None else survey.responses.all()).select_related("organisation"))
    grants = RoleGrant.objects.in_force().filter(role=Role.COORDINATOR).select_related("organisation")
    paths = [(grant.user_id, grant.organisation.path) for grant in grants if grant.organisation is not None]
    notifications.notify_many(
        notifications.build(
            recipient_id=user_id,
            kind=kind,
            subject=f"{subject}: {answer.organisation.label}",
            path=reverse("gaps:demand", args=[answer.pk]),
            dedup_key=f"{kind}:{answer.pk}:{suffix}",
        )
        for answer in answers
        for user_id, path in paths
        if answer.organisation.path.startswith(path)
    )


@transaction.atomic
def response_extend(*, response_id: int, until: date, actor: User) -> None:
    """Give one organisation a later closing day."""
    access_of(actor).require(Role.SECRETARIAT)
    response = _locked(response_id, actor)
    response.extended_to = until
    response.version += 1
    response.save(update_fields=["extended_to", "version"])
    audit.record(verb="demand.extend", actor=actor, target=response, until=until.isoformat())


# ----------------------------------------------------------------------------------------------------------- lines


def _locked(response_id: int, actor: User) -> DemandResponse:
    """Lock an answer that the actor sees, then read it with its counts; Http404 otherwise.

    The survey is held first, shared: closing it waits for writers under way, and later ones see it closed.
    """
    hold_shared(DemandSurvey.objects.filter(responses=response_id))
    visible = DemandResponse.objects.visible_to(actor).filter(pk=response_id)
    locked = visible.select_for_update(of=("self",)).values_list("pk", flat=True).first()
    if locked is None:
        raise Http404
    rows = with_counts(DemandResponse.objects.filter(pk=locked))
    return rows.select_related("survey__framework", "organisation").get()


def _writable(response_id: int, actor: User) -> DemandResponse:
    response = _locked(response_id, actor)
    if demand_rules.COORDINATOR not in capacities_of(actor, response):
        raise refuse("wrong_person")
    code = demand_rules.entry_refusal(situation_of(response))
    if code is not None:
        raise refuse(code)
    return response


def _begun(response: DemandResponse) -> None:
    """The first line makes an untouched answer a draft; every change moves the answer's version."""
    if response.state == ResponseState.NOT_STARTED:
        response.state = ResponseState.DRAFT
    response.version += 1
    response.save(update_fields=["state", "version"])


@transaction.atomic
def line_add(*, response_id: int, line: Line, actor: User) -> DemandItem:
    """Add one line; at most 1,000."""
    response = _writable(response_id, actor)
    count: int = response.line_count  # type: ignore[attr-defined]
    if count >= MOST_LINES:
        raise refuse("too_many_lines")
    item = DemandItem.objects.create(response=response, position=count, **line)
    _begun(response)
    return item


@transaction.atomic
def line_change(*, response_id: int, item_id: int, version: int, line: Line, actor: User) -> DemandItem:
    """Change one line if it still has the version that was seen; Conflict with its present version otherwise."""
    response = _writable(response_id, actor)
    row = DemandItem.objects.filter(pk=item_id, response=response)
    if not row.filter(version=version).update(version=F("version") + 1, updated_at=clock.now(), **line):
        present = row.first()
        if present is None:
            raise Http404
        raise Conflict(
            REFUSALS["changed"],
            code="changed",
            details={"version": present.version, "business": present.business, "headcount": present.headcount},
        )
    _begun(response)
    return row.get()


@transaction.atomic
def line_remove(*, response_id: int, item_id: int, actor: User) -> None:
    """Remove one line."""
    response = _writable(response_id, actor)
    removed, _by_model = DemandItem.objects.filter(pk=item_id, response=response).delete()
    if not removed:
        raise Http404
    _begun(response)


@transaction.atomic
def lines_replace(*, response_id: int, lines: Sequence[Line], version: int, actor: User) -> int:
    """Put these lines in place of all present ones (upload of a sheet), if the answer has the version that was seen."""
    response = _writable(response_id, actor)
    if response.version != version:
        raise Conflict(REFUSALS["changed"], code="changed", details={"version": response.version})
    if len(lines) > MOST_LINES:
        raise refuse("too_many_lines")
    DemandItem.objects.filter(response=response).delete()
    DemandItem.objects.bulk_create(
        (DemandItem(response=response, position=index, **line) for index, line in enumerate(lines)), batch_size=500
    )
    _begun(response)
    audit.record(verb="demand.replace", actor=actor, target=response, lines=len(lines))
    return len(lines)


@transaction.atomic
def copy_last_year(*, response_id: int, actor: User) -> int:
    """Copy the lines of the organisation's last answer into an empty one; items are found by their code."""
    response = _writable(response_id, actor)
    if response.line_count:  # type: ignore[attr-defined]
        raise refuse("lines_there")
    source = last_years_response(response)
    if source is None:
        raise refuse("nothing_to_copy")
    skills = {skill.code: skill for skill in response.survey.framework.skills.all()}
    rows = []
    for item in source.items.select_related("skill").order_by("position", "pk"):
        if item.skill.code not in skills:
            continue
        item.pk, item.response, item.skill, item.version = None, response, skills[item.skill.code], 1
        item.needed_from = item.needed_until = None
        rows.append(item)
    DemandItem.objects.bulk_create(rows, batch_size=500)
    _begun(response)
    return len(rows)


# ----------------------------------------------------------------------------------------------------------- steps


@transaction.atomic
def response_step(*, response_id: int, action: str, actor: User) -> DemandResponse:
    """Submit, report nothing, or open again. RuleViolation where the rules say no."""
    response = _locked(response_id, actor)
    code = demand_rules.refusal(action, situation_of(response), capacities_of(actor, response))
    if code is not None or action == "ask":
        raise refuse(code or "wrong_person")
    source, response.state = response.state, demand_rules.STEPS[action].target
    response.version += 1
    done = response.state in (ResponseState.SUBMITTED, ResponseState.NONE)
    response.submitted_at, response.submitted_by = (clock.now(), actor) if done else (None, None)
    response.save(update_fields=["state", "version", "submitted_at", "submitted_by"])
    audit.record(verb=f"demand.{action}", actor=actor, target=response, source=source, to=response.state)
    return response


@transaction.atomic
def question_ask(*, response_id: int, text: str, actor: User) -> DemandQuestion:
    """Ask the organisation back; its answer opens again and the coordinators are told."""
    if not text.strip():
        raise refuse("empty_text")
    response = _locked(response_id, actor)
    code = demand_rules.refusal("ask", situation_of(response), capacities_of(actor, response))
    if code is not None:
        raise refuse(code)
    question = DemandQuestion.objects.create(response=response, text=text.strip()[:1000], asked_by=actor)
    response.state = ResponseState.QUESTIONED
    response.version += 1
    response.save(update_fields=["state", "version"])
    audit.record(verb="demand.ask", actor=actor, target=response)
    _tell_coordinators(
        response.survey,
        kind="demand.ask",
        subject=_("The secretariat has a question about the demand survey"),
        responses=DemandResponse.objects.filter(pk=response.pk),
        suffix=str(question.pk),
    )
    return question


@transaction.atomic
def question_reply(*, question_id: int, response_id: int, text: str, actor: User) -> None:
    """Reply to a question; the one who asked is told."""
    if not text.strip():
        raise refuse("empty_text")
    response = _locked(response_id, actor)
    if demand_rules.COORDINATOR not in capacities_of(actor, response):
        raise refuse("wrong_person")
    question = DemandQuestion.objects.select_for_update().filter(pk=question_id, response=response).first()
    if question is None:
        raise Http404
    if question.replied_at is not None:
        raise refuse("wrong_state")
    question.reply, question.replied_by, question.replied_at = text.strip()[:1000], actor, clock.now()
    question.save(update_fields=["reply", "replied_by", "replied_at"])
    audit.record(verb="demand.reply", actor=actor, target=response)
    notifications.notify(
        recipient_id=question.asked_by_id,
        kind="demand.reply",
        subject=_("A question about the demand survey was answered"),
        path=reverse("gaps:demand", args=[response.pk]),
        dedup_key=f"demand.reply:{question.pk}",
    )
