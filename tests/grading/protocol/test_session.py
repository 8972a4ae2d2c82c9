"""A session with a notebook in a sandbox, honest solutions and stranger ones."""

import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from coursekit.grading.errors import (
    MachineFaultError,
    Missing,
    NotAttempted,
    RefusedReply,
    StudentError,
    SubjectError,
    SubjectLost,
    TookTooLong,
)
from coursekit.grading.protocol.session import Session
from coursekit.grading.protocol.subject import LocalSubject
from coursekit.grading.sandbox import Limits, Mounts
from coursekit.grading.sandbox.fork_server import ForkServer
from coursekit.grading.sandbox.orphans import process_tree
from coursekit.grading.sandbox.process import unsandboxed

LIMITS = Limits(call_seconds=5.0, cell_seconds=5.0, memory_mb=400)
SOLUTION = """
import numpy as np
def double(x): return 2 * x
def shout(x): print("x" * 10_000); raise ValueError(f"the input was {x}")
def later(x): raise NotImplementedError
def forever(x):
    while True: pass
def huge(x): return np.zeros(5_000_000)
def stubborn(x):
    while True:
        try:
            while True: pass
        except KeyboardInterrupt: pass
class Counter:
    def __init__(self, start): self.n = start
    def add(self, k): self.n += k; return self.n
"""

pytestmark = pytest.mark.needs("bubblewrap")


@pytest.fixture(scope="module")
def servers():
    with (
        ForkServer((), Mounts(), LIMITS) as fresh,
        ForkServer(["numpy"], Mounts(), LIMITS, forked=True) as forked,
    ):
        yield {"fresh": fresh, "forked": forked}


@pytest.fixture(scope="module", params=["fresh", "forked"])
def launch(request, servers):
    return servers[request.param].launch


@pytest.fixture(scope="module")
def subject(launch):
    limits = replace(LIMITS, call_seconds=2.0)
    with Session(launch, limits=limits, files={"data/numbers.txt": b"1 2 3"}) as session:
        session.run_cell(SOLUTION)
        yield session


@pytest.mark.parametrize(
    "value",
    [
        1,
        2.5,
        "text",
        [1, [2.0, None]],
        (1, 2),
        {"a": 1, 2: "b"},
        {1, 2},
        np.arange(6.0).reshape(2, 3),
        float("inf"),
        True,
    ],
)
def test_a_value_comes_back_from_a_process_as_from_the_notebook(subject, value):
    subject.run_cell("def same(x): return x")
    there, here = (
        subject.call("same", value),
        LocalSubject({"same": lambda x: x}).call("same", value),
    )
    assert type(there) is type(here)
    np.testing.assert_equal(there, here)


def test_objects_stay_in_the_process(subject):
    counter = subject.new("Counter", 5)
    assert counter.map("add", [[1], [2]]) == [6, 8]
    assert counter.get("n") == 8


def test_each_way_not_to_answer_has_its_error(subject):
    for name, error in {
        "later": NotAttempted,
        "nowhere": Missing,
        "huge": StudentError,
        "forever": TookTooLong,
    }.items():
        with pytest.raises(error):
            subject.call(name, 1)
    assert subject.call("double", 2) == 4


def test_an_exception_says_no_more_than_its_kind(subject):
    with pytest.raises(StudentError) as caught:
        subject.call("shout", 4711)
    assert str(caught.value) == "ValueError"


def test_cells_show_errors_outputs_and_the_files_beside_them(subject):
    result = subject.run_cell("print(open('data/numbers.txt').read())\n1/0")
    assert (result.error, result.trouble) == ("ZeroDivisionError", "")
    assert result.outputs[0] == ("stream", {"name": "stdout", "text": "1 2 3\n"})
    assert result.outputs[1][0] == "error"


def test_cells_show_values_displays_figures_and_what_programs_write(subject):
    source = """
from IPython.display import display
import os, sys
display({"text/plain": "shown"}, raw=True)
os.write(1, b"by descriptor\\n"); print("warned", file=sys.stderr)
import subprocess; subprocess.run(["echo", "by program"])
6 * 7"""
    outputs = subject.run_cell(source).outputs
    assert ("display_data", {"data": {"text/plain": "shown"}, "metadata": {}}) in outputs
    assert any(kind == "execute_result" and c["data"]["text/plain"] == "42" for kind, c in outputs)
    said = {name: "" for name in ("stdout", "stderr")}
    for kind, content in outputs:
        if kind == "stream":
            said[content["name"]] += content["text"]
    assert said == {"stdout": "by descriptor\nby program\n", "stderr": "warned\n"}


@pytest.mark.slow
def test_a_figure_is_shown_and_nothing_is_imported_for_it_before(subject):
    assert subject.run_cell("import sys; early = 'matplotlib' in sys.modules").error == ""
    source = "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])"
    with replaced_limit(subject, cell_seconds=30.0):
        outputs = subject.run_cell(source).outputs
    [figure] = [content for kind, content in outputs if kind == "display_data"]
    assert figure["data"]["image/png"].startswith("iVBORw0KGgo")
    assert subject.get("early") is False


