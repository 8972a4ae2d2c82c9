"""Start a kernel for a submission, hold it, and leave nothing of it behind."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from coursekit.grading.errors import SubjectLost
from coursekit.grading.protocol.client import Bounds, KernelClient
from coursekit.grading.protocol.sockets import KernelSockets
from coursekit.grading.sandbox import (
    Limits,
    MemoryWatchdog,
    Mounts,
    drop_privileges,
    environment,
    runtime_folders,
    start,
)
from coursekit.grading.sandbox.mounts import AGENT, COURSE
from coursekit.grading.sandbox.orphans import adopt_orphans, collect, process_tree

__all__ = [
    "Isolation",
    "Launch",
    "Launcher",
    "OpenKernel",
    "open_kernel",
    "order_file",
    "sandboxed",
    "unsandboxed",
]

Isolation = Literal["bubblewrap", "none"]
START_SECONDS = 60.0


class Launch(Protocol):
    """A kernel's process: where the tree begins, whether it lives, how to end it."""

    pid: int

    def is_alive(self) -> bool:
        """Return whether the kernel's process still runs."""
        ...

    def end(self) -> None:
        """Kill everything and wait until it is gone."""
        ...


Launcher = Callable[[Mapping[str, Any], list[int], Mounts, Limits], Launch]
"""Starts a kernel from its order, the descriptors it inherits, what it may see and use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenKernel:
    """A running kernel and what watches it."""

    client: KernelClient
    watchdog: MemoryWatchdog
    pid: int


@contextmanager
def open_kernel(
    launch: Launcher, *, mounts: Mounts, limits: Limits, files: Mapping[str, bytes]
) -> Iterator[OpenKernel]:
    """Start a kernel; when the block ends, nothing of it is left.

    Parameters
    ----------
    launch : function
        `sandboxed`, `unsandboxed`, or a fork server's.
    mounts : Mounts
    limits : Limits
    files : mapping of str to bytes
        What lies in its working folder at first.

    Raises
    ------
    SubjectLost
        If it does not start.
    """
    key = secrets.token_hex(32)
    named = {name: base64.b64encode(content).decode("ascii") for name, content in files.items()}
    with ExitStack() as stack:
        sockets = stack.enter_context(KernelSockets())
        order = {"key": key, "limits": limits.of_process(), "files": named}
        process = launch(order, sockets.descriptors, mounts, limits)
        stack.callback(process.end)
        sockets.release()
        bounds = Bounds(output_bytes=int(limits.output_mb * 1_000_000))
        client = KernelClient(
            sockets,
            key.encode(),
            is_alive=process.is_alive,
            bounds=bounds,
            deadline=time.monotonic() + START_SECONDS + limits.notebook_seconds,
        )
        stack.callback(client.close)

        def too_large() -> None:
            client.give_up("The notebook used more than its memory, so its kernel was ended.")
            process.end()

        client.wait_until_ready(START_SECONDS)
        watchdog = MemoryWatchdog(process.pid, limits.memory_mb * 1_000_000, too_large)
        yield OpenKernel(client=client, watchdog=stack.enter_context(watchdog), pid=process.pid)


def sandboxed(
    order: Mapping[str, Any], descriptors: list[int], mounts: Mounts, limits: Limits
) -> Launch:
    """Start a kernel of its own under bubblewrap."""
    program = [sys.executable, "-m", "kernel_main"]
    with order_file({**order, "sockets": descriptors}) as stdin:
        return Sandbox(
            start(program, mounts=mounts, limits=limits, pass_fds=descriptors, stdin=stdin)
        )


def unsandboxed(
    order: Mapping[str, Any], descriptors: list[int], mounts: Mounts, limits: Limits
) -> Launch:
    """Start a kernel with limits and without a sandbox: it can read and change whatever this user
    can.
    """
    adopt_orphans()
    ours = set(process_tree(os.getpid()))
    folder = tempfile.TemporaryDirectory(prefix="coursekit-", ignore_cleanup_errors=True)
    root = Path(folder.name)
    for source, target in mounts.pairs():
        place = root / target.relative_to("/opt")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(source)
    home = root / "home"
    home.mkdir()
    path = os.pathsep.join(str(root / each.relative_to("/opt")) for each in (COURSE, AGENT))
    changes = {
        "PYTHONPATH": path,
        "HOME": str(home),
        "TMPDIR": str(home),
        "IPYTHONDIR": str(home / ".ipython"),
    }
    with order_file({**order, "sockets": descriptors}) as stdin:
        process = subprocess.Popen(
            [sys.executable, "-m", "kernel_main"],
            cwd=home,
            env=environment(changes),
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=descriptors,
            start_new_session=True,
        )
    return _Plain(process, folder, ours)


class Sandbox:
    """A bubblewrap that is the child of this process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self._process = process

    def is_alive(self) -> bool:
        """Return whether it still runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """Kill what runs inside; bubblewrap itself then collects it and ends."""
        inside = process_tree(self.pid)[1:]
        for pid in reversed(inside):
            _kill(pid)
        try:
            self._process.wait(timeout=2.0 if inside else 0.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _wait_for(inside)


class _Plain:
    """A kernel without a sandbox that is the child of this process."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        folder: tempfile.TemporaryDirectory[str],
        ours: set[int],
    ) -> None:
        self.pid = process.pid
        self._process = process
        self._folder = folder
        self._ours = ours

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        end_tree(self.pid)
        self._process.wait()
        _end_orphans(self._ours)
        self._folder.cleanup()


def end_tree(pid: int, seconds: float = 5.0) -> None:
    """Kill a process and all its descendants and wait until they are gone.

    Raises
    ------
    SubjectLost
        If something is still there after so many seconds.
    """
    family = process_tree(pid)
    for member in reversed(
        family
    ):  # the innermost first: the root of a sandbox takes the rest with it
        _kill(member)
    _wait_for(family, seconds)


def _wait_for(pids: list[int], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while any(_runs(pid) for pid in pids):
        if time.monotonic() > until:
            raise SubjectLost("The processes of a notebook could not be ended.")
        time.sleep(0.002)


def _end_orphans(spared: set[int]) -> None:
    """Kill what a kernel without a sandbox left behind; it has become a child of ours."""
    while orphans := set(process_tree(os.getpid())) - spared:
        for pid in orphans:
            _kill(pid)
        collect(orphans)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _runs(pid: int) -> bool:
    try:
        state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in "ZX"


@contextmanager
def order_file(order: Mapping[str, Any]) -> Iterator[int]:
    """Give a descriptor from which a kernel reads its order: memory, no file, of any size."""
    handle = os.memfd_create("order")
    try:
        with open(os.dup(handle), "wb") as file:
            file.write(json.dumps(order).encode())
        os.lseek(handle, 0, os.SEEK_SET)
        yield handle
    finally:
        os.close(handle)


def become_nobody(needed: list[Path]) -> None:
    """Drop the rights of root, with Python, the files of a kernel and what else is needed still in
    reach.
    """
    drop_privileges([*runtime_folders(), *(source for source, _ in Mounts().pairs()), *needed])
