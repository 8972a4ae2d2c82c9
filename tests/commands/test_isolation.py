"""Nothing in the current folder is run by a command: not by its own process, nor by one that it
starts.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.grading.submissions import FULL, ROOT, SOLUTION, hand_in, solved

pytestmark = [pytest.mark.needs("bubblewrap"), pytest.mark.slow]

MODULES = (
    "coursekit", "IPython", "agent", "asyncio", "base64", "click", "distributed", "joblib", "json",
    "jupyterlab", "linecache", "matplotlib", "nbgrader", "numpy", "psutil", "rich", "runpy",
    "select", "signal", "sitecustomize", "socket", "subprocess", "torch", "usercustomize",
)  # fmt: skip
STARTS = {
    "commands/doctor/diagnosis.py", "commands/doctor/machine.py", "commands/lab.py",
    "grading/classroom/execute.py", "grading/sandbox/bubblewrap.py", "grading/sandbox/process.py",
    "grading/inside/fork_server.py",
}  # fmt: skip
"""The modules that start a process or fork, and the only ones that may."""

MAIN = """
import json, os, sys
def started(event, arguments):
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
        with open(os.environ["STARTED"], "a") as file:
            file.write(json.dumps([str(each) for each in arguments[1]]) + "\\n")
sys.addaudithook(started)
from coursekit.cli import main
main()
"""


@pytest.fixture
def hostile(tmp_path):
    """A submission that is also a folder full of modules and programs with familiar names."""
    folder = tmp_path / "submission"
    shutil.copytree(ROOT / "exercises" / "fm", folder)
    (folder / "fm.ipynb").write_text(json.dumps(solved()))
    code = f"open({str(tmp_path / 'marker')!r}, 'a').write(__name__ + chr(10))\n"
    for name in MODULES:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(code)
    (folder / "coursekit" / "grading").mkdir()
    (folder / "coursekit" / "grading" / "__init__.py").write_text(code)
    for name in ("jupyter_lab_config.py", "jupyter_server_config.py", "ipython_config.py"):
        (folder / name).write_text(code)
    for name in ("bwrap", "alembic", "fc-list", "git", "redis-server", "nvidia-smi"):
        (folder / name).write_text(f"#!/bin/sh\necho {name} >> {tmp_path / 'marker'}\n")
        (folder / name).chmod(0o755)
    return folder


def run(folder, *arguments, check=True):
    environment = os.environ | {
        "PATH": f".{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "STARTED": str(folder.parent / "started"),
    }
    command = [sys.executable, "-P", "-c", MAIN, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert not check or done.returncode == 0, done.stderr
    file = folder.parent / "started"
    return done, [
        json.loads(line) for line in file.read_text().splitlines()
    ] if file.exists() else []


def loaded(folder):
    marker = folder.parent / "marker"
    return marker.read_text().split() if marker.exists() else []


def pythons(programs):
    return [each for each in programs if Path(each[0]).name.startswith("python")]


@pytest.mark.parametrize("options", [[], ["--jobs", "2", "--forked"], ["--backend", "dask"]])
def test_grading_from_inside_a_submission_runs_nothing_of_it(hostile, tmp_path, options):
    hand_in(tmp_path / "in", ada=solved(), bob=solved())
    out = tmp_path / "out"
    arguments = ("grade", tmp_path / "in", "--exercise", SOLUTION, "--out", out, *options)
    _, programs = run(hostile, *arguments)
    assert loaded(hostile) == []
    points = {file.stem: json.loads(file.read_text())["points"] for file in out.glob("reports/*")}
    assert points == {"ada": FULL, "bob": FULL}
    assert pythons(programs)
    assert all(each[1] == "-P" for each in pythons(programs)), programs


@pytest.mark.parametrize(
    "command", ["progress .", "hint fm-1", "submit fm.ipynb", "update .", "data list", "doctor"]
)
def test_a_command_that_runs_no_notebook_loads_nothing_of_the_folder(hostile, command):
    _, programs = run(hostile, *command.split(), check=False)
    ours = loaded(hostile)
    assert ours == []
    assert all(each[1] in ("-P", "-I") for each in pythons(programs)), programs
    assert all(Path(each[0]).is_absolute() or "/" not in each[0] for each in programs), programs


@pytest.mark.parametrize("command", ["check .", "preflight fm.ipynb", "answer fm-1"])
def test_checking_from_an_exercise_loads_no_part_of_ours_from_it(hostile, command):
    _, programs = run(hostile, *command.split(), check=False)
    assert all(each[1] == "-P" for each in pythons(programs)), programs
    assert loaded(hostile) == []


def test_jupyterlab_is_started_without_the_current_folder(hostile, monkeypatch):
    from coursekit.commands.lab import lab

    started = []
    monkeypatch.chdir(hostile)
    monkeypatch.setattr(
        os, "execv", lambda program, command: started.append((os.getcwd(), command))
    )
    lab.callback(no_browser=True, port=None)
    [(folder, command)] = started
    assert folder == str(ROOT)
    assert command[1:4] == ["-P", "-m", "jupyterlab"]


def test_only_listed_modules_start_processes():
    package = ROOT / "coursekit"
    found = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if any(_starts(node) for node in ast.walk(ast.parse(file.read_text())))
    }
    assert found <= STARTS


def _starts(node):
    if isinstance(node, ast.Import):
        return any(
            each.name.split(".")[0] in ("subprocess", "multiprocessing") for each in node.names
        )
    if isinstance(node, ast.ImportFrom):
        return node.module in ("subprocess", "multiprocessing") or any(
            each.name == "ProcessPoolExecutor" for each in node.names
        )
    return (
        isinstance(node, ast.Attribute)
        and (
            node.attr in ("fork", "forkpty", "system", "popen", "posix_spawn")
            or node.attr.startswith(("exec", "spawn"))
        )
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    )
