r"""The learning and predicting loops of every factor model: one family, two entrances (lessons 02
and 03).

A row of the table holds ``[bias, factors..., memory of the bias, memory of the factors...]`` (no
memory for plain SGD). The model predicts, over the rows $r$ that are active with values $x_r$,

$$\hat y = w_0 + \sum_r x_r w_r + \sum_{q<r} x_q x_r \langle v_q, v_r\rangle.$$

With two active rows of value 1, a user and an item, this is biased matrix factorization;
`learn_pair` is that case written out, `learn_rows` the general one in $O(k\,\mathrm{nnz})$ by
Rendle's identity $\sum_{q<r} x_q x_r\langle v_q, v_r\rangle = \tfrac12\sum_f \big[(\sum_r x_r
v_{rf})^2 - \sum_r x_r^2 v_{rf}^2\big]$.

A row whose bias is exactly 0 has learnt nothing yet, and its random start must not leak into
predictions: its factors count from its second event on. So the prediction for an unseen id is the
same before and after the id is given a row.

Every `learn_*` returns the prediction made before the update. It returns NaN, and has changed
nothing, if the update would leave the range of floats.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from coursekit.core.compiled import compiled, entrance
from coursekit.learning.optim.rules import BELIEF_TAG, move

__all__ = [
    "learn_pair",
    "learn_pairs",
    "learn_rows",
    "learn_rows_many",
    "predict_pair",
    "predict_pairs",
    "predict_rows",
    "predict_variance",
]

# Layout of the vector `model`: what belongs to no row, then the settings of the rule.
INTERCEPT, INTERCEPT_MEMORY, N_SAMPLES = 0, 1, 2
NOISE, USER_RATE, USER_PENALTY, ITEM_RATE, ITEM_PENALTY, FACTOR_RATE, FACTOR_PENALTY = (
    3,
    4,
    5,
    6,
    7,
    8,
    9,
)
FEATURE_RATE, FEATURE_FACTOR_RATE = 10, 11
MODEL_SIZE = 12
N_IDS = 2  # an event's first rows are its user and its item; side features follow

_fast = compiled(reorder_sums=True)
_enter = partial(entrance, reorder_sums=True)

LARGEST = 1e300  # squared errors times squared slopes stay below this, so no update overflows


@_enter
def learn_pair(table, model, rule, k, u, i, target, weight):
    """Learn one event of user row u and item row i."""
    user, item = table[u], table[i]
    user_counts = 1.0 if user[0] != 0.0 else 0.0
    item_counts = 1.0 if item[0] != 0.0 else 0.0
    dot = 0.0
    reach = 3.0  # the squared slopes: three biases, then the factors
    for f in range(1, k + 1):
        dot += user[f] * item[f]
        reach += user[f] * user[f] + item[f] * item[f]
    prediction = model[INTERCEPT] + (user[0] + item[0]) + user_counts * item_counts * dot
    error = target - prediction
    if not error * error * reach < LARGEST:
        return math.nan
    model[N_SAMPLES] += 1.0
    if weight == 0.0:
        return prediction

    spread = 1.0
    if rule == BELIEF_TAG:
        m = k + 1
        walk = model[FACTOR_RATE]
        spread = (
            model[NOISE] / weight
            + model[INTERCEPT_MEMORY]
            + user[m]
            + model[USER_RATE]
            + item[m]
            + model[ITEM_RATE]
        )
        for f in range(1, k + 1):
            spread += item_counts * item[f] * item[f] * (user[m + f] + walk) + user_counts * user[
                f
            ] * user[f] * (item[m + f] + walk)
    error = _move_intercept(model, rule, error, weight, spread)

    move(rule, user, 0, 1.0, error, spread, model[USER_RATE], model[USER_PENALTY])
    move(rule, item, 0, 1.0, error, spread, model[ITEM_RATE], model[ITEM_PENALTY])
    for f in range(1, k + 1):
        user_slope = item_counts * item[f]
        item_slope = user_counts * user[f]
        move(rule, user, f, user_slope, error, spread, model[FACTOR_RATE], model[FACTOR_PENALTY])
        move(rule, item, f, item_slope, error, spread, model[FACTOR_RATE], model[FACTOR_PENALTY])
    return prediction


@_enter
def learn_pairs(table, model, rule, k, users, items, targets, weights, predictions):
    """Learn events in order; fill `predictions` and return how many were learnt (fewer than given
    if one overflowed).
    """
    for t in range(targets.size):
        predictions[t] = learn_pair(
            table, model, rule, k, users[t], items[t], targets[t], weights[t]
        )
        if math.isnan(predictions[t]):
            return t
    return targets.size


@_enter
def learn_rows(table, model, rule, k, rows, values, target, weight):
    """Learn one event in which `rows` are active with `values`."""
    sums = np.zeros(k)
    prediction = model[INTERCEPT] + _sum_rows(table, k, rows, values, sums)
    error = target - prediction
    reach = 1.0
    for at in range(rows.size):
        row, x = table[rows[at]], values[at]
        counts = x if row[0] != 0.0 else 0.0
        reach += x * x
        for f in range(1, k + 1):
            slope = x * (sums[f - 1] - counts * row[f])
            reach += slope * slope
    if not error * error * reach < LARGEST:
        return math.nan
    model[N_SAMPLES] += 1.0
    if weight == 0.0:
        return prediction

    spread = 1.0
    if rule == BELIEF_TAG:
        spread = model[NOISE] / weight + _variance(table, model, k, rows, values, sums, N_IDS)
    error = _move_intercept(model, rule, error, weight, spread)

    for at in range(rows.size):
        row, x = table[rows[at]], values[at]
        counts = x if row[0] != 0.0 else 0.0
        bias_rate, rate = _rates(model, at < N_IDS)
        move(rule, row, 0, x, error, spread, bias_rate, model[USER_PENALTY])
        for f in range(1, k + 1):
            slope = x * (sums[f - 1] - counts * row[f])
            move(rule, row, f, slope, error, spread, rate, model[FACTOR_PENALTY])
    return prediction


@_enter
def learn_rows_many(table, model, rule, k, starts, rows, values, targets, weights, predictions):
    """Learn events in order; event t has the rows and values from starts[t] to starts[t + 1]."""
    for t in range(targets.size):
        active = slice(starts[t], starts[t + 1])
        predictions[t] = learn_rows(
            table, model, rule, k, rows[active], values[active], targets[t], weights[t]
        )
        if math.isnan(predictions[t]):
            return t
    return targets.size


@_fast
def predict_pair(table, model, k, u, i):
    """Predict for user row u and item row i; -1 stands for an id without a row."""
    prediction = 0.0
    if u >= 0:
        prediction += table[u, 0]
    if i >= 0:
        prediction += table[i, 0]
    dot = 0.0
    if u >= 0 and i >= 0 and table[u, 0] != 0.0 and table[i, 0] != 0.0:
        for f in range(1, k + 1):
            dot += table[u, f] * table[i, f]
    return model[INTERCEPT] + prediction + dot


@_fast
def predict_pairs(table, model, k, users, items, predictions):
    """Predict many pairs into `predictions`."""
    for t in range(predictions.size):
        predictions[t] = predict_pair(table, model, k, users[t], items[t])


@_fast
def predict_rows(table, model, k, rows, values):
    """Predict for the active rows."""
    return model[INTERCEPT] + _sum_rows(table, k, rows, values, np.zeros(k))


@_fast
def _sum_rows(table, k, rows, values, sums):
    """Return the linear and the pairwise part; leave sum_r x_r v_rf in `sums`, shape (k,)."""
    linear = 0.0
    squares = 0.0
    for at in range(rows.size):
        row, x = table[rows[at]], values[at]
        linear += x * row[0]
        if row[0] != 0.0:
            for f in range(1, k + 1):
                term = x * row[f]
                sums[f - 1] += term
                squares += term * term
    pairwise = -squares
    for f in range(k):
        pairwise += sums[f] * sums[f]
    return linear + 0.5 * pairwise


@_fast
def predict_variance(
    table,
    model,
    k,
    rows,
    values,
    n_ids,
    unseen_ids,
    unseen_features,
    bias_variance,
    factor_variance,
):
    """Variance of a target around `predict_rows` under a Gaussian belief.

    The first `n_ids` rows are of ids. `unseen_*` is the sum of x^2 over what has no row and would
    start with the variances given last.
    """
    sums = np.zeros(k)
    _sum_rows(table, k, rows, values, sums)
    square = 0.0
    for f in range(k):
        square += sums[f] * sums[f]
    of_an_unseen = bias_variance + square * factor_variance
    variance = model[NOISE] + _variance(table, model, k, rows, values, sums, n_ids)
    variance += unseen_ids * (of_an_unseen + model[USER_RATE] + square * model[FACTOR_RATE])
    variance += unseen_features * (
        of_an_unseen + model[FEATURE_RATE] + square * model[FEATURE_FACTOR_RATE]
    )
    return variance


@_fast
def _variance(table, model, k, rows, values, sums, n_ids):
    """Variance of the prediction that comes from not knowing the parameters, sum_j s_j^2 v_j."""
    m = k + 1
    variance = model[INTERCEPT_MEMORY]
    for at in range(rows.size):
        row, x = table[rows[at]], values[at]
        counts = x if row[0] != 0.0 else 0.0
        bias_walk, factor_walk = _rates(model, at < n_ids)
        variance += x * x * (row[m] + bias_walk)
        for f in range(1, k + 1):
            slope = x * (sums[f - 1] - counts * row[f])
            variance += slope * slope * (row[m + f] + factor_walk)
    return variance


@_fast
def _rates(model, is_id):
    """Rates (of a belief: walks) of the bias and the factors of a row: side features have their
    own.
    """
    if is_id:
        return model[USER_RATE], model[FACTOR_RATE]
    return model[FEATURE_RATE], model[FEATURE_FACTOR_RATE]


@_fast
def _move_intercept(model, rule, error, weight, spread):
    """Move the intercept by its share of the error and return the error as the rows shall see
    it.
    """
    if rule == BELIEF_TAG:
        gain = model[INTERCEPT_MEMORY] / spread
        model[INTERCEPT_MEMORY] *= 1.0 - gain
        model[INTERCEPT] += gain * error
        return error
    model[INTERCEPT_MEMORY] += (
        weight  # the running mean of what biases and factors leave unexplained
    )
    model[INTERCEPT] += error * weight / model[INTERCEPT_MEMORY]
    return error * weight
