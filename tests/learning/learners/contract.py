"""What every learner promises, checked on every learner unasked: add one to `LEARNERS` and all of
this runs on it.
"""

from collections.abc import Callable

from coursekit.learning.learners.ensemble import WeightedEnsemble
from coursekit.learning.learners.factorization_machine import OnlineFactorizationMachine
from coursekit.learning.learners.learner import OnlineLearner
from coursekit.learning.learners.linear import OnlineLinearModel
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
from coursekit.learning.learners.neural_cf import OnlineNeuralCollaborativeFiltering
from coursekit.learning.learners.neural_cf_compiled import CompiledNeuralCollaborativeFiltering
from coursekit.learning.learners.robust import RobustLearner

_NETWORK = {
    "embedding_dim": 4,
    "hidden_dims": (8, 4),
    "dtype": "float64",
    "seed": 3,
}  # float64: cuts agree to 1e-12

LEARNERS: dict[str, Callable[[], OnlineLearner]] = {
    **{
        f"mf-{rule}": lambda rule=rule: OnlineMatrixFactorization(n_factors=4, rule=rule, seed=3)
        for rule in ("sgd", "adagrad", "belief")
    },
    **{
        f"fm-{rule}": lambda rule=rule: OnlineFactorizationMachine(n_factors=4, rule=rule, seed=3)
        for rule in ("sgd", "adagrad", "belief")
    },
    **{
        f"linear-{name}": lambda name=name, rate=rate: OnlineLinearModel(
            optimizer=name, learning_rate=rate
        )
        for name, rate in (
            ("sgd", 0.05),
            ("adagrad", 0.2),
            ("ftrl", 0.2),
        )  # not Adam: its steps ignore an event's weight
    },
    "robust": lambda: RobustLearner(OnlineMatrixFactorization(n_factors=4, seed=3), trim=0.0),
    "ensemble": lambda: WeightedEnsemble(
        [
            OnlineMatrixFactorization(n_factors=4, rule="sgd", seed=3),
            OnlineFactorizationMachine(n_factors=4, seed=3),
        ],
        target_range=(0.0, 6.0),
    ),
    "ncf-torch": lambda: OnlineNeuralCollaborativeFiltering(**_NETWORK),
    "ncf-compiled": lambda: CompiledNeuralCollaborativeFiltering(**_NETWORK),
}
