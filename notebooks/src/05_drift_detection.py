# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 · Detecting drift
#
# **You set how often a detector may raise a false alarm, and then measure how soon it
# detects a real change.**
#
# After this lesson you are able to
#
# - tell a change from noise, with a test and not with a rule of thumb;
# - build the Page-Hinkley test, and say why three libraries give three answers under
#   its name;
# - use a detector whose only setting is a question that you can answer;
# - judge any detector by false alarms, delay and misses, on streams whose truth you
#   know;
# - see at once when a detector looks the wrong way.
#
# 60 minutes · modules [drift](../coursekit/learning/drift), its
# [evaluation](../coursekit/learning/drift/evaluation.py) and
# [streams](../coursekit/datasets/streams.py) · you come from
# [04 · Neural collaborative filtering](04_neural_collaborative_filtering.ipynb)

# %% [markdown]
# ## Why: an unchanged world does not look unchanged
#
# Two models give 10,000 answers each, and one answer in five is wrong. Half-way
# through, one of the two gets worse: from then on it is wrong once in four. The figure
# shows the share of wrong answers in each hundred. Which of the two is it?

# %%
import json
from importlib.resources import files
from math import log

import numpy as np
import pandas as pd
from scipy import stats

from coursekit import datasets, figures
from coursekit.core import errors
from coursekit.learning import drift
from coursekit.learning.drift import evaluation

figures.use_course_style()
SEEDS = range(30)

# %% [markdown]
# `error_stream` makes such answers: 1 for a wrong one, 0 for a right one.

# %%
half_way = datasets.AbruptDrift(size=0.05)  # 0.05 more errors per answer, from the middle of the stream on
worlds = {"A": datasets.error_stream(seed=1), "B": datasets.error_stream(seed=2, drift=half_way)}
percent = {name: 100 * world.values.reshape(100, 100).mean(axis=1) for name, world in worlds.items()}

# %%
axes = figures.plot_curves(
    percent,
    x=np.arange(100, 10_001, 100),
    title=f"World A swings between {percent['A'].min():.0f} and {percent['A'].max():.0f} % errors",
    x_label="answers given",
    y_label="errors in 100 answers, %",
    roles={"A": "baseline", "B": "model"},
)
figures.show(
    axes,
    alt=f"Line chart of the error rate of two models in each hundred of 10,000 answers. A moves up and down between"
    f" {percent['A'].min():.0f} and {percent['A'].max():.0f} %; B does the same at first and lies higher in the second half,"
    f" between {percent['B'][50:].min():.0f} and {percent['B'][50:].max():.0f} %.",
)

# %%
world_guess = "A"  # your guess

# %%
halves = {name: (each[:50].mean(), each[50:].mean()) for name, each in percent.items()}
f"you said {world_guess}; " + ", ".join(f"{name} went from {one:.1f} to {two:.1f} %" for name, (one, two) in halves.items())

# %% [markdown]
# **It is B, and you needed thousands of answers to be sure, because A swings just as
# widely and nothing ever happened to it.**
#
# This is **concept drift**: what was learnt is no longer true. A **drift detector**
# looks at one number per event, most often the error of a model, and says when the
# stream is no longer what it was. It can be wrong in two ways:
#
# - a **false alarm**: it raises an alarm although nothing has changed;
# - a **delay**: the events that pass between the change and the alarm. If the alarm
#   never comes, that is a **miss**.
#
# Every detector trades one for the other. So a detector is not "sensitive" or "robust".
# It is a point on this trade, and you should know which.
#
# ## 1. When is a difference more than noise?
#
# By hand: a model got 200 of 1,000 answers wrong, so we expect 20 errors in the
# next 100. We count 25. Is that a change? The number of errors in 100 answers has a
# standard deviation of $\sqrt{100 \cdot 0.2 \cdot 0.8} = 4$. So 25 is 1.25 standard
# deviations too many. That happens by chance in one block out of eight.
#
# A popular rule of thumb asks for less: **alarm when the mean of the latest 100 is 5 %
# above that of the first 1,000**. That is the 22nd error, half a standard deviation too
# many.


# %%
def five_percent_rule(values, window_size=1_000, min_samples=100):
    """Return the alarms; after each, the next 1,000 values make a new baseline."""
    recent = pd.Series(values).rolling(min_samples).mean().to_numpy()
    alarms, start = [], window_size
    while start < len(values):
        baseline = values[start - window_size : start].mean()
        above = np.flatnonzero(recent[start:] > 1.05 * baseline)
        if above.size == 0:
            break
        alarms.append(int(start + above[0]))
        start = alarms[-1] + 1 + window_size
    return alarms


