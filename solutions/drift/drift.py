# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] name="title"
# # A detector, a boost and a way back
#
# *Exercise `drift` · about 100 minutes · 6 checks · goes with lessons 05, [drift
# detection](../../notebooks/05_drift_detection.ipynb), and 06, [adaptation](../../notebooks/06_adaptation.ipynb)*
#
# A model is in production, and on a Tuesday night the world changes. In six small steps you will build what notices it, what
# answers it, and what undoes the damage when the answer was wrong. At the end twelve thousand real ratings meet an accident.
#
# **How it works.** Each step has a cell for your answer; replace the line that raises `NotImplementedError`, run the cell,
# then run the check below it.
#
# - `check("drift-1")` tells you where you stand, as often as you like. It asks with new random numbers each time.
# - `hint("drift-1")` gives one hint; ask again for the next. There are three for each step, from a nudge to nearly the answer.
# - `answer("drift-1")` shows one good solution, *after* yours has passed.
# - `progress()` shows how far you are. In a terminal, `coursekit check exercises/drift` checks the whole notebook.
#
# When your work is graded, hidden checks ask more of the same questions. They hold no traps: what the text asks for is what
# they check.

# %% name="imports"
import copy
import math
from typing import NamedTuple

import numpy as np

from coursekit.grading import answer, check, hint, progress

# %% [markdown] name="story"
# ## Tuesday, 23:40
#
# A site predicts how many of ten points a visitor will give to a film. Each prediction has an error, and after midnight the
# errors are larger than before. Is that chance? Has a new app been released that asks the question differently? Whoever is
# on call must know three things, from nothing but a stream of numbers that never ends:
#
# 1. **Has it changed?** (steps 1 to 4)
# 2. **How do we get used to it quickly?** (step 5)
# 3. **How do we get back, if what we learnt tonight was rubbish?** (step 6)
#
# The rules of a stream: a value comes once, is used at once and is gone. After a billion values the next one may cost no more
# than the first did.

# %% [markdown] name="step-1"
# ## Step 1: what is normal?
#
# "Larger than before" needs a *before*: a mean and a spread, always up to date. Let $n$ values have been seen, $\bar x$ their
# mean and $S = \sum_i (x_i - \bar x)^2$ the sum of their squared deviations. A new value $x$ arrives:
#
# $$
# n \leftarrow n + 1, \qquad d = x - \bar x_{\text{old}}, \qquad
# \bar x \leftarrow \bar x_{\text{old}} + \frac{d}{n}, \qquad S \leftarrow S + d\,(x - \bar x)
# $$
#
# The new $S$ uses both distances: to the mean from *before* the value and to the mean *after* it (B. P. Welford 1962,
# [doi:10.1080/00401706.1962.10490022](https://doi.org/10.1080/00401706.1962.10490022)). The variance is $S / (n-1)$, because
# the mean was made of the same values, and 0 as long as there are fewer than two.
#
# By hand: the values 2, 4, 9. The means are 2, 3, 5. $S$ is 0, then $2 \cdot 1 = 2$, then $6 \cdot 4$ more. **Predict** the
# variance before you run anything.


# %% nbgrader={"grade": false, "grade_id": "drift-1-answer", "locked": false, "schema_version": 3, "solution": true}
class RunningStats:
    """Count, mean and sum of squared deviations of a stream, three numbers for ever."""

    def __init__(self):
        self.n = 0
        self.mean = 0.0
        self.squares = 0.0  # S

    def update(self, value):
        """Take in one value."""
        ### BEGIN SOLUTION
        self.n += 1
        to_old_mean = value - self.mean
        self.mean += to_old_mean / self.n
        self.squares += to_old_mean * (value - self.mean)
        ### END SOLUTION

    def variance(self):
        """Return the variance of the values so far."""
        ### BEGIN SOLUTION
        return self.squares / (self.n - 1) if self.n > 1 else 0.0
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "drift-1", "locked": true, "points": 6, "schema_version": 3, "solution": false}
check("drift-1")

# %% name="run-1" tags=["raises-exception"]
stats = RunningStats()
for value in (2.0, 4.0, 9.0):
    stats.update(value)
stats.mean, stats.variance()  # did you say 13?

# %% [markdown] name="predict-1"
# Another formula is in every textbook: the mean of the squares less the square of the mean. It also needs three numbers.
# **Predict**: for time stamps around 1,700,000,000 seconds that scatter by one second, what will it say? (The truth is 1.)

