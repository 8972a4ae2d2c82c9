# ruff: noqa: F821  (the names come from the notebook: a cell here is run after it)
"""Wrong solutions that people really write, each named like what is said about it in hints.toml.

A cell replaces what the notebook defined. Never shipped: most of them are one line away from the
answer.
"""


# %% never-explores
def greedy_shares(wins, pulls, epsilon):
    means = np.array([w / n if n else np.inf for w, n in zip(wins, pulls, strict=True)])
    return np.eye(len(means))[means.argmax()]


# %% explores-others-only
def greedy_shares(wins, pulls, epsilon):
    means = np.array([w / n if n else np.inf for w, n in zip(wins, pulls, strict=True)])
    shares = np.full(len(means), epsilon / (len(means) - 1))
    shares[means.argmax()] = 1 - epsilon
    return shares


# %% epsilon-for-the-best
def greedy_shares(wins, pulls, epsilon):
    means = np.array([w / n if n else np.inf for w, n in zip(wins, pulls, strict=True)])
    best = means == means.max()
    return (1 - epsilon) / len(means) + epsilon * best / best.sum()


# %% compares-wins
def greedy_shares(wins, pulls, epsilon):
    best = wins == wins.max()
    return epsilon / len(wins) + (1 - epsilon) * best / best.sum()


# %% forgets-untried-arms
def greedy_shares(wins, pulls, epsilon):
    means = wins / np.maximum(pulls, 1)
    best = means == means.max()
    return epsilon / len(means) + (1 - epsilon) * best / best.sum()


# %% ties-to-the-first
def greedy_shares(wins, pulls, epsilon):
    means = np.array([w / n if n else np.inf for w, n in zip(wins, pulls, strict=True)])
    shares = np.full(len(means), epsilon / len(means))
    shares[means.argmax()] += 1 - epsilon
    return shares


# %% ties-get-all
def greedy_shares(wins, pulls, epsilon):
    means = np.array([w / n if n else np.inf for w, n in zip(wins, pulls, strict=True)])
    best = means == means.max()
    return epsilon / len(means) + (1 - epsilon) * best


# %% counts-swapped
def ucb_bounds(wins, pulls):
    n = pulls.sum()
    return wins / pulls + np.sqrt(2 * np.log(pulls) / n)


# %% own-count-in-the-logarithm
def ucb_bounds(wins, pulls):
    return wins / pulls + np.sqrt(2 * np.log(pulls) / pulls)


# %% divides-by-all
def ucb_bounds(wins, pulls):
    n = pulls.sum()
    return wins / pulls + np.sqrt(2 * np.log(n) / n)


# %% forgets-the-root
def ucb_bounds(wins, pulls):
    n = pulls.sum()
    return wins / pulls + 2 * np.log(n) / pulls


# %% forgets-the-2
def ucb_bounds(wins, pulls):
    n = pulls.sum()
    return wins / pulls + np.sqrt(np.log(n) / pulls)


# %% lower-bound
def ucb_bounds(wins, pulls):
    n = pulls.sum()
    return wins / pulls - np.sqrt(2 * np.log(n) / pulls)


# %% bonus-alone
def ucb_bounds(wins, pulls):
    n = pulls.sum()
    return np.sqrt(2 * np.log(n) / pulls)


# %% swaps-successes-and-failures
RightThompson = Thompson


class Thompson(RightThompson):
    def posterior(self):
        return 1 + self.failures, 1 + self.successes


# %% no-prior
RightThompson = Thompson


class Thompson(RightThompson):
    def posterior(self):
        return self.successes, self.failures


# %% discount-forgets-the-prior
class Thompson:
    def __init__(self, n_arms, discount=1.0, seed=0):
        self.discount, self.rng = discount, np.random.default_rng(seed)
        self.alpha, self.beta = np.ones(n_arms), np.ones(n_arms)

    def posterior(self):
        return self.alpha, self.beta

    def pull(self):
        return int(self.rng.beta(self.alpha, self.beta).argmax())

    def update(self, arm, reward):
        self.alpha *= self.discount
        self.beta *= self.discount
        self.alpha[arm] += reward
        self.beta[arm] += 1 - reward


# %% discounts-only-its-own-arm
RightThompson = Thompson


class Thompson(RightThompson):
    def update(self, arm, reward):
        self.successes[arm] = self.discount * self.successes[arm] + reward
        self.failures[arm] = self.discount * self.failures[arm] + 1 - reward


# %% discounts-the-new-reward
RightThompson = Thompson


class Thompson(RightThompson):
    def update(self, arm, reward):
        self.successes[arm] += reward
        self.failures[arm] += 1 - reward
        self.successes *= self.discount
        self.failures *= self.discount


# %% never-discounts
RightThompson = Thompson


class Thompson(RightThompson):
    def update(self, arm, reward):
        self.successes[arm] += reward
        self.failures[arm] += 1 - reward


# %% samples-the-mean
RightThompson = Thompson


class Thompson(RightThompson):
    def pull(self):
        alpha, beta = self.posterior()
        return int((alpha / (alpha + beta)).argmax())


# %% no-propensity
def decide(shares, u):
    arm = int(np.sum(np.cumsum(shares) <= u))
    return arm, 1.0


# %% propensity-of-the-best
def decide(shares, u):
    arm = int(np.sum(np.cumsum(shares) <= u))
    return arm, max(shares)


# %% draw-as-propensity
def decide(shares, u):
    arm = int(np.sum(np.cumsum(shares) <= u))
    return arm, u


# %% cumulative-propensity
def decide(shares, u):
    arm = int(np.sum(np.cumsum(shares) <= u))
    return arm, shares[: arm + 1].sum()


# %% takes-the-best
def decide(shares, u):
    arm = int(np.argmax(shares))
    return arm, shares[arm]


# %% forgets-the-propensity
def ips(rewards, propensities, shares):
    terms = shares * rewards
    return terms.mean(), terms.std(ddof=1) / np.sqrt(len(terms))


# %% forgets-the-new-policy
def ips(rewards, propensities, shares):
    terms = rewards / propensities
    return terms.mean(), terms.std(ddof=1) / np.sqrt(len(terms))


# %% weight-upside-down
def ips(rewards, propensities, shares):
    terms = propensities / shares * rewards
    return terms.mean(), terms.std(ddof=1) / np.sqrt(len(terms))


# %% divides-by-the-weights
def ips(rewards, propensities, shares):
    terms = shares / propensities * rewards
    return terms.sum() / (shares / propensities).sum(), terms.std(ddof=1) / np.sqrt(len(terms))


# %% mean-of-the-log
def ips(rewards, propensities, shares):
    terms = rewards
    return terms.mean(), terms.std(ddof=1) / np.sqrt(len(terms))


# %% sum-instead-of-mean
def ips(rewards, propensities, shares):
    terms = shares / propensities * rewards
    return terms.sum(), terms.std(ddof=1) / np.sqrt(len(terms))


# %% divides-by-n
def ips(rewards, propensities, shares):
    terms = shares / propensities * rewards
    return terms.mean(), terms.std() / np.sqrt(len(terms))


# %% standard-deviation
def ips(rewards, propensities, shares):
    terms = shares / propensities * rewards
    return terms.mean(), terms.std(ddof=1)


# %% error-of-the-rewards
def ips(rewards, propensities, shares):
    terms = shares / propensities * rewards
    return terms.mean(), rewards.std(ddof=1) / np.sqrt(len(rewards))
