"""kill -9 in the middle of a promotion leaves the old state or the new one, never both or none."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from coursekit.core.errors import ServiceUnavailableError
from coursekit.delivery.registry.registry import ModelRegistry
from tests.delivery.registry.test_processes import check_history, finish, prepared, start
from tests.services import RedisServer


def live(registry: ModelRegistry) -> list[str]:
    return [each.version for each in registry.list_models("ratings", "production")]


def test_killed_at_every_step_of_a_promotion(shared_place) -> None:
    """Before each statement of SQLite; before each 16 bytes that are sent to Redis."""
    with prepared(shared_place, 2) as registry:
        registry.promote("ratings", "1", why="first")
        process = start(shared_place, "die")
        ends = []
        while not ends or ends[-1][0] == -signal.SIGKILL:
            process.stdin.write(f"{len(ends)}\n")
            process.stdin.flush()
            code, found = int(process.stdout.readline()), live(registry)
            event = registry.history("ratings")[-1]
            assert found in (["1"], ["2"])
            assert (event.version, event.after) == (found[0], "production")
            check_history(registry)
            ends.append((code, found[0]))
            if found == ["2"]:
                registry.promote("ratings", "1", why="back")
        finish(process)
    assert ends[-1] == (0, "2")
    assert len(ends) > 5 and set(ends[:-1]) <= {(-signal.SIGKILL, "1"), (-signal.SIGKILL, "2")}


@pytest.mark.slow
def test_killed_at_random_while_promoting(shared_place) -> None:
    rng = random.Random(8)
    with prepared(shared_place, 2) as registry:
        registry.promote("ratings", "1", why="first")
        for _ in range(10):
            before = len(registry.history("ratings"))
            with start(shared_place, "promote_for_ever") as process:
                process.stdout.readline()
                time.sleep(rng.uniform(0.0, 0.05))
                process.kill()
                out = process.stdout.read()
            n_acknowledged = 1 + out.count("\n")
            assert len(live(registry)) == 1
            check_history(registry)
            events = registry.history("ratings")[before:]
            n_done = sum(each.after == "production" for each in events)
            # the first may have found its version in production already
            assert n_acknowledged - 1 <= n_done <= n_acknowledged + 1


@pytest.mark.slow
@pytest.mark.needs("redis-server")
def test_redis_itself_is_killed_and_keeps_what_it_confirmed(tmp_path: Path) -> None:
    rng = random.Random(9)
    server = RedisServer(tmp_path, persistent=True)
    with server:
        with ModelRegistry.at(tmp_path, by="ada", url=server.url) as registry:
            for _ in range(2):
                registry.register_model("ratings", algorithm="Mean")
            registry.promote("ratings", "1", why="first")
        for _ in range(4):
            with ModelRegistry.at(tmp_path, by="ada", url=server.url) as registry:
                before = len(registry.history("ratings"))
            place = type("Place", (), {"folder": tmp_path, "url": server.url})
            with start(place, "promote_for_ever") as process:
                process.stdout.readline()
                time.sleep(rng.uniform(0.0, 0.1))
                server.stop(signal.SIGKILL)
                out, err = process.stdout.read(), process.stderr.read()
            assert "ServiceUnavailableError: Redis" in err
            server.start()
            with ModelRegistry.at(tmp_path, by="ada", url=server.url) as registry:
                assert len(live(registry)) == 1
                check_history(registry)
                events = registry.history("ratings")[before:]
                n_done = sum(each.after == "production" for each in events)
                assert out.count("\n") <= n_done <= out.count("\n") + 2


@pytest.mark.needs("redis-server")
def test_a_redis_that_is_gone_is_named_without_its_password(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        url = server.url.replace("127.0.0.1", "user:secret@127.0.0.1")
        registry = ModelRegistry.at(tmp_path, by="ada", url=server.url)
        registry.register_model("ratings", algorithm="Mean")
    with pytest.raises(ServiceUnavailableError, match="does not answer"):
        registry.promote("ratings", "1", why="first")
    with pytest.raises(ServiceUnavailableError, match=f"127.0.0.1:{server.port}") as caught:
        ModelRegistry.at(tmp_path, by="ada", url=url)
    assert "secret" not in str(caught.value)
    registry.close()


def test_a_killed_writer_does_not_block_the_next(tmp_path: Path) -> None:
    """A process that dies with the write lock of SQLite releases it."""
    with ModelRegistry.at(tmp_path, by="ada") as registry:
        registry.register_model("ratings", algorithm="Mean")
    holder = sqlite3.connect(tmp_path / "registry.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    holder.close()
    with ModelRegistry.at(tmp_path, by="ada") as registry:
        assert registry.promote("ratings", "1", why="first").status == "production"
