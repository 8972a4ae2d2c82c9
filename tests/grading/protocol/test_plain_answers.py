"""Right answers written differently are the same answers."""

import array
import dataclasses
from collections import OrderedDict, UserDict, UserList, defaultdict, deque
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from coursekit.grading.checks.compare import difference, fields_of
from coursekit.grading.protocol.subject import LocalSubject


class Sparse(Mapping):
    """A student's own dict."""

    def __init__(self, **entries):
        self.entries = entries

    def __getitem__(self, key):
        return self.entries[key]

    def __iter__(self):
        return iter(self.entries)

    def __len__(self):
        return len(self.entries)


class Table:
    """Like a dict, of no known kind."""

    def keys(self):
        return ["a", "b"]

    def __getitem__(self, key):
        return {"a": 0.5, "b": 2.0}[key]


class Slotted:
    __slots__ = ("alarm", "loss", "rate")

    def __init__(self, loss, rate, alarm):
        self.loss, self.rate, self.alarm = loss, rate, alarm


@dataclasses.dataclass
class Record:
    loss: float
    rate: float
    alarm: bool


def said(value):
    return LocalSubject({"value": lambda: value}).call("value")


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        np.float64(0.5),
        np.float32(0.5),
        np.float16(0.5),
        np.longdouble(0.5),
        Fraction(1, 2),
        Decimal("0.5"),
        np.array(0.5),
        np.array([0.5]),
        np.array([0.5], dtype=np.longdouble),
        np.array([[0.5]], dtype=np.float32),
    ],
    ids=repr,
)
def test_a_number(value):
    assert difference(said(value), 0.5, rtol=1e-9) is None


@pytest.mark.parametrize(
    "value", [True, 1, 1.0, np.bool_(True), np.int8(1), np.array(True)], ids=repr
)
def test_a_truth_value(value):
    assert difference(said(value), True) is None


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        deque,
        iter,
        UserList,
        np.array,
        lambda numbers: (number for number in numbers),
        lambda numbers: map(float, numbers),
        lambda numbers: array.array("d", numbers),
        lambda numbers: np.array(numbers, dtype=object),
        lambda numbers: np.array(numbers, dtype=np.longdouble),
        lambda numbers: np.array(numbers, dtype=np.float32),
        lambda numbers: [Fraction(number) for number in numbers],
        lambda numbers: dict.fromkeys(numbers).keys(),
        lambda numbers: dict(enumerate(numbers)).values(),
        lambda numbers: [np.array([number]).item() for number in numbers],
    ],
)
def test_several_numbers(make):
    assert difference(said(make([0.5, 2.0, 3.25])), [0.5, 2.0, 3.25], rtol=1e-9) is None


@pytest.mark.parametrize(
    "value",
    [
        {"a": 0.5, "b": 2.0},
        OrderedDict(a=0.5, b=2.0),
        defaultdict(float, a=0.5, b=2.0),
        UserDict(a=0.5, b=2.0),
        Sparse(a=0.5, b=2.0),
        Table(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_dict(value):
    assert difference(said(value), {"a": 0.5, "b": 2.0}) is None


@pytest.mark.parametrize(
    "value",
    [
        (0.5, 2.0, True),
        [0.5, 2.0, True],
        {"alarm": True, "loss": 0.5, "rate": 2.0},
        Record(0.5, 2.0, True),
        Slotted(0.5, 2.0, True),
        SimpleNamespace(loss=0.5, rate=2.0, alarm=True),
        np.array([0.5, 2.0, 1.0]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_record(value):
    assert [*fields_of(said(value), ("loss", "rate", "alarm"))] == [0.5, 2.0, True]


def test_an_iterator_without_an_end_is_a_failed_call_and_no_hang():
    def forever():
        while True:
            yield 1.0

    subject = LocalSubject({"value": forever})
    with pytest.raises(Exception, match="too large"):
        subject.call("value")
