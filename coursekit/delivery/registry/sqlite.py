"""The registry in one SQLite file, for the processes of one machine (lesson 08)."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from coursekit.core.errors import ConflictError, FileFormatError
from coursekit.core.records import plain, restored
from coursekit.core.validation import number
from coursekit.delivery.registry.store import Writes
from coursekit.delivery.registry.version import ModelStatus, ModelVersion, RegistryEvent

__all__ = ["SQLiteStore"]

FORMAT_VERSION = 1
_VERSION_FIELDS = [each.name for each in fields(ModelVersion)]
_EVENT_FIELDS = [each.name for each in fields(RegistryEvent)]
_JSON_FIELDS = ("performance_metrics", "hyperparameters", "metadata")

_STATUSES = ", ".join(f"'{status}'" for status in ModelStatus)
_TABLES = f"""
CREATE TABLE versions (
    model_id TEXT NOT NULL, version TEXT NOT NULL, number INTEGER NOT NULL,
    algorithm TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ({_STATUSES})),
    created_at REAL NOT NULL, deployed_at REAL, retired_at REAL,
    performance_metrics TEXT NOT NULL, hyperparameters TEXT NOT NULL,
    model_path TEXT, model_hash TEXT, metadata TEXT NOT NULL,
    PRIMARY KEY (model_id, version), UNIQUE (model_id, number)
);
CREATE UNIQUE INDEX one_in_production ON versions (model_id) WHERE status = 'production';
CREATE TABLE aliases (
    model_id TEXT NOT NULL, alias TEXT NOT NULL, version TEXT NOT NULL,
    PRIMARY KEY (model_id, alias), FOREIGN KEY (model_id, version) REFERENCES versions
);
CREATE TABLE history (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    model_id TEXT NOT NULL, version TEXT NOT NULL, action TEXT NOT NULL, before TEXT, after TEXT,
    at REAL NOT NULL, "by" TEXT NOT NULL, why TEXT NOT NULL
);
CREATE INDEX history_of_model ON history (model_id, sequence);
CREATE TRIGGER history_is_not_changed BEFORE UPDATE ON history
    BEGIN SELECT RAISE(ABORT, 'the history can only be appended to'); END;
CREATE TRIGGER history_is_not_deleted BEFORE DELETE ON history
    BEGIN SELECT RAISE(ABORT, 'the history can only be appended to'); END;
CREATE TRIGGER versions_are_not_deleted BEFORE DELETE ON versions
    BEGIN SELECT RAISE(ABORT, 'a version can be retired, not deleted'); END;
