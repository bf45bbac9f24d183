"""The demand survey: what each organisation's digital work asks for."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from skillmap.framework.models import Framework, Skill
from skillmap.gaps.choices import Phase, ResponseState, SurveyState
from skillmap.gaps.demand_rules import WRITABLE
from skillmap.people.access import access_of
from skillmap.people.models import Organisation, User


class DemandSurveyQuerySet(models.QuerySet["DemandSurvey"]):
    """Who knows of a survey."""

    def visible_to(self, user: User) -> Self:
        """The secretariat (and supporters) all, a coordinator those that ask one of the own organisations."""
        access = access_of(user)
        if access.is_secretariat or access.is_supporter:
            return self
        return self.filter(pk__in=DemandResponse.objects.visible_to(user).values("survey"))


class DemandSurvey(models.Model):
    """需要調査 of one fiscal year, on one version of the framework, open between two days (both included)."""

    fiscal_year = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    framework = models.ForeignKey(Framework, models.PROTECT, related_name="surveys")
    state = models.CharField(max_length=8, choices=SurveyState, default=SurveyState.DRAFT)
    opens_on = models.DateField()
    closes_on = models.DateField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    version = models.PositiveIntegerField(default=1)

    objects = DemandSurveyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fiscal_year", "name"], name="survey_name_once_a_year"),
            models.CheckConstraint(condition=Q(closes_on__gte=F("opens_on")), name="survey_ends_after_start"),
            models.CheckConstraint(condition=Q(state__in=SurveyState.values), name="survey_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.fiscal_year} {self.name}"


class DemandResponseQuerySet(models.QuerySet["DemandResponse"]):
    """Who sees an organisation's answer."""

    def visible_to(self, user: User) -> Self:
        """The secretariat (and supporters) all, a coordinator those of the own organisations once a survey began."""
        access = access_of(user)
        if access.is_secretariat or access.is_supporter:
            return self
        return self.of_own(user).exclude(survey__state=SurveyState.DRAFT)

    def of_own(self, user: User) -> Self:
        """The answers of the organisations that the user answers for, and of all below them."""
        wanted = Q(pk__in=[])
        for path in access_of(user).answered_paths:
            wanted |= Q(organisation__path__startswith=path)
        return self.filter(wanted)

    def waiting(self) -> Self:
        """Those that are not in yet, or have a question to reply to."""
        return self.filter(state__in=sorted(WRITABLE))


class DemandResponse(models.Model):
    """One organisation's answer to a survey."""

    survey = models.ForeignKey(DemandSurvey, models.PROTECT, related_name="responses")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="demand_responses")
    state = models.CharField(max_length=12, choices=ResponseState, default=ResponseState.NOT_STARTED)
    extended_to = models.DateField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True)
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    version = models.PositiveIntegerField(default=1)

    objects = DemandResponseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["survey", "organisation"], name="response_once"),
            models.CheckConstraint(condition=Q(state__in=ResponseState.values), name="response_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.survey_id} {self.organisation_id} ({self.state})"


class DemandItemQuerySet(models.QuerySet["DemandItem"]):
    """Lines follow the answer that they stand in."""

    def visible_to(self, user: User) -> Self:
        """Lines of the answers that the user sees."""
        return self.filter(response__in=DemandResponse.objects.visible_to(user))


class DemandItem(models.Model):
    """One line: a business needs so many people with a skill at a level."""

    response = models.ForeignKey(DemandResponse, models.PROTECT, related_name="items")
    business = models.CharField(max_length=120)
    phase = models.CharField(max_length=12, choices=Phase)
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="demand_items")
    level = models.PositiveSmallIntegerField()
    headcount = models.PositiveSmallIntegerField()
    needed_from = models.DateField(null=True, blank=True)
    needed_until = models.DateField(null=True, blank=True)
    filled_staff = models.PositiveSmallIntegerField(default=0)
    filled_govtech = models.PositiveSmallIntegerField(default=0)
    filled_vendor = models.PositiveSmallIntegerField(default=0)
    note = models.CharField(max_length=300, blank=True)
    position = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DemandItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(level__gte=1, level__lte=3), name="demand_level_asks_for_something"),
            models.CheckConstraint(
                condition=Q(headcount__gte=1, headcount__lte=999), name="demand_headcount_plausible"
            ),
            models.CheckConstraint(condition=Q(phase__in=Phase.values), name="demand_phase_known"),
            models.CheckConstraint(
                condition=Q(needed_from=None) | Q(needed_until=None) | Q(needed_until__gte=F("needed_from")),
                name="demand_period_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.response_id} #{self.pk}"

    @property
    def filled(self) -> int:
        """How many people are there now, of whatever employer."""
        return self.filled_staff + self.filled_govtech + self.filled_vendor


class DemandQuestion(models.Model):
    """A question back from the secretariat about an answer, and its reply."""

    response = models.ForeignKey(DemandResponse, models.PROTECT, related_name="questions")
    text = models.CharField(max_length=1000)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    reply = models.CharField(max_length=1000, blank=True)
    replied_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    replied_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.response_id} question #{self.pk}"
