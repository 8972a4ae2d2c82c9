"""The figures of lesson 08: versions served, legal moves, kills, races and flipped bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from coursekit.figures.curves import plot_curves
from coursekit.figures.rows import plot_bars
from coursekit.figures.style import QUIET, show

__all__ = ["show_flipped_bits", "show_kills", "show_moves", "show_races", "show_versions"]

_BLOCK = 1_000  # ratings


def show_versions(
    errors: Mapping[str, npt.NDArray[np.float64]],
    *,
    start: int,
    title: str,
    roles: Mapping[str, str],
) -> None:
    """Show the error of versions on consecutive blocks of 1,000 ratings.

    Parameters
    ----------
    errors : mapping
        Name -> RMSE of each block, shape (n_blocks,).
    start : int
        Number of ratings before the first block.
    title : str
    roles : mapping
        Name -> role.
    """
    n_blocks = len(next(iter(errors.values())))
    ends = start + _BLOCK * np.arange(1, n_blocks + 1)
    axes = plot_curves(
        errors,
        x=ends,
        title=title,
        x_label="ratings seen",
        y_label="RMSE, rating points",
        roles=roles,
    )
    told = (f"{name}: {', '.join(f'{x:.2f}' for x in each)}" for name, each in errors.items())
    show(
        axes,
        alt=f"Line chart of the error in blocks of {_BLOCK:,} ratings from rating {start:,} on. "
        f"{'; '.join(told)}.",
    )


def show_moves(n_following: Mapping[str, int]) -> None:
    """Show how many statuses may follow each status."""
    n_legal, n_pairs = sum(n_following.values()), len(n_following) ** 2
    axes = plot_bars(
        {name: float(n) for name, n in n_following.items()},
        title=f"{n_legal} of {n_pairs} moves are legal, and none leaves failed",
        x_label="statuses that may follow",
        number_format="{:.0f}",
    )
    axes.set(xticks=range(max(n_following.values()) + 1))
    told = ", ".join(f"{name} {n}" for name, n in n_following.items())
    show(axes, alt=f"Bar chart, how many statuses may follow each: {told}.")


def show_kills(left: Mapping[str, Sequence[int]], *, roles: Mapping[str, str]) -> None:
    """Show how many versions are in production after a kill, by the number of writes done.

    Parameters
    ----------
    left : mapping
        Order of the writes -> versions in production after 0, 1, ... writes.
    roles : mapping
        Name -> role.
    """
    longest = max(map(len, left.values()))
    axes = plot_curves(
        {name: [*counts] + [counts[-1]] * (longest - len(counts)) for name, counts in left.items()},
        x=np.arange(longest),
        title="Two writes have a wrong middle, one write has none",
        x_label="writes done when the process is killed",
        y_label="versions in production",
        roles=roles,
    )
    axes.set(xticks=range(longest), yticks=range(3))
    told = "; ".join(f"{name} {', '.join(map(str, each))}" for name, each in left.items())
    show(
        axes,
        alt="Line chart of how many versions are in production when a promotion is killed after 0, "
        f"1, ... writes: {told}.",
    )


def show_races(share: Mapping[str, float], *, roles: Mapping[str, str]) -> None:
    """Show in which share of the orders of two promoters, in percent, two are in production."""
    axes = plot_bars(
        share,
        title="Compare-and-set never ends with two in production",
        x_label="orders with two versions in production, %",
        roles=roles,
        number_format="{:.0f}",
    )
    told = ", ".join(f"{name} {value:.0f} %" for name, value in share.items())
    show(axes, alt=f"Bar chart of the orders in which two versions end in production: {told}.")


def show_flipped_bits(
    damaged: npt.NDArray[np.float64], whole: float, *, visible: float, first_bit: int = 30
) -> None:
    """Show the error after each bit of a number was flipped, on a logarithmic axis.

    Parameters
    ----------
    damaged : array, shape (64,)
        RMSE after bit 0, 1, ... was flipped; up to infinity.
    whole : float
        RMSE of the undamaged model.
    visible : float
        Smallest change that counts as visible.
    first_bit : int
        The first bit that is drawn.
    """
    is_seen = ~(np.abs(damaged - whole) <= visible)
    drawn = np.where(damaged < 1e9, damaged, np.nan)[first_bit:]
    axes = plot_curves(
        {"flipped": drawn},
        x=np.arange(first_bit, damaged.size),
        title=f"{np.sum(~is_seen)} of {damaged.size} flipped bits do no visible harm, others any",
        x_label="number of the flipped bit (gap: more than 10⁹ points)",
        y_label="RMSE, rating points (log axis)",
        roles={"flipped": "alarm"},
    )
    axes.axhline(whole, color=QUIET, linestyle=(0, (4, 3)), zorder=1.5)
    axes.annotate(
        "as it was", (first_bit, whole), (0, 5), textcoords="offset points", color=QUIET, fontsize=9
    )
    axes.set(yscale="log")
    show(
        axes,
        alt="Line chart, with a logarithmic axis, of the error after one bit was flipped. Up to "
        f"bit {np.argmax(is_seen) - 1} it stays at {whole:.2f} points, then it rises, and for "
        f"{np.sum(~(damaged < 1e9))} bits of the exponent it is more than 10⁹ points.",
    )
