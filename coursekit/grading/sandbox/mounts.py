"""The file system of the sandbox: Python, system libraries and parts of the course."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import coursekit

__all__ = [
    "COURSE",
    "HOME",
    "SCRATCH",
    "Mounts",
    "runtime_folders",
    "shown_folders",
    "shown_in_scratch",
]

COURSE = Path("/opt/course")
"""Where the part of the course that a submission may import is mounted."""

HOME = Path("/home/student")

SCRATCH = (Path("/dev/shm"), Path("/tmp"), HOME)  # noqa: S108 - private folders inside the sandbox
"""Where a submission may write."""

_PACKAGE = Path(coursekit.__file__).resolve().parent
_INSIDE_FOLDER = _PACKAGE / "grading" / "inside"
_USR = ("bin", "sbin", "lib", "lib32", "lib64", "share/zoneinfo", "share/fonts", "share/terminfo")
_PYTHON = ("bin", "lib", "lib64", "pyvenv.cfg")
_SYSTEM = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounts:
    """What is mounted besides Python.

    Parameters
    ----------
    modules : tuple of str
        Parts of coursekit that a submission may import, such as "core" or "forecasting/data.py".
        Never what solves the exercise.
    covered : tuple of str
        Folders with what no submission may read. Where one lies in a folder that is shown, an
        empty one is mounted in its place.
    """

    modules: tuple[str, ...] = field(default=("core", "datasets", "evaluation", "figures"))
    covered: tuple[str, ...] = ()

    def pairs(self) -> Iterator[tuple[Path, Path]]:
        """Yield what to mount and where."""
        yield _PACKAGE / "__init__.py", COURSE / "coursekit" / "__init__.py"
        yield _INSIDE_FOLDER / "stand_in.py", COURSE / "coursekit" / "grading" / "__init__.py"
        yield _INSIDE_FOLDER, COURSE / "coursekit" / "grading" / "inside"
        for module in self.modules:
            yield _PACKAGE / module, COURSE / "coursekit" / module

    def arguments(self) -> list[str]:
        """Return the part of bubblewrap's command line that decides what is visible."""
        found = []
        for name in ("bin", "sbin", "lib", "lib32", "lib64"):
            place = Path("/") / name
            if place.is_symlink():
                found += ["--symlink", str(place.readlink()), str(place)]
            elif place.is_dir():
                found += ["--ro-bind", str(place), str(place)]
        shown = shown_folders()
        for folder in shown:
            if not any(folder != other and folder.is_relative_to(other) for other in shown):
                found += ["--ro-bind", str(folder), str(folder)]
        for name in _SYSTEM:
            found += ["--ro-bind-try", name, name]
        covered = [
            place
            for place in sorted({_PACKAGE, *map(Path, self.covered)})  # a parent comes first
            if any(place.is_relative_to(folder) for folder in shown)
        ]
        for place in covered:
            found += ["--tmpfs", str(place)]
            for folder in shown:
                if folder != place and folder.is_relative_to(place):
                    found += ["--ro-bind", str(folder), str(folder)]
        for place in covered:
            found += ["--remount-ro", str(place)]
        for source, target in self.pairs():
            found += ["--ro-bind", str(source), str(target)]
        return found


def shown_folders() -> list[Path]:
    """Return what is shown of the system and of Python, part by part: the course may lie beside."""
    found = [Path("/usr") / name for name in _USR]
    for prefix in (sys.base_prefix, sys.prefix):
        found += [Path(prefix).resolve() / name for name in _PYTHON]
    return [folder for folder in dict.fromkeys(found) if folder.exists()]


def runtime_folders() -> list[Path]:
    """Return the folders of this Python that are not part of the system."""
    folders = dict.fromkeys(Path(name).resolve() for name in (sys.base_prefix, sys.prefix))
    return [folder for folder in folders if not folder.is_relative_to("/usr")]


def shown_in_scratch() -> list[Path]:
    """Return the folders directly below `SCRATCH` that lead to Python, as in a clone in /tmp."""
    leading = [
        scratch / folder.relative_to(scratch).parts[0]
        for folder in runtime_folders()
        for scratch in SCRATCH
        if folder.is_relative_to(scratch)
    ]
    return list(dict.fromkeys(leading))
