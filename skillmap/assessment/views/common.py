"""What the pages of 1on1s, results and objections share."""

from django.http import Http404, HttpRequest

from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.selectors.meetings.reading import dossier_of
from skillmap.people.access import user_of


def dossier_or_404(request: HttpRequest, pk: int) -> Dossier:
    """A check that the reader has anything to do with: as person, mentor or secretariat."""
    found = dossier_of(user_of(request), pk)
    if found is None or not found.words:
        raise Http404
    return found
