"""Starting is fast because nothing heavy is loaded: told by the modules that are there, not by a
clock.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

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


COMMANDS_HELP = {
    name: f"from coursekit.cli import cli\ncli([{name!r}, '--help'], standalone_mode=False)"
    for name in sorted(COMMANDS)
}
TAUGHT = sorted({module for modules in coursekit.LESSONS.values() for module in modules})


@cache
def loaded_in_turn(codes: tuple[str, ...]) -> dict[str, set[str]]:
    """Top-level modules that each piece of code adds when one interpreter runs them in turn."""
    script = (
        f"import json, sys\nfound = {{}}\nfor code in {codes!r}:\n    before = set(sys.modules)\n"
        "    exec(code)\n    new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "    found[code] = sorted(new)\nprint('\\n' + json.dumps(found))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.strip().rpartition("\n")[2])
    return {code: set(new) for code, new in found.items()}


@pytest.mark.parametrize("name", COMMANDS_HELP)
def test_the_help_of_a_command_loads_no_heavy_library(name: str) -> None:
    loaded = loaded_in_turn(tuple(COMMANDS_HELP.values()))
    assert loaded[COMMANDS_HELP[name]] & (HEAVY - {"rich"}) == set()


@pytest.mark.parametrize("module", TAUGHT)
def test_a_lessons_module_loads_no_plotting_and_no_torch(module: str) -> None:
    loaded = loaded_in_turn(tuple(f"import {each}" for each in TAUGHT))
    assert loaded[f"import {module}"] & {"torch", "matplotlib", "pandas"} == set()


def test_what_is_loaded_is_told_of_the_code_that_loads_it() -> None:
    nothing, tomllib, again = loaded_in_turn(
        ("import json", "import tomllib", "import email")
    ).values()
    assert nothing == set()
    assert "tomllib" in tomllib
    assert "email" in again and "tomllib" not in again
