"""The dashboard: who sees what of a run, filters of the address, hidden figures, files, queries."""

import csv
import io
import re
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape
from openpyxl import load_workbook

from skillmap.assessment.choices import CycleState
from skillmap.assessment.models import Assessment, Cycle
from skillmap.core import clock
from skillmap.gaps.models import GapRun, SkillResult
from skillmap.gaps.selectors.dashboard_page import View, dashboard
from skillmap.gaps.selectors.interim import was_open
from skillmap.gaps.selectors.progress import StepCounts
from skillmap.gaps.services.areas import area_refuse
from skillmap.people.access import forget
from skillmap.people.models import User
from tests.factories.gaps import RunWorld, finished_run, make_run_world
from tests.factories.gaps import answer as add_answer
from tests.support.effects import every_cell
from tests.support.ground import Ground

pytestmark = pytest.mark.django_db

DASHBOARD = "/gaps/"
READERS = ("secretariat", "supporter", "executive", "coordinator", "other_coordinator")
FIGURES = ("ranks", "heatmap", "levels", "gaps", "progress")
HIDDEN = ("非表示(5人未満)", "Not shown (fewer than 5)")
#: Signed in and rights included; the secretariat reads the organisations of the progress too.
MOST_QUERIES = 10


@pytest.fixture(scope="module", autouse=True)
def laid(ground: Ground) -> tuple[RunWorld, GapRun]:
    with ground():
        world = make_run_world(people=48, bureaus=4)
        return world, finished_run(world, publish=True)


@pytest.fixture
def both(laid: tuple[RunWorld, GapRun], db: None) -> tuple[RunWorld, GapRun]:
    return deepcopy(laid)


@pytest.fixture
def world(both: tuple[RunWorld, GapRun]) -> RunWorld:
    return both[0]


@pytest.fixture
def run(both: tuple[RunWorld, GapRun]) -> GapRun:
    return both[1]


