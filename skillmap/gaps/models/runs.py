"""A gap run: its inputs, the suppressed cube, ranks, and the areas that were decided on."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from skillmap.assessment.models import Cycle
from skillmap.core.models import Job
from skillmap.framework.models import Framework, Skill, in_language
from skillmap.gaps.choices import AreaState, LevelBasis
from skillmap.gaps.models.demand import DemandSurvey
from skillmap.people.access import access_of
from skillmap.people.models import BureauGroup, Organisation, User


class GapRunQuerySet(models.QuerySet["GapRun"]):
    """Who sees a run."""

    def visible_to(self, user: User) -> Self:
        """The secretariat all; who reads aggregates, and coordinators for their own part, the published ones.

        Supporters too see published runs alone: only those are told apart from each other by the suppression.
        """
        access = access_of(user)
        if access.is_secretariat:
            return self
        if access.sees_all_aggregates or access.is_coordinator:
            return self.filter(published_at__isnull=False)
        return self.none()


class GapRun(models.Model):
    """需給分析.

    One comparison of supply and demand, kept with its inputs and parameters; never computed anew in place.
    """

    job = models.OneToOneField(Job, models.PROTECT, null=True, related_name="gap_run")
    fiscal_year = models.PositiveSmallIntegerField()
    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="gap_runs")
    survey = models.ForeignKey(DemandSurvey, models.PROTECT, related_name="gap_runs")
    framework = models.ForeignKey(Framework, models.PROTECT, related_name="gap_runs")
    basis = models.CharField(max_length=10, choices=LevelBasis, default=LevelBasis.CONFIRMED)
    parameters = models.JSONField(default=dict)
    snapshot_at = models.DateTimeField(null=True)
    people = models.PositiveIntegerField(null=True)
    finished_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = GapRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(basis__in=LevelBasis.values), name="gap_run_basis_known"),
            models.CheckConstraint(
                condition=Q(published_at=None) | Q(finished_at__isnull=False), name="gap_run_published_is_finished"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fiscal_year} #{self.pk}"


class PlaceInput(models.Model):
    """The people of one place as the run read them: who, and their levels. Never shown.

    A row for each place, not for each person: a run over a hundred thousand people writes and reads few rows.
    `levels` holds one character per person and item, persons in the order of `staff`, items in theirs, `-` for none.
    """

    run = models.ForeignKey(GapRun, models.PROTECT, related_name="inputs")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    staff = models.JSONField()
    levels = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "organisation"], name="place_input_once")]

    def __str__(self) -> str:
        return f"{self.run_id}:{self.organisation_id}"


class SkillResult(models.Model):
    """One skill in a run: demand, supply, both ranks, head-count gaps, and whether the rule proposes it.

    `supply` is NULL where hidden; `supply_standing` is the figure by which the skill was ranked all the same, which is
    no secret (`rules.supply`), and NULL with `supply_rank` where there is none. `gaps` holds `wanted` by level 1 to 3,
    and what nobody covers `overall` and `within` the organisations, each null where hidden.
    """

    run = models.ForeignKey(GapRun, models.PROTECT, related_name="skills")
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="+")
    demand = models.PositiveIntegerField()
    businesses = models.PositiveIntegerField()
    demand_rank = models.PositiveSmallIntegerField()
    supply = models.PositiveIntegerField(null=True)
    supply_standing = models.PositiveIntegerField(null=True)
    supply_rank = models.PositiveSmallIntegerField(null=True)
    is_proposed = models.BooleanField(default=False)
    gaps = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "skill"], name="skill_result_once")]

    def __str__(self) -> str:
        return f"{self.run_id}:{self.skill_id}"


class GapNode(models.Model):
    """A place in the run's tree as it was at the snapshot: the whole, a bureau group, an organisation.

    `people` is NULL where even the size is hidden.
    """

    run = models.ForeignKey(GapRun, models.PROTECT, related_name="nodes")
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    key = models.CharField(max_length=40)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    bureau_group = models.ForeignKey(BureauGroup, models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=150, blank=True)
    depth = models.PositiveSmallIntegerField(default=0)
    position = models.PositiveIntegerField(default=0)
    people = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "key"], name="gap_node_once"),
            models.CheckConstraint(
                condition=Q(organisation=None) | Q(bureau_group=None), name="gap_node_one_kind_of_place"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}:{self.key}"

    @property
    def label(self) -> str:
        """Its name in the reader's language."""
        return in_language(self.name, self.name_en)


class GapCell(models.Model):
    """GapResult: the figures of one place and one skill in the jointly suppressed cube.

    `cuts` and `blocks` are what the suppression shows: people by blocks of classes (not answered, level 0, 1, 2, 3)
    between the cuts, none where nothing is shown; `at_least_n` the same as "level n or more" where the cuts allow it.
    Hidden numbers are NULL and stored nowhere. Demand and head-count gap stand per level, with all that stands below.
    Where nothing may be shown and nothing is asked for there is no row.
    """

    node = models.ForeignKey(GapNode, models.PROTECT, related_name="cells", db_index=False)  # the constraint's will do
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="+")
    cuts = models.JSONField(default=list)
    blocks = models.JSONField(default=list)
    at_least_1 = models.PositiveIntegerField(null=True)
    at_least_2 = models.PositiveIntegerField(null=True)
    at_least_3 = models.PositiveIntegerField(null=True)
    demand_1 = models.PositiveIntegerField(default=0)
    demand_2 = models.PositiveIntegerField(default=0)
    demand_3 = models.PositiveIntegerField(default=0)
    gap_1 = models.PositiveIntegerField(null=True)
    gap_2 = models.PositiveIntegerField(null=True)
    gap_3 = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node", "skill"], name="gap_cell_once")]

    def __str__(self) -> str:
        return f"{self.node_id}:{self.skill_id}"


class PriorityArea(models.Model):
    """重点育成分野: a decision about a skill for a fiscal year, from a run or added by hand."""

    fiscal_year = models.PositiveSmallIntegerField()
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="priority_areas")
    run = models.ForeignKey(GapRun, models.PROTECT, null=True, related_name="areas")
    state = models.CharField(max_length=10, choices=AreaState)
    by_hand = models.BooleanField(default=False)
    demand_rank = models.PositiveSmallIntegerField(null=True)
    supply_rank = models.PositiveSmallIntegerField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_on = models.DateField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fiscal_year", "skill"], name="priority_area_once_a_year"),
            models.CheckConstraint(
                condition=Q(state="adopted") | ~Q(reason=""), name="priority_area_refusal_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fiscal_year} {self.skill_id} ({self.state})"
