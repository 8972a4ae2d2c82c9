"""`coursekit data`: list and fetch data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from coursekit.commands.command import Answer, Folder, command
from coursekit.datasets.catalog import DatasetInfo, available

__all__ = ["data"]

_SHOWN = ("name", "title", "n_ratings", "rating_range", "licence", "homepage", "ships")


@command
def list_datasets() -> Answer:
    """List the data sets.

    Size, licence, and whether it ships with the course.
    """
    found = available()
    text = "\n\n".join(map(_paragraph, found))
    return Answer(data={"datasets": [_summary(each) for each in found]}, text=text)


@command
def get(name: str, *, to: Path = Path("data"), from_: Folder | None = None) -> Answer:
    """Fetch one data set.

    The data set NAME is fetched from its official address, its sha256 is verified, and its folder
    is printed. A data set that is already there and complete is not fetched again.

    Parameters
    ----------
    to : DIR
        Parent folder of the data set's folder.
    from_ : DIR
        Copy the files from this folder instead of the network; their digests are verified.
    """
    from coursekit.datasets import fetch, info

    dataset = info(name)
    folder = fetch(name, to=to, source=from_)
    ratings = folder / dataset.ratings_file
    text = (
        f"{name} is in {folder}.\nLicence: {dataset.licence}. See {dataset.homepage}\n"
        f"Try it: coursekit evaluate {ratings} --learner mf"
    )
    return Answer(data=_summary(dataset) | {"folder": folder, "ratings_file": ratings}, text=text)


data = click.Group(
    "data",
    {"list": list_datasets, "get": get},
    short_help="List and fetch the data sets of the course.",
    help="List and fetch the data sets of the course. The lessons need none of them: they use the "
    "one that ships with the package.",
)


def _summary(dataset: DatasetInfo) -> dict[str, Any]:
    return {name: getattr(dataset, name) for name in _SHOWN}


def _paragraph(dataset: DatasetInfo) -> str:
    low, high = dataset.rating_range
    way = "ships with the course" if dataset.ships else f"coursekit data get {dataset.name}"
    return (
        f"{click.style(dataset.name, bold=True)}\n  {dataset.title}\n"
        f"  {dataset.n_ratings:,} ratings from {low:g} to {high:g}; {way}\n"
        f"  Licence: {dataset.licence}"
    )
