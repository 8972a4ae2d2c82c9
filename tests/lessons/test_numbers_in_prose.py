"""Numbers that lessons 00 and 01 state in words (nbval compares outputs, but not prose): measured
here again.

Rebuild a lesson when its outputs change; when a test of this file fails as well, its sentences have
to change, too.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from coursekit import datasets, evaluation
from coursekit.core import events
from coursekit.datasets import streams
from coursekit.evaluation.metrics import rmse
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
START, STREAM = NOTEBOOKS / "00_start_here.ipynb", NOTEBOOKS / "01_learning_from_a_stream.ipynb"


def biases(rate: float | None = None) -> OnlineMatrixFactorization:
    """The learner of the lessons: its defaults, or plain SGD as it is built by hand."""
    if rate is None:
        return OnlineMatrixFactorization(n_factors=0)
    return OnlineMatrixFactorization(0, optimizer="sgd", bias_rate=rate, regularization=0.0)


def words_of(path: Path) -> str:
    """All prose and all captions, on one line."""
    cells = nbformat.read(path, as_version=4).cells
    prose = [cell.source for cell in cells if cell.cell_type == "markdown"]
    captions = [
        str(out.metadata["image/png"]["alt"])
        for cell in cells
        for out in cell.get("outputs", [])
        if "image/png" in out.get("data", {})
    ]
    return " ".join(" ".join([*prose, *captions]).split())


@pytest.fixture(scope="module")
def ratings() -> events.Chunk:
    return datasets.load().ratings


@pytest.fixture(scope="module")
def of_mean(ratings: events.Chunk) -> np.ndarray:
    """The mean of all earlier ratings, 0 before the first."""
    return np.concatenate([[0.0], np.cumsum(ratings.targets)[:-1] / np.arange(1, len(ratings))])


@pytest.fixture(scope="module")
def of_biases(ratings: events.Chunk) -> np.ndarray:
    return biases(0.1).predict_then_learn_many(ratings)


@pytest.fixture(scope="module")
def stream() -> str:
    return words_of(STREAM)


def test_the_figure_of_lesson_00_shows_what_its_caption_says() -> None:
    curves = []
    for seed in range(1, 11):
        world = streams.rating_stream(seed=seed)
        early, later = world.slice(0, 1000), world.slice(1000, 5000)
        model = biases()
        model.partial_fit_many(early)
        predictions = (
            model.predict_many(later.user_ids, later.item_ids),
            model.predict_then_learn_many(later),
        )
        curves.append(
            [evaluation.learning_curve(later, each, n_points=16).rmse for each in predictions]
        )
    stopped, learning = np.median(np.array(curves), axis=0)
    words = words_of(START)
    assert f"falls back to {learning[-1]:.2f}" in words
    assert f"the one that stopped stays near {stopped[6:].mean():.1f}" in words
    assert "Before the change both are around 0.75 points" in words
    assert abs(np.array([stopped[:6], learning[:6]]) - 0.75).max() < 0.07
    assert stopped[6] > stopped[:6].max()
    assert learning[6] > learning[:6].max()


def test_the_tenth_rating_is_as_harsh_as_lesson_00_says(ratings: events.Chunk) -> None:
    age = evaluation.ages(ratings.user_ids)
    first, tenth = ratings.targets[age == 0].mean(), ratings.targets[age == 9].mean()
    assert f"it is harsher: {tenth:.2f} points on average against {first:.2f}" in words_of(START)


def test_what_stopping_costs(ratings: events.Chunk, stream: str) -> None:
    early, later = ratings.slice(0, 5000), ratings.slice(5000, 50_000)
    model = biases()
    model.partial_fit_many(early)
    stopped = evaluation.learning_curve(
        later, model.predict_many(later.user_ids, later.item_ids), n_points=15
    ).rmse
    learning = evaluation.learning_curve(
        later, model.predict_then_learn_many(later), n_points=15
    ).rmse
    gap = stopped - learning
    assert (
        f"the twin is {gap[0]:.2f} points better; in the end it is {gap[-1]:.2f} points better"
        in stream
    )
    assert f"stopped begins at {stopped[0]:.2f} points and ends at {stopped[-1]:.2f}" in stream
    assert f"learning begins at {learning[0]:.2f} and ends at {learning[-1]:.2f}" in stream


def test_how_many_are_new(ratings: events.Chunk, stream: str) -> None:
    users, items = (
        100 * (evaluation.ages(ids) == 0).reshape(50, 1000).mean(axis=1)
        for ids in (ratings.user_ids, ratings.item_ids)
    )
    assert f"falls from {users[0]:.0f} % to {users[9]:.0f} % within the first 10,000" in stream
    assert f"then only slowly, to {users[-1]:.0f} %" in stream
    assert "one rating in seven still comes from somebody" in stream
    assert round(100 / users[-10:].mean()) == 7
    by_film, by_user = items[-10:].mean(), users[-10:].mean()
    assert (
        f"of the last 10,000 ratings, {by_film:.0f} % are the first of their film, against "
        f"{by_user:.0f} %" in stream
    )


def test_the_harsh_critic(
    ratings: events.Chunk, of_mean: np.ndarray, of_biases: np.ndarray, stream: str
) -> None:
    at = np.array(ratings.user_ids) == 9172
    given = ratings.targets[at]
    assert f"the mean stays {(of_mean[at] - given).mean():.1f} points too high" in stream
    assert (abs(of_biases[at][10:12] - given.mean()) < 1).all()
    assert (
        f"The {at.sum()} ratings of one user as points, all between {given.min():.0f} and "
        f"{given.max():.0f}" in stream
    )
    assert f"The mean predicts {of_mean[at].mean():.1f} throughout" in stream


def test_what_biases_gain(
    ratings: events.Chunk, of_mean: np.ndarray, of_biases: np.ndarray, stream: str
) -> None:
    mean, by_hand = rmse(ratings.targets, of_mean), rmse(ratings.targets, of_biases)
    sure = evaluation.progressive_validation(biases(), ratings).rmse
    gain, more = 100 - 100 * by_hand / mean, 100 - 100 * sure / by_hand
    assert (
        f"takes {gain:.0f} % off the error; a better step takes off another {more:.1f} %" in stream
    )
    assert f"the honest RMSE of the biases is {by_hand:.3f}" in stream
    curve = evaluation.learning_curve(ratings, of_mean, n_points=25).rmse
    assert "The mean stays between 1.8 and 2.0 points" in stream
    assert curve.min() > 1.75
    assert curve.max() < 2.05


def test_the_leaks(ratings: events.Chunk, of_mean: np.ndarray, stream: str) -> None:
    """An update takes 2 x rate + 1/n of its own error away, so what the leak reports needs no
    second loop.
    """
    share = 1 / np.arange(1, len(ratings) + 1)
    leak = {
        rate: rmse(
            share * 0,
            (1 - 2 * rate - share)
            * (ratings.targets - biases(rate).predict_then_learn_many(ratings)),
        )
        for rate in (0.02, 0.3, 0.5)
    }
    honest = rmse(ratings.targets, biases(0.5).predict_then_learn_many(ratings))
    assert f"highest at 0.5, with {honest:.3f}" in stream
    assert honest > rmse(ratings.targets, of_mean)
    assert f"line from {leak[0.02]:.3f} to {leak[0.5]:.3f} at 0.5" in stream
    assert f"reports an RMSE of {leak[0.3]:.2f} on these ratings" in stream


def test_a_random_split_flatters(ratings: events.Chunk, stream: str) -> None:
    order = np.random.default_rng(1).permutation(50_000)
    found = []
    for ordered in (ratings, events.Chunk.of(ratings[at] for at in order)):
        train, test = ordered.slice(0, 40_000), ordered.slice(40_000, 50_000)
        model = biases()
        model.partial_fit_many(train)
        known = set(train.user_ids)
        unknown = 100 * np.mean([user not in known for user in test.user_ids])
        found += [rmse(test.targets, model.predict_many(test.user_ids, test.item_ids)), unknown]
    assert (
        f"From {found[0]:.3f} to {found[2]:.3f}. Split by time, {found[1]:.0f} % of the test"
        in stream
    )
    assert f"split at random, {found[3]:.0f} %" in stream


def test_who_pays(
    ratings: events.Chunk, of_mean: np.ndarray, of_biases: np.ndarray, stream: str
) -> None:
    starts = (0, 1, 26)
    mean, by_hand = (
        evaluation.error_by_age(ratings, each, starts=starts) for each in (of_mean, of_biases)
    )
    first, last = mean[0].rmse - by_hand[0].rmse, mean[-1].rmse - by_hand[-1].rmse
    assert (
        f"there the biases gain {first:.2f} points on the mean; from the 27th rating on "
        f"they gain {last:.2f}" in stream
    )
    assert "One rating in five is somebody's first" in stream
    assert round(len(ratings) / mean[0].n_samples) == 5
    assert f"The mean is {mean[0].rmse:.2f} points off on a first rating" in stream
    assert f"the biases are {by_hand[0].rmse:.2f} points off on a first rating" in stream


def test_what_waiting_costs(ratings: events.Chunk, stream: str) -> None:
    first, rest = ratings.slice(0, 10_000), ratings.slice(10_000, 50_000)
    scores = {}
    for size in (1, 1000, 40_000):
        model = biases()
        model.partial_fit_many(first)
        predictions = np.concatenate(
            [model.predict_then_batch_update(part) for part in rest.chunks(size)]
        )
        scores[size] = rmse(rest.targets, predictions)
    late, never = (100 * scores[size] / scores[1] - 100 for size in (1000, 40_000))
    assert (
        f"Waiting for 1,000 ratings costs {late:.1f} %, never learning again costs {never:.0f} %"
        in stream
    )
    assert f"the {late:.1f} % for waiting is a good price" in stream
    assert f"{scores[1]:.3f} points after every rating" in stream
    assert f"and {scores[40_000]:.3f} if it never learns again" in stream


def test_the_model_answer_to_the_task_of_section_3_runs_and_has_the_error_it_claims(
    ratings: events.Chunk, stream: str
) -> None:
    cells = nbformat.read(STREAM, as_version=4).cells
    wanted = [
        cell.source
        for cell in cells
        if re.match(r"class Mean|def predict_then_learn_many", cell.source)
    ]
    (answer,) = re.findall(
        r"```python\n(.*?)```",
        "\n".join(cell.source for cell in cells if cell.cell_type == "markdown"),
        re.DOTALL,
    )
    names: dict[str, object] = {"np": np, "ratings": ratings}
    for source in [wanted[0], wanted[1].partition("\n\n\n")[0], answer]:
        exec(source, names)  # noqa: S102 - the lesson's own code
    learner = names["LastOfFilm"]()  # type: ignore[operator]
    predictions = names["predict_then_learn_many"](learner, ratings)  # type: ignore[operator]
    assert (
        f"Its error is {rmse(ratings.targets, predictions):.3f} points, more than that of "
        f"the plain mean" in stream
    )
