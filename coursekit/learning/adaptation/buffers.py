"""Events that wait to be learnt: the buffer of a mini-batch and the window of a retraining (lesson
06).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError
from coursekit.core.events import Chunk, OnlineSample
from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["EventBuffer", "Retraining", "RetrainingWindow"]


class EventBuffer:
    """Events of the mini-batch that is filling up, with their errors on arrival."""

    def __init__(self) -> None:
        self._parts: list[OnlineSample | Chunk] = []
        self._errors: list[float] = []

    def add(self, part: OnlineSample | Chunk, errors: Iterable[float]) -> None:
        """Put one event, or several, at the end."""
        self._parts.append(part)
        self._errors.extend(errors)

    def take(self) -> tuple[Chunk, npt.NDArray[np.float64]]:
        """Return all events and their errors, and be empty."""
        taken = _joined(self._parts), np.array(self._errors)
        self._parts, self._errors = [], []
        return taken

    def get_state(self) -> dict[str, Any]:
        """Return the events, which never change, and their errors."""
        samples = (
            sample
            for part in self._parts
            for sample in ((part,) if isinstance(part, OnlineSample) else part)
        )
        return {"samples": tuple(samples), "errors": tuple(self._errors)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._parts, self._errors = list(state["samples"]), list(state["errors"])


def _joined(parts: list[OnlineSample | Chunk]) -> Chunk:
    """All events of the parts as one chunk."""
    samples = [part for part in parts if isinstance(part, OnlineSample)]
    if len(samples) == len(parts):
        return Chunk.of(samples)
    chunks = [Chunk.of([part]) if isinstance(part, OnlineSample) else part for part in parts]
    if len(chunks) == 1:
        return chunks[0]
    features = [
        chunk.features if chunk.features is not None else [None] * len(chunk) for chunk in chunks
    ]
    weights = [chunk.weights_or_ones() for chunk in chunks]
    times = [
        chunk.timestamps if chunk.timestamps is not None else np.zeros(len(chunk))
        for chunk in chunks
    ]
    return Chunk(
        user_ids=[id_ for chunk in chunks for id_ in chunk.user_ids],
        item_ids=[id_ for chunk in chunks for id_ in chunk.item_ids],
        targets=np.concatenate([chunk.targets for chunk in chunks]),
        weights=None if all(chunk.weights is None for chunk in chunks) else np.concatenate(weights),
        features=None
        if all(chunk.features is None for chunk in chunks)
        else [each for part in features for each in part],
        timestamps=np.concatenate(times),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """How batch mode retrains: every `every` events, from scratch, on the last `window` events,
    `n_epochs` times over them.
    """

    every: int = 1000
    window: int = 10_000
    n_epochs: int = 1

    def __post_init__(self) -> None:
        for name in ("every", "window", "n_epochs"):
            check_count(name, getattr(self, name))


class RetrainingWindow:
    """The last events of a stream, and the learner as it was before the first.

    Parameters
    ----------
    plan : Retraining
    learner : OnlineLearner
        Its present state is where each retraining starts from.
    """

    def __init__(self, plan: Retraining, learner: OnlineLearner) -> None:
        self.plan = plan
        self._first_state = learner.get_model_state()
        self._samples: deque[OnlineSample] = deque(maxlen=plan.window)

    def add(self, samples: Iterable[OnlineSample]) -> None:
        """Put events at the end; the oldest go."""
        self._samples.extend(samples)

    def cut(self, n: int) -> None:
        """Keep only the newest `n` events: those before belong to another world."""
        newest = list(self._samples)[-n:]
        self._samples.clear()
        self._samples.extend(newest)

    def retrain(self, learner: OnlineLearner) -> int:
        """Let a learner start again and learn the window; return how many events it learnt."""
        learner.set_model_state(self._first_state)
        window = Chunk.of(self._samples)
        for _ in range(self.plan.n_epochs):
            learner.partial_fit_many(window)
        return self.plan.n_epochs * len(window)

    def get_state(self) -> dict[str, Any]:
        """Return the events, which never change."""
        return {"samples": tuple(self._samples)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._samples = deque(state["samples"], maxlen=self.plan.window)


def check_count(name: str, count: Any, lowest: int = 1) -> None:
    """Refuse what is no integer of at least `lowest`."""
    if isinstance(count, bool) or not isinstance(count, int) or count < lowest:
        raise InvalidParameterError(
            f"`{name}` must be an integer, {lowest} or more, got {count!r}."
        )
