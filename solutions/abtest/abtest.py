# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] name="title"
# # An A/B test that can be trusted
#
# *Exercise `abtest` · about 100 minutes · 6 checks · goes with lesson 09, A/B tests*
#
# You build the parts of an A/B test in six steps: assignment, one value per user, the comparison of two means, the check of the
# sample ratio, a p-value that stays valid however often you look at it, and the decision that promotes a model.
#
# **How it works.** Each step has a cell for your answer; replace the line that raises `NotImplementedError`, run the cell,
# then run the check below it.
#
# - `check("abtest-1")` tells you where you stand, as often as you like. It asks with new random numbers each time.
# - `hint("abtest-1")` gives one hint; ask again for the next. There are three for each step.
# - `answer("abtest-1")` shows one good solution, *after* yours has passed.
# - `progress()` shows how far you are. In a terminal, `coursekit check exercises/abtest` checks the whole notebook.
#
# When your work is graded, hidden checks ask more of the same questions. They hold no traps: what the text asks for is what
# they check.

# %% name="imports"
import hashlib
import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, stdtr, stdtrit

from coursekit.grading import answer, check, hint, progress

# %% [markdown] name="step-1"
# ## Step 1: assignment
#
# A service must answer the same question at every request: which variant does this user see? It should not need a table of all
# users. So the variant is computed from a **hash** of the user's name. Three properties matter:
#
# - **Repeatable**: the same user gets the same variant in the same experiment, in every process and on every day. Python's
#   built-in `hash` of a string differs between processes.
# - **In proportion**: `split` gives the share of each variant, for example `{"control": 0.5, "green": 0.3, "blue": 0.2}`. The
#   shares sum to 1.
# - **Independent between experiments**: what a user sees in one experiment says nothing about what they see in another.
#   The hash must therefore depend on the experiment as well (a *salt*), and it must *mix*: each bit of the input changes
#   about half of the bits of the output. Checksums such as CRC-32 do not mix.
#
# Turn the hash into a number $u$ in $[0, 1)$ and return the first variant whose cumulative share is greater than $u$.
#
# **Predict**: two experiments use the hash of the user's name alone, both with a split of 50 : 50. How many of the users who
# see the treatment in the first experiment see it in the second one, too?


# %% nbgrader={"grade": false, "grade_id": "abtest-1-answer", "locked": false, "schema_version": 3, "solution": true}
def assign(user, experiment, split):
    """Return the variant that a user sees in an experiment."""
    ### BEGIN SOLUTION
    text = f"{experiment}\x00{user}"  # the separator keeps ("a", "bc") and ("ab", "c") apart
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    u = int.from_bytes(digest, "big") / 2**64
    total = 0.0
    for variant, share in split.items():
        total += share
        if u < total:
            return variant
    return variant  # the shares may sum to 0.9999999999999999
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "abtest-1", "locked": true, "points": 6, "schema_version": 3, "solution": false}
check("abtest-1")

# %% name="run-1" tags=["raises-exception"]
halves = {"control": 0.5, "treatment": 0.5}
users = [f"user-{number}" for number in range(10_000)]
both = {
    name: np.array([assign(user, name, halves) == "treatment" for user in users])
    for name in ("colour", "price")
}
print(f"of the treated in one, treated in the other: {both['price'][both['colour']].mean():.3f}")

# %% [markdown] name="finding-1"
# **About half, because the salt makes the two assignments independent.** With the name alone it would be all of them, and
# the effect of the second experiment would be added to the effect of the first one.

# %% [markdown] name="step-2"
# ## Step 2: one value per user
#
# Users were assigned, so users are the **unit of analysis**. The events of one user are not independent of each other: a test
# that counts events reports an interval that is too narrow. `Variant` therefore keeps one total per user.
#
# - `expose(user)`: the user has seen the variant. It may be called many times for one user.
# - `record(user, value)`: an outcome, for example the price of a purchase. A user has none, one or many. Add them up. Ignore the
#   outcome of a user who has not been exposed.
# - `summary()`: a `Summary` with the number of exposed users, the mean of their totals and the sample variance of their totals
#   (divide by $n - 1$). A user without outcomes has the total 0 and counts. With fewer than two users the variance is 0, with
#   none the mean is 0 as well.


