"""What the pages of 1on1s, results and objections share."""

from django.http import Http404, HttpRequest

from skillmap.assessment.models import Evidence
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.selectors.meetings.reading import dossier_of
from skillmap.core.templatetags.ui.words import fiscal_year
from skillmap.people.access import user_of

#: Stands for an item's code in an address that is made once for all items of a page.
ANY_CODE = "any-code"


def dossier_or_404(request: HttpRequest, pk: int) -> Dossier:
    """A check that the reader has anything to do with: as person, mentor or secretariat."""
    found = dossier_of(user_of(request), pk)
    if found is None or not found.words:
        raise Http404
    return found


def facts_of(piece: Evidence) -> str:
    """Year, role and difficulty of a piece of evidence, as far as they are given, in one line."""
    year = fiscal_year(piece.fiscal_year) if piece.fiscal_year else ""
    role = piece.get_role_display() if piece.role else ""
    difficulty = piece.get_difficulty_display() if piece.difficulty else ""
    return " · ".join(str(fact) for fact in (year, role, difficulty) if fact)
