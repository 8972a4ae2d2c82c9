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
    """A moment that a manager can go back to.

    Parameters
    ----------
    samples_processed : int
        Events that the manager had seen.
    model_version : int
        The learner's version then.
    mean_loss : float
        Mean squared error on arrival up to then; NaN before the first event.
    manager_state : State
        Everything but the learner that the future depends on; nothing in it is ever changed.
    """

    samples_processed: int
    model_version: int
    mean_loss: float
    manager_state: State = field(repr=False)


class Changes(Protocol):
    """A learner's state at one moment: whole, or what has changed since the moment before."""

    is_whole: bool

    def update(self, later: Any) -> None:
        """Bring a whole state up to date with the changes that came next."""

    def followed_by(self, later: list[Any]) -> State:
        """Return the learner's state after a whole state and the changes that came next."""


@runtime_checkable
class LogsChanges(Protocol):
    """A learner that knows what has changed in it."""

    def changes_since(self, log: Any) -> tuple[Any, Any]:
        """Return the `Changes` since a log was begun, and a new log. Without a log, or when the
        log does not tell everything, the changes are whole.
        """


@dataclass(frozen=True, slots=True)
class _FullState:
    """A full copy of a learner's state: the changes of a learner that does not log them."""

    state: State
    is_whole: ClassVar[bool] = True

    def update(self, later: Any) -> None:
        """Never needed: what comes next is whole, too."""

    def followed_by(self, later: list[Any]) -> State:
        """Return the state."""
        return self.state


class LearnerStates:
    """A learner's states at the last few checkpoints: the oldest whole, each later one as what has
    changed since the one before, as far as the learner `LogsChanges`.

    Parameters
    ----------
    learner : OnlineLearner
    max_states : int
        How many are kept.
    """

    def __init__(self, learner: OnlineLearner, max_states: int) -> None:
        self._learner = learner
        self._logs_changes = isinstance(learner, LogsChanges)
        self._max_states = max_states
        self._states: list[Any] = []  # Changes, from the oldest to the newest
        self._log: Any = None

    def add(self) -> None:
        """Keep the present state; beyond `max_states` the oldest goes."""
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
        """Put the learner back to state number `at`; newer states are dropped."""
        del self._states[at + 1 :]
        whole = max(n for n, state in enumerate(self._states) if state.is_whole)
        first, *later = self._states[whole:]
        self._learner.set_model_state(first.followed_by(later))


class Checkpointed(ABC):
    """Something that can be put back to an earlier moment.

    Parameters
    ----------
    learner : OnlineLearner
    interval : int, 0 or more
        Events from one checkpoint to the next; 0 makes none on its own.
    max_checkpoints : int, 1 or more
        How many are kept.
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
        """The checkpoints that one can go back to, from the oldest to the newest."""
        return tuple(self._checkpoints)

    def create_checkpoint(self) -> Checkpoint:
        """Keep everything that the future depends on; beyond `max_checkpoints` the oldest goes."""
        self._states.add()
        self._checkpoints.append(self._checkpoint())
        del self._checkpoints[: -self.max_checkpoints]
        return self._checkpoints[-1]

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
        """Write everything that the future depends on to a file, and return its sha256.

        Raises
        ------
        StateFormatError
            If a part cannot be written: a detector or learner without a plain state. Nothing is
            written.
        """
        return save_state(path, self._whole_state(), kind=type(self).__name__)

    def load(self, path: str | Path) -> None:
        """Continue from a file, as if nothing had happened in between.

        Raises
        ------
        StateFormatError, IntegrityError
            If the file holds no such state, one of another class, version or setting, or is
            damaged; nothing has changed.
        """
        state, before = load_state(path, kind=type(self).__name__), self._whole_state()
        try:
            self._set_whole_state(state)
        except (StateFormatError, KeyError, TypeError, ValueError) as error:
            self._set_whole_state(before)
            if isinstance(error, StateFormatError):
                raise
            raise StateFormatError(
                f"{path} does not hold what this manager needs: {error!r}."
            ) from error

    def _whole_state(self) -> State:
        return {"learner": self.learner.get_model_state(), "manager": self._get_state()}

    def _set_whole_state(self, state: State) -> None:
        self.learner.set_model_state(state["learner"])
        self._set_state(state["manager"])

    @abstractmethod
    def _checkpoint(self) -> Checkpoint:
        """Return a checkpoint of the present moment."""

    @abstractmethod
    def _get_state(self) -> State:
        """Return a copy of everything but the learner that the future depends on."""

    @abstractmethod
    def _set_state(self, state: State) -> None:
        """Go back to a state; the learner is there already."""

    @abstractmethod
    def _issue_version(self) -> None:
        """Give the model a version that no model has had."""
