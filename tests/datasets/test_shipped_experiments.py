"""The experiments that ship with the course are cuts of the published data, and nothing else."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

SHIPPED = Path(str(files("coursekit.datasets") / "shipped"))
NAMES = ("upworthy-headlines", "asos-experiments", "nsw-job-training")


def test_each_has_its_licence_and_says_where_it_comes_from() -> None:
    for name in NAMES:
        readme = (SHIPPED / name / "README.md").read_text(encoding="utf-8")
        assert "**Source.**" in readme and "https://" in readme
        licence = (SHIPPED / name / "LICENSE.txt").read_text(encoding="utf-8")
        assert "MIT" in licence if name.startswith("nsw") else "Attribution 4.0" in licence
        listed = {f"`{each.name}`" for each in (SHIPPED / name).iterdir()} - {"`README.md`"}
        assert all(each in readme for each in listed)


def test_the_headlines_are_the_archives_counts(real_data: Path) -> None:
    published = pd.read_csv(real_data / "upworthy-exploratory" / "packages.csv.gz")
    shipped = pd.read_csv(SHIPPED / "upworthy-headlines" / "arms.csv.gz")
    for ours, theirs in (("impressions",) * 2, ("clicks",) * 2, ("week", "test_week")):
        assert np.array_equal(shipped[ours], published[theirs])
    numbers = pd.factorize(published.clickability_test_id)[0]
    assert np.array_equal(shipped.test, numbers)


def test_the_conversions_are_the_shops_counts_and_means(real_data: Path) -> None:
    folder = real_data / "asos-digital-experiments"
    published = pd.read_csv(folder / "asos_digital_experiments_dataset.csv.gz")
    keys = ["experiment_id", "variant_id", "time_since_start"]
    published = published[published.metric_id == 1].sort_values(keys)
    shipped = pd.read_csv(SHIPPED / "asos-experiments" / "conversions.csv.gz")
    assert np.allclose(shipped.days, published.time_since_start, rtol=0, atol=0.051)
    for ours, theirs in (("control", "c"), ("treatment", "t")):
        n = shipped[f"{ours}_n"].to_numpy()
        assert np.array_equal(n, published[f"count_{theirs}"])
        means = published[f"mean_{theirs}"].to_numpy() * n
        assert np.allclose(shipped[f"{ours}_successes"], means, rtol=1e-9, atol=1e-6)


def test_the_job_training_is_unchanged(real_data: Path) -> None:
    published = (real_data / "nsw-job-training-rct" / "nsw.csv").read_bytes()
    assert (SHIPPED / "nsw-job-training" / "nsw.csv").read_bytes() == published
