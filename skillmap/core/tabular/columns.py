"""What a table is expected to hold: its columns, by kind."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Choices
from django.utils.translation import override

from skillmap.core.tabular.keys import header_key, match_key

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

INT_MAX = 2**31 - 1  # what an integer column of PostgreSQL holds


class Kind(StrEnum):
    """How a cell is read."""

    TEXT = "text"
    CODE = "code"
    INTEGER = "integer"
    LEVEL = "level"
    DATE = "date"
    CHOICE = "choice"
    EMAIL = "email"
    BOOLEAN = "boolean"


# Kinds whose values are short and from a closed set: shown in reports as they are. The others are masked.
CLOSED = {Kind.INTEGER, Kind.LEVEL, Kind.DATE, Kind.CHOICE, Kind.BOOLEAN}


def in_all_languages(text: "StrOrPromise") -> Iterator[str]:
    """A text as it reads in each language of the site; a plain string reads the same in all."""
    for language, _name in settings.LANGUAGES:
        with override(language):
            yield str(text)


def labels_of(choices: type[Choices]) -> dict[str, tuple["StrOrPromise", ...]]:
    """The `choices` of a column from a TextChoices or IntegerChoices class."""
    return {str(member.value): (member.label,) for member in choices}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of an imported table.

    Args:
        key: the name under which values are given back; accepted as a header too.
        headers: the accepted headers, the first one is shown to people. Lazy texts count in every language.
        kind: how cells are read; see `normalise`.
        required: an empty cell is a problem, and so is a file without this column.
        header_required: the file must have this column; by default as `required`.
        max_length: characters of a text; default 200, an e-mail address 254.
        multiline: line breaks are allowed in a text.
        digits: a code is a number of exactly this many digits, leading zeros included (a staff number).
        pattern: a regular expression that the whole code matches; default letters, digits, `.`, `_` and `-`.
        example: shown where a code does not match.
        minimum, maximum: bounds of an integer (default 0 to 2,147,483,647) or a level (default 0 to 3).
        earliest, latest: bounds of a date (default 1900-01-01 to 2199-12-31).
        suffixes: words allowed after an integer, such as 「人」.
        choices: code to accepted labels, the first one shown to people; see `labels_of`.
        blanks: further texts that mean an empty cell, such as 「未回答」.
        personal: whether values are masked in reports; by default by kind.
        width: of the column in templates, in characters.
        hint: shown when a cell of a template is entered.
    """

    key: str
    headers: Sequence["StrOrPromise"]
    kind: Kind = Kind.TEXT
    required: bool = False
    header_required: bool | None = None
    max_length: int | None = None
    multiline: bool = False
    digits: int | None = None
    pattern: str = r"[0-9A-Za-z._\-]+"
    example: str = ""
    minimum: int = 0
    maximum: int | None = None
    earliest: dt.date = dt.date(1900, 1, 1)
    latest: dt.date = dt.date(2199, 12, 31)
    suffixes: Sequence[str] = ()
    choices: Mapping[str, Sequence["StrOrPromise"]] = field(default_factory=dict)
    blanks: Sequence[str] = ()
    personal: bool | None = None
    width: int | None = None
    hint: "StrOrPromise" = ""

    def __post_init__(self) -> None:
        if not self.headers:
            raise ValueError(f"{self.key}: a column needs a header.")
        if (self.kind is Kind.CHOICE) != bool(self.choices):
            raise ValueError(f"{self.key}: choices belong to the kind choice, and only there.")

    @property
    def label(self) -> str:
        """The header shown to people, in the present language."""
        return str(self.headers[0])

    @property
    def must_be_there(self) -> bool:
        """Whether a file without this column is refused."""
        return self.required if self.header_required is None else self.header_required

    @property
    def is_personal(self) -> bool:
        """Whether values are masked in reports."""
        return self.kind not in CLOSED if self.personal is None else self.personal

    @property
    def longest(self) -> int:
        """Characters that a text may have."""
        return self.max_length or (254 if self.kind is Kind.EMAIL else 200)

    @property
    def highest(self) -> int:
        """The upper bound of an integer or a level."""
        if self.maximum is not None:
            return self.maximum
        return 3 if self.kind is Kind.LEVEL else INT_MAX

    @cached_property
    def header_keys(self) -> frozenset[str]:
        """All accepted headers in the form in which they are compared."""
        texts = [self.key, *(text for header in self.headers for text in in_all_languages(header))]
        return frozenset(header_key(text) for text in texts)

    @cached_property
    def codes_by_label(self) -> Mapping[str, str]:
        """The code of each choice by its labels in all languages and by itself, in the form in which they are compared.

        Raises:
            ValueError: where one label stands for two choices; give such a column codes only.
        """
        found: dict[str, str] = {}
        for code, labels in self.choices.items():
            for text in [code, *(text for label in labels for text in in_all_languages(label))]:
                if found.setdefault(match_key(text), code) != code:
                    raise ValueError(f"{self.key}: {text!r} stands for {code} and for {found[match_key(text)]}.")
        return found

    @cached_property
    def blank_keys(self) -> frozenset[str]:
        """Texts that mean an empty cell."""
        return frozenset(match_key(text) for text in self.blanks)

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The form of a code."""
        return re.compile(self.pattern)

    def choice_labels(self) -> list[str]:
        """The labels to offer, in the present language."""
        return [str(labels[0]) if labels else code for code, labels in self.choices.items()]