# %% name="run-1-again" tags=["raises-exception"]
stamps = 1.7e9 + np.random.default_rng(1).normal(size=1000)
stats = RunningStats()
for value in stamps.tolist():
    stats.update(value)
print(f"Welford {stats.variance():.3f}")
print(f"mean of squares less square of mean {np.mean(stamps**2) - np.mean(stamps) ** 2:.3f}")

# %% [markdown] name="finding-1"
# **Two huge numbers that are nearly equal leave nothing but rounding.** Welford subtracts first and squares then.

# %% [markdown] name="step-2"
# ## Step 2: Page-Hinkley
#
# One value above the mean says nothing, a hundred in a row say a lot. So let us add up how far the values lie above their
# mean, less a small tolerance $\delta$, and watch how far this sum has climbed from its lowest point (E. S. Page 1954,
# [doi:10.2307/2333009](https://doi.org/10.2307/2333009)):
#
# $$
# m_t = m_{t-1} + (x_t - \bar x_t) - \delta, \qquad \text{alarm when}\quad m_t - \min_{s \le t} m_s > \lambda
# $$
#
# While nothing happens the sum sinks by $\delta$ at each value, and so does its lowest point. When the values rise, the sum
# climbs and the lowest point stays. A fall is the mirror image: a second sum with $+\delta$, and how far it has come down from
# its **highest** point,
#
# $$
# g_t = g_{t-1} + (x_t - \bar x_t) + \delta, \qquad \text{alarm when}\quad \max_{s \le t} g_s - g_t > \lambda .
# $$
#
# Here $\bar x_t$ is the mean of all values up to and including $x_t$. Write `update`, which takes in a value and says whether
# there is an alarm, `True` or `False`. `self.stats` is the work of step 1.


# %% nbgrader={"grade": false, "grade_id": "drift-2-answer", "locked": false, "schema_version": 3, "solution": true}
class PageHinkley:
    """Sums of deviations from the running mean, one for rises and one for falls."""

    def __init__(self, delta=0.05, threshold=20.0):
        self.delta = delta
        self.threshold = threshold
        self.stats = RunningStats()
        self.rise = 0.0  # m
        self.lowest = math.inf
        self.fall = 0.0  # g
        self.highest = -math.inf

    def update(self, value):
        """Take in one value and return whether there is an alarm."""
        ### BEGIN SOLUTION
        self.stats.update(value)
        deviation = value - self.stats.mean
        self.rise += deviation - self.delta
        self.fall += deviation + self.delta
        self.lowest = min(self.lowest, self.rise)
        self.highest = max(self.highest, self.fall)
        return max(self.rise - self.lowest, self.highest - self.fall) > self.threshold
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "drift-2", "locked": true, "points": 6, "schema_version": 3, "solution": false}
check("drift-2")


# %% nbgrader={"grade": false, "grade_id": "drift-alarms", "locked": true, "schema_version": 3, "solution": false}
def alarms(detector, values):
    """Return at which places of a stream a detector raises an alarm."""
    return [at for at, value in enumerate(np.asarray(values).tolist()) if detector.update(value)]


# %% [markdown] name="predict-2"
# Two hundred waiting times, in minutes; from the hundredth on people wait one minute longer. Then the very same waiting
# times in seconds. **Predict**: what will a Page-Hinkley test that finds the change in minutes say about the seconds?

# %% name="run-2" tags=["raises-exception"]
minutes = np.random.default_rng(3).normal(np.repeat([5.0, 6.0], 100), 0.5)
for unit, values in {"minutes": minutes, "seconds": 60 * minutes}.items():
    found = alarms(PageHinkley(), values)
    print(f"{unit}: {len(found)} alarms, the first at {found[:1]}")

# %% [markdown] name="finding-2"
# **A threshold has a unit, and nobody tells you its right value**: in seconds the same test cries wolf from the second or
# third customer on. What we would like to set instead is how often a false alarm may happen.

