"""The ways to learn without forgetting: one contract, and what each promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, StateFormatError
from coursekit.core.state import load_state, save_state
from coursekit.forecasting.buffers import BalancedBuffer, PrioritizedBuffer, ReservoirBuffer
from coursekit.forecasting.continual import (
    ContinualMethod,
    Distillation,
    ElasticWeightConsolidation,
    Replay,
    SlidingWindow,
    fisher_diagonal,
    fused_adam,
    optimisation_step,
)
from coursekit.forecasting.continual.step import quantile_losses
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.windows import WindowSet

METHODS: dict[str, Callable[[], ContinualMethod]] = {
    "sliding": SlidingWindow,
    "replay": lambda: Replay(0.5, ReservoirBuffer(200)),
    "prioritized": lambda: Replay(0.5, PrioritizedBuffer(200)),
    "balanced": lambda: Replay(0.25, BalancedBuffer(200)),
    "ewc": lambda: ElasticWeightConsolidation(5.0, n_windows=4),
    "distillation": lambda: Distillation(0.5),
    "distillation on replay": lambda: Distillation(0.5, Replay(0.5, ReservoirBuffer(200))),
}


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> ContinualMethod:
    return METHODS[request.param]()


def learn(
    model: Forecaster, method: ContinualMethod, recent: WindowSet, n_steps: int, rate: float = 0.005
) -> Forecaster:
    rng, optimizer = np.random.default_rng(0), fused_adam(model, rate)
    for _ in range(n_steps):
        batch = method.batch(recent, 32, rng)
        method.observe(optimisation_step(model, optimizer, batch, penalty=method.penalty))
    return model


def test_a_method_repeats_after_a_save(
    method: ContinualMethod,
    model: Forecaster,
    old_windows: WindowSet,
    new_windows: WindowSet,
    tmp_path: Path,
) -> None:
    import torch

    method.start(model, old_windows)
    save_state(tmp_path / "m", method.get_state(), kind="method")
    again = method.clone()
    again.set_state(load_state(tmp_path / "m", kind="method"))
    found = []
    for each in (method, again):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            found.append(learn(model.copy(), each, new_windows, 2))
            each.remember(model, new_windows)
    first, second = (each.weights() for each in found)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_method_changes_no_windows_and_no_model_by_itself(
    method: ContinualMethod, model: Forecaster, old_windows: WindowSet, new_windows: WindowSet
) -> None:
    import torch

    weights, inputs = model.weights(), new_windows.inputs.copy()
    method.start(model, old_windows)
    batch = method.batch(new_windows, 8, np.random.default_rng(0))
    method.penalty(model, batch, model.output(batch))
    method.remember(model, new_windows)
    assert len(batch) == 8
    assert np.array_equal(new_windows.inputs, inputs)
    assert all(torch.equal(weights[name], weight) for name, weight in model.weights().items())


def test_a_state_of_another_kind_is_refused(method: ContinualMethod) -> None:
    state = method.get_state() | {"class": "Another"}
    with pytest.raises(StateFormatError):
        method.set_state(state)


def test_replay_mixes_the_past_into_every_batch(
    model: Forecaster, old_windows: WindowSet, new_windows: WindowSet
) -> None:
    replay = Replay(0.3, ReservoirBuffer(100))
    rng = np.random.default_rng(0)
    assert (replay.batch(new_windows, 40, rng).origin >= 14 * 24).all()  # nothing remembered yet
    replay.start(model, old_windows)
    batch = replay.batch(new_windows, 40, rng)
    assert (batch.origin >= 14 * 24).sum() == 28
    assert (batch.origin < 14 * 24).sum() == 12


def test_priorities_follow_the_losses(
    model: Forecaster, old_windows: WindowSet, new_windows: WindowSet
) -> None:
    replay = Replay(0.5, PrioritizedBuffer(50))
    replay.start(model, old_windows)
    replay.batch(new_windows, 40, np.random.default_rng(0))
    losses = np.arange(40.0)
    replay.observe(losses)
    assert isinstance(replay.buffer, PrioritizedBuffer)
    leaves = replay.buffer.get_state()["memory"]["leaves"]
    drawn = replay._drawn
    assert drawn is not None
    expected = dict(zip(drawn.tolist(), losses[20:], strict=True))  # a later draw overwrites
    for place, loss in expected.items():
        assert leaves[place] == pytest.approx((loss + 1e-6) ** 0.6)


def test_replay_keeps_the_old_regime_and_sliding_forgets_it(
    model: Forecaster, old_windows: WindowSet, new_windows: WindowSet
) -> None:
    old, new = (model.errors(windows).mean() for windows in (old_windows, new_windows))
    errors = {}
    for method in (SlidingWindow(), Replay(0.5, ReservoirBuffer(500))):
        method.start(model, old_windows)
        twin = learn(model.copy(), method, new_windows, 30, rate=0.003)
        errors[type(method)] = (
            twin.errors(old_windows).mean() / old,
            twin.errors(new_windows).mean() / new,
        )
    assert errors[SlidingWindow][0] > 2.5  # 4 measured, and 1.7 with replay
    assert errors[Replay][0] < 2.2
    assert all(after < 0.8 for _, after in errors.values())


def test_the_fisher_diagonal_equals_central_differences(
    model: Forecaster, old_windows: WindowSet
) -> None:
    """Squared slopes of each window's loss, for some weights of the output layer."""
    import torch

    some = old_windows.take([3, 200, 777])
    fisher = fisher_diagonal(model, some)
    bias = dict(model.net.named_parameters())["output_layer.bias"]
    model.net.eval().double()
    slopes = np.zeros((3, 3))
    for at in range(3):
        for sign in (1, -1):
            with torch.no_grad():
                bias[at] += sign * 1e-4
                x, y = some.batch(24)
                x = {name: t.double() if t.is_floating_point() else t for name, t in x.items()}
                out = model.net(x)["prediction"]
                losses = quantile_losses(out, y.double(), model.config.quantiles)
                slopes[at] += sign * losses.numpy() / 2e-4
                bias[at] -= sign * 1e-4
    expected = (slopes**2).mean(axis=1)
    np.testing.assert_allclose(fisher["output_layer.bias"].numpy(), expected, rtol=0.02, atol=1e-4)


