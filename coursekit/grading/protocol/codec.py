"""Values between the trusted side and the student's side: written exactly, read with suspicion.

The tags are those of `coursekit.grading.inside.agent`. Nothing is ever evaluated or unpickled;
everything that the other side may choose freely (length, depth, counts, shapes, digits) has a
bound, and a reply outside it is refused by name.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from coursekit.grading.errors import RefusedReply

__all__ = ["DEFAULT_LIMITS", "Handle", "ReplyLimits", "decode", "encode", "parse"]

_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_Resolve = Callable[["Handle"], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyLimits:
    """How much a reply may hold.

    Parameters
    ----------
    max_bytes : int
        Length of the reply text.
    max_depth, max_axes, max_digits : int
        Nesting of values, axes of an array, digits of an integer.
    max_keys : int
        Entries of one dict or set (chosen keys can make a large one very slow).
    max_text : int
        Length of one string.
    dtypes : frozenset of str
        Array types, little-endian.
    """

    max_bytes: int = 8_000_000
    max_depth: int = 40
    max_axes: int = 8
    max_digits: int = 25
    max_keys: int = 10_000
    max_text: int = 100_000
    dtypes: frozenset[str] = frozenset(
        {"|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8"}
    )


DEFAULT_LIMITS = ReplyLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """The name of an object that stayed on the student's side, and what it claims to be."""

    id: str
    type_name: str = "object"


