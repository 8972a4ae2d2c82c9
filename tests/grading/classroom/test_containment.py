"""Whatever is handed in, and whatever fails while one submission is read, run, judged or written:
it is the outcome of that submission, and all others are graded and published.

COURSEKIT_MUTATIONS=5000 tries that many mutated files instead of a few hundred.
"""

import copy
import io
import json
import lzma
import os
import random
import shutil
import zipfile
from contextlib import nullcontext

import pytest

from coursekit.grading.checks.report import CheckReport, Outcome, PartReport
from coursekit.grading.classroom import service
from coursekit.grading.classroom.job import CellRun, JobResult
from coursekit.grading.classroom.publish import review
from coursekit.grading.classroom.publish.feedback import feedback_page, feedback_text
from coursekit.grading.classroom.service import all_publishers, grade_class
from coursekit.grading.classroom.settings import ClassSettings, load_plan
from coursekit.grading.classroom.submissions import find_submissions
from coursekit.grading.errors import GradingError
from tests.grading.submissions import FULL, SOLUTION, hand_in, solved, stub

N_MUTATIONS = int(os.environ.get("COURSEKIT_MUTATIONS", "300"))
IN_ONE_CLASS = 100


def passed(exercise):
    return tuple(
        CheckReport(
            id=check.id,
            title=check.title,
            tier=check.tier,
            parts=(
                PartReport(
                    name="all", outcome=Outcome.PASSED, points=check.points, max_points=check.points
                ),
            ),
            seed="s",
            seconds=0.0,
        )
        for check in exercise.checks
    )


@pytest.fixture
def plan():
    return load_plan(SOLUTION)


@pytest.fixture
def engine(monkeypatch, plan):
    """Judge without running anything: every submission passes, unless its name is given an own
    result.
    """
    own = {}

    def run(jobs):
        for job in jobs:
            result = own.get(job.submission)
            if isinstance(result, Exception):
                raise result
            outputs = (("stream", {"text": job.cells[0].source[:20]}),)
            cells = tuple(
                CellRun(id=c.id, number=c.number, trouble="", seconds=0.0, outputs=outputs)
                for c in job.cells
                if not c.check_id
            )
            yield result or JobResult(
                submission=job.submission, checks=passed(plan.exercise), cells=cells
            )

    monkeypatch.setattr(service, "workers", lambda settings: nullcontext(run))
    monkeypatch.setattr(service, "self_test", lambda *_, **__: None)
    monkeypatch.setattr(service, "isolation_of", lambda _: "bubblewrap")
    return own


def run_class(place, plan, out):
    return grade_class(place, plan, ClassSettings(out=out), all_publishers())


def complete(run, out):
    """Every submission has its report, its feedback, its review page and its line."""
    assert run.troubles == []
    rows = (out / "grades.csv").read_text().splitlines()
    assert len(rows) == len(run.works) + 1
    for work in run.works:
        for name in ("reports/{}.json", "feedback/{}.html", "feedback/{}.txt", "review/{}.html"):
            assert (out / name.format(work.student)).is_file()
    return {work.student: work.grade for work in run.works}


ODD = (None, True, -1, 10**30, 1e308, float("nan"), "", "\ud800", "\x00", "x" * 10_000)
ODD += ([], {}, [[]], {"a": {}}, [None, 1, "a"])
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def nested(depth):
    value = "deep"
    for _ in range(depth):
        value = [value]
    return value


