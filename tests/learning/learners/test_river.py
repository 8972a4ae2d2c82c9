"""Models with River's methods as learners, and learners with River's methods."""

import copy

import numpy as np
import pytest

from coursekit.core.errors import (
    InvalidParameterError,
    InvalidSampleError,
    StateFormatError,
    UnknownNameError,
)
from coursekit.core.events import OnlineSample
from coursekit.core.state import save_state
from coursekit.datasets.streams import rating_stream
from coursekit.evaluation.progressive import progressive_validation
from coursekit.learning.adaptation.manager import OnlineLearningManager
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
from coursekit.learning.learners.river import FromRiver, ToRiver
from tests.learning.watchers import AlarmAt


class Constant:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate


class Optimizer:
    def __init__(self, learning_rate):
        self.lr = Constant(learning_rate)


class Linear:
    """As River's linear model: weights in a dict, an optimizer, a weight `w` of the event."""

    def __init__(self):
        self.optimizer = Optimizer(0.1)
        self.weights = {}
        self.bias = 0.0

    def predict_one(self, x):
        return self.bias + sum(
            self.weights.get(name, 0.0) * v for name, v in x.items() if not isinstance(v, str)
        )

    def learn_one(self, x, y, w=1.0):
        step = w * self.optimizer.lr.learning_rate * (y - self.predict_one(x))
        self.bias += step
        for name, value in x.items():
            if not isinstance(value, str):
                self.weights[name] = self.weights.get(name, 0.0) + step * value


class Biases:
    """As River's recommenders: user and item by name, no weights."""

    def __init__(self):
        self.bias = {}

    def predict_one(self, user, item, x=None):
        return self.bias.get(user, 0.0) + self.bias.get((item,), 0.0)

    def learn_one(self, user, item, y, x=None):
        error = y - self.predict_one(user, item)
        self.bias[user] = self.bias.get(user, 0.0) + 0.1 * error
        self.bias[(item,)] = self.bias.get((item,), 0.0) + 0.1 * error


def sample(**changes):
    return OnlineSample(
        **{"user_id": "u", "item_id": "i", "target": 2.0, "features": {"age": 0.5}, **changes}
    )


def test_a_linear_model_sees_user_item_and_features():
    learner, bare = FromRiver(Linear()), Linear()
    for target in (2.0, 3.0):
        loss = learner.partial_fit(sample(target=target))
        x = {"user=u": 1.0, "item=i": 1.0, "age": 0.5}
        assert loss == (target - bare.predict_one(x)) ** 2
        bare.learn_one(x, target)
    assert learner.model.weights == bare.weights
    assert learner.samples_processed == 2


def test_a_dense_vector_becomes_numbered_entries():
    learner = FromRiver(Linear())
    learner.partial_fit(sample(features=np.array([1.0, 0.0, 2.0])))
    assert set(learner.model.weights) == {"user=u", "item=i", 0, 1, 2}


@pytest.mark.parametrize(
    ("ids", "x"),
    [
        ("one-hot", {"user=7": 1.0, "item=9": 1.0}),
        ("entries", {"user": 7, "item": 9}),
        ("omitted", {}),
    ],
)
def test_ids_get_into_x_as_one_says(ids, x):
    class Memory(Linear):
        def learn_one(self, x, y):
            self.seen = x

    learner = FromRiver(Memory(), ids=ids)
    learner.partial_fit(sample(user_id=7, item_id=9))
    assert learner.model.seen == {**x, "age": 0.5}


def test_a_recommender_is_given_user_and_item_by_name():
    learner = FromRiver(Biases())
    learner.partial_fit(sample())
    assert learner.predict("u", "other") == pytest.approx(0.2)


def test_weights_go_where_there_is_room_for_them():
    heavy, light = FromRiver(Linear()), FromRiver(Linear())
    heavy.partial_fit(sample(weight=2.0))
    light.partial_fit(sample(weight=0.5))
    assert heavy.model.bias == 4 * light.model.bias
    unweighted = FromRiver(Biases())
    with pytest.raises(InvalidSampleError, match="`weight` must be 0 or 1, Biases has no weights"):
        unweighted.partial_fit(sample(weight=2.0))
    unweighted.partial_fit(sample(weight=0.0))
    assert unweighted.model.bias == {}


def test_the_pace_multiplies_the_optimizers_rate_and_comes_back():
    learner = FromRiver(Linear())
    learner.learning_rate = 3.0
    assert learner.model.optimizer.lr.learning_rate == pytest.approx(0.3)
    learner.learning_rate = 1.0
    assert learner.model.optimizer.lr.learning_rate == pytest.approx(0.1)


