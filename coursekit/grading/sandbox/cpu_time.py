"""CPU time and memory of a process and everything it started, as the operating system counts
them.
"""

from __future__ import annotations

import os
from pathlib import Path

from coursekit.grading.sandbox.orphans import process_tree

__all__ = ["cpu_seconds", "held_bytes"]

_PROC = Path("/proc")
_NANOSECONDS = 1e-9


def cpu_seconds(root: int) -> float:
    """Return the CPU seconds of a process tree; 0 where the system does not say (not Linux).

    Parameters
    ----------
    root : int
        Process id of the root of the tree.
    """
    return sum(_of_process(_PROC / str(pid)) for pid in process_tree(root))


def held_bytes(root: int) -> int:
    """Return the resident bytes of a process tree that are in no file; 0 where the system does not
    say (not Linux).
    """
    return sum(_resident(_PROC / str(pid)) for pid in process_tree(root))


def _resident(folder: Path) -> int:
    try:
        lines = (folder / "status").read_text().splitlines()
    except OSError:  # it ended meanwhile
        return 0
    wanted = (line.split()[1] for line in lines if line.startswith(("RssAnon:", "RssShmem:")))
    return sum(1024 * int(kilobytes) for kilobytes in wanted)


def _of_process(folder: Path) -> float:
    """Return the larger of two counts: precise, of the threads that live; in ticks of 10 ms, with
    threads and child processes that have ended.
    """
    try:
        tasks = list((folder / "task").iterdir())
        running = sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError, IndexError):  # it ended meanwhile
        return 0.0
    ticks = sum(map(int, fields[11:15]))  # user, system, and both of waited-for children
    return max(running * _NANOSECONDS, ticks / os.sysconf("SC_CLK_TCK"))
