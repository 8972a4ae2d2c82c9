"""The machine loses no more memory to one submission than its limit and a tenth, as the kernel
counts it.

The watchdog is tried alone, with the kernel's own count as the oracle: a control group without a
limit around the sandbox. Where none can be made, free memory of the machine would be too rough.
"""

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from coursekit.grading.inside.memory import Meter, Tree, pause
from coursekit.grading.protocol.session import Session
from coursekit.grading.sandbox import Limits, Mounts, control_group, fork_server
from coursekit.grading.sandbox.control_group import find_control_groups
from coursekit.grading.sandbox.fork_server import ForkServer
from coursekit.grading.sandbox.process import end_tree
from tests.grading.hostile.attacks import GROUPS

pytestmark = pytest.mark.needs("bubblewrap")

LIMITS = Limits(
    memory_mb=300, cell_seconds=3.0, call_seconds=2.0, notebook_seconds=20.0, scratch_mb=16
)
ATTACKS = [
    "page tables",
    "page tables in many processes",
    "shared pages that no process has mapped",
    "socket buffers in many processes",
    "socket buffers made large",
    "datagrams that nobody reads",
    "descriptors in flight",
    "pipes in many processes",
    "pages held by pipes after they were unmapped",
    "three million empty files",
    "files with long names, links and attributes",
    "disk in every folder, and memory",
    "a fork bomb that grows",
    "children that grow while the judge reads",
    "memory behind a process that cannot be looked at",
    "memory in threads' stacks",
    "timers, locks and watches",
]


@pytest.fixture(scope="module", params=["fresh", "forked"])
def watched(request):
    """A fork server whose watchdog is alone, and the folder of the oracle."""
    oracle = find_control_groups()
    if oracle is None or oracle.version != 1:
        pytest.skip("no control group of version 1, whose greatest use can be reset, can be made")
    forked = request.param == "forked"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fork_server, "find_control_groups", lambda: None)
        server = ForkServer(["numpy"], Mounts(), LIMITS, forked=forked)
    with server:
        oracle.add_server(server.pid)
        yield server, oracle.folder / "server"
    until = time.monotonic() + 10
    while oracle.folder.exists() and time.monotonic() < until:
        oracle.close()
        time.sleep(0.05)


@pytest.mark.parametrize("name", ATTACKS)
def test_the_watchdog_alone_keeps_to_the_limit_and_a_tenth(watched, name):
    server, counter = watched
    before = int((counter / "memory.usage_in_bytes").read_text())
    (counter / "memory.max_usage_in_bytes").write_text("0")
    with Session(server.launch, limits=LIMITS) as session:
        session.run_cell(GROUPS["uncounted"][name].cells)
        with contextlib.suppress(Exception):
            session.call("score", 1)
    lost = int((counter / "memory.max_usage_in_bytes").read_text()) - before
    assert lost <= 1.1 * LIMITS.memory_mb * 1e6
    assert session.peak_bytes <= 1.5 * LIMITS.memory_mb * 1e6


