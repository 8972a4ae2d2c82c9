"""Values cross the seam exactly, and what is not data does not cross it at all."""

import base64
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from coursekit.grading.errors import RefusedReply
from coursekit.grading.protocol.codec import ReplyLimits, decode, encode, parse
from coursekit.grading.protocol.subject import LocalSubject

leaves = st.none() | st.booleans() | st.integers(-(10**24), 10**24) | st.floats() | st.text()
keys = st.booleans() | st.integers(-100, 100) | st.text() | st.tuples(st.integers(0, 9), st.text())
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(keys, inner)
        | st.sets(st.integers(0, 9))
    ),
    max_leaves=20,
)
dtypes = st.sampled_from(["<f8", ">f8", "<f4", "<f2", "<i8", ">i4", "|i1", "|u1", "<u2", "|b1"])
arrays = dtypes.flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
    )
)


def same(one, other):
    """Equal in type and value, with NaN equal to NaN."""
    if isinstance(one, float) and isinstance(other, float):
        return (one == other and math.copysign(1, one) == math.copysign(1, other)) or (
            math.isnan(one) and math.isnan(other)
        )
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and list(one) == list(other)
            and all(same(one[key], other[key]) for key in one)
        )
    return type(one) is type(other) and one == other


@given(values)
def test_plain_values_come_back_exactly(value):
    assert same(LocalSubject({"echo": lambda x: x}).call("echo", value), value)


@given(arrays)
def test_arrays_come_back_bit_for_bit(array):
    back = LocalSubject({"echo": lambda x: x}).call("echo", array)
    assert (back.shape, back.dtype) == (array.shape, array.dtype.newbyteorder("<"))
    np.testing.assert_array_equal(back, array)


def test_numpy_scalars_become_plain_numbers():
    assert LocalSubject({"f": lambda: [np.float32(0.5), np.int64(3), np.bool_(True)]}).call(
        "f"
    ) == [0.5, 3, True]


@given(st.text() | st.binary())
def test_any_text_is_either_read_or_refused(text):
    try:
        decode(parse(text))
    except RefusedReply:
        pass


def nested(depth):
    return "[" * depth + "]" * depth


def array(**changes):
    content = {"dtype": "<f8", "shape": [2], "data": base64.b64encode(bytes(16)).decode()}
    return {"$array": {**content, **changes}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x" * 101, "longer than 100"),
        ("{", "not readable"),
        ("NaN", "constant NaN"),
        ("-Infinity", "constant -Infinity"),
        ("1e999", "too large"),
        ("1" * 26, "more than 25 digits"),
        ('"\udce0"'.encode("utf-8", "surrogatepass"), "not readable"),
    ],
)
def test_a_text_outside_the_limits_is_refused(text, reason):
    with pytest.raises(RefusedReply, match=reason):
        parse(text, ReplyLimits(max_bytes=100))


def test_a_hundred_thousand_brackets_are_refused():
    with pytest.raises(RefusedReply, match="RecursionError"):
        parse(nested(100_000))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (json.loads(nested(60)), "nested more than 40"),
        ({"$array": 3}, "unknown form"),
        ({"a": 3}, "unknown form"),
        ({}, "unknown form"),
        ({"$tuple": [], "$set": []}, "unknown form"),
        ({"$tuple": "ab"}, "unknown form"),
        ({"$dict": [[1, 2, 3]]}, "unknown form"),
        ({"$dict": {"a": 1}}, "unknown form"),
        ({"$float": "nano"}, "unknown form"),
        ({"$float": 3}, "unknown form"),
        ({"$set": [[1]]}, "cannot be one"),
        ({"$dict": [[[1], 2]]}, "cannot be one"),
        ({"$set": list(range(11_000))}, "more than 10,000 entries"),
        ({"$ref": "../r0", "type": "X"}, "unknown form"),
        ({"$ref": "r" * 33, "type": "X"}, "unknown form"),
        ({"$ref": 5, "type": "X"}, "unknown form"),
        ({"$ref": "r0", "type": ["X"]}, "unknown form"),
        ("y" * 100_001, "text of more than"),
        (array(dtype="|O"), "type that we do not read"),
        (array(dtype="<c16"), "type that we do not read"),
        (array(dtype=["<f8"]), "type that we do not read"),
        (array(shape=[3]), "as many bytes"),
        (array(shape=[-2]), "a shape that is none"),
        (array(shape=[2.0]), "a shape that is none"),
        (array(shape=[True, 2]), "a shape that is none"),
        (array(shape=2), "no shape"),
        (array(shape=[1] * 9 + [2]), "more than 8 axes"),
        (array(shape=[0, 2**70], data=""), "a shape that is none"),
        (array(data="%%%%"), "not base64"),
        (array(data=[0, 1]), "no data"),
        ({"$array": {"dtype": "<f8"}}, "unknown form"),
    ],
)
def test_a_value_of_another_form_is_refused(value, reason):
    with pytest.raises(RefusedReply, match=reason):
        decode(value)


@pytest.mark.parametrize("value", [object(), 1j, b"bytes", np.array(["a"]), np.array([None])])
def test_a_check_cannot_send_what_is_no_data(value):
    with pytest.raises(TypeError, match="cannot send"):
        encode(value)
