r"""A linear model over named features, learnt online with any optimizer (lessons 06 and 07)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import numpy as np

from coursekit.core.arrays import Floats, Indices
from coursekit.core.compiled import compiled
from coursekit.core.errors import InvalidSampleError, StateFormatError
from coursekit.core.events import Features, OnlineSample
from coursekit.core.ids import decode_ids, encode_ids
from coursekit.core.state import State
from coursekit.core.validation import NonNegative, Positive, choice
from coursekit.learning.learners.learner import OnlineLearner, refuse_overflow
from coursekit.learning.optim.descent import AnyOptimizer, Descent, update
from coursekit.learning.optim.optimizer import Optimizer

__all__ = ["OnlineLinearModel"]

_LARGEST = 1e100  # squares of larger numbers, summed up, could leave the range of floats
_INTERCEPT = "(intercept)"


@compiled
def _score(weights, columns, values):
    """Return sum_a w[columns[a]] x_a; a column of -1 is unknown and adds nothing.

    Shapes: weights (capacity,), columns and values (n_active,).
    """
    score = 0.0
    for at in range(columns.size):
        if columns[at] >= 0:
            score += weights[columns[at]] * values[at]
    return score


@compiled
def _learn(tag, settings, t, weights, memory, columns, values, slope, penalty):
    """Update the active weights along the gradient slope x_a + penalty w_a; shapes as in `_score`,
    memory (n_memories, capacity).
    """
    for at in range(columns.size):
        j = columns[at]
        gradient = slope * values[at] + penalty * weights[j]
        update(tag, settings, t, weights, memory, j, gradient)


class OnlineLinearModel(OnlineLearner):
    r"""Linear or logistic regression on the named features of an event.

    Model:  $s = w_0 + \sum_j w_j x_j$ over the features of the event and, with `use_ids`, the
    one-hot features of its user and its item. $\hat y = s$ for squared loss, $\hat y = 1/(1 +
    e^{-s})$ for logistic loss, whose targets are in [0, 1].

    Update: one step of the optimizer along the gradient, which for either loss is $w_t(\hat y -
    y)\,x_j + \lambda w_j$ with the event's weight $w_t$. A feature is added
    when it is first learnt.

    Parameters
    ----------
    loss : {"squared", "logistic"}
    optimizer : str, Optimizer or dict
        "sgd", "adagrad", "ftrl", "adam", one with settings of its own, or its `config()`.
    learning_rate : float, optional
        In place of the optimizer's.
    regularization : float, 0 or more
        $\lambda$: L2 penalty of the active weights.
    use_ids : bool
        Whether to add one-hot features of user and item.

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

    _memory_names = ("learning_rate", "samples_processed", "model_version", "_weights", "_descent")

    def __init__(
        self,
        loss: Annotated[str, partial(choice, options=("squared", "logistic"))] = "squared",
        optimizer: AnyOptimizer = "adagrad",
        *,
        learning_rate: Positive | None = None,
        regularization: NonNegative = 0.0,
        use_ids: bool = True,
    ) -> None:
        self.loss, self.use_ids = loss, use_ids
        self._descent = Descent(optimizer)
        self._columns: dict[Any, int] = {_INTERCEPT: 0}
        self._weights: Floats = np.zeros(16)
        self._descent.reserve(self._weights.size)
        rate = self._descent.learning_rate if learning_rate is None else learning_rate
        super().__init__(rate, regularization)

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event; return the squared error before the update."""
        target = sample.target
        names, values = self._read(sample.user_id, sample.item_id, sample.features)
        columns = self._columns_of(names)
        prediction = self._link(_score(self._weights, columns, values))
        error = target - prediction
        if not abs(error) * max(1.0, float(np.abs(values).max())) < _LARGEST:
            refuse_overflow(sample)
        if self.loss == "logistic" and not 0.0 <= target <= 1.0:
            raise InvalidSampleError(
                f"`target` must be in [0, 1] for logistic loss, got {target!r}."
            )
        if sample.weight > 0.0:
            if (columns < 0).any():
                columns = self._add_columns(names)
            descent, slope = self._descent, -error * sample.weight
            descent.n_steps += 1
            step = descent.tag, descent.settings, descent.n_steps, self._weights, descent.memory
            _learn(*step, columns, values, slope, self.regularization)
        self.samples_processed += 1
        return error * error

    def _columns_of(self, names: list[Any]) -> Indices:
        """Return the columns of names, -1 if unknown."""
        return np.fromiter((self._columns.get(name, -1) for name in names), np.intp, len(names))

    def _add_columns(self, names: list[Any]) -> Indices:
        """Return the columns of names, adding unknown ones."""
        for name in names:
            self._columns.setdefault(name, len(self._columns))
        n = len(self._columns)
        if n > self._weights.size:
            self._weights = np.append(
                self._weights, np.zeros(max(n - self._weights.size, self._weights.size))
            )
            self._descent.reserve(self._weights.size)
        return self._columns_of(names)

    def discount_evidence(self, keep: float) -> None:
        """Discount the memory of the optimizer."""
        self._descent.discount_evidence(keep)

    def predict(self, user_id: Any, item_id: Any, features: Features | None = None) -> float:
        """Return the expected target, or the probability of 1; unknown features add nothing."""
        names, values = self._read(user_id, item_id, features)
        return self._link(_score(self._weights, self._columns_of(names), values))

    @property
    def weights(self) -> dict[Any, float]:
        """The weight of each feature; those of ids are named ("user", id) and ("item", id)."""
        return dict(zip(self._columns, self._weights.tolist(), strict=False))

    def _link(self, score: float) -> float:
        return score if self.loss == "squared" else 0.5 * (1.0 + math.tanh(0.5 * score))

    def _read(
        self, user_id: Any, item_id: Any, features: Features | None
    ) -> tuple[list[Any], Floats]:
        """Return names and values of the features that are not 0."""
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

    @property
    def learning_rate(self) -> float:
        """Present learning rate of the optimizer."""
        return self._descent.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._descent.learning_rate = value

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer as it was given."""
        return self._descent.optimizer

    def _get_memory(self) -> State:
        return {**super()._get_memory(), "columns": encode_ids(self._columns)}

    def _set_memory(self, memory: State) -> None:
        super()._set_memory(memory)
        self._columns = {name: at for at, name in enumerate(decode_ids(memory["columns"]))}

    def _check_memory(self, memory: State) -> None:
        super()._check_memory(memory)
        if "columns" not in memory:
            raise StateFormatError(f"The state of {type(self).__name__} has no columns.")
