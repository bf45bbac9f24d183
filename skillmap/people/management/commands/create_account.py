"""Make an account, such as the first one of the secretariat, or that of another system."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from skillmap.core.errors import RuleViolation
from skillmap.people import services
from skillmap.people.choices import Role
from skillmap.people.forms import AccountForm
from skillmap.people.models import Organisation


class Command(BaseCommand):
    """No password is made up: the owner sets one by the link that is printed."""

    help = "Make an account with roles; prints a link by which its owner sets a password, good for three days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who, and which roles."""
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--role", action="append", default=[], choices=Role.values)
        parser.add_argument("--organisation", metavar="CODE", help="for the role coordinator")
        parser.add_argument(
            "--system", action="store_true", help="the account of another system: API tokens, no link, no signing in"
        )

    def handle(
        self,
        *args: object,
        email: str,
        name: str,
        role: list[str],
        organisation: str | None,
        system: bool,
        **options: object,
    ) -> None:
        """Print the link; CommandError where address or name can't be taken, or a role can't be given."""
        place = Organisation.objects.current().filter(code=organisation or "").first()
        if organisation and place is None:
            raise CommandError(f"There is no organisation {organisation}.")
        form = AccountForm({"email": email, "name": name})
        if not form.is_valid():
            raise CommandError(
                "; ".join(f"--{field}: {' '.join(map(str, said))}" for field, said in form.errors.items())
            )
        email, name = form.cleaned_data["email"], form.cleaned_data["name"]
        try:
            with transaction.atomic():
                user = services.account_create(email=email, name=name, actor=None, is_service=system)
                for wanted in dict.fromkeys(role):
                    pk = place.pk if place is not None and wanted == Role.COORDINATOR else None
                    services.role_grant(user_id=user.pk, role=wanted, organisation_id=pk, actor=None)
        except RuleViolation as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{user.email}: {', '.join(dict.fromkeys(role)) or 'no role'}")
        if not system:
            self.stdout.write(services.reset_link(user))
