"""Checkpoints of a managed learner, in memory and on disk (lesson 06)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from coursekit.core.errors import StateFormatError, UnknownNameError
from coursekit.core.state import State, load_state, save_state
from coursekit.core.validation import integer
from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["Changes", "Checkpoint", "Checkpointed", "LearnerStates", "LogsChanges"]


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
    """

    samples_processed: int
    model_version: int
    mean_loss: float
    manager_state: State = field(repr=False)


class Changes(Protocol):
    """The state of a learner at a checkpoint: whole, or incremental to the checkpoint before."""

    is_whole: bool

    def update(self, later: Any) -> None:
        """Apply later changes to a whole state, in place."""

    def followed_by(self, later: list[Any]) -> State:
        """Return a whole state with later changes applied."""


@runtime_checkable
class LogsChanges(Protocol):
    """A learner that logs which parameters have changed."""

    def changes_since(self, log: Any) -> tuple[Any, Any]:
        """Return the `Changes` since a log was begun, and a new log; the whole state without a log,
        or if the log is incomplete.
        """


@dataclass(frozen=True, slots=True)
class _FullState:
    """A full copy of the state of a learner that does not log changes."""

    state: State
    is_whole: ClassVar[bool] = True

    def update(self, later: Any) -> None:
        """Do nothing: later states are whole."""

    def followed_by(self, later: list[Any]) -> State:
        """Return the state."""
        return self.state


class LearnerStates:
    """States of a learner at the last checkpoints: the oldest whole, later ones incremental if the
    learner `LogsChanges`.

    Parameters
    ----------
    learner : OnlineLearner
    max_states : int
        Number of states to keep.
    """

    def __init__(self, learner: OnlineLearner, max_states: int) -> None:
        self._learner = learner
        self._logs_changes = isinstance(learner, LogsChanges)
        self._max_states = max_states
        self._states: list[Any] = []  # Changes, from the oldest to the newest
        self._log: Any = None

    def add(self) -> None:
        """Store the present state; beyond `max_states` the oldest is dropped."""
        learner: Any = self._learner
        states = self._states
        if self._logs_changes:
            changes, self._log = learner.changes_since(self._log)
        else:
            changes = _FullState(learner.get_model_state())
        states.append(changes)
        if len(states) > self._max_states:
            oldest = states.pop(0)
            if not states[0].is_whole:
                oldest.update(states[0])
                states[0] = oldest

    def go_back(self, at: int) -> None:
        """Restore state number `at` of the learner; newer states are dropped."""
        del self._states[at + 1 :]
        whole = max(n for n, state in enumerate(self._states) if state.is_whole)
        first, *later = self._states[whole:]
        self._learner.set_model_state(first.followed_by(later))


class Checkpointed(ABC):
    """Base class with checkpoints and rollback.

    Parameters
    ----------
    learner : OnlineLearner
    interval : int, 0 or more
        Number of events between two checkpoints; 0 for none.
    max_checkpoints : int, 1 or more
        Number of checkpoints to keep.
    """

    def __init__(self, learner: OnlineLearner, interval: int, max_checkpoints: int) -> None:
        self.learner = learner
        self.checkpoint_interval = integer("checkpoint_interval", interval, at_least=0)
        self.max_checkpoints = integer("max_checkpoints", max_checkpoints)
        self.n_rollbacks = 0
        self._checkpoints: list[Checkpoint] = []
        self._states = LearnerStates(learner, max_checkpoints)

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """The checkpoints, from the oldest to the newest."""
        return tuple(self._checkpoints)

    def create_checkpoint(self) -> Checkpoint:
        """Store the whole state; beyond `max_checkpoints` the oldest checkpoint is dropped."""
        self._states.add()
        self._checkpoints.append(self._checkpoint())
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
        self._states.go_back(found[-1])
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
    def _checkpoint(self) -> Checkpoint:
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