# %% [markdown] name="step-3"
# ## Step 3: a test instead of a threshold
#
# Gather the values in blocks of 50, say, and ask of each full block: *could its mean come from the same world as all blocks
# before it?* Two means differ by chance, typically by their *standard error*. How many standard errors are they apart?
#
# $$
# z = \frac{\bar x_{\text{new}} - \bar x_{\text{old}}}
# {\sqrt{s_{\text{new}}^2 / n_{\text{new}} + s_{\text{old}}^2 / n_{\text{old}}}},
# \qquad p = 2\,\big(1 - \Phi(|z|)\big) = \operatorname{erfc}\!\big(|z| / \sqrt 2\big)
# $$
#
# $s^2$ are the variances, $n$ the counts, and the *p-value* is the probability that chance alone takes two means at least that
# far apart, up or down. An alarm is raised when $p$ is at most the **level**: set 0.01, and one block in a hundred will be
# a false alarm, whatever the unit.
#
# Two things to write:
#
# - `p_value(old, new)` of two `RunningStats`. Where both are constant (no spread at all) the means are equal, $p = 1$, or they
#   are not, $p = 0$.
# - `ShiftTest.update(value)`. Collect values in `self.block`. When the block has `block_size` values: **test first, then
#   learn.** Compare it with `self.baseline` and keep the result as `self.p`; raise an alarm if `self.p` is at most
#   `self.level`. A block without alarm joins the baseline, `join(self.baseline, self.block)`; one that raised an alarm does
#   not, for it belongs to another world. Then begin an empty block. The first block has nothing to be compared with: it
#   becomes the baseline. Only the value that completes a block can raise an alarm.


# %% nbgrader={"grade": false, "grade_id": "drift-join", "locked": true, "schema_version": 3, "solution": false}
def join(stats, others):
    """Make `stats` as if it had seen the values of `others` too (T. F. Chan et al. 1979)."""
    n = stats.n + others.n
    distance = others.mean - stats.mean
    stats.squares += others.squares + distance**2 * stats.n * others.n / n
    stats.mean += distance * others.n / n
    stats.n = n


# %% nbgrader={"grade": false, "grade_id": "drift-3-answer", "locked": false, "schema_version": 3, "solution": true}
def p_value(old, new):
    """Return how probable it is that chance alone takes two means at least so far apart."""
    ### BEGIN SOLUTION
    distance = new.mean - old.mean
    standard_error = math.sqrt(new.variance() / new.n + old.variance() / old.n)
    if standard_error == 0.0:
        return 1.0 if distance == 0.0 else 0.0
    return math.erfc(abs(distance) / standard_error / math.sqrt(2.0))
    ### END SOLUTION


class ShiftTest:
    """Compare each full block of values with the blocks before it."""

    def __init__(self, block_size=50, level=0.001):
        self.block_size = block_size
        self.level = level
        self.baseline = RunningStats()
        self.block = RunningStats()
        self.p = 1.0  # of the last comparison

    def update(self, value):
        """Take in one value and return whether there is an alarm."""
        ### BEGIN SOLUTION
        self.block.update(value)
        if self.block.n < self.block_size:
            return False
        block, self.block = self.block, RunningStats()
        if self.baseline.n > 0:
            self.p = p_value(self.baseline, block)
            if self.p <= self.level:
                return True
        join(self.baseline, block)
        return False
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "drift-3", "locked": true, "points": 8, "schema_version": 3, "solution": false}
check("drift-3")

# %% [markdown] name="predict-3"
# A stream of 100,000 absolute errors in which *nothing ever changes*. One watchman compares each block of 50 with the baseline
# and calls a difference of 5 % "significant". The other one tests at the level 0.01. There are 2,000 blocks. **Predict** how
# often each of them gets people out of bed.

# %% name="run-3" tags=["raises-exception"]
errors = np.abs(np.random.default_rng(5).normal(size=100_000))
means = errors.reshape(-1, 50).mean(axis=1)
before = np.cumsum(means)[:-1] / np.arange(1, len(means))
print(f"5 % rule: {np.sum(np.abs(means[1:] / before - 1) > 0.05)} false alarms")
print(f"test:     {len(alarms(ShiftTest(level=0.01), errors))} false alarms, 20 promised")

# %% [markdown] name="finding-3"
# **A rule of thumb calls chance a discovery; a level says beforehand how often that may happen.** The promise is not kept to
# the letter: 50 values with one long tail are few, so that the normal distribution is a little too sure of itself. Larger
# blocks help. The course's `ConceptDriftDetector` uses Student's $t$ instead and divides its level among all tests of a
# window (lesson 05).

# %% [markdown] name="step-4"
# ## Step 4: after the alarm
#
# Values rise by two at the thousandth, and stay there. **Predict** how many alarms the test of step 3 will raise.

