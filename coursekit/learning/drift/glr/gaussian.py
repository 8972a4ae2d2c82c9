"""The exact likelihood-ratio detector for real numbers."""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.learning.drift.detector import CALM, DRIFT, DriftDetector
from coursekit.learning.drift.glr.convex_hull import CAPACITY, push
from coursekit.learning.drift.glr.prewhitening import innovation
from coursekit.learning.drift.settings import require, require_count, require_direction

__all__ = ["GaussianGLR"]

# Rows of the memory: what is known, the corners to see a rise, those to see a fall (their sums
# negated), the latest sums, and what is known of the dependence between neighbours.
KNOWN, RISES, RISE_SUMS, FALLS, FALL_SUMS, SUMS, NEIGHBOURS = range(7)
# Layout of the first row: what is known so far, then the settings. Sums are of the distances from
# ORIGIN, the first value, so that a large level costs no digits. No change is possible while SPREAD
# is below SAFE and N below UNTIL.
N, MEAN, SPREAD, ORIGIN, SUM, SAFE, UNTIL, N_PUSHED, N_RISES, N_FALLS, CHANGE = range(11)
WATCH_RISE, WATCH_FALL, THRESHOLD, VARIANCE, MIN_SEGMENT, AUTOCORRELATED = range(11, 17)

ROUNDING = 1e-12  # a share of the spread that may be no more than the error of sums
LONGEST_SEGMENT = CAPACITY // 2
HORIZON = (
    CAPACITY - LONGEST_SEGMENT - 1.0
)  # the latest sums are kept for so long, so this often the corners are brought up to date


@compiled
def step(memory, value):
    """Move on by one value."""
    known = memory[KNOWN]
    if known[AUTOCORRELATED] != 0.0:
        value = innovation(memory[NEIGHBOURS], value)
    if known[N] == 0.0:
        known[ORIGIN] = value
    known[N], known[MEAN], known[SPREAD] = _include(known[N], known[MEAN], known[SPREAD], value)
    known[SUM] += value - known[ORIGIN]
    memory[SUMS, int(known[N]) % CAPACITY] = known[SUM]
    if known[SPREAD] < known[SAFE] and known[N] < known[UNTIL]:
        return CALM
    return _look(memory)


@compiled
def scan(memory, values, signal):
    """Move on until an alarm or the end: `step`, with what is known held in local variables between
    two looks.
    """
    known, sums, neighbours = memory[KNOWN], memory[SUMS], memory[NEIGHBOURS]
    autocorrelated = known[AUTOCORRELATED] != 0.0
    t = 0
    while t < values.size:
        if known[N] == 0.0:
            known[ORIGIN] = 0.0 if autocorrelated else values[t]
        n, mean, spread, total, origin = (
            known[N],
            known[MEAN],
            known[SPREAD],
            known[SUM],
            known[ORIGIN],
        )
        safe, until = known[SAFE], known[UNTIL]
        calm = True
        while calm and t < values.size:
            value = innovation(neighbours, values[t]) if autocorrelated else values[t]
            n, mean, spread = _include(n, mean, spread, value)
            total += value - origin
            sums[int(n) % CAPACITY] = total
            t += 1
            calm = spread < safe and n < until
        known[N], known[MEAN], known[SPREAD], known[SUM] = n, mean, spread, total
        signal = CALM if calm else _look(memory)
        if signal == DRIFT:
            return t, signal
    return values.size, signal


@compiled
def _include(n, mean, spread, value):
    """Welford's update of the number of values, their mean and their sum of squared deviations."""
    n += 1.0
    deviation = value - mean
    mean += deviation / n
    return n, mean, spread + deviation * (value - mean)


