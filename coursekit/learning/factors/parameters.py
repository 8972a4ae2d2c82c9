"""The parameters of a factor model: storage, access, and saved state."""

from __future__ import annotations

from typing import Any

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.errors import StateFormatError
from coursekit.core.state import State
from coursekit.core.validation import Natural, NonNegative, Positive, number
from coursekit.learning.factors import kernels
from coursekit.learning.factors.checkpoints import TableCheckpoint
from coursekit.learning.factors.settings import FactorOptimizer, FactorSettings
from coursekit.learning.factors.table import FactorTable
from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["FactorParameters"]


class FactorParameters(OnlineLearner):
    """An intercept, and a bias and factors for every id; subclasses learn them.

    Parameters
    ----------
    n_factors : int, 0 or more
        Length of each factor vector; 0 for a model of biases only.
    optimizer : "belief", "adagrad", "sgd", Optimizer or dict
        How parameters are updated. The learning rate of an optimizer is that of the factors.
    learning_rate : float, greater than 0, optional
        Overrides that of the optimizer; that of the biases is scaled in proportion. For a belief,
        the weight of each event (default 1).
    bias_rate : float, greater than 0, optional
        Learning rate of the biases at the optimizer's learning rate.
    regularization : float, 0 or more, optional
        L2 penalty of biases and factors under SGD and AdaGrad. Not for a belief, which
        has prior variances instead.
    user_bias_reg, item_bias_reg : float, 0 or more, optional
        Penalty of user and item biases; overrides `regularization`.
    initial_scale : float, 0 or more
        Standard deviation of the initial factors (at 0 their gradients vanish).
    seed : int, 0 or more
        Seed of the initial factors.
    """

    field_names: tuple[str, ...] = ("user", "item")
    _memory_names = ("learning_rate", "model_version", "_model")

    def __init__(
        self,
        n_factors: Natural,
        *,
        optimizer: FactorOptimizer = "belief",
        learning_rate: Positive | None = None,
        bias_rate: Positive | None = None,
        regularization: NonNegative | None = None,
        user_bias_reg: NonNegative | None = None,
        item_bias_reg: NonNegative | None = None,
        initial_scale: NonNegative = 0.0225,
        seed: Natural = 0,
    ) -> None:
        self.n_factors, self.initial_scale, self.seed = n_factors, initial_scale, seed
        self.settings = FactorSettings.of(
            optimizer,
            bias_rate=bias_rate,
            regularization=regularization,
            user_bias_reg=user_bias_reg,
            item_bias_reg=item_bias_reg,
        )
        self.optimizer = self.settings.optimizer
        self._tag = self.optimizer.tag
        self._model = np.zeros(kernels.MODEL_SIZE)
        self._model[kernels.INTERCEPT_MEMORY] = self.settings.prior[0]
        self._use(self._new_table())
        rate = self.optimizer.learning_rate if learning_rate is None else learning_rate
        super().__init__(rate, self.settings.penalties[-1])

    def _new_table(self, capacity: int = 0) -> FactorTable:
        """Return a table without rows; a new row starts with the prior of the optimizer."""
        start = np.zeros((1 + self.optimizer.n_memories, self.n_factors + 1))
        _, start[1:, :1], start[1:, 1:] = self.settings.prior
        return FactorTable(
            self.field_names,
            start=start.ravel(),
            n_factors=self.n_factors,
            scale=self.initial_scale,
            seed=self.seed,
            capacity=capacity,
        )

    def _use(self, table: FactorTable) -> None:
        self._table, self._rows = table, table.rows
        self._users, self._items, *features = table.fields.values()
        self._features = features[0] if features else self._users  # never asked without features

    @property
    def learning_rate(self) -> float:
        """Learning rate of the factors, for a belief the weight of an event. Setting it takes
        effect at the next event.
        """
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = number("learning_rate", value, above=0)
        self._model[kernels.NOISE :] = self.settings.for_kernels(self._learning_rate)

    @property
    def samples_processed(self) -> int:  # type: ignore[override]  # the kernels count
        """Events learnt from so far."""
        return int(self._model[kernels.N_SAMPLES])

    @property
    def intercept(self) -> float:
        """Prediction for an unseen user and an unseen item."""
        return float(self._model[kernels.INTERCEPT])

    def bias(self, field: str, id_: Any) -> float:
        """Return the bias of an id of a field ("user" or "item"); 0 if unseen."""
        return float(self._table.row(field, id_)[0])

    def factors(self, field: str, id_: Any) -> Floats:
        """Return a copy of the factors of an id of a field, shape (n_factors,); 0 if unseen."""
        return self._table.row(field, id_)[1 : self.n_factors + 1]

    def ids(self, field: str) -> list[Any]:
        """Return the ids learnt, in order of arrival."""
        return list(self._table.field(field))

    def checkpoint(self, last: Any = None) -> Any:
        """Return a checkpoint that copies only the rows changed since the `last` one."""
        return super()._get_memory(), TableCheckpoint(self._table, last and last[1])

    def go_back(self, checkpoint: Any) -> None:
        """Restore a checkpoint; newer ones can no longer be restored."""
        memory, table = checkpoint
        self._use(table.restore())
        super()._set_memory(memory)

    def _get_memory(self) -> State:
        return {**super()._get_memory(), "fields": self._table.get_state()}

    def _set_memory(self, memory: State) -> None:
        fields = memory["fields"]
        table = self._new_table(capacity=sum(len(field["rows"]) for field in fields.values()))
        table.set_state(fields)
        self._use(table)
        super()._set_memory(memory)

    def _check_memory(self, memory: State) -> None:
        super()._check_memory(memory)
        if np.shape(memory["_model"]) != self._model.shape or "fields" not in memory:
            raise StateFormatError(
                f"The state's `_model` has shape {np.shape(memory['_model'])}, expected "
                f"{self._model.shape}, and `fields` beside it."
            )
        self._table.check_state(memory["fields"])