# %% name="run-4" tags=["raises-exception"]
worlds = np.random.default_rng(7).normal(np.repeat([0.0, 2.0, -1.0], 1000), 1.0)
print(len(alarms(ShiftTest(), worlds[:2000])), "alarms, for one change")

# %% [markdown] name="step-4-rules"
# It compares the new world with the old one for ever. After an alarm the question is another: has it changed *since then*? A
# detector must begin anew.
#
# `Watch` looks after any detector. Write its `update(value)`:
#
# - Hand the value to `self.detector` and return whether there was an alarm.
# - After an alarm, note the number of the value in `self.drift_at` (the first value of the stream is number 0), and go on
#   with a detector that has seen nothing. `self.spare` is one. There may be many alarms, and the spare must be as good for
#   the last as for the first.
#
# A small actor helps to try it out: `Scripted([3, 4, 5])` raises an alarm at its third, fourth and fifth value, whatever they
# are.


# %% nbgrader={"grade": false, "grade_id": "drift-scripted", "locked": true, "schema_version": 3, "solution": false}
class Scripted:
    """Raises an alarm at its values number ... (counted from 1)."""

    def __init__(self, numbers):
        self.numbers = list(numbers)
        self.number = 0

    def update(self, value):
        self.number += 1
        return self.number in self.numbers


# %% nbgrader={"grade": false, "grade_id": "drift-4-answer", "locked": false, "schema_version": 3, "solution": true}
class Watch:
    """Lets a detector watch a stream, and begins anew after each alarm."""

    def __init__(self, detector):
        self.detector = detector
        self.spare = copy.deepcopy(detector)  # has seen nothing
        self.n_seen = 0
        self.drift_at = []

    def update(self, value):
        """Take in one value and return whether there is an alarm."""
        ### BEGIN SOLUTION
        alarm = self.detector.update(value)
        if alarm:
            self.drift_at.append(self.n_seen)
            self.detector = copy.deepcopy(self.spare)
        self.n_seen += 1
        return alarm
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "drift-4", "locked": true, "points": 5, "schema_version": 3, "solution": false}
check("drift-4")

# %% name="run-4-again" tags=["raises-exception"]
alarms(Watch(ShiftTest()), worlds)  # three worlds, two changes

# %% [markdown] name="finding-4"
# **One change, one alarm**, at the end of the first full block of the new world.

# %% [markdown] name="step-5"
# ## Step 5: a boost that lasts
#
# Now somebody must act. Our model predicts a rating as a level, plus what is known of the user, plus what is known of the
# film, and learns one rating at a time, with a small rate, because in quiet times small steps average out the noise. It is
# complete:


# %% nbgrader={"grade": false, "grade_id": "drift-biases", "locked": true, "schema_version": 3, "solution": false}
class Biases:
    """Predicts a rating as the sum of a level, a number for the user and a number for the film."""

    def __init__(self, learning_rate=0.02):
        self.learning_rate = learning_rate
        self.level = 0.0
        self.users = {}
        self.films = {}

    def predict(self, user, film):
        return self.level + self.users.get(user, 0.0) + self.films.get(film, 0.0)

    def partial_fit(self, user, film, target):
        step = self.learning_rate * (target - self.predict(user, film))
        self.level += step
        self.users[user] = self.users.get(user, 0.0) + step
        self.films[film] = self.films.get(film, 0.0) + step


# %% [markdown] name="step-5-rules"
# After a change small steps are too small. So at an alarm the learning rate is multiplied by a *boost*, which then fades:
# $t$ events after the alarm the rate is
#
# $$
# \eta_t = \eta\,\Big(1 + (f - 1)\,2^{-10\,t / n}\Big) \quad\text{for } t < n, \qquad
# \eta_t = \eta \quad\text{from } t = n \text{ on},
# $$
#
# with the quiet rate $\eta$ = `rate`, the factor $f$ = `factor` and $n$ = `n_boost`. The event that raises the alarm has
# $t = 0$, the next one $t = 1$, and so on. A new alarm starts the boost again from $t = 0$; it does not pile up.
#
# `Manager.process(user, film, target)` handles one event, in this order:
#
# 1. **Predict.** The error is target minus prediction, the loss its square.
# 2. **Watch.** Hand the *absolute* error to `self.detector`. At an alarm the boost starts.
# 3. **Learn** from the event, with `self.learner.learning_rate` set to the rate of this event.
# 4. **Return** `Step(loss, rate, alarm)`.
#
# `self.t` counts the events since the last alarm. It begins at infinity: there has been none.


