from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, InvalidSampleError
from coursekit.core.events import Chunk
from coursekit.datasets.streams import rating_stream
from coursekit.evaluation.progressive import (
    ages,
    error_by_age,
    learning_curve,
    progressive_validation,
)


class RunningMeanLearner:
    """Predicts the mean of all targets so far; honest by construction."""

    def __init__(self, start=3.0):
        self.total, self.count, self.start = 0.0, 0, start

    def predict_then_learn_many(self, chunk):
        predictions = []
        for target in chunk.targets:
            predictions.append(self.total / self.count if self.count else self.start)
            self.total += target
            self.count += 1
        return np.array(predictions)


STREAM = rating_stream(1000, seed=1)


def test_every_prediction_is_made_from_earlier_events_only():
    result = progressive_validation(RunningMeanLearner(), STREAM)
    past = np.r_[3.0, np.cumsum(STREAM.targets)[:-1] / np.arange(1, 1000)]
    np.testing.assert_allclose(result.predictions, past, rtol=1e-12)
    assert result.rmse == pytest.approx(np.sqrt(np.mean((STREAM.targets - past) ** 2)), rel=1e-12)
    assert result.mae == pytest.approx(np.mean(np.abs(STREAM.targets - past)), rel=1e-12)
    assert result.n_samples == 1000


@pytest.mark.parametrize("chunk_size", [1, 7, 256, 1000, 10_000])
def test_the_chunk_size_changes_nothing(chunk_size):
    one = progressive_validation(RunningMeanLearner(), STREAM, chunk_size=chunk_size)
    np.testing.assert_array_equal(
        one.predictions, progressive_validation(RunningMeanLearner(), STREAM).predictions
    )


def test_the_learner_has_learnt_the_stream_afterwards():
    learner = RunningMeanLearner()
    progressive_validation(learner, STREAM, chunk_size=300)
    assert learner.count == 1000


def test_predictions_are_judged_within_the_range_of_ratings():
    result = progressive_validation(RunningMeanLearner(start=99.0), STREAM, clip=(1.0, 5.0))
    assert result.predictions[0] == 5.0
    free = progressive_validation(RunningMeanLearner(start=99.0), STREAM)
    assert free.predictions[0] == 99.0 and result.rmse < free.rmse
    np.testing.assert_array_equal(result.predictions[1:], free.predictions[1:])


def test_an_event_without_weight_does_not_count():
    weights = np.where(np.arange(1000) < 500, 0.0, 2.0)
    weighted = Chunk(
        user_ids=STREAM.user_ids, item_ids=STREAM.item_ids, targets=STREAM.targets, weights=weights
    )
    result = progressive_validation(RunningMeanLearner(), weighted, n_points=2)
    later = STREAM.targets[500:] - result.predictions[500:]
    assert result.rmse == pytest.approx(np.sqrt(np.mean(later**2)), rel=1e-12)
    assert math.isnan(result.curve.rmse[0]) and result.curve.rmse[1] == pytest.approx(result.rmse)


def test_only_the_learner_is_on_the_clock():
    ticks = iter(range(100))
    result = progressive_validation(
        RunningMeanLearner(), STREAM, chunk_size=250, cpu_clock=lambda: float(next(ticks))
    )
    assert result.cpu_seconds == 4.0  # one tick within each of four chunks, none between them
    assert result.samples_per_second == 250.0


def test_progress_is_told_after_every_chunk():
    told = []
    progressive_validation(RunningMeanLearner(), STREAM, chunk_size=400, on_progress=told.append)
    assert told == [400, 800, 1000]


def test_the_curve_ends_at_the_error_of_the_whole_stream():
    result = progressive_validation(RunningMeanLearner(), STREAM, n_points=7)
    assert len(result.curve.rmse) == 7
    assert result.curve.n_seen[-1] == 1000
    assert result.curve.cumulative_rmse[-1] == pytest.approx(result.rmse, rel=1e-12)


def test_each_point_of_the_curve_is_the_error_of_its_block():
    predictions = np.zeros(1000)
    curve = learning_curve(STREAM, predictions, n_points=3)
    edges = [0, *curve.n_seen]
    for at, (start, stop) in enumerate(pairwise(edges)):
        assert curve.rmse[at] == pytest.approx(
            np.sqrt(np.mean(STREAM.targets[start:stop] ** 2)), rel=1e-12
        )
        assert curve.cumulative_rmse[at] == pytest.approx(
            np.sqrt(np.mean(STREAM.targets[:stop] ** 2)), rel=1e-12
        )


def test_a_short_stream_gives_a_short_curve():
    assert progressive_validation(
        RunningMeanLearner(), STREAM.slice(0, 3)
    ).curve.n_seen.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("settings", "name"),
    [({"chunk_size": 0}, "chunk_size"), ({"clip": (5, 1)}, "clip"), ({"n_points": 0}, "n_points")],
)
def test_a_setting_out_of_range_is_named(settings, name):
    with pytest.raises(InvalidParameterError, match=f"`{name}`"):
        progressive_validation(RunningMeanLearner(), STREAM, **settings)


def test_an_empty_stream_is_refused():
    with pytest.raises(InvalidParameterError, match="at least one event"):
        progressive_validation(RunningMeanLearner(), STREAM.slice(0, 0))


def test_a_learner_that_loses_predictions_is_found_out():
    class Forgetful:
        def predict_then_learn_many(self, chunk):
            return np.zeros(len(chunk) - 1)

    with pytest.raises(InvalidSampleError, match=r"predict_then_learn_many.*256"):
        progressive_validation(Forgetful(), STREAM)


def test_the_age_of_a_user_is_the_number_of_earlier_ratings():
    ids = np.random.default_rng(1).integers(0, 9, 300).tolist()
    assert ages(ids).tolist() == [ids[:at].count(ids[at]) for at in range(300)]


def test_slices_by_age_hold_every_event_once_and_add_up_to_the_whole_error():
    result = progressive_validation(RunningMeanLearner(), STREAM)
    for of in ("user", "item"):
        slices = error_by_age(STREAM, result.predictions, of=of)
        assert [each.label for each in slices] == ["0", "1-4", "5-19", "20+"]
        assert sum(each.n_samples for each in slices) == 1000
        squared = sum(each.n_samples * each.rmse**2 for each in slices)
        assert squared / 1000 == pytest.approx(result.rmse**2, rel=1e-12)
    assert error_by_age(STREAM, result.predictions)[0].n_samples == len(set(STREAM.user_ids))


def test_a_slice_nobody_fell_into_has_no_error():
    assert math.isnan(error_by_age(STREAM, STREAM.expected, starts=(0, 5000))[1].rmse)


def test_slices_must_rise():
    with pytest.raises(InvalidParameterError, match="`starts`"):
        error_by_age(STREAM, STREAM.expected, starts=(0, 5, 5))
