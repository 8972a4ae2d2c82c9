"""What each store guarantees by itself, to whoever writes to it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import fakeredis
import pytest

from coursekit.core.errors import ConflictError, FileFormatError, InvalidParameterError
from coursekit.delivery.registry.address import store_at
from coursekit.delivery.registry.redis import RedisStore
from coursekit.delivery.registry.registry import ModelRegistry
from coursekit.delivery.registry.sqlite import SQLiteStore
from coursekit.delivery.registry.store import Writes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with two versions, the first in production."""
    with ModelRegistry.at(tmp_path, by="ada") as registry:
        for _ in range(2):
            registry.register_model("ratings", algorithm="Mean")
        registry.promote("ratings", "1", why="first")
    return tmp_path / "registry.sqlite"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("UPDATE versions SET status = 'production'", "UNIQUE constraint failed"),
        ("UPDATE versions SET status = 'live' WHERE version = '1'", "CHECK constraint failed"),
        ("DELETE FROM versions", "can be retired, not deleted"),
        ("DELETE FROM history", "can only be appended to"),
        ("UPDATE history SET why = 'no reason'", "can only be appended to"),
    ],
)
def test_no_program_can_break_the_rules_of_the_file(file: Path, sql: str, message: str) -> None:
    other = sqlite3.connect(file)
    with pytest.raises(sqlite3.IntegrityError, match=message):
        other.execute(sql)
    other.close()


def test_a_file_of_another_program_is_refused_and_untouched(tmp_path: Path) -> None:
    file = tmp_path / "registry.sqlite"
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE mine (x)")
    other.commit()
    other.close()
    before = file.read_bytes()
    with pytest.raises(FileFormatError, match=r"its version is 0"):
        SQLiteStore(file)
    assert file.read_bytes() == before
    file.write_bytes(b"not a database, " * 100)
    with pytest.raises(FileFormatError, match="cannot be read as a registry"):
        SQLiteStore(file)


def test_a_newer_format_is_refused(file: Path) -> None:
    other = sqlite3.connect(file)
    other.execute("PRAGMA user_version = 2")
    other.close()
    with pytest.raises(FileFormatError, match="its version is 2"):
        SQLiteStore(file)


def test_a_writer_waits_only_as_long_as_it_is_told(file: Path) -> None:
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    store = SQLiteStore(file, wait_seconds=0.05)
    with pytest.raises(ConflictError, match=r"writing to registry\.sqlite for 0\.05 seconds"):
        store.transact("ratings", Writes)
    assert len(store.versions("ratings")) == 2  # readers do not wait
    holder.close()
    store.close()


def test_a_decision_on_redis_is_taken_again_if_something_changed_meanwhile() -> None:
    client = fakeredis.FakeRedis(decode_responses=True)
    store = RedisStore(client)
    calls = []

    def decide() -> Writes:
        calls.append(store.aliases("ratings"))
        if len(calls) < 3:  # another process is faster
            client.hset("coursekit:registry:model:ratings", "alias:a", str(len(calls)))
        return Writes(aliases=(("b", "1"),))

    store.transact("ratings", decide)
    assert calls == [{}, {"a": "1"}, {"a": "2"}]
    assert store.aliases("ratings") == {"a": "2", "b": "1"}


def test_a_refusal_on_redis_holds_only_if_nothing_changed_meanwhile() -> None:
    client = fakeredis.FakeRedis(decode_responses=True)
    store = RedisStore(client)
    calls = []

    def decide() -> Writes:
        calls.append(1)
        if len(calls) == 1:
            client.hset("coursekit:registry:model:ratings", "alias:a", "1")
            raise ConflictError("what was read is no longer true")
        return Writes()

    store.transact("ratings", decide)
    assert len(calls) == 2


def test_redis_gives_up_if_others_are_always_faster() -> None:
    client = fakeredis.FakeRedis(decode_responses=True)
    store = RedisStore(client, wait_seconds=0.05)

    def decide() -> Writes:
        client.hincrby("coursekit:registry:model:ratings", "alias:a", 1)
        return Writes(aliases=(("b", "1"),))

    with pytest.raises(ConflictError, match=r"changing ratings for 0\.05 seconds"):
        store.transact("ratings", decide)
    assert "b" not in store.aliases("ratings")


def test_a_client_that_returns_bytes_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="decode_responses=True"):
        RedisStore(fakeredis.FakeRedis())


def test_registries_with_different_prefixes_do_not_meet() -> None:
    client = fakeredis.FakeRedis(decode_responses=True)
    one, two = RedisStore(client, prefix="one:"), RedisStore(client, prefix="two:")
    one.transact("ratings", lambda: Writes(aliases=(("b", "1"),)))
    assert one.models() == ["ratings"] and two.models() == []


def test_an_address_chooses_the_store(tmp_path: Path) -> None:
    store = store_at(tmp_path / "deep" / "er" / "r.sqlite")
    assert isinstance(store, SQLiteStore)
    store.close()
    store.close()
    assert store.models() == []  # opened again
