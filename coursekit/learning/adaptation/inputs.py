"""Input that a manager refuses before anything has changed (lesson 06)."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from coursekit.core.errors import ArithmeticOverflowError, InvalidSampleError
from coursekit.core.events import Chunk

__all__ = ["check_chunk", "check_size", "check_time"]

_LARGEST_ERROR = 1e100  # beyond it squares and their sums would not stay finite


def check_chunk(chunk: Chunk, last_time: float) -> None:
    """Refuse a chunk whose event time goes back, or whose targets are too large."""
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
    """Refuse an event that is older than the last one; 0 is an event that carries no time."""
    if timestamp < last and timestamp != 0.0:
        _refuse_time(timestamp, last)


def _refuse_time(timestamp: float, last: float) -> NoReturn:
    raise InvalidSampleError(
        f"`timestamp` must not go back: got {timestamp!r} after {last!r}. Sort the events by "
        "their time."
    )


def check_size(target: float, prediction: float) -> None:
    """Refuse an event whose error is too large."""
    if not abs(target - prediction) < _LARGEST_ERROR:
        raise ArithmeticOverflowError(
            f"Learning target {target!r} with the prediction {prediction!r} would leave the "
            f"range of floats; nothing was learnt."
        )
