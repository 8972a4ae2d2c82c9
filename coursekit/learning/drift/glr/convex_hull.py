"""Candidates for a change point: the corners of the convex hull of the cumulative sums.

Let $S_k$ be the sum of the first k values. The likelihood ratio of "a change after k values" to "no
change" is a convex function of $(k, S_k)$, so its maximum over all k is at a corner of the convex
hull of these points: of its lower boundary for a rise, of its upper one for a fall. Among n points
there are about ln n corners, and a new point on the right is added with O(1) removals on average
(A. M. Andrew 1979, the monotone chain).

The functions here keep a lower boundary as two rows of one table, k and $S_k$; an upper boundary is
the lower one of $-S_k$.
"""

from __future__ import annotations

from coursekit.core.compiled import compiled

__all__ = ["CAPACITY", "push"]

CAPACITY = 128
"""Maximum number of corners. Ten million random values have about 20; only smooth curves have more.
"""


@compiled
def push(positions, sums, n_corners, position, value):
    """Add a point on the right and remove the corners it covers; return how many there are now."""
    while n_corners >= 2:
        i, j = n_corners - 2, n_corners - 1
        # slope from i to j < slope from j to the new point: convex, so corner j stays
        before = (sums[j] - sums[i]) * (position - positions[j])
        after = (value - sums[j]) * (positions[j] - positions[i])
        if before < after:
            break
        n_corners -= 1
    if n_corners == CAPACITY:
        n_corners = _thin(positions, sums)
    positions[n_corners], sums[n_corners] = position, value
    return n_corners + 1


@compiled
def _thin(positions, sums):
    """Keep every second corner: on a smooth curve neighbours have nearly the same ratio."""
    kept = 0
    for at in range(0, CAPACITY, 2):
        positions[kept], sums[kept] = positions[at], sums[at]
        kept += 1
    return kept
