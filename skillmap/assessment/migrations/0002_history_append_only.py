"""Steps of a check and confirmed levels are history: a level's row only learns when it ceased to be known."""

from typing import ClassVar

from django.db import migrations

from skillmap.core.triggers import AppendOnly


class Migration(migrations.Migration):
    dependencies: ClassVar = [("assessment", "0001_initial")]
    operations: ClassVar = [
        AppendOnly("assessment_assessmentevent"),
        AppendOnly(
            "assessment_confirmedlevel",
            set_once=["recorded_until"],
            keep=[
                "id",
                "staff_id",
                "skill_id",
                "skill_code",
                "level",
                "valid_from",
                "valid_to",
                "recorded_at",
                "source",
                "assessment_id",
                "recorded_by_id",
            ],
        ),
    ]