# %% nbgrader={"grade": false, "grade_id": "drift-step", "locked": true, "schema_version": 3, "solution": false}
class Step(NamedTuple):
    """What happened at one event."""

    loss: float
    rate: float
    alarm: bool


# %% nbgrader={"grade": false, "grade_id": "drift-5-answer", "locked": false, "schema_version": 3, "solution": true}
class Manager:
    """Lets a learner learn from a stream, watches its errors, and boosts its rate for a while after an alarm."""

    def __init__(self, learner, detector, rate=0.005, factor=5.0, n_boost=500):
        self.learner = learner
        self.detector = detector
        self.rate = rate
        self.factor = factor
        self.n_boost = n_boost
        self.t = math.inf  # events since the last alarm

    def process(self, user, film, target):
        """Predict, watch and learn one event."""
        ### BEGIN SOLUTION
        error = target - self.learner.predict(user, film)
        alarm = self.detector.update(abs(error))
        if alarm:
            self.t = 0
        rate = self.rate
        if self.t < self.n_boost:
            rate *= 1 + (self.factor - 1) * 2 ** (-10 * self.t / self.n_boost)
        self.learner.learning_rate = rate
        self.learner.partial_fit(user, film, target)
        self.t += 1
        return Step(error**2, rate, alarm)
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "drift-5", "locked": true, "points": 7, "schema_version": 3, "solution": false}
check("drift-5")

# %% [markdown] name="predict-5"
# One user, one film. The rating is 7, and 4 from event 600 on, where the alarm comes. **Predict** how many events it takes to
# come within half a point of the new rating: without a boost (`factor=1`), with a boost for one single event (`n_boost=1`),
# with one that lasts.

# %% name="run-5" tags=["raises-exception"]
for factor, n_boost in [(1.0, 500), (5.0, 1), (5.0, 500)]:
    manager = Manager(Biases(), Scripted([601]), factor=factor, n_boost=n_boost)
    losses = [
        manager.process("ada", "gravity", 7.0 if event < 600 else 4.0).loss for event in range(1000)
    ]
    print(
        f"factor {factor}, for {n_boost} events: {int(np.sum(np.array(losses[600:]) > 0.25))} events"
    )

# %% [markdown] name="finding-5"
# **A boost that the next event overwrites is hardly better than none.** It is a common accident: one line of code raises the
# rate at an alarm, another line sets it from a schedule at every event.

# %% [markdown] name="step-6"
# ## Step 6: a way back
#
# Half an hour later: it was no new app. A broken script has sent five hundred ratings of 0, and the model, boosted, has learnt
# them eagerly. We want back what we had.
#
# `checkpoint()` keeps **everything that the future depends on**, in `self.saved`: the learner, the detector, where the
# boost stands. `rollback()` returns to it, and from then on everything must continue *bit for bit* as if the events since the
# checkpoint had never come. The checkpoint stays: one may go back to it again.
#
# In Python a name is a reference: `saved = self.learner` keeps no second learner, it gives the same one a second name.
# `copy.deepcopy(something)` makes a copy of an object and of all that it holds.


