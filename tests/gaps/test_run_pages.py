"""Pages of gap runs: the secretariat's alone; start, watch, cancel, run again, publish."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from skillmap.assessment.choices import CycleState, State
from skillmap.assessment.models import Assessment, Cycle
from skillmap.core.choices import JobState
from skillmap.gaps.choices import ResponseState, SurveyState
from skillmap.gaps.models import DemandResponse, DemandSurvey, GapRun
from skillmap.people.choices import Role
from skillmap.people.models import User
from tests.factories.gaps import RunWorld, asked_run, finished_run, make_run_world
from tests.factories.people import user_with
from tests.support.due_jobs import run_due
from tests.support.effects import every_cell
from tests.support.ground import on_ground

# Words and forms; every page is asked for on both databases by test_query_counts.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

DENIED = ("supporter", "executive", "coordinator", "other_coordinator", "person")
MOST_QUERIES = 10


laid, world = on_ground(lambda: make_run_world(people=48, bureaus=2))


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    client.cookies["django_language"] = "en"
    return client


def values(world: RunWorld, **changes: Any) -> dict[str, Any]:
    return {
        "cycle": world.cycle.pk,
        "survey": world.survey.pk,
        "basis": "confirmed",
        "population": ["ict"],
        "supply_level": "2",
        "top_share": "1/3",
        "k": settings.SMALL_CELL_K,
    } | changes


def pages(run: GapRun) -> list[tuple[str, str]]:
    """Every address of the runs, with its method."""
    one = [
        ("get", "run"),
        ("post", "run_cancel"),
        ("post", "run_again"),
        ("get", "run_publish"),
        ("post", "run_publish"),
    ]
    found = [(method, reverse(f"gaps:{name}", args=[run.pk])) for method, name in one]
    every = [("get", "runs"), ("get", "run_create"), ("post", "run_create")]
    return found + [(method, reverse(f"gaps:{name}")) for method, name in every]


@pytest.mark.parametrize("role", DENIED)
def test_others_are_refused_and_nothing_changes(world: RunWorld, role: str) -> None:
    run = finished_run(world)
    client = as_user(world.roles()[role])
    for method, address in pages(run):
        assert getattr(client, method)(address, values(world)).status_code == 403, address
    run.refresh_from_db()
    assert run.published_at is None
    assert GapRun.objects.count() == 1


def test_signed_out_people_are_sent_to_sign_in(world: RunWorld) -> None:
    for method, address in pages(finished_run(world)):
        assert getattr(Client(), method)(address).status_code == 302


def test_the_form_shows_each_default_with_its_source(world: RunWorld) -> None:
    page = as_user(world.secretariat).get(reverse("gaps:run_create"))
    form = page.context["form"]
    for name in ("basis", "population", "supply_level", "top_share", "k"):
        assert form.fields[name].initial is not None
        assert form.fields[name].help_text
    assert form.fields["top_share"].initial == "1/3"


def test_a_run_is_started_with_its_settings(world: RunWorld) -> None:
    client = as_user(world.secretariat)
    answer = client.post(reverse("gaps:run_create"), values(world, supply_level="3", top_share="1/2"))
    run = GapRun.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == reverse("gaps:run", args=[run.pk])
    chosen = {name: entry["value"] for name, entry in run.parameters["settings"].items()}
    assert (chosen["supply_level"], chosen["top_share"], chosen["population"]) == (3, [1, 2], ["ict"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"cycle": ""}, {"cycle": "0"}, {"survey": "x"}, {"basis": "self"}, {"population": []}, {"population": ["cat"]},
        {"supply_level": "0"}, {"top_share": "0.3"}, {"top_share": "3/1"}, {"top_share": "1/0"}, {"k": "4"}, {"k": "x"},
        {"k": "9999"}, {"top_share": "1/1000"},
    ],
)  # fmt: skip
def test_wrong_input_is_said_and_starts_nothing(world: RunWorld, wrong: dict[str, Any]) -> None:
    answer = as_user(world.secretariat).post(reverse("gaps:run_create"), values(world, **wrong))
    assert answer.status_code == 422
    assert answer.context["form"].errors
    assert not GapRun.objects.exists()


def test_a_run_under_way_shows_its_progress_and_can_be_stopped(world: RunWorld) -> None:
    run = asked_run(world)
    client, address = as_user(world.secretariat), reverse("gaps:run", args=[run.pk])
    assert run.job is not None
    assert f'id="job-{run.job.public_id}"' in client.get(address).content.decode()
    colleague = as_user(user_with(Role.SECRETARIAT))
    page = colleague.get(address).content.decode()
    assert reverse("gaps:run_cancel", args=[run.pk]) in page
    colleague.post(reverse("gaps:run_cancel", args=[run.pk]))
    run.job.refresh_from_db()
    assert run.job.state == JobState.CANCELLED
    assert reverse("gaps:run_again", args=[run.pk]) in client.get(address).content.decode()


def test_run_again_makes_a_new_run_of_the_same_settings(world: RunWorld) -> None:
    run = finished_run(world, parameters={"supply_level": 3})
    answer = as_user(world.secretariat).post(reverse("gaps:run_again", args=[run.pk]))
    new = GapRun.objects.latest("pk")
    assert answer["Location"] == reverse("gaps:run", args=[new.pk])
    assert new.pk != run.pk
    assert new.parameters["settings"] == run.parameters["settings"]


def test_the_result_names_proposals_inputs_and_settings(world: RunWorld) -> None:
    run = finished_run(world)
    page = as_user(world.secretariat).get(reverse("gaps:run", args=[run.pk]))
    html = page.content.decode()
    proposed = page.context["result"].proposed
    assert proposed, "nothing proposed: the world proves little"
    assert all((line.skill.name_en or line.skill.name) in html for line in proposed)
    assert all(line.label in html for line in page.context["parameters"])
    assert world.survey.name in html
    assert reverse("gaps:run_publish", args=[run.pk]) in html


def test_the_page_of_a_run_has_no_link_to_itself(world: RunWorld) -> None:
    run = finished_run(world)
    address = reverse("gaps:run", args=[run.pk])

    client = as_user(world.secretariat)

    assert f'href="{address}"' not in client.get(address).content.decode()
    dashboard = f"{reverse('gaps:dashboard')}?fy={run.fiscal_year}&run={run.pk}"
    assert f'href="{address}"' in client.get(dashboard).content.decode(), "where the figures stand, the link stays"


def test_publishing_says_who_will_see_it_and_does_so_once(world: RunWorld) -> None:
    run = finished_run(world)
    client, address = as_user(world.secretariat), reverse("gaps:run_publish", args=[run.pk])
    page = client.get(address)
    audience, shown = page.context["audience"], page.context["shown"]
    assert (audience.executives, audience.supporters, audience.coordinators) == (1, 1, 2)
    cells = every_cell(run).values()
    assert (shown.shown, shown.all) == (sum(bool(cell.cuts) for cell in cells), len(cells))
    assert 0 < shown.shown < shown.all
    run.refresh_from_db()
    assert run.published_at is None, "a look must not publish"
    assert client.post(address).status_code == 302
    assert GapRun.objects.filter(pk=run.pk, published_at__isnull=False).exists()
    assert as_user(world.executive).get(reverse("gaps:dashboard")).context["run"] == run
    assert client.get(address).status_code == 302
    again = client.post(address)
    assert again.status_code == 422
    assert again.context["refusal"]


def test_publishing_warns_while_not_everything_is_in(world: RunWorld) -> None:
    Assessment.objects.filter(pk__in=[check.pk for check in world.checks[:8]]).update(state=State.SUBMITTED)
    Assessment.objects.filter(pk=world.checks[8].pk).update(state=State.WITHDRAWN)
    DemandResponse.objects.filter(organisation=world.bureaus[0]).update(state=ResponseState.QUESTIONED)
    run = finished_run(world)
    client, address = as_user(world.secretariat), reverse("gaps:run_publish", args=[run.pk])
    html = client.get(address).content.decode()
    assert "Not everything is in" in html and "the cycle was still running" in html
    assert "39 of 47 people" in html and "1 of 2 organisations" in html
    result = client.get(reverse("gaps:run", args=[run.pk])).content.decode()
    assert "Interim figures" in result


def test_publishing_final_figures_has_no_warning(world: RunWorld) -> None:
    Cycle.objects.filter(pk=world.cycle.pk).update(state=CycleState.CLOSED)
    run = finished_run(world)
    html = as_user(world.secretariat).get(reverse("gaps:run_publish", args=[run.pk])).content.decode()
    assert "Not everything is in" not in html


def test_asking_for_a_run_says_what_is_still_under_way(world: RunWorld) -> None:
    client, address = as_user(world.secretariat), reverse("gaps:run_create")
    html = client.get(address).content.decode()
    assert "Still under way" in html and "48 of 48 people" in html
    assert f"{world.survey.name}: the survey is open" not in html
    DemandSurvey.objects.filter(pk=world.survey.pk).update(state=SurveyState.OPEN)
    assert f"{world.survey.name}: the survey is open; 2 of 2" in client.get(address).content.decode()
    Cycle.objects.update(state=CycleState.CLOSED)
    DemandSurvey.objects.update(state=SurveyState.CLOSED)
    assert "Still under way" not in client.get(address).content.decode()


def test_a_tally_and_an_unfinished_run_are_not_published(world: RunWorld) -> None:
    client = as_user(world.secretariat)
    tally = finished_run(world, basis="corrected")
    assert (
        reverse("gaps:run_publish", args=[tally.pk])
        not in client.get(reverse("gaps:run", args=[tally.pk])).content.decode()
    )
    waiting = asked_run(world, parameters={"supply_level": 3})
    for run in (tally, waiting):
        assert client.post(reverse("gaps:run_publish", args=[run.pk])).status_code == 422
        run.refresh_from_db()
        assert run.published_at is None


@pytest.mark.parametrize("name", ["run", "run_publish", "area_decide"])
def test_there_is_nothing_at_an_unknown_run(world: RunWorld, name: str) -> None:
    assert as_user(world.secretariat).get(reverse(f"gaps:{name}", args=[999_999])).status_code == 404


def queries(user: User, address: str) -> int:
    client = as_user(user)
    client.get(address)
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    return sum(not query["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")) for query in found)


def test_queries_are_few_and_do_not_grow(world: RunWorld) -> None:
    run = finished_run(world)
    addresses = [reverse("gaps:runs"), reverse("gaps:run", args=[run.pk]), reverse("gaps:run_publish", args=[run.pk])]
    few = [queries(world.secretariat, address) for address in addresses]
    for level in (1, 3):
        finished_run(world, parameters={"supply_level": level})
    assert [queries(world.secretariat, address) for address in addresses] == few
    assert max(few) <= MOST_QUERIES
    waiting = asked_run(world, parameters={"supply_level": 1})
    assert queries(world.secretariat, reverse("gaps:run", args=[waiting.pk])) <= MOST_QUERIES
    assert queries(world.secretariat, reverse("gaps:run_create")) <= MOST_QUERIES
    run_due()


def test_before_the_first_run_the_page_says_how_to_begin(world: RunWorld) -> None:
    begin = reverse("gaps:run_create")
    assert begin in as_user(world.secretariat).get(reverse("gaps:dashboard")).content.decode()
    other = as_user(world.executive).get(reverse("gaps:dashboard"))
    assert other.status_code == 200
    assert begin not in other.content.decode()
    assert as_user(world.executive).get("/gaps/export/ranks.csv").status_code == 404
