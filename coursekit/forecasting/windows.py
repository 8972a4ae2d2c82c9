"""Windows of the model, cut by index from tensors that are built once (lesson 17).

`TimeSeriesDataSet` of pytorch-forecasting assembles each window anew in Python. Here the scaled
inputs of a frame are one matrix, and a batch is one gather from it; both yield equal tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError
from coursekit.core.state import State
from coursekit.core.validation import integer
from coursekit.forecasting.fleet.frame import MetricFrame

if TYPE_CHECKING:
    import torch

__all__ = ["CALENDAR", "Scaling", "WindowSet", "Windows", "calendar"]

CALENDAR = ("day_sin", "day_cos", "week_sin", "week_cos")
"""Inputs made from the time, known in advance."""

_Floats32 = npt.NDArray[np.float32]
_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_EPS = float(np.finfo(np.float16).eps)  # as GroupNormalizer adds to a scale


def calendar(time: _Ints, step_seconds: int) -> _Floats:
    """Return sine and cosine of the time of day and of the week, shape (n, 4)."""
    seconds = time[:, None] * float(step_seconds)
    angle = 2 * np.pi * seconds / np.array([86_400.0, 604_800.0])
    return np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(len(time), 4)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaling:
    r"""Normalisation fitted on the training rows once and carried across all updates.

    The target $y$ of server $s$ enters as $(y - c_s)/d_s$ with mean $c_s$ and standard deviation
    $d_s$ of that server; every other input is standardised over all servers. Later rows are scaled
    by the same numbers: nothing leaks from the future, and weights keep their meaning from version
    to version. A server that was not fitted gets the medians of $c$ and $d$.

    Parameters
    ----------
    servers, metrics, known : tuple of str
        As in the frame.
    step_seconds : int
    center, scale : array, shape (n_servers + 1,)
        $c$ and $d$; index 0 is for servers that were not fitted.
    input_mean, input_std : array, shape (n_inputs,)
        Of the inputs in the order of `reals`, without relative time and target.
    """

    servers: tuple[str, ...]
    metrics: tuple[str, ...]
    known: tuple[str, ...]
    step_seconds: int
    center: _Floats
    scale: _Floats
    input_mean: _Floats
    input_std: _Floats

    @classmethod
    def fit(cls, frame: MetricFrame) -> Scaling:
        """Return the scaling of training rows.

        Raises
        ------
        InvalidSampleError
            If a listed server has fewer than 2 rows.
        """
        counts = np.bincount(frame.server, minlength=len(frame.servers))
        if counts.min(initial=2) < 2 or not frame.servers:
            few = [name for name, n in zip(frame.servers, counts, strict=True) if n < 2]
            raise InvalidSampleError(f"Every server needs 2 or more rows; these have fewer: {few}.")
        target = frame.values[:, 0]
        parts = [target[frame.server == at] for at in range(len(frame.servers))]
        center = np.array([part.mean() for part in parts])
        scale = np.array([part.std(ddof=1) for part in parts]) + _EPS
        center, scale = (np.concatenate([[np.median(each)], each]) for each in (center, scale))
        unscaled = cls(
            servers=frame.servers,
            metrics=frame.metrics,
            known=frame.known,
            step_seconds=frame.step_seconds,
            center=center,
            scale=scale,
            input_mean=np.zeros(0),
            input_std=np.ones(0),
        )
        inputs = np.ascontiguousarray(unscaled._inputs(frame, frame.server + 1).T)
        std = inputs.std(axis=1)
        return replace(
            unscaled, input_mean=inputs.mean(axis=1), input_std=np.where(std < 1e-12, 1.0, std)
        )

    @property
    def reals(self) -> tuple[str, ...]:
        """Names of the real inputs in the order of pytorch-forecasting: static, known, observed."""
        observed = [name for name in self.metrics if name not in self.known]
        target = self.metrics[0]
        scales = (f"{target}_center", f"{target}_scale")
        return (*scales, *CALENDAR, *self.known, "relative_time_idx", *observed)

    def classes(self, servers: Sequence[str]) -> _Ints:
        """Return the category of each server; 0 for one that was not fitted."""
        at = {name: number for number, name in enumerate(self.servers, start=1)}
        return np.array([at.get(name, 0) for name in servers], dtype=np.int64)

    def unseen(self, frame: MetricFrame) -> tuple[str, ...]:
        """Return the servers with rows in the frame that were not fitted."""
        present = [frame.servers[at] for at in np.unique(frame.server)]
        return tuple(name for name in present if name not in self.servers)

    def check(self, frame: MetricFrame) -> None:
        """Raise InvalidSampleError unless the frame has the metrics and time step of the model."""
        ours = (self.metrics, self.known, self.step_seconds)
        theirs = (frame.metrics, frame.known, frame.step_seconds)
        if ours != theirs:
            raise InvalidSampleError(
                f"The frame must have metrics {ours[0]} (target first), known {ours[1]} and "
                f"{ours[2]} seconds a step like the model, got {theirs[0]}, {theirs[1]} and "
                f"{theirs[2]}."
            )

    def matrix(self, frame: MetricFrame) -> tuple[_Floats32, _Ints]:
        """Return scaled inputs, shape (n, n_reals), and the category of each row's server."""
        self.check(frame)
        category = self.classes(frame.servers)[frame.server]
        inputs = (self._inputs(frame, category) - self.input_mean) / self.input_std
        target = (frame.values[:, 0] - self.center[category]) / self.scale[category]
        n_before = 2 + len(CALENDAR) + len(self.known)
        columns = [inputs[:, :n_before], np.zeros((len(frame), 1)), target[:, None]]
        return np.hstack([*columns, inputs[:, n_before:]]).astype(np.float32), category

    def _inputs(self, frame: MetricFrame, category: _Ints) -> _Floats:
        """Return the inputs before standardisation, without relative time and target."""
        observed = [at for at, name in enumerate(self.metrics) if at and name not in self.known]
        known = [self.metrics.index(name) for name in self.known]
        return np.hstack(
            [
                self.center[category][:, None],
                self.scale[category][:, None],
                calendar(frame.time, frame.step_seconds),
                frame.values[:, known],
                frame.values[:, observed],
            ]
        )

    def to_state(self) -> State:
        """Return names and arrays for `save_state`."""
        state = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: list(value) if type(value) is tuple else value for name, value in state.items()
        }

    @classmethod
    def from_state(cls, state: State) -> Scaling:
        """Return the scaling that `to_state` described."""
        values: dict[str, Any] = dict(state)
        for name in ("servers", "metrics", "known"):
            values[name] = tuple(values[name])
        return cls(**values)


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
    category: _Ints
    scale: _Floats32
    origin: _Ints

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

    def between(self, start: float, stop: float) -> _Ints:
        """Return indices of the windows whose whole horizon lies in start, ..., stop - 1."""
        return np.flatnonzero((self.origin >= start) & (self.origin + self.horizon <= stop))

    def take(self, at: Any = slice(None)) -> WindowSet:
        """Return windows by index, slice or mask; all by default."""
        first = self._first[at]
        rows = first[:, None] + self._steps
        inputs = self._inputs[rows]
        inputs[:, :, self._relative_at] = self._relative
        category = self._category[first]
        return WindowSet(
            inputs=inputs,
            targets=self._targets[rows],
            category=category,
            scale=self._scale[category],
            origin=self.origin[at],
        )
