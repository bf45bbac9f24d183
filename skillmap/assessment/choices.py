"""Choices of the yearly check."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class CycleState(models.TextChoices):
    """Life of a cycle."""

    DRAFT = "draft", _("In preparation")
    OPEN = "open", _("Running")
    CLOSED = "closed", _("Closed")


class CycleStep(models.TextChoices):
    """The steps of a cycle that have a window of dates."""

    SELF_CHECK = "self_check", _("Self-check")
    FIRST_ONE_ON_ONE = "first_one_on_one", _("1on1 (on the input)")
    CORRECTION = "correction", _("Self-correction")
    CONFIRMATION = "confirmation", _("Tally and confirmation")
    SECOND_ONE_ON_ONE = "second_one_on_one", _("1on1 (on the result) and receipt")


class SecondMeeting(models.TextChoices):
    """Whether the second 1on1 comes before or after confirmation; the print does not show it, a cycle says it."""

    BEFORE = "before", _("Before confirmation")
    AFTER = "after", _("After confirmation")


class GroupItems(models.TextChoices):
    """Which kind of items a group of participants answers."""

    DIGITAL = "digital", _("Digital skills")
    TOOL = "tool", _("Digital tools")
    BOTH = "both", _("Digital skills and tools")


class State(models.TextChoices):
    """Where a person's check stands."""

    DRAFT = "draft", _("Answering")
    SUBMITTED = "submitted", _("Submitted")
    REVIEWED = "reviewed", _("First 1on1 held")
    CORRECTED = "corrected", _("Corrected by the person")
    CONFIRMED = "confirmed", pgettext_lazy("check", "Confirmed")
    RECEIVED = "received", _("Received")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Action(models.TextChoices):
    """What may be done with a check."""

    SUBMIT = "submit", _("Submit")
    TAKE_BACK = "take_back", _("Take back")
    REVIEW = "review", _("Finish the first 1on1")
    CORRECT = "correct", _("Submit the correction")
    RETURN = "return", _("Return")
    CONFIRM = "confirm", pgettext_lazy("check", "Confirm")
    RECEIVE = "receive", _("Receive")
    REOPEN = "reopen", _("Reopen")
    WITHDRAW = "withdraw", _("Withdraw")


class Actor(models.TextChoices):
    """In which capacity somebody acts on a check."""

    SELF = "self", _("The person")
    MENTOR = "mentor", _("Mentor")
    DEPUTY = "deputy", _("Deputy mentor")
    SECRETARIAT = "secretariat", _("Secretariat")


class MeetingKind(models.TextChoices):
    """The two 1on1s of a cycle."""

    FIRST = "first", _("First 1on1 (on the input)")
    SECOND = "second", _("Second 1on1 (on the result)")


class MeetingWay(models.TextChoices):
    """How a 1on1 was held."""

    IN_PERSON = "in_person", _("In person")
    ONLINE = "online", _("Online")


class Difficulty(models.TextChoices):
    """How hard the work was."""

    ROUTINE = "routine", _("Routine")
    APPLIED = "applied", _("Needed adaptation")
    COMPLEX = "complex", _("Complex")
    PIONEERING = "pioneering", _("Without precedent")


class WorkRole(models.TextChoices):
    """The part played in the work."""

    MEMBER = "member", _("Member")
    MAIN = "main", _("Main person in charge")
    LEADER = "leader", _("Leader")
    ADVISER = "adviser", _("Adviser")


class ProposalState(models.TextChoices):
    """Where a proposed time stands."""

    OPEN = "open", _("Waiting for an answer")
    ACCEPTED = "accepted", _("Agreed")
    DROPPED = "dropped", _("Dropped")


class GoalState(models.TextChoices):
    """What became of a development goal."""

    OPEN = "open", _("In progress")
    REACHED = "reached", _("Reached")
    DROPPED = "dropped", _("Dropped")


class ObjectionState(models.TextChoices):
    """Where a request for correction stands."""

    OPEN = "open", _("Waiting for an answer")
    ACCEPTED = "accepted", _("Accepted")
    REFUSED = "refused", _("Refused")


class LevelSource(models.TextChoices):
    """Where a confirmed level comes from."""

    CYCLE = "cycle", _("Yearly check")
    IMPORT = "import", _("Import of past levels")


class FindingKind(models.TextChoices):
    """What the secretariat writes down after the tally."""

    FINDING = "finding", _("Finding")
    MEASURE = "measure", _("Measure")
