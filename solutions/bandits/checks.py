"""The visible checks of the exercise bandits: what `check("bandits-1")` asks your code.

Nothing here is secret. Expected values are computed from the definitions, arm by arm; how often
Thompson sampling pulls an arm is computed by numerical integration.
"""

import math

import numpy as np

from coursekit.grading.checks import check

# ---- bandits-1: epsilon-greedy


def means_of(wins, pulls):
    return [w / n if n else math.inf for w, n in zip(wins, pulls, strict=True)]


def shares_of(means, epsilon):
    """Return the propensities of epsilon-greedy, arm by arm."""
    best = max(means)
    n_best = sum(mean == best for mean in means)
    return np.array(
        [epsilon / len(means) + (mean == best) * (1 - epsilon) / n_best for mean in means]
    )


def draw_arms(rng, n_arms):
    """Return wins and pulls with different means, each arm shown, and an epsilon. The second best
    arm has the most wins.
    """
    pulls = rng.integers(10, 40, n_arms).astype(float)
    pulls[-2:] = rng.integers(40, 60), rng.integers(10, 16)
    rates = np.linspace(0.2, 0.8, n_arms) + rng.uniform(-0.02, 0.02, n_arms)
    order = rng.permutation(n_arms)
    return (rates * pulls)[order], pulls[order], rng.uniform(0.1, 0.45)


def wrong_shares(means, epsilon):
    """Return what the propensities become after mistakes that people make."""
    n = len(means)
    best = np.array(means) == max(means)
    first = np.arange(n) == int(np.argmax(means))
    return {
        "never-explores": first.astype(float),
        "explores-others-only": np.where(first, 1 - epsilon, epsilon / (n - 1)),
        "epsilon-for-the-best": shares_of(means, 1 - epsilon),
        "ties-to-the-first": epsilon / n + (1 - epsilon) * first,
        "ties-get-all": epsilon / n + (1 - epsilon) * best,
    }


@check("bandits-1", points=3)
def exploring(t):
    """Epsilon-greedy, as probabilities."""
    wins, pulls, epsilon = draw_arms(t.rng, 4)
    with t.part("four arms", 1) as p:
        means = means_of(wins, pulls)
        wrong = wrong_shares(means, epsilon)
        p.close(
            t.subject.call("greedy_shares", wins, pulls, epsilon),
            shares_of(means, epsilon),
            what="the probability",
            mistakes={
                name: wrong[name]
                for name in ("never-explores", "explores-others-only", "epsilon-for-the-best")
            }
            | {"compares-wins": shares_of(list(wins), epsilon)},
        )
    with t.part("an arm that was never shown", 1) as p:
        at = int(t.rng.integers(4))
        wins[at] = pulls[at] = 0.0
        means = means_of(wins, pulls)
        as_zero = [0.0 if math.isinf(mean) else mean for mean in means]
        p.close(
            t.subject.call("greedy_shares", wins, pulls, epsilon),
            shares_of(means, epsilon),
            what="the probability",
            mistakes={"forgets-untried-arms": shares_of(as_zero, epsilon)},
        )
    with t.part("two arms are best", 1) as p:
        wins, pulls, epsilon = draw_arms(t.rng, 5)
        first, second = np.sort(t.rng.permutation(5)[:2])
        pulls[[first, second]], wins[[first, second]] = (20.0, 40.0), (19.0, 38.0)
        means = means_of(wins, pulls)
        wrong = wrong_shares(means, epsilon)
        p.close(
            t.subject.call("greedy_shares", wins, pulls, epsilon),
            shares_of(means, epsilon),
            what="the probability",
            mistakes={name: wrong[name] for name in ("ties-to-the-first", "ties-get-all")},
        )


# ---- bandits-2: upper confidence bounds


def bounds_of(wins, pulls):
    n = sum(pulls)
    return np.array(
        [w / k + math.sqrt(2 * math.log(n) / k) for w, k in zip(wins, pulls, strict=True)]
    )


@check("bandits-2", points=2)
def optimism(t):
    """Upper confidence bounds."""
    wins, pulls, _ = draw_arms(t.rng, 4)
    n, means = pulls.sum(), wins / pulls
    with t.part("four arms", 2) as p:
        p.close(
            t.subject.call("ucb_bounds", wins, pulls),
            bounds_of(wins, pulls),
            what="the bound",
            mistakes={
                "counts-swapped": means + np.sqrt(2 * np.log(pulls) / n),
                "own-count-in-the-logarithm": means + np.sqrt(2 * np.log(pulls) / pulls),
                "divides-by-all": means + np.sqrt(2 * np.log(n) / n),
                "forgets-the-root": means + 2 * np.log(n) / pulls,
                "forgets-the-2": means + np.sqrt(np.log(n) / pulls),
                "lower-bound": means - np.sqrt(2 * np.log(n) / pulls),
                "bonus-alone": np.sqrt(2 * np.log(n) / pulls),
            },
        )


