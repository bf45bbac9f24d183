"""The forms of a page, as a browser would send them: as they stand, blanks filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import count
from urllib.parse import urlencode, urljoin

from skillmap.core import clock

Attributes = Mapping[str, str | None]
TEXT = "書いたこと"


@dataclass
class Form:
    """Where a form goes and what it holds; `buttons` are the named ones that send it."""

    action: str
    method: str
    multipart: bool
    values: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    controls: set[str] = field(default_factory=set)

    def bodies(self) -> Iterator[list[tuple[str, str]]]:
        """What is sent, once per button."""
        if not self.buttons:
            yield self.values
        for button in self.buttons:
            yield [*self.values, button]


class Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self, url: str, text: str) -> None:
        super().__init__()
        self.url, self.text = url, text
        self.found: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.inside: Form | None = None
        self.choosing: tuple[Form, str, list[tuple[str, bool]]] | None = None
        self.writing: tuple[Form, str, list[str]] | None = None
        self.radios: set[tuple[int, str]] = set()
        self.minutes = count()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A form, or one of its controls."""
        given: dict[str, str | None] = dict(attrs)
        if tag == "form":
            self._open(given)
        elif tag == "option" and self.choosing:
            self.choosing[2].append((given.get("value") or "", "selected" in given))
        form = self.by_id.get(given.get("form") or "") or self.inside
        name = given.get("name") or ""
        if form is None or not name or "disabled" in given:
            return
        if tag in ("input", "select", "textarea", "button"):
            form.controls.add(name)
        if tag == "input":
            self._input(form, name, given)
        elif tag == "button" and given.get("type", "submit") == "submit":
            form.buttons.append((name, given.get("value") or ""))
        elif tag == "select":
            self.choosing = (form, name, [])
        elif tag == "textarea":
            self.writing = (form, name, [])

    def _open(self, given: Attributes) -> None:
        multipart = given.get("enctype") == "multipart/form-data"
        method = (given.get("method") or "get").upper()
        self.inside = Form(urljoin(self.url, given.get("action") or ""), method, multipart)
        self.found.append(self.inside)
        if given.get("id"):
            self.by_id[str(given["id"])] = self.inside

    def _input(self, form: Form, name: str, given: Attributes) -> None:
        kind, value = given.get("type") or "text", given.get("value")
        if kind in ("submit", "image"):
            form.buttons.append((name, value or ""))
        elif kind == "radio":
            self._radio(form, name, value or "on", chosen="checked" in given)
        elif kind == "checkbox":
            form.values.append((name, value or "on"))
        elif kind not in ("file", "button", "reset"):
            form.values.append((name, value or self._blank(kind, given)))

    def _radio(self, form: Form, name: str, value: str, *, chosen: bool) -> None:
        before = (id(form), name) in self.radios
        if before and not chosen:
            return
        self.radios.add((id(form), name))
        form.values = [pair for pair in form.values if pair[0] != name] + [(name, value)]

    def _blank(self, kind: str, given: Attributes) -> str:
        if kind == "hidden":
            return ""
        ready = {
            "date": clock.today().isoformat(),
            "time": f"23:{59 - next(self.minutes) % 60:02}",  # still to come, and each another one
            "number": given.get("min") or "1",
            "email": "x@example.test",
        }
        return ready.get(kind) or self.text[: int(given.get("maxlength") or 1000)]

    def handle_data(self, data: str) -> None:
        """The text of an area."""
        if self.writing:
            self.writing[2].append(data)

    def handle_endtag(self, tag: str) -> None:
        """What was chosen, what was written."""
        if tag == "form":
            self.inside = None
        elif tag == "select" and self.choosing:
            form, name, options = self.choosing
            chosen = [value for value, selected in options if selected and value] or [v for v, _ in options if v][:1]
            form.values += [(name, value) for value in chosen]
            self.choosing = None
        elif tag == "textarea" and self.writing:
            form, name, parts = self.writing
            form.values.append((name, "".join(parts).strip() or self.text))
            self.writing = None


def forms_of(url: str, page: str, *, text: str = TEXT) -> list[Form]:
    """The forms of a page; `text` goes into what is empty."""
    parser = Forms(url, text)
    parser.feed(page)
    return parser.found


def encoded(values: Iterable[tuple[str, str]]) -> str:
    """A body as browsers send it."""
    return urlencode(list(values))


FORM = "application/x-www-form-urlencoded"
