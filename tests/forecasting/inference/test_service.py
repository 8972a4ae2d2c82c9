from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, InvalidSampleError
from coursekit.forecasting.config import OnlineConfig
from coursekit.forecasting.continual import UpdateResult
from coursekit.forecasting.fleet import MetricFrame
from coursekit.forecasting.inference import ForecastService
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.trainer import OnlineTrainer

START = 14 * 24


class Swapper:
    """A trainer that puts another model into production at each update."""

    def __init__(self, *models: Forecaster) -> None:
        self.models = list(models)
        self.production = models[0]
        self.rows: list[MetricFrame] = []
        self.alarms: list[int] = []
        self.may_finish = threading.Event()
        self.may_finish.set()

    def update(self, frame: MetricFrame) -> UpdateResult:
        self.rows.append(frame)
        assert self.may_finish.wait(30)
        self.production = self.models[len(self.rows) % len(self.models)]
        return UpdateResult(accepted=True, reason="swapped", at=0.0)

    def alarm(self) -> None:
        self.alarms.append(len(self.rows))


class Alarm:
    """A detector that alarms at errors above 5."""

    drift_detected = False

    def update(self, value: float) -> None:
        self.drift_detected = value > 5


@pytest.fixture
def other(model: Forecaster) -> Forecaster:
    model.set_weights({name: weight * 1.1 for name, weight in model.weights().items()})
    return model


def hours(frame: MetricFrame, first: int, last: int) -> MetricFrame:
    return frame.between(START + first, START + last)


def test_forecasts_never_wait_for_an_update(
    trained: Forecaster, other: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    trainer = Swapper(trained, other)
    trainer.may_finish.clear()  # the update hangs
    with ForecastService(trainer, every_minutes=60) as service:
        service.record_actual(hours(new_days, 0, 1))
        assert service.record_actual(hours(new_days, 1, 2)).update_started
        before = service.predict(old_days)
        np.testing.assert_array_equal(before.quantiles, trained.predict(old_days).quantiles)
        assert service.model is trained
        trainer.may_finish.set()
        service.wait()
        assert service.model is other
        assert len(service.updates) == 1


def test_no_forecast_sees_half_of_an_update(
    trained: Forecaster, other: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    """Four threads forecast during some 60 swaps: each result is that of one model, exactly."""
    recent = old_days.tail(24)
    expected = [model.predict(recent).quantiles for model in (trained, other)]
    assert not np.allclose(*expected)
    done = threading.Event()

    def serve() -> list[int]:
        found = []
        while not done.is_set() or not found:
            quantiles = service.predict(recent).quantiles
            found.append([np.array_equal(quantiles, each) for each in expected].index(True))
        return found

    trainer = Swapper(trained, other)
    with ForecastService(trainer, every_minutes=60) as service, ThreadPoolExecutor(4) as pool:
        served = [pool.submit(serve) for _ in range(4)]
        for at in range(60):
            service.record_actual(hours(new_days, at, at + 1))
            service.wait()
        done.set()
        which = [at for each in served for at in each.result()]
    assert set(which) == {0, 1}
    assert len(service.updates) >= 50


def test_errors_are_those_of_the_forecasts_made(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    with ForecastService(Swapper(trained), every_minutes=10**6) as service:
        forecast = service.predict(old_days)
        assert service.record_actual(hours(old_days, -9, -3)).n_matched == 0
        rows = hours(new_days, 0, 4)
        report = service.record_actual(rows)
        truth = rows.values[:, 0].reshape(4, 4)
        assert report.n_matched == 16
        assert report.error == pytest.approx(np.abs(forecast.median[:, :4] - truth).mean())
        assert np.isnan(service.record_actual(rows).error)  # counted once
        assert service.record_actual(hours(new_days, 4, 6)).n_matched == 8


def test_pending_forecasts_are_bounded(trained: Forecaster, old_days: MetricFrame) -> None:
    with ForecastService(Swapper(trained), every_minutes=60, max_pending=10) as service:
        for stop in range(300, 320):
            service.predict(old_days.between(stop - 24, stop))
        assert len(service._pending) == 10


def test_updates_are_due_by_event_time_in_quiet_hours(
    trained: Forecaster, new_days: MetricFrame
) -> None:
    trainer = Swapper(trained)
    started = []
    with ForecastService(trainer, every_minutes=300, quiet_hours={2, 3}) as service:
        for at in range(60):
            if service.record_actual(hours(new_days, at, at + 1)).update_started:
                started.append(at + 1)
            service.wait()
    assert started == [26, 50]  # 2 o'clock, since the first 2 o'clock came too soon
    assert [rows.span for rows in trainer.rows] == [(START, START + 26), (START + 26, START + 50)]


def test_an_alarm_starts_an_update_at_once(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    trainer = Swapper(trained)
    with ForecastService(
        trainer, every_minutes=10**6, detector=Alarm(), quiet_hours={3}
    ) as service:
        service.predict(old_days)
        reports = [service.record_actual(hours(new_days, at, at + 1)) for at in range(6)]
        service.wait()
    assert any(report.alarm for report in reports)
    assert all(report.update_started for report in reports if report.alarm) or len(trainer.rows)
    assert trainer.alarms[0] == 0


def test_rows_that_come_during_an_update_wait_for_the_next(
    trained: Forecaster, new_days: MetricFrame
) -> None:
    trainer = Swapper(trained)
    trainer.may_finish.clear()
    with ForecastService(trainer, every_minutes=60) as service:
        started = [
            service.record_actual(hours(new_days, at, at + 1)).update_started for at in range(4)
        ]
        assert started == [False, True, False, False]
        trainer.may_finish.set()
        service.wait()
        assert service.record_actual(hours(new_days, 4, 5)).update_started
        service.wait()
    assert [rows.span for rows in trainer.rows] == [(START, START + 2), (START + 2, START + 5)]


def test_an_update_that_fails_leaves_the_model_in_service(
    trained: Forecaster, new_days: MetricFrame, old_days: MetricFrame
) -> None:
    class Broken(Swapper):
        def update(self, frame: MetricFrame) -> UpdateResult:
            raise RuntimeError("disk full")

    with ForecastService(Broken(trained), every_minutes=60) as service:
        for at in range(2):
            service.record_actual(hours(new_days, at, at + 1))
        with pytest.raises(RuntimeError, match="disk full"):
            service.wait()
        assert np.isfinite(service.predict(old_days).quantiles).all()


def test_the_real_trainer_learns_in_the_background(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    config = OnlineConfig(
        strategy="sliding_window", update_frequency_minutes=360, min_samples_for_update=100,
        sliding_window_hours=48, online_epochs=2, online_batch_size=32,
    )  # fmt: skip
    trainer = OnlineTrainer(trained, config, old_days, gates=[])
    with ForecastService(trainer, every_minutes=720) as service:
        for at in range(0, 24, 6):
            service.predict(old_days)
            service.record_actual(hours(new_days, at, at + 6))
            service.wait()
        assert [result.accepted for result in service.updates] == [True]
        assert service.model is trainer.production and service.model is not trained


def test_bad_input_is_named(trained: Forecaster, new_days: MetricFrame) -> None:
    with pytest.raises(InvalidParameterError, match="quiet_hours"):
        ForecastService(Swapper(trained), every_minutes=60, quiet_hours=[25])
    with ForecastService(Swapper(trained), every_minutes=60) as service:
        other = MetricFrame.from_state(new_days.to_state() | {"step_seconds": 60})
        with pytest.raises(InvalidSampleError, match="like the model"):
            service.record_actual(other)
