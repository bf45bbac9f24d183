"""What a run read stands in one row for each place; see `PlaceInput`."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("gaps", "0001_initial")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="PlaceInput",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="inputs", to="gaps.gaprun"
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.organisation"
                    ),
                ),
                ("staff", models.JSONField()),
                ("levels", models.TextField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["run", "organisation"], name="place_input_once"),
                ],
            },
        ),
    ]
