"""A notebook in a process: its cells are run there, checks ask it questions, and when the process
dies a fresh one takes its place.
"""

from __future__ import annotations

import base64
import builtins
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from coursekit.grading.errors import (
    MachineFaultError,
    RefusedReply,
    StudentError,
    SubjectLost,
    TookTooLong,
)
from coursekit.grading.protocol.codec import DEFAULT_LIMITS
from coursekit.grading.protocol.frames import Bounds, Frames
from coursekit.grading.protocol.subject import Subject
from coursekit.grading.sandbox import Limits
from coursekit.grading.sandbox.cpu_time import cpu_seconds, held_bytes
from coursekit.grading.sandbox.process import Launcher, Process

__all__ = ["CellResult", "Session", "known_exception"]

START_SECONDS = 60.0
GRACE_SECONDS = 3.0
MAX_RESTARTS = 3

_SHOWN = {"stream", "display_data", "execute_result", "error"}
_KNOWN = {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}


@dataclass(slots=True, kw_only=True)
class CellResult:
    """What came of one cell.

    Parameters
    ----------
    error : str
        The claimed type of the exception, or empty.
    trouble : str
        Why the cell did not come to its end (time, a dead process), or empty.
    outputs : list
        In Jupyter's display form, as (kind, content).
    """

    error: str = ""
    trouble: str = ""
    outputs: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


