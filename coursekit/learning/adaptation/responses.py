r"""Responses to drift, from none to a full reset, to be compared (lesson 06).

On real streams a full reset after every alarm is often worse than no response. The manager's
default is `Boost`.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from coursekit.core.arrays import Floats
from coursekit.core.errors import InvalidParameterError
from coursekit.core.events import Chunk
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import Count, Natural, Share, integer, number
from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["Boost", "DriftResponse", "NoResponse", "PairedLearner", "Reset"]


class DriftResponse(Stateful, ABC):
    """What a manager does after an alarm.

    The manager calls `begin` once, `observe` with all events that the learner has just learnt (in
    batch mode, that have just arrived), and `answer` at an alarm.

    Parameters
    ----------
    pause : int, 0 or more
        Number of events that the detector skips after a response that changed the model: while a
        model is relearnt its errors change, and would raise repeated alarms.
    """

    def __init__(self, pause: Natural = 0) -> None:
        self.pause = pause

    @property
    def rate_factor(self) -> float:
        """Current factor of the learning rate."""
        return 1.0

    @property
    def is_active(self) -> bool:
        """Whether the response to the last alarm is in progress; in adaptive mode events are then
        learnt one by one.
        """
        return False

    @property
    def observes(self) -> bool:
        """Whether `observe` needs the events; if not it may be called with their number alone."""
        return False

    def begin(self, learner: OnlineLearner) -> None:
        """Prepare, given the learner before the first event."""

    @abstractmethod
    def answer(self, learner: OnlineLearner) -> bool:
        """Respond to an alarm; return whether the model or its learning has changed."""

    def observe(self, n: int, chunk: Chunk | None, errors: Floats | None) -> None:
        """Observe `n` events; if `observes`, with their errors before the update."""


class NoResponse(DriftResponse):
    """Report the alarm and change nothing: the baseline for every other response."""

    def answer(self, learner: OnlineLearner) -> bool:
        """Do nothing."""
        return False


class Reset(DriftResponse):
    """Reset the learner to its initial state; everything learnt is lost."""

    def __init__(self, pause: int = 500) -> None:
        super().__init__(pause)
        self._first: State = {}

    def begin(self, learner: OnlineLearner) -> None:
        """Store the initial state."""
        self._first = learner.get_model_state()

    def answer(self, learner: OnlineLearner) -> bool:
        """Restore the initial state."""
        learner.set_model_state(self._first)
        return True

    def _get_memory(self) -> State:
        return {"first": self._first}

    def _set_memory(self, memory: State) -> None:
        self._first = memory["first"]


class Boost(DriftResponse):
    r"""Discount past evidence and raise the learning rate for `n_samples` events.

    The rate is multiplied by $1 + (f - 1)\,2^{-10\,t/n}$, $t$ events after the alarm: $f$ =
    `factor` at first, back to 1 after $n$ = `n_samples` events. A new alarm restarts it.

    Parameters
    ----------
    factor : float, 1 or more
        Factor of the learning rate right after the alarm.
    n_samples : int, 1 or more
        Number of events with a raised rate.
    keep_evidence : float, in (0, 1]
        Share of the past evidence that still counts (`OnlineLearner.discount_evidence`), for
        learners whose steps shrink with the evidence (Gaussian beliefs, AdaGrad, running means).
        1 changes nothing.

    Examples
    --------
    >>> from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
    >>> boost = Boost(factor=4.0, n_samples=100)
    >>> boost.answer(OnlineMatrixFactorization(n_factors=2))
    True
    >>> factors = []
    >>> for _ in range(5):
    ...     factors.append(round(boost.rate_factor, 2))
    ...     boost.observe(25, None, None)
    >>> factors
    [4.0, 1.53, 1.09, 1.02, 1.0]
    """

    def __init__(
        self,
        factor: Annotated[float, partial(number, at_least=1)] = 2.0,
        n_samples: Count = 500,
        keep_evidence: Share = 0.01,
        pause: int = 0,
    ) -> None:
        super().__init__(pause)
        self.factor, self.n_samples, self.keep_evidence = factor, n_samples, keep_evidence
        self._n_left = 0

    _memory_names = ("_n_left",)

    @property
    def rate_factor(self) -> float:
        """Current factor of the learning rate."""
        if self._n_left == 0:
            return 1.0
        passed = 1.0 - self._n_left / self.n_samples
        return 1.0 + (self.factor - 1.0) * math.exp2(-10.0 * passed)

    @property
    def is_active(self) -> bool:
        """Whether fewer than `n_samples` events have passed since the alarm."""
        return self._n_left > 0

    def answer(self, learner: OnlineLearner) -> bool:
        """Discount the evidence and start the boost."""
        learner.discount_evidence(self.keep_evidence)
        self._n_left = self.n_samples
        return True

    def observe(self, n: int, chunk: Chunk | None, errors: Floats | None) -> None:
        """Count `n` events of the raised rate."""
        self._n_left = max(self._n_left - n, 0)


@dataclass(slots=True)
class _Rival:
    """A second model; `gap` is the smoothed squared error of the learner minus that of this
    model.
    """

    learner: OnlineLearner
    age: int = 0
    gap: float = 0.0


class PairedLearner(DriftResponse):
    r"""Train a second model on recent events, which replaces the learner at an alarm if its recent
    error is lower.

    The second model learns every event from the initial state and is replaced at the age of
    `max_age`. Its replacement starts half of `max_age` earlier: at an alarm the age of the second
    model is between half of `max_age` and `max_age`. The recent error is an exponentially weighted
    mean of squared errors over about a quarter of `max_age`. This is paired learning, with a
    detector to decide when the two are compared; it triples the cost of learning.

    Parameters
    ----------
    max_age : int, 10 or more
        Maximum age of the second model, in events. Shorter adapts to faster drift, longer has a
        lower error when it takes over.
    pause : int, 0 or more

    References
    ----------
    S. H. Bach and M. A. Maloof (2008), Paired learners for concept drift, ICDM,
    doi:10.1109/ICDM.2008.119.
    """

    def __init__(
        self, max_age: Annotated[int, partial(integer, at_least=10)] = 1000, pause: int = 0
    ) -> None:
        super().__init__(pause)
        self.max_age = max_age
        self._rivals: list[_Rival] = []  # the second model, then its replacement, once begun

    @property
    def observes(self) -> bool:
        """Return True: the second model learns from every event."""
        return True

    def begin(self, learner: OnlineLearner) -> None:
        """Copy the learner before the first event as the second model."""
        self._first = learner.get_model_state()
        self._blank = copy.deepcopy(learner)
        self._rivals = [self._new_rival()]

    def _new_rival(self, age: int = 0, gap: float = 0.0, state: State | None = None) -> _Rival:
        rival = _Rival(copy.deepcopy(self._blank), age, gap)
        rival.learner.set_model_state(self._first if state is None else state)
        return rival

    def observe(self, n: int, chunk: Chunk | None, errors: Floats | None) -> None:
        """Update the second model and its replacement, and compare their errors with the
        learner's.
        """
        if chunk is None or errors is None:
            raise InvalidParameterError("`chunk` and `errors` must be given to a paired learner.")
        start, half = 0, self.max_age // 2
        while start < n:
            n_left = (half if len(self._rivals) == 1 else self.max_age) - self._rivals[0].age
            stop = min(n, start + max(n_left, 1))
            self._learn(chunk.slice(start, stop), errors[start:stop])
            start = stop
            if len(self._rivals) == 1 and self._rivals[0].age >= half:
                self._rivals.append(self._new_rival())
            elif self._rivals[0].age >= self.max_age:
                del self._rivals[0]

    def _learn(self, chunk: Chunk, errors: Floats) -> None:
        for rival in self._rivals:
            gaps = errors**2 - rival.learner.partial_fit_many(chunk)
            for gap in gaps.tolist():
                rival.gap += (gap - rival.gap) / (0.25 * self.max_age)
            rival.age += len(chunk)

    def answer(self, learner: OnlineLearner) -> bool:
        """Replace the learner by the second model if its recent error is lower; start a new one."""
        second = self._rivals[0]
        if second.gap <= 0:
            return False
        learner.set_model_state(second.learner.get_model_state())
        self._rivals = [self._new_rival()]
        return True

    def _get_memory(self) -> State:
        rivals = [
            {"age": each.age, "gap": each.gap, "state": each.learner.get_model_state()}
            for each in self._rivals
        ]
        return {"first": self._first, "rivals": rivals}

    def _set_memory(self, memory: State) -> None:
        self._first = memory["first"]
        self._rivals = [self._new_rival(**rival) for rival in memory["rivals"]]
