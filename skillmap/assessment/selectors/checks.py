"""The page of one check.

Its items with what was last confirmed, what the target asks, and what stands behind a level.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from skillmap.assessment import level_rules, rules
from skillmap.assessment.choices import CycleState, CycleStep, State
from skillmap.assessment.models import Assessment, CycleWindow, Evidence, PurposeAcknowledgement, SkillRating
from skillmap.assessment.selectors.answers import evidence_of, ratings_of
from skillmap.assessment.selectors.profile import LastLevel, last_levels
from skillmap.assessment.selectors.situations import Capacity, Progress, capacity_of, situation_of, with_meetings
from skillmap.assessment.selectors.steps import StepLine, step_lines
from skillmap.core import clock
from skillmap.core.prepared import Prepared
from skillmap.framework.catalogue import Catalogue, LevelWords, catalogue_of
from skillmap.framework.models import JobType, Skill, SkillCategory
from skillmap.people.access import access_of
from skillmap.people.models import User


@dataclass
class ItemRow:
    """One item of a check. `level` is the value in the column that is filled in now (self, then corrected).

    The addresses are the view's to fill in.
    """

    skill: Skill
    rating: SkillRating
    levels: tuple[LevelWords, ...]
    level: int | None
    last: LastLevel | None
    target: int
    evidence: list[Evidence] = field(default_factory=list)
    conflict: Mapping[str, Any] | None = None
    save_url: str = ""
    evidence_url: str = ""

    @property
    def last_level(self) -> int | None:
        """The last confirmed level."""
        return self.last.level if self.last else None

    @property
    def field(self) -> str:
        """The name of its radios."""
        return f"level-{self.skill.code}"

    @property
    def version(self) -> object:
        """What the reader saw last: in a conflict the stored one, for both values stand on the page."""
        return self.conflict["version"] if self.conflict else self.rating.version

    @property
    def lack(self) -> int:
        """Levels missing to the target; what is not answered counts as the last level."""
        return level_rules.lack(self.level if self.level is not None else self.last_level, self.target)

    @property
    def is_changed(self) -> bool:
        """Answered, and not the same as last time."""
        return self.level is not None and self.level != self.last_level

    @property
    def mentor_differs(self) -> bool:
        """Whether the mentor sees another level."""
        return self.rating.mentor_level is not None and self.rating.mentor_level != self.level


@dataclass(frozen=True)
class CategoryRows:
    """The items of one category."""

    category: SkillCategory
    rows: list[ItemRow]

    @property
    def answered(self) -> int:
        """How many are answered."""
        return sum(row.level is not None for row in self.rows)


@dataclass(frozen=True)
class CheckPage:
    """All that the page of a check shows; `column` is None where the person can't answer now."""

    assessment: Assessment
    catalogue: Catalogue
    situation: rules.Situation
    capacity: Capacity
    categories: list[CategoryRows]
    column: str | None
    entry_refusal: str | None
    acknowledged: bool

    @property
    def rows(self) -> list[ItemRow]:
        """All items in order."""
        return [row for part in self.categories for row in part.rows]

    @property
    def answered(self) -> int:
        """How many items are answered in the present column."""
        return sum(part.answered for part in self.categories)

    @property
    def can_edit(self) -> bool:
        """Whether this reader may answer now."""
        return self.entry_refusal is None and (rules.SELF in self.capacity.words or self.capacity.on_behalf)

    @property
    def on_behalf(self) -> bool:
        """Whether the reader would answer for somebody else."""
        return rules.SELF not in self.capacity.words

    @property
    def actions(self) -> tuple[str, ...]:
        """The steps open to this reader."""
        words = set(self.capacity.words) | ({rules.SELF} if self.capacity.on_behalf else set())
        return rules.open_actions(self.situation, words)

    @property
    def target(self) -> JobType | None:
        """The job type compared with."""
        return self.catalogue.job_type(self.assessment.target_job_type_id)

    @property
    def steps(self) -> list[StepLine]:
        """The steps of the cycle."""
        return step_lines(self.situation)


