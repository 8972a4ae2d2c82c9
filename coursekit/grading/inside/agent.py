"""The student's side of a check: does what it is asked on a namespace and says what came of it, as
plain data.

It runs beside student code, so it imports the standard library and numpy. It is *not* trusted:
student code shares its process and may change it. Whatever it says is only a claim about values,
parsed by `coursekit.grading.protocol.codec` and judged elsewhere.

One request is a JSON text ``{"protocol": 1, "operations": [...]}``, one reply ``{"protocol": 1,
"replies": [...]}``::

    {"op": "call", "on": ref or null, "name": "f", "args": [...], "kwargs": {...}, "keep": false}
    {"op": "map",  "on": ref or null, "name": "f", "argument_lists": [[...], ...]}
    {"op": "get",  "on": ref or null, "name": "x"}
    {"op": "set",  "on": ref or null, "name": "x", "value": ...}

``on`` says whose attribute is meant, the namespace when null. A reply is ``{"value": ...}``,
``{"map": [reply, ...]}``, ``{"missing": name}``, ``{"not_attempted": name}`` or ``{"error":
{"type", "message", "line"}}``.

Values: null, booleans, integers, strings, finite floats and lists are themselves; everything else
is an object with one tag: ``$float`` ("nan", "inf", "-inf"), ``$tuple``, ``$set``, ``$dict`` (a
list of pairs), ``$array`` (dtype, shape, base64 of little-endian bytes) and ``$ref``, a handle of
an object that stays here, with its type's name.
"""

from __future__ import annotations

import base64
import json
import linecache
import math
import numbers
import os
from array import array
from collections import deque
from collections.abc import Iterator, KeysView, Mapping, Sequence, ValuesView
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

PROTOCOL = 1
MAX_DEPTH = 32
MAX_DIGITS = 25
MAX_REPLY = 8_000_000

_NOT_THE_STUDENTS = (__file__, os.path.dirname(os.__file__), "<frozen")
_Json = Any
_Operation = dict[str, Any]


