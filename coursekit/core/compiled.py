"""Just-in-time compilation by numba: the same functions run as plain Python without it.

The first call of a compiled function compiles it (about a second) and caches the machine code on
disk for later sessions. Set ``COURSEKIT_COMPILE=0`` to run the same source as plain Python.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["IS_COMPILED", "compiled", "entrance"]


def _wants_compiler() -> bool:
    if os.environ.get("COURSEKIT_COMPILE", "1") == "0":
        return False
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


IS_COMPILED = _wants_compiler()
"""Whether numba is installed and compilation is enabled."""


def compiled(
    function: Callable[..., Any] | None = None, *, reorder_sums: bool = False
) -> Callable[..., Any]:
    """Compile a function over arrays and numbers; return it unchanged without numba.

    Parameters
    ----------
    function : callable
        Python over arrays and numbers, in the subset of the language that numba supports.
    reorder_sums : bool
        Allow reassociation of floating-point sums (SIMD): faster, equal up to rounding error.

    Examples
    --------
    >>> @compiled
    ... def add(left, right):
    ...     return left + right
    >>> add(1.0, 2.0)
    3.0
    """
    if function is None:
        return partial(compiled, reorder_sums=reorder_sums)
    if not IS_COMPILED:
        return function
    from numba import njit

    # a doctest or a notebook cell has no file for the cache
    has_file = Path(function.__code__.co_filename).is_file()
    # these two flags leave NaN and infinity as IEEE 754 defines them
    fastmath = {"reassoc", "contract"} if reorder_sums else False
    machine_code: Callable[..., Any] = njit(cache=has_file, error_model="numpy", fastmath=fastmath)(
        function
    )
    return machine_code


def entrance(function: Callable[..., Any], *, reorder_sums: bool = False) -> Callable[..., Any]:
    """Compile a function that Python code calls; without numba, suppress overflow warnings.

    >>> entrance(lambda numbers: numbers * 1e200)(np.array([1e200]))
    array([inf])
    """
    if IS_COMPILED:
        return compiled(function, reorder_sums=reorder_sums)

    @wraps(function)
    def silent(*arguments: Any) -> Any:
        with np.errstate(over="ignore", invalid="ignore"):
            return function(*arguments)

    return silent
