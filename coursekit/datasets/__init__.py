"""Data sets: shipped, downloaded, read from your own files, or simulated with known parameters."""

from coursekit.datasets.catalog import DatasetInfo, available, info
from coursekit.datasets.loading import Dataset, Item, fetch, load
from coursekit.datasets.ratings import read_ratings
from coursekit.datasets.series import Series, read_series
from coursekit.datasets.streams import (
    AbruptDrift,
    Drift,
    ErrorStream,
    GradualDrift,
    IncrementalDrift,
    RatingStream,
    RecurringDrift,
    error_stream,
    rating_stream,
)

__all__ = [
    "AbruptDrift",
    "Dataset",
    "DatasetInfo",
    "Drift",
    "ErrorStream",
    "GradualDrift",
    "IncrementalDrift",
    "Item",
    "RatingStream",
    "RecurringDrift",
    "Series",
    "available",
    "error_stream",
    "fetch",
    "info",
    "load",
    "rating_stream",
    "read_ratings",
    "read_series",
]
