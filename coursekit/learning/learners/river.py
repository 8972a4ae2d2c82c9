"""Adapters between River's regressors and online learners, in both directions (lessons 01 and
06).
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any

import numpy as np

from coursekit.core.errors import InvalidSampleError
from coursekit.core.events import Features, OnlineSample
from coursekit.core.state import State
from coursekit.core.validation import choice, number, require
from coursekit.learning.learners.learner import OnlineLearner, refuse_overflow

__all__ = ["FromRiver", "ToRiver"]

_IDS: dict[str, Callable[[Any, Any], dict[Any, Any]]] = {
    "one-hot": lambda user_id, item_id: {f"user={user_id}": 1.0, f"item={item_id}": 1.0},
    "entries": lambda user_id, item_id: {"user": user_id, "item": item_id},
    "omitted": lambda user_id, item_id: {},
}


class FromRiver(OnlineLearner):
    """Adapter: a regressor with `learn_one` and `predict_one`, such as River's, as an
    OnlineLearner.

    If `learn_one` has the parameters `user` and `item` (River's recommenders), the ids are passed
    as these; otherwise all side features are passed as one mapping `x` (a dense vector becomes the
    entries 0, 1, 2, ...), with the ids encoded as `ids` says.

    Sample weights are passed as `w` if `learn_one` has that parameter; otherwise they must be 0 or
    1.

    Parameters
    ----------
    model : regressor
        Updated in place, not copied. Some of River's recommenders add unknown users when they
        predict.
    ids : {"one-hot", "entries", "omitted"}
        Encoding of user and item in `x`: as one-hot features ``{"user=7": 1.0, "item=9": 1.0}``,
        for linear models; as the entries "user" and "item", for trees; or omitted.

    Attributes
    ----------
    learning_rate : float
        Factor of the constant learning rate of every optimizer of the model; 1 at the start. No
        effect without an optimizer.

    Examples
    --------
    >>> class RunningMean:
    ...     n, mean = 0, 0.0
    ...     def learn_one(self, x, y):
    ...         self.n += 1
    ...         self.mean += (y - self.mean) / self.n
    ...     def predict_one(self, x):
    ...         return self.mean
    >>> learner = FromRiver(RunningMean())
    >>> for target in (3.0, 5.0):
    ...     print(learner.partial_fit(OnlineSample(user_id=1, item_id=2, target=target)))
    9.0
    4.0
    >>> learner.predict(1, 2)
    4.0
    """

    def __init__(
        self, model: Any, *, ids: Annotated[str, partial(choice, options=_IDS)] = "one-hot"
    ) -> None:
        self.ids = ids
        usable = all(callable(getattr(model, name, None)) for name in ("learn_one", "predict_one"))
        require(usable, "model", "one with `learn_one` and `predict_one`", model)
        self._use(model)
        super().__init__(learning_rate=1.0, regularization=0.0)

    def _use(self, model: Any) -> None:
        self.model, self._rate_factor = model, 1.0
        parameters = inspect.signature(model.learn_one).parameters
        self._names_user_and_item = {"user", "item"} <= set(parameters)
        self._weighs = "w" in parameters
        self._optimizers = list(_optimizers(model))

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event; return the squared error before the update."""
        prediction = self.predict(sample.user_id, sample.item_id, sample.features)
        error = sample.target - prediction
        if not math.isfinite(error * error):
            refuse_overflow(sample)
        if sample.weight != 0.0:
            extra = self._weight(sample)
            if self._names_user_and_item:
                self.model.learn_one(
                    user=sample.user_id,
                    item=sample.item_id,
                    y=sample.target,
                    x=_sides(sample.features),
                    **extra,
                )
            else:
                self.model.learn_one(
                    self._x(sample.user_id, sample.item_id, sample.features), sample.target, **extra
                )
        self.samples_processed += 1
        return error * error

    def _weight(self, sample: OnlineSample) -> dict[str, float]:
        if self._weighs:
            return {"w": sample.weight}
        if sample.weight != 1.0:
            raise InvalidSampleError(
                f"`weight` must be 0 or 1, {type(self.model).__name__} has no weights, got "
                f"{sample.weight}."
            )
        return {}

    def predict(self, user_id: Any, item_id: Any, features: Features | None = None) -> float:
        """Return the prediction of the model; 0 if it is None."""
        if self._names_user_and_item:
            prediction = self.model.predict_one(user=user_id, item=item_id, x=_sides(features))
        else:
            prediction = self.model.predict_one(self._x(user_id, item_id, features))
        return 0.0 if prediction is None else float(prediction)

    def _x(self, user_id: Any, item_id: Any, features: Features | None) -> dict[Any, Any]:
        return {**_IDS[self.ids](user_id, item_id), **(_sides(features) or {})}

    @property
    def learning_rate(self) -> float:
        """Factor of the initial learning rate of the optimizers; 1 at the start."""
        return self._rate_factor

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        change = number("learning_rate", value, above=0) / self._rate_factor
        self._rate_factor = float(value)
        for optimizer in self._optimizers:
            optimizer.lr.learning_rate *= change

    def _get_memory(self) -> State:
        """Return a deep copy, for checkpoints in memory; it cannot be saved to disk."""
        return {**super()._get_memory(), "model": copy.deepcopy(self.model)}

    def _set_memory(self, memory: State) -> None:
        self._use(copy.deepcopy(memory["model"]))
        self._rate_factor = memory["learning_rate"]  # the model's optimizers have it already
        super()._set_memory(memory)


class ToRiver:
    """Adapter: an OnlineLearner as a regressor with River's methods; `x` contains the ids.

    Parameters
    ----------
    learner : OnlineLearner
    user_key, item_key : str
        The entries of `x` with the ids of user and item; the others are side features.

    Examples
    --------
    >>> from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
    >>> model = ToRiver(OnlineMatrixFactorization(n_factors=2))
    >>> model.learn_one({"user": "ada", "item": "Metropolis"}, 5.0)
    >>> round(model.predict_one({"user": "ada", "item": "Metropolis"}))
    5
    """

    def __init__(
        self, learner: OnlineLearner, *, user_key: str = "user", item_key: str = "item"
    ) -> None:
        self.learner = learner
        self.user_key = user_key
        self.item_key = item_key

    def learn_one(self, x: Mapping[Any, Any], y: float, w: float = 1.0) -> None:
        """Learn from one event."""
        user_id, item_id, features = self._read(x)
        self.learner.partial_fit(
            OnlineSample(user_id=user_id, item_id=item_id, target=y, features=features, weight=w)
        )

    def predict_one(self, x: Mapping[Any, Any]) -> float:
        """Return the expected target."""
        return self.learner.predict(*self._read(x))

    def _read(self, x: Mapping[Any, Any]) -> tuple[Any, Any, dict[Any, Any] | None]:
        for key in (self.user_key, self.item_key):
            if key not in x:
                raise InvalidSampleError(
                    f"`x` must hold {key!r}, got the entries "
                    f"{', '.join(map(repr, x)) or 'of nothing'}."
                )
        sides = {
            name: value for name, value in x.items() if name not in (self.user_key, self.item_key)
        }
        return x[self.user_key], x[self.item_key], sides or None


def _sides(features: Features | None) -> dict[Any, Any] | None:
    if features is None or isinstance(features, Mapping):
        return None if features is None else dict(features)
    return dict(enumerate(np.asarray(features, dtype=np.float64).tolist()))


def _optimizers(model: Any) -> Iterator[Any]:
    """Yield the optimizers with a constant rate of a model and of the steps of a pipeline."""
    steps = getattr(model, "steps", None)
    parts = [model, *steps.values()] if isinstance(steps, Mapping) else [model]
    seen = set()
    for part in parts:
        for value in getattr(part, "__dict__", {}).values():
            rate = getattr(getattr(value, "lr", None), "learning_rate", None)
            if isinstance(rate, float | int) and id(value) not in seen:
                seen.add(id(value))
                yield value
