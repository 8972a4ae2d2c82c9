"""What a second process does to a registry; run as a program by the tests.

    python worker.py ACTION FOLDER URL ARGUMENTS...

Every line that it prints was acknowledged by the registry before.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from redis.connection import AbstractConnection

from coursekit.core.errors import ConflictError
from coursekit.delivery.registry.address import store_at
from coursekit.delivery.registry.artifacts import Artifacts
from coursekit.delivery.registry.registry import ModelRegistry
from coursekit.delivery.registry.sqlite import SQLiteStore


def promote(registry: ModelRegistry, number: str, n: str) -> None:
    """Put one's own two versions into production in turn, reading in between."""
    own = [str(2 * int(number) + 1), str(2 * int(number) + 2)]
    for at in range(int(n)):
        registry.promote("ratings", own[at % 2], why=str(at))
        _exactly_one(registry)


def read(registry: ModelRegistry) -> None:
    """Read until somebody says stop."""
    say("reading")
    n = 0
    while not Path(sys.argv[2], "stop").exists():
        _exactly_one(registry)
        n += 1
    say(n)


def compete(registry: ModelRegistry, version: str) -> None:
    """Promote in place of version 1 as soon as told to."""
    say("ready")
    sys.stdin.readline()
    try:
        registry.promote("ratings", version, why="mine is better", replacing="1")
        say("won")
    except ConflictError:
        say("lost")


def promote_for_ever(registry: ModelRegistry) -> None:
    """Put the two versions into production in turn, and say each that is done."""
    at = 0
    while True:
        at += 1
        registry.promote("ratings", str(1 + at % 2), why=str(at))
        say(at)


def fork(registry: ModelRegistry) -> None:
    """Register 20 versions in this process and in each of two forks of it."""
    children: list[int] = []
    for _ in range(2):
        child = os.fork()
        if not child:
            children = []
            break
        children.append(child)
    for _ in range(20):
        registry.register_model("ratings", algorithm="Mean")
    for child in children:
        if os.waitpid(child, 0)[1]:
            raise SystemExit("a fork failed")


def die(registry: ModelRegistry) -> None:
    """For every number that is read, promote in a fork that is killed when that step starts; say
    how it ended.
    """
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _promote_and_die(registry, int(line))
            os._exit(0)
        say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _promote_and_die(registry: ModelRegistry, at: int) -> None:
    left = at

    def step(*_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if isinstance(registry.store, SQLiteStore):  # before each statement
        registry.store._db.set_trace_callback(step)
    else:
        _send_in_parts(step)
    registry.promote("ratings", "2", why="newer")


def _send_in_parts(step) -> None:
    """Let Redis' connections call `step` before each 16 bytes that they send."""

    def send(self, command, check_health=True):
        for part in command if isinstance(command, list) else [command]:
            for at in range(0, len(part), 16):
                step()
                self._sock.sendall(part[at : at + 16])

    AbstractConnection.send_packed_command = send


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def _exactly_one(registry: ModelRegistry) -> None:
    versions = registry.list_models("ratings")
    live = [each.version for each in versions if each.status == "production"]
    assert len(live) == 1, live
    assert registry.get_latest_version("ratings", "production") is not None


if __name__ == "__main__":
    action, folder, url, *arguments = sys.argv[1:]
    with ModelRegistry(
        store_at(url or Path(folder) / "registry.sqlite"),
        Artifacts(Path(folder) / "artifacts"),
        by=f"process {os.getpid()}",
    ) as opened:
        globals()[action](opened, *arguments)
