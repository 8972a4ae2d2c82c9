# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 09 · A/B tests
#
# **You compare two versions on real people, and say how often your way of deciding is
# wrong before you trust it.**
#
# After this lesson you are able to
#
# - assign people to variants with a keyed hash, and notice when a split is broken;
# - test a difference with an interval, and know when older data narrow it;
# - look at a running experiment as often as you like without raising false alarms;
# - say why the winner of a test promises more than it keeps.
#
# 55 minutes, a good place to pause is after section 2 · modules
# [statistics](../coursekit/evaluation/statistics/__init__.py),
# [assignment](../coursekit/delivery/experiments/assignment.py),
# [stopping](../coursekit/delivery/experiments/stopping.py) and
# [experiment](../coursekit/delivery/experiments/experiment.py)

# %% [markdown]
# ## Why: a rule that always finds a winner
#
# Two versions of a page, and each visitor sees one of them. A rule in circulation:
# *take the last 100 outcomes of each version; if Cohen's d, the difference in standard
# deviations, is above 0.2 or below -0.2, the better one has won.* We try it on **A/A
# tests**: both versions are the same, and one visitor in ten clicks. In each of 1,000
# such tests the rule looks after every 100 visitors per version, up to 10,000.

# %%
import hashlib
from importlib.resources import files
from itertools import combinations

import numpy as np
import pandas as pd

from coursekit import figures
from coursekit.core import clock, errors
from coursekit.delivery import experiments
from coursekit.evaluation import statistics
from coursekit.evaluation.statistics import Moments
from coursekit.grading.task import check_task

figures.use_course_style()
shipped = files("coursekit.datasets") / "shipped"
n_runs, n_looks, block = 1_000, 100, 100
visitors = block * np.arange(1, n_looks + 1)  # per version, at each look

# %%
clicks = np.random.default_rng(0).binomial(block, 0.1, size=(2, n_runs, n_looks))
last_hundred = [Moments.of_counts(version, block) for version in clicks]
says_winner = np.abs(statistics.effect_size(*last_hundred)) > 0.2

# %% [markdown]
# **Predict**: nothing is different. In how many percent of the tests does the rule
# announce a winner at some look?

# %%
rule_guess = 5  # your guess, %


# %%
def announced(says):
    """Percent of the tests with a winner so far, after each look."""
    return 100 * np.logical_or.accumulate(says, axis=1).mean(axis=0)


by_rule = announced(says_winner)
f"you said {rule_guess} %, it is {by_rule[-1]:.0f} %"

# %% tags=["figure"]
axes = figures.plot_curves(
    {"the rule": by_rule, "5 %": np.full(n_looks, 5.0)},
    x=visitors,
    title=f"After {visitors[np.argmax(by_rule > 99)]:,} visitors it has found a winner",
    x_label="visitors per version",
    y_label="A/A tests with a winner, %",
    roles={"the rule": "alarm", "5 %": "baseline"},
)
figures.show(
    axes,
    alt="Line chart of the share of A/A tests in which the rule has announced a winner"
    f" so far. It rises from {by_rule[0]:.0f} % at the first look to"
    f" {by_rule[9]:.0f} % at the tenth and {by_rule[-1]:.0f} % at the last; a dashed"
    " line marks 5 %.",
)

# %% [markdown]
# **The rule announces a winner in every test, although there is none to find.** It
# compares an effect with a number and never with the noise, it forgets all but 200
# visitors, and it asks again and again. The lesson repairs this in four steps.
#
# ## 1. Are the two groups comparable?
#
# A test compares people, so which version somebody gets must have nothing to do with
# who they are, and each person must keep it. A **keyed hash** does both without a
# table: the hash of the person's id, under a key made of the experiment's name, is a
# number that looks random; the lower half of all numbers gets version A. By hand with
# positions between 0 and 1: ada at 0.31 gets A, bob at 0.84 gets B.
#
# Without the key it goes wrong, and a plain checksum goes wrong even with a salt. Ten
# experiments, 5,000 people; how similar are two assignments?

# %%
people = np.arange(5_000)


def md5_alone(experiment, person):
    digest = hashlib.md5(str(person).encode(), usedforsecurity=False)
    return int(digest.hexdigest(), 16) % 2


