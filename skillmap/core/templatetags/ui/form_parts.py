"""Parts of forms: fields, radio cards of levels, what has to be mended."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.forms import BaseForm, BoundField, CheckboxInput
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from skillmap.core.templatetags.ui.library import library

CHECKED, NOTHING = mark_safe(" checked"), mark_safe("")
#: Rows of cards that are kept: an item's by what is chosen, what was last, language; a few kilobytes each.
MOST_CARDS = 2048
CARD = (
    '<label class="level-card"><input type="radio" name="{}" value="{}" id="{}_{}"{}><span>'
    '<span class="level-card__name">Lv.{} {}</span><span class="level-card__definition">{}</span></span>{}</label>'
)


def level_cards(
    name: str,
    levels: tuple[tuple[int, str, str], ...],
    chosen: int | None = None,
    last: int | None = None,
    *,
    disabled: bool = False,
    form: str = "",
) -> SafeString:
    """Draw the radio cards of one item; each level has its number, name and definition. None is chosen for the person.

    ``last`` marks the last confirmed level; ``form`` is the id of the form that the radios belong to, where they don't
    stand inside it. Written out here and kept: a page has a hundred cards, and the same few hundred are on everybody's.
    """
    return _cards(name, levels, chosen, last, disabled, form, _("Last confirmed"))


@lru_cache(maxsize=MOST_CARDS)
def _cards(
    name: str,
    levels: tuple[tuple[int, str, str], ...],
    chosen: int | None,
    last: int | None,
    disabled: bool,
    form: str,
    last_words: str,
) -> SafeString:
    ending = format_html(' form="{}"', form) if form else NOTHING
    if disabled:
        ending = mark_safe(" disabled") + ending
    before = format_html('<span class="level-card__last">{}</span>', last_words)
    cards = [
        format_html(
            CARD,
            *(name, level, name, level),
            CHECKED + ending if level == chosen else ending,
            *(level, title, definition),
            before if level == last else NOTHING,
        )
        for level, title, definition in levels
    ]
    return format_html('<div class="level-cards">{}</div>', mark_safe("".join(cards)))  # noqa: S308  each is escaped


@library.inclusion_tag("components/field.html")
def field(
    bound: BoundField, hint: str = "", optional: bool = False, mark: bool = True, label: str = ""
) -> dict[str, Any]:
    """Show one form field: label or legend, hint, error and control, tied together for screen readers.

    The ids are those that Django names in ``aria-describedby``. ``optional`` marks a field that may stay empty;
    without ``mark`` nothing is said about that (filters).
    """
    if hint:
        bound.help_text = hint  # so that Django names it in aria-describedby
    return {
        "field": bound,
        "label": label or bound.label,
        "hint": bound.help_text,
        "single": isinstance(bound.field.widget, CheckboxInput),
        "required": mark and bound.field.required,
        "optional": optional and not bound.field.required,
    }


@library.inclusion_tag("components/fields.html")
def fields(form: BaseForm, placeholders: bool = True) -> dict[str, Any]:
    """Show all fields of a form, hidden ones too, in their order; placeholders that only repeat the label can go."""
    if not placeholders:
        for bound in form:
            bound.field.widget.attrs.pop("placeholder", None)
    return {"form": form}


@library.inclusion_tag("components/error_summary.html")
def error_summary(*forms: BaseForm | str | None) -> dict[str, Any]:
    """List what has to be mended in bound forms, each linked to its field; nothing when all is well."""
    errors: list[dict[str, str]] = []
    for form in forms:
        if not isinstance(form, BaseForm):  # allauth passes an empty word where there is no form
            continue
        errors += [{"text": str(text), "href": ""} for text in form.non_field_errors()]
        for bound in form:
            href = _first_control(bound)
            errors += [{"label": str(bound.label), "text": str(text), "href": href} for text in bound.errors]
    return {"errors": errors}


def _first_control(bound: BoundField) -> str:
    """Return the id a link jumps to: of a group, its first radio or checkbox, since the group itself has none."""
    return f"{bound.auto_id}_0" if bound.use_fieldset else bound.id_for_label or bound.auto_id
