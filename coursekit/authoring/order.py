"""Is an exercise in order? Notebook, checks, hints and misconceptions must speak of the same
things.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from coursekit.authoring.generate import SHIPPED, solved_notebook
from coursekit.grading.exercises.exercise import Exercise, load_exercise
from coursekit.grading.exercises.misconception import read_misconceptions

__all__ = ["faults"]

N_HINTS = 3


def faults(folder: Path) -> list[str]:
    """Return what is not in order in `solutions/<name>`, as sentences that name file and cell."""
    exercise, notebook = load_exercise(folder), solved_notebook(folder)
    found = [
        *_files(exercise),
        *_cells(exercise, notebook),
        *_hints(exercise),
        *_mistakes(exercise),
    ]
    return [f"{folder.name}/{sentence}" for sentence in found]


def _files(exercise: Exercise) -> Iterator[str]:
    name = exercise.name
    if exercise.folder.name != name:
        yield f"exercise.toml: is about {name}, its folder is called {exercise.folder.name}"
    known = {*SHIPPED, f"{name}.py", f"{name}.ipynb", "hidden.py", "misconceptions.py"}
    for file in sorted(exercise.folder.iterdir()):
        if file.name not in known and not file.name.startswith((".", "__pycache__")):
            yield f"{file.name}: belongs to no exercise, remove it"


def _cells(exercise: Exercise, notebook: NotebookNode) -> Iterator[str]:
    file = f"{exercise.name}.py"
    graded = {cell.id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
    tests = [
        name
        for name, cell in graded.items()
        if cell.metadata.nbgrader.grade and not cell.metadata.nbgrader.solution
    ]
    if tests != list(exercise.check_ids):
        yield f"{file}: the test cells are {tests}, the checks {list(exercise.check_ids)}"
    for name, cell in graded.items():
        about = cell.metadata.nbgrader
        if name in tests and name in exercise.check_ids:
            if about.points != exercise.points(name):
                yield (
                    f"{file}: cell {name} is worth {about.points}, its checks "
                    f"{exercise.points(name):g}"
                )
            if f'check("{name}")' not in cell.source:
                yield f'{file}: cell {name} does not call check("{name}")'
        if about.solution and "### BEGIN SOLUTION" not in cell.source:
            yield f"{file}: cell {name} is to be solved but has no solution region"


def _hints(exercise: Exercise) -> Iterator[str]:
    for name in exercise.check_ids:
        ladder = exercise.hints.get(name, ())
        if len(ladder) != N_HINTS or not all(
            isinstance(text, str) and text.strip() for text in ladder
        ):
            yield f"hints.toml: {name} needs {N_HINTS} hints that say something, has {len(ladder)}"
    for name in exercise.hints:
        if name not in exercise.check_ids:
            yield f"hints.toml: {name} is no check"


def _mistakes(exercise: Exercise) -> Iterator[str]:
    told = {mistake for messages in exercise.mistakes.values() for mistake in messages}
    shown = [each.name for each in read_misconceptions(exercise.folder)]
    for name in sorted(told - set(shown)):
        yield f"misconceptions.py: has no cell for the mistake {name} of hints.toml"
    for name in sorted(set(shown) - told):
        yield f"hints.toml: says nothing about the misconception {name}"
    for name in sorted({name for name in shown if shown.count(name) > 1}):
        yield f"misconceptions.py: has two cells named {name}"
