"""What a good list of recommendations is: precision, recall and discounted gain on its first places
(lessons 03 and 04).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable, Sequence

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError
from coursekit.evaluation.metrics import RunningMean

__all__ = [
    "NDCGAtK",
    "PrecisionAtK",
    "RankingMetric",
    "RecallAtK",
    "ndcg_at_k",
    "precision_at_k",
    "recall_at_k",
]


class RankingMetric(ABC):
    """The mean quality of recommended lists, judged on their first `k` places.

    Parameters
    ----------
    k : int, 1 or more
        How many places a user sees.
    """

    def __init__(self, k: int = 10) -> None:
        if k < 1:
            raise InvalidParameterError(f"`k` must be 1 or more, got {k}.")
        self.k = k
        self._mean = RunningMean()

    @abstractmethod
    def score(self, ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
        """Return the quality of one list, best items first, given what the user really wanted."""

    def update(self, ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> None:
        """Judge one list. A user who wanted nothing says nothing about the list and is left out."""
        if relevant:
            self._mean.update(self.score(ranked, relevant))

    def get(self) -> float:
        """Return the mean over all lists so far; NaN before the first one."""
        return self._mean.get()


class PrecisionAtK(RankingMetric):
    """The share of the `k` places that hold a wanted item; an empty place counts as a miss."""

    def score(self, ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
        """Return the precision of one list."""
        return precision_at_k(ranked, relevant, self.k)


class RecallAtK(RankingMetric):
    """The share of the wanted items that are found on the first `k` places."""

    def score(self, ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
        """Return the recall of one list."""
        return recall_at_k(ranked, relevant, self.k)


class NDCGAtK(RankingMetric):
    """Normalised discounted cumulative gain: a wanted item counts less, the further down it stands;
    1 is the best order.
    """

    def score(self, ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
        """Return the gain of one list, divided by that of the best list."""
        return ndcg_at_k(ranked, relevant, self.k)


def precision_at_k(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int) -> float:
    """Return the share of the first `k` places that hold a relevant item.

    >>> precision_at_k(["a", "b", "c"], relevant={"a", "c", "z"}, k=2)
    0.5
    """
    return float(_hits(ranked, relevant, k).mean())


def recall_at_k(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int) -> float:
    """Return the share of the relevant items that stand on the first `k` places; NaN if nothing is
    relevant.

    >>> recall_at_k(["a", "b", "c"], relevant={"a", "z"}, k=2)
    0.5
    """
    return float(_hits(ranked, relevant, k).sum() / len(set(relevant))) if relevant else math.nan


def ndcg_at_k(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int) -> float:
    r"""Return $\sum_{r \le k} h_r / \log_2 (r + 1)$, divided by its value for the best order; NaN
    if nothing is relevant.

    >>> round(ndcg_at_k(["a", "b"], relevant={"b"}, k=2), 4)
    0.6309

    References
    ----------
    K. Järvelin and J. Kekäläinen (2002), "Cumulated gain-based evaluation of IR techniques",
    doi:10.1145/582415.582418.
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ideal = discounts[: len(set(relevant))].sum()
    return float(_hits(ranked, relevant, k) @ discounts / ideal) if relevant else math.nan


def _hits(
    ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int
) -> npt.NDArray[np.float64]:
    """Return 1.0 for each of the first `k` places that holds a relevant item not seen further up,
    shape (k,).
    """
    wanted = set(relevant)
    hits = np.zeros(k)
    for place, item in enumerate(ranked[:k]):
        hits[place] = item in wanted
        wanted.discard(item)  # a list that repeats an item earns nothing by it
    return hits
