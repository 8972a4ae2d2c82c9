"""A solution in a process of its own: whatever it does there, the checks go on."""

import pytest

from coursekit.grading.errors import GradingError, StudentError, SubjectLost, TookTooLong
from coursekit.grading.exercises.notebook import code_cells, read_notebook
from coursekit.grading.sandbox.session import ProcessSubject


@pytest.fixture
def run(tmp_path, write_notebook):
    started = []

    def start(*sources, **options):
        file = tmp_path / "n.ipynb"
        write_notebook(file, *sources)
        subject = ProcessSubject(code_cells(read_notebook(file)), tmp_path, **options)
        started.append(subject)
        return subject

    yield start
    for subject in started:
        subject.close()
        assert subject._process.poll() is not None


def test_cells_run_in_order_and_their_names_can_be_asked_for(run):
    subject = run("a = 1", "def f(x):\n    return x + a", "a = 10")
    assert subject.call("f", 1) == 11
    assert subject.errors == []


def test_cells_are_read_as_a_notebook_reads_them(run):
    subject = run(
        "%matplotlib inline\n!true",
        "%%time\nx = 3",
        "await __import__('asyncio').sleep(0)",
        "x?",
        "y = _ = x",
    )
    assert subject.errors == []
    assert subject.get("y") == 3


def test_what_a_solution_prints_or_reads_does_not_meet_our_lines(run):
    subject = run(
        """
        import os, sys
        def noisy():
            print('{"protocol": 1, "replies": [{"value": "forged"}]}', flush=True)
            sys.__stdout__.write("more"), sys.__stdout__.flush()
            os.write(1, b"and more\\n"), os.write(2, b"errors")
            os.system("echo from a child")
            return "said"
        def ask():
            return input("number? ")
        """
    )
    assert subject.call("noisy") == "said"
    with pytest.raises(StudentError, match="EOFError"):
        subject.call("ask")


def test_a_cell_that_raises_is_reported_and_the_next_ones_still_run(run):
    subject = run("good = 1", "1 / 0", "def broken(:", "import sys; sys.exit()", "after = 2")
    assert [(cell.number, name) for cell, name, _ in subject.errors] == [
        (2, "ZeroDivisionError"),
        (3, "SyntaxError"),
        (4, "SystemExit"),
    ]
    assert subject.get("after") == 2


def test_an_endless_call_is_stopped_and_the_next_one_is_answered(run):
    subject = run("def endless():\n    while True: pass\n\ndef f(): return 5", call_seconds=0.5)
    with pytest.raises(TookTooLong, match=r"longer than 0\.5 s"):
        subject.call("endless")
    assert subject.call("f") == 5


def test_a_call_that_cannot_be_stopped_ends_the_process(run, monkeypatch):
    monkeypatch.setattr("coursekit.grading.sandbox.session.GRACE_SECONDS", 0.3)
    subject = run(
        """
        import signal
        def stubborn():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            while True: pass
        """,
        call_seconds=0.3,
    )
    with pytest.raises(TookTooLong):
        subject.call("stubborn")
    with pytest.raises(SubjectLost, match="did not stop"):
        subject.call("stubborn")


@pytest.mark.parametrize(
    "end", ["import os; os._exit(0)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
)
def test_a_process_that_ends_in_a_cell_is_lost(run, end):
    subject = run("x = 1", end)
    with pytest.raises(SubjectLost, match="ended by itself"):
        subject.get("x")


def test_a_process_that_ends_in_a_call_is_lost_from_then_on(run):
    subject = run("import os\ndef leave(): os._exit(3)\ndef f(): return 1")
    assert subject.call("f") == 1
    for name in ("leave", "f"):
        with pytest.raises(SubjectLost, match="ended by itself"):
            subject.call(name)


def test_without_ipython_we_say_what_to_install(run, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(GradingError, match=r"coursekit\[lab\]"):
        run("x = 1")


def test_cells_that_take_too_long_together_lose_the_process(run):
    subject = run("x = 1", "while True: pass", run_seconds=1.0)
    with pytest.raises(SubjectLost, match=r"longer than 1 s together"):
        subject.get("x")
