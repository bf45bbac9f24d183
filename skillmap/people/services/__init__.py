"""Every write about people, accounts, roles and organisations."""

from skillmap.people.services.accounts import (
    account_change_email,
    account_close,
    account_create,
    account_create_for_staff,
    account_end_sessions,
    account_invite,
    account_link_subject,
    account_open,
    account_unlink_subject,
    providers,
    reset_link,
    sessions_end,
)
from skillmap.people.services.changes import change_apply, change_cancel, change_plan, changes_apply_due
from skillmap.people.services.leaving import (
    leave_begin,
    leave_end,
    people_apply_due,
    staff_leave,
    staff_leave_cancel,
    staff_rejoin,
)
from skillmap.people.services.loading import organisations_load
from skillmap.people.services.organisations import (
    NewOrganisation,
    group_create,
    group_update,
    organisation_open,
    organisation_update,
)
from skillmap.people.services.roles import role_grant, role_revoke
from skillmap.people.services.staff import (
    designation_add,
    designation_end,
    move_cancel,
    staff_create,
    staff_move,
    staff_update,
)

__all__ = [
    "NewOrganisation",
    "account_change_email",
    "account_close",
    "account_create",
    "account_create_for_staff",
    "account_end_sessions",
    "account_invite",
    "account_link_subject",
    "account_open",
    "account_unlink_subject",
    "change_apply",
    "change_cancel",
    "change_plan",
    "changes_apply_due",
    "designation_add",
    "designation_end",
    "group_create",
    "group_update",
    "leave_begin",
    "leave_end",
    "move_cancel",
    "organisation_open",
    "organisation_update",
    "organisations_load",
    "people_apply_due",
    "providers",
    "reset_link",
    "role_grant",
    "role_revoke",
    "sessions_end",
    "staff_create",
    "staff_leave",
    "staff_leave_cancel",
    "staff_move",
    "staff_rejoin",
    "staff_update",
]