def keyed_hash(experiment, person):
    return experiments.SaltedHash(experiment)(person) % 2


# %%
def worst_correlation(version_of):
    """The largest correlation of two assignments among ten experiments."""
    tests = [[version_of(f"test {k}", each) for each in people] for k in range(10)]
    return max(abs(np.corrcoef(a, b)[0, 1]) for a, b in combinations(tests, 2))


# %%
worst = {each.__name__: worst_correlation(each) for each in (md5_alone, keyed_hash)}
", ".join(f"{name} {each:.3f}" for name, each in worst.items())

# %% [markdown]
# With MD5 of the id alone, whoever got the new ranking also got the new colours: the
# effects of all experiments are mixed. The keyed hash leaves chance.
#
# Whether a split came out as planned is tested before anything else, by the **sample
# ratio check**. With counts $n_v$ of each version and planned shares $w_v$ of all $n$:
#
# $$\chi^2 = \sum_v \frac{(n_v - n\,w_v)^2}{n\,w_v}$$
#
# In words: squared distance from the expected count, in units of that count, summed. By
# hand, for 5,100 and 4,900 where halves were planned: $100^2/5000 + 100^2/5000 = 4$,
# which chance exceeds in one split out of 22.
#
# **Try it.** Write this sum for arrays of counts and shares.
#
# <details>
# <summary>A solution</summary>
#
# ```python
# def my_chi_square(counts, shares):
#     expected = counts.sum() * shares
#     return np.sum((counts - expected) ** 2 / expected)
# ```
#
# </details>


# %%
def my_chi_square(counts, shares):
    raise NotImplementedError


def chi_square(counts, shares):
    return np.sum((counts - counts.sum() * shares) ** 2 / (counts.sum() * shares))


halves, thirds = np.array([0.5, 0.5]), np.array([0.2, 0.3, 0.5])
examples = (np.array([5100, 4900]), halves), (np.array([210, 280, 510]), thirds)
check_task(my_chi_square, chi_square, *examples)

# %% [markdown]
# Now real data: 4,873 tests of headlines at the news site Upworthy. Each headline of a
# test should be shown equally often. At a level of 0.001, chance raises about 5 alarms.

# %%
arms = pd.read_csv(shipped / "upworthy-headlines" / "arms.csv.gz")
shown = arms.groupby("test").impressions
p_values = [statistics.sample_ratio_p_value(n, np.ones(len(n))) for _, n in shown]
is_broken = pd.Series(p_values) < 0.001

# %% [markdown]
# **Predict**: how many tests fail?

# %%
split_guess = 5  # your guess

# %%
week = arms.groupby("test").week.first()
by_week = 100 * is_broken.groupby(week).mean()
f"you said {split_guess}, it is {is_broken.sum()} of {len(is_broken)}"

# %% tags=["figure"]
at = np.arange(len(by_week))
axes = figures.plot_curves(
    {"failing the check": by_week.to_numpy()},
    x=at,
    title="For half a year, most tests were split wrongly",
    x_label=f"weeks since {by_week.index[0] // 100}, week {by_week.index[0] % 100}",
    y_label="tests failing the ratio check, %",
    roles={"failing the check": "alarm"},
)
bad_weeks = by_week.index[by_week > 25]
figures.show(
    axes,
    alt="Line chart of the share of Upworthy's tests that fail the sample ratio check,"
    " week by week. It is near 0 at first, jumps to more than half in week"
    f" {bad_weeks[0]}, stays there until week {bad_weeks[-1]} and is 0 or nearly so"
    " ever after.",
)

# %% [markdown]
# **The check finds a defect that nobody noticed for ten years.** In June 2024 the
# archive's authors warned that randomisation is doubtful for tests created from 25 June
# 2013 to 10 January 2014. These are the weeks in the figure. We drop those tests.

# %%
good = arms[~arms.test.map(is_broken)]
f"weeks {bad_weeks[0]} to {bad_weeks[-1]}; {good.test.nunique():,} tests are left"

