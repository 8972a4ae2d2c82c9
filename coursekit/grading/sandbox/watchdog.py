"""Watch the memory of a process and everything it started, and end all of it above a limit.

Limits of the machine's kernel count each process alone, and thirty processes of 300 MB stay below
any of them. The watchdog adds up the whole tree a few times a second.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from coursekit.grading.sandbox.orphans import process_tree

__all__ = ["MemoryWatchdog", "private_memory"]

_PROC = Path("/proc")


class MemoryWatchdog:
    """A thread that measures a process tree; use it in a `with` block.

    Parameters
    ----------
    pid : int
        The root of the tree.
    limit_bytes : int
    end : function, optional
        What to do above the limit; by default the root is killed (in a sandbox, all others die with
        it).
    period_seconds : float

    Attributes
    ----------
    peak_bytes : int
        The most that was seen.
    exceeded : bool
        Whether the tree was ended.
    """

    def __init__(
        self,
        pid: int,
        limit_bytes: int,
        end: Callable[[], None] | None = None,
        period_seconds: float = 0.2,
    ) -> None:
        self.peak_bytes = 0
        self.exceeded = False
        self._pid = pid
        self._limit = limit_bytes
        self._end = end or self._kill
        self._period = period_seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory watchdog", daemon=True)

    def measure(self) -> int:
        """Measure once, and end the tree if it is too large."""
        now = sum(private_memory(pid) for pid in process_tree(self._pid))
        self.peak_bytes = max(self.peak_bytes, now)
        if now > self._limit:
            self.exceeded = True
            self._end()
        return now

    def __enter__(self) -> MemoryWatchdog:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(self._period) and not self.exceeded:
            self.measure()

    def _kill(self) -> None:
        try:
            os.kill(self._pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


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
