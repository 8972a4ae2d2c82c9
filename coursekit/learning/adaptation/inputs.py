"""Validation of the events that a manager receives (lesson 06)."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from coursekit.core.errors import ArithmeticOverflowError, InvalidSampleError
from coursekit.core.events import Chunk

__all__ = ["check_chunk", "check_size", "check_time"]

_LARGEST_ERROR = 1e100  # sums of larger squares could overflow


def check_chunk(chunk: Chunk, last_time: float) -> None:
    """Raise an error if event time decreases or a target is too large."""
    if len(chunk) == 0:
        return
    times = chunk.timestamps
    if times is not None:
        check_time(float(times[0]), last_time)
        falls = np.flatnonzero(np.diff(times) < 0)
        if falls.size:
            _refuse_time(float(times[falls[0] + 1]), float(times[falls[0]]))
    check_size(float(chunk.targets[np.abs(chunk.targets).argmax()]), 0.0)


def check_time(timestamp: float, last: float) -> None:
    """Raise an error for an event older than the last one; 0 means no timestamp."""
    if timestamp < last and timestamp != 0.0:
        _refuse_time(timestamp, last)


def _refuse_time(timestamp: float, last: float) -> NoReturn:
    raise InvalidSampleError(
        f"`timestamp` must not decrease: got {timestamp!r} after {last!r}. Sort the events by "
        "their time."
    )


def check_size(target: float, prediction: float) -> None:
    """Raise an error if the prediction error is too large."""
    if not abs(target - prediction) < _LARGEST_ERROR:
        raise ArithmeticOverflowError(
            f"Learning target {target!r} with the prediction {prediction!r} would leave the "
            f"range of floats; nothing was learnt."
        )