def test_squaring_the_gradient_of_a_batch_shrinks_the_fisher(
    model: Forecaster, old_windows: WindowSet
) -> None:
    import torch

    some = old_windows.take(slice(0, 320, 20))
    fisher = fisher_diagonal(model, some)
    model.net.eval()
    model.net.zero_grad()
    _, target = some.batch(24)
    quantile_losses(model.output(some), target, model.config.quantiles).mean().backward()
    of_batch = sum(float((p.grad**2).sum()) for p in model.net.parameters() if p.grad is not None)
    assert sum(float(tensor.sum()) for tensor in fisher.values()) > 1.5 * of_batch
    assert all(bool(torch.all(tensor >= 0)) for tensor in fisher.values())


def test_the_penalty_is_the_weighted_squared_distance(
    model: Forecaster, old_windows: WindowSet
) -> None:
    ewc = ElasticWeightConsolidation(4.0, n_windows=3)
    some = old_windows.take(slice(0, 2))
    assert float(ewc.penalty(model, some, model.output(some))) == 0.0
    ewc.start(model, old_windows)
    assert float(ewc.penalty(model, some, model.output(some)).detach()) == 0.0
    model.set_weights({name: weight + 0.1 for name, weight in model.weights().items()})
    total = sum(float(tensor.sum()) for tensor in ewc.fisher.values())
    found = float(ewc.penalty(model, some, model.output(some)).detach())
    assert found == pytest.approx(0.5 * 4.0 * total * 0.01, rel=1e-3)
    assert ewc.penalty(model, some, model.output(some)).requires_grad


def test_a_strong_penalty_keeps_the_weights(
    model: Forecaster, old_windows: WindowSet, new_windows: WindowSet
) -> None:
    distances = []
    for strength in (0.0, 1e4):
        ewc = ElasticWeightConsolidation(strength, n_windows=8)
        ewc.start(model, old_windows)
        twin = learn(model.copy(), ewc, new_windows, 8)
        moved = zip(
            ewc.fisher.values(), twin.weights().values(), model.weights().values(), strict=True
        )
        distances.append(sum(float((f * (a - b) ** 2).sum()) for f, a, b in moved))
    assert distances[1] < 0.3 * distances[0]


def test_the_teacher_holds_the_student(
    model: Forecaster, old_windows: WindowSet, new_windows: WindowSet
) -> None:
    before = model.quantiles(new_windows)
    distances = []
    for weight in (0.0, 20.0):
        distillation = Distillation(weight)
        distillation.start(model, old_windows)
        twin = learn(model.copy(), distillation, new_windows, 8)
        distances.append(np.abs(twin.quantiles(new_windows) - before).mean())
    assert distances[1] < 0.5 * distances[0]


def test_bad_settings_are_named(model: Forecaster, old_windows: WindowSet) -> None:
    for make in (
        lambda: Replay(1.0),
        lambda: ElasticWeightConsolidation(-1.0),
        lambda: Distillation(float("nan")),
    ):
        with pytest.raises(InvalidParameterError):
            make()
    with pytest.raises(InvalidParameterError, match="at least one window"):
        fisher_diagonal(model, old_windows.take(slice(0, 0)))
