"""Records as JSON: a frozen dataclass becomes plain values, and the record again.

A field's annotation says how it is restored, so a record needs no code of its own for either way.
"""

from __future__ import annotations

import base64
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["plain", "read_record", "restored"]

_Record = TypeVar("_Record")
_log = logging.getLogger(__name__)


def plain(value: Any) -> Any:
    """Return a value as JSON types.

    Dataclasses become objects, enumerations their values, bytes base64, arrays and sets lists; a
    number that is not finite becomes None, because JSON has none; a value with a method `to_json`
    is asked for its form; anything else becomes text.

    >>> from pathlib import PurePosixPath
    >>> plain({"rmse": float("nan"), "shape": (2, 3), "file": PurePosixPath("a/b.csv")})
    {'rmse': None, 'shape': [2, 3], 'file': 'a/b.csv'}
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {str(key): plain(child) for key, child in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(child) for child in value]
    if hasattr(value, "to_json"):
        return plain(value.to_json())
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return plain(value.tolist()) if hasattr(value, "tolist") else str(value)


def restored(kind: Any, data: Any) -> Any:
    """Return the value of a type from its JSON types, as `plain` made them.

    Entries that are no field of a record are ignored; a field without a default must be there.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError
        If the data are not of that type.

    >>> restored(tuple[bytes, ...], ["YQ=="])
    (b'a',)
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**{name: restored(of, data[name]) for name, of in _types(kind) if name in data})
    if origin is tuple and arguments[-1] is Ellipsis:
        return tuple(restored(arguments[0], each) for each in data)
    if origin is tuple:
        return tuple(restored(of, each) for of, each in zip(arguments, data, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {name: restored(arguments[1], each) for name, each in data.items()}
    if origin in (Union, UnionType):
        return None if data is None else restored(arguments[0], data)
    if kind is bytes:
        return base64.b64decode(data)
    return kind(data) if isinstance(kind, type) and issubclass(kind, Enum | Path) else data


def read_record(kind: type[_Record], file: Path) -> _Record | None:
    """Return the record in a JSON file; None if there is no file or it does not hold one."""
    try:
        record: _Record = restored(kind, json.loads(file.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        _log.warning("%s cannot be read (%s) and is ignored.", file, error)
        return None
    return record


@cache
def _types(kind: type) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((field.name, hints[field.name]) for field in fields(kind))
