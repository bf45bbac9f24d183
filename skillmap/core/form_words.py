"""What forms say of an entry that can't be taken; Django's own sentences read like a machine's."""

from django import forms
from django.core import validators
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

REQUIRED = _("Please fill this in.")
NOT_OFFERED = _("Please choose one of those that are offered.")
AT_MOST = _("%(limit_value)s or less, please.")
AT_LEAST = _("%(limit_value)s or more, please.")
TOO_LONG = ngettext_lazy(
    "At most %(limit_value)d character; this has %(show_value)d. Please shorten it.",
    "At most %(limit_value)d characters; this has %(show_value)d. Please shorten it.",
    "limit_value",
)


def say_it_in_our_words() -> None:
    """Give every form these sentences; called once, when the process starts."""
    validators.MaxLengthValidator.message = TOO_LONG
    validators.MaxValueValidator.message = AT_MOST
    validators.MinValueValidator.message = AT_LEAST
    forms.Field.default_error_messages["required"] = REQUIRED
    for field in (forms.ChoiceField, forms.MultipleChoiceField, forms.ModelChoiceField, forms.ModelMultipleChoiceField):
        field.default_error_messages["invalid_choice"] = NOT_OFFERED
