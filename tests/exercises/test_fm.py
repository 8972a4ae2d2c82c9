"""What the exercise fm claims in its text is true."""

from pathlib import Path

import numpy as np
import pytest

from coursekit.grading.exercises.notebook import read_notebook
from coursekit.grading.student.rehearsal import running

FOLDER = Path(__file__).resolve().parents[2] / "solutions" / "fm"


@pytest.fixture(scope="module")
def finished():
    notebook = read_notebook(FOLDER / "fm.ipynb")
    with running(notebook, FOLDER, 120) as (subject, _):
        yield subject


def test_the_example_by_hand_is_six(finished):
    assert (
        finished.call(
            "score",
            1.0,
            np.array([3.0, 0.0]),
            np.array([[1.0, 1.0], [2.0, -1.0]]),
            np.array([1.0, 2.0]),
        )
        == 6
    )


def test_one_pass_is_hundreds_of_times_faster_and_agrees(finished):
    assert finished.get("slow") == pytest.approx(finished.get("fast"), rel=1e-9)
    assert finished.get("middle") - finished.get("start") > 100 * (
        finished.get("end") - finished.get("middle")
    )


def test_a_coarse_step_measures_the_exact_slope(finished):
    V, x, moved = finished.get("V"), finished.get("x"), finished.get("moved")
    measured = (finished.call("pairs", moved, x) - finished.call("pairs", V, x)) / 0.5
    assert measured == pytest.approx(finished.call("pairs_gradient", V, x)[1, 0], rel=1e-12)


def test_one_rating_moves_what_shares_a_feature_most(finished):
    machine = finished.new("FactorizationMachine", learning_rate=0.1)
    machine.call("partial_fit", finished.get("event"), 8.0)
    moved = machine.map("predict", [[question] for question in finished.get("questions").values()])
    assert moved == sorted(moved, reverse=True)
    assert min(moved) > 0


def test_genres_help_by_hundredths_and_more_on_films_that_nobody_has_rated(finished):
    first = finished.get("first")
    assert first.mean() > 0.25
    late = np.arange(1, len(first) + 1) > 2000
    everywhere, new = {}, {}
    for name, loss in finished.get("losses").items():
        everywhere[name], new[name] = loss.mean() ** 0.5, loss[first & late].mean() ** 0.5
    for error in (everywhere, new):
        assert error["user, film and genres"] < error["user and film"] - 0.02
        assert error["user and film"] < error["running mean"] - 0.02
    gain = {
        which: error["user and film"] - error["user, film and genres"]
        for which, error in {"all": everywhere, "new": new}.items()
    }
    assert 0.02 < gain["all"] < gain["new"] < 0.1
