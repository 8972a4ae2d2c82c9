"""What counts as the same, and how a difference is put into words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursekit.grading.checks.compare import array_of, difference, entries_of, fields_of, number_of
from coursekit.grading.errors import SubjectError, WrongValue
from coursekit.grading.protocol.subject import LocalSubject

A_REF = LocalSubject({"Thing": type("Thing", (), {})}).new("Thing")


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (1, 1.0),
        (1.0 + 1e-10, 1.0),
        (np.array(2.0), 2.0),
        ([1, 2], np.array([1.0, 2.0])),
        ((1, 2), [1, 2]),
        ([[1, 2], [3, 4]], np.array([[1, 2], [3, 4]])),
        ({"a": [1]}, {"a": np.array([1])}),
        (float("nan"), float("nan")),
        (float("inf"), float("inf")),
        (True, True),
        (1, True),
        (0.0, False),
        ([1, 0], [True, False]),
        (np.array([2.0]), 2.0),
        (np.array([[2.0]]), 2.0),
        (np.array([1 / 3], dtype=np.float32), [1 / 3]),
        (np.array(0.1, dtype=np.float32), 0.1),
        ([True, False], np.array([True, False])),
        ("word", "word"),
        (None, None),
        (["a", 1.0], ["a", 1]),
        ([], []),
    ],
)
def test_these_are_the_same(got, expected):
    assert difference(got, expected, rtol=1e-9) is None


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (1.5, 1.0, "the value is 1.5, expected 1"),
        (1 + 1e-8, 1.0, "the value is 1.00000001, expected 1.0"),
        (float("nan"), 1.0, "the value is nan, expected 1"),
        (True, 1.0, "the value is True, expected a number"),
        (2, True, "the value is a int, expected a truth value"),
        (None, True, "is None (is a `return` missing?), expected a truth value"),
        (np.array([0.3334], dtype=np.float32), [1 / 3], "the value[0] is 0.3334"),
        ("1", 1.0, "the value is '1', expected a number"),
        (None, 1.0, "the value is None (is a `return` missing?), expected a number"),
        ([1.0], 1.0, "the value has shape (1,), expected ()"),
        (A_REF, 1.0, "the value is an object of type Thing, expected a number"),
        ([1, 2, 4], np.array([1, 2, 3]), "the value[2] is 4, expected 3 (1 of 3 numbers differ)"),
        (
            [[1], [1, 2]],
            np.ones((2, 2)),
            "is a list that does not hold numbers in rows of one length",
        ),
        (np.ones(3), np.ones(4), "has shape (3,), expected (4,)"),
        ({"a": 1}, {"a": 2}, "the value['a'] is 1, expected 2"),
        ({"a": 1, "c": 1}, {"a": 1, "b": 2}, "lacks 1 of 2 keys and has 1 too many"),
        (3, {"a": 1}, "expected a dict"),
        ("abc", ["a", "b", "c"], "expected a list"),
        (["a"], ["a", "b"], "has 1 entries, expected 2"),
        ("a", "b", "the value is 'a', expected 'b'"),
        (None, "b", "is None"),
    ],
)
def test_a_difference_is_put_into_words(got, expected, words):
    assert words in str(difference(got, expected, rtol=1e-9))


def test_arrays_of_one_number_among_numbers_and_nothing_else():
    one = np.array([2.0])
    assert difference([one, one], [2.0, 2.0]) is None
    assert difference([one, 2.0, np.float32(2.0)], [2.0, 2.0, 2.0]) is None
    for got in ([one, [2.0, 2.0]], [one, "2"], [np.ones(2), 2.0], [one, [one, [one]]], [one]):
        assert difference(got, [2.0, 2.0]) is not None


def test_where_bits_are_compared_single_precision_is_not_enough():
    assert difference(np.array(0.1, dtype=np.float32), 0.1) is not None


def test_a_long_list_of_long_texts_is_not_made_an_array():
    texts = ["x" * 100_000, *["y"] * 200_000]
    assert "a list that does not hold numbers" in str(difference(texts, [1.0, 2.0]))
    with pytest.raises(WrongValue):
        array_of(texts)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.just(A_REF)
    | st.builds(np.ones, st.integers(0, 3)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=10,
)


@given(
    anything,
    st.sampled_from(
        [1.0, 3, True, "a", None, [1.0, 2.0], np.eye(2), {"a": 1.0}, ["a", None], {"b": [1.0]}]
    ),
)
def test_no_answer_breaks_a_comparison(got, expected):
    difference(got, expected, rtol=1e-9)


@given(anything)
def test_no_answer_breaks_a_conversion(value):
    for convert in (
        number_of,
        lambda each: array_of(each, (2, None)),
        lambda each: entries_of(each, ["a"]),
        lambda each: fields_of(each, ["a", "b"]),
    ):
        try:
            convert(value)
        except SubjectError:
            pass


def test_conversions_say_what_they_wanted():
    with pytest.raises(WrongValue, match=r"`V` has shape \(2, 2\), expected \(any, 3\)"):
        array_of(np.eye(2), (None, 3), "`V`")
    with pytest.raises(WrongValue, match="not finite"):
        number_of(float("inf"))
    with pytest.raises(WrongValue, match="`w` has no entry 'b'"):
        entries_of({"a": 1}, "ab", "`w`")
