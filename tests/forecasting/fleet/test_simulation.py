from __future__ import annotations

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, UnknownNameError
from coursekit.forecasting.fleet import SITUATIONS, SimulatedFleet, simulated_fleet

DAYS = {"n_servers": 6, "n_days": 28, "change_day": 14}
AT = 14 * 24


def error(fleet: SimulatedFleet) -> np.ndarray:
    return np.abs(fleet.frame.values[:, 0] - fleet.expected)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_before_the_change_all_situations_are_equal(situation: str) -> None:
    steady = simulated_fleet("steady", seed=3, **DAYS)
    changed = simulated_fleet(situation, seed=3, **DAYS)
    assert np.array_equal(steady.frame.between(0, AT).values, changed.frame.between(0, AT).values)
    if situation != "steady":
        after = changed.frame.between(AT, 10**6).values, steady.frame.between(AT, 10**6).values
        assert not np.array_equal(*after)
        assert changed.changes[0] == AT


@pytest.mark.parametrize("situation", sorted(set(SITUATIONS) - {"poisoning"}))
def test_the_noise_about_the_expected_load_has_the_stated_size(situation: str) -> None:
    fleet = simulated_fleet(situation, noise=2.0, **DAYS)
    old = ~fleet.is_new_regime
    # mean |N(0, 2)| = 1.596; about 1300 effective values: 5 standard errors are 0.17
    assert error(fleet)[old].mean() == pytest.approx(1.596, abs=0.17)


def test_poison_is_marked_and_lasts_one_day() -> None:
    fleet = simulated_fleet("poisoning", **DAYS)
    assert np.unique(fleet.frame.time[fleet.is_poisoned]).tolist() == list(range(AT, AT + 24))
    assert error(fleet)[fleet.is_poisoned].mean() > 5 * error(fleet)[~fleet.is_poisoned].mean()


def test_only_some_servers_change_where_it_says_so() -> None:
    for situation, every in (("half", 2), ("application", 3), ("shift", 1)):
        fleet = simulated_fleet(situation, **DAYS)
        changed = np.unique(fleet.frame.server[fleet.is_new_regime])
        assert changed.tolist() == list(range(0, 6, every))


def test_regimes_recur_weekly() -> None:
    fleet = simulated_fleet("recurring", n_servers=1, n_days=42, change_day=14)
    daily = fleet.is_new_regime.reshape(42, 24).all(axis=1)
    assert daily.tolist() == [False] * 14 + ([True] * 7 + [False] * 7) * 2
    assert fleet.changes == tuple(day * 24 for day in (14, 21, 28, 35))


def test_bad_settings_are_named() -> None:
    with pytest.raises(UnknownNameError, match="'shift'"):
        simulated_fleet("drift")
    with pytest.raises(InvalidParameterError, match="change_day"):
        simulated_fleet("shift", n_days=5, change_day=5)
