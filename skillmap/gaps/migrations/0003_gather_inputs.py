"""The inputs of earlier runs, a row for each person, gathered by place; back again, a row for each person."""

from itertools import groupby
from typing import Any, ClassVar

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

BATCH = 1000


def gather(apps: Any, _editor: BaseDatabaseSchemaEditor) -> None:
    """Rows of people to rows of places, run by run."""
    single, placed = apps.get_model("gaps", "GapInput"), apps.get_model("gaps", "PlaceInput")
    for run in single.objects.order_by("run").values_list("run", flat=True).distinct():
        people = single.objects.filter(run=run).order_by("organisation", "pk")
        rows = []
        for place, held in groupby(people.values_list("organisation", "staff", "levels"), key=lambda row: row[0]):
            _places, staff, levels = zip(*held, strict=True)
            rows.append(placed(run_id=run, organisation_id=place, staff=staff, levels="".join(levels)))
        placed.objects.bulk_create(rows, batch_size=BATCH)
    single.objects.all().delete()


def scatter(apps: Any, _editor: BaseDatabaseSchemaEditor) -> None:
    """Rows of places to rows of people."""
    single, placed = apps.get_model("gaps", "GapInput"), apps.get_model("gaps", "PlaceInput")
    for row in placed.objects.order_by("pk").iterator(chunk_size=BATCH):
        width = len(row.levels) // len(row.staff)
        single.objects.bulk_create(
            (
                single(
                    run_id=row.run_id,
                    organisation_id=row.organisation_id,
                    staff_id=staff,
                    levels=row.levels[place * width : (place + 1) * width],
                )
                for place, staff in enumerate(row.staff)
            ),
            batch_size=BATCH,
        )
    placed.objects.all().delete()


class Migration(migrations.Migration):
    dependencies: ClassVar = [("gaps", "0002_inputs_by_place")]
    operations: ClassVar = [migrations.RunPython(gather, scatter)]
