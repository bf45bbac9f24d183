"""The table of people, as it is brought in and given out: the same columns both ways."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from skillmap.core import clock
from skillmap.core.tabular.cells import CellValue
from skillmap.core.tabular.columns import Column, Kind, labels_of
from skillmap.core.tabular.writing import Form, Out, Table, notes_for
from skillmap.people.choices import Employer, Grade, HiringRoute, Occupation
from skillmap.people.models import Membership, Staff
from skillmap.people.rules import FIRST_DAY, LAST_DAY

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def day_column(key: str, headers: Sequence["StrOrPromise"], hint: "StrOrPromise" = "") -> Column:
    """A day that a form of the page would take too."""
    return Column(key=key, headers=headers, kind=Kind.DATE, earliest=FIRST_DAY, latest=LAST_DAY, hint=hint)


COLUMNS: Sequence[Column] = (
    Column(
        key="number",
        headers=[gettext_lazy("Staff number"), "職員番号"],
        kind=Kind.CODE,
        required=True,
        max_length=20,
        pattern=r"[0-9A-Za-z][0-9A-Za-z._\-]*",
        hint=gettext_lazy("The key of the row; leading zeros count."),
    ),
    Column(key="name", headers=[gettext_lazy("Name"), "氏名"], max_length=100),
    Column(key="kana", headers=[gettext_lazy("Name in kana"), "ふりがな", "フリガナ", "カナ氏名"], max_length=100),
    Column(key="email", headers=[gettext_lazy("E-mail address"), "メールアドレス", "メール"], kind=Kind.EMAIL),
    Column(key="employer", headers=[gettext_lazy("Employer"), "任用元"], kind=Kind.CHOICE, choices=labels_of(Employer)),
    Column(
        key="occupation", headers=[gettext_lazy("Occupation"), "職種"], kind=Kind.CHOICE, choices=labels_of(Occupation)
    ),
    Column(key="former_occupation", headers=[gettext_lazy("Former occupation"), "前職種"], max_length=60),
    Column(
        key="hiring_route",
        headers=[gettext_lazy("Hiring route"), "採用区分"],
        kind=Kind.CHOICE,
        choices=labels_of(HiringRoute),
    ),
    day_column("hired_on", [gettext_lazy("Hired on"), "採用日", "採用年月日"]),
    day_column(
        "expert_until",
        [gettext_lazy("End of term"), "任期満了日"],
        hint=gettext_lazy("For information technology experts and others with a fixed term."),
    ),
    Column(key="grade", headers=[gettext_lazy("Staff grade"), "職層"], kind=Kind.CHOICE, choices=labels_of(Grade)),
    Column(
        key="organisation",
        headers=[gettext_lazy("Organisation code"), "組織コード", "所属コード"],
        kind=Kind.CODE,
        max_length=40,
        personal=False,
        hint=gettext_lazy("As in the list of organisations."),
    ),
    Column(
        key="organisation_name",
        headers=[gettext_lazy("Organisation name"), "組織名", "所属名"],
        max_length=200,
        personal=False,
        hint=gettext_lazy("For reading only; the code decides."),
    ),
    day_column(
        "moved_on",
        [gettext_lazy("In force from"), "発令日", "異動日"],
        hint=gettext_lazy("From this day on organisation, grade and occupation hold; empty: the day chosen at upload."),
    ),
    day_column(
        "left_on",
        [gettext_lazy("Out of service from"), "離職日"],
        hint=gettext_lazy("The first day out of service, the day after the last one; empty changes nothing."),
    ),
)
# Columns of a posting, and what they are called there.
POSTING = {
    "occupation": "occupation",
    "grade": "grade",
    "organisation": "organisation__code",
    "organisation_name": "organisation__name",
    "moved_on": "valid_from",
}
FORMS = {Kind.DATE: Form.DATE}
LABELS: Mapping[str, type[Employer] | type[Occupation] | type[HiringRoute] | type[Grade]] = {
    "employer": Employer,
    "occupation": Occupation,
    "hiring_route": HiringRoute,
    "grade": Grade,
}


def rows_of(people: QuerySet[Staff]) -> Iterator[list[CellValue]]:
    """The people as rows of COLUMNS, in one query, as they come."""
    current = Membership.objects.filter(staff=OuterRef("pk"), valid_from__lte=clock.today()).order_by("-valid_from")
    first = Membership.objects.filter(staff=OuterRef("pk")).order_by("valid_from")

    def of_posting(column: str) -> Coalesce:
        """By the posting of today, which the columns of the person may still be behind of; else by the first one."""
        return Coalesce(Subquery(current.values(column)[:1]), Subquery(first.values(column)[:1]))

    fields = [column.key for column in COLUMNS if column.key not in POSTING]
    values = people.values_list(*fields, *(of_posting(column) for column in POSTING.values()), named=False)
    order = [*fields, *POSTING]
    for row in values.iterator(chunk_size=2000):
        found: dict[str, Any] = dict(zip(order, row, strict=True))
        yield [_shown(column.key, found[column.key]) for column in COLUMNS]


def _shown(key: str, value: Any) -> CellValue:
    choices = LABELS.get(key)
    return str(choices(value).label) if choices is not None else value


def people_table(people: QuerySet[Staff], *, filters: Mapping[str, object]) -> Table:
    """The people as a table to download; it can be brought in again as it is."""
    return Table(
        name=_("Staff"),
        columns=[Out(column.label, FORMS.get(column.kind, Form.TEXT)) for column in COLUMNS],
        rows=rows_of(people),
        notes=notes_for(filters=filters),
    )


def template_lists(organisation_codes: Iterable[str]) -> dict[str, list[str]]:
    """What a template offers to choose from beside the columns' own choices."""
    return {"organisation": list(organisation_codes)}
