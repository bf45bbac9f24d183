"""A world in which every text that people write is hostile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from skillmap.framework import catalogue
from tests.support.append_only import guards_lifted

OURS = ("core", "people", "framework", "assessment", "gaps")
#: Texts that programs write: keys, codes, paths, addresses, digests. Nobody types into them.
OF_PROGRAMS = frozenset(
    {
        "code", "core_category", "dedup_key", "digest", "email", "fingerprint", "issuer", "kind", "lease_owner",
        "number", "password", "path", "prefix", "provenance", "provider_id", "sha256", "slot", "subject_key",
        "target", "verb", "channel", "storage_name", "key", "hash", "previous_hash", "seal",
    }
)  # fmt: skip


def columns() -> Iterator[tuple[type[models.Model], models.Field[object, object]]]:
    """Every column that holds what people write."""
    for app in OURS:
        for model in apps.get_app_config(app).get_models():
            for column in model._meta.concrete_fields:
                is_text = isinstance(column, models.CharField | models.TextField) and not column.choices
                if is_text and column.name not in OF_PROGRAMS and not column.primary_key:
                    yield model, column


def poison(strings: Sequence[str]) -> dict[str, int]:
    """Write the strings into every row of these columns, in turn; how many rows of which column took one."""
    taken: dict[str, int] = {}
    turn = 0
    with guards_lifted(connection):
        for model, column in columns():
            for pk in model._base_manager.order_by("pk").values_list("pk", flat=True)[:50]:
                text = strings[turn % len(strings)][: getattr(column, "max_length", None)]
                turn += 1
                try:
                    with transaction.atomic():
                        model._base_manager.filter(pk=pk).update(**{column.name: text})
                except IntegrityError:  # a rule of the database refuses it
                    continue
                label = f"{model._meta.label}.{column.name}"
                taken[label] = taken.get(label, 0) + 1
    catalogue._published.clear()  # published versions are kept in the process
    return taken