def encode(value: Any) -> Any:
    """Turn a value of ours into JSON, exactly.

    Raises
    ------
    TypeError
        If the value is not plain data, an array of numbers or a `Handle`; that is a fault of the
        check.

    Examples
    --------
    >>> encode((1, float("nan")))
    {'$tuple': [1, {'$float': 'nan'}]}
    >>> decode(encode(np.arange(3)))
    array([0, 1, 2])
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, Handle):
        return {"$ref": value.id}
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    if isinstance(value, Mapping):
        return {"$dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"$tuple": [encode(item) for item in value]}
    if isinstance(value, set | frozenset):
        return {"$set": [encode(item) for item in value]}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [encode(item) for item in value]
    raise TypeError(f"cannot send a {type(value).__name__} to the student's side")


def _encode_array(array: npt.NDArray[Any]) -> Any:
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise TypeError(f"cannot send an array of {array.dtype} to the student's side")
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    data = base64.b64encode(little.tobytes()).decode("ascii")
    return {"$array": {"dtype": little.dtype.str, "shape": list(array.shape), "data": data}}


def parse(text: str | bytes, limits: ReplyLimits = DEFAULT_LIMITS) -> Any:
    """Read a reply text as JSON within limits, without believing any of it.

    Raises
    ------
    RefusedReply
        If the text is too long, is no JSON, or holds a number outside the range of ours.

    Examples
    --------
    >>> parse('{"value": NaN}')
    Traceback (most recent call last):
    coursekit.grading.errors.RefusedReply: The reply holds the bare constant NaN.
    """
    if len(text) > limits.max_bytes:
        _refuse(f"The reply is longer than {limits.max_bytes:,} bytes.")

    def parse_int(digits: str) -> int:
        if len(digits.lstrip("-")) > limits.max_digits:
            _refuse(f"The reply holds an integer of more than {limits.max_digits} digits.")
        return int(digits)

    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return json.loads(
            text, parse_int=parse_int, parse_float=_finite, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise RefusedReply(f"The reply is not readable: {type(error).__name__}.") from error


def decode(
    value: Any, resolve: _Resolve | None = None, limits: ReplyLimits = DEFAULT_LIMITS
) -> Any:
    """Turn parsed JSON into plain values and arrays of our own.

    Parameters
    ----------
    value : parsed JSON
    resolve : function, optional
        What to make of a `Handle`; by default it stays one.
    limits : ReplyLimits

    Raises
    ------
    RefusedReply
        If the value is not of the agreed form or outside the limits.
    """
    return _Reader(limits, resolve or (lambda handle: handle)).read(value, 0)


class _Reader:
    def __init__(self, limits: ReplyLimits, resolve: _Resolve) -> None:
        self._limits = limits
        self._resolve = resolve
        self._tags: dict[str, Callable[[Any, int], Any]] = {
            "$float": self._read_float,
            "$tuple": lambda items, depth: tuple(self._read_items(items, depth)),
            "$set": lambda items, depth: set(self._read_keys(items, depth)),
            "$dict": self._read_dict,
            "$array": lambda content, depth: self._read_array(content),
            "$ref": self._read_ref,
        }

    def read(self, value: Any, depth: int) -> Any:
        if depth > self._limits.max_depth:
            _refuse(f"The value is nested more than {self._limits.max_depth} deep.")
        if isinstance(value, str) and len(value) > self._limits.max_text:
            _refuse(f"The value holds a text of more than {self._limits.max_text:,} characters.")
        if isinstance(value, list):
            return self._read_items(value, depth)
        if isinstance(value, dict):
            return self._read_tagged(value, depth)
        return value

    def _read_tagged(self, value: dict[str, Any], depth: int) -> Any:
        if "$ref" in value and set(value) == {"$ref", "type"}:
            return self._read_ref(value["$ref"], depth, value["type"])
        tags = list(value)
        if len(tags) != 1 or tags[0] not in self._tags:
            _refuse("The value has an unknown form.")
        return self._tags[tags[0]](value[tags[0]], depth)

    def _read_items(self, items: Any, depth: int) -> list[Any]:
        if not isinstance(items, list):
            _refuse("The value has an unknown form.")
        return [self.read(item, depth + 1) for item in items]

    def _read_keys(self, items: Any, depth: int) -> list[Any]:
        keys = self._read_items(items, depth)
        if len(keys) > self._limits.max_keys:
            _refuse(
                f"The value holds a dict or set of more than {self._limits.max_keys:,} entries."
            )
        try:
            for key in keys:
                hash(key)
        except TypeError:
            _refuse("The value holds a dict or set with a key that cannot be one.")
        return keys

    def _read_dict(self, pairs: Any, depth: int) -> dict[Any, Any]:
        if not isinstance(pairs, list) or any(
            not isinstance(pair, list) or len(pair) != 2 for pair in pairs
        ):
            _refuse("The value has an unknown form.")
        keys = self._read_keys([key for key, _ in pairs], depth)
        return dict(zip(keys, self._read_items([item for _, item in pairs], depth), strict=True))

    def _read_float(self, name: Any, depth: int) -> float:
        if not isinstance(name, str) or name not in _NON_FINITE:
            _refuse("The value has an unknown form.")
        return _NON_FINITE[name]

    def _read_ref(self, name: Any, depth: int, type_name: Any = "object") -> Any:
        readable = isinstance(name, str) and name.isascii() and name.isalnum() and len(name) <= 32
        if not readable or not isinstance(type_name, str):
            _refuse("The value has an unknown form.")
        return self._resolve(Handle(id=name, type_name=type_name[:100]))

    def _read_array(self, content: Any) -> npt.NDArray[Any]:
        if not isinstance(content, dict) or set(content) != {"dtype", "shape", "data"}:
            _refuse("The array has an unknown form.")
        dtype, shape, data = content["dtype"], content["shape"], content["data"]
        if not isinstance(dtype, str) or dtype not in self._limits.dtypes:
            _refuse("The array is of a type that we do not read.")
        if not isinstance(shape, list) or len(shape) > self._limits.max_axes:
            _refuse(f"The array has no shape, or more than {self._limits.max_axes} axes.")
        if any(not isinstance(size, int) or isinstance(size, bool) or size < 0 for size in shape):
            _refuse("The array has a shape that is none.")
        raw = _from_base64(data)
        if math.prod(shape) * np.dtype(dtype).itemsize != len(raw):
            _refuse("The array does not have as many bytes as its shape says.")
        return _shaped(np.frombuffer(raw, dtype=dtype), shape)


def _shaped(flat: npt.NDArray[Any], shape: list[int]) -> npt.NDArray[Any]:
    try:
        return flat.reshape(shape).copy()
    except ValueError as error:  # an empty array whose other axes are absurd
        raise RefusedReply("The array has a shape that is none.") from error


def _from_base64(data: Any) -> bytes:
    if not isinstance(data, str):
        _refuse("The array has no data.")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedReply("The array's data is not base64.") from error


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        _refuse("The reply holds a number that is too large for a float.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    _refuse(f"The reply holds the bare constant {name}.")


def _refuse(message: str) -> NoReturn:
    raise RefusedReply(message)
