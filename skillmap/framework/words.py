"""The rules' findings in words for people."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from skillmap.framework.diff_rules import Differences, RowChange
from skillmap.framework.rules import Defaults, Problem

PROBLEMS: Mapping[str, Promise] = {
    "no_items": gettext_lazy("There is no skill item yet. Add at least one."),
    "levels_incomplete": gettext_lazy("The four levels 0 to 3 are not complete."),
    "name_missing": gettext_lazy("An item has no name: %(about)s"),
    "definition_missing": gettext_lazy("The item “%(about)s” has no definition."),
    "job_type_text_missing": gettext_lazy("The job type “%(about)s” lacks its name or definition."),
    "category_empty": gettext_lazy("The category “%(about)s” has no items. Remove it or add an item."),
    "number_repeated": gettext_lazy("The number %(about)s is used by %(count)s items."),
    "code_repeated": gettext_lazy("The code %(about)s is used %(count)s times."),
    "code_unusable": gettext_lazy("The code %(about)s may only have a-z, 0-9, _ and -, at most 40 characters."),
    "category_unknown": gettext_lazy("The category %(about)s does not exist."),
    "category_of_other_kind": gettext_lazy("The item “%(about)s” stands in a category of another kind."),
    "level_unknown": gettext_lazy("“%(about)s” has a level other than 0 to 3."),
    "skill_unknown": gettext_lazy("These items do not exist: %(about)s"),
    "cells_missing": gettext_lazy("The job type “%(about)s” lacks the level of %(count)s items."),
    "cells_repeated": gettext_lazy("The job type “%(about)s” names an item twice."),
}
FIELDS: Mapping[str, Promise] = {
    "name": pgettext_lazy("thing", "Name"),
    "name_en": gettext_lazy("Name in English"),
    "kind": gettext_lazy("Kind"),
    "sort_order": gettext_lazy("Place in the list"),
    "number": gettext_lazy("Number"),
    "category": gettext_lazy("Category"),
    "core_category": gettext_lazy("Core category"),
    "definition": gettext_lazy("Definition"),
    "definition_en": gettext_lazy("Definition in English"),
    "label": gettext_lazy("Short form"),
    "issuer": gettext_lazy("Issuer"),
    "grade": gettext_lazy("Grade"),
    "skills": gettext_lazy("Skill items"),
}


def problem_text(problem: Problem) -> str:
    """One sentence about what stands in the way of publishing."""
    return str(PROBLEMS[problem.code]) % {"about": problem.about, "count": problem.count}


def field_text(name: str) -> str:
    """A field of a row as pages call it; `level_2` and `level_2_en` are an item's own texts."""
    if name.startswith("level_"):
        level, _sep, english = name.removeprefix("level_").partition("_")
        words = gettext("Meaning of Lv.%(level)s in English") if english else gettext("Meaning of Lv.%(level)s")
        return words % {"level": level}
    return str(FIELDS[name]) if name in FIELDS else name


def summary(found: Differences) -> str:
    """Where two versions differ, in one line such as “items: 2, required levels: 1”."""
    return _counted(
        {
            gettext("categories"): len(found.categories),
            gettext("levels"): len(found.levels),
            gettext("items"): len(found.items),
            gettext("job types"): len(found.job_types),
            gettext("required levels"): len(found.cells),
            gettext("certificates"): len(found.certifications),
        }
    )


def defaults_line(defaults: Defaults) -> str:
    """What of a version is still our default, in one line."""
    counted = _counted(
        {
            gettext("required levels"): defaults.cells,
            gettext("job types"): defaults.job_types,
            gettext("level texts of single items"): defaults.level_texts,
            gettext("items"): defaults.items,
        }
    )
    translation = [gettext("the English texts")] if defaults.translation else []
    return gettext(", ").join([counted, *translation] if counted else translation)


def _counted(counts: Mapping[str, int]) -> str:
    return gettext(", ").join(f"{name}: {count}" for name, count in counts.items() if count)


@dataclass(frozen=True)
class ChangedField:
    """A field's name and its value before and after."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class ChangedRow:
    """A row as the page of differences shows it; `change` is added, removed or changed."""

    change: str
    label: str
    name: str
    fields: tuple[ChangedField, ...]


CHANGES: Mapping[str, Promise] = {
    "added": pgettext_lazy("change", "Added"),
    "removed": pgettext_lazy("change", "Removed"),
    "changed": pgettext_lazy("change", "Changed"),
}


def tables(found: Differences) -> list[tuple[str, list[ChangedRow]]]:
    """The differences of each table under its title; tables without any are left out."""
    titled = [
        (gettext("Categories"), found.categories),
        (gettext("Levels"), found.levels),
        (gettext("Skill items"), found.items),
        (gettext("Job types"), found.job_types),
        (gettext("Exams"), found.certifications),
    ]
    return [(title, [_row(change) for change in changes]) for title, changes in titled if changes]


def _row(change: RowChange) -> ChangedRow:
    fields = tuple(ChangedField(field_text(field.field), field.before, field.after) for field in change.fields)
    return ChangedRow(change.change, str(CHANGES[change.change]), change.name, fields)