def as_user(user: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    client.cookies["django_language"] = "en"
    return client


def text(response: Any) -> str:
    if response.streaming:
        return b"".join(response.streaming_content).decode("utf-8-sig")
    return str(response.content.decode())


def without_tags(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


# ---------------------------------------------------------------------------------------------------------- who
@pytest.mark.parametrize("role", READERS)
def test_readers_see_the_published_run(world: RunWorld, run: GapRun, role: str) -> None:
    page = as_user(world.roles()[role]).get(DASHBOARD)
    assert page.status_code == 200
    assert page.context["run"] == run


@pytest.mark.parametrize("path", ["/gaps/", *[f"/gaps/export/{name}.csv" for name in FIGURES], "/gaps/export/all.xlsx"])
def test_others_do_not(world: RunWorld, run: GapRun, path: str) -> None:
    assert as_user(world.person).get(path).status_code == 403
    signed_out = Client().get(path)
    assert signed_out.status_code == 302
    assert "login" in signed_out["Location"]


@pytest.mark.parametrize("role", [role for role in READERS if role != "secretariat"])
def test_an_unpublished_run_is_for_the_secretariat_alone(world: RunWorld, run: GapRun, role: str) -> None:
    hidden = finished_run(world)
    client = as_user(world.roles()[role])
    assert client.get(DASHBOARD, {"run": hidden.pk}).context["run"] == run
    assert client.get("/gaps/export/ranks.csv", {"run": hidden.pk}).status_code == 404
    shown = as_user(world.secretariat).get(DASHBOARD, {"run": hidden.pk})
    assert shown.context["run"] == hidden
    assert reverse("gaps:run", args=[hidden.pk]) in text(shown)


def test_a_coordinator_sees_the_whole_and_the_own_organisation(world: RunWorld, run: GapRun) -> None:
    page = as_user(world.coordinator).get(DASHBOARD)
    own, others = world.bureaus[0], world.bureaus[1:]
    assert [place.organisation_id for place in page.context["board"].columns] == [own.pk]
    html = text(page)
    assert own.name in html
    assert not any(other.name in html for other in others)


@pytest.mark.parametrize("name", FIGURES)
def test_a_coordinators_files_hold_no_other_organisation(world: RunWorld, run: GapRun, name: str) -> None:
    file = text(as_user(world.coordinator).get(f"/gaps/export/{name}.csv"))
    assert not any(other.name in file for other in world.bureaus[1:])


def test_a_foreign_place_shows_the_whole_and_gives_no_file(world: RunWorld, run: GapRun) -> None:
    client, key = as_user(world.coordinator), f"org-{world.bureaus[1].pk}"
    page = client.get(DASHBOARD, {"place": key})
    assert page.context["board"].is_whole
    assert page.context["ignored"]
    assert client.get("/gaps/export/levels.csv", {"place": key}).status_code == 404


def test_progress_by_organisation_is_for_the_secretariat(world: RunWorld, run: GapRun) -> None:
    for role in READERS:
        cycles = as_user(world.roles()[role]).get(DASHBOARD).context["board"].progress
        assert [cycle.total.people for cycle in cycles] == [48 if role == "secretariat" else None]
        assert bool(cycles[0].organisations) == (role == "secretariat")
        assert cycles[0].total.masked == (role != "secretariat")


def test_people_by_step_are_for_who_sees_them_and_others_get_rough_shares(world: RunWorld, run: GapRun) -> None:
    checks = list(Assessment.objects.filter(cycle=run.cycle_id).order_by("pk"))
    Cycle.objects.filter(pk=run.cycle_id).update(state=CycleState.OPEN)
    for state, some in (("submitted", checks[:3]), ("reviewed", checks[3:20]), ("corrected", checks[20:27])):
        Assessment.objects.filter(pk__in=[check.pk for check in some]).update(state=state)

    def steps(role: str) -> StepCounts:
        found: StepCounts = as_user(world.roles()[role]).get(DASHBOARD).context["board"].progress[0].total
        return found

    assert (steps("secretariat").row, steps("secretariat").people) == ([0, 3, 17, 7, 21, 0], 48)
    assert steps("secretariat").percents == [0, 6, 35, 14, 43, 0]
    for role in ("executive", "supporter", "coordinator"):
        seen = steps(role)
        assert (seen.row, seen.people, seen.done) == ([None] * 6, None, None)
        assert (seen.percents, seen.percent) == ([None] * 6, None), "too few people even for shares"
    with override_settings(SMALL_CELL_K=2):
        assert (steps("executive").percents, steps("executive").percent) == ([0, 0, 30, 10, 40, 0], 40)
        file = text(as_user(world.executive).get("/gaps/export/progress.csv"))
        assert "below 10%,below 10%,30% or more,10% or more,40% or more,below 10%,Not shown" in file
        assert ">30% or more<" in text(as_user(world.executive).get(DASHBOARD))
    assert ",0,3,17,7,21,0,48" in text(as_user(world.roles()["secretariat"]).get("/gaps/export/progress.csv"))


# ------------------------------------------------------------------------------------------------------ filters
@pytest.mark.parametrize(
    "query",
    [
        {"fy": "x"}, {"fy": "1999"}, {"fy": "9" * 40}, {"run": "0"}, {"run": "-1"}, {"run": "２"}, {"run": "1 or 1"},
        {"place": "org-0"}, {"place": "../"}, {"place": "<b>"}, {"level": "0"}, {"level": "4"}, {"level": "２"},
        {"show": "names"}, {"by": "person"},
    ],
)  # fmt: skip
def test_bad_values_show_the_nearest_and_say_so(world: RunWorld, run: GapRun, query: dict[str, str]) -> None:
    page = as_user(world.executive).get(DASHBOARD, query)
    assert page.status_code == 200
    assert page.context["ignored"]
    assert page.context["run"] == run
    assert "<b>" not in text(page).replace("<b></b>", "")


def test_the_address_says_what_is_shown(world: RunWorld, run: GapRun) -> None:
    client = as_user(world.executive)
    key = f"group-{world.groups[0].pk}"
    page = client.get(DASHBOARD, {"place": key, "level": "1", "show": "gap"})
    board = page.context["board"]
    assert not page.context["ignored"]
    assert (board.place.key, board.view.level, board.view.show) == (key, 1, "gap")
    again = client.get(page.context["share_url"]).context["board"]
    assert (again.run, again.place, again.view) == (board.run, board.place, board.view)


def test_a_group_opens_to_its_organisations(world: RunWorld, run: GapRun) -> None:
    client = as_user(world.executive)
    page = client.get(DASHBOARD)
    urls = {place.key: url for place, url in page.context["headings"]}
    group = f"group-{world.groups[0].pk}"
    below = client.get(urls[group]).context["board"].columns
    assert [place.organisation_id for place in below] == [world.bureaus[0].pk]
    by = client.get(DASHBOARD, {"by": "organisations"}).context["board"].columns
    assert {place.organisation_id for place in by} == {bureau.pk for bureau in world.bureaus}


def test_an_older_run_keeps_its_address(world: RunWorld, run: GapRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skillmap.gaps.selectors.dashboard.OFFERED", 1)
    newer, hidden = finished_run(world, publish=True), finished_run(world)
    client = as_user(world.executive)
    page = client.get(DASHBOARD, {"run": str(run.pk), "fy": str(run.fiscal_year)})
    assert (page.context["run"], page.context["ignored"]) == (run, False)
    assert client.get("/gaps/export/ranks.csv", {"run": str(run.pk)}).status_code == 200
    for unknown in (hidden.pk, 0, 10**30):
        page = client.get(DASHBOARD, {"run": str(unknown)})
        assert (page.context["run"], page.context["ignored"]) == (newer, True)


def test_a_run_whose_share_holds_no_item_says_so(world: RunWorld, run: GapRun) -> None:
    """As it was possible once."""
    GapRun.objects.filter(pk=run.pk).update(parameters={**run.parameters, "top": 0})
    SkillResult.objects.filter(run=run).update(is_proposed=False)
    client = as_user(world.secretariat)
    for name in ("dashboard", "run", "area_decide"):
        page = text(client.get(DASHBOARD if name == "dashboard" else reverse(f"gaps:{name}", args=[run.pk])))
        assert "holds no item in this run" in page
        for words in ("rank 1 to", "top 0", "whatever is asked for most"):
            assert words not in page, (name, words)
    assert "holds no item in this run" in text(client.get("/gaps/export/ranks.csv"))


def test_another_year_drops_the_run_of_the_old_one(world: RunWorld, run: GapRun) -> None:
    GapRun.objects.filter(pk=run.pk).update(fiscal_year=2023)
    newer = finished_run(world, parameters={"supply_level": 3})
    client = as_user(world.secretariat)
    page = client.get(DASHBOARD, {"fy": "2023", "run": str(newer.pk)})
    assert (page.context["run"], page.context["ignored"]) == (run, False)


# ------------------------------------------------------------------------------------------------------ figures
def test_the_page_says_what_the_run_stored(world: RunWorld, run: GapRun) -> None:
    forget(world.executive)
    board, found = dashboard(world.executive, run, View(by_organisation=True))
    assert found
    cells = every_cell(run)
    for row in board.heat:
        stored = [cells[place.pk, row.line.skill.pk].at_least_2 for place in board.columns]
        assert [cell.value for cell in row.cells] == stored
    assert any(cell.value is None for row in board.heat for cell in row.cells), (
        "nothing hidden: the world proves little"
    )
    for gap in board.gaps:
        cell = cells[board.place.pk, gap.line.skill.pk]
        assert gap.demand == (cell.demand_1, cell.demand_2, cell.demand_3)
        assert gap.total == (None if cell.gap_2 is None or cell.gap_3 is None else cell.gap_2 + cell.gap_3)


def test_hidden_cells_are_words_on_the_page_and_in_files(world: RunWorld, run: GapRun) -> None:
    client = as_user(world.executive)
    board = client.get(DASHBOARD, {"by": "organisations"}).context["board"]
    hidden = sum(cell.value is None for row in board.heat for cell in row.cells)
    hidden += sum(row.total is None for row in board.heat)
    html = text(client.get(DASHBOARD, {"by": "organisations"}))
    heat = re.search(r'<table class="heat.*?</table>', html, re.DOTALL)
    assert heat is not None
    body = heat.group(0).split("<tbody>")[1]
    assert hidden == len(re.findall(r"heat--hidden", body)) > 0
    file = text(client.get("/gaps/export/heatmap.csv", {"by": "organisations"}))
    rows = file.splitlines()
    start = next(index for index, line in enumerate(rows) if line.startswith(("No.",)))
    assert hidden == sum(line.count(words) for line in rows[start + 2 :] for words in HIDDEN)


def numbers_of_the_page(html: str, anchor: str) -> list[str]:
    """All numbers in the body of the first table after an anchor, with the words for hidden ones."""
    part = html.split(f'id="{anchor}"', 1)[1]
    body = re.search(r"<tbody>.*?</tbody>", part, re.DOTALL)
    assert body is not None
    found = []
    for attributes, cell in re.findall(r"<td([^>]*)>(.*?)</td>", body.group(0), re.DOTALL):
        words = without_tags(cell).strip()
        span = re.search(r'colspan="(\d)"', attributes)
        # One cell of hidden figures stands for several in a file; joined levels are one figure in both.
        found += [words] * (int(span.group(1)) if span and words in HIDDEN else 1)
    return [words for words in found if words]


def numbers_of_the_file(file: str) -> list[str]:
    rows = list(csv.reader(io.StringIO(file)))
    head = next(index for index, row in enumerate(rows) if row and row[0] in {"No.", "Cycle", "年度サイクル"})
    return [cell for row in rows[head + 1 :] for cell in row[2:] if cell]


@pytest.mark.parametrize("query", [{}, {"level": "3"}, {"place": "bureau"}, {"show": "demand"}, {"show": "gap"}])
def test_csv_and_excel_say_what_the_page_says(world: RunWorld, run: GapRun, query: dict[str, str]) -> None:
    if "place" in query:
        query = {"place": f"org-{world.bureaus[0].pk}"}
    client = as_user(world.executive)
    html = text(client.get(DASHBOARD, query))
    heat = text(client.get("/gaps/export/heatmap.csv", query))
    people = len(numbers_of_the_file(heat)) // (len(world.items) + 1)
    assert numbers_of_the_page(html, "heatmap") == numbers_of_the_file(heat)[people:]
    ranks = text(client.get("/gaps/export/ranks.csv", query))
    page_ranks, file_ranks = (
        numbers_of_the_page(html, "ranks"),
        list(csv.reader(io.StringIO(ranks)))[-len(world.items) :],
    )
    assert page_ranks == [cell for row in file_ranks for cell in (row[2], row[3], row[5], row[6])]
    for name in FIGURES:
        rows = list(csv.reader(io.StringIO(text(client.get(f"/gaps/export/{name}.csv", query)))))
        answer = client.get(f"/gaps/export/{name}.xlsx", query)
        book = load_workbook(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
        sheet = [["" if value is None else str(value) for value in row] for row in book.active.values]  # type: ignore[union-attr]
        length = len(rows[-1])
        table = [row for row in rows if len(row) == length]
        assert [row[:length] for row in sheet[-len(table) :]] == table


def test_gaps_and_levels_in_files_are_those_of_the_page(world: RunWorld, run: GapRun) -> None:
    client = as_user(world.executive)
    html = text(client.get(DASHBOARD))
    assert numbers_of_the_page(html, "gaps") == numbers_of_the_file(text(client.get("/gaps/export/gaps.csv")))
    levels = numbers_of_the_file(text(client.get("/gaps/export/levels.csv")))
    figures = [cell if cell in HIDDEN else cell.split(" ")[0] for cell in levels if cell != "in the cell to the left"]
    assert numbers_of_the_page(html, "levels") == figures


def test_all_figures_come_in_one_book(world: RunWorld, run: GapRun) -> None:
    client = as_user(world.executive)
    answer = client.get("/gaps/export/all.xlsx")
    book = load_workbook(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert len(book.sheetnames) == len(FIGURES)
    assert client.get("/gaps/export/all.csv").status_code == 404
    assert client.get("/gaps/export/names.csv").status_code == 404
    assert client.get("/gaps/export/ranks.exe").status_code == 404


def test_the_chart_is_followed_by_its_table(world: RunWorld, run: GapRun) -> None:
    html = text(as_user(world.executive).get(DASHBOARD))
    chart, table = html.index('<svg class="slope"'), html.index('<table class="table table--tight table--names-stay"')
    assert chart < table < html.index('id="heatmap"')
    for line in as_user(world.executive).get(DASHBOARD).context["board"].lines:
        assert f">{line.demand_rank}</text>" in html


def test_how_it_was_computed_stands_on_the_page(world: RunWorld, run: GapRun) -> None:
    page = as_user(world.executive).get(DASHBOARD)
    html = text(page)
    assert [line.name for line in page.context["board"].parameters] == [
        "basis", "population", "supply_level", "top_share", "k",
    ]  # fmt: skip
    with translation.override("en"):
        parameters = page.context["board"].parameters
    assert all(escape(line.source) in html and escape(line.label) in html for line in parameters)
    assert run.cycle.name in html
    assert run.survey.name in html


# ------------------------------------------------------------------------------------------------------ queries
def queries(user: User, path: str) -> int:
    client = as_user(User.objects.get(pk=user.pk))
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as found:
        assert client.get(path).status_code == 200
    return sum(not query["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")) for query in found)


@pytest.mark.parametrize("role", READERS)
def test_queries_are_few_and_do_not_grow(role: str) -> None:
    path = "/gaps/?by=organisations"
    small = make_run_world(people=40, bureaus=2)
    finished_run(small, publish=True)
    few = queries(getattr(small, role), path)
    large = make_run_world(people=400, bureaus=66)  # 198 organisations
    finished_run(large, publish=True)
    many = queries(getattr(large, role), path)
    assert (few, many) == (many, few)
    assert many <= MOST_QUERIES


# ----------------------------------------------------------------------------------------- words beside the figures
def answer_cells(page: Any) -> list[str]:
    """The last cell, the decision, of each line of what is lacking."""
    rows = re.search(r'<table class="table table--blocks".*?</table>', text(page), re.DOTALL)
    assert rows is not None
    cells = re.findall(r'<td role="cell" data-label="Decision">(.*?)</td>', rows.group(), re.DOTALL)
    return [without_tags(cell).strip() for cell in cells]


@pytest.mark.parametrize("role", READERS)
def test_whoever_does_not_see_a_refusal_is_not_told_that_nothing_was_decided(
    world: RunWorld, run: GapRun, role: str
) -> None:
    code = run.skills.filter(is_proposed=True).order_by("demand_rank")[0].skill.code
    area_refuse(run_id=run.pk, skill_code=code, reason="他で扱うため", actor=world.secretariat)
    page = as_user(world.roles()[role]).get(DASHBOARD)
    shown = answer_cells(page)[0]
    assert shown == ("Not adopted" if role == "secretariat" else "–")
    assert "not decided yet" not in text(page)


def test_a_bureaus_own_demand_is_named_beside_its_sections(world: RunWorld, run: GapRun) -> None:
    bureau = world.bureaus[0]
    for user in (world.secretariat, world.coordinator):
        board, found = dashboard(user, run, View(place=f"org-{bureau.pk}", level=1))
        assert found and board.columns
        for answer in board.answer:
            figures = board.cells[board.place.pk, answer.line.skill.pk]
            [where] = answer.where
            assert where.is_itself and where.place == board.place
            assert where.asked == figures.demand_from(1) > 0
            assert where.missing == figures.gap_from(1), "no figure that the cell hides"
    html = text(as_user(world.executive).get(DASHBOARD, {"place": f"org-{bureau.pk}", "level": "1"}))
    assert f"{bureau.name} as a whole" in html


def test_what_sections_ask_for_is_not_counted_for_the_bureau_again(world: RunWorld) -> None:
    item, section = world.items[0], world.sections[0]
    add_answer(world, section, [(item.number, 1, 2, 4)])
    run = finished_run(world, publish=True)
    board, _found = dashboard(world.executive, run, View(place=f"org-{world.bureaus[0].pk}", level=1))
    own = {one.is_itself: one for one in board._where(next(line for line in board.lines if line.skill == item))}
    assert own[False].place.organisation_id == section.pk and own[False].asked == 4
    assert own[True].asked == board.cells[board.place.pk, item.pk].demand_from(1) - 4
    assert own[True].missing is None


def test_the_whole_is_no_place_that_asks(world: RunWorld, run: GapRun) -> None:
    board, _found = dashboard(world.coordinator, run, View(level=1))
    assert all(not one.is_itself for answer in board.answer for one in answer.where)


def test_each_tile_says_what_it_counts(world: RunWorld, run: GapRun) -> None:
    bureau = world.bureaus[0]
    html = text(as_user(world.secretariat).get(DASHBOARD, {"place": f"org-{bureau.pk}"}))
    notes = re.findall(r'<span class="stat__note">(.*?)</span>', html)
    assert notes[0] == "Over the whole"
    assert notes[1].startswith(f"{bureau.name}, all items")
    assert all(note.startswith("Over the whole") for note in notes[2:]) and len(notes) == 4
    assert "of these occupations: ICT" in html


# --------------------------------------------------------------------------------------------------------- interim
def test_a_run_of_an_open_cycle_is_marked_as_interim(world: RunWorld) -> None:
    run = finished_run(world, publish=True)
    assert run.parameters["open"] == {"cycle": True, "survey": False}
    Cycle.objects.filter(pk=run.cycle_id).update(state=CycleState.CLOSED, closed_at=clock.now())
    client = as_user(world.executive)
    assert "Interim figures" in text(client.get(DASHBOARD)), "closing later does not make it final"
    assert "Interim figures" in text(client.get("/gaps/export/ranks.csv"))
    final = finished_run(world, publish=True, parameters={"supply_level": 3})
    assert final.parameters["open"] == {"cycle": False, "survey": False}
    for path in (DASHBOARD, "/gaps/export/ranks.csv"):
        assert "Interim figures" not in text(client.get(path, {"run": final.pk}))


@pytest.mark.parametrize(
    ("closed_after", "survey_state", "survey_days", "expected"),
    [
        (1, "closed", -1, (True, False)),
        (-1, "closed", -1, (False, False)),
        (-1, "closed", 0, (False, True)),
        (-1, "open", -1, (False, True)),
        (None, "open", 1, (True, True)),
    ],
)
def test_of_older_runs_it_is_told_from_days_and_states(
    world: RunWorld, run: GapRun, closed_after: int | None, survey_state: str, survey_days: int, expected: Any
) -> None:
    del run.parameters["open"]
    at = run.snapshot_at
    assert at is not None
    run.cycle.state = CycleState.OPEN if closed_after is None else CycleState.CLOSED
    run.cycle.closed_at = None if closed_after is None else at + timedelta(hours=closed_after)
    run.survey.state = survey_state
    run.survey.closes_on = at.astimezone(clock.TOKYO).date() + timedelta(days=survey_days)
    found = was_open(run)
    assert (found.cycle, found.survey) == expected
    assert bool(found) == any(expected)
