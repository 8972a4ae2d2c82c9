"""The hidden checks of the exercise drift: asked when work is graded, never shipped."""

import numpy as np

from coursekit.grading.checks import check

from .checks import (
    Ledger,
    are_deserved,
    asks_page_hinkley,
    asks_shift_test,
    draw_events,
    draw_page_hinkley,
    forget,
    given_stats,
    ledger,
    new_manager,
    new_page_hinkley,
    probability,
    steps_of,
    there_and_back,
)


@check("drift-1", points=2, tier="hidden")
def statistics_on_the_way(t):
    """Mean and variance after every value, from the first one on."""
    values = t.rng.exponential(4.0, 30)
    statistics = t.subject.new("RunningStats")
    means, variances = [], []
    for value in values:
        statistics.call("update", value)
        means.append(statistics.get("mean"))
        variances.append(statistics.call("variance"))
    with t.part("thirty means", 1) as p:
        p.close(means, np.cumsum(values) / np.arange(1, 31), what="`mean` after each value")
    with t.part("thirty variances, the first of them 0", 1) as p:
        right = [0.0, *(values[:n].var(ddof=1) for n in range(2, 31))]
        p.close(variances, right, what="the variance after each value")


@check("drift-2", points=2, tier="hidden")
def page_hinkley_elsewhere(t):
    """Page-Hinkley, on other streams."""
    for name, way in (("upwards again", 2.5), ("downwards again", -2.5)):
        with t.part(name, 0.5) as p:
            asks_page_hinkley(t, p, way)
    with t.part("two detectors that know nothing of each other", 1) as p:
        rise, fall = draw_page_hinkley(t.rng, 2.0)[0], draw_page_hinkley(t.rng, -2.0)[0]
        n, found = min(len(values) for values, _ in (rise, fall)), []
        detectors = new_page_hinkley(t), new_page_hinkley(t)
        for both in zip(rise[0][:n], fall[0][:n], strict=True):
            asked = zip(detectors, both, strict=True)
            found.append([each.call("update", value) for each, value in asked])
        right = [list(both) for both in zip(rise[1][""][:n], fall[1][""][:n], strict=True)]
        p.equal(found, right, what="the alarms of both")


@check("drift-3", points=2, tier="hidden", false_failure_rate=1e-6)
def shift_test_elsewhere(t):
    """A test with a level, on other streams."""
    with t.part("blocks of other sizes and a level between two p-values", 1) as p:
        size = int(t.rng.integers(10, 25))
        blocks = [t.rng.normal(shift, 2.0, size) for shift in (1.0, 1.3, -9.0, 1.1, 0.9, 9.0, 1.0)]
        asks_shift_test(t, p, blocks, level=1e-9)
    with t.part("small probabilities, and 2 % false alarms", 1) as p:
        for shift in (0.3, -0.3):
            old, new = t.rng.normal(0.0, 1.0, 500), t.rng.normal(0.0, 1.2, 400)
            new += shift + old.mean() - new.mean()  # the shift is exactly this
            both = given_stats(t, old), given_stats(t, new)
            p.close(t.subject.call("p_value", *both), probability(old, new), rtol=1e-6)
        quiet = t.rng.uniform(-1.0, 1.0, (1200, 50))
        test = t.subject.new("ShiftTest", block_size=50, level=0.02)
        found = t.subject.call("alarms", test, quiet.ravel())
        places = t.array(found, (None,), what="the places")
        # 24 to 28 of 1,199 comparisons are alarms, with a standard deviation of 5.
        p.that(3 <= len(places) <= 200, "The share of false alarms is not the level.")
        are_deserved(p, places, quiet, 1.5, 2.8)


@check("drift-4", points=1, tier="hidden")
def begins_anew_with_any_detector(t):
    """After an alarm, begin anew, with any detector and any number of watches."""
    with t.part("three watches", 1) as p:
        lengths, n = t.rng.permutation(np.arange(2, 12))[:3].tolist(), 40
        scripts = [[first, first + 4, first + 5] for first in lengths]
        watches = [t.subject.new("Watch", t.subject.new("Scripted", each)) for each in scripts]
        got = [watch.map("update", [[0.0]] * n) for watch in watches]
        right = [[at % first == 0 for at in range(1, n + 1)] for first in lengths]
        p.equal(got, right, what="the alarms")
        found = [each.get("drift_at") for each in watches]
        p.equal(found, [[*range(first - 1, n, first)] for first in lengths], what="`drift_at`")


@check("drift-5", points=2, tier="hidden")
def boost_elsewhere(t):
    """A boost that lasts, with other settings."""
    events, alarms = draw_events(t.rng, 80), (1, 30, 31, 60)
    settings = {"rate": 0.01, "factor": 8.0, "n_boost": int(t.rng.integers(5, 20))}
    learner = t.subject.new("Biases")
    detector = t.subject.new("Scripted", list(alarms))
    manager = t.subject.new("Manager", learner, detector, **settings)
    got = manager.map("process", events)
    book = Ledger(alarms, **settings)
    right = book.read(events)
    with t.part("four alarms, the first at the first event", 1) as p:
        p.close(steps_of(t, got), right, what="loss, rate and alarm")
    with t.part("what was learnt", 1) as p:
        asked = sorted({(user, film) for user, film, _ in events})
        p.close(
            learner.map("predict", asked),
            [-book.error(*pair, 0.0) for pair in asked],
            rtol=1e-6,
            what="the prediction",
        )


@check("drift-6", points=2, tier="hidden")
def way_back_elsewhere(t):
    """A way back that forgets nothing, and forgets what it should."""
    alarms = (6, 14, 33)
    before, strangers, events = (
        draw_events(t.rng, 15),
        draw_events(t.rng, 10),
        draw_events(t.rng, 25),
    )
    manager, untouched = (new_manager(t, "SafeManager", alarms) for _ in range(2))
    for each in (manager, untouched):
        each.map("process", before)
    with t.part("as if strangers had never come", 1) as p:
        unknown = [[f"stranger {user}", f"new {film}", target] for user, film, target in strangers]
        forget(manager, unknown)
        got, right = (steps_of(t, each.map("process", events)) for each in (manager, untouched))
        p.close(got, ledger(Ledger, alarms, before + events)[15:], what="loss, rate and alarm")
        p.equal(got, right, what="loss, rate and alarm")
    with t.part("the newest checkpoint counts", 1) as p:
        one, another = there_and_back(t, manager, strangers)
        p.close(
            one,
            ledger(Ledger, alarms, before + events + strangers)[40:],
            what="loss, rate and alarm",
        )
        p.equal(another, one, what="loss, rate and alarm")
