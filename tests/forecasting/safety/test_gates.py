from __future__ import annotations

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.safety import AnchorGate, GateDecision, HoldOut, RecentGate, decide
from coursekit.forecasting.windows import WindowSet


class Fixed:
    """Stands for a model whose error is known: its forecasts are off by a constant."""

    def __init__(self, error: float) -> None:
        self.error = error

    def step_errors(self, windows: WindowSet) -> np.ndarray:
        return np.full((len(windows), 6), self.error)


def models(*errors: float) -> list[Forecaster]:
    return [Fixed(error) for error in errors]  # type: ignore[misc]


@pytest.fixture
def recent(new_windows: WindowSet) -> HoldOut:
    return HoldOut(windows=new_windows.take(slice(0, 20)))


def test_a_hold_out_counts_only_steps_that_were_never_learnt(new_windows: WindowSet) -> None:
    class Timed(Fixed):
        def step_errors(self, windows: WindowSet) -> np.ndarray:
            return (windows.origin[:, None] + np.arange(6)).astype(float)

    first = int(new_windows.origin[0])
    windows = new_windows.take([0, 1])  # steps first .. first + 6
    timed: Forecaster = Timed(0.0)  # type: ignore[assignment]
    assert HoldOut(windows=windows, start=first + 5).error(timed) == first + 16 / 3
    assert np.isnan(HoldOut(windows=windows.take([])).error(timed))


@pytest.mark.parametrize(("error", "passes"), [(0.5, True), (1.04, True), (1.06, False)])
def test_the_recent_gate_compares_with_production(
    recent: HoldOut, error: float, passes: bool
) -> None:
    candidate, production = models(error, 1.0)
    decision = RecentGate(tolerance=0.05).check(candidate, production, recent)
    assert decision.accepted == passes
    assert (decision.candidate, decision.production) == pytest.approx((error, 1.0))
    assert "limit 1.05" in decision.reason


def test_nothing_to_compare_on_is_no_pass(new_windows: WindowSet) -> None:
    empty = HoldOut(windows=new_windows.take([]))
    decision = RecentGate().check(*models(0.1, 1.0), empty)
    assert not decision.accepted and decision.reason == "no recent rows"


def test_a_forecast_that_is_not_finite_never_passes(recent: HoldOut) -> None:
    assert not RecentGate().check(*models(float("nan"), 1.0), recent).accepted
    assert not RecentGate().check(*models(float("inf"), 1.0), recent).accepted


def test_the_anchor_gate_compares_with_the_base_model_for_ever(recent: HoldOut) -> None:
    gate = AnchorGate(anchor=recent, base_error=1.0, slack=0.5)
    assert gate.check(*models(1.4, 9.0), recent).accepted
    assert not gate.check(*models(1.6, 1.55), recent).accepted  # however bad production is


def test_the_first_refusal_decides(recent: HoldOut) -> None:
    anchor = AnchorGate(anchor=recent, base_error=1.0, slack=0.0)
    both = [RecentGate(), anchor]
    assert decide(both, *models(1.02, 1.0), recent).reason.startswith("anchor")
    assert decide(both, *models(2.0, 1.0), recent).reason.startswith("recent")
    passed = decide(both, *models(0.9, 1.0), recent)
    assert passed.accepted and passed.reason.startswith("recent")
    assert decide([], *models(9.0, 1.0), recent) == GateDecision(accepted=True, reason="no gate")


def test_bad_settings_are_named(recent: HoldOut) -> None:
    with pytest.raises(InvalidParameterError, match="tolerance"):
        RecentGate(tolerance=-0.1)
    with pytest.raises(InvalidParameterError, match="slack"):
        AnchorGate(anchor=recent, base_error=1.0, slack=float("inf"))
