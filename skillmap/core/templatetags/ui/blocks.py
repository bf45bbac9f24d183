"""Tags that wrap a part of a page."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from skillmap.core.templatetags.ui.library import library

NOTICE_ICONS = {"info": "info", "quiet": "info", "good": "good", "warn": "warn", "bad": "error"}


def _render(name: str, **context: object) -> SafeString:
    return render_to_string(f"components/{name}.html", context)


@library.simple_block_tag
def notice(content: str, tone: str = "info", title: str = "") -> SafeString:
    """Wrap words that must be seen: tone info, good, warn, bad, quiet."""
    return _render("notice", content=content, tone=tone, title=title, icon_name=NOTICE_ICONS[tone])


@library.simple_block_tag
def table_region(content: str, label: str) -> SafeString:
    """Wrap a table that may be wider than the page: scrolls by touch and keyboard, with a name."""
    return _render("table_region", content=content, label=label)


@library.simple_block_tag
def zone(content: str, title: str, who: str = "", private: bool = False, heading: int = 3) -> SafeString:
    """Wrap what a circle of people may read; ``who`` says who. The private zone looks different and has a lock."""
    return _render("zone", content=content, title=title, who=who, private=private, tag=f"h{int(heading)}")


@library.simple_block_tag
def dialog(content: str, dialog_id: str, title: str) -> SafeString:
    """Wrap a question before a step; opened by a link with ``data-dialog-open``, which leads to a page without JS."""
    return _render("dialog", content=content, id=dialog_id, title=title)
