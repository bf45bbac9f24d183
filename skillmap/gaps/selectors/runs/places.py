"""The tree of a run's places, as far as a reader may see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.http import Http404

from skillmap.framework.models import in_language
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


class Node(NamedTuple):
    """A row of the tree, as plain as it comes: there are as many as organisations."""

    pk: int
    parent_id: int | None
    key: str
    name: str
    name_en: str
    depth: int
    people: int | None
    organisation_id: int | None
    bureau_group_id: int | None


def tree(user: User, run: GapRun) -> list[Place]:
    """The places that the user may see, in the order of the tree, the whole first; one query.

    A coordinator's own organisations hang directly below the whole.

    Raises:
        Http404: the run is not for this reader.
    """
    nodes, above = _seen_nodes(user, run)
    return _places(nodes, above)


def near(user: User, run: GapRun, key: str) -> list[Place]:
    """Of `tree` what a page about one place needs: the way down to it, and what stands beside and below this way.

    Below a bureau group of those its organisations too. The whole stands for a place that is not there. One query;
    raises as `tree`.
    """
    nodes, above = _seen_nodes(user, run)
    chosen = next((node for node in nodes if node.key == key), nodes[0] if nodes else None)
    opened: set[int | None] = {None}
    step = chosen.pk if chosen is not None else None
    while step is not None:
        opened.add(step)
        step = above[step]
    opened |= {node.pk for node in nodes if node.bureau_group_id is not None and above[node.pk] in opened}
    return _places([node for node in nodes if above[node.pk] in opened], above)


def _seen_nodes(user: User, run: GapRun) -> tuple[list[Node], dict[int, int | None]]:
    """The nodes that the user may see, in order, and what each of them hangs below; one query."""
    refuse_unless_visible(user, run)
    nodes = [Node(*row) for row in GapNode.objects.filter(run=run).order_by("position").values_list(*Node._fields)]
    seen = _seen(user, nodes)
    whole = nodes[0].pk if nodes else None
    above = {node.pk: None if node.parent_id is None else whole for node in nodes if node.pk in seen}
    above |= {node.pk: node.parent_id for node in nodes if node.pk in seen and node.parent_id in seen}
    return [node for node in nodes if node.pk in seen], above


def _places(nodes: Sequence[Node], above: Mapping[int, int | None]) -> list[Place]:
    """Places of nodes; those above them are among the nodes too."""
    keys = {node.pk: node.key for node in nodes}
    with_children = set(above.values())
    places = []
    for node in nodes:
        parent = above[node.pk]
        places.append(
            Place(
                pk=node.pk,
                key=node.key,
                label=in_language(node.name, node.name_en),
                depth=node.depth,
                parent_key=keys[parent] if parent is not None else None,
                people=node.people,
                has_children=node.pk in with_children,
                organisation_id=node.organisation_id,
                bureau_group_id=node.bureau_group_id,
            )
        )
    return places


def _seen(user: User, nodes: Sequence[Node]) -> set[int]:
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
