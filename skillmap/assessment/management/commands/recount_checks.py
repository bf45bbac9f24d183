"""Put right what is stored beside checks and follows from their rows, for instance after rows were written by hand."""

from django.core.management.base import BaseCommand

from skillmap.assessment.services.repeating import repeat_levels
from skillmap.assessment.services.standing import recount


class Command(BaseCommand):
    """Reckon anew whose turn it is with every check and what was confirmed in it, and count them anew."""

    help = "Reckon whose turn it is with every check, and count the checks anew. Steps wait until it is done."

    def handle(self, *_args: object, **_options: object) -> None:
        """Say how many checks had something else stored."""
        self.stdout.write(f"{recount()} checks were settled otherwise; all are counted anew.")
        self.stdout.write(f"{repeat_levels()} checks had other levels stored beside them than were confirmed.")
