"""Data to learn from: shipped, fetched, read from your own files, or simulated with a known
truth.
"""

from coursekit.datasets.catalog import DatasetInfo, available, info
from coursekit.datasets.loading import Dataset, Item, fetch, load
from coursekit.datasets.ratings import read_ratings
from coursekit.datasets.series import Series, read_series

__all__ = [
    "Dataset",
    "DatasetInfo",
    "Item",
    "Series",
    "available",
    "fetch",
    "info",
    "load",
    "read_ratings",
    "read_series",
]
