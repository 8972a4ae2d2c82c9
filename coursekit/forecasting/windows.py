"""Windows of the model, cut by index from tensors that are built once (lesson 17).

`TimeSeriesDataSet` of pytorch-forecasting assembles each window anew in Python. Here the scaled
inputs of a frame are one matrix, and a batch is one gather from it; both yield equal tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from coursekit.core.arrays import Ints
from coursekit.core.validation import integer
from coursekit.forecasting.fleet.frame import MetricFrame
from coursekit.forecasting.fleet.scaling import Scaling

if TYPE_CHECKING:
    import torch

__all__ = ["WINDOW_FIELDS", "WindowSet", "Windows"]

_Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowSet:
    """Windows as arrays of their own, independent of the frame: what replay buffers keep.

    Parameters
    ----------
    inputs : array, shape (n, encoder_length + horizon, n_reals)
        Scaled real inputs.
    targets : array, shape (n, encoder_length + horizon)
        In the unit of the target.
    category : array of int, shape (n,)
        Of the server; 0 for a server that the model does not know.
    scale : array, shape (n, 2)
        Mean and standard deviation of the target that the window was scaled by.
    origin : array of int, shape (n,)
        First time step of the horizon.
    """

    inputs: _Floats32
    targets: _Floats32
    category: Ints
    scale: _Floats32
    origin: Ints

    def __len__(self) -> int:
        return len(self.origin)

    def take(self, at: Any) -> WindowSet:
        """Return windows by index, slice or mask."""
        return WindowSet(**{name: getattr(self, name)[at] for name in WINDOW_FIELDS})

    @classmethod
    def joined(cls, sets: Sequence[WindowSet]) -> WindowSet:
        """Return the windows of all sets, in order."""
        if len(sets) == 1:
            return sets[0]
        return cls(
            **{name: np.concatenate([getattr(s, name) for s in sets]) for name in WINDOW_FIELDS}
        )

    def batch(self, encoder_length: int) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Return the inputs of the model, equal to those of `TimeSeriesDataSet`, and the target.

        Returns
        -------
        x : dict of tensors
        y : tensor, shape (n, horizon)
        """
        import torch

        n, length = self.targets.shape
        k, horizon = encoder_length, length - encoder_length
        inputs, targets = torch.from_numpy(self.inputs), torch.from_numpy(self.targets)
        category = torch.from_numpy(self.category)[:, None]
        cat = category[:, :, None].expand(n, length, 1)
        origin = torch.from_numpy(self.origin)
        x = {
            "encoder_cat": cat[:, :k],
            "encoder_cont": inputs[:, :k],
            "encoder_target": targets[:, :k],
            "encoder_lengths": torch.full((n,), k),
            "decoder_cat": cat[:, k:],
            "decoder_cont": inputs[:, k:],
            "decoder_target": targets[:, k:],
            "decoder_lengths": torch.full((n,), horizon),
            "decoder_time_idx": origin[:, None] + torch.arange(horizon),
            "groups": category,
            "target_scale": torch.from_numpy(self.scale),
        }
        return x, targets[:, k:]


WINDOW_FIELDS = tuple(field.name for field in fields(WindowSet))
"""The arrays of a `WindowSet`."""


class Windows:
    """All windows of a frame: `encoder_length` known steps and `horizon` steps to forecast.

    A window spans consecutive time steps of one server, so none crosses a gap.

    Parameters
    ----------
    frame : MetricFrame
    scaling : Scaling
    encoder_length, horizon : int

    Attributes
    ----------
    server, origin : array of int, shape (n_windows,)
        Server (index into `frame.servers`) and first time step of the horizon of each window.

    Examples
    --------
    >>> frame = MetricFrame(servers=("a",), metrics=("cpu",), server=[0] * 5,
    ...                     time=[0, 1, 2, 3, 5], values=np.arange(5.0)[:, None])
    >>> windows = Windows(frame, Scaling.fit(frame), encoder_length=2, horizon=1)
    >>> windows.origin.tolist(), windows.take([1]).targets.tolist()
    ([2, 3], [[1.0, 2.0, 3.0]])
    """

    def __init__(
        self, frame: MetricFrame, scaling: Scaling, encoder_length: int, horizon: int
    ) -> None:
        self.encoder_length = integer("encoder_length", encoder_length)
        self.horizon = integer("horizon", horizon)
        self._inputs, self._category = scaling.matrix(frame)
        self._targets = frame.values[:, 0].astype(np.float32)
        self._scale = np.stack([scaling.center, scaling.scale], axis=1).astype(np.float32)
        self._relative_at = scaling.reals.index("relative_time_idx")
        self._steps = np.arange(encoder_length + horizon)
        self._relative = (self._steps - encoder_length).astype(np.float32) / np.float32(
            encoder_length
        )
        last = len(self._steps) - 1
        start, end = slice(0, max(len(frame) - last, 0)), slice(last, None)
        same = frame.server[start] == frame.server[end]
        same &= frame.time[end] - frame.time[start] == last
        self._first = np.flatnonzero(same)
        self.server = frame.server[self._first]
        self.origin = frame.time[self._first] + encoder_length

    def __len__(self) -> int:
        return len(self._first)

    def between(self, start: float, stop: float) -> Ints:
        """Return indices of the windows whose whole horizon lies in start, ..., stop - 1."""
        return np.flatnonzero((self.origin >= start) & (self.origin + self.horizon <= stop))

    def take(self, at: Any = slice(None)) -> WindowSet:
        """Return windows by index, slice or mask; all by default."""
        first = self._first[at]
        rows = first[:, None] + self._steps
        inputs = np.take(self._inputs, rows, axis=0)
        inputs[:, :, self._relative_at] = self._relative
        category = self._category[first]
        return WindowSet(
            inputs=inputs,
            targets=np.take(self._targets, rows),
            category=category,
            scale=self._scale[category],
            origin=self.origin[at],
        )