# %% nbgrader={"grade": false, "grade_id": "abtest-summary", "locked": true, "schema_version": 3, "solution": false}
class Summary(NamedTuple):
    """What the analysis needs to know about the users of one variant."""

    n: int
    mean: float
    variance: float


# %% nbgrader={"grade": false, "grade_id": "abtest-2-answer", "locked": false, "schema_version": 3, "solution": true}
class Variant:
    """Outcomes of the users who have seen one variant."""

    def __init__(self):
        self.totals = {}

    def expose(self, user):
        """Note that a user has seen this variant."""
        ### BEGIN SOLUTION
        self.totals.setdefault(user, 0.0)
        ### END SOLUTION

    def record(self, user, value):
        """Take in one outcome of a user."""
        ### BEGIN SOLUTION
        if user in self.totals:
            self.totals[user] += value
        ### END SOLUTION

    def summary(self):
        """Return number, mean and variance of the users' totals."""
        ### BEGIN SOLUTION
        totals = np.array(list(self.totals.values()))
        n = len(totals)
        mean = totals.mean() if n > 0 else 0.0
        variance = totals.var(ddof=1) if n > 1 else 0.0
        return Summary(n, float(mean), float(variance))
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "abtest-2", "locked": true, "points": 6, "schema_version": 3, "solution": false}
check("abtest-2")

# %% name="run-2" tags=["raises-exception"]
shop = Variant()
for user in ("ada", "ben", "cleo", "ada"):
    shop.expose(user)
for user, price in (("ada", 4.0), ("ada", 5.0), ("cleo", 3.0), ("zoe", 99.0)):
    shop.record(user, price)
shop.summary()  # three users with the totals 9, 0 and 3

# %% [markdown] name="step-3"
# ## Step 3: compare two means
#
# $\bar x_C, s_C^2, n_C$ are the summary of the control and $\bar x_T, s_T^2, n_T$ that of the treatment. The estimated effect is
# $d = \bar x_T - \bar x_C$; its **standard error** $e$ and the degrees of freedom $\nu$ are (B. L. Welch 1947,
# [doi:10.1093/biomet/34.1-2.28](https://doi.org/10.1093/biomet/34.1-2.28))
#
# $$
# e = \sqrt{v_C + v_T}, \qquad v_C = \frac{s_C^2}{n_C}, \quad v_T = \frac{s_T^2}{n_T}, \qquad
# \nu = \frac{(v_C + v_T)^2}{\dfrac{v_C^2}{n_C - 1} + \dfrac{v_T^2}{n_T - 1}} .
# $$
#
# - The two-sided p-value is $p = 2\, F_\nu(-|d| / e)$ with the distribution function $F_\nu$ of Student's t: `stdtr(nu, t)`.
# - The confidence interval of confidence $1 - \alpha$ is $d \pm q\, e$ with the quantile $q = F_\nu^{-1}(1 - \alpha / 2)$:
#   `stdtrit(nu, probability)`.
#
# If $e = 0$, the interval is $[d, d]$, and $p$ is 1 if $d = 0$ and 0 otherwise.


# %% nbgrader={"grade": false, "grade_id": "abtest-comparison", "locked": true, "schema_version": 3, "solution": false}
class Comparison(NamedTuple):
    """A treatment compared with the control."""

    difference: float
    low: float
    high: float
    p: float


# %% nbgrader={"grade": false, "grade_id": "abtest-3-answer", "locked": false, "schema_version": 3, "solution": true}
def compare(control, treatment, level=0.05):
    """Compare two summaries by Welch's test; `level` is alpha."""
    ### BEGIN SOLUTION
    difference = treatment.mean - control.mean
    v_c, v_t = control.variance / control.n, treatment.variance / treatment.n
    error = math.sqrt(v_c + v_t)
    if error == 0.0:
        return Comparison(difference, difference, difference, float(difference == 0.0))
    nu = (v_c + v_t) ** 2 / (v_c**2 / (control.n - 1) + v_t**2 / (treatment.n - 1))
    p = 2 * float(stdtr(nu, -abs(difference) / error))
    width = float(stdtrit(nu, 1 - level / 2)) * error
    return Comparison(difference, difference - width, difference + width, p)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "abtest-3", "locked": true, "points": 7, "schema_version": 3, "solution": false}
check("abtest-3")


