r"""Responses to drift, from none to a full reset, to be compared (lesson 06).

On real streams a full reset after every alarm is often worse than no response. The manager's
default is `Boost`.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError
from coursekit.core.events import Chunk
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import integer, number
from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["Boost", "DriftResponse", "NoResponse", "PairedLearner", "Reset"]

_FloatArray = npt.NDArray[np.float64]


class DriftResponse(Stateful, ABC):
    """How a manager answers an alarm.

    The manager calls `begin` once, `observe` with all events that the learner has just learnt (in
    batch mode, that have just arrived), and `answer` at an alarm.

    Parameters
    ----------
    pause : int, 0 or more
        For how many events after an answer that changed the model the detector sees nothing. While
        a model is being learnt anew its errors change, and would raise one alarm after the other.
    """

    def __init__(self, pause: int = 0) -> None:
        self.pause = integer("pause", pause, at_least=0)

    def config(self) -> State:
        """Return the settings."""
        return {"pause": self.pause}

    @property
    def rate_factor(self) -> float:
        """By how much the learning rate is raised at present."""
        return 1.0

    @property
    def is_active(self) -> bool:
        """Whether the answer to the last alarm is still going on; in adaptive mode events are then
        learnt one by one.
        """
        return False

    @property
    def observes(self) -> bool:
        """Whether `observe` needs the events; if not it may be called with their number alone."""
        return False

    def begin(self, learner: OnlineLearner) -> None:
        """Prepare, with the learner as it is before the first event."""

    @abstractmethod
    def answer(self, learner: OnlineLearner) -> bool:
        """Answer an alarm; return whether the model, or how it learns, has changed."""

    def observe(self, n: int, chunk: Chunk | None, errors: _FloatArray | None) -> None:
        """Take notice of `n` events; with their errors before the update if `observes`."""


class NoResponse(DriftResponse):
    """Report the alarm and change nothing: the baseline for every other response."""

    def answer(self, learner: OnlineLearner) -> bool:
        """Do nothing."""
        return False


class Reset(DriftResponse):
    """Start again from the learner as it was at the beginning; what is still true is forgotten
    together with what is not.
    """

    def __init__(self, pause: int = 500) -> None:
        super().__init__(pause)
        self._first: State = {}

    def begin(self, learner: OnlineLearner) -> None:
        """Keep the first state."""
        self._first = learner.get_model_state()

    def answer(self, learner: OnlineLearner) -> bool:
        """Put the learner back to its first state."""
        learner.set_model_state(self._first)
        return True

    def _get_memory(self) -> State:
        return {"first": self._first}

    def _set_memory(self, memory: State) -> None:
        self._first = memory["first"]


class Boost(DriftResponse):
    r"""Keep what was learnt, trust it less, and learn faster for a stated number of events.

    The rate is multiplied by $1 + (f - 1)\,2^{-10\,t/n}$, $t$ events after the alarm: `factor` $f$
    at first, back to 1 (within 0.1 % of the raise, and then exactly) after `n_samples` $= n$. A new
    alarm starts it again.

    Parameters
    ----------
    factor : float, 1 or more
        By how much the rate is raised.
    n_samples : int, 1 or more
        How many events the raised rate takes to fall back.
    keep_evidence : float, in (0, 1]
        What share of the evidence so far still counts (`OnlineLearner.discount_evidence`): what
        makes learners adapt whose certainty sets their pace (Gaussian beliefs, AdaGrad, running
        means). 1 leaves it.

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
        self, factor: float = 2.0, n_samples: int = 500, keep_evidence: float = 0.01, pause: int = 0
    ) -> None:
        super().__init__(pause)
        self.factor = number("factor", factor, at_least=1)
        self.n_samples = integer("n_samples", n_samples)
        self.keep_evidence = number("keep_evidence", keep_evidence, above=0, at_most=1)
        self._n_left = 0

    _memory_names = ("_n_left",)

    def config(self) -> State:
        """Return the settings."""
        names = ("factor", "n_samples", "keep_evidence")
        return {**super().config(), **{name: getattr(self, name) for name in names}}

    @property
    def rate_factor(self) -> float:
        """By how much the learning rate is raised at present."""
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

    def observe(self, n: int, chunk: Chunk | None, errors: _FloatArray | None) -> None:
        """Let `n` events pass."""
        self._n_left = max(self._n_left - n, 0)


@dataclass(slots=True)
class _Rival:
    """A young model and how it does: `gap` is the smoothed squared error of the learner minus its
    own.
    """

    learner: OnlineLearner
    age: int = 0
    gap: float = 0.0


class PairedLearner(DriftResponse):
    r"""Keep a young second model beside the learner, and let it take over at an alarm if it has
    lately done better.

    The second model learns every event from a fresh start and is replaced at the age of `max_age`,
    so it has learnt little from before a change. Its replacement starts half of `max_age` earlier:
    at an alarm the second model is between half of `max_age` and all of it old. "Lately" is an
    exponentially weighted mean of squared errors over about a quarter of `max_age`. This is paired
    learning with a detector to decide when the two are compared; it costs three times the
    learning.

    Parameters
    ----------
    max_age : int, 10 or more
        How old, in events, the second model may grow. Shorter follows faster drift, longer knows
        more when it takes over.
    pause : int, 0 or more

    References
    ----------
    S. H. Bach and M. A. Maloof (2008), Paired learners for concept drift, ICDM,
    doi:10.1109/ICDM.2008.119.
    """

    def __init__(self, max_age: int = 1000, pause: int = 0) -> None:
        super().__init__(pause)
        self.max_age = integer("max_age", max_age, at_least=10)
        self._rivals: list[_Rival] = []  # the second model, then its replacement, once begun

    def config(self) -> State:
        """Return the settings."""
        return {**super().config(), "max_age": self.max_age}

    @property
    def observes(self) -> bool:
        """The second model learns from every event."""
        return True

    def begin(self, learner: OnlineLearner) -> None:
        """Make the second model: the learner as it is before the first event."""
        self._first = learner.get_model_state()
        self._blank = copy.deepcopy(learner)
        self._rivals = [self._new_rival()]

    def _new_rival(self, age: int = 0, gap: float = 0.0, state: State | None = None) -> _Rival:
        rival = _Rival(copy.deepcopy(self._blank), age, gap)
        rival.learner.set_model_state(self._first if state is None else state)
        return rival

    def observe(self, n: int, chunk: Chunk | None, errors: _FloatArray | None) -> None:
        """Let the second model and its replacement learn, and compare."""
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

    def _learn(self, chunk: Chunk, errors: _FloatArray) -> None:
        for rival in self._rivals:
            gaps = errors**2 - rival.learner.partial_fit_many(chunk)
            for gap in gaps.tolist():
                rival.gap += (gap - rival.gap) / (0.25 * self.max_age)
            rival.age += len(chunk)

    def answer(self, learner: OnlineLearner) -> bool:
        """Let the second model take over if it has lately done better; a fresh one starts beside
        it.
        """
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
