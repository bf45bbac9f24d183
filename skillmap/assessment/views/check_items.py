"""The items of a check as they are drawn on its page."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from skillmap.assessment.selectors.checks import CategoryRows, CheckPage, ItemRow
from skillmap.core.stencils import fill
from skillmap.core.templatetags.ui.form_parts import level_cards
from skillmap.core.templatetags.ui.words import level_label

#: Stands for an item's code in an address.
ANY_CODE = "any-code"
FORM = "check-form"


@dataclass(frozen=True)
class Group:
    """The items of one category, drawn."""

    part: CategoryRows
    items: SafeString


def fill_in_addresses(page: CheckPage) -> None:
    """Each item's own addresses, from one that Django makes: made one by one they would take longer than its texts."""
    pattern = [page.assessment.pk, ANY_CODE]
    save, evidence = reverse("assessment:check_item", args=pattern), reverse("assessment:evidence", args=pattern)
    for row in page.rows:
        row.save_url = save.replace(ANY_CODE, row.skill.code)
        row.evidence_url = evidence.replace(ANY_CODE, row.skill.code)


def drawn_groups(request: HttpRequest, page: CheckPage, shown: str) -> list[Group]:
    """All items by category; those that the reader does not want to see now are hidden."""
    return [
        Group(part, mark_safe("".join(_item(request, page, part, row, shown) for row in part.rows)))  # noqa: S308  drawn
        for part in page.categories
    ]


def _item(request: HttpRequest, page: CheckPage, part: CategoryRows, row: ItemRow, shown: str) -> SafeString:
    can_edit = page.can_edit
    texts: dict[str, str] = {
        "code": row.skill.code,
        "number": str(row.skill.number),
        "label": row.skill.label,
        "text": row.skill.text or part.category.label,
        "version": str(row.version),
        "level": _text(row.level),
        "last": _text(row.last_level),
        "target": _text(row.target or None),
        "lack": _text(row.lack or None),
        "save_url": row.save_url,
        "evidence_url": row.evidence_url,
        "stored": level_label(row.conflict["level"]) if row.conflict else "",
        "hidden": _flag((shown == "open" and row.level is not None) or (shown == "changed" and not row.is_changed)),
        "can_edit": _flag(can_edit),
        "wish": _flag(row.rating.wish),
        "cards": level_cards(
            row.field, row.choices, row.level, row.last_level, disabled=not can_edit, form=FORM if can_edit else ""
        ),
        "evidence": _evidence(request, page, row) if row.evidence else "",
    }
    return fill("assessment/_item.html", {**texts, **_mentors_view(page, row)})


def _mentors_view(page: CheckPage, row: ItemRow) -> Mapping[str, str]:
    """What the mentor saw, once the first 1on1 is held."""
    if not page.situation.first_held or row.rating.mentor_level is None:
        return {}
    return {
        "mentor_level": str(row.rating.mentor_level),
        "mentor_reason": row.rating.mentor_reason,
        "mentor_differs": _flag(row.mentor_differs),
    }


def _evidence(request: HttpRequest, page: CheckPage, row: ItemRow) -> SafeString:
    """Its list. Without the frame's context, which would be made anew for each item."""
    context = {"row": row, "page": page, "closed": True, "csrf_token": get_token(request)}
    return render_to_string("assessment/_evidence.html", context)


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _flag(value: bool) -> str:
    return "1" if value else ""
