"""The result sheet of a check, and the requests for correction."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, OuterRef, QuerySet, Subquery

from skillmap.assessment import level_rules, objection_rules, rules
from skillmap.assessment.choices import ObjectionState, State
from skillmap.assessment.models import Assessment, Objection, SkillRating
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.selectors.profile import last_levels
from skillmap.assessment.selectors.steps import StepLine, step_lines
from skillmap.framework.catalogue import Catalogue, catalogue_of
from skillmap.framework.models import JobType, Skill, SkillCategory
from skillmap.people.models import User

CONFIRMED = (State.CONFIRMED, State.RECEIVED)


@dataclass(frozen=True)
class ResultRow:
    """One item of the sheet. The four levels stay apart; `level` is the one that counts."""

    skill: Skill
    own: int | None
    corrected: int | None
    mentor: int | None
    reason: str
    confirmed: int | None
    last: int | None
    target: int
    wish: bool

    @property
    def level(self) -> int | None:
        """The confirmed level; before confirmation the one that would be confirmed."""
        return self.confirmed if self.confirmed is not None else rules.level_to_confirm(self.own, self.corrected)

    @property
    def change(self) -> int | None:
        """Levels up or down since the last confirmed one; None where there was none."""
        return None if self.level is None or self.last is None else self.level - self.last

    @property
    def lack(self) -> int:
        """Levels missing to the target."""
        return level_rules.lack(self.level, self.target)

    @property
    def mentor_differs(self) -> bool:
        """Whether the mentor sees another level."""
        return self.mentor is not None and self.mentor != self.level


@dataclass(frozen=True)
class JobTypeFit:
    """達成度 of one job type."""

    job_type: JobType
    fit: level_rules.Fit
    is_target: bool


@dataclass(frozen=True)
class ObjectionLine:
    """One request for correction as the person reads it."""

    pk: int
    skill: Skill
    wanted_level: int
    text: str
    state: str
    state_label: str
    answer: str
    raised_at: datetime
    answered_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it waits for its answer."""
        return self.state == ObjectionState.OPEN


@dataclass(frozen=True)
class ResultSheet:
    """All that the sheet shows."""

    dossier: Dossier
    catalogue: Catalogue
    rows: tuple[ResultRow, ...]
    fits: tuple[JobTypeFit, ...]
    objections: tuple[ObjectionLine, ...]

    @property
    def is_confirmed(self) -> bool:
        """Whether the levels are the confirmed ones."""
        return self.dossier.assessment.state in CONFIRMED

    @property
    def target(self) -> JobTypeFit | None:
        """The job type that the person compares with."""
        return next((fit for fit in self.fits if fit.is_target), None)

    @property
    def others(self) -> list[JobTypeFit]:
        """The other job types, in the framework's order."""
        return [fit for fit in self.fits if not fit.is_target]

    @property
    def groups(self) -> list[tuple[SkillCategory, list[ResultRow]]]:
        """The rows by category."""
        found = [
            (category, [row for row in self.rows if row.skill.category_id == category.pk])
            for category in self.catalogue.categories
        ]
        return [(category, rows) for category, rows in found if rows]

    @property
    def seen_otherwise(self) -> list[ResultRow]:
        """What the mentor sees otherwise."""
        return [row for row in self.rows if row.mentor_differs]

    @property
    def up(self) -> int:
        """Items that rose since last time."""
        return sum((row.change or 0) > 0 for row in self.rows)

    @property
    def down(self) -> int:
        """Items that fell since last time."""
        return sum((row.change or 0) < 0 for row in self.rows)

    @property
    def independent(self) -> int:
        """Items at level 2 or more."""
        return sum((row.level or 0) >= 2 for row in self.rows)

    @property
    def steps(self) -> list[StepLine]:
        """The steps of the cycle."""
        return step_lines(self.dossier.situation)

    def may_object_to(self, row: ResultRow) -> bool:
        """Whether the reader may object to this item's level now."""
        if row.confirmed is None or any(line.is_open and line.skill.pk == row.skill.pk for line in self.objections):
            return False
        return objection_rules.objection_refusal(self.dossier.situation, self.dossier.words) is None