# %% [markdown]
# ## 2. How large is the effect, and how sure are we?
#
# In the 1970s, 445 people without work took part in an experiment: 185 of them, chosen
# at random, got job training. What did they earn in 1978?
#
# The difference of two means has the **standard error**
#
# $$\sqrt{\frac{s_c^2}{n_c} + \frac{s_t^2}{n_t}}$$
#
# with the variances $s^2$ (divisor $n - 1$) and numbers $n$ of control $c$ and
# treatment $t$. By hand: variances 4 and 9, 100 people each: $\sqrt{0.04 + 0.09} =
# 0.36$. **Welch's t-test** divides the difference by it; the 95 % interval reaches
# about two standard errors to either side.
#
# **Try it.** Write the standard error for two arrays of values.
#
# <details>
# <summary>A solution</summary>
#
# ```python
# def my_standard_error(control, treatment):
#     c, t = control.var(ddof=1), treatment.var(ddof=1)
#     return np.sqrt(c / len(control) + t / len(treatment))
# ```
#
# A common mistake is `var()` without `ddof=1`, the variance of a population.
#
# </details>


# %%
def my_standard_error(control, treatment):
    raise NotImplementedError


def standard_error(control, treatment):
    pair = Moments.of(control), Moments.of(treatment)
    return float(statistics.difference(*pair).standard_error)


samples = np.random.default_rng(3).normal(size=(2, 12)) * [[1.0], [4.0]]
one, two = samples
check_task(my_standard_error, standard_error, (one, two), (two[:5], one))

# %%
training = pd.read_csv(shipped / "nsw-job-training" / "nsw.csv")
groups = [training[training.treat == each] for each in (0, 1)]
earned = [each.re78.to_numpy() for each in groups]
before = [each.re75.to_numpy() for each in groups]

# %%
plain = statistics.welch_test(*map(Moments.of, earned))
f"{plain.estimate:,.0f} dollars, {plain.low:,.0f} to {plain.high:,.0f}"

# %% [markdown]
# The interval is wide. We also know what everybody earned in 1975, before the training.
# **CUPED** subtracts what the past predicts:
#
# $$y_i - \theta\,(x_i - \bar x), \qquad
# \theta = \frac{\mathrm{cov}(x, y)}{\mathrm{var}(x)}$$
#
# Both groups have the same past on average, so the effect stays; the variance becomes
# $1 - \rho^2$ times as large, with the correlation $\rho$ (rho) of past and outcome.
#
# **Predict**: how much narrower does the interval become, in percent?

# %%
cuped_guess = 30  # your guess, %

# %%
adjusted = statistics.welch_test(*map(Moments.of, statistics.cuped(earned, before)))
narrower = 100 * (1 - adjusted.standard_error / plain.standard_error)
rho = training.re75.corr(training.re78)
f"you said {cuped_guess} %, it is {narrower:.1f} %: the correlation is {rho:.2f}"

# %%
steady = [each + 2 * x for each, x in zip(earned, before, strict=True)]
names = "as it was", "a past that counts"
half_width = {}
for name, values in zip(names, (earned, steady), strict=True):
    both = {"": values, ", CUPED": statistics.cuped(values, before)}
    for how, outcome in both.items():
        half_width[name + how] = statistics.welch_test(*map(Moments.of, outcome))

# %% tags=["figure"]
rows = {name: (each.low, each.estimate, each.high) for name, each in half_width.items()}
axes = figures.plot_intervals(
    rows,
    title="CUPED helps as much as the past predicts",
    x_label="effect of the training on earnings, dollars",
    reference=0.0,
    reference_label="no effect",
    roles={name: "model" if "CUPED" in name else "baseline" for name in rows},
)
figures.show(
    axes,
    alt="Estimates with 95 % intervals: "
    + "; ".join(
        f"{name}: {middle:,.0f} ({low:,.0f} to {high:,.0f})"
        for name, (low, middle, high) in rows.items()
    )
    + " dollars.",
)

# %% [markdown]
# **Where the past says little, CUPED gains little, and it costs nothing; it pays for
# habits, such as visits or spending.** For the lower pair we made the past count,
# artificially: twice the earnings of 1975 were added to those of 1978.
#
# **Try it.** Subtract the earnings of 1975 directly, with $\theta = 1$. Is the interval
# narrower than without them?
#
# <details>
# <summary>What you should find</summary>
#
# It is wider. With a weak correlation the best $\theta$ is small, about 0.17, and
# $\theta = 1$ mostly adds the noise of 1975. CUPED is never worse than no adjustment in
# large samples, a plain difference can be.
#
# </details>
#
# ## 3. May you look before the end?
#
# Everybody does: there is a chart, and it is updated. Here are 99 treatments from 78
# experiments at the fashion shop ASOS, with running counts of users and of those with
# some outcome, about 60 looks each. We test at every look, at a level of 5 %.

