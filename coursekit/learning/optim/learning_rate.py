r"""Learning rate schedule: decay on a plateau, reset on drift (lesson 06)."""

from __future__ import annotations

import math
from collections.abc import Iterable

from coursekit.core.errors import InvalidSampleError
from coursekit.core.stateful import Stateful
from coursekit.core.validation import Count, Positive, Proportion, number

__all__ = ["AdaptiveLearningRate"]

_SLOWNESS = 10  # window of the former level, in units of `patience`
_TOLERANCE = 0.001  # relative improvement below which there is a plateau


class AdaptiveLearningRate(Stateful):
    r"""Decay a learning rate on a plateau of the smoothed loss; reset it on drift.

    Smoothing: two exponentially weighted means of the losses, both unbiased from the first one on:
    the *recent* level over about `patience` losses and the *former* level over about ten times as
    many. While the loss decreases, the recent level is below the former one; when they are equal
    (within 0.1 %), there is a plateau.

    Update: on a plateau, and at most once every `patience` losses, $\eta \leftarrow
    \max(\eta\cdot\text{decay\_factor}, \text{min\_lr})$, and the recent level replaces the former
    one. So neither a single low loss nor an earlier, lower level keeps decaying the rate, and a
    slow improvement under heavy noise is not a plateau.

    Parameters
    ----------
    initial_lr : float, greater than 0
        The rate at the start and after each reset.
    decay_factor : float, in (0, 1)
        Factor of the rate at a plateau.
    min_lr : float, in (0, initial_lr]
        Minimum rate.
    patience : int, 1 or more
        Smoothing window, and minimum number of losses between two decays. Larger decays later and
        is less sensitive to noise.

    Raises
    ------
    InvalidParameterError
        If a setting is out of range.

    Examples
    --------
    >>> schedule = AdaptiveLearningRate(initial_lr=0.1, decay_factor=0.5, patience=10)
    >>> for loss in range(100, 0, -1):  # learning
    ...     rate = schedule.update(loss)
    >>> rate
    0.1
    >>> for _ in range(2000):  # a plateau
    ...     rate = schedule.update(1.0)
    >>> rate < 0.1
    True
    >>> schedule.reset()  # drift
    >>> schedule.learning_rate
    0.1
    """

    _memory_names = (
        "learning_rate",
        "_recent",
        "_recent_weight",
        "_former",
        "_former_weight",
        "_n_waited",
    )

    def __init__(
        self,
        initial_lr: Positive = 0.01,
        decay_factor: Proportion = 0.95,
        min_lr: Positive = 0.001,
        patience: Count = 100,
    ) -> None:
        self.initial_lr, self.decay_factor, self.patience = initial_lr, decay_factor, patience
        self.min_lr = number("min_lr", min_lr, at_most=initial_lr)
        self.reset()

    def reset(self) -> None:
        """Restore the initial rate and clear the smoothed losses."""
        self.learning_rate = self.initial_lr
        self._recent = self._former = 0.0
        self._recent_weight = self._former_weight = 0.0
        self._n_waited = 0

    @property
    def smoothed_loss(self) -> float:
        """The mean of about the last `patience` losses; NaN before the first."""
        return self._recent if self._recent_weight else math.nan

    def update(self, loss: float) -> float:
        """Update with the loss of one event and return the rate for the next.

        Raises
        ------
        InvalidSampleError
            If the loss is not a finite number; nothing has changed.
        """
        if not math.isfinite(loss):
            raise InvalidSampleError(f"`loss` must be a finite number, got {loss!r}.")
        self._recent_weight += (1.0 - self._recent_weight) / self.patience
        self._former_weight += (1.0 - self._former_weight) / (_SLOWNESS * self.patience)
        self._recent += (loss - self._recent) / (self.patience * self._recent_weight)
        self._former += (loss - self._former) / (_SLOWNESS * self.patience * self._former_weight)
        self._n_waited += 1
        if self._n_waited >= self.patience and self._recent >= self._former - _TOLERANCE * abs(
            self._former
        ):
            self.learning_rate = max(self.learning_rate * self.decay_factor, self.min_lr)
            self._former, self._n_waited = self._recent, 0
        return self.learning_rate

    def update_many(self, losses: Iterable[float]) -> float:
        """Update with losses in order and return the rate after the last."""
        for loss in losses:
            self.update(float(loss))
        return self.learning_rate
