"""Checkpoints of a managed learner, in memory and on disk (lesson 06)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coursekit.core.errors import StateFormatError, UnknownNameError
from coursekit.core.state import State, load_state, save_state
from coursekit.core.validation import Count, Natural, validated
from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["Checkpoint", "Checkpointed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A point of the stream that a manager can roll back to.

    Parameters
    ----------
    samples_processed : int
        Number of events processed.
    model_version : int
        Model version of the learner.
    mean_loss : float
        Mean squared error on arrival so far; NaN before the first event.
    manager_state : State
        State of the manager without that of the learner; immutable.
    learner_state : object
        Checkpoint of the learner.
    """

    samples_processed: int
    model_version: int
    mean_loss: float
    manager_state: State = field(repr=False)
    learner_state: Any = field(repr=False)


class Checkpointed(ABC):
    """Base class with checkpoints and rollback.

    Parameters
    ----------
    learner : OnlineLearner
    checkpoint_interval : int, 0 or more
        Number of events between two checkpoints; 0 for none.
    max_checkpoints : int, 1 or more
        Number of checkpoints to keep.
    """

    @validated
    def __init__(
        self, learner: OnlineLearner, checkpoint_interval: Natural, max_checkpoints: Count
    ) -> None:
        self.learner = learner
        self.checkpoint_interval, self.max_checkpoints = checkpoint_interval, max_checkpoints
        self.n_rollbacks = 0
        self._checkpoints: list[Checkpoint] = []

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """The checkpoints, from the oldest to the newest."""
        return tuple(self._checkpoints)

    def create_checkpoint(self) -> Checkpoint:
        """Store the whole state; beyond `max_checkpoints` the oldest checkpoint is dropped."""
        last = self._checkpoints[-1].learner_state if self._checkpoints else None
        self._checkpoints.append(self._checkpoint(self.learner.checkpoint(last)))
        del self._checkpoints[: -self.max_checkpoints]
        return self._checkpoints[-1]

    def rollback_to_checkpoint(self, samples_processed: int | None = None) -> Checkpoint:
        """Restore a checkpoint exactly, undoing all events since.

        Newer checkpoints are dropped. Only `model_version` is not restored but new, because no two
        models may share it.

        Parameters
        ----------
        samples_processed : int, optional
            The checkpoint, by its number of events. Default: the newest.

        Raises
        ------
        UnknownNameError
            If there is no such checkpoint; nothing has changed.
        """
        known = [each.samples_processed for each in self._checkpoints]
        found = [at for at, n in enumerate(known) if samples_processed in (None, n)]
        if not found:
            wanted = "" if samples_processed is None else f", got {samples_processed}"
            raise UnknownNameError(
                "`samples_processed` must be that of a checkpoint "
                f"({', '.join(map(str, known)) or 'none yet'}){wanted}."
            )
        del self._checkpoints[found[-1] + 1 :]
        checkpoint = self._checkpoints[-1]
        self.learner.go_back(checkpoint.learner_state)
        self._set_state(checkpoint.manager_state)
        self.n_rollbacks += 1
        self._issue_version()
        return checkpoint

    def save(self, path: str | Path) -> str:
        """Save the whole state to a file, and return its sha256.

        Raises
        ------
        StateFormatError
            If a detector or learner has no serializable state; nothing is written.
        """
        return save_state(path, self._whole_state(), kind=type(self).__name__)

    def load(self, path: str | Path) -> None:
        """Restore the whole state from a file.

        Raises
        ------
        StateFormatError, IntegrityError
            If the file is corrupt, or class, version or settings differ; nothing has changed.
        """
        state, before = load_state(path, kind=type(self).__name__), self._whole_state()
        try:
            self._set_whole_state(state)
        except (StateFormatError, KeyError, TypeError, ValueError) as error:
            self._set_whole_state(before)
            if isinstance(error, StateFormatError):
                raise
            raise StateFormatError(
                f"{path} does not hold the state of this manager: {error!r}."
            ) from error

    def _whole_state(self) -> State:
        return {"learner": self.learner.get_model_state(), "manager": self._get_state()}

    def _set_whole_state(self, state: State) -> None:
        self.learner.set_model_state(state["learner"])
        self._set_state(state["manager"])

    @abstractmethod
    def _checkpoint(self, learner_state: Any) -> Checkpoint:
        """Return a checkpoint of the present state."""

    @abstractmethod
    def _get_state(self) -> State:
        """Return a copy of the state without that of the learner."""

    @abstractmethod
    def _set_state(self, state: State) -> None:
        """Restore a state, after the learner was restored."""

    @abstractmethod
    def _issue_version(self) -> None:
        """Assign a model version that was never used."""
