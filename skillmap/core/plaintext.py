"""Free text as it comes from a browser: line breaks made one kind, what no database stores left out."""

import re

from django.utils.translation import gettext as _

from skillmap.core.errors import RuleViolation

# Control characters but tab and line feed, and halves of surrogate pairs.
UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def plain(text: str, *, longest: int) -> str:
    """The text to store: CRLF as LF, no control characters, no blanks around it.

    Raises:
        RuleViolation: `too_long`, with how long it is.
    """
    found = UNSTORABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(found) > longest:
        words = _("The text has %(length)d characters; at most %(longest)d can be stored. Please shorten it.")
        raise RuleViolation(words % {"length": len(found), "longest": longest}, code="too_long")
    return found
