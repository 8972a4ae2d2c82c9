from __future__ import annotations

import csv
import gzip
import hashlib
import io
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from coursekit import datasets
from coursekit.core.errors import DataUnavailableError, IntegrityError, UnknownNameError
from coursekit.datasets import loading
from coursekit.datasets.catalog import available, info

SHIPPED = Path(datasets.__file__).resolve().with_name("shipped")


def test_the_shipped_set_is_a_stream_in_time_order_with_every_film_known():
    dataset = datasets.load()
    ratings = dataset.ratings
    assert (len(ratings), len(set(ratings.user_ids)), len(dataset.items)) == (50_000, 10_455, 7_505)
    assert set(ratings.item_ids) == set(dataset.items)
    assert (np.diff(ratings.timestamps) >= 0).all()
    low, high = dataset.info.rating_range
    assert ratings.targets.min() == low and ratings.targets.max() == high


def test_the_shipped_set_is_the_first_half_of_the_published_snapshot(real_data):
    source = real_data / "movietweetings-100k"
    lines = gzip.decompress((source / "ratings.dat.gz").read_bytes()).decode().splitlines()
    rows = sorted((line.split("::") for line in lines), key=lambda row: int(row[3]))[:50_000]
    rated = {row[1] for row in rows}
    films = (
        line.split("::")
        for line in gzip.decompress((source / "movies.dat.gz").read_bytes()).decode().splitlines()
    )
    tables = {
        "ratings.csv.gz": [["user_id", "item_id", "rating", "timestamp"], *rows],
        "movies.csv.gz": [
            ["item_id", "title", "genres"],
            *sorted(film for film in films if film[0] in rated),
        ],
    }
    for name, table in tables.items():
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(table)
        assert (
            gzip.decompress((SHIPPED / "movietweetings-50k" / name).read_bytes()).decode()
            == text.getvalue()
        )


def test_the_shipped_set_is_small_and_brings_its_licence_and_its_story():
    folder = SHIPPED / "movietweetings-50k"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 700_000
    assert "Simon Dooms" in (folder / "LICENSE.txt").read_text()
    assert {file.name for file in folder.iterdir()} == {
        file.name for file in info("movietweetings-50k").files
    }


def test_everything_in_the_package_data_is_what_the_catalog_says():
    for dataset in available():
        for file in dataset.files if dataset.ships else ():
            content = (SHIPPED / dataset.name / file.name).read_bytes()
            assert file.sha256 in (None, hashlib.sha256(content).hexdigest())


def test_each_rating_can_carry_the_features_of_its_film():
    dataset = datasets.load()
    stream = dataset.with_item_features()
    item = dataset.items[stream.item_ids[0]]
    assert stream.features[0] == item.features()
    assert stream.user_ids == dataset.ratings.user_ids
    decades = Counter(features.get("decade") for features in stream.features)
    assert decades.most_common(1)[0][0] == "2010s"
    genres = [value for name, value in stream.features[0].items() if name.startswith("genre=")]
    assert sum(value**2 for value in genres) == pytest.approx(1)


def test_a_film_without_year_or_genres_has_no_features():
    assert datasets.Item(title="Unknown").features() == {}


def test_a_set_that_must_be_fetched_first_says_how(tmp_path):
    with pytest.raises(DataUnavailableError, match=rf"coursekit data get ml-1m --to {tmp_path}"):
        datasets.load("ml-1m", folder=tmp_path)


def test_an_unknown_set_is_refused_with_the_names_there_are():
    with pytest.raises(
        UnknownNameError, match=r"no data set 'netflix'; there are movietweetings-50k, .*ml-1m"
    ):
        datasets.load("netflix")


def test_fetching_the_shipped_set_copies_it(tmp_path):
    folder = datasets.fetch("movietweetings-50k", to=tmp_path / "new" / "place")
    assert {file.name for file in folder.iterdir()} == {
        file.name for file in info("movietweetings-50k").files
    }
    assert (folder / "ratings.csv.gz").read_bytes() == (
        SHIPPED / "movietweetings-50k" / "ratings.csv.gz"
    ).read_bytes()


