"""Detectors for tests of the manager: one that alarms where it is told to, one that really
watches.
"""


class AlarmAt:
    """Raises an alarm at the values of the given numbers, counted from 0."""

    def __init__(self, *at):
        self.at = at
        self.values = []

    def update(self, value):
        self.values.append(value)

    @property
    def drift_detected(self):
        return len(self.values) - 1 in self.at


class MeanShift:
    """A one-sided cumulative sum of standardised errors, which starts again after an alarm."""

    def __init__(self, threshold=12.0, slack=0.25, warm_up=200):
        self.threshold, self.slack, self.warm_up = threshold, slack, warm_up
        self.drift_detected = False
        self._start()

    def _start(self):
        self.n, self.mean, self.squares, self.excess = 0, 0.0, 0.0, 0.0

    def update(self, value):
        if self.drift_detected:
            self._start()
        if self.n >= self.warm_up:
            std = (self.squares / (self.n - 1)) ** 0.5
            self.excess = max(0.0, self.excess + (value - self.mean) / std - self.slack)
        self.drift_detected = self.excess > self.threshold
        self.n += 1
        step = value - self.mean
        self.mean += step / self.n
        self.squares += step * (value - self.mean)
