"""What instructors read is true: commands and options exist, links lead somewhere, the notebook
repeats.
"""

import importlib.util
import re
import subprocess
import sys

import click
import pytest

from coursekit.cli import cli

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


@pytest.mark.slow
@pytest.mark.needs("bubblewrap")
def test_the_notebook_says_the_same_again(root):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--no-header",
        "docs/grading_a_class.ipynb",
    ]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\d\d passed", done.stdout)


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
