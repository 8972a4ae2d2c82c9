"""Serialization of user and item ids as numpy arrays."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from coursekit.core.arrays import AnyArray
from coursekit.core.errors import StateFormatError

__all__ = ["decode_ids", "encode_ids"]


def encode_ids(ids: Iterable[Any]) -> AnyArray:
    """Return ids as an int64 array, or as JSON bytes if they are not all integers.

    Ids may be strings, integers, and tuples of these.
    """
    ids = list(ids)
    if all(type(id_) is int and -(2**63) <= id_ < 2**63 for id_ in ids):
        return np.array(ids, dtype=np.int64)
    for id_ in ids:
        if not _is_plain(id_):
            raise StateFormatError(
                f"Saved state supports ids that are strings or integers, got {id_!r} of type "
                f"{type(id_).__name__}."
            )
    return np.frombuffer(json.dumps(ids, separators=(",", ":")).encode(), dtype=np.uint8)


def decode_ids(array: AnyArray) -> list[Any]:
    """Return the ids that `encode_ids` encoded."""
    if array.dtype == np.int64:
        ids: list[Any] = array.tolist()
        return ids
    return [tuple(id_) if isinstance(id_, list) else id_ for id_ in json.loads(array.tobytes())]


def _is_plain(id_: Any) -> bool:
    return type(id_) in (str, int) or (
        type(id_) is tuple and all(type(part) in (str, int) for part in id_)
    )
