"""Learning rates of online updates: warm restarts, and a boost after drift that decays."""

from __future__ import annotations

import math
from dataclasses import dataclass

from coursekit.core.validation import integer, number

__all__ = ["DriftBoost", "WarmRestarts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmRestarts:
    r"""Let the rate fall by a cosine over `period` steps, then start again at the highest.

    $\eta_t = \eta_{min} + \frac12 (\eta_{max} - \eta_{min}) (1 + \cos(\pi\, (t \bmod T) / T))$.

    Parameters
    ----------
    highest, lowest : float
        $\eta_{max}$ and $\eta_{min}$.
    period : int
        $T$, in steps.

    Examples
    --------
    >>> rates = WarmRestarts(highest=0.01, lowest=0.0, period=4)
    >>> [round(rates.at(step), 4) for step in range(6)]
    [0.01, 0.0085, 0.005, 0.0015, 0.01, 0.0085]

    References
    ----------
    I. Loshchilov and F. Hutter (2017), "SGDR: stochastic gradient descent with warm restarts",
    arXiv:1608.03983.
    """

    highest: float
    period: int
    lowest: float = 0.0

    def __post_init__(self) -> None:
        number("highest", self.highest, above=0)
        number("lowest", self.lowest, at_least=0, at_most=self.highest)
        integer("period", self.period)

    def at(self, step: int) -> float:
        """Return the rate of a step."""
        angle = math.pi * (step % self.period) / self.period
        return self.lowest + 0.5 * (self.highest - self.lowest) * (1 + math.cos(angle))


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftBoost:
    """Multiply the rate by `factor` at an alarm; the boost halves every `half_life` steps.

    Examples
    --------
    >>> boost = DriftBoost(factor=3.0, half_life=10)
    >>> boost.at(0), boost.at(10), round(boost.at(1000), 6)
    (3.0, 2.0, 1.0)
    """

    factor: float = 3.0
    half_life: int = 50

    def __post_init__(self) -> None:
        number("factor", self.factor, at_least=1)
        integer("half_life", self.half_life)

    def at(self, steps_since_alarm: int) -> float:
        """Return the factor this number of steps after the alarm."""
        return 1.0 + (self.factor - 1.0) * math.exp2(-steps_since_alarm / self.half_life)
