"""`coursekit evaluate`: progressive validation of a learner on your own ratings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coursekit.commands.output import emit_json, figure_option, json_option

if TYPE_CHECKING:
    from coursekit.core.events import Chunk
    from coursekit.evaluation.progressive import AgeSlice, Evaluation
    from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["evaluate"]

_NAMES = {"mf": "matrix factorization", "fm": "factorization machine"}


@click.command(short_help="Run a learner over your own ratings file, test then train.")
@click.argument("ratings", type=click.Path(path_type=Path))
@click.option(
    "--learner",
    type=click.Choice(list(_NAMES)),
    default="mf",
    show_default=True,
    help="; ".join(f"{short}: {name}" for short, name in _NAMES.items()),
)
@click.option(
    "--factors",
    "n_factors",
    type=click.IntRange(0, 1024),
    default=10,
    show_default=True,
    help="Length of the factor vectors; 0 for a model of biases only.",
)
@click.option(
    "--range",
    "rating_range",
    type=float,
    nargs=2,
    metavar="LOW HIGH",
    help="Range of possible ratings; by default the lowest and the highest in the file.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed of the initial factors.",
)
@figure_option("Draw the learning curve into this file.")
@json_option
def evaluate(
    ratings: Path,
    learner: str,
    n_factors: int,
    rating_range: tuple[float, float] | None,
    seed: int,
    figure: Path | None,
    as_json: bool,
) -> None:
    """Run a learner over the ratings file RATINGS in time order (progressive validation): predict
    each rating, then learn from it.

    Reads MovieLens files and similar ones: user, item, rating and, if there is one,
    the time; with or without a header; separated by comma, tab, semicolon or '::'; plain or gzip.
    """
    from coursekit.datasets.ratings import read_ratings
    from coursekit.evaluation.progressive import error_by_age, progressive_validation

    stream = read_ratings(ratings)
    low, high = rating_range or (float(stream.targets.min()), float(stream.targets.max()))
    _learner(learner, n_factors, seed).partial_fit_many(stream.slice(0, 2))  # compiles the kernels
    with _progress_bar(len(stream)) as advance:
        result = progressive_validation(
            _learner(learner, n_factors, seed),
            stream,
            clip=(low, high) if low < high else None,
            on_progress=advance,
        )
    if figure is not None:
        _draw(result, title=f"{_NAMES[learner].capitalize()} on {ratings.name}", path=figure)
    if as_json:
        emit_json(_summary(learner, n_factors, result))
    else:
        slices = error_by_age(stream, result.predictions)
        click.echo("\n".join(_report(learner, n_factors, stream, result, slices)))


def _learner(short: str, n_factors: int, seed: int) -> OnlineLearner:
    if short == "fm":
        from coursekit.learning.learners.factorization_machine import OnlineFactorizationMachine

        return OnlineFactorizationMachine(n_factors=n_factors, seed=seed)
    from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization

    return OnlineMatrixFactorization(n_factors=n_factors, seed=seed)


def _summary(learner: str, n_factors: int, result: Evaluation) -> dict[str, object]:
    return {
        "learner": learner,
        "n_factors": n_factors,
        "rmse": result.rmse,
        "mae": result.mae,
        "n_samples": result.n_samples,
        "samples_per_second": result.samples_per_second,
    }


def _report(
    learner: str, n_factors: int, stream: Chunk, result: Evaluation, slices: tuple[AgeSlice, ...]
) -> Iterator[str]:
    """Yield the lines of the report."""
    from coursekit.evaluation.progressive import rmse_of_running_mean

    n_users, n_items = len(set(stream.user_ids)), len(set(stream.item_ids))
    yield click.style(f"{_NAMES[learner].capitalize()}, {n_factors} factors", bold=True)
    yield f"  ratings             {result.n_samples:>12,}  ({n_users:,} users, {n_items:,} items)"
    baseline = f"always the mean so far: {rmse_of_running_mean(stream):.4f}"
    yield f"  RMSE                {result.rmse:>12.4f}  ({baseline})"
    yield f"  MAE                 {result.mae:>12.4f}"
    yield f"  ratings per second  {result.samples_per_second:>12,.0f}  (of processor time)"
    yield ""
    yield click.style("RMSE by the number of ratings that the user had given before", bold=True)
    for each in slices:
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


@contextmanager
def _progress_bar(total: int) -> Iterator[Callable[[int], None]]:
    """Show progress on stderr if it is a terminal; yield the function that updates it."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Test, then train", total=total)
        yield lambda done: progress.update(task, completed=done)
