"""One experiment: assign units, record outcomes, look at the results (lesson 09)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.clock import Clock, SystemClock
from coursekit.core.errors import IllegalTransitionError, InvalidParameterError
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import choice, integer, number
from coursekit.delivery.experiments.analysis import look_at
from coursekit.delivery.experiments.assignment import Assignment, Layer, shares_of
from coursekit.delivery.experiments.exposures import ExposureLog
from coursekit.delivery.experiments.metrics import Metric, UnitOutcomes
from coursekit.delivery.experiments.results import ExperimentResults
from coursekit.delivery.experiments.stopping import AlwaysValid, StoppingRule

__all__ = ["ABExperiment"]


class ABExperiment(Stateful):
    """Compare treatments with a control on units that are assigned at random.

    Parameters
    ----------
    experiment_id : str
        The salt of the assignment.
    shares : mapping
        Variant -> planned share of the units, summing to 1; the control first.
    success_metric : Metric or str
        What a treatment must improve.
    guardrails : sequence of Metric
        What it must not harm.
    duration_hours : float, 0 or more
        Nothing is concluded before; whole days or weeks, as behaviour has their rhythm.
    min_samples : int, 2 or more
        Nothing is concluded before each variant has so many units.
    level : float, in (0, 1)
        Probability of a false "better" or "worse" in any treatment, over all looks.
    stopping : StoppingRule, optional
        Default: `AlwaysValid`, narrowest at `min_samples` units in each variant.
    layer : Layer, optional
        Experiments in the same layer share no unit; default: a layer of its own.
    coverage : float, in [0, 1]
        Share of the units that take part at first (see `ramp`).
    clock : Clock, optional

    Examples
    --------
    >>> from coursekit.core.clock import ManualClock
    >>> clock = ManualClock()
    >>> experiment = ABExperiment("ranking", {"old": 0.5, "new": 0.5}, "clicks", clock=clock)
    >>> experiment.assign("ada")
    'old'
    >>> experiment.record("ada", 1.0)
    >>> experiment.results().recommendation
    <Recommendation.COLLECT: 'collect'>
    """

    _memory_names = ("started_at", "is_running", "log", "outcomes", "before", "stopping", "layer")

    def __init__(
        self,
        experiment_id: str,
        shares: Mapping[str, float],
        success_metric: Metric | str,
        *,
        guardrails: Sequence[Metric] = (),
        duration_hours: float = 24,
        min_samples: int = 1000,
        level: float = 0.05,
        stopping: StoppingRule | None = None,
        layer: Layer | None = None,
        coverage: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        if isinstance(success_metric, str):
            success_metric = Metric(name=success_metric)
        self.experiment_id = experiment_id
        self.shares = shares_of(shares)
        self.metrics = {each.name: each for each in (success_metric, *guardrails)}
        if len(self.metrics) != 1 + len(guardrails):
            raise InvalidParameterError("`guardrails` must have names of their own.")
        self.success_metric = success_metric.name
        self.duration_hours = number("duration_hours", duration_hours, at_least=0)
        self.min_samples = integer("min_samples", min_samples, at_least=2)
        self.level = number("level", level, above=0, below=1)
        self.stopping = stopping or AlwaysValid(self.min_samples * len(self.shares))
        self.layer = layer or Layer(experiment_id)
        self.clock = clock or SystemClock()
        self.assignment = Assignment(experiment_id, self.shares, self.layer)
        if number("coverage", coverage, at_least=0, at_most=1):
            self.layer.extend(experiment_id, coverage)
        self.started_at = self.clock.now()
        self.is_running = True
        self.log = ExposureLog()
        self.outcomes = tuple(UnitOutcomes() for _ in self.metrics)
        self.before = UnitOutcomes()

    def config(self) -> State:
        """Return the plan, as JSON values."""
        names = ("experiment_id", "duration_hours", "min_samples", "level", "success_metric")
        return {
            **{name: getattr(self, name) for name in names},
            "shares": list(map(list, self.shares.items())),
            "metrics": [asdict(each) for each in self.metrics.values()],
            "stopping": {"class": type(self.stopping).__name__, **self.stopping.config()},
            "layer": self.layer.name,
        }

    @property
    def variants(self) -> list[str]:
        """The variants, the control first."""
        return list(self.shares)

    @property
    def n_units(self) -> int:
        """Number of units exposed."""
        return len(self.log)

    def assign(self, unit: Any) -> str | None:
        """Return the variant of a unit and log the exposure; None if it does not take part.

        Call it where the unit meets the difference between the variants, not earlier.
        """
        if not self.is_running:
            return None
        variant = self.assignment.variant_of(unit)
        if variant is not None:
            self.log.expose(unit, self.variants.index(variant), at=self.clock.now())
        return variant

    def assign_many(self, units: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Assign many units; return the number of each one's variant, -1 for none."""
        found = self.assignment.variants_of(units)
        if not self.is_running:
            return np.full_like(found, -1)
        taking_part = np.flatnonzero(found >= 0)
        exposed = units if isinstance(units, np.ndarray) else np.asarray(units, dtype=object)
        self.log.expose_many(exposed[taking_part], found[taking_part], at=self.clock.now())
        return found

    def record(self, unit: Any, value: float, metric: str | None = None) -> None:
        """Record one outcome of a unit that was assigned.

        Raises
        ------
        UnknownNameError
            If the unit was never exposed, or there is no such metric.
        InvalidSampleError
            If the value is not a finite number, or not 0 or 1 for a conversion.
        IllegalTransitionError
            If the experiment is stopped.
        """
        self.check_running()
        known, outcomes = self._of(metric)
        outcomes.add(self.log.row_of(unit), float(known.checked(value)))

    def record_many(
        self,
        units: Sequence[Any] | npt.NDArray[Any],
        values: npt.ArrayLike,
        metric: str | None = None,
    ) -> None:
        """Record one outcome of each unit, shapes (n,); all or none of them."""
        self.check_running()
        known, outcomes = self._of(metric)
        checked = known.checked(values)
        if checked.shape != (len(units),):
            raise InvalidParameterError(
                f"`values` must have shape ({len(units)},) like `units`, got {checked.shape}."
            )
        outcomes.add_many(self.log.rows_of(units), checked)

    def record_before(self, unit: Any, value: float) -> None:
        """Record a measurement from before the experiment; results are then adjusted (CUPED)."""
        self.check_running()
        self.before.add(self.log.row_of(unit), number("value", value))

    def ramp(self, coverage: float) -> None:
        """Let a larger share of the units take part; who takes part already keeps its variant.

        Raises
        ------
        InvalidParameterError
            If the share is smaller than now, or the layer has no room.
        """
        self.check_running()
        self.layer.extend(self.experiment_id, coverage)

    def stop(self) -> None:
        """End the experiment: nobody takes part any more, and its part of the layer is free."""
        self.check_running()
        self.is_running = False
        self.layer.release(self.experiment_id)

    def results(self) -> ExperimentResults:
        """Look at the results. A look of a group sequential plan is counted when it is due."""
        return look_at(self)

    def check_running(self) -> None:
        """Raise IllegalTransitionError if the experiment is stopped."""
        if not self.is_running:
            raise IllegalTransitionError(f"Experiment {self.experiment_id!r} is stopped.")

    def _of(self, metric: str | None) -> tuple[Metric, UnitOutcomes]:
        name = choice("metric", metric or self.success_metric, self.metrics)
        return self.metrics[name], self.outcomes[list(self.metrics).index(name)]
