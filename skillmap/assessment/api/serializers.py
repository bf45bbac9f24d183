"""Shapes of the check in JSON."""

from typing import Any

from rest_framework import serializers

from skillmap.assessment.choices import Action, CycleState, CycleStep, SecondMeeting, State
from skillmap.assessment.models import Assessment, AssessmentEvent, ConfirmedLevel, Cycle, SkillRating
from skillmap.core.api import StrictSerializer
from skillmap.framework.choices import Level


class WindowSerializer(serializers.Serializer[Any]):
    """The days on which a step is open, both included."""

    step = serializers.ChoiceField(choices=CycleStep.choices)
    opens_on = serializers.DateField()
    closes_on = serializers.DateField()


class CycleSerializer(serializers.ModelSerializer[Cycle]):
    """A cycle with its windows."""

    framework = serializers.SlugRelatedField[Any](slug_field="code", read_only=True)
    state = serializers.ChoiceField(choices=CycleState.choices)
    second_meeting = serializers.ChoiceField(choices=SecondMeeting.choices)
    windows = WindowSerializer(many=True, read_only=True)

    class Meta:
        model = Cycle
        fields = (
            "id",
            "fiscal_year",
            "name",
            "framework",
            "state",
            "second_meeting",
            "opened_at",
            "closed_at",
            "windows",
        )


class RatingSerializer(serializers.ModelSerializer[SkillRating]):
    """One item; null is not answered, which is not level 0."""

    skill_code = serializers.CharField(source="skill.code")
    skill_number = serializers.IntegerField(source="skill.number")
    mentor_reason = serializers.CharField(allow_null=True, help_text="Null before the first 1on1 is recorded.")
    wish = serializers.BooleanField(allow_null=True, help_text="Null for others before it is submitted.")

    class Meta:
        model = SkillRating
        fields = (
            "skill_code",
            "skill_number",
            "self_level",
            "corrected_level",
            "mentor_level",
            "mentor_reason",
            "confirmed_level",
            "wish",
            "version",
        )


class RatingChangeSerializer(StrictSerializer):
    """What the person may change in one item; other keys are refused."""

    level = serializers.ChoiceField(choices=Level.choices, allow_null=True, required=False)
    wish = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Something must be given."""
        if not attrs:
            raise serializers.ValidationError("Give level or wish.")
        return attrs


class SavedRatingSerializer(serializers.Serializer[Any]):
    """An item after saving, and how far the check is."""

    skill_code = serializers.CharField()
    level = serializers.IntegerField(allow_null=True)
    wish = serializers.BooleanField()
    version = serializers.IntegerField()
    answered = serializers.IntegerField()
    items = serializers.IntegerField()


class AssessmentLineSerializer(serializers.Serializer[Any]):
    """A check in a list: its step, no level."""

    id = serializers.IntegerField()
    cycle = serializers.IntegerField(source="cycle_id")
    staff = serializers.IntegerField(source="staff_id")
    staff_number = serializers.CharField(source="staff__number")
    organisation = serializers.CharField(source="organisation__code")
    state = serializers.ChoiceField(choices=State.choices)
    version = serializers.IntegerField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    confirmed_at = serializers.DateTimeField(allow_null=True)
    received_at = serializers.DateTimeField(allow_null=True)


class EventSerializer(serializers.ModelSerializer[AssessmentEvent]):
    """One step of the history."""

    class Meta:
        model = AssessmentEvent
        fields = ("action", "source", "target", "acting_as", "on_behalf", "comment", "at")


class AssessmentSerializer(serializers.ModelSerializer[Assessment]):
    """A check with its items, its history and the steps open to the caller."""

    staff_number = serializers.CharField(source="staff.number")
    organisation = serializers.CharField(source="organisation.code")
    state = serializers.ChoiceField(choices=State.choices)
    target_job_type = serializers.CharField(source="target_job_type.code", allow_null=True, default=None)
    ratings = RatingSerializer(many=True)
    events = EventSerializer(many=True)
    actions = serializers.ListField(child=serializers.ChoiceField(choices=Action.choices))

    class Meta:
        model = Assessment
        fields = (
            "id",
            "cycle",
            "staff",
            "staff_number",
            "organisation",
            "state",
            "version",
            "target_job_type",
            "submitted_at",
            "confirmed_at",
            "received_at",
            "actions",
            "ratings",
            "events",
        )


class TransitionSerializer(StrictSerializer):
    """A step to take."""

    action = serializers.ChoiceField(choices=Action.choices)
    comment = serializers.CharField(required=False, allow_blank=True, max_length=1000, default="")


class ProfileLevelSerializer(serializers.ModelSerializer[ConfirmedLevel]):
    """A confirmed level, from when to when it held, and when it was recorded."""

    class Meta:
        model = ConfirmedLevel
        fields = ("skill_code", "level", "valid_from", "valid_to", "recorded_at", "source")


class ProfileSerializer(serializers.Serializer[Any]):
    """The confirmed profile of one person."""

    staff = serializers.IntegerField()
    as_of = serializers.DateField(allow_null=True)
    valid_on = serializers.DateField(allow_null=True)
    purpose = serializers.CharField()
    notice = serializers.CharField()
    levels = ProfileLevelSerializer(many=True)


class PersonLevelsSerializer(serializers.Serializer[Any]):
    """The confirmed levels of one of many people."""

    staff = serializers.IntegerField()
    number = serializers.CharField()
    levels = ProfileLevelSerializer(many=True)