# %% [markdown]
# **Predict**: in 10,000 answers during which nothing changes, how many alarms will it
# raise? It needs 1,000 answers for a baseline each time, so it cannot raise more than
# nine.

# %%
false_alarm_guess = 1  # your guess

# %%
calm = [datasets.error_stream(seed=seed).values for seed in SEEDS]  # 30 times 10,000 answers, 20 % wrong, no change
of_rule = np.mean([len(five_percent_rule(values)) for values in calm])
f"you said {false_alarm_guess}, it raises {of_rule:.1f}"

# %% [markdown]
# As many as it can. Two things are wrong, and each has a repair.
#
# **It takes no account of the noise.** A test does. Student's t-test divides the
# difference by what chance makes of it:
#
# $$t = \frac{\bar x_{new} - \bar x_{old}}{s \sqrt{1/n_{new} + 1/n_{old}}}$$
#
# In words: $\bar x$ is a mean, $n$ how many values it is the mean of, and $s$ the
# standard deviation of single values. All below the line is the standard deviation of
# the difference between two such means. The **p-value** is the probability of so large
# a $t$, up or down, if nothing has changed. We raise an alarm if it is at most a
# **level** that we state beforehand.
#
# **It asks too often.** At a level of 5 %, one question in twenty is answered wrongly.
# Ten questions in 1,000 values make half a false alarm. So if we want 0.05 false alarms
# in 1,000 values, each of the ten tests gets a tenth of that: 0.005.


# %%
def mean_shift(values, level=0.05 * 100 / 1_000, window_size=1_000, min_samples=100):
    """Test every block of 100 values against up to 1,000 values before it; return the alarms."""
    alarms, start = [], 0
    for begin in range(0, len(values), min_samples):
        old, new = values[max(start, begin - window_size) : begin], values[begin : begin + min_samples]
        if len(old) and stats.ttest_ind(new, old).pvalue <= level:
            alarms.append(begin + min_samples - 1)
            start = begin + min_samples
    return alarms


# %% [markdown]
# The package has this test as `ConceptDriftDetector`. It keeps three numbers per block
# instead of all values, and must agree with ours alarm for alarm. `update_many` takes
# an array and returns the alarms.

# %%
changing = [datasets.error_stream(seed=seed, drift=datasets.AbruptDrift(size=0.2)).values for seed in SEEDS]
for values in calm + changing:
    assert mean_shift(values) == drift.ConceptDriftDetector().update_many(values).tolist()

# %%
many = [datasets.error_stream(seed=seed).values for seed in range(300)]
false_alarms = {
    "5 % above the baseline": np.mean([len(five_percent_rule(values)) for values in many]),
    "test, level 5 % each": np.mean([len(drift.ConceptDriftDetector(threshold=0.5).update_many(values)) for values in many]),
    "test, 5 % per 1,000": np.mean([len(drift.ConceptDriftDetector().update_many(values)) for values in many]),
}

# %%
axes = figures.plot_bars(
    false_alarms,
    title=f"The rule of thumb: {false_alarms['5 % above the baseline']:.1f} alarms for nothing",
    x_label="false alarms in 10,000 answers",
    roles={"5 % above the baseline": "alarm", "test, level 5 % each": "baseline"},
    number_format="{:.1f}",
)
figures.show(
    axes,
    alt="Bar chart of false alarms in 10,000 unchanged answers, mean of 300 streams: "
    + "; ".join(f"{name}: {n:.1f}" for name, n in false_alarms.items())
    + ".",
)

# %% [markdown]
# **A stated level, shared among all the questions, turns nine false alarms into less
# than one.** We asked for 0.05 in 1,000, that is 0.5 in 10,000, and that is about what
# we got.
#
# **Try it.** Replace the answers by squared normal errors:
# `np.random.default_rng(seed).normal(size=10_000) ** 2`. Does either rule become
# better?
#
# <details>
# <summary>What you should find</summary>
#
# The rule of thumb stays at nine: the mean of 100 squared errors has a standard
# deviation of 14 %, so 5 % is well within the noise. The test stays near what it
# promises, 0.5 in 10,000. Single squared errors are far from normal, but it compares
# means of 100, and those are nearly normal again.
#
# </details>
#
# ## 2. Can a detector answer after every event?
#
# A block of 100 has to be full before it is tested. The **Page-Hinkley test** needs no
# blocks: it sums up how far values lie above their running mean, and looks how far the
# sum has climbed from its lowest point.
#
# By hand, with the errors 0, 0, 1, 1, 1:
#
# | error $x_t$ | 0 | 0 | 1 | 1 | 1 |
# |---|---|---|---|---|---|
# | running mean $\bar x_t$ | 0 | 0 | 0.33 | 0.5 | 0.6 |
# | $x_t - \bar x_t$ | 0 | 0 | 0.67 | 0.5 | 0.4 |
# | sum $m_t$ | 0 | 0 | 0.67 | 1.17 | 1.57 |
# | climbed from the lowest, $m_t - \min m$ | 0 | 0 | 0.67 | 1.17 | 1.57 |
#
# $$m_t = \alpha\, m_{t-1} + (x_t - \bar x_t - \delta) \qquad\text{alarm when}\qquad m_t - \min_{s \le t} m_s > \lambda$$
#
# In words: $\delta$ (delta) is a change so small that we do not care; it makes the sum
# sink while nothing happens. $\alpha$ (alpha), just below 1, lets the sum forget
# slowly. $\lambda$ (lambda) is the threshold, in errors: so many more than expected
# have to come together.


