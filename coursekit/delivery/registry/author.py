"""Who changes a registry: what each change writes, and its event in the history (lesson 08)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from coursekit.core.clock import Clock
from coursekit.core.errors import IllegalTransitionError
from coursekit.delivery.registry.store import Writes
from coursekit.delivery.registry.values import text_of
from coursekit.delivery.registry.version import ModelStatus, ModelVersion, RegistryEvent

__all__ = ["Author"]

_WITHOUT_ALIAS = {ModelStatus.PRODUCTION, ModelStatus.RETIRED, ModelStatus.FAILED}


class Author:
    """A person or a program that changes a registry; signs every event.

    Parameters
    ----------
    by : str
    clock : Clock
    """

    def __init__(self, by: str, clock: Clock) -> None:
        self.by = text_of("by", by)
        self.clock = clock

    def event(
        self, of: ModelVersion, action: str, before: str | None, after: str | None, why: str
    ) -> RegistryEvent:
        """Return the event of a change that happens now."""
        return RegistryEvent(
            model_id=of.model_id,
            version=of.version,
            action=action,
            before=None if before is None else str(before),
            after=None if after is None else str(after),
            at=self.clock.now(),
            by=self.by,
            why=text_of("why", why),
        )

    def moves(
        self, moves: list[tuple[ModelVersion, ModelStatus]], aliases: Mapping[str, str], why: str
    ) -> Writes:
        """Return the writes of versions of one model that change status and lose their aliases.

        Raises
        ------
        IllegalTransitionError
            If a status cannot follow.
        """
        now = self.clock.now()
        moved = tuple(each.moved_to(status, at=now) for each, status in moves)
        gone = {each.version for each in moved if each.status in _WITHOUT_ALIAS}
        return Writes(
            versions=moved,
            aliases=tuple((alias, None) for alias, version in aliases.items() if version in gone),
            events=tuple(
                self.event(each, "status", each.status, status, why) for each, status in moves
            ),
        )

    def metrics(self, of: ModelVersion, new: Mapping[str, float], why: str) -> Writes:
        """Return the writes of a version with new metrics beside its others."""
        before = {name: of.performance_metrics.get(name) for name in new}
        event = self.event(of, "metrics", json.dumps(before), json.dumps(new), why)
        merged = {**of.performance_metrics, **new}
        return Writes(versions=(replace(of, performance_metrics=merged),), events=(event,))

    def alias(
        self, alias: str, of: ModelVersion, before: str | None, after: str | None, why: str
    ) -> Writes:
        """Return the writes of an alias that is set (`after` is a version) or removed (None).

        Raises
        ------
        IllegalTransitionError
            If no alias can point to the version.
        """
        if after is not None and of.status in _WITHOUT_ALIAS:
            raise IllegalTransitionError(
                f"No alias can point to version {after} of {of.model_id}: it is {of.status}."
            )
        event = self.event(of, f"alias {alias}", before, after, why)
        return Writes(aliases=((alias, after),), events=(event,))
