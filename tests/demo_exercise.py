"""A small exercise of our own to work in, written like a real one."""

import json
import textwrap

import pytest

CHECKS = '''
"""Visible checks."""

from coursekit.grading.checks import check


@check("demo-1", points=2)
def doubling(t):
    """Twice as much."""
    number = float(t.rng.integers(1, 1000))
    with t.part("a number", 2) as p:
        p.close(t.subject.call("double", number), 2 * number, mistakes={"squares": number**2})


@check("demo-2", points=1)
def halving(t):
    """Half of it."""
    with t.part("four", 1) as p:
        p.equal(t.subject.call("halve", 4), 2)
'''

HIDDEN = '''
from coursekit.grading.checks import check


@check("demo-1", points=1, tier="hidden")
def doubling_elsewhere(t):
    """Twice as much, below zero."""
    with t.part("a negative number nobody thought of", 1) as p:
        p.close(t.subject.call("double", -3.0), -6.0)
'''

HINTS = """
[demo-1]
hints = ["Think.", "Think of +.", "x + x"]

[demo-1.mistakes]
squares = "That is the square."

[demo-2]
hints = ["Think.", "Think of /.", "x / 2"]
"""

MISCONCEPTIONS = """
# %% squares
def double(x):
    return x * x * 1.0
"""

SOURCE = '''
# %% [markdown] name="title"
# # Demo

# %% name="imports"
from coursekit.grading import check


# %% nbgrader={"grade": false, "grade_id": "demo-1-answer", "locked": false, "schema_version": 3, "solution": true}
def double(x):
    """Return twice x."""
    ### BEGIN SOLUTION
    twice = x + x  # the plainest way
    return twice
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "demo-1", "locked": true, "points": 3, "schema_version": 3, "solution": false}
check("demo-1")


# %% nbgrader={"grade": false, "grade_id": "demo-2-answer", "locked": false, "schema_version": 3, "solution": true}
def halve(x):
    ### BEGIN SOLUTION
    half_of_it = x / 2
    return half_of_it
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "demo-2", "locked": true, "points": 1, "schema_version": 3, "solution": false}
check("demo-2")
'''

ABOUT = 'name = "demo"\ntitle = "A demo"\nversion = "1.0"\nminutes = 5\n'

FILES = {
    "exercise.toml": ABOUT,
    "checks.py": CHECKS,
    "hidden.py": HIDDEN,
    "hints.toml": HINTS,
    "misconceptions.py": MISCONCEPTIONS,
    "demo.py": SOURCE,
}
"""What an author writes."""


def notebook_of(*sources):
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "outputs": [], "source": each}
        for n, each in enumerate(sources)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


@pytest.fixture
def write_notebook():
    return lambda file, *sources: file.write_text(
        notebook_of(*map(textwrap.dedent, sources)), encoding="utf-8"
    )


@pytest.fixture
def course(tmp_path):
    """A course folder with one exercise in `solutions/`, nothing generated yet."""
    folder = tmp_path / "solutions" / "demo"
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text.lstrip("\n"), encoding="utf-8")
    return tmp_path


@pytest.fixture
def exercise_folder(course, monkeypatch):
    """The student's folder of that exercise; we stand in it."""
    from coursekit.authoring.generate import generate

    generate(course)
    folder = course / "exercises" / "demo"
    monkeypatch.chdir(folder)
    return folder
