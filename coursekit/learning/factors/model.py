"""What matrix factorization and factorization machines share: rows for ids, one update rule, one
vector of settings.

The arithmetic is in :mod:`~coursekit.learning.factors.kernels` and
:mod:`~coursekit.learning.optim.rules`, the growing in :mod:`~coursekit.learning.factors.table`;
this class connects ids with rows and guards the state.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import (
    ArithmeticOverflowError,
    InvalidParameterError,
    StateFormatError,
    UnknownNameError,
)
from coursekit.core.events import Chunk, Features, OnlineSample
from coursekit.core.state import State
from coursekit.learning.factors import kernels
from coursekit.learning.factors.changes import TableChanges, changes_since
from coursekit.learning.factors.table import ChangeLog, Field, Rows
from coursekit.learning.learners.learner import OnlineLearner
from coursekit.learning.optim.rules import Rule, rule_named

__all__ = ["ActiveRows", "FactorModel"]

_FloatArray = npt.NDArray[np.float64]
_RowNumbers = npt.NDArray[np.intp]


class ActiveRows(NamedTuple):
    """What a query finds in the table: the rows of its known ids, then of its known features, and
    how much has no row.
    """

    rows: _RowNumbers
    values: _FloatArray
    n_ids: int
    unseen_ids: float  # sum of squared values
    unseen_features: float


class FactorModel(OnlineLearner):
    """A model of users and items as rows of one table; the subclasses give the equations.

    Parameters
    ----------
    n_factors : int, 0 or more
        Length of each factor vector; 0 leaves biases alone.
    rule : "belief", "adagrad", "sgd" or Rule
        How parameters move; a rule object carries its own settings.
    learning_rate : float, greater than 0, optional
        Step size of the factors under SGD and AdaGrad, biases in proportion (default: the rule's
        own). For a belief, which needs none, how many events each event counts for (default 1).
    regularization : float, 0 or more, optional
        Pull towards 0 under SGD and AdaGrad. A belief has its prior variances instead and refuses
        it.
    initial_scale : float, 0 or more
        Standard deviation of the random start of the factors (at 0 they would never move).
    seed : int, 0 or more
        Where the random start comes from.
    """

    field_names: tuple[str, ...] = ("user", "item")

    def __init__(
        self,
        n_factors: int,
        *,
        rule: str | Rule = "belief",
        learning_rate: float | None = None,
        regularization: float | None = None,
        initial_scale: float = 0.0225,
        seed: int = 0,
    ) -> None:
        for name, value in (("n_factors", n_factors), ("seed", seed)):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
                raise InvalidParameterError(
                    f"`{name}` must be an integer, 0 or more, got {value!r}."
                )
        if not (math.isfinite(initial_scale) and initial_scale >= 0):
            raise InvalidParameterError(
                f"`initial_scale` must be a finite number, 0 or more, got {initial_scale!r}."
            )
        self.rule = rule_named(rule)
        if regularization is not None:
            self.rule = self.rule.with_regularization(regularization)
        self.n_factors = int(n_factors)
        self.initial_scale = float(initial_scale)
        self.seed = int(seed)
        self._model = np.zeros(kernels.MODEL_SIZE)
        self._tag = self.rule.tag
        self._model[kernels.INTERCEPT_MEMORY] = self.rule.start_of_intercept()
        self._use_tables(*self._empty_tables())
        super().__init__(self.rule.learning_rate if learning_rate is None else learning_rate, 0.0)
        self.regularization = getattr(self.rule, "factor_penalty", 0.0)

    # -- learning
    # ----------------------------------------------------------------------------------------------------------

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event; return the squared error before the update."""
        rows = self._rows
        n_rows = rows.n_rows
        target = sample.target
        user = self._users[sample.user_id]
        item = self._items[sample.item_id]
        if rows.n_rows != n_rows:
            self._start_rows()
        prediction = kernels.learn_pair(
            rows.array, self._model, self._tag, self.n_factors, user, item, target, sample.weight
        )
        if prediction != prediction:  # NaN
            self._forget(n_rows)
            self._refuse(sample)
        if rows.log is not None:
            rows.log.add(user, item)
        error: float = target - prediction
        return error * error

    def predict_then_learn_many(self, chunk: Chunk) -> _FloatArray:
        """Learn from events in order; return the prediction of each before its own update, shape
        (n,).
        """
        n_rows = self._rows.n_rows
        return self._learn_pairs(chunk, *self._rows_to_learn(chunk), n_rows)

    def predict_then_batch_update(self, chunk: Chunk) -> _FloatArray:
        """Predict all events, then learn them in order; return the predictions, shape (n,)."""
        n_rows = self._rows.n_rows
        users, items = self._rows_to_learn(
            chunk
        )  # a row that has learnt nothing predicts as no row does
        on_arrival = np.empty(len(chunk))
        kernels.predict_pairs(
            self._rows.array, self._model, self.n_factors, users, items, on_arrival
        )
        self._learn_pairs(chunk, users, items, n_rows)
        return on_arrival

    def _rows_to_learn(self, chunk: Chunk) -> tuple[_RowNumbers, _RowNumbers]:
        """Rows of the users and items of a chunk, new ones started."""
        n_rows = self._rows.n_rows
        try:
            users = self._users.numbers_of(chunk.user_ids)
            items = self._items.numbers_of(chunk.item_ids)
            if self._rows.n_rows != n_rows:
                self._start_rows()
        except TypeError:
            self._forget(n_rows)
            raise
        return users, items

    def _learn_pairs(
        self, chunk: Chunk, users: _RowNumbers, items: _RowNumbers, n_rows: int
    ) -> _FloatArray:
        """Learn events in order; the rows from `n_rows` on are new."""
        if self._rows.log is not None:
            self._rows.log.add_many(users, items)
        predictions = np.empty(len(chunk))
        n_learnt = kernels.learn_pairs(
            self._rows.array,
            self._model,
            self._tag,
            self.n_factors,
            users,
            items,
            chunk.targets,
            chunk.weights_or_ones(),
            predictions,
        )
        if n_learnt < len(chunk):
            self._refuse_from(
                chunk, n_learnt, n_rows, np.concatenate([users[:n_learnt], items[:n_learnt]])
            )
        return predictions

    def _start_rows(self) -> None:
        for field in self._fields.values():
            field.start_rows()

    def discount_evidence(self, keep: float) -> None:
        """Trust what was learnt as if only the share `keep`, in (0, 1], of its events had been
        seen; predictions stay.
        """
        super().discount_evidence(keep)
        at = kernels.INTERCEPT_MEMORY
        self._model[at] = self.rule.discounted(
            self._model[at], self.rule.start_of_intercept(), keep
        )
        if self.rule.has_memory:
            width = self.n_factors + 1
            start = np.full(width, self.rule.start_of_memory()[1])
            start[0] = self.rule.start_of_memory()[0]
            memory = self._rows.array[: self._rows.n_rows, width:]
            memory[:] = self.rule.discounted(memory, start, keep)
        self._rows.log = None  # every row has changed

    def _refuse(self, sample: OnlineSample, where: str = "") -> NoReturn:
        raise ArithmeticOverflowError(
            f"{where}learning target {sample.target!r} of user {sample.user_id!r} and item "
            f"{sample.item_id!r} would leave the "
            "range of floats; nothing was learnt from it. Use a smaller `learning_rate`, or "
            "targets of a smaller size."
        )

    def _refuse_from(self, chunk: Chunk, at: int, n_rows: int, learnt: _RowNumbers) -> NoReturn:
        """Refuse event `at`; of the rows given since there were `n_rows`, keep those learnt
        from.
        """
        self._forget(n_rows, keep=set(learnt.tolist()))
        self._refuse(chunk[at], where=f"Event {at} of the chunk: ")

    def _forget(self, n_rows: int, keep: Collection[int] = ()) -> None:
        """Forget the ids that were given rows from number `n_rows` on, unless learnt from."""
        for field in self._fields.values():
            field.forget_newest(lambda row: row >= n_rows and row not in keep)

    # -- asking
    # ------------------------------------------------------------------------------------------------------------

    def predict(self, user_id: Any, item_id: Any, features: Features | None = None) -> float:
        """Return the expected target; an unseen id adds nothing to what is known without it."""
        user, item = self._users.get(user_id, -1), self._items.get(item_id, -1)
        prediction: float = kernels.predict_pair(
            self._rows.array, self._model, self.n_factors, user, item
        )
        return prediction

    def predict_many(
        self,
        user_ids: Sequence[Any],
        item_ids: Sequence[Any],
        features: Sequence[Features | None] | None = None,
    ) -> _FloatArray:
        """Predict n pairs, shape (n,)."""
        users = self._users.known_numbers_of(list(user_ids))
        items = self._items.known_numbers_of(list(item_ids))
        predictions = np.empty(len(users))
        kernels.predict_pairs(
            self._rows.array, self._model, self.n_factors, users, items, predictions
        )
        return predictions

    def predict_variance(
        self, user_id: Any, item_id: Any, features: Features | None = None
    ) -> float:
        """Return the variance of the target around its prediction, noise included; needs
        `rule="belief"`.

        It is large where little is known: a measure for exploring, and for telling a surprise from
        noise.
        """
        if self.rule.name != "belief":
            raise InvalidParameterError(
                f'`predict_variance` needs `rule="belief"`, this model has {self.rule.name!r}.'
            )
        known = self._active(user_id, item_id, features)
        priors = self.rule.start_of_memory()
        variance: float = kernels.predict_variance(
            self._rows.array, self._model, self.n_factors, *known, *priors
        )
        return variance

    def _active(self, user_id: Any, item_id: Any, features: Features | None) -> ActiveRows:
        """Rows and values of what is known of a query, ids first."""
        rows = [
            row for row in (self._users.get(user_id, -1), self._items.get(item_id, -1)) if row >= 0
        ]
        return ActiveRows(
            np.array(rows, dtype=np.intp),
            np.ones(len(rows)),
            len(rows),
            kernels.N_IDS - len(rows),
            0.0,
        )

    @property
    def intercept(self) -> float:
        """What the model predicts when nothing is known of user and item."""
        return float(self._model[kernels.INTERCEPT])

    def bias(self, field: str, id_: Any) -> float:
        """Return the bias of an id of a field ("user" or "item"); 0 if unseen."""
        row = self._field(field).get(id_, -1)
        return float(self._rows.array[row, 0]) if row >= 0 else 0.0

    def factors(self, field: str, id_: Any) -> _FloatArray:
        """Return a copy of the factors of an id of a field, shape (n_factors,); 0 if unseen."""
        row = self._field(field).get(id_, -1)
        return (
            self._rows.array[row, 1 : self.n_factors + 1].copy()
            if row >= 0
            else np.zeros(self.n_factors)
        )

    def ids(self, field: str) -> list[Any]:
        """Return the ids learnt from, in the order in which they came."""
        return list(self._field(field))

    def _field(self, name: str) -> Field:
        if name not in self._fields:
            raise UnknownNameError(
                f"`field` must be one of {', '.join(self._fields)}, got {name!r}."
            )
        return self._fields[name]

    # -- pace
    # --------------------------------------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> float:
        """Step size of the factors, or the weight of an event for a belief. Setting it takes effect
        at the next event.
        """
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if not (math.isfinite(value) and value > 0):
            raise InvalidParameterError(
                f"`learning_rate` must be a finite number greater than 0, got {value!r}."
            )
        self._learning_rate = float(value)
        self._model[kernels.NOISE :] = self._settings(value / self.rule.learning_rate)

    def _settings(self, pace: float) -> _FloatArray:
        return self.rule.settings(pace)

    @property
    def samples_processed(self) -> int:
        """Events learnt from so far."""
        return int(self._model[kernels.N_SAMPLES])

    @samples_processed.setter
    def samples_processed(self, value: int) -> None:
        self._model[kernels.N_SAMPLES] = value

    # -- state
    # -------------------------------------------------------------------------------------------------------------

    def get_model_state(self) -> State:
        """Return a copy of everything that learning depends on, ready for `save_state`."""
        fields = {name: field.state() for name, field in self._fields.items()}
        return {**self._state_beside_fields(), "fields": fields}

    def changes_since(self, log: ChangeLog | None) -> tuple[TableChanges, ChangeLog]:
        """Return what has changed since a log was begun, and a new log; everything, if it is not
        the newest log of this model's state.
        """
        return changes_since(log, self._rows, self._fields, self._state_beside_fields())

    def _state_beside_fields(self) -> State:
        return {
            "signature": self._signature(),
            "learning_rate": self.learning_rate,
            "model_version": self.model_version,
            "model": self._model.copy(),
        }

    def set_model_state(self, state: State) -> None:
        """Continue from a state as if nothing had happened in between; a state of another model is
        refused.
        """
        found, expected = state.get("signature"), self._signature()
        if found != expected:
            raise StateFormatError(
                f"The state belongs to {_text(found)}, expected {_text(expected)}."
            )
        rows, fields = self._empty_tables(
            capacity=sum(len(field["rows"]) for field in state["fields"].values())
        )
        for name, field in fields.items():
            field.load(state["fields"][name])
        if state["model"].shape != self._model.shape:
            raise StateFormatError(
                f"The state's `model` has shape {state['model'].shape}, expected "
                f"{self._model.shape}."
            )
        self._use_tables(rows, fields)
        self._model = np.array(state["model"], dtype=np.float64)
        self.learning_rate = state["learning_rate"]
        self.model_version = state["model_version"]

    def _signature(self) -> dict[str, Any]:
        """What two models must have in common to exchange state."""
        return {
            "class": type(self).__name__,
            "n_factors": self.n_factors,
            "seed": self.seed,
            "initial_scale": self.initial_scale,
            "rule": {"name": self.rule.name, **dataclasses.asdict(self.rule)},
        }

    def _empty_tables(self, capacity: int = 0) -> tuple[Rows, dict[str, Field]]:
        width = self.n_factors + 1
        rows = Rows(width=2 * width if self.rule.has_memory else width, capacity=max(capacity, 64))
        start = np.zeros(rows.array.shape[1])
        if self.rule.has_memory:
            start[width], start[width + 1 :] = self.rule.start_of_memory()
        return rows, {
            name: Field(
                rows,
                start=start,
                n_factors=self.n_factors,
                scale=self.initial_scale,
                seed=(self.seed, number),
            )
            for number, name in enumerate(self.field_names)
        }

    def _use_tables(self, rows: Rows, fields: dict[str, Field]) -> None:
        self._rows, self._fields = rows, fields
        self._users, self._items = fields["user"], fields["item"]


def _text(signature: Mapping[str, Any] | None) -> str:
    return (
        "something else"
        if signature is None
        else ", ".join(f"{key} {value}" for key, value in signature.items())
    )
