from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from coursekit.core.errors import InvalidParameterError
from coursekit.evaluation.metrics import RunningMean, mae, rmse

RNG = np.random.default_rng(1)
TARGETS, PREDICTIONS, WEIGHTS = (
    RNG.normal(3, 1, 500),
    RNG.normal(3, 1, 500),
    RNG.integers(0, 4, 500).astype(float),
)
CASES = [(rmse, oracle.root_mean_squared_error), (mae, oracle.mean_absolute_error)]


@pytest.mark.parametrize(("function", "truth"), CASES)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_a_metric_agrees_with_scikit_learn(function, truth, weights):
    wanted = truth(TARGETS, PREDICTIONS, sample_weight=weights)
    assert function(TARGETS, PREDICTIONS, weights) == pytest.approx(wanted, rel=1e-12)


def test_nothing_is_known_before_the_first_update():
    assert math.isnan(RunningMean().get())


@pytest.mark.parametrize("function", [rmse, mae])
def test_no_predictions_have_no_error(function):
    assert math.isnan(function([], []))


@pytest.mark.parametrize("function", [rmse, mae])
def test_an_event_of_weight_two_is_two_events(function):
    weighted = function([4.0, 4.0, 4.0], [1.0, 5.0, 9.0], [2, 1, 0])
    assert weighted == pytest.approx(function([4.0, 4.0, 4.0], [1.0, 1.0, 5.0]), rel=1e-15)


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


@pytest.mark.parametrize("predictions", [[1.0], [[1.0, 2.0]], 1.0])
def test_columns_of_different_shape_are_refused(predictions):
    with pytest.raises(InvalidParameterError, match="`predictions`"):
        rmse([1.0, 2.0], predictions)


def test_weights_of_another_length_are_refused():
    with pytest.raises(InvalidParameterError, match="`weights`"):
        mae([1.0, 2.0], [1.0, 2.0], weights=[1.0])
