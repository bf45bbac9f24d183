"""A run keeps by which figure it ranked a skill, also where the supply itself is hidden."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("gaps", "0006_cells_by_place")]
    operations: ClassVar = [
        migrations.AddField("skillresult", "supply_standing", models.PositiveIntegerField(null=True))
    ]
