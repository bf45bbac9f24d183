"""What workers do in trials: asked for again and again in one world, each time with an effect that can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from django.core.files.uploadedfile import SimpleUploadedFile

from skillmap.assessment.models import Assessment, AssessmentEvent, ConfirmedLevel, SkillRating
from skillmap.assessment.services.confirming import CONFIRM_AT_ONCE, confirm_start
from skillmap.assessment.tasks import REMIND_KIND
from skillmap.core import clock, imports, jobs
from skillmap.core.choices import ImportState, JobState
from skillmap.core.models import AuditEvent, ImportBatch, Job, Notification
from skillmap.gaps.models import GapRun
from skillmap.people.choices import Role
from skillmap.people.models import Membership, Staff
from tests.factories.assessment import make_cycle, set_windows
from tests.factories.gaps import asked_run, make_run_world
from tests.factories.people import OrganisationFactory, staff_in_bulk, user_with
from tests.support.crew import wait_for
from tests.support.effects import checksum, rows_of

#: Seconds. A fault must be followed by the end within five minutes; with the short leases of trials within one.
LONGEST = 60.0


class Work(Protocol):
    """One kind of long job."""

    def ask(self) -> Job:
        """Ask for it, as the product does; returns its job."""

    def effect(self, job: Job) -> str:
        """The checksum of what it left behind; the same for each undisturbed one."""


def begun(job: Job) -> bool:
    """Whether a worker has taken it."""
    return not Job.objects.filter(pk=job.pk, state=JobState.QUEUED).exists()


def over(job: Job) -> bool:
    """Whether it has come to an end."""
    return not Job.objects.active().filter(pk=job.pk).exists()


def undisturbed(work: Work) -> tuple[str, float]:
    """The checksum of what a clean run leaves, and how many seconds it takes between begin and end."""
    wait_for(lambda: not Job.objects.active().exists(), seconds=LONGEST, what="quiet before the first one")
    job = work.ask()
    wait_for(lambda: over(job), seconds=LONGEST, what="a clean run")
    done = Job.objects.get(pk=job.pk)
    assert (done.state, done.attempt) == (JobState.DONE, 1), done.error
    assert done.started_at is not None and done.finished_at is not None
    return work.effect(job), (done.finished_at - done.started_at).total_seconds()


class GapRuns:
    """The computation of supply and demand."""

    def __init__(self, repeats: int) -> None:
        self.world = make_run_world(people=3000 if repeats > 1 else 600)

    def ask(self) -> Job:
        """A run of its own."""
        run = asked_run(self.world)
        assert run.job is not None
        return run.job

    def effect(self, job: Job) -> str:
        """All that the run stored."""
        return checksum(rows_of(GapRun.objects.get(job=job)))


class Imports:
    """A table of people whose kana change; each time the same people, back and forth between two readings."""

    PEOPLE = 400

    def __init__(self, repeats: int) -> None:
        self.user = user_with(Role.SECRETARIAT)
        place = OrganisationFactory.create()
        self.staff = staff_in_bulk(self.PEOPLE, [place], prefix="7")
        self.asked = 0

    def upload(self) -> ImportBatch:
        """Another table, that is checked by a job."""
        self.asked += 1
        lines = [f"{person.number},かな{'あいうえお'[self.asked % 5]}" for person in self.staff]
        text = "\r\n".join(["number,kana", *lines, f"# {self.asked}"][:-1]) + "\r\n" * self.asked
        file = SimpleUploadedFile("people.csv", text.encode("utf-8-sig"), content_type="text/csv")
        options = {"effective_on": clock.today(), "accounts": False}
        batch = imports.upload(kind="people.staff", file=file, options=options, user=self.user).batch
        assert batch.job is not None
        return batch


class ImportChecks(Imports):
    """The reading and checking of a table."""

    def ask(self) -> Job:
        """A table of its own."""
        job = self.upload().job
        assert job is not None
        return job

    def effect(self, job: Job) -> str:
        """The staged rows; no row of people is touched."""
        batch = ImportBatch.objects.get(job=job)
        rows = list(batch.rows.order_by("number").values_list("number", "key", "label", "outcome", "version"))
        people = list(Staff.objects.filter(number__startswith="7").order_by("number").values_list("kana", "version"))
        return checksum([batch.state, batch.row_count, batch.problem_count, rows, people])


class ImportApplications(Imports):
    """The writing of a checked table, all of it in one transaction."""

    def ask(self) -> Job:
        """Check one, and have it applied."""
        batch = self.upload()
        wait_for(lambda: self._checked(batch), seconds=LONGEST, what=lambda: self._states(batch))
        job = imports.apply(batch=ImportBatch.objects.get(pk=batch.pk), user=self.user).job
        assert job is not None
        return job

    @staticmethod
    def _states(batch: ImportBatch) -> str:
        found = ImportBatch.objects.select_related("job").get(pk=batch.pk)
        return f"the table to be checked: it is {found.state}, {vars(found.job)}, now {clock.now()}"

    @staticmethod
    def _checked(batch: ImportBatch) -> bool:
        return ImportBatch.objects.filter(pk=batch.pk, state=ImportState.CHECKED).exists()

    def effect(self, job: Job) -> str:
        """Everybody has the table's kana, one version more, and one line of history."""
        batch = ImportBatch.objects.get(job=job)
        wanted = f"かな{'あいうえお'[self.asked % 5]}"
        people = Staff.objects.filter(number__startswith="7")
        applied = AuditEvent.objects.filter(verb="import.apply", target=f"core.importbatch:{batch.pk}")
        return checksum(
            [
                batch.state,
                people.filter(kana=wanted).count(),
                people.exclude(version=self.asked + 1).count(),
                Membership.objects.filter(staff__in=people).count(),
                applied.count(),
            ]
        )


