"""A student's notebook in a process of its own: whatever it does there, the checks go on."""

import pytest

from coursekit.grading.errors import GradingError, StudentError, SubjectLost, TookTooLong
from coursekit.grading.exercises.notebook import read_notebook
from coursekit.grading.sandbox import Limits
from coursekit.grading.student import rehearsal


@pytest.fixture
def run(tmp_path, write_notebook):
    opened = []

    def start(*sources, timeout=120.0):
        file = tmp_path / "n.ipynb"
        write_notebook(file, *sources)
        run = rehearsal.running(read_notebook(file), tmp_path, timeout)
        opened.append(run)
        subject, subject.errors = run.__enter__()
        return subject

    yield start
    for run in opened:
        run.__exit__(None, None, None)


@pytest.fixture
def short_calls(monkeypatch):
    monkeypatch.setattr(rehearsal, "Limits", lambda: Limits(call_seconds=0.5))


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


def test_files_beside_the_notebook_can_be_read_and_imported(run, tmp_path):
    (tmp_path / "helper.py").write_text("n = 4")
    (tmp_path / "numbers.txt").write_text("5")
    subject = run("import helper\ntotal = helper.n + int(open('numbers.txt').read())")
    assert (subject.errors, subject.get("total")) == ([], 9)


def test_what_a_solution_prints_or_reads_does_not_meet_our_frames(run):
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


def test_an_endless_call_is_stopped_and_the_next_one_is_answered(run, short_calls):
    subject = run("def endless():\n    while True: pass\n\ndef f(): return 5")
    with pytest.raises(TookTooLong, match=r"longer than 0\.5 s"):
        subject.call("endless")
    assert subject.call("f") == 5


def test_a_call_that_cannot_be_stopped_ends_the_process_and_a_fresh_one_answers(
    run, short_calls, monkeypatch
):
    monkeypatch.setattr("coursekit.grading.protocol.session.GRACE_SECONDS", 0.3)
    subject = run(
        """
        import signal
        def stubborn():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            while True: pass
        def f(): return 5
        """
    )
    for _ in range(2):
        with pytest.raises(SubjectLost, match="did not stop"):
            subject.call("stubborn")
    subject.revive()
    assert subject.call("f") == 5


@pytest.mark.parametrize(
    "end", ["import os; os._exit(0)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
)
def test_a_cell_that_ends_the_process_is_left_out_and_the_others_run(run, end):
    subject = run("x = 1", end, "y = x + 1")
    assert subject.get("y") == 2


def test_a_process_that_ends_in_a_call_is_lost_until_it_is_started_again(run):
    subject = run("import os\ndef leave(): os._exit(3)\ndef f(): return 1")
    assert subject.call("f") == 1
    for name in ("leave", "f"):
        with pytest.raises(SubjectLost, match="ended by itself"):
            subject.call(name)
    subject.revive()
    assert subject.call("f") == 1


def test_without_ipython_we_say_what_to_install(run, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(GradingError, match=r"coursekit\[lab\]"):
        run("x = 1")


def test_cells_that_take_too_long_together_lose_the_process(run):
    subject = run("x = 1", "while True: pass", timeout=1.0)
    with pytest.raises(SubjectLost, match=r"longer than 1 s"):
        subject.get("x")
