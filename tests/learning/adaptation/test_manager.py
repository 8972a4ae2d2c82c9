"""The learning manager: modes, drift, checkpoints, rollback."""

import copy
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursekit.core.errors import (
    ArithmeticOverflowError,
    InvalidParameterError,
    InvalidSampleError,
    StateFormatError,
    UnknownNameError,
)
from coursekit.core.events import Chunk, OnlineSample
from coursekit.datasets.streams import AbruptDrift, rating_stream
from coursekit.learning.adaptation.manager import LearningMode, OnlineLearningManager, Retraining
from coursekit.learning.adaptation.monitor import (
    ErrorMonitor,
    PeriodicAlarm,
    absolute_error,
    signed_error,
    squared_error,
    zero_one_error,
)
from coursekit.learning.adaptation.responses import (
    Boost,
    DriftResponse,
    NoResponse,
    PairedLearner,
    Reset,
)
from coursekit.learning.drift import BernoulliGLR
from coursekit.learning.drift.mean_and_scale import MeanAndScale
from coursekit.learning.learners.learner import OnlineLearner
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
from coursekit.learning.learners.neural_cf_compiled import CompiledNeuralCollaborativeFiltering
from coursekit.learning.optim.learning_rate import AdaptiveLearningRate
from tests.learning.watchers import AlarmAt, MeanShift

MODES = list(LearningMode)


def learner(optimizer="sgd", **settings):
    return OnlineMatrixFactorization(n_factors=3, optimizer=optimizer, seed=1, **settings)


def manager(mode="mini_batch", *, detector=None, optimizer="sgd", **settings):
    return OnlineLearningManager(
        learner(optimizer), mode, detector=detector or MeanShift(), **settings
    )


def stream(n=1500, seed=0, size=1.0):
    return rating_stream(n, 30, 40, seed=seed, drift=AbruptDrift(size=size))


def one_by_one(managed, chunk):
    return [managed.process_sample(sample) for sample in chunk]


def answers(managed):
    return managed.predict_many(list(range(30)), list(range(30)))


# -- modes


def test_single_sample_mode_is_the_bare_learner():
    chunk = stream()
    managed = manager("single_sample", enable_drift_detection=False)
    bare = learner()
    losses = [report.loss for report in one_by_one(managed, chunk)]
    np.testing.assert_allclose(losses, bare.partial_fit_many(chunk), rtol=1e-12)
    np.testing.assert_array_equal(
        answers(managed), bare.predict_many(list(range(30)), list(range(30)))
    )


def test_mini_batch_mode_predicts_on_arrival_and_learns_when_the_batch_is_full():
    chunk = stream(100)
    managed, bare = manager("mini_batch", enable_drift_detection=False), learner()
    reports = one_by_one(managed, chunk)
    for start in (0, 32, 64):
        part = chunk.slice(start, start + 32)
        expected = bare.predict_many(part.user_ids, part.item_ids)
        assert [report.prediction for report in reports[start : start + 32]] == pytest.approx(
            expected
        )
        bare.batch_update(part)
    assert [report.n_learnt for report in reports if report.n_learnt] == [32, 32, 32]
    assert reports[-1].n_buffered == 4
    assert managed.learner.samples_processed == 96


def test_batch_mode_is_retraining_from_scratch_on_the_window():
    chunk = stream(1000)
    retraining = Retraining(every=300, window=500, n_epochs=2)
    managed = manager("batch", enable_drift_detection=False, retraining=retraining)
    reports = one_by_one(managed, chunk)
    fresh = learner()
    for _ in range(2):
        fresh.partial_fit_many(chunk.slice(400, 900))
    np.testing.assert_array_equal(
        answers(managed), fresh.predict_many(list(range(30)), list(range(30)))
    )
    assert [at for at, report in enumerate(reports) if report.n_learnt] == [299, 599, 899]
    assert reports[0].prediction == reports[298].prediction == 0.0
    assert reports[-1].model_version == 4


def test_adaptive_mode_learns_in_batches_when_calm_and_one_by_one_while_drift_is_answered():
    managed = manager("adaptive", detector=AlarmAt(100), response=Boost(n_samples=50))
    learnt = [report.n_learnt for report in one_by_one(managed, stream(300))]
    assert [at for at, n in enumerate(learnt[:100]) if n] == [31, 63, 95]
    assert learnt[100] == 5  # the batch begun, at the alarm
    assert learnt[101:151] == [1] * 50
    assert [n for n in learnt[151:] if n] == [32] * 4


