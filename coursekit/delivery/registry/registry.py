"""The registry of models: which version serves, which served before, and why (lesson 08)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from coursekit.core.clock import Clock, SystemClock
from coursekit.core.errors import ConflictError, IllegalTransitionError, UnknownNameError
from coursekit.core.validation import choice, require
from coursekit.delivery.registry.address import store_at
from coursekit.delivery.registry.artifacts import Artifacts
from coursekit.delivery.registry.author import Author
from coursekit.delivery.registry.reader import CHAMPION, RegistryReader
from coursekit.delivery.registry.store import RegistryStore, Writes
from coursekit.delivery.registry.values import json_object, metrics_of, name_of, text_of
from coursekit.delivery.registry.version import ModelStatus, ModelVersion
from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["ModelRegistry"]

_LIVE, _RETIRED = ModelStatus.PRODUCTION, ModelStatus.RETIRED
_STARTS = ModelStatus.STAGED, ModelStatus.TRAINING


class ModelRegistry(RegistryReader):
    """Versions of models, their statuses, artifacts, aliases and history.

    Every verb is one transaction: it happens completely, or it raises an error and nothing has
    changed. At most one version of a model is in production, however many processes promote and
    wherever one of them is killed. Nothing can be deleted: a version is retired, and the history
    only grows.

    Parameters
    ----------
    store : RegistryStore
        Where versions and history are (see `at`).
    artifacts : Artifacts
        Where learners are.
    by : str
        Who acts, for the history: a person or a program.
    clock : Clock, optional
        Default: that of the system.

    Examples
    --------
    >>> import tempfile
    >>> from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with ModelRegistry.at(folder, by="ada") as registry:
    ...         for n_factors in (5, 10):
    ...             new = registry.register_model("ratings", OnlineMatrixFactorization(n_factors))
    ...             live = registry.promote("ratings", new.version, why="RMSE is lower")
    ...         [(each.version, each.status.value) for each in registry.list_models()]
    [('1', 'retired'), ('2', 'production')]
    """

    def __init__(
        self, store: RegistryStore, artifacts: Artifacts, *, by: str, clock: Clock | None = None
    ) -> None:
        super().__init__(store, artifacts)
        self._author = Author(by, clock or SystemClock())

    @classmethod
    def at(
        cls,
        folder: str | Path,
        *,
        by: str,
        url: str | None = None,
        clock: Clock | None = None,
        also: Iterable[type[OnlineLearner]] = (),
    ) -> Self:
        """Open the registry in a folder: artifacts, and beside them a file of SQLite, or Redis.

        Parameters
        ----------
        folder : path
            Created if missing.
        by, clock
            As of the class.
        url : str, optional
            ``redis://host:port/database`` to keep versions and history in Redis.
        also : iterable of classes
            Learners of your own that may be loaded (see `Artifacts`).
        """
        store = store_at(url or Path(folder) / "registry.sqlite")
        return cls(store, Artifacts(Path(folder) / "artifacts", also=also), by=by, clock=clock)

    def register_model(
        self,
        model_id: str,
        model: OnlineLearner | None = None,
        *,
        version: str | None = None,
        algorithm: str | None = None,
        status: str = ModelStatus.STAGED,
        performance_metrics: Mapping[str, float] | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        why: str = "registered",
    ) -> ModelVersion:
        """Save a model and register it as a new version.

        Parameters
        ----------
        model_id : str
        model : OnlineLearner, optional
            Without it, the version is a record without an artifact; then name its `algorithm`.
        version : str, optional
            Default: its number, "1", "2", ...
        algorithm : str, optional
            Default: the class name of the model.
        status : "staged" or "training"
        performance_metrics, metadata : mapping, optional
        hyperparameters : mapping, optional
            Default: the settings of the model.
        why : str

        Raises
        ------
        ConflictError
            If the model has such a version.
        InvalidParameterError, StateFormatError
            If a value is invalid, or the model cannot be saved.
        """
        require(isinstance(model, OnlineLearner | None), "model", "an OnlineLearner", model)
        settings = (model.config() if model else {}) if hyperparameters is None else hyperparameters
        new = ModelVersion(
            model_id=name_of("model_id", model_id),
            version="" if version is None else name_of("version", version),
            number=1,
            algorithm=text_of("algorithm", algorithm or (type(model).__name__ if model else None)),
            status=ModelStatus(choice("status", status, _STARTS)),
            created_at=self._author.clock.now(),
            performance_metrics=metrics_of(performance_metrics or {}),
            hyperparameters=json_object("hyperparameters", settings),
            metadata=json_object("metadata", metadata or {}),
        )
        text_of("why", why)
        if model is not None:
            path, digest = self.artifacts.save(model)
            new = replace(new, model_path=path, model_hash=digest)

        def decide() -> Writes:
            known = self.store.versions(model_id)
            number = 1 + max((each.number for each in known), default=0)
            ready = replace(new, number=number, version=new.version or str(number))
            if ready.version in {each.version for each in known}:
                raise ConflictError(f"{model_id} has a version {ready.version} already.")
            event = self._author.event(ready, "registered", None, ready.status, why)
            return Writes(versions=(ready,), events=(event,))

        return self.store.transact(model_id, decide).versions[0]

    def update_model_status(
        self, model_id: str, version: str, status: str, *, why: str
    ) -> ModelVersion:
        """Move a version to another status; out of production, nothing takes its place.

        Raises
        ------
        UnknownNameError
            If there is no such version or status.
        IllegalTransitionError
            If that status cannot follow, or another version is in production: then `promote`.
        """
        to = ModelStatus(choice("status", status, tuple(ModelStatus)))

        def decide() -> Writes:
            found, live = self.get_model_version(model_id, version), self.store.production(model_id)
            writes = self._author.moves([(found, to)], self.store.aliases(model_id), why)
            if to == _LIVE and live is not None:
                raise IllegalTransitionError(
                    f"Version {live.version} of {model_id} is in production; `promote` retires it "
                    "in the same transaction."
                )
            return writes

        return self.store.transact(model_id, decide).versions[0]

    def promote(
        self,
        model_id: str,
        version: str,
        *,
        why: str,
        replacing: str | None = None,
        retire: Iterable[str] = (),
    ) -> ModelVersion:
        """Put a version into production and retire the one before, in one transaction.

        If it is in production already, it stays: a promotion whose answer was lost can be repeated.

        Parameters
        ----------
        model_id, version : str
        why : str
        replacing : str, optional
            The version that must be in production now: nobody else has promoted meanwhile.
        retire : iterable of str
            Other versions to retire in the same transaction, such as those that lost a test.

        Raises
        ------
        UnknownNameError, IllegalTransitionError
            If there is no such version, or it cannot go into production.
        ConflictError
            If another version than these two is in production, or none.
        """
        others = tuple(retire)
        require(version not in others, "retire", "versions other than the promoted one", others)

        def decide() -> Writes:
            chosen = self.get_model_version(model_id, version)
            live = self.store.production(model_id)
            found = None if live is None else live.version
            if replacing not in (None, found) and found != version:
                raise ConflictError(
                    f"`replacing` must be the version of {model_id} in production, which is "
                    f"{found!r}, got {replacing!r}."
                )
            leaving = {each: self.get_model_version(model_id, each) for each in others}
            if live is not None and found != version:
                leaving[live.version] = live
            moves = [(each, _RETIRED) for each in leaving.values()]
            moves += [(chosen, _LIVE)] * (chosen.status != _LIVE)
            return self._author.moves(moves, self.store.aliases(model_id), why)

        written = {each.version: each for each in self.store.transact(model_id, decide).versions}
        return written.get(version) or self.get_model_version(model_id, version)

    def rollback(self, model_id: str, *, why: str) -> ModelVersion:
        """Promote the version that was in production before.

        Raises
        ------
        UnknownNameError
            If none was, or none is now.
        IllegalTransitionError
            If it has failed since.
        ConflictError
            If another process has promoted meanwhile.
        """
        live = self.get_model_by_alias(model_id, CHAMPION).version
        before = self.get_previous_version(model_id)
        if before is None:
            raise UnknownNameError(f"No other version of {model_id} has been in production.")
        return self.promote(model_id, before.version, why=why, replacing=live)

    def update_performance_metrics(
        self, model_id: str, version: str, metrics: Mapping[str, float], *, why: str = "measured"
    ) -> ModelVersion:
        """Add metrics to those of a version; metrics of the same name are replaced.

        Raises
        ------
        InvalidParameterError
            If one is not a finite number.
        """
        new = metrics_of(metrics)

        def decide() -> Writes:
            return self._author.metrics(self.get_model_version(model_id, version), new, why)

        return self.store.transact(model_id, decide).versions[0]

    def set_alias(
        self, model_id: str, alias: str, version: str | None, *, why: str = "set"
    ) -> None:
        """Point an alias, such as "challenger", to a version; None removes it.

        An alias is removed when its version is promoted, retired or fails.

        Raises
        ------
        UnknownNameError, IllegalTransitionError
            If there is no such version or alias, or the version is in production, retired or
            failed, or the alias is "champion".
        """
        name_of("alias", alias)
        if alias == CHAMPION:
            raise IllegalTransitionError(
                f'"{CHAMPION}" is the version in production; `promote` it.'
            )

        def decide() -> Writes:
            before = self.store.aliases(model_id).get(alias)
            target = before if version is None else version
            if target is None:
                raise UnknownNameError(f"{model_id} has no alias {alias!r}.")
            found = self.get_model_version(model_id, target)
            return self._author.alias(alias, found, before, version, why)

        self.store.transact(model_id, decide)
