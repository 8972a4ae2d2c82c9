# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10 · Bandits and off-policy evaluation
#
# **You let a policy learn which of several arms to choose while it chooses, log how
# probable every choice was, and say from that log what another policy would have
# earned.**
#
# After this lesson you are able to
#
# - compare exploration rules by their regret, and say how small regret can become;
# - log propensities, and estimate the value of a policy that was never deployed;
# - say why a t-test on the data of a bandit is wrong, and what to do instead;
# - choose batch size and discount when rewards arrive late and arms change.
#
# 60 minutes, a good place to pause is after section 2 · modules
# [policy](../coursekit/delivery/bandits/policy.py),
# [bernoulli_thompson](../coursekit/delivery/bandits/policies/bernoulli_thompson.py),
# [estimators](../coursekit/delivery/bandits/off_policy/estimators.py) and
# [simulation](../coursekit/delivery/bandits/simulation.py)

# %% [markdown]
# ## Why: an experiment pays for what it learns
#
# Ten articles, and only one place on the page. The best is clicked by 10 % of readers,
# the others by 1 to 5 %; nobody knows which is which. An A/B test shows all ten equally
# often to 5,000 readers, then the winner to everybody. A **bandit** policy moves its
# traffic to better arms (articles) as it learns. The **regret** counts the clicks that
# either has lost against always showing the best.

# %%
from importlib.resources import files

import numpy as np
import pandas as pd
from scipy import stats

from coursekit import figures
from coursekit.core.errors import CourseKitError
from coursekit.delivery import bandits
from coursekit.delivery.bandits import off_policy
from coursekit.delivery.bandits import simulation
from coursekit.grading.task import check_task

figures.use_course_style()
shipped = files("coursekit.datasets") / "shipped"
simulate, TEN_ARMS = simulation.simulate, simulation.TEN_ARMS
n_steps, n_runs = 10_000, 100
steps = np.arange(0, n_steps, 100)  # where curves are drawn


# %%
def regret_of(policy, **settings):
    """Return the regret of 100 runs after each step, shape (100, 10000)."""
    return simulate(policy, TEN_ARMS, n_steps, n_runs=n_runs, seed=1, **settings).regret


def test_then_commit(n_test=5_000):
    """Return the regret of an A/B test on all arms, and of its winner afterwards."""
    uniform = bandits.EpsilonGreedy(10, epsilon=1.0)
    test = simulate(uniform, TEN_ARMS, n_test, n_runs=n_runs, seed=1)
    wins = [
        [row[arms == arm].mean() for arm in range(10)]
        for row, arms in zip(test.rewards, test.arms, strict=True)
    ]
    gap = 0.1 - np.array(TEN_ARMS)[np.argmax(wins, axis=1)]
    after = gap[:, None] * np.arange(1, n_steps - n_test + 1)
    return np.concatenate([test.regret, test.regret[:, -1:] + after], axis=1)


# %%
tested = test_then_commit()
learnt = regret_of(bandits.BernoulliThompson(10))

# %% tags=["figure"]
lost = {"test": tested[:, -1].mean(), "bandit": learnt[:, -1].mean()}
axes = figures.plot_curves(
    {"A/B test": tested[:, steps], "bandit": learnt[:, steps]},
    x=steps,
    title="The test loses {test:.0f} clicks, the bandit {bandit:.0f}".format(**lost),
    x_label="readers",
    y_label="regret, clicks",
    roles={"A/B test": "baseline", "bandit": "model"},
)
figures.show(
    axes,
    alt="Line chart of the regret over 10,000 readers, median and 10-90 % band of 100"
    " runs. The A/B test loses clicks at a constant rate up to reader 5,000 and hardly"
    " any afterwards, {test:.0f} in all; the bandit's curve flattens from the beginning"
    " and ends at {bandit:.0f}.".format(**lost),
)

# %% [markdown]
# **The bandit loses about a quarter of the clicks, because it stops paying for answers
# that it already has.** This has a price of its own: its data are not those of an
# experiment. Sections 2 and 3 are about that price.
#
# ## 1. How much should a policy explore?
#
# After some clicks every arm $a$ has a number $N_a$ of readers and a mean $m_a$. The
# greedy policy shows the arm with the largest mean. **Predict**: 100 greedy policies
# run for 10,000 readers each, after every arm had its first. How many end with the best
# arm?

