"""Measured regret stays under its bound, and its comparator is the best there is."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear, minimize

from coursekit.core.errors import InvalidParameterError, UnknownNameError
from coursekit.learning.optim import SGD, AdaGrad, Adam, Descent, FTRLProximal
from coursekit.learning.optim.regret import LOSSES, best_fixed_weights, measure_regret

OPTIMIZERS = {
    "sgd": lambda: SGD(1.0, decay=0.5, radius=1.0),
    "sgd-constant": lambda: SGD(0.05, radius=1.0),
    "adagrad": lambda: AdaGrad(1.4, initial_memory=0.0, radius=1.0),
    "adagrad-warm": lambda: AdaGrad(0.3, initial_memory=0.5, radius=1.0),
    "ftrl": lambda: FTRLProximal(1.4, beta=0.5, radius=1.0),
}


def stream(seed, loss, n=800, d=5, kind="noise"):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * rng.uniform(0.1, 2.0, d)
    if kind == "sparse":
        X *= rng.random((n, d)) < 0.1
    score = X @ rng.uniform(-1.5, 1.5, d)
    if kind == "turning":  # the truth turns over half-way: no fixed weights are good
        score[n // 2 :] *= -1
    if loss == "logistic":
        return X, (rng.random(n) < 1 / (1 + np.exp(-score))).astype(float)
    return X, score + rng.normal(size=n)


@pytest.mark.parametrize("kind", ["noise", "sparse", "turning"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_regret_never_exceeds_its_bound(make, loss, kind):
    for seed in range(3):
        curve = measure_regret(make(), *stream(seed, loss, kind=kind), loss=loss)
        assert (curve.regret <= curve.bound).all()


def test_an_adversary_drives_gradient_descent_towards_its_bound():
    """Losses g w with signs that follow the weights: on these the regret grows like the root of t,
    as the bound says.
    """
    descent = Descent(SGD(np.sqrt(2.0), decay=0.5, radius=1.0))
    weights, regret_of = np.zeros(1), {}
    played = total = 0.0
    for t in range(1, 10_001):
        g = 1.0 if weights[0] > 0 or (weights[0] == 0 and t % 2) else -1.0
        played, total = played + g * weights[0], total + g
        descent.step(weights, [g])
        regret_of[t] = played + abs(total)
    ratio = regret_of[10_000] / regret_of[100]
    assert 8 < ratio < 12
    assert 0.05 < regret_of[10_000] / (1.5 * np.sqrt(2) * 2 * np.sqrt(10_000)) <= 1


@pytest.mark.parametrize("loss", LOSSES)
def test_mean_regret_goes_to_zero(loss):
    for make in (OPTIMIZERS["sgd"], OPTIMIZERS["adagrad"], OPTIMIZERS["ftrl"]):
        curve = measure_regret(make(), *stream(0, loss, n=4000), loss=loss)
        assert curve.mean_regret[-1] < 0.4 * curve.mean_regret[199]


def test_on_sparse_features_adagrads_bound_is_the_smaller_one():
    X, y = stream(0, "logistic", kind="sparse", n=3000, d=40)
    X[:, 1:] *= np.random.default_rng(1).random((3000, 39)) < 0.1
    sgd = measure_regret(SGD(2 * np.sqrt(40) / 2, decay=0.5, radius=1.0), X, y, loss="logistic")
    adagrad = measure_regret(
        AdaGrad(np.sqrt(2), initial_memory=0.0, radius=1.0), X, y, loss="logistic"
    )
    assert adagrad.bound[-1] < sgd.bound[-1]


@pytest.mark.parametrize("radius", [0.3, 1.0, 10.0])
def test_the_best_fixed_weights_are_those_of_scipy(radius):
    X, y = stream(4, "squared")
    np.testing.assert_allclose(
        best_fixed_weights(X, y, radius=radius),
        lsq_linear(X, y, (-radius, radius), tol=1e-14).x,
        atol=1e-7,
    )
    X, y = stream(4, "logistic")
    value = LOSSES["logistic"].value
    found = minimize(
        lambda w: value(X @ w, y).sum(),
        np.zeros(5),
        jac=lambda w: X.T @ LOSSES["logistic"].slope(X @ w, y),
        bounds=[(-radius, radius)] * 5,
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-9},
    )
    ours = best_fixed_weights(X, y, radius=radius, loss="logistic")
    assert value(X @ ours, y).sum() <= found.fun + 1e-9
    np.testing.assert_allclose(ours, found.x, atol=1e-4)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_slope_is_the_derivative_of_the_loss(loss):
    scores, targets, h = np.linspace(-30, 30, 61), np.tile([0.0, 1.0], 31)[:61], 1e-5
    value = LOSSES[loss].value
    numeric = (value(scores + h, targets) - value(scores - h, targets)) / (2 * h)
    np.testing.assert_allclose(LOSSES[loss].slope(scores, targets), numeric, atol=1e-6)
    assert np.isfinite(value(np.array([-1e4, 1e4]), np.array([1.0, 0.0]))).all()


def test_adam_is_measured_without_a_bound():
    curve = measure_regret(Adam(0.05, radius=1.0), *stream(0, "squared"))
    assert curve.bound is None
    assert np.isfinite(curve.regret).all()


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((SGD(), np.ones((3, 2)), np.ones(3)), InvalidParameterError, "finite `radius`"),
        ((SGD(radius=1.0), np.ones((3, 2)), np.ones(4)), InvalidParameterError, "`targets`"),
        ((SGD(radius=1.0), np.ones(3), np.ones(3)), InvalidParameterError, "`targets`"),
    ],
)
def test_what_does_not_fit_is_named(arguments, error, match):
    with pytest.raises(error, match=match):
        measure_regret(*arguments)


def test_an_unknown_loss_is_told_the_known_ones():
    with pytest.raises(UnknownNameError, match="'squared', 'logistic'"):
        measure_regret(SGD(radius=1.0), np.ones((3, 2)), np.ones(3), loss="hinge")
