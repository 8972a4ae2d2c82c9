"""Every lesson: paired with its source, executed, compared by nbval, true to the table, fit to be
read.
"""

from __future__ import annotations

import importlib.util
import re
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbformat import NotebookNode

import coursekit

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MACHINE_PATH = re.compile(
    r"(?<![\w/.])/(?:opt|root|work|tmp|home|usr|Users|var|private)/[\w.]|[A-Z]:\\\\Users|site-packages"
)
SMALLEST_COMPARED_SHARE = 0.9

every_lesson = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def prose_of(path: Path) -> str:
    return "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build", ROOT / "notebooks" / "src" / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_lessons_is_what_lies_in_the_folder() -> None:
    assert [path.stem for path in NOTEBOOKS] == list(coursekit.LESSONS)


def test_there_is_a_source_for_every_lesson_and_no_other(builder: ModuleType) -> None:
    assert [source.stem for source in builder.lessons([])] == [path.stem for path in NOTEBOOKS]


@every_lesson
def test_a_lesson_and_its_source_agree(path: Path, builder: ModuleType) -> None:
    assert builder.difference(builder.SOURCES / f"{path.stem}.py", path) is None


@every_lesson
def test_a_lesson_is_stored_as_the_builder_writes_it(path: Path) -> None:
    """Ids are there and unique, and nothing of the machine that ran it is kept."""
    notebook = read(path)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}


@every_lesson
def test_every_code_cell_was_run_in_order(path: Path) -> None:
    """A cell that was not run has no output to compare, and nbval would let it pass."""
    counts = [cell.execution_count for cell in code_cells(path) if cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1))


@every_lesson
def test_only_cells_that_announce_an_error_hold_one(path: Path) -> None:
    for cell in code_cells(path):
        announced = "raises-exception" in cell.metadata.get("tags", [])
        assert announced or not any(output.output_type == "error" for output in cell.outputs), (
            cell.source
        )


@every_lesson
def test_no_warning_is_left_in_a_lesson(path: Path) -> None:
    for cell in code_cells(path):
        assert not [
            output.text
            for output in cell.outputs
            if output.get("name") == "stderr" and "Warning" in output.text
        ]


@every_lesson
def test_no_output_holds_a_path_of_this_machine(path: Path) -> None:
    for cell in code_cells(path):
        for output in cell.outputs:
            texts = [
                text
                for kind, text in output.get("data", {}).items()
                if not kind.startswith("image/png")
            ]
            found = MACHINE_PATH.search(
                "\n".join(map(str, [*texts, output.get("text", ""), *output.get("traceback", [])]))
            )
            assert found is None, f"{found and found.group()} in the output of:\n{cell.source}"


@every_lesson
def test_every_figure_has_alt_text_and_a_caption_that_nbval_compares(path: Path) -> None:
    for cell in code_cells(path):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert len(output.metadata.get("image/png", {}).get("alt", "")) > 20, cell.source
                texts = [other.get("text") or str(other.get("data", {})) for other in cell.outputs]
                assert any(output.metadata["image/png"]["alt"] in text for text in texts), (
                    cell.source
                )


@every_lesson
def test_a_lesson_has_one_title_and_skips_no_heading_level(path: Path) -> None:
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    levels = [
        len(marks)
        for marks in re.findall(
            r"^(#+) ", re.sub(r"```.*?```", "", prose, flags=re.DOTALL), flags=re.MULTILINE
        )
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@every_lesson
def test_every_link_to_a_file_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", prose_of(path)):
        assert (path.parent / target).exists(), target


def test_nine_cells_in_ten_that_show_something_are_compared(builder: ModuleType) -> None:
    compared, bearing = map(sum, zip(*map(builder.compared_cells, NOTEBOOKS), strict=True))
    assert compared >= SMALLEST_COMPARED_SHARE * bearing, (
        f"{compared} of {bearing} output-bearing cells are compared"
    )


@pytest.mark.parametrize(
    "text",
    [
        "/home/ada/x",
        "file /tmp/ab",
        "C:\\\\Users\\\\ada",
        "lib/python3.11/site-packages/numpy",
        "('/root/.venv')",
    ],
)
def test_a_machine_path_is_recognised(text: str) -> None:
    assert MACHINE_PATH.search(text)


@pytest.mark.parametrize(
    "text", ["notebooks/src/build.py", "and/or", "rating²/event", "https://doi.org/10.2307/2981683"]
)
def test_other_slashes_are_no_machine_path(text: str) -> None:
    assert not MACHINE_PATH.search(text)
