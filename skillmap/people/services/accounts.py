"""Accounts: made for people, tied to single sign-on, opened and closed; sessions ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from allauth.account import app_settings as account_settings
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.core import audit, clock, jobs
from skillmap.core.errors import RuleViolation
from skillmap.people.choices import Role
from skillmap.people.models import ApiToken, RoleGrant, SignInSubject, Staff, User
from skillmap.people.services._common import require_secretariat


@transaction.atomic
def account_create(*, email: str, name: str, actor: User | None, is_service: bool = False) -> User:
    """Make an account without a password: its owner sets one by mail, or comes by single sign-on.

    RuleViolation `email_taken` where the address has an account already.
    """
    require_secretariat(actor)
    try:
        with transaction.atomic():
            user = User.objects.create_user(email=email, name=name, is_service=is_service)
    except IntegrityError as error:
        raise RuleViolation(_("There is an account with this e-mail address already."), code="email_taken") from error
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    audit.record(verb="account.create", actor=actor, target=user, is_service=is_service)
    return user


@transaction.atomic
def account_create_for_staff(*, staff_id: int, email: str, actor: User | None) -> User:
    """Make the account of a person. RuleViolation `has_account`, `left`, `email_missing`, `email_taken`."""
    require_secretariat(actor)
    staff = Staff.objects.select_for_update(of=("self",)).get(pk=staff_id)
    if staff.user_id is not None:
        raise RuleViolation(_("This person has an account already."), code="has_account")
    if staff.has_left_by(clock.today()):
        raise RuleViolation(_("This person has left; an account can't be made."), code="left")
    if not email:
        raise RuleViolation(_("An account needs an e-mail address."), code="email_missing")
    user = account_create(email=email, name=staff.name, actor=actor)
    staff.user, staff.version = user, staff.version + 1
    staff.save(update_fields=["user", "version"])
    audit.record(verb="account.attach", actor=actor, target=user, subject_id=staff.pk)
    return user


@transaction.atomic
def account_invite(*, user_id: int, actor: User | None) -> None:
    """Have a mail sent with the link by which the owner sets a password; the worker makes the link when it sends."""
    require_secretariat(actor)
    user = User.objects.get(pk=user_id)
    if not user.is_active or user.is_service:
        raise RuleViolation(_("Only an account that is open to a person can be invited."), code="not_open")
    if SignInSubject.objects.filter(user=user).exists():
        raise RuleViolation(_("The account is tied to single sign-on and has no password."), code="by_single_sign_on")
    audit.record(verb="account.invite", actor=actor, target=user)
    # One for each who asks: that of somebody who is no longer of the secretariat when its turn comes is refused.
    key = f"{user.pk}:{actor.pk if actor is not None else ''}"
    jobs.enqueue("people.invite", {"user_id": user.pk}, requested_by=actor, dedup_key=key)


def reset_link(user: User) -> str:
    """A link by which the owner of an account sets a password, once, within PASSWORD_RESET_TIMEOUT. It is a secret."""
    key = account_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": key})
    return f"{settings.SITE_URL}{path}"


@transaction.atomic
def account_change_email(*, user_id: int, email: str, actor: User | None) -> User:
    """Give an account another address to sign in with; its sessions end. RuleViolation `email_taken`."""
    require_secretariat(actor)
    user = User.objects.select_for_update().get(pk=user_id)
    user.email = email.lower()
    try:
        with transaction.atomic():
            user.save(update_fields=["email"])
    except IntegrityError as error:
        raise RuleViolation(_("There is an account with this e-mail address already."), code="email_taken") from error
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    sessions_end([user.pk])
    audit.record(verb="account.email", actor=actor, target=user)
    return user


# ------------------------------------------------------------------------------------------------- single sign-on


@transaction.atomic
def account_link_subject(*, user_id: int, provider_id: str, subject: str, actor: User | None) -> SignInSubject:
    """Tie a subject of an identity provider to an account; e-mail addresses play no part.

    From then on the account has no password of its own, and its sessions end.

    Raises:
        RuleViolation: `unknown_provider`, `subject_taken` (it belongs to another account), `has_subject`, `not_open`.
    """
    require_secretariat(actor)
    known = {one.provider_id: one for one in providers()}
    if provider_id not in known:
        raise RuleViolation(_("This single sign-on is not set up here."), code="unknown_provider")
    user = User.objects.select_for_update().get(pk=user_id)
    if user.is_service or not user.is_active:
        raise RuleViolation(_("Only an account that is open to a person can be tied."), code="not_open")
    if SignInSubject.objects.filter(user=user, provider_id=provider_id).exists():
        raise RuleViolation(_("The account is tied to another subject. Untie that one first."), code="has_subject")
    try:
        with transaction.atomic():
            link = SignInSubject.objects.create(
                user=user, provider_id=provider_id, issuer=known[provider_id].issuer, subject=subject, linked_by=actor
            )
            SocialAccount.objects.create(user=user, provider=provider_id, uid=subject)
    except IntegrityError as error:
        raise RuleViolation(_("This subject is tied to an account already."), code="subject_taken") from error
    user.set_unusable_password()
    user.save(update_fields=["password"])
    sessions_end([user.pk])
    audit.record(verb="account.link", actor=actor, target=user, provider=provider_id)
    return link


@transaction.atomic
def account_unlink_subject(*, link_id: int, actor: User | None) -> None:
    """Untie a subject; the account's sessions end, and its owner needs an invitation to set a password."""
    require_secretariat(actor)
    link = SignInSubject.objects.select_for_update(of=("self",)).select_related("user").get(pk=link_id)
    SocialAccount.objects.filter(user=link.user_id, provider=link.provider_id, uid=link.subject).delete()
    sessions_end([link.user_id])
    audit.record(verb="account.unlink", actor=actor, target=link.user, provider=link.provider_id)
    link.delete()


