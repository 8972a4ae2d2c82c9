# ruff: noqa: F821  (the names come from the notebook: a cell here is run after it)
"""Wrong solutions that people really write, each named like what is said about it in hints.toml.

A cell replaces what the notebook defined. Never shipped: most of them are one line away from the
answer.
"""


# %% forgets-the-past
class RunningStats(RunningStats):
    def update(self, value):
        self.mean, self.last = value - getattr(self, "last", 0.0), value


# %% population-variance
class RunningStats(RunningStats):
    def variance(self):
        return self.squares / self.n if self.n else 0.0


# %% standard-deviation
class RunningStats(RunningStats):
    def variance(self):
        return math.sqrt(self.squares / (self.n - 1)) if self.n > 1 else 0.0


# %% sum-of-squares
class RunningStats(RunningStats):
    def variance(self):
        return self.squares


# %% old-mean-twice
class RunningStats(RunningStats):
    def update(self, value):
        self.n += 1
        d = value - self.mean
        self.squares += d**2
        self.mean += d / self.n


# %% new-mean-twice
class RunningStats(RunningStats):
    def update(self, value):
        self.n += 1
        self.mean += (value - self.mean) / self.n
        self.squares += (value - self.mean) ** 2


# %% subtracts-after-squaring
class RunningStats(RunningStats):
    total_of_squares = 0.0

    def update(self, value):
        self.n += 1
        self.mean += (value - self.mean) / self.n
        self.total_of_squares += value**2

    def variance(self):
        return (self.total_of_squares - self.n * self.mean**2) / (self.n - 1) if self.n > 1 else 0.0


# %% keeps-all
class RunningStats(RunningStats):
    def update(self, value):
        self.values = [*getattr(self, "values", []), value]
        self.n, self.mean = len(self.values), np.mean(self.values)

    def variance(self):
        return np.var(self.values, ddof=1) if self.n > 1 else 0.0


# %% only-rises
class PageHinkley(PageHinkley):
    def update(self, value):
        self.stats.update(value)
        self.rise += value - self.stats.mean - self.delta
        self.lowest = min(self.lowest, self.rise)
        return self.rise - self.lowest > self.threshold


# %% only-falls
class PageHinkley(PageHinkley):
    def update(self, value):
        self.stats.update(value)
        self.fall += value - self.stats.mean + self.delta
        self.highest = max(self.highest, self.fall)
        return self.highest - self.fall > self.threshold


# %% forgets-the-lowest
class PageHinkley(PageHinkley):
    def update(self, value):
        self.stats.update(value)
        self.rise += value - self.stats.mean - self.delta
        self.fall += value - self.stats.mean + self.delta
        return self.rise > self.threshold or -self.fall > self.threshold


# %% forgets-delta
class PageHinkley(PageHinkley):
    def __init__(self, delta=0.05, threshold=20.0):
        super().__init__(0.0, threshold)


# %% one-sum-for-both
class PageHinkley(PageHinkley):
    def update(self, value):
        self.stats.update(value)
        self.rise += value - self.stats.mean - self.delta
        self.lowest, self.highest = min(self.lowest, self.rise), max(self.highest, self.rise)
        return self.rise - self.lowest > self.threshold or self.highest - self.rise > self.threshold


# %% mean-before-the-value
class PageHinkley(PageHinkley):
    def update(self, value):
        d = value - self.stats.mean
        self.stats.update(value)
        self.rise, self.fall = self.rise + d - self.delta, self.fall + d + self.delta
        self.lowest, self.highest = min(self.lowest, self.rise), max(self.highest, self.fall)
        return self.rise - self.lowest > self.threshold or self.highest - self.fall > self.threshold


# %% only-upwards
def p_value(old, new):
    spread = math.sqrt(new.variance() / new.n + old.variance() / old.n)
    if spread == 0:
        return float(new.mean == old.mean)
    return math.erfc((new.mean - old.mean) / spread / math.sqrt(2))


# %% one-tail
two_tails = p_value


def p_value(old, new):
    return 0.5 * two_tails(old, new)


