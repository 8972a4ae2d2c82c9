"""The manager of A/B tests: several experiments by id, and what follows from their results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from coursekit.core.clock import Clock, SystemClock
from coursekit.core.errors import ConflictError, InvalidParameterError, UnknownNameError
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import choice
from coursekit.delivery.experiments.assignment import Layer
from coursekit.delivery.experiments.experiment import ABExperiment
from coursekit.delivery.experiments.metrics import Metric
from coursekit.delivery.experiments.results import ExperimentResults
from coursekit.delivery.experiments.stopping import (
    AlwaysValid,
    FixedSample,
    GroupSequential,
    StoppingRule,
)

__all__ = ["ABTestManager", "PromotesModels"]

_RULES: dict[str, type[StoppingRule]] = {
    rule.__name__: rule for rule in (FixedSample, GroupSequential, AlwaysValid)
}


class PromotesModels(Protocol):
    """What the manager needs of a registry: `ModelRegistry` has it."""

    def promote(
        self, model_id: str, version: str, *, why: str, retire: Iterable[str] = ()
    ) -> object:
        """Put a version into production, and retire others and the one before, all or nothing."""
        ...


class ABTestManager(Stateful):
    """A/B tests of versions of a model, from the first unit to the promotion of the winner.

    Parameters
    ----------
    registry : PromotesModels
        Where the winner is promoted, such as a `ModelRegistry`.
    clock : Clock, optional

    Examples
    --------
    >>> class Registry:
    ...     def promote(self, model_id, version, *, why, retire=()):
    ...         print("promote", model_id, version, "and retire", *retire)
    >>> manager = ABTestManager(Registry())
    >>> _ = manager.create_experiment("ranking", "films/1", ["films/2"], None, "clicks")
    >>> manager.assign_user_to_variant("ranking", "ada")
    'films/1'
    >>> manager.record_outcome("ranking", "ada", 1.0)
    >>> _ = manager.stop_experiment("ranking", "films/2")
    promote films 2 and retire 1
    """

    def __init__(self, registry: PromotesModels, clock: Clock | None = None) -> None:
        self._registry = registry
        self._clock = clock or SystemClock()
        self._layers: dict[str, Layer] = {}
        self._experiments: dict[str, ABExperiment] = {}

    def config(self) -> State:
        """Return no settings: registry and clock are not part of the state."""
        return {}

    def create_experiment(
        self,
        experiment_id: str,
        control_model: str,
        treatment_models: Sequence[str],
        traffic_split: Mapping[str, float] | None,
        success_metric: Metric | str,
        duration_hours: float = 24,
        min_samples: int = 1000,
        *,
        layer: str | None = None,
        **settings: Any,
    ) -> ABExperiment:
        """Create and start an experiment.

        Parameters
        ----------
        experiment_id : str
        control_model, treatment_models : str, sequence of str
            Versions of one model, as "model/version"; each is a variant.
        traffic_split : mapping, optional
            Variant -> share; equal shares when None.
        success_metric, duration_hours, min_samples
            As in `ABExperiment`.
        layer : str, optional
            Experiments with the same layer share no user.
        **settings
            More settings of `ABExperiment`: guardrails, level, stopping, coverage.

        Raises
        ------
        ConflictError
            If there is such an experiment already.
        InvalidParameterError
            If the models are not versions of one model, or the split does not name each of them.
        """
        if experiment_id in self._experiments:
            raise ConflictError(f"There is an experiment {experiment_id!r} already.")
        models = [control_model, *treatment_models]
        if len({_parts(each)[0] for each in models}) != 1 or len(set(models)) != len(models):
            raise InvalidParameterError(
                f"`treatment_models` must be other versions of the model of {control_model!r}, got "
                f"{list(treatment_models)!r}."
            )
        split = traffic_split or dict.fromkeys(models, 1 / len(models))
        if set(split) != set(models):
            raise InvalidParameterError(
                f"`traffic_split` must name {', '.join(models)}, got {', '.join(split)}."
            )
        name = layer or experiment_id
        place = self._layers.get(name) or Layer(name)
        experiment = ABExperiment(
            experiment_id,
            {model: split[model] for model in models},
            success_metric,
            duration_hours=duration_hours,
            min_samples=min_samples,
            layer=place,
            clock=self._clock,
            **settings,
        )
        self._layers[name], self._experiments[experiment_id] = place, experiment
        return experiment

    def experiment(self, experiment_id: str) -> ABExperiment:
        """Return an experiment.

        Raises
        ------
        UnknownNameError
            If there is none of this id.
        """
        if experiment_id not in self._experiments:
            known = ", ".join(self._experiments) or "none"
            raise UnknownNameError(f"There is no experiment {experiment_id!r}; there are {known}.")
        return self._experiments[experiment_id]

    def experiments(self) -> list[ABExperiment]:
        """Return every experiment, in the order of creation."""
        return list(self._experiments.values())

    def assign_user_to_variant(self, experiment_id: str, user_id: Any) -> str | None:
        """Return the user's variant, a model version, and log the exposure; None for no part."""
        return self.experiment(experiment_id).assign(user_id)

    def record_outcome(
        self, experiment_id: str, user_id: Any, outcome: float, metric: str | None = None
    ) -> None:
        """Record an outcome of a user who was assigned; default: of the success metric."""
        self.experiment(experiment_id).record(user_id, outcome, metric)

    def get_experiment_results(self, experiment_id: str) -> ExperimentResults:
        """Look at the results of an experiment (see `ABExperiment.results`)."""
        return self.experiment(experiment_id).results()

    def stop_experiment(
        self, experiment_id: str, winner: str | None = None, *, why: str | None = None
    ) -> ExperimentResults:
        """Stop an experiment; promote the winner and retire all others in one transaction.

        Parameters
        ----------
        experiment_id : str
        winner : str, optional
            One of its variants; None promotes and retires nothing.
        why : str, optional
            For the registry's history; default: the reason in the results.

        Raises
        ------
        UnknownNameError
            If there is no such experiment or variant.
        IllegalTransitionError
            If it is stopped already.

        Notes
        -----
        If the registry raises an error, it has changed nothing and the experiment goes on.
        """
        experiment = self.experiment(experiment_id)
        experiment.check_running()
        results = experiment.results()
        if winner is not None:
            choice("winner", winner, experiment.variants)
            model_id, version = _parts(winner)
            self._registry.promote(
                model_id,
                version,
                why=why or f"A/B test {experiment_id}: {results.reason}",
                retire=[_parts(each)[1] for each in experiment.variants if each != winner],
            )
        experiment.stop()
        return results

    def _get_memory(self) -> State:
        return {"experiments": [each.get_state() for each in self._experiments.values()]}

    def _set_memory(self, memory: State) -> None:
        layers: dict[str, Layer] = {}
        experiments = {}
        for state in memory["experiments"]:
            plan = dict(state["config"])
            plan.pop("success_metric")
            success, *guardrails = (Metric(**each) for each in plan.pop("metrics"))
            rule, name = dict(plan.pop("stopping")), plan.pop("layer")
            experiment = ABExperiment(
                **{**plan, "shares": dict(plan["shares"])},
                success_metric=success,
                guardrails=guardrails,
                stopping=_RULES[rule.pop("class")](**rule),
                layer=layers.setdefault(name, Layer(name)),
                coverage=0,
                clock=self._clock,
            )
            experiment.set_state(state)
            experiments[experiment.experiment_id] = experiment
        self._layers, self._experiments = layers, experiments


def _parts(model: str) -> tuple[str, str]:
    """Split "model/version".

    Raises
    ------
    InvalidParameterError
        If it is something else.
    """
    model_id, _, version = str(model).partition("/")
    if not model_id or not version or "/" in version:
        raise InvalidParameterError(
            f'A model version must be named as "model/version", got {model!r}.'
        )
    return model_id, version
