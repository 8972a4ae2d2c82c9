"""Versions of a model and the legal moves between their statuses (lesson 08)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from coursekit.core.errors import IllegalTransitionError

__all__ = ["TRANSITIONS", "ModelStatus", "ModelVersion", "RegistryEvent"]


class ModelStatus(StrEnum):
    """Where a version stands between training and retirement."""

    TRAINING = "training"
    """Still being trained: it serves nobody."""
    STAGED = "staged"
    """Trained and validated, ready to be compared or promoted."""
    SHADOW = "shadow"
    """Answers copies of real requests; nobody sees its answers."""
    PRODUCTION = "production"
    """Serves. At most one version of a model."""
    RETIRED = "retired"
    """Has served, or was withdrawn. It can come back: a rollback."""
    FAILED = "failed"
    """Known to be bad. Nothing follows."""


TRANSITIONS: Mapping[ModelStatus, frozenset[ModelStatus]] = {
    status: frozenset(map(ModelStatus, following.split()))
    for status, following in {
        ModelStatus.TRAINING: "staged failed",
        ModelStatus.STAGED: "shadow production retired failed",
        ModelStatus.SHADOW: "staged production retired failed",
        ModelStatus.PRODUCTION: "retired failed",
        ModelStatus.RETIRED: "staged production failed",
        ModelStatus.FAILED: "",
    }.items()
}
"""Status -> the statuses that may follow it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One registered version of a model, as it is stored. Times in seconds since 1970-01-01 UTC.

    Parameters
    ----------
    model_id, version : str
        Its name: together unique.
    number : int, 1 or more
        It was the n-th version of this model to be registered.
    algorithm : str
        Class name of the model.
    status : ModelStatus
    created_at : float
        When it was registered.
    deployed_at : float, optional
        When it last went into production.
    retired_at : float, optional
        When it was retired; None unless it is.
    performance_metrics : mapping of str to float
        Finite numbers.
    hyperparameters, metadata : mapping
        JSON values.
    model_path, model_hash : str, optional
        File of the artifact in the folder of artifacts, and the sha256 of its content.

    Examples
    --------
    >>> first = ModelVersion(model_id="ratings", version="1", number=1, algorithm="MF")
    >>> live = first.moved_to(ModelStatus.PRODUCTION, at=60.0)
    >>> live.status, live.deployed_at
    (<ModelStatus.PRODUCTION: 'production'>, 60.0)
    >>> live.moved_to(ModelStatus.TRAINING, at=90.0)
    Traceback (most recent call last):
    coursekit.core.errors.IllegalTransitionError: Version 1 of ratings is in production; it can ...
    """

    model_id: str
    version: str
    number: int
    algorithm: str
    status: ModelStatus = ModelStatus.STAGED
    created_at: float = 0.0
    deployed_at: float | None = None
    retired_at: float | None = None
    performance_metrics: Mapping[str, float] = field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    model_path: str | None = None
    model_hash: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def moved_to(self, status: ModelStatus, *, at: float) -> ModelVersion:
        """Return the version with another status.

        Raises
        ------
        IllegalTransitionError
            If that status cannot follow the present one.
        """
        if status not in TRANSITIONS[self.status]:
            following = " or ".join(sorted(TRANSITIONS[self.status])) or "nothing else"
            raise IllegalTransitionError(
                f"Version {self.version} of {self.model_id} is in {self.status}; it can become "
                f"{following}, not {status}."
            )
        return replace(
            self,
            status=status,
            deployed_at=at if status == ModelStatus.PRODUCTION else self.deployed_at,
            retired_at=at if status == ModelStatus.RETIRED else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEvent:
    """One entry of the history: what changed, when, by whom and why.

    Parameters
    ----------
    model_id, version : str
    action : str
        "registered", "status", "metrics" or "alias NAME".
    before, after : str, optional
        The status, the metrics (as JSON) or the alias's version, before and after.
    at : float
        Seconds since 1970-01-01 UTC.
    by, why : str
    """

    model_id: str
    version: str
    action: str
    before: str | None
    after: str | None
    at: float
    by: str
    why: str