# ---- bandits-3: Thompson sampling


def evidence(arms, rewards, discount, n_arms):
    """Return the posterior by its definition: the sum over all rewards, discounted by their age."""
    alpha, beta = np.ones(n_arms), np.ones(n_arms)
    for at, (arm, reward) in enumerate(zip(arms, rewards, strict=True)):
        weight = discount ** (len(arms) - 1 - at)
        alpha[arm] += weight * reward
        beta[arm] += weight * (1 - reward)
    return alpha, beta


def wrong_posteriors(arms, rewards, discount, n_arms):
    """Return what the posterior becomes after mistakes that people make."""
    alpha, beta = evidence(arms, rewards, discount, n_arms)
    aged, own = np.ones((2, n_arms)), np.ones((2, n_arms))
    none = evidence(arms, rewards, 1.0, n_arms)
    late = np.zeros((2, n_arms))
    for arm, reward in zip(arms, rewards, strict=True):
        gain = np.zeros((2, n_arms))
        gain[:, arm] = reward, 1 - reward
        aged = discount * aged + gain
        own[:, arm] = 1 + discount * (own[:, arm] - 1) + gain[:, arm]
        late = discount * (late + gain)
    return {
        "swaps-successes-and-failures": [beta, alpha],
        "discount-forgets-the-prior": list(aged),
        "discounts-only-its-own-arm": list(own),
        "discounts-the-new-reward": list(1 + late),
        "never-discounts": list(none),
        "no-prior": [alpha - 1, beta - 1],
    }


def taught(t, arms, rewards, discount, n_arms):
    """Return a policy of the student's that has learnt these rewards."""
    policy = t.subject.new(
        "Thompson", n_arms=n_arms, discount=discount, seed=int(t.rng.integers(10**6))
    )
    policy.map("update", [[int(arm), reward] for arm, reward in zip(arms, rewards, strict=True)])
    return policy


def chances(alpha, beta):
    """Return the probability of each arm that its draw is the largest."""
    x = (np.arange(4000) + 0.5) / 4000
    logs = np.outer(alpha - 1, np.log(x)) + np.outer(beta - 1, np.log1p(-x))
    density = np.exp(logs - logs.max(axis=1, keepdims=True))
    density /= density.sum(axis=1, keepdims=True)
    below = density.cumsum(axis=1) - density / 2
    return np.array(
        [
            (density[arm] * np.delete(below, arm, axis=0).prod(axis=0)).sum()
            for arm in range(len(alpha))
        ]
    )


def pulls_by_chance(t, p, n_arms, n_pulls):
    """Demand pulls as often as an arm is probably the best: within five and a half standard
    deviations, which at most 4 arms exceed by chance less than once in 100,000 times.
    """
    arms = np.tile(np.arange(n_arms), 6)
    rewards = np.tile(t.rng.uniform(0.4, 0.6, n_arms), 6) + t.rng.uniform(-0.1, 0.1, 6 * n_arms)
    policy = taught(t, arms, rewards, 1.0, n_arms)
    right = evidence(arms, rewards, 1.0, n_arms)
    pulled = t.array(policy.map("pull", [[]] * n_pulls), (n_pulls,), "the pulled arms")
    p.close(policy.call("posterior"), list(right), rtol=1e-7, what="the posterior after the pulls")
    counts = np.array([np.sum(pulled == arm) for arm in range(n_arms)])
    p.that(counts.sum() == n_pulls, "A pull is an arm, an integer from 0 to n_arms - 1.")
    p.that(counts.max() < n_pulls, "", mistake="samples-the-mean")
    share = chances(*right)
    off = np.abs(counts / n_pulls - share) > 5.5 * np.sqrt(share * (1 - share) / n_pulls) + 0.002
    even = np.abs(counts / n_pulls - 1 / n_arms) < 5 * np.sqrt(1 / n_arms / n_pulls)
    p.that(not (off.any() and even.all()), "Arms are pulled at random, whatever they have earned.")
    p.that(not off.any(), "Arms are not pulled as often as their draws are the largest.")