# %% nbgrader={"grade": false, "grade_id": "abtest-looks", "locked": true, "schema_version": 3, "solution": false}
def looks_at(control, treatment, every=100):
    """Return the summaries of both variants after each `every` users."""
    sizes = range(every, len(control) + 1, every)
    return [
        tuple(Summary(n, x[:n].mean(), x[:n].var(ddof=1)) for x in (control, treatment))
        for n in sizes
    ]


# %% [markdown] name="predict-3"
# Now 200 **A/A tests**: both variants are the same, 5,000 users each, and every 100 users somebody looks at the p-value and
# stops as soon as it is at most 0.05. **Predict** the share of these tests that stop, and so report an effect that does not
# exist.

# %% name="run-3" tags=["raises-exception"]
rng = np.random.default_rng(9)
tests = [looks_at(*rng.exponential(5.0, (2, 5000))) for _ in range(200)]
at_the_end = np.mean([compare(*looks[-1]).p <= 0.05 for looks in tests])
peeking = np.mean([any(compare(*look).p <= 0.05 for look in looks) for looks in tests])
print(f"false positives: {at_the_end:.1%} with one look at the end, {peeking:.1%} with fifty looks")

# %% [markdown] name="finding-3"
# **The level holds for one look at a size that was fixed before the test.** With fifty looks there are fifty chances to be
# wrong. Step 5 repairs this.

# %% [markdown] name="step-4"
# ## Step 4: the sample ratio
#
# Before anybody looks at outcomes: did the variants get the shares of users that were planned? If not, users were lost on one
# side (a crash, a redirect, a robot filter), and those who stayed are not comparable. This is a **sample ratio mismatch**
# (SRM). Let $n_k$ be the number of users of variant $k$, $w_k$ its planned share, $N = \sum_k n_k$:
#
# $$
# \chi^2 = \sum_k \frac{(n_k - N w_k)^2}{N w_k}, \qquad p = P(\chi^2_{K-1} \ge \chi^2).
# $$
#
# `chdtrc(degrees, x)` is the probability that a chi-square variable is at least $x$; there are $K - 1$ degrees of freedom for $K$
# variants. Both arguments are dictionaries with the same keys, not always in the same order.


# %% nbgrader={"grade": false, "grade_id": "abtest-4-answer", "locked": false, "schema_version": 3, "solution": true}
def ratio_p(counts, split):
    """Return the p-value of the counts of users, given the planned split."""
    ### BEGIN SOLUTION
    n = sum(counts.values())
    statistic = sum((counts[k] - n * share) ** 2 / (n * share) for k, share in split.items())
    return float(chdtrc(len(split) - 1, statistic))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "abtest-4", "locked": true, "points": 5, "schema_version": 3, "solution": false}
check("abtest-4")

# %% [markdown] name="predict-4"
# An experiment planned for 50 : 50 has 50,700 users in one variant and 49,300 in the other: 50.7 %. **Predict**: can that be
# chance? And 507 against 493?

# %% name="run-4" tags=["raises-exception"]
for counts in ({"a": 50_700, "b": 49_300}, {"a": 507, "b": 493}):
    print(counts, f"p = {ratio_p(counts, {'a': 0.5, 'b': 0.5}):.2g}")

# %% [markdown] name="finding-4"
# **The same ratio is chance among a thousand users and a defect among a hundred thousand.** In practice a p-value below 0.001
# stops the analysis: find the cause first.

# %% [markdown] name="step-5"
# ## Step 5: a p-value for any number of looks
#
# An **e-value** $E$ measures evidence against "no effect" such that its mean is 1 while there is none. Here it compares "no
# effect" with effects drawn from a normal distribution of mean 0 and variance $\tau^2$, the *mixture variance*. Let $d$ be the
# estimated effect and $V$ its variance (the squared standard error):
#
# $$
# E = \sqrt{\frac{V}{V + \tau^2}}\; \exp\!\left(\frac{\tau^2 d^2}{2 V (V + \tau^2)}\right), \qquad
# p_{\text{now}} = \min\!\left(p_{\text{before}},\, \frac{1}{E},\, 1\right).
# $$
#
# While there is no effect, $E$ reaches $1/\alpha$ at *any* time with a probability of at most $\alpha$ (J. Ville 1939). So the
# smallest $1/E$ so far is a valid p-value at every look (R. Johari, P. Koomen, L. Pekelis, D. Walsh 2022,
# [doi:10.1287/opre.2021.2135](https://doi.org/10.1287/opre.2021.2135)). Before the first look $p$ is 1.
#
# Write `look(difference, variance)`, which returns the p-value after one more look. `self.mixture` is $\tau^2$. An effect may be
# so large that $E$ is greater than any floating-point number: compute with $\ln E$.