# %%
greedy_guess = 50  # your guess

# %%
greedy = simulate(
    bandits.EpsilonGreedy(10, epsilon=0.0), TEN_ARMS, n_steps, n_runs=n_runs, seed=1
)
n_found = int(np.sum(greedy.arms[:, -1] == 0))
f"you said {greedy_guess}, it is {n_found}"

# %% [markdown]
# An arm without a click so far has the mean 0 and is not shown again once another has
# one: greedy never finds out that the arm was unlucky. Three cures:
#
# - **epsilon-greedy**: with probability $\epsilon$ (epsilon) a random arm. It explores
#   for ever, at the same rate.
# - **upper confidence bounds**: show the arm that *could* be the best. UCB1 takes
#   $$m_a + \sqrt{2 \ln n / N_a}$$
#   with $n = \sum_a N_a$, the number of all readers. By hand, for one click of 2
#   readers and two of 8: $0.5 + \sqrt{2 \ln 10 / 2} = 2.02$ and $0.25 + \sqrt{2 \ln 10
#   / 8} = 1.01$. The first could be better by far. **KL-UCB** has a tighter bound for
#   rewards 0 and 1.
# - **Thompson sampling**: draw a mean for each arm from its posterior distribution,
#   $\mathrm{Beta}(1 + \text{clicks},\ 1 + \text{readers} - \text{clicks})$, and show
#   the arm with the largest draw. An arm is shown as often as it is probably the best.
#
# **Try it.** Write the bounds of UCB1 for arrays of clicks and readers; two lines are
# enough. The cell says at once whether they are right.
#
# <details>
# <summary>A solution</summary>
#
# ```python
# def my_bounds(clicks, readers):
#     level = 2 * np.log(readers.sum())
#     return clicks / readers + np.sqrt(level / readers)
# ```
#
# </details>


# %%
def my_bounds(clicks, readers):
    raise NotImplementedError


def fed(policy, clicks, readers):
    """Return a policy that has learnt so many clicks of so many readers of each arm."""
    for arm, (won, n) in enumerate(zip(clicks, readers, strict=True)):
        policy.update_many([arm] * n, [1.0] * won + [0.0] * (n - won))
    return policy


def bounds(clicks, readers):
    return fed(bandits.UCB1(len(clicks)), clicks, readers).bounds()


two, three = np.array([[1, 2], [2, 8]]), np.array([[3, 0, 9], [9, 4, 9]])
check_task(my_bounds, bounds, tuple(two), tuple(three))

# %% [markdown]
# How good can a rule be? Lai and Robbins proved in 1985 that no rule that works on
# every such problem can lose less, in the long run, than
#
# $$\sum_{a} \frac{\mu^* - \mu_a}{\mathrm{kl}(\mu_a, \mu^*)} \cdot \ln T$$
#
# clicks: $\mu_a$ (mu) is the true mean of arm $a$, $\mu^*$ the best one, $T$ the number
# of readers, and $\mathrm{kl}$ the Kullback-Leibler divergence, which measures how hard
# it is to tell two click rates apart. It bounds the *slope* against $\ln T$, not the
# regret itself.

# %%
order_guess = ["UCB1", "KL-UCB", "Thompson", "epsilon-greedy"]  # yours, least first

# %%
policies = {
    "Thompson": bandits.BernoulliThompson(10),
    "KL-UCB": bandits.KLUCB(10),
    "epsilon-greedy": bandits.EpsilonGreedy(10, epsilon=0.1),
    "UCB1": bandits.UCB1(10),
}
regrets = {name: regret_of(policy) for name, policy in policies.items()}
order = sorted(regrets, key=lambda name: regrets[name][:, -1].mean())
f"you said {', '.join(order_guess)}; it is {', '.join(order)}"

# %%
page = pd.DataFrame(
    {
        name: {
            "regret": each[:, -1].mean(),
            "10 %": np.percentile(each[:, -1], 10),
            "90 %": np.percentile(each[:, -1], 90),
            "slope": (each[:, -1] - each[:, 2_499]).mean() / np.log(4),
        }
        for name, each in regrets.items()
    }
).T
page.round(0).astype(int)

