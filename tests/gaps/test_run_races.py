"""Two people at once: pressing the same button, publishing side by side, deciding on the same item; a real worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from skillmap.core import clock, jobs
from skillmap.core.choices import JobState
from skillmap.core.errors import RuleViolation
from skillmap.core.models import Job
from skillmap.gaps.choices import ResponseState, SurveyState
from skillmap.gaps.models import DemandSurvey, GapRun, PriorityArea, SkillResult
from skillmap.gaps.selectors import counting
from skillmap.gaps.services import areas
from skillmap.gaps.services.areas import area_adopt, area_refuse
from skillmap.gaps.services.demand_steps import response_step
from skillmap.gaps.services.runs import run_publish
from skillmap.people.choices import Role
from skillmap.people.models import User
from tests.factories.gaps import RunWorld, answer, asked_run, finished_run, make_run_world
from tests.factories.people import OrganisationFactory, user_with
from tests.support.effects import inputs_of

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do all of them at the same moment, each on its own connection; what each gave, a refusal as its code."""
    start = Barrier(len(acts))

    def one(act: Callable[[], Any]) -> Any:
        try:
            start.wait(timeout=20)
            return act()
        except RuleViolation as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


@pytest.fixture
def world() -> RunWorld:
    """40 people in two bureaus; item 4 alone is proposed."""
    return make_run_world(
        people=40, items=4, bureaus=2, level_of=lambda index, number: 2 if index < 40 - 7 * number else 0
    )


def office(world: RunWorld) -> User:
    """The secretariat, for one thread."""
    return User.objects.get(pk=world.secretariat.pk)


def test_pressing_at_once_is_one_run(world: RunWorld) -> None:
    made = at_once(*[lambda: asked_run(world).pk] * AT_ONCE)
    assert len(set(made)) == 1
    assert (GapRun.objects.count(), Job.objects.count()) == (1, 1)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions that take long enough to meet: after a row is written, before it is kept."""
    real = areas._record

    def slowly(area: PriorityArea, actor: User) -> None:
        time.sleep(0.3)
        real(area, actor)

    monkeypatch.setattr(areas, "_record", slowly)


def test_two_versions_of_the_framework_make_one_decision(slow: None) -> None:
    runs = [finished_run(make_run_world(people=20, items=4), publish=True) for _ in range(2)]
    assert len({run.framework_id for run in runs}) == 2
    SkillResult.objects.update(is_proposed=True)
    actors = [User.objects.get(pk=run.requested_by_id or 0) for run in runs]
    acts = [
        lambda run=run, actor=actor: area_adopt(run_id=run.pk, skill_codes=["digital_4"], actor=actor)[0].state
        for run, actor in zip(runs, actors, strict=True)
    ]
    assert sorted(at_once(*acts)) == ["adopted", "decided_already"]
    assert PriorityArea.objects.filter(skill__code="digital_4").count() == 1


def test_the_same_items_in_another_order_are_decided_once(world: RunWorld, slow: None) -> None:
    run = finished_run(world, publish=True)
    SkillResult.objects.update(is_proposed=True)
    codes = ["digital_1", "digital_2", "digital_3"]
    acts = [
        lambda order=order: area_adopt(run_id=run.pk, skill_codes=order, actor=office(world))[0].state
        for order in (codes, codes[::-1])
    ]
    assert sorted(at_once(*acts)) == ["adopted", "decided_already"]
    assert PriorityArea.objects.count() == 3


def test_publishing_side_by_side_publishes_one(world: RunWorld) -> None:
    runs = [finished_run(world, parameters={"k": 5 + number}) for number in range(AT_ONCE)]
    acts = [lambda pk=run.pk: run_publish(run_id=pk, actor=office(world)).pk for run in runs]
    outcome = at_once(*acts)
    assert sorted(map(str, outcome))[1:] == ["newer_published"] * (AT_ONCE - 1)
    assert GapRun.objects.filter(published_at__isnull=False).count() == 1


def test_deciding_at_once_is_one_decision(world: RunWorld) -> None:
    run = finished_run(world, publish=True)

    def adopt() -> str:
        return area_adopt(run_id=run.pk, skill_codes=["digital_4"], actor=office(world))[0].state

    def against() -> str:
        return area_refuse(run_id=run.pk, skill_code="digital_4", reason="枠がない", actor=office(world)).state

    outcome = at_once(adopt, against, adopt, against)
    assert outcome.count("decided_already") == AT_ONCE - 1
    area = PriorityArea.objects.get()
    assert (area.state in outcome, area.version) == (True, 1)


def test_an_answer_waits_while_the_demand_is_read(world: RunWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    today = clock.today()
    DemandSurvey.objects.update(state=SurveyState.OPEN, opens_on=today, closes_on=today + timedelta(days=1))
    place = OrganisationFactory.create()
    late = answer(world, place, [(1, 1, 2, 50)], state=ResponseState.DRAFT)
    speaker = user_with(Role.COORDINATOR, organisation=place)
    run, lines = asked_run(world), counting.demand_lines

    def submit() -> str:
        try:
            return response_step(response_id=late.pk, action="submit", actor=speaker).state
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        sent: list[Future[str]] = []

        def read(*args: Any) -> Any:
            found = lines(*args)
            sent.append(pool.submit(submit))
            assert not wait(sent, timeout=0.5).done
            return found

        monkeypatch.setattr(counting, "demand_lines", read)
        jobs.run(run.job_id or 0)
        assert sent[0].result(timeout=20) == ResponseState.SUBMITTED
    run.refresh_from_db()
    assert run.parameters["answers"]["submitted"] == 2
    assert run.skills.get(skill__number=1).demand == 2 * 4


@pytest.mark.services
def test_a_worker_process_computes_a_run(celery_worker_process: Popen[bytes], tmp_path: Path) -> None:
    world = make_run_world(people=40)
    run = asked_run(world)
    deadline = time.monotonic() + 60
    while Job.objects.get(gap_run=run).is_active and time.monotonic() < deadline:
        time.sleep(0.2)
    log = (tmp_path / "worker.log").read_text(encoding="utf-8")
    assert Job.objects.get(gap_run=run).state == JobState.DONE, log[-2000:]
    run.refresh_from_db()
    assert (run.people, len(inputs_of(run)), run.skills.count()) == (40, 40, 6)
