"""A simulated fleet of servers whose expected load, changes and poisoned readings are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coursekit.core.arrays import Bools, Floats, Ints
from coursekit.core.validation import choice, integer, number
from coursekit.forecasting.fleet.frame import MetricFrame

__all__ = ["SITUATIONS", "SimulatedFleet", "simulated_fleet"]

SITUATIONS = {
    "steady": "nothing changes",
    "shift": "the workload of all servers changes abruptly: level, amplitude and daily peak",
    "half": "the same on every other server",
    "growth": "the load grows by 1.5 points a day",
    "application": "every third server gets an application that runs at night",
    "upgrade": "faster hardware: level and scale of the CPU load fall",
    "recurring": "the old and the new workload alternate every 7 days",
    "poisoning": "for one day a broken agent reports random values",
}
"""Name of each situation and what happens in it from the day of the change."""

_METRICS = ("cpu_pct", "mem_pct", "requests", "event")
_DAY = 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedFleet:
    """A frame with its truth.

    Parameters
    ----------
    frame : MetricFrame
        Metrics cpu_pct (the target), mem_pct, requests (hundreds per second), and event, which is
        known in advance: 1 during announced events.
    expected : array, shape (n,)
        Expected CPU load of each row, without noise and poisoning.
    is_new_regime : array of bool, shape (n,)
        Whether a row belongs to the changed workload.
    is_poisoned : array of bool, shape (n,)
    changes : tuple of int
        Time steps at which the workload changes.
    """

    frame: MetricFrame
    expected: Floats
    is_new_regime: Bools
    is_poisoned: Bools
    changes: tuple[int, ...]


def simulated_fleet(
    situation: str = "shift",
    *,
    n_servers: int = 8,
    n_days: int = 42,
    change_day: int = 28,
    noise: float = 2.5,
    seed: int = 0,
) -> SimulatedFleet:
    r"""Simulate hourly metrics of servers.

    Model: the workload of server s at hour t is $w = l_s + a_s \cos(2\pi (t - \phi_s)/24) - 6
    \cdot \mathrm{weekend} + 9 \cdot \mathrm{event}$, its CPU load $w$ plus autoregressive noise of
    standard deviation `noise` and coefficient 0.5. Requests follow $w$; memory follows its mean
    over the last 6 hours.

    Parameters
    ----------
    situation : str
        One of `SITUATIONS`.
    n_servers, n_days : int
    change_day : int
        First day of the change, less than `n_days`.
    noise : float, 0 or more
        In points of CPU.
    seed : int
        Up to the change, situations of one seed are equal.

    Raises
    ------
    UnknownNameError, InvalidParameterError
        For an unknown situation, or a setting out of range.

    Examples
    --------
    >>> fleet = simulated_fleet("shift", n_servers=2, n_days=3, change_day=2)
    >>> len(fleet.frame), fleet.changes, int(fleet.is_new_regime.sum())
    (144, (48,), 48)
    """
    choice("situation", situation, SITUATIONS)
    shape = integer("n_servers", n_servers), integer("n_days", n_days, at_least=2) * _DAY
    number("change_day", integer("change_day", change_day), below=n_days)
    number("noise", noise, at_least=0)
    # separate streams: a change draws no number that the days before it depend on
    profile, weather, broken = (
        np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(3)
    )
    hour, at = np.arange(shape[1]), change_day * _DAY
    level, amplitude, peak = (
        profile.uniform(low, high, (shape[0], 1)) for low, high in ((30, 50), (8, 15), (12, 17))
    )
    event = _events(profile, shape[1])
    share, changes = _change(situation, hour, at)
    affected = np.ones((shape[0], 1), dtype=bool)
    if situation in ("half", "application"):
        affected = (np.arange(shape[0]) % (2 if situation == "half" else 3) == 0)[:, None]
    new = affected & (share > 0)
    moved = situation in ("shift", "half", "recurring")
    old_load = _workload(hour, level, amplitude, peak, event)
    new_load = _workload(hour, level + 6, 1.3 * amplitude, peak + 4, event) if moved else old_load
    load = np.where(new, new_load, old_load)
    if situation == "growth":
        load = load + share * 1.5 / _DAY
    if situation == "application":
        load = load + np.where(new & (hour % _DAY < 6), 22.0, 0.0)
    fluctuation = _autoregressive(weather, shape, noise)
    if situation == "upgrade":
        load, fluctuation = np.where(new, 0.75 * load, load), np.where(new, 0.75, 1.0) * fluctuation
    cpu = np.clip(load + fluctuation, 0.0, 100.0)
    memory = 30.0 + 0.5 * _trailing_mean(load, 6) + weather.normal(0.0, 0.7, shape)
    requests = 0.3 * load + 0.1 * fluctuation + weather.normal(0.0, 0.5, shape)
    columns = np.stack([cpu, memory, requests, np.broadcast_to(event, shape)], axis=2)
    poisoned = np.zeros(shape, dtype=bool)
    if situation == "poisoning":
        poisoned[:, at : at + _DAY] = True
        columns[poisoned, :3] = broken.uniform(0.0, 100.0, (int(poisoned.sum()), 3))
    frame = MetricFrame(
        servers=tuple(f"server-{number:02d}" for number in range(shape[0])),
        metrics=_METRICS,
        known=("event",),
        server=np.repeat(np.arange(shape[0]), shape[1]),
        time=np.tile(hour, shape[0]),
        values=columns.reshape(-1, len(_METRICS)),
    )
    is_new = new if situation != "poisoning" else np.zeros(shape, dtype=bool)
    return SimulatedFleet(
        frame=frame,
        expected=load.ravel(),
        is_new_regime=np.broadcast_to(is_new, shape).ravel(),
        is_poisoned=poisoned.ravel(),
        changes=changes,
    )


def _change(situation: str, hour: Ints, at: int) -> tuple[Floats, tuple[int, ...]]:
    """Return the hours since the change (0 where the old workload applies), and change points."""
    since = np.maximum(hour - at + 1.0, 0.0)
    if situation == "steady":
        return np.zeros_like(since), ()
    if situation == "recurring":
        week = (hour - at) // (7 * _DAY)
        points = tuple(range(at, len(hour), 7 * _DAY))
        return np.where((since > 0) & (week % 2 == 0), since, 0.0), points
    return since, (at,)


def _workload(hour: Ints, level: Floats, amplitude: Floats, peak: Floats, event: Floats) -> Floats:
    daily = np.cos(2 * np.pi * (hour - peak) / _DAY)
    weekend = (hour // _DAY) % 7 >= 5
    load: Floats = level + amplitude * daily - 6.0 * weekend + 9.0 * event
    return load


def _events(rng: np.random.Generator, n_hours: int) -> Floats:
    """Return 1 during announced events: on one day of six, for four hours in the evening."""
    days = rng.random(-(-n_hours // _DAY)) < 1 / 6
    evening = (np.arange(n_hours) % _DAY >= 18) & (np.arange(n_hours) % _DAY < 22)
    return np.where(np.repeat(days, _DAY)[:n_hours] & evening, 1.0, 0.0)


def _autoregressive(rng: np.random.Generator, shape: tuple[int, int], std: float) -> Floats:
    """Return stationary noise with standard deviation `std` and coefficient 0.5."""
    noise = rng.normal(0.0, std, shape)
    for t in range(1, shape[1]):
        noise[:, t] = 0.5 * noise[:, t - 1] + np.sqrt(0.75) * noise[:, t]
    return noise


def _trailing_mean(values: Floats, width: int) -> Floats:
    """Return the mean of the last `width` values, of fewer at the start."""
    total = np.cumsum(values, axis=1)
    total[:, width:] -= total[:, :-width].copy()
    mean: Floats = total / np.minimum(np.arange(values.shape[1]) + 1, width)
    return mean
