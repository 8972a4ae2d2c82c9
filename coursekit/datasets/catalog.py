"""Which data sets the course knows: where they come from, what they may be used for, and how to
tell that they are whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from coursekit.core.errors import UnknownNameError

__all__ = ["Archive", "DataFile", "DatasetInfo", "available", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of a data set.

    Parameters
    ----------
    name : str
    sha256 : str, optional
        Of the file unpacked; left out where only the archive around it is known.
    url : str, optional
        Its official address, where it is fetched by itself.
    """

    name: str
    sha256: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A zip file that holds all files of a data set, in a folder named like the set.

    Parameters
    ----------
    url : str
        Its official address.
    sha256 : str
    """

    url: str
    sha256: str

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    """A set of ratings and what is known about it before it is opened.

    Parameters
    ----------
    name : str
    title : str
        One line for a list.
    n_ratings : int
    rating_range : (lowest, highest)
    licence : str
        What one may do with it, in a few words.
    homepage : str
    ratings_file, items_file : str
        Names of the two files that are read.
    files : tuple of DataFile
        Everything that belongs to the set, its licence or README included.
    archive : Archive, optional
        Where all files come from at once.
    ships : bool
        Whether it lies inside the package.
    """

    name: str
    title: str
    n_ratings: int
    rating_range: tuple[float, float]
    licence: str
    homepage: str
    ratings_file: str
    items_file: str
    files: tuple[DataFile, ...]
    archive: Archive | None = None
    ships: bool = False


_GROUPLENS = (
    "research and teaching, with credit; no commercial use, no passing on without permission "
    "(GroupLens)"
)
_SNAPSHOT = "https://raw.githubusercontent.com/sidooms/MovieTweetings/master"

_CATALOG = (
    DatasetInfo(
        name="movietweetings-50k",
        title="MovieTweetings, the first 50,000 ratings (2013): a stream of ever new users and "
        "films",
        n_ratings=50_000,
        rating_range=(0.0, 10.0),
        licence="MIT (Simon Dooms)",
        homepage="https://github.com/sidooms/MovieTweetings",
        ratings_file="ratings.csv.gz",
        items_file="movies.csv.gz",
        files=(
            DataFile(
                name="ratings.csv.gz",
                sha256="6ca5f0e72e64421008ac783a8d1de6c9f7d78ae36328ac41b6a31260332ad627",
            ),
            DataFile(
                name="movies.csv.gz",
                sha256="a5624de274c2bdf92115f8a0a1182471263041740f1b0e3a92a7b0b55f725a17",
            ),
            DataFile(
                name="LICENSE.txt",
                sha256="ae985d01e5fe4f32d14937099a4e871dbdc2d93d8ccc2f7a141ec4ecddcab41c",
            ),
            DataFile(name="README.md"),
        ),
        ships=True,
    ),
    DatasetInfo(
        name="movietweetings-100k",
        title="MovieTweetings, the whole 100K snapshot",
        n_ratings=100_000,
        rating_range=(0.0, 10.0),
        licence="MIT (Simon Dooms)",
        homepage="https://github.com/sidooms/MovieTweetings",
        ratings_file="ratings.dat",
        items_file="movies.dat",
        files=(
            DataFile(
                name="ratings.dat",
                sha256="c0dd868c2632d10002ebc928ddc5345f33adeaa59eca52c2941c26a2c5e36fd6",
                url=f"{_SNAPSHOT}/snapshots/100K/ratings.dat",
            ),
            DataFile(
                name="movies.dat",
                sha256="e63fb84bc734e3c574f135634a40d3cbafab22b8f94f5fc0b80f80d1d2076efc",
                url=f"{_SNAPSHOT}/snapshots/100K/movies.dat",
            ),
        ),
    ),
    DatasetInfo(
        name="ml-latest-small",
        title="MovieLens latest-small (2018): 610 users over 22 years",
        n_ratings=100_836,
        rating_range=(0.5, 5.0),
        licence="research and teaching, with credit; no commercial use; passed on under the same "
        "terms (GroupLens)",
        homepage="https://grouplens.org/datasets/movielens/latest/",
        ratings_file="ratings.csv",
        items_file="movies.csv",
        files=(
            DataFile(
                name="ratings.csv",
                sha256="aa289ca83157595d0df6aea1be6a4ded676ddc4385472e8313a8ed9805352646",
            ),
            DataFile(
                name="movies.csv",
                sha256="5a5f32dd9bb3797b8e728a1b98958789d2b13f294a69fdfbc5727f8a9611aa07",
            ),
            DataFile(
                name="README.txt",
                sha256="63d22ac138e80fae37021797ed8e1b9424b5239dc576a137422adf783ae3f404",
            ),
        ),
        archive=Archive(
            url="https://files.grouplens.org/datasets/movielens/ml-latest-small.zip",
            sha256="696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
        ),
    ),
    DatasetInfo(
        name="ml-100k",
        title="MovieLens 100K (1998): the classic, 943 users",
        n_ratings=100_000,
        rating_range=(1.0, 5.0),
        licence=_GROUPLENS,
        homepage="https://grouplens.org/datasets/movielens/100k/",
        ratings_file="u.data",
        items_file="u.item",
        files=(
            DataFile(
                name="u.data",
                sha256="06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
            ),
            DataFile(
                name="u.item",
                sha256="553841ebc7de3a0fd0d6b62a204ea30c1e651aacfb2814c7a6584ac52f2c5701",
            ),
            DataFile(name="README"),
        ),
        archive=Archive(
            url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
            sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
        ),
    ),
    DatasetInfo(
        name="ml-1m",
        title="MovieLens 1M (2003): a million ratings, 6,040 users",
        n_ratings=1_000_209,
        rating_range=(1.0, 5.0),
        licence=_GROUPLENS,
        homepage="https://grouplens.org/datasets/movielens/1m/",
        ratings_file="ratings.dat",
        items_file="movies.dat",
        files=(DataFile(name="ratings.dat"), DataFile(name="movies.dat"), DataFile(name="README")),
        archive=Archive(
            url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
            sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
        ),
    ),
)


def available() -> tuple[DatasetInfo, ...]:
    """Return every data set that the course knows, those inside the package first.

    >>> [each.name for each in available() if each.ships]
    ['movietweetings-50k']
    """
    return _CATALOG


def info(name: str) -> DatasetInfo:
    """Return what is known about one data set.

    Raises
    ------
    UnknownNameError
        If there is no such set; the message lists those there are.
    """
    for each in _CATALOG:
        if each.name == name:
            return each
    raise UnknownNameError(
        f"There is no data set {name!r}; there are {', '.join(each.name for each in _CATALOG)}."
    )
