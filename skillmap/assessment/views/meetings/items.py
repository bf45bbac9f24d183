"""The items of a 1on1 as they are drawn on the mentor's page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from skillmap.assessment.choices import State
from skillmap.assessment.models import Assessment, Evidence
from skillmap.assessment.selectors.talks import TalkItem
from skillmap.assessment.views.common import ANY_CODE, facts_of
from skillmap.core.stencils import fill_each, flag
from skillmap.core.templatetags.ui.parts import badge, level_badge
from skillmap.core.templatetags.ui.words import level_label
from skillmap.framework.models import SkillCategory, SkillLevel


@dataclass(frozen=True)
class Entry:
    """One item with what stands in its fields: the stored view, or what was sent and could not be saved."""

    item: TalkItem
    level: int | None
    reason: str
    version: int
    conflict: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Sheet:
    """What all items of a page have in common; `can_view` says whether the mentor may write a view of them."""

    check: Assessment
    levels: Sequence[SkillLevel]
    can_view: bool
    everything: bool

    def drawn(self, category: SkillCategory, entries: Sequence[Entry]) -> SafeString:
        """The items of one category. Where all items are shown, its name stands above them."""
        url = reverse("assessment:one_on_one_view", args=[self.check.pk, ANY_CODE]) if self.can_view else ""
        beside = "" if self.everything else category.label
        rows = ({**self._texts(entry, url), "category": beside} for entry in entries)
        return fill_each("assessment/one_on_one_item.html", rows)

    def _texts(self, entry: Entry, url: str) -> dict[str, str]:
        item, rating = entry.item, entry.item.rating
        texts = {
            "code": item.skill.code,
            "number": str(item.skill.number),
            "label": item.skill.label,
            "change": _change(item),
            "lack": str(item.lack or ""),
            "wish": flag(rating.wish),
            "own": level_badge(item.own),
            "corrected": _badge(item.corrected),
            "is_confirmed": flag(self.check.state in (State.CONFIRMED, State.RECEIVED)),
            "last": _badge(item.last),
            "target": level_badge(item.target) if item.target else "",
            "evidence": fill_each("assessment/_talk_piece.html", map(_piece, item.evidence)),
            "wants_evidence": flag(item.level),
            "note": rating.note,
            **_conflict(entry),
        }
        if not self.can_view:
            return {**texts, "view": _badge(rating.mentor_level), "reason": rating.mentor_reason}
        return {
            **texts,
            "save_url": url.replace(ANY_CODE, item.skill.code),
            "version": str(entry.version),
            "without_view": flag(entry.level is None),
            "pills": self._pills(entry),
            "reason": entry.reason,
        }

    def _pills(self, entry: Entry) -> SafeString:
        rows = (
            {
                "code": entry.item.skill.code,
                "level": str(level.level),
                "label": level.label,
                "title": level.title,
                "chosen": flag(level.level == entry.level),
            }
            for level in self.levels
        )
        return fill_each("assessment/_pill.html", rows)


def _badge(level: int | None) -> str:
    return "" if level is None else level_badge(level)


def _change(item: TalkItem) -> str:
    """How the person's level differs from the last one."""
    if item.change is None:
        return badge(_("No confirmed level yet"), "outline", small=True) if item.level is not None else ""
    if item.change == 0:
        return ""
    up = item.change > 0
    words = _("up since last time") if up else _("down since last time")
    return badge(f"{'↑' if up else '↓'} {words}", "info" if up else "warn", small=True)


def _conflict(entry: Entry) -> dict[str, str]:
    """What somebody else stored meanwhile."""
    if not entry.conflict:
        return {}
    level = entry.conflict["level"]
    return {
        "conflict": "1",
        "stored_level": "" if level is None else level_label(level),
        "stored_reason": entry.conflict["reason"],
    }


def _piece(piece: Evidence) -> dict[str, str]:
    return {
        "work": piece.work,
        "certification": piece.certification.label if piece.certification else "",
        "facts": facts_of(piece),
        "shown": piece.shown,
    }
