"""The visible checks of the exercise drift: what `check("drift-1")` asks your code.

Nothing here is secret. Everything is computed from its definition, over whole arrays and with
hindsight, which a stream never allows: you will not find your answers here, only something to
agree with.
"""

from statistics import NormalDist

import numpy as np

from coursekit.grading.checks import check

# ---- drift-1: running statistics


def one_by_one(values):
    """Return lists of arguments for `map`: one value each."""
    return [[value] for value in values]


@check("drift-1", points=4, false_failure_rate=1e-6)
def running_statistics(t):
    """Mean and variance of a stream, in three numbers."""
    values = t.rng.normal(5.0, 3.0, 8)
    stats = t.subject.new("RunningStats")
    stats.map("update", one_by_one(values))
    with t.part("the mean of eight values", 1) as p:
        p.close(
            stats.get("mean"),
            values.mean(),
            what="`mean`",
            mistakes={"forgets-the-past": values[-1] - values[-2]},
        )
    with t.part("their variance", 1) as p:
        p.close(
            stats.call("variance"),
            values.var(ddof=1),
            what="the variance",
            mistakes=wrong_variances(values),
        )
    with t.part("huge values that scatter a little", 1) as p:
        stamps = t.rng.integers(-3, 4, 200) + 2.0**30 * t.rng.integers(1, 4)
        stats = t.subject.new("RunningStats")
        stats.map("update", one_by_one(stamps))
        got = t.number(stats.call("variance"), "the variance")
        p.that(abs(got - stamps.var(ddof=1)) < 1e-4, "", mistake="subtracts-after-squaring")
    with t.part("the memory after 10,000 values and more", 1) as p:
        keeps_three_numbers(t, p)


def wrong_variances(values):
    means = np.cumsum(values) / np.arange(1, len(values) + 1)
    before = np.concatenate([[0.0], means[:-1]])
    return {
        "population-variance": values.var(),
        "standard-deviation": values.std(ddof=1),
        "old-mean-twice": ((values - before) ** 2).sum() / (len(values) - 1),
        "new-mean-twice": ((values - means) ** 2).sum() / (len(values) - 1),
        "sum-of-squares": values.var(ddof=1) * (len(values) - 1),
    }


def keeps_three_numbers(t, p):
    """Demand that memory does not grow with the number of values, and that the variance of all of
    them is right.

    After 10,000 values an answer that keeps three numbers takes no more memory, on any machine; one
    that keeps all values takes 8 to 32 bytes a value. Allowed are 4, and six times more has to
    be too much. The cost in CPU time only ends early what goes through all values again and again:
    a thousand updates need 5 units, allowed are 150.
    """
    stats, center = t.subject.new("RunningStats"), t.rng.uniform(-3.0, 3.0)
    n, total, squares = 0, 0.0, 0.0

    def thousand():
        nonlocal n, total, squares
        chunk = t.rng.normal(0.0, 2.0, 1000)
        stats.map("update", one_by_one(center + chunk))
        n, total, squares = n + 1000, total + chunk.sum(), squares + (chunk**2).sum()

    def compare():
        right = (squares - total**2 / n) / (n - 1)
        p.close(stats.call("variance"), right, what="the variance")

    thousand()
    compare()
    for _ in range(9):
        p.that(t.affords(thousand, 150, n_times=3), "", mistake="keeps-all")
    p.that(not t.grows(thousand, 4000), "", mistake="keeps-all")
    compare()


# ---- drift-2: Page-Hinkley


def sums(values, delta=0.2, means=None):
    """Return both sums of the Page-Hinkley test at every moment: m and g."""
    means = np.cumsum(values) / np.arange(1, len(values) + 1) if means is None else means
    steps = np.arange(1, len(values) + 1)
    deviations = np.cumsum(values - means)
    return deviations - delta * steps, deviations + delta * steps


def climbs(m):
    return m - np.minimum.accumulate(m)


def descents(g):
    return np.maximum.accumulate(g) - g


