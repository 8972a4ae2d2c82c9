from __future__ import annotations

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, InvalidSampleError
from coursekit.forecasting.continual import fused_adam, optimisation_step, quantile_losses, train
from coursekit.forecasting.fleet import MetricFrame
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.network import quiet_lightning
from coursekit.forecasting.windows import WindowSet


def gradients(model: Forecaster) -> dict[str, np.ndarray]:
    return {
        name: np.zeros(1) if p.grad is None else p.grad.numpy().copy()
        for name, p in model.net.named_parameters()
    }


def without_dropout(model: Forecaster) -> Forecaster:
    import torch

    for module in model.net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def test_the_loss_is_that_of_pytorch_forecasting(
    trained: Forecaster, old_windows: WindowSet
) -> None:
    import torch

    some = old_windows.take(slice(0, 40))
    _, target = some.batch(24)
    trained.net.eval()
    with torch.no_grad():
        quantiles = trained.output(some)
    each = quantile_losses(quantiles, target, trained.config.quantiles)
    theirs = trained.net.loss.loss(quantiles, target)
    torch.testing.assert_close(each, theirs.mean(dim=(1, 2)))
    median = quantile_losses(quantiles[:, :, 1:2], target, (0.5,))
    np.testing.assert_allclose(median.numpy(), trained.errors(some), rtol=1e-5)


def test_the_quantile_loss_is_least_at_the_quantile() -> None:
    import torch

    rng = np.random.default_rng(0)
    target = torch.tensor(rng.exponential(size=(5001, 1)), dtype=torch.float64)
    for level in (0.1, 0.5, 0.9):
        candidates = torch.linspace(0, 4, 401, dtype=torch.float64)
        losses = [
            float(quantile_losses(value.expand(5001, 1, 1), target, (level,)).mean())
            for value in candidates
        ]
        best = float(candidates[int(np.argmin(losses))])
        assert best == pytest.approx(float(np.quantile(target, level)), abs=0.02)


def test_the_gradient_is_that_of_the_stock_loss(model: Forecaster, old_windows: WindowSet) -> None:
    without_dropout(model)
    stock = model.copy()
    some = old_windows.take(slice(0, 32))
    losses = optimisation_step(model, fused_adam(model, 1e-9), some, clip_norm=None)
    x, y = some.batch(24)
    stock.net.train()
    theirs = stock.net.loss.loss(stock.net(x)["prediction"], y).mean()
    theirs.backward()
    assert losses.mean() == pytest.approx(float(theirs.detach()), rel=1e-5)
    expected = gradients(stock)
    for name, gradient in gradients(model).items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-3, atol=1e-5)


def test_fused_adam_moves_the_weights_as_plain_adam_does(
    model: Forecaster, old_windows: WindowSet
) -> None:
    import torch

    twin = model.copy()
    plain = torch.optim.Adam(twin.net.parameters(), lr=0.01, foreach=False, fused=False)
    optimisation_step(model, fused_adam(model, 0.01), old_windows.take(slice(0, 8)))
    for ours, theirs in zip(model.net.parameters(), twin.net.parameters(), strict=True):
        theirs.grad = None if ours.grad is None else ours.grad.clone()
    plain.step()
    for name, weight in model.weights().items():
        torch.testing.assert_close(weight, twin.weights()[name], rtol=1e-4, atol=1e-6)


def test_steps_reduce_the_loss(model: Forecaster, new_windows: WindowSet) -> None:
    before = model.errors(new_windows).mean()
    optimizer = fused_adam(model, 0.005)
    rng = np.random.default_rng(0)
    for _ in range(20):
        batch = new_windows.take(rng.integers(len(new_windows), size=32))
        optimisation_step(model, optimizer, batch)
    assert model.errors(new_windows).mean() < 0.8 * before


