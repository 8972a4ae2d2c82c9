"""The registry in Redis, for processes on several machines (lesson 08)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis

from coursekit.core.errors import ConflictError, CourseKitError, ServiceUnavailableError
from coursekit.core.records import plain, restored
from coursekit.core.validation import number, require
from coursekit.delivery.registry.store import Writes
from coursekit.delivery.registry.version import ModelStatus, ModelVersion, RegistryEvent

__all__ = ["RedisStore"]


class RedisStore:
    """A :class:`~coursekit.delivery.registry.store.RegistryStore` in Redis.

    Keys, with the prefix in front: ``models``, a set of ids; ``model:ID``, a hash with the fields
    ``version:V`` (the version as JSON), ``production`` and ``alias:A``; ``history:ID``, a list of
    events as JSON. The version in production is stored in the one field ``production`` and nowhere
    else, so there cannot be two.

    A transaction watches the key of the model (WATCH), reads, and sends its writes in one message
    (MULTI ... EXEC), which Redis executes as a whole, or not at all if the key has changed since:
    then it reads and decides again. No lock is held, so a killed process blocks nobody, and what it
    has not sent completely is never executed.

    Redis keeps what it answered if it is started with ``--appendonly yes --appendfsync always``.

    Parameters
    ----------
    client : redis.Redis
        With ``decode_responses=True``; fakeredis has the same class.
    prefix : str
        Start of every key.
    wait_seconds : float, greater than 0
        How long a transaction is repeated while other processes are faster.
    """

    def __init__(
        self, client: Any, *, prefix: str = "coursekit:registry:", wait_seconds: float = 30.0
    ) -> None:
        self.prefix = prefix
        self.wait_seconds = number("wait_seconds", wait_seconds, above=0)
        self._client = client
        decodes = bool(client.get_connection_kwargs().get("decode_responses"))
        require(decodes, "client", "made with decode_responses=True", client)
        with self._answering():
            client.ping()

    @classmethod
    def at(cls, url: str, **settings: Any) -> RedisStore:
        """Return the store at ``redis://host:port/database``.

        Raises
        ------
        ServiceUnavailableError
            If Redis does not answer.
        """
        return cls(redis.Redis.from_url(url, decode_responses=True), **settings)

    def models(self) -> list[str]:
        """Return the ids of all models, sorted."""
        with self._answering():
            return sorted(self._client.smembers(f"{self.prefix}models"))

    def versions(self, model_id: str) -> list[ModelVersion]:
        """Return the versions of a model by their number; none for an unknown model."""
        with self._answering():
            stored = self._client.hgetall(self._model(model_id))
        found = [
            _version_of(value) for field, value in stored.items() if not field.startswith("alias:")
        ]
        return sorted(found, key=lambda version: version.number)

    def version(self, model_id: str, version: str) -> ModelVersion | None:
        """Return one version."""
        with self._answering():
            fields = f"version:{version}", "production"
            stored, live = self._client.hmget(self._model(model_id), fields)
        if stored is not None:
            return _version_of(stored)
        in_production = None if live is None else _version_of(live)
        return in_production if in_production and in_production.version == version else None

    def production(self, model_id: str) -> ModelVersion | None:
        """Return the version in production."""
        with self._answering():
            stored = self._client.hget(self._model(model_id), "production")
        return None if stored is None else _version_of(stored)

    def aliases(self, model_id: str) -> dict[str, str]:
        """Return alias -> version."""
        with self._answering():
            stored = self._client.hgetall(self._model(model_id))
        found = {
            field.removeprefix("alias:"): value
            for field, value in stored.items()
            if field.startswith("alias:")
        }
        return dict(sorted(found.items()))

    def history(self, model_id: str) -> list[RegistryEvent]:
        """Return all events of a model, from the first to the last."""
        with self._answering():
            stored = self._client.lrange(f"{self.prefix}history:{model_id}", 0, -1)
        return [restored(RegistryEvent, json.loads(event)) for event in stored]

    def transact(self, model_id: str, decide: Callable[[], Writes]) -> Writes:
        """Call `decide` and write what it returns, in one transaction; return it."""
        end = time.monotonic() + self.wait_seconds
        while time.monotonic() < end:
            with self._answering(), self._client.pipeline() as pipe:
                pipe.watch(self._model(model_id))
                try:
                    writes, commands = self._decided(pipe, model_id, decide)
                    pipe.multi()
                    for command in commands:
                        pipe.execute_command(*command)
                    pipe.execute()
                    return writes
                except redis.WatchError as error:
                    if isinstance(error.__context__, redis.RedisError):  # the connection was lost
                        raise ServiceUnavailableError(
                            "Redis did not confirm a transaction: it has happened completely, or "
                            "not at all. Read, and repeat it if it has not."
                        ) from error
        raise ConflictError(
            f"Other processes have been changing {model_id} for {self.wait_seconds:g} seconds; try "
            "again."
        )

    def _decided(
        self, pipe: Any, model_id: str, decide: Callable[[], Writes]
    ) -> tuple[Writes, list[tuple[str, ...]]]:
        """Call `decide`; return what it writes, and as commands. It may refuse only if all that it
        read was still true when it refused.
        """
        try:
            writes, live = decide(), self.production(model_id)
            in_production = None if live is None else live.version
            return writes, self._commands(model_id, writes, in_production)
        except CourseKitError:
            pipe.multi()
            pipe.execute()  # WatchError if it was not
            raise

    def _commands(self, model_id: str, writes: Writes, live: str | None) -> list[tuple[str, ...]]:
        """Return the commands of a transaction; the version `live` is in production before."""
        model = self._model(model_id)
        commands: list[tuple[str, ...]] = [("SADD", f"{self.prefix}models", model_id)]
        for version in writes.versions:
            name, value = version.version, json.dumps(plain(version))
            field = f"version:{name}"
            if version.status == ModelStatus.PRODUCTION:
                if live not in (None, name):
                    raise ConflictError(f"Version {live} of {model_id} is in production already.")
                live = name
                commands += [("HSET", model, "production", value), ("HDEL", model, field)]
            else:
                if live == name:
                    live = None
                    commands.append(("HDEL", model, "production"))
                commands.append(("HSET", model, field, value))
        for alias, target in writes.aliases:
            field = f"alias:{alias}"
            gone = target is None
            commands.append(("HDEL", model, field) if gone else ("HSET", model, field, str(target)))
        for event in writes.events:
            text = json.dumps(plain(event))
            commands.append(("RPUSH", f"{self.prefix}history:{model_id}", text))
        return commands

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self._client.close()

    def _model(self, model_id: str) -> str:
        return f"{self.prefix}model:{model_id}"

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Name the server, without its password, if it does not answer."""
        try:
            yield
        except (redis.ConnectionError, redis.TimeoutError) as error:
            where = self._client.get_connection_kwargs()
            place = where.get("path") or f"{where.get('host')}:{where.get('port')}"
            raise ServiceUnavailableError(f"Redis at {place} does not answer: {error}") from error


def _version_of(stored: str) -> ModelVersion:
    version: ModelVersion = restored(ModelVersion, json.loads(stored))
    return version
