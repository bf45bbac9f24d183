"""What a confirmation would do, person by person: changes against last time, and where the mentor differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from skillmap.assessment import rules
from skillmap.assessment.choices import CycleStep
from skillmap.assessment.models import Assessment, Cycle, SkillRating
from skillmap.assessment.selectors.profile import levels_now
from skillmap.core import clock
from skillmap.people.access import access_of
from skillmap.people.models import User


@dataclass(frozen=True)
class ItemChange:
    """One item of a preview: what would be confirmed, what was confirmed last, what the mentor sees."""

    code: str
    number: int
    name: str
    level: int | None
    last: int | None
    own: int | None
    mentor: int | None
    mentor_reason: str

    @property
    def is_changed(self) -> bool:
        """Whether confirming changes the profile."""
        return self.level is not None and self.level != self.last

    @property
    def mentor_differs(self) -> bool:
        """Whether the mentor sees another level than would be confirmed."""
        return self.mentor is not None and self.mentor != self.level


@dataclass(frozen=True)
class PreviewLine:
    """One person of a preview."""

    check: Assessment
    items: list[ItemChange]
    is_open: bool  # whether the check can be confirmed today

    @property
    def changes(self) -> list[ItemChange]:
        """What confirming changes."""
        return [item for item in self.items if item.is_changed]

    @property
    def differences(self) -> list[ItemChange]:
        """Where mentor and person differ."""
        return [item for item in self.items if item.mentor_differs]

    @property
    def shown(self) -> list[ItemChange]:
        """The items worth a look: first those that the mentor sees otherwise, then those that change."""
        return self.differences + [item for item in self.changes if not item.mentor_differs]

    @property
    def up(self) -> int:
        """Items that rise."""
        return sum(1 for item in self.changes if item.last is not None and (item.level or 0) > item.last)

    @property
    def down(self) -> int:
        """Items that fall."""
        return sum(1 for item in self.changes if item.last is not None and (item.level or 0) < item.last)

    @property
    def first(self) -> int:
        """Items confirmed for the first time."""
        return sum(1 for item in self.changes if item.last is None)


def ready_to_confirm(user: User, cycle: Cycle) -> QuerySet[Assessment]:
    """Checks that the user could confirm now: those that wait for the secretariat, but never the own one."""
    waiting = Assessment.objects.visible_to(user).filter(
        cycle=cycle, due_step=CycleStep.CONFIRMATION, due_who=rules.SECRETARIAT
    )
    return waiting.exclude(staff_id=access_of(user).staff_id or 0)


def preview(checks: Sequence[Assessment], window: rules.Window | None) -> list[PreviewLine]:
    """What confirming these checks would do, person by person; two queries. To be read through services.looks.look.

    `window`: that of their cycle's confirmation; None where nobody can be confirmed.
    """
    ratings: dict[int, list[SkillRating]] = {check.pk: [] for check in checks}
    rows = SkillRating.objects.filter(assessment__in=list(ratings)).select_related("skill")
    for rating in rows.order_by("skill__kind", "skill__number"):
        ratings[rating.assessment_id].append(rating)
    last = levels_now([check.staff_id for check in checks])
    today = clock.today()
    return [
        PreviewLine(
            check,
            [_item(rating, last[check.staff_id]) for rating in ratings[check.pk]],
            is_open=window is not None and _own_window(check, window).is_open(today),
        )
        for check in checks
    ]


def _own_window(check: Assessment, window: rules.Window) -> rules.Window:
    """The window of one person: `due_on` of a check that waits for confirmation is its end, more time included."""
    return rules.Window(window.opens_on, check.due_on or window.closes_on)


def _item(rating: SkillRating, last: Mapping[str, int]) -> ItemChange:
    return ItemChange(
        code=rating.skill.code,
        number=rating.skill.number,
        name=rating.skill.label,
        level=rules.level_to_confirm(rating.self_level, rating.corrected_level),
        last=last.get(rating.skill.code),
        own=rating.self_level,
        mentor=rating.mentor_level,
        mentor_reason=rating.mentor_reason,
    )
