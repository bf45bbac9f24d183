"""The moment of a periodic slot is told by the database, whose clock is one for all workers."""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("core", "0003_imports")]

    operations = [
        migrations.AlterField(
            model_name="periodicslot", name="created_at", field=models.DateTimeField(db_default=Now())
        ),
    ]
