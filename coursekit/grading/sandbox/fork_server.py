"""The trusted end of a fork server: one sandbox for a class, and in it a smaller one for each
submission.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

from coursekit.grading.errors import MachineFaultError
from coursekit.grading.sandbox.bubblewrap import first_inside, start
from coursekit.grading.sandbox.control_group import ControlGroup, ControlGroups, find_control_groups
from coursekit.grading.sandbox.limits import Limits
from coursekit.grading.sandbox.mounts import HOME, Mounts
from coursekit.grading.sandbox.orphans import adopt_orphans, collect
from coursekit.grading.sandbox.process import Ending, Process, end_tree, is_running

__all__ = ["ForkServer", "Forks"]

_MODULE = "coursekit.grading.inside.fork_server"
_START_SECONDS = 180.0
_FORK_SECONDS = 20.0
_MB = 1_000_000


class Forks:
    """The client's end of a fork server's socket; several processes may share it.

    Parameters
    ----------
    line : socket
    groups : ControlGroups, optional
        Where a control group for each process is made.
    """

    def __init__(self, line: socket.socket, groups: ControlGroups | None = None) -> None:
        self._line, self.groups = line, groups

    @classmethod
    def of(cls, arguments: Sequence[str]) -> Forks:
        """Return the client that another process described; it passed the first as descriptor."""
        line, *where = arguments
        groups = ControlGroups(Path(where[0]), int(where[1])) if where else None
        return cls(socket.socket(fileno=int(line)), groups)

    def arguments(self) -> list[str]:
        """Return arguments for `of` in another process."""
        groups = self.groups
        where = [] if groups is None else [str(groups.folder), str(groups.version)]
        return [str(self.fileno()), *where]

    def fileno(self) -> int:
        """Return the descriptor of the socket, for another process."""
        return self._line.fileno()

    def launch(self, limits: Limits) -> Process:
        """Start a process in a sandbox of its own. What it may see was decided when the server
        started.

        Raises
        ------
        MachineFaultError
            If the server is gone, or the machine cannot start a process.
        """
        order = {
            "memory": limits.memory_mb * _MB,
            "cpu": limits.cpu_seconds,
            "scratch_bytes": limits.scratch_mb * _MB,
            "scratch_files": limits.n_files,
        }
        with contextlib.ExitStack() as opened:
            ours, theirs = socket.socketpair()
            (their_input, writing), (reading, their_output) = os.pipe(), os.pipe()
            opened.callback(ours.close)
            for descriptor in (reading, writing):
                opened.callback(os.close, descriptor)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            ours.settimeout(_FORK_SECONDS)
            given = [theirs.detach(), their_input, their_output]
            try:
                socket.send_fds(self._line, [json.dumps(order).encode()], given)
            except OSError as error:
                raise MachineFaultError("The fork server is gone.") from error
            finally:
                for descriptor in given:
                    os.close(descriptor)
            forked = _Forked(ours, _sender_of_first_byte(ours), reading, writing)
            opened.pop_all()
        try:
            forked.join_group(self.groups, order["memory"])
        except OSError as error:
            forked.end()
            raise MachineFaultError(f"There is no control group for it: {error}.") from error
        return forked


class ForkServer(Forks):
    """A sandbox that starts processes, each in a sandbox of its own; `close` it at the end.

    Parameters
    ----------
    libraries : sequence of str
        What it imports beforehand, if processes are forks that have them in memory.
    mounts : Mounts
    limits : Limits
        Here they bound its own temporary folders; a process is bound by those of its own.
    forked : bool
        Whether its processes are forks of it; otherwise each is a new interpreter.

    Raises
    ------
    MachineFaultError
        If it does not start.
    """

    def __init__(
        self, libraries: Sequence[str], mounts: Mounts, limits: Limits, *, forked: bool = False
    ) -> None:
        adopt_orphans()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(ours, find_control_groups())
        kind = ["forked", *libraries] if forked else ["fresh"]
        program = [sys.executable, "-P", "-m", _MODULE, str(theirs.fileno()), *kind]
        with theirs, contextlib.ExitStack() as opened:
            opened.callback(self._line.close)
            opened.callback(self._close_groups)
            self._process = start(
                program,
                mounts=mounts,
                limits=limits,
                pass_fds=[theirs.fileno()],
                nested_namespaces=True,
            )
            opened.pop_all()
        self.pid = first_inside(self._process)
        ours.settimeout(_START_SECONDS)
        try:
            if ours.recv(64) != b"ready":
                raise MachineFaultError(f"The fork server ({', '.join(kind)}) did not start.")
            if self.groups is not None:
                self.groups.add_server(self.pid)
        except OSError as error:
            self.close()
            raise MachineFaultError(f"The fork server did not start: {error}.") from error
        except MachineFaultError:
            self.close()
            raise

    def is_alive(self) -> bool:
        """Return whether it still serves."""
        return is_running(self.pid)

    def close(self) -> None:
        """End the server and every process from it."""
        self._line.close()
        end_tree(self.pid)
        self._process.wait()
        collect([self.pid])
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._close_groups()

    def __enter__(self) -> ForkServer:
        """Use the server."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.close()

    def _close_groups(self) -> None:
        if self.groups is not None:
            self.groups.close()


