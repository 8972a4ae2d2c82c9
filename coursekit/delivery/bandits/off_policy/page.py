"""The page of an off-policy evaluation: verdict, figures, tables, assumptions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from coursekit.delivery.bandits.off_policy.estimators import PolicyValue
from coursekit.delivery.bandits.off_policy.file import LogEvaluation
from coursekit.figures.page import bullets, table, write_page
from coursekit.figures.rows import plot_bars, plot_intervals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["write_report"]

_ASSUMED = (
    "The propensities are the probabilities with which the logged actions were chosen, at the "
    "time of each decision.",
    "Every action that the policy may choose has a propensity above 0 in the log.",
    "Decisions do not influence the rewards of other decisions, and the world is that of the log.",
    "Intervals are normal approximations: with few rewarded decisions or rare, large weights they "
    "are too narrow. That of DM holds only if its model of the rewards is right.",
)


def write_report(found: LogEvaluation, file: str, path: Path) -> None:
    """Write the page of an evaluation atomically.

    Parameters
    ----------
    found : LogEvaluation
    file : str
        The name of the log, for the title.
    path : path
    """
    rows = [_row(each.estimator, each) for each in found.estimates]
    rows.append(_row("SNIPS minus the log", found.gain))
    head = ["estimate", "value", "standard error", f"{100 * found.gain.level:g} % interval"]
    places = [_row(f"position {place}", each) for place, each in found.positions.items()]
    weights = found.weights
    sections = {
        "Estimates": table(head, rows),
        **({"Positions": table(head, places)} if places else {}),
        "Weights": table(
            ["", "number"],
            [
                ["decisions in the log", f"{found.n:,}"],
                ["different actions", f"{found.n_arms:,}"],
                ["rewarded decisions with a weight above 0", f"{weights.n_rewarded:,}"],
                ["effective sample size", f"{weights.effective_sample_size:,.0f}"],
                ["mean weight (should be 1)", f"{weights.mean:.3f} ± {weights.mean_error:.3f}"],
                ["largest weight", f"{weights.largest:.4g}"],
                ["weights that were clipped", f"{weights.n_clipped:,}"],
            ],
        ),
        **({"Notes": bullets(found.notes)} if found.notes else {}),
        "Assumed": bullets(_ASSUMED),
    }
    write_page(
        path,
        title=f"Off-policy evaluation: {file}",
        verdict=found.verdict,
        is_sound=not found.notes,
        figures=_pictures(found),
        sections=sections,
        footer=f"{found.n:,} decisions. Written by coursekit ope.",
    )


def _row(name: str, value: PolicyValue) -> list[str]:
    ends = f"{value.low:.4g} to {value.high:.4g}"
    return [name, f"{value.value:.5g}", f"{value.standard_error:.3g}", ends]


def _pictures(found: LogEvaluation) -> Iterator[tuple[Axes, str]]:
    """Yield each figure with its alt text."""
    values = {each.estimator: each for each in found.estimates} | {
        f"position {place}": each for place, each in found.positions.items()
    }
    contains = found.gain.low <= 0 <= found.gain.high
    axes = plot_intervals(
        {name: (each.low, each.value, each.high) for name, each in values.items()},
        title="No difference from the log is shown" if contains else "The policy differs",
        x_label=f"reward of a decision, {100 * found.gain.level:g} % interval",
        roles={name: "baseline" for name in values if name.startswith("position")},
        reference=found.logged_reward,
        reference_label="the log",
    )
    spoken = "; ".join(
        f"{name} {each.value:.4g} ({each.low:.4g} to {each.high:.4g})"
        for name, each in values.items()
    )
    yield axes, f"Estimates with intervals: {spoken}. The log earned {found.logged_reward:.4g}."
    effective = found.weights.effective_sample_size
    share = effective / found.n
    axes = plot_bars(
        {"in the log": found.n, "worth": effective, "rewarded": found.weights.n_rewarded},
        title=f"For this policy the log is worth {share:.0%} of its decisions",
        x_label="decisions",
        roles={"in the log": "baseline"},
        number_format="{:,.0f}",
    )
    yield (
        axes,
        f"Bars: {found.n:,} decisions in the log, worth {effective:,.0f} of the policy's own, "
        f"{found.weights.n_rewarded:,} of them rewarded.",
    )
