"""Bandits: decisions a second beside river and MABWiser, and regret on the ten-arm test bed (run by `make bench`).

A decision is a pull and an update with its reward, one at a time, by the same loop for every library. CPU time of one thread, rounds
interleaved, best of several; the bars are the ratios.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

N_ARMS, N_CONTEXT_ARMS, N_FEATURES = 10, 5, 10
N_ROUNDS = 5
N_DECISIONS = {"coursekit": 6_000, "river": 3_000, "mabwiser": 400}

Player = tuple[Callable[[Any], int], Callable[[int, float, Any], object]]
"""Functions to pull, given a context, and to update with arm, reward and context."""


def coursekit_thompson() -> Player:
    from coursekit.delivery.bandits import BernoulliThompson

    policy = BernoulliThompson(N_ARMS)
    return lambda x: policy.pull(), lambda arm, reward, x: policy.update(arm, reward)


def river_thompson() -> Player:
    from river import bandit, proba

    policy, arms = bandit.ThompsonSampling(reward_obj=proba.Beta(), seed=1), list(range(N_ARMS))
    return lambda x: policy.pull(arms), lambda arm, reward, x: policy.update(arm, int(reward))


def mabwiser_thompson() -> Player:
    from mabwiser.mab import MAB, LearningPolicy

    mab = MAB(list(range(N_ARMS)), LearningPolicy.ThompsonSampling(), seed=1)
    mab.fit(list(range(N_ARMS)), [0] * N_ARMS)
    return lambda x: mab.predict(), lambda arm, reward, x: mab.partial_fit([arm], [reward])


def coursekit_lin_ucb() -> Player:
    from coursekit.delivery.bandits import LinUCB

    policy = LinUCB(N_CONTEXT_ARMS, N_FEATURES, alpha=1.0)
    return policy.pull, lambda arm, reward, x: policy.update(arm, reward, context=x)


def river_lin_ucb() -> Player:
    from river import bandit

    policy, arms = bandit.LinUCBDisjoint(alpha=1.0, seed=1), list(range(N_CONTEXT_ARMS))
    names = [f"x{at}" for at in range(N_FEATURES)]

    def named(x: np.ndarray) -> dict[str, float]:
        return dict(zip(names, x.tolist(), strict=True))

    return (
        lambda x: policy.pull(arms, context=named(x)),
        lambda arm, reward, x: policy.update(arm, named(x), reward),
    )


def mabwiser_lin_ucb() -> Player:
    from mabwiser.mab import MAB, LearningPolicy

    arms = list(range(N_CONTEXT_ARMS))
    mab = MAB(arms, LearningPolicy.LinUCB(alpha=1.0), seed=1)
    mab.fit(arms, [0] * N_CONTEXT_ARMS, np.zeros((N_CONTEXT_ARMS, N_FEATURES)))
    return (
        lambda x: mab.predict(x[None]),
        lambda arm, reward, x: mab.partial_fit([arm], [reward], x[None]),
    )


def seconds_a_decision(make: Callable[[], Player], n: int) -> float:
    from coursekit.delivery.bandits.simulation import TEN_ARMS

    pull, update = make()
    rng = np.random.default_rng(0)
    contexts, chances = rng.normal(size=(n, N_FEATURES)), rng.random(n).tolist()
    warm_up = n // 10
    for at in range(n):
        if at == warm_up:
            start = time.process_time()
        x = contexts[at]
        arm = pull(x)
        update(arm, 1.0 if chances[at] < TEN_ARMS[arm] else 0.0, x)
    return (time.process_time() - start) / (n - warm_up)


def speed() -> None:
    print("\n## Decisions a second, one at a time\n")
    print(
        "| policy | coursekit | river | MABWiser | x river | x MABWiser |\n|---|---|---|---|---|---|"
    )
    for name, players in {
        f"Thompson, {N_ARMS} arms": (coursekit_thompson, river_thompson, mabwiser_thompson),
        f"LinUCB, {N_CONTEXT_ARMS} arms x {N_FEATURES} features": (
            coursekit_lin_ucb,
            river_lin_ucb,
            mabwiser_lin_ucb,
        ),
    }.items():
        rounds = [
            [
                seconds_a_decision(make, n)
                for make, n in zip(players, N_DECISIONS.values(), strict=True)
            ]
            for _ in range(N_ROUNDS)
        ]
        ours, river, mabwiser = np.min(rounds, axis=0)
        print(
            f"| {name} | {1 / ours:,.0f} | {1 / river:,.0f} | {1 / mabwiser:,.0f} | {river / ours:.1f} | {mabwiser / ours:.1f} |",
            flush=True,
        )


def regret() -> None:
    from coursekit.delivery import bandits
    from coursekit.delivery.bandits.simulation import TEN_ARMS, lai_robbins_constant, simulate

    print("\n## Regret, 10 arms, 200 runs of 20,000 decisions\n")
    print(f"Lai-Robbins constant {lai_robbins_constant(TEN_ARMS):.2f}.\n")
    print(
        "| policy | T = 1,000 | 5,000 | 20,000 (standard error) | slope to ln T | best arm | CPU s |\n|---|---|---|---|---|---|---|"
    )
    for policy in (
        bandits.BernoulliThompson(N_ARMS),
        bandits.KLUCB(N_ARMS),
        bandits.GaussianThompson(N_ARMS, reward_std=0.3),
        bandits.EpsilonGreedy(N_ARMS),
        bandits.EXP3(N_ARMS, gamma=0.05),
        bandits.UCB1(N_ARMS),
    ):
        start = time.process_time()
        runs = simulate(policy, TEN_ARMS, 20_000, n_runs=200, seed=1)
        seconds = time.process_time() - start
        early, middle, last = (runs.regret[:, at - 1] for at in (1_000, 5_000, 20_000))
        slope = (last.mean() - middle.mean()) / np.log(4)
        print(
            f"| {type(policy).__name__} | {early.mean():.0f} | {middle.mean():.0f} | {last.mean():.1f} ({last.std(ddof=1) / 200**0.5:.1f})"
            f" | {slope:.1f} | {runs.best_arm_share:.3f} | {seconds:.1f} |",
            flush=True,
        )


def propensities() -> None:
    from coursekit.delivery.bandits import BernoulliThompson

    print("\n## Propensities of Thompson sampling, on demand\n")
    print("| arms | ms each |\n|---|---|")
    for n_arms in (2, 10, 34):
        policy, rng = BernoulliThompson(n_arms), np.random.default_rng(0)
        policy.update_many(
            rng.integers(n_arms, size=5_000), (rng.random(5_000) < 0.1).astype(float)
        )
        start = time.process_time()
        for _ in range(100):
            policy.propensities()
        print(f"| {n_arms} | {10 * (time.process_time() - start):.2f} |", flush=True)


if __name__ == "__main__":
    speed()
    propensities()
    regret()