# %%
asos = pd.read_csv(shipped / "asos-experiments" / "conversions.csv.gz")
asos = asos[asos[["control_n", "treatment_n"]].min(axis=1) > 100]
of_test = asos.groupby(["experiment", "variant"])
pair = [
    Moments.of_counts(asos[f"{side}_successes"], asos[f"{side}_n"])
    for side in ("control", "treatment")
]
effect = statistics.difference(*pair)
asos["p"] = statistics.fixed_test(effect).p_value
ever = int((of_test.p.min() <= 0.05).sum())

# %% [markdown]
# **Predict**: of the treatments that are significant at some look, how many are not any
# more at the end?

# %%
look_guess = 2  # your guess

# %%
at_end = int((of_test.p.last() <= 0.05).sum())
gone = int(((of_test.p.min() <= 0.05) & (of_test.p.last() > 0.05)).sum())
f"you said {look_guess}; {ever} at some look, {gone} of them not at the end"

# %% [markdown]
# An **e-value** may be looked at after every outcome. It is what a bet against "no
# effect" has earned, and if there is no effect, the probability that it *ever* reaches
# $1/\alpha$ is at most $\alpha$ (Ville's inequality). With the estimate $\hat\delta$,
# its variance $V$, and $\tau^2$, how large we expect effects to be (fixed before):
#
# $$E = \sqrt{\frac{V}{V + \tau^2}}\;
# \exp\!\left(\frac{\tau^2\,\hat\delta^2}{2\,V\,(V + \tau^2)}\right)$$
#
# By hand, for $\hat\delta = 0.2$, $V = 0.01$, $\tau^2 = 0.03$: $\sqrt{0.25} \cdot
# e^{1.5} = 2.2$. That is less than 20, so nothing is shown at a level of 5 %, although
# $\hat\delta$ is two standard errors.
#
# **Try it.** Write this e-value.
#
# <details>
# <summary>A solution</summary>
#
# ```python
# def my_e_value(estimate, variance, tau2):
#     both = variance + tau2
#     exponent = tau2 * estimate**2 / (2 * variance * both)
#     return np.sqrt(variance / both) * np.exp(exponent)
# ```
#
# </details>


# %%
def my_e_value(estimate, variance, tau2):
    raise NotImplementedError


def e_value(estimate, variance, tau2):
    found = statistics.Effect(estimate=estimate, variance=variance)
    return float(np.exp(statistics.mixture_log_e(found, tau2)))


check_task(my_e_value, e_value, (0.2, 0.01, 0.03), (0.5, 0.02, 0.1))

# %% [markdown]
# If looks can be planned, there is a sharper tool. A **group sequential** test shares
# the level among, say, ten looks: bounds that are strict at first and nearly the usual
# 1.96 at the end. All four ways, on the A/A tests from the beginning:

