"""A run as a job: asked for once, killed half-way, cancelled, taken over by another worker, never two results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db.models import F
from django.http import Http404
from django.utils import translation

from skillmap.core import clock, jobs
from skillmap.core.choices import JobState
from skillmap.core.errors import NotAllowed, RuleViolation
from skillmap.core.jobs import JobRun
from skillmap.core.models import AuditEvent, Job
from skillmap.gaps.choices import LevelBasis
from skillmap.gaps.models import GapCell, GapNode, GapRun, PlaceInput, SkillResult
from skillmap.gaps.selectors import counting
from skillmap.gaps.services import computing
from skillmap.gaps.services.runs import run_again, run_cancel, run_request
from skillmap.people.models import RoleGrant, User
from tests.factories.gaps import RunWorld, asked_run, finished_run, make_run_world
from tests.support.effects import rows_of
from tests.support.ground import on_ground

Progress = Callable[..., None]


class Killed(BaseException):
    """The worker's end: nothing catches it, nothing is cleaned up."""


# 90 people in three bureaus.
laid, world = on_ground(make_run_world)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several chunks even with few people."""
    monkeypatch.setattr("skillmap.gaps.selectors.counting.CHUNK", 20)


def job_of(run: GapRun) -> Job:
    """The run's job as it is now."""
    return Job.objects.get(gap_run=run)


