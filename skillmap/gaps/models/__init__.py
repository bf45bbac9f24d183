"""Tables of supply and demand."""

from skillmap.gaps.models.demand import DemandItem, DemandQuestion, DemandResponse, DemandSurvey
from skillmap.gaps.models.runs import GapCell, GapInput, GapNode, GapRun, PriorityArea, SkillResult

__all__ = [
    "DemandItem",
    "DemandQuestion",
    "DemandResponse",
    "DemandSurvey",
    "GapCell",
    "GapInput",
    "GapNode",
    "GapRun",
    "PriorityArea",
    "SkillResult",
]