class Reminders:
    """The reminders of a day, written anew after those before were taken away."""

    def __init__(self, repeats: int) -> None:
        world = make_cycle(people=1500 if repeats > 1 else 200, items=2, stages=("untouched", "submitted"))
        set_windows(world.cycle, opens_on=clock.today(), closes_on=clock.today())

    def ask(self) -> Job:
        """The job that beat starts each morning."""
        Notification.objects.filter(kind__startswith="reminder.").delete()
        return jobs.enqueue(REMIND_KIND, {}, requested_by=None)

    def effect(self, job: Job) -> str:
        """Who was told what."""
        rows = Notification.objects.filter(kind__startswith="reminder.")
        found = sorted(rows.values_list("recipient", "kind", "subject", "body", "path", "dedup_key"))
        assert found
        return checksum(found)


class Confirmations:
    """The confirmation of many checks by the worker; each time of others, whose levels repeat."""

    SIZE = CONFIRM_AT_ONCE + 10

    def __init__(self, repeats: int) -> None:
        people = self.SIZE * (3 * repeats + 3)
        self.world = make_cycle(people=people, items=4, stages=("corrected",), last_levels=False)
        self.left = iter(self.world.checks)
        self.asked: dict[int, list[int]] = {}

    def ask(self) -> Job:
        """Confirm the next ones."""
        chosen = [next(self.left).pk for _ in range(self.SIZE)]
        job = confirm_start(cycle=self.world.cycle, chosen=[(pk, 1) for pk in chosen], actor=self.world.secretariat)
        self.asked[job.pk] = chosen
        return job

    def effect(self, job: Job) -> str:
        """State, levels, profile, history, audit lines and notices of each check."""
        done = Job.objects.get(pk=job.pk)
        return checksum([len(done.result["confirmed"]), *(self._effect_on(pk) for pk in self.asked[job.pk])])

    @staticmethod
    def _effect_on(pk: int) -> list[Iterable[Any] | int]:
        check = Assessment.objects.get(pk=pk)
        staff = check.staff_id
        return [
            (check.state, check.version),
            list(SkillRating.objects.filter(assessment=pk).order_by("skill").values_list("confirmed_level", "version")),
            list(ConfirmedLevel.objects.filter(staff=staff).order_by("skill").values_list("skill_code", "level")),
            AssessmentEvent.objects.filter(assessment=pk, action="confirm").count(),
            AuditEvent.objects.filter(verb="assessment.confirm", target=f"assessment.assessment:{pk}").count(),
            Notification.objects.filter(path__endswith=f"/{pk}/", kind="assessment.confirm").count(),
        ]


WORKS: dict[str, Callable[[int], Work]] = {
    "gap run": GapRuns,
    "import check": ImportChecks,
    "import application": ImportApplications,
    "reminders": Reminders,
    "confirmation of many": Confirmations,
}
