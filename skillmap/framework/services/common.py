"""What the services of drafts share: the lock, the rights, compare and set."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db.models import F, Model, ProtectedError
from django.utils.translation import gettext as _

from skillmap.core.errors import Conflict, RuleViolation
from skillmap.framework import rules
from skillmap.framework.models import Framework
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import User

Row = TypeVar("Row", bound=Model)


def locked(framework_id: int, actor: User) -> Framework:
    """The version under lock, for the secretariat alone: NotAllowed for others, RuleViolation where it is gone."""
    access_of(actor).require(Role.SECRETARIAT)
    framework = Framework.objects.select_for_update().filter(pk=framework_id).first()
    if framework is None:
        raise RuleViolation(_("This version no longer exists. Nothing was saved."), code="gone")
    return framework


def locked_draft(framework_id: int, actor: User) -> Framework:
    """The version under lock; RuleViolation where it is published and so can no longer change."""
    framework = locked(framework_id, actor)
    if not framework.is_draft:
        words = _("This version has been published and can no longer be changed. Make a draft from it to go on.")
        raise RuleViolation(words, code="not_draft")
    return framework


def row_of(model: type[Row], framework: Framework, pk: int, *, owner: str = "framework") -> Row:
    """A row of this version; RuleViolation where somebody removed it."""
    row = model._default_manager.filter(pk=pk, **{owner: framework}).first()
    if row is None:
        raise RuleViolation(_("Somebody removed this in the meantime. Nothing was saved."), code="gone")
    return row


def compare_and_set(row: Model, version: int, **values: Any) -> None:
    """Update a row if it is still at the version that was read; Conflict where somebody changed it meanwhile."""
    unchanged = type(row)._default_manager.filter(pk=row.pk, version=version)
    if not unchanged.update(**values, version=F("version") + 1):
        words = _("Somebody else changed this while you were editing. Your entry was not saved; both are shown here.")
        raise Conflict(words, code="conflict")


def check_code(code: str, taken: bool) -> None:
    """RuleViolation where a text cannot be a code, or another row has it."""
    if not rules.is_code(code):
        words = _("A code has only a-z, 0-9, _ and -, at most 40 characters, and begins with a letter or a digit.")
        raise RuleViolation(words, code="code_unusable")
    if taken:
        words = _("The code %(code)s is taken. Choose another one.")
        raise RuleViolation(words % {"code": code}, code="code_taken")


@contextmanager
def refused_while_in_use() -> Iterator[None]:
    """RuleViolation instead of ProtectedError where something outside of the version refers to what is deleted."""
    try:
        yield
    except ProtectedError as error:
        words = _("It is in use elsewhere and cannot be removed. Nothing was changed.")
        raise RuleViolation(words, code="in_use") from error