def test_micro_batches_accumulate_the_same_gradient(
    model: Forecaster, old_windows: WindowSet
) -> None:
    without_dropout(model)
    some = old_windows.take(slice(0, 21))  # three parts of 7
    found = []
    for parts in (1, 3):
        twin = model.copy()
        optimisation_step(twin, fused_adam(twin, 1e-9), some, micro_batches=parts, clip_norm=None)
        found.append(gradients(twin))
    for name, whole in found[0].items():
        np.testing.assert_allclose(found[1][name], whole, rtol=1e-3, atol=1e-5)


def test_clipping_limits_the_norm_of_the_gradient(
    model: Forecaster, new_windows: WindowSet
) -> None:
    without_dropout(model)
    norms = []
    for clip in (None, 0.25):
        twin = model.copy()
        some = new_windows.take(slice(0, 16))
        optimisation_step(twin, fused_adam(twin, 1e-9), some, clip_norm=clip)
        norms.append(np.sqrt(sum((g**2).sum() for g in gradients(twin).values())))
    assert norms[0] > 1.0
    assert norms[1] == pytest.approx(0.25, rel=1e-3)


def test_a_loss_that_is_not_finite_changes_nothing(
    model: Forecaster, old_windows: WindowSet
) -> None:
    import torch

    bad = old_windows.take([0, 1, 2, 3])
    bad.targets[2, 25] = np.nan
    before = model.weights()
    with pytest.raises(InvalidSampleError, match="not finite"):
        optimisation_step(model, fused_adam(model, 0.01), bad)
    with pytest.raises(InvalidSampleError, match="at least one window"):
        optimisation_step(model, fused_adam(model, 0.01), bad.take(slice(0, 0)))
    assert all(torch.equal(before[name], weight) for name, weight in model.weights().items())


def test_training_repeats_and_leaves_chance_alone(
    trained: Forecaster, old_days: MetricFrame
) -> None:
    import torch

    windows = trained.windows(old_days.between(0, 48))
    chance = torch.get_rng_state()
    curves = []
    for seed in (0, 0, 1):
        model = Forecaster(trained.config, trained.scaling)
        curves.append(train(model, windows, n_epochs=2, batch_size=38, seed=seed).tolist())
    assert curves[0] == curves[1] != curves[2]
    assert torch.equal(torch.get_rng_state(), chance)


def test_training_needs_windows(model: Forecaster, old_days: MetricFrame) -> None:
    with pytest.raises(InvalidParameterError, match="no stretch of 30"):
        train(model, model.windows(old_days.between(0, 20)))


def test_the_loss_curve_is_that_of_lightning(trained: Forecaster, old_days: MetricFrame) -> None:
    """Our loop on our windows against `Trainer.fit` on the stock loader, in the same order."""
    import torch
    from lightning.pytorch import Callback, Trainer

    from coursekit.forecasting.continual.periodic import stock_dataset

    frame = old_days.between(0, 72)
    ours, stock = (without_dropout(Forecaster(trained.config, trained.scaling)) for _ in range(2))
    stock.net.hparams.learning_rate = 0.01
    seen: list[float] = []

    class Losses(Callback):
        def on_train_batch_end(self, trainer: object, module: object, outputs: dict, *_: object):  # type: ignore[no-untyped-def, type-arg]
            seen.append(float(outputs["loss"]))

    with quiet_lightning(), torch.random.fork_rng(devices=[]):
        dataset = stock_dataset(frame, trained.config)
        ours.scaling = trained.scaling.fit(frame)
        loader = dataset.to_dataloader(train=False, batch_size=64)
        trainer = Trainer(
            max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, gradient_clip_val=1.0,
            callbacks=[Losses()],
        )  # fmt: skip
        trainer.fit(stock.net, loader)
    windows = ours.windows(frame)
    optimizer = fused_adam(ours, 0.01)
    curve = [
        optimisation_step(ours, optimizer, windows.take(slice(at, at + 64))).mean()
        for at in range(0, len(windows), 64)
    ]
    np.testing.assert_allclose(curve, seen, rtol=2e-3)
