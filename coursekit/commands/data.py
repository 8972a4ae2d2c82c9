"""`coursekit data`: which data sets there are, and how to get them."""

from __future__ import annotations

from pathlib import Path

import click

from coursekit.commands.output import emit_json, json_option
from coursekit.datasets.catalog import DatasetInfo, available

__all__ = ["data"]


@click.group(short_help="List and fetch the data sets of the course.")
def data() -> None:
    """List and fetch the data sets of the course. Lessons need none of them: they run on the one
    that ships inside.
    """


@data.command("list", short_help="Show what there is.")
@json_option
def list_datasets(as_json: bool) -> None:
    """Show every data set: its size, its licence, and whether it ships with the course or has to be
    fetched.
    """
    if as_json:
        emit_json({"datasets": [_summary(each) for each in available()]})
    else:
        click.echo("\n\n".join(_paragraph(each) for each in available()))


@data.command("get", short_help="Fetch one data set.")
@click.argument("name")
@click.option(
    "--to",
    "to",
    type=click.Path(file_okay=False, path_type=Path),
    default="data",
    show_default=True,
    metavar="DIR",
    help="Folder that the set's own folder is put into.",
)
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Take the files from this folder and not from the network; they are verified just the "
    "same.",
)
@json_option
def get(name: str, to: Path, source: Path | None, as_json: bool) -> None:
    """Fetch the data set NAME from its official address, prove by its digest that it is whole, and
    say where it lies.

    What is already there and whole is not fetched again.
    """
    from coursekit.datasets import fetch, info

    dataset = info(name)
    folder = fetch(name, to=to, source=source)
    ratings = folder / dataset.ratings_file
    if as_json:
        emit_json({**_summary(dataset), "folder": folder, "ratings_file": ratings})
        return
    click.echo(f"{name} is in {folder}.")
    click.echo(f"Licence: {dataset.licence}. See {dataset.homepage}")
    click.echo(f"Try it: coursekit evaluate {ratings} --learner mf")


def _summary(dataset: DatasetInfo) -> dict[str, object]:
    return {
        "name": dataset.name,
        "title": dataset.title,
        "n_ratings": dataset.n_ratings,
        "rating_range": dataset.rating_range,
        "licence": dataset.licence,
        "homepage": dataset.homepage,
        "ships": dataset.ships,
    }


def _paragraph(dataset: DatasetInfo) -> str:
    low, high = dataset.rating_range
    way = "ships with the course" if dataset.ships else f"coursekit data get {dataset.name}"
    return "\n".join(
        (
            click.style(dataset.name, bold=True),
            f"  {dataset.title}",
            f"  {dataset.n_ratings:,} ratings from {low:g} to {high:g}; {way}",
            f"  Licence: {dataset.licence}",
        )
    )
