"""Every hostile submission gets exactly what it deserves and leaves nothing behind; so do those
that were graded beside it.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import sys
import threading
from pathlib import Path

import pytest

from coursekit.grading.classroom.publish.exports import csv_of, junit_of
from coursekit.grading.classroom.publish.feedback import feedback_page, feedback_text
from coursekit.grading.classroom.service import grade_class
from coursekit.grading.classroom.settings import ClassSettings, load_plan
from coursekit.grading.sandbox.orphans import process_tree
from tests.grading.hostile.attacks import ATTACKS
from tests.grading.submissions import FULL, ROOT, SOLUTION, hand_in, solved, stub, with_cell

pytestmark = pytest.mark.needs("bubblewrap")

MARKER = "/tmp/coursekit-hostile-marker"
LIMITS = """
[grading.limits]
cell_seconds = 2.0
call_seconds = 1.0
notebook_seconds = 25.0
memory_mb = 400
cpu_seconds = 20
scratch_mb = 16
file_mb = 8
"""
FRESH = ("agent answers true", "write everywhere", "leave a process", "kill everybody", "read other " "" "" "processes", "network",
        "solved, killed half way", "fork bomb", "close every descriptor", "raw frames", "memory while an answer is read", "a frame that lies about its length",
        "a child that outlives its parent's death signal", "System V shared memory")  # fmt: skip


def slug(name):
    return re.sub(r"[^a-z]+", "-", name)


@pytest.fixture(scope="module")
def listener():
    """Something on this machine that hostile code would like to talk to."""
    heard = []
    server = socket.create_server(("127.0.0.1", 0))
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0coursekit-hostile-{os.getpid()}")
    abstract.listen()
    for each in (server, abstract):
        threading.Thread(target=lambda each=each: heard.append(each.accept()), daemon=True).start()
    yield server.getsockname()[1], heard
    for each in (server, abstract):
        each.close()


@pytest.fixture(scope="module")
def exercise(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course") / "solutions" / "fm"
    folder.mkdir(parents=True)
    for file in SOLUTION.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    with (folder / "exercise.toml").open("a") as file:
        file.write(LIMITS)
    for above in (folder, *folder.parents[:2]):
        above.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def outcome(tmp_path_factory, listener, exercise):
    """Grade everything at once: attacks, and two honest submissions between them."""
    Path(MARKER).unlink(missing_ok=True)
    port, heard = listener
    folder = tmp_path_factory.mktemp("class")
    names = {
        "MARKER": MARKER,
        "PORT": str(port),
        "REPOSITORY": str(ROOT),
        "HOSTILE": f"coursekit-hostile-{os.getpid()}",
    }
    for name, attack in ATTACKS.items():
        notebook = with_cell(
            solved() if attack.solved else without_answers(), attack.source(**names), attack.after
        )
        for kind in ("forked", "fresh")[: 2 if name in FRESH else 1]:
            hand_in(folder / kind, **{slug(name): notebook})
    for kind in ("forked", "fresh"):
        hand_in(folder / kind, honest=solved(), zzz=stub())
    before = fingerprint()
    reports = {}
    for kind in ("forked", "fresh"):
        settings = ClassSettings(out=folder / f"{kind}-out", n_jobs=2, forked=kind == "forked")
        run = grade_class(folder / kind, load_plan(exercise), settings)
        reports[kind] = {each.student: each for each in run.reports}
    return {
        "reports": reports,
        "before": before,
        "after": fingerprint(),
        "heard": heard,
        "out": folder,
    }


def without_answers():
    """Return a notebook in which nothing is defined but what an attack defines."""
    notebook = stub()
    notebook["cells"] = [cell for cell in notebook["cells"] if not cell["id"].endswith("-answer")]
    return notebook


def fingerprint():
    """Digest what hostile code would like to change: start-up files of Python and of people, the
    course, the checks.
    """
    libraries = [
        Path(sys.prefix) / "lib/python3.11/site-packages",
        Path(sys.base_prefix) / "lib/python3.11",
        Path(sys.prefix),
    ]
    places = [
        file
        for folder in libraries
        for pattern in ("*.pth", "*customize.py")
        for file in folder.glob(pattern)
    ]
    places += [
        *(Path.home() / ".ipython").rglob("startup/*"),
        Path.home() / ".bashrc",
        *SOLUTION.iterdir(),
    ]
    places += [ROOT / "coursekit/grading/inside/agent.py", ROOT / "coursekit/core/errors.py"]
    contents = [
        f"{file} {hashlib.sha256(file.read_bytes()).hexdigest()}"
        for file in sorted(places)
        if file.is_file()
    ]
    return contents


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_submission_gets_what_it_deserves(outcome, name):
    reports = outcome["reports"]
    grade = reports["forked"][slug(name)]
    assert grade.report.points == ATTACKS[name].deserved, [
        (c.id, c.tier, c.points, c.message) for c in grade.report.checks
    ]
    assert not grade.problem
    if name in FRESH:
        assert reports["fresh"][slug(name)].report.points == ATTACKS[name].deserved


def test_there_are_at_least_fifty_of_them():
    assert len({attack.cells for attack in ATTACKS.values()}) >= 50


def test_the_honest_ones_beside_them_get_theirs(outcome):
    for reports in outcome["reports"].values():
        assert (reports["honest"].report.points, reports["zzz"].report.points) == (FULL, 0)


def test_nothing_is_left_behind(outcome):
    assert not Path(MARKER).exists()
    assert not [file for file in Path("/dev/shm").glob("*hostile*")]
    assert outcome["before"] == outcome["after"]
    assert not [pid for pid in process_tree(os.getpid()) if is_ours(pid)]


def is_ours(pid):
    try:
        text = (Path("/proc") / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False
    return b"coursekit.grading" in text or b"bwrap" in text


def test_nobody_was_reached_over_a_network(outcome):
    assert outcome["heard"] == []


def test_nothing_that_people_read_holds_script_or_escape_codes_or_secrets(outcome):
    secret = (outcome["out"] / "forked-out" / "secret").read_text()
    hidden = [
        line.strip()
        for line in (SOLUTION / "hidden.py").read_text().splitlines()
        if len(line.strip()) > 25
    ]
    grades = list(outcome["reports"]["forked"].values())
    texts = [text for grade in grades for text in (feedback_page(grade), feedback_text(grade))] + [
        csv_of(grades),
        junit_of(grades),
    ]
    for text in texts:
        assert not re.search(r"<script|onerror=|javascript:|alert\(", text)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
        assert secret not in text
        assert "SECRET INPUT" not in text
        assert "HACKED" not in text
        assert not [line for line in hidden if line in text and "@check" not in line]


def test_reports_hold_no_seed_that_could_be_used_elsewhere(outcome):
    seeds = [
        check.seed
        for grade in outcome["reports"]["forked"].values()
        for check in grade.report.checks
    ]
    per_student = {
        grade.student: {check.seed for check in grade.report.checks}
        for grade in outcome["reports"]["forked"].values()
    }
    assert all(len(own) == 1 for own in per_student.values())
    assert len(set(seeds)) == len(per_student)


def test_reports_of_hostile_submissions_are_plain_json(outcome):
    for file in (outcome["out"] / "forked-out" / "reports").glob("*.json"):
        assert json.loads(file.read_text())["sandbox"] == "bubblewrap"
        assert "\x1b" not in file.read_text()
