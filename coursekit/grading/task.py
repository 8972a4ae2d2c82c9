"""Check a small task within a lesson: a reader's function beside the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from coursekit.grading.checks.compare import difference

__all__ = ["check_task"]


def check_task(
    answer: Callable[..., Any], reference: Callable[..., Any], *inputs: tuple[Any, ...]
) -> str:
    """Compare a reader's function with the reference on some inputs, and say the result.

    Numbers agree within 1e-9 of the expected ones. The sentence names the first difference, never
    the reference.

    Parameters
    ----------
    answer : callable
        The reader's; as long as it raises NotImplementedError it is "not attempted".
    reference : callable
    inputs : tuples
        The arguments of each call; the functions get copies of arrays.

    Examples
    --------
    >>> check_task(lambda x: x + x, lambda x: 2 * x, (3.0,), (0.5,))
    'Right, on all 2 examples.'
    >>> check_task(lambda x: x * x, lambda x: 2 * x, (2.0,), (0.5,))
    'Not yet: in example 2 of 2 your answer is 0.25, expected 1.'
    """
    for number, arguments in enumerate(inputs, start=1):
        mine, theirs = ([_copied(each) for each in arguments] for _ in range(2))
        where = f"in example {number} of {len(inputs)}"
        try:
            said = answer(*mine)
        except NotImplementedError:
            return "Not attempted yet: replace the line that raises NotImplementedError."
        except Exception as error:  # noqa: BLE001 - the reader's code may raise anything
            return f"Not yet: {where} your code raises {type(error).__name__}: {error}."
        found = difference(said, reference(*theirs), rtol=1e-9, atol=1e-12, what="your answer")
        if found is not None:
            return f"Not yet: {where} {found}."
    return f"Right, on all {len(inputs)} examples."


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value
