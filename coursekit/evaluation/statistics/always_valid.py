"""Always-valid inference: p-values and intervals that hold at every look at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from coursekit.core.validation import number
from coursekit.evaluation.statistics.effects import Effect
from coursekit.evaluation.statistics.fixed import Inference, inference
from coursekit.evaluation.statistics.moments import Values, plain

__all__ = ["always_valid_test", "mixture_log_e", "mixture_variance"]


def mixture_log_e(effect: Effect, mixture: float) -> Values:
    r"""Return the logarithm of the normal-mixture e-value against "no effect".

    $E = \sqrt{\frac{V}{V + \tau^2}} \exp \frac{\tau^2 \hat\delta^2}{2 V (V + \tau^2)}$ with the
    estimate $\hat\delta$, its variance $V$ and the mixture variance $\tau^2$. It is the likelihood
    ratio of $\delta \sim N(0, \tau^2)$ and $\delta = 0$, the statistic of the mixture sequential
    probability ratio test (mSPRT).

    References
    ----------
    H. Robbins (1970), doi:10.1214/aoms/1177696786. R. Johari, P. Koomen, L. Pekelis, D. Walsh
    (2022), "Always valid inference", doi:10.1287/opre.2021.2135.
    """
    v, tau2 = np.asarray(effect.variance, np.float64), number("mixture", mixture, above=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = tau2 * np.square(effect.estimate) / (2 * v * (v + tau2))
    exponent = np.where(np.equal(effect.estimate, 0), 0.0, exponent)
    with np.errstate(divide="ignore"):
        return plain(np.where(v > 0, 0.5 * np.log(v / (v + tau2)), 0.0) + exponent)


def always_valid_test(effect: Effect, *, mixture: float, level: float = 0.05) -> Inference:
    r"""Test an effect so that any number of looks keeps the level, asymptotically.

    The p-value is $\min(1, 1/E)$ of `mixture_log_e`; the interval is $\hat\delta \pm
    \sqrt{\frac{2 V (V + \tau^2)}{\tau^2} \ln \frac{\sqrt{(V + \tau^2)/V}}{\alpha}}$, the asymptotic
    confidence sequence. Start to look when each variant has about a hundred units: the variance is
    estimated.

    Parameters
    ----------
    effect : Effect
    mixture : float, greater than 0
        $\tau^2$, fixed before the first look, as `mixture_variance` gives it.
    level : float, in (0, 1)

    Examples
    --------
    >>> result = always_valid_test(Effect(estimate=0.3, variance=0.01), mixture=0.05)
    >>> round(result.p_value, 3), round(result.low, 3), round(result.high, 3)
    (0.058, -0.006, 0.606)

    References
    ----------
    I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas (2024), "Time-uniform central
    limit theory and asymptotic confidence sequences", arXiv:2103.06476.
    """
    level, tau2 = number("level", level, above=0, below=1), number("mixture", mixture, above=0)
    v = np.asarray(effect.variance, np.float64)
    p_value = np.minimum(1.0, np.exp(-np.asarray(mixture_log_e(effect, tau2))))
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.sqrt(2 * v * (v + tau2) / tau2 * (0.5 * np.log((v + tau2) / v) - np.log(level)))
    width = np.where(v > 0, width, 0.0)
    low, high = effect.estimate - width, effect.estimate + width
    return inference("always-valid normal mixture", level, effect, p_value, low, high)


def mixture_variance(variance: npt.ArrayLike, *, level: float = 0.05) -> float:
    r"""Return the mixture variance $\tau^2$ with the narrowest interval at one precision.

    $\tau^2 = V (-W_{-1}(-\alpha^2/e) - 1)$ with the lower branch $W_{-1}$ of Lambert's function,
    for the variance $V$ of the estimate at the sample size that matters most.

    >>> round(mixture_variance(0.01), 4)
    0.0822

    References
    ----------
    S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon (2021), arXiv:1810.08240, section 3.5.
    """
    v = number("variance", float(np.asarray(variance)), above=0)
    level = number("level", level, above=0, below=1)
    return float(v * (-special.lambertw(-(level**2) / np.e, -1).real - 1))
