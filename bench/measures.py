"""What is measured: each name gives a way to do it once, its floor, and what the answer must be to count.

Pages and calls go through the whole application (`bench.browser`), heavy work through the services that a worker calls.
The people of the demo world are those who do it: its staff member, mentor, secretariat.
"""

import io
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count, cycle, islice
from tempfile import TemporaryFile
from typing import Any

import openpyxl
import psycopg2
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.urls import reverse
from psycopg2.extras import execute_values

from bench import floors
from bench.browser import Browser
from skillmap.assessment.models import Assessment, Cycle, SkillRating
from skillmap.assessment.services.levels_import import levels_table
from skillmap.core import clock, imports, jobs
from skillmap.core.choices import ImportState, Purpose
from skillmap.core.models import ImportBatch
from skillmap.core.tabular.writing import write_xlsx
from skillmap.gaps.models import DemandSurvey, GapRun
from skillmap.gaps.services.runs import run_request
from skillmap.people.demo import DOMAIN
from skillmap.people.models import User

Once = Callable[[], object]


@dataclass(frozen=True)
class Measure:
    """A thing to do once, and the floor it is compared with."""

    real: Once
    floor: Once
    floor_words: str
    runs: int | None = None  # fewer than asked for, where one run takes long


def _user(word: str) -> User:
    return User.objects.get(email=f"{word}@{DOMAIN}")


def _open_cycle() -> Cycle:
    return Cycle.objects.get(state="open")


def _own_check(user: User) -> Assessment:
    return Assessment.objects.get(cycle=_open_cycle(), staff__user=user)


def _page(word: str, address: str, *, why: str = "") -> Measure:
    """A page, beside the same bytes sent by a bare view behind the same middleware."""
    browser = Browser(_user(word), why=why)

    def real() -> object:
        answer = browser.get(address)
        if answer.status != 200:
            raise RuntimeError(f"{address}: {answer.status} {answer.headers.get('Location', '')}")
        return answer

    first = browser.get(address)
    floors.BYTES.update(body=first.body, type=first.headers["Content-Type"])
    return Measure(real, lambda: browser.get("/bench/bytes/"), f"{len(first.body):,} bytes from a bare view")


def home() -> Measure:
    """The page after signing in, of somebody in the middle of a check."""
    return _page("staff", reverse("portal:home"))


def selfcheck() -> Measure:
    """The self-check with all its items."""
    return _page("staff", reverse("assessment:check", args=[_own_check(_user("staff")).pk]))


def save() -> Measure:
    """One level, as the self-check's script sends it; the floor is one UPDATE by id."""
    user = _user("staff")
    check, browser = _own_check(user), Browser(user)
    row = SkillRating.objects.filter(assessment=check, skill__kind="digital").select_related("skill")[0]
    address = reverse("assessment:check_item", args=[check.pk, row.skill.code])
    state = {"version": row.version, "level": 0}

    def send(where: str, more: dict[str, Any]) -> None:
        state["level"] = (state["level"] + 1) % 4
        answer = browser.send(where, {"version": state["version"], "level": state["level"], **more})
        if answer.status != 200:
            raise RuntimeError(f"{where}: {answer.status} {answer.body[:200]!r}")
        state["version"] = json.loads(answer.body)["version"]

    return Measure(
        lambda: send(address, {}), lambda: send("/bench/update/", {"rating": row.pk, "by": user.pk}), "one UPDATE by id"
    )


def mymap() -> Measure:
    """The own map."""
    return _page("staff", reverse("portal:my_map"))


def mentees() -> Measure:
    """A mentor's people."""
    return _page("mentor", reverse("assessment:mentees"))


def oneonone() -> Measure:
    """The mentor's page of one 1on1."""
    mentor = _user("mentor")
    check = Assessment.objects.filter(
        cycle=_open_cycle(), state="submitted", staff__mentor_pairs__mentor__user=mentor
    ).first()
    if check is None:
        raise RuntimeError("The demo's mentor has nobody who waits for a 1on1.")
    # With all items: how many differ from last time is another number for each person.
    return _page("mentor", reverse("assessment:one_on_one", args=[check.pk]) + "?all=1")


def board() -> Measure:
    """The first page of the cycle board."""
    return _page("secretariat", reverse("assessment:board", args=[_open_cycle().pk]))


def people() -> Measure:
    """The list of people, narrowed down by name and occupation."""
    return _page("secretariat", reverse("people:staff_list") + "?q=佐&occupation=ict".replace("佐", "%E4%BD%90"))


def dashboard() -> Measure:
    """Supply and demand of the last run."""
    return _page("executive", reverse("gaps:dashboard"))


# --------------------------------------------------------------------------------------------------------- heavy work
GROUP_BY = """
    SELECT s.organisation_id, r.skill_id, r.confirmed_level, count(*)
      FROM assessment_assessment a
      JOIN assessment_skillrating r ON r.assessment_id = a.id
      JOIN people_staff s ON s.id = a.staff_id
     WHERE a.cycle_id = %s AND a.confirmed_at IS NOT NULL AND a.occupation = 'ict' AND s.status <> 'left'
     GROUP BY 1, 2, 3
"""


def gap_run() -> Measure:
    """A run on the last closed cycle, from the start of the worker's work; the floor counts the same rows in SQL."""
    office = _user("secretariat")
    cycle = Cycle.objects.filter(state="closed").order_by("-fiscal_year")[0]
    survey = DemandSurvey.objects.get(fiscal_year=cycle.fiscal_year)
    made: list[GapRun] = []

    def real() -> object:
        # Every run has another k, or the one that is there already would be the answer.
        run = run_request(cycle_id=cycle.pk, survey_id=survey.pk, parameters={"k": 5 + len(made)}, actor=office)
        made.append(run)
        if run.job is None:
            raise RuntimeError("A run that was asked for has a job.")
        jobs.run(run.job.pk)
        run.refresh_from_db()
        if run.finished_at is None:
            raise RuntimeError("The run did not finish.")
        return run

    def floor() -> object:
        with connection.cursor() as cursor:
            cursor.execute(GROUP_BY, [cycle.pk])
            return cursor.fetchall()

    return Measure(real, floor, "SELECT … GROUP BY organisation, item, level", runs=3)


