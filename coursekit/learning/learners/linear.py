r"""A linear model over named features, learnt online with any optimiser (lessons 06 and 07)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt

from coursekit.core.compiled import compiled
from coursekit.core.errors import (
    ArithmeticOverflowError,
    InvalidSampleError,
    StateFormatError,
    UnknownNameError,
)
from coursekit.core.events import Features, OnlineSample
from coursekit.core.state import State
from coursekit.learning.factors.table import decode_ids, encode_ids
from coursekit.learning.learners.learner import OnlineLearner
from coursekit.learning.optim.optimizers import Optimizer, move_weight, optimizer_named

__all__ = ["OnlineLinearModel"]

_FloatArray = npt.NDArray[np.float64]
_LARGEST = 1e100  # squares of larger numbers, summed up, could leave the range of floats
_INTERCEPT = "(intercept)"


@compiled
def predict_score(weights, columns, values):
    """Return the sum of weights times values; a column of -1 is unknown and adds nothing."""
    score = 0.0
    for at in range(columns.size):
        if columns[at] >= 0:
            score += weights[columns[at]] * values[at]
    return score


@compiled
def learn_score(weights, memory, settings, tag, t, columns, values, slope, penalty):
    """Move the weights of the active columns against `slope` times their values."""
    for at in range(columns.size):
        j = columns[at]
        move_weight(tag, settings, t, weights, memory, j, slope * values[at] + penalty * weights[j])


class OnlineLinearModel(OnlineLearner):
    r"""Predict a number or a probability from a weighted sum of what is known of an event.

    Model:  $s = w_0 + \sum_j w_j x_j$ over the features of the event, and, with `use_ids`, one for its user and one for its
    item. $\hat y = s$ for squared loss, $\hat y = 1/(1 + e^{-s})$ for logistic loss, whose targets are in [0, 1].

    Update: the gradient of either loss at $w_j$ is $w_t(\hat y - y)\,x_j + \lambda w_j$ with the
    event's weight $w_t$; the optimiser makes a step of it. Features are given a column when they
    are first learnt from.

    Parameters
    ----------
    loss : {"squared", "logistic"}
    optimizer : str or Optimizer
        "sgd", "adagrad", "ftrl", "adam", or one with settings of its own; it is used, not copied.
    learning_rate : float, optional
        In place of the optimiser's.
    regularization : float, 0 or more
        $\lambda$: pull of the active weights towards 0.
    use_ids : bool
        Whether the ids of user and item are features too.

    Examples
    --------
    >>> model = OnlineLinearModel(loss="logistic", use_ids=False)
    >>> for hour in range(1000):
    ...     night = float(hour % 24 < 8)
    ...     sample = OnlineSample(user_id=0, item_id=0, features={"night": night}, target=night)
    ...     loss = model.partial_fit(sample)
    >>> model.predict(0, 0, {"night": 1.0}) > 0.9, model.predict(0, 0, {"night": 0.0}) < 0.1
    (True, True)
    """

    def __init__(
        self,
        loss: Literal["squared", "logistic"] = "squared",
        optimizer: str | Optimizer = "adagrad",
        *,
        learning_rate: float | None = None,
        regularization: float = 0.0,
        use_ids: bool = True,
    ) -> None:
        if loss not in ("squared", "logistic"):
            raise UnknownNameError(f"`loss` must be 'squared' or 'logistic', got {loss!r}.")
        self.loss = loss
        self.optimizer = optimizer_named(optimizer)
        self.use_ids = use_ids
        self._columns: dict[Any, int] = {_INTERCEPT: 0}
        self._weights: _FloatArray = np.zeros(16)
        self.optimizer.reserve(self._weights.size)
        super().__init__(
            self.optimizer.learning_rate if learning_rate is None else learning_rate, regularization
        )

    # -- learning
    # ----------------------------------------------------------------------------------------------------------

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event; return the squared error before the update."""
        target = sample.target
        if self.loss == "logistic" and not 0.0 <= target <= 1.0:
            self._refuse(sample) if not abs(target) < _LARGEST else None
            raise InvalidSampleError(
                f"`target` must be in [0, 1] for logistic loss, got {target!r}."
            )
        names, values = self._read(sample.user_id, sample.item_id, sample.features)
        columns = np.fromiter((self._columns.get(name, -1) for name in names), np.intp, len(names))
        prediction = self._link(predict_score(self._weights, columns, values))
        error = target - prediction
        if not abs(error) * max(1.0, float(np.abs(values).max())) < _LARGEST:
            self._refuse(sample)
        if sample.weight > 0.0:
            if (columns < 0).any():
                columns = self._add_columns(names)
            optimizer = self.optimizer
            optimizer.n_steps += 1
            learn_score(
                self._weights, optimizer._memory, optimizer._settings, optimizer.tag, optimizer.n_steps, columns, values,
                -error * sample.weight, self.regularization,
            )  # fmt: skip
        self.samples_processed += 1
        return error * error

    def _add_columns(self, names: list[Any]) -> npt.NDArray[np.intp]:
        """Columns of names, new ones where there are none yet."""
        for name in names:
            self._columns.setdefault(name, len(self._columns))
        n = len(self._columns)
        if n > self._weights.size:
            self._weights = np.concatenate(
                [self._weights, np.zeros(max(n, 2 * self._weights.size) - self._weights.size)]
            )
            self.optimizer.reserve(self._weights.size)
        return np.fromiter((self._columns[name] for name in names), np.intp, len(names))

    def _refuse(self, sample: OnlineSample) -> NoReturn:
        raise ArithmeticOverflowError(
            f"learning target {sample.target!r} of user {sample.user_id!r} and item "
            f"{sample.item_id!r} would leave the "
            "range of floats; nothing was learnt from it."
        )

    def discount_evidence(self, keep: float) -> None:
        """Let the optimiser discount its evidence."""
        super().discount_evidence(keep)
        self.optimizer.discount_evidence(keep)

    # -- asking
    # ------------------------------------------------------------------------------------------------------------

    def predict(self, user_id: Any, item_id: Any, features: Features | None = None) -> float:
        """Return the expected target, or the probability of 1; unknown features add nothing."""
        names, values = self._read(user_id, item_id, features)
        columns = np.fromiter((self._columns.get(name, -1) for name in names), np.intp, len(names))
        return self._link(predict_score(self._weights, columns, values))

    @property
    def weights(self) -> dict[Any, float]:
        """The weight of each feature; those of ids are named ("user", id) and ("item", id)."""
        return dict(zip(self._columns, self._weights.tolist(), strict=False))

    def _link(self, score: float) -> float:
        return score if self.loss == "squared" else 0.5 * (1.0 + math.tanh(0.5 * score))

    def _read(
        self, user_id: Any, item_id: Any, features: Features | None
    ) -> tuple[list[Any], _FloatArray]:
        """Names and values of what is not 0."""
        names: list[Any] = [_INTERCEPT]
        values = [1.0]
        if self.use_ids:
            names += [("user", user_id), ("item", item_id)]
            values += [1.0, 1.0]
        if features is not None:
            entries = (
                features.items()
                if isinstance(features, Mapping)
                else enumerate(np.asarray(features).tolist())
            )
            for name, value in entries:
                if isinstance(value, str):
                    name, value = f"{name}={value}", 1.0
                if not math.isfinite(value):
                    raise InvalidSampleError(
                        f"Feature {name!r} must be a finite number or a category, got {value!r}."
                    )
                if value != 0.0:
                    names.append(name)
                    values.append(float(value))
        return names, np.array(values)

    # -- pace and state
    # ----------------------------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> float:
        """The optimiser's rate."""
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.optimizer.learning_rate = value

    def get_model_state(self) -> State:
        """Return a copy of everything that learning depends on, ready for `save_state`."""
        return {
            "signature": self._signature(),
            "columns": encode_ids(self._columns),
            "weights": self._weights.copy(),
            "optimizer": self.optimizer.get_state(),
            "samples_processed": self.samples_processed,
            "model_version": self.model_version,
        }

    def set_model_state(self, state: State) -> None:
        """Continue from a state as if nothing had happened in between; a state of another model is
        refused.
        """
        if state.get("signature") != self._signature():
            raise StateFormatError(
                f"The state belongs to {state.get('signature')}, expected {self._signature()}."
            )
        self.optimizer.set_state(state["optimizer"])
        self._columns = {name: at for at, name in enumerate(decode_ids(state["columns"]))}
        self._weights = np.array(state["weights"], dtype=np.float64)
        self.samples_processed = state["samples_processed"]
        self.model_version = state["model_version"]

    def _signature(self) -> dict[str, Any]:
        return {
            "class": type(self).__name__,
            "loss": self.loss,
            "optimizer": type(self.optimizer).__name__,
            "regularization": self.regularization,
            "use_ids": self.use_ids,
        }
