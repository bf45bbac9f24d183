"""A person's map: confirmed levels against a job type, and what to learn next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from skillmap.assessment import level_rules
from skillmap.assessment.choices import State
from skillmap.assessment.models import Assessment, ConfirmedLevel
from skillmap.assessment.selectors.profile import levels_of
from skillmap.core.fiscal import fiscal_year_label
from skillmap.framework.catalogue import Catalogue, catalogue_of
from skillmap.framework.choices import ItemKind
from skillmap.framework.models import JobType, Skill, SkillCategory
from skillmap.framework.selectors import current_framework
from skillmap.gaps.models import PriorityArea
from skillmap.people.access import access_of
from skillmap.people.models import Staff, User


@dataclass(frozen=True)
class MapRow:
    """One item on a person's map: the level that holds, the one before, the target, and reasons to learn it next."""

    skill: Skill
    level: int | None
    since: date | None
    before: int | None
    target: int
    reasons: tuple[str, ...]

    @property
    def lack(self) -> int:
        """Levels missing to the target."""
        return level_rules.lack(self.level, self.target)

    @property
    def change(self) -> int | None:
        """Levels won or lost since the last confirmation; None where there was none before."""
        return self.level - self.before if self.level is not None and self.before is not None else None


@dataclass(frozen=True)
class PersonMap:
    """A person's confirmed levels against a job type: rows in order, category means, fits, what to learn next."""

    staff: Staff
    catalogue: Catalogue
    job_type: JobType | None
    rows: list[MapRow]
    means: list[tuple[SkillCategory, float | None, float | None]]
    fit: level_rules.Fit | None
    fits: list[tuple[JobType, level_rules.Fit]]
    as_of: date | None

    @property
    def has_levels(self) -> bool:
        """Whether any level is confirmed."""
        return any(row.level is not None for row in self.rows)

    @property
    def next_steps(self) -> list[MapRow]:
        """What to learn next: most reasons first, then the largest lack, at most five."""
        wanted = [row for row in self.rows if row.reasons]
        return sorted(wanted, key=lambda row: (-len(row.reasons), -row.lack, row.skill.number))[:5]


def person_map(
    *, viewer: User, staff: Staff, job_type_id: int | None, as_of: date | None, areas: list[PriorityArea]
) -> PersonMap | None:
    """The map of a person whose levels the viewer may see; None without a published framework. Five queries at most."""
    framework = current_framework()
    if framework is None:
        return None
    catalogue = catalogue_of(framework)
    levels = {row.skill_code: row for row in levels_of([staff.pk], viewer=viewer, as_of=as_of)}
    checks = Assessment.objects.filter(staff=staff).exclude(state=State.WITHDRAWN)
    if access_of(viewer).staff_id != staff.pk:
        checks = checks.exclude(state=State.DRAFT)  # what is being answered is the person's own
    newest = checks.order_by("-pk").first()
    wishes = set()
    if newest is not None:
        wishes = set(newest.ratings.filter(wish=True).values_list("skill__code", flat=True))
    before = _levels_before(viewer, staff.pk, as_of)
    job_type = catalogue.job_type(job_type_id) or _same_code(catalogue, newest)
    asked = catalogue.requirements.get(job_type.pk, {}) if job_type else {}
    language = get_language() or "ja"
    priority = {area.skill.code: fiscal_year_label(area.fiscal_year, language) for area in areas}
    held = {code: row.level for code, row in levels.items()}
    rows = [
        MapRow(
            skill=skill,
            level=held.get(skill.code),
            since=levels[skill.code].valid_from if skill.code in levels else None,
            before=before.get(skill.code),
            target=asked.get(skill.code, 0),
            reasons=_reasons(skill, held.get(skill.code), asked.get(skill.code, 0), wishes, priority),
        )
        for skill in catalogue.skills
        if skill.kind == ItemKind.DIGITAL or skill.code in held
    ]
    fits = [(row, level_rules.fit(held, catalogue.requirements.get(row.pk, {}))) for row in catalogue.job_types]
    return PersonMap(
        staff=staff,
        catalogue=catalogue,
        job_type=job_type,
        rows=rows,
        means=_means(catalogue, held, asked),
        fit=level_rules.fit(held, asked) if job_type else None,
        fits=sorted(fits, key=lambda pair: -(pair[1].ratio or 0)),
        as_of=as_of,
    )


def _same_code(catalogue: Catalogue, newest: Assessment | None) -> JobType | None:
    """The target that the person chose in the newest check, in the present version."""
    if newest is None or newest.target_job_type_id is None:
        return None
    chosen = catalogue.job_type(newest.target_job_type_id)
    if chosen is not None:
        return chosen
    code = JobType.objects.filter(pk=newest.target_job_type_id).values_list("code", flat=True).first()
    return next((row for row in catalogue.job_types if row.code == code), None)


def _levels_before(viewer: User, staff_id: int, as_of: date | None) -> dict[str, int]:
    """The level that held before the present one, by item code, by the knowledge of that day; one query."""
    rows = ConfirmedLevel.objects.visible_to(viewer).known(as_of).filter(staff=staff_id, valid_to__isnull=False)
    if as_of is not None:
        rows = rows.filter(valid_to__lte=as_of)
    return dict(rows.order_by("valid_from").values_list("skill_code", "level"))


def _means(
    catalogue: Catalogue, held: Mapping[str, int], asked: Mapping[str, int]
) -> list[tuple[SkillCategory, float | None, float | None]]:
    """Per digital category: the mean held level, and the mean level asked for."""
    digital = [category for category in catalogue.categories if category.kind == ItemKind.DIGITAL]
    codes = {category.code: [skill.code for skill in catalogue.skills_in(category)] for category in digital}
    own = level_rules.category_means(held, codes)
    wanted = level_rules.category_means({code: asked.get(code, 0) for group in codes.values() for code in group}, codes)
    found: list[tuple[SkillCategory, float | None, float | None]] = []
    for category in digital:
        mean, target = own[category.code], wanted[category.code]
        found.append(
            (category, None if mean is None else float(mean), float(target) if asked and target is not None else None)
        )
    return found


def _reasons(
    skill: Skill, level: int | None, target: int, wishes: set[str], priority: Mapping[str, str]
) -> tuple[str, ...]:
    reasons = []
    missing = level_rules.lack(level, target)
    if missing:
        reasons.append(
            ngettext("%(n)d level below the target", "%(n)d levels below the target", missing) % {"n": missing}
        )
    if skill.code in priority and (level or 0) < 3:
        reasons.append(_("Priority area of %(year)s") % {"year": priority[skill.code]})
    if skill.code in wishes:
        reasons.append(_("You want to grow in it"))
    return tuple(reasons)