@compiled
def _look(memory):
    """Look for a change at every corner; if there is none, say until when there can be none."""
    known, sums = memory[KNOWN], memory[SUMS]
    n, segment = int(known[N]), int(known[MIN_SEGMENT])
    for k in range(int(known[N_PUSHED]) + 1, n - segment + 1):
        at_k = sums[k % CAPACITY]
        known[N_RISES] = push(memory[RISES], memory[RISE_SUMS], int(known[N_RISES]), k, at_k)
        known[N_FALLS] = push(memory[FALLS], memory[FALL_SUMS], int(known[N_FALLS]), k, -at_k)
        known[N_PUSHED] = k

    gain = _best_gain(memory)
    is_change = _ratio(n, known[SPREAD], gain, known[VARIANCE]) >= known[THRESHOLD]
    for k in range(
        max(1, n - segment + 1), n
    ):  # splits that are too young for an alarm, but tell where the change is
        gap = known[SUM] * k / n - sums[k % CAPACITY]
        young = gap * gap * n / (k * (n - k))
        if young > gain and known[WATCH_RISE if gap > 0.0 else WATCH_FALL] != 0.0:
            gain, known[CHANGE] = young, k
    if is_change:
        return DRIFT
    known[UNTIL] = n + HORIZON
    known[SAFE] = _safe_spread(
        known[UNTIL], known[SPREAD] - gain, known[THRESHOLD], known[VARIANCE]
    )
    return CALM


@compiled
def _best_gain(memory):
    """How much of the spread the best split explains."""
    known = memory[KNOWN]
    n = known[N]
    best = 0.0
    for side in range(2):
        if known[WATCH_RISE + side] != 0.0:
            total = known[SUM] if side == 0 else -known[SUM]
            positions, sums = memory[RISES + 2 * side], memory[RISE_SUMS + 2 * side]
            for at in range(int(known[N_RISES + side])):
                k = positions[at]
                gap = (
                    total * k / n - sums[at]
                )  # positive where the mean is higher after k than before
                gain = gap * gap * n / (k * (n - k))
                if gap > 0.0 and gain > best:
                    best, known[CHANGE] = gain, k
    return best


@compiled
def _ratio(n, spread, gain, variance):
    """The log likelihood ratio of a split that explains `gain` of the spread."""
    if variance > 0.0:
        return gain / (2.0 * variance)
    rest = spread - gain
    if rest <= ROUNDING * spread:
        return math.inf if gain > 0.0 else 0.0
    return _weight(n) * math.log(spread / rest)


@compiled
def _weight(n):
    """Half the degrees of freedom, corrected so that the ratio is distributed as if the variance
    were known.
    """
    freedom = n - 2.0
    return freedom / 2.0 * ((8.0 * freedom + 1.0) / (8.0 * freedom + 3.0)) ** 2


@compiled
def _safe_spread(until, rest, threshold, variance):
    """The spread below which no split can reach the threshold before `until`, as none leaves less
    than `rest` unexplained.
    """
    if variance > 0.0:
        return rest + 2.0 * variance * threshold
    return rest * math.exp(threshold / _weight(until))


def threshold_for(
    samples_between_false_alarms: float, n_directions: int, min_segment: int
) -> float:
    r"""Return the threshold on $\Lambda$ that false alarms pass as rarely as wanted.

    Their mean distance is about $\frac{2}{d} \sqrt{2\pi}\, e^{a} / \big(b\, I(b/\sqrt m)\big)$ at a
    threshold of $a = b^2/2$, for d directions and changes of at least m values, with $I(u) =
    \int_0^u x\,\nu^2(x)\,dx$ and $\nu(x) \approx e^{-0.583 x}$ (D. Siegmund, E. S. Venkatraman
    1995, doi:10.1214/aos/1176324466). So the threshold is the logarithm of what is wanted, and a
    correction.

    >>> threshold_for(100_000, n_directions=2, min_segment=20)
    10.743
    """
    threshold = math.log(samples_between_false_alarms)
    for _ in range(50):  # a contraction where 20 segments or more are wanted
        b = math.sqrt(2.0 * threshold)
        cu = 2 * 0.583 * b / math.sqrt(min_segment)
        integral = (1.0 - math.exp(-cu) * (1.0 + cu)) / (2 * 0.583) ** 2
        threshold = math.log(
            samples_between_false_alarms
            * n_directions
            / 2.0
            * b
            * integral
            / math.sqrt(2.0 * math.pi)
        )
    return threshold


