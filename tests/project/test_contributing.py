"""The recipes of docs/contributing.md, each followed in a copy of the course.

What is added lies in `additions/`, in the folders it goes to. A recipe touches the files that the
guide lists and no others; generators and the tests of the course do the rest.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coursekit import LESSONS
from tests import demo_exercise

ROOT = Path(__file__).resolve().parents[2]
ADDITIONS = Path(__file__).parent / "additions"
GUIDE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
LEFT_OUT = shutil.ignore_patterns(
    ".git", *(ROOT / ".gitignore").read_text(encoding="utf-8").replace("/\n", "\n").split()
)


def but_compiled(folder: str, names: list[str]) -> set[str]:
    """Leave out the same, but not what Python and numba have compiled: the copy starts warm."""
    return {name for name in LEFT_OUT(folder, names) if not name.endswith(("__pycache__", ".pyc"))}


class Course:
    """A copy of the course, and what has been done to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = shutil.copytree(ROOT, folder, ignore=but_compiled)
        self.touched: set[str] = set()

    def add(self, kind: str) -> None:
        """Put the files of an addition where they belong."""
        for file in sorted((ADDITIONS / kind).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                self.write(str(file.relative_to(ADDITIONS / kind)), file.read_text("utf-8"))

    def write(self, name: str, text: str) -> None:
        """Write a file by hand."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        self.touched.add(name)

    def replace(self, name: str, old: str, new: str) -> None:
        """Change one place of a file by hand."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name} has {text.count(old)} places {old!r}"
        self.write(name, text.replace(old, new))

    def run(self, *command: str) -> str:
        """Run Python in the copy; it has to succeed."""
        environment = os.environ | {"PYTHONPATH": str(self.folder)}
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    def test(self, *arguments: str) -> int:
        """Run tests of the copy; return how many passed."""
        plugins = ("-p", "no:cacheprovider", "-p", "no:xdist")
        shown = self.run("-m", "pytest", "-q", *plugins, *arguments)
        passed = re.search(r"(\d+) passed", shown)
        assert passed and "skipped" not in shown, shown
        return int(passed[1])

    def changed(self) -> set[str]:
        """Every file that is not as in the course, apart from caches."""
        found = set()
        for folder, _, names in os.walk(self.folder):
            ignored = LEFT_OUT(folder, [*names, *Path(folder).parts])
            if set(Path(folder).relative_to(self.folder).parts) & ignored:
                continue
            for name in set(names) - ignored:
                file = Path(folder, name).relative_to(self.folder)
                original = ROOT / file
                if (
                    not original.is_file()
                    or original.read_bytes() != (self.folder / file).read_bytes()
                ):
                    found.add(file.as_posix())
        return found

    def is_clean(self) -> None:
        """Style and format."""
        self.run("-m", "ruff", "check", "--quiet", ".")
        self.run("-m", "ruff", "format", "--check", "--quiet", ".")


STRUCTURE = "tests/project/test_structure.py"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path / "course")


