import numpy as np
import pytest

from coursekit.core.events import OnlineSample
from coursekit.learning.learners.item_mean import ItemMean


def test_the_prediction_is_the_weighted_mean_of_the_item_and_of_five_prior_events():
    learner = ItemMean()
    targets = {"a": [4.0, 5.0, 3.0], "b": [1.0]}
    for item, values in targets.items():
        for value in values:
            learner.partial_fit(OnlineSample(user_id=0, item_id=item, target=value))
    mean = np.mean([4.0, 5.0, 3.0, 1.0])
    assert learner.predict(0, "a") == pytest.approx((12.0 + 5 * mean) / 8)
    assert learner.predict(0, "c") == pytest.approx(mean)
