"""The online linear model against plain numpy and scikit-learn."""

import gzip

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, SGDRegressor

from coursekit.core.errors import InvalidParameterError, InvalidSampleError, UnknownNameError
from coursekit.core.events import Chunk, OnlineSample
from coursekit.datasets.streams import rating_stream
from coursekit.learning.learners.linear import OnlineLinearModel
from coursekit.learning.optim import SGD, AdaGrad, Descent, FTRLProximal


def events(n=500, d=4, seed=0, loss="squared"):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    score = X @ [1.0, -2.0, 0.5, 0.0] + 0.3
    y = (
        score + 0.1 * rng.normal(size=n)
        if loss == "squared"
        else (rng.random(n) < 1 / (1 + np.exp(-score))).astype(float)
    )
    return X, y, Chunk(user_ids=[0] * n, item_ids=[0] * n, targets=y, features=list(X))


def test_it_is_stochastic_gradient_descent_as_scikit_learn_does_it():
    X, y, chunk = events()
    model = OnlineLinearModel(optimizer=SGD(0.02), use_ids=False)
    theirs = SGDRegressor(
        learning_rate="constant", eta0=0.02, penalty=None, shuffle=False, max_iter=1
    )
    model.partial_fit_many(chunk)
    theirs.partial_fit(X, y)
    ours = [model.weights[j] for j in range(4)]
    np.testing.assert_allclose(
        [*ours, model.weights["(intercept)"]], [*theirs.coef_, *theirs.intercept_], rtol=1e-9
    )


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize(
    "make", [lambda: SGD(0.1, decay=0.3), lambda: AdaGrad(0.3), lambda: FTRLProximal(0.3, l1=0.1)]
)
def test_each_step_is_the_optimizers_step_along_the_gradient(make, loss):
    X, y, chunk = events(200, loss=loss)
    model, descent, weights = (
        OnlineLinearModel(loss, make(), regularization=0.01, use_ids=False),
        Descent(make()),
        np.zeros(5),
    )
    losses = model.partial_fit_many(chunk)
    for x, target, loss_ in zip(np.column_stack([np.ones(200), X]), y, losses, strict=True):
        score = x @ weights
        prediction = score if loss == "squared" else 1 / (1 + np.exp(-score))
        assert loss_ == pytest.approx((target - prediction) ** 2)
        descent.step(weights, (prediction - target) * x + 0.01 * weights)
    assert [model.weights[name] for name in ("(intercept)", 0, 1, 2, 3)] == pytest.approx(
        weights.tolist()
    )


def test_logistic_regression_finds_the_weights_of_the_batch_solution():
    X, y, chunk = events(20_000, loss="logistic")
    model = OnlineLinearModel("logistic", AdaGrad(0.5), use_ids=False)
    model.partial_fit_many(chunk)
    batch = LogisticRegression(C=1e6).fit(X, y)
    np.testing.assert_allclose([model.weights[j] for j in range(4)], batch.coef_[0], atol=0.15)


def test_ids_are_features_if_wanted():
    chunk = rating_stream(3000, 30, 40, seed=0, drift=None, taste_std=0.0)
    with_ids, without = OnlineLinearModel(), OnlineLinearModel(use_ids=False)
    assert (
        with_ids.partial_fit_many(chunk)[1500:].mean()
        < 0.8 * without.partial_fit_many(chunk)[1500:].mean()
    )
    assert ("user", 3) in with_ids.weights
    assert list(without.weights) == ["(intercept)"]


def test_a_category_is_a_feature_of_its_own():
    model = OnlineLinearModel(use_ids=False)
    model.partial_fit(
        OnlineSample(
            user_id=0, item_id=0, target=1.0, features={"genre": "comedy", "year": 0.5, "none": 0.0}
        )
    )
    assert set(model.weights) == {"(intercept)", "genre=comedy", "year"}


def test_bad_input_is_named():
    model = OnlineLinearModel("logistic")
    with pytest.raises(InvalidSampleError, match=r"`target` must be in \[0, 1\]"):
        model.partial_fit(OnlineSample(user_id=0, item_id=0, target=2.0))
    with pytest.raises(InvalidSampleError, match="'x' must be a finite number"):
        model.partial_fit(
            OnlineSample(user_id=0, item_id=0, target=1.0, features={"x": float("nan")})
        )
    assert (model.samples_processed, model.weights) == (0, {"(intercept)": 0.0})
    with pytest.raises(UnknownNameError, match="`loss`"):
        OnlineLinearModel("hinge")
    with pytest.raises(InvalidParameterError, match="`regularization`"):
        OnlineLinearModel(regularization=-1.0)


def test_on_a_real_stream_it_predicts_better_than_chance(real_data):
    with gzip.open(real_data / "elec2" / "electricity.csv.gz") as file:
        table = np.genfromtxt(file, delimiter=",", skip_header=1, max_rows=5000)
    chunk = Chunk(
        user_ids=[0] * 5000, item_ids=[0] * 5000, targets=table[:, -1], features=list(table[:, :-1])
    )
    predictions = OnlineLinearModel(
        "logistic", AdaGrad(0.3), use_ids=False
    ).predict_then_learn_many(chunk)
    assert np.mean((predictions >= 0.5) != chunk.targets) < 0.3