# %%
class PageHinkley:
    """Alarm when the sum of deviations has climbed too far from its lowest point."""

    def __init__(self, min_samples=30, delta=0.005, threshold=50.0, alpha=0.9999):
        self.min_samples, self.delta, self.threshold, self.alpha = min_samples, delta, threshold, alpha
        self.n, self.mean, self.sum, self.lowest = 0, 0.0, 0.0, np.inf

    def climbed(self):
        return self.sum - self.lowest

    def update(self, value):
        self.n += 1
        self.mean += (value - self.mean) / self.n
        self.sum = self.alpha * self.sum + (value - self.mean - self.delta)
        self.lowest = min(self.lowest, self.sum)
        return self.n >= self.min_samples and self.climbed() > self.threshold


# %% [markdown]
# **Predict**: the threshold is 50, and at event 5,000 the error rate rises from 0.2 to
# 0.4. How many events pass until the alarm? (Each one adds how much, on average?)

# %%
delay_guess = 100  # your guess


# %%
def first_alarm(detector, values):
    """Return the event of the first alarm, or infinity."""
    return next((t for t, value in enumerate(values) if detector.update(value)), np.inf)


# %%
ours = [first_alarm(PageHinkley(), values) for values in changing]
assert ours == [drift.PageHinkley(direction="up").update_many(values)[0] for values in changing]
f"you said {delay_guess}, the median of 30 streams is {np.median(ours) - 5_000:.0f}"

# %% [markdown]
# Each event adds about 0.2, and $50 / 0.2 = 250$. Some ground is gained because the sum
# was not at its lowest when the change came. The reference in the package agrees in all
# 30 streams. Now look at the climb in one of them:

# %%
detector, climb = PageHinkley(), []
for value in changing[0][: ours[0] + 1]:
    detector.update(value)
    climb.append(detector.climbed())

# %%
axes = figures.plot_curves(
    {"climbed": climb, "threshold": np.full(len(climb), 50.0)},
    title=f"Page-Hinkley needs {ours[0] - 5_000} events to climb over its threshold",
    x_label="answers given",
    y_label="climbed from the lowest, errors",
    roles={"threshold": "alarm"},
)
axes.set(ylim=(0, 62))
figures.mark_drift(axes, 5_000)
figures.show(
    axes,
    alt=f"Line chart of how far the sum has climbed. Before the change at 5,000 it stays below {max(climb[:5_000]):.0f};"
    f" then it rises steeply and crosses the threshold of 50 at {ours[0]:,}.",
)

# %% [markdown]
# **The sum wanders while nothing happens and climbs in a straight line once something
# has: the threshold must lie above all the wandering, and its height is the delay.**
# But how high is "above the wandering"? The formula does not say. 50 is a habit.
#
# ### One name, two tests
#
# MOA and frouros have a Page-Hinkley test with the same four settings and the same
# defaults. They compare the sum itself with the threshold, and leave the minimum out.
# In our class that is one line:


# %%
class PageHinkleyElsewhere(PageHinkley):
    def climbed(self):
        return self.sum  # and not how far it is above its lowest point


# %%
rates = [0.3, 0.4, 0.5]
readings = {"minimum taken off": PageHinkley, "sum alone": PageHinkleyElsewhere}
delays = {name: [] for name in readings}
for seed in SEEDS:
    tests = [datasets.error_stream(seed=seed, drift=datasets.AbruptDrift(size=rate - 0.2)).values for rate in rates]
    for name, reading in readings.items():
        delays[name].append([first_alarm(reading(), values) - 5_000 for values in tests])

