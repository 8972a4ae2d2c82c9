"""The process that runs a submission: two pipes to it, whether it lives, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from coursekit.core.processes import python, python_path
from coursekit.grading.sandbox.bubblewrap import environment
from coursekit.grading.sandbox.limits import Limits
from coursekit.grading.sandbox.mounts import COURSE, Mounts
from coursekit.grading.sandbox.orphans import adopt_orphans, collect, process_tree
from coursekit.grading.sandbox.watchdog import MemoryWatchdog

__all__ = ["SHELL", "Ending", "Launcher", "Process", "end_tree", "is_running", "unsandboxed"]

SHELL = "coursekit.grading.inside.shell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a process ended.

    Parameters
    ----------
    peak_bytes : int
        The most memory that was seen, of all its processes together.
    over_memory : bool
        Whether it was ended for its memory.
    fault : str
        A failure of the sandbox or of the machine that ended it, or empty.
    """

    peak_bytes: int = 0
    over_memory: bool = False
    fault: str = ""


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

    def ends_within(self, seconds: float) -> bool:
        """Return whether it has ended, after so many seconds at most."""
        ...

    def interrupt(self) -> None:
        """Send it what Ctrl-C sends."""
        ...

    def kill(self) -> None:
        """Kill it and everything it started."""
        ...

    def end(self) -> Ending:
        """Kill it, wait until all of it is gone, close the pipes and return how it ended."""
        ...


Launcher = Callable[[Limits], Process]
"""Starts a process, given what it may use."""


def unsandboxed(
    limits: Limits, mounts: Mounts | None = None, folder: Path | None = None
) -> Process:
    """Start a fresh interpreter that can read and change whatever this user can.

    Parameters
    ----------
    limits : Limits
    mounts : Mounts, optional
        It is shown the same part of the course as in a sandbox.
    folder : Path, optional
        Where it works; by default in an empty folder.
    """
    return _Plain(limits, mounts or Mounts(), folder)


class _Plain:
    """A child of this process without a sandbox."""

    confined = False

    def __init__(self, limits: Limits, mounts: Mounts, folder: Path | None) -> None:
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
        self._process = subprocess.Popen(
            python(SHELL),
            cwd=root,
            env=_environment(root, own=folder is not None),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("pipes were asked for")
        self.pid = self._process.pid
        self.reading = self._process.stdout.fileno()
        self.writing = self._process.stdin.fileno()
        self._watchdog = MemoryWatchdog(self.pid, limits.memory_mb * 1_000_000, self.kill)

    def ends_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

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

    def end(self) -> Ending:
        self.kill()
        self._process.wait()
        self._watchdog.stop()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._temporary.cleanup()
        return Ending(peak_bytes=self._watchdog.peak_bytes, over_memory=self._watchdog.exceeded)


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
        _kill(member)
    until = time.monotonic() + seconds
    while any(is_running(member) for member in family) and time.monotonic() < until:
        time.sleep(0.002)


def is_running(pid: int) -> bool:
    """Return whether a process is there and has not ended."""
    try:
        state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in "ZX"


def _end_orphans(spared: set[int]) -> None:
    """Kill what a process without a sandbox left behind; it has become a child of ours."""
    while orphans := set(process_tree(os.getpid())) - spared:
        for pid in orphans:
            _kill(pid)
        collect(orphans)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
