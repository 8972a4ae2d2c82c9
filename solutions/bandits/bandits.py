# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] name="title"
# # Choose, log, evaluate
#
# *Exercise `bandits` · about 80 minutes · 5 checks · goes with lesson 10,
# [bandits and off-policy evaluation](../../notebooks/10_bandits.ipynb)*
#
# A newspaper tests headlines while people read it. You write two rules of exploration and Thompson
# sampling that forgets, log each decision with its propensity, and estimate from that log what another
# policy would have earned.
#
# **How it works.** Each step has a cell for your answer; replace the line that raises
# `NotImplementedError`, run the cell, then run the check below it.
#
# - `check("bandits-1")` tells you where you stand, as often as you like. It asks with new random
#   numbers each time.
# - `hint("bandits-1")` gives one hint; ask again for the next. There are three for each step.
# - `answer("bandits-1")` shows one good solution, *after* yours has passed.
# - `progress()` shows how far you are. In a terminal, `coursekit check exercises/bandits` checks the
#   whole notebook.
#
# When your work is graded, hidden checks ask more of the same questions. They hold no traps: what the
# text asks for is what they check.

# %% name="imports"
import numpy as np

from coursekit.grading import answer, check, hint, progress

# %% [markdown] name="step-1"
# ## Step 1: epsilon-greedy, as probabilities
#
# An *arm* is a headline. `pulls` counts how often each arm was shown, `wins` its clicks. The
# epsilon-greedy policy shows the arm with the largest mean (`wins / pulls`), and with probability
# $\epsilon$ (epsilon) any arm, the best one included, all with the same probability.
#
# Write its **propensities**: the probability of each arm at the next decision.
#
# - An arm that was never shown counts as best: its mean is infinite.
# - If several arms are best, they share the probability $1 - \epsilon$ equally.
#
# By hand: means 0.5, 0.2 and 0.1 with $\epsilon = 0.3$. Each arm gets $0.3 / 3 = 0.1$ from exploring, and
# the first one 0.7 more. **Predict** the three probabilities if the second arm were never shown.


# %% nbgrader={"grade": false, "grade_id": "bandits-1-answer", "locked": false, "schema_version": 3, "solution": true}
def greedy_shares(wins, pulls, epsilon):
    """Return the probability of each arm at the next decision.

    wins, pulls: arrays of shape (n_arms,); epsilon: a number in [0, 1].
    """
    ### BEGIN SOLUTION
    means = np.full(len(pulls), np.inf)
    shown = pulls > 0
    means[shown] = wins[shown] / pulls[shown]
    best = means == means.max()
    return epsilon / len(pulls) + (1 - epsilon) * best / best.sum()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "bandits-1", "locked": true, "points": 4, "schema_version": 3, "solution": false}
check("bandits-1")

# %% name="run-1" tags=["raises-exception"]
greedy_shares(np.array([5, 0, 1]), np.array([10, 0, 10]), 0.3)  # did you say 0.1, 0.8, 0.1?

# %% [markdown] name="step-2"
# ## Step 2: upper confidence bounds
#
# UCB1 shows the arm that could be the best, given how little is known about it:
#
# $$
# b_a = m_a + \sqrt{\frac{2 \ln n}{N_a}}
# $$
#
# where $m_a$ is the mean of arm $a$, $N_a$ the number of times it was shown, and $n$ the number of all
# decisions. Every arm has been shown at least once here. **Predict**: two arms with the same mean, one
# shown 10 times and one 1,000 times. Which has the larger bound?


# %% nbgrader={"grade": false, "grade_id": "bandits-2-answer", "locked": false, "schema_version": 3, "solution": true}
def ucb_bounds(wins, pulls):
    """Return the upper confidence bound of each arm, an array of shape (n_arms,)."""
    ### BEGIN SOLUTION
    return wins / pulls + np.sqrt(2 * np.log(pulls.sum()) / pulls)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "bandits-2", "locked": true, "points": 3, "schema_version": 3, "solution": false}
check("bandits-2")