def test_the_optimizers_of_a_pipeline_are_found():
    class Pipeline:
        def __init__(self):
            self.steps = {"scale": object(), "model": Linear()}

        def learn_one(self, x, y=None, **params):
            self.steps["model"].learn_one(x, y)

        def predict_one(self, x, **kwargs):
            return self.steps["model"].predict_one(x)

    learner = FromRiver(Pipeline())
    learner.learning_rate = 2.0
    assert learner.model.steps["model"].optimizer.lr.learning_rate == 0.2


def test_a_state_is_a_copy_in_memory_and_refused_on_disk(tmp_path):
    learner = FromRiver(Linear())
    learner.partial_fit(sample())
    learner.learning_rate = 2.0
    state = learner.get_model_state()
    before = copy.deepcopy(learner.model.weights)
    learner.partial_fit(sample(target=9.0))
    learner.learning_rate = 1.0
    learner.set_model_state(state)
    assert learner.model.weights == before
    assert (learner.learning_rate, learner.model.optimizer.lr.learning_rate) == (2.0, 0.2)
    learner.partial_fit(sample(target=9.0))
    learner.set_model_state(state)
    assert learner.model.weights == before
    with pytest.raises(StateFormatError):
        save_state(tmp_path / "x", state, kind="FromRiver")
    with pytest.raises(StateFormatError):
        FromRiver(Biases()).set_model_state(state)


def test_a_manager_boosts_it_and_rolls_it_back_exactly():
    chunk = rating_stream(600, 20, 30, seed=1)
    managed = OnlineLearningManager(
        FromRiver(Linear()), "adaptive", detector=AlarmAt(300), checkpoint_interval=250
    )
    managed.process_many(chunk.slice(0, 301))
    assert managed.learner.model.optimizer.lr.learning_rate == pytest.approx(0.2)
    managed.rollback_to_checkpoint()
    assert managed.learner.model.optimizer.lr.learning_rate == pytest.approx(0.1)
    straight = OnlineLearningManager(
        FromRiver(Linear()), "adaptive", detector=AlarmAt(300), checkpoint_interval=250
    )
    straight.process_many(chunk.slice(0, 250))
    rest = chunk.slice(250, 600)
    np.testing.assert_array_equal(
        managed.process_many(rest).losses, straight.process_many(rest).losses
    )


def test_our_learner_speaks_rivers_words():
    chunk = rating_stream(300, 20, 30, seed=1)
    ours, theirs = (OnlineMatrixFactorization(n_factors=2) for _ in range(2))
    model = ToRiver(theirs)
    predictions = []
    for each in chunk:
        x = {"user": each.user_id, "item": each.item_id}
        predictions.append(model.predict_one(x))
        model.learn_one(x, each.target)
    np.testing.assert_array_equal(predictions, ours.predict_then_learn_many(chunk))
    assert model.learn_one({"user": 1, "item": 2, "hour": 0.5}, 3.0) is None


def test_there_and_back_again_is_the_same_learner():
    chunk = rating_stream(300, 20, 30, seed=1)
    twice = FromRiver(ToRiver(OnlineMatrixFactorization(n_factors=2)), ids="entries")
    plain = OnlineMatrixFactorization(n_factors=2)
    np.testing.assert_allclose(
        twice.partial_fit_many(chunk), plain.partial_fit_many(chunk), rtol=1e-12
    )


def test_what_is_no_model_is_named():
    with pytest.raises(InvalidParameterError, match="`learn_one`"):
        FromRiver(object())
    with pytest.raises(UnknownNameError, match="'one-hot', 'entries', 'omitted'"):
        FromRiver(Linear(), ids="numbers")
    with pytest.raises(InvalidSampleError, match="'item', got the entries 'user'"):
        ToRiver(OnlineMatrixFactorization()).predict_one({"user": 1})


def test_a_model_of_river_is_managed_and_a_detector_of_river_watches():
    river = pytest.importorskip(
        "river", reason="River is installed by `make bench`, beside the benchmarks"
    )
    from river import drift, linear_model, reco

    chunk = rating_stream(1500, 20, 30, seed=1)
    for model in (linear_model.LinearRegression(), reco.BiasedMF(seed=1)):
        managed = OnlineLearningManager(
            FromRiver(model), "adaptive", detector=drift.ADWIN(), checkpoint_interval=400
        )
        result = progressive_validation(managed, chunk)
        managed.rollback_to_checkpoint()
        assert np.isfinite(result.rmse), river.__version__
        assert managed.get_learning_stats().samples_processed == 1200
