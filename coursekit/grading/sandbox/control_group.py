"""Control groups: the kernel bounds the memory of all processes of a submission together, with
everything that it holds for them.

A group can be made where this process may write to its own control group: below version 2 when it
was delegated (``systemd-run --user --scope -p Delegate=yes coursekit grade ...``, or a container
that owns its group), below the memory controller of version 1 as root. Elsewhere the watchdog of
the fork server counts alone.

Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from coursekit.grading.sandbox.orphans import process_tree
from coursekit.grading.sandbox.privileges import NOBODY

__all__ = ["ControlGroup", "ControlGroups", "find_control_groups"]

_PREFIX = "coursekit-"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """Files of a version of control groups."""

    limit: str
    with_swap: str
    """Bounds memory and swap together (version 1) or swap alone (version 2)."""
    events: str
    together: str


_VERSIONS = {
    1: _Names(
        limit="memory.limit_in_bytes",
        with_swap="memory.memsw.limit_in_bytes",
        events="memory.oom_control",
        together="",
    ),
    2: _Names(
        limit="memory.max",
        with_swap="memory.swap.max",
        events="memory.events",
        together="memory.oom.group",
    ),
}


class ControlGroup:
    """A group with a limit on its memory; `close` it when its processes have ended.

    Parameters
    ----------
    folder : Path
    version : 1 or 2
    memory_bytes : int
    """

    def __init__(self, folder: Path, version: int, memory_bytes: int) -> None:
        self._folder, self._names = folder, _VERSIONS[version]
        folder.mkdir()
        _write(folder / self._names.limit, memory_bytes)
        with_swap = folder / self._names.with_swap
        if with_swap.exists():
            _write(with_swap, memory_bytes if version == 1 else 0)
        if self._names.together:
            _write(folder / self._names.together, 1)

    def add(self, pid: int) -> None:
        """Move a process into it; what it starts afterwards is born there."""
        _write(self._folder / "cgroup.procs", pid)

    @property
    def was_full(self) -> bool:
        """Whether the kernel has killed one of its processes for memory."""
        try:
            lines = (self._folder / self._names.events).read_text().splitlines()
        except OSError:
            return False
        return any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in lines)

    def close(self) -> None:
        """Remove it."""
        with contextlib.suppress(OSError):
            self._folder.rmdir()


class ControlGroups:
    """A group of ours in which groups for submissions can be made, also without root privileges.

    Parameters
    ----------
    folder : Path
    version : 1 or 2
    """

    def __init__(self, folder: Path, version: int) -> None:
        self.folder, self.version = folder, version

    @classmethod
    def below(cls, own: Path, version: int) -> ControlGroups:
        """Make one in the group of this process.

        Raises
        ------
        OSError
            If this process may not.
        """
        for old in own.glob(f"{_PREFIX}*"):
            if not Path("/proc", old.name.split("-")[1]).exists():
                cls(old, version).close()
        groups = cls(own / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}", version)
        server = groups.folder / "server"
        try:
            server.mkdir(parents=True)
            if version == 2:
                groups._take_over(own)
            groups.create(1 << 30).close()
            if os.geteuid() == 0:
                for place in (
                    groups.folder,
                    *(each / "cgroup.procs" for each in (groups.folder, server)),
                ):
                    os.chown(place, NOBODY, NOBODY)
        except OSError:
            groups.close()
            raise
        return groups

    def add_server(self, pid: int) -> None:
        """Move the fork server in, so that what it forks can be moved on by its owner."""
        _write(self.folder / "server" / "cgroup.procs", pid)

    def create(self, memory_bytes: int) -> ControlGroup:
        """Make a group for one submission."""
        return ControlGroup(self.folder / secrets.token_hex(8), self.version, memory_bytes)

    def close(self) -> None:
        """Remove all groups, as far as nothing lives there."""
        for folder in (*self.folder.glob("*/"), self.folder):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _take_over(self, own: Path) -> None:
        """Let groups below bound memory: in version 2, processes live in leaves only."""
        processes = [int(line) for line in (own / "cgroup.procs").read_text().split()]
        if not set(processes) <= set(process_tree(os.getpid())):
            raise PermissionError(errno.EPERM, "its control group is not its own")
        (own / _main()).mkdir(exist_ok=True)
        for pid in processes:
            _write(own / _main() / "cgroup.procs", pid)
        for folder in (own, self.folder):
            _write(folder / "cgroup.subtree_control", "+memory")


def _main() -> str:
    """Return the name of the group in which this process itself lives, in version 2."""
    return f"{_PREFIX}{os.getpid()}-main"


def find_control_groups(
    own: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> ControlGroups | None:
    """Return where groups can be made, or None.

    Parameters
    ----------
    own : Path
        The file that says to which groups this process belongs.
    root : Path
        Where control groups are mounted.
    """
    with contextlib.suppress(OSError):
        for line in own.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            place, version = root / path.lstrip("/"), 2
            if "memory" in controllers.split(","):
                place, version = root / "memory" / path.lstrip("/"), 1
            elif not controllers and place.name == _main():  # of an earlier server
                place = place.parent
            elif controllers or "memory" not in _words(place / "cgroup.controllers"):
                continue
            with contextlib.suppress(OSError):
                return ControlGroups.below(place, version)
    return None


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def _write(file: Path, value: int | str) -> None:
    file.write_text(str(value))
