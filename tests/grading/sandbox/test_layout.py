"""Where the course lies, nothing of it shows in the sandbox, and grading is refused if it does."""

import sys
from pathlib import Path

import pytest

from coursekit.grading.classroom.service import grade_class
from coursekit.grading.classroom.settings import ClassSettings, load_plan
from coursekit.grading.errors import GradingError
from coursekit.grading.sandbox import Limits, Mounts, mounts, start
from tests.grading.submissions import SOLUTION, hand_in, stub

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


def test_a_place_that_shows_is_found_and_nobody_is_graded(tmp_path, monkeypatch):
    """A submission in a folder that the sandbox shows: the self-test reads it and says so."""
    hand_in(tmp_path / "in", ada=stub())
    shown = Path(sys.prefix, "lib", "python3.11", "site-packages", "numpy", "__init__.py")
    monkeypatch.setattr(
        "coursekit.grading.classroom.service._secret_files", lambda *_: [shown.resolve()]
    )
    plan = load_plan(SOLUTION)
    with pytest.raises(GradingError, match=r"numpy/__init__.py'\] can be read"):
        grade_class(tmp_path / "in", plan, ClassSettings(out=tmp_path / "out"))
    assert not list((tmp_path / "out").glob("reports/*"))
