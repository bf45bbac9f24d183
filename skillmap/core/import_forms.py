"""The form of an upload; an app adds its options."""

from typing import Any

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from skillmap.core.tabular.limits import DEFAULT, MEGABYTE


def _file_hint() -> str:
    text = gettext("An Excel workbook (.xlsx) or a CSV file, at most %(size)s MB and %(rows)s rows.")
    return text % {"size": DEFAULT.file_bytes // MEGABYTE, "rows": f"{DEFAULT.rows:,}"}


class UploadForm(forms.Form):
    """A file, and whatever options a subclass names."""

    file = forms.FileField(
        label=_("File"),
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv,.tsv"}),
        help_text=lazy(_file_hint, str)(),  # in the language of whoever reads it
    )

    def options(self) -> dict[str, Any]:
        """The options that were chosen, as plain values and dates."""
        return {name: value for name, value in self.cleaned_data.items() if name != "file"}