class Session(Subject):
    """A notebook in a process of its own; use it in a `with` block.

    When the process dies in a cell or in a question, a fresh one is started before the next step:
    it runs the cells again, all but those in which a process died. The time for the notebook goes
    on meanwhile.

    Parameters
    ----------
    launch : function
        `unsandboxed`, or a fork server's.
    limits : Limits
    files : mapping of str to bytes
        What lies in its working folder at first.
    discreet : bool
        Whether an exception says no more than that it is one that Python knows: for hidden checks.

    Attributes
    ----------
    lost : str
        Why there is no process any more, or empty.
    peak_bytes : int
        The most memory that was seen.
    """

    def __init__(
        self,
        launch: Launcher,
        *,
        limits: Limits,
        files: Mapping[str, bytes] | None = None,
        discreet: bool = True,
    ) -> None:
        super().__init__(DEFAULT_LIMITS)
        self.peak_bytes = 0
        self._launch, self._limits_of_process = launch, limits
        self._files = {
            name: base64.b64encode(content).decode("ascii")
            for name, content in (files or {}).items()
        }
        self._discreet = discreet
        self._cells: list[str] = []
        self._n_starts = 0
        self._n_output = 0
        self._deadline = time.monotonic() + START_SECONDS + limits.notebook_seconds
        self._open: tuple[Process, Frames] | None = None
        self.lost = self._fault = ""

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of the process and of what it started."""
        return cpu_seconds(self.pid)

    @contextmanager
    def memory(self) -> Iterator[Callable[[], int]]:
        """Yield a function that returns the resident bytes of the process and of what it
        started.
        """
        yield lambda: held_bytes(self.pid)

    @property
    def pid(self) -> int:
        """The root of the process's tree."""
        return self._running()[0].pid

    def run_cell(self, source: str) -> CellResult:
        """Run a cell; interrupt it at the deadline. A cell in which the process dies is not run
        again.
        """
        result = CellResult()
        try:
            self._run(source, result)
        except TookTooLong as error:
            result.trouble = str(error)
        except SubjectLost as error:
            result.trouble = str(error)
            return result
        self._cells.append(source)
        return result

    def exchange(self, request: str) -> str:
        """Ask the agent in the process; interrupt it at the deadline."""
        seconds = self._limits_of_process.call_seconds
        answer = self._converse({"ask": request}, seconds, CellResult(), "The call")
        text = answer.get("reply")
        if not isinstance(text, str):
            raise RefusedReply("The reply has an unknown form.")
        return text

    def revive(self) -> None:
        """Start a fresh process where one has died, if there is one left to start."""
        if not self.lost or self._n_starts > MAX_RESTARTS or time.monotonic() >= self._deadline:
            return
        self.lost = ""
        cells, self._cells = self._cells, []
        for source in cells:
            kept = self._n_output
            self.run_cell(source)
            self._n_output = kept
            if self.lost:
                return

    def close(self) -> None:
        """End the process."""
        if self._open is not None:
            _, frames = self._open
            self._open = None
            ending = frames.close()
            self.peak_bytes = max(self.peak_bytes, ending.peak_bytes)
            self._fault = ending.fault
            if ending.over_memory:
                self.lost = "The notebook used more than its memory, so its process was ended."

    def __enter__(self) -> Session:
        """Use the session."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.close()

    def _read(self, reply: Any, operation: dict[str, Any]) -> Any:
        try:
            return super()._read(reply, operation)
        except StudentError as error:
            if not self._discreet:
                raise
            raise StudentError(known_exception(error.type_name), "") from error

    def _run(self, source: str, result: CellResult) -> None:
        answer = self._converse(
            {"cell": source}, self._limits_of_process.cell_seconds, result, "It"
        )
        error = answer.get("error")
        result.error = error[:100] if isinstance(error, str) else "an exception"

    def _converse(
        self, message: dict[str, Any], seconds: float, result: CellResult, what: str
    ) -> dict[str, Any]:
        """Send a message and wait for its answer; what is shown meanwhile goes into the result.

        Raises
        ------
        TookTooLong
            If it was interrupted and the process lives on.
        SubjectLost
            If the process is gone.
        MachineFaultError
            If the sandbox or the machine has ended it.
        """
        try:
            process, frames = self._running()
            asked = secrets.token_hex(8)
            frames.send({**message, "id": asked}, seconds)
            answer = self._await(asked, frames, result, seconds)
            if answer is not None:
                return answer
            process.interrupt()
            if self._await(asked, frames, result, GRACE_SECONDS) is None:
                raise frames.give_up(
                    "The process did not stop when it was interrupted, so it was ended."
                )
        except SubjectLost as error:
            self.lost = str(error)
            self.close()
            if self._fault:
                raise MachineFaultError(self._fault) from error
            raise SubjectLost(self.lost) from error
        raise TookTooLong(f"{what} took longer than {seconds:g} s and was stopped.")

    def _await(
        self, asked: str, frames: Frames, result: CellResult, seconds: float
    ) -> dict[str, Any] | None:
        until = time.monotonic() + seconds
        while (frame := frames.receive(until)) is not None:
            if frame.get("id") == asked:
                return frame
            if time.monotonic() > until:  # a flood does not stretch time
                return None
            self._collect(frame.get("output"), result)
        return None

    def _collect(self, output: Any, result: CellResult) -> None:
        """Keep what a cell shows, if it has the form of an output."""
        if not isinstance(output, list) or len(output) != 2:
            return
        kind, content = output
        if isinstance(kind, str) and kind in _SHOWN and isinstance(content, dict):
            self._n_output += sum(len(repr(value)) for value in content.values())
            if self._n_output <= self._limits_of_process.output_mb * 1_000_000:
                result.outputs.append((kind, content))

    def _running(self) -> tuple[Process, Frames]:
        """Return the process; start it where there is none and none was lost."""
        if self.lost:
            raise SubjectLost(self.lost)
        if self._open is None:
            self._open = self._start()
        return self._open

    def _start(self) -> tuple[Process, Frames]:
        limits = self._limits_of_process
        self._n_starts += 1
        process = self._launch(limits)
        bounds = Bounds(output_bytes=int(limits.output_mb * 1_000_000))
        over = f"The notebook took longer than {limits.notebook_seconds:g} s."
        frames = Frames(process, bounds, self._deadline, over)
        order = {
            "limits": limits.of_process(confined=process.confined),
            "filter": process.filtered,
            "files": self._files,
            "folder": process.folder,
            "output_bytes": bounds.output_bytes,
        }
        try:
            ready = frames.receive(time.monotonic() + START_SECONDS) == {"ready": True}
            if self._n_starts == 1:
                self._deadline = frames.deadline = time.monotonic() + limits.notebook_seconds
            frames.send(order, START_SECONDS)
        except SubjectLost:
            ready = False
        if not ready:
            frames.close()
            raise MachineFaultError("The process did not start.")
        return process, frames


def known_exception(name: str) -> str:
    """Return the name of a built-in exception; a solution can name its own ones after what it was
    asked.

    >>> known_exception("ValueError"), known_exception("TheInputWas42")
    ('ValueError', 'an exception')
    """
    return name if name in _KNOWN else "an exception"
