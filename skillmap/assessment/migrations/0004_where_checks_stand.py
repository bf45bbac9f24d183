import django.db.models.deletion
from django.db import migrations, models

import skillmap.core.triggers


class Migration(migrations.Migration):
    dependencies = [
        ("assessment", "0003_meeting_drafts"),
        ("framework", "0002_published_are_immutable"),
        ("people", "0001_initial"),
        ("people", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="CheckCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Answering"),
                            ("submitted", "Submitted"),
                            ("reviewed", "First 1on1 held"),
                            ("corrected", "Corrected by the person"),
                            ("confirmed", "Confirmed"),
                            ("received", "Received"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        max_length=10,
                    ),
                ),
                ("due_step", models.CharField(max_length=20)),
                ("due_who", models.CharField(max_length=12)),
                ("due_on", models.DateField(null=True)),
                ("people", models.IntegerField()),
                (
                    "cycle",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="assessment.cycle",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="assessment.cyclegroup",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="people.organisation",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="assessment",
            name="due_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="assessment",
            name="due_step",
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name="assessment",
            name="due_who",
            field=models.CharField(blank=True, max_length=12),
        ),
        migrations.AddField(
            model_name="assessment",
            name="lacks_mentor",
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name="assessment",
            index=models.Index(fields=["cycle", "due_on", "id"], name="assessment_by_day"),
        ),
        migrations.AddIndex(
            model_name="assessment",
            index=models.Index(
                condition=models.Q(("lacks_mentor", True)), fields=["cycle", "id"], name="assessment_lacks_mentor"
            ),
        ),
        skillmap.core.triggers.KeptCounts(
            table="assessment_assessment",
            counts="assessment_checkcount",
            columns=("cycle_id", "organisation_id", "group_id", "state", "due_step", "due_who", "due_on"),
            number="people",
        ),
    ]
