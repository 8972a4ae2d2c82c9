"""How an exercise wants to be graded, and how an instructor wants to grade it."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import coursekit
from coursekit.core.validation import integer
from coursekit.grading.errors import ExerciseError
from coursekit.grading.exercises.exercise import Exercise, load_exercise
from coursekit.grading.sandbox import Limits

__all__ = [
    "Backend",
    "ClassSettings",
    "GradingPlan",
    "fingerprint",
    "load_plan",
    "load_secret",
    "seed_of",
]

Backend = Literal["local", "dask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradingPlan:
    """An exercise and what it says in the table ``[grading]`` of exercise.toml.

    Parameters
    ----------
    exercise : Exercise
        With its hidden checks.
    modules : tuple of str
        Parts of coursekit that submissions may import. Never what solves the exercise.
    libraries : tuple of str
        What a fork server imports beforehand.
    limits : Limits
    """

    exercise: Exercise
    modules: tuple[str, ...] = ("core", "datasets", "evaluation", "figures")
    libraries: tuple[str, ...] = ("numpy",)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSettings:
    """How to grade a class.

    Parameters
    ----------
    out : Path
        Where reports go.
    n_jobs : int, at least 1
        Submissions at once.
    backend : "local" or "dask"
        Processes on this machine, or a Dask cluster.
    address : str
        Of the Dask scheduler; empty for one of our own on this machine.
    forked : bool
        Whether processes are forked from a server that has the libraries in memory, instead of
        started one by one.
    allow_unsandboxed : bool
        Whether to go on where there is no sandbox. Every report says so.
    secret : Path, optional
        File with the secret behind the random questions; by default one in `out`, made at first.
    """

    out: Path
    n_jobs: int = 1
    backend: Backend = "local"
    address: str = ""
    forked: bool = False
    allow_unsandboxed: bool = False
    secret: Path | None = None

    def __post_init__(self) -> None:
        integer("n_jobs", self.n_jobs)


def load_plan(folder: Path) -> GradingPlan:
    """Read an exercise and how it is to be graded.

    Raises
    ------
    ExerciseError
        If something in it is not in order.
    """
    exercise = load_exercise(folder)
    table = tomllib.loads((folder / "exercise.toml").read_text(encoding="utf-8")).get("grading", {})
    unknown = set(table) - {"modules", "libraries", "limits"}
    if unknown:
        raise ExerciseError(
            f"{folder}/exercise.toml: [grading] has no setting {sorted(unknown)[0]!r}."
        )
    chosen: dict[str, Any] = {
        name: tuple(table[name]) for name in ("modules", "libraries") if name in table
    }
    return GradingPlan(
        exercise=exercise, limits=Limits.from_json(table.get("limits", {})), **chosen
    )


def fingerprint(plan: GradingPlan, isolation: str) -> str:
    """Return a digest of all that decides a grade besides the submission; another one means: grade
    again.
    """
    digest = hashlib.sha256(
        f"{coursekit.__version__} {isolation} {plan.modules} {plan.limits}".encode()
    )
    for file in sorted(plan.exercise.folder.iterdir()):
        if file.is_file():
            digest.update(f"\n{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def load_secret(settings: ClassSettings) -> bytes:
    """Return the secret behind the random questions; make one where there is none."""
    file = settings.secret or settings.out / "secret"
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_bytes()
    secret = secrets.token_hex(32).encode()
    with open(handle, "wb") as opened:
        opened.write(secret)
    return secret


def seed_of(secret: bytes, plan: GradingPlan, sha256: str) -> str:
    """Return the seed of the random questions of one work: the same work gets the same questions,
    whoever hands it in.

    Parameters
    ----------
    secret : bytes
    plan : GradingPlan
        The name and the version of its exercise count.
    sha256 : str
        The digest of the work, so that a changed work meets other questions.
    """
    decided_by = "\n".join((plan.exercise.name, plan.exercise.version, sha256))
    return hmac.new(secret, decided_by.encode(), hashlib.sha256).hexdigest()