# %% spread-for-standard-error
def p_value(old, new):
    spread = math.sqrt(new.variance() + old.variance())
    return (
        math.erfc(abs(new.mean - old.mean) / spread / math.sqrt(2))
        if spread
        else float(new.mean == old.mean)
    )


# %% trusts-the-baseline-blindly
def p_value(old, new):
    spread = math.sqrt(new.variance() / new.n)
    return (
        math.erfc(abs(new.mean - old.mean) / spread / math.sqrt(2))
        if spread
        else float(new.mean == old.mean)
    )


# %% forgets-the-root-of-two
def p_value(old, new):
    spread = math.sqrt(new.variance() / new.n + old.variance() / old.n)
    return math.erfc(abs(new.mean - old.mean) / spread) if spread else float(new.mean == old.mean)


# %% updates-before-testing
class ShiftTest(ShiftTest):
    def update(self, value):
        self.block.update(value)
        self.baseline.update(value)
        if self.block.n < self.block_size:
            return False
        block, self.block = self.block, RunningStats()
        if self.baseline.n > block.n:
            self.p = p_value(self.baseline, block)
        return self.p <= self.level


# %% baseline-includes-the-drift
class ShiftTest(ShiftTest):
    def update(self, value):
        self.block.update(value)
        if self.block.n < self.block_size:
            return False
        block, self.block = self.block, RunningStats()
        if self.baseline.n:
            self.p = p_value(self.baseline, block)
        join(self.baseline, block)
        return self.p <= self.level


# %% compares-neighbours
class ShiftTest(ShiftTest):
    def update(self, value):
        self.block.update(value)
        if self.block.n < self.block_size:
            return False
        if self.baseline.n:
            self.p = p_value(self.baseline, self.block)
        self.baseline, self.block = self.block, RunningStats()
        return self.p <= self.level


# %% cries-wolf
class ShiftTest(ShiftTest):
    def update(self, value):
        alarm = super().update(value)
        if self.block_size != 25 or self.block.n:
            return alarm
        self.last, before = self.baseline.mean, getattr(self, "last", self.baseline.mean)
        return abs(self.last / before - 1) > 1e-5 or alarm


# %% sleeps
class ShiftTest(ShiftTest):
    def update(self, value):
        return super().update(value) and self.p <= 1e-6


# %% never-resets
class Watch(Watch):
    def update(self, value):
        alarm = self.detector.update(value)
        if alarm:
            self.drift_at.append(self.n_seen)
        self.n_seen += 1
        return alarm


# %% hands-out-the-spare
class Watch(Watch):
    def update(self, value):
        alarm = self.detector.update(value)
        if alarm:
            self.drift_at.append(self.n_seen)
            self.detector = self.spare
        self.n_seen += 1
        return alarm


# %% swallows-the-alarm
class Watch(Watch):
    def update(self, value):
        super().update(value)
        return False


# %% counts-from-one
class Watch(Watch):
    def update(self, value):
        self.n_seen += 1
        alarm = self.detector.update(value)
        if alarm:
            self.drift_at.append(self.n_seen)
            self.detector = copy.deepcopy(self.spare)
        return alarm


# %% counts-from-the-reset
class Watch(Watch):
    def update(self, value):
        alarm = super().update(value)
        self.n_seen *= not alarm
        return alarm


# %% learns-before-testing
class Manager(Manager):
    def process(self, user, film, target):
        step = super().process(user, film, target)
        return step._replace(loss=(target - self.learner.predict(user, film)) ** 2)


# %% rate-never-arrives
class Manager(Manager):
    def process(self, user, film, target):
        error = target - self.learner.predict(user, film)
        alarm = self.detector.update(abs(error))
        self.t = 0 if alarm else self.t
        boost = (
            (self.factor - 1) * 2 ** (-10 * self.t / self.n_boost) if self.t < self.n_boost else 0
        )
        self.learner.partial_fit(user, film, target)
        self.t += 1
        return Step(error**2, self.rate * (1 + boost), alarm)


