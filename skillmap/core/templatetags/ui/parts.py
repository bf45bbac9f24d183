"""Small parts: badges, figures, steps, lists, ways through the pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.core.paginator import Page
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from skillmap.core.stencils import fill, flag
from skillmap.core.templatetags.ui.library import library
from skillmap.core.templatetags.ui.words import level_label

# Colour says the mood only; the word says what it is. A state not named here is grey.
TONES = {
    "open": "info",
    "running": "info",
    "submitted": "info",
    "reviewed": "info",
    "corrected": "info",
    "proposed": "info",
    "pending": "warn",
    "queued": "mute",
    "overdue": "bad",
    "returned": "warn",
    "waiting": "warn",
    "question": "warn",
    "questioned": "warn",
    "answered": "good",
    "confirmed": "good",
    "received": "good",
    "published": "good",
    "adopted": "good",
    "active": "good",
    "done": "good",
    "succeeded": "good",
    "completed": "good",
    "failed": "bad",
    "dead": "bad",
    "refused": "bad",
    "error": "bad",
}


@library.simple_tag
def badge(label: str, tone: str = "mute", small: bool = False) -> SafeString:
    """Show a word with one of the tones info, good, warn, bad, mute, strong, outline."""
    return fill("components/badge.html", {"label": str(label), "tone": tone, "small": flag(small)})


@library.simple_tag
def status_badge(value: str, label: str = "") -> SafeString:
    """Show a coloured word for any state; an unknown one is grey rather than an error."""
    return badge(label or value, TONES.get(str(value), "mute"))


@library.simple_tag
def level_badge(level: int | None, short: bool = False) -> SafeString:
    """Show a level in the colour of its step; None as 未回答. ``short`` leaves the name to screen readers."""
    if level is None:
        return fill("components/level_badge.html", {"level": "none", "label": level_label(None)})
    texts = {"level": str(level), "label": level_label(level), "short": f"Lv.{level}" if short else ""}
    return fill("components/level_badge.html", texts)


@library.simple_tag
def provenance_badge(provenance: str) -> SafeString:
    """Mark a value that is our default and not the government's own; nothing for one that is printed or confirmed."""
    is_default = str(provenance) in {"inferred", "default"}
    return fill("components/provenance_badge.html", {"is_default": flag(is_default)})


@library.inclusion_tag("components/stat.html")
def stat(label: str, value: object, unit: str = "", note: str = "", url: str = "") -> dict[str, Any]:
    """Show one figure; to be put inside ``<div class="stats">``. Whole numbers get their thousands separated."""
    shown = number_format(value, use_l10n=True, force_grouping=True) if isinstance(value, int) else value
    return {"label": label, "value": shown, "unit": unit, "note": note, "url": url}


@library.inclusion_tag("components/stepper.html")
def stepper(steps: Iterable[object], label: str = "") -> dict[str, Any]:
    """Show the steps of a cycle; each has name, date and state (done, current, todo)."""
    return {"steps": list(steps), "label": label or gettext("Steps")}


@library.inclusion_tag("components/progress.html")
def progress(value: int | None, maximum: int, label: str, text: str = "") -> dict[str, Any]:
    """Show a progress bar with its words; value None means: running, not known how far."""
    return {"value": value, "maximum": maximum, "label": label, "text": text}


@library.inclusion_tag("components/history.html")
def history(entries: Iterable[object]) -> dict[str, Any]:
    """List what happened, newest first; each entry has when, who, text and maybe why."""
    return {"entries": list(entries)}


@library.inclusion_tag("components/empty.html")
def empty_state(title: str, text: str = "", url: str = "", action: str = "") -> dict[str, Any]:
    """Say what will be here and how to begin."""
    return {"title": title, "text": text, "url": url, "action": action}


@library.inclusion_tag("components/tabs.html")
def tabs(items: Iterable[object], label: str) -> dict[str, Any]:
    """Show pages of one matter as links; each has label, url, active and maybe count."""
    return {"items": list(items), "label": label}


@library.inclusion_tag("components/breadcrumbs.html")
def breadcrumbs(*pairs: str, above: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """Show the way to this page from home: label, url, label, url, …, label of this page.

    Args:
        above: label and url of pages that stand before them, for templates whose place in the tree the view knows.
    """
    way = [(gettext("Home"), "/"), *above, *zip(pairs[::2], [*pairs[1::2], ""], strict=False)]
    return {"steps": [{"label": label, "url": url} for label, url in way]}


@library.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: template.Context, page: Page[Any], target: str = "") -> dict[str, Any]:
    """Show the pages of a list, keeping the filters of the address; ``target`` is the id that htmx swaps."""
    return {
        "page": page,
        "target": target,
        "request": context.get("request"),
        "numbers": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "gap": page.paginator.ELLIPSIS,
    }
