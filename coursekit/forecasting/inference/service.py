"""Serve forecasts while the model learns in a background thread (lesson 20).

`predict` reads one reference and uses that model to the end; an update works on a copy and replaces
the reference when it has been accepted. So no forecast waits for an update or sees half of one.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from coursekit.core.arrays import ArrayLike
from coursekit.core.validation import integer, require
from coursekit.forecasting.continual import UpdateResult
from coursekit.forecasting.fleet.frame import MetricFrame
from coursekit.forecasting.model import Forecast, Forecaster
from coursekit.learning.drift.detector import Detector

__all__ = ["ForecastService", "ServiceReport", "Trains"]

_logger = logging.getLogger(__name__)


class Trains(Protocol):
    """What the service needs of a trainer; see `OnlineTrainer`."""

    production: Forecaster

    def update(self, frame: MetricFrame) -> UpdateResult:
        """Learn from new rows."""

    def alarm(self) -> None:
        """Take note of a drift."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReport:
    """What `record_actual` found.

    Parameters
    ----------
    error : float
        Mean absolute error of the forecasts whose truth the rows are; NaN if there were none.
    n_matched : int
        Number of such forecast steps.
    alarm : bool
        Whether the detector raised an alarm.
    update_started : bool
    """

    error: float
    n_matched: int
    alarm: bool
    update_started: bool


class ForecastService:
    """Forecast, compare with what came, and start updates when they are due.

    An update is due when `every_minutes` of event time have passed, and it is then started in the
    first of the `quiet_hours`; after an alarm it is started at once. One update runs at a time;
    rows that arrive meanwhile wait for the next one.

    Parameters
    ----------
    trainer : Trains
        Used by the background thread only.
    every_minutes : int
        Event time between two updates.
    detector : Detector, optional
        Receives the mean error of the forecasts at each time step.
    quiet_hours : collection of int, optional
        Hours of the day (UTC) with little traffic. Default: all.
    max_pending : int
        Forecast steps kept until their truth is known; the oldest are dropped.

    Attributes
    ----------
    updates : list of UpdateResult
        Finished updates.

    Examples
    --------
    ::

        with ForecastService(trainer, every_minutes=360, detector=PageHinkley()) as service:
            forecast = service.predict(recent_rows)
            report = service.record_actual(new_rows)
    """

    def __init__(
        self,
        trainer: Trains,
        *,
        every_minutes: int,
        detector: Detector | None = None,
        quiet_hours: Collection[int] | None = None,
        max_pending: int = 100_000,
    ) -> None:
        self.every_minutes = integer("every_minutes", every_minutes)
        self.quiet_hours = frozenset(range(24) if quiet_hours is None else quiet_hours)
        valid = bool(self.quiet_hours) and self.quiet_hours <= set(range(24))
        require(valid, "quiet_hours", "hours of the day, 0 to 23", quiet_hours)
        self.max_pending = integer("max_pending", max_pending)
        self.detector = detector
        self.updates: list[UpdateResult] = []
        self._trainer = trainer
        self._model = _ready(trainer.production)
        self._pending: OrderedDict[tuple[str, int], list[float]] = OrderedDict()
        self._lock = Lock()  # of `_pending`
        self._waiting: list[MetricFrame] = []
        self._updated_at: float | None = None
        self._has_alarm = False
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forecast-update")
        self._running: Future[None] | None = None

    @property
    def model(self) -> Forecaster:
        """The model that serves at this moment."""
        return self._model

    def predict(self, frame: MetricFrame, known: ArrayLike | None = None) -> Forecast:
        """Forecast the steps after the last row of each server; safe from several threads."""
        forecast = self._model.predict(frame, known)
        pairs = zip(forecast.servers, forecast.origin.tolist(), forecast.median, strict=True)
        with self._lock:
            for server, origin, median in pairs:
                for step, value in enumerate(median.tolist()):
                    self._pending.setdefault((server, origin + step), []).append(value)
            while len(self._pending) > self.max_pending:
                self._pending.popitem(last=False)
        return forecast

    def record_actual(self, frame: MetricFrame) -> ServiceReport:
        """Compare rows with earlier forecasts of them, and start an update if one is due.

        To be called from one thread, with rows in the order of their time.

        Raises
        ------
        InvalidSampleError
            If the frame has other metrics or another time step than the model.
        """
        self._model.scaling.check(frame)
        errors, by_time = self._match(frame)
        alarm = False
        for time in sorted(by_time):
            if self.detector is not None:
                self.detector.update(float(np.mean(by_time[time])))
                alarm |= self.detector.drift_detected
        self._has_alarm |= alarm
        self._waiting.append(frame)
        return ServiceReport(
            error=float(np.mean(errors or np.nan)),
            n_matched=len(errors),
            alarm=alarm,
            update_started=self._start_if_due(float(frame.span[1] * frame.step_seconds)),
        )

    def _match(self, frame: MetricFrame) -> tuple[list[float], dict[int, list[float]]]:
        """Return the errors of all forecasts of these rows, also by time step; forgets these."""
        errors: list[float] = []
        by_time: dict[int, list[float]] = {}
        columns = (frame.server.tolist(), frame.time.tolist(), frame.values[:, 0].tolist())
        for server, time, value in zip(*columns, strict=True):
            with self._lock:
                forecasts = self._pending.pop((frame.servers[server], time), [])
            found = [abs(value - forecast) for forecast in forecasts]
            if found:
                errors += found
                by_time.setdefault(time, []).extend(found)
        return errors, by_time

    def _start_if_due(self, now: float) -> bool:
        if self._updated_at is None:
            self._updated_at = now
        waited = now - self._updated_at >= 60 * self.every_minutes
        is_quiet = int(now // 3600) % 24 in self.quiet_hours
        is_busy = self._running is not None and not self._running.done()
        if is_busy or not (self._has_alarm or (waited and is_quiet)):
            return False
        rows, self._waiting = MetricFrame.joined(self._waiting), []
        self._running = self._worker.submit(self._update, rows, self._has_alarm)
        self._updated_at, self._has_alarm = now, False
        return True

    def _update(self, rows: MetricFrame, alarm: bool) -> None:
        """Run in the background thread; the last line is the swap."""
        if alarm:
            self._trainer.alarm()
        result = self._trainer.update(rows)
        self.updates.append(result)
        _logger.info("update: accepted %s, %s", result.accepted, result.reason)
        self._model = _ready(self._trainer.production)

    def wait(self) -> None:
        """Wait until no update runs.

        Raises
        ------
        Exception
            Whatever the latest update has raised; the model before it goes on serving.
        """
        if self._running is not None:
            self._running.result()

    def close(self) -> None:
        """Wait for a running update and stop the background thread."""
        self._worker.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _ready(model: Forecaster) -> Forecaster:
    """Set evaluation mode before threads share a model: a forecast then changes nothing in it."""
    model.net.eval()
    return model
