"""A sandboxed kernel and the client that talks to it, honest solutions and stranger ones."""

import re
import time

import numpy as np
import pytest

from coursekit.grading.errors import (
    Missing,
    NotAttempted,
    RefusedReply,
    StudentError,
    SubjectError,
    SubjectLost,
    TookTooLong,
)
from coursekit.grading.protocol.kernel import open_kernel, sandboxed, unsandboxed
from coursekit.grading.protocol.kernel_subject import KernelSubject
from coursekit.grading.protocol.subject import LocalSubject
from coursekit.grading.sandbox import Limits, Mounts
from coursekit.grading.sandbox.fork_server import ForkServer
from coursekit.grading.sandbox.orphans import process_tree

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
def fork_server():
    server = ForkServer(["numpy"], Mounts(), LIMITS)
    yield server
    server.close()


@pytest.fixture(scope="module", params=["cold", "warm"])
def launch(request, fork_server):
    return sandboxed if request.param == "cold" else fork_server.launch


@pytest.fixture(scope="module")
def kernel(launch):
    with open_kernel(
        launch, mounts=Mounts(), limits=LIMITS, files={"data/numbers.txt": b"1 2 3"}
    ) as opened:
        opened.client.execute(SOLUTION, 10)
        yield opened


@pytest.fixture
def subject(kernel):
    return KernelSubject(kernel.client, call_seconds=2.0)


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
def test_a_value_comes_back_from_a_kernel_as_from_the_notebook(kernel, subject, value):
    kernel.client.execute("def same(x): return x", 5)
    there, here = (
        subject.call("same", value),
        LocalSubject({"same": lambda x: x}).call("same", value),
    )
    assert type(there) is type(here)
    np.testing.assert_equal(there, here)


def test_objects_stay_in_the_kernel(subject):
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


def test_cells_show_errors_outputs_and_the_files_beside_them(kernel):
    result = kernel.client.execute("print(open('data/numbers.txt').read())\n1/0", 5)
    assert (result.status, result.error) == ("error", "ZeroDivisionError")
    assert result.outputs[0] == ("stream", {"name": "stdout", "text": "1 2 3\n"})


def test_a_cell_that_never_ends_is_interrupted_and_the_next_one_runs(kernel):
    with pytest.raises(TookTooLong):
        kernel.client.execute("print('before')\nwhile True: pass", 0.5)
    assert kernel.client.execute("6 * 7", 5).outputs[-1][1]["data"]["text/plain"] == "42"


def test_standard_input_is_refused(kernel):
    assert kernel.client.execute("input()", 5).error == "StdinNotImplementedError"


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
socket = get_ipython().kernel.iopub_socket
def call(x):
    for _ in range(500):
        socket.send_multipart([b"a", b"<IDS|MSG>", b"", b"{", b"{", b"{", b"{"])
