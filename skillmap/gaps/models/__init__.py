"""Tables of supply and demand."""

from skillmap.gaps.models.demand import DemandItem, DemandQuestion, DemandResponse, DemandSurvey
from skillmap.gaps.models.runs import GapCell, GapNode, GapRun, PlaceInput, PriorityArea, SkillResult

__all__ = [
    "DemandItem",
    "DemandQuestion",
    "DemandResponse",
    "DemandSurvey",
    "GapCell",
    "GapNode",
    "GapRun",
    "PlaceInput",
    "PriorityArea",
    "SkillResult",
]