class _Forked:
    """A process from a fork server, the first one of its namespace: with it, all others die."""

    folder = str(HOME)
    confined = filtered = True

    def __init__(self, line: socket.socket, pid: int, reading: int, writing: int) -> None:
        self.pid = pid
        self.reading, self.writing = reading, writing
        self._line, self._handle = line, os.pidfd_open(pid)
        self._group: ControlGroup | None = None
        self._killed = False

    def join_group(self, groups: ControlGroups | None, memory_bytes: int) -> None:
        """Move it to a control group of its own, if there are any."""
        if groups is not None:
            self._group = groups.create(memory_bytes)
            self._group.add(self.pid)

    def ends_within(self, seconds: float) -> bool:
        """Return whether it has ended, after so many seconds at most."""
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return bool(poll.poll(1000 * seconds))

    def interrupt(self) -> None:
        """Send SIGINT."""
        self._send(signal.SIGINT)

    def kill(self) -> None:
        """Kill it and everything that it started."""
        self._killed = self._killed or not self.ends_within(0)
        self._send(signal.SIGKILL)

    def end(self) -> Ending:
        """Wait until everything is dead."""
        self.kill()
        self.ends_within(_FORK_SECONDS)
        ending = self._ending()
        self._line.close()
        for descriptor in (self._handle, self.reading, self.writing):
            os.close(descriptor)
        if self._group is not None:
            self._group.close()
        return ending

    def _ending(self) -> Ending:
        """Read what the server says about the end."""
        is_full = self._group is not None and self._group.was_full
        try:
            said = json.loads(self._line.recv(1024))
        except (OSError, ValueError):
            return Ending(fault="The fork server ended.")
        foreign = said["foreign"] and not self._killed and not is_full
        return Ending(
            peak_bytes=said["peak"],
            over_memory=said["over"] or is_full,
            fault="The machine killed the process." if foreign else "",
        )

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)


def _sender_of_first_byte(line: socket.socket) -> int:
    """Return the process at the other end as this side sees it; the machine says so, not the
    process.

    Raises
    ------
    MachineFaultError
        If it ended before it could say anything.
    """
    room = socket.CMSG_SPACE(struct.calcsize("3i"))
    try:
        said, extras, _, _ = line.recvmsg(1, room)
    except OSError as error:
        raise MachineFaultError("The fork server did not answer.") from error
    for level, kind, data in extras:
        if said == b"!" and (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            pid: int = struct.unpack("3i", data)[0]
            return pid
    raise MachineFaultError("The fork server could not start a process.")
