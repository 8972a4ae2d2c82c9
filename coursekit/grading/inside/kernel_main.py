# mypy: disallow-untyped-calls=False
"""The kernel that runs a submission: IPython's own, on sockets that it inherits instead of opening.

This file is mounted alone into a sandbox, so it imports nothing of coursekit but its neighbours
there. It is started as ``python kernel_main.py`` and reads one JSON object from standard input:
``key`` (of the session), ``sockets`` (five listening descriptors: shell, iopub, stdin, control,
heartbeat), ``limits`` (see `confine`) and ``files`` (name to base64 content). It has no file system
in common with whoever asks; the sockets were bound before it began, elsewhere.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["CHANNELS", "main", "preload", "serve"]

CHANNELS = ("shell", "iopub", "stdin", "control", "hb")


def main() -> None:
    """Confine this process, then serve as a kernel until told to stop."""
    order = json.loads(sys.stdin.buffer.read())
    preload()
    serve(order)


def preload() -> None:
    """Import what every kernel needs; the debugger, its largest part, is not needed."""
    sys.modules.setdefault("debugpy", None)  # type: ignore[arg-type]  # None says: cannot be imported
    import agent  # type: ignore[import-not-found]  # noqa: F401
    import ipykernel.ipkernel
    import ipykernel.kernelapp  # noqa: F401
    import matplotlib_inline.backend_inline  # noqa: F401


def serve(order: Mapping[str, Any]) -> None:
    """Give up power and serve as a kernel. Does not return while the kernel lives."""
    import confine  # type: ignore[import-not-found]
    import zmq
    from ipykernel.control import ControlThread
    from ipykernel.heartbeat import Heartbeat
    from ipykernel.iostream import IOPubThread
    from ipykernel.kernelapp import IPKernelApp
    from ipykernel.shellchannel import ShellChannelThread
    from traitlets.config import Config

    sockets: dict[int, int] = dict(enumerate(order["sockets"], start=1))

    def bind(socket: zmq.Socket[Any], port: int) -> int:
        socket.setsockopt(zmq.USE_FD, sockets[port])
        socket.bind(f"ipc:///socket-{port}")
        return port

    class Pulse(Heartbeat):
        def _try_bind_socket(self) -> None:
            bind(self.socket, self.port)

    class Kernel(IPKernelApp):
        def init_connection_file(self) -> None:
            """There is none: everything was inherited."""

        def write_connection_file(self, **_: Any) -> None:
            """There is none."""

        def init_poller(self) -> None:
            """Whoever started us ends us."""

        def init_crash_handler(self) -> None:
            """Nobody reads crash reports here."""

        def log_connection_info(self) -> None:
            """Nobody reads the log."""

        def _bind_socket(self, s: zmq.Socket[Any], port: int) -> int:
            return bind(s, port)

        def init_control(self, context: zmq.Context[Any]) -> None:
            """As inherited, without the debugger's connection back to the shell socket, whose path
            does not exist here.
            """
            self.control_socket = context.socket(zmq.ROUTER)
            self.control_socket.linger = 1000
            self.control_port = self._bind_socket(self.control_socket, self.control_port)
            self.debugpy_socket = context.socket(zmq.STREAM)
            self.debug_shell_socket = context.socket(zmq.DEALER)
            self.control_thread = ControlThread(daemon=True)
            self.shell_channel_thread = ShellChannelThread(context, daemon=True)

        def init_iopub(self, context: zmq.Context[Any]) -> None:
            """As inherited, without the pipe for forked processes, which is an internet socket."""
            socket = context.socket(zmq.XPUB)
            socket.linger = 1000
            self.iopub_port = self._bind_socket(socket, self.iopub_port)
            self.configure_tornado_logger()
            self.iopub_thread = IOPubThread(socket, pipe=False, session=self.session)
            self.iopub_thread.start()
            self.iopub_socket = self.iopub_thread.background_socket

        def init_heartbeat(self) -> None:
            self.heartbeat = Pulse(zmq.Context(), (self.transport, self.ip, self.hb_port))
            self.heartbeat.start()

    for name, content in order["files"].items():
        place = Path.cwd() / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(base64.b64decode(content))
    config = Config()
    config.Session.key = order["key"].encode()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.IPKernelApp.update({"transport": "ipc", "ip": "/socket", "capture_fd_output": True})
    config.IPKernelApp.update({f"{name}_port": port for port, name in enumerate(CHANNELS, start=1)})
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)
    confine.confine(order["limits"])
    app = Kernel.instance(config=config)
    app.initialize([])
    app.start()


if __name__ == "__main__":
    main()
