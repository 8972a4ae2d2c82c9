r"""Prewhitening: the innovations of an autocorrelated stream.

Neighbouring measurements of a server, a price or a forecast error are correlated, and a test that
assumes independence raises too many false alarms. For $x_t - \mu = \rho\,(x_{t-1} - \mu) + e_t$
the innovations $e_t$ are independent; a change of the mean by $\Delta$ changes their mean by
$(1-\rho)\Delta$.

$\rho$ is estimated online, by a rank statistic on which the influence of one outlier is bounded:
with a the mean of +1 for two neighbours on the same side of the mean and -1 for two on different
sides, $\rho = \sin(\pi a / 2)$ (W. F. Sheppard 1899).
"""

from __future__ import annotations

import math

from coursekit.core.compiled import compiled

__all__ = ["innovation"]

# Layout of the statistics: number of values, their mean, the latest one, and the sum of sign
# agreements between neighbours (n a).
N, MEAN, LATEST, AGREEMENT = range(4)


@compiled
def innovation(known, value):
    """Return the innovation of a value and update the statistics; that of the first is 0."""
    news = 0.0  # e_t = (x_t - mean) - rho (x_(t-1) - mean)
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
