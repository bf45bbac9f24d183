"""Drawn icons."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from skillmap.core.templatetags.ui.library import library

# Strokes on a 24 x 24 ground, drawn for this product.
ICONS = {
    "bell": "M6 16v-5a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
    "calendar": "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
    "check": "m5 12 5 5 9-10",
    "chevron-down": "m6 9 6 6 6-6",
    "copy": "M9 9h11v11H9zM15 9V4H4v11h5",
    "download": "M12 4v11m-5-5 5 5 5-5M5 20h14",
    "error": "M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 8v5M12 16.5v.01",
    "good": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm-4 9 3 3 5-6",
    "info": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v6M12 7.5v.01",
    "key": "M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM11 12l9-9M16 7l3 3",
    "link": "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
    "lock": "M5 11h14v10H5zM8 11V7a4 4 0 0 1 8 0v4",
    "menu": "M4 7h16M4 12h16M4 17h16",
    "print": "M7 9V3h10v6M7 17H4V9h16v8h-3M7 14h10v7H7z",
    "search": "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zm5 12 5 5",
    "star": "m12 3 2.8 5.8 6.2.9-4.500 4.400 1 6.200L12 17.400 6.500 20.300l1-6.200L3 9.700l6.200-.9z",
    "users": "M9 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM2 21a7 7 0 0 1 14 0M16 4.500a4 4 0 0 1 0 7M22 21a7 7 0 0 0-4-6.300",
    "warn": "M12 3 2 20h20zM12 10v4M12 17v.01",
}


@library.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """Draw one of ICONS, hidden from screen readers: the word beside it says the same. KeyError for an unknown name."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{}"/></svg>',
        css,
        ICONS[name],
    )
