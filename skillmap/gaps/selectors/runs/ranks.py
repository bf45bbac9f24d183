"""Both rankings of a run, its proposals and what was decided about them."""

from __future__ import annotations

from dataclasses import dataclass

from skillmap.framework.models import Skill
from skillmap.gaps.choices import AreaState
from skillmap.gaps.models import GapRun, PriorityArea, SkillResult
from skillmap.gaps.selectors.runs.cells import ByLevel, by_level
from skillmap.gaps.selectors.runs.parameters import ParameterLine, parameter_lines
from skillmap.gaps.selectors.runs.visible import refuse_unless_visible
from skillmap.people.access import access_of
from skillmap.people.models import User


@dataclass(frozen=True)
class SkillLine:
    """One skill over the whole: demand, supply, ranks, head-count gaps, and what was decided about it.

    Attributes:
        supply: people at the supply level or higher; None where hidden.
        supply_rank: 1 to n, from what is shown alone; None where too little is (`rules.supply`).
        wanted: heads asked for at level 1, 2, 3.
        overall: heads nobody covers, from the whole population; None where hidden.
        within: the same from the organisations' own people, summed up; None where a part is hidden.
        area: the decision for the run's fiscal year, whatever its state; None where there is none yet.
    """

    skill: Skill
    demand: int
    businesses: int
    demand_rank: int
    supply: int | None
    supply_rank: int | None
    is_proposed: bool
    wanted: ByLevel
    overall: ByLevel | None
    within: ByLevel | None
    area: PriorityArea | None


@dataclass(frozen=True)
class RunResult:
    """Both rankings of a run.

    Attributes:
        lines: by demand rank.
        top: the last rank that is still top (上位): proposed are demand_rank <= top < supply_rank.
    """

    run: GapRun
    lines: list[SkillLine]
    top: int
    parameters: list[ParameterLine]

    @property
    def proposed(self) -> list[SkillLine]:
        """What the rule proposes, by demand rank."""
        return [line for line in self.lines if line.is_proposed]

    @property
    def undecided(self) -> list[SkillLine]:
        """Proposals without a decision."""
        return [line for line in self.proposed if line.area is None]


def run_result(user: User, run: GapRun) -> RunResult:
    """Ranks, proposals and decisions of a run; two queries. What was not adopted is for the secretariat alone.

    Raises:
        Http404: the run is not for this reader.
    """
    refuse_unless_visible(user, run)
    rows = SkillResult.objects.filter(run=run).select_related("skill__category").order_by("demand_rank")
    decided = PriorityArea.objects.filter(fiscal_year=run.fiscal_year).select_related("skill", "decided_by")
    if not access_of(user).is_secretariat:
        decided = decided.filter(state=AreaState.ADOPTED)
    areas = {area.skill.code: area for area in decided}
    lines = [_line(row, areas.get(row.skill.code)) for row in rows]
    return RunResult(run, lines, int(run.parameters.get("top", 0)), parameter_lines(run))


def _line(row: SkillResult, area: PriorityArea | None) -> SkillLine:
    return SkillLine(
        skill=row.skill,
        demand=row.demand,
        businesses=row.businesses,
        demand_rank=row.demand_rank,
        supply=row.supply,
        supply_rank=row.supply_rank,
        is_proposed=row.is_proposed,
        wanted=by_level(row.gaps.get("wanted")) or (0, 0, 0),
        overall=by_level(row.gaps.get("overall")),
        within=by_level(row.gaps.get("within")),
        area=area,
    )