# %% name="run-2" tags=["raises-exception"]
ucb_bounds(np.array([1, 100]), np.array([10, 1000])).round(2)  # the first arm: less is known

# %% [markdown] name="step-3"
# ## Step 3: Thompson sampling that forgets
#
# Thompson sampling keeps a posterior for the click rate of each arm,
#
# $$
# \mathrm{Beta}(\alpha_a, \beta_a), \qquad \alpha_a = 1 + s_a, \qquad \beta_a = 1 + f_a ,
# $$
#
# with the discounted successes $s_a$ and failures $f_a$ of the arm. The 1 is the prior: what is assumed
# before the first reward. To decide, it **draws** one number from each posterior and shows the arm with
# the largest draw.
#
# When a reward $r$ between 0 and 1 of an arm arrives,
#
# 1. the evidence of **all** arms loses weight: $s \leftarrow \gamma s$ and $f \leftarrow \gamma f$ with the
#    discount $\gamma$ (gamma);
# 2. the arm gains: $s_a \leftarrow s_a + r$ and $f_a \leftarrow f_a + (1 - r)$.
#
# The prior is not discounted, so an arm that is not shown for long returns to it, and is tried again.
# Draw random numbers from `self.rng`.
#
# By hand, $\gamma = 0.5$, two arms: arm 0 wins, then arm 1 loses. **Predict** all four parameters.


# %% nbgrader={"grade": false, "grade_id": "bandits-3-answer", "locked": false, "schema_version": 3, "solution": true}
class Thompson:
    """Thompson sampling with a discount."""

    def __init__(self, n_arms, discount=1.0, seed=0):
        self.n_arms = n_arms
        self.discount = discount
        self.rng = np.random.default_rng(seed)
        ### BEGIN SOLUTION
        self.successes = np.zeros(n_arms)
        self.failures = np.zeros(n_arms)
        ### END SOLUTION

    def posterior(self):
        """Return the arrays alpha and beta, each of shape (n_arms,)."""
        ### BEGIN SOLUTION
        return 1 + self.successes, 1 + self.failures
        ### END SOLUTION

    def pull(self):
        """Return the chosen arm, an int."""
        ### BEGIN SOLUTION
        return int(self.rng.beta(*self.posterior()).argmax())
        ### END SOLUTION

    def update(self, arm, reward):
        """Learn from a reward in [0, 1]."""
        ### BEGIN SOLUTION
        self.successes *= self.discount
        self.failures *= self.discount
        self.successes[arm] += reward
        self.failures[arm] += 1 - reward
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "bandits-3", "locked": true, "points": 7, "schema_version": 3, "solution": false}
check("bandits-3")

# %% name="run-3" tags=["raises-exception"]
policy = Thompson(2, discount=0.5)
policy.update(0, 1.0)
policy.update(1, 0.0)
policy.posterior()  # alpha 1.5 and 1, beta 1 and 2

# %% [markdown] name="step-4"
# ## Step 4: a decision and its propensity
#
# Given the propensities of a policy (step 1), a decision needs one random number $u$ from $[0, 1)$: put
# the probabilities end to end, and take the arm in whose stretch $u$ falls. Arm 0 has the stretch from 0
# to $p_0$, arm 1 from $p_0$ to $p_0 + p_1$, and so on; a stretch includes its lower end.
#
# Return the arm **and its propensity**, the probability with which this arm was chosen. Without it, the
# log cannot be used for step 5.
#
# **Predict**: propensities 0.2, 0.5 and 0.3, and $u = 0.6$. What is returned?


# %% nbgrader={"grade": false, "grade_id": "bandits-4-answer", "locked": false, "schema_version": 3, "solution": true}
def decide(shares, u):
    """Return the chosen arm, an int, and its propensity.

    shares: array of shape (n_arms,) that sums to 1; u: a number in [0, 1).
    """
    ### BEGIN SOLUTION
    arm = int(np.sum(np.cumsum(shares) <= u))
    arm = min(arm, len(shares) - 1)  # the last sum may be 0.9999999999999999
    return arm, shares[arm]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "bandits-4", "locked": true, "points": 4, "schema_version": 3, "solution": false}