# %% tags=["figure"]
axes = figures.plot_curves(
    {name: each[:, steps] for name, each in regrets.items()},
    x=steps,
    title=f"UCB1 loses {page.regret['UCB1'] / page.regret['Thompson']:.0f} times as"
    " much as Thompson sampling",
    x_label="readers",
    y_label="regret, clicks",
    roles={
        "Thompson": "model",
        "KL-UCB": "challenger",
        "epsilon-greedy": "second",
        "UCB1": "baseline",
    },
)
figures.show(
    axes,
    alt="Line chart of the regret of four policies over 10,000 readers, median and"
    " 10-90 % band of 100 runs. At the end the means are: "
    + ", ".join(f"{name} {value:.0f}" for name, value in page.regret.items())
    + ". Epsilon-greedy has the widest band.",
)

# %% [markdown]
# **Thompson sampling is already near the slope that nobody can beat; UCB1 is not,
# because its bound has to hold for all rewards between 0 and 1, and clicks are rare.**
# Epsilon-greedy explores at a constant rate, so in the long run its regret grows in
# proportion to the readers.

# %%
slope = simulation.lai_robbins_constant(TEN_ARMS)
f"slope of the bound {slope:.1f}, Thompson {page.slope['Thompson']:.1f}"

# %% [markdown]
# ## 2. What would another policy have earned?
#
# Tomorrow somebody proposes a new policy. Do we have to run it? A log can tell, if one
# more number was logged with each decision: its **propensity**, the probability with
# which the policy chose that arm. Every policy of the package can say it:

# %%
policy = fed(bandits.BernoulliThompson(3, seed=4), [3, 1, 2], [20, 20, 20])
decision = policy.decide()
policy.propensities().round(3), decision.arm, round(decision.propensity, 3)

# %% [markdown]
# For Thompson sampling this is an integral, computed to nine digits on demand
# (`decide`); a bare `pull` skips it and is fast.
#
# A decision that the new policy would make twice as often as the old one counts double.
# With the probability $\pi_i$ (pi) of the new policy, the propensity $p_i$ of the old
# one and the reward $r_i$ of decision $i$, the **inverse propensity score** is
#
# $$\text{IPS} = \frac1n \sum_i w_i\, r_i, \qquad w_i = \frac{\pi_i}{p_i}$$
#
# By hand: arm A was chosen with $p = 0.8$, B with 0.2. Four decisions: A, A, A without
# a click, B with one. The new policy chooses B half of the time: weights 0.625, 0.625,
# 0.625 and 2.5, IPS $= 2.5 / 4 = 0.625$. On average over all logs it is exactly right.
# The **self-normalized** version, SNIPS, divides by the sum of the weights instead of
# $n$. It is never outside the range of the rewards; here it is $2.5 / 4.375 = 0.571$.
#
# **Try it.** Write SNIPS.
#
# <details>
# <summary>A solution</summary>
#
# ```python
# def my_snips(rewards, propensities, shares):
#     weights = shares / propensities
#     return (weights * rewards).sum() / weights.sum()
# ```
#
# </details>


# %%
def my_snips(rewards, propensities, shares):
    raise NotImplementedError


def snips(rewards, propensities, shares):
    arms = np.zeros(len(rewards), dtype=int)
    log = off_policy.LoggedRewards(
        actions=arms, rewards=rewards, propensities=propensities
    )
    return off_policy.self_normalized(log, shares).value


by_hand = np.array([0.0, 0, 0, 1]), np.array([0.8, 0.8, 0.8, 0.2]), np.full(4, 0.5)
drawn = tuple(np.random.default_rng(1).uniform(0.1, 1.0, (3, 20)))
check_task(my_snips, snips, by_hand, drawn)

# %% [markdown]
# Now real decisions. A Japanese fashion shop showed items on three positions of a page,
# for a week under a uniformly random policy *and* under Thompson sampling, and logged
# all propensities: 10,000 decisions of each (Saito et al. 2020). Each policy can be
# estimated from the log of the other, and compared with what it really got.
# **Predict**: how many clicks are in the 10,000 decisions of the random policy?

