"""The hidden checks of the exercise fm: asked when work is graded, never shipped."""

import numpy as np

from coursekit.grading.checks import check

from .checks import after_step, draw, install, named, only_knows, rows_of, score, slopes


@check("fm-1", points=1, tier="hidden")
def definition_elsewhere(t):
    """The definition, on other sizes."""
    with t.part("from two to eight features, some of them absent", 1) as p:
        for n in (2, 8):
            w0, W, x = draw(t.rng, n, k=int(t.rng.integers(1, 5)))
            x[0] = 0.0
            p.close(
                t.subject.call("score", w0, W[:, 0], W[:, 1:], x), score(w0, W, x), what="the score"
            )


@check("fm-2", points=1, tier="hidden")
def pairs_elsewhere(t):
    """All pairs, on other sizes."""
    with t.part("one factor, one-hot values, no feature at all", 1) as p:
        _, W, _ = draw(t.rng, n=7, k=1)
        ones = np.ones(7)
        p.close(
            t.subject.call("pairs", W[:, 1:], ones),
            score(0.0, W, ones) - W[:, 0].sum(),
            what="the pairwise term",
        )
        p.close(
            t.subject.call("pairs", np.empty((0, 4)), np.empty(0)),
            0.0,
            what="the pairwise term of nothing",
        )


@check("fm-3", points=1, tier="hidden")
def gradient_elsewhere(t):
    """The slope, on other sizes."""
    with t.part("values that are zero", 1) as p:
        _, W, x = draw(t.rng, n=7, k=5)
        x[[1, 4]] = 0.0
        p.close(
            t.subject.call("pairs_gradient", W[:, 1:], x), slopes(W, x)[:, 1:], what="the gradient"
        )


@check("fm-4", points=1, tier="hidden")
def many_predictions(t):
    """Predictions, a hundred of them."""
    w0, W, _ = draw(t.rng, n=12, k=4)
    names = [f"feature {i}" for i in range(12)]
    machine = t.subject.new("FactorizationMachine", n_factors=4)
    install(machine, w0, W, names)
    asked, expected = [], []
    for _ in range(100):
        which = t.rng.permutation(12)[: t.rng.integers(0, 6)]
        x = t.rng.normal(size=len(which))
        stranger = {f"stranger {t.rng.integers(1000)}": 1.0}
        asked.append([{**stranger, **{names[i]: value for i, value in zip(which, x, strict=True)}}])
        expected.append(score(w0, W[which], x))
    with t.part("a hundred queries with a stranger in each", 0.5) as p:
        p.close(machine.map("predict", asked), expected, what="prediction")
    with t.part("not a row more than before", 0.5) as p:
        got = machine.call("predict", {"one more stranger": 2.0, names[3]: 0.5})
        p.close(got, score(w0, W[[3]], np.array([0.5])), what="prediction")
        only_knows(machine, names, p)


@check("fm-5", points=2, tier="hidden")
def many_steps(t):
    """Thirty events in a row."""
    names, rate, decay = "abcdef", 0.03, 0.02
    w0, W, _ = draw(t.rng, n=6, k=3)
    W *= 0.3
    machine = t.subject.new("FactorizationMachine", n_factors=W.shape[1] - 1)
    install(machine, w0, W, names, learning_rate=rate, regularization=decay)
    events, losses = [], []
    for _ in range(30):
        which = t.rng.permutation(6)[: t.rng.integers(1, 4)]
        x, target = t.rng.uniform(0.5, 1.5, len(which)), t.rng.normal(3.0, 1.0)
        error = target - score(w0, W[which], x)
        w0, W[which] = after_step(w0, W[which], x, error, rate, decay)
        events.append([{names[i]: value for i, value in zip(which, x, strict=True)}, target])
        losses.append(error**2)
    got = machine.map("partial_fit", events)
    with t.part("every loss on the way", 1) as p:
        p.close(got, losses, rtol=1e-5, atol=1e-6, what="loss")
    with t.part("the machine at the end", 1) as p:
        p.close(machine.get("w0"), w0, rtol=1e-5, what="`w0`")
        rows = rows_of(t, machine, names)
        p.close(rows, named(names, W), rtol=1e-5, atol=1e-6, what="row")


@check("fm-6", points=1, tier="hidden")
def honest_curve(t):
    """Test, then train, on a longer stream."""
    targets = t.rng.normal(-2.0, 3.0, 60)
    said = np.concatenate([[0.0], np.cumsum(targets)[:-1] / np.arange(1, 60)])
    machine = t.subject.new("RunningMean")
    got = t.subject.call(
        "progressive_rmse", machine, [({"film": 1.0}, target) for target in targets]
    )
    with t.part("sixty events", 0.5) as p:
        p.close(got, np.sqrt(np.cumsum((targets - said) ** 2) / np.arange(1, 61)), what="the curve")
    with t.part("each event learnt once", 0.5) as p:
        p.close(
            machine.call("predict", {"film": 1.0}),
            targets.mean(),
            what="the mean that the machine ends with",
        )
