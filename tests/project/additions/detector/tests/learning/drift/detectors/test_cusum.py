import numpy as np

from coursekit.learning.drift import CUSUM


def test_the_alarm_is_where_the_largest_sum_of_recent_deviations_passes_the_threshold():
    values = np.random.default_rng(0).normal(np.repeat([0.0, 1.0], 300), 1.0)
    above = values - values[:200].mean() - 0.3
    below = -above - 0.6
    largest = [
        max(side[start : t + 1].sum() for side in (above, below) for start in range(200, t + 1))
        for t in range(200, 400)
    ]
    first = 200 + int(np.argmax(np.array(largest) > 10.0))
    assert CUSUM(warm_up=200, slack=0.3, threshold=10.0).update_many(values)[0] == first
    assert 300 < first < 330
