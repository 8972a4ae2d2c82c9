"""The learner contract, and one learner a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from coursekit.core.errors import StateFormatError, UnknownNameError
from coursekit.core.state import State

if TYPE_CHECKING:
    from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["LEARNERS", "learner_of_state"]

LEARNERS: Mapping[str, str] = {
    "OnlineMatrixFactorization": "matrix_factorization",
    "OnlineFactorizationMachine": "factorization_machine",
    "OnlineNeuralCollaborativeFiltering": "neural_cf",
    "CompiledNeuralCollaborativeFiltering": "neural_cf_compiled",
    "OnlineLinearModel": "linear",
    "WeightedEnsemble": "ensemble",
    "RobustLearner": "robust",
}
"""Name of every learner whose state can be saved to disk -> its module. Saved state names a class;
only these, and classes that the caller passes, are ever looked up.
"""

_SHARED_STATES = {"NeuralModel": "OnlineNeuralCollaborativeFiltering"}
"""Class name in states that two classes exchange -> the one to create."""


def learner_of_state(
    state: State, *, name: str | None = None, also: Iterable[type[OnlineLearner]] = ()
) -> OnlineLearner:
    """Create a learner with the settings and the memory of a saved state.

    Parameters
    ----------
    state : State
        What `get_model_state` returned, or `load_state`.
    name : str, optional
        Name of the class, where two classes exchange states. Default: that in the state.
    also : iterable of classes
        Learners of your own that may be created, too.

    Raises
    ------
    UnknownNameError
        If the class is not in `LEARNERS` nor in `also`.
    StateFormatError
        If the state does not fit the class.

    Examples
    --------
    >>> from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
    >>> model = OnlineMatrixFactorization(n_factors=2, seed=1)
    >>> twin = learner_of_state(model.get_model_state())
    >>> twin.config() == model.config()
    True
    """
    own = {kind.__name__: kind for kind in also}
    kind = _class_named(name or str(state.get("class")), own)
    try:
        settings, memory = dict(state["config"]), state["memory"]
        for setting in settings.keys() & {"learner", "learners"}:  # learners made of learners
            inner = memory[setting]
            settings[setting] = (
                [learner_of_state(each, also=also) for each in inner]
                if isinstance(inner, list)
                else learner_of_state(inner, also=also)
            )
        learner: OnlineLearner = kind(**settings)
        learner.set_model_state(state)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateFormatError(f"This is no state of {kind.__name__}: {error!r}.") from error
    return learner


def _class_named(name: str, own: Mapping[str, type[OnlineLearner]]) -> Any:
    name = _SHARED_STATES.get(name, name)
    if name in own:
        return own[name]
    if name not in LEARNERS:
        known = ", ".join([*LEARNERS, *own])
        raise UnknownNameError(
            f"No learner {name!r} may be created from saved state; only {known}."
        )
    return getattr(import_module(f"{__name__}.{LEARNERS[name]}"), name)
