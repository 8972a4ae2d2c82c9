"""The trusted end of the line to a process that may lie, flood, stall or die.

Everything that arrives is data from a stranger. Sizes of frames, their number and their bytes are
bounded before anything is parsed; a frame that cannot be read is dropped and counted; nothing is
ever executed or unpickled.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coursekit.grading.errors import RefusedReply, SubjectLost
from coursekit.grading.inside.line import MAX_FRAME
from coursekit.grading.protocol.codec import ReplyLimits, parse
from coursekit.grading.sandbox.process import Ending, Process

__all__ = ["Bounds", "Frames"]

_CHUNK = 1 << 16
_WAITING_CHUNKS = 64
_DYING_SECONDS = 0.5
"""Between the end of the line and that of the process, which says why."""
_Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a process may send.

    Parameters
    ----------
    frame_bytes : int
        Size of one frame.
    total_bytes, n_frames : int
        Of a whole notebook.
    n_unreadable : int
        Frames that cannot be parsed, before the process is given up.
    output_bytes : int
        What is kept of what cells print and show.
    """

    frame_bytes: int = MAX_FRAME
    total_bytes: int = 96_000_000
    n_frames: int = 20_000
    n_unreadable: int = 100
    output_bytes: int = 4_000_000


class Frames:
    """Frames to and from a process, within bounds and until a deadline; `close` ends the process.

    Parameters
    ----------
    process : Process
    bounds : Bounds
    deadline : float
        Time on `timer` after which nothing is waited for any more.
    over : str
        What to say then.
    timer : function
        Seconds, growing.

    Attributes
    ----------
    lost : str
        Why the process is gone, or empty.
    """

    def __init__(
        self,
        process: Process,
        bounds: Bounds,
        deadline: float,
        over: str = "The notebook took longer than its time.",
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lost = ""
        self.deadline, self._over = deadline, over
        self._process, self._bounds, self._timer = process, bounds, timer
        self._limits = ReplyLimits(max_bytes=bounds.frame_bytes)
        self._buffer = bytearray()
        self._n_bytes = self._n_frames = self._n_unreadable = 0
        self._chunks: queue.Queue[bytes] = queue.Queue(_WAITING_CHUNKS)
        self._closed = False
        self._reader = threading.Thread(target=self._listen, name="frames", daemon=True)
        self._reader.start()

    def send(self, message: _Message, seconds: float) -> None:
        """Send a message; a process that does not read it within so many seconds is ended.

        Raises
        ------
        SubjectLost
            If the process is gone.
        """
        if self.lost:
            raise SubjectLost(self.lost)
        body = json.dumps(message, allow_nan=False).encode()
        deaf = threading.Timer(seconds, self._process.kill)
        deaf.daemon = True
        if len(body) >= _CHUNK // 2:  # less than that always fits into the pipe
            deaf.start()
        rest = memoryview(struct.pack(">I", len(body)) + body)
        try:
            while rest:
                rest = rest[os.write(self._process.writing, rest) :]
        except OSError as error:
            self._process.ends_within(_DYING_SECONDS)
            raise self.give_up(ENDED) from error
        finally:
            deaf.cancel()

    def receive(self, until: float) -> _Message | None:
        """Return the next readable frame; None at the time `until`.

        Raises
        ------
        SubjectLost
            If the process is gone, sends too much, or its time is over.
        """
        while True:
            frame = self._next_frame()
            if frame is not None:
                return frame
            now = self._timer()
            if now >= self.deadline:
                raise self.give_up(self._over)
            if self.lost:
                raise SubjectLost(self.lost)
            if now >= until:
                return None
            try:
                chunk = self._chunks.get(timeout=min(until - now, self.deadline - now, 0.1))
            except queue.Empty:
                if self._process.ends_within(0):
                    raise self.give_up(ENDED) from None
                continue
            if not chunk:
                self._process.ends_within(_DYING_SECONDS)
                raise self.give_up(ENDED)
            self._buffer += chunk
            self._n_bytes += len(chunk)

    def give_up(self, reason: str) -> SubjectLost:
        """Treat the process as gone from now on."""
        self.lost = self.lost or reason
        return SubjectLost(self.lost)

    def close(self) -> Ending:
        """End the process and the thread that listens to it; return how the process ended."""
        self._closed = True
        self.give_up(ENDED)
        self._process.kill()
        while self._reader.is_alive():
            with contextlib.suppress(queue.Empty):
                self._chunks.get(timeout=0.01)
        return self._process.end()

    def _next_frame(self) -> _Message | None:
        """Take a readable frame from what has arrived, if there is a whole one."""
        while len(self._buffer) >= 4:
            size = struct.unpack(">I", self._buffer[:4])[0]
            if size > self._bounds.frame_bytes or self._n_bytes > self._bounds.total_bytes:
                raise self.give_up("The notebook sent too much, so its process was ended.")
            if len(self._buffer) < 4 + size:
                return None
            body = bytes(self._buffer[4 : 4 + size])
            del self._buffer[: 4 + size]
            self._n_frames += 1
            if self._n_frames > self._bounds.n_frames:
                raise self.give_up("The notebook sent too many frames, so its process was ended.")
            try:
                message = parse(body, self._limits)
            except RefusedReply:
                message = None
            if isinstance(message, dict):
                return message
            self._n_unreadable += 1
            if self._n_unreadable > self._bounds.n_unreadable:
                raise self.give_up(
                    "The notebook sent frames that cannot be read, so its process was ended."
                )
        return None

    def _listen(self) -> None:
        """Hand over what arrives, and an empty chunk at the end; wait while nobody takes it."""
        chunk = b"-"
        while chunk and not self._closed:
            try:
                chunk = os.read(self._process.reading, _CHUNK)
            except OSError:
                chunk = b""
            self._chunks.put(chunk)


ENDED = "The process ended by itself: out of memory, a crash, or an exit in a cell."