# %%
clicks_guess = 500  # your guess

# %%
folder = shipped / "open-bandit-men"
logs = {name: pd.read_csv(folder / f"{name}.csv.gz") for name in ("random", "bts")}
n_clicks = {name: int(log.click.sum()) for name, log in logs.items()}
f"you said {clicks_guess}, it is {n_clicks['random']}; Thompson got {n_clicks['bts']}"

# %% [markdown]
# What does Thompson sampling do at a position? A first idea is the mean of the
# propensities that it logged for an item there. The weights tell whether that is right:
# on average they have to be 1.

# %%
place = ["item_id", "position"]
random_log = off_policy.LoggedRewards(
    actions=logs["random"].item_id,
    rewards=logs["random"].click,
    propensities=logs["random"].propensity_score,
)


def summary_of(table):
    """Return the weights of a policy, a table (item, position) -> probability."""
    shares = logs["random"].join(table.rename("share"), on=place).share.fillna(0.0)
    return shares, off_policy.summarize_weights(random_log, shares)


mean_propensity = logs["bts"].groupby(place).propensity_score.mean()
f"mean weight {summary_of(mean_propensity)[1].mean:.2f}"

# %% [markdown]
# Nearly 2: wrong. An item is in the log mostly at times when it was *probable*, so the
# mean over its rows is too large. How often it was chosen is not biased:

# %%
n_chosen = logs["bts"].groupby(place).size()
shares, summary = summary_of(n_chosen / logs["bts"].groupby("position").size())
worth = summary.effective_sample_size
f"mean weight {summary.mean:.2f}, effective sample size {worth:,.0f}"

# %% [markdown]
# The **effective sample size** $(\sum w)^2 / \sum w^2$ says what unequal weights cost:
# the 10,000 decisions of one policy are worth so many of the other.

# %%
bts_log = off_policy.LoggedRewards(
    actions=logs["bts"].item_id,
    rewards=logs["bts"].click,
    propensities=logs["bts"].propensity_score,
)

# %%
uniform = np.full(len(bts_log), 1 / 34)
cases = {  # log, probabilities of the evaluated policy in it
    "Thompson, really": (bts_log, bts_log.propensities),
    "Thompson, estimated": (random_log, shares),
    "random, really": (random_log, random_log.propensities),
    "random, estimated": (bts_log, uniform),
}
estimates = {name: off_policy.self_normalized(*case) for name, case in cases.items()}
worth = off_policy.summarize_weights(bts_log, uniform).effective_sample_size
f"for the random policy, Thompson's log is worth {worth:,.0f} decisions"

# %% tags=["figure"]
per_1000 = {
    name: (1000 * each.low, 1000 * each.value, 1000 * each.high)
    for name, each in estimates.items()
}
off = {
    name: abs(per_1000[f"{name}, estimated"][1] - per_1000[f"{name}, really"][1])
    for name in ("Thompson", "random")
}
axes = figures.plot_intervals(
    per_1000,
    title="The estimates are off by {Thompson:.1f} and {random:.1f} clicks".format(
        **off
    ),
    x_label="clicks per 1,000 decisions, with 95 % interval",
    roles={name: "baseline" for name in per_1000 if "really" in name},
)
figures.show(
    axes,
    alt="Click rates per 1,000 decisions with 95 % intervals: "
    + "; ".join(
        f"{name} {value:.1f} ({low:.1f} to {high:.1f})"
        for name, (low, value, high) in per_1000.items()
    )
    + ".",
)

# %% [markdown]
# **From a few dozen clicks the value of another policy can be estimated to within two
# clicks per 1,000, which is about as much as the two policies differ.** That is the
# honest answer of this sample: it shows how the method works, and is too small for a
# verdict. From a random log everything can be evaluated; the log of a policy that has
# learnt says little about arms that it dropped: its 10,000 decisions are worth 656
# here. Two more estimators use a model of the rewards: the **direct method** (DM) only
# that; **doubly robust** (DR) corrects it by the weighted errors, and is unbiased if
# model *or* propensities are right. For your own logs there is `coursekit ope
# FILE.csv`.
#
# ## 3. Is a t-test valid on the data of a bandit?
#
# Two arms with the *same* click rate, 10 %, and 2,000 readers under Thompson sampling.
# Afterwards somebody compares the two means by a t-test (Welch) at the 5 % level.
# **Predict**: in how many of 100 such bandits does the test find a difference?

