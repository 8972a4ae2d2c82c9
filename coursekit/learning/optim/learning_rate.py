r"""A learning rate that falls when learning stalls and returns when the world changes (lesson
06).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from coursekit.core.errors import InvalidParameterError, InvalidSampleError, StateFormatError
from coursekit.core.state import State

__all__ = ["AdaptiveLearningRate"]

_NUMBERS = ("learning_rate", "_recent", "_recent_weight", "_former", "_former_weight", "_n_waited")
_SLOWNESS = 10  # times `patience`: how far back the former level looks
_TOLERANCE = 0.001  # of the former level: a smaller improvement is none


class AdaptiveLearningRate:
    r"""Decay a learning rate on a plateau of the smoothed loss; reset it on drift.

    Smoothing: two exponentially weighted means of the losses, both unbiased from the first one on:
    the *recent* level over about `patience` losses and the *former* level over about ten times as
    many. While learning goes on, the recent level runs below the former; where they meet (within
    0.1 %), there is a plateau.

    Update: on a plateau, and at most once every `patience` losses, $\eta \leftarrow
    \max(\eta\cdot\text{decay\_factor}, \text{min\_lr})$, and the recent level becomes the former
    one: the level to beat. So neither one lucky loss nor a better past can hold the rate down for
    ever, and a slow improvement under heavy noise is not mistaken for a plateau.

    Parameters
    ----------
    initial_lr : float, greater than 0
        The rate at the start and after each reset.
    decay_factor : float, in (0, 1)
        What a plateau leaves of the rate.
    min_lr : float, in (0, initial_lr]
        The rate never falls below it.
    patience : int, 1 or more
        How many losses make a plateau, and over how many they are smoothed. Larger waits longer and
        is fooled less.

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

    def __init__(
        self,
        initial_lr: float = 0.01,
        decay_factor: float = 0.95,
        min_lr: float = 0.001,
        patience: int = 100,
    ) -> None:
        if not (math.isfinite(initial_lr) and initial_lr > 0):
            raise InvalidParameterError(
                f"`initial_lr` must be a finite number greater than 0, got {initial_lr!r}."
            )
        if not 0 < decay_factor < 1:
            raise InvalidParameterError(f"`decay_factor` must be in (0, 1), got {decay_factor!r}.")
        if not 0 < min_lr <= initial_lr:
            raise InvalidParameterError(
                f"`min_lr` must be in (0, initial_lr = {initial_lr!r}], got {min_lr!r}."
            )
        if isinstance(patience, bool) or not isinstance(patience, int) or patience < 1:
            raise InvalidParameterError(
                f"`patience` must be an integer, 1 or more, got {patience!r}."
            )
        self.initial_lr = float(initial_lr)
        self.decay_factor = float(decay_factor)
        self.min_lr = float(min_lr)
        self.patience = patience
        self.reset()

    def reset(self) -> None:
        """Return to the initial rate and forget the losses seen: they belong to another world."""
        self.learning_rate = self.initial_lr
        self._recent = self._former = 0.0
        self._recent_weight = self._former_weight = 0.0
        self._n_waited = 0

    @property
    def smoothed_loss(self) -> float:
        """The mean of about the last `patience` losses; NaN before the first."""
        return self._recent if self._recent_weight else math.nan

    def update(self, loss: float) -> float:
        """Take in the loss of one event and return the rate for the next.

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
        """Take in losses in order and return the rate after the last."""
        for loss in losses:
            self.update(float(loss))
        return self.learning_rate

    def get_state(self) -> State:
        """Return everything that the next rates depend on."""
        return {
            "settings": self._settings(),
            "numbers": {name: getattr(self, name) for name in _NUMBERS},
        }

    def set_state(self, state: State) -> None:
        """Continue from a state.

        Raises
        ------
        StateFormatError
            If the state belongs to a schedule with other settings; nothing has changed.
        """
        found, numbers = state.get("settings"), state.get("numbers", {})
        if found != self._settings() or set(numbers) != set(_NUMBERS):
            raise StateFormatError(
                f"The state belongs to a schedule with settings {found}, expected "
                f"{self._settings()}."
            )
        for name in _NUMBERS:
            setattr(self, name, numbers[name])

    def _settings(self) -> State:
        return {
            "initial_lr": self.initial_lr,
            "decay_factor": self.decay_factor,
            "min_lr": self.min_lr,
            "patience": self.patience,
        }