"""


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        ("import os; os._exit(0)", "ended by itself"),
        (STUBBORN, "did not stop"),
        ("xs = []\nwhile True: xs.append(bytearray(b'x' * 10**7))", "memory|MemoryError"),
        ("while True: print('x' * 1000, flush=True)", "too many messages|too much|took longer"),
        (RAW_FRAMES, "cannot be read"),
    ],
    ids=["exit", "stubborn", "memory", "flood", "raw frames"],
)
def test_a_kernel_that_misbehaves_is_lost_and_leaves_nothing(launch, attack, says):
    limits = Limits(call_seconds=1.0, cell_seconds=4.0, memory_mb=300)
    reasons = []
    with open_kernel(launch, mounts=Mounts(), limits=limits, files={}) as opened:
        family = process_tree(opened.pid)
        subject = KernelSubject(opened.client, call_seconds=1.0)
        for action in (
            lambda: reasons.append(opened.client.execute(attack, 4).error),
            lambda: subject.call("call", 1),
        ):
            try:
                action()
            except SubjectError as error:
                reasons.append(str(error))
    assert any(re.search(says, reason) for reason in reasons), reasons
    assert _all_end(family, within=10.0)


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


def test_a_forged_reply_is_only_a_claim(kernel, subject):
    kernel.client.execute("import agent\nclass Forged:\n    def _repr_mimebundle_(self, **_):\n"
                          "        return {agent.MIME_TYPE: '{\"protocol\": 1, \"replies\": " "[{\"value\": " "" "99}]}'}\n"
                          "honest = agent.handle\nagent.handle = lambda *a: Forged()", 5)  # fmt: skip
    assert (
        subject.call("double", 2) == 99
    )  # it may claim any value; it does not know which one is right
    for reply in (
        "[" * 10_000,
        '{"protocol": 1}',
        '{"protocol": 1, "replies": [{"value": {"$pickle": ""}}]}',
        "NaN",
        "",
    ):
        kernel.client.execute(
            f"Forged._repr_mimebundle_ = lambda self, **_: {{agent.MIME_TYPE: {reply!r}}}", 5
        )
        with pytest.raises(RefusedReply):
            subject.call("double", 2)
    kernel.client.execute("agent.handle = honest", 5)
    assert subject.call("double", 2) == 4


def test_without_a_sandbox_the_same_questions_work_and_nothing_is_left():
    with open_kernel(unsandboxed, mounts=Mounts(), limits=LIMITS, files={}) as opened:
        opened.client.execute(
            SOLUTION
            + "import subprocess\nsubprocess.Popen(['sleep', '60'], start_new_session=True)",
            10,
        )
        family = process_tree(opened.pid)
        assert KernelSubject(opened.client).call("double", 4) == 8
    assert len(family) == 2
    assert _all_end(family, within=10.0)


def test_a_kernel_whose_time_is_over_is_lost():
    with open_kernel(sandboxed, mounts=Mounts(), limits=LIMITS, files={}) as opened:
        opened.client._deadline = time.monotonic() + 0.3
        with pytest.raises(SubjectLost, match="longer than its time"):
            opened.client.execute("while True: pass", 10)


def test_warm_kernels_share_nothing(fork_server):
    both = []
    with (
        open_kernel(
            fork_server.launch, mounts=Mounts(), limits=LIMITS, files={"mine.txt": b"a"}
        ) as one,
        open_kernel(fork_server.launch, mounts=Mounts(), limits=LIMITS, files={}) as other,
    ):
        one.client.execute(
            "open('/tmp/left', 'w').write('x'); import numpy; numpy.pi = 3; import os, signal", 5
        )
        look = (
            "import os, numpy\nfound = [os.listdir('.'), 'left' in os.listdir('/tmp'), "
            "float(numpy.pi) == 3.0,"
            " os.listdir('/dev/shm'), [p for p in os.listdir('/proc') if p.isdigit()]]"
        )
        for each in (one, other):
            each.client.execute(look, 5)
            both.append(KernelSubject(each.client).get("found"))
        one.client.execute(
            "for pid in range(2, 100):\n    try: os.kill(pid, 9)\n    except OSError: pass", 5
        )
        assert other.client.execute("1", 5).status == "ok"
    assert both[0] == [["mine.txt"], True, True, [], ["1"]]
    assert both[1] == [[], False, False, [], ["1"]]


def test_a_warm_kernel_has_no_power_and_cannot_get_any(fork_server):
    probe = """
import ctypes, os
libc = ctypes.CDLL(None)
powers = [line.split()[1] for line in open('/proc/self/status') if line.startswith(('CapEff', 'CapBnd', 'CapPrm', 'CapAmb'))]
doors = [libc.unshare(0x10000000), libc.unshare(0x20000), libc.umount2(b'/tmp', 2), libc.setns(3, 0),
         libc.mount(b'n', b'/mnt', b'tmpfs', 0, None), libc.ptrace(16, 1, 0, 0)]
def write(path):
    try: open(path, 'w').write('1'); return 'written'
    except OSError: return 'refused'
targets = '/proc/sys/user/max_user_namespaces', '/opt/agent/agent.py', '/x', '/usr/x', '/mnt/x', '/dev/x'
places = [write(path) for path in targets]
own = '/proc/self/fd/'
descriptors = [os.readlink(own + fd) for fd in os.listdir(own) if os.path.lexists(own + fd)]
"""
    with open_kernel(fork_server.launch, mounts=Mounts(), limits=LIMITS, files={}) as opened:
        opened.client.execute(probe, 5)
        subject = KernelSubject(opened.client)
        assert set(subject.get("powers")) == {"0000000000000000"}
        assert set(subject.get("doors")) == {-1}
        assert set(subject.get("places")) == {"refused"}
        assert not [path for path in subject.get("descriptors") if "memfd" in path]


def test_a_warm_kernel_starts_faster_than_a_cold_one(fork_server):
    def seconds(launch):
        start = time.perf_counter()
        with open_kernel(launch, mounts=Mounts(), limits=LIMITS, files={}):
            return time.perf_counter() - start

    assert (
        min(seconds(fork_server.launch) for _ in range(3))
        < min(seconds(sandboxed) for _ in range(3)) / 2
    )


def test_when_the_fork_server_ends_its_kernels_do():
    server = ForkServer([], Mounts(), LIMITS)
    with open_kernel(server.launch, mounts=Mounts(), limits=LIMITS, files={}) as opened:
        family = process_tree(server.pid)
        server.close()
        with pytest.raises(SubjectLost):
            opened.client.execute("1", 5)
    assert len(family) >= 4
    assert _all_end(family, within=10.0)
