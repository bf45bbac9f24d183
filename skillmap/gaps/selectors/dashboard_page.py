"""The dashboard as it is drawn and exported: rows and columns of each figure, made from one read.

Page and files use the same rows, so that a file says what the page says, hidden cells included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from skillmap.core.templatetags.ui.charts import heat_step
from skillmap.framework.models import Skill
from skillmap.gaps.models import GapRun
from skillmap.gaps.selectors import dashboard as reads
from skillmap.gaps.selectors.runs.cells import ByLevel
from skillmap.gaps.selectors.runs.parameters import ParameterLine, parameter_lines
from skillmap.gaps.selectors.runs.places import WHOLE, Place, children_of, near
from skillmap.people.models import User

PEOPLE, DEMAND, GAP = "people", "demand", "gap"
SHOWS = (PEOPLE, DEMAND, GAP)


@dataclass(frozen=True)
class View:
    """What the reader chose: a place of the tree, a level from which is counted, and what the heat map shows."""

    place: str = WHOLE
    level: int = 2
    show: str = PEOPLE
    by_organisation: bool = False


@dataclass(frozen=True)
class HeatCell:
    """One cell of the heat map; `value` is None where hidden, `step` its lightness from 0 to 5."""

    value: int | None
    step: int


@dataclass(frozen=True)
class HeatRow:
    """One skill: its figure at the place above, and at each column."""

    line: reads.RankLine
    total: int | None
    cells: list[HeatCell]


@dataclass(frozen=True)
class Part:
    """A rectangle of a bar: from `x`, `width` wide, in per cent of the longest bar."""

    step: int
    x: str
    width: str


@dataclass(frozen=True)
class LevelRow:
    """One skill: people by level at the chosen place; no bars where hidden."""

    line: reads.RankLine
    bars: list[reads.Bar]
    parts: list[Part]


@dataclass(frozen=True)
class GapRow:
    """One skill: heads asked for by level, and those that nobody covers; `gap` is None where hidden.

    `total` is the gap from the chosen level on; `within` the same when each organisation uses its own people only
    (for the whole alone).
    """

    line: reads.RankLine
    demand: ByLevel
    gap: ByLevel | None
    asked: int
    total: int | None
    within: int | None
    parts: list[Part]


@dataclass(frozen=True)
class Where:
    """A place that asks for a skill: heads asked for, and those that nobody of it covers (None where not shown).

    `is_itself` where it is the chosen organisation, which asks for them beside what lies below it.
    """

    place: Place
    asked: int
    missing: int | None
    is_itself: bool = False


@dataclass(frozen=True)
class Answer:
    """A marked skill: how many are missing, and the places that ask for most."""

    line: reads.RankLine
    missing: int | None
    within: int | None
    where: list[Where]


@dataclass(frozen=True)
class Dashboard:
    """All figures of one run as one reader sees them, for one view."""

    run: GapRun
    view: View
    places: list[Place]
    place: Place
    columns: list[Place]
    lines: list[reads.RankLine]
    cells: dict[tuple[int, int], reads.Figures]
    progress: list[reads.CycleProgress]

    # -------------------------------------------------------------------------------------------------- parameters
    @property
    def top(self) -> int:
        """The last rank that is still top."""
        return int(self.run.parameters.get("top", 0))

    @property
    def k(self) -> int:
        """The smallest group of which a figure is shown."""
        entry: dict[str, Any] = self.run.parameters.get("settings", {}).get("k", {})
        return int(entry.get("value", 5))

    @property
    def parameters(self) -> list[ParameterLine]:
        """The settings with their default and its source."""
        return parameter_lines(self.run)

    @property
    def population(self) -> str:
        """Whose levels count, in words; empty where the run does not say."""
        return next((line.value for line in self.parameters if line.name == "population"), "")

    @property
    def answers(self) -> dict[str, int]:
        """Organisations asked, and those that answered: with lines, or with nothing to report."""
        found: dict[str, int] = self.run.parameters.get("answers", {})
        return {**found, "answered": found.get("submitted", 0) + found.get("nothing", 0)}

    @property
    def is_whole(self) -> bool:
        """Whether the figures are those of all."""
        return self.place.parent_key is None

    @property
    def trail(self) -> list[Place]:
        """From the whole down to the chosen place."""
        by_key = {place.key: place for place in self.places}
        found = [self.place]
        while found[0].parent_key is not None:
            found.insert(0, by_key[found[0].parent_key])
        return found

    @property
    def has_groups(self) -> bool:
        """Whether the columns can be taken apart into organisations."""
        return any(place.kind == "group" for place in children_of(self.places, self.place.key))

    # ------------------------------------------------------------------------------------------------------- ranks
    @property
    def marked(self) -> list[reads.RankLine]:
        """Skills in the accent colour, by demand rank."""
        return [line for line in self.lines if line.is_marked]

    @property
    def proposed(self) -> list[reads.RankLine]:
        """What the rule proposes."""
        return [line for line in self.lines if line.is_proposed]

    @property
    def pairs(self) -> list[dict[str, Any]]:
        """The lines of the slope chart."""
        return [
            {"name": line.skill.label, "left": line.demand_rank, "right": line.supply_rank, "marked": line.is_marked}
            for line in self.lines
        ]

    @cached_property
    def by_number(self) -> list[reads.RankLine]:
        """The lines in the order of the framework."""
        return sorted(self.lines, key=lambda line: line.skill.number)

    # ------------------------------------------------------------------------------------------------------ places
    def _at(self, place: Place, skill: Skill) -> reads.Figures:
        return self.cells.get((place.pk, skill.pk), reads.NOTHING)

    @cached_property
    def heat(self) -> list[HeatRow]:
        """The rows of the heat map."""
        show, level = self.view.show, self.view.level
        values = {
            line.skill.pk: [self._at(place, line.skill).value(show, level) for place in self.columns]
            for line in self.by_number
        }
        largest = self._largest(values)
        return [
            HeatRow(
                line,
                self._at(self.place, line.skill).value(show, level),
                [HeatCell(value, heat_step(value, largest)) for value in values[line.skill.pk]],
            )
            for line in self.by_number
        ]

    @staticmethod
    def _largest(values: dict[int, list[int | None]]) -> int:
        return max((value for row in values.values() for value in row if value is not None), default=0)

    @property
    def largest(self) -> int:
        """The largest figure in the heat map, to which its five steps refer."""
        return max((cell.value or 0 for row in self.heat for cell in row.cells), default=0)

    @property
    def smallest(self) -> int:
        """The smallest figure but 0 that the heat map can show: fewer people than `k` are hidden."""
        return self.k if self.view.show == "people" else 1

    @cached_property
    def levels(self) -> list[LevelRow]:
        """People by level at the chosen place."""
        found = []
        for line in self.by_number:
            bars = self._at(self.place, line.skill).bars
            found.append(LevelRow(line, bars, _parts([(bar.step, bar.people) for bar in bars], 0)))
        return found

    @cached_property
    def gaps(self) -> list[GapRow]:
        """Head-count gaps at the chosen place, largest first; hidden ones last, by number."""
        level = self.view.level
        longest = max((self._at(self.place, line.skill).demand_from(level) for line in self.lines), default=0)
        rows = [self._gap_row(line, longest) for line in self.by_number]
        return sorted(rows, key=lambda row: (row.total is None, -(row.total or 0), -row.asked))

    def _gap_row(self, line: reads.RankLine, longest: int) -> GapRow:
        found, level = self._at(self.place, line.skill), self.view.level
        asked, total = found.demand_from(level), found.gap_from(level)
        pieces = [] if total is None else [(2, asked - total), (5, total)]
        within = sum(line.within[level - 1 :]) if line.within is not None and self.is_whole else None
        return GapRow(line, found.demand, found.gap, asked, total, within, _parts(pieces, longest))

    @property
    def shows_within(self) -> bool:
        """Whether any sum over the organisations' own people may be shown."""
        return any(row.within is not None for row in self.gaps)

    @property
    def missing(self) -> int:
        """Heads that nobody of the place covers, over all skills whose gap is shown."""
        return sum(row.total or 0 for row in self.gaps)

    @property
    def missing_hidden(self) -> int:
        """Skills whose gap is hidden, so that it is not in the sum."""
        return sum(row.total is None for row in self.gaps)

    @property
    def answer(self) -> list[Answer]:
        """Which skills are lacking, and where: the marked ones with their gap at the chosen place."""
        by_skill = {row.line.skill.pk: row for row in self.gaps}
        return [
            Answer(line, by_skill[line.skill.pk].total, by_skill[line.skill.pk].within, self._where(line))
            for line in self.marked
        ]

    def _where(self, line: reads.RankLine) -> list[Where]:
        """By demand, which is no figure about people and always known."""
        level = self.view.level
        at = [(place, self._at(place, line.skill)) for place in self.columns]
        known = [Where(place, found.demand_from(level), found.gap_from(level)) for place, found in at]
        known += self._itself(line, sum(one.asked for one in known))
        return [one for one in sorted(known, key=lambda one: -one.asked) if one.asked][: reads.NAMED]

    def _itself(self, line: reads.RankLine, below: int) -> list[Where]:
        """What the chosen organisation asks for beside those below it.

        Of whoever reads its own part alone the whole shows the demand of others too: it is no place that asks. What is
        missing is known where nobody below asks, and the cell shows it.
        """
        if self.place.kind != "organisation":
            return []
        found, level = self._at(self.place, line.skill), self.view.level
        missing = None if below else found.gap_from(level)
        return [Where(self.place, found.demand_from(level) - below, missing, is_itself=bool(self.columns))]


def _parts(pieces: Sequence[tuple[int, int]], longest: int) -> list[Part]:
    whole = max(longest, sum(people for _step, people in pieces)) or 1
    parts, left = [], 0.0
    for step, people in pieces:
        width = 100 * people / whole
        parts.append(Part(step, f"{left:.2f}", f"{width:.2f}"))
        left += width
    return parts


def dashboard(user: User, run: GapRun, view: View) -> tuple[Dashboard, bool]:
    """The dashboard of a run; and whether the chosen place is one that the reader sees (else the whole is shown).

    Four queries, five for the secretariat, however many places there are.

    Raises:
        Http404: the run is not for this reader.
    """
    places = near(user, run, view.place)
    place = next((one for one in places if one.key == view.place), None)
    shown = place or places[0]
    columns = reads.columns_of(places, shown, by_organisation=view.by_organisation)
    return Dashboard(
        run=run,
        view=view,
        places=places,
        place=shown,
        columns=columns,
        lines=reads.rank_lines(user, run),
        cells=reads.cells_of(run, [shown, *columns]),
        progress=reads.progress(user, run.cycle_id),
    ), place is not None
