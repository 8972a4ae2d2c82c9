"""The rows of the latest hours, by event time."""

from __future__ import annotations

from coursekit.core.errors import InvalidParameterError
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import integer
from coursekit.forecasting.fleet.frame import MetricFrame

__all__ = ["SlidingWindowBuffer"]


class SlidingWindowBuffer(Stateful):
    """Keep the rows whose event time is within `hours` of the latest row seen.

    Rows may arrive late and in any order: what counts is their own time, never that of a clock. A
    row replaces one of the same server and time step. A frame is added as a whole, not row by row.

    Parameters
    ----------
    hours : int
    max_rows : int, optional
        Maximum number of rows; the oldest time steps are dropped. Default: unlimited.

    Examples
    --------
    >>> from coursekit.forecasting.fleet import simulated_fleet
    >>> frame = simulated_fleet("steady", n_servers=2, n_days=3, change_day=1).frame
    >>> buffer = SlidingWindowBuffer(hours=24)
    >>> buffer.add(frame)
    >>> buffer.size, buffer.get_window().span, buffer.is_ready(100)
    (48, (48, 72), False)
    """

    def __init__(self, hours: int, max_rows: int | None = None) -> None:
        self.hours = integer("hours", hours)
        self.max_rows = None if max_rows is None else integer("max_rows", max_rows)
        self._frames: list[MetricFrame] = []

    def config(self) -> State:
        """Return hours and the maximum number of rows."""
        return {"hours": self.hours, "max_rows": self.max_rows}

    def add(self, frame: MetricFrame) -> None:
        """Add rows and drop those that are out of the window.

        Raises
        ------
        InvalidSampleError
            If metrics or time step differ from those of the rows before; nothing has changed.
        """
        if len(frame) == 0:
            return
        joined = MetricFrame.joined([*self._frames, frame])
        start = joined.span[1] - self.hours * 3600 / joined.step_seconds
        kept = joined.between(start, joined.span[1])
        if self.max_rows is not None and len(kept) > self.max_rows:
            newest = sorted(kept.time.tolist(), reverse=True)[: self.max_rows + 1]
            kept = kept.between(newest[-1] + 1, joined.span[1])  # whole time steps only
        self._frames = [kept]

    @property
    def size(self) -> int:
        """Number of rows kept."""
        return sum(len(frame) for frame in self._frames)

    def is_ready(self, min_samples: int = 1) -> bool:
        """Return whether at least `min_samples` rows are kept."""
        return self.size >= min_samples

    def get_window(self) -> MetricFrame:
        """Return the rows, sorted by server and time.

        Raises
        ------
        InvalidParameterError
            If no row has been added.
        """
        if not self._frames:
            raise InvalidParameterError("The SlidingWindowBuffer is empty; add a frame first.")
        return self._frames[0]

    def _get_memory(self) -> State:
        return {"frames": [frame.to_state() for frame in self._frames]}

    def _set_memory(self, memory: State) -> None:
        self._frames = [MetricFrame.from_state(state) for state in memory["frames"]]
