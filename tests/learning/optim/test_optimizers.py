"""Optimizers: one contract suite for those that move a vector of weights, then each against its
paper's formula, PyTorch, the kernels of factor models, and the others.
"""

import math

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, StateFormatError, UnknownNameError
from coursekit.core.state import load_state, save_state
from coursekit.learning.factors import kernels
from coursekit.learning.optim import SGD, AdaGrad, Adam, Descent, FTRLProximal, GaussianBelief

MAKERS = {
    "sgd": lambda **settings: SGD(0.1, decay=0.5, **settings),
    "adagrad": lambda **settings: AdaGrad(0.3, **settings),
    "ftrl": lambda **settings: FTRLProximal(0.3, l1=0.1, l2=0.01, **settings),
    "adam": lambda **settings: Adam(0.05, **settings),
}
every_optimizer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def run(optimizer, gradients, weights=None):
    """Weights after each step; `optimizer` may be a descent that goes on."""
    descent = optimizer if isinstance(optimizer, Descent) else Descent(optimizer)
    weights = np.zeros(gradients.shape[1]) if weights is None else weights
    path = []
    for gradient in gradients:
        descent.step(weights, gradient)
        path.append(weights.copy())
    return np.array(path)


def gradients(n=60, d=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def test_sgd_takes_decaying_steps():
    g = gradients()
    rates = 0.1 / np.sqrt(np.arange(1, 61))
    np.testing.assert_allclose(run(SGD(0.1, decay=0.5), g), -np.cumsum(rates[:, None] * g, axis=0))


@pytest.mark.parametrize(
    ("optimizer", "memory"), [(SGD(0.07), []), (AdaGrad(0.2, initial_memory=0.4), [0.4])]
)
def test_the_kernels_of_factor_models_take_the_same_steps(optimizer, memory):
    slopes = gradients(d=1)[:, 0]
    row = np.array([0.0, *memory])
    path = []
    for slope in slopes:
        kernels._update(optimizer.tag, row, 0, slope, 1.3, 1.0, optimizer.learning_rate, 0.0)
        path.append(row[0])
    np.testing.assert_allclose(run(optimizer, -1.3 * slopes[:, None])[:, 0], path, rtol=1e-12)


def test_ftrl_proximal_solves_its_own_problem():
    """Its weights minimise g_1:t w + l1 |w| + l2 w²/2 + beta w²/2a + sum_s sigma_s (w - w_s)²/2,
    found here by grid.
    """
    optimizer = FTRLProximal(0.5, beta=0.7, l1=0.6, l2=0.2)
    gs = gradients(n=12, d=1, seed=3)[:, 0]
    path = np.concatenate([[0.0], run(optimizer, gs[:, None])[:, 0]])
    roots = np.sqrt(np.cumsum(gs**2))
    sigmas = np.diff(np.concatenate([[0.0], roots])) / 0.5
    grid = np.linspace(-3, 3, 600_001)
    for t in range(1, 13):
        value = gs[:t].sum() * grid + 0.6 * np.abs(grid) + (0.2 + 0.7 / 0.5) * grid**2 / 2
        value += sum(
            sigma * (grid - w) ** 2 / 2 for sigma, w in zip(sigmas[:t], path[:t], strict=True)
        )
        assert path[t] == pytest.approx(grid[value.argmin()], abs=2e-5)
    assert 0.0 in path[1:]  # the penalty makes real zeros


def test_ftrl_without_penalties_is_adagrad_while_weights_stay_inside():
    """McMahan (2011): without l1, FTRL-Proximal is gradient descent with the same per-weight
    rates.
    """
    g = gradients()
    ftrl = run(FTRLProximal(0.3, beta=0.0), g)
    adagrad = run(AdaGrad(0.3, initial_memory=0.0), g)
    np.testing.assert_allclose(ftrl, adagrad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["sgd", "adagrad", "adam"])
def test_it_agrees_with_pytorch(name):
    torch = pytest.importorskip("torch")
    parameter = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    ours, theirs = {
        "sgd": lambda: (SGD(0.1), torch.optim.SGD([parameter], lr=0.1)),
        "adagrad": lambda: (
            AdaGrad(0.3, initial_memory=0.2),
            torch.optim.Adagrad([parameter], lr=0.3, initial_accumulator_value=0.2, eps=0.0),
        ),
        "adam": lambda: (Adam(0.05), torch.optim.Adam([parameter], lr=0.05)),
    }[name]()
    g = gradients()
    path = []
    for gradient in g:
        parameter.grad = torch.tensor(gradient)
        theirs.step()
        path.append(parameter.detach().numpy().copy())
    np.testing.assert_allclose(run(ours, g), path, rtol=1e-9, atol=1e-12)


@every_optimizer
def test_sparse_steps_are_dense_steps_of_the_active_weights(make):
    g = gradients(d=3)
    optimizer, alone = Descent(make()), Descent(make())
    weights, only = np.zeros(5), np.zeros(3)
    for gradient in g:
        optimizer.step(weights, gradient, np.array([4, 0, 2]))
        alone.step(only, gradient)
    np.testing.assert_array_equal(weights[[4, 0, 2]], only)
    assert (weights[[1, 3]] == 0).all()


@every_optimizer
def test_weights_may_be_added_on_the_way(make):
    g = gradients(n=20, d=3)
    grown, from_start = Descent(make()), Descent(make())
    short, long = np.zeros(2), np.zeros(3)
    for gradient in g[:10]:
        grown.step(short, gradient[:2])
        from_start.step(long, gradient[:2], np.array([0, 1]))
    short = np.append(short, 0.0)
    for gradient in g[10:]:
        grown.step(short, gradient)
        from_start.step(long, gradient)
    np.testing.assert_array_equal(short, long)


@every_optimizer
def test_it_finds_the_minimum_of_a_bowl(make):
    descent, target = Descent(make()), np.array([1.0, -2.0, 0.5])
    weights = np.zeros(3)
    for _ in range(3000):
        descent.step(weights, weights - target)
    np.testing.assert_allclose(weights, target, atol=0.12)


@every_optimizer
def test_weights_stay_in_the_box(make):
    path = run(make(radius=0.05), gradients())
    assert np.abs(path).max() == 0.05


@every_optimizer
def test_a_saved_descent_continues_exactly(make, tmp_path):
    g = gradients()
    straight, first, second = Descent(make()), Descent(make()), Descent(make())
    for descent in (straight, first):
        descent.learning_rate *= 0.5
    expected = run(straight, g)
    middle = run(first, g[:25])[-1].copy()
    save_state(tmp_path / "descent", first.get_state(), kind="descent")
    second.set_state(load_state(tmp_path / "descent", kind="descent"))
    np.testing.assert_array_equal(run(second, g[25:], middle), expected[25:])
    with pytest.raises(StateFormatError, match="radius"):
        Descent(make(radius=9.0)).set_state(second.get_state())


@every_optimizer
def test_its_config_makes_it_again_and_it_cannot_be_changed(make):
    for optimizer in (make(), make(radius=2.0)):
        assert Descent(optimizer.config()).optimizer == optimizer
        assert Descent(optimizer).clone().optimizer == optimizer
        with pytest.raises(AttributeError):
            optimizer.learning_rate = 1.0


@every_optimizer
def test_changing_the_rate_moves_no_weight(make):
    descent = Descent(make())
    before = run(descent, gradients())[-1].copy()
    after = before.copy()
    descent.learning_rate *= 3
    descent.step(after, np.zeros(4))
    if make is not MAKERS["adam"]:  # Adam goes on along its mean gradient
        np.testing.assert_allclose(after, before, rtol=1e-12)
    assert descent.learning_rate == pytest.approx(3 * make().learning_rate)


@pytest.mark.parametrize(
    "make", [MAKERS["sgd"], MAKERS["adagrad"], MAKERS["ftrl"]], ids=["sgd", "adagrad", "ftrl"]
)
def test_discounted_evidence_makes_the_next_step_larger_and_moves_nothing(make):
    g = gradients(n=400)
    plain, discounted = Descent(make()), Descent(make())
    weights, twin = run(plain, g)[-1].copy(), run(discounted, g)[-1].copy()
    discounted.discount_evidence(0.1)
    before = weights.copy()
    plain.step(weights, np.full(4, 0.01))
    discounted.step(twin, np.full(4, 0.01))
    assert (np.abs(twin - before) > 1.5 * np.abs(weights - before)).all()
    assert (np.abs(twin - before) < 0.05).all()


def test_adam_has_no_regret_guarantee_and_fails_on_the_stream_of_reddi_and_others():
    """Gradients 3, -1, -1 in turn: the best point of [-1, 1] is -1, and Adam goes to +1."""
    weights = {"adam": np.zeros(1), "adagrad": np.zeros(1)}
    optimizers = {
        "adam": Descent(Adam(0.1, beta1=0.0, beta2=1 / 10, radius=1.0)),
        "adagrad": Descent(AdaGrad(0.5, radius=1.0)),
    }
    for t in range(3000):
        for name, optimizer in optimizers.items():
            optimizer.step(weights[name], [3.0 if t % 3 == 0 else -1.0])
    assert weights["adam"][0] > 0.8
    assert weights["adagrad"][0] < -0.9


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: SGD(0.0), "learning_rate"),
        (lambda: SGD(math.inf), "learning_rate"),
        (lambda: SGD(decay=-1.0), "decay"),
        (lambda: AdaGrad(initial_memory=-1.0), "initial_memory"),
        (lambda: FTRLProximal(l1=math.nan), "l1"),
        (lambda: Adam(beta1=1.0), "beta1"),
        (lambda: Adam(epsilon=0.0), "epsilon"),
        (lambda: SGD(radius=0.0), "radius"),
        (lambda: Descent("sgd").step(np.zeros(3), [1.0]), "gradients"),
        (lambda: Descent("sgd").discount_evidence(0.0), "keep"),
        (lambda: setattr(Descent("sgd"), "learning_rate", 0.0), "learning_rate"),
        (lambda: GaussianBelief(noise=float("nan")), "noise"),
        (lambda: GaussianBelief(factor_walk=float("inf")), "factor_walk"),
    ],
)
def test_a_setting_out_of_range_is_named(make, name):
    with pytest.raises(InvalidParameterError, match=f"`{name}`"):
        make()


