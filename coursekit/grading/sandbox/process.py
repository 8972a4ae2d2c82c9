"""The process that runs a submission: two pipes to it, whether it lives, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from coursekit.core.processes import python, python_path
from coursekit.grading.sandbox import turns
from coursekit.grading.sandbox.bubblewrap import environment, start
from coursekit.grading.sandbox.limits import Limits
from coursekit.grading.sandbox.mounts import COURSE, HOME, Mounts
from coursekit.grading.sandbox.orphans import adopt_orphans, collect, process_tree

__all__ = [
    "SHELL",
    "Launcher",
    "Process",
    "Sandboxed",
    "end_tree",
    "sandboxed",
    "send_signal",
    "unsandboxed",
]

SHELL = "coursekit.grading.inside.shell"


class Process(Protocol):
    """A process that speaks frames over two pipes.

    Attributes
    ----------
    pid : int
        The root of its tree, as this side sees it.
    reading, writing : int
        Our ends of the pipes.
    folder : str
        Where it works, as it sees it.
    confined, filtered : bool
        Whether it runs in a sandbox; whether it is to refuse dangerous system calls.
    """

    pid: int
    reading: int
    writing: int
    folder: str
    confined: bool
    filtered: bool

    def is_alive(self) -> bool:
        """Return whether it still runs."""
        ...

    def interrupt(self) -> None:
        """Send it what Ctrl-C sends."""
        ...

    def kill(self) -> None:
        """Kill it and everything it started."""
        ...

    def end(self) -> None:
        """Wait until all of it is gone and close the pipes."""
        ...


Launcher = Callable[[Mounts, Limits], Process]
"""Starts a process, given what it may see and use."""


def sandboxed(mounts: Mounts, limits: Limits) -> Process:
    """Start a fresh interpreter under bubblewrap."""
    adopt_orphans()  # bubblewrap goes, what it started stays
    program = [sys.executable, "-P", "-m", SHELL]
    with turns.mine():
        return Sandboxed(start(program, mounts=mounts, limits=limits, first=True))


def unsandboxed(mounts: Mounts, limits: Limits, folder: Path | None = None) -> Process:
    """Start a fresh interpreter that can read and change whatever this user can.

    Parameters
    ----------
    mounts, limits
        It is shown the same part of the course as in a sandbox.
    folder : Path, optional
        Where it works; by default in an empty folder.
    """
    return _Plain(mounts, folder)


class _Piped:
    """What both kinds have in common."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("pipes were asked for")
        self._process = process
        self.pid = process.pid
        self.reading, self.writing = process.stdout.fileno(), process.stdin.fileno()

    def _close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


class Sandboxed(_Piped):
    """The first process of a sandbox's process namespace: with it, all others die.

    Bubblewrap itself would only wait for it; it is ended as soon as the program has taken its
    child's place, and the first process inside becomes our child.
    """

    folder = str(HOME)
    confined = filtered = True

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(process)
        while process.poll() is None:
            inside = process_tree(process.pid)[1:2]
            if inside and _program(inside[0]) not in ("bwrap", ""):
                self.pid = inside[0]
                process.kill()
                process.wait()
            time.sleep(0.001)

    def is_alive(self) -> bool:
        """Return whether it still runs."""
        return _runs(self.pid)

    def interrupt(self) -> None:
        """Send SIGINT."""
        send_signal(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """Kill everything inside."""
        end_tree(self.pid)

    def end(self) -> None:
        """Wait for bubblewrap and for the first process."""
        self.kill()
        self._process.wait()
        collect([self.pid])
        self._close()


class _Plain(_Piped):
    """A child of this process without a sandbox."""

    confined = False

    def __init__(self, mounts: Mounts, folder: Path | None) -> None:
        self._ours: set[int] | None = None
        self._temporary = tempfile.TemporaryDirectory(
            prefix="coursekit-", ignore_cleanup_errors=True
        )
        root = Path(self._temporary.name)
        for source, target in mounts.pairs():
            place = root / target.relative_to("/opt")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(source)
        (root / "home").mkdir()
        self.folder = str(folder.resolve() if folder is not None else root / "home")
        self.filtered = folder is None
        if sys.platform == "linux":
            adopt_orphans()
            self._ours = set(process_tree(os.getpid()))
        super().__init__(
            subprocess.Popen(
                python(SHELL),
                cwd=root,
                env=_environment(root, own=folder is not None),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def interrupt(self) -> None:
        if sys.platform == "win32":
            self._process.kill()  # there is no such signal
        else:
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        if self._ours is None:  # only Linux tells whose child a process is
            self._process.kill()
            return
        end_tree(self.pid)
        _end_orphans(self._ours | {self.pid})

    def end(self) -> None:
        self.kill()
        self._process.wait()
        self._close()
        self._temporary.cleanup()


def _environment(root: Path, *, own: bool) -> dict[str, str]:
    """Return the environment of a run without a sandbox: in the student's own, the home stays."""
    course = str(root / COURSE.relative_to("/opt"))
    path = os.pathsep.join([course, *python_path(own=False)])
    if own:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        mine = {name: value for name, value in environment().items() if name not in _MINE}
        return {**kept, **mine, "PYTHONPATH": path}
    home = str(root / "home")
    return environment({"PYTHONPATH": path, "HOME": home, "TMPDIR": home, "IPYTHONDIR": home})


_MINE = {"HOME", "USER", "LOGNAME", "PATH", "LANG", "IPYTHONDIR", "MPLCONFIGDIR"}


def end_tree(pid: int, seconds: float = 5.0) -> None:
    """Kill a process and all its descendants and wait until they are gone."""
    family = process_tree(pid)
    for member in reversed(family):
        send_signal(member, signal.SIGKILL)
    until = time.monotonic() + seconds
    while any(_runs(member) for member in family) and time.monotonic() < until:
        time.sleep(0.002)


def _end_orphans(spared: set[int]) -> None:
    """Kill what a process without a sandbox left behind; it has become a child of ours."""
    while orphans := set(process_tree(os.getpid())) - spared:
        for pid in orphans:
            send_signal(pid, signal.SIGKILL)
        collect(orphans)


def send_signal(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process, if it is there."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _program(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _runs(pid: int) -> bool:
    try:
        state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in "ZX"
