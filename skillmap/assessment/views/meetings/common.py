"""What the pages of 1on1s share."""

from django.http import HttpRequest

from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.selectors.talks import Talk, talk_of
from skillmap.assessment.services.looks import look
from skillmap.core.choices import Purpose
from skillmap.people.access import user_of

# Messages with this tag are shown where `#goals` leads.
AT_GOALS = "goals"


def talk_with_look(request: HttpRequest, dossier: Dossier) -> Talk:
    """The items; the look at somebody else's is recorded with the read."""
    return look(
        lambda: talk_of(dossier),
        viewer=user_of(request),
        staff_ids=[dossier.assessment.staff_id] if dossier.levels_open else [],
        purpose=Purpose.MENTORING,
        what="one_on_one",
    )
