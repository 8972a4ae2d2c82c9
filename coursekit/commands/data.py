"""`coursekit data`: list and fetch data sets."""

from __future__ import annotations

from pathlib import Path

import click

from coursekit.commands.output import emit_json, json_option
from coursekit.datasets.catalog import DatasetInfo, available

__all__ = ["data"]


@click.group(short_help="List and fetch the data sets of the course.")
def data() -> None:
    """List and fetch the data sets of the course. The lessons need none of them: they use the one
    that ships with the package.
    """


@data.command("list", short_help="List the data sets.")
@json_option
def list_datasets(as_json: bool) -> None:
    """List every data set: size, licence, and whether it ships with the course."""
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
    help="Parent folder of the data set's folder.",
)
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Copy the files from this folder instead of the network; their digests are verified.",
)
@json_option
def get(name: str, to: Path, source: Path | None, as_json: bool) -> None:
    """Fetch the data set NAME from its official address, verify its sha256, and print its folder.

    A data set that is already there and complete is not fetched again.
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
