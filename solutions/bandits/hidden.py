"""The hidden checks of the exercise bandits: asked when work is graded, never shipped."""

import numpy as np

from coursekit.grading.checks import check

from .checks import (
    bounds_of,
    decisions,
    draw_arms,
    draw_log,
    evidence,
    means_of,
    pulls_by_chance,
    shares_of,
    taught,
    with_error,
)


@check("bandits-1", points=1, tier="hidden")
def exploring_elsewhere(t):
    """Epsilon-greedy, in other situations."""
    with t.part("seven arms, two of them never shown", 1) as p:
        wins, pulls, epsilon = draw_arms(t.rng, 7)
        untried = t.rng.permutation(7)[:2]
        for never in ([], untried):
            wins[never] = pulls[never] = 0.0
            p.close(
                t.subject.call("greedy_shares", wins, pulls, epsilon),
                shares_of(means_of(wins, pulls), epsilon),
                what="the probability",
            )


@check("bandits-2", points=1, tier="hidden")
def optimism_elsewhere(t):
    """Upper confidence bounds, of more arms."""
    with t.part("nine arms", 1) as p:
        wins, pulls, _ = draw_arms(t.rng, 9)
        p.close(t.subject.call("ucb_bounds", wins, pulls), bounds_of(wins, pulls), what="the bound")


@check("bandits-3", points=2, tier="hidden", false_failure_rate=1e-5)
def thompson_elsewhere(t):
    """Thompson sampling, for longer."""
    with t.part("forty rewards of five arms", 1) as p:
        arms, rewards = t.rng.integers(5, size=40), t.rng.uniform(0.0, 1.0, 40)
        discount = t.rng.uniform(0.7, 0.95)
        p.close(
            taught(t, arms, rewards, discount, 5).call("posterior"),
            list(evidence(arms, rewards, discount, 5)),
            rtol=1e-7,
            what="the posterior",
        )
    with t.part("800 pulls of four arms", 1) as p:
        pulls_by_chance(t, p, 4, 800)


@check("bandits-4", points=1, tier="hidden")
def logging_elsewhere(t):
    """Decisions, of other numbers of arms."""
    with t.part("thirty decisions", 1) as p:
        for n_arms in (2, 6):
            questions, right = decisions(t, 15, n_arms)
            p.close(t.subject.map("decide", questions), right, what="decision")


@check("bandits-5", points=1, tier="hidden")
def off_policy_elsewhere(t):
    """Another log."""
    with t.part("two hundred decisions, half of them never made by the other policy", 1) as p:
        rewards, propensities, shares = draw_log(t.rng, 200)
        shares[t.rng.permutation(200)[:100]] = 0.0
        p.close(
            t.subject.call("ips", rewards, propensities, shares),
            with_error(np.asarray(shares / propensities * rewards)),
            what="the estimate and its standard error",
        )
