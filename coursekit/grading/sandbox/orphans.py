"""Descendants: who they are, and what becomes of those whose parent has gone."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["adopt_orphans", "collect", "process_tree", "reap"]

_PROC = Path("/proc")
_PR_SET_CHILD_SUBREAPER = 36


def process_tree(pid: int) -> list[int]:
    """Return a process and all its descendants, as far as they still live."""
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        found.append(parent)
        try:
            for thread in (_PROC / str(parent) / "task").iterdir():
                waiting.extend(map(int, (thread / "children").read_text().split()))
        except OSError:  # it ended while we looked
            continue
    return found


def adopt_orphans(yes: bool = True) -> None:
    """Become the parent of whatever our descendants leave behind, or stop being it."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


def reap() -> None:
    """Collect the children that have ended, wherever they came from."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def collect(pids: Iterable[int]) -> None:
    """Wait for certain processes; one that is not our child, or was collected already, is no
    concern of ours.
    """
    for pid in pids:
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            pass
