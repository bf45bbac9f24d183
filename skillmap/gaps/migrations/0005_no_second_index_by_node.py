"""The constraint of a cell, one of each node and skill, has an index by node already."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("gaps", "0004_no_rows_of_people")]
    operations: ClassVar = [
        migrations.AlterField(
            model_name="gapcell",
            name="node",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cells",
                to="gaps.gapnode",
            ),
        ),
    ]
