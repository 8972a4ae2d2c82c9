"""Scaling of metrics to the inputs of the model (lesson 17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.arrays import Floats, Ints
from coursekit.core.errors import InvalidSampleError
from coursekit.core.state import State
from coursekit.forecasting.fleet.frame import MetricFrame

__all__ = ["CALENDAR", "Scaling", "calendar"]

CALENDAR = ("day_sin", "day_cos", "week_sin", "week_cos")
"""Inputs made from the time, known in advance."""

_Floats32 = npt.NDArray[np.float32]
_EPS = float(np.finfo(np.float16).eps)  # as GroupNormalizer adds to a scale


def calendar(time: Ints, step_seconds: int) -> Floats:
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
    center: Floats
    scale: Floats
    input_mean: Floats
    input_std: Floats

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

    def classes(self, servers: Sequence[str]) -> Ints:
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

    def matrix(self, frame: MetricFrame) -> tuple[_Floats32, Ints]:
        """Return scaled inputs, shape (n, n_reals), and the category of each row's server."""
        self.check(frame)
        category = self.classes(frame.servers)[frame.server]
        inputs = (self._inputs(frame, category) - self.input_mean) / self.input_std
        target = (frame.values[:, 0] - self.center[category]) / self.scale[category]
        n_before = 2 + len(CALENDAR) + len(self.known)
        columns = [inputs[:, :n_before], np.zeros((len(frame), 1)), target[:, None]]
        return np.hstack([*columns, inputs[:, n_before:]]).astype(np.float32), category

    def _inputs(self, frame: MetricFrame, category: Ints) -> Floats:
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