# %%
slower = np.median(delays["sum alone"], axis=0) / np.median(delays["minimum taken off"], axis=0)
axes = figures.plot_curves(
    delays,
    x=rates,
    title=f"One name, one setting: {slower.min():.1f} to {slower.max():.1f} times the delay",
    x_label="error rate after the change (0.2 before)",
    y_label="delay, events",
    roles={"minimum taken off": "model", "sum alone": "baseline"},
)
figures.show(
    axes,
    alt="Line chart of the delay against the error rate after the change, median and 10-90 % band of 30 streams. "
    + "; ".join(f"{name}: {', '.join(f'{d:.0f}' for d in np.median(each, axis=0))} events" for name, each in delays.items())
    + ", at rates of 0.3, 0.4 and 0.5.",
)

# %% [markdown]
# **The same name and the same four numbers, and one of them needs twice as many
# events.** It gets worse with age: by $\delta$ per event the sum sinks, and has to
# climb all of that first. We measured the same with other detectors at their defaults:
# frouros' ADWIN (0.9) takes 3.5 times as long as River's for the change from 0.2 to
# 0.4, MOA's raises 4 to 9 alarms for one change. So a threshold taken from a paper or
# from another library means nothing. Measure.
#
# **Try it.** Errors can have a unit. Multiply `changing[0]` by 10, and hand it to a
# fresh `drift.PageHinkley()`. What happens? What would you have to change?
#
# <details>
# <summary>What you should find</summary>
#
# More than a hundred alarms instead of one: the threshold is in the unit of the values,
# so the wandering is now ten times as high. Both $\lambda$ and $\delta$ have to be
# multiplied by 10. A detector for ratings from 0 to 10 needs another threshold than one
# for ratings from 1 to 5.
#
# </details>
#
# ## 3. What if you could just say how many false alarms you accept?
#
# You cannot answer "which $\lambda$?". You can answer this: **how many samples of an
# unchanged world do you want between two alarms?** This is the *average run length to a
# false alarm*, ARL0. If an alarm costs an hour of somebody's time, you have an opinion.
#
# The idea is to compare two stories. *One rate*: all errors come from one error rate.
# *Two rates*: from some event on, there is another. We try **every** event as the
# change. By hand, with the errors 0, 0, 0, 0, 1, 1: one rate of 2/6 gives them the
# likelihood $(\frac{2}{6})^2 (\frac{4}{6})^4 = 0.022$. A change after four, from a rate
# of 0 to a rate of 1, gives them the likelihood 1. That is 46 times as much. Its
# logarithm, 3.8, is the evidence.
#
# $$\Lambda_n = \max_k \;\big[\, \ell(x_1 \ldots x_k) + \ell(x_{k+1} \ldots x_n) - \ell(x_1 \ldots x_n) \,\big]
# \qquad\text{alarm when}\qquad \Lambda_n \ge \ln w$$
#
# In words: $\ell$ is the log likelihood of some values at their own best error rate;
# $k$ is the last event of the old world; $\Lambda$ (capital lambda) is how much better
# two stories explain the stream than one; and $w$ is the number of samples that you
# want between two false alarms. It is called the **generalised likelihood ratio**, GLR.


# %%
def log_likelihood(n_errors, n):
    """Log likelihood of so many errors among n values, at the rate n_errors / n; works for arrays."""
    rate = np.clip(n_errors / n, 1e-300, 1)
    return n_errors * np.log(rate) + (n - n_errors) * np.log(np.clip(1 - n_errors / n, 1e-300, 1))


# %%
def evidence(values):
    """Return the evidence for a rise after each k = 1 ... n - 1."""
    total, n, k = values.sum(), len(values), np.arange(1, len(values))
    before = np.cumsum(values)[:-1]
    gain = log_likelihood(before, k) + log_likelihood(total - before, n - k) - log_likelihood(total, n)
    return np.where((total - before) / (n - k) > before / k, gain, 0.0)


evidence(np.array([0, 0, 0, 0, 1, 1])).round(2)  # after 1, 2, 3, 4, 5 events

# %% [markdown]
# The largest is at $k = 4$. To try every $k$ after every event looks hopeless: 10,000
# events make 50 million pairs. But the best $k$ always lies on a corner of the convex
# hull of the cumulative sums, of which there are about ten. So `drift.BernoulliGLR`
# looks only there, and leaves nothing out. It must agree with ours, which leaves
# nothing out by brute force:

# %%
values = changing[3]
alarm = int(drift.BernoulliGLR(samples_between_false_alarms=100_000).update_many(values)[0])
assert evidence(values[: alarm + 1]).max() >= log(100_000)
assert all(evidence(values[:n]).max() < log(100_000) for n in range(2, alarm + 1, 10))

