"""Talk to a kernel that may lie, flood, stall or die: ask, wait with a deadline, read with bounds.

Everything that arrives is data from a stranger. Message sizes, their number and their bytes are
bounded before anything is parsed; a message that cannot be read is dropped and counted; nothing is
ever executed or unpickled. The standard-input channel is never opened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import zmq
from jupyter_client.session import Session

from coursekit.grading.errors import SubjectLost, TookTooLong
from coursekit.grading.protocol.sockets import KernelSockets

__all__ = ["Bounds", "CellResult", "KernelClient"]

_Message = dict[str, Any]
_SHOWN = {"stream", "display_data", "execute_result", "error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a kernel may send.

    Parameters
    ----------
    message_bytes : int
        Size of one part of a message.
    total_bytes, n_messages : int
        Of a whole notebook.
    cell_messages : int
        While one cell or question is answered.
    n_unreadable : int
        Messages that cannot be parsed, before the kernel is given up.
    output_bytes : int
        What is kept of what cells print and show.
    """

    message_bytes: int = 12_000_000
    total_bytes: int = 96_000_000
    n_messages: int = 60_000
    cell_messages: int = 5_000
    n_unreadable: int = 100
    output_bytes: int = 4_000_000


@dataclass(slots=True, kw_only=True)
class CellResult:
    """What came of one cell or question.

    Parameters
    ----------
    status : str
        "ok", "error", or whatever else the kernel claims.
    error : str
        The claimed type of the exception, or empty.
    outputs : list
        Messages for display, as (kind, content).
    answers : mapping
        Replies to expressions, by name.
    """

    status: str = "ok"
    error: str = ""
    outputs: list[tuple[str, _Message]] = field(default_factory=list)
    answers: Mapping[str, Any] = field(default_factory=dict)