def recipe(kind: str, name: str) -> set[str]:
    """The files that the guide lists for an addition, with its name filled in."""
    found = re.search(rf"^## Add an? {kind}\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    assert found, kind
    files = re.findall(r"^\d\. `([^`]+)`", found[1], re.MULTILINE)
    return {file.replace("NAME", name) for file in files}


def test_every_link_of_the_guide_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", GUIDE)
    assert len(links) > 5
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_a_copy_of_the_course_is_unchanged(course: Course) -> None:
    assert course.changed() == set()
    course.write("coursekit/new.py", "")
    course.replace("README.md", "# Online learning", "# Learning")
    assert course.changed() == course.touched == {"coursekit/new.py", "README.md"}


def test_a_learner_is_three_files_and_the_contract_finds_it(course: Course) -> None:
    course.add("learner")
    line = '    "RobustLearner": "robust",\n'
    package = "coursekit/learning/learners/__init__.py"
    course.replace(package, line, f'{line}    "ItemMean": "item_mean",\n')
    assert course.changed() == course.touched == recipe("learner", "item_mean")
    assert len(course.touched) <= 3
    folder = "tests/learning/learners"
    contracts = [f"{folder}/test_contract.py", f"{folder}/test_learner_of_state.py"]
    tests = [*contracts, f"{folder}/test_item_mean.py", STRUCTURE]
    wanted = "ItemMean or item_mean or keeps_the_rule or list_names"
    assert course.test(*tests, "-k", wanted) >= 31
    course.is_clean()


def test_a_detector_is_three_files_and_the_contract_finds_it(course: Course) -> None:
    course.add("detector")
    package = "coursekit/learning/drift/__init__.py"
    line = "from coursekit.learning.drift.detectors.adwin import ADWIN\n    "
    course.replace(
        package, line, f"{line}{line.replace('adwin', 'cusum').replace('ADWIN', 'CUSUM')}"
    )
    course.replace(package, '    "BernoulliGLR",\n', '    "BernoulliGLR",\n    "CUSUM",\n')
    line = '    "KSWIN": "detectors.kswin",\n'
    course.replace(package, line, f'{line}    "CUSUM": "detectors.cusum",\n')
    assert course.changed() == course.touched == recipe("detector", "cusum")
    assert len(course.touched) <= 3
    folder = "tests/learning/drift"
    tests = [f"{folder}/test_contract.py", f"{folder}/test_package.py", *sorted(course.touched)]
    wanted = "CUSUM or cusum or every_name or keeps_the_rule"
    assert course.test(*tests, STRUCTURE, "-k", wanted) >= 40
    course.is_clean()


def test_a_command_is_three_files_and_the_readme_is_written(course: Course) -> None:
    course.add("command")
    line = '    "lessons": ("coursekit.commands.lessons:lessons", "{}"),\n'
    line = line.format("List the lessons and their modules.")
    course.replace("coursekit/cli.py", "\n}\n", f"\n{line}}}\n")
    assert course.changed() == course.touched == recipe("command", "lessons")
    assert len(course.touched) <= 3
    course.run("docs/tables.py")
    assert course.changed() - course.touched == {"README.md"}
    project = [f"tests/project/test_{name}.py" for name in ("cli", "light_imports", "readme")]
    wanted = "test_lessons or [lessons] or table or link or keeps_the_rule"
    assert course.test(*project, "tests/commands/test_lessons.py", STRUCTURE, "-k", wanted) >= 16
    course.is_clean()


def test_an_exercise_is_six_files_and_the_contract_finds_it(course: Course) -> None:
    files = demo_exercise.FILES | {"checks.py": CHECKS, "hidden.py": HIDDEN}
    for name, text in files.items():
        course.write(f"solutions/demo/{name}", text.lstrip("\n"))
    assert course.changed() == course.touched == recipe("exercise", "demo")
    assert len(course.touched) <= 6
    course.run("-c", "from coursekit.cli import main; main()", "release")
    made = {"answers.json", "checks.py", "demo.ipynb", "exercise.toml", "hints.toml"}
    made = {f"exercises/demo/{name}" for name in made} | {"solutions/demo/demo.ipynb"}
    assert course.changed() - course.touched == made
    contract = [f"tests/exercises/test_{name}.py" for name in ("contract", "earned", "forged")]
    assert course.test(*contract, STRUCTURE, "-k", "demo or generated or keeps_the_rule") >= 40
    course.is_clean()


CHECKS = demo_exercise.CHECKS.replace(
    't.subject.call("halve", 4), 2)',
    't.subject.call("halve", number := t.rng.random()), number / 2)',
)
HIDDEN = demo_exercise.HIDDEN.replace(
    't.subject.call("double", -3.0), -6.0)',
    't.subject.call("double", number := -t.rng.random()), 2 * number)',
)
"""A real exercise draws its questions at random."""


def test_a_lesson_is_three_files_and_every_test_of_lessons_finds_it(course: Course) -> None:
    """The lesson that is added is lesson 00 under another number, with a faster command in place of
    `doctor`: it has the form of all.
    """
    *_, last = LESSONS
    number = f"{int(last[:2]) + 1:02}"
    name = f"{number}_one_more"
    (title,) = re.findall(r"^# # (.+)$", read(f"notebooks/src/{last}.py"), re.MULTILINE)
    start = read("notebooks/src/00_start_here.py").replace("# # 00 ·", f"# # {number} ·")
    light = start.replace('["doctor", "--json"]', '["data", "list", "--json"]')
    light = light.replace('["lessons_can_run"]', '["datasets"][0]["name"]')
    assert light.count("doctor") == start.count("doctor") - 1
    body, _, _ = light.rpartition("\n# Next: ")
    course.write(f"notebooks/src/{name}.py", f"{body}\n# Back: [{title}]({last}.ipynb)\n")
    course.replace("coursekit/__init__.py", "\n}\n", f'\n    "{name}": ("coursekit.cli",),\n}}\n')
    before = read(f"notebooks/src/{last}.py")
    course.write(f"notebooks/src/{last}.py", f"{before}\n# Next: [one more]({name}.ipynb)\n")
    files = {file.replace("BEFORE", last) for file in recipe("lesson", name)}
    assert course.changed() == course.touched == files
    assert len(course.touched) <= 3
    course.run("notebooks/src/build.py", number)
    course.run("notebooks/src/build.py", "--text", last[:2])
    course.run("docs/tables.py")
    made = {"README.md", f"notebooks/{name}.ipynb", f"notebooks/{last}.ipynb"}
    assert course.changed() - course.touched == made
    project = [f"tests/project/test_{name}.py" for name in ("lessons", "light_imports", "readme")]
    wanted = f"{name} or {last} or coursekit.cli or table or folder or link or keeps_the_rule"
    assert course.test(*project, "tests/lessons/test_lesson_form.py", STRUCTURE, "-k", wanted) > 60
    collected = course.run("-m", "pytest", "--collect-only", "-q", f"notebooks/{name}.ipynb")
    assert collected.count("::Cell") > 10
    course.is_clean()


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
