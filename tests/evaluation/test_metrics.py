from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from coursekit.core.errors import InvalidParameterError
from coursekit.evaluation.metrics import MAE, RMSE, LogLoss, RunningMean, log_loss, mae, rmse

RNG = np.random.default_rng(1)
TARGETS, PREDICTIONS, WEIGHTS = (
    RNG.normal(3, 1, 500),
    RNG.normal(3, 1, 500),
    RNG.integers(0, 4, 500).astype(float),
)
CLICKS, CHANCES = RNG.integers(0, 2, 500).astype(float), RNG.random(500)

CASES = [
    (RMSE, rmse, oracle.root_mean_squared_error, TARGETS, PREDICTIONS),
    (MAE, mae, oracle.mean_absolute_error, TARGETS, PREDICTIONS),
    (LogLoss, log_loss, oracle.log_loss, CLICKS, CHANCES),
]


@pytest.mark.parametrize(("metric", "function", "truth", "targets", "predictions"), CASES)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_a_metric_agrees_with_scikit_learn(metric, function, truth, targets, predictions, weights):
    wanted = truth(targets, predictions, sample_weight=weights)
    assert function(targets, predictions, weights) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(("metric", "function", "truth", "targets", "predictions"), CASES)
def test_one_by_one_equals_all_at_once_however_the_stream_is_cut(
    metric, function, truth, targets, predictions
):
    single, cut = metric(), metric()
    for event in zip(targets, predictions, WEIGHTS, strict=True):
        single.update(*event)
    for part in np.split(np.arange(500), [1, 8, 300]):
        cut.update_many(targets[part], predictions[part], WEIGHTS[part])
    assert single.get() == pytest.approx(function(targets, predictions, WEIGHTS), rel=1e-12)
    assert cut.get() == pytest.approx(single.get(), rel=1e-12)


@pytest.mark.parametrize("metric", [RunningMean, RMSE, MAE, LogLoss])
def test_nothing_is_known_before_the_first_update(metric):
    assert math.isnan(metric().get())


@pytest.mark.parametrize("function", [rmse, mae, log_loss])
def test_no_predictions_have_no_error(function):
    assert math.isnan(function([], []))


def test_an_event_of_weight_two_is_two_events():
    twice, weighted = RMSE(), RMSE()
    for prediction, weight in ((1.0, 2), (5.0, 1), (9.0, 0)):
        weighted.update(4.0, prediction, weight)
        for _ in range(weight):
            twice.update(4.0, prediction)
    assert weighted.get() == pytest.approx(twice.get(), rel=1e-15)


def test_a_running_mean_stays_finite_where_a_sum_would_not():
    mean = RunningMean()
    for _ in range(10):
        mean.update(1e308)
    assert mean.get() == pytest.approx(1e308)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.integers(0, 100))
def test_a_running_mean_is_the_mean_wherever_it_is_cut(values, at):
    mean = RunningMean()
    mean.update_many(values[:at])
    for value in values[at:]:
        mean.update(value)
    assert mean.get() == pytest.approx(np.mean(values), rel=1e-9, abs=1e-6)


def test_one_certain_mistake_does_not_make_the_log_loss_infinite():
    assert log_loss([1.0, 0.0], [0.0, 1.0]) == pytest.approx(-math.log(1e-15), rel=1e-2)


@pytest.mark.parametrize("predictions", [[1.0], [[1.0, 2.0]], 1.0])
def test_columns_of_different_shape_are_refused(predictions):
    with pytest.raises(InvalidParameterError, match="`predictions`"):
        rmse([1.0, 2.0], predictions)


def test_weights_of_another_length_are_refused():
    with pytest.raises(InvalidParameterError, match="`weights`"):
        mae([1.0, 2.0], [1.0, 2.0], weights=[1.0])
