"""`coursekit ope`: off-policy evaluation of your own log of decisions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coursekit.commands.command import Answer, Page, command

if TYPE_CHECKING:
    from coursekit.delivery.bandits.off_policy.estimators import PolicyValue
    from coursekit.delivery.bandits.off_policy.file import LogEvaluation

__all__ = ["ope"]


@command
def ope(
    file: Path,
    *,
    action: str = "action",
    reward: str = "reward",
    propensity: str = "propensity",
    probability: str | None = None,
    chosen: str | None = None,
    arm: str | None = None,
    uniform: bool = False,
    position: str | None = None,
    clip: float | None = None,
    level: float = 0.95,
    report: Page = None,
) -> Answer:
    """Estimate what another policy would have earned, from a log of decisions.

    FILE has a line for each decision: the action, its reward, and the propensity, the probability
    with which the logging policy chose that action. The header names the columns; fields are
    separated by comma, semicolon or tab; plain or gzip.

    The policy to evaluate is named by exactly one of --probability, --chosen, --arm and --uniform.
    With --probability the estimators are IPS and SNIPS; the others know the probabilities of all
    actions and add DM and DR.

    Parameters
    ----------
    action : COLUMN
        The action that was taken.
    reward : COLUMN
        Its reward, a number.
    propensity : COLUMN
        The probability of the action under the logging policy, in (0, 1].
    probability : COLUMN
        Evaluate the policy that takes the logged action with the probability in this column.
    chosen : COLUMN
        Evaluate the policy that takes the action in this column.
    arm : ACTION
        Evaluate the policy that always takes this action.
    uniform
        Evaluate the policy that takes every action of the log with the same probability.
    position : COLUMN
        Report each value of this column separately too, such as slots on a page.
    clip : NUMBER
        Cut importance weights to this size.
    level : NUMBER
        Confidence level of the intervals.
    report : OUT.html
        Write a page with figures into this file.
    """
    from coursekit.delivery.bandits.off_policy.file import Evaluated, evaluate_log

    found = evaluate_log(
        file,
        Evaluated(probability=probability, chosen=chosen, arm=arm, uniform=uniform),
        action=action,
        reward=reward,
        propensity=propensity,
        position=position,
        clip=clip,
        level=level,
    )
    if report is not None:
        from coursekit.delivery.bandits.off_policy.page import write_report

        write_report(found, file.name, report)
    return Answer(data=found, text="\n".join(_lines(found)))


def _lines(found: LogEvaluation) -> Iterator[str]:
    """Yield the lines of the report."""
    for sentence in found.verdict:
        yield click.style(sentence, bold=True)
    yield from (f"Note: {note}" for note in found.notes)
    percent = f"{100 * found.gain.level:g} % interval"
    yield ""
    yield f"  {'':<16}{'value':>12}{'std. error':>12}  {percent}"
    for each in found.estimates:
        yield _row(each.estimator, each)
    yield _row("SNIPS - log", found.gain)
    for place, each in found.positions.items():
        yield _row(f"position {place}", each)
    weights = found.weights
    yield ""
    yield f"  decisions             {found.n:>12,}  of {found.n_arms} actions"
    yield f"  rewarded, weight > 0  {weights.n_rewarded:>12,}"
    yield f"  effective sample size {weights.effective_sample_size:>12,.0f}"
    yield f"  mean weight           {weights.mean:>12.3f}  (std. error {weights.mean_error:.3f})"
    yield f"  largest weight        {weights.largest:>12.4g}"


def _row(name: str, value: PolicyValue) -> str:
    ends = f"{value.low:.4g} to {value.high:.4g}"
    return f"  {name:<16}{value.value:>12.5g}{value.standard_error:>12.3g}  {ends}"
