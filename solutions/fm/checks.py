"""The visible checks of the exercise fm: what `check("fm-1")` asks your code.

Nothing here is secret. The model is computed straight from its definition, and its slopes with a
tiny step along the imaginary axis (exact to the last digits), so you will not find your answers
here, only something to agree with.
"""

from functools import partial

import numpy as np

from coursekit.grading.checks import check

# A model is its bias `w0` and a table W with one row for each active feature: its weight, then its
# factors.


def score(w0, W, x):
    """Return the model's definition for the active features: bias, weights, and every pair once."""
    pairs = np.triu(np.outer(x, x) * (W[:, 1:] @ W[:, 1:].T), 1)
    return w0 + W[:, 0] @ x + pairs.sum()


def slopes(W, x):
    """Return how fast the score grows with each entry of W."""
    slope, step = np.empty_like(W), 1e-30
    for at in np.ndindex(W.shape):
        moved = W.astype(complex)
        moved[at] += 1j * step
        slope[at] = score(0.0, moved, x).imag / step
    return slope


def after_step(w0, W, x, error, rate, decay, decay_of_bias=0.0):
    """Return bias and table after one event: each moves along its slope and is pulled towards 0."""
    return w0 + rate * (error - decay_of_bias * w0), (1 - rate * decay) * W + rate * error * slopes(
        W, x
    )


def draw(rng, n, k):
    """Return a random model and random values for its features, none of them near 0."""
    x = rng.uniform(0.5, 2.0, n) * rng.choice([-1, 1], n)
    return rng.normal(1.0, 2.0), rng.normal(size=(n, 1 + k)), x


def install(machine, w0, W, names, **settings):
    """Put a model into a machine of the student's."""
    machine.set("w0", w0)
    machine.set("w", {name: row[0] for name, row in zip(names, W, strict=True)})
    machine.set("V", {name: row[1:] for name, row in zip(names, W, strict=True)})
    for name, value in settings.items():
        machine.set(name, value)


@check("fm-1", points=2)
def definition(t):
    """The definition, pair by pair."""
    w0, W, x = draw(t.rng, n=5, k=3)
    got = t.subject.call("score", w0, W[:, 0], W[:, 1:], x)
    right = score(w0, W, x)
    both_ways = np.outer(x, x) * (W[:, 1:] @ W[:, 1:].T)
    linear = w0 + W[:, 0] @ x
    with t.part("five features", 1) as p:
        p.close(
            got,
            right,
            what="the score",
            mistakes={
                "counts-pairs-twice": linear + both_ways.sum() - np.trace(both_ways),
                "pairs-with-itself": linear + np.triu(both_ways).sum(),
                "ignores-values": score(w0, W, np.ones(5)),
                "forgets-bias": right - w0,
            },
        )
    with t.part("one feature has nobody to pair with", 1) as p:
        p.close(
            t.subject.call("score", w0, W[:1, 0], W[:1, 1:], x[:1]),
            w0 + W[0, 0] * x[0],
            what="the score",
        )


@check("fm-2", points=3, false_failure_rate=1e-6)
def pairs_in_one_pass(t):
    """All pairs in one pass."""
    _, W, x = draw(t.rng, n=6, k=4)
    with t.part("six features", 2) as p:
        right, wrong = right_and_wrong_pairs(W, x)
        p.close(
            t.subject.call("pairs", W[:, 1:], x), right, what="the pairwise term", mistakes=wrong
        )
    with t.part("500 to 48,000 features, at a cost that grows with their number", 1) as p:
        # In units of a plain loop over 8,000 numbers, a thousand features with 8 factors cost at
        # most 1.5 in numpy and 6 in loops; 18 are allowed. All pairs of 500 cost 160 one by one,
        # those of 4,000 in a table 100 or more, those of 48,000 row by row 3,000.
        few = draw(t.rng, n=500, k=8)[1:]
        for copies in (1, 8, 16, 32, 96):
            question = partial(asks_pairs, t, p, few, copies)
            mistake = "visits-every-pair" if copies == 1 else "fills-a-table"
            p.that(t.affords(question, max(30, 9 * copies)), "", mistake=mistake)


def table_of(W, x):
    """Return what each pair of features adds to the score, both ways round, and with itself."""
    return np.outer(x, x) * (W[:, 1:] @ W[:, 1:].T)


def asks_pairs(t, p, few, copies):
    """Ask for the pairwise term of features that stand there several times, each time with other
    values.
    """
    W, x = few
    values = t.rng.uniform(0.5, 2.0, copies)
    order = t.rng.permutation(copies * len(x))
    V_many, x_many = np.tile(W[:, 1:], (copies, 1))[order], np.outer(values, x).ravel()[order]
    got = t.subject.call("pairs", V_many, x_many)
    table = table_of(W, x)
    right = (values.sum() ** 2 * table.sum() - (values**2).sum() * np.trace(table)) / 2
    p.close(got, right, rtol=1e-6, what="the pairwise term")


