"""Columns that fill themselves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models

from skillmap.people import rules

if TYPE_CHECKING:
    Text = models.CharField[str, str]
else:
    Text = models.CharField


class SearchKeyField(Text):
    """The folded name, kana and number of the row, written with every insert, bulk ones too, and with every full save.

    An update by `update_fields` or a queryset names it and sets it, as any other column.
    """

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """Migrations know it as the plain text column that it is in the database."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Work the key out of the row's own columns."""
        row: Any = model_instance
        key = rules.search_key(row.name, row.kana, row.number)
        setattr(row, self.attname, key)
        return key
