"""Tables of the yearly check."""

from skillmap.assessment.models.checks import (
    Assessment,
    AssessmentEvent,
    AssessmentQuerySet,
    Evidence,
    Extension,
    Objection,
    SkillRating,
)
from skillmap.assessment.models.counts import CheckCount
from skillmap.assessment.models.cycles import (
    Cycle,
    CycleGroup,
    CycleWindow,
    Finding,
    MailText,
    MentorPair,
    PurposeAcknowledgement,
    PurposeText,
)
from skillmap.assessment.models.meetings import DevelopmentGoal, MeetingProposal, OneOnOne, PrivateMemo
from skillmap.assessment.models.profile import ConfirmedLevel

__all__ = [
    "Assessment",
    "AssessmentEvent",
    "AssessmentQuerySet",
    "CheckCount",
    "ConfirmedLevel",
    "Cycle",
    "CycleGroup",
    "CycleWindow",
    "DevelopmentGoal",
    "Evidence",
    "Extension",
    "Finding",
    "MailText",
    "MeetingProposal",
    "MentorPair",
    "Objection",
    "OneOnOne",
    "PrivateMemo",
    "PurposeAcknowledgement",
    "PurposeText",
    "SkillRating",
]
