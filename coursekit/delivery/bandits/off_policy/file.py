"""Off-policy evaluation of a log in a delimited file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coursekit.core.errors import InvalidParameterError, UnknownNameError
from coursekit.delivery.bandits.off_policy.estimators import (
    PolicyValue,
    direct_method,
    doubly_robust,
    gain_over_the_log,
    inverse_propensity,
    self_normalized,
)
from coursekit.delivery.bandits.off_policy.logged import LoggedRewards, mean_rewards
from coursekit.delivery.bandits.off_policy.reading import read_columns
from coursekit.delivery.bandits.off_policy.weights import (
    WeightSummary,
    importance_weights,
    summarize_weights,
)
from coursekit.delivery.bandits.policy import Floats

__all__ = ["Evaluated", "LogEvaluation", "evaluate_log"]

_FEW_REWARDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The evaluated policy, in exactly one of four ways.

    Parameters
    ----------
    probability : str, optional
        The column with its probability of the logged action.
    chosen : str, optional
        The column with the action that it chooses for certain.
    arm : str, optional
        An action that it always chooses.
    uniform : bool
        It chooses every action of the log with the same probability.
    """

    probability: str | None = None
    chosen: str | None = None
    arm: str | None = None
    uniform: bool = False

    def __post_init__(self) -> None:
        """Demand exactly one."""
        given = [self.probability, self.chosen, self.arm, self.uniform or None]
        if sum(each is not None for each in given) != 1:
            raise InvalidParameterError(
                "Name the policy to evaluate by exactly one of `probability`, `chosen`, `arm` and "
                "`uniform`."
            )

    def described(self) -> str:
        """Return the policy in words."""
        if self.probability is not None:
            return f"the policy with the probabilities in `{self.probability}`"
        if self.chosen is not None:
            return f"the policy that chooses `{self.chosen}`"
        return "the uniform policy" if self.uniform else f"always {self.arm}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvaluation:
    """What a log says about a policy.

    Parameters
    ----------
    policy : str
        In words.
    n : int
        Decisions in the log.
    n_arms : int
        Different actions in the log.
    logged_reward : float
        Mean reward of the log.
    estimates : tuple of PolicyValue
        IPS and SNIPS; if probabilities of all actions are known, also DM and DR.
    gain : PolicyValue
        SNIPS minus the mean reward of the log.
    weights : WeightSummary
    positions : dict
        Position -> SNIPS estimate of its decisions; empty without positions.
    notes : tuple of str
        What weakens the estimates, in sentences.
    verdict : tuple of str
        The result, in two sentences.
    """

    policy: str
    n: int
    n_arms: int
    logged_reward: float
    estimates: tuple[PolicyValue, ...]
    gain: PolicyValue
    weights: WeightSummary
    positions: dict[str, PolicyValue]
    notes: tuple[str, ...]
    verdict: tuple[str, str]


def evaluate_log(
    path: str | Path,
    evaluated: Evaluated,
    *,
    action: str = "action",
    reward: str = "reward",
    propensity: str = "propensity",
    position: str | None = None,
    clip: float | None = None,
    level: float = 0.95,
) -> LogEvaluation:
    r"""Estimate the value of a policy from a log with a header (comma, semicolon or tab; or gzip).

    Parameters
    ----------
    path : path
    evaluated : Evaluated
    action, reward, propensity : str
        Columns of the log.
    position : str, optional
        A column whose values have estimates of their own, such as slots on a page; the model of
        rewards then has a mean for each action and position.
    clip : float, greater than 0, optional
        Largest importance weight.
    level : float, in (0, 1)
        Of the intervals.

    Raises
    ------
    FileFormatError
        If a column is missing, a reward is not a number, a propensity is not in (0, 1] or the
        file is empty; the message names the file, the line and what was expected.
    UnknownNameError
        If the log has no action of the name `arm`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "log.csv"
    ...     _ = file.write_text("action,reward,propensity\na,1,0.5\nb,0,0.5\na,0,0.5\nb,0,0.5\n")
    ...     evaluate_log(file, Evaluated(arm="a")).estimates[0].value
    0.5
    """
    names = {
        "action": action,
        "reward": reward,
        "propensity": propensity,
        "position": position,
        "probability": evaluated.probability,
        "chosen": evaluated.chosen,
    }
    read = read_columns(Path(path), {key: name for key, name in names.items() if name is not None})
    n_arms = len(dict.fromkeys(read["action"]))
    arms = {name: at for at, name in enumerate(dict.fromkeys(read["action"] + read["chosen"]))}
    log = LoggedRewards(
        actions=np.array([arms[name] for name in read["action"]]),
        rewards=np.array(read["reward"]),
        propensities=np.array(read["propensity"]),
    )
    share = _shares(evaluated, read, arms, n_arms)
    estimates = [
        inverse_propensity(log, share, clip=clip, level=level),
        self_normalized(log, share, clip=clip, level=level),
    ]
    if share.ndim == 2:
        model = mean_rewards(log, share.shape[1], strata=read["position"] or None)
        estimates += [
            direct_method(log, share, model, level=level),
            doubly_robust(log, share, model, clip=clip, level=level),
        ]
    weights = summarize_weights(log, share, clip=clip)
    gain = gain_over_the_log(log, share, level=level)
    logged = float(log.rewards.mean())
    return LogEvaluation(
        policy=evaluated.described(),
        n=len(log),
        n_arms=n_arms,
        logged_reward=logged,
        estimates=tuple(estimates),
        gain=gain,
        weights=weights,
        positions=_by_position(log, share, read["position"], clip, level),
        notes=tuple(_notes(share, weights, n_arms)),
        verdict=_verdict(evaluated.described(), logged, estimates[1], gain, weights.n_rewarded),
    )


