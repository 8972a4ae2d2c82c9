"""Look at this machine, one question per function; each answers with findings (what `coursekit
doctor` shows).
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from coursekit.commands.doctor.machine import SERVICES
from coursekit.commands.output import Mark
from coursekit.core.processes import clean_environment, find_program

__all__ = ["Finding", "diagnose"]

_OLDEST_PYTHON = (3, 11)
_DISK_GIB = 1.0
_LESSON_EXTRAS = ("lab",)
_OTHER_EXTRAS = ("grading", "test")
_REINSTALL = "make lab (or: python -m pip install -c constraints.txt -e '.[lab]')"
_REINSTALL_ALL = "make test (or: python -m pip install -c constraints.txt -e '.[test]')"
_TORCH = """
import torch
if torch.cuda.is_available():
    print(f"cuda ({torch.cuda.get_device_name(0)})")
else:
    print("mps (Apple)" if torch.backends.mps.is_available() else "cpu")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: how it stands, and what to do when it should stand better.

    Parameters
    ----------
    area : str
        The group it is shown in.
    name : str
    mark : Mark
        OK, NOTE (lessons run without it), or PROBLEM (they do not).
    detail : str
        What was found.
    fix : str, optional
        What to type.
    """

    area: str
    name: str
    mark: Mark
    detail: str
    fix: str | None = None


def diagnose(folder: Path) -> Iterator[Finding]:
    """Look at everything, in the order in which it should be mended.

    Parameters
    ----------
    folder : path
        Where the course lies.
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


def python_version(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Ask whether Python is new enough."""
    new_enough = version >= _OLDEST_PYTHON
    return Finding(
        area="Python",
        name="version",
        mark=Mark.OK if new_enough else Mark.PROBLEM,
        detail=f"{'.'.join(map(str, version))} on {platform.system()} {platform.machine()}",
        fix=None
        if new_enough
        else "install Python 3.11 or newer, then: make lab PYTHON=/path/to/python3.11",
    )


def environment(folder: Path) -> Finding:
    """Ask whether the packages live in an environment of their own."""
    if Path(sys.prefix).resolve() == (folder / ".venv").resolve():
        return Finding(
            area="Python", name="environment", mark=Mark.OK, detail=".venv of this course"
        )
    own = sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ
    return Finding(
        area="Python",
        name="environment",
        mark=Mark.OK if own else Mark.NOTE,
        detail=f"{sys.prefix}{'' if own else ', the system-wide Python'}",
        fix=None if own else "make lab builds .venv, so that nothing else on this machine changes",
    )


def disk_space(folder: Path) -> Finding:
    """Ask whether there is room for checkpoints and figures."""
    free = shutil.disk_usage(folder).free / 2**30
    enough = free >= _DISK_GIB
    return Finding(
        area="Python",
        name="disk space",
        mark=Mark.OK if enough else Mark.NOTE,
        detail=f"{free:.1f} GiB free",
        fix=None if enough else f"make room: lessons write less than {_DISK_GIB:.0f} GiB",
    )


def lessons(folder: Path) -> Finding:
    """Ask whether the notebooks are there."""
    found = len(list((folder / "notebooks").glob("*.ipynb")))
    return Finding(
        area="Python",
        name="lessons",
        mark=Mark.OK if found else Mark.PROBLEM,
        detail=f"{found} notebooks in notebooks/",
        fix=None if found else "git checkout notebooks",
    )


def packages(constraints: Path) -> Iterator[Finding]:
    """Compare every package that the course names with the version it was tested with."""
    pinned = _pinned_versions(constraints)
    for_lessons = _required(_LESSON_EXTRAS)
    for name in sorted(for_lessons):
        yield _package(name, pinned.get(name), needed=True)
    for name in sorted(_required(_OTHER_EXTRAS) - for_lessons):
        yield _package(name, pinned.get(name), needed=False)


def torch_device() -> Finding:
    """Import torch in a process of its own (a broken one can take the process with it) and ask
    where it computes.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _TORCH],
            capture_output=True,
            text=True,
            timeout=180,
            env=clean_environment(),
        )
    except subprocess.TimeoutExpired:
        return Finding(
            area="Lessons",
            name="torch device",
            mark=Mark.PROBLEM,
            detail="no answer in 180 s",
            fix=_REINSTALL,
        )
    if done.returncode:
        trouble = done.stderr.strip().rpartition("\n")[2]
        return Finding(
            area="Lessons", name="torch device", mark=Mark.PROBLEM, detail=trouble, fix=_REINSTALL
        )
    return Finding(area="Lessons", name="torch device", mark=Mark.OK, detail=done.stdout.strip())