# %%
found = evidence(values[: alarm + 1])
best = int(found.argmax()) + 1

# %%
axes = figures.plot_curves(
    {"evidence": found[4_000:], "ln w": np.full(alarm - 4_000, log(100_000))},
    x=np.arange(4_001, alarm + 1),
    title=f"The alarm comes at {alarm:,}, and dates the change to {best:,}",
    x_label="suspected change after so many answers",
    y_label="evidence (log of a ratio)",
    roles={"ln w": "alarm"},
)
axes.set(ylim=(0, 14))
figures.mark_drift(axes, 5_000)
figures.show(
    axes,
    alt=f"Line chart of the evidence for a change at each event, at the moment of the alarm at {alarm:,}. It stays below"
    f" {found[:4_900].max():.1f} up to 4,900, has a sharp peak at {best:,}, next to the true change at 5,000, and there it just"
    f" reaches the threshold of {log(100_000):.1f}.",
)

# %% [markdown]
# **The alarm comes with an estimate of when the change began.** That is worth as much
# as the alarm itself: it tells which events belong to the new world (`n_since_change`).
#
# And does it keep its promise? **Predict**: we ask for 10,000 samples between false
# alarms, at three error rates. What will the mean be, over three million samples
# without any change?

# %%
between_guess = 10_000  # your guess

# %%
wanted = np.array([300, 1_000, 3_000, 10_000, 30_000])
endless = {f"{rate:.0%} errors": np.random.default_rng(7).random(3_000_000) < rate for rate in (0.05, 0.2, 0.5)}
measured = {
    name: [len(values) / len(drift.BernoulliGLR(each).update_many(values)) for each in wanted]
    for name, values in endless.items()
}
f"you said {between_guess:,}; measured: " + ", ".join(f"{each[3]:,.0f} at {name}" for name, each in measured.items())

# %%
factors = {name: each / wanted for name, each in measured.items()}
lowest, highest = min(map(min, factors.values())), max(map(max, factors.values()))

# %%
axes = figures.plot_curves(
    {**factors, "as promised": np.ones(5)},
    x=wanted,
    title=f"You get {lowest:.1f} to {highest:.1f} times the quiet that you asked for",
    x_label="wanted samples between false alarms",
    y_label="measured / wanted",
    roles={"as promised": "baseline"},
)
axes.set(xscale="log", ylim=(0, None))
figures.show(
    axes,
    alt="Line chart of measured divided by wanted samples between false alarms, against what was wanted, from 300 to 30,000."
    f" For error rates of 5, 20 and 50 % it lies between {lowest:.1f} and {highest:.1f}; 1 would be exactly as promised.",
)

# %% [markdown]
# **The one setting means what it says, within a small factor, at every error rate:
# nothing has to be tuned.** The promise errs on the quiet side, most of all where
# errors are rare.
#
# For real numbers, such as the error of a rating, there is `drift.GaussianGLR`. It
# estimates the standard deviation as well, so their unit does not matter.
#
# **Try it.** Feed `10 * np.random.default_rng(1).normal(size=100_000)` to
# `drift.GaussianGLR(1_000)` and to `drift.PageHinkley()`. How many alarms do you expect
# from the first, and how many come?
#
# <details>
# <summary>What you should find</summary>
#
# 100,000 samples at one false alarm in 1,000 make 100. It raises 82. Page-Hinkley at
# its defaults raises almost 3,000, because its threshold of 50 was made for errors of 0
# and 1.
#
# </details>
#
# ## 4. Which detector is good?
#
# One stream shows nothing: a detector may be lucky. And the number of alarms shows
# nothing either: a detector that always raises an alarm has no misses. We need all
# three numbers, over many streams whose truth we know. By hand: alarms at 1,200 and
# 5,090 where the change was at 5,000 are one false alarm and a delay of 90.


# %%
def judge(detector, shape):
    """Run 30 streams; return false alarms before the change per 10,000, median delay, and misses in %."""
    n_false, n_calm, delays = 0, 0, []
    for seed in SEEDS:
        stream = datasets.error_stream(seed=seed, drift=shape)
        change = stream.change_points[0]
        alarms = detector.clone().update_many(stream.values)
        n_false, n_calm = n_false + np.sum(alarms < change), n_calm + change
        delays.append(min((at - change for at in alarms if at >= change), default=np.inf))
    missed = np.isinf(delays)
    return 1e4 * n_false / n_calm, np.median(delays), 100 * missed.mean(), np.array(delays)


# %% [markdown]
# The package has such a judge as well, `evaluation.evaluate_detectors`. It takes
# functions that make a detector and a stream, and must agree with ours:

