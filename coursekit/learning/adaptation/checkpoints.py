"""Checkpoints of a managed learner, in memory and on disk (lesson 06)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from coursekit.core.errors import StateFormatError, UnknownNameError
from coursekit.core.events import OnlineSample
from coursekit.core.state import State, load_state, save_state
from coursekit.learning.adaptation.buffers import check_count

__all__ = ["Checkpoint", "Checkpointed", "samples_from_state", "state_of_samples"]

Snapshot = dict[str, Any]
"""Everything that the future depends on; nothing in it is ever changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Everything that a manager's future depends on, at one moment.

    Parameters
    ----------
    samples_processed : int
        Events that the manager had seen.
    model_version : int
        The learner's version then.
    mean_loss : float
        Mean squared error on arrival up to then; NaN before the first event.
    snapshot : mapping
        Learner, schedule, response, detector, buffer, counters and history.
    """

    samples_processed: int
    model_version: int
    mean_loss: float
    snapshot: Snapshot = field(repr=False)  # megabytes


class Checkpointed(ABC):
    """Something that can be put back to an earlier moment, because a snapshot holds all that its
    future depends on.

    Parameters
    ----------
    interval : int, 0 or more
        Events from one checkpoint to the next; 0 makes none on its own.
    max_checkpoints : int, 1 or more
        How many are kept.
    """

    def __init__(self, interval: int, max_checkpoints: int) -> None:
        check_count("checkpoint_interval", interval, lowest=0)
        check_count("max_checkpoints", max_checkpoints)
        self.checkpoint_interval = interval
        self.n_rollbacks = 0
        self._checkpoints: deque[Checkpoint] = deque(maxlen=max_checkpoints)

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """The checkpoints that one can go back to, from the oldest to the newest."""
        return tuple(self._checkpoints)

    def create_checkpoint(self) -> Checkpoint:
        """Keep everything that the future depends on; beyond `max_checkpoints` the oldest one
        goes.
        """
        checkpoint = self._checkpoint()
        self._checkpoints.append(checkpoint)
        return checkpoint

    def rollback_to_checkpoint(self, samples_processed: int | None = None) -> Checkpoint:
        """Go back to a checkpoint and continue, bit for bit, as if the events since had never come.

        Newer checkpoints are dropped. Only the label differs: `model_version` is a new one, because
        no two models may share it.

        Parameters
        ----------
        samples_processed : int, optional
            Which checkpoint, by the number of events it had seen. Default: the newest.

        Raises
        ------
        UnknownNameError
            If there is no such checkpoint; nothing has changed.
        """
        found = [
            at
            for at, each in enumerate(self._checkpoints)
            if samples_processed in (None, each.samples_processed)
        ]
        if not found:
            known = (
                ", ".join(str(each.samples_processed) for each in self._checkpoints) or "none yet"
            )
            wanted = "" if samples_processed is None else f", got {samples_processed}"
            raise UnknownNameError(
                f"`samples_processed` must be that of a checkpoint ({known}){wanted}."
            )
        while len(self._checkpoints) > found[-1] + 1:
            self._checkpoints.pop()
        checkpoint = self._checkpoints[-1]
        self._restore(checkpoint.snapshot)
        self.n_rollbacks += 1
        self._issue_version()
        return checkpoint

    def save(self, path: str | Path) -> str:
        """Write everything that the future depends on to a file, and return its sha256.

        Raises
        ------
        StateFormatError
            If a part cannot be written: a detector or learner without a plain state. Nothing is
            written.
        """
        return save_state(path, _on_disk(self._snapshot()), kind=type(self).__name__)

    def load(self, path: str | Path) -> None:
        """Continue from a file, as if nothing had happened in between.

        Raises
        ------
        StateFormatError, IntegrityError
            If the file holds no such state, one of another class, version or setting, or is
            damaged; nothing has changed.
        """
        snapshot = _in_memory(load_state(path, kind=type(self).__name__))
        before = self._snapshot()
        try:
            self._restore(snapshot)
        except StateFormatError:
            self._restore(before)
            raise
        except (KeyError, TypeError, ValueError) as error:
            self._restore(before)
            raise StateFormatError(
                f"{path} does not hold what this manager needs: {error!r}."
            ) from error

    @abstractmethod
    def _checkpoint(self) -> Checkpoint:
        """Return a checkpoint of the present moment."""

    @abstractmethod
    def _snapshot(self) -> Snapshot:
        """Return a copy of everything that the future depends on."""

    @abstractmethod
    def _restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot."""

    @abstractmethod
    def _issue_version(self) -> None:
        """Give the model a version that no model has had."""


_COLUMNS = ("user_id", "item_id", "target", "timestamp", "weight")


def state_of_samples(samples: Iterable[OnlineSample]) -> State:
    """Turn samples into columns that can be saved; arrays among the features stay arrays."""
    samples = list(samples)
    state: State = {name: [getattr(sample, name) for sample in samples] for name in _COLUMNS}
    state["features"] = [
        each.features
        if each.features is None or isinstance(each.features, np.ndarray)
        else dict(each.features)
        for each in samples
    ]
    state["metadata"] = [dict(sample.metadata) for sample in samples]
    return state


def samples_from_state(state: State) -> tuple[OnlineSample, ...]:
    """Turn saved columns back into samples.

    >>> ada = OnlineSample(user_id=("shop", 1), item_id=7, target=4.0, timestamp=3.0)
    >>> samples_from_state(state_of_samples([ada])) == (ada,)
    True
    """
    columns = {name: state[name] for name in (*_COLUMNS, "features", "metadata")}
    for name in ("user_id", "item_id"):
        columns[name] = [tuple(id_) if isinstance(id_, list) else id_ for id_ in columns[name]]
    rows = zip(*columns.values(), strict=True)
    return tuple(OnlineSample(**dict(zip(columns, row, strict=True))) for row in rows)


def _on_disk(snapshot: Snapshot) -> State:
    return {
        name: {**part, "samples": state_of_samples(part["samples"])} if _has_samples(part) else part
        for name, part in snapshot.items()
    }


def _in_memory(state: State) -> Snapshot:
    return {
        name: {**part, "samples": samples_from_state(part["samples"])}
        if _has_samples(part)
        else part
        for name, part in state.items()
    }


def _has_samples(part: Any) -> bool:
    return isinstance(part, dict) and "samples" in part
