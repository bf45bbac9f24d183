"""People from a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from skillmap.core.import_views import ImportPages
from skillmap.people import selectors
from skillmap.people.choices import OrganisationKind
from skillmap.people.forms import PeopleUploadForm


class PeopleImportPages(ImportPages):
    """The secretariat's table of people."""

    kind = "people.staff"
    name = "people:import"
    form_class = PeopleUploadForm
    parent = (gettext_lazy("Staff"), "people:staff_list")
    lead = gettext_lazy("Joiners, changes, moves and leavers at once. An exported list can be brought in again.")
    list_titles: Mapping[str, Any] = {
        "missing": gettext_lazy("On record, but not in the file (nothing happens to them)")
    }
    list_columns: Mapping[str, Sequence[Any]] = {
        "missing": (gettext_lazy("Staff number"), gettext_lazy("Name"), gettext_lazy("Organisation"))
    }

    def template_lists(self, user: AbstractBaseUser) -> Mapping[str, Sequence[str]]:
        """The codes of the organisations that can have members."""
        closed = set(OrganisationKind.without_members())
        return {"organisation": [node.code for node in selectors.places() if node.kind not in closed]}

    def template_notes(self) -> Sequence[str]:
        """How to fill it in."""
        return [
            _("One person a row, known by the staff number. Columns may be left out: they change nothing."),
            _("An empty cell clears what may be empty. Whoever is not in the table stays as recorded."),
        ]
