r"""The network of neural collaborative filtering by hand: forward, backward and step as compiled
loops over arrays (lesson 04).

With $x = [p_u; q_i]$, $h_1 = \phi(W_1^\top x + b_1)$, $h_2 = \phi(W_2^\top h_1 + b_2)$, $o =
w_3^\top h_2 + b_3$, $\phi = \max(0, \cdot)$ and the error $e = y - \hat y$ (clipped to `max_error`,
times the weight), the chain rule gives

$$\delta_2 = e\,w_3\,[h_2 > 0],\quad \delta_1 = (W_2\delta_2)\,[h_1 > 0],\quad \delta_x =
W_1\delta_1$$

and a step of SGD is $W_1 \leftarrow W_1 + \eta\,x\delta_1^\top$, likewise for the others. A unit
with $h = 0$ has no gradient, so its row is skipped.

Shapes, with embeddings of length d, hidden layers of $n_1$ and $n_2$ units and n events:

- `layers`: weight1 (2d, n1), bias1 (n1,), weight2 (n1, n2), bias2 (n2,), weight3 (n2,), bias3 (1,);
- `tables`, `memories`: of users and of items, each (vocabulary size + 1, d); row -1 is an unknown
  id; a memory holds AdaGrad's sums of squared gradients;
- `x` (2d,), `h1`, `d1` (n1,), `h2`, `d2` (n2,), `dx` (2d,), and X (n, 2d), H1 (n, n1), H2 (n, n2),
  DX (n, 2d) for a batch;
- `rates`: learning rates of layers and rows, penalty of the rows, largest error;
- `running` (2,): mean of the targets, and the weight of the events in it.
"""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.arrays import AnyArray, ArrayLike
from coursekit.core.compiled import compiled
from coursekit.learning.optim.adagrad import adagrad

__all__ = ["aligned", "forward_many", "learn_many", "learn_one", "step_many", "step_rows"]


