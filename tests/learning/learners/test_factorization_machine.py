"""Factorization machines against their definition, against matrix factorization and against finite
differences.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.core.compiled import IS_COMPILED
from coursekit.core.errors import InvalidParameterError, InvalidSampleError
from coursekit.core.events import Chunk, OnlineSample
from coursekit.learning.factors import kernels
from coursekit.learning.learners.factorization_machine import OnlineFactorizationMachine
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
from tests.learning.learners.test_contract import stream

OPTIMIZERS = ["sgd", "adagrad", "belief"]


def by_definition(model, active):
    """The prediction as the double sum over pairs; `active` lists (field, id, value)."""
    rows = [
        (model.bias(field, id_), model.factors(field, id_), value) for field, id_, value in active
    ]
    linear = sum(value * bias for bias, _, value in rows)
    visible = [(factors, value) for bias, factors, value in rows if bias != 0]
    pairs = sum(x * y * (v @ w) for (v, x), (w, y) in itertools.combinations(visible, 2))
    return model.intercept + linear + pairs


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_prediction_is_the_double_sum_over_pairs(seed):
    model = OnlineFactorizationMachine(n_factors=3, initial_scale=0.5)
    model.partial_fit_many(stream(200, seed=seed))
    active = [
        ("user", "u1", 1.0),
        ("item", 2, 1.0),
        ("feature", "hour", 0.7),
        ("feature", "genre=a", 1.0),
        ("feature", "new", 2.0),
    ]
    expected = by_definition(model, active)
    assert model.predict("u1", 2, {"hour": 0.7, "genre": "a", "new": 2.0}) == pytest.approx(
        expected, abs=1e-10
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_without_side_features_it_is_matrix_factorization(optimizer):
    chunk = stream(2000)
    plain = Chunk(
        user_ids=chunk.user_ids,
        item_ids=chunk.item_ids,
        targets=chunk.targets,
        weights=chunk.weights,
    )
    mf = OnlineMatrixFactorization(n_factors=4, optimizer=optimizer, seed=2)
    fm = OnlineFactorizationMachine(n_factors=4, optimizer=optimizer, seed=2)
    np.testing.assert_array_equal(
        fm.predict_then_learn_many(plain), mf.predict_then_learn_many(plain)
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_general_kernel_on_two_one_hots_equals_the_pair_kernel(optimizer):
    """The same events once through `learn_pair` and once, with empty side features, through
    `learn_rows`.
    """
    chunk = stream(2000)
    plain = Chunk(
        user_ids=chunk.user_ids,
        item_ids=chunk.item_ids,
        targets=chunk.targets,
        weights=chunk.weights,
    )
    general = Chunk(
        user_ids=chunk.user_ids,
        item_ids=chunk.item_ids,
        targets=chunk.targets,
        weights=chunk.weights,
        features=[{}] * len(chunk),
    )
    make = lambda: OnlineFactorizationMachine(n_factors=4, optimizer=optimizer, seed=2)
    np.testing.assert_allclose(
        make().predict_then_learn_many(general), make().predict_then_learn_many(plain), rtol=1e-12
    )


def test_one_small_step_of_sgd_follows_the_gradient_of_finite_differences():
    model = OnlineFactorizationMachine(
        n_factors=3, optimizer="sgd", learning_rate=1e-6, regularization=0.0, initial_scale=0.5
    )
    model.partial_fit_many(stream(300))
    sample = OnlineSample(user_id="u1", item_id=2, features={"hour": 0.7, "genre": "a"}, target=7.0)
    fields = [
        ("user", "u1", 1.0),
        ("item", 2, 1.0),
        ("feature", "hour", 0.7),
        ("feature", "genre=a", 1.0),
    ]
    table, epsilon = model._rows.array, 1e-5
    slopes = {}
    for field, id_, _ in fields:
        row = model._table.fields[field][id_]
        for j in range(4):
            kept = table[row, j]
            table[row, j] = kept + epsilon
            above = model.predict("u1", 2, sample.features)
            table[row, j] = kept - epsilon
            below = model.predict("u1", 2, sample.features)
            table[row, j] = kept
            slopes[field, id_, j] = (above - below) / (2 * epsilon)
    before = table.copy()
    error = sample.target - model.predict("u1", 2, sample.features)
    model.partial_fit(sample)
    for (field, id_, j), slope in slopes.items():
        row = model._table.fields[field][id_]
        rate = model._model[kernels.USER_RATE if j == 0 else kernels.FACTOR_RATE]
        assert table[row, j] - before[row, j] == pytest.approx(
            rate * error * slope, rel=1e-4, abs=1e-13
        )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_rows_that_are_not_active_rest(optimizer):
    model = OnlineFactorizationMachine(n_factors=3, optimizer=optimizer)
    model.partial_fit_many(stream(300))
    resting = model.factors("feature", "genre=b")
    for _ in range(100):
        model.partial_fit(
            OnlineSample(user_id="u1", item_id=2, features={"genre": "a"}, target=5.0)
        )
    np.testing.assert_array_equal(model.factors("feature", "genre=b"), resting)


@pytest.mark.skipif(not IS_COMPILED, reason="numba is not installed: the plain source is what runs")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_compiled_kernel_equals_its_own_source_in_plain_python(optimizer, monkeypatch):
    chunk = stream(300)
    fast = OnlineFactorizationMachine(n_factors=3, optimizer=optimizer).predict_then_learn_many(
        chunk
    )
    for name in (
        "learn_rows",
        "learn_rows_many",
        "_sum_rows",
        "_variance",
        "_update_intercept",
        "_update",
        "sgd",
        "adagrad",
        "belief",
    ):
        monkeypatch.setattr(kernels, name, getattr(kernels, name).py_func)
    slow = OnlineFactorizationMachine(n_factors=3, optimizer=optimizer).predict_then_learn_many(
        chunk
    )
    np.testing.assert_allclose(fast, slow, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_dense_and_sparse_features_say_the_same(optimizer):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 5)) * (rng.random((200, 5)) < 0.5)
    columns = dict(
        user_ids=rng.integers(0, 9, 200).tolist(),
        item_ids=rng.integers(0, 9, 200).tolist(),
        targets=rng.normal(size=200),
    )
    dense = OnlineFactorizationMachine(n_factors=3, optimizer=optimizer, feature_dim=5)
    sparse = OnlineFactorizationMachine(n_factors=3, optimizer=optimizer)
    mappings = [{at: float(value) for at, value in enumerate(vector)} for vector in vectors]
    np.testing.assert_array_equal(
        dense.predict_then_learn_many(Chunk(**columns, features=list(vectors))),
        sparse.predict_then_learn_many(Chunk(**columns, features=mappings)),
    )


def test_side_features_help_where_they_carry_the_signal():
    rng = np.random.default_rng(0)
    genre = rng.integers(0, 3, 3000)
    columns = dict(
        user_ids=rng.integers(0, 500, 3000).tolist(),
        item_ids=list(range(3000)),
        targets=3.0 + genre + 0.1 * rng.normal(size=3000),
    )
    with_genre = Chunk(**columns, features=[{"genre": str(g)} for g in genre])
    informed = OnlineFactorizationMachine(n_factors=3).partial_fit_many(with_genre)[1000:].mean()
    blind = OnlineFactorizationMachine(n_factors=3).partial_fit_many(Chunk(**columns))[1000:].mean()
    assert informed < 0.1 < 0.5 < blind


def test_several_categories_under_one_name_are_several_features():
    model = OnlineFactorizationMachine(n_factors=2)
    model.partial_fit(
        OnlineSample(
            user_id=1, item_id=1, features={"genre": ["comedy", "drama"], "length": 0.0}, target=4.0
        )
    )
    assert model.ids("feature") == ["genre=comedy", "genre=drama"]


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"age": float("nan")}, "'age' must be a finite number"),
        ({"age": float("inf")}, "'age' must be a finite number"),
        (np.array([1.0, np.nan, 0.0]), r"`features\[1\]`"),
        (np.ones(4), r"shape \(3,\)"),
        (np.ones((3, 1)), r"shape \(3,\)"),
    ],
    ids=str,
)
def test_features_that_cannot_be_used_are_named_and_nothing_changes(features, message):
    model = OnlineFactorizationMachine(n_factors=2, feature_dim=3)
    sample = OnlineSample(user_id="new", item_id="new", features=features, target=4.0)
    chunk = Chunk(user_ids=[1, 2], item_ids=[1, 2], targets=[3.0, 4.0], features=[None, features])
    for learn in (
        lambda: model.partial_fit(sample),
        lambda: model.partial_fit_many(chunk),
        lambda: model.predict(1, 1, features),
    ):
        with pytest.raises(InvalidSampleError, match=message):
            learn()
    assert (model.samples_processed, model.ids("user"), model.ids("feature")) == (0, [], [])


def test_a_wrong_feature_dim_is_named():
    with pytest.raises(InvalidParameterError, match="`feature_dim`"):
        OnlineFactorizationMachine(feature_dim=0)


def test_predictive_variance_is_the_one_the_update_uses():
    model = OnlineFactorizationMachine(n_factors=3)
    model.partial_fit_many(stream(300))
    features = {"hour": 0.5, "brand new": 2.0}
    variance = model.predict_variance("u1", "unheard of", features)
    rows = np.array(
        [
            model._users["u1"],
            model._items["unheard of"],
            model._features["hour"],
            model._features["brand new"],
        ]
    )
    model._table.start_rows()
    values = np.array([1.0, 1.0, 0.5, 2.0])
    expected = kernels.predict_variance(
        model._rows.array, model._model, 3, rows, values, 2, 0.0, 0.0, 0.0, 0.0
    )
    assert variance == pytest.approx(expected, rel=1e-12)
