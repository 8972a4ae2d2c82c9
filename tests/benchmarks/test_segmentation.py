"""Detectors beside people."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursekit.core.errors import InvalidParameterError
from coursekit.learning import drift
from tests.benchmarks.segmentation import (
    MarkedSeries,
    change_points_of,
    covering,
    covering_score,
    read_marked_series,
)

begins = st.lists(st.integers(1, 59), max_size=5)


def covering_of_sets(true, found, n):
    """The definition, with sets of values."""

    def parts(points):
        edges = [0, *sorted(set(points)), n]
        return [set(range(a, b)) for a, b in pairwise(edges)]

    return sum(len(a) * max(len(a & b) / len(a | b) for b in parts(found)) for a in parts(true)) / n


@given(begins, begins)
def test_covering_is_its_definition(true, found):
    assert covering(true, found, 60) == pytest.approx(covering_of_sets(true, found, 60))


@given(begins)
def test_nothing_covers_better_than_the_truth(true):
    assert covering(true, true, 60) == pytest.approx(1.0)


@pytest.mark.parametrize("wrong", [[0], [60], [-1, 5], [3, 70]])
def test_parts_outside_the_series_are_refused(wrong):
    with pytest.raises(InvalidParameterError, match="must begin in"):
        covering([5], wrong, 60)


def series(values, marks=None):
    return MarkedSeries(name="s", values=np.atleast_2d(values), marks=marks or {"1": ()})


def test_the_score_is_the_mean_over_people():
    marked = series(np.zeros(100), {"1": (50,), "2": (), "3": (0, 50)})
    assert covering_score(marked, [50]) == pytest.approx((1 + 0.5 + 1) / 3)


def test_a_change_is_put_where_the_detector_believes_it_began():
    rng = np.random.default_rng(0)
    values = rng.normal(np.repeat([0, 3], 200), 1.0)
    (found,) = change_points_of(drift.GaussianGLR, series(values))
    assert abs(found - 200) <= 2
    (alarm,) = drift.GaussianGLR().update_many(values)
    assert alarm > found


def test_the_changes_of_all_dimensions_count():
    rng = np.random.default_rng(1)
    first, second = (
        rng.normal(np.repeat([0, 3], [100, 300]), 1.0),
        rng.normal(np.repeat([0, 3], [300, 100]), 1.0),
    )
    found = change_points_of(drift.GaussianGLR, series([first, second]))
    assert [round(each, -1) for each in found] == [100, 300]


def test_a_file_is_read_with_gaps_filled(tmp_path):
    raw = [{"raw": [1, None, 3, 7]}, {"raw": [0, 0, None, 1]}]
    (tmp_path / "demo.json").write_text(json.dumps({"series": raw}))
    (tmp_path / "annotations.json").write_text(
        json.dumps({"demo": {"6": [2], "7": []}, "absent": {"6": []}})
    )
    (demo,) = read_marked_series(tmp_path)
    assert demo.name == "demo"
    assert demo.marks == {"6": (2,), "7": ()}
    assert demo.values[0] == pytest.approx((np.array([1, 2, 3, 7]) - 3.25) / np.std([1, 2, 3, 7]))
    assert np.isfinite(demo.values).all()


def test_beside_people_ours_is_no_worse_than_adwin_and_page_hinkley(real_data):
    """Default settings, seven series; `ADWIN` and `PageHinkley` are River's, alarm for alarm."""
    marked = read_marked_series(real_data / "tcpd")
    assert len(marked) == 7

    def score(make):
        return np.mean([covering_score(each, change_points_of(make, each)) for each in marked])

    ours = score(lambda: drift.GaussianGLR(autocorrelated=True))
    assert ours > 0.6
    assert ours > score(drift.ADWIN) + 0.02
    assert ours > score(drift.PageHinkley) + 0.02