def page_hinkley(values, threshold=5.0):
    """Return the alarms, and what they become after mistakes that people make."""
    m, g = sums(values)
    means = np.cumsum(values) / np.arange(1, len(values) + 1)
    late_m, late_g = sums(values, means=np.concatenate([[0.0], means[:-1]]))
    no_delta, _ = sums(values, delta=0.0)
    wrong = {
        "only-rises": climbs(m),
        "only-falls": descents(g),
        "forgets-the-lowest": np.maximum(m, -g),
        "forgets-delta": np.maximum(climbs(no_delta), descents(no_delta)),
        "one-sum-for-both": np.maximum(climbs(m), descents(m)),
        "mean-before-the-value": np.maximum(climbs(late_m), descents(late_g)),
    }
    gaps = {"": np.maximum(climbs(m), descents(g)), **wrong}
    clear = all(np.abs(gap - threshold).min() > 1e-6 for gap in gaps.values())
    return clear, {name: (gap > threshold).tolist() for name, gap in gaps.items()}


def draw_page_hinkley(rng, shift):
    """Draw two streams with a change. In each, no alarm is a matter of rounding, and every mistake
    shows except to look for rises (or falls) alone where there is one. No list of alarms is right
    for both.
    """
    silent = "only-rises" if shift > 0 else "only-falls"
    streams = []
    while len(streams) < 2:
        n = int(rng.integers(15, 35))
        values = rng.normal(np.repeat([3.0, 3.0 + shift], [n, 20]), 1.0)
        clear, found = page_hinkley(values)
        right = found[""]
        shows = [name for name, alarms in found.items() if alarms != right]
        distinct = len(set(map(tuple, found.values()))) == len(shows) + 1
        other = streams[0][1][""] if streams else [not each for each in right]
        differs = any(one != two for one, two in zip(right, other, strict=False))
        only_it = set(found) - set(shows) == {"", silent}
        if clear and distinct and differs and only_it and any(right) and not any(right[:n]):
            streams.append((values, found))
    return streams


@check("drift-2", points=4)
def page_hinkley_test(t):
    """Page-Hinkley, upwards and downwards."""
    with t.part("a rise", 1.5) as p:
        asks_page_hinkley(t, p, 2.0)
    with t.part("a fall", 1.5) as p:
        asks_page_hinkley(t, p, -2.0)
    with t.part("a smaller fall", 1) as p:
        asks_page_hinkley(t, p, -1.5)


def asks_page_hinkley(t, p, shift):
    streams = draw_page_hinkley(t.rng, shift)
    got = [new_page_hinkley(t).map("update", one_by_one(values)) for values, _ in streams]
    found = {name: [alarms[name] for _, alarms in streams] for name in streams[0][1]}
    right = found.pop("")
    p.equal(got, right, what="the alarms", mistakes=found)


def new_page_hinkley(t):
    return t.subject.new("PageHinkley", delta=0.2, threshold=5.0)


# ---- drift-3: a test instead of a threshold


def probability(old, new):
    """Return the p-value from all values of both worlds, as the text defines it."""
    standard_error = np.sqrt(new.var(ddof=1) / len(new) + old.var(ddof=1) / len(old))
    return 2 * NormalDist().cdf(-abs(new.mean() - old.mean()) / standard_error)


def given_stats(t, values):
    """Make a RunningStats that knows these values, whatever step 1 does."""
    stats = t.subject.new("RunningStats")
    for name, value in {
        "n": len(values),
        "mean": values.mean(),
        "squares": len(values) * values.var(),
    }.items():
        stats.set(name, value)
    return stats


