"""A solution in a fresh process of its own: for `coursekit check` in a terminal.

A process keeps an endless loop, a crash or an exit of the solution away from the checks. It is no
sandbox; grading somebody else's work needs one.
"""

from __future__ import annotations

import importlib.util
import json
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from coursekit.core.processes import clean_environment, python
from coursekit.grading.errors import GradingError, SubjectLost, TookTooLong
from coursekit.grading.exercises.notebook import CodeCell
from coursekit.grading.protocol.subject import Subject

__all__ = ["ProcessSubject"]

GRACE_SECONDS = 3.0


class ProcessSubject(Subject):
    """Cells of a notebook, run top to bottom in a new Python process that then answers questions.

    Use it in a `with` block; the process ends with it.

    Parameters
    ----------
    cells : sequence of CodeCell
    folder : Path
        Where the process works.
    run_seconds : float
        How long all cells together may take.
    call_seconds : float
        How long the answer to one question may take.

    Attributes
    ----------
    errors : list of (CodeCell, type name, message)
        Cells that raised.
    """

    def __init__(
        self,
        cells: Sequence[CodeCell],
        folder: Path,
        *,
        run_seconds: float = 120.0,
        call_seconds: float = 10.0,
    ) -> None:
        super().__init__()
        self.errors: list[tuple[CodeCell, str, str]] = []
        self._call_seconds = call_seconds
        self._lost = ""
        self._process = _start(folder)
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self._run(cells, run_seconds)
        except BaseException:
            self.close()
            raise

    @property
    def lost(self) -> str:
        """Why the process no longer answers; empty while it does."""
        return self._lost

    def exchange(self, request: str) -> str:
        """Ask the process; interrupt it at the deadline, end it if that does not help."""
        if self._lost:
            raise SubjectLost(self._lost)
        self._send(request)
        reply = self._receive(self._call_seconds)
        if reply is None:
            self._interrupt()
            raise TookTooLong(
                f"The call took longer than {self._call_seconds:g} s and was stopped. Is "
                f"there an endless loop?"
            )
        return reply

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> ProcessSubject:
        """Use the process."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self.close()

    def _run(self, cells: Sequence[CodeCell], seconds: float) -> None:
        self._send(json.dumps({"cells": [cell.source for cell in cells]}))
        try:
            answer = self._receive(seconds)
        except SubjectLost:
            return  # every question will say so
        if answer is None:
            self._give_up(f"The notebook's cells took longer than {seconds:g} s together.")
            return
        for cell, error in zip(cells, json.loads(answer)["errors"], strict=True):
            if error is not None:
                self.errors.append((cell, error["type"], error["message"]))

    def _send(self, text: str) -> None:
        stream: Any = self._process.stdin
        try:
            stream.write(text.encode() + b"\n")
            stream.flush()
        except OSError:
            self._give_up(_LEFT)

    def _receive(self, seconds: float) -> str | None:
        """Wait for a line; None at the deadline."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return None
        if not line:
            self._give_up(_LEFT)
            raise SubjectLost(self._lost)
        return line

    def _interrupt(self) -> None:
        """Stop the call that is running; what it may still answer is thrown away."""
        try:
            self._process.send_signal(signal.SIGINT)
        except ValueError:  # Windows has no such signal
            self._give_up("The solution was ended because it took too long.")
            return
        deadline = time.monotonic() + GRACE_SECONDS
        while (rest := deadline - time.monotonic()) > 0:
            if self._receive(rest) is not None:
                return
        self._give_up("The solution did not stop when it was interrupted, so it was ended.")

    def _give_up(self, reason: str) -> None:
        self._lost = self._lost or reason
        self._process.kill()

    def _listen(self) -> None:
        """Turn what the process says into lines, and its end into an empty one."""
        stream: Any = self._process.stdout
        try:
            for line in stream:
                self._lines.put(line.decode("utf-8", "replace").rstrip("\n"))
        except (OSError, ValueError):  # closed while we listened
            pass
        self._lines.put("")


_LEFT = "The process of the solution ended by itself: out of memory, a crash, or an exit in a cell."


def _start(folder: Path) -> subprocess.Popen[bytes]:
    if importlib.util.find_spec("IPython") is None:
        raise GradingError(
            "Running a notebook needs IPython. Install it with: pip install 'coursekit[lab]'."
        )
    command = python("coursekit.grading.inside.shell", str(folder))
    return subprocess.Popen(
        command,
        cwd="/",
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
