"""Records of the analysis of a file: estimates, comparisons, the whole report."""

from __future__ import annotations

from dataclasses import dataclass

from coursekit.evaluation.statistics import Inference

__all__ = ["RATIO_LEVEL", "Estimate", "ExperimentReport", "OutcomeComparison"]

RATIO_LEVEL = 0.001
"""Level of the sample ratio check of a finished experiment: false alarms must be rare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """An outcome in one variant: number of units (trials, if aggregated), mean, its error."""

    outcome: str
    variant: str
    n: int
    mean: float
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeComparison:
    """A treatment against the control in one outcome.

    Parameters
    ----------
    outcome, treatment : str
    difference : Inference
        Treatment minus control: test, level, interval and p-value on its own.
    lift, lift_low, lift_high : float
        Relative to the control's mean; NaN if that is not positive.
    effect_size : float
        Cohen's d.
    adjusted_p_value : float
        By Holm over all comparisons of the report.
    detectable, detectable_lift : float
        The smallest difference, and lift, that such a test finds with a power of 80 %.
    """

    outcome: str
    treatment: str
    difference: Inference
    lift: float
    lift_low: float
    lift_high: float
    effect_size: float
    adjusted_p_value: float
    detectable: float
    detectable_lift: float

    @property
    def is_shown(self) -> bool:
        """Whether the adjusted p-value is at most the level."""
        return self.adjusted_p_value <= self.difference.level


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentReport:
    """What a file shows.

    Parameters
    ----------
    file : str
    n_rows : int
    variants : tuple of str
        The control first.
    counts : tuple of int
        Units of each variant.
    shares : tuple of float
        Planned shares.
    shares_are_assumed : bool
        Whether they are equal because nobody named them.
    ratio_p_value : float
        Of the sample ratio check.
    estimates, comparisons : tuple
        The first outcome first.
    level : float
    assumptions : tuple of str
        How the file was understood, and which tests were used.
    """

    file: str
    n_rows: int
    variants: tuple[str, ...]
    counts: tuple[int, ...]
    shares: tuple[float, ...]
    shares_are_assumed: bool
    ratio_p_value: float
    estimates: tuple[Estimate, ...]
    comparisons: tuple[OutcomeComparison, ...]
    level: float
    assumptions: tuple[str, ...]

    @property
    def ratio_is_planned(self) -> bool:
        """Whether the sample ratio check passes."""
        return self.ratio_p_value > RATIO_LEVEL
