"""Several processes set up one sandbox at a time, so that bubblewrap's own processes do not add
up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["mine", "share"]

_SHARED: list[int] = []


def share(descriptor: int) -> None:
    """Take turns from now on with all processes that have this file."""
    _SHARED[:] = [descriptor]


@contextmanager
def mine() -> Iterator[None]:
    """Wait for the others to finish, and let them wait."""
    if not _SHARED:
        yield
        return
    import fcntl  # there is none on Windows, and no sandbox

    fcntl.lockf(_SHARED[0], fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.lockf(_SHARED[0], fcntl.LOCK_UN)
