"""Organisations and bureau groups: opened, described, put into groups; each state dated in versions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from skillmap.core import audit, clock
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.templatetags.ui.words import jp_date
from skillmap.people import rules
from skillmap.people.models import BureauGroup, Organisation, OrganisationVersion, User
from skillmap.people.services._common import require_secretariat

# What is kept in versions, so that the tree of a past day can be shown.
DATED = ("name", "name_en", "short_name", "parent_id", "bureau_group_id")
PLAIN = frozenset({"role_text", "sort_order", "provenance"})


@dataclass(frozen=True)
class NewOrganisation:
    """What an organisation to be opened is: code and name, kind, where it stands."""

    code: str
    name: str
    kind: str
    parent_id: int | None = None
    name_en: str = ""
    short_name: str = ""
    bureau_group_id: int | None = None
    role_text: str = ""
    sort_order: int = 0
    provenance: str = "confirmed"
    source: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a plan kept as JSON."""
        return asdict(self)


@transaction.atomic
def organisation_open(new: NewOrganisation, *, on: date, actor: User | None, until: date | None = None) -> Organisation:
    """Open an organisation from a day. RuleViolation `code_taken`, `parent_closed`."""
    require_secretariat(actor)
    parent = Organisation.objects.select_for_update(no_key=True, of=("self",)).filter(pk=new.parent_id or 0).first()
    if new.parent_id is not None and (parent is None or _closed_on(parent, on)):
        raise RuleViolation(_("The organisation above does not exist on that day."), code="parent_closed")
    row = Organisation(**new.as_dict(), valid_from=on, valid_to=until)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise RuleViolation(
            _("The code %(code)s is taken by another organisation.") % {"code": new.code}, code="code_taken"
        ) from error
    row.path = rules.path_of(parent.path if parent else "", row.pk)
    row.save(update_fields=["path"])
    OrganisationVersion.objects.create(
        organisation=row, valid_from=on, valid_to=until, **{name: getattr(row, name) for name in DATED}
    )
    audit.record(verb="organisation.open", actor=actor, target=row, on=on.isoformat())
    return row


def _changed_meanwhile(**details: object) -> Conflict:
    text = _("Somebody changed this in the meantime. Your entries are kept below; compare and send again.")
    return Conflict(text, code="changed_meanwhile", details=details)


def _closed_on(row: Organisation, day: date) -> bool:
    return day < row.valid_from or (row.valid_to is not None and row.valid_to <= day)


def version_from(row: Organisation, on: date, changes: Mapping[str, Any]) -> None:
    """Change dated columns of an organisation that is held, from a day on, in row and versions.

    RuleViolation `later_version` where something later is recorded, `closed` where it is closed by then.
    """
    if row.valid_to is not None:
        raise RuleViolation(_("%(name)s is closed.") % {"name": row.name}, code="closed")
    last = row.versions.get(valid_to=None)
    if on < last.valid_from:
        raise RuleViolation(
            _("%(name)s was last changed on %(day)s. Choose that day or a later one.")
            % {"name": row.name, "day": jp_date(last.valid_from)},
            code="later_version",
        )
    for name, value in changes.items():
        setattr(row, name, value)
    row.version += 1
    row.save(update_fields=[*(name.removesuffix("_id") for name in changes), "version"])
    if on == last.valid_from:
        OrganisationVersion.objects.filter(pk=last.pk).update(**changes)
        return
    OrganisationVersion.objects.filter(pk=last.pk).update(valid_to=on)
    OrganisationVersion.objects.create(organisation=row, valid_from=on, **{name: getattr(row, name) for name in DATED})


@transaction.atomic
def organisation_update(
    *,
    organisation_id: int,
    version: int,
    actor: User | None,
    bureau_group_id: int | None = None,
    keep_group: bool = False,
    **fields: Any,
) -> Organisation:
    """Change what describes an organisation (PLAIN) and, from today, its bureau group; see changes for the rest.

    Raises Conflict `changed_meanwhile` when it is no longer at `version`.
    """
    require_secretariat(actor)
    if set(fields) - PLAIN:
        raise TypeError(f"not plain fields of an organisation: {sorted(set(fields) - PLAIN)}")
    row = Organisation.objects.select_for_update(of=("self",)).get(pk=organisation_id)
    if row.version != version:
        raise _changed_meanwhile(version=row.version)
    regrouped = not keep_group and row.bureau_group_id != bureau_group_id
    if regrouped:
        version_from(row, max(clock.today(), row.valid_from), {"bureau_group_id": bureau_group_id})
    changes = {name: value for name, value in fields.items() if getattr(row, name) != value}
    for name, value in changes.items():
        setattr(row, name, value)
    row.version = row.version + 1 if changes else row.version
    row.save(update_fields=[*changes, "version"])
    told = sorted({*changes, "bureau_group"} if regrouped else changes)
    audit.record(verb="organisation.update", actor=actor, target=row, fields=told)
    return row


# ---------------------------------------------------------------------------------------------------------- groups


@transaction.atomic
def group_create(*, code: str, name: str, actor: User | None, **fields: Any) -> BureauGroup:
    """Make a bureau group. RuleViolation `code_taken`."""
    require_secretariat(actor)
    if BureauGroup.objects.filter(code=code).exists():
        raise RuleViolation(_("This code is taken."), code="code_taken")
    row = BureauGroup.objects.create(code=code, name=name, **{"provenance": "confirmed", **fields})
    audit.record(verb="bureau_group.create", actor=actor, target=row)
    return row


@transaction.atomic
def group_update(*, group_id: int, version: int, actor: User | None, **fields: Any) -> BureauGroup:
    """Change a bureau group; what the secretariat has saved counts as confirmed. Conflict `changed_meanwhile`."""
    require_secretariat(actor)
    moved = BureauGroup.objects.filter(pk=group_id, version=version).update(
        **{"provenance": "confirmed", **fields}, version=F("version") + 1
    )
    if not moved:
        raise _changed_meanwhile()
    row = BureauGroup.objects.get(pk=group_id)
    audit.record(verb="bureau_group.update", actor=actor, target=row, fields=sorted(fields))
    return row
