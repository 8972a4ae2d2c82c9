"""Tasks within lessons."""

import numpy as np
import pytest

from coursekit.grading.task import check_task

DATA = (np.array([1.0, 2.0, 3.0]),)


def not_written(x):
    raise NotImplementedError


def destroys_its_input(x):
    x[:] = 0.0
    return x.sum()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (np.sum, "Right, on all 2 examples."),
        (lambda x: float(sum(x)), "Right, on all 2 examples."),
        (not_written, "Not attempted yet"),
        (lambda x: None, "Not yet: in example 1 of 2 your answer is None"),
        (lambda x: "six", "Not yet: in example 1 of 2"),
        (lambda x: float("nan"), "Not yet: in example 1 of 2 your answer is nan"),
        (lambda x: 6.0, "Not yet: in example 2 of 2 your answer is 6, expected 12."),
        (lambda x: x["a"], "Not yet: in example 1 of 2 your code raises IndexError"),
        (destroys_its_input, "Not yet: in example 1 of 2 your answer is 0, expected 6."),
        (lambda: 1, "Not yet: in example 1 of 2 your code raises TypeError"),
    ],
)
def test_the_answer_is_told_in_one_sentence(answer, sentence):
    assert check_task(answer, np.sum, DATA, (2 * DATA[0],)).startswith(sentence)