@pytest.mark.parametrize("optimizer", ["lion", GaussianBelief(), {"name": "lion"}])
def test_an_unknown_optimizer_is_told_the_known_ones(optimizer):
    with pytest.raises(UnknownNameError, match="'sgd', 'adagrad', 'ftrl', 'adam'"):
        Descent(optimizer)


def believed(row, slope, error, variance, process_noise):
    kernels._update(GaussianBelief.tag, row, 0, slope, error, variance, process_noise, 0.0)


def test_a_belief_about_one_number_is_the_kalman_filter():
    rng = np.random.default_rng(0)
    row = np.array([0.0, 4.0])
    mean, variance, noise, walk = 0.0, 4.0, 0.5, 0.01
    for slope, target in rng.normal(size=(50, 2)):
        predictive = noise + slope**2 * (row[1] + walk)
        believed(row, slope, target - slope * row[0], predictive, walk)
        variance += walk
        gain = variance * slope / (slope**2 * variance + noise)
        mean, variance = mean + gain * (target - slope * mean), (1 - gain * slope) * variance
    assert row == pytest.approx([mean, variance])


def test_a_belief_without_process_noise_is_exact_bayesian_regression_for_one_coordinate():
    rng = np.random.default_rng(1)
    slopes, targets = rng.normal(size=(2, 40))
    row, noise, prior = np.array([0.0, 2.0]), 0.3, 2.0
    for slope, target in zip(slopes, targets, strict=True):
        believed(row, slope, target - slope * row[0], noise + slope**2 * row[1], 0.0)
    precision = 1 / prior + (slopes**2).sum() / noise
    assert row == pytest.approx([(slopes * targets).sum() / noise / precision, 1 / precision])


def test_a_penalty_pulls_towards_zero():
    rate, penalty = 0.1, 0.01
    row = np.array([0.5])
    kernels._update(SGD.tag, row, 0, 2.0, 0.3, 1.0, rate, penalty)
    assert row[0] == pytest.approx(0.5 + rate * (0.3 * 2.0 - penalty * 0.5))
    row = np.array([0.5, 0.2])
    kernels._update(AdaGrad.tag, row, 0, 2.0, 0.3, 1.0, rate, penalty)
    gradient = 0.3 * 2.0 - penalty * 0.5
    assert row == pytest.approx(
        [0.5 + rate * gradient / np.sqrt(0.2 + gradient**2), 0.2 + gradient**2]
    )
