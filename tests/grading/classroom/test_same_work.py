"""The same work gets the same questions and the same marks, whoever hands it in."""

import dataclasses
import itertools
import subprocess
import sys

import pytest

from coursekit.grading.classroom.service import grade_class
from coursekit.grading.classroom.settings import ClassSettings, load_plan, seed_of
from coursekit.grading.classroom.submissions import Submission, find_submissions
from tests.grading.submissions import ROOT, SOLUTION, hand_in, solved

WRONG = "def score(w0, w, V, x):\n    return w0 + 0.999999 * float(w @ x)\n"


def wrong():
    notebook = solved()
    next(cell for cell in notebook["cells"] if cell["id"] == "fm-1-answer")["source"] = WRONG
    return notebook


def test_the_seed_depends_on_exercise_version_secret_and_work_alone():
    plan = load_plan(SOLUTION)
    other_version = dataclasses.replace(plan.exercise, version="99")
    other_name = dataclasses.replace(plan.exercise, name="bandits")
    first = seed_of(b"secret", plan, "00")
    assert first == seed_of(b"secret", plan, "00")
    others = [
        seed_of(b"terces", plan, "00"),
        seed_of(b"secret", plan, "01"),
        seed_of(b"secret", dataclasses.replace(plan, exercise=other_version), "00"),
        seed_of(b"secret", dataclasses.replace(plan, exercise=other_name), "00"),
    ]
    assert len({first, *others}) == 5


def test_no_two_works_share_a_digest():
    """A helper file that continues the text of another is not the same work."""
    works = [
        {"notebook": b"{}"},
        {"notebook": b"{}", "files": {"a.py": b""}},
        {"notebook": b"{}", "files": {"a.py": b"1", "b.py": b"2"}},
        {"notebook": b"{}", "files": {"a.py": b"1\nb.py\n2"}},
        {"notebook": b"{}", "files": {"a.py": b"14 1\nb.py2"}},
        {"notebook": b"{}", "files": {"a.py1": b"", "b.py": b"2"}},
        {"notebook": b"{}\na.py\n1", "files": {"b.py": b"2"}},
        {"notebook": b"{}4 1\na.py1", "files": {"b.py": b"2"}},
    ]
    digests = [Submission(student="ada", **work).sha256 for work in works]
    assert len(set(digests)) == len(works)
    for work, digest in zip(works, digests, strict=True):
        assert Submission(student="bob", **work).sha256 == digest
        files = dict(reversed(work.get("files", {}).items()))
        assert Submission(student="b", notebook=work["notebook"], files=files).sha256 == digest


def test_the_layout_of_the_class_does_not_change_the_work(tmp_path):
    hand_in(tmp_path / "in", **{name: wrong() for name in ("ada", "bob", "a b", "=1+1")})
    found = find_submissions(tmp_path / "in", "fm")
    assert len({each.sha256 for each in found}) == 1


@pytest.mark.needs("bubblewrap")
def test_identical_wrong_work_gets_identical_marks(tmp_path):
    names = ["ada", "bob", *(f"student-{n}" for n in range(4))]
    hand_in(tmp_path / "in", **dict.fromkeys(names, wrong()))
    settings = ClassSettings(out=tmp_path / "out", n_jobs=2, forked=True)
    run = grade_class(tmp_path / "in", load_plan(SOLUTION), settings)
    marks = [[(c.seed, c.points, c.message) for c in each.checks] for each in (
        grade.report for grade in run.reports
    )]  # fmt: skip
    assert all(one == other for one, other in itertools.pairwise(marks))
    assert 0 < run.reports[0].report.points < run.reports[0].report.max_points


def test_nbgraders_course_is_read_without_what_only_authors_need():
    """The released notebook is read from exercises/, not generated."""
    code = f"""
import sys
from pathlib import Path
sys.modules["jupytext"] = None
from coursekit.grading.classroom.nbgrader.showing import load_course
course = load_course(Path({str(SOLUTION)!r}))
assert [cell["id"] for cell in course.released["cells"]]
assert not [name for name in sys.modules if name.startswith("coursekit.authoring")]
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
