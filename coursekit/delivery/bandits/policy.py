"""The base classes of bandit policies (lesson 10).

At every step a policy *pulls* one of K arms and receives the reward of that arm only. The
propensity of a decision is the probability with which the policy chose that arm; whoever logs it
can later estimate the value of other policies from the same log (see `off_policy`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError, StateFormatError
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import Natural, Share, integer, number, require

__all__ = ["ArmPolicy", "At", "Chance", "Decision", "Floats", "NumberOfArms", "Policy"]

Floats = npt.NDArray[np.float64]
NumberOfArms = Annotated[int, partial(integer, at_least=2)]
Chance = Annotated[float, partial(number, at_least=0, at_most=1)]
At = int | tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
"""An arm of one bandit, or (bandits, arms) of several that are simulated side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An arm that was pulled, and what is needed to learn from its reward later.

    Parameters
    ----------
    arm : int
    propensity : float, in (0, 1]
        Probability of this arm at the time of the decision.
    context : array, shape (n_features,), optional
    """

    arm: int
    propensity: float
    context: Floats | None = None


class Policy(Stateful, ABC):
    """Choose one of K arms at every step, and learn from the rewards of the chosen arms.

    Parameters
    ----------
    n_arms : int, 2 or more
        K; arms are the integers from 0 to K - 1.
    seed : int, 0 or more
        Of the policy's random numbers; their state is part of `get_state`.

    Notes
    -----
    `update` takes the arm (and where needed context and propensity), not "the latest pull", so
    rewards may arrive late, in any order and in batches. Policies without a context ignore it.
    """

    _memory_names: ClassVar[tuple[str, ...]] = ("_rng_state",)
    _reward_range: ClassVar[tuple[float, float]] = (-1e100, 1e100)

    def __init__(self, n_arms: NumberOfArms, seed: Natural) -> None:
        self.n_arms = n_arms
        self._rng = np.random.default_rng(seed)

    @abstractmethod
    def pull(self, context: npt.ArrayLike | None = None) -> int:
        """Choose an arm. Learns nothing; only the random numbers move on."""

    @abstractmethod
    def propensities(self, context: npt.ArrayLike | None = None) -> Floats:
        """Return the probabilities of the arms at the next `pull`, shape (n_arms,); changes
        nothing.
        """

    @abstractmethod
    def _learn(self, at: At, reward: Any, context: Any, propensity: Any) -> None:
        """Learn from a validated reward."""

    def decide(self, context: npt.ArrayLike | None = None) -> Decision:
        """Pull an arm and return it with its propensity, ready to be logged."""
        propensities = self.propensities(context)
        arm = self.pull(context)
        kept = None if context is None else np.array(context, dtype=np.float64)
        return Decision(arm=arm, propensity=float(propensities[arm]), context=kept)

    def update(
        self,
        arm: int,
        reward: float,
        *,
        context: npt.ArrayLike | None = None,
        propensity: float | None = None,
    ) -> None:
        """Learn from the reward of an arm.

        Parameters
        ----------
        arm : int
        reward : float
            In the range of the policy.
        context : array, optional
            That of the decision, for policies with a context.
        propensity : float, in (0, 1], optional
            That of the decision. Only EXP3 uses it; default: the present one, which is right if
            nothing was learnt since the decision.

        Raises
        ------
        InvalidSampleError
            If a value is outside its range; nothing has changed.
        """
        if arm.__class__ is not int or not 0 <= arm < self.n_arms:
            arm = self._arm(arm)
        if reward.__class__ is not float:
            reward = self._number("reward", reward, *self._reward_range)
        elif not self._reward_range[0] <= reward <= self._reward_range[1]:
            self._number("reward", reward, *self._reward_range)
        if propensity is not None:
            propensity = self._number("propensity", propensity, 0.0, 1.0)
            require(propensity > 0, "propensity", "greater than 0", propensity, InvalidSampleError)
        self._learn(arm, reward, self._context(context), propensity)

    def update_many(
        self,
        arms: Sequence[int] | npt.NDArray[np.integer[Any]],
        rewards: npt.ArrayLike,
        *,
        contexts: npt.ArrayLike | None = None,
        propensities: npt.ArrayLike | None = None,
    ) -> None:
        """Learn from n rewards in order; equal to `update` with each.

        Parameters
        ----------
        arms, rewards : sequences, shape (n,)
        contexts : array, shape (n, n_features), optional
        propensities : array, shape (n,), optional

        Raises
        ------
        InvalidSampleError
            If lengths differ or a value is outside its range; nothing has changed.
        """
        columns = {"rewards": rewards, "contexts": contexts, "propensities": propensities}
        rows: dict[str, list[Any]] = {"arms": list(arms)}
        for name, column in columns.items():
            rows[name] = [None] * len(rows["arms"]) if column is None else list(np.asarray(column))
            if len(rows[name]) != len(rows["arms"]):
                raise InvalidSampleError(
                    f"`{name}` must have {len(rows['arms'])} rows like `arms`, got "
                    f"{len(rows[name])}."
                )
        before = self.get_state()
        try:
            for arm, reward, context, propensity in zip(*rows.values(), strict=True):
                self.update(arm, reward, context=context, propensity=propensity)
        except InvalidSampleError:
            self.set_state(before)
            raise

    def _context(self, context: npt.ArrayLike | None) -> Floats | None:
        """Return a validated context; policies without one ignore it."""
        return None

    def _arm(self, arm: Any) -> int:
        is_arm = isinstance(arm, Integral) and not isinstance(arm, bool)
        expected = f"an arm from 0 to {self.n_arms - 1}"
        require(is_arm and 0 <= int(arm) < self.n_arms, "arm", expected, arm, InvalidSampleError)
        return int(arm)

    @staticmethod
    def _number(name: str, value: Any, lowest: float, highest: float) -> float:
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, int):  # True is 1; float() of a huge one would overflow
            value = float(value) if abs(value) <= highest else math.inf
        return number(name, value, at_least=lowest, at_most=highest, error=InvalidSampleError)

    @property
    def _rng_state(self) -> dict[str, Any]:
        return dict(self._rng.bit_generator.state)

    @_rng_state.setter
    def _rng_state(self, state: dict[str, Any]) -> None:
        self._rng.bit_generator.state = state

    def __repr__(self) -> str:
        """Return the expression that creates the policy."""
        settings = ", ".join(f"{name}={value!r}" for name, value in self.config().items())
        return f"{type(self).__name__}({settings})"


class ArmPolicy(Policy):
    r"""A policy without context that keeps a few numbers for each arm.

    Model: the discounted sum $S_a = \sum_s \gamma^{t-s} r_s$ and number $N_a = \sum_s \gamma^{t-s}$
    of the rewards of arm $a$, over all rewards $s$ that arrived so far. With $\gamma = 1$ these are
    the sum and the number.

    Parameters
    ----------
    n_arms, seed
        As in `Policy`.
    discount : float, in (0, 1]
        $\gamma$: evidence counts $1/e$ after about $1/(1-\gamma)$ further rewards of any arm. Below
        1 the policy follows arms whose means drift.

    Notes
    -----
    Of arms whose bounds tie, the one with the lowest index is chosen.

    The memory has shape (n_rows, n_arms); `widened` inserts an axis of independent bandits, and
    the same rules then work on all of them.
    """

    _memory_names = (*Policy._memory_names, "_memory")
    _n_rows: ClassVar[int] = 2

    def __init__(self, n_arms: NumberOfArms, seed: Natural, discount: Share = 1.0) -> None:
        super().__init__(n_arms, seed)
        self.discount = discount
        self._memory: Floats = np.zeros((self._n_rows, self.n_arms))

    @abstractmethod
    def _select(self) -> Any:
        """Return the chosen arm, an integer, or one for each bandit, shape (n_bandits,)."""

    def pull(self, context: npt.ArrayLike | None = None) -> int:
        """Choose an arm; the context is ignored."""
        return int(self._select())

    def widened(self, n_bandits: int) -> Self:
        """Return a copy that plays independent bandits side by side, each with this memory."""
        twin = self.clone()
        twin._rng_state = self._rng_state
        twin._memory = np.repeat(self._memory[:, None, :], n_bandits, axis=1)
        return twin

    def _learn(self, at: At, reward: Any, context: Any, propensity: Any) -> None:
        if self.discount < 1.0:
            self._memory *= self.discount
        sums, counts = self._memory
        sums[at] += reward
        counts[at] += 1.0

    def _shares(self, at: At) -> Any:
        """Return the propensities of chosen arms if learning needs them."""
        return None

    @property
    def _runs(self) -> tuple[int, ...]:
        """Shape of the bandits: () for one."""
        return self._memory.shape[1:-1]

    def _certain(self, arm: int) -> Floats:
        """Return the propensities of a policy that leaves nothing to chance."""
        propensities = np.zeros(self.n_arms)
        propensities[arm] = 1.0
        return propensities

    def _check_memory(self, memory: State) -> None:
        super()._check_memory(memory)
        found, expected = np.shape(memory["_memory"]), self._memory.shape
        if found != expected:
            raise StateFormatError(f"The state's memory has shape {found}, expected {expected}.")