@pytest.mark.slow
def test_a_figure_without_pyplot_is_shown_and_one_too_large_is_named(subject):
    with replaced_limit(subject, cell_seconds=30.0):
        source = "from matplotlib.figure import Figure\nf = Figure(); f.subplots().plot([1, 2]); f"
        [(_, content)] = subject.run_cell(source).outputs
        assert content["data"]["image/png"].startswith("iVBORw0KGgo")
        large = "display({'image/png': 'A' * 5_000_000, 'text/plain': 'x'}, raw=True); print('on')"
        [(_, named), (_, after)] = subject.run_cell(large).outputs
    assert named["text"] == "[too large to be shown: image/png, text/plain]\n"
    assert after["text"] == "on\n"


@contextmanager
def replaced_limit(session, **limits):
    before = session._limits_of_process
    session._limits_of_process = replace(before, **limits)
    yield
    session._limits_of_process = before


def test_a_cell_that_never_ends_is_interrupted_and_the_next_one_runs(subject):
    with replaced_limit(subject, cell_seconds=0.5):
        stopped = subject.run_cell("print('before')\nwhile True: pass")
    assert stopped.trouble == "It took longer than 0.5 s and was stopped."
    assert stopped.outputs[0] == ("stream", {"name": "stdout", "text": "before\n"})
    assert subject.run_cell("6 * 7").outputs[-1][1]["data"]["text/plain"] == "42"


def test_standard_input_is_empty(subject):
    assert subject.run_cell("input()").error == "EOFError"


STUBBORN = """
import time
def call(x):
    while True:
        try:
            time.sleep(10)
        except KeyboardInterrupt:
            pass
"""
RAW_FRAMES = """
import gc, os
line = next(each for each in gc.get_objects() if type(each).__name__ == "Line")
def call(x):
    for _ in range(500): os.write(line._writing, bytes([0, 0, 0, 1]) + b"{")
"""


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        ("import os; os._exit(0)", "ended by itself"),
        (STUBBORN, "did not stop"),
        ("xs = []\nwhile True: xs.append(bytearray(b'x' * 10**7))", "memory|MemoryError"),
        ("while True: print('x' * 1000, flush=True)", "took longer"),
        (RAW_FRAMES, "cannot be read"),
        (
            RAW_FRAMES + "while True: os.write(line._writing, bytes([0, 0, 0, 2]) + b'{}')",
            "too many",
        ),
        (RAW_FRAMES + "os.write(line._writing, b'\\xff' * 9)", "too much"),
    ],
    ids=["exit", "stubborn", "memory", "output", "unreadable", "flood", "length"],
)
def test_a_process_that_misbehaves_is_lost_and_leaves_nothing(launch, attack, says):
    limits = Limits(call_seconds=1.0, cell_seconds=4.0, memory_mb=300)
    with Session(launch, limits=limits) as session:
        session.run_cell("x = 1")
        family = process_tree(session.pid)
        result = session.run_cell(attack)
        reasons = [result.error, result.trouble]
        try:
            session.call("call", 1)
        except SubjectError as error:
            reasons.append(str(error))
        assert any(re.search(says, reason) for reason in reasons), reasons
        session.close()
        assert _all_end(family, within=10.0)


def test_a_fresh_process_takes_the_place_of_a_dead_one_three_times(launch):
    with Session(launch, limits=LIMITS) as session:
        session.run_cell("x = [1]")
        for n in range(4):
            session.run_cell("import os; os._exit(1)")
            assert session.lost
            session.revive()
            assert bool(session.lost) == (n == 3)
            session.run_cell("x.append(2)")
        with pytest.raises(SubjectLost):
            session.get("x")


def _all_end(family, within):
    """Whether all processes are gone soon: on a busy machine the killed take a moment to die."""
    deadline = time.monotonic() + within
    while any(map(_lives, family)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(_lives, family))


def _lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_forged_reply_is_only_a_claim(subject):
    subject.run_cell(
        "from coursekit.grading.inside import agent\nhonest = agent.Agent.handle\n"
        'agent.Agent.handle = lambda *a: \'{"protocol": 1, "replies": [{"value": 99}]}\''
    )
    assert subject.call("double", 2) == 99  # it may claim a value; it does not know the right one
    for reply in (
        "[" * 10_000,
        '{"protocol": 1}',
        '{"protocol": 1, "replies": [{"value": {"$pickle": ""}}]}',
        "NaN",
        "",
    ):
        subject.run_cell(f"agent.Agent.handle = lambda *a: {reply!r}")
        with pytest.raises(RefusedReply):
            subject.call("double", 2)
    subject.run_cell("agent.Agent.handle = honest")
    assert subject.call("double", 2) == 4


