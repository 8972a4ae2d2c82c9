"""Buffer of events, for mini-batches and for the window of a retraining (lesson 06)."""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import Any

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.events import Chunk, OnlineSample
from coursekit.core.state import State
from coursekit.core.stateful import Stateful

__all__ = ["EventBuffer"]

_COLUMNS = ("user_ids", "item_ids", "targets", "weights", "features", "timestamps")


class EventBuffer(Stateful):
    """Events in order of arrival, each with the error of its prediction on arrival.

    Parameters
    ----------
    max_size : int, optional
        Maximum number of events; the oldest are dropped. Default: unlimited.

    Examples
    --------
    >>> buffer = EventBuffer(max_size=2)
    >>> for user in range(3):
    ...     buffer.add(OnlineSample(user_id=user, item_id=7, target=4.0), np.array([0.5]))
    >>> len(buffer), buffer.take()[0].user_ids, len(buffer)
    (2, [1, 2], 0)
    """

    def __init__(self, max_size: int | None = None) -> None:
        self.max_size = max_size
        self._parts: deque[tuple[OnlineSample | Chunk, Floats]] = deque()
        self._size = 0  # events in all parts, may exceed `max_size`

    def __len__(self) -> int:
        return self._size if self.max_size is None else min(self._size, self.max_size)

    def add(self, part: OnlineSample | Chunk, errors: Floats) -> None:
        """Append one event or several."""
        self._parts.append((part, errors))
        self._size += len(errors)
        if self.max_size is not None:
            while self._size - len(self._parts[0][1]) >= self.max_size:
                self._size -= len(self._parts.popleft()[1])

    def keep_newest(self, n: int) -> None:
        """Drop all events but the newest `n`."""
        events, errors = self.contents()
        start = max(len(events) - n, 0)
        self.clear()
        self.add(events.slice(start, len(events)), errors[start:])

    def contents(self) -> tuple[Chunk, Floats]:
        """Return all events and their errors."""
        if not self._parts:
            return Chunk.of([]), np.empty(0)
        events = _joined([part for part, _ in self._parts])
        errors = np.concatenate([each for _, each in self._parts])
        start = len(events) - len(self)
        return (events.slice(start, len(events)), errors[start:]) if start else (events, errors)

    def take(self) -> tuple[Chunk, Floats]:
        """Return all events and their errors, and clear the buffer."""
        taken = self.contents()
        self.clear()
        return taken

    def clear(self) -> None:
        """Drop all events."""
        self._parts.clear()
        self._size = 0

    def _get_memory(self) -> State:
        """Return the events as columns, without a copy since events are immutable."""
        events, errors = self.contents()
        return {"errors": errors, **{name: getattr(events, name) for name in _COLUMNS}}

    def _set_memory(self, memory: State) -> None:
        columns = {name: memory[name] for name in _COLUMNS}
        for name in ("user_ids", "item_ids"):  # JSON turns tuples into lists
            columns[name] = [tuple(id_) if type(id_) is list else id_ for id_ in columns[name]]
        self.clear()
        if len(memory["errors"]):
            self.add(Chunk(**columns), memory["errors"])


def _joined(parts: list[OnlineSample | Chunk]) -> Chunk:
    """Return all events of the parts as one chunk."""
    samples = [part for part in parts if isinstance(part, OnlineSample)]
    if len(samples) == len(parts):
        return Chunk.of(samples)
    chunks = [part if isinstance(part, Chunk) else Chunk.of([part]) for part in parts]
    if len(chunks) == 1:
        return chunks[0]

    def column(name: str, default: Any) -> Any:
        columns = [getattr(chunk, name) for chunk in chunks]
        if all(each is None for each in columns):
            return None
        pairs = zip(chunks, columns, strict=True)
        filled = [[default] * len(chunk) if each is None else each for chunk, each in pairs]
        return list(chain.from_iterable(filled)) if default is None else np.concatenate(filled)

    defaults = dict(zip(_COLUMNS, (None, None, 0.0, 1.0, None, 0.0), strict=True))
    return Chunk(**{name: column(name, default) for name, default in defaults.items()})
