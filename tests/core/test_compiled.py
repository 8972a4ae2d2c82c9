from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from coursekit.core.compiled import IS_COMPILED, compiled, entrance

HELPER = """
from coursekit.core.compiled import compiled
STEP = {}
@compiled
def add(x): return x + {}
"""
KERNEL = """
from coursekit.core.compiled import compiled
from package.inner import helper
from package.inner.helper import STEP, add
@compiled
def kernel(x): return add(x) * STEP
"""


@pytest.mark.skipif(not IS_COMPILED, reason="needs numba")
def test_a_change_in_a_file_that_is_imported_compiles_anew(root: Path, tmp_path: Path) -> None:
    inner = tmp_path / "package" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner.parent, inner):
        (folder / "__init__.py").touch()
    (inner.parent / "kernel.py").write_text(KERNEL)
    code = (
        "from package.kernel import kernel; found = kernel(1); "
        "print(found, sum(kernel.stats.cache_hits.values()))"
    )
    said = []
    for step, added in ((1, 1), (1, 1), (1, 5), (3, 5)):
        (inner / "helper.py").write_text(HELPER.format(step, added))
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={"PYTHONPATH": f"{root}:{tmp_path}", "PATH": "", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        said.append(done.stdout.split())
    assert said == [["2", "0"], ["2", "1"], ["6", "0"], ["18", "0"]]


def test_a_function_without_a_file_is_compiled_too() -> None:
    twice = eval("lambda x: 2 * x")  # noqa: S307
    assert compiled(twice)(4) == 8


def test_an_entrance_overflows_silently() -> None:
    assert entrance(lambda x: x * 1e200)(np.array([1e200])).tolist() == [np.inf]