def calls_of(world: RunWorld, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often a run reports progress."""
    seen: list[int] = []
    original: Progress = JobRun.progress

    def progress(run: JobRun, done: int, total: int, message: object = "", **more: Any) -> None:
        seen.append(done)
        original(run, done, total, message, **more)

    with monkeypatch.context() as patch:
        patch.setattr(JobRun, "progress", progress)
        finished_run(world)
    assert seen == sorted(seen), "progress never goes back"
    assert seen[-1] == 100
    return len(seen)


def at_call(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[JobRun], None]) -> None:
    """Do something at the n-th report of progress, once, behind its write."""
    original: Progress = JobRun.progress
    counter: Iterator[int] = iter(range(1, 10_000))

    def progress(run: JobRun, done: int, total: int, message: object = "", **more: Any) -> None:
        original(run, done, total, message, **more)
        if next(counter) == number:
            act(run)

    monkeypatch.setattr(JobRun, "progress", progress)


# ------------------------------------------------------------------------------------------------------ asking for it
def test_asking_twice_is_one_run_and_one_job(world: RunWorld) -> None:
    first, second = asked_run(world), asked_run(world)
    assert first == second
    assert (GapRun.objects.count(), Job.objects.filter(kind="gaps.run").count()) == (1, 1)
    other = asked_run(world, parameters={"supply_level": 3})
    assert other != first
    jobs.run(first.job_id or 0)
    assert asked_run(world) != first, "what is finished can be asked for anew"


def test_settings_are_kept_with_their_defaults(world: RunWorld) -> None:
    run = finished_run(world, parameters={"supply_level": 3, "top_share": [1, 2], "k": 7})
    settings: Mapping[str, Mapping[str, Any]] = run.parameters["settings"]
    assert {name: entry["value"] for name, entry in settings.items()} == {
        "basis": "confirmed",
        "population": ["ict"],
        "supply_level": 3,
        "top_share": [1, 2],
        "k": 7,
    }
    assert (settings["supply_level"]["default"], settings["k"]["default"]) == (2, 5)
    assert (run.parameters["items"], run.parameters["top"], run.parameters["history"]) == (6, 3, [])
    assert run.people == 90


def test_the_settings_are_those_that_the_run_computes_by(world: RunWorld) -> None:
    second, third = finished_run(world), finished_run(world, parameters={"supply_level": 3})
    supply = [dict(run.skills.values_list("skill__number", "supply")) for run in (second, third)]
    root = [GapCell.objects.filter(node__run=run, node__key="whole") for run in (second, third)]
    assert supply[0] == dict(root[0].values_list("skill__number", "at_least_2"))
    assert supply[1] == dict(root[1].values_list("skill__number", "at_least_3"))
    assert supply[0] != supply[1]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"supply_level": 0}, "bad_supply_level"),
        ({"supply_level": True}, "bad_supply_level"),
        ({"supply_level": "2"}, "bad_supply_level"),
        ({"top_share": [3, 3]}, "bad_top_share"),
        ({"top_share": [0, 3]}, "bad_top_share"),
        ({"top_share": "1/3"}, "bad_top_share"),
        ({"top_share": [0.5, 2]}, "bad_top_share"),
        ({"top_share": [1, 7]}, "top_of_none"),
        ({"k": 4}, "bad_k"),
        ({"k": 5.0}, "bad_k"),
        ({"population": []}, "bad_population"),
        ({"population": ["nobody"]}, "bad_population"),
        ({"population": [["ict"]]}, "bad_population"),
        ({"basis": "corrected"}, "unknown_parameter"),
        ({"colour": 1}, "unknown_parameter"),
    ],
)
def test_settings_that_make_no_sense_are_refused(world: RunWorld, parameters: dict[str, Any], code: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        asked_run(world, parameters=parameters)
    assert refused.value.code == code
    assert not GapRun.objects.exists()
    assert not Job.objects.exists()


def test_a_share_of_one_item_is_enough_and_of_a_single_item_any(world: RunWorld) -> None:
    assert finished_run(world, parameters={"top_share": [1, 6]}).parameters["top"] == 1
    single = make_run_world(people=10, items=1, bureaus=1)
    assert finished_run(single).parameters["top"] == 0


def test_cycle_and_survey_must_have_begun(world: RunWorld) -> None:
    type(world.survey).objects.filter(pk=world.survey.pk).update(state="draft")
    with pytest.raises(RuleViolation) as refused:
        asked_run(world)
    assert refused.value.code == "survey_not_open"
    type(world.cycle).objects.filter(pk=world.cycle.pk).update(state="draft", opened_at=None)
    with pytest.raises(RuleViolation) as refused:
        asked_run(world)
    assert refused.value.code == "cycle_not_open"
    with pytest.raises(RuleViolation) as refused:
        asked_run(world, basis="guessed")
    assert refused.value.code in ("cycle_not_open", "unknown_basis")
    with pytest.raises(Http404):
        run_request(cycle_id=0, survey_id=world.survey.pk, actor=world.secretariat)


def test_only_the_secretariat_asks_and_cancels(world: RunWorld) -> None:
    run = asked_run(world)
    for name, user in world.roles().items():
        if name == "secretariat":
            continue
        with pytest.raises(NotAllowed):
            run_request(cycle_id=world.cycle.pk, survey_id=world.survey.pk, actor=user)
        with pytest.raises(NotAllowed):
            run_cancel(run_id=run.pk, actor=user)
        with pytest.raises(NotAllowed):
            run_again(run_id=run.pk, actor=user)
    assert job_of(run).cancel_requested is False


def test_a_role_that_ended_meanwhile_stops_the_job(world: RunWorld) -> None:
    run = asked_run(world)
    RoleGrant.objects.filter(user=world.secretariat).update(revoked_at=clock.now())
    jobs.run(run.job_id or 0)
    assert (job_of(run).state, job_of(run).result["code"]) == (JobState.FAILED, "not_allowed")
    assert not PlaceInput.objects.filter(run=run).exists()


def test_again_is_a_new_run_by_the_same_settings(world: RunWorld) -> None:
    first = finished_run(world, parameters={"k": 6}, basis=LevelBasis.CORRECTED)
    second = run_again(run_id=first.pk, actor=User.objects.get(pk=world.secretariat.pk))
    assert second != first
    assert (second.basis, second.parameters["settings"]) == (first.basis, first.parameters["settings"])


def test_asking_is_in_the_audit_trail_without_levels(world: RunWorld) -> None:
    run = asked_run(world)
    line = AuditEvent.objects.get(verb="gap_run.request")
    assert (line.target, line.actor_id) == (f"gaps.gaprun:{run.pk}", world.secretariat.pk)
    assert line.data["settings"]["k"] == 5


# ----------------------------------------------------------------------------------------------- killed and taken over
def test_killed_at_any_point_and_run_again_stores_the_same(world: RunWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = rows_of(finished_run(world))
    assert len(clean["inputs"]) == 90
    assert len(clean["cells"]) > len(clean["nodes"])
    points = calls_of(world, monkeypatch)
    for point in range(1, points + 1):
        run = asked_run(world, parameters={"k": 5, "top_share": [point + 1, 3 * point + 3]})
        with monkeypatch.context() as patch:
            at_call(patch, point, _die)
            with pytest.raises(Killed):
                jobs.run(run.job_id or 0)
        assert job_of(run).state == JobState.RUNNING
        assert not GapNode.objects.filter(run=run).exists(), "what may be shown is stored whole or not at all"
        Job.objects.filter(gap_run=run).update(lease_until=clock.now() - timedelta(seconds=1))
        jobs.run(run.job_id or 0)
        assert job_of(run).state == JobState.DONE
        assert rows_of(run) == clean, f"killed at report {point} of {points}"


def _die(*_args: object, **_named: object) -> None:
    raise Killed


def test_killed_between_the_last_write_and_the_end_changes_nothing(world: RunWorld) -> None:
    run = finished_run(world)
    before, finished = rows_of(run), run.finished_at
    Job.objects.filter(gap_run=run).update(state=JobState.QUEUED, finished_at=None)
    jobs.run(run.job_id or 0)
    run.refresh_from_db()
    assert (rows_of(run), run.finished_at, job_of(run).state) == (before, finished, JobState.DONE)
    assert job_of(run).result == {
        "run": run.pk,
        "people": 90,
        "proposed": list(
            run.skills.filter(is_proposed=True).order_by("demand_rank").values_list("skill__code", flat=True)
        ),
    }


@pytest.mark.parametrize(
    ("place", "turn", "basis"),
    [
        *(("_levels_so_far", turn, LevelBasis.CORRECTED) for turn in (1, 3, 5)),
        *((place, 1, LevelBasis.CONFIRMED) for place in ("inputs", "own_counts", "places", "demand_lines")),
    ],
)
def test_of_two_workers_only_the_one_that_holds_the_job_writes(
    world: RunWorld, monkeypatch: pytest.MonkeyPatch, place: str, turn: int, basis: str
) -> None:
    clean = rows_of(finished_run(world, basis=basis))
    run = asked_run(world, basis=basis, parameters={"top_share": [2, 6]})
    original: Callable[..., Any] = getattr(counting, place)
    turns = iter(range(1, 1000))
    done: list[dict[str, list[tuple[Any, ...]]]] = []

    def interrupted(*args: Any) -> Any:
        """The first worker stands still here until its lease is over and another one has done the job."""
        if next(turns) == turn:
            Job.objects.filter(gap_run=run).update(lease_until=clock.now() - timedelta(seconds=1))
            jobs.run(run.job_id or 0)
            done.append(rows_of(run))
        return original(*args)

    monkeypatch.setattr(counting, place, interrupted)
    jobs.run(run.job_id or 0)
    assert done == [clean]
    assert rows_of(run) == clean
    assert (job_of(run).state, job_of(run).attempt) == (JobState.DONE, 2)


def test_killed_while_it_stores_leaves_nothing_shown(world: RunWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    run = asked_run(world)
    with monkeypatch.context() as patch:
        patch.setattr(computing, "_printed", _die)  # the last thing that is asked for, behind all other writes
        with pytest.raises(Killed):
            jobs.run(run.job_id or 0)
    run.refresh_from_db()
    assert (run.finished_at, GapCell.objects.count(), SkillResult.objects.count()) == (None, 0, 0)


# ---------------------------------------------------------------------------------------------------------- cancelled
def test_a_waiting_run_stops_at_once(world: RunWorld) -> None:
    run = asked_run(world)
    run_cancel(run_id=run.pk, actor=world.secretariat)
    assert job_of(run).state == JobState.CANCELLED
    with pytest.raises(RuleViolation) as refused:
        run_cancel(run_id=run.pk, actor=world.secretariat)
    assert refused.value.code == "not_running"
    assert asked_run(world) != run


def test_asking_again_after_stopping_is_a_run_that_is_computed(
    world: RunWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = asked_run(world)
    asked: list[GapRun] = []

    def stop_and_ask(_held: JobRun) -> None:
        run_cancel(run_id=stopped.pk, actor=world.secretariat)
        asked.append(asked_run(world))

    at_call(monkeypatch, 1, stop_and_ask)
    jobs.run(stopped.job_id or 0)
    jobs.run(asked[0].job_id or 0)
    assert asked[0] != stopped
    assert (job_of(stopped).state, job_of(asked[0]).state) == (JobState.CANCELLED, JobState.DONE)


def test_a_cancelled_run_keeps_nobodys_levels(world: RunWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    points = calls_of(world, monkeypatch)
    for point in range(1, points):
        run = asked_run(world)
        with monkeypatch.context() as patch:
            at_call(patch, point, partial(_cancel, run, world.secretariat))
            jobs.run(run.job_id or 0)
        run.refresh_from_db()
        assert (job_of(run).state, run.finished_at) == (JobState.CANCELLED, None), f"cancelled at report {point}"
        assert not PlaceInput.objects.filter(run=run).exists()
        assert not GapNode.objects.filter(run=run).exists()


@pytest.mark.parametrize("ended", [JobState.CANCELLED, JobState.FAILED, JobState.DEAD])
def test_levels_read_for_nothing_are_forgotten(
    world: RunWorld, monkeypatch: pytest.MonkeyPatch, ended: JobState
) -> None:
    run = asked_run(world)
    with monkeypatch.context() as patch:
        patch.setattr(computing, "_count", _die)
        with pytest.raises(Killed):
            jobs.run(run.job_id or 0)
    assert PlaceInput.objects.filter(run=run).exists()
    waits = ended == JobState.CANCELLED
    Job.objects.filter(pk=run.job_id or 0).update(
        state=JobState.QUEUED if waits else ended, finished_at=None if waits else clock.now(), lease_until=None
    )
    if ended == JobState.CANCELLED:
        run_cancel(run_id=run.pk, actor=world.secretariat)
    else:
        assert [left.pk for left in computing.runs_left_behind()] == [run.pk]
        jobs.run(jobs.enqueue("gaps.forget_inputs", {}, requested_by=None).pk)
    assert not PlaceInput.objects.filter(run=run).exists()


def _cancel(run: GapRun, actor: User, _held: JobRun) -> None:
    run_cancel(run_id=run.pk, actor=actor)


def words_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What runs say from now on while they work."""
    told: list[str] = []
    original: Progress = JobRun.progress

    def progress(run: JobRun, done: int, total: int, message: object = "", **more: Any) -> None:
        told.append(str(message))
        original(run, done, total, message, **more)

    monkeypatch.setattr(JobRun, "progress", progress)
    return told


def test_progress_is_told_in_words(world: RunWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    told = words_of(monkeypatch)
    finished_run(world)
    assert all(told)
    assert len(set(told)) == 4
    assert Job.objects.filter(done=F("total")).exists()


def test_a_run_speaks_the_language_of_whoever_asked(world: RunWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    told = words_of(monkeypatch)
    with translation.override("en"):
        run = asked_run(world)
    with translation.override("ja"):  # another person, and the worker
        assert asked_run(world) == run
        RoleGrant.objects.filter(user=world.secretariat).update(revoked_at=clock.now())
        jobs.run(run.job_id or 0)
        assert job_of(run).error == "Your role does not allow this any more."
        RoleGrant.objects.filter(user=world.secretariat).update(revoked_at=None)
        Job.objects.filter(gap_run=run).update(state=JobState.QUEUED, finished_at=None)
        jobs.run(run.job_id or 0)
        assert translation.get_language() == "ja"
    assert "Reading levels" in told
