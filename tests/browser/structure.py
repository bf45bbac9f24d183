"""What makes the markup of two pages the same: elements, their classes, types, roles and which attributes they have."""

from __future__ import annotations

from html.parser import HTMLParser

Structure = frozenset[tuple[str, ...]]


class _Structure(HTMLParser):
    """The kinds of elements of a page; texts, order and repetitions are left out."""

    def __init__(self, within: str) -> None:
        super().__init__()
        self.seen: set[tuple[str, ...]] = set()
        self.within, self.inside = within, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = self.inside or tag == self.within
        if self.inside:
            found = dict(attrs)
            kind = (found.get(name) or "" for name in ("class", "type", "role"))
            self.seen.add((tag, *kind, *sorted(found)))


def structure_of(html: str, *, within: str = "main") -> Structure:
    """The kinds of elements from the first `within` on."""
    parser = _Structure(within)
    parser.feed(html)
    return frozenset(parser.seen)