def right_and_wrong_pairs(W, x):
    """Return the pairwise term, and what it becomes after mistakes that people make."""
    V, right = W[:, 1:], score(0.0, W, x) - W[:, 0] @ x
    with_itself = (np.outer(x, x) * (V @ V.T)).sum()
    return right, {
        "forgets-half": 2 * right,
        "forgets-squares": with_itself / 2,
        "forgets-half-and-squares": with_itself,
        "squares-without-values": (with_itself - (x @ V**2).sum()) / 2,
    }


@check("fm-3", points=3)
def gradient_of_the_pairs(t):
    """The slope of the pairwise term."""
    _, W, x = draw(t.rng, n=5, k=3)
    V = W[:, 1:]
    right = slopes(W, x)[:, 1:]
    own = x[:, None] ** 2 * V
    with t.part("five features", 2) as p:
        p.close(
            t.subject.call("pairs_gradient", V, x),
            right,
            what="the gradient",
            mistakes={
                "keeps-own-term": right + own,
                "forgets-own-value": right / x[:, None],
                "own-term-without-values": right + own - V,
                "transposed-gradient": right.T,
            },
        )
    with t.part("a feature alone has no slope", 1) as p:
        p.close(
            t.subject.call("pairs_gradient", V[:1], x[:1]), np.zeros((1, 3)), what="the gradient"
        )
        p.close(
            t.subject.call("pairs_gradient", V[:2], x[:2]),
            slopes(W[:2], x[:2])[:, 1:],
            what="the gradient of two",
        )


@check("fm-4", points=3)
def prediction(t):
    """A prediction, with features it has never met."""
    w0, W, x = draw(t.rng, n=4, k=3)
    machine = t.subject.new("FactorizationMachine", n_factors=3)
    install(machine, w0, W, "abcd")
    with t.part("known features", 1) as p:
        got, rows = machine.call("predict", dict(zip("bda", x[:3], strict=True))), W[[1, 3, 0]]
        p.close(
            got,
            score(w0, rows, x[:3]),
            what="the prediction",
            mistakes=pairs_twice(w0, rows, x[:3]),
        )
    with t.part("unseen features say nothing", 1) as p:
        got = machine.call("predict", {"new": 1.5, "a": x[0], "newer": -1.0, "c": x[2]})
        rows, wrong = W[[0, 2]], {"gives-up-on-unseen": w0, **pairs_twice(w0, W[[0, 2]], x[[0, 2]])}
        p.close(got, score(w0, rows, x[[0, 2]]), what="the prediction", mistakes=wrong)
    with t.part("nothing seen at all", 0.5) as p:
        p.close(machine.call("predict", {"new": 1.0}), w0, what="the prediction")
        got = machine.call("predict", {"d": x[3]})  # the bias alone is no answer to everything
        p.close(got, w0 + W[3, 0] * x[3], what="the prediction of one known feature")
    with t.part("asking changes nothing", 0.5) as p:
        got = machine.call("predict", {"newest": 1.0, "a": x[0]})
        p.close(got, score(w0, W[:1], x[:1]), what="the prediction")
        only_knows(machine, "abcd", p)


def pairs_twice(w0, W, x):
    return {"forgets-half": 2 * score(w0, W, x) - w0 - W[:, 0] @ x}


def only_knows(machine, known, p):
    """Demand that the machine holds rows of these features and no others."""
    for table in ("w", "V"):
        rows = machine.get(table)
        p.that(
            isinstance(rows, dict) and set(rows) == set(known), "", mistake="predict-creates-rows"
        )


@check("fm-5", points=5, false_failure_rate=1e-9)
def learning(t):
    """One event, one small step."""
    rate, decay = 0.05, 0.1
    w0, W, x = draw(t.rng, n=5, k=3)
    active = [3, 0, 2]
    error = t.rng.uniform(1.0, 3.0) * t.rng.choice([-1, 1])
    target = score(w0, W[active], x[active]) + error
    machine = t.subject.new("FactorizationMachine", n_factors=3)
    install(machine, w0, W, "abcde", learning_rate=rate, regularization=decay)
    loss = machine.call("partial_fit", {"abcde"[i]: x[i] for i in active}, target)

    new_w0, new = after_step(w0, W[active], x[active], error, rate, decay)
    with t.part("the loss before the step", 1) as p:
        p.close(
            loss,
            error**2,
            what="the loss",
            mistakes={"loss-after-step": (target - score(new_w0, new, x[active])) ** 2},
        )
    with t.part("the bias", 0.5) as p:
        p.close(
            machine.get("w0"),
            new_w0,
            what="`w0`",
            mistakes={
                "decays-bias": after_step(w0, W[active], x[active], error, rate, decay, decay)[0],
                "climbs": after_step(w0, W[active], x[active], -error, rate, decay)[0],
                "double-step": after_step(w0, W[active], x[active], 2 * error, rate, decay)[0],
                "bias-stays": w0,
            },
        )
    with t.part(
        "the active rows", 1.5, hint="A row is shown as its weight, then its factors."
    ) as p:
        got = rows_of(t, machine, "dac")
        wrong = {
            name: named("dac", rows)
            for name, rows in wrong_rows(W[active], x[active], error, rate, decay).items()
        }
        p.close(got, named("dac", new), what="row", mistakes=wrong)
    with t.part("the other rows", 1) as p:
        shrunk = {"decays-untouched-rows": named("be", (1 - rate * decay) * W[[1, 4]])}
        p.close(
            rows_of(t, machine, "be"),
            named("be", W[[1, 4]]),
            rtol=1e-9,
            what="row",
            mistakes=shrunk,
        )
        moved = machine.get("w0"), *rows_of(t, machine, "dac").values()
        right = [difference_of(t, *both) < 1e-6 for both in zip(moved, (new_w0, *new), strict=True)]
        p.that(any(right), "No row is right: that the others stay says nothing yet.")
    with t.part("rows for new features", 1) as p:
        check_new_rows(t, p)


