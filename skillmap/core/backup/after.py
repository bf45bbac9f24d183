"""What the apps do and prove once old data is back."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Wishes:
    """What the person at the keyboard allows.

    Args:
        overwrite: replace a database that is not empty.
        migrate: bring a backup of an earlier version up to this one.
        keys_lost: restore though TOKEN_PEPPER is another one.
    """

    overwrite: bool = False
    migrate: bool = False
    keys_lost: bool = False


#: Does its part in the transaction that is open, and says in a sentence what it did; BackupError where in doubt.
Step = Callable[[Wishes], str]
STEPS: list[Step] = []


def after_restore(step: Step) -> Step:
    """Register a step, in the `ready` of its app."""
    STEPS.append(step)
    return step
