"""A learner is created again from its state, from an allow-list of classes."""

from __future__ import annotations

import numpy as np
import pytest

from coursekit.core.errors import StateFormatError, UnknownNameError
from coursekit.core.state import load_state, save_state
from coursekit.datasets.streams import rating_stream
from coursekit.learning.learners import LEARNERS, learner_of_state
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
from coursekit.learning.learners.river import FromRiver
from coursekit.learning.learners.robust import RobustLearner
from tests.learning.learners import contract

STREAM = rating_stream(seed=1).slice(0, 400)


@pytest.mark.parametrize("name", contract.LEARNERS)
def test_every_learner_comes_back_from_disk(name: str, tmp_path) -> None:
    model = contract.LEARNERS[name]()
    model.partial_fit_many(STREAM.slice(0, 200))
    save_state(tmp_path / "m", model.get_model_state(), kind="learner")
    state = load_state(tmp_path / "m", kind="learner")
    twin = learner_of_state(state, name=type(model).__name__)
    assert type(twin) is type(model) and twin.config() == model.config()
    rest = STREAM.slice(200, 400)
    np.testing.assert_array_equal(twin.partial_fit_many(rest), model.partial_fit_many(rest))


def test_the_list_names_every_learner_that_can_be_saved() -> None:
    savable = {kind for kind in contract.classes() if kind is not FromRiver}
    assert {(kind.__name__, kind.__module__.rpartition(".")[2]) for kind in savable} == set(
        LEARNERS.items()
    )


class Mine(OnlineMatrixFactorization):
    """A learner of a user's own."""


@pytest.mark.parametrize("name", ["Mine", "system", "os.system", "OnlineLearner", "", "None"])
def test_a_class_that_is_not_listed_is_not_created(name: str) -> None:
    state = {**Mine(2).get_model_state(), "class": name}
    with pytest.raises(UnknownNameError, match=f"No learner '{name}' may be created"):
        learner_of_state(state)


def test_an_inner_class_that_is_not_listed_is_not_created_either() -> None:
    state = RobustLearner(Mine(2)).get_model_state()
    with pytest.raises(UnknownNameError, match="No learner 'Mine'"):
        learner_of_state(state)
    twin = learner_of_state(state, also=[Mine])
    assert type(twin.learner) is Mine


@pytest.mark.parametrize(
    "change",
    [
        {"config": None},
        {"config": {"n_factors": -1}},
        {"config": {"x": 1}},
        {"memory": None},
        {"memory": {}},
    ],
)
def test_a_state_that_does_not_fit_is_refused(change) -> None:
    state = {**OnlineMatrixFactorization(2).get_model_state(), **change}
    with pytest.raises(StateFormatError):
        learner_of_state(state)