# %%
sudden = datasets.AbruptDrift(at=5_050, size=0.2)
referee = evaluation.evaluate_detectors(
    {"ADWIN": drift.ADWIN}, {"sudden": lambda seed: datasets.error_stream(seed=seed, drift=sudden)}, SEEDS
)
assert referee.row("ADWIN", "sudden").median_delay == judge(drift.ADWIN(), sudden)[1]
print(referee)

# %% [markdown]
# Not every world changes at one stroke. The four shapes of drift, here from an error
# rate of 0.2 to 0.4:

# %%
shapes = {
    "abrupt": sudden,
    "gradual": datasets.GradualDrift(start=5_050, stop=7_050, size=0.2),  # old and new mixed
    "incremental": datasets.IncrementalDrift(start=5_050, stop=7_050, size=0.2),  # moves step by step
    "recurring": datasets.RecurringDrift(start=5_050, period=400, size=0.2),  # comes and goes
}
detectors = [drift.detector_named(name) for name in ("ConceptDriftDetector", "PageHinkley", "DDM", "EDDM")]
detectors += [drift.HDDM_A(), drift.HDDM_W(), drift.ADWIN(), drift.BernoulliGLR()]

# %%
columns = {}
for rate in (0.05, 0.2, 0.5):
    unchanged = [datasets.error_stream(seed=seed, level=rate).values for seed in range(60)]
    columns["false alarms", f"{rate:.0%}"] = [np.mean([len(d.clone().update_many(v)) for v in unchanged]) for d in detectors]
for name, shape in shapes.items():
    columns["delay", name] = [judge(d, shape)[1] for d in detectors]
table = pd.DataFrame(columns, index=[type(detector).__name__ for detector in detectors])
table.round(2)

# %% [markdown]
# The first three columns are false alarms in 10,000 answers of an unchanged model that
# is wrong in 5, 20 or 50 % of them, mean of 60 streams. The others are the median delay
# over 30 streams. All detectors are at their defaults.

# %%
judged = {type(d).__name__: judge(d, shapes["abrupt"]) for d in detectors}
quiet = table.index[table["false alarms"].max(axis=1) <= 1]
fastest = min(quiet, key=lambda name: judged[name][1])

# %%
axes = figures.plot_dots(
    {name: result[3] for name, result in judged.items()},
    title=f"{fastest} is the fastest of those that stay quiet",
    x_label="delay after an abrupt change from 0.2 to 0.4, events",
    roles={name: "model" if name in quiet else "alarm" for name in judged},
    number_format="{:.0f}",
)
axes.set(xscale="log")
figures.show(
    axes,
    alt="Dot chart of the delay (logarithmic), median and 10-90 % interval of 30 streams: "
    + "; ".join(f"{name} {result[1]:.0f}" for name, result in judged.items())
    + ". Crosses mark those with more than one false alarm in 10,000 at some error rate.",
)

# %% [markdown]
# **Read a delay only beside its false alarms: HDDM_W looks fastest, and raises eight
# false alarms in 10,000 where half of all answers are wrong.** Crosses mark detectors
# with more than one at some error rate. The change comes in the middle of a block, or
# ConceptDriftDetector would look faster than it is. A gradual and an incremental change
# look the same to all of them: both raise the error rate slowly, and a detector of
# errors sees no more than that. Whoever adapts fast to a change that comes back
# (*recurring*) learns the wrong world just when the old one returns.
#
# **Try it.** Let the model become *better*: `level=0.4` and `size=-0.2`. Which
# detectors raise an alarm? Do you want one?
#
# <details>
# <summary>What you should find</summary>
#
# Page-Hinkley, ADWIN and ConceptDriftDetector, which look both ways. The others watch
# for rises only. A monitor of errors rarely needs to act on good news; with
# `direction="up"` these three are quiet as well, and a detector of *features* needs
# both.
#
# </details>
#
# ## 5. Would people see the same changes?
#
# So far we made the changes ourselves. Here is a real series from the Turing Change
# Point Dataset: what a probe measured on its way down a borehole. Where the rock
# changes, so does the level. Five people marked the changes that they saw.

# %%
folder = files("coursekit.datasets") / "shipped" / "well-log"
well = json.loads((folder / "well_log.json").read_text())
marks = json.loads((folder / "annotations.json").read_text())["well_log"]
readings = np.array(well["series"][0]["raw"]) / 1_000  # in thousands of the probe's unit
{person: len(places) for person, places in marks.items()}

# %% [markdown]
# They do not agree, not even on how many there are. **Predict**: how many changes will
# a detector find that is to be wrong once in 100,000 values?

# %%
change_guess = 5  # your guess