def test_without_a_sandbox_the_same_questions_work_and_nothing_is_left():
    leave = "import subprocess\nsubprocess.Popen(['sleep', '60'], start_new_session=True)"
    with Session(unsandboxed, limits=LIMITS) as session:
        session.run_cell(SOLUTION + leave)
        family = process_tree(session.pid)
        assert session.call("double", 4) == 8
    assert len(family) == 2
    assert _all_end(family, within=10.0)


def test_a_notebook_whose_time_is_over_is_lost(launch):
    with Session(launch, limits=replace(LIMITS, notebook_seconds=0.5)) as session:
        assert "longer than 0.5 s" in session.run_cell("while True: pass").trouble
        session.revive()
        with pytest.raises(SubjectLost, match=r"longer than 0.5 s"):
            session.get("x")


def test_processes_share_nothing(launch):
    both = []
    with (
        Session(launch, limits=LIMITS, files={"mine.txt": b"a"}) as one,
        Session(launch, limits=LIMITS) as other,
    ):
        one.run_cell(
            "open('/tmp/left', 'w').write('x'); import numpy; numpy.pi = 3; import os, signal"
        )
        look = (
            "import os, numpy\nfound = [os.listdir('.'), 'left' in os.listdir('/tmp'), "
            "float(numpy.pi) == 3.0,"
            " os.listdir('/dev/shm'), [p for p in os.listdir('/proc') if p.isdigit()]]"
        )
        for each in (one, other):
            each.run_cell(look)
            both.append(each.get("found"))
        one.run_cell(
            "for pid in range(2, 100):\n    try: os.kill(pid, 9)\n    except OSError: pass"
        )
        assert other.run_cell("1").error == ""
    assert both[0] == [["mine.txt"], True, True, [], ["1"]]
    assert both[1] == [[], False, False, [], ["1"]]


def test_a_process_has_no_power_and_cannot_get_any(launch):
    probe = """
import ctypes, os
libc = ctypes.CDLL(None)
names = ('CapEff', 'CapBnd', 'CapPrm', 'CapAmb')
powers = [line.split()[1] for line in open('/proc/self/status') if line.startswith(names)]
doors = [libc.unshare(0x10000000), libc.unshare(0x20000), libc.umount2(b'/tmp', 2),
         libc.setns(3, 0), libc.mount(b'n', b'/mnt', b'tmpfs', 0, None), libc.ptrace(16, 1, 0, 0)]
def write(path):
    try: open(path, 'w').write('1'); return 'written'
    except OSError: return 'refused'
targets = ['/proc/sys/user/max_user_namespaces', '/opt/course/coursekit/__init__.py']
targets += ['/x', '/dev/x', '/usr/x', '/mnt/x']
places = [write(path) for path in targets]
own = '/proc/self/fd/'
descriptors = [os.readlink(own + fd) for fd in os.listdir(own) if os.path.lexists(own + fd)]
"""
    with Session(launch, limits=LIMITS) as session:
        session.run_cell(probe)
        assert set(session.get("powers")) == {"0000000000000000"}
        assert set(session.get("doors")) == {-1}
        assert set(session.get("places")) == {"refused"}
        assert not [path for path in session.get("descriptors") if "memfd" in path]


def test_files_of_a_process_are_counted(launch):
    source = (
        "n = 0\ntry:\n    while n < 10**5: open(f'/tmp/{n}', 'w').close(); n += 1\n"
        "except OSError: pass"
    )
    with Session(launch, limits=replace(LIMITS, n_files=500)) as session:
        session.run_cell(source)
        assert 400 < session.get("n") < 500


def test_a_forked_process_starts_faster_than_a_fresh_one(servers):
    def seconds(server):
        start = time.perf_counter()
        with Session(server.launch, limits=LIMITS) as session:
            session.run_cell("1")
            return time.perf_counter() - start

    fresh, forked = (min(seconds(server) for _ in range(3)) for server in servers.values())
    assert forked < fresh / 2


def test_when_the_fork_server_ends_its_processes_do_and_that_is_the_machines_fault():
    server = ForkServer((), Mounts(), LIMITS)
    with Session(server.launch, limits=LIMITS) as session:
        session.run_cell("1")
        family = process_tree(server.pid)
        server.close()
        with pytest.raises(MachineFaultError, match="The fork server ended"):
            session.run_cell("1")
    assert len(family) == 2
    with pytest.raises(MachineFaultError, match="The fork server is gone"):
        server.launch(LIMITS)
    assert _all_end(family, within=10.0)


def test_a_sandbox_dies_with_the_process_that_asks():
    code = (
        "import os, sys\nfrom coursekit.grading.protocol.session import Session\n"
        "from coursekit.grading.sandbox import Limits, Mounts\n"
        "from coursekit.grading.sandbox.fork_server import ForkServer\n"
        "server = ForkServer((), Mounts(), Limits())\n"
        "with Session(server.launch, limits=Limits()) as session:\n"
        "    session.run_cell('import ctypes; given = ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)')\n"
        "    print(server.pid, session.pid, session.get('given'), flush=True)\n"
        "    os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    *pids, given = map(int, done.stdout.split())
    assert given == -1
    assert _all_end(pids, within=5.0)
