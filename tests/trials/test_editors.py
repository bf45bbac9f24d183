"""Many people save at the same time over HTTP: whatever was acknowledged is stored, and everybody is answered."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import pytest
from django.db import connection
from django.urls import reverse

from skillmap.assessment.models import Assessment, MentorPair, SkillRating
from tests.factories.assessment import World, make_cycle
from tests.support.browsing import Browser
from tests.support.crew import Crew
from tests.support.trials import Trial, quantile, short_and_long

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]
SAVES, FEW = 4, 3
#: Seconds between two saves of one person, who reads four definitions before choosing.
PAUSE, SHORT_PAUSE = (5.0, 15.0), (0.0, 0.2)


@dataclass
class Editor:
    """One open page: whose, on which check, as whom; and what came of its saves."""

    browser: Browser
    check: Assessment
    is_mentor: bool = False
    stored: list[tuple[str, int, int]] = field(default_factory=list)  # item, version, level as acknowledged
    versions: dict[str, int] = field(default_factory=dict)

    def url(self, code: str) -> str:
        """Where this page sends an item."""
        name = "assessment:one_on_one_view" if self.is_mentor else "assessment:check_item"
        return reverse(name, args=[self.check.pk, code])

    def save(self, code: str, level: int) -> None:
        """Save one item as the page does; where somebody else was first, once more with the version told."""
        for _try in range(20):
            body: dict[str, object] = {"version": self.versions.get(code, 1), "level": level}
            if self.is_mentor:  # never what is stored already
                body["reason"] = f"根拠を確認した（{len(self.browser.answers)}）"
            answer = self.browser.send(self.url(code), body)
            if answer.status not in (200, 409):
                return
            self.versions[code] = answer.json()["version"]
            if answer.status == 200:
                self.stored.append((code, self.versions[code], level))
                return


def editors_of(world: World, count: int) -> list[Editor]:
    """Half of them alone on their own check; the others in threes on one: the person in two tabs, and the mentor."""
    alone = [Editor(Browser(check.staff.user), check) for check in world.by_stage["started"] if check.staff.user]
    together: list[Editor] = []
    for check in world.by_stage["reviewed"]:
        pair = MentorPair.objects.active().select_related("mentor__user").get(mentee=check.staff_id, is_deputy=False)
        mentor, person = pair.mentor.user, check.staff.user
        assert mentor is not None and person is not None
        together += [Editor(Browser(person), check), Editor(Browser(person), check)]
        together += [Editor(Browser(mentor), check, is_mentor=True)]
    return (alone[: count // 2] + together)[:count]


def work_at_once(editors: list[Editor], codes: list[str], *, saves: int, pause: tuple[float, float]) -> None:
    """All save for the first time in the same moment, then each at their own pace."""
    start = threading.Barrier(len(editors))

    def work(number: int, editor: Editor) -> None:
        chance = random.Random(number)
        start.wait(60)
        for turn in range(saves):
            if turn:
                time.sleep(chance.uniform(*pause))
            editor.save(codes[turn % len(codes)], chance.randrange(4))

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(editors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


Key = tuple[int, str]  # check and item
Levels = tuple[int | None, int | None]  # the person's, the mentor's


def stored_levels(editors: list[Editor]) -> dict[Key, tuple[int, Levels]]:
    """Version and levels of all items that these editors have before them."""
    checks = {editor.check.pk for editor in editors}
    rows = SkillRating.objects.filter(assessment__in=checks).select_related("skill", "assessment")
    return {
        (row.assessment_id, row.skill.code): (
            row.version,
            (row.self_level if row.assessment.state == "draft" else row.corrected_level, row.mentor_level),
        )
        for row in rows
    }


def not_as_acknowledged(editors: list[Editor], before: dict[Key, tuple[int, Levels]]) -> list[str]:
    """Where what is stored is not what was acknowledged: what was told with each version, one after the other."""
    told: dict[Key, dict[int, set[tuple[int, bool]]]] = defaultdict(lambda: defaultdict(set))
    for editor in editors:
        for code, version, level in editor.stored:
            told[editor.check.pk, code][version].add((level, editor.is_mentor))
    after = stored_levels(editors)
    wrong = []
    for key, acknowledged in told.items():
        first, levels = before[key]
        if sorted(acknowledged) != list(range(first + 1, after[key][0] + 1)):
            wrong.append(f"{key}: version {after[key][0]}, acknowledged {dict(acknowledged)}")
            continue
        for version in sorted(acknowledged):
            following = _followed(levels, acknowledged[version])
            if following is None:
                wrong.append(f"{key}: {levels} became with version {version} {acknowledged[version]}")
                break
            levels = following
        if levels != after[key][1]:
            wrong.append(f"{key}: stored {after[key][1]}, acknowledged {levels}")
    return wrong


def _followed(levels: Levels, told: set[tuple[int, bool]]) -> Levels | None:
    """The levels after one write; None where this cannot have been one.

    Besides the one who wrote, those are told of a version whose level was stored already.
    """
    own = {level for level, is_mentor in told if not is_mentor}
    mentors = {level for level, is_mentor in told if is_mentor}
    after = (next(iter(own), levels[0]), next(iter(mentors), levels[1]))
    several = len(own) > 1 or len(mentors) > 1
    both = after[0] != levels[0] and after[1] != levels[1]
    return None if several or both else after


@short_and_long(12, 200)
def test_what_many_editors_were_told_is_stored(trial: Trial, crew: Crew, repeats: int) -> None:
    """On SQLite, which has one writer, with a quarter of them."""
    count = repeats if connection.vendor == "postgresql" else max(12, repeats // 4)
    world = make_cycle(people=count, items=6, stages=("started", "reviewed"), last_levels=False)
    editors = editors_of(world, count)
    assert len(editors) == count
    before, port = stored_levels(editors), crew.web(workers=2, threads=8)
    for editor in editors:
        editor.browser.port = port
        editor.browser.sign_in()
    long = count > FEW * 4
    saves = SAVES if long else FEW
    codes = [skill.code for skill in world.skills]
    work_at_once(editors, codes, saves=saves, pause=PAUSE if long else SHORT_PAUSE)

    statuses = Counter(answer.status for editor in editors for answer in editor.browser.answers)
    assert set(statuses) <= {200, 409}, crew.said("web")
    assert statuses[200] == count * saves
    assert not_as_acknowledged(editors, before) == []
    first = [editor.browser.answers[0].seconds for editor in editors]
    later = [answer.seconds for editor in editors for answer in editor.browser.answers[1:]]
    trial.tried = statuses[200]
    trial.held(
        editors=count,
        on_shared_checks=sum(editor.check.state == "reviewed" for editor in editors),
        conflicts_told=statuses[409],
        all_in_one_moment_p95_s=quantile(first, 0.95),
        p50_s=quantile(later, 0.5),
        p95_s=quantile(later, 0.95),
        max_s=quantile(later, 1),
    )
