"""Repeats the confirmed levels of each check in one text, see `assessment.digits`; those of before are gathered."""

from typing import Any, ClassVar

from django.db import migrations, models

JOINED = {
    "postgresql": "string_agg(digit, '' ORDER BY number)",
    "sqlite": "group_concat(digit, '')",
}
GATHER = """
UPDATE assessment_assessment SET confirmed_digits = COALESCE((
  SELECT {joined} FROM (
    SELECT s.number, COALESCE(CAST(r.confirmed_level AS text), '-') AS digit
      FROM assessment_skillrating r JOIN framework_skill s ON s.id = r.skill_id
     WHERE r.assessment_id = assessment_assessment.id AND s.kind = 'digital'
     ORDER BY s.number) digits), '')
 WHERE confirmed_at IS NOT NULL
"""


def gather(_apps: Any, schema_editor: Any) -> None:
    """One statement, whatever the number of checks."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(GATHER.format(joined=JOINED[schema_editor.connection.vendor]))


class Migration(migrations.Migration):
    dependencies: ClassVar = [("assessment", "0005_checks_settled")]
    operations: ClassVar = [
        # NULL is allowed, so that SQLite adds the column to the table as it is, with its triggers.
        migrations.AddField("assessment", "confirmed_digits", models.TextField(null=True)),
        migrations.RunPython(gather, migrations.RunPython.noop),
    ]