# %%
detector, starts = drift.GaussianGLR(100_000, min_segment=5), []
for t, value in enumerate(readings):
    if detector.add_error(value):
        starts.append(t + 1 - detector.n_since_change)
f"you said {change_guess}, it finds {len(starts)}"

# %%
near = [any(abs(start - at) <= 5 for places in marks.values() for at in places) for start in starts]

# %%
axes = figures.plot_curves(
    {"probe": readings},
    title=f"{sum(near)} of the {len(starts)} changes were seen by people, too",
    x_label="measurement",
    y_label="reading, thousands",
)
axes.set(ylim=(42, 160))
figures.mark_alarm(axes, starts, label="found")
rows = [(at, 60 - 3 * row) for row, places in enumerate(marks.values()) for at in places]
figures.mark_points(axes, *zip(*rows, strict=True), label="marks of five people, one row each")
figures.show(
    axes,
    alt=f"Line chart of 675 readings that jump between levels, with vertical lines where the detector places a change and"
    " five rows of circles for the marks of five people."
    f" {sum(near)} of the {len(starts)} lines are at most 5 readings from a mark of at least one of five people.",
)

# %% [markdown]
# **Each of its ten changes was seen by at least one person; it misses one that four of
# the five marked, at 432.** The one missed comes ten readings after another: a detector
# that has just raised an alarm starts from nothing.
#
# Other real series are not so kind. The promise rests on values that are independent,
# and real errors break it: they come in sessions, in days, in weeks. Where neighbouring
# values are correlated, *every* detector that assumes independence raises far more
# alarms than promised. `drift.GaussianGLR(autocorrelated=True)` estimates the
# autocorrelation, and watches what is new in each value, its *innovation*. All seven
# series of the data set, and all detectors, are in
# [tests/benchmarks/RESULTS.md](../tests/benchmarks/RESULTS.md), measured with the
# `covering_score` of [segmentation](../tests/benchmarks/segmentation.py).
#
# ## Break it once: a detector that looks the wrong way
#
# Is 1 an error, or is 1 a hit? River's FHDDM (0.26.1) documents "1 = error". But it
# keeps the *best mean so far* and raises an alarm when the mean of the latest 100 falls
# below it. Here it is, in the same words:


# %%
def fhddm(values, size=100, confidence=1e-6):
    """Return the first alarm, or infinity: the mean of the latest values is far below the best one so far."""
    margin = np.sqrt(log(1 / confidence) / (2 * size))
    means = pd.Series(values).rolling(size).mean().to_numpy()
    below = np.flatnonzero(np.fmax.accumulate(means) - means > margin)
    return below[0] if below.size else np.inf


# %%
as_documented = np.array([fhddm(values) for values in changing])
as_hits = np.array([fhddm(1 - values) for values in changing])
readings_of_1 = {"1 = error, as documented": as_documented, "1 = hit": as_hits}
pd.DataFrame(
    {
        name: {"missed, of 30": np.isinf(each).sum(), "median delay": np.median(each) - 5_000}
        for name, each in readings_of_1.items()
    }
).T

# %% [markdown]
# The error rate doubles, and the detector sees nothing, or something random thousands
# of events later. No message says so. Turned around, it needs 84 events. **Before you
# trust a detector, show it a change that you made yourself.** It costs one line. Ours
# refuses at least what cannot be an error:

# %%
try:
    drift.BernoulliGLR().update_many([0, 1, 1, float("nan")])
except errors.InvalidSampleError as error:
    print(error)

# %% [markdown]
# ## In production

# %%
figures.show(
    figures.plot_platform(lit=["evaluation", "drift"], title="This lesson: the detector between evaluation and learner"),
    alt="Diagram of the platform as a loop of nine boxes, from people over event API, learner, evaluation, registry,"
    " experiments and serving API back to people. Lit are evaluation and drift detector.",
)

