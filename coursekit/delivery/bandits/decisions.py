"""Decisions that wait for their rewards: rewards refer to an id, in any order and in batches."""

from __future__ import annotations

from collections.abc import Mapping

import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError, UnknownNameError
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import Count
from coursekit.delivery.bandits.policy import Decision, Policy

__all__ = ["PendingDecisions"]

_FIELDS = ("arm", "propensity", "context")


class PendingDecisions(Stateful):
    """Make decisions under an id, and pass each reward to the policy with what was decided then.

    Parameters
    ----------
    policy : Policy
    capacity : int, 1 or more
        Decisions that may wait; beyond it the oldest is dropped, and a reward for it is refused.

    Attributes
    ----------
    n_dropped : int
        Decisions that were dropped without a reward.

    Examples
    --------
    >>> from coursekit.delivery.bandits.policies.exp3 import EXP3
    >>> desk = PendingDecisions(EXP3(2))
    >>> first, decision = desk.decide()
    >>> second, _ = desk.decide()
    >>> decision.propensity
    0.5
    >>> desk.reward(second, 1.0)
    >>> len(desk)
    1
    >>> desk.reward(second, 1.0)
    Traceback (most recent call last):
    coursekit.core.errors.UnknownNameError: Decision 1 does not wait for a reward: ...
    """

    _memory_names = ("policy", "n_dropped", "_next_id", "_pending")

    def __init__(self, policy: Policy, capacity: Count = 100_000) -> None:
        self.policy = policy
        self.capacity = capacity
        self.n_dropped = 0
        self._next_id = 0
        self._waiting: dict[int, Decision] = {}

    def __len__(self) -> int:
        """Return the number of decisions that wait for a reward."""
        return len(self._waiting)

    def decide(self, context: npt.ArrayLike | None = None) -> tuple[int, Decision]:
        """Return the id of a new decision, and the decision with its propensity."""
        decision = self.policy.decide(context)
        id_ = self._next_id
        self._next_id += 1
        self._waiting[id_] = decision
        if len(self._waiting) > self.capacity:
            del self._waiting[next(iter(self._waiting))]
            self.n_dropped += 1
        return id_, decision

    def reward(self, id_: int, reward: float) -> None:
        """Learn the reward of a decision.

        Raises
        ------
        UnknownNameError
            If no such decision waits: it had its reward, was dropped, or never made.
        InvalidSampleError
            If the reward is outside the range of the policy; the decision keeps waiting.
        """
        self._learn(self._decision(id_), reward)
        del self._waiting[id_]

    def reward_many(self, rewards: Mapping[int, float]) -> None:
        """Learn the rewards of several decisions (id -> reward), in order; all of them or none."""
        decisions = [self._decision(id_) for id_ in rewards]
        before = self.policy.get_state()
        try:
            for decision, reward in zip(decisions, rewards.values(), strict=True):
                self._learn(decision, reward)
        except InvalidSampleError:
            self.policy.set_state(before)
            raise
        for id_ in rewards:
            del self._waiting[id_]

    def _learn(self, decision: Decision, reward: float) -> None:
        self.policy.update(
            decision.arm, reward, context=decision.context, propensity=decision.propensity
        )

    def _decision(self, id_: int) -> Decision:
        if id_ not in self._waiting:
            raise UnknownNameError(
                f"Decision {id_!r} does not wait for a reward: it had one, was dropped (more than "
                f"{self.capacity} waited), or was never made."
            )
        return self._waiting[id_]

    @property
    def _pending(self) -> State:
        """The waiting decisions by columns, oldest first."""
        waiting = self._waiting.values()
        columns = {name: [getattr(each, name) for each in waiting] for name in _FIELDS}
        return {"ids": list(self._waiting), **columns}

    @_pending.setter
    def _pending(self, columns: State) -> None:
        rows = zip(*(columns[name] for name in _FIELDS), strict=True)
        decisions = (Decision(**dict(zip(_FIELDS, row, strict=True))) for row in rows)
        self._waiting = dict(zip(columns["ids"], decisions, strict=True))
