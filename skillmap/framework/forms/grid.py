"""The grid of required levels as it is sent: whole, or one cell by itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django import forms
from django.http import QueryDict

from skillmap.framework import rules
from skillmap.framework.services import CellEdit

LEVEL_NAME = re.compile(r"level-([0-9]{1,18})")
SHOWN = re.compile(r"([0-3])@([0-9]{1,9})")
LEVEL = re.compile(r"[0-3]")
FULL_WIDTH = str.maketrans("０１２３", "0123")


@dataclass(frozen=True)
class Grid:
    """The grid as it was sent: readable cells, ids of cells with an unreadable level, and what was to be confirmed.

    `entered` is what the person wrote into the cells that they changed, by id, so that the page can show it again; the
    others show what is stored, lest a second press undo somebody else's change.
    """

    edits: tuple[CellEdit, ...]
    unreadable: frozenset[int]
    entered: Mapping[int, str]
    confirm: str


def read_grid(data: QueryDict) -> Grid:
    """Read `level-<id>` (0 to 3) with `shown-<id>` (the level and version that the page showed, as `2@5`).

    Full-width digits count as digits. A cell without a readable `shown` was not on the page and is left out.
    """
    edits, entered = [], {}
    unreadable = set()
    for name in data:
        found = LEVEL_NAME.fullmatch(name)
        shown = SHOWN.fullmatch(data.get(f"shown-{found[1]}", "")) if found else None
        if not found or not shown:
            continue
        pk, value = int(found[1]), data.get(name, "").strip().translate(FULL_WIDTH)
        if LEVEL.fullmatch(value):
            edits.append(CellEdit(pk, int(shown[1]), int(shown[2]), int(value)))
        else:
            unreadable.add(pk)
        if value != shown[1]:
            entered[pk] = value[:10]
    return Grid(tuple(edits), frozenset(unreadable), entered, data.get("confirm", ""))


class CellForm(forms.Form):
    """One cell, sent by itself; without a level it is confirmed as it is."""

    level = forms.TypedChoiceField(
        choices=[(level, level) for level in rules.LEVELS], coerce=int, required=False, empty_value=None
    )
    version = forms.IntegerField(min_value=1, max_value=10**9)
