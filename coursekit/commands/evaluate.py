"""`coursekit evaluate`: progressive validation of a learner on your own ratings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import click

from coursekit.commands.command import Answer, Figure, command, progress_bar

if TYPE_CHECKING:
    from coursekit.core.events import Chunk
    from coursekit.evaluation.progressive import Evaluation
    from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["evaluate"]

_NAMES = {"mf": "Matrix factorization", "fm": "Factorization machine"}


@command
def evaluate(
    ratings: Path,
    *,
    learner: Literal["mf", "fm"] = "mf",
    factors: Annotated[int, click.IntRange(0, 1024)] = 10,
    range_: tuple[float, float] | None = None,
    seed: Annotated[int, click.IntRange(0)] = 0,
    figure: Figure = None,
) -> Answer:
    """Run a learner over your own ratings file, test then train.

    The learner runs over the ratings file RATINGS in time order (progressive validation): it
    predicts each rating, then learns from it.

    Reads MovieLens files and similar ones: user, item, rating and, if there is one,
    the time; with or without a header; separated by comma, tab, semicolon or '::'; plain or gzip.

    Parameters
    ----------
    learner
        mf: matrix factorization; fm: factorization machine
    factors
        Length of the factor vectors; 0 for a model of biases only.
    range_ : LOW HIGH
        Range of possible ratings; by default the lowest and the highest in the file.
    seed
        Seed of the initial factors.
    figure : OUT.png
        Draw the learning curve into this file.
    """
    from coursekit.datasets.ratings import read_ratings
    from coursekit.evaluation.progressive import progressive_validation

    stream = read_ratings(ratings)
    low, high = range_ or (float(stream.targets.min()), float(stream.targets.max()))
    _learner(learner, factors, seed).partial_fit_many(stream.slice(0, 2))  # compiles the kernels
    with progress_bar("Test, then train") as tell:
        result = progressive_validation(
            _learner(learner, factors, seed),
            stream,
            clip=(low, high) if low < high else None,
            on_progress=lambda n_done: tell(n_done, len(stream)),
        )
    if figure is not None:
        _draw(result, title=f"{_NAMES[learner]} on {ratings.name}", path=figure)
    shown = ("rmse", "mae", "n_samples", "samples_per_second")
    data = {"learner": learner, "n_factors": factors}
    data |= {name: getattr(result, name) for name in shown}
    heading = click.style(f"{_NAMES[learner]}, {factors} factors", bold=True)
    return Answer(data=data, text="\n".join([heading, *_report(stream, result)]))


def _learner(short: str, n_factors: int, seed: int) -> OnlineLearner:
    if short == "fm":
        from coursekit.learning.learners.factorization_machine import OnlineFactorizationMachine

        return OnlineFactorizationMachine(n_factors=n_factors, seed=seed)
    from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization

    return OnlineMatrixFactorization(n_factors=n_factors, seed=seed)


def _report(stream: Chunk, result: Evaluation) -> Iterator[str]:
    """Yield the lines of the report."""
    from coursekit.evaluation.progressive import error_by_age, rmse_of_running_mean

    n_users, n_items = len(set(stream.user_ids)), len(set(stream.item_ids))
    yield f"  ratings             {result.n_samples:>12,}  ({n_users:,} users, {n_items:,} items)"
    baseline = f"always the mean so far: {rmse_of_running_mean(stream):.4f}"
    yield f"  RMSE                {result.rmse:>12.4f}  ({baseline})"
    yield f"  MAE                 {result.mae:>12.4f}"
    yield f"  ratings per second  {result.samples_per_second:>12,.0f}  (of processor time)"
    yield ""
    yield click.style("RMSE by the number of ratings that the user had given before", bold=True)
    for each in error_by_age(stream, result.predictions):
        if each.n_samples:
            yield f"  {each.label:<18}  {each.rmse:>12.4f}  ({each.n_samples:,} ratings)"


def _draw(result: Evaluation, *, title: str, path: Path) -> None:
    from coursekit import figures

    axes = figures.plot_curves(
        {"so far": result.curve.cumulative_rmse, "at that time": result.curve.rmse},
        x=result.curve.n_seen,
        roles={"so far": "model", "at that time": "baseline"},
        title=title,
        x_label="ratings seen",
        y_label="RMSE, rating points",
    )
    alt = (
        f"Line chart of the error over {result.n_samples:,} ratings, ending at an RMSE of "
        f"{result.rmse:.4f} over all of them."
    )
    figures.save(axes, path, alt=alt)
