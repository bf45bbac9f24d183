"""A form field for what stands on one line: names, codes, short reasons."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# What breaks a line somewhere: in a table of a file, in the subject of a mail, in a log.
BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
#: Characters of an e-mail address (RFC 5321), and of the columns that hold one.
LONGEST_ADDRESS = 254
# Control characters, halves of others, characters of one's own (gaiji), and what is no character at all.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U000f0000-\U0010ffff]")


def can_be_shown(text: str) -> None:
    """Refuse what nobody can see and some database, file or mail cannot hold.

    Django's own check of an e-mail address lets a form feed through between quotes, which begins a new line in the
    header of a mail.
    """
    if CONTROL.search(text):
        raise ValidationError(
            _("There is a character in it that cannot be shown. Please type it anew."), code="control"
        )


class LineField(forms.CharField):
    """One line of text: a break in it (a pasted name) becomes a blank, any other control character is refused."""

    def to_python(self, value: Any) -> Any:
        """The text on one line."""
        return super().to_python(BREAKS.sub(" ", value) if isinstance(value, str) else value)

    def validate(self, value: Any) -> None:
        """Refuse what cannot be shown."""
        super().validate(value)
        if isinstance(value, str):
            can_be_shown(value)
