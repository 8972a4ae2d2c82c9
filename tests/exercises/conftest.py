"""Every folder of `solutions/` is held to the same contract, unasked."""

import ast
from pathlib import Path

import pytest

from coursekit.authoring.source import read_misconceptions
from coursekit.grading.exercises.exercise import load_exercise
from coursekit.grading.exercises.notebook import code_cells, read_notebook

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = sorted(file.parent for file in (ROOT / "solutions").glob("*/exercise.toml"))


def pytest_generate_tests(metafunc):
    if "misconception" in metafunc.fixturenames:
        cases = [(folder, each) for folder in FOLDERS for each in read_misconceptions(folder)]
        metafunc.parametrize(
            ("folder", "misconception"),
            cases,
            ids=[f"{folder.name}-{each.name}" for folder, each in cases],
        )
    elif "check" in metafunc.fixturenames:
        cases = [(folder, check) for folder in FOLDERS for check in load_exercise(folder).checks]
        metafunc.parametrize(
            ("folder", "check"), cases, ids=[f"{check.id}-{check.tier}" for _, check in cases]
        )
    elif "folder" in metafunc.fixturenames:
        metafunc.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@pytest.fixture
def root():
    return ROOT


@pytest.fixture
def exercise(folder):
    return load_exercise(folder)


@pytest.fixture
def solution(folder):
    """What the solved notebook defines."""
    return definitions(folder / f"{folder.name}.ipynb")


@pytest.fixture
def definitions_of_the_solution(folder):
    return lambda: definitions(folder / f"{folder.name}.ipynb")


@pytest.fixture
def stub(folder, root):
    """What the student's notebook defines before anything is done."""
    return definitions(root / "exercises" / folder.name / f"{folder.name}.ipynb")


def definitions(notebook):
    """Run the cells that only import and define, in a namespace of their own."""
    namespace = {"__name__": "notebook"}
    for cell in code_cells(read_notebook(notebook)):
        if not cell.is_test and only_defines(cell.source):
            run(cell.source, namespace)
    return namespace


@pytest.fixture
def run_cell():
    return run


def run(source, namespace):
    exec(source, namespace)  # noqa: S102 - cells of our own


def only_defines(source):
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
    return all(isinstance(node, kinds) for node in ast.parse(source).body)
