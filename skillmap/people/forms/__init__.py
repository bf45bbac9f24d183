"""The shape of what is entered about people, accounts, organisations and their changes."""

from skillmap.people.forms.accounts import AccountForm, EmailForm, GrantForm, ServiceForm, SubjectForm, TokenForm
from skillmap.people.forms.fields import place_choices, selectable
from skillmap.people.forms.organisations import (
    CHANGE_FORMS,
    EditGroupForm,
    MappingForm,
    NewGroupForm,
    OrganisationForm,
    PartForm,
    SplitForm,
    TreeDayForm,
)
from skillmap.people.forms.people import (
    DayForm,
    DesignationForm,
    EditForm,
    JoinForm,
    LeaveForm,
    MoveForm,
    PeopleUploadForm,
    PlaceForm,
)

__all__ = [
    "CHANGE_FORMS",
    "AccountForm",
    "DayForm",
    "DesignationForm",
    "EditForm",
    "EditGroupForm",
    "EmailForm",
    "GrantForm",
    "JoinForm",
    "LeaveForm",
    "MappingForm",
    "MoveForm",
    "NewGroupForm",
    "OrganisationForm",
    "PartForm",
    "PeopleUploadForm",
    "PlaceForm",
    "ServiceForm",
    "SplitForm",
    "SubjectForm",
    "TokenForm",
    "TreeDayForm",
    "place_choices",
    "selectable",
]
