"""What makes the markup of two pages the same (classes, types, roles, which attributes), and whether one fits."""

from __future__ import annotations

from html.parser import HTMLParser

from playwright.sync_api import Page

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


def fits(page: Page) -> bool:
    """Whether a page need not be scrolled sideways, once it is laid out."""
    for _attempt in range(20):
        if page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"):
            return True
        page.wait_for_timeout(50)
    return False
