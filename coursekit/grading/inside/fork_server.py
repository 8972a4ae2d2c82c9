"""Fork server: the first process of a sandbox; it makes a smaller sandbox for each submission.

It is started as ``python -m coursekit.grading.inside.fork_server SOCKET fresh`` or ``... SOCKET
forked LIBRARY...``. For each request that arrives on the socket it forks a shell, as the first
process of namespaces of its own (user, mount, process, network, IPC, host name): it sees its own
processes only, an empty ``/tmp`` and home, and has no capability and no way to make more
namespaces. Either the shell is a new interpreter, or it is the fork itself, with the libraries in
memory. Nothing of a submission ever runs in this process.

Meanwhile the server is the watchdog: it measures the memory of every submission and ends one above
its limit. A request is one packet, a line of JSON with three descriptors::

    {"memory": bytes, "cpu": seconds, "scratch_bytes": n, "scratch_files": n}

The first descriptor is a socket: the server says there how the shell ended, ``{"peak": bytes,
"over": whether memory was the reason, "foreign": whether neither the server nor the submission
ended it}``, and it ends the shell when the other side closes. The others become its standard input
and output.

Source: the manual pages clone(2), pidfd_open(2), wait4(2).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from coursekit.grading.inside import confine, namespaces
from coursekit.grading.inside.memory import Meter, Tree, pause

__all__ = ["main"]

_SHELL = "coursekit.grading.inside.shell"
_Order = dict[str, Any]


class _Child:
    """A shell that was forked, and the socket of whoever asked for it."""

    def __init__(self, pid: int, line: int, order: _Order) -> None:
        self.line, self.handle = socket.socket(fileno=line), os.pidfd_open(pid)
        self.tree = Tree(pid, order["memory"], namespaces.SCRATCH)
        self.is_over = False
        self._cpu = order["cpu"]

    def kill(self) -> None:
        """Kill all its processes; the kernel takes those that are born meanwhile."""
        for pid in {*self.tree.pids, self.tree.root}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def report(self) -> None:
        """Say how it ended."""
        _, status, usage = os.wait4(self.tree.root, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        foreign = killed and not self.is_over and usage.ru_utime + usage.ru_stime < self._cpu - 1
        said = {"peak": self.tree.peak, "over": self.is_over, "foreign": foreign}
        with contextlib.suppress(OSError):
            self.line.send(json.dumps(said).encode())
        self.line.close()
        os.close(self.handle)
        self.tree.close()


def main() -> None:
    """Fork a shell for each request until the socket closes."""
    server, is_fresh = socket.socket(fileno=int(sys.argv[1])), sys.argv[2] == "fresh"
    if not is_fresh:
        _preload(sys.argv[3:])
    namespaces.require_one_thread()
    server.sendall(b"ready")
    children: dict[int, _Child] = {}
    meter = Meter()
    while True:
        trees = [child.tree for child in children.values()]
        waited: list[Any] = [server, *children, *(child.line for child in children.values())]
        ready = select.select(waited, [], [], pause(trees) if trees else None)[0]
        meter.measure(trees)
        for handle, child in list(children.items()):
            child.is_over = child.is_over or child.tree.now > child.tree.limit
            if handle in ready:
                children.pop(handle).report()
            elif child.is_over or child.line in ready:
                child.kill()
        if server in ready:
            try:
                message, descriptors, _, _ = socket.recv_fds(server, 1024, 8, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            if not message:
                return
            confine.die_with_parent()  # bubblewrap, the first parent, has been ended by now
            order, (line, *pipes) = json.loads(message), descriptors
            try:
                pid = namespaces.fork()
                if pid == 0:
                    _be_the_shell(line, pipes, order, is_fresh)
                child = _Child(pid, line, order)
                children[child.handle] = child
            except OSError:  # the machine cannot fork: the socket closes, and nothing came
                os.close(line)
            for descriptor in pipes:
                os.close(descriptor)


def _preload(libraries: list[str]) -> None:
    import IPython.core.completer
    import IPython.core.magics  # noqa: F401

    from coursekit.grading.inside import quick_torch

    quick_torch.install()
    for name in (_SHELL, *libraries):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a child would write to every page, and so copy it


def _be_the_shell(line: int, pipes: list[int], order: _Order, is_fresh: bool) -> None:
    """Make the sandbox and serve in it; does not return."""
    try:
        confine.die_with_parent()
        namespaces.seclude(order["scratch_bytes"], order["scratch_files"])
        os.write(line, b"!")  # with it goes, from the machine, who we are
        for descriptor, pipe in enumerate(pipes):
            os.dup2(pipe, descriptor)
        os.closerange(3, 1 << 20)
        if is_fresh:
            os.execv(sys.executable, [sys.executable, "-P", "-m", _SHELL])
        _forget_the_past()
        importlib.import_module(_SHELL).main()
    finally:
        os._exit(1)


def _forget_the_past() -> None:
    """Draw other random numbers than the siblings do."""
    import random

    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(int.from_bytes(os.urandom(4), "little"))


if __name__ == "__main__":
    main()