def kernel() -> Finding:
    """Ask whether notebooks would run in this environment, and not in another Python of this
    machine.
    """
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return Finding(
            area="Lessons",
            name="kernel",
            mark=Mark.PROBLEM,
            detail="Jupyter is not installed",
            fix=_REINSTALL,
        )
    fix = "python -m ipykernel install --sys-prefix"
    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return Finding(
            area="Lessons", name="kernel", mark=Mark.PROBLEM, detail="no kernel `python3`", fix=fix
        )
    if os.path.isabs(program) and not Path(program).is_relative_to(sys.prefix):
        return Finding(
            area="Lessons",
            name="kernel",
            mark=Mark.PROBLEM,
            detail=f"`python3` starts {program}",
            fix=fix,
        )
    return Finding(
        area="Lessons", name="kernel", mark=Mark.OK, detail="`python3` runs in this environment"
    )


def services() -> Iterator[Finding]:
    """Try every program outside Python that some part of the course can use."""
    for service in SERVICES.values():
        trouble = service.trouble()
        yield Finding(
            area="Beyond the lessons",
            name=service.name,
            mark=Mark.NOTE if trouble else Mark.OK,
            detail=f"{trouble}; for {service.used_for}" if trouble else str(service.find()),
            fix=service.fix() if trouble else None,
        )


def system_fonts() -> Finding:
    """Ask whether a browser would find letters to draw; figures bring their own."""
    try:
        from matplotlib import font_manager
    except ImportError:
        return Finding(
            area="Beyond the lessons",
            name="fonts",
            mark=Mark.NOTE,
            detail="matplotlib is not installed",
            fix=_REINSTALL,
        )
    found = len(font_manager.findSystemFonts())
    return Finding(
        area="Beyond the lessons",
        name="fonts",
        mark=Mark.OK if found else Mark.NOTE,
        detail=f"{found} font files"
        if found
        else "no system fonts; screenshots would be without letters",
        fix=None
        if found
        else "sudo apt-get install fonts-dejavu-core (or your distribution's package)",
    )


def git() -> Finding:
    """Ask for git, which brings newer versions of the course."""
    program = find_program("git")
    return Finding(
        area="Beyond the lessons",
        name="git",
        mark=Mark.OK if program else Mark.NOTE,
        detail=program or "not found; for newer versions of the course",
        fix=None if program else "install git from your system's packages",
    )


def _package(name: str, pinned: str | None, *, needed: bool) -> Finding:
    area = "Packages" if needed else "Packages for grading and tests"
    fix = _REINSTALL if needed else _REINSTALL_ALL
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(
            area=area,
            name=name,
            mark=Mark.PROBLEM if needed else Mark.NOTE,
            detail="not installed",
            fix=fix,
        )
    if (
        pinned is not None and version.partition("+")[0] != pinned
    ):  # 2.13.0+cpu is a build of 2.13.0
        return Finding(
            area=area,
            name=name,
            mark=Mark.NOTE,
            detail=f"{version}; the course is tested with {pinned}",
            fix=fix,
        )
    return Finding(area=area, name=name, mark=Mark.OK, detail=version)


def _pinned_versions(constraints: Path) -> dict[str, str]:
    if not constraints.is_file():
        return {}
    pins = re.findall(
        r"^([\w.-]+)==([^\s;#]+)", constraints.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return {_normal(name): version for name, version in pins}


def _required(extras: tuple[str, ...]) -> set[str]:
    """Return the packages that coursekit with these extras asks for, without theirs."""
    from packaging.requirements import Requirement

    requirements = [Requirement(line) for line in metadata.requires("coursekit") or []]
    wanted, names = list(extras), set()
    for extra in wanted:  # grows while coursekit's extras name other extras of coursekit
        for requirement in requirements:
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                if _normal(requirement.name) == "coursekit":
                    wanted += sorted(requirement.extras - set(wanted))
                else:
                    names.add(_normal(requirement.name))
    return names


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
