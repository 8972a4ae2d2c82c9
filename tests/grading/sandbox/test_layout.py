"""Where the course lies, nothing of it shows in the sandbox, and grading is refused if it does."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from coursekit.grading.classroom import execute, self_test
from coursekit.grading.classroom.service import grade_class
from coursekit.grading.classroom.settings import ClassSettings, load_plan
from coursekit.grading.errors import GradingError
from coursekit.grading.sandbox import Limits, Mounts, mounts, start
from tests.grading.submissions import FULL, SOLUTION, hand_in, solved, stub, with_cell

pytestmark = pytest.mark.needs("bubblewrap")


def visible(files):
    """Which files can be opened inside."""
    code = f"""
for name in {[str(file) for file in files]!r}:
    try:
        open(name).close()
        print(name)
    except OSError:
        pass
"""
    process = start(
        [str(Path(sys.executable).resolve()), "-c", code], mounts=Mounts(), limits=Limits()
    )
    said, _ = process.communicate()
    assert process.returncode == 0
    return said.decode().split()


@pytest.fixture
def open_folder(tmp_path):
    """A folder that every user may enter, also where tests run as root."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    return tmp_path


def test_a_course_whose_own_folder_is_the_environment_does_not_show(open_folder, monkeypatch):
    """As after `python -m venv .` in the course's folder: the prefix is the course."""
    secret = open_folder / "solutions" / "fm" / "hidden.py"
    shown = open_folder / "lib" / "library.py"
    for file in (secret, shown):
        file.parent.mkdir(parents=True)
        file.write_text("1")
    monkeypatch.setattr(mounts.sys, "prefix", str(open_folder))
    assert visible([secret, shown]) in ([str(shown)], [])
    arguments = Mounts().arguments()
    assert str(open_folder) not in arguments
    assert str(shown.parent) in arguments


def test_a_course_below_usr_does_not_show():
    arguments = Mounts().arguments()
    bound = {Path(arguments[at + 1]) for at, word in enumerate(arguments) if word == "--ro-bind"}
    for place in ("/usr/local/share/course", "/usr/src/course", "/usr/share/course", "/usr/course"):
        assert not [folder for folder in bound if Path(place).is_relative_to(folder)]


@pytest.fixture
def system():
    """A folder that is shown like /usr/lib; not below /tmp, which is empty in every sandbox."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


SPY = """
import os
def found(*places):
    return [os.path.join(f, n) for place in places for f, _, names in os.walk(place) for n in names]
print("SEEN", [name for name in found("COURSE") if ".venv" not in name])
for name in KNOWN:
    try: print("READ", name, open(name).read()[:5])
    except OSError: pass
"""


def said(out, student):
    cells = json.loads((out / "work" / "results" / f"{student}.json").read_text())["cells"]
    shown = [content for cell in cells for kind, content in cell["outputs"] if kind == "stream"]
    return "".join(content["text"] for content in shown)


@pytest.mark.parametrize("forked", [False, True], ids=["fresh", "forked"])
def test_a_course_in_a_folder_that_is_shown_is_covered_and_graded(system, monkeypatch, forked):
    """As a course below /usr/lib: solutions, submissions and reports lie in a folder that shows."""
    course = system / "course"
    solution, place, out = course / "solutions" / "fm", course / "in", course / "out"
    shutil.copytree(SOLUTION, solution, ignore=shutil.ignore_patterns("__pycache__"))
    (system / "library.txt").write_text("shown")
    known = [solution / "hidden.py", place / "ada" / "fm.ipynb", out / "secret"]
    spy = SPY.replace("COURSE", str(course)).replace("KNOWN", repr([*map(str, known)]))
    see = f"\nprint(open({str(system / 'library.txt')!r}).read())"
    hand_in(place, ada=solved(), eve=with_cell(stub(), spy + see))
    shown = mounts.shown_folders()
    for module in (mounts, self_test):
        monkeypatch.setattr(module, "shown_folders", lambda: [*shown, system])
    run = grade_class(place, load_plan(solution), ClassSettings(out=out, forked=forked))
    assert [each.report.points for each in run.reports] == [FULL, 0]
    assert said(out, "eve") == "SEEN []\nshown\n"


def test_a_place_that_is_not_covered_is_found_and_nobody_is_graded(system, monkeypatch, tmp_path):
    """The self-test looks for itself: it does not believe that what is to be covered is."""
    hand_in(system / "in", ada=stub())
    shown = [*mounts.shown_folders(), system]
    for module in (mounts, self_test):
        monkeypatch.setattr(module, "shown_folders", lambda: shown)
    monkeypatch.setattr(execute, "Mounts", lambda modules, covered: mounts.Mounts(modules=modules))
    with pytest.raises(GradingError, match=r"in/ada/fm.ipynb'\] can be read"):
        grade_class(system / "in", load_plan(SOLUTION), ClassSettings(out=tmp_path / "out"))
    assert not list((tmp_path / "out").glob("reports/*"))
