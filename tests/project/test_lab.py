"""`coursekit lab` and `make lab`: how the course is opened."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import coursekit
from coursekit.cli import cli
from coursekit.commands import lab

posix = pytest.mark.skipif(
    os.name == "nt", reason="make is for POSIX shells; the README has the steps for Windows"
)


def test_jupyterlab_opens_the_first_lesson_and_nothing_above_the_course(tmp_path: Path) -> None:
    command = lab.lab_command(tmp_path)
    assert command[:4] == [sys.executable, "-P", "-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={tmp_path}" in command
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in command
    assert "--no-browser" not in command


def test_a_port_that_is_asked_for_is_the_port_that_is_used(tmp_path: Path) -> None:
    command = lab.lab_command(tmp_path, no_browser=True, port=9999)
    assert {"--port=9999", "--ServerApp.port_retries=0", "--no-browser"} <= set(command)


def test_lab_is_started_from_any_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: Path
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, command: started.append(command))
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, ["lab", "--no-browser"], catch_exceptions=False).exit_code == 0
    assert f"--ServerApp.root_dir={root}" in started[0]


def test_an_installation_without_lessons_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(coursekit, "__file__", str(tmp_path / "coursekit" / "__init__.py"))
    done = CliRunner().invoke(cli, ["lab"])
    assert done.exit_code == 2
    assert "get the course's repository and run `make lab`" in done.stderr


def test_without_jupyterlab_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = CliRunner().invoke(cli, ["lab"])
    assert done.exit_code == 2
    assert "run `make lab`" in done.stderr


def test_the_first_lesson_is_there(root: Path) -> None:
    assert lab.course_folder() == root


@pytest.fixture
def house(tmp_path: Path, root: Path) -> Path:
    """A copy of what make reads, with a Python that only writes down what it is asked."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(root / name, tmp_path / name)
    (tmp_path / "tests" / "benchmarks").mkdir(parents=True)
    shutil.copy(root / "tests/benchmarks/peers.txt", tmp_path / "tests/benchmarks/peers.txt")
    fake = tmp_path / "fake-python"
    fake.write_text(
        '#!/bin/sh\necho "$@" >> calls\n'
        'case "$1 $2" in\n'
        '  "--version "*) echo "Python ${FAKE_VERSION:-3.12.1}" ;;\n'
        '  "-c import"*) exit "${FAKE_TOO_OLD:-0}" ;;\n'
        '  "-m venv") [ -z "$FAKE_NO_VENV" ] || exit 1; mkdir -p .venv/bin && cp "$0" '
        ".venv/bin/python\n"
        '             printf "#!/bin/sh\\necho lab \\"\\$@\\" >> calls\\n" > .venv/bin/coursekit\n'
        "             chmod +x .venv/bin/coursekit ;;\n"
        "esac\n",
        encoding="utf-8",
    )
    fake.chmod(0o755)
    return tmp_path


def make(
    house: Path, *arguments: str, **environment: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run make in the house; return what it said and what its Python was asked for."""
    calls = house / "calls"
    calls.write_text("", encoding="utf-8")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", f"PYTHON={house / 'fake-python'}", *arguments],
        cwd=house,
        env=plain | environment,
        capture_output=True,
        text=True,
    )
    return done, calls.read_text(encoding="utf-8").splitlines()


def installs(calls: list[str]) -> list[str]:
    return [call for call in calls if call.startswith("-m pip")]


@posix
def test_make_lab_installs_once_and_the_second_time_asks_pip_nothing(house: Path) -> None:
    first, calls = make(house, "lab")
    assert first.returncode == 0, first.stderr
    assert len(installs(calls)) == 1
    assert installs(calls)[0].endswith("-c constraints.txt -e .[lab]")
    second, calls = make(house, "lab", "PORT=9999", "BROWSER=no")
    assert second.returncode == 0
    assert calls == ["lab lab --port 9999 --no-browser"]


@posix
def test_changed_pins_are_installed_again_and_changed_times_are_not(house: Path) -> None:
    make(house, "lab")
    (house / "pyproject.toml").touch()
    assert installs(make(house, "lab")[1]) == []
    (house / "constraints.txt").write_text("torch==2.13.0\n", encoding="utf-8")
    assert len(installs(make(house, "lab")[1])) == 1


@posix
def test_what_the_tests_need_includes_what_the_lab_needs(house: Path) -> None:
    done, calls = make(house, "test", "ARGS=tests/core -x")
    assert done.returncode == 0, done.stderr
    assert installs(calls)[0].endswith("-e .[test]")
    assert (
        calls[-1]
        == "-m pytest -n 2 --dist loadscope --no-loadscope-reorder --durations=10 tests/core -x"
    )
    assert installs(make(house, "lab")[1]) == []


@posix
def test_a_moved_course_is_installed_again(
    house: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    make(house, "lab")
    moved = tmp_path_factory.mktemp("elsewhere") / "house"
    shutil.move(house, moved)
    assert len(installs(make(moved, "lab")[1])) == 1


@posix
def test_an_old_python_is_refused_in_one_clear_sentence(house: Path) -> None:
    done, calls = make(house, "lab", FAKE_VERSION="3.9.2", FAKE_TOO_OLD="1")
    assert done.returncode != 0
    sentence = done.stderr.splitlines()[0]
    assert sentence.startswith("coursekit needs Python 3.11 or newer")
    assert "is Python 3.9.2." in sentence
    assert "make lab PYTHON=/path/to/python3.12" in sentence
    assert not installs(calls)


@posix
def test_a_python_that_cannot_make_environments_leaves_none_behind(house: Path) -> None:
    done, _ = make(house, "test", FAKE_NO_VENV="1")
    assert done.returncode != 0
    assert "sudo apt-get install python3-venv" in done.stderr
    assert not (house / ".venv").exists()


@posix
def test_the_cpu_index_of_torch_is_handed_to_pip(house: Path) -> None:
    _, calls = make(house, "lab", "TORCH_INDEX=https://example.org/cpu")
    assert "--extra-index-url https://example.org/cpu" in installs(calls)[0]


@posix
def test_make_help_names_every_target(house: Path) -> None:
    shown = make(house, "help")[0].stdout
    targets = re.findall(
        r"^([a-z]+):.*## ", (house / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert {
        "lab",
        "test",
        "bench",
        "screenshots",
        "lint",
        "types",
        "exercises",
        "notebooks",
    } <= set(targets)
    assert [target for target in targets if f"make {target} " not in shown] == []


@posix
def test_the_ci_script_is_valid_shell_and_ends_in_make_test(root: Path) -> None:
    script = root / ".ci" / "run"
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert script.read_text(encoding="utf-8").rstrip().endswith("\nmake test")
    assert os.access(script, os.X_OK)
