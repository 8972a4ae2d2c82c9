"""Read from a registry: versions, aliases, history, and the models themselves (lesson 08)."""

from __future__ import annotations

from typing import Self

from coursekit.core.errors import DataUnavailableError, UnknownNameError
from coursekit.core.validation import choice
from coursekit.delivery.registry.artifacts import Artifacts
from coursekit.delivery.registry.store import RegistryStore
from coursekit.delivery.registry.version import ModelStatus, ModelVersion, RegistryEvent
from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["CHAMPION", "RegistryReader"]

CHAMPION = "champion"
"""The alias of the version in production."""


class RegistryReader:
    """The reading half of a registry; all that serving needs.

    Parameters
    ----------
    store : RegistryStore
        Where versions, aliases and history are.
    artifacts : Artifacts
        Where learners are.
    """

    def __init__(self, store: RegistryStore, artifacts: Artifacts) -> None:
        self.store = store
        self.artifacts = artifacts

    def get_model_version(self, model_id: str, version: str) -> ModelVersion:
        """Return one version.

        Raises
        ------
        UnknownNameError
            If there is none of that name; the message lists the known ones.
        """
        found = self.store.version(model_id, version)
        if found is not None:
            return found
        known = [each.version for each in self.store.versions(model_id)]
        if not known:
            models = ", ".join(self.store.models()) or "none yet"
            raise UnknownNameError(f"There is no model {model_id!r}; registered are: {models}.")
        raise UnknownNameError(f"{model_id} has no version {version!r}; it has {', '.join(known)}.")

    def get_latest_version(self, model_id: str, status: str | None = None) -> ModelVersion | None:
        """Return the version registered last, of those with a status if one is given; None if there
        is none. In production there is at most one.
        """
        if status is not None:
            choice("status", status, tuple(ModelStatus))
        if status == ModelStatus.PRODUCTION:
            return self.store.production(model_id)
        found = [each for each in self.store.versions(model_id) if status in (None, each.status)]
        return found[-1] if found else None

    def list_models(
        self, model_id: str | None = None, status: str | None = None
    ) -> list[ModelVersion]:
        """Return all versions, of one model or with one status if given, by model and number."""
        if status is not None:
            choice("status", status, tuple(ModelStatus))
        models = self.store.models() if model_id is None else [model_id]
        every = [version for each in models for version in self.store.versions(each)]
        return [version for version in every if status in (None, version.status)]

    def get_previous_version(self, model_id: str) -> ModelVersion | None:
        """Return the version that was in production before the one that is now; None if none."""
        live = self.store.production(model_id)
        left = [each.version for each in self.history(model_id) if each.before == "production"]
        others = [version for version in left if live is None or version != live.version]
        return self.get_model_version(model_id, others[-1]) if others else None

    def load_model(self, model_id: str, version: str | None = None) -> OnlineLearner:
        """Return the learner of a version, by default of that in production.

        Raises
        ------
        UnknownNameError
            If there is no such version, or none in production.
        DataUnavailableError, IntegrityError
            If it has no artifact, or the file is missing or has been changed.
        """
        found = (
            self.get_model_by_alias(model_id, CHAMPION)
            if version is None
            else self.get_model_version(model_id, version)
        )
        if found.model_path is None or found.model_hash is None:
            raise DataUnavailableError(
                f"Version {found.version} of {model_id} was registered without a model."
            )
        return self.artifacts.load(found.model_path, found.model_hash)

    def history(self, model_id: str) -> list[RegistryEvent]:
        """Return everything that happened to a model, from the first event to the last."""
        return self.store.history(model_id)

    def get_model_by_alias(self, model_id: str, alias: str) -> ModelVersion:
        """Return the version that an alias points to.

        Raises
        ------
        UnknownNameError
            If there is no such alias.
        """
        if alias == CHAMPION:
            live = self.store.production(model_id)
            if live is None:
                raise UnknownNameError(f"No version of {model_id!r} is in production.")
            return live
        aliases = self.store.aliases(model_id)
        if alias not in aliases:
            known = ", ".join(aliases) or "none"
            raise UnknownNameError(f"{model_id} has no alias {alias!r}; set are: {known}.")
        return self.get_model_version(model_id, aliases[alias])

    def close(self) -> None:
        """Close the connection of this thread."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
