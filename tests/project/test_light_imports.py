"""Starting is fast because nothing heavy is loaded: told by the modules that are there, not by a
clock.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import coursekit
from coursekit.cli import COMMANDS

HEAVY = {
    "torch",
    "matplotlib",
    "numba",
    "pandas",
    "scipy",
    "sklearn",
    "rich",
    "IPython",
    "jupyterlab",
    "fastapi",
    "nbgrader",
    "pooch",
    "requests",
}
LIBRARIES = {
    "coursekit",
    "coursekit.cli",
    "coursekit.core.events",
    "coursekit.core.state",
    "coursekit.datasets",
}


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running `code`."""
    script = (
        f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted(name.partition('.')[0] for "
        f"name in sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.strip().rpartition("\n")[2]))


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_importing_it_loads_nothing_heavy(name: str) -> None:
    assert loaded_by(f"import {name}") & HEAVY == set()


def test_importing_the_package_does_not_even_load_numpy() -> None:
    assert "numpy" not in loaded_by("import coursekit")


def test_the_help_loads_nothing_heavy_and_no_command() -> None:
    code = (
        "import sys\nfrom coursekit.cli import cli\ncli(['--help'], standalone_mode=False)\n"
        "assert not [name for name in sys.modules if name.startswith('coursekit.commands.')]"
    )
    assert loaded_by(code) & (HEAVY | {"numpy"}) == set()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_help_of_a_command_loads_no_heavy_library(name: str) -> None:
    code = f"from coursekit.cli import cli\ncli([{name!r}, '--help'], standalone_mode=False)"
    assert loaded_by(code) & (HEAVY - {"rich"}) == set()


@pytest.mark.parametrize(
    "module", sorted({module for modules in coursekit.LESSONS.values() for module in modules})
)
def test_a_lessons_module_loads_no_plotting_and_no_torch(module: str) -> None:
    assert loaded_by(f"import {module}") & {"torch", "matplotlib", "pandas"} == set()