def difference_of(t, value, right):
    return np.abs(t.array(value) - right).max()


def named(names, rows):
    return dict(zip(names, rows, strict=True))


def rows_of(t, machine, names):
    """Return what the machine holds for some features: weight, then factors."""
    weights = [
        t.number(value, f"w[{name!r}]")
        for name, value in zip(names, t.entries(machine.get("w"), names, "`w`"), strict=True)
    ]
    factors = [
        t.array(value, (3,), f"V[{name!r}]")
        for name, value in zip(names, t.entries(machine.get("V"), names, "`V`"), strict=True)
    ]
    return named(names, np.column_stack([weights, factors]))


def wrong_rows(W, x, error, rate, decay):
    """Return what the active rows become after mistakes that people make."""
    as_it_goes = W.copy()
    for row in range(len(x)):
        as_it_goes[row] = after_step(0.0, as_it_goes, x, error, rate, decay)[1][row]
    return {
        "climbs": after_step(0.0, W, x, -error, rate, decay)[1],
        "double-step": after_step(0.0, W, x, 2 * error, rate, decay)[1],
        "updates-while-reading": as_it_goes,
        "decays-the-wrong-way": after_step(0.0, W, x, error, rate, -decay)[1],
        "forgets-decay": after_step(0.0, W, x, error, rate, 0.0)[1],
    }


def check_new_rows(t, p):
    names = [f"feature {i}" for i in range(40)]

    target = t.rng.uniform(2.0, 4.0)

    def meet_them(seed):
        machine = t.subject.new("FactorizationMachine", n_factors=8, learning_rate=0.0, seed=seed)
        loss = machine.call("partial_fit", dict.fromkeys(names, 1.0), target)
        rows = t.entries(machine.get("V"), names, "`V`")
        return loss, np.array([t.array(row, (8,), "a new row of `V`") for row in rows])

    seed = int(t.rng.integers(10**6))
    loss, rows = meet_them(seed)
    p.that(bool(rows.any()), "", mistake="rows-of-zeros")
    p.that(
        abs(t.number(loss, "the loss") - target**2) < 1e-6 * target**2,
        "",
        mistake="noise-in-first-loss",
    )
    p.that(
        len({row.tobytes() for row in rows}) == 40,
        "Every new feature needs factors of its own; some have the same.",
    )
    # The spread of 320 draws is outside 0.07 ... 0.13 once in 10^13 times.
    p.that(
        bool(0.07 < rows.std() < 0.13),
        "New factors should be small: normal, with mean 0 and standard deviation 0.1.",
    )
    p.that(np.array_equal(meet_them(seed)[1], rows), "", mistake="somebody-elses-chance")
    p.that(
        not np.array_equal(meet_them(seed + 1)[1], rows),
        "Machines with different seeds should draw different rows.",
    )


@check("fm-6", points=2)
def honest_validation(t):
    """Test, then train."""
    targets = t.rng.normal(3.0, 1.5, 12)
    stream = [({"film": 1.0}, target) for target in targets]
    got = t.subject.call("progressive_rmse", t.subject.new("RunningMean"), stream)
    counts = np.arange(1, 13)
    means = np.cumsum(targets) / counts
    said = np.concatenate([[0.0], means[:-1]])  # RunningMean says 0 before the first event

    def curve(predictions):
        return np.sqrt(np.cumsum((targets - predictions) ** 2) / counts)

    with t.part("twelve events of a running mean", 2) as p:
        p.close(
            got,
            curve(said),
            what="the curve",
            mistakes={
                "learns-before-testing": curve(means),
                "learns-everything-first": curve(means[-1]),
                "never-learns": curve(0.0),
                "forgets-the-root": curve(said) ** 2,
                "averages-absolute-errors": np.cumsum(np.abs(targets - said)) / counts,
                "forgets-to-average": np.abs(targets - said),
            },
        )
