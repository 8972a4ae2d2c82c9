from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from coursekit.core.errors import InvalidParameterError
from coursekit.evaluation.ranking import ndcg_at_k, precision_at_k, recall_at_k


def some_lists(n=50):
    rng = np.random.default_rng(1)
    for _ in range(n):
        ranked = rng.permutation(20).tolist()
        yield ranked, set(rng.choice(20, rng.integers(1, 12), replace=False).tolist())


@pytest.mark.parametrize("k", [1, 3, 10, 20])
def test_gain_agrees_with_scikit_learn(k):
    for ranked, relevant in some_lists():
        scores = np.empty(20)
        scores[ranked] = np.arange(20, 0, -1)  # the higher the score, the further up
        truth = np.isin(np.arange(20), list(relevant)).astype(float)
        assert ndcg_at_k(ranked, relevant, k) == pytest.approx(
            ndcg_score([truth], [scores], k=k), rel=1e-12
        )


@pytest.mark.parametrize("k", [1, 3, 10, 20])
def test_precision_and_recall_count_the_same_hits(k):
    for ranked, relevant in some_lists():
        hits = len(set(ranked[:k]) & relevant)
        assert precision_at_k(ranked, relevant, k) == pytest.approx(hits / k)
        assert recall_at_k(ranked, relevant, k) == pytest.approx(hits / len(relevant))


def test_a_list_with_everything_wanted_on_top_is_perfect():
    assert (
        precision_at_k("abcd", {"a", "b"}, 2)
        == recall_at_k("abcd", {"a", "b"}, 2)
        == ndcg_at_k("abcd", {"a", "b"}, 3)
        == 1.0
    )


def test_an_empty_place_is_a_miss():
    assert precision_at_k(["a"], {"a"}, 4) == 0.25


def test_repeating_an_item_earns_nothing():
    for function in (precision_at_k, recall_at_k, ndcg_at_k):
        assert function(["a", "a", "a"], {"a", "b"}, 3) == function(["a", "x", "y"], {"a", "b"}, 3)


@pytest.mark.parametrize("function", [precision_at_k, recall_at_k, ndcg_at_k])
def test_a_list_of_no_places_is_refused(function):
    with pytest.raises(InvalidParameterError, match="`k` must be an integer, 1 or more, got 0"):
        function(["a"], {"a"}, 0)
