"""What every learner promises, checked on every learner unasked.

Every class in `coursekit/learning/learners` is found. A class that is not in `SETTINGS` is tested
as it is made without arguments.
"""

import inspect
import pkgutil
from collections.abc import Callable
from importlib import import_module

from coursekit.learning import learners
from coursekit.learning.learners.ensemble import WeightedEnsemble
from coursekit.learning.learners.factorization_machine import OnlineFactorizationMachine
from coursekit.learning.learners.learner import OnlineLearner
from coursekit.learning.learners.linear import OnlineLinearModel
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
from coursekit.learning.learners.neural_cf import OnlineNeuralCollaborativeFiltering
from coursekit.learning.learners.neural_cf_compiled import CompiledNeuralCollaborativeFiltering
from coursekit.learning.learners.river import FromRiver
from coursekit.learning.learners.robust import RobustLearner

_NETWORK = {
    "embedding_dim": 4,
    "hidden_dims": (8, 4),
    "dtype": "float64",
    "seed": 3,
}  # float64: cuts agree to 1e-12

SETTINGS: dict[type[OnlineLearner], dict[str, Callable[[], OnlineLearner]]] = {
    OnlineMatrixFactorization: {
        f"mf-{name}": lambda name=name: OnlineMatrixFactorization(4, optimizer=name, seed=3)
        for name in ("sgd", "adagrad", "belief")
    },
    OnlineFactorizationMachine: {
        f"fm-{name}": lambda name=name: OnlineFactorizationMachine(4, optimizer=name, seed=3)
        for name in ("sgd", "adagrad", "belief")
    },
    OnlineLinearModel: {
        f"linear-{name}": lambda name=name, rate=rate: OnlineLinearModel(
            optimizer=name, learning_rate=rate
        )
        for name, rate in (
            ("sgd", 0.05),
            ("adagrad", 0.2),
            ("ftrl", 0.2),
        )  # not Adam: its steps ignore an event's weight
    },
    RobustLearner: {
        "robust": lambda: RobustLearner(OnlineMatrixFactorization(n_factors=4, seed=3), trim=0.0)
    },
    WeightedEnsemble: {
        "ensemble": lambda: WeightedEnsemble(
            [
                OnlineMatrixFactorization(n_factors=4, optimizer="sgd", seed=3),
                OnlineFactorizationMachine(n_factors=4, seed=3),
            ],
            target_range=(0.0, 6.0),
        )
    },
    OnlineNeuralCollaborativeFiltering: {
        "ncf-torch": lambda: OnlineNeuralCollaborativeFiltering(**_NETWORK)
    },
    CompiledNeuralCollaborativeFiltering: {
        "ncf-compiled": lambda: CompiledNeuralCollaborativeFiltering(**_NETWORK)
    },
    FromRiver: {},  # keeps as much as the model it adapts does: test_river.py
}


def classes() -> list[type[OnlineLearner]]:
    """Every learner that a module of the package defines."""
    found = []
    for module in pkgutil.iter_modules(learners.__path__, f"{learners.__name__}."):
        for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
            own = kind.__module__ == module.name and not inspect.isabstract(kind)
            if own and issubclass(kind, OnlineLearner):
                found.append(kind)
    return found


LEARNERS: dict[str, Callable[[], OnlineLearner]] = {
    name: make
    for kind in classes()
    for name, make in SETTINGS.get(kind, {kind.__name__: kind}).items()
}
