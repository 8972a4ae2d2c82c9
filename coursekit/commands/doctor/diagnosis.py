"""The health checks of `coursekit doctor`, one per function."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

from coursekit.commands.command import Mark
from coursekit.commands.doctor.machine import SERVICES
from coursekit.core.processes import clean_environment, find_program

__all__ = ["HealthCheck", "diagnose"]

_OLDEST_PYTHON = (3, 11)
_DISK_GIB = 1.0
_BEYOND = "Beyond the lessons"
_INSTALL = "python -m pip install -c constraints.txt -e"
_REINSTALL = f"make lab (or: {_INSTALL} '.[lab]')"
_REINSTALL_ALL = f"make test (or: {_INSTALL} '.[test]')"
_TORCH = """
import torch
if torch.cuda.is_available():
    print(f"cuda ({torch.cuda.get_device_name(0)})")
else:
    print("mps (Apple)" if torch.backends.mps.is_available() else "cpu")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """The result of one check, and the fix.

    Parameters
    ----------
    area : str
        Heading in the report.
    name : str
    mark : Mark
        OK, NOTE (lessons run without it), or PROBLEM (they do not).
    detail : str
        What was found.
    fix : str, optional
        The command or action that solves the problem.
    """

    area: str
    name: str
    mark: Mark
    detail: str
    fix: str | None = None


def _check(
    area: str, name: str, detail: str, fix: str | None = None, *, mark: Mark = Mark.PROBLEM
) -> HealthCheck:
    """Return a check: OK without a `fix`, otherwise with the given mark."""
    mark = mark if fix else Mark.OK
    return HealthCheck(area=area, name=name, mark=mark, detail=detail, fix=fix)


def diagnose(folder: Path) -> Iterator[HealthCheck]:
    """Yield all health checks, in the order in which problems should be fixed.

    Parameters
    ----------
    folder : path
        Root folder of the course.
    """
    yield python_version()
    yield environment(folder)
    yield disk_space(folder)
    yield lessons(folder)
    yield from packages(folder / "constraints.txt")
    yield torch_device()
    yield kernel()
    yield from services()
    yield system_fonts()
    yield git()


def python_version(version: tuple[int, ...] = sys.version_info[:3]) -> HealthCheck:
    """Check that Python is new enough."""
    detail = f"{'.'.join(map(str, version))} on {platform.system()} {platform.machine()}"
    fix = "install Python 3.11 or newer, then: make lab PYTHON=/path/to/python3.11"
    return _check("Python", "version", detail, None if version >= _OLDEST_PYTHON else fix)


def environment(folder: Path) -> HealthCheck:
    """Check that the packages are installed in a virtual environment."""
    check = partial(_check, "Python", "environment")
    if Path(sys.prefix).resolve() == (folder / ".venv").resolve():
        return check(".venv of this course")
    if sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ:
        return check(sys.prefix)
    fix = "make lab builds .venv, so that nothing else on this machine changes"
    return check(f"{sys.prefix}, the system-wide Python", fix, mark=Mark.NOTE)


def disk_space(folder: Path) -> HealthCheck:
    """Check that there is disk space for checkpoints and figures."""
    free = shutil.disk_usage(folder).free / 2**30
    fix = f"free disk space: lessons write less than {_DISK_GIB:.0f} GiB"
    detail, fix_of = f"{free:.1f} GiB free", None if free >= _DISK_GIB else fix
    return _check("Python", "disk space", detail, fix_of, mark=Mark.NOTE)


def lessons(folder: Path) -> HealthCheck:
    """Check that the notebooks exist."""
    found = len(list((folder / "notebooks").glob("*.ipynb")))
    fix = None if found else "git checkout notebooks"
    return _check("Python", "lessons", f"{found} notebooks in notebooks/", fix)


