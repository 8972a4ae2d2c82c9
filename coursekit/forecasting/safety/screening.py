"""Screening: windows with implausible readings are not learnt from (lesson 18)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coursekit.core.arrays import Bools, Floats
from coursekit.core.errors import InvalidParameterError
from coursekit.core.validation import number
from coursekit.forecasting.windows import WindowSet

__all__ = ["Screen"]

_BLOCK = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Screen:
    r"""Refuse windows whose target is rougher or smoother than those of training.

    With the changes $c_t = |y_t - y_{t-1}| / d_s$ in standard deviations $d_s$ of the server, the
    roughness of a window is the largest median of $c$ over 5 consecutive changes, its smoothness
    the median of all. A change of workload moves level, amplitude and daily peak and leaves both
    near their old range; random readings of a broken agent, or a sensor that repeats one value, do
    not. False readings that look plausible pass: for these there are the gates.

    Parameters
    ----------
    lowest : float
        Smoothness below which a window is refused.
    highest : float
        Roughness above which it is.
    """

    lowest: float
    highest: float

    @classmethod
    def fit(cls, windows: WindowSet, margin: float = 2.0) -> Screen:
        """Return a screen that passes windows like the given ones.

        Parameters
        ----------
        windows : WindowSet
            Trusted, such as those of the base training.
        margin : float, 1 or more
            Factor between their 0.1 and 99.9 % quantiles and the limits.

        Raises
        ------
        InvalidParameterError
            If there is no window.
        """
        number("margin", margin, at_least=1)
        if len(windows) == 0:
            raise InvalidParameterError("A screen needs at least one trusted window.")
        roughness, smoothness = _roughness(windows)
        return cls(
            lowest=float(np.quantile(smoothness, 0.001)) / margin,
            highest=float(np.quantile(roughness, 0.999)) * margin,
        )

    def accepted(self, windows: WindowSet) -> Bools:
        """Return which windows are plausible, shape (n,)."""
        roughness, smoothness = _roughness(windows)
        return (roughness <= self.highest) & (smoothness >= self.lowest)


def _roughness(windows: WindowSet) -> tuple[Floats, Floats]:
    """Return roughness and smoothness of each window."""
    changes = np.abs(np.diff(windows.targets.astype(np.float64), axis=1)) / windows.scale[:, 1:]
    width = min(_BLOCK, changes.shape[1])
    blocks = np.lib.stride_tricks.sliding_window_view(changes, width, axis=1)
    roughness: Floats = np.median(blocks, axis=2).max(axis=1)
    return roughness, np.median(changes, axis=1)
