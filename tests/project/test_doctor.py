"""`coursekit doctor`: what is missing is said, with its fix, and decides the exit code only if
lessons need it.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from coursekit.cli import cli
from coursekit.commands.command import Mark
from coursekit.commands.doctor import command as doctor_module
from coursekit.commands.doctor import diagnosis
from coursekit.commands.doctor.diagnosis import HealthCheck
from coursekit.commands.doctor.machine import SERVICES, Service


def finding(mark: Mark, fix: str | None = None) -> HealthCheck:
    return HealthCheck(area="Packages", name="numpy", mark=mark, detail="2.4.6", fix=fix)


def test_this_machine_can_run_the_lessons() -> None:
    done = CliRunner().invoke(cli, ["doctor", "--json"])
    report = json.loads(done.stdout)
    problems = [found for found in report["findings"] if found["mark"] == "problem"]
    assert not problems
    assert report["lessons_can_run"] is True
    assert done.exit_code == 0
    assert {
        "version",
        "environment",
        "numpy",
        "torch",
        "torch device",
        "kernel",
        "redis-server",
        "fonts",
        "git",
    } <= {found["name"] for found in report["findings"]}


def test_every_installed_package_is_the_pinned_one(root: Path) -> None:
    """The environment that runs these tests is the one that students get."""
    assert [
        found for found in diagnosis.packages(root / "constraints.txt") if found.mark is not Mark.OK
    ] == []


@pytest.mark.parametrize(("mark", "exit_code"), [(Mark.OK, 0), (Mark.NOTE, 0), (Mark.PROBLEM, 1)])
def test_only_what_lessons_need_decides_the_exit_code(
    mark: Mark, exit_code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_module, "diagnose", lambda _: [finding(mark, fix="make lab")])
    plain = CliRunner().invoke(cli, ["doctor"])
    as_json = CliRunner().invoke(cli, ["doctor", "--json"])
    assert plain.exit_code == as_json.exit_code == exit_code
    assert json.loads(as_json.stdout)["lessons_can_run"] is (exit_code == 0)
    assert mark.value in plain.output
    assert "to fix it: make lab" in plain.output


def test_the_report_ends_with_the_verdict() -> None:
    lines = doctor_module.report_lines(
        [finding(Mark.OK), finding(Mark.PROBLEM), finding(Mark.PROBLEM)]
    )
    assert click.unstyle(lines[-1]) == "Lessons cannot run yet: 2 problems to fix, see above."
    assert click.unstyle(doctor_module.report_lines([finding(Mark.NOTE)])[-1]) == "Lessons can run."


def test_a_fix_that_mends_several_things_is_said_once() -> None:
    lines = doctor_module.report_lines(
        [
            finding(Mark.NOTE, "make lab"),
            finding(Mark.NOTE, "make lab"),
            finding(Mark.NOTE, "reboot"),
        ]
    )
    assert [line.split("to fix it: ")[1] for line in lines if "to fix it" in line] == [
        "make lab",
        "reboot",
    ]


@pytest.mark.parametrize(
    ("version", "mark"), [((3, 10, 14), Mark.PROBLEM), ((3, 11, 0), Mark.OK), ((3, 14, 1), Mark.OK)]
)
def test_python_before_3_11_is_a_problem(version: tuple[int, int, int], mark: Mark) -> None:
    assert diagnosis.python_version(version).mark is mark


def test_another_version_than_the_pinned_one_is_noted_and_a_missing_package_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {"numpy": "1.0", "click": "8.1+local"}

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    (tmp_path / "constraints.txt").write_text("# pins\nNumPy==2.0\nclick==8.1\n", encoding="utf-8")
    monkeypatch.setattr(metadata, "version", version)
    found = {each.name: each for each in diagnosis.packages(tmp_path / "constraints.txt")}
    assert (found["numpy"].mark, found["numpy"].detail) == (
        Mark.NOTE,
        "1.0; the course is tested with 2.0",
    )
    assert found["click"].mark is Mark.OK
    assert (found["torch"].mark, found["torch"].detail) == (Mark.PROBLEM, "not installed")
    assert found["pytest"].mark is Mark.NOTE
    assert all(each.fix for each in found.values() if each.mark is not Mark.OK)


def test_extras_that_name_other_extras_are_followed() -> None:
    assert {"numpy", "torch", "numba", "jupyterlab"} <= diagnosis._required(("lab",))
    assert "pytest" not in diagnosis._required(("lab",))


def test_a_kernel_of_another_python_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    def spec_of(program: str) -> object:
        return type(
            "Manager",
            (),
            {"get_kernel_spec": lambda self, name: type("Spec", (), {"argv": [program]})()},
        )

    for program, mark in (
        ("python", Mark.OK),
        (sys.executable, Mark.OK),
        ("/elsewhere/bin/python", Mark.PROBLEM),
    ):
        monkeypatch.setattr("jupyter_client.kernelspec.KernelSpecManager", spec_of(program))
        assert diagnosis.kernel().mark is mark, program
    monkeypatch.setattr("jupyter_client.kernelspec.KernelSpecManager", KernelSpecManager)

    def none(self: object, name: str) -> object:
        raise NoSuchKernel(name)

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", none)
    assert diagnosis.kernel().mark is Mark.PROBLEM


def test_a_torch_that_does_not_start_is_a_problem_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(diagnosis, "_TORCH", "raise ImportError('libtorch.so is broken')")
    found = diagnosis.torch_device()
    assert (found.mark, found.detail) == (Mark.PROBLEM, "ImportError: libtorch.so is broken")
    assert found.fix


def test_no_lessons_beside_the_package_is_a_problem(tmp_path: Path) -> None:
    assert diagnosis.lessons(tmp_path).mark is Mark.PROBLEM


def service(script: str, folder: Path) -> Service:
    program = folder / "program"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return Service(
        name="it",
        used_for="trying",
        programs=("missing-program", str(program)),
        trial=("--version",),
        debian="it",
    )


def test_a_service_is_there_only_if_it_works(tmp_path: Path) -> None:
    assert service("exit 0", tmp_path).trouble() is None
    assert (
        service("echo no permission >&2; exit 1", tmp_path).trouble()
        == "is installed, but does not work: no permission"
    )
    assert service("exit 3", tmp_path).trouble() == "is installed, but does not work: exit code 3"
    nothing = Service(
        name="it", used_for="trying", programs=("missing-program",), trial=(), debian="it"
    )
    assert (nothing.find(), nothing.trouble()) == (None, "not found")


@pytest.mark.parametrize("name", SERVICES)
def test_a_missing_service_is_a_note_with_a_fix(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Service, "find", lambda self: None)
    found = {each.name: each for each in diagnosis.services()}[name]
    assert found.mark is Mark.NOTE
    assert found.fix
    assert SERVICES[name].used_for in found.detail
