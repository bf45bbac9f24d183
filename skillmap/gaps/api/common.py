"""What the API of supply and demand shares."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from skillmap.people.models import User


def user_of(request: Request) -> User:
    """The account that calls, behind the permission class."""
    assert isinstance(request.user, User)  # noqa: S101  the permission class lets nobody else in
    return request.user


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses keys that it does not know, so that nobody believes them to be stored."""

    def to_internal_value(self, data: Any) -> Any:
        """Known keys only."""
        if isinstance(data, dict):
            unknown = sorted(set(map(str, data)) - set(self.fields))
            if unknown:
                raise serializers.ValidationError({key: ["This field can't be set."] for key in unknown})
        return super().to_internal_value(data)
