"""The trusted end of a fork server: one sandbox with the libraries in memory, a kernel from it in a
blink.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from coursekit.grading.errors import SubjectLost
from coursekit.grading.protocol.kernel import Launch, Sandbox, order_file
from coursekit.grading.sandbox import Limits, Mounts, start

__all__ = ["ForkServer"]

_START_SECONDS = 180.0
_FORK_SECONDS = 20.0


class ForkServer:
    """A sandbox that lends warm kernels, the same guarantees for each; use `launch` like
    `sandboxed`, and `close` at the end.

    Parameters
    ----------
    libraries : sequence of str
        What it imports beforehand.
    mounts : Mounts
    limits : Limits
        Here they bound its temporary folders; a kernel is bound by those of its own.

    Raises
    ------
    SubjectLost
        If it does not start.
    """

    def __init__(self, libraries: Sequence[str], mounts: Mounts, limits: Limits) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._mounts = mounts
        with theirs:
            program = [sys.executable, "-m", "zygote", str(theirs.fileno()), *libraries]
            process = start(
                program,
                mounts=mounts,
                limits=limits,
                pass_fds=[theirs.fileno()],
                nested_namespaces=True,
            )
        self._sandbox = Sandbox(process)
        self._socket.settimeout(_START_SECONDS)
        if self._socket.recv(64) != b"ready":
            self.close()
            raise SubjectLost(
                f"The fork server for {', '.join(libraries) or 'no library'} did not start."
            )

    @property
    def pid(self) -> int:
        """The root of the sandbox."""
        return self._sandbox.pid

    def is_alive(self) -> bool:
        """Return whether it still serves."""
        return self._sandbox.is_alive()

    def launch(
        self, order: Mapping[str, Any], descriptors: list[int], mounts: Mounts, limits: Limits
    ) -> Launch:
        """Fork a kernel. What it may see was decided when the server started."""
        if mounts != self._mounts:
            raise ValueError(f"this fork server shows {self._mounts}, not {mounts}")
        ours, line = socket.socketpair()
        order = {**order, "scratch_bytes": limits.scratch_mb * 1_000_000}
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        ours.settimeout(_FORK_SECONDS)
        with order_file(order) as stdin, line:
            socket.send_fds(self._socket, [b"fork"], [line.fileno(), stdin, *descriptors])
        return _Forked(ours, _sender_of_first_byte(ours))

    def close(self) -> None:
        """End the server and every kernel from it."""
        self._socket.close()
        self._sandbox.end()


class _Forked:
    """A kernel from a fork server: it ends when the line to its guard does."""

    def __init__(self, line: socket.socket, guard: int) -> None:
        self.pid = guard
        self._line = line

    def is_alive(self) -> bool:
        """Return whether the guard still holds the line."""
        self._line.setblocking(False)
        try:
            return self._line.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def end(self) -> None:
        """Let go of the line and wait until the guard does, which it does when everything is
        dead.
        """
        try:
            self._line.settimeout(_FORK_SECONDS)
            self._line.shutdown(socket.SHUT_WR)
            self._line.recv(1)
        except OSError:
            pass
        self._line.close()


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
        raise SubjectLost("The fork server could not make a kernel.")
    for level, kind, data in extras:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            pid: int = struct.unpack("3i", data)[0]
            return pid
    raise SubjectLost("The fork server did not say who it is.")
