"""Matrix factorization against a textbook version in dictionaries, and its promises about memory
and meaning.
"""

import tracemalloc

import numpy as np
import pytest

from coursekit.core.compiled import IS_COMPILED
from coursekit.core.errors import InvalidParameterError, StateFormatError, UnknownNameError
from coursekit.core.events import Chunk, OnlineSample
from coursekit.core.state import save_state
from coursekit.learning.factors import kernels
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
from coursekit.learning.optim import SGD, AdaGrad, GaussianBelief


def ratings(n, seed=0, n_users=15, n_items=25):
    rng = np.random.default_rng(seed)
    return Chunk(
        user_ids=rng.integers(0, n_users, n).tolist(),
        item_ids=rng.integers(0, n_items, n).tolist(),
        targets=rng.normal(3, 1, n),
    )


class TextbookMF:
    """Biased matrix factorization by SGD, written from the formula, with the same start and the
    same rule about new rows.
    """

    def __init__(self, start, rate, penalty):
        self.start, self.rate, self.penalty = start, rate, penalty
        self.intercept, self.n = 0.0, 0
        self.bias, self.factors = {"user": {}, "item": {}}, {"user": {}, "item": {}}

    def learn(self, user, item, target):
        for field, id_ in (("user", user), ("item", item)):
            self.factors[field].setdefault(id_, self.start[field][id_].copy())
        b, c = self.bias["user"].get(user, 0.0), self.bias["item"].get(item, 0.0)
        p, q = self.factors["user"][user], self.factors["item"][item]
        visible_p, visible_q = p * (b != 0), q * (c != 0)
        prediction = self.intercept + b + c + visible_p @ visible_q
        error = target - prediction
        self.n += 1
        self.intercept += error / self.n
        self.bias["user"][user] = b + self.rate * (error - self.penalty * b)
        self.bias["item"][item] = c + self.rate * (error - self.penalty * c)
        self.factors["user"][user] = p + self.rate * (error * visible_q - self.penalty * p)
        self.factors["item"][item] = q + self.rate * (error * visible_p - self.penalty * q)
        return prediction


def test_sgd_agrees_with_the_textbook_formula():
    chunk = ratings(2000)
    model = OnlineMatrixFactorization(
        n_factors=3,
        optimizer=SGD(0.05),
        bias_rate=0.05,
        regularization=0.02,
        initial_scale=0.1,
        seed=5,
    )
    untouched = OnlineMatrixFactorization(n_factors=3, optimizer="sgd", initial_scale=0.1, seed=5)
    untouched.partial_fit_many(
        Chunk(
            user_ids=chunk.user_ids,
            item_ids=chunk.item_ids,
            targets=chunk.targets,
            weights=np.zeros(len(chunk)),
        )
    )
    start = {
        field: {id_: untouched.factors(field, id_) for id_ in untouched.ids(field)}
        for field in ("user", "item")
    }
    textbook = TextbookMF(start, rate=0.05, penalty=0.02)
    expected = [textbook.learn(sample.user_id, sample.item_id, sample.target) for sample in chunk]
    np.testing.assert_allclose(model.predict_then_learn_many(chunk), expected, rtol=1e-10)
    np.testing.assert_allclose(model.factors("user", 3), textbook.factors["user"][3], rtol=1e-10)
    assert model.intercept == pytest.approx(textbook.intercept)


@pytest.mark.skipif(not IS_COMPILED, reason="numba is not installed: the plain source is what runs")
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "belief"])
@pytest.mark.parametrize("n_factors", [0, 1, 10])
def test_the_compiled_kernel_equals_its_own_source_in_plain_python(
    optimizer, n_factors, monkeypatch
):
    chunk = ratings(300)
    fast = OnlineMatrixFactorization(
        n_factors=n_factors, optimizer=optimizer
    ).predict_then_learn_many(chunk)
    plain = {
        name: getattr(kernels, name).py_func
        for name in (
            "learn_pair",
            "learn_pairs",
            "_update_intercept",
            "_update",
            "sgd",
            "adagrad",
            "belief",
        )
    }
    for name, function in plain.items():
        monkeypatch.setattr(kernels, name, function)
    slow = OnlineMatrixFactorization(
        n_factors=n_factors, optimizer=optimizer
    ).predict_then_learn_many(chunk)
    np.testing.assert_allclose(fast, slow, rtol=1e-12, atol=1e-12)


