"""Load an exercise folder: metadata, checks, hints and messages of misconceptions.

::

    exercise.toml   name, title, version, minutes
    hints.toml      [fm-1] hints = [...], [fm-1.mistakes] name = "message"
    checks.py       the visible checks
    hidden.py       the hidden checks: in solutions/ only
    fm.ipynb        the notebook

Checks are named after their exercise: fm-1, fm-2, ...
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from coursekit.core.errors import UnknownNameError
from coursekit.grading.checks import Check
from coursekit.grading.checks.report import Tier
from coursekit.grading.errors import ExerciseError

__all__ = ["Exercise", "find_exercise", "find_exercises", "load_exercise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One exercise without the content of its notebook.

    Parameters
    ----------
    name, title, version : str
    minutes : int
        Expected working time.
    folder : Path
    checks : tuple of Check
        In the order of the exercise, the visible tier of an id before its hidden one.
    hints : mapping of check id to tuple of str
        From a general hint to nearly the answer.
    mistakes : mapping of check id to mapping of str to str
        Messages of the misconceptions that a check can recognise.
    """

    name: str
    title: str
    version: str
    minutes: int
    folder: Path
    checks: tuple[Check, ...]
    hints: Mapping[str, tuple[str, ...]]
    mistakes: Mapping[str, Mapping[str, str]]

    @property
    def check_ids(self) -> tuple[str, ...]:
        """Every check id once, in order."""
        return tuple(dict.fromkeys(check.id for check in self.checks))

    @property
    def notebook(self) -> Path:
        """Path of the notebook."""
        return self.folder / f"{self.name}.ipynb"

    def check(self, check_id: str, tier: Tier = "visible") -> Check:
        """Return one check.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        for check in self.checks:
            if (check.id, check.tier) == (check_id, tier):
                return check
        names = ", ".join(self.check_ids)
        raise UnknownNameError(
            f"`{check_id}` is not a {tier} check of the exercise {self.name}; there are {names}."
        )

    def points(self, check_id: str) -> float:
        """Return what a check id is worth, both tiers together."""
        return sum(check.points for check in self.checks if check.id == check_id)


def load_exercise(folder: Path) -> Exercise:
    """Load an exercise folder, with its hidden checks if it has them.

    Raises
    ------
    ExerciseError
        If a file is missing or invalid.
    """
    folder = folder.resolve()
    about, words = _read_toml(folder / "exercise.toml"), _read_toml(folder / "hints.toml")
    try:
        return Exercise(
            name=about["name"],
            title=about["title"],
            version=about["version"],
            minutes=about["minutes"],
            folder=folder,
            checks=_load_checks(folder),
            hints={name: tuple(entry["hints"]) for name, entry in words.items()},
            mistakes={name: dict(entry.get("mistakes", {})) for name, entry in words.items()},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ExerciseError(f"{folder}: exercise.toml or hints.toml lacks {error}.") from error


def find_exercise(name: str, start: Path) -> Exercise:
    """Find an exercise by its name or by the id of one of its checks, from a working folder.

    Looks at the folder itself, then for `exercises/<name>` in it and in every folder above it.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    start = start.resolve()
    exercise_name = name.rsplit("-", 1)[0]
    candidates = [
        start,
        *(above / "exercises" / exercise_name for above in (start, *start.parents)),
    ]
    for folder in candidates:
        if (folder / "exercise.toml").is_file() and (
            exercise := load_exercise(folder)
        ).name == exercise_name:
            return exercise
    raise UnknownNameError(
        f"There is no exercise for `{name}` here. Work in its folder, "
        f"exercises/{exercise_name}, or above it."
    )


def find_exercises(start: Path) -> list[Exercise]:
    """Find the exercise of a folder, or all exercises in the nearest `exercises/`."""
    start = start.resolve()
    if (start / "exercise.toml").is_file():
        return [load_exercise(start)]
    for above in (start, *start.parents):
        found = sorted((above / "exercises").glob("*/exercise.toml"))
        if found:
            return [load_exercise(file.parent) for file in found]
    return []


def _load_checks(folder: Path) -> tuple[Check, ...]:
    modules = [_run(folder, "checks")]
    if (folder / "hidden.py").is_file():
        modules.append(_run(folder, "hidden"))
    checks = [
        value for module in modules for value in vars(module).values() if isinstance(value, Check)
    ]
    checks = list({(check.id, check.tier): check for check in checks}.values())
    order = list(dict.fromkeys(check.id for check in checks))
    return tuple(sorted(checks, key=lambda check: (order.index(check.id), check.tier == "hidden")))


def _run(folder: Path, stem: str) -> ModuleType:
    """Run a file of the folder as a module, so that hidden checks can import from the visible
    ones; no bytecode is cached.
    """
    package_name = f"coursekit_exercise_{folder.name}"
    package = ModuleType(package_name)
    package.__path__ = []
    sys.modules.setdefault(package_name, package)
    module = ModuleType(f"{package_name}.{stem}")
    module.__file__ = str(folder / f"{stem}.py")
    module.__package__ = package_name
    sys.modules[module.__name__] = module
    try:
        exec(compile(_read(folder / f"{stem}.py"), module.__file__, "exec"), vars(module))  # noqa: S102 - the course's own file
    except ExerciseError:
        raise
    except Exception as error:
        raise ExerciseError(
            f"{module.__file__} cannot be run: {type(error).__name__}: {error}."
        ) from error
    return module


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_read(file))
    except tomllib.TOMLDecodeError as error:
        raise ExerciseError(f"{file} is not TOML: {error}.") from error


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExerciseError(f"{file} cannot be read: {error}. Fetch the exercise again.") from error
