"""Reads of one database at one moment: what tables it has, how many rows, their checksums, its schema.

The checksum of a table is over its rows in the order of the primary key and its columns in the order of their names,
so that the same data has the same checksum in whatever database it lies. Rows pass one by one: memory stays flat.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class TableSum:
    """One table: rows, and the SHA-256 over them in hex."""

    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Counter:
    """What numbers the rows of a table: the number it gives next, and the highest in use."""

    table: str
    following: int
    highest: int


class Reading(ABC):
    """One moment of a database."""

    @abstractmethod
    def query(self, statement: str) -> list[Row]:
        """All rows of a SELECT."""

    @abstractmethod
    def tables(self) -> list[str]:
        """Names of all tables, in order."""

    @abstractmethod
    def sum_of(self, table: str) -> TableSum:
        """Count and checksum of one table."""

    @abstractmethod
    def schema(self) -> list[str]:
        """One line for each column, index, constraint, trigger and function, in order."""

    @abstractmethod
    def triggers(self) -> set[str]:
        """Names of the triggers that fire."""

    @abstractmethod
    def counters(self) -> list[Counter]:
        """What numbers the rows of each table."""

    @abstractmethod
    def faults(self) -> list[str]:
        """What the database itself finds wrong with its rows."""

    def sums(self) -> dict[str, TableSum]:
        """Count and checksum of every table."""
        return {table: self.sum_of(table) for table in self.tables()}

    def filled(self, but: Iterable[str] = ()) -> list[str]:
        """The tables that hold any row."""
        wanted = [table for table in self.tables() if table not in set(but)]
        return [table for table in wanted if self.query(select("1", quoted(table), "LIMIT 1"))]


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def select(what: str, source: str, ending: str = "") -> str:
    """A SELECT; the names in it are quoted already."""
    return " ".join(("SELECT", what, "FROM", source, ending))


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
