"""How many checks stand where, kept by the database."""

from typing import Self

from django.db import models
from django.db.models import Q

from skillmap.assessment.choices import State
from skillmap.assessment.models.cycles import Cycle, CycleGroup
from skillmap.people.access import access_of
from skillmap.people.models import Organisation, User


class CheckCountQuerySet(models.QuerySet["CheckCount"]):
    """Who may read which counts."""

    def progress_visible_to(self, user: User) -> Self:
        """As `Assessment.objects.progress_visible_to`."""
        access = access_of(user)
        if access.is_secretariat:
            return self
        wanted = Q(pk__in=[])
        for path in access.coordinated_paths:
            wanted |= Q(organisation__path__startswith=path)
        return self.filter(wanted)


class CheckCount(models.Model):
    """How many checks more or fewer there are of a kind: the sum over the lines of a kind is how many there are.

    The database writes a line in the transaction in which checks change (`core.triggers.KeptCounts`), so the sums are
    right for whoever reads them, and nobody waits for anybody. `services.standing.fold` adds lines up.
    """

    cycle = models.ForeignKey(Cycle, models.DO_NOTHING, related_name="+", db_constraint=False)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    group = models.ForeignKey(CycleGroup, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    state = models.CharField(max_length=10, choices=State)
    due_step = models.CharField(max_length=20)
    due_who = models.CharField(max_length=12)
    due_on = models.DateField(null=True)
    people = models.IntegerField()

    objects = CheckCountQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.cycle_id} {self.organisation_id} {self.state}: {self.people:+}"
