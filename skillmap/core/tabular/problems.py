"""What is said about a file: it is refused, a row has a problem, or something is worth knowing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from django.utils.functional import lazy
from django.utils.translation import gettext as _

from skillmap.core.errors import RuleViolation
from skillmap.core.tabular import messages

UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]+")


class TabularError(RuleViolation):
    """This file is not read; nothing was written.

    `str()` says what happened, what is kept and what to do, in the language of whoever reads it.

    Args:
        code: one of `messages.REFUSALS`.
        params: the values for the text, such as `row`, `line`, `cell`, `limit`.
    """

    cpu_seconds = 0.0  # what the reading process took, where it could say so
    memory_kb = 0.0

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(lazy(self._render, str)(), code=code, details=params)

    def _render(self) -> str:
        return _("%(what)s %(kept)s %(todo)s") % {"what": self.what, "kept": self.kept, "todo": self.todo}

    @property
    def what(self) -> str:
        """What happened."""
        return messages.fill(messages.REFUSALS[self.code][0], self.details)

    @property
    def kept(self) -> str:
        """What is kept."""
        return str(messages.KEPT)

    @property
    def todo(self) -> str:
        """What to do."""
        return messages.fill(messages.REFUSALS[self.code][1], self.details)

    @property
    def row(self) -> int | None:
        """The row as the spreadsheet program counts it, where one is to blame."""
        row = self.details.get("row")
        return row if isinstance(row, int) else None


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One cell or row that cannot be taken, and how to mend it.

    Kept as plain values (`to_json`), so that a stored report reads in any language. `value` is masked where it could be
    personal. `custom` is the reason and the fix where the caller found the problem; else `code` names the text.
    """

    row: int
    column: str  # the header as in the file; empty for the whole row
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    value: str = ""
    key: str = ""
    position: int = -1  # of the column in the file, for the order
    custom: tuple[str, str] | None = None

    @property
    def reason(self) -> str:
        """What is wrong."""
        return self.custom[0] if self.custom else messages.fill(messages.PROBLEMS[self.code][0], self.params)

    @property
    def fix(self) -> str:
        """How to mend it."""
        return self.custom[1] if self.custom else messages.fill(messages.PROBLEMS[self.code][1], self.params)

    def to_json(self) -> dict[str, Any]:
        """Plain values to store."""
        return {name: getattr(self, name) for name in self.__slots__} | {"params": dict(self.params)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The problem that `to_json` stored."""
        custom = stored.get("custom")
        return cls(**{**stored, "custom": (custom[0], custom[1]) if custom else None})


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know about a file that can be read; `code` is one of `messages.NOTICES`."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return messages.fill(messages.NOTICES[self.code], self.params)

    def to_json(self) -> dict[str, Any]:
        """Plain values to store."""
        return {"code": self.code, "params": dict(self.params)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The notice that `to_json` stored."""
        return cls(code=stored["code"], params=stored["params"])


def shown(text: object, longest: int = 40) -> str:
    """Foreign text for a message: in one line, without invisible characters, cut where it is long."""
    clean = UNSHOWABLE.sub(" ", str(text)[: 4 * longest]).strip()
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def masked(text: object) -> str:
    """Enough of a personal value to recognise it in one's own file, and no more.

    「山田太郎」 becomes 「山***」, "taro@example.jp" becomes "t***@example.jp".
    """
    clean = shown(text, 200)
    if not clean:
        return ""
    name, at, domain = clean.partition("@")
    return f"{name[:1]}***{at}{shown(domain)}"