def changed_bytes(rng, content):
    """Flip, cut out, repeat, insert or drop bytes."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 20))):
        at = rng.randrange(len(content) + 1)
        length = rng.choice((1, 4, 40, 4000))
        way = rng.randrange(5)
        if way == 0 and at < len(content):
            content[at] ^= 1 << rng.randrange(8)
        elif way == 1:
            del content[at : at + length]
        elif way == 2:
            content[at:at] = content[at : at + length]
        elif way == 3:
            content[at:at] = rng.randbytes(length)
        elif rng.random() < 0.2:
            del content[at:]
    return bytes(content)


def changed_notebook(rng):
    """Put something odd in a random place of a notebook."""
    notebook = solved()
    for _ in range(rng.choice((1, 2, 10))):
        node = notebook
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(node[key], dict | list) and rng.random() < 0.8:
                node = node[key]
                continue
            node[key] = copy.deepcopy(rng.choice([*ODD, nested(rng.choice((10, 200, 400)))]))
            break
    return json.dumps(notebook).encode()


def archive(*members, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return buffer.getvalue()


def mutated(rng):
    """Return the name and the content of a file as somebody might hand it in."""
    notebook = json.dumps(solved()).encode()
    kind = rng.randrange(4)
    if kind == 0:
        return "fm.ipynb", changed_bytes(rng, notebook)
    if kind == 1:
        return "fm.ipynb", changed_notebook(rng)
    work = ("fm.ipynb", changed_notebook(rng) if kind == 2 else notebook)
    packed = archive(work, ("a/helper.py", b"x = 1\n"), method=rng.choice(METHODS))
    return "work.zip", changed_bytes(rng, packed) if kind == 3 else packed


@pytest.mark.parametrize("seed", range(-(-N_MUTATIONS // IN_ONE_CLASS)))
def test_no_mutated_notebook_or_archive_stops_a_run(engine, plan, tmp_path, seed):
    rng = random.Random(seed)
    for n in range(IN_ONE_CLASS):
        name, content = mutated(rng)
        place = tmp_path / "in" / f"s{n:03}" / name
        place.parent.mkdir(parents=True)
        place.write_bytes(content)
    hand_in(tmp_path / "in", ada=solved(), zoe=stub())
    grades = complete(run_class(tmp_path / "in", plan, tmp_path / "out"), tmp_path / "out")
    assert len(grades) == IN_ONE_CLASS + 2
    assert (grades["ada"].report.points, grades["zoe"].report.points) == (FULL, FULL)
    assert not any(grade.fault for grade in grades.values())
    assert {bool(grade.problem) for grade in grades.values()} == {True, False}


@pytest.mark.parametrize("seed", range(10))
def test_a_mutated_class_archive_is_graded_or_refused_in_a_sentence(engine, plan, tmp_path, seed):
    rng = random.Random(seed)
    members = [(f"class/{name}/fm.ipynb", json.dumps(stub())) for name in ("ada", "bob")]
    for at in range(max(1, N_MUTATIONS // 100)):
        file = tmp_path / f"class{at}.zip"
        file.write_bytes(changed_bytes(rng, archive(*members)))
        out = tmp_path / f"out{at}"
        try:
            complete(run_class(file, plan, out), out)
        except GradingError as error:
            assert str(file) in str(error)


def test_one_bad_entry_of_a_class_archive_is_the_problem_of_one(engine, plan, tmp_path):
    good = json.dumps(solved()).encode()
    file = tmp_path / "class.zip"
    packed = archive(
        ("ada/fm.ipynb", good),
        ("bomb/fm.ipynb", b"\0" * 200_000_000),
        ("../../../evil/fm.ipynb", good),
        ("broken/fm.ipynb", b"here is the broken one" * 100),
        ("nested/work.zip", archive(("fm.ipynb", good), method=zipfile.ZIP_LZMA)),
        ("zoe/work.zip", archive(("fm.ipynb", good))),
    )
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        at = opened.getinfo("broken/fm.ipynb").header_offset + 60
    file.write_bytes(packed[:at] + b"\xff\xff\xff" + packed[at + 3 :])
    grades = complete(run_class(file, plan, tmp_path / "out"), tmp_path / "out")
    assert {name: grade.problem for name, grade in grades.items() if not grade.problem} == {
        "ada": "",
        "zoe": "",
    }
    assert "larger than 25 MB" in grades["bomb"].problem
    assert "leads out of its archive" in grades["evil"].problem
    assert "cannot be unpacked" in grades["broken"].problem
    assert "compressed by a method" in grades["nested"].problem


def test_damaged_lzma_is_refused_before_it_is_unpacked(tmp_path):
    body = lzma.compress(b"x" * 1000, format=lzma.FORMAT_ALONE)
    hand_in(tmp_path, ada={})
    shutil.rmtree(tmp_path / "ada")
    (tmp_path / "ada.zip").write_bytes(archive(("fm.ipynb", body), method=zipfile.ZIP_LZMA)[:-40])
    [found] = find_submissions(tmp_path, "fm")
    assert "not a zip that can be read" in found.problem


def test_a_folder_that_changes_while_it_is_graded_does_not_matter(engine, plan, tmp_path):
    hand_in(tmp_path / "in", ada=solved(), bob=solved())

    def progress(n_done, n_all, student):
        shutil.rmtree(tmp_path / "in", ignore_errors=True)

    out = tmp_path / "out"
    run = grade_class(
        tmp_path / "in", plan, ClassSettings(out=out), all_publishers(), progress=progress
    )
    assert not (tmp_path / "in").exists()
    grades = complete(run, out)
    assert {grade.report.points for grade in grades.values()} == {FULL}
    assert "fm-1-answer" in (out / "review" / "bob.html").read_text()


SECRET = "the-hidden-question-4711"
FAULTS = {
    "raises": RuntimeError(SECRET),
    "bug": JobResult(submission="eve", bug=f"CheckBugError: {SECRET}"),
    "nothing": JobResult(submission="eve", lost="The process ended without a result."),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_ours_is_for_the_instructor_and_never_zero_points(engine, plan, tmp_path, fault):
    hand_in(tmp_path / "in", ada=solved(), eve=solved(), zoe=solved())
    engine["eve"] = FAULTS[fault]
    out = tmp_path / "out"
    grades = complete(run_class(tmp_path / "in", plan, out), out)
    assert {name: grade.report.points for name, grade in grades.items() if not grade.fault} == {
        "ada": FULL,
        "zoe": FULL,
    }
    eve = grades["eve"]
    assert "could not be judged" in eve.problem
    assert "for the instructor" in eve.problem
    for text in (feedback_page(eve), feedback_text(eve)):
        assert SECRET not in text
        assert "Not judged." in text
    row = next(line for line in (out / "grades.csv").read_text().splitlines() if "eve" in line)
    assert row.split(",")[1] == ""
    assert "not judged" in row
    results = json.loads((out / "gradescope" / "eve" / "results.json").read_text())
    assert "score" not in results
    assert results["tests"] == []
    del engine["eve"]
    again = run_class(tmp_path / "in", plan, out)
    assert (again.n_new, [each.report.points for each in again.reports]) == (1, [FULL] * 3)


def test_a_page_that_cannot_be_made_is_reported_and_the_others_are(
    engine, plan, tmp_path, monkeypatch
):
    hand_in(tmp_path / "in", ada=solved(), eve=solved())

    def page(work, **options):
        if work.student == "eve":
            raise MemoryError("too much")
        return "a page"

    monkeypatch.setattr(review, "review_page", page)
    run = run_class(tmp_path / "in", plan, tmp_path / "out")
    assert run.troubles == ["eve: could not write its review page: MemoryError: too much"]
    assert (tmp_path / "out" / "review" / "ada.html").read_text() == "a page"
    assert (tmp_path / "out" / "feedback" / "eve.html").is_file()


def test_outputs_too_deep_to_be_written_are_left_out(engine, plan, tmp_path):
    hand_in(tmp_path / "in", ada=solved(), eve=solved())
    deep = CellRun(
        id="imports",
        number=2,
        trouble="",
        seconds=0.0,
        outputs=(("display_data", {"data": {"text/plain": nested(3000)}}),),
    )
    engine["eve"] = JobResult(submission="eve", checks=passed(plan.exercise), cells=(deep,))
    out = tmp_path / "out"
    grades = complete(run_class(tmp_path / "in", plan, out), out)
    assert grades["eve"].report.points == FULL
    assert json.loads((out / "work" / "results" / "eve.json").read_text())["cells"]


@pytest.mark.needs("bubblewrap")
def test_a_check_that_raises_on_a_strange_answer_stops_nobody_else(tmp_path):
    folder = tmp_path / "solutions" / "fm"
    shutil.copytree(SOLUTION, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for above in (folder, *folder.parents[:2]):
        above.chmod(0o755)
    hidden = (folder / "hidden.py").read_text()
    before = "        ones = np.ones(7)\n"
    asked = 't.subject.call("pairs", W[:, 1:], ones) != "strange"'
    raising = f'assert {asked}, "{SECRET}"'
    assert before in hidden
    (folder / "hidden.py").write_text(hidden.replace(before, f"{before}        {raising}\n"))
    strange = solved()
    answer = next(cell for cell in strange["cells"] if cell["id"] == "fm-2-answer")
    answer["source"] = "def pairs(V, x):\n    return 'strange'\n"
    hand_in(tmp_path / "in", ada=solved(), eve=strange, zoe=solved())
    out = tmp_path / "out"
    grades = complete(run_class(tmp_path / "in", load_plan(folder), out), out)
    assert (grades["ada"].report.points, grades["zoe"].report.points) == (FULL, FULL)
    eve = grades["eve"]
    assert "fm-2" in eve.fault
    hidden = next(c for c in eve.report.checks if (c.id, c.tier) == ("fm-2", "hidden"))
    assert (hidden.outcome, hidden.points, hidden.max_points) == (Outcome.NOT_JUDGED, 0, 1)
    assert [eve.report.score(name)[0] for name in ("fm-1", "fm-3", "fm-6")] == [3, 4, 3]
    page = feedback_page(eve)
    assert SECRET in eve.fault
    assert SECRET not in page
    assert "fm-2 (hidden): This could not be judged" in page
    assert "Not all was judged" in page
    row = next(line for line in (out / "grades.csv").read_text().splitlines() if "eve" in line)
    assert row.split(",")[1] == ""
    assert ",in part," in row
    assert run_class(tmp_path / "in", load_plan(folder), out).n_new == 1


def test_files_that_are_left_out_are_named_or_at_least_counted(tmp_path):
    hand_in(tmp_path, ada=solved())
    for n in range(12):
        (tmp_path / "ada" / f"data{n:02}.bin").symlink_to(SOLUTION / "fm.py")
    [found] = find_submissions(tmp_path, "fm")
    assert [remark.partition(" ")[0] for remark in found.remarks[:-1]] == [
        f"data{n:02}.bin" for n in range(5)
    ]
    assert found.remarks[-1] == "7 more files were not read or were left out."
