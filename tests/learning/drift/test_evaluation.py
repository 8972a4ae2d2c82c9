"""The evaluation of detectors: what is counted, what is drawn."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, UnknownNameError
from coursekit.datasets.streams import AbruptDrift, RecurringDrift, error_stream
from coursekit.learning import drift
from coursekit.learning.drift.evaluation import alarms_of, evaluate_detectors


@dataclass
class Scripted:
    """A detector that raises the alarm at values of 1; River's protocol and no more."""

    drift_detected: bool = False

    def update(self, x):
        self.drift_detected = x == 1


@dataclass
class Written:
    """A stream that is written down."""

    values: np.ndarray
    change_points: tuple[int, ...]


def written(n, alarms, change_points):
    values = np.zeros(n)
    values[list(alarms)] = 1
    return Written(values, tuple(change_points))


def only_row(stream, detector=Scripted, seeds=(0,)):
    (row,) = evaluate_detectors({"d": detector}, {"s": lambda seed: stream}, seeds).rows
    return row


def test_alarms_before_during_and_after_are_told_apart():
    row = only_row(written(1000, [30, 60, 510, 530, 540, 900], [500, 700, 800]))
    assert (row.n_changes, row.n_missed, row.delays) == (3, 1, (10, 100))
    assert (row.n_false, row.n_unchanged, row.n_repeated) == (2, 500, 2)
    assert row.false_alarms_per_10k == 40
    assert row.median_delay == 100  # of 10, 100 and never


def test_the_first_changed_value_is_a_delay_of_0():
    assert only_row(written(10, [5], [5])).delays == (0,)


def test_a_change_that_most_seeds_miss_has_no_median_delay():
    row = only_row(written(100, [], [50]), seeds=range(5))
    assert (row.n_missed, row.n_changes, row.n_seeds) == (5, 5, 5)
    assert row.median_delay == np.inf


def test_without_a_change_all_alarms_are_false():
    row = only_row(written(2000, [1, 1999], []))
    assert (row.n_changes, row.n_false, row.false_alarms_per_10k) == (0, 2, 10)
    assert np.isnan(row.median_delay)


def test_every_seed_gets_a_fresh_detector_and_every_pair_a_row():
    made = []

    def make():
        made.append(drift.DDM())
        return made[-1]

    streams = {
        "calm": partial(calm, n=500),
        "jump": lambda seed: error_stream(500, seed=seed, drift=AbruptDrift(size=0.4)),
    }
    table = evaluate_detectors({"ddm": make, "adwin": drift.ADWIN}, streams, range(4))
    assert len(made) == 8
    assert [(row.detector, row.stream, row.n_seeds) for row in table.rows] == [
        ("ddm", "calm", 4),
        ("adwin", "calm", 4),
        ("ddm", "jump", 4),
        ("adwin", "jump", 4),
    ]
    assert table.row("adwin", "jump").n_changes == 4
    with pytest.raises(UnknownNameError, match="ddm on calm"):
        table.row("eddm", "calm")


def calm(seed, n=2000):
    return error_stream(n, seed=seed)


def test_chunk_and_loop_find_the_same():
    values = error_stream(4000, seed=1, level=0.1, drift=AbruptDrift(size=0.4)).values

    class OnlyProtocol:
        def __init__(self):
            self.inner = drift.ADWIN()

        @property
        def drift_detected(self):
            return self.inner.drift_detected

        def update(self, x):
            self.inner.update(x)

    assert (
        alarms_of(OnlyProtocol(), values).tolist()
        == alarms_of(drift.ADWIN(), values).tolist()
        != []
    )


def test_a_world_that_comes_back_is_a_change_as_well():
    stream = partial(
        error_stream, 8000, level=0.1, drift=RecurringDrift(size=0.4, start=2000, period=2000)
    )
    detectors = {"both": lambda: drift.BernoulliGLR(direction="both"), "up": drift.BernoulliGLR}
    table = evaluate_detectors(detectors, {"s": lambda seed: stream(seed=seed)}, range(5))
    assert table.row("both", "s").n_missed == 0
    assert table.row("up", "s").n_missed >= 5  # the return to the old, better world


def test_the_table_can_be_read():
    text = str(
        evaluate_detectors({"d": Scripted}, {"s": lambda seed: written(1000, [1, 600], [500])}, [0])
    )
    assert text.splitlines()[-1] == "| d | s | 100 | 0 of 1 | 20 | 0 |"


def test_the_figure_has_a_row_and_the_price_for_every_detector_that_found_something():
    streams = {"jump": lambda seed: error_stream(2000, seed=seed, drift=AbruptDrift(size=0.4))}
    table = evaluate_detectors(
        {"ADWIN": drift.ADWIN, "EDDM": drift.EDDM, "deaf": lambda: drift.DDM(10**6)},
        streams,
        range(5),
    )
    axes = table.plot("jump", title="Speed has a price")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ADWIN", "EDDM"]
    assert "deaf" in axes.get_xlabel()
    words = [text.get_text() for text in axes.texts]
    assert sum("false in 10,000" in each for each in words) == 2
    assert axes.get_title(loc="left") == "Speed has a price"
    with pytest.raises(InvalidParameterError, match="stream"):
        table.plot("calm", title="Nothing")
