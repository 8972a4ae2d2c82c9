"""What a check can ask of a solution, and what it hears when the solution does not play along."""

import sys

import numpy as np
import pytest

from coursekit.grading.errors import Missing, NotAttempted, RefusedReply, StudentError
from coursekit.grading.protocol.subject import LocalSubject, Ref


class Counter:
    def __init__(self, start=0):
        self.value = start

    def add(self, amount=1):
        self.value += amount
        return self.value

    @property
    def broken(self):
        raise ZeroDivisionError("no")


@pytest.fixture
def subject():
    return LocalSubject(
        {
            "Counter": Counter,
            "make": lambda: Counter(5),
            "value_of": lambda counter: counter.value,
            "answer": 42,
        }
    )


def test_functions_are_called_with_positions_and_names():
    assert LocalSubject({"f": lambda a, *, b: a - b}).call("f", 5, b=3) == 2


def test_variables_can_be_read_and_set(subject):
    subject.set("answer", [1, 2])
    assert subject.get("answer") == [1, 2]


def test_an_object_stays_where_it_is_and_is_asked_by_reference(subject):
    counter = subject.new("Counter", 3)
    assert counter.call("add", amount=4) == 7
    assert counter.map("add", [[1], [10]]) == [8, 18]
    counter.set("value", 1)
    assert counter.get("value") == 1
    assert subject.call("value_of", counter) == 1


def test_an_object_that_a_function_returns_is_a_reference(subject):
    made = subject.call("make")
    assert isinstance(made, Ref)
    assert (made.type_name, made.get("value")) == ("Counter", 5)


def test_objects_inside_of_data_are_references_too():
    [first, second] = LocalSubject({"f": lambda: [Counter(1), {"a": Counter(2)}]}).call("f")
    assert (first.get("value"), second["a"].get("value")) == (1, 2)


def test_arguments_and_answers_are_copies():
    kept = []

    def keep(array, numbers):
        array[:] = 0
        numbers.append(1)
        kept.append(numbers)
        return numbers

    array, numbers = np.ones(2), [5]
    answer = LocalSubject({"keep": keep}).call("keep", array, numbers)
    assert (array.tolist(), numbers, answer) == ([1, 1], [5], [5, 1])
    assert answer is not kept[0]


def test_a_mapped_call_is_the_same_as_single_calls():
    subject = LocalSubject({"square": lambda x: x * x})
    assert subject.map("square", [[x] for x in range(5)]) == [
        subject.call("square", x) for x in range(5)
    ]


def test_a_name_that_is_not_there_is_missing(subject):
    for question in (
        lambda: subject.call("nobody"),
        lambda: subject.get("nobody"),
        lambda: subject.new("Nobody"),
    ):
        with pytest.raises(Missing, match=r"`(n|N)obody` is not defined"):
            question()
    with pytest.raises(Missing, match="`jump` is not defined"):
        subject.new("Counter").call("jump")


def test_a_stub_is_not_attempted_and_is_named_however_deep():
    def inner():
        raise NotImplementedError

    with pytest.raises(NotAttempted, match="`inner` is still to be written"):
        LocalSubject({"outer": lambda: inner()}).call("outer")


def test_an_exception_says_its_type_text_and_line():
    def divide(x):
        return 1 / x  # the culprit

    with pytest.raises(
        StudentError, match=r"ZeroDivisionError: .* \(in the line `return 1 / x"
    ) as caught:
        LocalSubject({"divide": divide}).call("divide", 0)
    assert caught.value.line.endswith("# the culprit")


def test_an_exit_is_only_a_failed_call():
    with pytest.raises(StudentError, match="SystemExit"):
        LocalSubject({"leave": sys.exit}).call("leave")


def test_a_property_that_raises_is_the_students_error(subject):
    with pytest.raises(StudentError, match="ZeroDivisionError: no"):
        subject.new("Counter").get("broken")


def test_an_exception_whose_text_raises_is_still_only_a_failed_call():
    class NastyError(Exception):
        def __str__(self):
            raise ValueError

    def fail():
        raise NastyError

    with pytest.raises(StudentError, match="NastyError"):
        LocalSubject({"fail": fail}).call("fail")


def test_the_student_can_stop_a_local_check():
    def wait():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalSubject({"wait": wait}).call("wait")


def test_an_answer_that_is_too_deep_or_too_long_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(StudentError, match="nested more than"):
        LocalSubject({"f": lambda: endless}).call("f")
    with pytest.raises(StudentError, match="more than 25 digits"):
        LocalSubject({"f": lambda: 10**30}).call("f")
    with pytest.raises(StudentError, match="too large"):
        LocalSubject({"f": lambda: np.zeros(2_000_000)}).call("f")


def test_equality_of_a_solutions_own_making_does_not_cross_the_seam():
    class Agreeable(float):
        def __eq__(self, other):
            return True

        __hash__ = None

    class AgreeableArray(np.ndarray):
        def __eq__(self, other):
            return np.ones(self.shape, bool)

    subject = LocalSubject(
        {
            "number": lambda: Agreeable(3),
            "array": lambda: np.zeros(2).view(AgreeableArray),
            "thing": lambda: Odd(),
        }
    )

    class Odd:
        def __eq__(self, other):
            return True

        __hash__ = None

    assert type(subject.call("number")) is float
    assert type(subject.call("array")) is np.ndarray
    assert isinstance(subject.call("thing"), Ref)
    assert subject.call("thing") != 5


class Forged(LocalSubject):
    def __init__(self, reply):
        super().__init__({})
        self.reply = reply

    def exchange(self, request):
        return self.reply


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "[]",
        "{}",
        '{"protocol": 2, "replies": [{"value": 1}]}',
        '{"protocol": 1, "replies": []}',
        '{"protocol": 1, "replies": [{"value": 1}, {"value": 2}]}',
        '{"protocol": 1, "replies": [7]}',
        '{"protocol": 1, "replies": [{}]}',
        '{"protocol": 1, "replies": [{"error": "oh"}]}',
        '{"protocol": 1, "replies": [{"error": {"type": 1, "message": "", "line": ""}}]}',
    ],
)
def test_a_forged_reply_is_refused(reply):
    with pytest.raises(RefusedReply):
        Forged(reply).call("f")


def test_a_mapped_call_must_be_answered_for_every_list():
    with pytest.raises(RefusedReply, match="does not hold 2 answers"):
        Forged('{"protocol": 1, "replies": [{"map": [{"value": 1}]}]}').map("f", [[1], [2]])


def test_a_class_that_makes_no_object_is_refused():
    with pytest.raises(RefusedReply, match="did not make an object"):
        Forged('{"protocol": 1, "replies": [{"value": 3}]}').new("Counter")


def test_what_a_stub_claims_to_be_called_is_not_believed():
    forged = Forged('{"protocol": 1, "replies": [{"not_attempted": "<script>"}]}')
    with pytest.raises(NotAttempted, match="`f` is still to be written"):
        forged.call("f")