class GaussianGLR(DriftDetector):
    r"""Ask of every possible change point at once how much better two means explain the stream than
    one.

    Model: a split after k values explains $G_k = \frac{k(n-k)}{n}(\bar x_{after} - \bar
    x_{before})^2$ of the sum of squares $Q$ around the mean. With a known standard deviation, the
    log likelihood ratio is $\Lambda_n = \max_k G_k / 2\sigma^2$. With an unknown one, $\Lambda_n =
    \max_k \frac{\nu c_\nu}{2} \ln\frac{Q}{Q - G_k}$ with $\nu = n - 2$, where $c_\nu =
    (\frac{8\nu+1}{8\nu+3})^2$ makes it as likely to be large as with a known one (D. L. Wallace
    1959). Alarm when $\Lambda_n$ reaches the threshold that belongs to the wanted samples between
    false alarms (see `threshold_for`).

    No k is left out: $G_k$ is always largest at a corner of the convex hull of the cumulative sums,
    of which there are about ln n. And as $Q - \max G_k$ never shrinks, the corners are only gone
    through when Q has grown enough, at every twentieth value or so.

    Parameters
    ----------
    samples_between_false_alarms : float, at least 20 * `min_segment`
        How many samples of an unchanged stream you want between two alarms, on average: 100,000 is
        one false alarm in ten streams of 10,000. Simulated on independent normal values, it is kept
        to within a factor of 1.3. Dependent values (unless `autocorrelated`) and heavy tails raise
        more alarms; of squared errors, watch the square root or the logarithm.
    std : float, greater than 0, optional
        $\sigma$, if it is known, in the unit of the values. Left out, it is learnt, and the unit
        does not matter.
    direction : {"up", "down", "both"}
        Which changes count.
    min_segment : int, 3 to 64
        The fewest values before and after a change. Outliers and heavy tails raise fewer alarms,
        the longer it is; only changes of more than a standard deviation are noticed later for it.
    autocorrelated : bool
        Whether neighbouring values resemble each other. How much they do is then learnt, and what
        is new in each is watched (see :mod:`~coursekit.learning.drift.glr.prewhitening`): false
        alarms stay as rare as wanted, within a factor of 2, for values correlated up to 0.9 with
        the one before, where other detectors raise hundreds. `std` is that of the innovations.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> values = 20 + rng.normal(np.repeat([0.0, 0.5], 5000), 1.0)
    >>> detector = GaussianGLR()
    >>> first = next(t for t, value in enumerate(values) if detector.add_error(value))
    >>> first, first + 1 - detector.n_since_change
    (5046, 5024)

    References
    ----------
    G. Romano, I. Eckley, P. Fearnhead, G. Rigaill (2023), "Fast online changepoint detection via
    functional pruning CUSUM statistics", arXiv:2110.08205. D. L. Wallace (1959), "Bounds on normal
    approximations to Student's and the chi-square distributions", Annals of Mathematical Statistics
    30.
    """

    __slots__ = ()
    _step = staticmethod(step)
    _scan = staticmethod(scan)

    def __init__(
        self,
        samples_between_false_alarms: float = 100_000,
        std: float | None = None,
        direction: str = "both",
        min_segment: int = 20,
        autocorrelated: bool = False,
    ) -> None:
        wanted = samples_between_false_alarms
        require(std is None or 0 < std < math.inf, "std", "greater than 0, or None", std)
        min_segment = require_count("min_segment", min_segment, lowest=3)
        require(
            min_segment <= LONGEST_SEGMENT, "min_segment", f"at most {LONGEST_SEGMENT}", min_segment
        )
        lowest = 20 * min_segment
        require(
            lowest <= wanted < math.inf,
            "samples_between_false_alarms",
            f"at least 20 * `min_segment` = {lowest}",
            wanted,
        )
        rise, fall = require_direction(direction)
        memory = np.zeros((7, CAPACITY))
        known = memory[KNOWN]
        known[[SAFE, UNTIL, N_PUSHED]] = math.inf, 2.0 * min_segment, min_segment - 1.0
        known[[WATCH_RISE, WATCH_FALL, MIN_SEGMENT]] = rise, fall, min_segment
        known[THRESHOLD] = threshold_for(wanted, int(rise + fall), min_segment)
        known[AUTOCORRELATED] = bool(autocorrelated)
        known[VARIANCE] = 0.0 if std is None else std * std
        settings = {
            "samples_between_false_alarms": wanted,
            "std": std,
            "direction": direction,
            "min_segment": min_segment,
            "autocorrelated": bool(autocorrelated),
        }
        super().__init__(settings, memory)

    def _n_since_change(self) -> int:
        return int(self._memory[KNOWN, N] - self._memory[KNOWN, CHANGE])
