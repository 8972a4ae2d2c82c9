r"""What is new in a value that resembles the one before it.

Neighbouring measurements of a server, a price or a forecast error resemble each other, and every
test that takes them for independent is sure too soon. For $x_t - \mu = \rho\,(x_{t-1} - \mu) + e_t$
the innovations $e_t$ are independent again; a change of the level by $\Delta$ changes them by
$(1-\rho)\Delta$ for good.

$\rho$ has to be learnt while watching, and a change must not pass for resemblance. So only the
sides count: with a the mean of +1 for two neighbours on the same side of the mean and -1 for two on
different sides, $\rho = \sin(\pi a / 2)$ (W. F. Sheppard 1899). However far a value jumps, it
counts once.
"""

from __future__ import annotations

import math

from coursekit.core.compiled import compiled

__all__ = ["innovation"]

# Layout of what is known so far: number of values, their mean, the latest, and the sum of
# agreements between neighbours.
N, MEAN, LATEST, AGREEMENT = range(4)


@compiled
def innovation(known, value):
    """Return what is new in a value, and learn from it; the first counts as nothing new."""
    news = 0.0
    if known[N] > 0.0:
        deviation, before = value - known[MEAN], known[LATEST] - known[MEAN]
        news = deviation - math.sin(math.pi / 2.0 * known[AGREEMENT] / known[N]) * before
        known[AGREEMENT] += _sign(deviation) * _sign(before)
    known[N] += 1.0
    known[MEAN] += (value - known[MEAN]) / known[N]
    known[LATEST] = value
    return news


@compiled
def _sign(value):
    return 1.0 if value > 0.0 else -1.0 if value < 0.0 else 0.0
