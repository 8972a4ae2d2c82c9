"""Settings of grading: of an exercise, and of a run."""

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
    """An exercise and the table ``[grading]`` of its exercise.toml.

    Parameters
    ----------
    exercise : Exercise
        With its hidden checks.
    modules : tuple of str
        Parts of coursekit that submissions may import; never the part that solves the exercise.
    libraries : tuple of str
        Libraries that a fork server imports in advance.
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
        Folder for the reports.
    n_jobs : int, at least 1
        Submissions in parallel.
    backend : "local" or "dask"
        Processes on this machine, or a Dask cluster.
    address : str
        Of the Dask scheduler; empty to start one on this machine.
    forked : bool
        Whether processes are forked from a fork server with the libraries in memory, instead of
        starting an interpreter for each.
    allow_unsandboxed : bool
        Whether to grade without a sandbox if there is none; it is stated in every report.
    secret : Path, optional
        File with the secret that seeds the random inputs; by default one in `out`, created if
        missing.
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
    """Read an exercise and its grading settings.

    Raises
    ------
    ExerciseError
        If the exercise is invalid.
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
    """Return a digest of all that determines a grade besides the submission; if it differs, the
    submission is graded again.
    """
    digest = hashlib.sha256(
        f"{coursekit.__version__} {isolation} {plan.modules} {plan.limits}".encode()
    )
    for file in sorted(plan.exercise.folder.iterdir()):
        if file.is_file():
            digest.update(f"\n{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def load_secret(settings: ClassSettings) -> bytes:
    """Return the secret that seeds the random inputs; create one if there is none."""
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
    """Return the seed of the random inputs of a submission: the same files get the same inputs,
    whoever submits them.

    Parameters
    ----------
    secret : bytes
    plan : GradingPlan
        The name and version of its exercise are part of the seed.
    sha256 : str
        Digest of the submission, so that a changed submission gets other inputs.
    """
    decided_by = "\n".join((plan.exercise.name, plan.exercise.version, sha256))
    return hmac.new(secret, decided_by.encode(), hashlib.sha256).hexdigest()
