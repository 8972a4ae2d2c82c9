"""One source, proven fresh: what students get comes from what instructors write, and holds none of
its secrets.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from coursekit.authoring.generate import (
    differences,
    exercise_files,
    generate,
    solved_notebook,
    student_notebook,
)
from coursekit.authoring.validate import faults, leaks, statements
from coursekit.cli import cli
from coursekit.grading.errors import ExerciseError


@pytest.fixture
def source(course):
    return course / "solutions" / "demo"


def edit(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_course_is_written_once_and_then_agrees(course, source):
    written = {str(file.relative_to(course)) for file in generate(course)}
    shipped = {
        f"exercises/demo/{name}"
        for name in ("demo.ipynb", "checks.py", "hints.toml", "exercise.toml", "answers.json")
    }
    assert written == shipped | {"solutions/demo/demo.ipynb"}
    assert differences(course) == []
    assert generate(course) == []


def test_solutions_are_cut_out_and_stubs_put_in(source):
    cells = {cell.id: cell for cell in student_notebook(solved_notebook(source)).cells}
    assert cells["demo-1-answer"].source == (
        'def double(x):\n    """Return twice x."""\n    raise NotImplementedError  # your '
        "answer goes here"
    )
    assert cells["demo-1"].source == 'check("demo-1")'


def test_ids_are_names_and_metadata_is_nbgraders_schema_3(source):
    notebook = student_notebook(solved_notebook(source))
    assert [cell.id for cell in notebook.cells] == [
        "title",
        "imports",
        "demo-1-answer",
        "demo-1",
        "demo-2-answer",
        "demo-2",
    ]
    test = notebook.cells[3].metadata
    assert (test.deletable, test.editable) == (False, False)
    assert {key: test.nbgrader[key] for key in ("schema_version", "points", "grade", "locked")} == {
        "schema_version": 3,
        "points": 3,
        "grade": True,
        "locked": True,
    }
    assert len(test.nbgrader.checksum) == 32
    about = notebook.metadata.coursekit
    assert (about.exercise, about.version) == ("demo", "1.0")
    assert [sorted(about.cells[role]) for role in ("answer", "check", "given")] == [
        ["demo-1-answer", "demo-2-answer"],
        ["demo-1", "demo-2"],
        ["imports", "title"],
    ]


def test_hidden_tests_in_a_cell_are_cut_out(source):
    edit(
        source / "demo.py",
        'check("demo-2")\n',
        'check("demo-2")\n### BEGIN HIDDEN TESTS\nassert halve(7) == 3.5\n### END HIDDEN TESTS\n',
    )
    assert "3.5" not in exercise_files(source)["demo.ipynb"]


def test_a_change_of_the_source_a_change_by_hand_and_a_stray_file_are_all_seen(course, source):
    generate(course)
    edit(source / "demo.py", "# # Demo", "# # Demo, changed")
    edit(course / "exercises" / "demo" / "hints.toml", "Think.", "Do not think.")
    (course / "exercises" / "demo" / "notes.txt").write_text("left behind", encoding="utf-8")
    (course / "exercises" / "demo" / ".coursekit").mkdir()
    (course / "exercises" / "demo" / ".coursekit" / "progress.json").write_text(
        "{}", encoding="utf-8"
    )
    found = " ".join(differences(course))
    for name in (
        "solutions/demo/demo.ipynb",
        "exercises/demo/demo.ipynb",
        "exercises/demo/hints.toml",
        "notes.txt: comes from no source",
    ):
        assert name in found
    assert "progress.json" not in found


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("# %% [markdown]\n# # Demo", "cell 1 has no name"),
        ('# %% [markdown] name="demo-1"\n# # Demo', 'has the name of another cell, "demo-1"'),
    ],
)
def test_a_cell_without_a_name_of_its_own_is_refused(source, header, fault):
    edit(source / "demo.py", '# %% [markdown] name="title"\n# # Demo', header)
    with pytest.raises(ExerciseError, match=f"demo.py: .*{fault}"):
        solved_notebook(source)


def test_an_exercise_in_order_has_no_fault_and_no_leak(source):
    assert faults(source) == []
    assert leaks(source, exercise_files(source)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("demo.py", '"points": 3', '"points": 2', "demo.py: cell demo-1 is worth 2, its checks 3"),
        (
            "demo.py",
            'check("demo-2")',
            "pass",
            'demo.py: cell demo-2 does not call check("demo-2")',
        ),
        (
            "demo.py",
            "### BEGIN SOLUTION\n    half",
            "\n    half",
            "demo.py: cell demo-2-answer is to be solved but has no solution region",
        ),
        (
            "demo.py",
            '"grade_id": "demo-2"',
            '"grade_id": "demo-3"',
            "demo.py: the test cells are ['demo-1', 'demo-3']",
        ),
        (
            "hints.toml",
            '"Think of /.", ',
            "",
            "hints.toml: demo-2 needs 3 hints that say something, has 2",
        ),
        ("hints.toml", '"x / 2"', '" "', "hints.toml: demo-2 needs 3 hints"),
        ("hints.toml", "[demo-2]", "[demo-7]", "hints.toml: demo-7 is no check"),
        (
            "hints.toml",
            'squares = "That',
            'cubes = "Q"\nsquares = "That',
            "misconceptions.py: has no cell for the mistake cubes",
        ),
        (
            "misconceptions.py",
            "# %% squares",
            "# %% roots",
            "hints.toml: says nothing about the misconception roots",
        ),
        (
            "misconceptions.py",
            "# %% squares",
            "# %% squares\n\n# %% squares",
            "misconceptions.py: has two cells named squares",
        ),
    ],
)
def test_a_fault_is_named_with_file_and_cell(source, file, old, new, fault):
    edit(source / file, old, new)
    if "BEGIN SOLUTION" in old:
        edit(source / file, "return half_of_it\n    ### END SOLUTION", "return half_of_it")
    assert any(sentence.startswith(f"demo/{fault}") for sentence in faults(source)), faults(source)


def test_an_exercise_lives_in_a_folder_of_its_name(source):
    edit(source / "exercise.toml", 'name = "demo"', 'name = "other"')
    assert "demo/exercise.toml: is about other, its folder is called demo" in faults(source)


def test_a_stray_file_among_the_sources_is_named(source):
    (source / "old.py").write_text("", encoding="utf-8")
    assert faults(source) == ["demo/old.py: belongs to no exercise, remove it"]


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [
        (
            "demo.py",
            "# # Demo",
            "# # Demo\n#\n# For example `twice = x + x`.",
            "a line of the solution",
        ),
        ("hints.toml", '"x + x"', '"twice = x + x"', "a line of the solution"),
        ("checks.py", '"""Visible', '"""half_of_it = x / 2\n\nVisible', "a line of the solution"),
        (
            "hints.toml",
            '"x + x"',
            '"p.close(t.subject.call(\\\\"double\\\\", -3.0), -6.0)"',
            "a line of a hidden check",
        ),
        (
            "demo.py",
            "# # Demo",
            "# # Demo\n#\n# Try a negative number nobody thought of!",
            "a literal of a hidden check",
        ),
        (
            "demo.py",
            "# # Demo",
            "# # Demo\n#\n#     return x * x * 1.0",
            "a line of the misconception squares",
        ),
    ],
)
def test_a_leak_is_found_wherever_it_is(source, file, old, new, what):
    edit(source / file, old, new.replace('\\\\"', "'") if "p.close" in new else new)
    if "p.close" in new:
        edit(
            source / "hidden.py", 't.subject.call("double", -3.0)', "t.subject.call('double', -3.0)"
        )
    found = leaks(source, exercise_files(source))
    assert any(what in sentence for sentence in found), found


def test_a_leak_in_an_output_is_found(source):
    files = exercise_files(source)
    notebook = json.loads(files["demo.ipynb"])
    notebook["cells"][2]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": ["twice = x + x\n"]}
    ]
    found = leaks(source, {**files, "demo.ipynb": json.dumps(notebook)})
    assert found == ["demo/demo.ipynb: shows a line of the solution: 'twice = x + x'"]


def test_telling_statements_are_those_with_a_thought_in_them():
    source = "import numpy\nfor i in x:\n    total += w[i] * x[i]  # add\nx = 1"
    assert statements(source) == ["total += w[i] * x[i]"]


@pytest.mark.parametrize(
    "shown",
    [
        "p.close(t.subject.call('double', -3.0), -6.0)",
        'p.close(\n    t.subject.call(\n        "double",\n        -3.0,\n    ),\n    -6.0,\n)',
    ],
)
def test_formatting_hides_no_leak(source, shown):
    files = exercise_files(source)
    found = leaks(source, {**files, "checks.py": f"{files['checks.py']}\n{shown}\n"})
    assert [sentence.partition(": ")[2] for sentence in found] == [
        "shows a line of a hidden check: 'p.close(t.subject.call(\"double\", -3.0), -6.0)'"
    ]


def test_a_line_that_formatting_broke_off_is_no_leak(source):
    edit(
        source / "hidden.py",
        'p.close(t.subject.call("double", -3.0), -6.0)',
        'p.close(\n        t.subject.call(\n            "double", -3.0\n        ), -6.0)',
    )
    edit(
        source / "checks.py",
        'p.equal(t.subject.call("halve", 4), 2)',
        'p.equal(\n            t.subject.call(\n                "halve", 4\n            ), 2)',
    )
    assert leaks(source, exercise_files(source)) == []


def release(course, *words):
    return CliRunner().invoke(cli, ["release", *words, "--root", str(course)])


def test_the_command_checks_writes_and_refuses(course, source):
    assert "run `coursekit release`" in release(course, "--check").stderr
    assert release(course, "--check").exit_code == 1
    done = release(course)
    assert (done.exit_code, done.stdout.count("wrote")) == (0, 6)
    assert release(course, "--check").exit_code == 0
    assert "Nothing to do" in release(course).stdout
    edit(source / "hints.toml", '"x + x"', '"twice = x + x"')
    done = release(course)
    assert done.exit_code == 1
    assert "a line of the solution" in done.stderr
    assert "twice" not in (course / "exercises" / "demo" / "hints.toml").read_text(encoding="utf-8")
    report = json.loads(release(course, "--json").stdout)
    assert (report["written"], len(report["faults"])) == ([], 1)


def test_the_command_releases_the_exercises_that_are_named(course, source):
    other = course / "solutions" / "other"
    shutil.copytree(source, other)
    for file in [*other.iterdir()]:
        text = file.read_text(encoding="utf-8").replace("demo", "other")
        file.with_name(file.name.replace("demo", "other")).write_text(text, encoding="utf-8")
    (other / "demo.py").unlink()
    assert release(course, "other").exit_code == 0
    assert [place.name for place in (course / "exercises").iterdir()] == ["other"]
    assert release(course, "other", "--check").exit_code == 0
    assert release(course, "--check").exit_code == 1
    done = release(course, "another")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "There is no exercise `another`; there are demo, other." in done.stderr


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        (
            "demo.py",
            "half_of_it = x / 2",
            "half_of_it = x / 3",
            "demo.py: the solution fails demo-2 (visible): The value is",
        ),
        (
            "demo.py",
            "def halve(x):\n",
            "def halve(x):\n    return 0.0\n",
            "demo.py: the stub is not told that demo-2 (visible) is not attempted",
        ),
        (
            "misconceptions.py",
            "x * x * 1.0",
            "x * 3.0",
            "misconceptions.py: demo-1 does not recognise squares",
        ),
    ],
)
def test_solution_stub_and_misconceptions_are_run_before_a_release(
    course, source, file, old, new, fault
):
    edit(source / file, old, new)
    done = release(course)
    assert done.exit_code == 1
    assert fault in done.stderr
    assert not (course / "exercises").exists()


def test_another_process_generates_the_same_bytes(course, source):
    start = "from coursekit.cli import main; main()"
    command = [sys.executable, "-c", start, "release", "--root", str(course)]
    subprocess.run(
        command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": "7"}
    )
    assert differences(course) == []
