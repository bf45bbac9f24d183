from django.conf import settings
from django.db import migrations, models


def refuse_to_lose(apps, _schema_editor):
    """Without these columns there is no place for what people have drafted, nor for a meeting without a day."""
    meetings = apps.get_model("assessment", "OneOnOne").objects
    drafted = meetings.exclude(person_note="") | meetings.filter(held_on=None)
    if count := drafted.count():
        raise RuntimeError(f"{count} meetings hold what only this version can keep: notes in draft, or no day yet.")


class Migration(migrations.Migration):
    dependencies = [
        ("assessment", "0002_history_append_only"),
        ("framework", "0002_published_are_immutable"),
        ("people", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="oneonone",
            name="person_note",
            field=models.TextField(blank=True, max_length=2000),
        ),
        migrations.AddField(
            model_name="oneonone",
            name="person_version",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="oneonone",
            name="held_on",
            field=models.DateField(null=True),
        ),
        migrations.AlterField(
            model_name="oneonone",
            name="way",
            field=models.CharField(
                blank=True, choices=[("in_person", "In person"), ("online", "Online")], max_length=10
            ),
        ),
        migrations.AddConstraint(
            model_name="developmentgoal",
            constraint=models.UniqueConstraint(fields=("carried_from",), name="goal_carried_once"),
        ),
        migrations.AddConstraint(
            model_name="oneonone",
            constraint=models.CheckConstraint(
                condition=models.Q(("held_on", None), models.Q(("way", ""), _negated=True), _connector="OR"),
                name="meeting_held_has_way",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, refuse_to_lose),
    ]