@check("bandits-3", points=5, false_failure_rate=1e-5)
def thompson(t):
    """Thompson sampling that forgets."""
    arms, rewards = t.rng.permutation(np.tile(np.arange(3), 5)), t.rng.uniform(0.05, 0.95, 15)
    with t.part("the posterior without a discount", 1) as p:
        wrong = wrong_posteriors(arms, rewards, 1.0, 3)
        p.close(
            taught(t, arms, rewards, 1.0, 3).call("posterior"),
            list(evidence(arms, rewards, 1.0, 3)),
            what="the posterior",
            mistakes={name: wrong[name] for name in ("swaps-successes-and-failures", "no-prior")},
        )
    with t.part("the posterior with a discount", 2) as p:
        discount = t.rng.uniform(0.6, 0.9)
        wrong = wrong_posteriors(arms, rewards, discount, 3)
        p.close(
            taught(t, arms, rewards, discount, 3).call("posterior"),
            list(evidence(arms, rewards, discount, 3)),
            what="the posterior",
            mistakes=wrong,
        )
    with t.part("600 pulls", 2) as p:
        pulls_by_chance(t, p, 3, 600)


# ---- bandits-4: a decision and its propensity


def decisions(t, n, n_arms):
    """Return n questions (shares, u), and the right answers."""
    questions, right = [], []
    for _ in range(n):
        shares = t.rng.dirichlet(np.full(n_arms, 3.0))
        arm = int(t.rng.integers(n_arms))
        u = shares[:arm].sum() + t.rng.uniform(0.1, 0.9) * shares[arm]
        questions.append([shares, u])
        right.append([arm, shares[arm]])
    return questions, right


@check("bandits-4", points=3)
def logging(t):
    """A decision and its propensity."""
    questions, right = decisions(t, 20, 4)
    with t.part("twenty decisions of four arms", 3) as p:
        p.close(
            t.subject.map("decide", questions),
            right,
            what="decision",
            mistakes={
                "no-propensity": [[arm, 1.0] for arm, _ in right],
                "propensity-of-the-best": [
                    [arm, max(shares)]
                    for (arm, _), (shares, _) in zip(right, questions, strict=True)
                ],
                "draw-as-propensity": [
                    [arm, u] for (arm, _), (_, u) in zip(right, questions, strict=True)
                ],
                "cumulative-propensity": [
                    [arm, shares[: arm + 1].sum()]
                    for (arm, _), (shares, _) in zip(right, questions, strict=True)
                ],
                "takes-the-best": [
                    [int(np.argmax(shares)), max(shares)] for shares, _ in questions
                ],
            },
        )


# ---- bandits-5: inverse propensity score


def draw_log(rng, n):
    """Return rewards, propensities and the probabilities of another policy."""
    return rng.uniform(0.5, 3.0, n), rng.uniform(0.1, 0.9, n), rng.uniform(0.05, 0.95, n)


def with_error(terms, ddof=1):
    n, mean = len(terms), sum(terms) / len(terms)
    return [mean, math.sqrt(sum((x - mean) ** 2 for x in terms) / (n - ddof) / n)]


@check("bandits-5", points=5)
def off_policy(t):
    """What another policy would have earned."""
    rewards, propensities, shares = draw_log(t.rng, 12)
    weighted = rewards * shares / propensities
    right = with_error(weighted)
    got = t.subject.call("ips", rewards, propensities, shares)
    is_row = isinstance(got, list | tuple) or (isinstance(got, np.ndarray) and got.ndim == 1)
    pair = got if is_row and len(got) == 2 else [got, None]
    with t.part("the estimate", 3) as p:
        p.close(
            pair[0],
            right[0],
            what="the estimate",
            mistakes={
                "forgets-the-propensity": (shares * rewards).mean(),
                "forgets-the-new-policy": (rewards / propensities).mean(),
                "weight-upside-down": (propensities / shares * rewards).mean(),
                "divides-by-the-weights": weighted.sum() / (shares / propensities).sum(),
                "mean-of-the-log": rewards.mean(),
                "sum-instead-of-mean": weighted.sum(),
            },
        )
    with t.part("its standard error", 2) as p:
        p.close(
            pair[1],
            right[1],
            what="the standard error",
            mistakes={
                "divides-by-n": with_error(weighted, ddof=0)[1],
                "standard-deviation": weighted.std(ddof=1),
                "error-of-the-rewards": with_error(rewards)[1],
            },
        )
