"""A figure belongs to a place, and that to a run: the run is no longer named twice."""

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def name_runs(apps: Any, _editor: BaseDatabaseSchemaEditor) -> None:
    """On the way back each figure names its place's run again."""
    nodes = apps.get_model("gaps", "GapNode").objects.filter(pk=models.OuterRef("node"))
    apps.get_model("gaps", "GapCell").objects.update(run=models.Subquery(nodes.values("run")[:1]))


class Migration(migrations.Migration):
    dependencies: ClassVar = [("gaps", "0005_no_second_index_by_node")]
    operations: ClassVar = [
        migrations.AlterField(
            "gapcell",
            "run",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="cells", to="gaps.gaprun"
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, name_runs),
        migrations.RemoveField("gapcell", "run"),
    ]
