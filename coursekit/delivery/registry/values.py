"""What a registry accepts as names, texts, metrics and settings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from coursekit.core.errors import InvalidParameterError
from coursekit.core.validation import number, require

__all__ = ["json_object", "metrics_of", "name_of", "text_of"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_EXPECTED_NAME = "1 to 100 letters, digits, '.', '_' or '-', the first a letter or a digit"


def name_of(name: str, value: Any) -> str:
    """Return the id of a model, a version or an alias, if it can stand in a URL.

    >>> name_of("version", "1.0.3-rc1")
    '1.0.3-rc1'
    >>> name_of("version", "../1")
    Traceback (most recent call last):
    coursekit.core.errors.InvalidParameterError: `version` must be 1 to 100 letters, digits, ...
    """
    require(isinstance(value, str) and bool(_NAME.fullmatch(value)), name, _EXPECTED_NAME, value)
    return str(value)


def text_of(name: str, value: Any) -> str:
    """Return a text; InvalidParameterError if it is empty."""
    require(isinstance(value, str) and bool(value.strip()), name, "a text, not empty", value)
    return str(value)


def metrics_of(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as floats; InvalidParameterError if one is not a finite number."""
    return {
        text_of("performance_metrics", name): number(f"performance_metrics[{name!r}]", value)
        for name, value in metrics.items()
    }


def json_object(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a mapping as JSON stores it; numbers of numpy become plain numbers.

    Raises
    ------
    InvalidParameterError
        If a value is not JSON (NaN is not).

    Examples
    --------
    >>> json_object("metadata", {"folds": (1, 2)})
    {'folds': [1, 2]}
    """
    try:
        copy = json.loads(json.dumps(dict(values), allow_nan=False, default=_plain_number))
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(f"`{name}` must hold JSON values only: {error}.") from error
    return dict(copy)


def _plain_number(value: Any) -> Any:
    if getattr(value, "ndim", None) == 0:  # of numpy
        return value.item()
    raise TypeError(f"{value!r} is of type {type(value).__name__}")
