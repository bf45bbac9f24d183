"""What an app says about one kind of table, and the register of these kinds."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import AbstractBaseUser

from skillmap.core.models import ImportBatch
from skillmap.core.tabular.columns import Column
from skillmap.core.tabular.limits import DEFAULT, Limits
from skillmap.core.tabular.reading import TableReading

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LISTED = 1_000  # entries of one further list that are kept
Progress = Callable[[int, int, object], None]


@dataclass(slots=True)
class Staged:
    """One checked row: what applying it would do; the check makes it, and `apply` is given it back.

    Args:
        number: of the row, as the spreadsheet program counts.
        key: what the row is known by, such as a staff number.
        outcome: a value of RowOutcome.
        data: what `apply` needs; plain values and dates, which come back as ISO texts.
        version: of the stored row as it was at the check, where there is one.
        label: how people recognise the row.
    """

    number: int
    key: str
    outcome: str
    data: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None
    label: str = ""


@dataclass(slots=True)
class Checked:
    """The outcome of a check: rows in the order of the file, and further lists to show, by name.

    Rows with a problem (`reading.refuse`, or a cell that could not be read) need not be staged. Of a list the first
    LISTED entries are kept; one that could be long is given as these, with how many there are in `totals`.
    """

    rows: list[Staged]
    lists: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    totals: Mapping[str, int] = field(default_factory=dict)


class Importer(ABC):
    """What one kind of table is about. Instances hold no state."""

    kind: str
    title: "StrOrPromise"
    sheets: Sequence[str] = ()
    unique: Sequence[Sequence[str]] = ()
    limits: Limits = DEFAULT

    @abstractmethod
    def columns(self, options: Mapping[str, Any]) -> Sequence[Column]:
        """The columns that are read."""

    @abstractmethod
    def may(self, user: AbstractBaseUser, options: Mapping[str, Any]) -> bool:
        """Whether somebody may bring in this table with these options; asked at the upload, and again by each job."""

    @abstractmethod
    def check(
        self, reading: TableReading, options: Mapping[str, Any], *, user: AbstractBaseUser, progress: Progress
    ) -> Checked:
        """Compare the rows with what is stored, in a constant number of queries, and stage them.

        What is wrong with a row is told by `reading.refuse`. Nothing is written here.
        """

    @abstractmethod
    def apply(
        self, rows: Iterable[Staged], options: Mapping[str, Any], *, user: AbstractBaseUser, batch: ImportBatch
    ) -> Mapping[str, Any]:
        """Write the rows (CREATE and UPDATE, in the order of the file), in the transaction that is open.

        It locks what it changes and compares versions: RuleViolation `changed_meanwhile` where something moved since
        the check. Returns counts to show.
        """


IMPORTERS: dict[str, Importer] = {}


def register(importer: Importer) -> None:
    """Make a kind of table known; in the `ready` of its app."""
    IMPORTERS[importer.kind] = importer
