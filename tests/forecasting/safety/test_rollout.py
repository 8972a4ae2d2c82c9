from __future__ import annotations

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError
from coursekit.forecasting.fleet import MetricFrame
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.safety import Canary, Shadow


@pytest.fixture
def candidate(model: Forecaster) -> Forecaster:
    """A model whose forecasts are too high."""
    weights = model.weights()
    weights["output_layer.bias"] += 0.5
    model.set_weights(weights)
    return model


def test_a_shadow_is_measured_and_never_served(
    candidate: Forecaster, trained: Forecaster, old_days: MetricFrame
) -> None:
    shadow = Shadow(candidate, trained)
    served = shadow.predict(old_days)
    np.testing.assert_array_equal(served.quantiles, trained.predict(old_days).quantiles)
    with pytest.raises(InvalidParameterError, match="2 or more"):
        shadow.report()
    shadow.observe(old_days.between(200, 240), start=224)
    shadow.observe(old_days.between(220, 260), start=244)
    report = shadow.report()
    assert report.n_origins == 22
    assert report.is_worse() and not report.is_better()
    assert report.candidate > report.production
    twin = Shadow(trained, candidate)
    twin.observe(old_days.between(200, 240), start=224)
    assert twin.report().is_better()


def test_equal_models_do_not_differ(trained: Forecaster, old_days: MetricFrame) -> None:
    shadow = Shadow(trained.copy(), trained)
    shadow.observe(old_days.between(200, 240), start=0)
    report = shadow.report()
    assert report.z == 0.0 and not report.is_worse() and not report.is_better()


def test_a_canary_serves_and_measures_its_servers_only(
    candidate: Forecaster, trained: Forecaster, old_days: MetricFrame
) -> None:
    canary = Canary(candidate, trained, share=0.5, salt=1)
    chosen = [canary.is_canary(server) for server in old_days.servers]
    assert 0 < sum(chosen) < 4
    served = canary.predict(old_days).quantiles
    for at, is_canary in enumerate(chosen):
        model = candidate if is_canary else trained
        np.testing.assert_array_equal(served[at], model.predict(old_days).quantiles[at])
    canary.observe(old_days.between(200, 240), start=224)
    one = trained.windows(
        old_days.of_servers([s for s, c in zip(old_days.servers, chosen, strict=True) if c])
        .between(200, 240)
    )  # fmt: skip
    expected = trained.errors(one.take(one.between(224, 240))).mean()
    assert canary.report().production == pytest.approx(expected)


def test_the_share_of_servers_is_kept_and_does_not_move(
    candidate: Forecaster, trained: Forecaster
) -> None:
    names = [f"s{at}" for at in range(2000)]
    small, large = (Canary(candidate, trained, share=share) for share in (0.1, 0.3))
    few, more = ([s for s in names if canary.is_canary(s)] for canary in (small, large))
    assert abs(len(few) - 200) < 5 * (2000 * 0.1 * 0.9) ** 0.5  # false failure below 1e-6
    assert set(few) < set(more)  # a growing canary keeps its servers
