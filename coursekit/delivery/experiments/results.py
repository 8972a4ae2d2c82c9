"""Results of an experiment: frozen records that say which test, level and rule were used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from coursekit.evaluation.statistics import Inference

__all__ = ["Arm", "ExperimentResults", "MetricComparison", "RatioCheck", "Recommendation"]


class Recommendation(StrEnum):
    """What the results allow."""

    COLLECT = "collect"
    """Too few units, too short, or between two planned looks."""
    CONTINUE = "continue"
    """Looked, and nothing is shown yet."""
    SHIP = "ship"
    """A treatment is better, and no guardrail objects."""
    KEEP = "keep"
    """Every treatment is worse, or the plan has ended without a difference."""
    VETOED = "vetoed"
    """A treatment is better, but does harm that a guardrail does not accept."""
    INVALID = "invalid"
    """The sample ratio is not the planned one: the comparison cannot be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """The success metric in one variant.

    Parameters
    ----------
    variant : str
    n_units, n_outcomes : int
        Units exposed, and outcomes recorded of them.
    mean, standard_deviation : float
        Of units; NaN with fewer than two.
    """

    variant: str
    n_units: int
    n_outcomes: int
    mean: float
    standard_deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioCheck:
    """Whether the variants got their planned shares of the units, at any number of looks.

    Parameters
    ----------
    counts : tuple of int
    shares : tuple of float
    p_value : float
        Valid at every look together: 1 / e-value, at most 1.
    level : float
    """

    counts: tuple[int, ...]
    shares: tuple[float, ...]
    p_value: float
    level: float

    @property
    def passed(self) -> bool:
        """Whether the planned shares are compatible with the counts."""
        return self.p_value > self.level


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricComparison:
    """A treatment against the control in one metric.

    Parameters
    ----------
    metric, treatment : str
    difference : Inference
        Treatment minus control, in the unit of the metric: method, level, interval, p-value.
    lift, lift_low, lift_high : float
        The relative difference and its interval; NaN if the control's mean is 0.
    effect_size : float
        Cohen's d.
    better, worse : bool
        Whether the difference is shown, in the direction that the metric wants or not; for a
        guardrail, worse by more than its tolerance.
    """

    metric: str
    treatment: str
    difference: Inference
    lift: float
    lift_low: float
    lift_high: float
    effect_size: float
    better: bool
    worse: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentResults:
    """Results of an experiment at one look.

    Parameters
    ----------
    experiment_id : str
    at : float
        Time of the look, seconds since 1970-01-01 UTC.
    hours_run : float
    stopping_rule : str
        The rule and its settings.
    level, level_each : float
        The probability of a false "better" or "worse" in any treatment, and the level of each
        comparison (Bonferroni).
    arms : tuple of Arm
        The control first.
    ratio_check : RatioCheck
    comparisons, guardrails : tuple of MetricComparison
    recommendation : Recommendation
    winner : str, optional
        The variant to ship or to keep.
    reason : str
        One sentence.
    """

    experiment_id: str
    at: float
    hours_run: float
    stopping_rule: str
    level: float
    level_each: float
    arms: tuple[Arm, ...]
    ratio_check: RatioCheck
    comparisons: tuple[MetricComparison, ...]
    guardrails: tuple[MetricComparison, ...]
    recommendation: Recommendation
    winner: str | None
    reason: str
