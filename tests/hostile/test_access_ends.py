"""Access ends at the next request: for a leaver, a demoted colleague and a former mentor, on every route.

So it does for tokens, and for the jobs that they have left behind.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from skillmap.assessment.models import MentorPair
from skillmap.core import clock, jobs, periodic
from skillmap.core.choices import ImportState, JobState, Purpose
from skillmap.core.models import ImportBatch, Job
from skillmap.people import services, tokens
from skillmap.people.choices import Role
from skillmap.people.models import RoleGrant, User
from skillmap.people.services.accounts import close_accounts
from tests.access_world import ACTORS, AccessWorld, address, routes
from tests.factories.people import RoleGrantFactory, UserFactory
from tests.hostile.asking import Asker
from tests.support.ground import on_ground
from tests.test_access_matrix import matrix

pytestmark = pytest.mark.sqlite

laid, world = on_ground(AccessWorld)


@pytest.fixture
def asker(laid: AccessWorld, db: None) -> Asker:
    """Everybody's sessions begin before anything ends."""
    return Asker(laid)


def unlike(asker: Asker, world: AccessWorld, actor: str, model: str, *, method: str = "GET") -> list[str]:
    """The routes that answer an actor otherwise than the table says of somebody else."""
    table, found = matrix(), []
    for route, names in routes():
        expected = table[route, method][ACTORS.index(model)]
        if table[route, method][ACTORS.index(actor)] == expected:
            continue
        answer = asker.ask(actor, method, address(world, route, names))
        if str(answer.status_code) != expected:
            found.append(f"{method} {route}: {answer.status_code} instead of {expected}")
    return found


def test_a_leaver_is_nobody_at_the_next_request(asker: Asker, laid: AccessWorld) -> None:
    close_accounts([laid.base.mentor.pk], actor=None)
    found = unlike(asker, laid, "mentor", "anonymous")
    assert not found, "\n".join(found)


def test_who_loses_the_role_is_a_stranger_at_the_next_request(asker: Asker, laid: AccessWorld) -> None:
    """However it was taken: the session goes on here, as where a grant ends with its last day."""
    RoleGrant.objects.filter(user=laid.base.secretariat).update(revoked_at=clock.now())
    found = unlike(asker, laid, "secretariat", "stranger")
    assert not found, "\n".join(found)


def test_who_coordinates_no_more_is_a_stranger_at_the_next_request(asker: Asker, laid: AccessWorld) -> None:
    RoleGrant.objects.filter(user=laid.base.coordinator).update(revoked_at=clock.now())
    found = unlike(asker, laid, "coordinator", "stranger") + unlike(
        asker, laid, "coordinator", "stranger", method="POST"
    )
    assert not found, "\n".join(found)


def test_a_mentor_whose_pair_has_ended_is_a_former_one_at_the_next_request(asker: Asker, laid: AccessWorld) -> None:
    MentorPair.objects.filter(mentor=laid.base.mentor.staff, ended_at=None).update(ended_at=clock.now())
    found = unlike(asker, laid, "mentor", "former_mentor") + unlike(
        asker, laid, "mentor", "former_mentor", method="POST"
    )
    # The own words of a former mentor stay with them: the memo.
    assert not [line for line in found if "memo" not in line], "\n".join(found)


@pytest.mark.parametrize("how", ["closed", "role taken", "token revoked", "token expired"])
def test_a_token_ends_with_what_it_stands_for(asker: Asker, laid: AccessWorld, how: str) -> None:
    system = UserFactory.create(is_service=True)
    grant = RoleGrantFactory.create(user=system, role=Role.SECRETARIAT)
    token, value = tokens.issue(
        user=system, name="t", scopes=tokens.SCOPES, purpose=Purpose.SUPPORT, actor=laid.base.secretariat
    )
    header = {"Authorization": f"Bearer {value}"}
    api = [(route, address(laid, route, names)) for route, names in routes() if "-api:" in route]
    before = {route: asker.ask("anonymous", "GET", url, headers=header).status_code for route, url in api}
    assert list(before.values()).count(200) > 15
    if how == "closed":
        close_accounts([system.pk], actor=None)
    elif how == "token revoked":
        tokens.revoke(token_id=token.pk, actor=None)
    elif how == "token expired":
        type(token).objects.filter(pk=token.pk).update(expires_at=clock.now())
    else:
        services.role_revoke(grant_id=grant.pk, actor=laid.base.secretariat)
    for route, url in api:
        answer = asker.ask("anonymous", "GET", url, headers=header)
        if how == "role taken":  # still a caller, who reads what everyone may
            personal = ("staff-detail", "profile", "assessment-detail", "one-on-ones", "demand-item-detail")
            assert answer.status_code == 404 or not route.endswith(personal), route
        else:
            assert answer.status_code == 401, route


# -------------------------------------------------------------------------------------------------------------- jobs


def inputs(world: AccessWorld) -> dict[str, dict[str, Any]]:
    """What somebody can ask for that runs later, by kind of job."""
    batch = world.batches["people.staff"].pk
    return {
        "core.import_check": {"batch": batch},
        "core.import_apply": {"batch": batch},
        "gaps.run": {},
        "people.invite": {"user_id": world.person.pk},
        "assessment.open_cycle": {"cycle": world.cycle.pk, "version": 1, "without_mentor": True},
        "assessment.confirm": {"chosen": [[world.base.check("corrected").pk, 1]]},
        "assessment.propose_mentors": {"cycle": world.cycle.pk, "capacity": 5},
    }


def test_every_kind_of_job_that_somebody_asks_for_is_tried(laid: AccessWorld, db: None) -> None:
    asked = set(jobs.HANDLERS) - set(periodic.PERIODIC) - {"test.none"}
    assert asked - set(inputs(laid)) == set()


@pytest.mark.parametrize("how", ["demoted", "closed"])
@pytest.mark.parametrize(
    "kind",
    ["core.import_check", "core.import_apply", "assessment.confirm", "assessment.propose_mentors", "people.invite"],
)
def test_a_job_does_nothing_for_who_may_no_longer_ask_for_it(laid: AccessWorld, db: None, kind: str, how: str) -> None:
    office = User.objects.get(pk=laid.base.secretariat.pk)
    state = {"core.import_check": ImportState.CHECKING, "core.import_apply": ImportState.APPLYING}.get(kind)
    if state:
        ImportBatch.objects.filter(pk=laid.batches["people.staff"].pk).update(state=state)
    job = Job.objects.create(kind=kind, inputs=inputs(laid)[kind], requested_by=office)
    if how == "demoted":
        RoleGrant.objects.filter(user=office).update(revoked_at=clock.now())
    else:
        close_accounts([office.pk], actor=None)
    with CaptureQueriesContext(connection) as queries:
        jobs.run(job.pk)
    job.refresh_from_db()
    assert not mail.outbox
    assert job.state == JobState.FAILED, (job.state, job.result)
    changed = {
        query["sql"].split('"')[1] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))
    }
    assert changed <= {"core_job", "core_importbatch", "core_storedfile", "core_importrow"}, changed