def packages(constraints: Path) -> Iterator[HealthCheck]:
    """Compare the version of every required package with the tested one."""
    pinned, for_lessons = _pinned_versions(constraints), _required(("lab",))
    for name in sorted(for_lessons):
        yield _package(name, pinned.get(name), needed=True)
    for name in sorted(_required(("grading", "test")) - for_lessons):
        yield _package(name, pinned.get(name), needed=False)


def torch_device() -> HealthCheck:
    """Import torch in a child process, which a broken build may crash, and report its device."""
    check = partial(_check, "Lessons", "torch device")
    command, clean = [sys.executable, "-P", "-c", _TORCH], clean_environment()
    try:
        done = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=180)
    except subprocess.TimeoutExpired:
        return check("no answer in 180 s", _REINSTALL)
    if done.returncode:
        return check(done.stderr.strip().rpartition("\n")[2], _REINSTALL)
    return check(done.stdout.strip())


def kernel() -> HealthCheck:
    """Check that the Jupyter kernel `python3` runs in this environment."""
    check = partial(_check, "Lessons", "kernel")
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return check("Jupyter is not installed", _REINSTALL)
    fix = "python -m ipykernel install --sys-prefix"
    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return check("no kernel `python3`", fix)
    if os.path.isabs(program) and not Path(program).is_relative_to(sys.prefix):
        return check(f"`python3` starts {program}", fix)
    return check("`python3` runs in this environment")


def services() -> Iterator[HealthCheck]:
    """Check every optional external program."""
    for service in SERVICES.values():
        if trouble := service.trouble():
            detail = f"{trouble}; for {service.used_for}"
            yield _check(_BEYOND, service.name, detail, service.fix(), mark=Mark.NOTE)
        else:
            yield _check(_BEYOND, service.name, str(service.find()))


def system_fonts() -> HealthCheck:
    """Check that system fonts exist, for browsers; figures use those of matplotlib."""
    check = partial(_check, _BEYOND, "fonts", mark=Mark.NOTE)
    try:
        from matplotlib import font_manager
    except ImportError:
        return check("matplotlib is not installed", _REINSTALL)
    if found := len(font_manager.findSystemFonts()):
        return check(f"{found} font files")
    fix = "sudo apt-get install fonts-dejavu-core (or your distribution's package)"
    return check("no system fonts; screenshots would show no text", fix)


def git() -> HealthCheck:
    """Check for git, which downloads newer versions of the course."""
    fix = None if (program := find_program("git")) else "install git from your system's packages"
    detail = program or "not found; for newer versions of the course"
    return _check(_BEYOND, "git", detail, fix, mark=Mark.NOTE)


def _package(name: str, pinned: str | None, *, needed: bool) -> HealthCheck:
    check = partial(_check, "Packages" if needed else "Packages for grading and tests", name)
    fix = _REINSTALL if needed else _REINSTALL_ALL
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return check("not installed", fix, mark=Mark.PROBLEM if needed else Mark.NOTE)
    if pinned in (None, version.partition("+")[0]):  # 2.13.0+cpu is a build of 2.13.0
        return check(version)
    return check(f"{version}; the course is tested with {pinned}", fix, mark=Mark.NOTE)


def _pinned_versions(constraints: Path) -> dict[str, str]:
    if not constraints.is_file():
        return {}
    pins = re.findall(
        r"^([\w.-]+)==([^\s;#]+)", constraints.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return {_normal(name): version for name, version in pins}


def _required(extras: tuple[str, ...]) -> set[str]:
    """Return the direct dependencies of coursekit with these extras."""
    from packaging.requirements import Requirement

    requirements = [Requirement(line) for line in metadata.requires("coursekit") or []]
    wanted, names = list(extras), set()
    for extra in wanted:  # grows while extras include other extras of coursekit
        for requirement in requirements:
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                if _normal(requirement.name) == "coursekit":
                    wanted += sorted(requirement.extras - set(wanted))
                else:
                    names.add(_normal(requirement.name))
    return names


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
