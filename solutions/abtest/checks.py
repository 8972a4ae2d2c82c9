"""The visible checks of the exercise abtest: what `check("abtest-1")` asks your code.

Nothing here is secret. Expected values are computed from the definitions over whole arrays, with
scipy's distributions.
"""

import itertools

import numpy as np
from scipy import special

from coursekit.grading.checks import check

# ---- abtest-1: assignment


def user_names(rng, n):
    """Return distinct names of users; consecutive numbers, as databases give them."""
    first = int(rng.integers(10**6, 10**7))
    return [f"user-{first + at}" for at in range(n)]


def ask_assign(t, users, experiment, split):
    """Return the variants of all users, and fail the part unless each is one of the split."""
    got = t.subject.map("assign", [[user, experiment, split] for user in users])
    names = list(split)
    places = [names.index(each) if isinstance(each, str) and each in names else -1 for each in got]
    return np.array(places)


def in_proportion(p, places, split):
    """Demand shares within six standard deviations of the split: 2e-9 a share by chance."""
    p.that(bool((places >= 0).all()), "An answer is not a variant of the split.")
    shares = np.array(list(split.values()))
    n, counts = len(places), np.bincount(places, minlength=len(shares))
    even = np.full(len(shares), 1 / len(shares))
    looks_even = np.all(np.abs(counts - n * even) < 6 * np.sqrt(n * even * (1 - even)))
    off = np.any(np.abs(counts - n * shares) >= 6 * np.sqrt(n * shares * (1 - shares)))
    if not np.allclose(shares, even):
        p.that(not (off and looks_even), "", mistake="equal-shares")
    p.that(not off, "The shares of the variants are not those of the split.")