@check("drift-3", points=6, false_failure_rate=1e-6)
def shift_test(t):
    """A test with a level."""
    for way, shift in (("a small rise", 0.8), ("a small fall", -0.8)):
        with t.part(f"the p-value of {way}", 1) as p:
            old, new = t.rng.normal(0.0, 1.0, 60), t.rng.normal(0.0, 2.0, 40)
            old, new = old - old.mean(), new - new.mean() + shift  # the shift is exactly this
            got = t.subject.call("p_value", given_stats(t, old), given_stats(t, new))
            p.close(
                got,
                probability(old, new),
                what="the p-value",
                mistakes=wrong_probabilities(old, new),
            )
    with t.part("worlds without any spread", 0.5) as p:
        value = t.rng.uniform(1.0, 3.0)
        one, like_it, another = (
            given_stats(t, np.full(5, mean)) for mean in (value, value, value + 1.0)
        )
        same = t.rng.integers(0, 2, 12)
        got = t.subject.map("p_value", [[one, like_it if each else another] for each in same])
        p.close(got, same.astype(float), what="the p-values")
    blocks = [t.rng.normal(shift, 1.0, 20) for shift in (0.0, 0.2, 3.0, -0.2, 3.0, 3.0)]
    with t.part("block by block", 2) as p:
        asks_shift_test(t, p, blocks, level=1e-6)
    with t.part("a promise that is kept: 5 % false alarms", 1.5) as p:
        quiet = t.rng.normal(3.0, 2.0, (1000, 25))
        found = t.subject.call(
            "alarms", t.subject.new("ShiftTest", block_size=25, level=0.05), quiet.ravel()
        )
        places = t.array(found, (None,), "the places of the alarms")
        # 50 to 65 of 999 comparisons are alarms, with a standard deviation of 8.
        p.that(len(places) < 300, "", mistake="cries-wolf")
        p.that(len(places) > 5, "", mistake="sleeps")
        are_deserved(p, places, quiet, 1.0, 2.3)


def are_deserved(p, places, blocks, too_few, enough):
    """Demand of the blocks after the hundredth that an alarm stands at the end of each whose mean
    is `enough` standard errors away from all before, and of none that is less than `too_few` away.
    """
    n, size = blocks.shape
    counts = size * np.arange(1, n)
    means = np.cumsum(blocks.sum(axis=1))[:-1] / counts
    variances = np.cumsum((blocks**2).sum(axis=1))[:-1] / counts - means**2
    errors = np.sqrt(variances / counts + blocks[1:].var(axis=1, ddof=1) / size)
    z = np.abs(blocks[1:].mean(axis=1) - means) / errors
    said = np.isin(np.arange(2, n + 1) * size - 1, places)
    wrong = np.where(said, z < too_few, z > enough)[100:]
    p.that(not wrong.any(), "An alarm stands where the means are close, or none where they differ.")


def asks_shift_test(t, p, blocks, level):
    test = t.subject.new("ShiftTest", block_size=len(blocks[0]), level=level)
    got, found = [], []
    for block in blocks:
        found += test.map("update", one_by_one(block))
        got.append(test.get("p"))
    p.close(
        got, p_values(blocks, level), what="`p` after each block", mistakes=wrong_p_values(blocks)
    )
    p.equal(found, block_alarms(blocks, level), what="the alarms")


def wrong_probabilities(old, new):
    spread = np.sqrt(new.var(ddof=1) + old.var(ddof=1))
    only_new = np.sqrt(new.var(ddof=1) / len(new))
    shift, right = new.mean() - old.mean(), probability(old, new)
    return {
        "only-upwards": right if shift > 0 else 2 - right,
        "one-tail": right / 2,
        "spread-for-standard-error": 2 * NormalDist().cdf(-abs(shift) / spread),
        "trusts-the-baseline-blindly": 2 * NormalDist().cdf(-abs(shift) / only_new),
        "forgets-the-root-of-two": 2
        * NormalDist().cdf(-abs(shift) / np.sqrt(spread_of_means(old, new)) * np.sqrt(2)),
    }


def spread_of_means(old, new):
    return new.var(ddof=1) / len(new) + old.var(ddof=1) / len(old)


