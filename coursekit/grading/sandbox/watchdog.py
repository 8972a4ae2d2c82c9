"""Watch the memory of a process and everything it started, and end all of it above a limit.

Limits of the machine's kernel count each process alone, and thirty processes of 300 MB stay below
any of them. The watchdog adds up the whole tree a few times a second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from coursekit.grading.sandbox.orphans import process_tree

__all__ = ["MemoryWatchdog", "private_memory"]

_PROC = Path("/proc")


class HasPid(Protocol):
    """The root of a process tree."""

    pid: int


class MemoryWatchdog:
    """A thread that measures a process tree; use it in a `with` block, or `start` and `stop` it.

    Parameters
    ----------
    root : object
        Its attribute ``pid`` is the root of the tree.
    limit_bytes : int
    end : function
        What to do above the limit.
    period_seconds : float

    Attributes
    ----------
    peak_bytes : int
        The most that was seen.
    exceeded : bool
        Whether the tree was ended.
    """

    def __init__(
        self, root: HasPid, limit_bytes: int, end: Callable[[], None], period_seconds: float = 0.2
    ) -> None:
        self.peak_bytes = 0
        self.exceeded = False
        self._root = root
        self._limit = limit_bytes
        self._end = end
        self._period = period_seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory watchdog", daemon=True)

    def measure(self) -> int:
        """Measure once, and end the tree if it is too large."""
        now = sum(private_memory(pid) for pid in process_tree(self._root.pid))
        self.peak_bytes = max(self.peak_bytes, now)
        if now > self._limit:
            self.exceeded = True
            self._end()
        return now

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._done.set()
        self._thread.join()

    def __enter__(self) -> MemoryWatchdog:
        """Begin to watch."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self.stop()

    def _watch(self) -> None:
        while not self._done.wait(self._period) and not self.exceeded:
            self.measure()


def private_memory(pid: int) -> int:
    """Return the resident bytes that a process does not share through files: its own pages and its
    shared memory.
    """
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    wanted = (line.split()[1] for line in lines if line.startswith(("RssAnon:", "RssShmem:")))
    return sum(1024 * int(kilobytes) for kilobytes in wanted)
