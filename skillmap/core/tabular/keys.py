"""The form in which headers and choices are compared."""

import re
import unicodedata

# Zero-width space, word joiner, byte order mark, soft hyphen, directional marks: pasted along, never meant.
_POINTS = [0x200B, 0x2060, 0xFEFF, 0x00AD, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
INVISIBLE = dict.fromkeys(_POINTS)

_REQUIRED_MARK = re.compile(r"\((?:必須|任意|required|optional)\)|[*※]")
_JOINT = re.compile(r"[\s_\-]+")


def match_key(text: str) -> str:
    """The text without what people vary: width, case, spaces and joints.

    「ＩＣＴ　職」 and 「ict職」 fall together, "Staff_Number" and "staff number" too.
    """
    folded = unicodedata.normalize("NFKC", text.translate(INVISIBLE)).casefold()
    return _JOINT.sub("", folded) or folded.strip()


def header_key(text: str) -> str:
    """`match_key` of a header, without marks such as 「（必須）」 or 「※」."""
    folded = unicodedata.normalize("NFKC", text.translate(INVISIBLE)).casefold()
    return match_key(_REQUIRED_MARK.sub("", folded) or folded)
