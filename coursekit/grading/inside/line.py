"""The student's end of the line to the grader: frames of JSON over a pair of pipes.

A frame is four bytes of length, big endian, and that many bytes of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["MAX_FRAME", "Line"]

MAX_FRAME = 12_000_000

_Message = dict[str, Any]


class Line:
    """Two pipes; what a fork of this process writes is not sent.

    Parameters
    ----------
    reading, writing : int
        Descriptors.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._lock = threading.Lock()
        self._pid = os.getpid()

    @classmethod
    def from_standard_streams(cls) -> Line:
        """Keep standard input and output to ourselves and leave nothing in their place."""
        line = cls(os.dup(0), os.dup(1))
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        os.close(nothing)
        return line

    @property
    def is_ours(self) -> bool:
        """Whether this is the process that the line was given to, not a fork of it."""
        return os.getpid() == self._pid

    def receive(self) -> _Message | None:
        """Return the next message, or None at the end of the line."""
        head = self._read(4)
        body = self._read(struct.unpack(">I", head)[0]) if head is not None else None
        return None if body is None else json.loads(body)

    def send(self, message: _Message) -> None:
        """Send a message whole: an interrupt waits until it has left."""
        body = json.dumps(message).encode()
        if not self.is_ours or len(body) > MAX_FRAME:
            return
        with _interrupts_wait(), self._lock:
            rest = memoryview(struct.pack(">I", len(body)) + body)
            while rest:
                rest = rest[os.write(self._writing, rest) :]

    def _read(self, size: int) -> bytes | None:
        parts = []
        while size:
            part = os.read(self._reading, min(size, 1 << 20))
            if not part:
                return None
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
