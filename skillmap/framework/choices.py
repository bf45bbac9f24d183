"""Choices of the framework."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class FrameworkState(models.TextChoices):
    """Life of a version: edited as a draft, then published and immutable, then retired."""

    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


class ItemKind(models.TextChoices):
    """What an item measures: one of the 22 digital skills, or an office tool."""

    DIGITAL = "digital", _("Digital skills")
    TOOL = "tool", _("Digital tools")


class Provenance(models.TextChoices):
    """Where a value comes from. An inferred one is our default until the secretariat confirms it."""

    SEEN = "seen", _("Printed in the source")
    INFERRED = "inferred", _("Default, to be confirmed")
    CONFIRMED = "confirmed", _("Confirmed by the secretariat")


class Level(models.IntegerChoices):
    """The four levels; 未回答 (not answered) is none of them."""

    NONE = 0, _("Lv.0 Not practised")
    GUIDED = 1, _("Lv.1 Needs guidance")
    INDEPENDENT = 2, _("Lv.2 Independent")
    LEADER = 3, _("Lv.3 Leads others")