# %% nbgrader={"grade": false, "grade_id": "drift-6-answer", "locked": false, "schema_version": 3, "solution": true}
class SafeManager(Manager):
    """A manager that can go back to a checkpoint."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.saved = None

    def checkpoint(self):
        """Keep everything that the future depends on."""
        ### BEGIN SOLUTION
        self.saved = copy.deepcopy((self.learner, self.detector, self.t))
        ### END SOLUTION

    def rollback(self):
        """Go back to the checkpoint."""
        ### BEGIN SOLUTION
        # A copy again: what is given out will be changed, what is kept must not.
        self.learner, self.detector, self.t = copy.deepcopy(self.saved)
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "drift-6", "locked": true, "points": 6, "schema_version": 3, "solution": false}
check("drift-6")

# %% [markdown] name="predict-6"
# Five hundred honest ratings around 7, a checkpoint, five hundred times 0, a rollback. **Predict** what the model says at each
# of the three stops.

# %% name="run-6" tags=["raises-exception"]
manager = SafeManager(Biases(), Watch(ShiftTest()))
for target in np.random.default_rng(9).normal(7.0, 1.0, 500).tolist():
    manager.process("ada", "gravity", target)
manager.checkpoint()
print(f"before  {manager.learner.predict('ada', 'gravity'):.2f}")
for _ in range(500):
    manager.process("ada", "gravity", 0.0)
print(f"rubbish {manager.learner.predict('ada', 'gravity'):.2f}")
manager.rollback()
print(f"after   {manager.learner.predict('ada', 'gravity'):.2f}")

# %% [markdown] name="finding-6"
# **A way back is worth having only if it leads all the way.** Had the detector been forgotten, it would now take errors near 0
# for normal, and raise an alarm when honest ratings return.

# %% [markdown] name="real"
# ## Twelve thousand real ratings, and an accident
#
# Ratings of films, 0 to 10, collected from public posts in 2013, in the order in which they were written (MovieTweetings,
# S. Dooms et al. 2013, MIT licence). The accident is ours: after 6,000 ratings a new app shows its stars wrongly, and from then
# on every rating is stored three points too low.

# %% name="load-ratings"
from coursekit.datasets import load

ratings = list(load().ratings.slice(0, 12_000))
accident = 6000
events = [
    (each.user_id, each.item_id, each.target - 3.0 * (at >= accident))
    for at, each in enumerate(ratings)
]
events[0]

# %% [markdown] name="predict-real"
# Three managers with the same quiet rate: one without a boost, one whose boost lasts for a single event, one whose boost lasts
# for 500. The test sees blocks of 50 at the level 0.001. **Predict** how many events after the accident the alarm comes, and
# the root mean squared error of each manager in the 200 events after the alarm.


# %% nbgrader={"grade": false, "grade_id": "drift-run", "locked": true, "schema_version": 3, "solution": false}
def run(factor, n_boost):
    """Return what happened at each event, after a warm-up of a thousand of them in which every error is large."""
    manager = Manager(Biases(), Scripted([]), rate=0.02, factor=factor, n_boost=n_boost)
    for event in events[:1000]:
        manager.process(*event)
    manager.rate, manager.detector = 0.005, Watch(ShiftTest())
    return [manager.process(*event) for event in events[1000:]]


# %% name="run-real" tags=["raises-exception"]
runs = {"no boost": run(1.0, 500), "for one event": run(5.0, 1), "for 500 events": run(5.0, 500)}
found = {
    name: [at for at, step in enumerate(steps, start=1000) if step.alarm]
    for name, steps in runs.items()
}
found

# %% name="run-real-errors" tags=["raises-exception"]
first = {
    name: next((at for at in places if at >= accident), accident) - 1000
    for name, places in found.items()
}
after = {
    name: [step.loss for step in steps[first[name] : first[name] + 200]]
    for name, steps in runs.items()
}
{name: round(float(np.mean(losses)) ** 0.5, 2) for name, losses in after.items()}

# %% [markdown] name="finding-real"
# **The alarm comes with the first full block, and only the boost that lasts turns it into something.** There are other alarms,
# one of them long before the accident. In 220 comparisons the level promises one false alarm in about five such streams, so
# they are hardly all chance: real ratings are not *one* world with *one* accident, and whoever treats every alarm as an
# accident will soon be tired. Make the accident two points instead of three and run again, then also the quiet rate 0.02
# instead of 0.005. Why is there no alarm after the accident any more?

# %% [markdown] name="takeaways"
# ## What you have built
#
# - Normality in three numbers, right even for huge values: step 1.
# - Two detectors, one with a threshold that has a unit, one with a level that has a meaning: steps 2 and 3.
# - A new beginning after each alarm: step 4.
# - An answer that lasts as long as it is needed, and a way back that forgets nothing: steps 5 and 6.
#
# In the course, `coursekit.learning.drift` holds these detectors and better ones, all with the same two questions (`update`,
# `drift_detected`), and `coursekit.learning.adaptation.manager` does steps 5 and 6 for any learner; its rollback is tested bit for bit,
# too.
#
# **Going further**: how small a shift can your test find in one block of 50, and how would you choose the size of the blocks?
# Detectors without blocks try every possible beginning of the new world at once: lesson 05, and G. Romano et al., *Fast online
# changepoint detection via functional pruning CUSUM statistics* (JMLR 2023).

# %% name="progress"
progress()

# %% [markdown] name="hand-in"
# Save the notebook, restart the kernel and run everything once from top to bottom: what is graded is the file, not what
# this kernel remembers.
