r"""The network of neural collaborative filtering by hand: forward, backward and step in one loop
over arrays (lesson 04).

With $x = [p_u; q_i]$, $h_1 = \phi(W_1^\top x + b_1)$, $h_2 = \phi(W_2^\top h_1 + b_2)$, $o =
w_3^\top h_2 + b_3$ and the error $e = y - \hat y$ (cut off at `max_error`, times the weight), the
chain rule gives, from the end to the beginning,

$$\delta_2 = e\,w_3\,[h_2 > 0],\quad \delta_1 = (W_2\delta_2)\,[h_1 > 0],\quad \delta_x =
W_1\delta_1$$

and every weight moves by the rate times what went in times the $\delta$ that comes out:
$W_1 \mathrel{+}= \eta\,x\delta_1^\top$. A unit that is off ($h = 0$) neither passes on nor takes in
anything, so its column is skipped.
"""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.compiled import compiled

__all__ = ["backward", "forward", "forward_many", "learn_one", "learn_many"]


@compiled(reorder_sums=True)
def forward(x, weight1, bias1, weight2, bias2, weight3, bias3, h1, h2):
    """Return the output for x; leave the hidden layers in `h1` and `h2`."""
    h1[:] = bias1
    for j in range(x.size):
        for k in range(h1.size):
            h1[k] += x[j] * weight1[j, k]
    h2[:] = bias2
    for j in range(h1.size):
        if h1[j] > 0.0:
            for k in range(h2.size):
                h2[k] += h1[j] * weight2[j, k]
        else:
            h1[j] = 0.0
    output = bias3[0]
    for k in range(h2.size):
        if h2[k] > 0.0:
            output += h2[k] * weight3[k]
        else:
            h2[k] = 0.0
    return output


@compiled(reorder_sums=True)
def backward(step, error, x, weight1, bias1, weight2, bias2, weight3, bias3, h1, h2, d1, d2, dx):
    """Move the network by `step` against the slope of one event; leave minus the slope at x in
    `dx`.

    The gradients are those of the network before the step.
    """
    move = step * error
    bias3[0] += move
    for k in range(h2.size):
        d2[k] = error * weight3[k] if h2[k] > 0.0 else 0.0 * error
        weight3[k] += move * h2[k]
        bias2[k] += step * d2[k]
    for j in range(h1.size):
        total = 0.0 * error
        if h1[j] > 0.0:
            push = step * h1[j]
            for k in range(h2.size):
                total += weight2[j, k] * d2[k]
                weight2[j, k] += push * d2[k]
        d1[j] = total
        bias1[j] += step * total
    for j in range(x.size):
        total = 0.0 * error
        push = step * x[j]
        for k in range(h1.size):
            total += weight1[j, k] * d1[k]
            weight1[j, k] += push * d1[k]
        dx[j] = total


@compiled(reorder_sums=True)
def forward_many(
    users, items, user_table, item_table, weight1, bias1, weight2, bias2, weight3, bias3, outputs
):
    """Fill `outputs` for pairs of rows; row -1 is the last one: unknown."""
    d = user_table.shape[1]
    x, h1, h2 = np.empty(2 * d, weight1.dtype), np.empty_like(bias1), np.empty_like(bias2)
    for t in range(users.size):
        x[:d] = user_table[users[t]]
        x[d:] = item_table[items[t]]
        outputs[t] = forward(x, weight1, bias1, weight2, bias2, weight3, bias3, h1, h2)


@compiled(reorder_sums=True)
def _move_row(table, memory, row, slopes, penalty, rate):
    """AdaGrad on one row, given minus the slopes."""
    for j in range(slopes.size):
        gradient = slopes[j] - penalty * table[row, j]
        memory[row, j] += gradient * gradient
        table[row, j] += rate * gradient / math.sqrt(memory[row, j])


@compiled(reorder_sums=True)
def learn_one(u, i, target, weight, mean, settings, user_table, item_table, user_memory, item_memory, weight1, bias1,
              weight2, bias2, weight3, bias3, scratch):  # fmt: skip
    """Learn one event of rows u and i; return the network's output before. `mean` holds the running
    mean and its weight.

    `settings` are the rates of network and rows, the penalty and the largest error; `scratch` is
    room for all layers.
    """
    d, n1, n2 = user_table.shape[1], bias1.size, bias2.size
    x, dx = scratch[: 2 * d], scratch[2 * d : 4 * d]
    h1, d1 = scratch[4 * d : 4 * d + n1], scratch[4 * d + n1 : 4 * d + 2 * n1]
    rest = 4 * d + 2 * n1
    h2, d2 = scratch[rest : rest + n2], scratch[rest + n2 : rest + 2 * n2]
    x[:d] = user_table[u]
    x[d:] = item_table[i]
    output = forward(x, weight1, bias1, weight2, bias2, weight3, bias3, h1, h2)
    if not math.isfinite(output):
        return math.nan
    if weight > 0.0:
        error = weight * min(max(target - mean[0] - output, -settings[3]), settings[3])
        step, rate, penalty = (
            x.dtype.type(settings[0]),
            x.dtype.type(settings[1]),
            x.dtype.type(settings[2]),
        )
        backward(
            step,
            x.dtype.type(error),
            x,
            weight1,
            bias1,
            weight2,
            bias2,
            weight3,
            bias3,
            h1,
            h2,
            d1,
            d2,
            dx,
        )
        _move_row(user_table, user_memory, u, dx[:d], penalty, rate)
        _move_row(item_table, item_memory, i, dx[d:], penalty, rate)
        mean[1] += weight
        mean[0] += weight * (target - mean[0]) / mean[1]
    return output


@compiled(reorder_sums=True)
def learn_many(users, items, targets, weights, nothing_known, mean, settings, user_table, item_table, user_memory,
               item_memory, weight1, bias1, weight2, bias2, weight3, bias3, scratch, predictions):  # fmt: skip
    """Learn events in order; fill `predictions` and return how many were learnt (fewer than given
    if one overflowed).
    """
    for t in range(users.size):
        before = mean[0]
        output = learn_one(users[t], items[t], targets[t], weights[t], mean, settings, user_table, item_table, user_memory,
                           item_memory, weight1, bias1, weight2, bias2, weight3, bias3, scratch)  # fmt: skip
        predictions[t] = before if nothing_known[t] else before + output
        if math.isnan(output):
            predictions[t] = math.nan
            return t
    return users.size
