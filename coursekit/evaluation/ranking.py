"""Precision, recall and discounted cumulative gain of a recommended list (lessons 03 and 04)."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.validation import integer

__all__ = ["ndcg_at_k", "precision_at_k", "recall_at_k"]


def precision_at_k(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int) -> float:
    """Return the share of the first `k` items that are relevant.

    >>> precision_at_k(["a", "b", "c"], relevant={"a", "c", "z"}, k=2)
    0.5
    """
    return float(_hits(ranked, relevant, k).mean())


def recall_at_k(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int) -> float:
    """Return the share of the relevant items among the first `k`; NaN if nothing is relevant.

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


def _hits(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int) -> Floats:
    """Return 1.0 for each of the first `k` ranks with a relevant item, shape (k,)."""
    wanted = set(relevant)
    hits = np.zeros(integer("k", k))
    for place, item in enumerate(ranked[:k]):
        hits[place] = item in wanted
        wanted.discard(item)  # a repeated item counts once
    return hits
