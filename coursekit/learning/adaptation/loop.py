"""The learning loop: predict, monitor, learn, respond to drift, set the rate (lesson 06)."""

from __future__ import annotations

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.events import Chunk, OnlineSample
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.learning.adaptation.history import Counters
from coursekit.learning.adaptation.inputs import check_size
from coursekit.learning.adaptation.modes import LearningPolicy
from coursekit.learning.adaptation.monitor import ErrorMonitor
from coursekit.learning.adaptation.responses import DriftResponse
from coursekit.learning.learners.learner import OnlineLearner
from coursekit.learning.optim.learning_rate import AdaptiveLearningRate

__all__ = ["LearningLoop"]


class LearningLoop(Stateful):
    """Process events one by one or in chunks. Its state does not contain that of the learner.

    Parameters
    ----------
    learner : OnlineLearner
    policy : LearningPolicy
        When the learner is updated.
    monitor : ErrorMonitor
        The detector and its input.
    response : DriftResponse
        What to do after an alarm.
    schedule : AdaptiveLearningRate or None
        Learning rate, before the factor of the response.
    """

    _memory_names = ("policy", "monitor", "response", "schedule", "counters")

    def __init__(
        self,
        learner: OnlineLearner,
        *,
        policy: LearningPolicy,
        monitor: ErrorMonitor,
        response: DriftResponse,
        schedule: AdaptiveLearningRate | None,
    ) -> None:
        self.learner = learner
        self.policy = policy
        self.monitor = monitor
        self.response = response
        self.schedule = schedule
        self.counters = Counters(learner.learning_rate)
        self._newest_version = learner.model_version
        response.begin(learner)
        self._set_rate()

    def config(self) -> State:
        """Return the settings beside those of the parts."""
        return {"learner": type(self.learner).__name__, "has_schedule": self.schedule is not None}

    @property
    def learns_at_once(self) -> bool:
        """Whether the next event is learnt immediately."""
        return self.policy.learns_at_once(self.response.is_active)

    def process_one(self, sample: OnlineSample) -> tuple[float, bool, bool]:
        """Predict, monitor and learn (or buffer) one event; return the prediction, and whether
        there is an alarm and a warning.
        """
        prediction = self.learner.predict(sample.user_id, sample.item_id, sample.features)
        error = sample.target - prediction
        check_size(sample.target, prediction)
        learns_at_once = self.learns_at_once
        if learns_at_once:  # before anything changes: either may reject the event
            self.monitor.check(sample.target, prediction)
            self.learner.partial_fit(sample)
        alarm, warning = self.monitor.update(sample.target, prediction)
        errors = np.array([error])
        self._count(errors, sample.timestamp, [0] if alarm else [])
        if learns_at_once:
            chunk = Chunk.of([sample]) if self.response.observes else None
            self._note_learnt(1)
            self._observe(chunk, errors)
        else:
            self._keep(sample, errors, alarm)
        self.answer_open_alarm()
        return prediction, alarm, warning

    def process_part(self, part: Chunk) -> Floats:
        """Process the events of a part, at most `room` of the policy, up to the first that changes
        how the next are learnt; return their predictions.
        """
        if self.learns_at_once:
            return self._process_at_once(part)
        policy = self.policy
        if not (policy.stops_at_alarm or policy.n_waiting) and len(part) == policy.room:
            predictions = self.learner.predict_then_batch_update(part)  # looks ids up once
            n, _, errors = self._watch(part, predictions)
            self._note_learnt(n)
            self._observe(part, errors)
        else:
            predictions = self.learner.predict_many(part.user_ids, part.item_ids, part.features)
            n, alarm, errors = self._watch(part, predictions)
            self._keep(part if n == len(part) else part.slice(0, n), errors, alarm)
        self.answer_open_alarm()
        return predictions[:n]

    def _process_at_once(self, part: Chunk) -> Floats:
        nothing_can_change = self.monitor.detector is None and self.schedule is None
        if not nothing_can_change or self.response.is_active or self.response.observes:
            done = []
            for sample in part:
                done.append(self.process_one(sample)[0])
                if not self.learns_at_once:
                    break
            return np.array(done)
        predictions = self.learner.predict_then_learn_many(part)
        self._watch(part, predictions)
        self._note_learnt(len(part), n_updates=len(part))
        return predictions

    def _watch(self, part: Chunk, predictions: Floats) -> tuple[int, bool, Floats]:
        """Monitor and count events, up to the first alarm if it changes how the next are learnt.
        Return how many, whether one raised an alarm, and their errors.
        """
        until_alarm = self.policy.stops_at_alarm
        alarms, n = self.monitor.update_many(part.targets, predictions, until_alarm=until_alarm)
        errors = (part.targets - predictions)[:n]
        time = 0.0 if part.timestamps is None else float(part.timestamps[n - 1])
        self._count(errors, time, alarms)
        return n, bool(alarms), errors

    def _count(self, errors: Floats, time: float, alarms: list[int]) -> None:
        counters = self.counters
        if alarms:
            counters.drift_at.extend(counters.n_seen + at for at in alarms)
            counters.has_open_alarm = True
        counters.count(errors, time, self.learner)

    def _keep(self, part: OnlineSample | Chunk, errors: Floats, alarm: bool) -> None:
        """Buffer events; learn them if the policy requires it."""
        self.policy.add(part, errors)
        if self.policy.is_retraining:
            self._observe(Chunk.of([part]) if isinstance(part, OnlineSample) else part, errors)
        if self.policy.is_due(alarm):
            self.learn_waiting()

    def learn_waiting(self) -> None:
        """Learn the buffered events."""
        chunk, errors, n_learnt = self.policy.learn(self.learner)
        self._note_learnt(n_learnt)
        if self.policy.is_retraining:
            self.issue_version()
        else:
            self._observe(chunk, errors)

    def _note_learnt(self, n: int, n_updates: int = 1) -> None:
        self.counters.n_learnt += n
        self.counters.n_updates += n_updates

    def _observe(self, chunk: Chunk | None, errors: Floats) -> None:
        self.response.observe(len(errors), chunk, errors)
        if self.schedule is not None:
            self.schedule.update_many(errors * errors)

    def answer_open_alarm(self) -> None:
        """Respond to an open alarm once all events before it are learnt; then set the rate."""
        counters = self.counters
        if counters.has_open_alarm and (self.policy.is_retraining or not self.policy.n_waiting):
            counters.has_open_alarm = False
            if self.response.answer(self.learner):
                self.policy.forget_past()
                self.monitor.pause(self.response.pause)
                self.issue_version()
            if self.schedule is not None:
                self.schedule.reset()
        self._set_rate()

    def _set_rate(self) -> None:
        """Set the learning rate: the only place that does."""
        schedule = self.schedule
        base = self.counters.base_rate if schedule is None else schedule.learning_rate
        rate = base * self.response.rate_factor
        if rate != self.learner.learning_rate:
            self.learner.learning_rate = rate

    def issue_version(self) -> None:
        """Assign a model version that was never used."""
        self._newest_version += 1
        self.learner.model_version = self._newest_version

    def _set_memory(self, memory: State) -> None:
        super()._set_memory(memory)
        self._newest_version = max(self._newest_version, self.learner.model_version)