class KernelClient:
    """The trusted end of a kernel's shell, iopub and control sockets; use `close` when done.

    Parameters
    ----------
    sockets : KernelSockets
    key : bytes
        Signs messages. The kernel has it too, so it proves nothing; it only sorts out accidents.
    is_alive : function
        Whether the kernel's process still runs.
    bounds : Bounds
    deadline : float
        Time on `timer` after which nothing is waited for any more.
    timer : function
        Seconds, growing.
    """

    def __init__(
        self,
        sockets: KernelSockets,
        key: bytes,
        *,
        is_alive: Callable[[], bool],
        bounds: Bounds,
        deadline: float,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = Session(key=key, username="grader")
        self._bounds, self._deadline, self._timer, self._is_alive = (
            bounds,
            deadline,
            timer,
            is_alive,
        )
        self._n_bytes = self._n_messages = self._n_unreadable = self._n_output = 0
        self._lost = ""
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._shell = self._connect(zmq.DEALER, sockets.address("shell"))
        self._control = self._connect(zmq.DEALER, sockets.address("control"))
        self._iopub = self._connect(zmq.SUB, sockets.address("iopub"))
        self._iopub.setsockopt(zmq.SUBSCRIBE, b"")
        self._poller = zmq.Poller()
        for socket in (self._shell, self._iopub):
            self._poller.register(socket, zmq.POLLIN)

    def wait_until_ready(self, seconds: float) -> None:
        """Wait until the kernel answers and our subscription to its output has arrived.

        Raises
        ------
        SubjectLost
            If it does not within so many seconds.
        """
        until = self._timer() + seconds
        asked = self._send(self._shell, "kernel_info_request", {})
        answered = subscribed = False
        while not (answered and subscribed):
            source, message = self._next(until)
            if message is None:
                raise self._give_up("The kernel did not start.")
            answered |= source is self._shell and _parent(message) == asked
            subscribed |= source is self._iopub

    def execute(self, code: str, seconds: float) -> CellResult:
        """Run a cell; interrupt it at the deadline.

        Raises
        ------
        TookTooLong
            If it was interrupted and the kernel lives on. What it showed until then is in the
            exception's ``result``.
        SubjectLost
            If the kernel is gone.
        """
        return self._run(
            {"code": code, "silent": False, "store_history": False},
            seconds,
            f"took longer than {seconds:g} s",
        )

    def ask(self, expression: str, seconds: float) -> Any:
        """Return the kernel's claim about an expression, as the data of a MIME bundle; None where
        it gives none.
        """
        content = {
            "code": "",
            "silent": True,
            "store_history": False,
            "user_expressions": {"answer": expression},
        }
        answer = self._run(content, seconds, "").answers.get("answer")
        data = answer.get("data") if isinstance(answer, dict) else None
        return data if isinstance(data, dict) else None

    @property
    def lost(self) -> str:
        """Why the kernel is gone, or nothing."""
        return self._lost

    def give_up(self, reason: str) -> None:
        """Treat the kernel as gone from now on."""
        self._give_up(reason)

    def close(self) -> None:
        """Close every socket."""
        for socket in (self._shell, self._control, self._iopub):
            socket.close(linger=0)
        self._context.destroy(linger=0)

    def _run(self, content: _Message, seconds: float, what: str) -> CellResult:
        if self._lost:
            raise SubjectLost(self._lost)
        request = {"allow_stdin": False, "stop_on_error": False, "user_expressions": {}, **content}
        asked = self._send(self._shell, "execute_request", request)
        result = CellResult()
        until = self._timer() + seconds
        interrupted = not self._await(asked, result, until)
        if interrupted:
            self._send(self._control, "interrupt_request", {})
            if not self._await(asked, result, self._timer() + 3.0, idle_seconds=0.2):
                raise self._give_up(
                    "The kernel did not stop when it was interrupted, so it was ended."
                )
            raise _Interrupted(
                f"It {what} and was stopped."
                if what
                else f"The call took longer than {seconds:g} s.",
                result,
            )
        return result

    def _await(
        self, asked: str, result: CellResult, until: float, idle_seconds: float = 1.0
    ) -> bool:
        """Collect until the reply and the end of the output are there; False at the time
        `until`.
        """
        replied = idle = False
        budget = self._bounds.cell_messages
        while not (replied and idle):
            source, message = self._next(until)
            if message is None:
                return replied
            budget -= 1
            if budget < 0:
                raise self._give_up("The notebook sent too many messages, so its kernel was ended.")
            if _parent(message) != asked:
                continue
            if source is self._shell and not replied:
                replied = True
                until = min(until, self._timer() + idle_seconds)
                _read_reply(message, result)
            elif source is self._iopub:
                idle |= self._collect(message, result)
        return True

    def _collect(self, message: _Message, result: CellResult) -> bool:
        """Keep what a cell shows; say whether it was the last of it."""
        kind, content = message.get("msg_type"), message["content"]
        if kind == "status":
            return bool(content.get("execution_state") == "idle")
        if isinstance(kind, str) and kind in _SHOWN:
            self._n_output += message["size"]
            if self._n_output <= self._bounds.output_bytes:
                result.outputs.append((kind, content))
        return False

    def _next(self, until: float) -> tuple[Any, _Message | None]:
        """Return the next readable message and its socket; None at the time `until`."""
        while True:
            now = self._timer()
            if now >= self._deadline:
                raise self._give_up("The notebook took longer than its time.")
            if self._lost:
                raise SubjectLost(self._lost)
            ready = dict(
                self._poller.poll(int(1000 * max(0.0, min(until - now, self._deadline - now, 0.1))))
            )
            for socket in (self._iopub, self._shell):  # output first: it was sent before the reply
                if socket in ready:
                    message = self._receive(socket)
                    if message is not None:
                        return socket, message
            if not ready and not self._is_alive():
                raise self._give_up(
                    "The kernel ended by itself: out of memory, a crash, or an exit in a cell."
                )
            if not ready and now >= until:
                return None, None
            if ready and now >= until + 1.0:  # a flood does not stretch time
                return None, None

    def _receive(self, socket: zmq.Socket[bytes]) -> _Message | None:
        try:
            parts = socket.recv_multipart(zmq.NOBLOCK)
        except zmq.ZMQError:
            return None
        size = sum(map(len, parts))
        self._n_bytes += size
        self._n_messages += 1
        if (
            self._n_bytes > self._bounds.total_bytes
            or self._n_messages > self._bounds.n_messages
            or len(parts) > 1000
        ):
            raise self._give_up("The notebook sent too much, so its kernel was ended.")
        try:
            _, frames = self._session.feed_identities(parts)
            message = self._session.deserialize(frames)
        except Exception:  # noqa: BLE001 - whatever a stranger's bytes cause in a parser, they are unreadable
            self._count_unreadable()
            return None
        readable = isinstance(message, dict) and all(
            isinstance(message.get(name), dict) for name in ("header", "parent_header", "content")
        )
        if not readable:
            self._count_unreadable()
            return None
        return {**message, "size": size}

    def _count_unreadable(self) -> None:
        self._n_unreadable += 1
        if self._n_unreadable > self._bounds.n_unreadable:
            raise self._give_up(
                "The notebook sent messages that cannot be read, so its kernel was ended."
            )

    def _send(self, socket: zmq.Socket[bytes], kind: str, content: _Message) -> str:
        message = self._session.msg(kind, content)
        try:
            socket.send_multipart(self._session.serialize(message), zmq.NOBLOCK)
        except zmq.Again as error:
            raise self._give_up("The kernel takes no more questions.") from error
        return str(message["header"]["msg_id"])

    def _connect(self, kind: int, address: str) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.MAXMSGSIZE, self._bounds.message_bytes)
        socket.setsockopt(zmq.RCVHWM, 1000)
        socket.setsockopt(zmq.RECONNECT_IVL, 10)
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(address)
        return socket

    def _give_up(self, reason: str) -> SubjectLost:
        self._lost = self._lost or reason
        return SubjectLost(self._lost)


class _Interrupted(TookTooLong):
    def __init__(self, message: str, result: CellResult) -> None:
        super().__init__(message)
        self.result = result


def _parent(message: _Message) -> object:
    return message["parent_header"].get("msg_id")


def _read_reply(message: _Message, result: CellResult) -> None:
    content = message["content"]
    status, error, answers = (
        content.get("status"),
        content.get("ename"),
        content.get("user_expressions"),
    )
    result.status = "ok" if status == "ok" else "error"
    result.error = error[:100] if result.status == "error" and isinstance(error, str) else ""
    result.answers = answers if isinstance(answers, dict) else {}
