"""Which processes there are, read from /proc."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def descendants(parent: int) -> set[int]:
    """Process ids of all children of `parent`, and of theirs."""
    children: dict[int, set[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            after_name = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(after_name[1]), set()).add(int(stat.parent.name))
    found: set[int] = set()
    todo = [parent]
    while todo:
        new = children.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found


def alive(pids: set[int]) -> set[int]:
    """Those of `pids` that still run; a zombie waits for its parent and runs no more."""
    running = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                running.add(pid)
    return running


def group_lives(group: int) -> bool:
    """Say whether a process group still has a process in it (one that has ended but was not waited for counts)."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's processes
        return True
    return True