def p_values(blocks, level):
    """Return `p` after each block; the first one has nothing to be compared with."""
    baseline, found = blocks[0], [1.0]
    for block in blocks[1:]:
        found.append(probability(baseline, block))
        if found[-1] > level:
            baseline = np.concatenate([baseline, block])
    return found


def wrong_p_values(blocks):
    with_itself = [
        1.0,
        *(
            probability(np.concatenate(blocks[: at + 1]), blocks[at])
            for at in range(1, len(blocks))
        ),
    ]
    with_the_drift = [
        1.0,
        *(probability(np.concatenate(blocks[:at]), blocks[at]) for at in range(1, len(blocks))),
    ]
    only_the_last = [
        1.0,
        *(probability(blocks[at - 1], blocks[at]) for at in range(1, len(blocks))),
    ]
    return {
        "updates-before-testing": with_itself,
        "baseline-includes-the-drift": with_the_drift,
        "compares-neighbours": only_the_last,
    }


def block_alarms(blocks, level):
    """Return what `update` says at each value: only the one that completes a block can raise an
    alarm.
    """
    found = np.zeros((len(blocks), len(blocks[0])), dtype=bool)
    found[:, -1] = np.array(p_values(blocks, level)) <= level
    return found.ravel().tolist()


# ---- drift-4: a new beginning


@check("drift-4", points=4, false_failure_rate=1e-9)
def begins_anew(t):
    """After an alarm, begin anew."""
    # Two watches. Each detector raises one alarm, and then one at every value, as if it never got
    # used to the new world.
    lengths, n_values = t.rng.permutation(np.arange(4, 16))[:2].tolist(), 59
    watches = [t.subject.new("Watch", t.subject.new("Scripted", [*range(n, 60)])) for n in lengths]
    values = one_by_one(t.rng.normal(size=n_values))
    got = [watch.map("update", values) for watch in watches]
    at = np.arange(1, n_values + 1)
    with t.part("alarm after alarm", 2) as p:
        wrong = {
            "never-resets": [(at >= n).tolist() for n in lengths],
            "hands-out-the-spare": [((at == n) | (at >= 2 * n)).tolist() for n in lengths],
            "swallows-the-alarm": [[False] * n_values] * 2,
        }
        again = [(at % n == 0).tolist() for n in lengths]
        p.equal(got, again, what="the alarms", mistakes=wrong)
    with t.part("where they were", 1) as p:
        places = [[*range(n - 1, n_values, n)] for n in lengths]
        wrong = {
            "counts-from-one": [[place + 1 for place in each] for each in places],
            "counts-from-the-reset": [[each[0]] * len(each) for each in places],
        }
        got = [watch.get("drift_at") for watch in watches]
        p.equal(got, places, what="`drift_at`", mistakes=wrong)
    with t.part("your own test, three worlds", 1) as p:
        # The two changes are 20 standard errors wide; a chance alarm at this level comes once in
        # 10^10 times.
        for first, second in t.rng.integers(0, 8, (2, 2)):
            changes = 250 + 50 * int(first), 750 + 50 * int(second)
            lengths = changes[0], changes[1] - changes[0], 1200 - changes[1]
            worlds = t.rng.normal(np.repeat([0.0, 4.0, -4.0], lengths), 1.0)
            test = t.subject.new("ShiftTest", block_size=50, level=1e-12)
            found = t.subject.call("alarms", t.subject.new("Watch", test), worlds)
            p.equal(found, [change + 49 for change in changes], what="the alarms")


# ---- drift-5: a boost that lasts


