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
from coursekit.grading.sandbox.orphans import adopt_orphans
from coursekit.grading.sandbox.process import Process, Sandboxed

__all__ = ["ForkServer", "Forks"]

_MODULE = "coursekit.grading.inside.fork_server"
_START_SECONDS = 180.0
_FORK_SECONDS = 20.0


class Forks:
    """The client's end of a fork server's socket; several processes may share it.

    Parameters
    ----------
    line : socket
    mounts : Mounts
        What the server shows.
    """

    def __init__(self, line: socket.socket, mounts: Mounts) -> None:
        self._line, self._mounts = line, mounts

    def launch(self, mounts: Mounts, limits: Limits) -> Process:
        """Fork a process. What it may see was decided when the server started."""
        if mounts != self._mounts:
            raise ValueError(f"this fork server shows {self._mounts}, not {mounts}")
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        ours.settimeout(_FORK_SECONDS)
        (their_input, writing), (reading, their_output) = os.pipe(), os.pipe()
        with theirs:
            socket.send_fds(self._line, [b"fork"], [theirs.fileno(), their_input, their_output])
        os.close(their_input)
        os.close(their_output)
        return _Forked(ours, _sender_of_first_byte(ours), reading, writing)


class ForkServer(Forks):
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
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(ours, mounts)
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
        ours.settimeout(_START_SECONDS)
        if ours.recv(64) != b"ready":
            self.close()
            raise SubjectLost(
                f"The fork server for {', '.join(libraries) or 'no library'} did not start."
            )

    @property
    def pid(self) -> int:
        """The root of the sandbox."""
        return self._sandbox.pid

    def fileno(self) -> int:
        """Return the descriptor of the socket, for another process."""
        return self._line.fileno()

    def is_alive(self) -> bool:
        """Return whether it still serves."""
        return self._sandbox.is_alive()

    def close(self) -> None:
        """End the server and every process from it."""
        self._line.close()
        self._sandbox.end()


class _Forked:
    """A process from a fork server, the first one of its namespace: with it, all others die."""

    folder = str(HOME)
    confined = filtered = True

    def __init__(self, line: socket.socket, pid: int, reading: int, writing: int) -> None:
        self.pid = pid
        self.reading, self.writing = reading, writing
        self._line, self._handle = line, os.pidfd_open(pid)

    def is_alive(self) -> bool:
        """Return whether it still runs."""
        return not self._ends_within(0)

    def interrupt(self) -> None:
        """Send SIGINT."""
        self._send(signal.SIGINT)

    def kill(self) -> None:
        """Kill it and everything that it started."""
        self._send(signal.SIGKILL)

    def end(self) -> None:
        """Wait until everything is dead."""
        self.kill()
        self._ends_within(_FORK_SECONDS)
        self._line.close()
        for descriptor in (self._handle, self.reading, self.writing):
            os.close(descriptor)

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)

    def _ends_within(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return bool(poll.poll(1000 * seconds))


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