# %% [markdown]
# - The detector listens to the progressive error (lesson 01), one number per event, in
#   microseconds. It keeps a few hundred numbers, and its state is part of every
#   checkpoint (lesson 06).
# - Outcomes come late: a detector of errors hears of a change when the labels do.
#   Detectors on features (lesson 15) hear sooner, and of changes that hurt nobody.
# - Choose the number of samples between false alarms from what an alarm costs. One
#   detector per country and device makes a hundred detectors, and a hundred times the
#   false alarms.
# - An alarm is a question, not an answer. What to do about it is lesson 06.
#
# ## Takeaways
#
# 1. Unchanged streams have a large variance; a rule that ignores it raises false alarms
#    all the time (figures in *Why* and in section 1).
# 2. Page-Hinkley trades delay for false alarms by a threshold that nobody can know, and
#    its name stands for several tests (both figures in section 2).
# 3. The likelihood ratio takes a number that you can know, keeps to it, and dates the
#    change (both figures in section 3).
# 4. Judge by false alarms, delay and misses together, over many streams with known
#    truth (table and figure in section 4).
# 5. Real series are less independent than a promise assumes (figure in section 5).
#
# ## Questions
#
# ### Beginner
#
# **1. A colleague says: "my detector found every change." What do you ask?**
#
# <details>
# <summary>A model answer</summary>
#
# How often it raised an alarm when nothing had changed, and how long its delays were. A
# detector that raises an alarm at every event finds every change at once. Without
# streams on which nothing happens, the sentence says nothing.
#
# </details>
#
# **2. Which kinds of drift are there, and which of them can a detector of errors tell
# apart?**
#
# <details>
# <summary>A model answer</summary>
#
# Abrupt, gradual (old and new events mixed), incremental (the world itself moves) and
# recurring. A detector of errors sees the error rate only. An abrupt change has a steep
# edge; gradual and incremental ones look alike; a recurring one is a series of changes,
# unless somebody keeps the old model and notices that it fits again.
#
# </details>
#
# ### Intermediate
#
# **3. Why is testing after every event at a level of 5 % not a test at a level of 5
# %?**
#
# <details>
# <summary>A model answer</summary>
#
# Each test is wrong in one case out of twenty, and there are many tests: sooner or
# later one of them is wrong, although neighbours share most of their data. One has to
# share the level among the tests, as in section 1, or bound the largest statistic over
# time, as the likelihood ratio does. The same mistake is called peeking in A/B tests
# (lesson 09).
#
# </details>
#
# **4. Your model serves 100 countries, and one person can look at one alarm a week. A
# country has 10,000 events a day. What do you ask the detector for?**
#
# <details>
# <summary>A model answer</summary>
#
# A week has 100 x 70,000 = 7 million events. One false alarm in all of them is one in 7
# million samples, so `samples_between_false_alarms=7_000_000`. The threshold is its
# logarithm: 15.8 instead of 11.5 for 100,000. The delay grows in the same proportion,
# by 37 %. False alarms are cheap to avoid if one asks for it.
#
# </details>
#
# ### Advanced
#
# **5. The evidence of the likelihood ratio needs every $k$. Why are the corners of a
# convex hull enough?**
#
# <details>
# <summary>A model answer</summary>
#
# Draw the points $(k, S_k)$, where $S_k$ is the number of errors among the first $k$.
# For fixed $n$, the evidence is a convex function of the point $(k, S_k)$, since the
# log likelihood at the best rate is convex in counts and length together. A convex
# function on a set of points is largest at a corner of their hull. For a rise, only the
# lower boundary matters. Adding a point on the right removes corners and never brings
# one back, so the hull is kept up to date at constant cost on average.
#
# </details>
#
# **6. Someone wants your detector to be silent while the model is being attacked. Could
# they manage it?**
#
# <details>
# <summary>A model answer</summary>
#
# A slow poison is an incremental drift: if the error rises by less than the noise
# hides, the running mean of Page-Hinkley and the window of ADWIN move along. The
# likelihood ratio keeps the whole past as its reference, so a slow rise still adds up.
# Better: also hold errors against a fixed reference (the error at release), watch
# inputs as well as errors, and keep a small trusted stream whose labels nobody outside
# can touch.
#
# </details>
#
# ## Further reading
#
# - J. Gama et al. (2014),
#   [A survey on concept drift adaptation](https://doi.org/10.1145/2523813): the words
#   of the field, and the four shapes of drift used here.
# - E. S. Page (1954), [Continuous inspection schemes](https://doi.org/10.2307/2333009):
#   the cumulative sum, invented to stop a machine in a factory, in sixteen clear pages.
# - G. Romano et al. (2023), [Fast online changepoint detection via functional pruning
#   CUSUM statistics](https://arxiv.org/abs/2110.08205): how to look at every change
#   point without looking at every one.
# - A. Bifet and R. Gavaldà (2007), [Learning from time-changing data with adaptive
#   windowing](https://doi.org/10.1137/1.9781611972771.42): ADWIN, which has no
#   threshold to tune either, and a proof instead.
# - G. van den Burg and C. Williams (2020),
#   [An evaluation of change point detection algorithms](https://arxiv.org/abs/2003.06222):
#   the series that five people marked, and how methods fare against them.
#
# Next: [06 · Adapting to drift](06_adaptation.ipynb) · Back: [04 · Neural collaborative
# filtering](04_neural_collaborative_filtering.ipynb)
