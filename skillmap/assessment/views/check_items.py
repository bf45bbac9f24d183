"""What stands on the page of a check many times, as it is drawn there: items, categories, evidence, job types."""

from collections.abc import Mapping

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.safestring import SafeString

from skillmap.assessment.models import Evidence
from skillmap.assessment.selectors.checks import CategoryRows, CheckPage, ItemRow
from skillmap.assessment.views.common import ANY_CODE, facts_of
from skillmap.core.stencils import fill_each, flag
from skillmap.core.templatetags.ui.form_parts import level_cards
from skillmap.core.templatetags.ui.words import level_label

FORM = "check-form"


def fill_in_addresses(page: CheckPage) -> None:
    """Each item's own addresses, from one that Django makes: made one by one they would take longer than its texts."""
    pattern = [page.assessment.pk, ANY_CODE]
    save, evidence = reverse("assessment:check_item", args=pattern), reverse("assessment:evidence", args=pattern)
    for row in page.rows:
        row.save_url = save.replace(ANY_CODE, row.skill.code)
        row.evidence_url = evidence.replace(ANY_CODE, row.skill.code)


def drawn_lines(page: CheckPage) -> SafeString:
    """The categories with how much of them is answered."""
    return fill_each("assessment/_category_line.html", map(_line, page.categories))


def _line(part: CategoryRows) -> dict[str, str]:
    answered, items = part.answered, len(part.rows)
    return {
        "code": part.category.code,
        "label": part.category.label,
        "complete": flag(answered == items),
        "answered": str(answered),
        "of": str(items),
    }


def drawn_job_types(page: CheckPage) -> SafeString:
    """The job types to compare with."""
    chosen = page.assessment.target_job_type_id
    rows = (
        {
            "pk": str(row.pk),
            "label": row.label,
            "is_default": flag(row.is_default),
            "chosen": flag(row.pk == chosen),
        }
        for row in page.catalogue.job_types
    )
    return fill_each("assessment/_job_type_option.html", rows)


def drawn_categories(request: HttpRequest, page: CheckPage, shown: str) -> SafeString:
    """All items by category; those that the reader does not want to see now are hidden."""
    token = get_token(request)
    rows = (
        {
            "code": part.category.code,
            "label": part.category.label,
            "rows": fill_each("assessment/_item.html", (_item(token, page, part, row, shown) for row in part.rows)),
        }
        for part in page.categories
    )
    return fill_each("assessment/_category.html", rows)


def _item(token: str, page: CheckPage, part: CategoryRows, row: ItemRow, shown: str) -> dict[str, str]:
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
        "hidden": flag((shown == "open" and row.level is not None) or (shown == "changed" and not row.is_changed)),
        "can_edit": flag(can_edit),
        "wish": flag(row.rating.wish),
        "cards": level_cards(
            row.field, row.levels, row.level, row.last_level, disabled=not can_edit, form=FORM if can_edit else ""
        ),
        "evidence": drawn_evidence(token, page, row) if row.evidence else "",
    }
    return {**texts, **_mentors_view(page, row)}


def _mentors_view(page: CheckPage, row: ItemRow) -> Mapping[str, str]:
    """What the mentor saw, once the first 1on1 is held."""
    if not page.situation.first_held or row.rating.mentor_level is None:
        return {}
    return {
        "mentor_level": str(row.rating.mentor_level),
        "mentor_reason": row.rating.mentor_reason,
        "mentor_differs": flag(row.mentor_differs),
    }


def drawn_evidence(token: str, page: CheckPage, row: ItemRow) -> SafeString:
    """The evidence of an item, a line for each piece; `token` is the page's against foreign requests."""
    return fill_each("assessment/_evidence_piece.html", (_piece(token, page, row, piece) for piece in row.evidence))


def _piece(token: str, page: CheckPage, row: ItemRow, piece: Evidence) -> dict[str, str]:
    certification = piece.certification.label if piece.certification else ""
    facts = (facts_of(piece), certification if piece.work else "")
    texts = {
        "work": piece.work or certification,
        "facts": " · ".join(fact for fact in facts if fact),
        "shown": piece.shown,
        "code": row.skill.code,
    }
    if not page.can_edit:
        return texts
    at = [page.assessment.pk, row.skill.code, piece.pk]
    addresses = {
        "change_url": reverse("assessment:evidence_change", args=at),
        "remove_url": reverse("assessment:evidence_remove", args=at),
    }
    return {**texts, **addresses, "csrf_token": token}


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
