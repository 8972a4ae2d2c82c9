r"""What to do when drift has been found: answers of different strength, to compare (lesson 06).

Detecting is not responding: on real streams a full reset after every alarm is often worse than
doing nothing. Each answer here is a small object that the manager asks; `Boost` is its default.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError, StateFormatError
from coursekit.core.events import Chunk
from coursekit.core.state import State
from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["Boost", "DriftResponse", "Nothing", "Reset", "SecondModel"]

_FloatArray = npt.NDArray[np.float64]


class DriftResponse(ABC):
    """How a manager answers an alarm.

    The manager calls `begin` once, `observe` with everything that the learner has just learnt,
    `answer` at an alarm.
    """

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
        """Whether `observe` needs the events; if not it is called with their number alone."""
        return False

    def begin(self, learner: OnlineLearner) -> None:  # noqa: B027 - most answers need no preparation
        """Prepare, with the learner as it is before the first event."""

    @abstractmethod
    def answer(self, learner: OnlineLearner) -> bool:
        """Answer an alarm; return whether the model is another one now, or learns in another
        way.
        """

    def observe(self, n: int, chunk: Chunk | None, errors: _FloatArray | None) -> None:  # noqa: B027 - as above
        """Take notice of `n` events just learnt; with their errors before the update if
        `observes`.
        """

    def get_state(self) -> State:
        """Return everything that the answer depends on."""
        return {"settings": self._settings()}

    def set_state(self, state: State) -> None:
        """Continue from a state; one of another answer is refused and nothing changes."""
        if state.get("settings") != self._settings():
            raise StateFormatError(
                f"The state belongs to {state.get('settings')}, expected {self._settings()}."
            )

    def _settings(self) -> State:
        return {"class": type(self).__name__}


class Nothing(DriftResponse):
    """Report the alarm and leave the model alone: the comparison that every other answer has to
    win.
    """

    def answer(self, learner: OnlineLearner) -> bool:
        """Do nothing."""
        return False


class Reset(DriftResponse):
    """Start again from the learner as it was at the beginning; forgets what is still true together
    with what is not.
    """

    def begin(self, learner: OnlineLearner) -> None:
        """Keep the first state."""
        self._first = learner.get_model_state()

    def answer(self, learner: OnlineLearner) -> bool:
        """Put the learner back to its first state."""
        learner.set_model_state(self._first)
        return True


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
        self, factor: float = 2.0, n_samples: int = 500, keep_evidence: float = 0.01
    ) -> None:
        if not (math.isfinite(factor) and factor >= 1):
            raise InvalidParameterError(
                f"`factor` must be a finite number, 1 or more, got {factor!r}."
            )
        if isinstance(n_samples, bool) or not isinstance(n_samples, int) or n_samples < 1:
            raise InvalidParameterError(
                f"`n_samples` must be an integer, 1 or more, got {n_samples!r}."
            )
        if not 0 < keep_evidence <= 1:
            raise InvalidParameterError(
                f"`keep_evidence` must be in (0, 1], got {keep_evidence!r}."
            )
        self.factor = float(factor)
        self.n_samples = n_samples
        self.keep_evidence = float(keep_evidence)
        self._n_left = 0

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

    def get_state(self) -> State:
        """Return everything that the boost depends on."""
        return {**super().get_state(), "n_left": self._n_left}

    def set_state(self, state: State) -> None:
        """Continue from a state; one of another answer is refused and nothing changes."""
        super().set_state(state)
        self._n_left = int(state["n_left"])

    def _settings(self) -> State:
        settings = {
            "factor": self.factor,
            "n_samples": self.n_samples,
            "keep_evidence": self.keep_evidence,
        }
        return {**super()._settings(), **settings}


@dataclass(slots=True)
class _Rival:
    """A young model and how it does: `gap` is the smoothed squared error of the learner minus its
    own.
    """

    learner: OnlineLearner
    age: int = 0
    gap: float = 0.0


class SecondModel(DriftResponse):
    r"""Keep a young second model warm beside the learner, and let it take over at an alarm if it
    has lately done better.

    The second model learns every event from a fresh start and is replaced at the age of `max_age`,
    so that it never knows much of an old world. Its replacement starts half a life before, so that
    it always knows something: at an alarm the second model is between half of `max_age` and all of
    it old. "Lately" is an exponentially weighted mean of squared errors over about a quarter of
    `max_age`. This is paired learning with an alarm as the referee; it costs three times the
    learning.

    Parameters
    ----------
    max_age : int, 10 or more
        How old, in events, the second model may grow. Shorter follows faster drift, longer knows
        more when it takes over.

    References
    ----------
    S. H. Bach and M. A. Maloof (2008), Paired learners for concept drift, ICDM,
    doi:10.1109/ICDM.2008.119.
    """

    def __init__(self, max_age: int = 1000) -> None:
        if isinstance(max_age, bool) or not isinstance(max_age, int) or max_age < 10:
            raise InvalidParameterError(
                f"`max_age` must be an integer, 10 or more, got {max_age!r}."
            )
        self.max_age = max_age
        self._rivals: list[
            _Rival
        ] = []  # the second model, then its replacement once that has begun

    @property
    def observes(self) -> bool:
        """The second model learns from every event."""
        return True

    def begin(self, learner: OnlineLearner) -> None:
        """Make the second model: the learner as it is before the first event."""
        self._blank = copy.deepcopy(learner)
        self._rivals = [_Rival(copy.deepcopy(learner))]

    def observe(self, n: int, chunk: Chunk | None, errors: _FloatArray | None) -> None:
        """Let the second model and its replacement learn, and compare."""
        if chunk is None or errors is None:
            raise InvalidParameterError("`chunk` and `errors` must be given to a second model.")
        for rival in self._rivals:
            gaps = errors**2 - rival.learner.partial_fit_many(chunk)
            for gap in gaps.tolist():
                rival.gap += (gap - rival.gap) / (0.25 * self.max_age)
            rival.age += n
        if self._rivals[0].age >= self.max_age // 2 and len(self._rivals) == 1:
            self._rivals.append(_Rival(copy.deepcopy(self._blank)))
        if self._rivals[0].age >= self.max_age:
            del self._rivals[0]

    def answer(self, learner: OnlineLearner) -> bool:
        """Let the second model take over if it has lately done better; a fresh one starts beside
        it.
        """
        second = self._rivals[0]
        if second.gap <= 0:
            return False
        learner.set_model_state(second.learner.get_model_state())
        self._rivals = [_Rival(copy.deepcopy(self._blank))]
        return True

    def get_state(self) -> State:
        """Return everything that the answer depends on, the young models included."""
        rivals = [
            {"age": rival.age, "gap": rival.gap, "learner": rival.learner.get_model_state()}
            for rival in self._rivals
        ]
        return {**super().get_state(), "rivals": rivals}

    def set_state(self, state: State) -> None:
        """Continue from a state; one of another answer is refused and nothing changes."""
        super().set_state(state)
        rivals = []
        for saved in state["rivals"]:
            rival = _Rival(
                copy.deepcopy(self._blank), age=int(saved["age"]), gap=float(saved["gap"])
            )
            rival.learner.set_model_state(saved["learner"])
            rivals.append(rival)
        self._rivals = rivals

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "max_age": self.max_age}
