"""Every hostile submission gets exactly what it deserves and leaves nothing behind; so do those
that were graded beside it. Each group of attacks is one class, graded in fresh processes and in
forked ones; answers, which do not depend on how a process was started, in forked ones. Attacks on
the protocol run in fresh processes where `COURSEKIT_HOSTILE=all` is set, as continuous integration
does: one server starts both kinds, and the protocol is the same.
"""

import hashlib
import json
import os
import re
import select
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from coursekit.grading.classroom import service
from coursekit.grading.classroom.publish.exports import csv_of, junit_of
from coursekit.grading.classroom.publish.feedback import feedback_page, feedback_text
from coursekit.grading.classroom.service import grade_class
from coursekit.grading.classroom.settings import ClassSettings, load_plan
from coursekit.grading.sandbox.orphans import process_tree
from tests.grading.hostile.attacks import GROUPS
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


def slug(name):
    return re.sub(r"[^a-z]+", "-", name)


@pytest.fixture(scope="class")
def listeners():
    """Two things on this machine that hostile code would like to talk to."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        abstract.bind(f"\0coursekit-hostile-{os.getpid()}")
        abstract.listen()
        yield server, abstract


@pytest.fixture(scope="class")
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


@dataclass
class Outcome:
    """What came of grading a group of attacks, and two honest submissions between them."""

    reports: dict
    before: list
    after: list
    heard: list
    out: Path
    marker: Path


@pytest.fixture(scope="class")
def outcome(request, tmp_path_factory, listeners, exercise):
    attacks, folder = GROUPS[request.cls.group], tmp_path_factory.mktemp("class")
    marker = Path(f"{MARKER}-{os.getpid()}-{request.cls.__name__}")
    names = {
        "MARKER": str(marker),
        "PORT": str(listeners[0].getsockname()[1]),
        "REPOSITORY": str(ROOT),
        "HOSTILE": f"coursekit-hostile-{os.getpid()}",
    }
    for name, attack in attacks.items():
        cell, files = attack.filled(**names)
        base = solved() if attack.solved else without_answers()
        hand_in(folder / "in", **{slug(name): with_cell(base, cell, attack.after)})
        for path, text in files.items():
            place = folder / "in" / slug(name) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
    hand_in(folder / "in", honest=solved(), zzz=stub())
    before = fingerprint()
    settings = ClassSettings(out=folder / "out", n_jobs=3, forked=request.cls.forked)
    with pytest.MonkeyPatch.context() as patch:  # its own tests are in test_service.py
        patch.setattr(service, "self_test", lambda *_, **__: None)
        run = grade_class(folder / "in", load_plan(exercise), settings)
    reports = {each.student: each for each in run.reports}
    heard = select.select(listeners, [], [], 0)[0]
    return Outcome(reports, before, fingerprint(), heard, folder / "out", marker)


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


all_attacks = pytest.mark.skipif(
    os.environ.get("COURSEKIT_HOSTILE") != "all", reason="a long run: set COURSEKIT_HOSTILE=all"
)


class Contract:
    """What holds for every group of attacks."""

    def test_each_hostile_submission_gets_what_it_deserves(self, outcome, attack_name):
        grade, attack = outcome.reports[slug(attack_name)], GROUPS[self.group][attack_name]
        assert grade.report.points == attack.deserved, [
            (c.id, c.tier, c.points, c.message) for c in grade.report.checks
        ]
        assert not grade.problem

    def test_the_honest_ones_beside_them_get_theirs(self, outcome):
        points = [outcome.reports[name].report.points for name in ("honest", "zzz")]
        assert points == [FULL, 0]

    def test_nothing_is_left_behind(self, outcome):
        assert not outcome.marker.exists()
        assert not [file for file in Path("/dev/shm").glob("*hostile*")]
        assert outcome.before == outcome.after
        assert not [pid for pid in process_tree(os.getpid()) if is_ours(pid)]

    def test_nobody_was_reached_over_a_network(self, outcome):
        assert outcome.heard == []

    def test_nothing_that_people_read_holds_script_or_escape_codes_or_secrets(self, outcome):
        secret = (outcome.out / "secret").read_text()
        hidden = [
            line.strip()
            for line in (SOLUTION / "hidden.py").read_text().splitlines()
            if len(line.strip()) > 25
        ]
        grades = list(outcome.reports.values())
        texts = [text for grade in grades for text in (feedback_page(grade), feedback_text(grade))]
        for text in [*texts, csv_of(grades), junit_of(grades)]:
            assert not re.search(r"<script|onerror=|javascript:|alert\(", text)
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
            assert secret not in text
            assert "SECRET INPUT" not in text
            assert "HACKED" not in text
            assert not [line for line in hidden if line in text and "@check" not in line]

    def test_what_is_said_of_hidden_checks_holds_nothing_that_the_submission_said(self, outcome):
        for grade in outcome.reports.values():
            hidden = [repr(check) for check in grade.report.checks if check.tier == "hidden"]
            assert hidden
            assert not re.search("SECRETINPUT|" + b"SECRETINPUT".hex(), " ".join(hidden))

    def test_reports_hold_no_seed_that_could_be_used_elsewhere(self, outcome):
        seeds = {
            grade.student: {check.seed for check in grade.report.checks}
            for grade in outcome.reports.values()
        }
        assert all(len(own) == 1 for own in seeds.values())
        assert len(set.union(*seeds.values())) == len(seeds)

    def test_reports_are_plain_json_and_state_the_confinement(self, outcome):
        kind = "forked" if self.forked else "fresh"
        for file in (outcome.out / "reports").glob("*.json"):
            stated = json.loads(file.read_text())["sandbox"]
            assert re.fullmatch(
                rf"bubblewrap, {kind} processes, (control group version [12]|memory watchdog)",
                stated,
            )
            assert "\x1b" not in file.read_text()


def is_ours(pid):
    try:
        text = (Path("/proc") / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False
    return b"coursekit.grading" in text or b"bwrap" in text


def pytest_generate_tests(metafunc):
    if "attack_name" in metafunc.fixturenames:
        metafunc.parametrize("attack_name", GROUPS[metafunc.cls.group])


class TestValuesForked(Contract):
    group, forked = "values", True


@all_attacks
class TestLineFresh(Contract):
    group, forked = "line", False


class TestLineForked(Contract):
    group, forked = "line", True


@all_attacks
class TestFramesFresh(Contract):
    group, forked = "frames", False


class TestFramesForked(Contract):
    group, forked = "frames", True


class TestReadingFresh(Contract):
    group, forked = "reading", False


class TestReadingForked(Contract):
    group, forked = "reading", True


class TestMachineFresh(Contract):
    group, forked = "machine", False


class TestMachineForked(Contract):
    group, forked = "machine", True


class TestExhaustionFresh(Contract):
    group, forked = "exhaustion", False


class TestExhaustionForked(Contract):
    group, forked = "exhaustion", True


class TestUncountedFresh(Contract):
    group, forked = "uncounted", False


class TestUncountedForked(Contract):
    group, forked = "uncounted", True


def test_there_are_at_least_120_attacks():
    assert (
        len(
            {
                attack.cells + str(attack.files)
                for group in GROUPS.values()
                for attack in group.values()
            }
        )
        >= 120
    )
