"""Just-in-time compilation by numba: the same functions run as plain Python without it.

The first call of a compiled function compiles it (about a second) and caches the machine code on
disk for later sessions. Set ``COURSEKIT_COMPILE=0`` to run the same source as plain Python.

numba compiles a function anew when its own file has changed. Functions and constants of other files
are compiled into it as well, so here the cache also depends on the modules of the same package
that the file imports, if they contain compiled functions.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Callable
from functools import cache, partial, wraps
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
    options: dict[str, Any] = {"error_model": "numpy", "fastmath": fastmath}
    machine_code: Any = njit(cache=has_file, **options)(function)
    index = getattr(getattr(machine_code, "_cache", None), "_cache_file", None)
    if index is not None:
        index._source_stamp = _digest(function.__module__)
    return machine_code  # type: ignore[no-any-return]


@cache
def _digest(module: str) -> str:
    """Return the sha256 of a module and of the modules that its compiled functions may depend on;
    empty for a module without compiled functions.
    """
    file = getattr(sys.modules.get(module), "__file__", None)
    text = Path(file).read_text(encoding="utf-8") if file else ""
    if "coursekit.core.compiled import" not in text:
        return ""
    package = module.partition(".")[0]
    parts = [text]
    for place, names in re.findall(rf"^from ({package}\b[\w.]*) import ([\w, ]*)", text, re.M):
        others = [place, *(f"{place}.{name}" for name in names.split(", "))]
        parts += [_digest(other) for other in others if other != __name__]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


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
