"""The store at an address: a file, or Redis."""

from __future__ import annotations

from pathlib import Path

from coursekit.core.errors import ServiceUnavailableError
from coursekit.delivery.registry.sqlite import SQLiteStore
from coursekit.delivery.registry.store import RegistryStore

__all__ = ["store_at"]


def store_at(where: str | Path) -> RegistryStore:
    """Return the store at an address.

    Parameters
    ----------
    where : str or path
        ``redis://host:port/database`` (also ``rediss://`` and ``unix://``), or a file: SQLite.

    Raises
    ------
    ServiceUnavailableError
        If Redis does not answer, or its client is not installed.
    FileFormatError
        If the file is not a registry.
    """
    if isinstance(where, str) and where.partition("://")[0] in {"redis", "rediss", "unix"}:
        try:
            from coursekit.delivery.registry.redis import RedisStore
        except ModuleNotFoundError as error:
            raise ServiceUnavailableError(
                "A registry in Redis needs the package redis: pip install -e '.[redis]'."
            ) from error
        return RedisStore.at(where)
    return SQLiteStore(where)