def aligned(numbers: ArrayLike) -> AnyArray:
    """Return a copy whose memory begins at a multiple of 64 bytes, a cache line: numpy promises 16,
    where every second load of a vector of numbers touches two lines (kernels 1.15 times slower).
    """
    array = np.asarray(numbers)
    memory = np.empty(array.nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


@compiled(reorder_sums=True)
def forward(x, layers, h1, h2):
    """Return the output for x; leave the hidden layers in `h1` and `h2`."""
    weight1, bias1, weight2, bias2, weight3, bias3 = layers
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
def backward(rate, error, x, before, layers, h1, h2, d1, d2, dx):
    """Update `layers` by one event, whose gradients are those of the layers `before`; leave minus
    the gradient along x in `dx`.

    In a batch, `before` is a copy; for a single event it is None and stands for `layers`. So the
    compiler knows that both are the same memory, and reads each weight once.
    """
    if before is None:
        before = layers
    weight1, bias1, weight2, bias2, weight3, bias3 = layers
    before1, before2, before3 = before[0], before[2], before[4]
    push = rate * error
    bias3[0] += push
    for k in range(h2.size):
        d2[k] = error * before3[k] if h2[k] > 0.0 else 0.0 * error  # delta_2
        weight3[k] += push * h2[k]
        bias2[k] += rate * d2[k]
    for j in range(h1.size):
        total = 0.0 * error
        if h1[j] > 0.0:
            push = rate * h1[j]
            for k in range(h2.size):
                total += before2[j, k] * d2[k]  # (W_2 delta_2)_j
                weight2[j, k] += push * d2[k]
        d1[j] = total
        bias1[j] += rate * total
    for j in range(x.size):
        total = 0.0 * error
        push = rate * x[j]
        for k in range(h1.size):
            total += before1[j, k] * d1[k]  # (W_1 delta_1)_j
            weight1[j, k] += push * d1[k]
        dx[j] = total


@compiled(reorder_sums=True)
def _step_row(table, memory, row, slopes, penalty, rate):
    """AdaGrad on one row; `slopes` (d,) is minus the gradient of its loss."""
    numbers, squares = table[row], memory[row]
    for j in range(slopes.size):
        adagrad(numbers, j, squares, j, rate, penalty * numbers[j] - slopes[j])


@compiled(reorder_sums=True)
def learn_one(u, i, target, weight, running, rates, tables, memories, layers, scratch):
    """Learn one event of rows u and i; return the output before, NaN if it overflows.

    `scratch` has room for x, dx, h1, d1, h2 and d2.
    """
    d, n1, n2 = tables[0].shape[1], layers[1].size, layers[3].size
    x, dx = scratch[: 2 * d], scratch[2 * d : 4 * d]
    h1, d1 = scratch[4 * d : 4 * d + n1], scratch[4 * d + n1 : 4 * d + 2 * n1]
    rest = 4 * d + 2 * n1
    h2, d2 = scratch[rest : rest + n2], scratch[rest + n2 : rest + 2 * n2]
    x[:d] = tables[0][u]
    x[d:] = tables[1][i]
    output = forward(x, layers, h1, h2)
    if not math.isfinite(output):
        return math.nan
    if weight > 0.0:
        single = x.dtype.type
        error = weight * min(max(target - running[0] - output, -rates[3]), rates[3])
        rate, row_rate, penalty = single(rates[0]), single(rates[1]), single(rates[2])
        backward(rate, single(error), x, None, layers, h1, h2, d1, d2, dx)
        _step_row(tables[0], memories[0], u, dx[:d], penalty, row_rate)
        _step_row(tables[1], memories[1], i, dx[d:], penalty, row_rate)
        running[1] += weight
        running[0] += weight * (target - running[0]) / running[1]
    return output


@compiled(reorder_sums=True)
def learn_many(
    users, items, targets, weights, unknown, running, rates, tables, memories, layers, scratch,
    predictions,
):  # fmt: skip
    """Learn events in order; fill `predictions` and return how many were learnt (fewer than n if
    one overflowed). All columns have shape (n,); where both ids are `unknown`, the mean is
    predicted.
    """
    for t in range(users.size):
        mean = running[0]
        output = learn_one(
            users[t], items[t], targets[t], weights[t], running, rates, tables, memories, layers,
            scratch,
        )  # fmt: skip
        predictions[t] = mean if unknown[t] else mean + output
        if math.isnan(output):
            predictions[t] = math.nan
            return t
    return users.size


@compiled(reorder_sums=True)
def forward_many(users, items, tables, layers, X, H1, H2, outputs):
    """Fill `outputs` (n,) for pairs of rows, and X, H1 and H2 with what led to them."""
    d = tables[0].shape[1]
    for t in range(users.size):
        X[t, :d] = tables[0][users[t]]
        X[t, d:] = tables[1][items[t]]
        outputs[t] = forward(X[t], layers, H1[t], H2[t])


@compiled(reorder_sums=True)
def step_many(rate, errors, X, before, layers, H1, H2, DX):
    """Update `layers` by the sum of the gradients of a batch, and fill DX; `errors` (n,)."""
    d1, d2 = np.empty_like(H1[0]), np.empty_like(H2[0])
    for t in range(errors.size):
        backward(rate, errors[t], X[t], before, layers, H1[t], H2[t], d1, d2, DX[t])


@compiled(reorder_sums=True)
def step_rows(table, memory, rows, place, DX, penalties, rate):
    """AdaGrad on each of the distinct `rows` (m,), the gradients of its events added up.

    Event t belongs to row rows[place[t]]; DX (n, d); `penalties` (m,) count for a row as often as
    it occurs.
    """
    slopes = np.zeros((rows.size, table.shape[1]), table.dtype)
    for t in range(place.size):
        slopes[place[t]] += DX[t]
    for at in range(rows.size):
        _step_row(table, memory, rows[at], slopes[at], penalties[at], rate)