def _shares(
    evaluated: Evaluated, read: dict[str, list[Any]], arms: dict[str, int], n_arms: int
) -> Floats:
    """Return the evaluated probabilities, of the logged action (n,) or of all actions (n, K)."""
    if evaluated.probability is not None:
        return np.array(read["probability"], dtype=np.float64)
    n = len(read["action"])
    if evaluated.uniform:
        return np.full((n, n_arms), 1.0 / n_arms)
    if evaluated.arm is not None and evaluated.arm not in arms:
        some = ", ".join(list(arms)[:8]) + (", ..." if len(arms) > 8 else "")
        raise UnknownNameError(f"The log has no action {evaluated.arm!r}; it has {some}.")
    chosen = read["chosen"] or [evaluated.arm] * n
    return np.eye(len(arms))[[arms[name] for name in chosen]]


def _by_position(
    log: LoggedRewards, share: Floats, places: list[str], clip: float | None, level: float
) -> dict[str, PolicyValue]:
    """Return the SNIPS estimate of each position that has 2 decisions and a weight above 0."""
    found = {}
    for place in sorted(set(places)):
        rows = np.array(places) == place
        part = LoggedRewards(
            actions=log.actions[rows],
            rewards=log.rewards[rows],
            propensities=log.propensities[rows],
        )
        if len(part) > 1 and importance_weights(part, share[rows]).any():
            found[place] = self_normalized(part, share[rows], clip=clip, level=level)
    return found


def _notes(share: Floats, weights: WeightSummary, n_arms: int) -> Iterator[str]:
    effective = weights.effective_sample_size
    if weights.n_rewarded < _FEW_REWARDS:
        yield (
            f"Only {weights.n_rewarded} rewarded decisions bear on this policy: the interval is "
            "rough, and covers less often than it says."
        )
    if effective < 0.1 * weights.n:
        yield (
            f"The {weights.n:,} decisions are worth about {effective:,.0f} of the policy's own: it "
            "differs much from the one that was logged."
        )
    if not weights.n_clipped and abs(weights.mean - 1) > 4 * weights.mean_error:
        yield (
            f"The mean importance weight is {weights.mean:.3f} and should be 1: propensities are "
            "wrong, or the policy chooses actions that were never logged."
        )
    unlogged = float(share[:, n_arms:].sum(axis=1).mean()) if share.ndim == 2 else 0.0
    if unlogged > 0:
        yield (
            f"{unlogged:.1%} of its choices are actions that were never logged; nothing is known "
            "about them."
        )
    if weights.n_clipped:
        yield f"{weights.n_clipped:,} weights were clipped: the estimate is pulled towards 0."


def _verdict(
    policy: str, logged: float, value: PolicyValue, gain: PolicyValue, n_rewarded: int
) -> tuple[str, str]:
    percent = f"{100 * value.level:g} %"
    first = (
        f"{policy[0].upper()}{policy[1:]} would earn {value.value:.4g} a decision ({percent} "
        f"interval {value.low:.4g} to {value.high:.4g}); the log earned {logged:.4g}."
    )
    difference = f"{gain.value:+.4g} ({gain.low:+.4g} to {gain.high:+.4g})"
    if gain.low <= 0 <= gain.high:
        return first, f"This log shows no difference between the two: {difference} contains 0."
    kind = "better" if gain.value > 0 else "worse"
    if n_rewarded < _FEW_REWARDS:
        return first, (
            f"It looks {kind} than the policy that was logged, by {difference}; {n_rewarded} "
            "rewarded decisions are too few to rely on that."
        )
    return first, f"It is {kind} than the policy that was logged, by {difference}."
