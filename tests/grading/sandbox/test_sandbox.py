"""The sandbox from inside: what a program there sees, may do, and leaves behind."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from coursekit.core.errors import InvalidParameterError
from coursekit.core.records import plain, restored
from coursekit.grading.inside.confine import ARCHITECTURES, filter_program
from coursekit.grading.sandbox import Limits, MemoryWatchdog, Mounts, start, trouble
from coursekit.grading.sandbox.orphans import process_tree
from coursekit.grading.sandbox.privileges import NOBODY, closed_ancestor
from coursekit.grading.sandbox.process import end_tree

PREAMBLE = """
import json, os, sys, socket, subprocess, ctypes
from coursekit.grading.inside import confine
confine.confine(json.loads(sys.argv[2]))
found = {}
def attempt(name, action):
    try:
        found[name] = action()
    except BaseException as error:
        found[name] = f"{type(error).__name__}"
"""
PROBES = """
attempt("root", lambda: sorted(os.listdir("/")))
attempt("home", lambda: os.listdir("/home/student"))
attempt("checks", lambda: open(REPOSITORY + "/solutions/fm/hidden.py").read()[:10])
attempt("reference", lambda: __import__("coursekit.learning.learners.factorization_machine") and "imported")
attempt("allowed", lambda: __import__("coursekit.core.events") and "imported")
attempt("shadow", lambda: open("/etc/shadow").read()[:10])
attempt("write system", lambda: open("/usr/marker", "w"))
attempt("write python", lambda: open(sys.prefix + "/marker", "w"))
attempt("write own files", lambda: open("/opt/course/coursekit/grading/inside/confine.py", "a"))
attempt("write home", lambda: open("/home/student/x", "w").write("fine"))
attempt("core pattern", lambda: open("/proc/sys/kernel/core_pattern", "w"))
attempt("connect", lambda: socket.create_connection(("1.1.1.1", 53), timeout=1))
attempt("netlink", lambda: socket.socket(16, socket.SOCK_RAW))
attempt("processes", lambda: [int(p) for p in os.listdir("/proc") if p.isdigit()])
attempt("environment of 1", lambda: open("/proc/1/environ").read())
attempt("environment", lambda: sorted(os.environ))
attempt("user", os.getuid)
libc = ctypes.CDLL(None, use_errno=True)
attempt("new user namespace", lambda: libc.unshare(0x10000000))
attempt("ptrace", lambda: libc.ptrace(0, 0, 0, 0))
attempt("keyring", lambda: libc.syscall(250, 0, 0))
attempt("mount", lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
attempt("setuid", lambda: os.setuid(0))
attempt("raise a limit", lambda: __import__("resource").setrlimit(7, (10**4, 10**4)))
attempt("subprocess", lambda: subprocess.run(["/bin/echo", "fine"], capture_output=True, text=True).stdout)
attempt("thread", lambda: __import__("threading").Thread(target=print).start())
def fill(place):
    with open(place + "/large", "wb") as file:
        for _ in range(100):
            file.write(bytes(1_000_000))
attempt("fill /tmp", lambda: fill("/tmp"))
attempt("fill home", lambda: fill("/home/student"))
attempt("fill shm", lambda: fill("/dev/shm"))
attempt("fill dev", lambda: fill("/dev"))
attempt("memory", lambda: len(bytearray(10**9)))
def forks():
    n = 0
    try:
        while n < 500:
            if os.fork() == 0:
                __import__("time").sleep(30)
                os._exit(0)
            n += 1
    except OSError:
        pass
    return n
attempt("forks", forks)
"""


def run_inside(code, limits=None, wait=True):
    limits = limits or Limits()
    receiving, sending = os.pipe()
    program = (
        f"REPOSITORY = {os.getcwd()!r}\n{PREAMBLE}{code}\nos.write(int(sys.argv[1]), "
        f"json.dumps(found, default=repr).encode())"
    )
    command = [sys.executable, "-c", program, str(sending), json.dumps(limits.of_process())]
    process = start(command, mounts=Mounts(), limits=limits, pass_fds=[sending])
    os.close(sending)
    process.stdin.close()
    process.stdout.close()
    with open(receiving, "rb") as file:
        text = (
            b""
            if not wait
            else file.read(1 << 20)
            if code != PROBES
            else os.read(receiving, 1 << 20)
        )
    return process, json.loads(text) if text else {}


@pytest.fixture(scope="module")
def seen():
    process, found = run_inside(
        PROBES, Limits(memory_mb=300, n_processes=40, file_mb=32, scratch_mb=16)
    )
    inside = process_tree(process.pid)
    process.kill()
    process.wait()
    return found | {"pids": inside}


pytestmark = pytest.mark.needs("bubblewrap")


@pytest.mark.parametrize(
    "what",
    [
        "checks", "reference", "shadow", "write system", "write python", "write own files", "core pattern", "connect",
        "netlink", "setuid", "raise a limit", "memory",
    ],
)  # fmt: skip
def test_what_must_not_work_does_not(seen, what):
    assert seen[what] in {
        "FileNotFoundError", "ModuleNotFoundError", "PermissionError", "OSError", "MemoryError", "ValueError", "ImportError",
    }  # fmt: skip


def test_an_environment_below_tmp_cannot_be_written_to(monkeypatch):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        clone = Path(folder)
        clone.chmod(0o755)
        (clone / ".venv" / "lib").mkdir(parents=True)
        monkeypatch.setattr(sys, "prefix", str(clone / ".venv"))
        monkeypatch.setattr(sys, "executable", os.path.realpath(sys.executable))
        places = [
            clone / "new",
            clone / ".venv" / "new",
            clone / ".venv" / "lib" / "new",
            Path("/tmp/new"),
        ]
        process, found = run_inside(
            "".join(
                f"attempt({str(place)!r}, lambda: open({str(place)!r}, 'w').write('x'))\n"
                for place in places
            )
        )
        process.wait()
    assert [found[str(place)] for place in places] == ["OSError", "OSError", "OSError", 1]


def test_what_notebooks_need_works(seen):
    assert seen["allowed"] == "imported"
    assert (seen["write home"], seen["subprocess"], seen["thread"]) == (4, "fine\n", None)


def test_dangerous_system_calls_are_refused(seen):
    assert {name: seen[name] for name in ("new user namespace", "ptrace", "keyring", "mount")} == {
        "new user namespace": -1,
        "ptrace": -1,
        "keyring": -1,
        "mount": -1,
    }


def test_nothing_of_the_machine_is_visible(seen):
    assert seen["home"] == []
    assert (
        "work" not in seen["root"]
        or not os.getcwd().startswith("/work")
        or seen["checks"] == "FileNotFoundError"
    )
    assert max(seen["processes"]) < 10
    assert seen["user"] == 1000


def test_the_environment_is_made_for_it_alone(seen):
    assert seen["environment of 1"].strip("\0").split("\0") == ["PATH=/usr/bin:/bin"]
    assert "SSH_AUTH_SOCK" not in seen["environment"]
    assert set(seen["environment"]) >= {"HOME", "OMP_NUM_THREADS"}


def test_disks_and_process_tables_cannot_be_filled(seen):
    assert [seen[f"fill {place}"] for place in ("/tmp", "home", "shm")] == ["OSError"] * 3
    assert seen["fill dev"] in {"OSError", "PermissionError"}
    assert 0 < seen["forks"] < 40


def test_everything_inside_dies_with_it(seen):
    until = time.monotonic() + 5
    while alive := [pid for pid in seen["pids"] if _lives(pid)]:
        assert time.monotonic() < until, alive
        time.sleep(0.01)


def _lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_the_watchdog_ends_a_tree_that_is_too_large():
    code = (
        "import time\nchildren = [bytearray(b'x' * 60_000_000) for _ in "
        "range(1)]\nos.fork()\nos.fork()\n"
    )
    code += "children.append(bytearray(b'y' * 60_000_000))\ntime.sleep(30)"
    process, _ = run_inside(code, wait=False)
    watchdog = MemoryWatchdog(process.pid, 200_000_000, process.kill)
    process.wait(timeout=20)
    watchdog.stop()
    assert watchdog.exceeded
    assert watchdog.peak_bytes > 200_000_000


def test_a_root_becomes_nobody_before_it_starts_a_sandbox():
    process, _ = run_inside("import time; time.sleep(20)", wait=False)
    try:
        with open(f"/proc/{process.pid}/status") as file:
            uids = next(line.split()[1:] for line in file if line.startswith("Uid:"))
        assert set(uids) == {str(NOBODY if os.geteuid() == 0 else os.geteuid())}
    finally:
        end_tree(process.pid)
        process.wait()


def test_this_machine_has_a_sandbox():
    assert trouble() == ""


def test_without_bubblewrap_there_is_a_sentence_that_says_what_to_do():
    code = (
        "from coursekit.grading.sandbox import require_sandbox\n"
        "try: require_sandbox()\nexcept Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(
        "SandboxUnavailableError Submissions cannot be run safely: bubblewrap is not installed."
    )
    assert "--allow-unsandboxed" in done.stdout


def test_a_folder_that_only_its_owner_may_enter_is_found(tmp_path):
    tmp_path.chmod(0o755)
    closed = tmp_path / "closed"
    (closed / "below").mkdir(parents=True)
    closed.chmod(0o700)
    open_ancestors = closed_ancestor(tmp_path) is None
    assert (closed_ancestor(closed / "below") == closed) or not open_ancestors


@pytest.mark.parametrize("name", ["memory_mb", "cell_seconds", "n_processes"])
def test_a_limit_must_be_greater_than_zero(name):
    with pytest.raises(InvalidParameterError, match=rf"`{name}` must be greater than 0, got 0"):
        Limits(**{name: 0})


def test_limits_survive_json_and_refuse_unknown_names():
    limits = Limits(memory_mb=300)
    assert restored(Limits, plain(limits)) == limits
    with pytest.raises(InvalidParameterError, match="There is no limit `ram`"):
        Limits.from_json({"ram": 1})


@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_every_jump_of_the_filter_lands_inside_it(machine):
    program = filter_program(machine)
    n_instructions = len(program) // 8
    for at in range(n_instructions):
        code, if_true, if_false, _ = (
            int.from_bytes(program[8 * at : 8 * at + 2], "little"), *program[8 * at + 2 : 8 * at + 4], 0,
        )  # fmt: skip
        if code & 0x07 == 0x05:
            assert at + 1 + max(if_true, if_false) < n_instructions
    assert program[-8:][:2] == b"\x06\x00"