def export() -> Measure:
    """Everybody's confirmed levels as a workbook; the floor writes the same cells by xlsxwriter alone."""
    office = _user("secretariat")
    table = levels_table(viewer=office, purpose=Purpose.TRAINING_PLAN, filters={})
    columns, sample = len(table.columns), list(islice(table.rows, 1000))
    people = len(sample) + sum(1 for _row in table.rows)

    def real() -> object:
        with TemporaryFile() as file:
            write_xlsx([levels_table(viewer=office, purpose=Purpose.TRAINING_PLAN, filters={})], file)
        return None

    def floor() -> object:
        with TemporaryFile() as file:
            book = xlsxwriter.Workbook(file, {"constant_memory": True})
            sheet = book.add_worksheet()
            for number, row in enumerate(islice(cycle(sample), people)):
                for place, value in enumerate(row):
                    if value is not None:
                        sheet.write(number, place, str(value) if not isinstance(value, int) else value)
            book.close()
        return None

    return Measure(real, floor, f"{people:,} x {columns} such cells by xlsxwriter alone", runs=3)


LEVELS = """
    SELECT staff_id, skill_code, level, valid_from, valid_to, recorded_at, source
      FROM assessment_confirmedlevel
     WHERE staff_id = ANY(%s) AND recorded_until IS NULL AND valid_to IS NULL
     ORDER BY staff_id, skill_code
"""


def levels_api() -> Measure:
    """A hundred people with their levels over REST; the floor reads the same rows by psycopg2 and writes JSON."""
    browser = Browser(_user("secretariat"), why=Purpose.TRAINING_PLAN)
    address = reverse("assessment-api:profiles") + "?page_size=100&occupation=ict"
    ids = [row["staff"] for row in json.loads(browser.get(address).body)["results"]]
    bare = psycopg2.connect(os.environ["DATABASE_URL"])

    def real() -> object:
        answer = browser.get(address)
        if answer.status != 200:
            raise RuntimeError(f"{address}: {answer.status} {answer.body[:200]!r}")
        return answer

    def floor() -> object:
        with bare, bare.cursor() as cursor:
            cursor.execute(LEVELS, [ids])
            return json.dumps(cursor.fetchall(), default=str)

    return Measure(real, floor, "the same rows by psycopg2 and json")


IMPORT_ROWS = 20_000
HEADINGS = ("職員番号", "氏名", "ふりがな", "メールアドレス", "任用元", "職種", "採用日", "職層", "組織コード")


def _sheet(first: int, place: str) -> bytes:
    """A workbook of people whom nobody knows yet."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"constant_memory": True})
    sheet = book.add_worksheet("職員")
    sheet.write_row(0, 0, HEADINGS)
    for number in range(IMPORT_ROWS):
        key = f"8{first + number:08d}"
        row = (
            key,
            "試験 太郎",
            "しけん たろう",
            f"n{key}@bench.example",
            "都",
            "ICT職",
            "2020-04-01",
            "主任",
            place,
        )
        sheet.write_row(number + 1, 0, row)
    book.close()
    return file.getvalue()


def _done(batch: ImportBatch, wanted: ImportState) -> None:
    """Do the batch's job as a worker does."""
    if batch.job is None:
        raise RuntimeError("A batch that waits has a job.")
    jobs.run(batch.job.pk)
    batch.refresh_from_db()
    if batch.state != wanted:
        problems = [str(problem) for problem in imports.problems_of(batch)][:3]
        raise RuntimeError(f"The sheet is {batch.state}: {batch.problem} {problems}")


def people_import() -> Measure:
    """A sheet of 20,000 new people: check and apply, as the worker does; the floor reads it and writes bare rows."""
    office = _user("secretariat")
    place = _user("staff").staff.organisation.code
    turns, options = count(1), {"effective_on": clock.today(), "accounts": False}

    def real() -> object:
        sheet = _sheet(next(turns) * 1_000_000, place)
        file = SimpleUploadedFile("people.xlsx", sheet)
        begun = time.perf_counter()
        batch = imports.upload(kind="people.staff", file=file, options=options, user=office).batch
        _done(batch, ImportState.CHECKED)
        _done(imports.apply(batch=batch, user=office), ImportState.APPLIED)
        return time.perf_counter() - begun

    def floor() -> object:
        sheet = _sheet(next(turns) * 1_000_000, place)
        begun = time.perf_counter()
        book = openpyxl.load_workbook(io.BytesIO(sheet), read_only=True)
        rows = book.worksheets[0].iter_rows(min_row=2, values_only=True)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE bare (" + ", ".join(f"c{n} text" for n in range(9)) + ") ON COMMIT DROP"
            )
            execute_values(cursor.cursor, "INSERT INTO bare VALUES %s", list(rows), page_size=1000)
        return time.perf_counter() - begun

    return Measure(real, floor, "the sheet read by openpyxl, its rows written bare", runs=3)


MEASURES: dict[str, Callable[[], Measure]] = {
    "home": home,
    "selfcheck": selfcheck,
    "save": save,
    "mymap": mymap,
    "mentees": mentees,
    "oneonone": oneonone,
    "board": board,
    "people": people,
    "dashboard": dashboard,
    "gap-run": gap_run,
    "export": export,
    "levels-api": levels_api,
    "import": people_import,
}
