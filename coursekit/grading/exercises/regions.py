"""Solution regions of a cell: the lines between `### BEGIN SOLUTION` and `### END SOLUTION`, and
the same with HIDDEN TESTS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["solution_lines", "with_solution", "with_stub"]

_MARK = re.compile(r"(\s*)### (BEGIN|END) (SOLUTION|HIDDEN TESTS)")


def solution_lines(source: str) -> list[str]:
    """Return the lines inside of the regions."""
    return [line for line, mark, inside in _parse(source) if inside and not mark]


def with_solution(source: str) -> str:
    r"""Return a cell with its solution and without the marks.

    >>> with_solution("def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION")
    'def f():\n    return 1'
    """
    return "\n".join(line for line, mark, _ in _parse(source) if not mark)


def with_stub(source: str, stub: str = "raise NotImplementedError") -> str:
    r"""Return a cell with a stub in place of each solution.

    >>> with_stub("def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION")
    'def f():\n    raise NotImplementedError'
    """
    kept = []
    for line, mark, inside in _parse(source):
        if mark and mark.group(2, 3) == ("BEGIN", "SOLUTION"):
            kept.append(mark[1] + stub)
        elif not inside and not mark:
            kept.append(line)
    return "\n".join(kept)


def _parse(source: str) -> Iterator[tuple[str, re.Match[str] | None, bool]]:
    """Yield each line, the mark that it is, and whether it lies inside of a region."""
    inside = False
    for line in source.split("\n"):
        mark = _MARK.match(line)
        inside = mark[2] == "BEGIN" if mark else inside
        yield line, mark, inside
