"""The command `run_gap`: it computes, publishes, and says why not."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from skillmap.core.models import AuditEvent
from skillmap.gaps.models import GapRun
from tests.factories.gaps import RunWorld, make_run_world
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db

laid, world = on_ground(lambda: make_run_world(people=100, bureaus=2))


def command(*arguments: object) -> str:
    """What `run_gap` prints."""
    out = io.StringIO()
    call_command("run_gap", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_command_computes_and_publishes(world: RunWorld) -> None:
    printed = command("--cycle", world.cycle.pk, "--survey", world.survey.pk)
    run = GapRun.objects.get()
    assert printed.splitlines()[0] == f"Run {run.pk} of fiscal year 2025: 100 people, not published."
    assert printed.count("proposed: ") == 2
    assert (run.requested_by, run.published_at) == (None, None)
    printed = command(
        "--cycle", world.cycle.pk, "--survey", world.survey.pk, "--publish", "--user", world.secretariat.email
    )
    published = GapRun.objects.get(published_at__isnull=False)
    assert f"Run {published.pk} of fiscal year 2025: 100 people, published." in printed
    assert published.requested_by == world.secretariat
    assert AuditEvent.objects.filter(verb="gap_run.publish", actor=world.secretariat).exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--cycle", 0, "--survey", "{survey}"),
        ("--cycle", "{cycle}", "--survey", 0),
        ("--cycle", "{cycle}", "--survey", "{survey}", "--basis", "corrected", "--publish"),
        ("--cycle", "{cycle}", "--survey", "{survey}", "--user", "nobody@tokyo.example"),
        ("--cycle", "{cycle}", "--survey", "{survey}", "--user", "{executive}"),
        ("--cycle", "{cycle}", "--survey", "{survey}", "--basis", "guessed"),
        ("--cycle", "{cycle}"),
    ],
)
def test_command_says_why_not(world: RunWorld, arguments: tuple[object, ...]) -> None:
    names = {"cycle": world.cycle.pk, "survey": world.survey.pk, "executive": world.executive.email}
    with pytest.raises(CommandError):
        command(*(str(argument).format(**names) for argument in arguments))
    assert not GapRun.objects.filter(published_at__isnull=False).exists()
