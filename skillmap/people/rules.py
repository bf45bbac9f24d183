"""People and organisations in plain Python: dated intervals, the tree, who follows whom, how names are searched."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

FIRST_DAY, LAST_DAY = date(1900, 4, 1), date(2100, 3, 31)  # beyond is a slip of the pen

# Forms of the same character in names: whoever types the common one finds the other too.
VARIANTS = str.maketrans(
    {
        "髙": "高", "﨑": "崎", "嵜": "崎", "𠮷": "吉", "邉": "辺", "邊": "辺", "濵": "浜", "濱": "浜", "齋": "斎",
        "齊": "斉", "澤": "沢", "桒": "桑", "德": "徳", "栁": "柳", "國": "国", "廣": "広", "惠": "恵", "眞": "真",
        "瀨": "瀬",
    }
)  # fmt: skip
# Ideographic variation selectors say how a character is drawn, not which one it is.
SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
SPACES = re.compile(r"[\s\u200b-\u200d\ufeff]+")


def fold(text: str) -> str:
    """Bring a name, or what somebody types to find one, into one form.

    Width, case, spaces, カタカナ and ひらがな, loose voicing marks and variant characters make no difference.
    """
    if text.isascii():  # a number
        return SPACES.sub("", text).lower()
    folded = unicodedata.normalize("NFKC", SELECTORS.sub("", text)).lower()
    hiragana = "".join(chr(ord(char) - 0x60) if "ァ" <= char <= "ヶ" else char for char in SPACES.sub("", folded))
    return unicodedata.normalize("NFC", hiragana).translate(VARIANTS)


def search_key(name: str, kana: str, number: str) -> str:
    """What a search by `contains` looks into: folded name, kana and number, kept apart by a character nobody types."""
    return f"{fold(name)}\n{fold(kana)}\n{fold(number)}"


def bare_number(number: str) -> str:
    """A staff number without what gets lost: leading zeros, and the case of letters."""
    return number.lstrip("0").lower()


def number_forms(number: str, lengths: Collection[int]) -> set[str]:
    """How else somebody may have written a staff number: with its leading zeros lost or added, in another case.

    A spreadsheet takes 00000123 for a number and keeps 123.

    Args:
        lengths: those that numbers on record have.
    """
    bare = number.lstrip("0")
    texts = {bare.zfill(length) for length in lengths if length >= len(bare)}
    texts |= {number} if len(number) in lengths else set()
    return {form for text in texts for form in (text, text.upper(), text.lower())} - {number, ""}


# ------------------------------------------------------------------------------------------------------- intervals


@dataclass(frozen=True)
class Interval:
    """From a day until the day before another; None: without end."""

    valid_from: date
    valid_to: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def overlaps(self, other: "Interval") -> bool:
        """Whether there is a day on which both hold."""
        return (other.valid_to is None or self.valid_from < other.valid_to) and (
            self.valid_to is None or other.valid_from < self.valid_to
        )


def left_over(wanted: Interval, held: Iterable[Interval]) -> list[Interval]:
    """The parts of an interval that none of the others covers, in order."""
    start: date | None = wanted.valid_from
    found = []
    for other in sorted(held, key=lambda one: one.valid_from):
        if start is None or not Interval(start, wanted.valid_to).overlaps(other):
            continue
        if start < other.valid_from:
            found.append(Interval(start, other.valid_from))
        start = other.valid_to
    if start is not None and (wanted.valid_to is None or start < wanted.valid_to):
        found.append(Interval(start, wanted.valid_to))
    return found


def is_there(day: date, today: date, existence: Interval) -> bool:
    """Whether somebody may be posted to a unit from a day on: it is there then, or has begun by today.

    Postings are older than the record of the tree, so that a day before its beginning is no obstacle.
    """
    if existence.valid_to is not None and existence.valid_to <= day:
        return False
    return existence.valid_from <= max(day, today)


def status_on(day: date, *, joins_on: date, left_on: date | None, leaves: Iterable[Interval]) -> str:
    """`joining`, `active`, `on_leave` or `left`. `left_on` is the first day out of service."""
    if left_on is not None and left_on <= day:
        return "left"
    if day < joins_on:
        return "joining"
    return "on_leave" if any(leave.holds_on(day) for leave in leaves) else "active"


# ------------------------------------------------------------------------------------------------------------ tree


def path_of(parent_path: str, pk: int) -> str:
    """The path of a unit below a parent (empty for none): `/1/5/`."""
    return f"{parent_path or '/'}{pk}/"


def is_below(path: str, ancestor_path: str) -> bool:
    """Whether a unit is another one or stands below it."""
    return path.startswith(ancestor_path)


@dataclass(frozen=True)
class Node:
    """One unit of the tree on some day."""

    pk: int
    code: str
    name: str
    short_name: str
    name_en: str
    kind: str
    parent_id: int | None
    bureau_group_id: int | None
    sort_order: int
    path: str = ""
    depth: int = 0

    @property
    def label(self) -> str:
        """The short name where there is one."""
        return self.short_name or self.name


def arrange(nodes: Iterable[Node]) -> list[Node]:
    """Put units into the order of their tree, each with path and depth; one whose parent is not there stands on top.

    Siblings stand by sort order, then code.
    """
    by_pk = {node.pk: node for node in nodes}
    children: dict[int | None, list[Node]] = defaultdict(list)
    for node in by_pk.values():
        children[node.parent_id if node.parent_id in by_pk else None].append(node)
    arranged: list[Node] = []

    def add(parent: int | None, path: str, depth: int) -> None:
        for node in sorted(children[parent], key=lambda node: (node.sort_order, node.code)):
            here = path_of(path, node.pk)
            arranged.append(Node(**{**node.__dict__, "path": here, "depth": depth}))
            add(node.pk, here, depth + 1)

    add(None, "", 0)
    return arranged


@dataclass(frozen=True)
class Succession:
    """By a change on a day, one unit follows another."""

    effective_on: date
    change_id: int
    predecessor_id: int
    successor_id: int


def follow(units: Iterable[int], successions: Iterable[Succession]) -> dict[int, tuple[int, ...]]:
    """Follow units through changes, oldest first: each with the units that stand for it in the end, in id order.

    A unit in no change stands for itself; one that a change splits and keeps names itself as a successor.
    """
    by_change: dict[tuple[date, int], dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for step in successions:
        by_change[step.effective_on, step.change_id][step.predecessor_id].add(step.successor_id)
    reached = {pk: {pk} for pk in units}
    for _when, mapping in sorted(by_change.items()):
        for pk, ends in reached.items():
            reached[pk] = set().union(*(mapping.get(end, {end}) for end in ends)) if ends else ends
    return {pk: tuple(sorted(ends)) for pk, ends in reached.items()}


def inherited_paths(own: Iterable[str], ends: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Paths of units elsewhere that are over and were followed, by however many changes, by one at or below `own`.

    Args:
        ends: path of a unit that is over, and of one that followed it.
    """
    held = reached = tuple(own)
    waiting, found = list(ends), dict[str, None]()
    while more := tuple(old for old, new in waiting if new.startswith(reached)):
        waiting = [(old, new) for old, new in waiting if not new.startswith(reached)]
        found |= dict.fromkeys(path for path in more if not path.startswith(held))
        reached = more
    return tuple(found)


def turned(mapping: Mapping[int, Sequence[int]]) -> dict[int, tuple[int, ...]]:
    """The same mapping seen from the other side."""
    found: dict[int, set[int]] = defaultdict(set)
    for old, news in mapping.items():
        for new in news:
            found[new].add(old)
    return {new: tuple(sorted(olds)) for new, olds in found.items()}