# %%
t_test_guess = 5  # your guess


# %%
def means_and_p_values(runs):
    """Return counts and means, each (n_runs, 2), and p-values of Welch's test."""
    pulled = runs.arms[..., None] == [0, 1]  # (n_runs, n_steps, 2)
    counts = pulled.sum(axis=1)
    means = (pulled & runs.rewards[..., None]).sum(axis=1) / counts
    stds = np.sqrt(means * (1 - means) * counts / (counts - 1))
    sides = [each[:, arm] for arm in (0, 1) for each in (means, stds, counts)]
    return counts, means, stats.ttest_ind_from_stats(*sides, equal_var=False).pvalue


# %%
equal = simulate(bandits.BernoulliThompson(2), [0.1, 0.1], 2_000, n_runs=2_000, seed=1)
counts, means, p_values = means_and_p_values(equal)
false_alarms = np.mean(p_values < 0.05)
f"you said {t_test_guess}, it is {100 * false_alarms:.0f} of 100"

# %%
less_shown = means[np.arange(2_000), counts.argmin(axis=1)].mean()
f"the arm that was shown less often reads {less_shown:.3f}; its rate is 0.100"

# %% [markdown]
# An arm that is unlucky early is shown less, and so keeps its bad mean; one that is
# lucky early is shown more, until its mean is right. So means of a bandit are too low
# on average, most of all for arms that were dropped, and no test that takes the readers
# as drawn independently is valid.
#
# Does it happen outside of simulations? The New Yorker let its readers rate 3,951
# captions of a cartoon (unfunny 1, somewhat funny 2, funny 3), by two rules at once:
# **round robin** shows all captions equally often, **lil'UCB** is a bandit that looks
# for the best one. The same captions, two sets of ratings:

# %%
captions = pd.read_csv(shipped / "caption-contest-514" / "ratings.csv.gz")
grades = {"unfunny": 1, "somewhat_funny": 2, "funny": 3}
for rule in ("lil_ucb", "round_robin"):
    n = sum(captions[f"{grade}_{rule}"] for grade in grades)
    total = sum(grades[grade] * captions[f"{grade}_{rule}"] for grade in grades)
    captions[f"n_{rule}"], captions[f"score_{rule}"] = n, total / n

# %%
groups = pd.cut(captions.n_lil_ucb, [0, 12, 15, 20, 30, 50, 200])
by_group = captions.groupby(groups, observed=True)[
    ["n_lil_ucb", "score_lil_ucb", "score_round_robin"]
].mean()

# %% tags=["figure"]
few, many = by_group.iloc[0], by_group.iloc[-1]
axes = figures.plot_curves(
    {"lil'UCB": by_group.score_lil_ucb, "round robin": by_group.score_round_robin},
    x=by_group.n_lil_ucb,
    title="Dropped captions look"
    f" {few.score_round_robin - few.score_lil_ucb:.2f} points worse than they are",
    x_label="ratings that lil'UCB gave a caption, mean of the group",
    y_label="mean score, 1 to 3",
    roles={"lil'UCB": "model", "round robin": "baseline"},
)
figures.show(
    axes,
    alt="Line chart of the mean score of captions in six groups, by the number of"
    " ratings that lil'UCB gave them. In the group with the fewest, lil'UCB reads"
    f" {few.score_lil_ucb:.2f} and round robin {few.score_round_robin:.2f}; in the"
    f" group with the most {many.score_lil_ucb:.2f} and {many.score_round_robin:.2f}.",
)

# %%
top = captions.nlargest(10, "score_lil_ucb")
each = top.n_lil_ucb.mean(), top.n_round_robin.mean()
f"ratings of the ten best: lil'UCB {each[0]:.0f} each, round robin {each[1]:.0f}"