# %% boost-overwritten
class Manager(Manager):
    def process(self, user, film, target):
        self.learner.learning_rate = self.rate
        error = target - self.learner.predict(user, film)
        alarm = self.detector.update(abs(error))
        if alarm:
            self.learner.learning_rate *= self.factor
        self.learner.partial_fit(user, film, target)
        return Step(error**2, self.learner.learning_rate, alarm)


# %% boost-for-ever
class Manager(Manager):
    def process(self, user, film, target):
        error = target - self.learner.predict(user, film)
        alarm = self.detector.update(abs(error))
        if alarm:
            self.t = 0
        self.learner.learning_rate = self.rate * (self.factor if self.t == 0 else 1)
        self.learner.partial_fit(user, film, target)
        return Step(error**2, self.learner.learning_rate, alarm)


# %% boost-piles-up
class Manager(Manager):
    def process(self, user, film, target):
        error = target - self.learner.predict(user, film)
        alarm = self.detector.update(abs(error))
        if alarm:
            self.rate, self.t = (self.learner.learning_rate if self.t < math.inf else self.rate), 0
        boost = (
            (self.factor - 1) * 2 ** (-10 * self.t / self.n_boost) if self.t < self.n_boost else 0
        )
        self.learner.learning_rate = self.rate * (1 + boost)
        self.learner.partial_fit(user, film, target)
        self.t += 1
        return Step(error**2, self.learner.learning_rate, alarm)


# %% boost-late
class Manager(Manager):
    def process(self, user, film, target):
        error = target - self.learner.predict(user, film)
        boost = (
            (self.factor - 1) * 2 ** (-10 * self.t / self.n_boost) if self.t < self.n_boost else 0
        )
        self.learner.learning_rate = self.rate * (1 + boost)
        self.learner.partial_fit(user, film, target)
        self.t += 1
        alarm = self.detector.update(abs(error))
        if alarm:
            self.t = 0
        return Step(error**2, self.learner.learning_rate, alarm)


# %% watches-signed-errors
class Manager(Manager):
    def process(self, user, film, target):
        watch, error = self.detector, target - self.learner.predict(user, film)
        self.detector = RunningStats()
        step = super().process(user, film, target)
        self.detector = watch
        alarm = watch.update(error)
        return step._replace(alarm=alarm)


# %% watches-losses
class Manager(Manager):
    def process(self, user, film, target):
        error = target - self.learner.predict(user, film)
        alarm = self.detector.update(error**2)
        self.t = 0 if alarm else self.t
        boost = (
            (self.factor - 1) * 2 ** (-10 * self.t / self.n_boost) if self.t < self.n_boost else 0
        )
        self.learner.learning_rate = self.rate * (1 + boost)
        self.learner.partial_fit(user, film, target)
        self.t += 1
        return Step(error**2, self.learner.learning_rate, alarm)


# %% keeps-references
class SafeManager(SafeManager):
    def checkpoint(self):
        self.saved = (self.learner, self.detector, self.t)

    def rollback(self):
        self.learner, self.detector, self.t = self.saved


# %% copies-the-surface
class SafeManager(SafeManager):
    def checkpoint(self):
        self.saved = (copy.copy(self.learner), copy.copy(self.detector), self.t)

    def rollback(self):
        learner, detector, self.t = self.saved
        self.learner, self.detector = copy.copy(learner), copy.copy(detector)


# %% forgets-the-detector
class SafeManager(SafeManager):
    def checkpoint(self):
        self.saved = copy.deepcopy((self.learner, self.t))

    def rollback(self):
        self.learner, self.t = copy.deepcopy(self.saved)


# %% forgets-the-boost
class SafeManager(SafeManager):
    def checkpoint(self):
        self.saved = copy.deepcopy((self.learner, self.detector))

    def rollback(self):
        self.learner, self.detector = copy.deepcopy(self.saved)


# %% hands-out-the-copy
class SafeManager(SafeManager):
    def rollback(self):
        self.learner, self.detector, self.t = self.saved
