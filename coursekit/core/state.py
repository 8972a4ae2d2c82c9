"""Serialization of state: JSON values and arrays in one file, never pickle.

The file is in safetensors format, so loading it executes no code. Its header holds the format
version, the kind of the state and a sha256 of the content. Writing is atomic.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from coursekit.core.arrays import AnyArray
from coursekit.core.errors import IntegrityError, StateFormatError
from coursekit.core.files import replaced_atomically

__all__ = ["FORMAT_VERSION", "State", "load_state", "save_state"]

FORMAT_VERSION = 1

State = dict[str, Any]
"""Nested string-keyed dicts and lists whose leaves are JSON values (no NaN) or numeric arrays."""

_ARRAY_MARK = "__array__"
_HEADER_FIELDS = {"format", "format_version", "kind", "values", "sha256"}
_Arrays = dict[str, AnyArray]


def save_state(path: str | Path, state: State, *, kind: str) -> str:
    """Write a state to `path` in one atomic step and return its sha256.

    Parameters
    ----------
    path : path
        The file to create or replace.
    state : State
        Nested dicts and lists of JSON values and numeric arrays.
    kind : str
        What the state belongs to, usually a class name; `load_state` checks it.

    Raises
    ------
    StateFormatError
        If a value is neither JSON nor a numeric array; nothing is written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     digest = save_state(f"{folder}/m.state", {"n": 3, "table": np.eye(2)}, kind="Demo")
    ...     load_state(f"{folder}/m.state", kind="Demo")["table"].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    from safetensors.numpy import save_file

    arrays: _Arrays = {}
    try:
        values = json.dumps(_take_arrays(state, "state", arrays), allow_nan=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise StateFormatError(f"The state of {kind} cannot be saved: {error}.") from error
    digest = _digest(kind, values, arrays)
    header = {"format": "coursekit-state", "format_version": str(FORMAT_VERSION), "kind": kind}
    header |= {"values": values, "sha256": digest}
    with replaced_atomically(path) as temporary:
        save_file(arrays, temporary, metadata=header)
    return digest


def load_state(path: str | Path, *, kind: str, digest: str | None = None) -> State:
    """Read a state written by `save_state` and verify its sha256.

    Parameters
    ----------
    path : path
    kind : str
        The expected kind.
    digest : str, optional
        The sha256 that `save_state` returned, to verify that this is the same state.

    Raises
    ------
    StateFormatError
        If the file is not a saved state, or of another kind or of another format version.
    IntegrityError
        If the content does not match its sha256, or `digest`.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="np") as file:
            header = file.metadata() or {}
            arrays = file.get_tensors()
    except SafetensorError as error:
        raise StateFormatError(f"{path} is not a saved state, or is cut off: {error}.") from error
    if header.get("format") != "coursekit-state" or not _HEADER_FIELDS <= header.keys():
        raise StateFormatError(f"{path} is not a saved state of coursekit.")
    if header["format_version"] != str(FORMAT_VERSION):
        raise StateFormatError(
            f"{path} has format version {header['format_version']}, this coursekit reads "
            f"{FORMAT_VERSION}."
        )
    if header["kind"] != kind:
        raise StateFormatError(f"{path} holds the state of {header['kind']}, expected {kind}.")
    found = _digest(kind, header["values"], arrays)
    for wanted in (header["sha256"], digest or found):
        if found != wanted:
            raise IntegrityError(
                f"{path} does not match its sha256: expected {wanted[:12]}…, found {found[:12]}…"
            )
    state: State = _put_arrays(json.loads(header["values"]), arrays)
    return state


def _take_arrays(value: Any, name: str, arrays: _Arrays) -> Any:
    """Replace every array by a placeholder and collect it under its path."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise TypeError(f"{name} is an array of {value.dtype}, which is not numeric")
        arrays[name] = np.asarray(value, order="C")
        return {_ARRAY_MARK: name}
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or key == _ARRAY_MARK:
                raise TypeError(
                    f"{name} has the key {key!r}; keys must be strings other than {_ARRAY_MARK!r}"
                )
        return {key: _take_arrays(child, f"{name}.{key}", arrays) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_take_arrays(child, f"{name}.{at}", arrays) for at, child in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _put_arrays(value: Any, arrays: _Arrays) -> Any:
    if isinstance(value, dict):
        if _ARRAY_MARK in value:
            return arrays[value[_ARRAY_MARK]]
        return {key: _put_arrays(child, arrays) for key, child in value.items()}
    if isinstance(value, list):
        return [_put_arrays(child, arrays) for child in value]
    return value


def _digest(kind: str, values: str, arrays: _Arrays) -> str:
    sha256 = hashlib.sha256(f"{kind}\n{values}\n".encode())
    for name in sorted(arrays):
        array = arrays[name]
        sha256.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        sha256.update(array.reshape(-1).view(np.uint8).data)
    return sha256.hexdigest()
