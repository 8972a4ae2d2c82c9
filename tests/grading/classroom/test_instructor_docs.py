"""What instructors read is true: commands and options exist, links lead somewhere, the notebook
repeats.
"""

import importlib.util
import re
import runpy
import subprocess
import sys
import tomllib

import click
import pytest

from coursekit.cli import cli
from coursekit.commands.doctor.machine import Service

DOCUMENTS = ("docs/instructor_guide.md", "docs/grading_a_class.py")


@pytest.fixture(scope="module")
def builder(root):
    spec = importlib.util.spec_from_file_location("build", root / "notebooks" / "src" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=DOCUMENTS)
def text(request, root):
    return (root / request.param).read_text(encoding="utf-8")


def commands_in(text):
    """Command lines that begin with coursekit, in backticks or on a line of their own."""
    return re.findall(r"`(coursekit [a-z][^`]*)`", text) + re.findall(
        r"^(coursekit .+)$", text, flags=re.MULTILINE
    )


def test_every_command_and_option_exists(text):
    for line in commands_in(text):
        name, *words = line.split()[1:]
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, line
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_the_guide_names_commands_at_all(root):
    guide = (root / DOCUMENTS[0]).read_text(encoding="utf-8")
    assert {line.split()[1] for line in commands_in(guide)} >= {
        "doctor",
        "check",
        "preflight",
        "submit",
        "update",
        "grade",
    }
    loose = set(re.findall(r"`(--[a-z-]+)", guide))
    grade, update = (cli.get_command(click.Context(cli), name) for name in ("grade", "update"))
    assert loose <= {
        option
        for command in (grade, update)
        for parameter in command.params
        for option in parameter.opts
    }


def test_every_link_leads_to_a_file(text, root):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        assert (root / "docs" / target).exists(), target


def test_the_notebook_is_made_from_its_source(builder, root):
    source = root / "docs" / "grading_a_class.py"
    assert builder.notebook_of(source) == source.with_suffix(".ipynb")
    assert builder.difference(source, source.with_suffix(".ipynb")) is None
    assert builder.compared_cells(source.with_suffix(".ipynb"))[0] >= 8


@pytest.mark.parametrize(
    ("in_ci", "trouble", "ignored"),
    [("", None, []), ("", "not found", ["*.ipynb"]), ("true", "not found", [])],
)
def test_the_notebook_is_run_with_the_tests_where_there_is_a_sandbox_and_always_in_ci(
    root, monkeypatch, in_ci, trouble, ignored
):
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    testpaths = settings["tool"]["pytest"]["ini_options"]["testpaths"]
    assert "docs/grading_a_class.ipynb" in testpaths
    monkeypatch.setenv("CI", in_ci)
    monkeypatch.setattr(Service, "trouble", lambda self: trouble)
    found = runpy.run_path(str(root / "docs" / "conftest.py"))
    assert found["collect_ignore_glob"] == ignored


@pytest.mark.slow
@pytest.mark.needs("bubblewrap")
def test_the_guides_table_of_files_is_what_grading_writes(root, tmp_path):
    from tests.grading.submissions import SOLUTION, hand_in, solved

    hand_in(tmp_path / "in", ada=solved())
    words = [
        "grade",
        str(tmp_path / "in"),
        "--exercise",
        str(SOLUTION),
        "--out",
        str(tmp_path / "graded"),
    ]
    subprocess.run(
        [sys.executable, "-c", "from coursekit.cli import main; main()", *words],
        check=True,
        capture_output=True,
    )
    guide = (
        (root / DOCUMENTS[0])
        .read_text(encoding="utf-8")
        .partition("| File in")[2]
        .partition("\n\n")[0]
    )
    named = {
        name.partition("/")[0]
        for row in guide.splitlines()[2:]
        for name in re.findall(r"`([^`]+)`", row.split("|")[1])
    }
    written = {file.name for file in (tmp_path / "graded").iterdir()} - {"work"}
    assert written <= named
    assert named - written <= {
        "ada.txt",
        "mistakes.png",
    }  # in feedback/; and a class without mistakes has no such figure
