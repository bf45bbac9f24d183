"""The tree of a run's places, as far as a reader may see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import Http404

from skillmap.gaps.models import GapNode, GapRun
from skillmap.gaps.selectors.runs.visible import refuse_unless_visible
from skillmap.people.access import access_of
from skillmap.people.models import User

WHOLE = "whole"


@dataclass(frozen=True)
class Place:
    """A place of the run's tree: the whole, a bureau group, an organisation.

    `people` is None where even the size is hidden. `parent_key` is None for the whole, and for a place whose parent
    the reader does not see.
    """

    pk: int
    key: str
    label: str
    depth: int
    parent_key: str | None
    people: int | None
    has_children: bool
    organisation_id: int | None
    bureau_group_id: int | None

    @property
    def kind(self) -> str:
        """`whole`, `group` or `organisation`."""
        if self.organisation_id is not None:
            return "organisation"
        return "whole" if self.bureau_group_id is None else "group"


def tree(user: User, run: GapRun) -> list[Place]:
    """The places that the user may see, in the order of the tree, the whole first; one query.

    A coordinator's own organisations hang directly below the whole.

    Raises:
        Http404: the run is not for this reader.
    """
    refuse_unless_visible(user, run)
    nodes = list(GapNode.objects.filter(run=run).order_by("position"))
    keys = {node.pk: node.key for node in nodes}
    seen = _seen(user, nodes)
    with_children = {node.parent_id for node in nodes if node.pk in seen}
    places = []
    for node in nodes:
        if node.pk not in seen:
            continue
        parent = node.parent_id if node.parent_id in seen else None
        if parent is None and node.parent_id is not None:
            parent = nodes[0].pk
        places.append(
            Place(
                pk=node.pk,
                key=node.key,
                label=node.label,
                depth=node.depth,
                parent_key=keys[parent] if parent is not None else None,
                people=node.people,
                has_children=node.pk in with_children,
                organisation_id=node.organisation_id,
                bureau_group_id=node.bureau_group_id,
            )
        )
    return places


def _seen(user: User, nodes: Sequence[GapNode]) -> set[int]:
    """Which nodes the user may see; parents stand before their children."""
    access = access_of(user)
    if access.sees_all_aggregates:
        return {node.pk for node in nodes}
    own = set(access.coordinated_ids)
    below: set[int] = set()
    for node in nodes:
        if node.organisation_id in own or node.parent_id in below:
            below.add(node.pk)
    return below | {node.pk for node in nodes if node.parent_id is None}


def place_of(user: User, run: GapRun, key: str) -> tuple[Place, list[Place]]:
    """A place by its key, with the tree that it stands in. Http404 where it is not there, or not for this reader."""
    places = tree(user, run)
    found = next((place for place in places if place.key == key), None)
    if found is None:
        raise Http404
    return found, places


def children_of(places: Iterable[Place], key: str) -> list[Place]:
    """The places directly below another one, in order."""
    return [place for place in places if place.parent_key == key]
