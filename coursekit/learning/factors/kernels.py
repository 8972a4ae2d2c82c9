r"""The compiled loops of every factor model, for learning and predicting (lessons 02 and 03).

The model predicts, over the rows $r$ that are active with values $x_r$,

$$\hat y = w_0 + \sum_r x_r w_r + \sum_{q<r} x_q x_r \langle v_q, v_r\rangle.$$

With two active rows of value 1, a user and an item, this is biased matrix factorization;
`learn_pair` is that case written out, `learn_rows` the general one in $O(k\,\mathrm{nnz})$ by
Rendle's identity $\sum_{q<r} x_q x_r\langle v_q, v_r\rangle = \tfrac12\sum_f \big[(\sum_r x_r
v_{rf})^2 - \sum_r x_r^2 v_{rf}^2\big]$.

Arguments, the same everywhere, with $k$ factors and n events:

- `table`, shape (n_rows, 1 + k) for SGD, else (n_rows, 2 (1 + k)): each row holds ``[w_r, v_r1, ...
  v_rk]``, then what the optimizer remembers of each of these (AdaGrad: sums of squared gradients,
  belief: variances);
- `model`, shape (MODEL_SIZE,): the intercept $w_0$, its memory, the number of events, then the
  settings (see the constants below);
- `tag`: of the optimizer; `k`: the number of factors;
- `users`, `items`, `targets`, `weights`, `predictions`: shape (n,).

A row whose bias is exactly 0 has learnt nothing yet: its random factors enter no prediction before
its second event, so an unseen id is predicted the same before and after it is given a row.

Every `learn_*` returns the prediction made before the update. It returns NaN, and has changed
nothing, if the update would leave the range of floats.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from coursekit.core.compiled import compiled, entrance
from coursekit.learning.optim.adagrad import adagrad
from coursekit.learning.optim.gaussian_belief import BELIEF_TAG, belief
from coursekit.learning.optim.sgd import SGD_TAG, sgd

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

# Layout of `model`: three numbers that learning changes, then the settings. A rate is a step size,
# for a belief the process noise; NOISE is sigma^2 of a belief.
INTERCEPT, INTERCEPT_MEMORY, N_SAMPLES = 0, 1, 2
NOISE, USER_RATE, USER_PENALTY, ITEM_RATE, ITEM_PENALTY = 3, 4, 5, 6, 7
FACTOR_RATE, FACTOR_PENALTY, FEATURE_RATE, FEATURE_FACTOR_RATE, FEATURE_PENALTY = 8, 9, 10, 11, 12
MODEL_SIZE = 13
N_IDS = 2  # an event's first rows are its user and its item; side features follow

_fast = compiled(reorder_sums=True)
_enter = partial(entrance, reorder_sums=True)

LARGEST = 1e300  # squared errors times squared slopes stay below this, so no update overflows


@compiled
def _update(tag, row, j, slope, error, variance, rate, penalty):
    """Update coordinate j of a row; what is remembered of it lies half a row further on.

    `slope` is the derivative of the prediction along it, `error` = target - prediction (times the
    event's weight, but for a belief), `variance` the predictive variance.
    """
    m = j + row.size // 2
    if tag == SGD_TAG:
        sgd(row, j, rate, penalty * row[j] - error * slope)
    elif tag == BELIEF_TAG:
        belief(row, j, row, m, slope, error, variance, rate)
    else:
        adagrad(row, j, row, m, rate, penalty * row[j] - error * slope)


@_enter
def learn_pair(table, model, tag, k, u, i, target, weight):
    """Learn one event of user row u and item row i."""
    user, item = table[u], table[i]
    user_counts = 1.0 if user[0] != 0.0 else 0.0
    item_counts = 1.0 if item[0] != 0.0 else 0.0
    dot = 0.0  # <p_u, q_i>
    squares = 3.0  # sum of squared slopes: those of three biases are 1
    for f in range(1, k + 1):
        dot += user[f] * item[f]
        squares += user[f] * user[f] + item[f] * item[f]
    prediction = model[INTERCEPT] + (user[0] + item[0]) + user_counts * item_counts * dot
    error = target - prediction
    if not error * error * squares < LARGEST:
        return math.nan
    model[N_SAMPLES] += 1.0
    if weight == 0.0:
        return prediction

    variance = 1.0
    if tag == BELIEF_TAG:  # V = sigma^2 / w + sum_j s_j^2 (v_j + q_j)
        m = k + 1
        noise = model[FACTOR_RATE]
        variance = model[NOISE] / weight + model[INTERCEPT_MEMORY]
        variance += user[m] + model[USER_RATE] + item[m] + model[ITEM_RATE]
        for f in range(1, k + 1):
            user_slope, item_slope = item_counts * item[f], user_counts * user[f]
            variance += user_slope * user_slope * (user[m + f] + noise)
            variance += item_slope * item_slope * (item[m + f] + noise)
    error = _update_intercept(model, tag, error, weight, variance)

    _update(tag, user, 0, 1.0, error, variance, model[USER_RATE], model[USER_PENALTY])
    _update(tag, item, 0, 1.0, error, variance, model[ITEM_RATE], model[ITEM_PENALTY])
    # rates are read where they are used: in local variables they make this loop half as fast
    for f in range(1, k + 1):
        user_slope, item_slope = item_counts * item[f], user_counts * user[f]  # q_if and p_uf
        _update(
            tag, user, f, user_slope, error, variance, model[FACTOR_RATE], model[FACTOR_PENALTY]
        )
        _update(
            tag, item, f, item_slope, error, variance, model[FACTOR_RATE], model[FACTOR_PENALTY]
        )
    return prediction


@_enter
def learn_pairs(table, model, tag, k, users, items, targets, weights, predictions):
    """Learn events in order; fill `predictions` and return how many were learnt (fewer than n if
    one overflowed).
    """
    for t in range(targets.size):
        predictions[t] = learn_pair(
            table, model, tag, k, users[t], items[t], targets[t], weights[t]
        )
        if math.isnan(predictions[t]):
            return t
    return targets.size


@_enter
def learn_rows(table, model, tag, k, rows, values, target, weight):
    """Learn one event in which `rows` are active with `values`, both of shape (n_active,)."""
    sums = np.zeros(k)  # sum_r x_r v_r
    prediction = model[INTERCEPT] + _sum_rows(table, k, rows, values, sums)
    error = target - prediction
    squares = 1.0  # sum of squared slopes
    for at in range(rows.size):
        row, x = table[rows[at]], values[at]
        counts = x if row[0] != 0.0 else 0.0
        squares += x * x
        for f in range(1, k + 1):
            slope = x * (sums[f - 1] - counts * row[f])
            squares += slope * slope
    if not error * error * squares < LARGEST:
        return math.nan
    model[N_SAMPLES] += 1.0
    if weight == 0.0:
        return prediction

    variance = 1.0
    if tag == BELIEF_TAG:
        variance = model[NOISE] / weight + _variance(table, model, k, rows, values, sums, N_IDS)
    error = _update_intercept(model, tag, error, weight, variance)

    for at in range(rows.size):
        row, x = table[rows[at]], values[at]
        counts = x if row[0] != 0.0 else 0.0
        bias_rate, rate = _rates(model, at < N_IDS)
        penalty = model[FEATURE_PENALTY]
        if at < N_IDS:
            penalty = model[USER_PENALTY] if at == 0 else model[ITEM_PENALTY]
        _update(tag, row, 0, x, error, variance, bias_rate, penalty)
        for f in range(1, k + 1):
            slope = x * (sums[f - 1] - counts * row[f])  # x_r (sum_q x_q v_qf - x_r v_rf)
            _update(tag, row, f, slope, error, variance, rate, model[FACTOR_PENALTY])
    return prediction


@_enter
def learn_rows_many(table, model, tag, k, rows, starts, values, targets, weights, predictions):
    """Learn events in order, as `learn_pairs`; event t has rows[starts[t]:starts[t + 1]], and
    values likewise. Shapes: starts (n + 1,), rows and values (starts[n],).
    """
    for t in range(targets.size):
        active = slice(starts[t], starts[t + 1])
        predictions[t] = learn_rows(
            table, model, tag, k, rows[active], values[active], targets[t], weights[t]
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
    table, model, k, rows, values, n_ids, unseen_ids, unseen_features, bias_prior, factor_prior
):
    """Variance of a target around `predict_rows` under a Gaussian belief.

    The first `n_ids` rows are of ids. `unseen_*` is the sum of x^2 over what has no row and would
    start with the prior variances given last.
    """
    sums = np.zeros(k)
    _sum_rows(table, k, rows, values, sums)
    square = 0.0
    for f in range(k):
        square += sums[f] * sums[f]
    of_an_unseen = bias_prior + square * factor_prior
    variance = model[NOISE] + _variance(table, model, k, rows, values, sums, n_ids)
    variance += unseen_ids * (of_an_unseen + model[USER_RATE] + square * model[FACTOR_RATE])
    variance += unseen_features * (
        of_an_unseen + model[FEATURE_RATE] + square * model[FEATURE_FACTOR_RATE]
    )
    return variance


@_fast
def _variance(table, model, k, rows, values, sums, n_ids):
    """Variance of the prediction from not knowing the parameters, sum_j s_j^2 (v_j + q_j)."""
    m = k + 1
    variance = model[INTERCEPT_MEMORY]
    for at in range(rows.size):
        row, x = table[rows[at]], values[at]
        counts = x if row[0] != 0.0 else 0.0
        bias_noise, factor_noise = _rates(model, at < n_ids)
        variance += x * x * (row[m] + bias_noise)
        for f in range(1, k + 1):
            slope = x * (sums[f - 1] - counts * row[f])
            variance += slope * slope * (row[m + f] + factor_noise)
    return variance


@_fast
def _rates(model, is_id):
    """Rates of the bias and the factors of a row: side features have their own."""
    if is_id:
        return model[USER_RATE], model[FACTOR_RATE]
    return model[FEATURE_RATE], model[FEATURE_FACTOR_RATE]


@_fast
def _update_intercept(model, tag, error, weight, variance):
    """Update the intercept and return the error that the rows are updated with."""
    if tag == BELIEF_TAG:  # a Kalman step with slope 1 and no process noise
        gain = model[INTERCEPT_MEMORY] / variance
        model[INTERCEPT_MEMORY] *= 1.0 - gain
        model[INTERCEPT] += gain * error
        return error
    # the weighted running mean of what biases and factors leave unexplained
    model[INTERCEPT_MEMORY] += weight
    model[INTERCEPT] += error * weight / model[INTERCEPT_MEMORY]
    return error * weight