# %% [markdown]
# **The means of real arms are biased too: those that were dropped read lower, and the
# largest ones of any list read higher than they are.** For its purpose lil'UCB is
# right: the leading captions have five times as many ratings, so the best can be told
# from the second best earlier. Only its means are no measurement.
#
# What to do instead: keep a **uniform slice**. One decision in five is assigned at
# random, whatever the bandit thinks, and only these count in the test. Here are 400 of
# 2,000 readers:

# %%
slice_runs = simulate(
    bandits.EpsilonGreedy(2, epsilon=1.0), [0.1, 0.1], 400, n_runs=2_000, seed=2
)
_, slice_means, slice_p = means_and_p_values(slice_runs)
f"false alarms {100 * np.mean(slice_p < 0.05):.1f} %, mean {slice_means.mean():.3f}"

# %% [markdown]
# Or use the propensities: weighted by $1/p$, the data of a bandit are unbiased again,
# as long as every arm keeps a propensity above 0 (for the tests of lesson 09 the
# uniform slice is the simple choice).
#
# **Try it.** Estimate the mean of one arm from arms, rewards and propensities: the IPS
# estimate of the policy that always chooses it.
#
# <details>
# <summary>A solution</summary>
#
# ```python
# def my_mean(arm, arms, rewards, propensities):
#     return np.mean((arms == arm) * rewards / propensities)
# ```
#
# </details>


# %%
def my_mean(arm, arms, rewards, propensities):
    raise NotImplementedError


def always(arm, arms, rewards, propensities):
    log = off_policy.LoggedRewards(
        actions=arms, rewards=rewards, propensities=propensities
    )
    return off_policy.inverse_propensity(log, (arms == arm).astype(float)).value


rng = np.random.default_rng(2)
draws = rng.integers(3, size=50), rng.random(50), rng.uniform(0.2, 0.9, 50)
check_task(my_mean, always, (0, *draws), (2, *draws))

# %% [markdown]
# ## 4. What do late rewards and changing arms cost?
#
# A click comes seconds later, a purchase days later, and models are updated in batches.
# So `update` names the arm: rewards may arrive in any order. **Predict**: if rewards
# arrive only after every 1,000 readers, by which factor does the regret of Thompson
# sampling grow?

# %%
delay_guess = 10.0  # your guess

# %%
thompson = bandits.BernoulliThompson(10)
delays = {n: regret_of(thompson, update_every=n) for n in (1, 100, 1_000, 5_000)}
delayed = {n: each[:, -1].mean() for n, each in delays.items()}
f"you said {delay_guess:.1f}, it is {delayed[1_000] / delayed[1]:.1f}"

# %% tags=["figure"]
axes = figures.plot_bars(
    {f"every {n:,}" if n > 1 else "at once": each[:, -1] for n, each in delays.items()},
    title="Batches of 100 are free, batches of 5,000 are an A/B test",
    x_label="regret after 10,000 readers, clicks; median and 10-90 % of 100 runs",
    number_format="{:.0f}",
)
figures.show(
    axes,
    alt="Bar chart of the regret of Thompson sampling. Rewards at once: mean"
    f" {delayed[1]:.0f} clicks; in batches of 100: {delayed[100]:.0f}; of 1,000:"
    f" {delayed[1_000]:.0f}; of 5,000: {delayed[5_000]:.0f}.",
)

# %% [markdown]
# **A random policy shrugs off a delay: within a batch it still spreads its choices by
# what it knows.** UCB1 has no such spread: within a batch it shows one and the same
# arm.
#
# And if the arms change? Evidence from before counts against the new best arm. With a
# **discount** $\gamma$ (gamma), a reward weighs $\gamma^k$ after $k$ further rewards:
#
# $$\alpha_a = 1 + \sum_s \gamma^{t-s} r_s, \qquad
#   \beta_a = 1 + \sum_s \gamma^{t-s} (1 - r_s)$$
#
# where $s$ runs over the rewards of arm $a$ and $t$ is the latest reward of any arm.
# The prior (the 1) is not discounted: an arm that is not shown returns to it, and is
# tried again. By hand, for $\gamma = 0.5$ and the rewards 1, 1, 0 of one arm: $\alpha =
# 1 + 0.25 + 0.5 = 1.75$, $\beta = 1 + 1 = 2$.
#
# **Try it.** Write both for the rewards of a single arm, oldest first.
#
# <details>
# <summary>A solution</summary>
#
# ```python
# def my_posterior(rewards, discount):
#     weights = discount ** np.arange(len(rewards))[::-1]
#     return 1 + weights @ rewards, 1 + weights @ (1 - rewards)
# ```
#
# </details>


