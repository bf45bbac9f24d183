"""Parts of forms: fields, radio cards of levels, what has to be mended."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.forms import BaseForm, BoundField, CheckboxInput
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from skillmap.core.templatetags.ui.library import library

CHECKED, NOTHING = mark_safe(" checked"), mark_safe("")
#: What cards can be made of: items, levels, marks and languages of the frameworks in use, once each.
MOST_CARDS = 4096
CARD = (
    '<label class="level-card"><input type="radio" name="{}" value="{}" id="{}_{}"{}><span>'
    '<span class="level-card__name">Lv.{} {}</span><span class="level-card__definition">{}</span></span>{}</label>'
)


@library.simple_tag
def level_cards(
    name: str,
    levels: Iterable[Any],
    chosen: int | None = None,
    last: int | None = None,
    disabled: bool = False,
    form: str = "",
) -> SafeString:
    """Draw the radio cards of one item; each level has level, name and definition. None is chosen for the person.

    ``last`` marks the last confirmed level; ``form`` is the id of the form that the radios belong to, where they don't
    stand inside it. Written out here: a page has a hundred cards, and as a template they were a third of its time.
    """
    ending = format_html(' form="{}"', form) if form else NOTHING
    if disabled:
        ending = mark_safe(" disabled") + ending
    before = format_html('<span class="level-card__last">{}</span>', _("Last confirmed"))
    cards = [
        _card(
            name,
            row.level,
            row.name,
            row.definition,
            CHECKED + ending if row.level == chosen else ending,
            before if row.level == last else NOTHING,
        )
        for row in levels
    ]
    return format_html('<div class="level-cards">{}</div>', mark_safe("".join(cards)))  # noqa: S308  each is escaped


@lru_cache(maxsize=MOST_CARDS, typed=True)  # by type, since words that are safe already equal those that are not
def _card(name: str, level: int, title: str, definition: str, ending: SafeString, mark: SafeString) -> SafeString:
    """One card. The same few hundred are on everybody's page."""
    return format_html(CARD, name, level, name, level, ending, level, title, definition, mark)


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
