from __future__ import annotations

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError
from coursekit.forecasting.continual import DriftBoost, WarmRestarts, WeightAverage
from coursekit.forecasting.model import Forecaster


def test_warm_restarts_equal_those_of_torch() -> None:
    import torch

    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 7, eta_min=0.01)
    rates = WarmRestarts(highest=0.1, lowest=0.01, period=7)
    for step in range(30):
        assert rates.at(step) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()


def test_a_boost_decays() -> None:
    boost = DriftBoost(factor=5.0, half_life=3)
    assert [boost.at(step) for step in (0, 3, 6)] == pytest.approx([5.0, 3.0, 2.0])


def test_the_average_is_that_of_swa_utils(model: Forecaster) -> None:
    import torch
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    small = torch.nn.Linear(3, 2)
    theirs = AveragedModel(small, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    theirs.update_parameters(small)  # the first update copies
    ours = WeightAverage(model, decay=0.9)
    start = model.weights()
    expected = start["output_layer.bias"].numpy().astype(np.float64)
    for step in range(1, 5):
        changed = {name: weight + step for name, weight in start.items()}
        model.set_weights(changed)
        ours.update(model)
        expected = 0.9 * expected + 0.1 * changed["output_layer.bias"].numpy()
        with torch.no_grad():
            small.bias += 1.0
        theirs.update_parameters(small)
    found = ours.average.weights()["output_layer.bias"].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # +1 a step, four steps: both averages have moved by the same amount
    moved = float((theirs.module.bias - (small.bias - 4.0))[0].detach())
    assert float(found[0] - start["output_layer.bias"][0]) == pytest.approx(moved, rel=1e-4)


@pytest.mark.parametrize(
    "make",
    [
        lambda: WarmRestarts(highest=0.1, lowest=0.2, period=5),
        lambda: WarmRestarts(highest=0.1, period=0),
        lambda: DriftBoost(factor=0.5),
    ],
)
def test_bad_settings_are_named(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidParameterError):
        make()
