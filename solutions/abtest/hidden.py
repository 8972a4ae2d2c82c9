"""The hidden checks of the exercise abtest: asked when work is graded, never shipped."""

import numpy as np

from coursekit.grading.checks import check

from .checks import (
    ask_compare,
    ask_summary,
    asks_compare,
    asks_decide,
    asks_looks,
    asks_ratio,
    assigned,
    draw_counts,
    draw_traffic,
    independent,
    read_summary,
    summaries,
    user_names,
    welch,
)


@check("abtest-1", points=2, tier="hidden", false_failure_rate=1e-6)
def assignment_elsewhere(t):
    """Assignment, with other splits and experiments."""
    with t.part("five variants, in proportion and repeatable", 1) as p:
        shares = [0.05, 0.15, 0.2, 0.25, 0.35]
        split = {f"arm {int(at)}": shares[at] for at in t.rng.permutation(5)}
        users, label = user_names(t.rng, 500), f"test {int(t.rng.integers(1000))}"
        assigned(t, p, users, label, split)
    with t.part("six other experiments that know nothing of each other", 1) as p:
        independent(t, p, 6, 240)


@check("abtest-2", points=2, tier="hidden")
def one_value_per_user_elsewhere(t):
    """One value per user, on the way and for two variants at once."""
    with t.part("two variants that share nothing", 1) as p:
        for traffic in (draw_traffic(t.rng, 12, 3)[:2], draw_traffic(t.rng, 5, 1)[:2]):
            right, wrong = summaries(*traffic)
            got = ask_summary(t, *traffic)
            p.close(got, right, what="number, mean, variance", mistakes=wrong)
    with t.part("none, one, two users", 1) as p:
        variant, value = t.subject.new("Variant"), float(t.rng.uniform(1, 5))
        got = [read_summary(t, variant)]
        for user in ("ada", "ben"):
            variant.call("expose", user)
            variant.call("record", "ada", value)
            got.append(read_summary(t, variant))
        total = 2 * value
        right = [[0, 0.0, 0.0], [1, value, 0.0], [2, value, total**2 / 2]]
        p.close(got, right, what="number, mean, variance")


@check("abtest-3", points=2, tier="hidden")
def comparison_elsewhere(t):
    """Welch's test, at other levels and sizes."""
    with t.part("other levels", 1) as p:
        for level in (0.01, float(t.rng.uniform(0.1, 0.3))):
            asks_compare(t, p, (30, 12), float(t.rng.uniform(-1.5, 1.5)), level)
    with t.part("many users and a tiny probability", 1) as p:
        control, treatment = [4000, 2.0, 3.0], [9000, float(t.rng.uniform(2.2, 2.4)), 1.0]
        right, wrong = welch(control, treatment)
        got = ask_compare(t, control, treatment)
        p.close(got, right, rtol=1e-6, atol=0.0, what="difference, low, high, p", mistakes=wrong)


@check("abtest-4", points=2, tier="hidden")
def sample_ratio_elsewhere(t):
    """The sample ratio, of other splits."""
    with t.part("four variants", 1) as p:
        splits = ((0.4, 0.3, 0.2, 0.1), (0.1, 0.2, 0.3, 0.4))
        asks_ratio(t, p, [draw_counts(t.rng, 1200, split, 0.01) for split in splits])
    with t.part("a small test arm", 1) as p:
        asks_ratio(t, p, [draw_counts(t.rng, n, (0.9, 0.1), 0.004) for n in (1000, 3000, 5000)])


@check("abtest-5", points=2, tier="hidden")
def looks_elsewhere(t):
    """A p-value for any number of looks, elsewhere."""
    with t.part("thirty looks", 1) as p:
        asks_looks(t, p, 30, mixture=float(t.rng.uniform(0.02, 0.05)))
    with t.part("four looks", 1) as p:
        asks_looks(t, p, 4, mixture=float(t.rng.uniform(0.1, 0.2)))


@check("abtest-6", points=2, tier="hidden")
def decide_elsewhere(t):
    """Decide, and promote, with other plans."""
    kinds = ("clear", "early", "few", "tiny", "mismatch", "suspicious", "worse", "chance")
    plan = {"hours": 24.0, "min_users": 5000, "level": float(t.rng.uniform(0.035, 0.055))}
    for name in ("every kind of experiment", "and once more"):
        with t.part(name, 1) as p:
            order = [kinds[at] for at in t.rng.permutation(len(kinds))]
            asks_decide(t, p, [*order, "clear", "chance"], plan, scale=10.0)