# %%
n_seen = np.broadcast_to(visitors, (n_runs, n_looks))
counts = [Moments.of_counts(each.cumsum(axis=1), n_seen) for each in clicks]
running = statistics.difference(*counts)
tau2 = statistics.mixture_variance(2 * 0.09 / visitors[n_looks // 2])
ten = np.arange(9, n_looks, 10)
bounds = statistics.group_sequential_bounds(visitors[ten] / visitors[-1])
z = np.abs(running.estimate / running.standard_error)
says = {
    "|d| > 0.2 on the last 100": says_winner,
    "Welch at every look": statistics.fixed_test(running).p_value <= 0.05,
    "group sequential": z[:, ten] >= bounds,
    "always valid": statistics.always_valid_test(running, mixture=tau2).p_value <= 0.05,
}
false_winners = {name: announced(each)[-1] for name, each in says.items()}

# %% tags=["figure"]
axes = figures.plot_bars(
    false_winners,
    title=f"Welch at every look is wrong {false_winners['Welch at every look']:.0f} %"
    " of the time",
    x_label="A/A tests with a winner at some look, %",
    roles={"|d| > 0.2 on the last 100": "alarm", "Welch at every look": "alarm"},
    number_format="{:.1f}",
)
figures.show(
    axes,
    alt="Bar chart of the share of 1,000 A/A tests in which a winner is announced at"
    " some look: "
    + "; ".join(f"{name} {each:.1f} %" for name, each in false_winners.items())
    + ".",
)

# %% [markdown]
# **A test for one look, asked a hundred times, is wrong in more than a third of the
# cases; the other two keep what they promise.** The price is paid in people: to find a
# true effect, always-valid tests need more of them than a planned design.
#
# ## 4. Does a winner keep its promise?
#
# Each headline test has a winner, the one with the most clicks per impression. We let
# chance deal the impressions of every headline into two halves, choose the winner on
# the first half, and measure it again on the second.

# %%
rng = np.random.default_rng(1)
n_first = good.impressions // 2
k_first = rng.hypergeometric(good.clicks, good.impressions - good.clicks, n_first)
halves = {
    "chosen on": (k_first, n_first),
    "measured again": (good.clicks - k_first, good.impressions - n_first),
}
rates = pd.DataFrame({name: k / n for name, (k, n) in halves.items()})
winners = rates["chosen on"].groupby(good.test).idxmax()

# %%
average = rates.groupby(good.test).mean()
lifts = 100 * (rates.loc[winners].set_axis(winners.index) / average - 1)
promised, kept = lifts.replace([np.inf, -np.inf], np.nan).mean()
f"promised: {promised:.0f} % more clicks than the average headline of the test"

# %% [markdown]
# **Predict**: how many percent does the same headline win on the second half?

# %%
winner_guess = 40  # your guess, %

# %%
f"you said {winner_guess} %, it is {kept:.0f} %"

# %% tags=["figure"]
axes = figures.plot_bars(
    {"on the half that chose it": promised, "on the other half": kept},
    title=f"Winners keep {100 * kept / promised:.0f} % of what they promise",
    x_label="lift of the winning headline over the average of its test, %",
    roles={"on the half that chose it": "baseline"},
    number_format="{:.1f}",
)
figures.show(
    axes,
    alt="Bar chart of the mean lift of the winning headline over the average headline"
    f" of its test: {promised:.1f} % on the half of the impressions that chose it,"
    f" {kept:.1f} % on the other half.",
)

# %% [markdown]
# **The largest of several noisy numbers is large partly by luck, and the luck does not
# come back: the winner's curse.** So estimate an effect on data that did not choose it,
# or say that it is too high.
#
# Several comparisons also mean several chances of a false alarm. **Holm's method**
# multiplies the smallest of $m$ p-values by $m$, the next by $m - 1$, and so on, and
# never lets one fall below the one before. By hand, for 0.01, 0.04, 0.03: 0.03, then
# $2 \cdot 0.03 = 0.06$, then $0.04$, raised to 0.06.
#
# **Try it.** Write Holm's adjusted p-values for p-values that are sorted already.
#
# <details>
# <summary>A solution</summary>
#
# ```python
# def my_holm(p):
#     factors = np.arange(len(p), 0, -1)
#     return np.maximum.accumulate(np.minimum(factors * p, 1))
# ```
#
# </details>


# %%
def my_holm(p):
    raise NotImplementedError


three, five = np.array([0.01, 0.03, 0.04]), np.array([0.001, 0.2, 0.21, 0.5, 0.6])
check_task(my_holm, statistics.holm, (three,), (five,))

# %% [markdown]
# ## Break it: let the log lose people
#
# `ABExperiment` puts all of this together: assignment, exposure log, sums for each
# person, a stopping rule. The new version really is better. But it is slow, and the log
# loses one person in ten who got it and left before the page was there.

# %%
time = clock.ManualClock()
plan = {"min_samples": 1_000, "duration_hours": 24, "clock": time}
test = experiments.ABExperiment("page", {"old": 0.5, "new": 0.5}, "clicks", **plan)
rng = np.random.default_rng(5)
for person in range(10_000):
    arrives = test.assignment.variant_of(person) == "old" or rng.random() > 0.1
    if arrives:
        version = test.assign(person)
        test.record(person, float(rng.random() < (0.12 if version == "new" else 0.1)))

# %%
early = test.results()
time.advance(hours=24)
late = test.results()
early.recommendation.value, late.recommendation.value, late.reason

# %%
try:
    test.record("somebody else", 1.0)
except errors.UnknownNameError as error:
    message = str(error)
message

# %% [markdown]
# No verdict, however large the difference: those who left were not like those who
# stayed. And an outcome of a person who was never assigned is an error, not silence.
#
# ## In production

# %% tags=["figure"]
figures.show(
    figures.plot_platform(
        lit=["experiments", "registry"], title="This lesson: deciding what ships"
    ),
    alt="Diagram of the platform as a loop of nine boxes, from people over event API,"
    " learner, evaluation, registry, experiments and serving API back to people. Lit"
    " are experiments and registry.",
)

# %% [markdown]
# - `ABTestManager` runs several experiments; `stop_experiment` promotes the winner and
#   retires the others in one transaction of the registry (lesson 08).
# - Experiments in one *layer* share nobody; a ramp adds people and moves none.
# - Guardrail metrics can veto a winner: more clicks, but slower.
# - Your own file: `coursekit abtest FILE.csv --variant COLUMN --outcome COLUMN` says in
#   two sentences what it shows, and `--report OUT.html` draws it.
#
# ## Takeaways
#
# 1. A threshold on an effect is no test: without any difference it always finds a
#    winner (figure in *Why*).
# 2. Check the sample ratio first; a broken split makes everything after it worthless
#    (figure in section 1).
# 3. An interval says more than a verdict, and CUPED narrows it where the past predicts
#    (figure in section 2).
# 4. Plan your looks, or use a test that is valid at every look (figure in section 3).
# 5. A chosen winner is overestimated: measure it again (figure in section 4).
#
# **Now you.** In the exercise [An A/B test that can be
# trusted](../exercises/abtest/abtest.ipynb) you build these pieces yourself, each
# checked at once.

# %% [markdown]
# ## Questions
#
# ### Beginner
#
# **1. Why must the hash of the assignment contain the experiment's name?**
#
# <details>
# <summary>A model answer</summary>
#
# Without it, every experiment divides the same people in the same way. Whoever gets the
# new version of one gets the new version of all, so no effect can be told from the
# others, and one half of the people lives in a different product for ever.
#
# </details>
#
# ### Intermediate
#
# **2. A user sees 20 pages, and you count clicks per page. Why is a test that treats
# pages as independent wrong, and what is right?**
#
# <details>
# <summary>A model answer</summary>
#
# Users were randomised, pages were not: pages of one user resemble each other, so their
# number overstates what is known and the standard error comes out too small. Sum clicks
# and pages for each user and take the ratio of the sums with the delta method
# (`ratio_moments`), which counts users.
#
# </details>
#
# ### Advanced
#
# **3. An always-valid test needs more people than a fixed one. When is it worth it, and
# when is a group sequential test better?**
#
# <details>
# <summary>A model answer</summary>
#
# It is worth it when looks cannot be planned: many experiments, dashboards, automatic
# stopping after harm. If the number of people is known beforehand and somebody looks
# about ten times, group sequential bounds keep the same level with nearly the power of
# the fixed test, and stop early for large effects.
#
# </details>
#
# ## Further reading
#
# - R. Kohavi, D. Tang and Y. Xu, [Trustworthy online controlled
#   experiments](https://doi.org/10.1017/9781108653985) (2020): the practice of large
#   companies, with a chapter on each way to fool oneself.
# - J. N. Matias et al., [The Upworthy Research
#   Archive](https://doi.org/10.1038/s41597-021-00934-7) (2021): where the headlines
#   come from, and what others have found in them.
# - R. Johari et al., [Always valid inference](https://arxiv.org/abs/1512.04922) (2022):
#   the test of section 3 as it was built into a product, with its proofs.
# - A. Deng et al., [CUPED](https://doi.org/10.1145/2433396.2433413) (2013): six pages
#   on using data from before the experiment, with measurements at Bing.
#
# Next: [10 · Bandits and off-policy evaluation](10_bandits.ipynb) · Back:
# [08 · Versions and shipping safely](08_model_registry.ipynb)
