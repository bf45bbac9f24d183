"""An index of those who are not at work, who are few."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0001_initial"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="staff",
            index=models.Index(
                condition=models.Q(("status", "active"), _negated=True), fields=["status", "id"], name="staff_away"
            ),
        ),
    ]