def _any_check(check: int) -> QuerySet[Assessment]:
    """One check with what its page needs beside the answers."""
    acknowledged = PurposeAcknowledgement.objects.filter(
        staff=OuterRef("staff_id"), cycle=OuterRef("cycle_id"), purpose_text=OuterRef("cycle__purpose_text_id")
    )
    return (
        with_meetings(Assessment.objects.filter(pk=check))
        .annotate(purpose_acknowledged=Exists(acknowledged))
        .select_related("cycle__framework", "group")
    )


_ANY_CHECK = Prepared(_any_check, check=int)
_OWN_CHECK = Prepared(lambda check, staff: _any_check(check).filter(staff=staff), check=int, staff=int)


def check_for(user: User, pk: int) -> Assessment | None:
    """A check that the user may enter answers into, with what its page needs; one query.

    That is narrower than `visible_to`: the own ones, for the secretariat all. A mentor reads them on the 1on1 page.
    """
    access = access_of(user)
    found = _ANY_CHECK.ask(check=pk) if access.is_secretariat else _OWN_CHECK.ask(check=pk, staff=access.own_id)
    return found[0] if found else None


def current_check_id(staff_id: int) -> int | None:
    """The person's check in the newest open cycle whose self-check has begun, else in the newest; None without one."""
    own = Assessment.objects.filter(staff=staff_id, cycle__state=CycleState.OPEN).exclude(state=State.WITHDRAWN)
    begun = CycleWindow.objects.filter(cycle=OuterRef("cycle"), step=CycleStep.SELF_CHECK, opens_on__lte=clock.today())
    return own.order_by(Exists(begun).desc(), "-cycle__fiscal_year", "-pk").values_list("pk", flat=True).first()


def check_page(user: User, assessment: Assessment) -> CheckPage:
    """The page of a check that was read through `check_for`; five queries."""
    catalogue = catalogue_of(assessment.cycle.framework)
    column = rules.editable_level(assessment.state)
    ratings = ratings_of(assessment.pk)
    situation = situation_of(assessment, progress=_progress(ratings.values()))
    evidence = evidence_of(assessment.pk)
    last = last_levels(assessment.staff_id, before_assessment=assessment.pk)
    asked = catalogue.requirements.get(assessment.target_job_type_id or 0, {})
    categories = []
    for category in catalogue.categories:
        rows = [
            ItemRow(
                skill=skill,
                rating=ratings[skill.pk],
                levels=catalogue.level_words(skill),
                level=_shown_level(ratings[skill.pk], assessment.state),
                last=last.get(skill.code),
                target=asked.get(skill.code, 0),
                evidence=evidence.get(ratings[skill.pk].pk, []),
            )
            for skill in catalogue.skills_in(category)
            if skill.pk in ratings
        ]
        if rows:
            categories.append(CategoryRows(category, rows))
    return CheckPage(
        assessment=assessment,
        catalogue=catalogue,
        situation=situation,
        capacity=capacity_of(user, assessment),
        categories=categories,
        column=column,
        entry_refusal=rules.entry_refusal(situation),
        acknowledged=assessment.purpose_acknowledged,  # type: ignore[attr-defined]
    )


def _progress(ratings: Collection[SkillRating]) -> Progress:
    return Progress(
        items=len(ratings),
        answered=sum(rating.self_level is not None for rating in ratings),
        corrected=sum(rating.corrected_level is not None for rating in ratings),
    )


def _shown_level(rating: SkillRating, state: str) -> int | None:
    """The level in the column that is filled in now; where none is, the one that counts.

    A correction that was taken away again is an open answer, so the self level must not stand in for it.
    """
    column = rules.editable_level(state)
    if column is not None:
        level: int | None = getattr(rating, column)
        return level
    if state == State.SUBMITTED:
        return rating.self_level
    return rules.level_to_confirm(rating.self_level, rating.corrected_level)


def earlier_evidence(staff_id: int, skill_code: str, *, besides: int) -> list[Evidence]:
    """What the person wrote for this item in earlier cycles, newest first, at most five; offered to pick."""
    rows = Evidence.objects.filter(rating__assessment__staff=staff_id, rating__skill__code=skill_code)
    return list(
        rows.exclude(rating__assessment=besides).select_related("certification").order_by("-created_at", "-pk")[:5]
    )