def result_sheet(dossier: Dossier) -> ResultSheet:
    """The sheet of a dossier whose reader may read it (`rules.result_open`); three queries."""
    check = dossier.assessment
    catalogue = catalogue_of(check.cycle.framework)
    last = last_levels(check.staff_id, before_assessment=check.pk)
    ratings = {row.skill_id: row for row in SkillRating.objects.filter(assessment=check.pk)}
    asked = catalogue.requirements.get(check.target_job_type_id or 0, {})
    rows = tuple(
        ResultRow(
            skill=skill,
            own=rating.self_level,
            corrected=rating.corrected_level,
            mentor=rating.mentor_level,
            reason=rating.mentor_reason,
            confirmed=rating.confirmed_level if check.state in CONFIRMED else None,
            last=last[skill.code].level if skill.code in last else None,
            target=asked.get(skill.code, 0),
            wish=rating.wish,
        )
        for skill in catalogue.skills
        if (rating := ratings.get(skill.pk)) is not None
    )
    held = {row.skill.code: row.level for row in rows}
    fits = tuple(
        JobTypeFit(
            job_type,
            level_rules.fit(held, catalogue.requirements.get(job_type.pk, {})),
            job_type.pk == check.target_job_type_id,
        )
        for job_type in catalogue.job_types
    )
    return ResultSheet(dossier, catalogue, rows, fits, objections_of(dossier))


def objections_of(dossier: Dossier) -> tuple[ObjectionLine, ...]:
    """The requests about a check, newest first; between the person and the secretariat, a mentor reads none."""
    catalogue = catalogue_of(dossier.assessment.cycle.framework)
    if not dossier.words & {rules.SELF, rules.SECRETARIAT}:
        return ()
    skills = {skill.pk: skill for skill in catalogue.skills}
    rows = Objection.objects.filter(assessment=dossier.assessment).order_by("-pk")
    return tuple(
        ObjectionLine(
            row.pk,
            skills[row.skill_id],
            row.wanted_level,
            row.text,
            row.state,
            row.get_state_display(),
            row.answer,
            row.raised_at,
            row.answered_at,
        )
        for row in rows
    )


# ------------------------------------------------------------------------------------- requests, for the secretariat


_OBJECTION_ROWS = ("assessment__staff", "assessment__organisation", "assessment__cycle", "skill", "answered_by")


def objections_for(user: User, *, state: str = ObjectionState.OPEN) -> QuerySet[Objection]:
    """Requests that the user may read, oldest open first or newest answered first; each with the confirmed level."""
    confirmed = SkillRating.objects.filter(assessment=OuterRef("assessment_id"), skill=OuterRef("skill_id"))
    rows = (
        Objection.objects.filter(assessment__in=Assessment.objects.visible_to(user))
        .select_related(*_OBJECTION_ROWS)
        .annotate(confirmed_level=Subquery(confirmed.values("confirmed_level")[:1]))
    )
    if state == ObjectionState.OPEN:
        return rows.filter(state=state).order_by("raised_at", "pk")
    return rows.exclude(state=ObjectionState.OPEN).order_by(F("answered_at").desc(), "-pk")


def objection_subject(user: User, pk: int) -> int | None:
    """Whose level a request is about; None where there is no such request for this reader."""
    rows = Objection.objects.filter(pk=pk, assessment__in=Assessment.objects.visible_to(user))
    return rows.values_list("assessment__staff_id", flat=True).first()


def objection_for(user: User, pk: int) -> Objection:
    """One request, in whatever state, with the levels of its item."""
    levels = SkillRating.objects.filter(assessment=OuterRef("assessment_id"), skill=OuterRef("skill_id"))
    rows = Objection.objects.filter(pk=pk, assessment__in=Assessment.objects.visible_to(user))
    return (
        rows.select_related(*_OBJECTION_ROWS)
        .annotate(
            confirmed_level=Subquery(levels.values("confirmed_level")[:1]),
            self_level=Subquery(levels.values("self_level")[:1]),
            mentor_level=Subquery(levels.values("mentor_level")[:1]),
        )
        .get()
    )