class Ledger:
    """The world of steps 5 and 6 kept as one dictionary: what should come out, by the text."""

    def __init__(self, alarms, rate, factor, n_boost):
        self.alarms, self.rate, self.factor, self.n_boost = set(alarms), rate, factor, n_boost
        self.known, self.n_watched, self.age = {}, 0, np.inf

    def event(self, user, film, target, learn_first=False):
        """Return loss, rate and alarm of one event, and learn from it."""
        self.n_watched += 1
        alarm = self.n_watched in self.alarms
        rate, error = self.next_rate(alarm), self.error(user, film, target)
        for name in ("level", ("user", user), ("film", film)):
            self.known[name] = self.known.get(name, 0.0) + rate * error
        return (self.error(user, film, target) if learn_first else error) ** 2, rate, alarm

    def next_rate(self, alarm):
        if alarm:
            self.age = 0
        rate, self.age = self.rate * self.boost(), self.age + 1
        return rate

    def boost(self):
        return (
            1 + (self.factor - 1) * 2 ** (-10 * self.age / self.n_boost)
            if self.age < self.n_boost
            else 1.0
        )

    def read(self, events, learn_first=False):
        """Return loss, rate and alarm of every event, one row each."""
        return np.array([self.event(*event, learn_first=learn_first) for event in events])

    def error(self, user, film, target):
        return target - sum(
            self.known.get(name, 0.0) for name in ("level", ("user", user), ("film", film))
        )


class Overwritten(Ledger):
    def boost(self):
        return self.factor if self.age == 0 else 1.0


class ForEver(Ledger):
    def boost(self):
        return 1.0 if np.isinf(self.age) else self.factor


class PilesUp(Ledger):
    """Each alarm raises the rate that is in force."""

    def next_rate(self, alarm):
        self.rate = self.last if alarm else self.rate
        self.last = super().next_rate(alarm)
        return self.last


class Late(Ledger):
    """The rate is set before the detector is asked."""

    def next_rate(self, alarm):
        rate, self.age = self.rate * self.boost(), 0 if alarm else self.age + 1
        return rate


SETTINGS = {"rate": 0.03, "factor": 4.0, "n_boost": 12}


def draw_events(rng, n):
    users, films = rng.integers(0, 3, n), rng.integers(0, 3, n)
    return [
        [f"user {user}", f"film {film}", target]
        for user, film, target in zip(users, films, rng.normal(6, 2, n), strict=True)
    ]


def ledger(kind, alarms, events, learn_first=False, **settings):
    """Return loss, rate and alarm of every event, one row each."""
    return kind(alarms, **{**SETTINGS, **settings}).read(events, learn_first)


def new_manager(t, cls, alarms, **settings):
    learner, detector = t.subject.new("Biases"), t.subject.new("Scripted", list(alarms))
    return t.subject.new(cls, learner, detector, **{**SETTINGS, **settings})


def steps_of(t, answers):
    """Return what `process` returned for every event, one row each."""
    what = "what `process` returns"
    records = [t.fields(answer, ("loss", "rate", "alarm"), what) for answer in answers]
    return np.array([t.array(record, (3,), what) for record in records])


@check("drift-5", points=5)
def lasting_boost(t):
    """A boost that lasts."""
    events, first = draw_events(t.rng, 45), int(t.rng.integers(8, 12))
    # Two managers; the second alarm of each comes while its first boost is still on.
    scripts, settings = (
        ((first, first + 6), (first + 4, first + 9)),
        {"factor": t.rng.uniform(3, 5)},
    )

    def both(kind, learn_first=False):
        books = [ledger(kind, alarms, events, learn_first, **settings) for alarms in scripts]
        return np.concatenate(books)

    right = both(Ledger)
    managers = [new_manager(t, "Manager", alarms, **settings) for alarms in scripts]
    got = [manager.map("process", events) for manager in managers]
    got = [*got[0], *got[1]]
    with t.part("before any alarm", 1) as p:
        quiet = slice(0, first - 1)
        stuck = ledger(Ledger, (), events, rate=0.02)  # what Biases does when nobody sets its rate
        wrong = {
            "learns-before-testing": both(Ledger, learn_first=True),
            "rate-never-arrives": stuck,
        }
        losses = {name: steps[quiet, 0] for name, steps in wrong.items()}
        p.close(steps_of(t, got)[quiet, 0], right[quiet, 0], what="the loss", mistakes=losses)
    with t.part("the rate after an alarm, and after another", 2) as p:
        kinds = {
            "boost-overwritten": Overwritten,
            "boost-for-ever": ForEver,
            "boost-piles-up": PilesUp,
            "boost-late": Late,
        }
        wrong = {name: both(kind)[:, 1] for name, kind in kinds.items()}
        p.close(steps_of(t, got)[:, 1], right[:, 1], what="the rate", mistakes=wrong)
    with t.part("the learner follows it", 1) as p:
        p.close(steps_of(t, got)[:, 0], right[:, 0], what="the loss")
    with t.part("what the detector sees", 1) as p:
        targets = t.rng.normal(0.0, 3.0, 20)
        detector = t.subject.new("RunningStats")  # has `update` too, and never raises an alarm
        manager = t.subject.new("Manager", t.subject.new("Biases"), detector, rate=0.0)
        manager.map("process", [["ada", "gravity", target] for target in targets])
        wrong = {"watches-signed-errors": targets.mean(), "watches-losses": np.mean(targets**2)}
        p.close(
            detector.get("mean"),
            np.abs(targets).mean(),
            what="the mean of what it saw",
            mistakes=wrong,
        )