@pytest.mark.parametrize("mode", MODES)
def test_the_detector_sees_the_error_of_every_event_in_every_mode(mode):
    chunk = stream(333)
    detector = AlarmAt()
    losses = [report.loss for report in one_by_one(manager(mode, detector=detector), chunk)]
    np.testing.assert_allclose(np.square(detector.values), losses, rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@given(
    cuts=st.lists(st.integers(1, 400), max_size=6),
    alarms=st.lists(st.integers(0, 599), max_size=4),
    rate=st.booleans(),
)
def test_processing_in_chunks_is_the_same_as_one_by_one(mode, cuts, alarms, rate):
    chunk = stream(600)

    def make():
        return manager(
            mode,
            detector=AlarmAt(*alarms),
            optimizer="belief",
            checkpoint_interval=170,
            schedule=AdaptiveLearningRate(1.0, min_lr=0.1, patience=20) if rate else None,
            response=Boost(n_samples=70),
            retraining=Retraining(every=110, window=200),
        )

    single, many = make(), make()
    reports = one_by_one(single, chunk)
    edges = [0, *sorted(min(sum(cuts[: at + 1]), 600) for at in range(len(cuts))), 600]
    done = [many.process_many(chunk.slice(start, stop)) for start, stop in pairwise(edges)]
    np.testing.assert_allclose(
        np.concatenate([each.predictions for each in done]),
        [report.prediction for report in reports],
    )
    assert [
        start + at for start, each in zip(edges, done, strict=False) for at in each.drift_at
    ] == sorted(set(alarms))
    left, right = single.get_learning_stats(), many.get_learning_stats()
    for name in left.__dataclass_fields__:
        assert getattr(left, name) == pytest.approx(getattr(right, name)), name
    assert [each.samples_processed for each in many.checkpoints] == [170, 340, 510]
    np.testing.assert_allclose(many.history.mean_loss, single.history.mean_loss)
    single.flush()
    many.flush()
    np.testing.assert_allclose(answers(many), answers(single), rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("interval", [0, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_alarms_within_a_long_chunk_change_nothing(mode, interval, seed):
    chunk = stream(4000, seed=seed)
    single, many = (
        OnlineLearningManager(
            learner("belief"),
            mode,
            checkpoint_interval=interval,
            detector=MeanAndScale(1000),
            monitor=signed_error,
        )
        for _ in range(2)
    )
    reports = one_by_one(single, chunk)
    done = many.process_many(chunk)
    assert len(done.drift_at) > 1
    assert list(done.drift_at) == [at for at, report in enumerate(reports) if report.drift_detected]
    np.testing.assert_allclose(
        done.predictions, [report.prediction for report in reports], rtol=1e-9
    )
    left, right = single.get_learning_stats(), many.get_learning_stats()
    assert (left.n_updates, left.samples_learnt, left.model_version) == (
        right.n_updates,
        right.samples_learnt,
        right.model_version,
    )
    np.testing.assert_allclose(answers(many), answers(single), rtol=1e-9)


@pytest.mark.parametrize("mode", MODES)
def test_no_event_is_lost_at_the_end_of_the_stream(mode):
    managed = manager(mode, enable_drift_detection=False)
    managed.process_many(stream(1007))
    waiting = managed.get_learning_stats().n_buffered
    assert waiting == {"batch": 7, "mini_batch": 1007 % 32, "adaptive": 1007 % 32}.get(
        mode.value, 0
    )
    assert managed.flush() == waiting
    assert managed.get_learning_stats().n_buffered == 0
    assert managed.learner.samples_processed == 1007
    assert managed.flush() == 0


# -- drift


@pytest.mark.parametrize("mode", ["single_sample", "mini_batch", "adaptive"])
def test_the_boost_lasts_and_falls_back_to_the_rate_before(mode):
    managed = manager(mode, detector=AlarmAt(319), response=Boost(factor=4.0, n_samples=320))
    rates = np.array([report.learning_rate for report in one_by_one(managed, stream(1000))])
    base = managed.learner.optimizer.learning_rate
    assert (rates[:319] == base).all()
    assert rates[319] == pytest.approx(4 * base)
    raised = rates[320:639]
    assert (raised > base).all()
    assert (np.diff(raised) <= 0).all()
    assert raised[128] == pytest.approx(base * (1 + 3 * 2.0**-4), rel=0.15)
    assert (rates[-300:] == base).all()


def test_an_alarm_raises_the_version_once_and_starts_the_schedule_again():
    schedule = AdaptiveLearningRate(0.06, min_lr=0.001, patience=10)
    managed = manager("single_sample", detector=AlarmAt(400), schedule=schedule)
    reports = one_by_one(managed, stream(402))
    assert reports[399].learning_rate < 0.06
    assert [reports[at].model_version for at in (399, 400, 401)] == [1, 2, 2]
    assert schedule.learning_rate == 0.06
    assert reports[400].learning_rate == pytest.approx(0.06 * 2)
    assert [report.drift_detected for report in reports[399:]] == [False, True, False]


def test_a_detector_really_finds_the_change_and_the_boost_pays():
    quiet_losses, boosted_losses = [], []
    for seed in range(5):
        chunk = stream(4000, seed, size=2.0)
        quiet, boosted = manager("adaptive", enable_drift_detection=False), manager("adaptive")
        quiet_losses.append(quiet.process_many(chunk).losses[2000:2500].mean())
        report = boosted.process_many(chunk)
        boosted_losses.append(report.losses[2000:2500].mean())
        assert any(2000 <= at < 2200 for at in report.drift_at)
    assert np.mean(boosted_losses) < 0.9 * np.mean(quiet_losses)


def test_no_response_reports_the_alarm_and_leaves_the_model_alone():
    chunk = stream(600)
    alarmed, calm = (
        manager(detector=AlarmAt(200), response=NoResponse()),
        manager(enable_drift_detection=False),
    )
    np.testing.assert_array_equal(
        alarmed.process_many(chunk).losses, calm.process_many(chunk).losses
    )
    assert alarmed.get_learning_stats().n_drifts == 1
    assert alarmed.learner.model_version == 1


def test_reset_starts_from_the_first_state():
    chunk = stream(600)
    managed, fresh = manager("single_sample", detector=AlarmAt(199), response=Reset()), learner()
    losses = managed.process_many(chunk).losses[200:]
    np.testing.assert_allclose(losses, fresh.partial_fit_many(chunk.slice(200, 600)), rtol=1e-9)
    assert managed.learner.model_version == 2


def test_the_paired_learner_takes_over_only_if_it_is_better():
    chunk = stream(4000, size=2.0)
    stale = learner(learning_rate=0.001)  # SGD this slow never recovers on its own
    response = PairedLearner(max_age=800)
    managed = OnlineLearningManager(
        stale, "single_sample", detector=AlarmAt(2400), response=response
    )
    losses = managed.process_many(chunk).losses
    twin = learner(learning_rate=0.001)
    expected = twin.partial_fit_many(chunk)
    np.testing.assert_allclose(losses[:2401], expected[:2401])
    assert losses[2401:2600].mean() < expected[2401:2600].mean()
    calm = OnlineLearningManager(
        learner(), "single_sample", detector=AlarmAt(1900), response=PairedLearner(max_age=1000)
    )
    calm.process_many(chunk.slice(0, 2000))
    assert calm.learner.model_version == 1


def test_in_batch_mode_an_alarm_cuts_the_window():
    chunk = stream(1000)
    managed = manager(
        "batch",
        detector=AlarmAt(500),
        retraining=Retraining(every=1000, window=1000),
        batch_size=32,
    )
    managed.process_many(chunk)
    fresh = learner()
    fresh.partial_fit_many(chunk.slice(501 - 32, 1000))
    np.testing.assert_array_equal(
        answers(managed), fresh.predict_many(list(range(30)), list(range(30)))
    )


class Counting(DriftResponse):
    """Counts its answers and the events it observes."""

    def __init__(self, changes=True, pause=0):
        super().__init__(pause)
        self.changes, self.answered_after, self.n_observed = changes, [], 0

    def answer(self, learner):
        self.answered_after.append(learner.samples_processed)
        return self.changes

    def observe(self, n, chunk, errors):
        self.n_observed += n


@pytest.mark.parametrize("in_chunks", [True, False])
@pytest.mark.parametrize(
    ("mode", "learnt"),
    [
        ("batch", [0, 400]),
        ("mini_batch", [128, 448]),
        ("single_sample", [101, 421]),
        ("adaptive", [101, 421]),
    ],
)
def test_every_mode_answers_each_alarm_once(mode, learnt, in_chunks):
    response = Counting()
    managed = manager(
        mode,
        detector=AlarmAt(100, 420),
        response=response,
        retraining=Retraining(every=400, window=1000),
    )
    chunk = stream(800)
    if in_chunks:
        managed.process_many(chunk)
    else:
        one_by_one(managed, chunk)
    managed.flush()
    assert response.n_observed == 800
    if mode == "batch":  # the window was cut to 32 events at the first alarm
        learnt = [0, 331]
    assert response.answered_after == learnt


def test_in_batch_mode_a_reset_is_answered_at_once_and_no_response_changes_nothing():
    chunk, retraining = stream(1000), Retraining(every=300, window=1000)

    def run(response, *alarms):
        managed = manager(
            "batch", detector=AlarmAt(*alarms), response=response, retraining=retraining
        )
        return managed, managed.process_many(chunk)

    _, calm = run(NoResponse())
    ignored, report = run(NoResponse(), 450)
    np.testing.assert_array_equal(report.predictions, calm.predictions)
    assert ignored.get_learning_stats().n_drifts == 1
    _, report = run(Reset(), 450)
    np.testing.assert_array_equal(report.predictions[:451], calm.predictions[:451])
    assert (report.predictions[451:600] == 0.0).all()
    fresh = learner()
    fresh.partial_fit_many(chunk.slice(451 - 32, 600))
    expected = fresh.predict_many(chunk.user_ids[600:900], chunk.item_ids[600:900])
    np.testing.assert_array_equal(report.predictions[600:900], expected)


def test_in_batch_mode_the_paired_learner_learns_what_arrives_and_takes_over():
    chunk = stream(1000)
    managed = manager(
        "batch",
        detector=AlarmAt(450),
        response=PairedLearner(max_age=5000),
        retraining=Retraining(every=1000),
    )
    report = managed.process_many(chunk)
    second = learner()
    second.partial_fit_many(chunk.slice(0, 451))
    expected = second.predict_many(chunk.user_ids[451:], chunk.item_ids[451:])
    np.testing.assert_allclose(report.predictions[451:], expected, rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_a_detector_sees_nothing_during_the_pause_after_an_answer(mode):
    chunk, detector = stream(600), AlarmAt(100)
    managed = manager(
        mode,
        detector=detector,
        response=Counting(pause=90),
        retraining=Retraining(every=200, window=1000),
    )
    losses = managed.process_many(chunk).losses
    answered = 128 if mode is LearningMode.MINI_BATCH else 101
    seen = np.delete(losses, np.s_[answered : answered + 90])
    np.testing.assert_allclose(np.square(detector.values), seen, rtol=1e-12)
    one_by_one_too = manager(
        mode,
        detector=AlarmAt(100),
        response=Counting(pause=90),
        retraining=Retraining(every=200, window=1000),
    )
    one_by_one(one_by_one_too, chunk)
    assert one_by_one_too.detector.values == pytest.approx(detector.values, rel=1e-12)


def test_no_pause_follows_an_answer_that_changed_nothing():
    detector = AlarmAt(100)
    response = Counting(changes=False, pause=90)
    manager("adaptive", detector=detector, response=response).process_many(stream(600))
    assert len(detector.values) == 600


@pytest.mark.parametrize("mode", ["adaptive", "mini_batch"])
def test_a_reset_does_not_set_off_the_next_alarm(mode):
    def n_alarms(response, seed):
        managed = OnlineLearningManager(learner("belief"), mode, response=response)
        drift_at = managed.process_many(stream(4000, seed, size=2.0)).drift_at
        return sum(at >= 2000 for at in drift_at)

    for seed in range(3):
        assert 1 <= n_alarms(Reset(), seed) <= 3
        assert n_alarms(Reset(pause=0), seed) > 20  # each reset is taken for the next change


def test_an_alarm_on_a_schedule_needs_no_errors():
    managed = manager("single_sample", detector=PeriodicAlarm(period=100), response=Reset(pause=0))
    assert managed.process_many(stream(350)).drift_at == (99, 199, 299)


@pytest.mark.parametrize(
    ("monitor", "value"),
    [(absolute_error, 2.0), (signed_error, -2.0), (squared_error, 4.0), (lambda t, p: p, 5.0)],
)
def test_the_monitor_says_what_the_detector_sees(monitor, value):
    watch = ErrorMonitor(AlarmAt(), monitor)
    watch.update(3.0, 5.0)
    watch.update_many(np.array([3.0]), np.array([5.0]), until_alarm=False)
    assert watch.detector.values == [value, value]


# -- checkpoints and rollback


def settings_of(mode, optimizer):
    return {
        "mode": mode,
        "optimizer": optimizer,
        "detector": MeanShift(threshold=6.0, warm_up=100),
        "schedule": AdaptiveLearningRate(0.05, min_lr=0.01, patience=20),
        "checkpoint_interval": 250,
        "retraining": Retraining(every=130, window=300),
    }


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("response", [NoResponse, Boost, Reset, lambda: PairedLearner(max_age=100)])
@pytest.mark.parametrize("optimizer", ["sgd", "belief"])
def test_after_a_rollback_everything_goes_on_bit_for_bit_as_if_the_events_since_had_never_come(
    mode, response, optimizer
):
    past, other, future = stream(500), stream(333, seed=5, size=3.0), stream(700, seed=9)
    other, future = (
        Chunk(user_ids=each.user_ids, item_ids=each.item_ids, targets=each.targets)
        for each in (other, future)
    )  # no event times: these streams begin at 0 again
    went_back, straight = (
        manager(response=response(), **settings_of(mode, optimizer)) for _ in range(2)
    )
    for each in (went_back, straight):
        each.process_many(past.slice(0, 490))
        each.create_checkpoint()
    went_back.process_many(other)
    checkpoint = went_back.rollback_to_checkpoint(490)
    assert checkpoint.samples_processed == 490
    left, right = went_back.process_many(future), straight.process_many(future)
    np.testing.assert_array_equal(left.predictions, right.predictions)
    assert (left.drift_at, left.n_learnt, left.n_buffered) == (
        right.drift_at,
        right.n_learnt,
        right.n_buffered,
    )
    assert left.learning_rate == right.learning_rate
    np.testing.assert_array_equal(went_back.history.mean_loss, straight.history.mean_loss)
    assert went_back.learner.performance_history == straight.learner.performance_history
    assert [c.samples_processed for c in went_back.checkpoints] == [
        c.samples_processed for c in straight.checkpoints
    ]
    went_back.flush()
    straight.flush()
    np.testing.assert_array_equal(answers(went_back), answers(straight))


def test_one_can_go_back_twice_to_the_same_checkpoint():
    managed = manager(checkpoint_interval=100)
    chunk = stream(400)
    managed.process_many(chunk.slice(0, 100))
    before = answers(managed)
    for _ in range(2):
        managed.process_many(chunk.slice(100, 199))
        managed.rollback_to_checkpoint()
        np.testing.assert_array_equal(answers(managed), before)
    assert managed.get_learning_stats().n_rollbacks == 2


def test_two_models_never_share_a_version():
    managed = manager("single_sample", detector=AlarmAt(120, 160), checkpoint_interval=100)
    managed.process_many(stream(180))
    assert managed.learner.model_version == 3
    managed.rollback_to_checkpoint()
    assert managed.learner.model_version == 4


def test_a_checkpoint_is_made_every_thousand_events_and_five_are_kept():
    managed = manager()
    managed.process_many(stream(7500))
    assert [each.samples_processed for each in managed.checkpoints] == [
        3000,
        4000,
        5000,
        6000,
        7000,
    ]
    assert len(managed.learner.performance_history) == 7


def test_going_back_drops_the_newer_checkpoints():
    managed = manager(checkpoint_interval=100)
    managed.process_many(stream(450))
    managed.rollback_to_checkpoint(200)
    assert [each.samples_processed for each in managed.checkpoints] == [100, 200]
    assert managed.get_learning_stats().samples_processed == 200


def test_an_unknown_checkpoint_is_named_and_nothing_changes():
    managed = manager(checkpoint_interval=100)
    with pytest.raises(UnknownNameError, match="none yet"):
        managed.rollback_to_checkpoint()
    managed.process_many(stream(250))
    with pytest.raises(UnknownNameError, match=r"100, 200\), got 150"):
        managed.rollback_to_checkpoint(150)
    assert managed.get_learning_stats().samples_processed == 250


# -- numbers


def test_statistics_add_up():
    managed = manager("mini_batch", detector=AlarmAt(70))
    losses = managed.process_many(stream(100)).losses
    stats = managed.get_learning_stats()
    assert stats.mean_loss == pytest.approx(losses.mean())
    assert stats.recent_loss == pytest.approx(losses[50:].mean())
    assert (stats.samples_processed, stats.samples_learnt, stats.n_buffered, stats.n_updates) == (
        100,
        96,
        4,
        3,
    )
    assert (stats.n_drifts, stats.drift_at, stats.learning_mode) == (
        1,
        (70,),
        LearningMode.MINI_BATCH,
    )


def test_the_history_follows_the_losses():
    managed = manager("single_sample", detector=AlarmAt(399))
    losses = managed.process_many(stream(1000)).losses
    history = managed.history
    np.testing.assert_array_equal(history.n_seen, np.arange(50, 1001, 50))
    np.testing.assert_allclose(history.mean_loss, losses.reshape(-1, 50).mean(axis=1))
    assert history.model_version.tolist() == [1] * 8 + [2] * 12
    assert history.learning_rate[7] < history.learning_rate[8]


# -- refusals


@pytest.mark.parametrize("mode", MODES)
def test_time_that_goes_back_is_refused_and_nothing_changes(mode):
    managed = manager(mode)
    managed.process_many(stream(200))
    stats, before = managed.get_learning_stats(), answers(managed)
    with pytest.raises(InvalidSampleError, match="`timestamp` must not decrease"):
        managed.process_sample(OnlineSample(user_id=1, item_id=1, target=3.0, timestamp=1.0))
    late = stream(300)
    for chunk in (
        late.slice(100, 300),
        Chunk(user_ids=[1, 2], item_ids=[1, 2], targets=[3.0, 3.0], timestamps=[9e9, 8e9]),
    ):
        with pytest.raises(InvalidSampleError, match="`timestamp` must not decrease"):
            managed.process_many(chunk)
    assert managed.get_learning_stats() == stats
    np.testing.assert_array_equal(answers(managed), before)


@pytest.mark.parametrize("mode", MODES)
def test_a_target_out_of_range_is_refused_and_nothing_changes(mode):
    managed = manager(mode)
    managed.process_many(stream(200))
    stats, before = managed.get_learning_stats(), answers(managed)
    time = managed._loop.counters.last_time
    with pytest.raises(ArithmeticOverflowError, match=r"1e\+200"):
        managed.process_sample(OnlineSample(user_id=1, item_id=1, target=1e200, timestamp=time))
    with pytest.raises(ArithmeticOverflowError, match=r"-1e\+200"):
        managed.process_many(
            Chunk(user_ids=[1, 2], item_ids=[1, 2], targets=np.array([1.0, -1e200]))
        )
    assert managed.get_learning_stats() == stats
    np.testing.assert_array_equal(answers(managed), before)


class OverflowsAtOneItem(OnlineMatrixFactorization):
    def partial_fit(self, sample):
        if sample.item_id == "overflow":
            raise ArithmeticOverflowError("below the size check")
        return super().partial_fit(sample)


@pytest.mark.parametrize("detector", [MeanAndScale, lambda: BernoulliGLR(direction="up")])
def test_an_event_that_learner_or_detector_refuses_leaves_no_trace_in_single_sample_mode(detector):
    learner, monitor = OverflowsAtOneItem(n_factors=3, seed=1), zero_one_error
    managed = OnlineLearningManager(
        learner, "single_sample", detector=detector(), monitor=monitor, checkpoint_interval=0
    )
    for at in range(50):
        managed.process_sample(OnlineSample(user_id=at % 5, item_id=at % 7, target=float(at % 2)))
    before = copy.deepcopy((managed._loop.get_state(), learner.get_model_state()))
    with pytest.raises(ArithmeticOverflowError):
        managed.process_sample(OnlineSample(user_id=1, item_id="overflow", target=1.0))
    np.testing.assert_equal((managed._loop.get_state(), learner.get_model_state()), before)
    if isinstance(managed.detector, BernoulliGLR):
        with pytest.raises(InvalidSampleError):
            managed.process_sample(OnlineSample(user_id=1, item_id=1, target=0.5))
        np.testing.assert_equal((managed._loop.get_state(), learner.get_model_state()), before)


class OverflowsInBatches(OverflowsAtOneItem):
    """The same learner event by event, also in chunks."""

    predict_then_learn_many = OnlineLearner.predict_then_learn_many
    predict_then_batch_update = OnlineLearner.predict_then_batch_update


def with_overflow_at(at, n=100):
    chunk = stream(n)
    items = [*chunk.item_ids[:at], "overflow", *chunk.item_ids[at + 1 :]]
    return Chunk(user_ids=chunk.user_ids, item_ids=items, targets=chunk.targets)


def test_events_that_wait_behind_an_overflow_are_learnt_with_the_next_batch():
    managed = OnlineLearningManager(
        OverflowsInBatches(n_factors=3), batch_size=10, detector=AlarmAt(10**6)
    )
    samples = list(with_overflow_at(at=4, n=20))
    for sample in samples[:9]:
        managed.process_sample(sample)
    with pytest.raises(ArithmeticOverflowError, match="Event 4") as caught:
        managed.process_sample(samples[9])
    assert caught.value.at == 4
    stats = managed.get_learning_stats()
    assert (stats.samples_processed, stats.n_buffered) == (10, 5)
    assert managed.learner.samples_processed == 4
    for sample in samples[10:15]:
        managed.process_sample(sample)
    assert managed.get_learning_stats().n_buffered == 0
    assert managed.learner.samples_processed == 14
    fresh = OnlineMatrixFactorization(n_factors=3)
    for sample in [*samples[:4], *samples[5:15]]:
        fresh.partial_fit(sample)
    assert managed.learner.predict(1, 1) == fresh.predict(1, 1)


def test_a_step_for_a_whole_batch_drops_only_the_event_that_overflows():
    network = CompiledNeuralCollaborativeFiltering(2, (4, 2), user_vocab_size=9, item_vocab_size=9)
    managed = OnlineLearningManager(network, batch_size=4, enable_drift_detection=False)
    targets = [3.0, 1e20, 4.0, 5.0, 2.0]
    samples = [OnlineSample(user_id=at, item_id=at, target=y) for at, y in enumerate(targets)]
    for sample in samples[:3]:
        managed.process_sample(sample)
    with pytest.raises(ArithmeticOverflowError, match="Event 1"):
        managed.process_sample(samples[3])
    assert managed.get_learning_stats().n_buffered == 3
    assert managed.process_sample(samples[4]).n_learnt == 4
    assert network.users == [0, 2, 3, 4]


@pytest.mark.parametrize("mode", ["mini_batch", "single_sample", "adaptive"])
def test_an_overflow_in_a_chunk_leaves_the_events_before_and_a_rollback_removes_them(mode):
    def make():
        settings = {"batch_size": 10, "checkpoint_interval": 40, "enable_drift_detection": False}
        return OnlineLearningManager(OverflowsInBatches(n_factors=3), mode, **settings)

    managed, fresh = make(), make()
    with pytest.raises(ArithmeticOverflowError, match=r"below the size check"):
        managed.process_many(with_overflow_at(at=65))
    counted = {"single_sample": 40, "mini_batch": 60, "adaptive": 70}  # 70: before it was learnt
    assert managed.get_learning_stats().samples_processed == counted[mode]
    assert managed.learner.samples_processed == 65
    managed.rollback_to_checkpoint()
    fresh.process_many(with_overflow_at(at=65).slice(0, 40))
    np.testing.assert_array_equal(answers(managed), answers(fresh))
    rest = stream(100).slice(40, 100)
    predictions = [each.process_many(rest).predictions for each in (managed, fresh)]
    np.testing.assert_array_equal(*predictions)


@pytest.mark.parametrize(
    ("settings", "error", "name"),
    [
        (
            {"learning_mode": "sometimes"},
            UnknownNameError,
            "'batch', 'mini_batch', 'single_sample', 'adaptive'",
        ),
        ({"batch_size": 0}, InvalidParameterError, "batch_size"),
        ({"batch_size": 2.0}, InvalidParameterError, "batch_size"),
        ({"max_checkpoints": 0}, InvalidParameterError, "max_checkpoints"),
        ({"checkpoint_interval": -1}, InvalidParameterError, "checkpoint_interval"),
        ({"detector": object()}, InvalidParameterError, "detector"),
        ({"monitor": "absolute"}, InvalidParameterError, "monitor"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, error, name):
    with pytest.raises(error, match=name):
        OnlineLearningManager(learner(), **{"detector": MeanShift(), **settings})


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Boost(factor=0.5), "factor"),
        (lambda: Boost(n_samples=0), "n_samples"),
        (lambda: Boost(keep_evidence=0.0), "keep_evidence"),
        (lambda: PairedLearner(max_age=1), "max_age"),
        (lambda: Reset(pause=-1), "pause"),
        (lambda: Retraining(window=0), "window"),
        (lambda: PeriodicAlarm(period=0), "period"),
    ],
)
def test_a_response_out_of_range_is_named(make, name):
    with pytest.raises(InvalidParameterError, match=f"`{name}`"):
        make()


def test_a_manager_does_not_change_the_chunk():
    chunk = stream(300)
    before = copy.deepcopy(chunk.targets)
    manager("adaptive").process_many(chunk)
    np.testing.assert_array_equal(chunk.targets, before)


# -- on disk


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("response", [Boost, lambda: PairedLearner(max_age=100)])
def test_a_manager_saved_to_disk_continues_bit_for_bit(mode, response, tmp_path):
    def make():
        return OnlineLearningManager(
            learner("belief"),
            mode,
            response=response(),
            schedule=AdaptiveLearningRate(1.0, min_lr=0.5, patience=20),
            retraining=Retraining(every=130, window=300),
        )

    chunk = stream(1500, size=2.0)
    straight, other = make(), make()
    straight.process_many(chunk.slice(0, 777))
    straight.save(tmp_path / "manager")
    other.process_many(stream(100, seed=3))
    other.load(tmp_path / "manager")
    rest = chunk.slice(777, 1500)
    left, right = other.process_many(rest), straight.process_many(rest)
    np.testing.assert_array_equal(left.predictions, right.predictions)
    assert (left.drift_at, left.learning_rate, left.n_buffered) == (
        right.drift_at,
        right.learning_rate,
        right.n_buffered,
    )
    assert other.get_learning_stats().mean_loss == straight.get_learning_stats().mean_loss


@pytest.mark.parametrize("mode", ["batch", "single_sample"])
@pytest.mark.parametrize("response", [Reset, lambda: PairedLearner(max_age=100)])
def test_what_a_learner_knew_before_its_manager_is_saved_too(mode, response, tmp_path):
    settings = {"detector": PeriodicAlarm(350), "retraining": Retraining(every=200)}
    trained = learner()
    trained.partial_fit_many(stream(500, seed=8))
    straight = OnlineLearningManager(trained, mode, response=response(), **settings)
    chunk = stream(1000)
    straight.process_many(chunk.slice(0, 300))
    straight.save(tmp_path / "manager")
    settings["detector"] = PeriodicAlarm(350)
    other = OnlineLearningManager(learner(), mode, response=response(), **settings)
    other.load(tmp_path / "manager")
    rest = chunk.slice(300, 1000)
    left, right = other.process_many(rest), straight.process_many(rest)
    assert left.drift_at
    np.testing.assert_array_equal(left.predictions, right.predictions)


@pytest.mark.parametrize(
    "change",
    [{"batch_size": 16}, {"mode": "adaptive"}, {"optimizer": "belief"}, {"response": NoResponse()}],
)
def test_a_file_of_another_manager_is_refused_and_nothing_changes(change, tmp_path):
    saved = OnlineLearningManager(learner(), "mini_batch")
    saved.process_many(stream(300))
    saved.save(tmp_path / "manager")
    settings = {"mode": "mini_batch", "optimizer": "sgd", **change}
    other = OnlineLearningManager(
        learner(settings.pop("optimizer")), settings.pop("mode"), **settings
    )
    other.process_many(stream(200, seed=4))
    stats, before = other.get_learning_stats(), answers(other)
    with pytest.raises(StateFormatError):
        other.load(tmp_path / "manager")
    assert other.get_learning_stats() == stats
    np.testing.assert_array_equal(answers(other), before)


def test_a_detector_without_a_plain_state_stays_in_memory(tmp_path):
    managed = manager(checkpoint_interval=100)
    managed.process_many(stream(150))
    managed.rollback_to_checkpoint()
    with pytest.raises(StateFormatError, match="MeanShift"):
        managed.save(tmp_path / "manager")
    assert not (tmp_path / "manager").exists()
