"""What cells show, as messages in Jupyter's display form, up to a number of bytes.

Text that a cell writes to descriptors 1 and 2 by other ways than Python's streams (a subprocess, a
C library) is collected in a file and sent when the cell ends.
"""

from __future__ import annotations

import base64
import io
import json
import os
import tempfile
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from coursekit.grading.inside.line import Line

__all__ = ["Hook", "Outputs", "Publisher", "Shell", "Stream"]

_BUFFERED = 8192


class Outputs:
    """Sends what a cell shows; mute while a check is asked.

    Parameters
    ----------
    line : Line
    max_bytes : int
        Of all cells together; what is larger than the rest is named instead of shown.
    """

    def __init__(self, line: Line, max_bytes: int) -> None:
        self.muted = False
        self._line, self._left = line, max_bytes
        self.streams = [Stream(self, "stdout"), Stream(self, "stderr")]
        self._files = [tempfile.TemporaryFile() for _ in self.streams]
        for descriptor, file in enumerate(self._files, start=1):
            os.dup2(file.fileno(), descriptor)

    def send(self, kind: str, content: dict[str, Any]) -> None:
        """Send one output, after the text that was written before it."""
        if kind != "stream":
            self.flush()
        try:
            text = json.dumps(content, default=_as_text, allow_nan=False)
        except (TypeError, ValueError, RecursionError):  # it has no form that could be shown
            return
        if self.muted or self._left <= 0:
            return
        if len(text) > self._left:
            left_out = ", ".join(map(str, content.get("data", [kind])))[:200]
            kind = "stream"
            text = json.dumps({"name": "stderr", "text": f"[too large to be shown: {left_out}]\n"})
        self._left -= len(text)
        self._line.send({"output": [kind, json.loads(text)]})

    def flush(self) -> None:
        """Send the text that waits."""
        for stream in self.streams:
            stream.flush()

    def end_of_cell(self) -> None:
        """Send the text that waits, and what reached the descriptors by other ways."""
        self.flush()
        for stream, file in zip(self.streams, self._files, strict=True):
            size = os.fstat(file.fileno()).st_size
            if size:
                os.lseek(file.fileno(), 0, os.SEEK_SET)
                raw = os.read(file.fileno(), max(0, min(size, self._left)))
                stream.write(raw.decode("utf-8", "replace"))
                stream.flush()
                os.ftruncate(file.fileno(), 0)
                os.lseek(file.fileno(), 0, os.SEEK_SET)


class Stream(io.TextIOBase):
    """Python's standard output or error while cells run."""

    encoding = "utf-8"

    def __init__(self, outputs: Outputs, name: str) -> None:
        self._outputs, self.name = outputs, name
        self._parts: list[str] = []
        self._size = 0

    def write(self, text: str) -> int:
        """Keep text for the next frame."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._parts.append(text)
        self._size += len(text)
        if self._size > _BUFFERED:
            self.flush()
        return len(text)

    def writable(self) -> bool:
        """Return that it is."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of this stream, for a subprocess."""
        return 1 if self.name == "stdout" else 2

    def flush(self) -> None:
        """Send the text that waits."""
        parts, self._parts, self._size = self._parts, [], 0
        if parts:
            text = "".join(parts).encode("utf-8", "replace").decode()
            self._outputs.send("stream", {"name": self.name, "text": text})


class Publisher(DisplayPublisher):
    """Sends what `display` is given."""

    outputs: Outputs

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        source: Any = None,
        **_: Any,
    ) -> None:
        """Send a display."""
        self.outputs.send("display_data", {"data": data, "metadata": metadata or {}})

    def clear_output(self, wait: bool = False) -> None:
        """Keep what was shown."""


class Hook(DisplayHook):
    """Sends the value of a cell's last expression."""

    outputs: Outputs

    def write_output_prompt(self) -> None:
        """Write none."""

    def write_format_data(
        self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None
    ) -> None:
        """Send a result."""
        content = {"data": format_dict, "metadata": md_dict or {}, "execution_count": None}
        self.outputs.send("execute_result", content)

    def finish_displayhook(self) -> None:
        """Write nothing."""


class Shell(InteractiveShell):
    """A shell that understands cells as a notebook does, shows figures as PNG, opens no window and
    reports errors as messages.
    """

    def init_display_formatter(self) -> None:
        """Show a figure as PNG however it was made; the inline backend looks after pyplot's."""
        super().init_display_formatter()  # type: ignore[no-untyped-call]
        formatters: Any = self.display_formatter
        formatters.formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", _png)

    def enable_gui(self, gui: Any = None) -> None:
        """Open no window, whatever a cell asks for."""

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        content = {"ename": etype.__name__, "evalue": _text_of(evalue), "traceback": list(stb)}
        Publisher.outputs.send("error", content)


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    return buffer.getvalue()


def _text_of(error: object) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a broken __str__ is the student's
        return ""


def _as_text(value: object) -> str:
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else str(value)
