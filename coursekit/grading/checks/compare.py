"""Compare the result of a solution with the expected value, and describe the difference.

The result has been decoded by `coursekit.grading.protocol.codec`, so it is plain data of
any kind; no comparison raises anything but `WrongValue` because of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from coursekit.grading.errors import WrongValue
from coursekit.grading.protocol.subject import Ref

__all__ = ["array_of", "difference", "entries_of", "fields_of", "number_of"]

_SINGLE_PRECISION = 1e-5  # what a careful computation in float32 keeps, relative to the largest


def difference(
    got: Any, expected: Any, *, rtol: float = 0.0, atol: float = 0.0, what: str = "the value"
) -> str | None:
    """Return how `got` differs from `expected`, or None where it does not.

    Numbers are compared within ``atol + rtol * abs(expected)``, shapes and lengths exactly. Lists,
    tuples and arrays of the same numbers are equal. For a number an array of one number will do,
    for a truth value 0 or 1, but no truth value for a number. Arrays of single precision are
    compared within their precision, unless both tolerances are 0. NaN equals only an expected NaN.

    Examples
    --------
    >>> difference([1.0, 2.0], np.array([1.0, 2.0])) is None
    True
    >>> print(difference([1.0, 2.5, 3.5], [1.0, 2.0, 3.0], what="prediction"))
    prediction[1] is 2.5, expected 2 (2 of 3 numbers differ)
    """
    if isinstance(expected, Mapping):
        return _difference_of_mappings(got, expected, rtol, atol, what)
    wanted = _numbers(expected)
    if wanted is not None:
        return _difference_of_numbers(got, wanted, rtol, atol, what)
    if isinstance(expected, list | tuple):
        return _difference_of_items(got, expected, rtol, atol, what)
    if type(got) is type(expected) and got == expected:
        return None
    if got is None or isinstance(got, Ref):
        return _of_kind(got, what)
    return f"{what} {_both(got, expected)}"


def number_of(value: Any, what: str = "the value") -> float:
    """Return a single finite number.

    Raises
    ------
    WrongValue
        If the value is anything else.
    """
    return float(array_of(value, (), what))


def array_of(
    value: Any, shape: tuple[int | None, ...] | None = None, what: str = "the value"
) -> npt.NDArray[np.float64]:
    """Return finite numbers as an array of a shape in which None stands for any length.

    Raises
    ------
    WrongValue
        If the value is anything else.
    """
    numbers = _numbers(value)
    if numbers is None or numbers.dtype.kind == "b":
        _refuse(_of_kind(value, what, "a number" if shape == () else "numbers"))
    if shape == () and isinstance(value, np.ndarray) and numbers.size == 1:
        numbers = numbers.reshape(())
    if shape is not None and not _fits(numbers.shape, shape):
        _refuse(_of_shape(what, numbers.shape, _shape_text(shape)))
    if not np.isfinite(numbers).all():
        raise WrongValue(f"{what} holds a number that is not finite")
    return numbers.astype(np.float64)


def entries_of(value: Any, keys: Iterable[Any], what: str = "the value") -> list[Any]:
    """Return the entries of a dict under some keys, in the order of the keys.

    Raises
    ------
    WrongValue
        If the value is no dict or lacks a key.
    """
    if not isinstance(value, dict):
        _refuse(_of_kind(value, what, "a dict"))
    wanted = list(keys)
    lacking = [key for key in wanted if key not in value]
    if lacking:
        raise WrongValue(f"{what} has no entry {_short(lacking[0])}")
    return [value[key] for key in wanted]


def fields_of(value: Any, names: Sequence[str], what: str = "the value") -> list[Any]:
    """Return the fields of a record: of a tuple or list by position, of a dict or an object of any
    class by name.

    Raises
    ------
    SubjectError
        If the value has other fields.
    """
    if isinstance(value, Ref):
        return [value.get(name) for name in names]
    if isinstance(value, dict):
        return entries_of(value, names, what)
    if not _is_sequence(value):
        _refuse(_of_kind(value, what, f"a record of {', '.join(names)}"))
    if len(value) != len(names):
        _refuse(_of_length(what, len(value), len(names)))
    return list(value)


def _difference_of_numbers(
    got: Any, expected: npt.NDArray[Any], rtol: float, atol: float, what: str
) -> str | None:
    numbers, is_truth = _numbers(got), expected.dtype.kind == "b"
    if numbers is not None and is_truth and np.isin(numbers, (0, 1)).all():
        numbers = numbers.astype(bool)
    if numbers is None or (numbers.dtype.kind == "b") != is_truth:
        wanted = "a number" if expected.ndim == 0 else "numbers"
        return _of_kind(got, what, "a truth value" if is_truth else wanted)
    if _holds_arrays_of_one(got) and numbers.size == expected.size:
        numbers = numbers.reshape(expected.shape)
    if numbers.shape != expected.shape:
        return _of_shape(what, numbers.shape, str(expected.shape))
    if numbers.dtype in (np.float16, np.float32) and rtol + atol > 0:
        largest = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
        rtol, atol = max(rtol, _SINGLE_PRECISION), max(atol, _SINGLE_PRECISION * float(largest))
    with np.errstate(all="ignore"):
        mine, ours = numbers.astype(np.float64), expected.astype(np.float64)
        same = np.isclose(mine, ours, rtol=rtol, atol=atol, equal_nan=True)
    if same.all():
        return None
    if expected.ndim == 0:
        return f"{what} {_both(numbers.item(), expected.item())}"
    at = tuple(int(i) for i in np.argwhere(~same)[0])
    place = f"{what}[{', '.join(map(str, at))}]"
    count = f"{int((~same).sum())} of {same.size} numbers differ"
    both = _both(numbers[at].item(), expected[at].item())
    return f"{place} {both} ({count})"


def _difference_of_items(
    got: Any, expected: Sequence[Any], rtol: float, atol: float, what: str
) -> str | None:
    if not _is_sequence(got):
        return _of_kind(got, what, "a list")
    if len(got) != len(expected):
        return _of_length(what, len(got), len(expected))
    return _first(
        difference(one, other, rtol=rtol, atol=atol, what=f"{what}[{at}]")
        for at, (one, other) in enumerate(zip(got, expected, strict=True))
    )


def _difference_of_mappings(
    got: Any, expected: Mapping[Any, Any], rtol: float, atol: float, what: str
) -> str | None:
    if not isinstance(got, dict):
        return _of_kind(got, what, "a dict")
    if set(got) != set(expected):
        lacking, extra = len(set(expected) - set(got)), len(set(got) - set(expected))
        return f"{what} lacks {lacking} of {len(expected)} keys and has {extra} too many"
    return _first(
        difference(got[key], expected[key], rtol=rtol, atol=atol, what=f"{what}[{key!r}]")
        for key in expected
    )


def _is_sequence(value: object) -> bool:
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _first(found: Iterable[str | None]) -> str | None:
    return next((each for each in found if each is not None), None)


def _numbers(value: Any) -> npt.NDArray[Any] | None:
    """Return numbers or truth values as an array, None for anything else."""
    if isinstance(value, list | tuple) and not all(map(_holds_numbers, value)):
        return None  # before numpy makes an array of texts, as wide as the longest
    if not (isinstance(value, list | tuple) or _is_leaf(value)):
        return None
    if isinstance(value, list | tuple) and len({type(each) is np.ndarray for each in value}) > 1:
        value = [_single(each) for each in value]
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):  # lists of unequal length
        return None
    return array if array.dtype.kind in "biuf" else None


def _single(value: Any) -> Any:
    """Return the number in an array of one number, anything else as it is."""
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value


def _holds_arrays_of_one(value: Any) -> bool:
    """Whether a value is an array of one number, or a list of such arrays."""
    if isinstance(value, list | tuple):
        return bool(value) and all(
            isinstance(each, np.ndarray) and each.size == 1 for each in value
        )
    return isinstance(value, np.ndarray) and value.size == 1


def _holds_numbers(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_holds_numbers, value))
    return _is_leaf(value)


def _is_leaf(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biuf"
    return isinstance(value, bool | int | float | np.generic)


def _of_kind(value: Any, what: str, expected: str = "") -> str:
    end = f", expected {expected}" if expected else ""
    kind = _kind(value)
    said = repr(value) if isinstance(value, bool | str) else kind
    if isinstance(value, Ref):
        said = f"an object of type {value.type_name}"
    return f"{what} is {said if len(said) <= 60 else kind}{end}"


def _kind(value: Any) -> str:
    if value is None:
        return "None (is a `return` missing?)"
    if isinstance(value, Ref):
        return "an object"
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} that does not hold numbers in rows of one length"
    return f"a {type(value).__name__}"


def _of_shape(what: str, shape: tuple[int, ...], expected: str) -> str:
    return f"{what} has shape {shape}, expected {expected}"


def _of_length(what: str, length: int, expected: int) -> str:
    return f"{what} has {length} entries, expected {expected}"


def _refuse(found: str) -> NoReturn:
    raise WrongValue(found)


def _both(got: Any, expected: Any) -> str:
    one, other = _short(got), _short(expected)
    if one == other:
        one, other = repr(got), repr(expected)
    return f"is {one}, expected {other}"


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        want is None or have == want for have, want in zip(shape, wanted, strict=True)
    )


def _shape_text(shape: tuple[int | None, ...]) -> str:
    inner = ", ".join("any" if size is None else str(size) for size in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"
