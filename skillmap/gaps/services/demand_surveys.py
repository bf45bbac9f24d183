"""Writes of the survey itself: made, changed, opened, closed; reminders and more time for those who answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils.translation import gettext as _

from skillmap.core import audit, clock
from skillmap.core.locks import queue_to_change
from skillmap.core.templatetags.ui.words import jp_date
from skillmap.framework.models import Framework
from skillmap.gaps import demand_rules
from skillmap.gaps.choices import SurveyState
from skillmap.gaps.messages import refuse, stale
from skillmap.gaps.models import DemandResponse, DemandSurvey
from skillmap.gaps.services.demand_notices import tell
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import Organisation, User


@transaction.atomic
def survey_create(
    *,
    fiscal_year: int,
    name: str,
    framework: Framework,
    opens_on: date,
    closes_on: date,
    organisations: Iterable[Organisation],
    actor: User,
) -> DemandSurvey:
    """A survey in preparation, with an empty answer for each organisation asked.

    RuleViolation `no_organisations`, or `survey_exists` where the name is taken in this fiscal year.
    """
    access_of(actor).require(Role.SECRETARIAT)
    asked = list(organisations)
    if not asked:
        raise refuse("no_organisations")
    try:
        with transaction.atomic():
            survey = DemandSurvey.objects.create(
                fiscal_year=fiscal_year,
                name=name,
                framework=framework,
                opens_on=opens_on,
                closes_on=closes_on,
                created_by=actor,
            )
    except IntegrityError as error:
        raise refuse("survey_exists") from error
    DemandResponse.objects.bulk_create(DemandResponse(survey=survey, organisation=unit) for unit in asked)
    audit.record(verb="survey.create", actor=actor, target=survey, organisations=len(asked))
    return survey


@transaction.atomic
def survey_change(
    *,
    survey_id: int,
    version: int,
    fiscal_year: int,
    name: str,
    opens_on: date,
    closes_on: date,
    organisations: Iterable[Organisation],
    actor: User,
) -> DemandSurvey:
    """Change a survey in preparation: all of it but the version of the framework.

    RuleViolation `wrong_state`, `no_organisations`, `survey_exists`; Conflict where it has not the version that was
    seen.
    """
    survey = _held(survey_id, actor, SurveyState.DRAFT, version)
    wanted = {unit.pk: unit for unit in organisations}
    if not wanted:
        raise refuse("no_organisations")
    survey.fiscal_year, survey.name, survey.opens_on, survey.closes_on = fiscal_year, name, opens_on, closes_on
    survey.version += 1
    try:
        with transaction.atomic():
            survey.save(update_fields=["fiscal_year", "name", "opens_on", "closes_on", "version"])
    except IntegrityError as error:
        raise refuse("survey_exists") from error
    survey.responses.exclude(organisation__in=wanted).delete()  # nobody can have entered anything yet
    _ask(survey, wanted.values())
    audit.record(verb="survey.change", actor=actor, target=survey, organisations=len(wanted))
    return survey


@transaction.atomic
def survey_prolong(
    *, survey_id: int, version: int, closes_on: date, organisations: Iterable[Organisation], actor: User
) -> DemandSurvey:
    """Change a running survey: another closing day (today or later), and organisations that are asked in addition.

    The coordinators concerned are told. RuleViolation `wrong_state`, `day_passed`, `too_far`; Conflict as above.
    """
    survey = _held(survey_id, actor, SurveyState.OPEN, version)
    moved = survey.closes_on != closes_on
    if moved and closes_on < max(clock.today(), survey.opens_on):
        raise refuse("day_passed")
    if closes_on > demand_rules.LAST_DAY:
        raise refuse("too_far")
    survey.closes_on = closes_on
    survey.version += 1
    survey.save(update_fields=["closes_on", "version"])
    if moved:
        # Whoever had more time before keeps it only as far as it still is more; all others have the new day.
        survey.responses.filter(extended_to__lte=closes_on).update(extended_to=None)
        _tell_new_day(survey.responses.waiting().filter(extended_to=None).select_related("organisation"), closes_on)
    fresh = _ask(survey, organisations)
    _tell_begun(survey, fresh)
    audit.record(
        verb="survey.prolong", actor=actor, target=survey, closes_on=closes_on.isoformat(), organisations=len(fresh)
    )
    return survey


def _ask(survey: DemandSurvey, organisations: Iterable[Organisation]) -> list[DemandResponse]:
    """Empty answers for those who have none yet; returns them with their organisations."""
    there = set(survey.responses.values_list("organisation_id", flat=True))
    fresh = [DemandResponse(survey=survey, organisation=unit) for unit in organisations if unit.pk not in there]
    return DemandResponse.objects.bulk_create(fresh)


def _held(survey_id: int, actor: User, state: str, version: int | None = None) -> DemandSurvey:
    """Lock a survey that is in a state; those who write answers hold it too, so that closing waits for them."""
    access_of(actor).require(Role.SECRETARIAT)
    queue_to_change(DemandSurvey)
    survey = DemandSurvey.objects.select_for_update().filter(pk=survey_id).first()
    if survey is None:
        raise Http404
    if survey.state != state:
        raise refuse("wrong_state")
    if version is not None and survey.version != version:
        raise stale("survey_changed", {"version": survey.version})
    return survey


# ----------------------------------------------------------------------------------------------------------- steps


@transaction.atomic
def survey_step(*, survey_id: int, action: str, actor: User) -> DemandSurvey:
    """Open a survey and tell the coordinators; close it, answers stay as they are; open it again.

    RuleViolation `unknown_action`, `wrong_state`.
    """
    if action not in demand_rules.SURVEY_STEPS:
        raise refuse("unknown_action")
    source, target = demand_rules.SURVEY_STEPS[action]
    survey = _held(survey_id, actor, source)
    survey.state = target
    survey.version += 1
    survey.save(update_fields=["state", "version"])
    audit.record(verb=f"survey.{action}", actor=actor, target=survey)
    if action == "open":
        _tell_begun(survey, list(survey.responses.select_related("organisation")))
    return survey


def _tell_begun(survey: DemandSurvey, answers: Sequence[DemandResponse]) -> None:
    def period(_answer: DemandResponse) -> str:
        text = _("“%(name)s” runs from %(first)s to %(last)s.")
        return text % {"name": survey.name, "first": jp_date(survey.opens_on), "last": jp_date(survey.closes_on)}

    tell(
        answers,
        kind="survey.open",
        subject=lambda _answer: _("The demand survey has begun"),
        body=period,
        key=lambda _answer: "",
    )


def _tell_new_day(answers: Iterable[DemandResponse], day: date) -> None:
    tell(
        answers,
        kind="demand.extend",
        subject=lambda _answer: _("The closing day of the demand survey was moved"),
        body=lambda _answer: _("The answer is now due by %(day)s.") % {"day": jp_date(day)},
        key=lambda _answer: day.isoformat(),
    )


@dataclass(frozen=True)
class Reminded:
    """How many answers are missing, and how many people have been reminded of them."""

    answers: int
    people: int


@transaction.atomic
def survey_remind(*, survey_id: int, actor: User) -> Reminded:
    """Remind the coordinators whose answer is not in; each at most once a day."""
    survey = _held(survey_id, actor, SurveyState.OPEN)
    missing = list(survey.responses.waiting().select_related("organisation", "survey"))
    people = tell(
        missing,
        kind="survey.remind",
        subject=lambda _answer: _("The demand survey waits for your answer"),
        body=lambda answer: _("The closing day is %(day)s.") % {"day": jp_date(answer.extended_to or survey.closes_on)},
        key=lambda _answer: clock.today().isoformat(),
    )
    audit.record(verb="survey.remind", actor=actor, target=survey, answers=len(missing), people=people)
    return Reminded(len(missing), people)


@transaction.atomic
def responses_extend(*, survey_id: int, response_ids: Sequence[int], until: date, actor: User) -> int:
    """Give organisations a later closing day than the others and tell their coordinators; returns how many.

    Those that have answered are passed over, they need no more time.
    RuleViolation `wrong_state`, `day_passed`, `not_later`, `too_far`, `nothing_chosen`.
    """
    survey = _held(survey_id, actor, SurveyState.OPEN)
    code = demand_rules.extension_refusal(
        survey_open=True, closes_on=survey.closes_on, until=until, today=clock.today()
    )
    if code is not None:
        raise refuse(code)
    held = survey.responses.waiting().filter(pk__in=sorted(set(response_ids))).select_for_update(of=("self",))
    chosen = list(held.select_related("organisation").order_by("pk"))
    if not chosen:
        raise refuse("nothing_chosen")
    for response in chosen:
        response.extended_to = until
        response.version += 1
    DemandResponse.objects.bulk_update(chosen, ["extended_to", "version"])
    _tell_new_day(chosen, until)
    audit.record_many(
        audit.build(verb="demand.extend", actor=actor, target=response, until=until.isoformat()) for response in chosen
    )
    return len(chosen)
