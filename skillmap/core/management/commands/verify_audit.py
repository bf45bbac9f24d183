"""Check the audit trail's hash chain."""

from django.core.management.base import BaseCommand, CommandError

from skillmap.core import audit


class Command(BaseCommand):
    """Walk the chain and name what does not fit."""

    help = "Check the hash chain of the audit trail; fails when a line was edited, removed, inserted or reordered."

    def handle(self, *args: object, **options: object) -> None:
        """Print the outcome; CommandError where the chain is broken."""
        found = audit.verify()
        self.stdout.write(f"{found.checked} lines checked, {found.unsealed} not sealed yet, head {found.head}")
        if found.problems:
            raise CommandError("; ".join(found.problems))