@dataclass(frozen=True)
class Provider:
    """One identity provider that is set up here."""

    provider_id: str
    name: str
    issuer: str


def providers() -> list[Provider]:
    """The identity providers set up here; the issuer is the address that they sign their tokens with."""
    apps: list[dict[str, Any]] = settings.SOCIALACCOUNT_PROVIDERS.get("openid_connect", {}).get("APPS", [])
    return [Provider(app["provider_id"], app["name"], issuer_of(app["settings"]["server_url"])) for app in apps]


def issuer_of(server_url: str) -> str:
    """The issuer of a provider from the address in the settings, which may name its configuration document."""
    return server_url.partition("/.well-known/")[0].rstrip("/")


# ---------------------------------------------------------------------------------------------- sessions, closing


def sessions_end(user_ids: Iterable[int]) -> int:
    """End all sessions of accounts: the next request of each is nobody's. Returns how many were ended."""
    tracked = UserSession.objects.filter(user_id__in=list(user_ids))
    keys = list(tracked.values_list("session_key", flat=True))
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    for key in keys:
        store.delete(key)
    tracked.delete()
    return len(keys)


@transaction.atomic
def account_end_sessions(*, user_id: int, actor: User | None) -> int:
    """Sign an account out everywhere, at the secretariat's word. Returns the number of sessions."""
    require_secretariat(actor)
    user = User.objects.get(pk=user_id)
    ended = sessions_end([user.pk])
    audit.record(verb="account.sessions_end", actor=actor, target=user, sessions=ended)
    return ended


def keep_a_secretariat(*, without_users: Iterable[int] = (), without_grants: Iterable[int] = ()) -> None:
    """Raise RuleViolation `last_secretariat` if nobody who can sign in would run the map without these."""
    hold_secretariat()
    people = RoleGrant.objects.in_force().filter(user__is_active=True, user__is_service=False)
    rest = people.filter(role=Role.SECRETARIAT, valid_to=None)
    if not rest.exclude(user_id__in=set(without_users)).exclude(pk__in=set(without_grants)).exists():
        raise RuleViolation(
            _("This is the last account that runs the map. Give the secretariat's role to somebody else first."),
            code="last_secretariat",
        )


def hold_secretariat() -> None:
    """Hold the secretariat's grants until the transaction ends: no two people take each other out at the same moment.

    In id order, before any other grant.
    """
    grants = RoleGrant.objects.select_for_update(of=("self",)).filter(role=Role.SECRETARIAT, revoked_at=None)
    list(grants.order_by("pk").values_list("pk", flat=True))


def close_accounts(user_ids: Iterable[int], *, actor: User | None) -> None:
    """End accounts with all that hangs on them, in the transaction of the caller: grants, tokens, sessions."""
    ids, now = set(user_ids), clock.now()
    if not ids:
        return
    running = RoleGrant.objects.in_force().filter(user_id__in=ids, role=Role.SECRETARIAT, user__is_active=True)
    if running.exists():
        keep_a_secretariat(without_users=ids)
    User.objects.filter(pk__in=ids).update(is_active=False)
    RoleGrant.objects.not_over().filter(user_id__in=ids).update(revoked_at=now, revoked_by=actor)
    ApiToken.objects.filter(user_id__in=ids, revoked_at=None).update(revoked_at=now)
    sessions_end(ids)
    audit.record_many(
        [audit.build(verb="account.close", actor=actor, target=user) for user in User.objects.filter(pk__in=ids)]
    )


@transaction.atomic
def account_close(*, user_id: int, actor: User | None) -> None:
    """Close one account at once; RuleViolation for one's own and for the last of the secretariat."""
    require_secretariat(actor)
    if actor is not None and actor.pk == user_id:
        raise RuleViolation(_("You can't close your own account."), code="own_account")
    close_accounts([user_id], actor=actor)


@transaction.atomic
def account_open(*, user_id: int, actor: User | None) -> None:
    """Open a closed account again, without its former roles and tokens; not that of a person who has left."""
    require_secretariat(actor)
    user = User.objects.select_for_update().get(pk=user_id)
    if Staff.objects.filter(user=user, left_on__lte=clock.today()).exists():
        raise RuleViolation(_("This person has left. Record the return first."), code="left")
    user.is_active = True
    user.save(update_fields=["is_active"])
    audit.record(verb="account.open", actor=actor, target=user)
