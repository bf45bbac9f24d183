"""A search walks along the order of the list in an index alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0002_people_away"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="staff",
            name="staff_by_kana",
        ),
        migrations.AddIndex(
            model_name="staff",
            index=models.Index(
                fields=["kana", "id", "search_key", "occupation", "status"], name="staff_by_kana_searched"
            ),
        ),
    ]
