"""Writes of a gap run: ask for one, stop it, publish it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import Http404
from django.utils import translation

from skillmap.assessment.choices import CycleState
from skillmap.assessment.models import Cycle
from skillmap.core import audit, clock, jobs
from skillmap.core.choices import JobState
from skillmap.gaps import rules
from skillmap.gaps.choices import LevelBasis, SurveyState
from skillmap.gaps.models import DemandSurvey, GapRun, PlaceInput
from skillmap.gaps.run_messages import refuse
from skillmap.gaps.selectors import counting
from skillmap.people.access import access_of
from skillmap.people.choices import Occupation, Role
from skillmap.people.models import User

RUN_KIND = "gaps.run"


def default_settings(basis: str = LevelBasis.CONFIRMED) -> dict[str, Any]:
    """The settings of a run unless others are asked for, by name.

    `basis`, `population` (occupations), `supply_level`, `top_share` as [numerator, denominator], `k`.
    """
    default = rules.Parameters()
    return {
        "basis": basis,
        "population": list(settings.SUPPLY_OCCUPATIONS),
        "supply_level": default.supply_level,
        "top_share": [default.top_numerator, default.top_denominator],
        "k": settings.SMALL_CELL_K,
    }


@transaction.atomic
def run_request(
    *,
    cycle_id: int,
    survey_id: int,
    basis: str = LevelBasis.CONFIRMED,
    parameters: Mapping[str, Any] | None = None,
    actor: User | None,
) -> GapRun:
    """Ask for a run: its row and its job, which a worker does. The same request again returns the one under way.

    Args:
        basis: which levels count, see `selectors.counting`.
        parameters: settings other than the default ones, by the names of `default_settings`.
        actor: None on the command line, where whoever runs the machine asks.

    Raises:
        NotAllowed: for the secretariat alone.
        Http404: no such cycle or survey.
        RuleViolation: cycle_not_open, survey_not_open, unknown_basis, unknown_parameter, bad_supply_level,
            bad_top_share, bad_k, bad_population, too_many_items, top_of_none.
    """
    _require_secretariat(actor)
    cycle = Cycle.objects.select_related("framework").filter(pk=cycle_id).first()
    survey = DemandSurvey.objects.filter(pk=survey_id).first()
    if cycle is None or survey is None:
        raise Http404
    if cycle.state == CycleState.DRAFT:
        raise refuse("cycle_not_open")
    if survey.state == SurveyState.DRAFT:
        raise refuse("survey_not_open")
    chosen = _checked(basis, parameters or {})
    _refuse_items(cycle, chosen)

    inputs = {"cycle": cycle.pk, "survey": survey.pk, "settings": chosen}
    told = {**inputs, "language": translation.get_language()}  # no part of the key: the same run for whoever asks
    job = jobs.enqueue(RUN_KIND, told, requested_by=actor, dedup_key=_key_of(inputs))
    under_way = GapRun.objects.filter(job=job).first()
    if under_way is not None:
        return under_way
    default = default_settings()
    run = GapRun.objects.create(
        job=job,
        fiscal_year=cycle.fiscal_year,
        cycle=cycle,
        survey=survey,
        framework=cycle.framework,
        basis=basis,
        parameters={
            "settings": {name: {"value": value, "default": default[name]} for name, value in chosen.items()},
        },
        requested_by=actor,
    )
    audit.record(verb="gap_run.request", actor=actor, target=run, settings=chosen)
    return run


def _require_secretariat(actor: User | None) -> None:
    if actor is not None:
        access_of(actor).require(Role.SECRETARIAT)


def run_again(*, run_id: int, actor: User) -> GapRun:
    """Ask for a new run of the same cycle and survey by the same settings; the old one stays as it is."""
    access_of(actor).require(Role.SECRETARIAT)
    run = GapRun.objects.filter(pk=run_id).first()
    if run is None:
        raise Http404
    chosen = {name: entry["value"] for name, entry in run.parameters["settings"].items() if name != "basis"}
    return run_request(cycle_id=run.cycle_id, survey_id=run.survey_id, basis=run.basis, parameters=chosen, actor=actor)


def _key_of(inputs: Mapping[str, Any]) -> str:
    text = json.dumps(inputs, sort_keys=True)
    return f"{inputs['cycle']}:{inputs['survey']}:{blake2b(text.encode(), digest_size=8).hexdigest()}"


def _refuse_items(cycle: Cycle, chosen: Mapping[str, Any]) -> None:
    """Refuse more items than a run compares, and a share that makes none of them top; of a single one no share does."""
    items = len(counting.items_of(cycle.framework))
    if items > counting.MOST_ITEMS:
        raise refuse("too_many_items", most=counting.MOST_ITEMS)
    numerator, denominator = chosen["top_share"]
    if items > 1 and not rules.Parameters(top_numerator=numerator, top_denominator=denominator).top(items):
        raise refuse("top_of_none", items=items)


def _checked(basis: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """All settings, those asked for over the default ones. RuleViolation where they make no sense."""
    if basis not in LevelBasis.values:
        raise refuse("unknown_basis")
    chosen = default_settings(basis)
    if not parameters.keys() <= chosen.keys() - {"basis"}:
        raise refuse("unknown_parameter")
    chosen |= parameters
    if type(chosen["supply_level"]) is not int or chosen["supply_level"] not in rules.DEMAND_LEVELS:
        raise refuse("bad_supply_level")
    if not _is_share(chosen["top_share"]):
        raise refuse("bad_top_share")
    if type(chosen["k"]) is not int or not settings.SMALL_CELL_K <= chosen["k"] <= 1000:
        raise refuse("bad_k", least=settings.SMALL_CELL_K)
    population = chosen["population"]
    if not isinstance(population, list) or not population or not all(word in Occupation.values for word in population):
        raise refuse("bad_population")
    return {**chosen, "population": sorted(set(population)), "top_share": list(chosen["top_share"])}


def _is_share(value: object) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return False
    numerator, denominator = value
    whole_numbers = type(numerator) is int and type(denominator) is int
    return whole_numbers and 0 < numerator < denominator <= 1000


@transaction.atomic
def run_cancel(*, run_id: int, actor: User) -> None:
    """Ask a run under way to stop; a waiting one stops at once. RuleViolation `not_running` where it is over."""
    access_of(actor).require(Role.SECRETARIAT)
    run = GapRun.objects.select_related("job").filter(pk=run_id).first()
    if run is None:
        raise Http404
    if run.job is None or not run.job.is_active:
        raise refuse("not_running")
    jobs.request_cancel(run.job, actor)
    run.job.refresh_from_db(fields=["state"])
    if run.job.state == JobState.CANCELLED:  # it waited, perhaps for another attempt: what the first one read goes
        PlaceInput.objects.filter(run=run).delete()


@transaction.atomic
def run_publish(*, run_id: int, actor: User | None) -> GapRun:
    """Let executives and coordinators see a finished run; it can't be taken back, they have seen it.

    What a run hides depends on the runs published before it: one that was computed without knowing of a published run
    is refused. The cycle's runs are locked, so that of two published at once the second one sees the first.

    Raises:
        RuleViolation: not_finished, already_published, tally_stays, newer_published.
    """
    _require_secretariat(actor)
    cycle_id = GapRun.objects.filter(pk=run_id).values_list("cycle_id", flat=True).first()
    if cycle_id is None:
        raise Http404
    of_cycle = {run.pk: run for run in GapRun.objects.select_for_update().filter(cycle=cycle_id).order_by("pk")}
    run = of_cycle[run_id]
    if run.finished_at is None:
        raise refuse("not_finished")
    if run.published_at is not None:
        raise refuse("already_published")
    if run.basis != LevelBasis.CONFIRMED:
        raise refuse("tally_stays")
    published = {pk for pk, other in of_cycle.items() if other.published_at is not None}
    if published != set(run.parameters["history"]):
        raise refuse("newer_published")
    run.published_at = clock.now()
    run.save(update_fields=["published_at"])
    audit.record(verb="gap_run.publish", actor=actor, target=run)
    return run
