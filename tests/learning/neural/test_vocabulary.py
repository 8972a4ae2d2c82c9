"""The bounded vocabulary against a plain model of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursekit.core.errors import InvalidParameterError, StateFormatError
from coursekit.learning.neural.vocabulary import BoundedVocabulary


@given(size=st.integers(1, 5), ids=st.lists(st.integers(0, 9), max_size=60))
def test_it_forgets_the_least_recently_learnt_and_no_two_live_ids_share_a_row(size, ids):
    vocabulary, order = BoundedVocabulary(size), []
    rows = {}
    for id_ in ids:
        victim = order[0] if id_ not in order and len(order) == size else None
        assert vocabulary.row_to_reuse(id_) == (rows[victim] if victim is not None else -1)
        row, is_new = vocabulary.learn(id_)
        assert is_new == (id_ not in order)
        if id_ in order:
            order.remove(id_)
            assert row == rows[id_]
        elif victim is not None:
            order.remove(victim)
            assert row == rows.pop(victim)
        order.append(id_)
        rows[id_] = row
        assert vocabulary.ids == order
        assert sorted(rows.values()) == sorted(set(rows.values())) == sorted(range(len(order)))
        assert vocabulary.rows_of([*range(10)]).tolist() == [
            rows.get(each, -1) for each in range(10)
        ]


def test_asking_keeps_nobody_alive():
    vocabulary = BoundedVocabulary(2)
    vocabulary.learn("ada")
    vocabulary.learn("bob")
    vocabulary.row_of("ada")
    vocabulary.rows_of(["ada"])
    vocabulary.learn("eve")
    assert vocabulary.ids == ["bob", "eve"]


def test_a_state_keeps_rows_and_order():
    vocabulary, other = BoundedVocabulary(3), BoundedVocabulary(3)
    for id_ in ("a", 7, "b", 7, ("shop", 1), "a"):
        vocabulary.learn(id_)
    other.set_state(vocabulary.get_state())
    assert (other.ids, other.rows.tolist()) == (vocabulary.ids, vocabulary.rows.tolist())
    assert other.learn("new") == vocabulary.learn("new")


@pytest.mark.parametrize("rows", [np.array([0, 0]), np.array([0, 9])])
def test_a_state_that_cannot_be_is_refused(rows):
    vocabulary = BoundedVocabulary(3)
    vocabulary.learn("a")
    vocabulary.learn("b")
    state = vocabulary.get_state()
    with pytest.raises(StateFormatError, match="each its own"):
        vocabulary.set_state({**state, "memory": {**state["memory"], "rows": rows}})
    with pytest.raises(StateFormatError, match="'size': 4"):
        BoundedVocabulary(4).set_state(state)
    assert vocabulary.ids == ["a", "b"]


def test_a_size_out_of_range_is_named():
    for size in (0, -1, 2.5, True):
        with pytest.raises(InvalidParameterError, match="`size`"):
            BoundedVocabulary(size)
