"""The mean of an item's targets, shrunk towards the mean of all."""

from __future__ import annotations

from typing import Any

from coursekit.core.errors import ArithmeticOverflowError, StateFormatError
from coursekit.core.events import Features, OnlineSample
from coursekit.core.state import State
from coursekit.learning.learners.learner import OnlineLearner

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
            raise ArithmeticOverflowError(
                f"learning target {sample.target!r} of user {sample.user_id!r} would leave the "
                "range of floats; nothing was learnt from it."
            )
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

    def get_model_state(self) -> State:
        """Return a copy of everything that learning depends on."""
        return {
            "signature": "ItemMean",
            "items": list(self._sums),
            "sums": list(map(list, self._sums.values())),
            "total": list(self._total),
            "samples_processed": self.samples_processed,
        }

    def set_model_state(self, state: State) -> None:
        """Continue from a state as if nothing had happened in between."""
        if state.get("signature") != "ItemMean":
            raise StateFormatError(f"The state belongs to {state.get('signature')!r}.")
        self._sums = dict(zip(state["items"], map(tuple, state["sums"]), strict=True))
        self._total = tuple(state["total"])
        self.samples_processed = state["samples_processed"]


def _add(sums: tuple[float, float], sample: OnlineSample) -> tuple[float, float]:
    return sums[0] + sample.weight * sample.target, sums[1] + sample.weight
