"""Choices of the core tables."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    """Where a long job stands."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    DEAD = "dead", _("Given up")
    CANCELLED = "cancelled", _("Cancelled")

    @classmethod
    def active(cls) -> tuple["JobState", "JobState"]:
        """The states in which a job still waits or works."""
        return cls.QUEUED, cls.RUNNING


class ImportState(models.TextChoices):
    """Where an uploaded table stands."""

    CHECKING = "checking", _("Being checked")
    REFUSED = "refused", _("Has to be corrected")
    CHECKED = "checked", _("Ready to apply")
    APPLYING = "applying", _("Being applied")
    APPLIED = "applied", _("Applied")
    DISCARDED = "discarded", _("Discarded")

    @classmethod
    def busy(cls) -> tuple["ImportState", "ImportState"]:
        """The states in which a job works on it."""
        return cls.CHECKING, cls.APPLYING


class RowOutcome(models.TextChoices):
    """What applying would do with one row."""

    CREATE = "create", _("New")
    UPDATE = "update", _("Changed")
    SAME = "same", _("As it is")
    ERROR = "error", _("To be corrected")


class MailState(models.TextChoices):
    """Where the mail of a notification stands."""

    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    NONE = "none", _("Not by mail")


class Purpose(models.TextChoices):
    """Why somebody looks at a named person's levels; kept with each look."""

    MENTORING = "mentoring", _("1on1 as the person's mentor")
    CYCLE_OPERATION = "cycle_operation", _("Running the yearly cycle (tally, confirmation)")
    CORRECTION = "correction", _("Answering a request for correction")
    TRAINING_PLAN = "training_plan", _("Planning training")
    PLACEMENT_PLAN = "placement_plan", _("Planning placement for development")
    DISCLOSURE = "disclosure", _("Answering a disclosure request")
    SUPPORT = "support", _("Answering a question from the person")
    SYSTEM_LINK = "system_link", _("Data link with another system")
