"""Stores of checks that are there already whose turn it is, and counts them anew."""

from typing import ClassVar

from django.db import migrations

TURNS = """
UPDATE assessment_assessment SET
  due_step = CASE
    WHEN state = 'draft' THEN 'self_check'
    WHEN state = 'submitted' AND $MEETS THEN 'first_one_on_one'
    WHEN state = 'reviewed' THEN 'correction'
    WHEN state = 'corrected' AND $MEETS AND $BEFORE AND NOT $HELD THEN 'second_one_on_one'
    WHEN state IN ('submitted', 'corrected') THEN 'confirmation'
    WHEN state = 'confirmed' THEN 'second_one_on_one'
    ELSE '' END,
  due_who = CASE
    WHEN state = 'submitted' AND $MEETS THEN 'mentor'
    WHEN state = 'corrected' AND $MEETS AND $BEFORE AND NOT $HELD THEN 'mentor'
    WHEN state = 'confirmed' AND $MEETS AND NOT $BEFORE AND NOT $HELD THEN 'mentor'
    WHEN state IN ('submitted', 'corrected') THEN 'secretariat'
    WHEN state IN ('draft', 'reviewed', 'confirmed') THEN 'self'
    ELSE '' END,
  lacks_mentor = state IN ('draft', 'submitted', 'reviewed', 'corrected') AND $MEETS AND NOT EXISTS (
    SELECT 1 FROM assessment_mentorpair p WHERE p.cycle_id = assessment_assessment.cycle_id
       AND p.mentee_id = assessment_assessment.staff_id AND p.ended_at IS NULL AND NOT p.is_deputy)
"""
WORDS = {
    "$MEETS": """EXISTS (
      SELECT 1 FROM assessment_cyclegroup g WHERE g.id = assessment_assessment.group_id AND g.with_one_on_one)""",
    "$BEFORE": """EXISTS (
      SELECT 1 FROM assessment_cycle c WHERE c.id = assessment_assessment.cycle_id AND c.second_meeting = 'before')""",
    "$HELD": """EXISTS (
      SELECT 1 FROM assessment_oneonone m WHERE m.assessment_id = assessment_assessment.id
         AND m.kind = 'second' AND m.held_on IS NOT NULL)""",
}
for word, sql in WORDS.items():
    TURNS = TURNS.replace(word, sql)
DAYS = """
UPDATE assessment_assessment SET due_on = (
  SELECT CASE WHEN x.closes_on > w.closes_on THEN x.closes_on ELSE w.closes_on END
    FROM assessment_cyclewindow w
    LEFT JOIN assessment_extension x ON x.assessment_id = assessment_assessment.id AND x.step = w.step
   WHERE w.cycle_id = assessment_assessment.cycle_id AND w.step = assessment_assessment.due_step)
"""
COUNTS = """
INSERT INTO assessment_checkcount (cycle_id, organisation_id, group_id, state, due_step, due_who, due_on, people)
SELECT cycle_id, organisation_id, group_id, state, due_step, due_who, due_on, COUNT(*)
  FROM assessment_assessment GROUP BY cycle_id, organisation_id, group_id, state, due_step, due_who, due_on
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("assessment", "0004_where_checks_stand")]
    operations: ClassVar = [
        migrations.RunSQL(
            [TURNS, DAYS, "DELETE FROM assessment_checkcount", COUNTS], reverse_sql=migrations.RunSQL.noop
        )
    ]
