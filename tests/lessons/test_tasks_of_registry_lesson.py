"""What lesson 08 lets a reader do: its solutions are right, its "try it" hold as they are typed."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "08_model_registry.ipynb"
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def verdict_of(cell: str, names: dict[str, Any]) -> str:
    """The value of a cell's last expression, a check."""
    last = ast.parse(cell).body[-1]
    assert isinstance(last, ast.Expr)
    return str(eval(ast.unparse(last), names))  # noqa: S307 - the lesson's own code


@pytest.fixture(scope="module")
def lesson() -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Names that the lesson leaves, its checks by the function they check, and their verdicts on
    the solutions.
    """
    names: dict[str, Any] = {}
    checks, verdicts, last = {}, [], ""
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
            if cell.cell_type == "code":
                exec(cell.source, names)  # noqa: S102 - the lesson's own code
                last = cell.source
                if "NotImplementedError" in last:
                    checks[re.search(r"def (\w+)", last)[1]] = last
            for block in CODE.findall(cell.source) if cell.cell_type == "markdown" else ():
                exec(block, names)  # noqa: S102 - as a reader types it
                if "NotImplementedError" in last:
                    verdicts.append(verdict_of(last, names))
                    last = ""
    return names, checks, verdicts


def test_every_solution_is_right(lesson) -> None:
    _, checks, verdicts = lesson
    assert len(verdicts) == len(checks) == 3
    assert all(verdict.startswith("Right") for verdict in verdicts), verdicts


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("is_legal", lambda path: True),
        ("is_legal", lambda path: False),
        ("is_legal", lambda path: path[-1] != "failed"),
        ("compare_and_set", lambda status, seen, own: None),
        ("compare_and_set", lambda status, seen, own: status.update({own: "production"})),
        (
            "compare_and_set",
            lambda status, seen, own: status.update({seen: "retired", own: "production"}),
        ),
        ("is_unchanged", lambda data, digest: True),
        ("is_unchanged", lambda data, digest: data == digest),
    ],
)
def test_wrong_answers_are_told(lesson, name: str, wrong) -> None:
    names, checks, _ = lesson
    assert verdict_of(checks[name], {**names, name: wrong}).startswith("Not yet")