# %%
def my_posterior(rewards, discount):
    raise NotImplementedError


def posterior(rewards, discount):
    policy = bandits.BernoulliThompson(2, discount=discount)
    policy.update_many([0] * len(rewards), rewards)
    return policy.posteriors()[:, 0]


wins = (np.random.default_rng(3).random(30) < 0.4).astype(float)
check_task(my_posterior, posterior, (np.array([1.0, 1.0, 0.0]), 0.5), (wins, 0.9))

# %% [markdown]
# Three arms with click rates of 60, 40 and 20 % trade places after 2,000 readers: the
# best becomes the worst. **Predict**: which discount loses least over all 4,000
# readers: 1 (none), 0.999 or 0.99?

# %%
discount_guess = 0.99  # your guess

# %%
rates = np.array([0.6, 0.4, 0.2])
swapped = np.repeat([rates, rates[::-1]], 2_000, axis=0)

# %%
drifting = {
    gamma: simulate(
        bandits.BernoulliThompson(3, discount=gamma), swapped, 4_000, n_runs=n_runs
    ).regret
    for gamma in (1.0, 0.999, 0.99)
}
ends = {gamma: each[:, -1].mean() for gamma, each in drifting.items()}
f"you said {discount_guess:g}, it is {min(ends, key=ends.get):g}"

# %% tags=["figure"]
axes = figures.plot_curves(
    {
        "no discount" if gamma == 1 else f"{gamma:g}": each[:, ::50]
        for gamma, each in drifting.items()
    },
    x=np.arange(0, 4_000, 50),
    title=f"Without a discount the change costs {ends[1.0]:.0f} clicks, with 0.999"
    f" {ends[0.999]:.0f}",
    x_label="readers",
    y_label="regret, clicks",
    roles={"no discount": "baseline", "0.999": "model", "0.99": "second"},
)
figures.mark_drift(axes, 2_000)
figures.show(
    axes,
    alt="Line chart of the regret over 4,000 readers, median and 10-90 % band of 100"
    " runs; the arms trade places at 2,000. Without a discount the curve is lowest"
    " before and"
    f" steepest after, ending at a mean of {ends[1.0]:.0f};"
    f" with 0.999 it ends at {ends[0.999]:.0f}, with 0.99 at {ends[0.99]:.0f}.",
)

# %% [markdown]
# **A discount is an insurance: it costs a little all the time, and saves much when arms
# change.** Its memory, about $1/(1-\gamma)$ rewards, should be shorter than the time
# between changes and longer than it takes to tell the arms apart. EXP3 goes further and
# expects nothing of the rewards at all, at the price of a larger regret where they are
# steady.
#
# ## Break it once: a log without chance
#
# UCB1 leaves nothing to chance, so each of its propensities is 1. From its log of an
# arm 0, ask what arm 1 would have earned:

# %%
ones = np.ones(500)
columns = {"actions": np.zeros(500, int), "rewards": ones, "propensities": ones}
certain = off_policy.LoggedRewards(**columns)
value = off_policy.inverse_propensity(certain, 0 * ones)
value.low, value.value, value.high

# %%
try:
    off_policy.self_normalized(certain, 0 * ones)
except CourseKitError as error:
    print(error)

# %% [markdown]
# IPS says 0, with an interval of width 0: no data were taken for a certain answer. Look
# at the mean weight before you look at an estimate. A policy whose log is to be of use
# later needs chance: Thompson sampling, or a share of uniform choices.
#
# ## In production

# %% tags=["figure"]
figures.show(
    figures.plot_platform(
        lit=["experiments", "serving"], title="This lesson: choosing while learning"
    ),
    alt="Diagram of the platform as a loop of nine boxes, from people over event API,"
    " learner, evaluation, registry, experiments and serving API back to people. Lit"
    " are experiments and serving API.",
)