def assigned(t, p, users, experiment, split):
    """Return the variants of all users, and demand the shares of the split, and for a third of the
    users the same answers again, in another order.
    """
    places = ask_assign(t, users, experiment, split)
    in_proportion(p, places, split)
    some = t.rng.permutation(len(users))[: len(users) // 3]
    again = ask_assign(t, [users[at] for at in some], experiment, split)
    p.that(bool((again == places[some]).all()), "", mistake="random-again")
    return places


def independent(t, p, n_experiments, n_users):
    """Demand assignments of several experiments that do not correlate.

    Five and a half standard deviations: less than 1e-6 for the at most 28 pairs by chance.
    """
    users, split = user_names(t.rng, n_users), {"control": 0.5, "treatment": 0.5}
    names = [f"experiment-{int(at)}" for at in t.rng.permutation(1000)[:n_experiments]]
    chosen = [assigned(t, p, users, name, split) for name in names]
    found = [np.corrcoef(a, b)[0, 1] for a, b in itertools.combinations(chosen, 2)]
    p.that(min(found) < 0.9999, "", mistake="no-salt")
    p.that(np.abs(found).max() < 5.5 / np.sqrt(n_users), "", mistake="hash-does-not-mix")


@check("abtest-1", points=4, false_failure_rate=1e-6)
def assignment(t):
    """Assignment by a hash."""
    with t.part("three variants, in proportion and repeatable", 2) as p:
        split = {"control": 0.6, "green": 0.3, "blue": 0.1}
        assigned(t, p, user_names(t.rng, 400), "colour", split)
    with t.part("five experiments that know nothing of each other", 2) as p:
        independent(t, p, 5, 240)


# ---- abtest-2: one value per user


def draw_traffic(rng, n_users=8, n_strangers=2):
    """Return who was exposed, in order and with repeats, and the outcomes: some users have none,
    some several; strangers were never exposed.
    """
    users = [f"visitor {at}" for at in rng.permutation(100)[: n_users + n_strangers]]
    exposed = users[:n_users]
    silent, active = exposed[:2], exposed[2:] + users[n_users:]
    events = [(user, round(float(rng.uniform(1, 9)), 2)) for user in active for _ in range(3)]
    events += [(user, round(float(rng.uniform(1, 9)), 2)) for user in active[: len(active) // 2]]
    order = rng.permutation(len(events))
    again = [exposed[at] for at in rng.integers(0, n_users, n_users // 2)]
    return exposed + again, [events[at] for at in order], silent


def of(values):
    """Return number, mean and sample variance."""
    values = np.asarray(values, float)
    return [
        len(values),
        values.mean() if len(values) else 0.0,
        values.var(ddof=1) if len(values) > 1 else 0.0,
    ]


def summaries(exposed, events):
    """Return number, mean and variance, and what they become after mistakes that people make."""
    users = list(dict.fromkeys(exposed))
    totals = {user: sum(value for who, value in events if who == user) for user in users}
    known = [(user, value) for user, value in events if user in totals]
    values = list(totals.values())
    n, mean, variance = of(values)
    strangers = {user for user, _ in events} - set(users)
    theirs = [sum(value for who, value in events if who == user) for user in sorted(strangers)]
    last = {**dict.fromkeys(users, 0.0), **dict(known)}
    wrong = {
        "counts-events": of([value for _, value in known]),
        "population-variance": [n, mean, np.var(values)],
        "forgets-silent-users": of([total for total in values if total > 0]),
        "counts-strangers": of([*values, *theirs]),
        "last-outcome-only": of(list(last.values())),
        "counts-exposures": of([totals[user] for user in exposed]),
    }
    return [n, mean, variance], wrong


def ask_summary(t, exposed, events):
    variant = t.subject.new("Variant")
    variant.map("expose", [[user] for user in exposed])
    variant.map("record", [list(event) for event in events])
    return read_summary(t, variant)


def read_summary(t, variant):
    return t.fields(variant.call("summary"), ("n", "mean", "variance"), "what `summary` returns")


@check("abtest-2", points=4)
def one_value_per_user(t):
    """One value per user."""
    with t.part("users with one visit and one outcome", 1) as p:
        values = t.rng.uniform(1, 9, 7)
        users = user_names(t.rng, 7)
        got = ask_summary(t, users, zip(users, values.tolist(), strict=True))
        right = of(values)
        p.close(got, right, what="number, mean, variance", mistakes={
            "population-variance": [right[0], right[1], values.var()],
        })  # fmt: skip
    with t.part("users with many outcomes or none, and strangers", 3) as p:
        exposed, events, _ = draw_traffic(t.rng)
        right, wrong = summaries(exposed, events)
        p.close(
            ask_summary(t, exposed, events), right, what="number, mean, variance", mistakes=wrong
        )


# ---- abtest-3: Welch's test


def draw_pair(rng, sizes, shift):
    """Return two summaries (n, mean, variance) whose means differ by exactly `shift`."""
    mean = rng.uniform(2.0, 6.0)
    variances = rng.uniform(1.0, 3.0), rng.uniform(5.0, 9.0)
    return [sizes[0], mean, variances[0]], [sizes[1], mean + shift, variances[1]]


def welch(control, treatment, level=0.05):
    """Return difference, low, high and p, and what they become after mistakes."""
    (n_c, mean_c, var_c), (n_t, mean_t, var_t) = control, treatment
    v_c, v_t, d = var_c / n_c, var_t / n_t, mean_t - mean_c
    error = np.sqrt(v_c + v_t)
    nu = (v_c + v_t) ** 2 / (v_c**2 / (n_c - 1) + v_t**2 / (n_t - 1))
    pooled = ((n_c - 1) * var_c + (n_t - 1) * var_t) / (n_c + n_t - 2)

    def result(d=d, error=error, nu=nu, tail=level / 2):
        width = special.stdtrit(nu, 1 - tail) * error
        return [d, d - width, d + width, 2 * special.stdtr(nu, -abs(d) / error)]

    one_sided = result()
    normal = special.ndtri(1 - level / 2) * error
    return result(), {
        "treatment-minus-control": result(d=-d),
        "spread-for-standard-error": result(error=np.sqrt(var_c + var_t)),
        "one-tail": [*one_sided[:3], one_sided[3] / 2],
        "one-sided-quantile": result(tail=level),
        "pooled-variance": result(error=np.sqrt(pooled * (1 / n_c + 1 / n_t)), nu=n_c + n_t - 2),
        "pooled-degrees": result(nu=n_c + n_t - 2),
        "normal-for-t": [d, d - normal, d + normal, 2 * special.ndtr(-abs(d) / error)],
    }


def ask_compare(t, control, treatment, **options):
    both = [t.subject.new("Summary", *each) for each in (control, treatment)]
    got = t.subject.call("compare", *both, **options)
    return t.fields(got, ("difference", "low", "high", "p"), "what `compare` returns")


def asks_compare(t, p, sizes, shift, level=0.05):
    control, treatment = draw_pair(t.rng, sizes, shift)
    right, wrong = welch(control, treatment, level)
    got = ask_compare(t, control, treatment, level=level)
    p.close(got, right, rtol=1e-7, what="difference, low, high, p", mistakes=wrong)


@check("abtest-3", points=5)
def comparison(t):
    """Welch's test and its interval."""
    for name, points, sizes, shift in (
        ("a better treatment", 1.5, (60, 25), 0.9),
        ("a worse treatment", 1.5, (40, 70), -0.7),
        ("few users", 1, (5, 7), 2.0),
    ):
        with t.part(name, points) as p:
            asks_compare(t, p, sizes, shift)
    with t.part("no variance at all", 1) as p:
        mean = float(t.rng.uniform(1, 5))
        for shift in (0.0, *t.rng.uniform((1.0, -2.0), (2.0, -1.0)).tolist()):
            got = ask_compare(t, [5, mean, 0.0], [6, mean + shift, 0.0])
            d = mean + shift - mean
            p.close(got, [d, d, d, float(shift == 0.0)], what="difference, low, high, p")


# ---- abtest-4: the sample ratio


def draw_counts(rng, n_users, shares, bias=0.0):
    """Return counts and split as dictionaries, their keys in different orders. `bias` moves that
    share of the users from the first variant to the last one.
    """
    names = [f"variant {letter}" for letter in "ABCDE"[: len(shares)]]
    drawn = np.array(shares, float)
    drawn[0], drawn[-1] = drawn[0] - bias, drawn[-1] + bias
    counts = rng.multinomial(n_users, drawn).tolist()
    split = dict(zip(names, shares, strict=True))
    back = {name: counts[names.index(name)] for name in reversed(names)}
    return back, split


def ratio_answers(counts, split):
    """Return the p-value, and what it becomes after mistakes."""
    n, k = sum(counts.values()), len(split)

    def statistic(shares, ours=None):
        ours = ours or [counts[name] for name in shares]
        return sum(
            (each - n * share) ** 2 / (n * share)
            for each, share in zip(ours, shares.values(), strict=True)
        )

    right = statistic(split)
    return special.chdtrc(k - 1, right), {
        "equal-shares-expected": special.chdtrc(k - 1, statistic(dict.fromkeys(split, 1 / k))),
        "too-many-degrees": special.chdtrc(k, right),
        "shares-for-counts": special.chdtrc(k - 1, right / n),
        "mixes-up-the-variants": special.chdtrc(k - 1, statistic(split, list(counts.values()))),
    }


def asks_ratio(t, p, cases):
    answers = [ratio_answers(*case) for case in cases]
    got = t.subject.map("ratio_p", [list(case) for case in cases])
    wrong = {name: [each[1][name] for each in answers] for name in answers[0][1]}
    right = [each[0] for each in answers]
    p.close(got, right, rtol=1e-6, atol=0.0, what="the p-values", mistakes=wrong)


@check("abtest-4", points=3)
def sample_ratio(t):
    """The sample ratio."""
    with t.part("two variants", 1) as p:
        cases = ((900, 0.0), (2000, 0.02))
        asks_ratio(t, p, [draw_counts(t.rng, n, (0.5, 0.5), bias) for n, bias in cases])
    with t.part("three variants with different shares", 2) as p:
        asks_ratio(t, p, [draw_counts(t.rng, n, (0.6, 0.3, 0.1), 0.01) for n in (600, 1500)])


# ---- abtest-5: any number of looks


def draw_looks(rng, n_looks, effect):
    """Return differences and variances of an experiment at its looks, unit standard deviation."""
    n = 50 * np.arange(1, n_looks + 1)
    steps = rng.normal(effect, np.sqrt(2 / 50), n_looks)
    return np.cumsum(steps) / np.arange(1, n_looks + 1), 2.0 / n


def always_valid(differences, variances, mixture):
    """Return the p-value after each look, and what it becomes after mistakes."""

    def log_e(mixture=mixture, root=0.5):
        both = variances + mixture
        return root * np.log(variances / both) + mixture * differences**2 / (2 * variances * both)

    def smallest(values):
        return np.minimum.accumulate(np.minimum(np.exp(-values), 1.0))

    fixed = 2 * special.ndtr(-np.abs(differences) / np.sqrt(variances))
    right = smallest(log_e())
    return right, {
        "fixed-sample-p": fixed,
        "smallest-fixed-p": np.minimum.accumulate(fixed),
        "forgets-earlier-looks": np.minimum(np.exp(-log_e()), 1.0),
        "squares-the-mixture": smallest(log_e(mixture=mixture**2)),
        "no-square-root": smallest(log_e(root=1.0)),
        "returns-e": np.exp(log_e()),
        "above-one": np.minimum.accumulate(np.exp(-log_e())),
    }


def draw_clear_looks(rng, n_looks, mixture):
    """Draw looks on which every mistake gives other p-values than the right answer."""
    while True:
        differences, variances = draw_looks(rng, n_looks, effect=0.25)
        right, wrong = always_valid(differences, variances, mixture)
        answers = [right, *wrong.values()]
        apart = all(
            not np.allclose(a, b, rtol=1e-3, atol=1e-6)
            for a, b in itertools.combinations(answers, 2)
        )
        if apart and 1e-12 < right[-1] < 0.5:
            return differences, variances


def asks_looks(t, p, n_looks, mixture):
    differences, variances = draw_clear_looks(t.rng, n_looks, mixture)
    right, wrong = always_valid(differences, variances, mixture)
    valid = t.subject.new("AlwaysValid", mixture)
    got = valid.map("look", np.stack([differences, variances], axis=1).tolist())
    p.close(got, right, rtol=1e-7, what="the p-values", mistakes=wrong)


@check("abtest-5", points=4)
def any_number_of_looks(t):
    """A p-value for any number of looks."""
    with t.part("fifteen looks", 2) as p:
        asks_looks(t, p, 15, mixture=0.04)
    with t.part("another mixture variance, eight looks", 1) as p:
        asks_looks(t, p, 8, mixture=float(t.rng.uniform(0.2, 0.6)))
    with t.part("an effect, then an enormous one", 1) as p:
        valid = t.subject.new("AlwaysValid", 0.05)
        small = float(t.rng.uniform(0.25, 0.35))
        got = valid.map("look", [[small, 0.01], [40.0, 0.001], [0.0, 0.001]])
        first, _ = always_valid(np.array([small]), np.array([0.01]), 0.05)
        p.close(got, [first[0], 0.0, 0.0], rtol=1e-7, what="the p-values")


# ---- abtest-6: decide and promote


def draw_case(rng, kind):
    """Return hours, users, ratio_p, difference and p of an experiment of one kind."""
    case = {
        "hours": float(rng.uniform(30, 90)),
        "users": rng.integers(600, 900, 2).tolist(),
        "ratio_p": float(rng.uniform(0.01, 0.99)),
        "difference": float(rng.uniform(0.1, 2.0)),
        "p": float(rng.uniform(0.0, 0.03)),
    }
    changes = {
        "clear": {},
        "early": {"hours": float(rng.uniform(1, 20))},
        "few": {"users": [int(rng.integers(100, 450)), 800][:: int(rng.choice([-1, 1]))]},
        "tiny": {"users": rng.integers(100, 240, 2).tolist()},
        "mismatch": {"ratio_p": float(rng.uniform(0.0, 0.0009))},
        "suspicious": {"ratio_p": float(rng.uniform(0.002, 0.04))},
        "worse": {"difference": -case["difference"]},
        "chance": {"p": float(rng.uniform(0.06, 0.9))},
    }
    return {**case, **changes[kind]}


PLAN = {"hours": 24.0, "min_users": 500, "level": 0.04}


def decision(case, flaw="", plan=PLAN):
    """Return the word and both statuses, control first; `flaw` is a mistake that people make."""
    enough = sum(case["users"]) if flaw == "adds-the-users" else min(case["users"])
    early = case["hours"] < plan["hours"] and flaw != "ignores-the-duration"
    if early or (enough < plan["min_users"] and flaw != "ignores-the-minimum"):
        return ["running", "production", "staged"]
    limit = 0.05 if flaw == "ratio-at-five-percent" else 0.001
    if case["ratio_p"] < limit and flaw != "ignores-the-ratio":
        return ["invalid", "production", "failed"]
    significant = case["p"] <= plan["level"] or flaw == "any-improvement"
    if significant and (case["difference"] > 0 or flaw == "promotes-the-worse"):
        control = "production" if flaw == "never-retires" else "retired"
        return ["promoted", control, "production"]
    return ["kept", "production", "staged" if flaw == "leaves-the-loser" else "retired"]


FLAWS = (
    "ignores-the-duration",
    "ignores-the-minimum",
    "adds-the-users",
    "ignores-the-ratio",
    "ratio-at-five-percent",
    "any-improvement",
    "promotes-the-worse",
    "never-retires",
    "leaves-the-loser",
)


def ask_decide(t, case, plan=PLAN):
    """Return the word and both statuses after the decision."""
    names = [f"model:{int(at)}" for at in t.rng.permutation(100)[:2]]
    registry = t.subject.new("Registry", dict(zip(names, ("production", "staged"), strict=True)))
    rules = t.subject.new("Plan", *names, **plan)
    users = dict(zip(("control", "treatment"), case["users"], strict=True))
    d = case["difference"]
    compared = t.subject.new("Comparison", d, d - 0.5, d + 0.5, case["p"])
    word = t.subject.call(
        "decide", rules, registry, case["hours"], users, case["ratio_p"], compared
    )
    statuses = t.entries(registry.get("statuses"), names, "the registry")
    return [word, *statuses]


def asks_decide(t, p, kinds, plan=PLAN, scale=1.0):
    cases = [draw_case(t.rng, kind) for kind in kinds]
    for case in cases:
        case["users"] = [int(n * scale) for n in case["users"]]
    right = [decision(case, plan=plan) for case in cases]
    wrong = {flaw: [decision(case, flaw, plan) for case in cases] for flaw in FLAWS}
    got = [ask_decide(t, case, plan) for case in cases]
    p.equal(got, right, what="word and statuses", mistakes=wrong)


@check("abtest-6", points=6)
def decide_and_promote(t):
    """Decide, and promote."""
    with t.part("when to wait", 2) as p:
        asks_decide(t, p, ("early", "clear", "few", "tiny", "clear", "few"))
    with t.part("when not to trust the data", 2) as p:
        asks_decide(t, p, ("mismatch", "clear", "suspicious", "mismatch"))
    with t.part("promote, or keep what there is", 2) as p:
        asks_decide(t, p, ("worse", "clear", "chance", "worse", "clear", "chance"))
