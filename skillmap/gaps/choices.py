"""Choices of supply and demand."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SurveyState(models.TextChoices):
    """Life of a demand survey."""

    DRAFT = "draft", _("In preparation")
    OPEN = "open", _("Running")
    CLOSED = "closed", _("Closed")


class ResponseState(models.TextChoices):
    """Where an organisation's answer stands."""

    NOT_STARTED = "not_started", _("Not started")
    DRAFT = "draft", _("Being written")
    SUBMITTED = "submitted", _("Submitted")
    QUESTIONED = "questioned", _("Question from the secretariat")
    NONE = "none", _("Nothing to report")


class Phase(models.TextChoices):
    """局面 of a digital business."""

    PLANNING = "planning", _("Planning")
    BUDGET = "budget", _("Budget")
    PROCUREMENT = "procurement", _("Procurement and choice of vendor")
    DEVELOPMENT = "development", _("Development and delivery")
    OPERATION = "operation", _("Operation")


class LevelBasis(models.TextChoices):
    """Which levels a run counts."""

    CONFIRMED = "confirmed", _("Confirmed levels")
    CORRECTED = "corrected", _("Corrected levels (tally before confirmation)")


class AreaState(models.TextChoices):
    """What the secretariat decided about an area."""

    ADOPTED = "adopted", _("Adopted")
    REFUSED = "refused", _("Not adopted")
    WITHDRAWN = "withdrawn", _("Withdrawn")
