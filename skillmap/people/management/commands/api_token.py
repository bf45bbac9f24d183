"""Issue an API token."""

from argparse import ArgumentParser
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from skillmap.core.choices import Purpose
from skillmap.core.errors import RuleViolation
from skillmap.people import tokens
from skillmap.people.forms import TokenForm
from skillmap.people.models import User


class Command(BaseCommand):
    """The value goes to standard output alone, once."""

    help = "Issue an API token for the account of another system; prints its value, which is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose, for what, how long."""
        parser.add_argument("--user", required=True, metavar="E-MAIL")
        parser.add_argument("--scopes", required=True, metavar="A,B", help=", ".join(tokens.SCOPES))
        parser.add_argument("--purpose", default=Purpose.SYSTEM_LINK.value, choices=Purpose.values)
        parser.add_argument("--name", default="command line")
        parser.add_argument("--days", type=int, default=180, help=f"1 to {tokens.LONGEST.days}")

    def handle(
        self, *args: object, user: str, scopes: str, purpose: str, name: str, days: int, **options: object
    ) -> None:
        """Print the token; CommandError for an unknown account, a person's, an unknown scope or a wrong length."""
        account = User.objects.filter(email=user.lower()).first()
        if account is None:
            raise CommandError(f"There is no account {user}.")
        if not account.is_service:
            raise CommandError(f"{user} is a person's account. Make one for the system: create_account --system")
        if not 1 <= days <= tokens.LONGEST.days:
            raise CommandError(f"--days must be 1 to {tokens.LONGEST.days}.")
        try:
            name = TokenForm.base_fields["name"].clean(name)
        except ValidationError as refusal:
            raise CommandError(f"--name: {' '.join(refusal.messages)}") from refusal
        wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
        try:
            _token, value = tokens.issue(
                user=account, name=name, scopes=wanted, purpose=purpose, actor=None, lifetime=timedelta(days=days)
            )
        except RuleViolation as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(value)
