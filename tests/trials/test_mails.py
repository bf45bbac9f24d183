"""A worker is killed while it mails: everybody is mailed, and at most one of them twice for each kill, as is stated."""

from __future__ import annotations

import random
import re
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from skillmap.config.celery import app
from skillmap.core import notifications
from skillmap.core.choices import MailState
from skillmap.core.models import Notification
from tests.factories.assessment import make_organisation, make_people
from tests.support.crew import Crew, wait_for
from tests.support.trials import Trial
from tests.trials.works import LONGEST

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]
PEOPLE = 60
LETTER = re.compile(r"^Subject: round (\d+)\n.*?^To: (\S+)$", re.MULTILINE | re.DOTALL)


def mailed(folder: Path, number: int) -> Counter[str]:
    """How often each was mailed in this round."""
    texts = [file.read_text(errors="replace") for file in folder.iterdir()]
    letters = [found for text in texts for found in LETTER.findall(text)]
    return Counter(to for round_number, to in letters if round_number == str(number))


def so_many(folder: Path, number: int, enough: int) -> bool:
    """Whether so many were mailed in this round."""
    return mailed(folder, number).total() >= enough


def waiting() -> bool:
    """Whether somebody has not been mailed."""
    return Notification.objects.filter(mail_state=MailState.WAITING).exists()


@pytest.mark.trials
@pytest.mark.parametrize("repeats", [pytest.param(20, id="long")])
def test_everybody_is_mailed_however_often_the_worker_is_killed(
    trial: Trial, crew: Crew, tmp_path: Path, repeats: int
) -> None:
    people = make_people(PEOPLE, [make_organisation("第一局")])
    crew.worker()
    crew.beat()
    crew.ready()
    chance, twice, number = random.Random(11), 0, 0
    while trial.tried < repeats:
        number += 1
        rows = [
            notifications.build(recipient_id=user.pk, kind="test", subject=f"round {number}", dedup_key=str(number))
            for user in people
        ]
        notifications.notify_many(rows)
        app.send_task("skillmap.core.tasks.send_notifications")
        enough = chance.randint(1, PEOPLE // 2)
        folder = tmp_path / "mail"
        wait_for(partial(so_many, folder, number, enough), seconds=LONGEST, what=crew.said, every=0.002)
        if number % 2:
            for pid in crew.who_do_jobs():
                crew.kill_one(pid)
        else:
            crew.kill()
        caught = waiting()
        if not number % 2:
            crew.worker()
        wait_for(lambda: not waiting(), seconds=LONGEST, what=crew.said)
        letters = mailed(folder, number)
        assert set(letters) == {user.email for user in people}
        assert letters.total() <= PEOPLE + 1, letters.most_common(3)
        twice += letters.total() - PEOPLE
        if caught:
            trial.count()
    trial.held(people_each=PEOPLE, not_mailed=0, mailed_twice=twice, mailed_twice_per_kill_max=1)