# %% nbgrader={"grade": false, "grade_id": "abtest-5-answer", "locked": false, "schema_version": 3, "solution": true}
class AlwaysValid:
    """The p-value of the mixture sequential probability ratio test."""

    def __init__(self, mixture):
        self.mixture = mixture
        self.p = 1.0

    def look(self, difference, variance):
        """Take in one look and return the p-value."""
        ### BEGIN SOLUTION
        both = variance + self.mixture
        log_e = 0.5 * math.log(variance / both)
        log_e += self.mixture * difference**2 / (2 * variance * both)
        self.p = min(self.p, math.exp(-max(log_e, 0.0)))
        return self.p
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "abtest-5", "locked": true, "points": 6, "schema_version": 3, "solution": false}
check("abtest-5")

# %% [markdown] name="predict-5"
# The same 200 A/A tests with the same fifty looks. **Predict** the share of false positives now. Then the price: with a real
# effect of 8 %, does this test find it more often or less often than one look at the end?


# %% nbgrader={"grade": false, "grade_id": "abtest-stops", "locked": true, "schema_version": 3, "solution": false}
def stops(looks, mixture=0.05, level=0.05):
    """Return at which look (from 1) the always-valid p-value is at most the level, or None."""
    valid = AlwaysValid(mixture)
    for number, (control, treatment) in enumerate(looks, start=1):
        variance = control.variance / control.n + treatment.variance / treatment.n
        if valid.look(treatment.mean - control.mean, variance) <= level:
            return number
    return None


# %% name="run-5" tags=["raises-exception"]
false_positives = np.mean([stops(looks) is not None for looks in tests])
print(f"false positives with fifty looks: {false_positives:.1%}")
better = [looks_at(rng.exponential(5.0, 5000), rng.exponential(5.4, 5000)) for _ in range(200)]
found = [stops(looks) for looks in better]
at_any_look = np.mean([at is not None for at in found])
at_the_end = np.mean([compare(*looks[-1]).p <= 0.05 for looks in better])
print(f"a real effect of 8 %: found by {at_any_look:.0%} of the tests with fifty looks,")
print(f"after {100 * np.median([at for at in found if at]):.0f} users a variant (median);")
print(f"by {at_the_end:.0%} of the tests with one look, after 5000")

# %% [markdown] name="finding-5"
# **Looking at any time has a price: a small effect is found less often than by one look at a size fixed beforehand.** In
# return a large effect ends the test early, and nobody can stop it at a lucky moment. Lesson 09 has the compromise,
# group-sequential tests, for looks that are planned.

# %% [markdown] name="step-6"
# ## Step 6: decide, and promote
#
# The rules of the experiment are fixed before it starts, in a `Plan`. Write `decide`, which returns one word and tells the
# registry. Apply the rules in this order:
#
# 1. `"running"`: fewer than `plan.hours` hours have passed, or a variant has fewer than `plan.min_users` users. The registry is
#    not touched.
# 2. `"invalid"`: the p-value of the sample ratio is below 0.001. The treatment becomes `"failed"`, the control stays what it is.
# 3. `"promoted"`: the comparison is significant ($p \le$ `plan.level`) **and** the treatment is better (a positive difference). The
#    treatment becomes `"production"` and the control `"retired"`: there is never more than one version in production.
# 4. `"kept"`: everything else. The treatment becomes `"retired"`.
#
# `users` maps the name of each variant, `"control"` and `"treatment"`, to its number of users.


# %% nbgrader={"grade": false, "grade_id": "abtest-registry", "locked": true, "schema_version": 3, "solution": false}
@dataclass(frozen=True)
class Plan:
    """The rules of an experiment, fixed before it starts."""

    control: str  # a version in the registry
    treatment: str
    hours: float = 24.0
    min_users: int = 1000
    level: float = 0.05


@dataclass
class Registry:
    """The status of each version of a model."""

    statuses: dict = field(default_factory=dict)

    def set_status(self, version, status):
        self.statuses[version] = status