# ---- drift-6: a way back


def passes(alarms, before, events):
    """Return what happens to the events at first, and after a rollback with mistakes that people
    make.
    """
    book = Ledger(alarms, **SETTINGS)
    book.read(before)
    saved = keep(book)
    first = book.read(events)
    now = keep(book)
    surface = {**now["known"], "level": saved["known"]["level"]}
    restored = {
        "keeps-references": {**now, "age": saved["age"]},
        "copies-the-surface": {**saved, "known": surface},
        "forgets-the-detector": {**saved, "n_watched": now["n_watched"]},
        "forgets-the-boost": {**saved, "age": now["age"]},
        "hands-out-the-copy": {**now, "age": saved["age"]},
    }
    wrong = {}
    for name, state in restored.items():
        vars(book).update({**state, "known": dict(state["known"])})
        wrong[name] = book.read(events)
    return first, wrong


def keep(book):
    return {"known": dict(book.known), "n_watched": book.n_watched, "age": book.age}


@check("drift-6", points=4)
def way_back(t):
    """A way back that forgets nothing."""
    before, events = draw_events(t.rng, 20), draw_events(t.rng, 20)
    alarms = (
        int(t.rng.integers(15, 19)),
        int(t.rng.integers(26, 30)),
    )  # the checkpoint falls into a boost
    manager = new_manager(t, "SafeManager", alarms)
    manager.map("process", before)
    right, wrong = passes(alarms, before, events)
    first, again, once_more = there_and_back(t, manager, events, n_times=3)
    with t.part("to make a checkpoint changes nothing", 1) as p:
        p.close(first, right, what="loss, rate and alarm")
    with t.part("the same events after a rollback, bit for bit", 2) as p:
        at_once = {name: steps for name, steps in wrong.items() if name != "hands-out-the-copy"}
        p.close(again, right, what="loss, rate and alarm", mistakes=at_once)
        p.equal(again, first, what="loss, rate and alarm")
    with t.part("and after another rollback", 1) as p:
        later = {"hands-out-the-copy": wrong["hands-out-the-copy"]}
        p.close(once_more, right, what="loss, rate and alarm", mistakes=later)
        p.equal(once_more, first, what="loss, rate and alarm")


def there_and_back(t, manager, events, n_times=2):
    """Return what happens to some events after a checkpoint, and again after every rollback."""
    manager.call("checkpoint")
    passes = [steps_of(t, manager.map("process", events))]
    while len(passes) < n_times:
        manager.call("rollback")
        passes.append(steps_of(t, manager.map("process", events)))
    return passes


def forget(manager, events):
    """Process events between a checkpoint and a rollback."""
    manager.call("checkpoint")
    manager.map("process", events)
    manager.call("rollback")
