"""Run a strategy over a stream: first forecast, then learn, and measure both (lesson 18)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from coursekit.core.arrays import Bools, Floats, Ints
from coursekit.core.validation import integer
from coursekit.forecasting.continual import UpdateResult
from coursekit.forecasting.fleet.frame import MetricFrame
from coursekit.forecasting.model import Forecaster
from coursekit.learning.drift.detector import Detector

__all__ = ["KeepsUpToDate", "PrequentialRun", "Static", "run_prequential"]


class KeepsUpToDate(Protocol):
    """A strategy: the model in production, and what is done with new rows."""

    production: Forecaster

    def update(self, frame: MetricFrame) -> UpdateResult:
        """Learn from new rows, or not."""


class Static:
    """Never update: the baseline that costs nothing.

    Parameters
    ----------
    model : Forecaster
    """

    def __init__(self, model: Forecaster) -> None:
        self.production = model

    def update(self, frame: MetricFrame) -> UpdateResult:
        """Do nothing."""
        at = float(frame.span[1] * frame.step_seconds)
        return UpdateResult(accepted=False, reason="static", at=at)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PrequentialRun:
    """What a strategy reached and what it cost.

    Parameters
    ----------
    origin : array of int, shape (n,)
        First time steps of the forecasts, increasing.
    error : array, shape (n,)
        Mean absolute error of the forecasts that begin there, over servers and horizon.
    coverage : array, shape (n,)
        Share of their targets between the lowest and the highest quantile.
    updates : list of UpdateResult
    alarms : list of int
        Time steps at which the detector raised an alarm.
    cpu_seconds : float
        CPU time of the updates, without that of the forecasts.
    """

    origin: Ints
    error: Floats
    coverage: Floats
    updates: list[UpdateResult] = field(default_factory=list)
    alarms: list[int] = field(default_factory=list)
    cpu_seconds: float = 0.0

    def mean_error(self, start: float = -np.inf, stop: float = np.inf) -> float:
        """Return the mean error of forecasts from start, ..., stop - 1; NaN without any."""
        chosen = self._between(start, stop)
        return float(self.error[chosen].mean()) if chosen.any() else float("nan")

    def mean_coverage(self, start: float = -np.inf, stop: float = np.inf) -> float:
        """Return the mean coverage of forecasts from start, ..., stop - 1; NaN without any."""
        chosen = self._between(start, stop)
        return float(self.coverage[chosen].mean()) if chosen.any() else float("nan")

    def _between(self, start: float, stop: float) -> Bools:
        return (self.origin >= start) & (self.origin < stop)

    def steps_to_adapt(self, change: int, limit: float, window: int = 24) -> int | None:
        """Return the time steps after a change until the error has come down to `limit`.

        Parameters
        ----------
        change : int
            Time step of the change.
        limit : float
            The mean error over `window` origins must be at most this, and so must that of the next
            `window` origins.
        window : int

        Returns
        -------
        int or None
            Up to the first origin of the first such window; None if there is none.
        """
        after = self.error[self.origin >= change]
        if len(after) < 2 * window:
            return None
        total = np.cumsum(np.concatenate([[0.0], after]))
        means = (total[window:] - total[:-window]) / window
        found = np.flatnonzero((means[:-window] <= limit) & (means[window:] <= limit))
        return int(found[0]) if found.size else None


def run_prequential(
    strategy: KeepsUpToDate,
    history: MetricFrame,
    stream: MetricFrame,
    *,
    every: int = 6,
    detector: Detector | None = None,
    on_alarm: Callable[[], object] | None = None,
    progress: Callable[[float], object] | None = None,
) -> PrequentialRun:
    """Forecast each time step of a stream by the model of that time, then let it learn.

    A forecast is made by the model in production at its origin from the rows before it; its error
    is known, and given to the detector, once its whole horizon has passed.

    Parameters
    ----------
    strategy : KeepsUpToDate
    history : MetricFrame
        Rows before the stream, at least `encoder_length` steps.
    stream : MetricFrame
    every : int
        Time steps between two updates.
    detector : Detector, optional
        Receives the mean error of each origin. It is not copied.
    on_alarm : callable, optional
        Called after an alarm, before the next update.
    progress : callable, optional
        Called with the share of the stream that is done.

    Examples
    --------
    `run_prequential(Static(model), base, stream).mean_error()`
    """
    integer("every", every)
    start, stop = stream.span
    rows = MetricFrame.joined([history, stream])
    errors: dict[int, tuple[float, float]] = {}
    waiting: list[tuple[int, float]] = []  # (first time step at which it is known, error)
    updates: list[UpdateResult] = []
    alarms: list[int] = []
    cpu = 0.0
    for at in range(start, stop, every):
        end = min(at + every, stop)
        for origin, error, coverage in _forecast(strategy.production, rows, at, end):
            errors[origin] = error, coverage
            waiting.append((origin + strategy.production.config.horizon, error))
        known = [error for time_known, error in waiting if time_known <= end]
        waiting = [each for each in waiting if each[0] > end]
        if detector is not None and _alarm(detector, known):
            alarms.append(end)
            if on_alarm is not None:
                on_alarm()
        began = time.process_time()
        updates.append(strategy.update(stream.between(at, end)))
        cpu += time.process_time() - began
        if progress is not None:
            progress((end - start) / (stop - start))
    table = np.array([errors[origin] for origin in sorted(errors)]).reshape(-1, 2)
    return PrequentialRun(
        origin=np.array(sorted(errors), dtype=np.int64),
        error=table[:, 0],
        coverage=table[:, 1],
        updates=updates,
        alarms=alarms,
        cpu_seconds=cpu,
    )


def _forecast(
    model: Forecaster, rows: MetricFrame, start: int, stop: int
) -> list[tuple[int, float, float]]:
    """Return (origin, error, coverage) of the forecasts that begin at start, ..., stop - 1."""
    config = model.config
    near = rows.between(start - config.encoder_length, stop - 1 + config.horizon)
    windows = model.windows(near).take()
    if len(windows) == 0:
        return []
    quantiles = model.quantiles(windows)
    target = windows.targets[:, config.encoder_length :]
    median = quantiles[:, :, config.quantiles.index(0.5)]
    error = np.abs(median - target).mean(axis=1)
    inside = ((quantiles[:, :, 0] <= target) & (target <= quantiles[:, :, -1])).mean(axis=1)
    return [
        (int(origin), float(error[at].mean()), float(inside[at].mean()))
        for origin in np.unique(windows.origin)
        for at in [windows.origin == origin]
    ]


def _alarm(detector: Detector, errors: list[float]) -> bool:
    """Update a detector with all errors and return whether any raised an alarm."""
    raised = False
    for error in errors:
        detector.update(error)
        raised |= detector.drift_detected
    return raised