# %% nbgrader={"grade": false, "grade_id": "abtest-6-answer", "locked": false, "schema_version": 3, "solution": true}
def decide(plan, registry, hours, users, ratio_p, comparison):
    """Return "running", "invalid", "promoted" or "kept", and tell the registry."""
    ### BEGIN SOLUTION
    if hours < plan.hours or min(users.values()) < plan.min_users:
        return "running"
    if ratio_p < 0.001:
        registry.set_status(plan.treatment, "failed")
        return "invalid"
    if comparison.p <= plan.level and comparison.difference > 0:
        registry.set_status(plan.control, "retired")
        registry.set_status(plan.treatment, "production")
        return "promoted"
    registry.set_status(plan.treatment, "retired")
    return "kept"
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "abtest-6", "locked": true, "points": 8, "schema_version": 3, "solution": false}
check("abtest-6")

# %% [markdown] name="real"
# ## The whole experiment
#
# A shop with 30,000 visitors: each buys at every visit with a small probability of their own, and the treatment raises it by a
# tenth. Your six parts do the rest. **Predict** the decision, and then the decision if a redirect loses one in twenty visitors
# of the treatment before they are exposed.


# %% nbgrader={"grade": false, "grade_id": "abtest-shop", "locked": true, "schema_version": 3, "solution": false}
def run_shop(lost=0.0, seed=4):
    """Run one experiment in a simulated shop and return the decision and what led to it."""
    rng = np.random.default_rng(seed)
    split = {"control": 0.5, "treatment": 0.5}
    variants = {name: Variant() for name in split}
    for number in range(30_000):
        user, probability = f"visitor-{number}", rng.beta(2.0, 8.0)
        name = assign(user, "button", split)
        if name == "treatment" and rng.random() < lost:
            continue
        variants[name].expose(user)
        lift = 1.1 if name == "treatment" else 1.0
        for _ in range(rng.binomial(4, min(1.0, probability * lift))):
            variants[name].record(user, 1.0)
    control, treatment = (variants[name].summary() for name in split)
    users = {"control": control.n, "treatment": treatment.n}
    comparison, ratio = compare(control, treatment), ratio_p(users, split)
    registry = Registry({"v1": "production", "v2": "staged"})
    word = decide(Plan("v1", "v2"), registry, 48.0, users, ratio, comparison)
    return word, registry.statuses, users, comparison


# %% name="run-real" tags=["raises-exception"]
word, statuses, users, comparison = run_shop()
print(word, statuses, users)
print(f"{comparison.difference:.3f} more purchases per visitor,", end=" ")
print(f"between {comparison.low:.3f} and {comparison.high:.3f}")

# %% name="run-real-lost" tags=["raises-exception"]
word, statuses, users, comparison = run_shop(lost=0.05)
print(word, statuses, users)
print(f"{comparison.difference:.3f} more purchases per visitor,", end=" ")
print(f"between {comparison.low:.3f} and {comparison.high:.3f}")

# %% [markdown] name="finding-real"
# **The second comparison looks as good as the first one, and must not be used.** Here the lost visitors were chosen by
# chance; in practice a crash or a robot filter chooses them, and nobody knows how they would have behaved.

# %% [markdown] name="takeaways"
# ## What you have built
#
# - An assignment that repeats, keeps its shares and is independent between experiments: step 1.
# - One value per user, the unit that was assigned: step 2.
# - A comparison with an interval, and a check of the sample ratio that comes before it: steps 3 and 4.
# - A p-value that may be looked at any time: step 5.
# - A decision by rules that were fixed before, which leaves one version in production: step 6.
#
# In the course, `coursekit.evaluation.statistics` holds these tests and more (ratio metrics, CUPED, corrections for many
# metrics, group-sequential bounds), and `coursekit.delivery.experiments` the manager.
#
# **Going further**: an analysis of ratios such as clicks per view needs the delta method; data from before the experiment
# can halve the number of users that is needed (A. Deng, Y. Xu, R. Kohavi, T. Walker 2013, *Improving the sensitivity of online
# controlled experiments by utilizing pre-experiment data*, [doi:10.1145/2433396.2433413](https://doi.org/10.1145/2433396.2433413)).

# %% name="progress"
progress()

# %% [markdown] name="hand-in"
# Save the notebook, restart the kernel and run everything once from top to bottom: what is graded is the file, not what
# this kernel remembers.