PRAGMA user_version = {FORMAT_VERSION};
"""
_PUT_VERSION = (
    f"INSERT INTO versions VALUES ({', '.join('?' for _ in _VERSION_FIELDS)}) "  # noqa: S608 - names of our own
    "ON CONFLICT (model_id, version) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _VERSION_FIELDS[2:])
)
_PUT_EVENT = f"INSERT INTO history VALUES (NULL, {', '.join('?' for _ in _EVENT_FIELDS)})"  # noqa: S608 - no input
_PUT_ALIAS = (
    "INSERT INTO aliases VALUES (?, ?, ?) "
    "ON CONFLICT (model_id, alias) DO UPDATE SET version = excluded.version"
)


class _Connection(sqlite3.Connection):
    """A connection that is closed with the thread that used it."""

    def __del__(self) -> None:
        self.close()


class SQLiteStore:
    """A :class:`~coursekit.delivery.registry.store.RegistryStore` in one file.

    A partial unique index allows one version of a model in production, and triggers keep the
    history and the versions from being deleted, for every program that opens the file. A
    transaction takes the write lock before it reads (BEGIN IMMEDIATE), so decisions queue. The
    write-ahead log makes a commit one append: a process killed before it leaves the old state,
    after it the new one. Readers do not wait. Every thread has its own connection.

    The file must be on a local disk; for several machines there is the store in Redis.

    Parameters
    ----------
    path : path
        Created if missing, with its folder.
    wait_seconds : float, greater than 0
        How long a transaction waits for the transactions of other processes.

    Raises
    ------
    FileFormatError
        If the file is not a registry, or of a newer format version.
    """

    def __init__(self, path: str | Path, *, wait_seconds: float = 30.0) -> None:
        self.path = Path(path).absolute()
        self.wait_seconds = number("wait_seconds", wait_seconds, above=0)
        self._local = threading.local()
        self._of_parent: list[threading.local] = []  # not to be used, nor closed, after a fork
        self._pid = os.getpid()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._prepare()

    def models(self) -> list[str]:
        """Return the ids of all models, sorted."""
        rows = self._db.execute("SELECT DISTINCT model_id FROM versions ORDER BY model_id")
        return [model_id for (model_id,) in rows]

    def versions(self, model_id: str) -> list[ModelVersion]:
        """Return the versions of a model by their number; none for an unknown model."""
        return self._select("model_id = ? ORDER BY number", model_id)

    def version(self, model_id: str, version: str) -> ModelVersion | None:
        """Return one version."""
        return next(iter(self._select("model_id = ? AND version = ?", model_id, version)), None)

    def production(self, model_id: str) -> ModelVersion | None:
        """Return the version in production."""
        found = self._select("model_id = ? AND status = 'production'", model_id)
        return next(iter(found), None)

    def aliases(self, model_id: str) -> dict[str, str]:
        """Return alias -> version."""
        sql = "SELECT alias, version FROM aliases WHERE model_id = ? ORDER BY alias"
        return dict(self._db.execute(sql, (model_id,)).fetchall())

    def history(self, model_id: str) -> list[RegistryEvent]:
        """Return all events of a model, from the first to the last."""
        sql = "SELECT * FROM history WHERE model_id = ? ORDER BY sequence"
        rows = self._db.execute(sql, (model_id,)).fetchall()
        return [RegistryEvent(**dict(zip(_EVENT_FIELDS, row[1:], strict=True))) for row in rows]

    def transact(self, model_id: str, decide: Callable[[], Writes]) -> Writes:
        """Call `decide` and write what it returns, in one transaction; return it."""
        with self._transaction() as db:
            writes = decide()
            try:
                self._write(db, model_id, writes)
            except sqlite3.IntegrityError as error:
                raise ConflictError(
                    f"The registry refuses to write {model_id}: {error}."
                ) from error
        return writes

    def _write(self, db: sqlite3.Connection, model_id: str, writes: Writes) -> None:
        for version in writes.versions:
            values = plain(version)
            values |= {name: json.dumps(values[name]) for name in _JSON_FIELDS}
            db.execute(_PUT_VERSION, [values[name] for name in _VERSION_FIELDS])
        for alias, target in writes.aliases:
            if target is None:
                db.execute(
                    "DELETE FROM aliases WHERE model_id = ? AND alias = ?", (model_id, alias)
                )
            else:
                db.execute(_PUT_ALIAS, (model_id, alias, target))
        for event in writes.events:
            db.execute(_PUT_EVENT, [getattr(event, name) for name in _EVENT_FIELDS])

    def close(self) -> None:
        """Close the connection of this thread; the next use opens another."""
        db = self._local.__dict__.pop("db", None)
        if db is not None:
            db.close()

    @property
    def _db(self) -> sqlite3.Connection:
        """The connection of this thread and process."""
        if self._pid != os.getpid():
            self._of_parent.append(self._local)
            self._local, self._pid = threading.local(), os.getpid()
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = sqlite3.connect(
                self.path,
                timeout=self.wait_seconds,
                isolation_level=None,  # transactions begin where we say so
                check_same_thread=False,  # a thread's end closes its connection
                factory=_Connection,
            )
            db.execute("PRAGMA synchronous = FULL")  # a commit survives a loss of power
            db.execute("PRAGMA foreign_keys = ON")
        return db

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise ConflictError(
                f"Another process has been writing to {self.path.name} for {self.wait_seconds:g} "
                "seconds; try again."
            ) from error
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _prepare(self) -> None:
        """Create the tables of a new file, or check those of an old one."""
        try:
            is_new = self._format_version() == 0
            if is_new and not self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
                self._use_write_ahead_log()
                with self._transaction() as db:
                    if self._format_version() == 0:  # no other process was faster
                        for statement in _statements(_TABLES):
                            db.execute(statement)
            found = self._format_version()
        except sqlite3.DatabaseError as error:
            raise FileFormatError(f"{self.path} cannot be read as a registry: {error}.") from error
        if found != FORMAT_VERSION:
            raise FileFormatError(
                f"{self.path} is no registry of format version {FORMAT_VERSION}, which this "
                f"coursekit reads; its version is {found}."
            )

    def _use_write_ahead_log(self) -> None:
        """Switch the file to write-ahead logging, which fails while another process does."""
        end = time.monotonic() + self.wait_seconds
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(0.01)

    def _format_version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _select(self, where: str, *values: str) -> list[ModelVersion]:
        rows = self._db.execute(f"SELECT * FROM versions WHERE {where}", values)  # noqa: S608 - ours
        return [
            _version_of(dict(zip(_VERSION_FIELDS, row, strict=True))) for row in rows.fetchall()
        ]


def _version_of(row: dict[str, Any]) -> ModelVersion:
    parsed = {name: json.loads(row[name]) for name in _JSON_FIELDS}
    version: ModelVersion = restored(ModelVersion, row | parsed)
    return version


def _statements(script: str) -> Iterator[str]:
    """Split a script into statements; a trigger is one."""
    statement = ""
    for line in script.splitlines():
        statement += f"{line}\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
