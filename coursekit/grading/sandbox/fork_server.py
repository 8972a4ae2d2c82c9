"""The trusted end of a fork server: one sandbox with the libraries in memory, and a process forked
from it for each submission.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Sequence

from coursekit.grading.errors import SubjectLost
from coursekit.grading.sandbox.bubblewrap import start
from coursekit.grading.sandbox.limits import Limits
from coursekit.grading.sandbox.mounts import HOME, Mounts
from coursekit.grading.sandbox.orphans import adopt_orphans, process_tree
from coursekit.grading.sandbox.process import Process, Sandboxed, send_signal

__all__ = ["ForkServer"]

_MODULE = "coursekit.grading.inside.fork_server"
_START_SECONDS = 180.0
_FORK_SECONDS = 20.0


class ForkServer:
    """A sandbox that forks processes, with the same guarantees for each; use `launch` like
    `sandboxed`, and `close` at the end.

    Parameters
    ----------
    libraries : sequence of str
        What it imports beforehand.
    mounts : Mounts
    limits : Limits
        Here they bound its temporary folders; a process is bound by those of its own.

    Raises
    ------
    SubjectLost
        If it does not start.
    """

    def __init__(self, libraries: Sequence[str], mounts: Mounts, limits: Limits) -> None:
        adopt_orphans()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._mounts = mounts
        with theirs:
            program = [sys.executable, "-P", "-m", _MODULE, str(theirs.fileno()), *libraries]
            self._sandbox = Sandboxed(
                start(
                    program,
                    mounts=mounts,
                    limits=limits,
                    pass_fds=[theirs.fileno()],
                    nested_namespaces=True,
                    first=True,
                )
            )
        self._socket.settimeout(_START_SECONDS)
        if self._socket.recv(64) != b"ready":
            self.close()
            raise SubjectLost(
                f"The fork server for {', '.join(libraries) or 'no library'} did not start."
            )
        self._sandbox.settle()

    @property
    def pid(self) -> int:
        """The root of the sandbox."""
        return self._sandbox.pid

    def is_alive(self) -> bool:
        """Return whether it still serves."""
        return self._sandbox.is_alive()

    def launch(self, mounts: Mounts, limits: Limits) -> Process:
        """Fork a process. What it may see was decided when the server started."""
        if mounts != self._mounts:
            raise ValueError(f"this fork server shows {self._mounts}, not {mounts}")
        ours, line = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        ours.settimeout(_FORK_SECONDS)
        (their_input, writing), (reading, their_output) = os.pipe(), os.pipe()
        with line:
            socket.send_fds(self._socket, [b"fork"], [line.fileno(), their_input, their_output])
        os.close(their_input)
        os.close(their_output)
        return _Forked(ours, _sender_of_first_byte(ours), reading, writing)

    def close(self) -> None:
        """End the server and every process from it."""
        self._socket.close()
        self._sandbox.end()


class _Forked:
    """A process from a fork server: it ends when the socket to its guard does."""

    folder = str(HOME)
    confined = filtered = True

    def __init__(self, line: socket.socket, guard: int, reading: int, writing: int) -> None:
        self.pid = guard
        self.reading, self.writing = reading, writing
        self._line = line

    def settle(self) -> None:
        """Its guard has seen to everything."""

    def is_alive(self) -> bool:
        """Return whether the guard still holds the socket."""
        poll = select.poll()
        poll.register(self._line, select.POLLIN)
        return not poll.poll(0)

    def interrupt(self) -> None:
        """Interrupt the guard's child."""
        for pid in process_tree(self.pid)[1:2]:
            send_signal(pid, signal.SIGINT)

    def kill(self) -> None:
        """Close the socket on this side, upon which the guard kills everything."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_WR)

    def end(self) -> None:
        """Wait until the guard closes its side, which it does when everything is dead."""
        self.kill()
        with contextlib.suppress(OSError):
            self._line.settimeout(_FORK_SECONDS)
            self._line.recv(1)
        self._line.close()
        os.close(self.reading)
        os.close(self.writing)


def _sender_of_first_byte(line: socket.socket) -> int:
    """Return the process at the other end as this side sees it; the machine says so, not the
    process.

    Raises
    ------
    SubjectLost
        If it ended before it could say anything.
    """
    room = socket.CMSG_SPACE(struct.calcsize("3i"))
    try:
        said, extras, _, _ = line.recvmsg(1, room)
    except OSError as error:
        raise SubjectLost("The fork server did not answer.") from error
    if not said:
        raise SubjectLost("The fork server could not fork.")
    for level, kind, data in extras:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            pid: int = struct.unpack("3i", data)[0]
            return pid
    raise SubjectLost("The fork server did not say who it is.")