check("bandits-4")

# %% name="run-4" tags=["raises-exception"]
decide(np.array([0.2, 0.5, 0.3]), 0.6)  # arm 1 and its propensity 0.5

# %% [markdown] name="step-5"
# ## Step 5: what would another policy have earned?
#
# The log has for each decision $i$ the reward $r_i$ and the propensity $p_i$. Another policy would have
# made the same decision with probability $\pi_i$. Then
#
# $$
# \hat V = \frac1n \sum_i x_i, \qquad x_i = \frac{\pi_i}{p_i}\, r_i
# $$
#
# estimates its mean reward (inverse propensity score), and its standard error is
#
# $$
# \mathrm{SE} = \sqrt{\frac{1}{n\,(n-1)} \sum_i (x_i - \hat V)^2} .
# $$
#
# Return both. By hand: rewards 0, 0, 0 and 1, propensities 0.8, 0.8, 0.8 and 0.2; a policy that makes
# each of these decisions with probability 0.5. **Predict** the estimate.


# %% nbgrader={"grade": false, "grade_id": "bandits-5-answer", "locked": false, "schema_version": 3, "solution": true}
def ips(rewards, propensities, shares):
    """Return the estimate and its standard error, two numbers; all arguments have shape (n,)."""
    ### BEGIN SOLUTION
    terms = shares / propensities * rewards
    return terms.mean(), terms.std(ddof=1) / np.sqrt(len(terms))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "bandits-5", "locked": true, "points": 6, "schema_version": 3, "solution": false}
check("bandits-5")

# %% name="run-5" tags=["raises-exception"]
ips(np.array([0.0, 0, 0, 1]), np.array([0.8, 0.8, 0.8, 0.2]), np.full(4, 0.5))  # 0.625

# %% [markdown] name="all-together"
# ## All of it together
#
# Three headlines with click rates of 10, 6 and 3 %, which your policy does not know, and 5,000 readers.
# Epsilon-greedy decides and logs. Afterwards the editor asks what the third headline alone would have
# earned. **Predict**: will the interval of two standard errors contain 0.03?


# %% name="newspaper"
def run_newspaper(rates, n_readers, epsilon, seed):
    """Return the log of an epsilon-greedy policy: arms, rewards and propensities."""
    rng = np.random.default_rng(seed)
    wins, pulls, log = np.zeros(len(rates)), np.zeros(len(rates)), []
    for _ in range(n_readers):
        arm, propensity = decide(greedy_shares(wins, pulls, epsilon), rng.random())
        reward = float(rng.random() < rates[arm])
        wins[arm] += reward
        pulls[arm] += 1
        log.append((arm, reward, propensity))
    return (np.array(column) for column in zip(*log, strict=True))


# %% name="run-all" tags=["raises-exception"]
arms, rewards, propensities = run_newspaper([0.10, 0.06, 0.03], 5000, epsilon=0.2, seed=1)
value, error = ips(rewards, propensities, (arms == 2).astype(float))
print(f"the log earned {rewards.mean():.3f}; the third headline {value:.3f} ± {2 * error:.3f}")

# %% [markdown] name="going-further"
# The third headline was shown to a few hundred readers only, each of them with a weight of 15: so the
# interval is wide. With `epsilon=0` most propensities are 1 and the third headline can have a
# propensity of 0: then no estimate is possible at all.
#
# **Going further**: write the self-normalized estimate, $\sum w_i r_i / \sum w_i$, and compare the
# spread of both over 100 seeds.

# %% name="progress"
progress()

# %% [markdown] name="hand-in"
# Save the notebook: what is graded is the file, run from top to bottom, and not what this kernel
# remembers. In a terminal, `coursekit preflight exercises/bandits/bandits.ipynb` looks at the file as a
# grader will and names what would surprise you; `coursekit submit exercises/bandits/bandits.ipynb
# --student NAME` does so, too, and packs it.
