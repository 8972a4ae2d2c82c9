"""Ids on disk: as an array, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import StateFormatError

__all__ = ["decode_ids", "encode_ids"]


def encode_ids(ids: Iterable[Any]) -> npt.NDArray[Any]:
    """Ids as an array: int64 if they all are, JSON text otherwise (strings, integers, and tuples of
    them).
    """
    ids = list(ids)
    if all(type(id_) is int and -(2**63) <= id_ < 2**63 for id_ in ids):
        return np.array(ids, dtype=np.int64)
    for id_ in ids:
        if not _is_plain(id_):
            raise StateFormatError(
                f"State on disk keeps ids that are strings or integers, got {id_!r} of type "
                f"{type(id_).__name__}."
            )
    return np.frombuffer(json.dumps(ids, separators=(",", ":")).encode(), dtype=np.uint8)


def decode_ids(array: npt.NDArray[Any]) -> list[Any]:
    """Ids as they were before `encode_ids`."""
    if array.dtype == np.int64:
        ids: list[Any] = array.tolist()
        return ids
    return [tuple(id_) if isinstance(id_, list) else id_ for id_ in json.loads(array.tobytes())]


def _is_plain(id_: Any) -> bool:
    return type(id_) in (str, int) or (
        type(id_) is tuple and all(type(part) in (str, int) for part in id_)
    )
