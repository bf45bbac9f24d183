"""The settings of a run as they are printed beside its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from skillmap.gaps.choices import LevelBasis
from skillmap.gaps.models import GapRun
from skillmap.people.choices import Occupation


@dataclass(frozen=True)
class ParameterLine:
    """A setting of the run, with its default and where that comes from, in the reader's language."""

    name: str
    label: str
    value: str
    default: str
    is_default: bool
    source: str


def parameter_lines(run: GapRun) -> list[ParameterLine]:
    """The settings of a run as they are printed beside its result; no query."""
    labels = parameter_labels()
    found = []
    for name, label in labels.items():
        entry: Mapping[str, object] | None = run.parameters.get("settings", {}).get(name)
        if entry is None:
            continue
        value, default = entry["value"], entry["default"]
        found.append(
            ParameterLine(
                name=name,
                label=label,
                value=_words(name, value),
                default=_words(name, default),
                is_default=value == default,
                source=parameter_sources()[name],
            )
        )
    return found


def parameter_labels() -> dict[str, str]:
    """The settings of a run by name, in the order in which they are printed."""
    return {
        "basis": _("Levels counted"),
        "population": _("Population of the supply"),
        "supply_level": _("Supply counts from level"),
        "top_share": _("Share of the items that is “top”, rounded down"),
        "k": _("Smallest group of which a figure is shown"),
    }


def parameter_sources() -> dict[str, str]:
    """Where the default of each setting comes from."""
    return {
        "basis": _("Default of this system: confirmed levels; corrected ones are for the tally before confirmation"),
        "population": _("As in the analysis published for fiscal year 2024: ICT staff"),
        "supply_level": _("Default of this system; the published analysis names no level"),
        "top_share": _(
            "Default of this system; the published analysis says “demand high, supply middle to low” without a number"
        ),
        "k": _("Default of this system"),
    }


def _words(name: str, value: object) -> str:
    if name == "basis":
        return str(LevelBasis(str(value)).label)
    if name == "population" and isinstance(value, list):
        return "、".join(str(Occupation(word).label) for word in value)
    if name == "top_share" and isinstance(value, list):
        return f"{value[0]}/{value[1]}"
    return str(value)
