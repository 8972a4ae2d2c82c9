"""What an update learns from: the latest rows, and a bounded memory of past windows (lesson 19)."""

from coursekit.forecasting.buffers.balanced import BalancedBuffer
from coursekit.forecasting.buffers.buffer import WindowBuffer
from coursekit.forecasting.buffers.prioritized import PrioritizedBuffer, SumTree
from coursekit.forecasting.buffers.reservoir import ReservoirBuffer
from coursekit.forecasting.buffers.sliding import SlidingWindowBuffer

__all__ = [
    "BalancedBuffer",
    "PrioritizedBuffer",
    "ReservoirBuffer",
    "SlidingWindowBuffer",
    "SumTree",
    "WindowBuffer",
]
