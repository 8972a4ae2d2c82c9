"""The mean of an item's targets, shrunk towards the mean of all."""

from __future__ import annotations

from typing import Any

from coursekit.core.events import Features, OnlineSample
from coursekit.core.ids import decode_ids, encode_ids
from coursekit.core.state import State
from coursekit.learning.learners.learner import OnlineLearner, refuse_overflow

__all__ = ["ItemMean"]

_LARGEST = 1e100  # sums of larger targets could leave the range of floats


class ItemMean(OnlineLearner):
    r"""Predict the mean of an item's targets.

    Model: $\hat y_i = (s_i + k\,\bar y)/(n_i + k)$ with the item's sum $s_i$ and count $n_i$ of
    targets (both weighted), the mean of all targets $\bar y$ and a prior of $k = 5$ events.

    Examples
    --------
    >>> learner = ItemMean()
    >>> learner.partial_fit(OnlineSample(user_id=1, item_id="film", target=4.0))
    16.0
    >>> learner.predict(2, "film"), learner.predict(2, "unknown")
    (4.0, 4.0)
    """

    PRIOR = 5.0

    def __init__(self) -> None:
        super().__init__()
        self._sums: dict[Any, tuple[float, float]] = {}
        self._total = (0.0, 0.0)

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event; return the squared error before the update."""
        if not abs(sample.target) < _LARGEST:
            refuse_overflow(sample)
        loss = self.evaluate_sample(sample)
        if sample.weight > 0.0:
            self._sums[sample.item_id] = _add(self._sums.get(sample.item_id, (0.0, 0.0)), sample)
            self._total = _add(self._total, sample)
        self.samples_processed += 1
        return loss

    def predict(self, user_id: Any, item_id: Any, features: Features | None = None) -> float:
        """Return the expected target; an unknown item has the mean of all."""
        total, weight = self._total
        mean = total / weight if weight else 0.0
        item_total, item_weight = self._sums.get(item_id, (0.0, 0.0))
        return (item_total + self.PRIOR * mean) / (item_weight + self.PRIOR)

    def _get_memory(self) -> State:
        sums = {"items": encode_ids(self._sums), "sums": list(map(list, self._sums.values()))}
        return {**super()._get_memory(), **sums, "total": list(self._total)}

    def _set_memory(self, memory: State) -> None:
        super()._set_memory(memory)
        items = decode_ids(memory["items"])
        self._sums = dict(zip(items, map(tuple, memory["sums"]), strict=True))
        self._total = tuple(memory["total"])


def _add(sums: tuple[float, float], sample: OnlineSample) -> tuple[float, float]:
    return sums[0] + sample.weight * sample.target, sums[1] + sample.weight
