from __future__ import annotations

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError
from coursekit.forecasting.continual import PeriodicRetraining, UpdateResult
from coursekit.forecasting.fleet import MetricFrame
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.prequential import PrequentialRun, Static, run_prequential

START = 14 * 24


class Recorder(Static):
    """Notes the rows that it is given, and changes its model after the second update."""

    def __init__(self, model: Forecaster, other: Forecaster) -> None:
        super().__init__(model)
        self.other, self.spans = other, list[tuple[int, int]]()

    def update(self, frame: MetricFrame) -> UpdateResult:
        self.spans.append(frame.span)
        if len(self.spans) == 2:
            self.production = self.other
        return super().update(frame)


class AlarmAt:
    """A detector that alarms at its n-th value."""

    def __init__(self, n: int) -> None:
        self.n, self.values = n, list[float]()

    @property
    def drift_detected(self) -> bool:
        return len(self.values) == self.n

    def update(self, value: float) -> None:
        self.values.append(value)


def test_each_time_step_is_forecast_by_the_model_of_that_time(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    other = Forecaster(trained.config, trained.scaling)
    strategy = Recorder(trained, other)
    stream = new_days.between(START, START + 40)
    run = run_prequential(strategy, old_days, stream, every=12)
    assert strategy.spans == [(START + a, START + min(a + 12, 40)) for a in (0, 12, 24, 36)]
    assert run.origin.tolist() == list(range(START, START + 35))  # the whole horizon is known
    windows = trained.windows(MetricFrame.joined([old_days, stream]))
    for origin, error in zip(run.origin.tolist(), run.error.tolist(), strict=True):
        model = trained if origin < START + 24 else other
        assert error == pytest.approx(
            model.errors(windows.take(windows.origin == origin)).mean(), rel=1e-5
        )
    assert len(run.updates) == 4


def test_an_alarm_comes_only_when_the_error_is_known(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    called: list[int] = []
    detector = AlarmAt(3)
    run = run_prequential(
        Static(trained), old_days, new_days.between(START, START + 24),
        every=6, detector=detector, on_alarm=lambda: called.append(1),
    )  # fmt: skip
    # the forecast of origin 2 is known after time step 7: at the second update
    assert run.alarms == [START + 12]
    assert called == [1]
    assert detector.values == run.error[: len(detector.values)].tolist()
    assert len(detector.values) == 19


def test_coverage_is_that_of_the_outer_quantiles(
    trained: Forecaster, old_days: MetricFrame
) -> None:
    run = run_prequential(Static(trained), old_days.between(0, 200), old_days.between(200, 300))
    assert 0.6 < run.mean_coverage() < 0.95  # nominal 0.8, on data that it was trained on
    assert np.isnan(run.mean_error(10**6))


def test_the_progress_reaches_one(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    shares: list[float] = []
    run_prequential(
        Static(trained), old_days, new_days.between(START, START + 20), progress=shares.append
    )
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_adaptation_is_counted_to_the_first_lasting_return() -> None:
    error = np.concatenate([np.full(10, 9.0), np.full(3, 1.0), np.full(10, 9.0), np.full(20, 2.0)])
    run = PrequentialRun(
        origin=np.arange(100, 143), error=error, coverage=np.zeros(43), updates=[], alarms=[]
    )
    assert run.steps_to_adapt(100, limit=2.0, window=5) == 23
    assert run.steps_to_adapt(100, limit=1.0, window=3) is None  # it did not last
    assert run.steps_to_adapt(140, limit=9.0) is None  # too short to say


def test_periodic_retraining_waits_for_its_time(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    strategy = PeriodicRetraining(
        trained, old_days, every_hours=24, window_days=2, n_epochs=1, seed=3
    )
    first = strategy.update(new_days.between(START, START + 12))
    assert not first.accepted and strategy.production is trained
    second = strategy.update(new_days.between(START + 12, START + 24))
    assert second.accepted and strategy.production is not trained
    assert strategy.buffer.get_window().span == (START - 24, START + 24)
    assert not strategy.update(new_days.between(START + 24, START + 30)).accepted
    assert not np.array_equal(strategy.production.scaling.center, trained.scaling.center)


def test_bad_settings_are_named(trained: Forecaster, old_days: MetricFrame) -> None:
    with pytest.raises(InvalidParameterError, match="every"):
        run_prequential(Static(trained), old_days, old_days, every=0)
    with pytest.raises(InvalidParameterError, match="every_hours"):
        PeriodicRetraining(trained, old_days, every_hours=0)
