"""Drop root privileges before untrusted code is started.

Bubblewrap started by root is no sandbox: inside, the user is still the machine's root, who may
write to ``/proc/sys`` and is bound by no limit on processes. So a root that grades first becomes a
user id that nobody has. Where Python or the course lies in a folder that only root may enter, it
stays reachable: in a mount namespace of our own, the closed folder is covered by an empty one that
shows nothing but what is needed, at the same path.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from coursekit.grading.sandbox.errors import SandboxUnavailableError

__all__ = ["NOBODY", "closed_ancestor", "drop_privileges"]

NOBODY = 64_913
"""A user id from the range that systems keep for ids without a name."""

_NEW_MOUNT_NAMESPACE = 0x00020000
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000


def drop_privileges(needed: Iterable[Path]) -> None:
    """Permanently drop root privileges; do nothing if this process is not root.

    Call it before any thread is started.

    Parameters
    ----------
    needed : iterable of Path
        Folders that must stay readable, such as those of Python.

    Raises
    ------
    SandboxUnavailableError
        If a needed folder lies where only root may enter and cannot be shown elsewhere.
    """
    if os.geteuid() != 0:
        return
    _open_a_view([path.resolve() for path in needed])
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def closed_ancestor(path: Path) -> Path | None:
    """Return the first folder on the way to a path that other users may not enter, or None."""
    for folder in [*reversed(path.parents), path]:
        if folder.is_dir() and not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None


def _open_a_view(needed: list[Path]) -> None:
    closed = {path: ancestor for path in needed if (ancestor := closed_ancestor(path)) is not None}
    if not closed:
        return
    if any(path == ancestor for path, ancestor in closed.items()):
        raise _cannot(
            "is readable by root alone",
            next(path for path, ancestor in closed.items() if path == ancestor),
        )
    handles: dict[Path, int] = {}
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_NEW_MOUNT_NAMESPACE) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        _mount(libc, None, Path("/"), None, _RECURSIVE | _PRIVATE)
        handles = {path: os.open(path, os.O_PATH) for path in closed}
        for ancestor in set(closed.values()):
            _mount(libc, "tmpfs", ancestor, "mode=755,size=1m", 0)
        for path, handle in handles.items():
            _place_for(handle, path)
            _mount(libc, f"/proc/self/fd/{handle}", path, None, _BIND | _RECURSIVE)
    except OSError as error:
        raise _cannot(f"cannot be shown to it ({error.strerror})", next(iter(closed))) from error
    finally:
        for handle in handles.values():
            os.close(handle)


def _place_for(handle: int, path: Path) -> None:
    """Make an empty file or folder to mount on."""
    is_folder = stat.S_ISDIR(os.fstat(handle).st_mode)
    (path if is_folder else path.parent).mkdir(parents=True, exist_ok=True)
    if not is_folder:
        path.touch()


def _mount(
    libc: ctypes.CDLL, source: str | None, target: Path, options: str | None, flags: int
) -> None:
    kind = b"tmpfs" if source == "tmpfs" else None
    data = options.encode() if options else None
    if libc.mount(source.encode() if source else None, bytes(target), kind, flags, data) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))


def _cannot(why: str, path: Path) -> SandboxUnavailableError:
    return SandboxUnavailableError(
        f"Grading as root runs submissions as a user without rights, and {path} {why}. "
        "Grade as an ordinary user, or install Python and the course where every user may read."
    )
