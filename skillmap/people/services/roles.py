"""Roles: given and taken, with dates, by somebody else."""

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from skillmap.core import audit, clock
from skillmap.core.errors import RuleViolation
from skillmap.people import rules
from skillmap.people.access import forget
from skillmap.people.choices import Role
from skillmap.people.models import Organisation, RoleGrant, User
from skillmap.people.services._common import lock_organisations, require_secretariat
from skillmap.people.services.accounts import hold_secretariat, keep_a_secretariat, sessions_end


@transaction.atomic
def role_grant(
    *,
    user_id: int,
    role: str,
    actor: User | None,
    organisation_id: int | None = None,
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> RoleGrant:
    """Give a role from a day (today by default) until a day (not included; None: until it is taken).

    Args:
        actor: who gives it; None for a command on the server.

    Raises:
        RuleViolation: `own_role` (nobody gives a role to oneself), `organisation_needed`, `organisation_not_needed`,
            `dates`, `has_role` (the same role at the same time), `account_closed`.
    """
    require_secretariat(actor)
    if actor is not None and actor.pk == user_id:
        raise RuleViolation(_("Nobody can give a role to themselves. Ask a colleague."), code="own_role")
    lock_organisations([organisation_id] if organisation_id is not None else [])
    user = User.objects.select_for_update().get(pk=user_id)
    start = valid_from or clock.today()
    _check_grant(user, role, organisation_id, start, valid_to)
    grant = RoleGrant.objects.create(
        user=user, role=role, organisation_id=organisation_id, valid_from=start, valid_to=valid_to, granted_by=actor
    )
    forget(user)
    audit.record(verb="role.grant", actor=actor, target=user, role=role, organisation=organisation_id, grant=grant.pk)
    return grant


def _check_grant(user: User, role: str, organisation_id: int | None, start: date, end: date | None) -> None:
    if not user.is_active:
        raise RuleViolation(_("The account is closed."), code="account_closed")
    if role == Role.COORDINATOR and organisation_id is None:
        raise RuleViolation(_("A coordinator speaks for an organisation: choose one."), code="organisation_needed")
    if role in {Role.SECRETARIAT, Role.SUPPORTER, Role.EXECUTIVE} and organisation_id is not None:
        text = _("This role reaches the whole map: choose no organisation.")
        raise RuleViolation(text, code="organisation_not_needed")
    if end is not None and end <= start:
        raise RuleViolation(_("The last day must not be before the first."), code="dates")
    if organisation_id is not None and not Organisation.objects.valid_on(start).filter(pk=organisation_id).exists():
        raise RuleViolation(_("The organisation does not exist on that day."), code="organisation_closed")
    wanted = rules.Interval(start, end)
    held = RoleGrant.objects.filter(user=user, role=role, revoked_at=None)
    held = held.filter(organisation=organisation_id) if organisation_id else held.filter(organisation=None)
    if any(rules.Interval(grant.valid_from, grant.valid_to).overlaps(wanted) for grant in held):
        raise RuleViolation(_("The account holds this role at that time already."), code="has_role")


@transaction.atomic
def role_revoke(*, grant_id: int, actor: User | None) -> RoleGrant:
    """Take a role at once; the account's sessions end. RuleViolation `last_secretariat`. Twice does no harm."""
    require_secretariat(actor)
    if RoleGrant.objects.filter(pk=grant_id, role=Role.SECRETARIAT).exists():
        hold_secretariat()  # before the grant itself: two who take two of them would each wait for the other
    grant = RoleGrant.objects.select_for_update(of=("self",)).select_related("user").get(pk=grant_id)
    if grant.revoked_at is not None:
        return grant
    if grant.role == Role.SECRETARIAT:
        keep_a_secretariat(without_grants=[grant.pk])
    grant.revoked_at, grant.revoked_by = clock.now(), actor
    grant.save(update_fields=["revoked_at", "revoked_by"])
    sessions_end([grant.user_id])
    forget(grant.user)
    audit.record(verb="role.revoke", actor=actor, target=grant.user, role=grant.role, grant=grant.pk)
    return grant
