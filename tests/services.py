"""Services that tests start and stop: a Redis server of their own on the loopback interface."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import redis

from coursekit.core.processes import find_program

__all__ = ["RedisServer"]

_START_SECONDS = 20.0


class RedisServer:
    """A Redis server on a free port; a context manager that stops it by its process id.

    Parameters
    ----------
    folder : path
        Its working folder; what it persists is there.
    persistent : bool
        Whether it writes every command to disk before it answers.
    """

    def __init__(self, folder: Path, *, persistent: bool = False) -> None:
        self.folder = folder
        self.persistent = persistent
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = find_program("redis-server")
        assert program is not None, "use @pytest.mark.needs('redis-server')"
        keep = ["--appendonly", "yes", "--appendfsync", "always"] if self.persistent else []
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        log = self.folder / "redis.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [program, *place, "--save", "", *keep], stdout=output, stderr=output
            )
        end = time.monotonic() + _START_SECONDS
        with redis.Redis.from_url(self.url) as client:
            while time.monotonic() < end and self.process.poll() is None:
                try:
                    client.ping()
                    return
                except (redis.ConnectionError, redis.BusyLoadingError):
                    time.sleep(0.02)
        self.stop()
        raise AssertionError(f"redis-server does not answer:\n{log.read_text('utf-8')[-2000:]}")

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        """Stop it, or kill it with SIGKILL."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(with_signal)
            self.process.wait(timeout=20)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
