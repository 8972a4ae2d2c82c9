"""Statistics of experiments, as pure functions of arrays (lesson 09).

Everything works on `Moments`, the number, mean and variance of independent units, and on the
`Effect` estimated from two of them; numbers may be arrays, one for each experiment or look.
"""

from coursekit.evaluation.statistics.always_valid import (
    always_valid_test,
    mixture_log_e,
    mixture_variance,
)
from coursekit.evaluation.statistics.cuped import cuped, cuped_coefficient
from coursekit.evaluation.statistics.effects import Effect, difference, effect_size, lift
from coursekit.evaluation.statistics.fixed import (
    Inference,
    fixed_test,
    two_proportion_test,
    welch_test,
)
from coursekit.evaluation.statistics.group_sequential import group_sequential_bounds, level_spent
from coursekit.evaluation.statistics.moments import Moments
from coursekit.evaluation.statistics.multiplicity import (
    benjamini_hochberg,
    e_benjamini_hochberg,
    holm,
)
from coursekit.evaluation.statistics.power import (
    detectable_effect,
    power_of_means,
    power_of_proportions,
    proportion_effect_size,
    sample_size_of_means,
    sample_size_of_proportions,
)
from coursekit.evaluation.statistics.ratio import ratio_moments
from coursekit.evaluation.statistics.sample_ratio import sample_ratio_log_e, sample_ratio_p_value
from coursekit.evaluation.statistics.two_proportion_process import two_proportion_log_e

__all__ = [
    "Effect",
    "Inference",
    "Moments",
    "always_valid_test",
    "benjamini_hochberg",
    "cuped",
    "cuped_coefficient",
    "detectable_effect",
    "difference",
    "e_benjamini_hochberg",
    "effect_size",
    "fixed_test",
    "group_sequential_bounds",
    "holm",
    "level_spent",
    "lift",
    "mixture_log_e",
    "mixture_variance",
    "power_of_means",
    "power_of_proportions",
    "proportion_effect_size",
    "ratio_moments",
    "sample_ratio_log_e",
    "sample_ratio_p_value",
    "sample_size_of_means",
    "sample_size_of_proportions",
    "two_proportion_log_e",
    "two_proportion_test",
    "welch_test",
]
