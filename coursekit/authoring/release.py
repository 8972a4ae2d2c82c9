"""Release exercises: validate the sources, check for leaks, then generate."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from coursekit.authoring.generate import differences, exercise_files, generate, sources
from coursekit.authoring.validate import faults, leaks

__all__ = ["Release", "release"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The result of a release.

    Parameters
    ----------
    written : tuple of Path
        Files that changed.
    faults : tuple of str
        Errors, as messages; if there are any, nothing was written.
    """

    written: tuple[Path, ...] = ()
    faults: tuple[str, ...] = ()


def release(root: Path, names: Collection[str] = (), *, check: bool = False) -> Release:
    """Generate `exercises/` from `solutions/` if the sources are valid and nothing leaks.

    Parameters
    ----------
    root : Path
        The folder of both.
    names : collection of str
        Which exercises; all of them by default.
    check : bool
        Write nothing, and count a difference between source and released files as a fault.

    Raises
    ------
    ExerciseError, UnknownNameError
        If there is no exercise, a name is unknown, or a file cannot be read.
    """
    found: list[str] = []
    for folder in sources(root, names):
        found += faults(folder) or leaks(folder, exercise_files(folder))
    if check and not found:
        found = differences(root, names)
    if check or found:
        return Release(faults=tuple(found))
    return Release(written=tuple(generate(root, names)))