def test_factors_find_the_structure_that_biases_cannot():
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 30, 6000), rng.integers(0, 30, 6000)
    taste = np.where(np.arange(30) % 2, 1.0, -1.0)
    chunk = Chunk(
        user_ids=users.tolist(), item_ids=items.tolist(), targets=3 + taste[users] * taste[items]
    )
    with_factors = OnlineMatrixFactorization(n_factors=4).partial_fit_many(chunk)
    biases_alone = OnlineMatrixFactorization(n_factors=0).partial_fit_many(chunk)
    assert with_factors[-1000:].mean() < 0.05 < 0.9 < biases_alone[-1000:].mean()


def test_an_unseen_user_gets_the_intercept_and_the_bias_of_the_item():
    model = OnlineMatrixFactorization(n_factors=3)
    model.partial_fit_many(ratings(500))
    assert model.predict("new", 4) == pytest.approx(model.intercept + model.bias("item", 4))
    assert model.predict(2, "new") == pytest.approx(model.intercept + model.bias("user", 2))
    assert model.predict("new", "new") == pytest.approx(model.intercept)


def test_a_belief_is_least_certain_about_what_it_has_not_seen():
    model = OnlineMatrixFactorization(n_factors=3)
    model.partial_fit_many(ratings(3000))
    known, half, none = (
        model.predict_variance(1, 1),
        model.predict_variance(1, "new"),
        model.predict_variance("new", "new"),
    )
    assert 0.2 < known < half < none


def test_predictive_variance_is_honest_on_the_model_s_own_terms():
    """Targets drawn from the model: the squared error averages to the predicted variance.
    False-failure rate below 1e-6.
    """
    rng = np.random.default_rng(7)
    optimizer = GaussianBelief(noise=0.5, bias_variance=1.0, bias_walk=0.0, factor_walk=0.0)
    bias, appeal = rng.normal(size=300), rng.normal(size=300)
    model = OnlineMatrixFactorization(n_factors=0, optimizer=optimizer)
    ratios = []
    for _ in range(20_000):
        user, item = int(rng.integers(300)), int(rng.integers(300))
        target = bias[user] + appeal[item] + np.sqrt(0.5) * rng.normal()
        variance = model.predict_variance(user, item)
        ratios.append(
            model.partial_fit(OnlineSample(user_id=user, item_id=item, target=target)) / variance
        )
    # 20,000 squared normal ratios have a standard error of 0.01; 0.10 covers the diagonal
    # approximation as well.
    assert np.mean(ratios[2000:]) == pytest.approx(1.0, abs=0.10)


def test_the_intercept_does_not_move_under_the_biases():
    model = OnlineMatrixFactorization(n_factors=0, optimizer="sgd")
    for at in range(2000):
        model.partial_fit(OnlineSample(user_id=at % 2, item_id=0, target=5.0 if at % 2 else 1.0))
    settled = model.intercept
    for _ in range(50):
        model.partial_fit(OnlineSample(user_id=1, item_id=0, target=model.predict(1, 0)))
    assert model.intercept == pytest.approx(settled, abs=1e-9)


def test_raising_the_learning_rate_moves_predictions_further_under_every_rule():
    for optimizer in ("sgd", "adagrad", "belief"):
        moves = []
        for boost in (1.0, 4.0):
            model = OnlineMatrixFactorization(n_factors=2, optimizer=optimizer)
            model.partial_fit_many(ratings(1000))
            model.learning_rate *= boost
            before = model.predict(1, 1)
            model.partial_fit(OnlineSample(user_id=1, item_id=1, target=before + 1.0))
            moves.append(model.predict(1, 1) - before)
        assert moves[1] > 1.5 * moves[0], optimizer


