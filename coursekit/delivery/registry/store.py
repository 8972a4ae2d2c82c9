"""The protocol of the stores behind a registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from coursekit.delivery.registry.version import ModelVersion, RegistryEvent

__all__ = ["RegistryStore", "Writes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """What one transaction writes, all of it or nothing.

    Parameters
    ----------
    versions : tuple of ModelVersion
        New or changed versions, in this order.
    aliases : tuple of (alias, version)
        Aliases to set; None removes one.
    events : tuple of RegistryEvent
        To append to the history.
    """

    versions: tuple[ModelVersion, ...] = ()
    aliases: tuple[tuple[str, str | None], ...] = ()
    events: tuple[RegistryEvent, ...] = ()


class RegistryStore(Protocol):
    """Where versions, aliases and the history are stored.

    Every read returns one consistent state. A store guarantees, whoever writes to it, that a
    (model, version) is unique and that at most one version of a model is in production.
    """

    def models(self) -> list[str]:
        """Return the ids of all models, sorted."""

    def versions(self, model_id: str) -> list[ModelVersion]:
        """Return the versions of a model by their number; none for an unknown model."""

    def version(self, model_id: str, version: str) -> ModelVersion | None:
        """Return one version."""

    def production(self, model_id: str) -> ModelVersion | None:
        """Return the version in production."""

    def aliases(self, model_id: str) -> dict[str, str]:
        """Return alias -> version."""

    def history(self, model_id: str) -> list[RegistryEvent]:
        """Return all events of a model, from the first to the last."""

    def transact(self, model_id: str, decide: Callable[[], Writes]) -> Writes:
        """Call `decide`, which reads from this store; write what it returns, and return it.

        What it read of this model is still true when its writes appear, all at once. It may be
        called again if another process was faster, so it must have no other effect. If it raises,
        nothing is written.

        Raises
        ------
        ConflictError
            If another process was faster for longer than the store waits.
        """

    def close(self) -> None:
        """Close the connection of this thread."""
