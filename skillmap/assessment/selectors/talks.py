"""The items of a check for a 1on1: all levels side by side, and which of them are worth talking about."""

from dataclasses import dataclass, field

from skillmap.assessment import level_rules, rules
from skillmap.assessment.models import Evidence, SkillRating
from skillmap.assessment.selectors.answers import evidence_of, ratings_of
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.selectors.profile import last_levels
from skillmap.framework.catalogue import Catalogue, catalogue_of
from skillmap.framework.models import JobType, Skill, SkillCategory


@dataclass(frozen=True)
class TalkItem:
    """One item as a 1on1 looks at it: own, corrected, last confirmed level and what the target asks, side by side."""

    skill: Skill
    rating: SkillRating
    own: int | None
    corrected: int | None
    last: int | None
    target: int
    evidence: list[Evidence] = field(default_factory=list)
    worth_it: bool = False

    @property
    def level(self) -> int | None:
        """The person's latest word that the reader may see."""
        return self.corrected if self.corrected is not None else self.own

    @property
    def change(self) -> int | None:
        """Levels up (or down) since the last confirmed one; None where there is none to compare with."""
        if self.level is None or self.last is None:
            return None
        return self.level - self.last

    @property
    def lack(self) -> int:
        """Levels missing to the target."""
        return level_rules.lack(self.level, self.target)

    @property
    def mentor_differs(self) -> bool:
        """Whether the mentor sees another level than the person."""
        return self.rating.mentor_level is not None and self.rating.mentor_level != self.level


@dataclass(frozen=True)
class Talk:
    """The items of a check for a 1on1; none while the person is still answering."""

    catalogue: Catalogue
    target: JobType | None
    items: tuple[TalkItem, ...]

    @property
    def worth_it(self) -> list[TalkItem]:
        """Those that differ from last time, lie below the target, or that the mentor sees otherwise."""
        return [item for item in self.items if item.worth_it]

    def groups(self, *, everything: bool) -> list[tuple[SkillCategory, list[TalkItem]]]:
        """The items to show, by category."""
        wanted = self.items if everything else self.worth_it
        found = [
            (category, [item for item in wanted if item.skill.category_id == category.pk])
            for category in self.catalogue.categories
        ]
        return [(category, items) for category, items in found if items]


def talk_of(dossier: Dossier) -> Talk:
    """The items of a dossier, as far as its reader may see levels; three queries, none while the check is answered."""
    check = dossier.assessment
    catalogue = catalogue_of(check.cycle.framework)
    target = catalogue.job_type(check.target_job_type_id)
    if not dossier.levels_open:
        return Talk(catalogue, target, ())
    with_correction = dossier.is_own or rules.correction_open_to_others(check.state)
    ratings, evidence = ratings_of(check.pk), evidence_of(check.pk)
    last = last_levels(check.staff_id, before_assessment=check.pk)
    asked = catalogue.requirements.get(check.target_job_type_id or 0, {})
    items = [
        TalkItem(
            skill=skill,
            rating=ratings[skill.pk],
            own=ratings[skill.pk].self_level,
            corrected=ratings[skill.pk].corrected_level if with_correction else None,
            last=last[skill.code].level if skill.code in last else None,
            target=asked.get(skill.code, 0),
            evidence=evidence.get(ratings[skill.pk].pk, []),
        )
        for skill in catalogue.skills
        if skill.pk in ratings
    ]
    return Talk(catalogue, target, _marked(items))


def _marked(items: list[TalkItem]) -> tuple[TalkItem, ...]:
    codes = level_rules.worth_talking_about(
        [level_rules.Item(row.skill.code, row.level, row.last, row.target) for row in items]
    )
    return tuple(
        TalkItem(**{**row.__dict__, "worth_it": row.skill.code in codes or row.mentor_differs}) for row in items
    )
