"""Reads about people and organisations."""

from skillmap.people.selectors.organisations import (
    coordinators_of,
    headcounts,
    mapping,
    members_on,
    places,
    places_near,
    tree_on,
)
from skillmap.people.selectors.staff import ambassadors_beside, designated_on, search, users_with_role

__all__ = [
    "ambassadors_beside",
    "coordinators_of",
    "designated_on",
    "headcounts",
    "mapping",
    "members_on",
    "places",
    "places_near",
    "search",
    "tree_on",
    "users_with_role",
]