# %% [markdown]
# - The live platform splits traffic between champion and challenger by Thompson
#   sampling (lesson 15), with guardrails, and promotes only by the test on a uniform
#   slice.
# - `PendingDecisions` keeps id, arm, propensity and context of a decision until its
#   reward arrives; its state survives a restart.
# - Where the best arm depends on the reader, `LinUCB` takes a context. Always log the
#   context, the arm and its propensity together.
#
# ## Takeaways
#
# 1. A bandit pays less for its answer than an A/B test, and gives up a clean
#    measurement (figure in *Why*).
# 2. Thompson sampling explores about as little as theory allows; greedy too little,
#    UCB1 too much for rare clicks (table and figure in section 1).
# 3. With propensities a log can value policies that never ran; effective sample size
#    and interval say how well (figure in section 2).
# 4. Means of a bandit are biased and its t-tests invalid; keep a uniform slice (figure
#    in section 3).
# 5. Batches of hundreds are free; a discount insures against change (both figures in
#    section 4).
#
# **Now you.** In the exercise [Choose, log,
# evaluate](../exercises/bandits/bandits.ipynb) you build these policies and estimators
# yourself, each checked at once.

# %% [markdown]
# ## Questions
#
# ### Beginner
#
# **1. What does exploration cost, and what would no exploration cost?**
#
# <details>
# <summary>A model answer</summary>
#
# Exploration costs the gap to the best arm whenever a worse one is shown, and it buys
# the knowledge which one is best. Without it a policy may stay with a bad arm for ever,
# as most greedy runs did, and then loses the gap at every single step. Good rules
# explore less and less as the evidence grows.
#
# </details>
#
# ### Intermediate
#
# **2. A colleague evaluates a new ranking on last year's log, in which the old ranking
# was deterministic. What do you say?**
#
# <details>
# <summary>A model answer</summary>
#
# Every propensity in that log is 1, so nothing is known about items that the old
# ranking did not show; weights are 0 or 1, and the estimate covers only decisions on
# which both rankings agree. A direct method would answer, but only by trusting a model
# where it has no data. Run a small random slice first.
#
# </details>
#
# **3. When would you prefer an A/B test to a bandit?**
#
# <details>
# <summary>A model answer</summary>
#
# When the answer itself is wanted: an unbiased effect with an interval, several
# metrics, guardrails, effects that need weeks to show. A bandit optimizes one reward
# that arrives soon, and suits many arms that live briefly, such as headlines, where
# there is no time after the test.
#
# </details>
#
# ### Advanced
#
# **4. Rewards arrive hours late, and the late ones are the good ones. What goes wrong,
# and what helps?**
#
# <details>
# <summary>A model answer</summary>
#
# If missing rewards count as 0, arms are judged by the speed of their rewards, and an
# arm with slow but better rewards is dropped. Wait a fixed time for every decision and
# update only then, so that all arms are treated alike, or model the delay. A random
# policy keeps choosing sensibly meanwhile.
#
# </details>
#
# ## Further reading
#
# - A. Garivier and O. Cappé (2011), [The KL-UCB
#   algorithm](https://arxiv.org/abs/1102.2490): the test bed of this lesson, and a
#   bound that is as tight as possible.
# - D. Russo et al. (2018), [A tutorial on Thompson
#   sampling](https://arxiv.org/abs/1707.02038): when it works, when it fails, with
#   worked examples.
# - Y. Saito et al. (2020), [Open Bandit Dataset and
#   Pipeline](https://arxiv.org/abs/2008.07146): the data of section 2, and how
#   estimators are compared on real logs.
# - V. Hadad et al. (2021), [Confidence intervals for policy evaluation in adaptive
#   experiments](https://arxiv.org/abs/1911.02768): what can replace the uniform slice,
#   and why plain weighting is not enough.
# - [`coursekit/delivery/bandits/policy.py`](../coursekit/delivery/bandits/policy.py):
#   the contract of all policies; a new one is a file with one rule.
#
# Back: [09 · A/B tests](09_ab_tests.ipynb)
