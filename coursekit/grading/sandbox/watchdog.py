"""Watch the memory of a process without a sandbox and of everything it started; end all of it above
a limit. Inside a sandbox the fork server does that, in a process of its own.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from coursekit.grading.inside.memory import Meter, Tree, pause

__all__ = ["MemoryWatchdog"]


class MemoryWatchdog:
    """A thread that measures a process tree until `stop`; it does nothing where there is no
    ``/proc``.

    Parameters
    ----------
    root : int
        Process id of the root of the tree.
    limit_bytes : int
    end : function
        What to do above the limit.

    Attributes
    ----------
    peak_bytes : int
        The most that was seen.
    exceeded : bool
        Whether the tree was ended.
    """

    def __init__(self, root: int, limit_bytes: int, end: Callable[[], None]) -> None:
        self.exceeded = False
        self._tree, self._end = Tree(root, limit_bytes), end
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory watchdog", daemon=True)
        if sys.platform == "linux":
            self._thread.start()

    @property
    def peak_bytes(self) -> int:
        """The most that was seen."""
        return self._tree.peak

    def stop(self) -> None:
        """Stop watching."""
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        meter = Meter()
        while not self._done.wait(pause([self._tree])):
            meter.measure([self._tree])
            if self._tree.now > self._tree.limit:
                self.exceeded = True
                self._end()
                return
