from __future__ import annotations

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError
from coursekit.forecasting.fleet import simulated_fleet
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.safety import Screen
from coursekit.forecasting.windows import WindowSet


@pytest.mark.parametrize("situation", ["steady", "shift", "growth", "application", "upgrade"])
def test_a_changed_workload_passes(situation: str, trained: Forecaster) -> None:
    """Fewer than 2 % refused in 5 x 1,228 windows of other days, whatever has changed."""
    fleet = simulated_fleet(situation, n_servers=4, n_days=21, change_day=14)
    before = trained.windows(fleet.frame.between(0, 14 * 24)).take()
    after = trained.windows(fleet.frame.between(14 * 24, 21 * 24)).take()
    assert Screen.fit(before).accepted(after).mean() > 0.98


def test_poisoned_windows_are_refused(trained: Forecaster, old_windows: WindowSet) -> None:
    fleet = simulated_fleet("poisoning", n_servers=4, n_days=21, change_day=14)
    screen = Screen.fit(old_windows)
    windows = trained.windows(fleet.frame)
    at = 14 * 24
    inside = windows.take(windows.between(at + 5, at + 24))  # 5 or more poisoned hours
    clean = windows.take(windows.between(0, at))
    assert screen.accepted(inside).mean() < 0.01
    assert screen.accepted(clean).mean() > 0.99


def test_a_sensor_that_repeats_its_value_is_refused(old_windows: WindowSet) -> None:
    stuck = old_windows.take([0, 1, 2])
    stuck.targets[:, 10:] = stuck.targets[:, 10:11]
    assert not Screen.fit(old_windows).accepted(stuck).any()


def test_a_screen_needs_windows(old_windows: WindowSet) -> None:
    with pytest.raises(InvalidParameterError, match="at least one trusted window"):
        Screen.fit(old_windows.take([]))
    with pytest.raises(InvalidParameterError, match="margin"):
        Screen.fit(old_windows, margin=0.5)
    assert Screen.fit(old_windows).accepted(old_windows.take(np.array([], dtype=int))).shape == (0,)
