"""Listening sockets for a kernel: bound by whoever asks, inherited by the kernel, shared as
descriptors only.

A folder of sockets that both sides can write to was attacked with success: a kernel replaced its
socket by a link to another one, and the trusted side connected there. Here the folder belongs to
the trusted side alone.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path
from types import TracebackType

from coursekit.grading.inside.kernel_main import CHANNELS

__all__ = ["KernelSockets"]


class KernelSockets:
    """Five bound and listening unix sockets in a private folder; use it in a `with` block.

    Attributes
    ----------
    folder : Path
    prefix : str
        The address of channel number i, counted from 1, is ``ipc://<prefix>-<i>``.
    descriptors : list of int
        What the kernel inherits, in the order of the channels.
    """

    def __init__(self) -> None:
        self.folder = Path(
            tempfile.mkdtemp(prefix="ck-")
        )  # mode 0700; short, because the path of a socket must be
        self.prefix = str(self.folder / "k")
        self._sockets = [self._listen(at) for at in range(1, len(CHANNELS) + 1)]

    @property
    def descriptors(self) -> list[int]:
        """Descriptors in the order of the channels."""
        return [each.fileno() for each in self._sockets]

    def address(self, channel: str) -> str:
        """Return where to reach a channel."""
        return f"ipc://{self.prefix}-{CHANNELS.index(channel) + 1}"

    def release(self) -> None:
        """Close our copies of the descriptors once the kernel has its own; then its end is seen as
        a closed connection.
        """
        for each in self._sockets:
            each.close()

    def close(self) -> None:
        """Close everything and remove the folder."""
        self.release()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> KernelSockets:
        """Use the sockets."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove them."""
        self.close()

    def _listen(self, at: int) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(f"{self.prefix}-{at}")
        listener.listen(16)
        return listener
