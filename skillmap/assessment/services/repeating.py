"""The confirmed levels that stand beside each check in one text, put right from its ratings."""

from collections.abc import Iterator
from itertools import groupby

from django.db import transaction

from skillmap.assessment.digits import digits_of
from skillmap.assessment.models import Assessment, SkillRating
from skillmap.assessment.services.locking import hold_all_checks
from skillmap.framework.choices import ItemKind

READ, WRITTEN = 20_000, 500


@transaction.atomic
def repeat_levels() -> int:
    """Gather the confirmed levels of all checks anew; returns for how many another text was stored.

    For what was written by hand: a confirmation stores both. Whoever takes a step meanwhile waits.
    """
    hold_all_checks()
    stored = Assessment.objects.filter(confirmed_at__isnull=False).order_by("pk")
    found = dict(_digits())
    wrong = [
        Assessment(pk=pk, confirmed_digits=found.get(pk, ""))
        for pk, digits in stored.values_list("pk", "confirmed_digits").iterator(chunk_size=READ)
        if digits != found.get(pk, "")
    ]
    Assessment.objects.bulk_update(wrong, ["confirmed_digits"], batch_size=WRITTEN)
    return len(wrong)


def _digits() -> Iterator[tuple[int, str]]:
    """What the ratings say, check by check; one query."""
    ratings = SkillRating.objects.filter(assessment__confirmed_at__isnull=False, skill__kind=ItemKind.DIGITAL)
    rows = ratings.order_by("assessment", "skill__number").values_list("assessment", "confirmed_level")
    for check, levels in groupby(rows.iterator(chunk_size=READ), key=lambda row: row[0]):
        yield check, digits_of(level for _check, level in levels)