class Agent:
    """Answers requests about one namespace; objects that are not plain data are kept and named by a
    handle.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._kept: dict[str, Any] = {}

    def handle(self, request: str) -> str:
        """Answer one request text with one reply text."""
        replies = list(map(self._answer, json.loads(request)["operations"]))
        text = json.dumps({"protocol": PROTOCOL, "replies": replies}, allow_nan=False)
        if len(text) <= MAX_REPLY:
            return text
        too_large = {
            "error": {"type": "ValueError", "message": "the answer is too large", "line": ""}
        }
        return json.dumps({"protocol": PROTOCOL, "replies": [too_large] * len(replies)})

    def _answer(self, operation: _Operation) -> _Json:
        name = operation["name"]
        if operation["op"] == "map":
            return {
                "map": [
                    self._answer({**operation, "op": "call", "args": args})
                    for args in operation["argument_lists"]
                ]
            }
        try:
            if not self._has(operation):
                return {"missing": name}
            return {"value": getattr(self, "_" + operation["op"])(operation)}
        except KeyboardInterrupt:
            raise
        except NotImplementedError as error:
            return {"not_attempted": _raised_in(error) or name}
        except BaseException as error:  # noqa: BLE001 - even sys.exit() in a student's function is only a failed call
            return {"error": _describe(error)}

    def _has(self, operation: _Operation) -> bool:
        if operation["op"] == "set":
            return True
        owner = operation.get("on")
        return (
            operation["name"] in self._namespace
            if owner is None
            else hasattr(self._kept[owner], operation["name"])
        )

    def _call(self, operation: _Operation) -> _Json:
        args = [self._decode(value) for value in operation["args"]]
        kwargs = {key: self._decode(value) for key, value in operation.get("kwargs", {}).items()}
        result = self._look_up(operation)(*args, **kwargs)
        return self._keep(result) if operation.get("keep") else self._encode(result)

    def _get(self, operation: _Operation) -> _Json:
        return self._encode(self._look_up(operation))

    def _set(self, operation: _Operation) -> _Json:
        value, owner = self._decode(operation["value"]), operation.get("on")
        if owner is None:
            self._namespace[operation["name"]] = value
        else:
            setattr(self._kept[owner], operation["name"], value)

    def _look_up(self, operation: _Operation) -> Any:
        owner = operation.get("on")
        return (
            self._namespace[operation["name"]]
            if owner is None
            else getattr(self._kept[owner], operation["name"])
        )

    def _keep(self, value: Any) -> _Json:
        handle = f"r{len(self._kept)}"
        self._kept[handle] = value
        return {"$ref": handle, "type": _type_name(value)}

    def _encode(self, value: Any, depth: int = 0) -> _Json:
        if depth > MAX_DEPTH:
            raise ValueError(f"the value is nested more than {MAX_DEPTH} deep")
        value = _plain(value)
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, int):
            return _bounded(int(value))
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else {"$float": repr(float(value))}
        if isinstance(value, list):
            return [self._encode(item, depth + 1) for item in value]
        if isinstance(value, tuple):
            return {"$tuple": [self._encode(item, depth + 1) for item in value]}
        if isinstance(value, (set, frozenset)):
            return {"$set": [self._encode(item, depth + 1) for item in value]}
        if isinstance(value, dict):
            return {
                "$dict": [
                    [self._encode(key, depth + 1), self._encode(item, depth + 1)]
                    for key, item in value.items()
                ]
            }
        return _encode_array(value) if isinstance(value, np.ndarray) else self._keep(value)

    def _decode(self, value: _Json) -> Any:
        if isinstance(value, list):
            return [self._decode(item) for item in value]
        if not isinstance(value, dict):
            return value
        [tag] = [key for key in value if key.startswith("$")]
        content = value[tag]
        if tag == "$array":
            raw = base64.b64decode(content["data"])
            return np.frombuffer(raw, dtype=content["dtype"]).reshape(content["shape"]).copy()
        if tag == "$dict":
            return {self._decode(key): self._decode(item) for key, item in content}
        if tag == "$ref":
            return self._kept[content]
        if tag == "$float":
            return float(content)
        items = [self._decode(item) for item in content]
        return tuple(items) if tag == "$tuple" else set(items)


def _plain(value: Any) -> Any:
    """Return the plain value that a value of another class stands for: a number, list, dict or
    array of numbers; anything else as it is.
    """
    kind = type(value)
    if value is None or kind in (bool, int, float, str, list, tuple, dict):
        return value
    if isinstance(value, np.floating) and value.itemsize < 8:
        return np.asarray(value)  # keeps its precision
    if isinstance(value, (bool, int, str, bytes)):
        return value
    if isinstance(value, (numbers.Real, Decimal)):  # a fraction, a long double, ...
        return value.item() if isinstance(value, np.integer) else float(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if hasattr(kind, "__array__"):  # of numpy, torch, pandas
        return _as_array(value)
    if isinstance(value, Mapping) or (hasattr(kind, "keys") and hasattr(kind, "__getitem__")):
        return value if isinstance(value, dict) else {key: value[key] for key in value.keys()}
    if isinstance(value, (Iterator, deque, array, Sequence, KeysView, ValuesView)):
        return value if isinstance(value, (list, tuple)) else list(islice(value, MAX_REPLY))
    return value


def _as_array(value: Any) -> Any:
    """Return numbers as an array of at most 64 bits, objects as a list, anything else as it is."""
    if hasattr(value, "detach"):  # a torch tensor that remembers its gradient
        value = value.detach()
    content = np.asarray(value)
    if content.dtype.kind == "O":
        return content.tolist()
    if content.dtype.kind == "f" and content.dtype.itemsize > 8:
        return content.astype(np.float64)
    return content if content.dtype.kind in "biuf" else value


def _encode_array(array: npt.NDArray[Any]) -> _Json:
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    data = base64.b64encode(little.tobytes()).decode("ascii")
    return {"$array": {"dtype": little.dtype.str, "shape": list(array.shape), "data": data}}


def _bounded(value: int) -> int:
    if abs(value) >= 10**MAX_DIGITS:
        raise ValueError(f"the value is an integer of more than {MAX_DIGITS} digits")
    return value


def _raised_in(error: BaseException) -> str:
    """Return the name of the function that raised: the stub, however deep below the one that was
    called.
    """
    frame, name = error.__traceback__, ""
    while frame is not None:
        name, frame = frame.tb_frame.f_code.co_name, frame.tb_next
    return name


def _describe(error: BaseException) -> dict[str, str]:
    """Say what was raised, and the deepest line of the student's own code on the way there."""
    line, frame = "", error.__traceback__
    while frame is not None:
        file = frame.tb_frame.f_code.co_filename
        if not file.startswith(_NOT_THE_STUDENTS) and "site-packages" not in file:
            line = linecache.getline(file, frame.tb_lineno).strip()
        frame = frame.tb_next
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - a broken __str__ is the student's too
        message = ""
    return {"type": _type_name(error), "message": message[:2000], "line": line[:300]}


def _type_name(value: object) -> str:
    return str(type(value).__name__)[:100]