def test_penalties_of_users_and_items_are_their_own():
    free, pulled = (
        OnlineMatrixFactorization(
            n_factors=0, optimizer="sgd", user_bias_reg=reg, item_bias_reg=0.0
        )
        for reg in (0.0, 10.0)
    )
    for model in (free, pulled):
        model.partial_fit_many(ratings(3000))
    size = {
        model: [
            np.abs([model.bias(field, at) for at in range(15)]).mean() for field in ("user", "item")
        ]
        for model in (free, pulled)
    }
    assert size[pulled][0] < 0.6 * size[free][0]
    assert size[pulled][1] > 0.6 * size[free][1]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"n_factors": -1}, "n_factors"),
        ({"n_factors": 2.5}, "n_factors"),
        ({"seed": -1}, "seed"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"regularization": 0.1}, "regularization"),
        ({"user_bias_reg": 0.1}, "user_bias_reg"),
        ({"bias_rate": 0.1}, "bias_rate"),
        ({"optimizer": "sgd", "bias_rate": 0.0}, "bias_rate"),
        ({"optimizer": SGD(decay=0.5)}, "optimizer"),
        ({"optimizer": AdaGrad(initial_memory=0.0)}, "optimizer"),
        ({"optimizer": "sgd", "item_bias_reg": -0.1}, "item_bias_reg"),
        ({"initial_scale": -1.0}, "initial_scale"),
    ],
)
def test_a_wrong_setting_is_named(settings, name):
    with pytest.raises(InvalidParameterError, match=f"`{name}`"):
        OnlineMatrixFactorization(**settings)


def test_an_unknown_field_is_named():
    with pytest.raises(UnknownNameError, match="'user', 'item'"):
        OnlineMatrixFactorization().bias("film", 1)


def test_variance_needs_a_belief():
    with pytest.raises(InvalidParameterError, match="belief"):
        OnlineMatrixFactorization(optimizer=AdaGrad()).predict_variance(1, 1)


def test_ids_that_disk_cannot_keep_are_refused_when_saving(tmp_path):
    model = OnlineMatrixFactorization(n_factors=1)
    model.partial_fit(OnlineSample(user_id=1.5, item_id=1, target=3.0))
    with pytest.raises(StateFormatError, match=r"1\.5"):
        save_state(tmp_path / "model.state", model.get_model_state(), kind="mf")
    assert list(tmp_path.iterdir()) == []


def test_memory_stays_near_the_tables_themselves():
    """The bar, 1.3 x the tables, at a twentieth of its size: 50,000 users, 5,000 items, 32
    factors.
    """
    users = np.arange(50_000)
    chunk = Chunk(user_ids=users, item_ids=users % 5_000, targets=np.full(50_000, 3.0))
    OnlineMatrixFactorization(n_factors=32).partial_fit_many(chunk.slice(0, 10))
    tracemalloc.start()
    model = OnlineMatrixFactorization(n_factors=32)
    for part in chunk.chunks(1000):
        model.partial_fit_many(part)
    used, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    tables = 55_000 * 2 * 33 * 8
    assert used < 1.3 * tables
    assert peak < 1.5 * tables


def test_its_config_makes_it_again():
    given = {"optimizer": SGD(0.1), "bias_rate": 0.2, "user_bias_reg": 0.3, "seed": 4}
    model = OnlineMatrixFactorization(3, **given)
    twin = model.clone()
    model.partial_fit_many(ratings(100))
    twin.set_model_state(model.get_model_state())
    assert twin.predict(1, 1) == model.predict(1, 1)
    with pytest.raises(StateFormatError, match=r"'user_bias_reg': 0\.3"):
        OnlineMatrixFactorization(3, **{**given, "user_bias_reg": 0.0}).set_model_state(
            model.get_model_state()
        )


def test_biases_keep_their_proportion_to_the_learning_rate():
    default, faster = (
        OnlineMatrixFactorization(2, optimizer=SGD(rate)).settings.bias_rate
        for rate in (0.06, 0.12)
    )
    assert (default, faster) == (0.08, pytest.approx(0.16))