@pytest.mark.parametrize("name", ["ml-latest-small", "movietweetings-100k"])
def test_a_set_is_taken_from_a_folder_that_the_user_names_and_can_be_opened(
    name, real_data, tmp_path
):
    folder = datasets.fetch(name, to=tmp_path, source=real_data)
    assert folder == tmp_path / name
    dataset = datasets.load(name, folder=tmp_path)
    assert len(dataset.ratings) == dataset.info.n_ratings
    assert set(dataset.ratings.item_ids) <= set(dataset.items)
    assert min(dataset.ratings.targets) >= dataset.info.rating_range[0]
    assert max(dataset.ratings.targets) <= dataset.info.rating_range[1]


def test_a_film_keeps_its_commas_and_quotes_and_loses_its_year_to_a_field_of_its_own(
    real_data, tmp_path
):
    datasets.fetch("ml-latest-small", to=tmp_path, source=real_data)
    items = datasets.load("ml-latest-small", folder=tmp_path).items
    assert items[11] == datasets.Item(
        title="American President, The", year=1995, genres=("Comedy", "Drama", "Romance")
    )
    assert items[40697].year is None
    assert items[143410].genres == ()


def test_the_other_forms_of_film_lists_are_read(tmp_path):
    flags = "|".join("1" if at in (3, 5) else "0" for at in range(19))
    (tmp_path / "u.item").write_bytes(
        f"1|Caf\xe9 (1995)|01-Jan-1995||http://x|{flags}\n".encode("latin-1")
    )
    (tmp_path / "movies.dat").write_bytes(
        "2::Am\xe9\x85lie (2001)::Comedy|Romance\r\n3::Nothing::\r\n".encode("latin-1")
    )
    assert loading.read_items(tmp_path / "u.item", "latin-1") == {
        "1": datasets.Item(title="Café", year=1995, genres=("Animation", "Comedy"))
    }
    assert loading.read_items(tmp_path / "movies.dat", "latin-1") == {
        "2": datasets.Item(title="Amé\x85lie", year=2001, genres=("Comedy", "Romance")),
        "3": datasets.Item(title="Nothing"),
    }


def test_a_changed_file_in_the_named_folder_is_refused_and_nothing_is_written(tmp_path):
    source = tmp_path / "mine"
    shutil.copytree(SHIPPED / "movietweetings-50k", source)
    (source / "ratings.dat").write_text("1::2::3::4\n")
    (source / "movies.dat").write_text("2::Heat (1995)::Crime\n")
    with pytest.raises(IntegrityError, match=r"ratings\.dat is not the file that was published"):
        datasets.fetch("movietweetings-100k", to=tmp_path / "out", source=source)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("ml-1m", r"ml-1m\.zip"),
        ("ml-100k", r"ml-100k\.zip or u\.data"),
        ("movietweetings-100k", r"ratings\.dat"),
    ],
)
def test_a_folder_without_the_files_says_which_one_is_missing(name, missing, tmp_path):
    with pytest.raises(DataUnavailableError, match=f"holds no {missing}"):
        datasets.fetch(name, to=tmp_path / "out", source=tmp_path)


def test_what_is_there_and_whole_is_not_fetched_again(real_data, tmp_path):
    folder = datasets.fetch("ml-latest-small", to=tmp_path, source=real_data)
    before = (folder / "ratings.csv").stat().st_mtime_ns
    datasets.fetch("ml-latest-small", to=tmp_path, source=tmp_path / "nowhere")
    assert (folder / "ratings.csv").stat().st_mtime_ns == before
    (folder / "ratings.csv").write_text("cut off")
    datasets.fetch("ml-latest-small", to=tmp_path, source=real_data)
    assert len(datasets.load("ml-latest-small", folder=tmp_path).ratings) == 100_836


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataUnavailableError, match=r"cannot be written .*--to"):
        datasets.fetch("movietweetings-50k", to=tmp_path / "file")


def test_every_address_in_the_catalog_is_https_and_every_file_can_be_verified():
    for dataset in available():
        for file in dataset.files:
            if not dataset.ships:
                assert dataset.archive is not None or (
                    file.url is not None and file.sha256 is not None
                )
            assert file.url is None or file.url.startswith("https://")
        if dataset.archive is not None:
            assert dataset.archive.url.startswith("https://") and len(dataset.archive.sha256) == 64
        assert {dataset.ratings_file, dataset.items_file} <= {file.name for file in dataset.files}
