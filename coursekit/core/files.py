"""Atomic writes: a reader sees the old file or the new one, never a partial one."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replaced_atomically", "write_atomically"]


@contextmanager
def replaced_atomically(path: str | Path) -> Iterator[str]:
    """Yield a temporary file name; rename it to `path` if the block succeeds, else remove it.

    An existing file keeps its mode; a new one gets the mode that the umask allows.
    """
    path = Path(path)
    temporary = str(path.with_name(f".{path.name}.{secrets.token_hex(4)}"))
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # less the umask
    try:
        if path.exists():
            shutil.copymode(path, temporary)
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_atomically(path: str | Path, content: str | bytes) -> None:
    """Write text (as UTF-8) or bytes to a file atomically; create its folder if needed."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with replaced_atomically(path) as temporary:
        data = content.encode("utf-8") if isinstance(content, str) else content
        Path(temporary).write_bytes(data)