@pytest.mark.parametrize("forked", [False, True], ids=["fresh", "forked"])
def test_a_control_group_alone_keeps_to_the_limit(monkeypatch, forked):
    """The watchdog allows five times as much as the kernel."""
    limit = 200_000_000
    with ForkServer((), Mounts(), LIMITS, forked=forked) as server:
        if server.groups is None:
            pytest.skip("no control group can be made here")
        create = server.groups.create
        made = []
        monkeypatch.setattr(
            server.groups, "create", lambda memory: made.append(create(limit)) or made[-1]
        )
        code = (
            "import os\nfor _ in range(4): os.fork()\nxs = []\n"
            "while True: xs.append(bytearray(b'x' * 1_000_000))"
        )
        allowed = replace(LIMITS, memory_mb=5 * limit // 1_000_000, cell_seconds=20.0)
        with Session(server.launch, limits=allowed) as session:
            assert "used more than its memory" in session.run_cell(code).trouble
        [group] = made
        assert not group._folder.exists()
    assert not server.groups.folder.exists()


def test_control_groups_of_version_2_are_used_where_they_are_delegated(tmp_path, monkeypatch):
    """On plain files, as an ordinary user: which are written, and with what."""
    monkeypatch.setattr(control_group.os, "geteuid", lambda: 1000)
    own = tmp_path / "fs" / "user.slice" / "run.scope"
    own.mkdir(parents=True)
    (tmp_path / "cgroup").write_text("1:cpu:/\n0::/user.slice/run.scope\n")
    (own / "cgroup.controllers").write_text("cpu memory pids\n")
    (own / "cgroup.procs").write_text(f"{os.getpid()}\n")
    found = find_control_groups(tmp_path / "cgroup", tmp_path / "fs")
    assert (found.version, found.folder.parent) == (2, own)
    for folder in (own, found.folder):
        assert (folder / "cgroup.subtree_control").read_text() == "+memory"
    main = next(own.glob("*-main"))
    assert (main / "cgroup.procs").read_text() == str(os.getpid())
    found.add_server(4711)
    assert (found.folder / "server" / "cgroup.procs").read_text() == "4711"
    (tmp_path / "cgroup").write_text(f"0::/user.slice/run.scope/{main.name}\n")
    (own / "cgroup.procs").write_text("")
    assert find_control_groups(tmp_path / "cgroup", tmp_path / "fs").folder.parent == own
    group = found.create(300_000_000)
    group.add(42)
    said = {file.name: file.read_text() for file in group._folder.iterdir()}
    assert said == {"memory.max": "300000000", "memory.oom.group": "1", "cgroup.procs": "42"}
    assert not group.was_full
    (group._folder / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert group.was_full


@pytest.mark.parametrize(
    "missing", ["no controller", "somebody else lives there", "nothing is mounted"]
)
def test_without_delegation_there_are_no_control_groups(tmp_path, missing):
    own = tmp_path / "fs" / "user.slice"
    (tmp_path / "cgroup").write_text("0::/user.slice\n")
    if missing != "nothing is mounted":
        own.mkdir(parents=True)
        controllers = "cpu" if missing == "no controller" else "memory"
        (own / "cgroup.controllers").write_text(controllers)
        (own / "cgroup.procs").write_text(f"{os.getpid()}\n1\n")
    assert find_control_groups(tmp_path / "cgroup", tmp_path / "fs") is None
    assert not list(tmp_path.glob("fs/user.slice/coursekit*"))


def test_groups_of_a_grader_that_was_killed_are_removed():
    groups = find_control_groups()
    if groups is None:
        pytest.skip("no control group can be made here")
    old = groups.folder.parent / "coursekit-4194999-dead"  # above every process id
    (old / "server").mkdir(parents=True)
    groups.close()
    find_control_groups().close()
    assert not old.exists()


def test_the_nearer_a_limit_the_more_often_it_is_measured():
    tree = Tree(1, 1_000_000_000)
    pauses = []
    for tree.now in (0, 500_000_000, 900_000_000, 999_999_999, 2_000_000_000):
        pauses.append(pause([tree]))
    assert pauses == sorted(pauses, reverse=True)
    assert (pauses[0], pauses[-1]) == (0.1, 0.002)


def test_memory_of_a_tree_is_counted_with_that_of_its_children():
    code = (
        "import os, sys, time\nx = bytearray(b'x' * 50_000_000)\n"
        "if os.fork(): print('grown', flush=True)\ntime.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        meter, tree = Meter(), Tree(process.pid, 10**9)
        meter.measure([tree])
        assert len(tree.pids) == 2
        assert 100_000_000 < tree.now < 140_000_000
        assert tree.peak == tree.now
    finally:
        end_tree(process.pid)
        process.wait()
        process.stdout.close()
    meter.measure([tree])
    assert tree.now < 1_000_000
