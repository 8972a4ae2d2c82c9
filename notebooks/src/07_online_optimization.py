# %% [markdown]
# # 07 · Online optimisation
#
# **You choose how a model moves with each event, and measure what hindsight would have
# saved beside what theory promises.**
#
# After this lesson you will be able to
#
# - measure regret, and read a bound on it without believing too much or too little,
# - say what AdaGrad, FTRL-Proximal and Adam remember, and where that helps or hurts,
# - choose an optimizer for a stream that changes once, slowly or again and again,
# - let several learners vote, weighted by recent loss,
# - show what a few false events do to a model, and take most of their power away.
#
# *60 minutes. You come from [lesson 02](02_matrix_factorization.ipynb) (steps against
# an error) and [lesson 05](05_drift_detection.ipynb) (kinds of drift). Modules:
# [`descent`](../coursekit/learning/optim/descent.py),
# [`regret`](../coursekit/learning/optim/regret.py),
# [`ensemble`](../coursekit/learning/learners/ensemble.py),
# [`robust`](../coursekit/learning/learners/robust.py).*

# %%
from dataclasses import replace

import numpy as np
import pandas as pd

from coursekit import datasets, figures
from coursekit.core import errors, events
from coursekit.evaluation import learning_curve, rmse
from coursekit.learning import optim
from coursekit.learning.learners import robust
from coursekit.learning.optim import Descent, regret
from coursekit.learning.learners.ensemble import WeightedEnsemble
from coursekit.learning.learners.linear import OnlineLinearModel
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization

figures.use_course_style()
SEEDS = range(10)

# %% [markdown]
# ## Why: the best step of today is the worst of tomorrow
#
# A learner takes a step at each event. How long should it be? Here are two learners
# that differ in nothing else. After 5,000 ratings, everybody suddenly rates 1.5 points
# higher.


# %%
def curve_of(rate, seed):
    """The error along a stream that jumps half-way, for biases learnt with this step size."""
    stream = datasets.rating_stream(10_000, seed=seed, drift=datasets.AbruptDrift(size=1.5), taste_std=0.0)
    learner = OnlineMatrixFactorization(0, optimizer="sgd", bias_rate=rate, regularization=0.0)
    return learning_curve(stream, learner.predict_then_learn_many(stream), n_points=20)


# %%
results = {name: [curve_of(rate, seed) for seed in SEEDS] for name, rate in {"short steps": 0.03, "long steps": 0.3}.items()}
ends = {name: [np.median([each.rmse[at] for each in curves]) for at in (9, 10)] for name, curves in results.items()}
axes = figures.plot_learning_curves(
    results,
    title="Long steps lose in the calm and win after the jump",
    roles={"short steps": "baseline", "long steps": "model"},
)
figures.mark_drift(axes, 5_000, label="jump")
figures.show(
    axes,
    alt="Two error curves over 10,000 ratings, medians of 10 streams with bands. Before the jump:"
    + ";".join(f" {name} {before:.2f}" for name, (before, _) in ends.items())
    + ". Just after it:"
    + ";".join(f" {name} {after:.2f}" for name, (_, after) in ends.items())
    + " points.",
)

# %% [markdown]
# **No step size is best at all times, and the learner has to choose before it knows
# what comes.** This lesson is about choosing well anyway, and about saying how much was
# lost.
#
# ## 1. What would hindsight have saved?
#
# By hand: one weight $w$ predicts the targets 1, 0, 1. The loss is half the squared
# error, and each step takes away half the error.
#
# | event | target | $w$ before | loss | $w$ after |
# |---|---|---|---|---|
# | 1 | 1 | 0 | 0.500 | 0.50 |
# | 2 | 0 | 0.50 | 0.125 | 0.25 |
# | 3 | 1 | 0.25 | 0.281 | 0.625 |
#
# The learner paid 0.906. Somebody who knew all targets, but had to keep one weight for
# all events, would take 2/3 and pay 0.333. The difference, 0.573, is the **regret**:
#
# $$R_T = \sum_{t=1}^{T} \ell_t(w_t) - \min_u \sum_{t=1}^{T} \ell_t(u)$$
#
# In words: the losses $\ell_t$ that you paid with the weights $w_t$ you had at event
# $t$, less those of the best fixed weights $u$, chosen after the fact. If $R_T / T$
# goes to 0, you end up as good as if you had known.
#
# **Projected gradient descent** steps against the gradient $g_t$, and puts a weight
# that leaves $[-r, r]$ back on the edge. With steps that shrink,
# $\eta_t = \eta/\sqrt t$, Zinkevich proved for $d$ weights and $D = 2r$:
#
# $$R_T \le \frac{d\,D^2}{2\,\eta_T} + \frac12 \sum_{t=1}^{T} \eta_t\,\lVert g_t\rVert^2$$
#
# In words: what it costs to come from anywhere to anywhere in the box (cheap with long
# steps), plus what steps cost because each event pulls elsewhere (cheap with short
# steps). While gradients stay bounded, both parts grow like $\sqrt T$, so the regret
# *per event* falls like $1/\sqrt T$. It needs convex losses, and nothing else: no noise
# model, no chance. An enemy may choose the stream.


# %%
def descend(X, y, rate, radius):
    """Projected gradient descent: the loss and the gradient of each event, before its step."""
    w, losses, gradients = np.zeros(X.shape[1]), [], []
    for t, (x, target) in enumerate(zip(X, y, strict=True), start=1):
        error = x @ w - target
        losses.append(0.5 * error**2)
        gradients.append(error * x)
        w = np.clip(w - rate / np.sqrt(t) * gradients[-1], -radius, radius)
    return np.array(losses), np.array(gradients)


# %%
def linear_stream(seed, n=3_000):
    """Targets that are a weighted sum of three features, and noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, X @ [1.0, -1.0, 0.5] + rng.normal(size=n)


# %%
X, y = linear_stream(seed=0)
losses, gradients = descend(X, y, rate=0.5, radius=2.0)
best = np.linalg.lstsq(X, y, rcond=None)[0]  # in hindsight
by_hand = np.cumsum(losses - 0.5 * (X @ best - y) ** 2)
best.round(2)

# %%
rates = 0.5 / np.sqrt(np.arange(1, len(X) + 1))
bound_by_hand = 3 * 4.0**2 / (2 * rates) + 0.5 * np.cumsum(rates * (gradients**2).sum(axis=1))
curve = regret.measure_regret(optim.SGD(0.5, decay=0.5, radius=2.0), X, y)
assert np.allclose(curve.regret, by_hand, rtol=0, atol=1e-8)
assert np.allclose(curve.bound, bound_by_hand)

# %% [markdown]
# Regret and bound by hand are those of the module. It also finds the best weights when
# they lie on the edge of the box, and for logistic loss.
#
# **Predict.** The noise alone costs 0.5 per event. How much more per event will the
# learner have paid after 3,000 events, and how much does the bound allow?

# %%
guess_regret, guess_bound = 0.1, 0.1  # your guesses

# %%
curves = [regret.measure_regret(optim.SGD(0.5, decay=0.5, radius=2.0), *linear_stream(seed)) for seed in SEEDS]
n = np.arange(1, 3_001)
per_event = {"bound": [each.bound / n for each in curves], "measured": [each.mean_regret for each in curves]}
paid, allowed = (float(np.median(per_event[name], axis=0)[-1]) for name in ("measured", "bound"))
f"{paid:.3f} paid, {allowed:.2f} allowed; you said {guess_regret} and {guess_bound}"

# %%
assert all((each.regret <= each.bound).all() for each in curves)
axes = figures.plot_curves(
    {name: np.array(each)[:, 30:] for name, each in per_event.items()},
    x=n[30:],
    title=f"The bound holds and is {allowed / paid:.0f} times what was paid",
    x_label="events",
    y_label="regret per event (loss)",
    roles={"bound": "baseline", "measured": "model"},
)
axes.set(yscale="log")
figures.show(
    axes,
    alt="Two falling lines on a logarithmic scale, over 3,000 events: the regret per event ends at"
    f" {paid:.3f}, the bound at {allowed:.2f}, and the measured line stays below the bound all along.",
)

# %% [markdown]
# **Both fall, the regret stays below its bound at every event, and on a kind stream it
# is fifty times smaller.** A bound is a promise for the worst stream, no forecast for
# yours. What it tells you is the *shape*: steps that shrink like $1/\sqrt t$ never lose
# much, whatever comes.
#
# **Try it.** Let an adversary choose the targets: begin the loop in `descend` with
# `target = np.where(x @ w >= 0, -1, 1)`, the wrong sign for the present `w` (0 counts
# as positive: `np.sign(0)` is 0, which would be a right answer). What happens to the
# loss, and to the regret per event?
#
# <details><summary>What you should see</summary>
#
# The sign is wrong at every event, so every loss is at least 0.5, what the answer 0
# would pay; the mean over 3,000 events is 0.53. But no fixed weights do better than
# 0.50 against such targets either, so the regret per event still falls, to 0.03. Regret
# does not say how good you are. It says how much better *one fixed choice* would have
# been.
#
# </details>
#
# ## 2. Should every weight take the same step?
#
# A film that opens tonight is a feature that first occurs at event 10,000. Steps of
# $1/\sqrt t$ are down to 1/100 by then, worn out by other films. By hand, with a
# gradient of 1 and $\eta = 1$: the shrinking step moves the new weight by 0.01.
# **AdaGrad** counts for each weight what *it* has seen:
#
# $$G_j \leftarrow G_j + g_j^2 \qquad\qquad w_j \leftarrow w_j - \eta\, \frac{g_j}{\sqrt{G_j}}$$
#
# In words: $G_j$ adds up the squared gradients of weight $j$, and its step is the rate
# $\eta$ times the gradient over the root of that sum. The new film has $G_j = 1$ and
# moves by a full 1. (The module starts $G_j$ at 0.1, so that the first step is not
# extreme.)

# %%
G = 0.1 + np.cumsum(gradients**2, axis=0)
adagrad, weights = Descent(optim.AdaGrad(0.5, initial_memory=0.1)), np.zeros(3)
for gradient in gradients:
    adagrad.step(weights, gradient)
assert np.allclose(weights, -0.5 * (gradients / np.sqrt(G)).sum(axis=0))

# %% [markdown]
# Now 200 features, where feature $j$ occurs in one event of $j$. How far is a weight
# from the truth after 5,000 events? If the features occur often, both optimizers know
# them. **Predict.** For the rarest features (25 times or so in 5,000 events): how many
# times larger is the error of plain SGD?

# %%
guess_times = 1.2  # your guess


# %%
def distance(optimizer, seed, n=5_000, d=200):
    """How far weights are from the truth at the end, in ten groups of features from common to rare."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n, d)) < 1 / np.arange(1, d + 1)) * 1.0
    truth = rng.uniform(-1, 1, d)
    y, w, descent = X @ truth + rng.normal(0, 0.5, n), np.zeros(d), Descent(optimizer)
    for x, target in zip(X, y, strict=True):
        active = np.flatnonzero(x)
        descent.step(w, np.full(len(active), x @ w - target), active)
    return np.abs(w - truth).reshape(10, -1).mean(axis=1)


# %%
two = {"SGD, shrinking": optim.SGD(1.0, decay=0.5), "AdaGrad": optim.AdaGrad(0.5)}
by_group = {name: np.array([distance(each, seed) for seed in SEEDS]) for name, each in two.items()}
rarest = {name: float(np.median(each[:, -1])) for name, each in by_group.items()}
f"{rarest['SGD, shrinking'] / rarest['AdaGrad']:.1f} times; you said {guess_times}"

# %%
axes = figures.plot_curves(
    {name: each[:, ::-1] for name, each in by_group.items()},
    x=5_000 / np.arange(1, 201).reshape(10, -1).mean(axis=1)[::-1],
    title="For rare features AdaGrad is far closer to the truth",
    x_label="how often the feature occurred",
    y_label="distance from the truth",
    roles={"SGD, shrinking": "baseline", "AdaGrad": "model"},
)
axes.set(xscale="log")
axes.set_xticks([25, 50, 100, 200, 400], labels=["25", "50", "100", "200", "400"])
axes.set_xticks([], minor=True)
figures.show(
    axes,
    alt="Distance of weights from the truth against the number of occurrences of their features, with bands over 10 streams. At the"
    " rarest: " + ", ".join(f"{name} {each:.2f}" for name, each in rarest.items()) + ". The lines cross at about a hundred.",
)

# %% [markdown]
# **With a rate of its own, a weight learns from the few events that concern it.** For
# common features shrinking SGD was ahead here: AdaGrad with this rate is a little too
# restless for them. The bound of AdaGrad sums $\sqrt{G_j}$ over the weights, and for
# rare features that is small.
#
# **Adam** divides by a root, too, but by that of a *running mean* of squares: old
# gradients fade, with the default settings within a few thousand steps. That suits
# neural networks. It costs the guarantee. Here is a stream made to show it, with a
# single weight in $[-1, 1]$. Once in 3,000 events something important comes, with a
# gradient of $+4500$; all others have $-1$. The sum of 3,000 is positive, so $w = -1$
# is best. **Predict.** Where does Adam end?

# %%
guess_adam = -1.0  # your guess


# %%
def walk(optimizer, n=60_000, period=3_000):
    """Where the weight is before each event, in [-1, 1]."""
    gradients = np.where(np.arange(n) % period == 0, 1.5 * period, -1.0)
    w, places, descent = np.zeros(1), np.empty(n), Descent(optimizer)
    for t in range(n):
        places[t] = w[0]
        descent.step(w, gradients[t : t + 1])
    return places


rivals = {"Adam": optim.Adam(0.01, radius=1.0), "AdaGrad": optim.AdaGrad(0.5, radius=1.0)}
walks = {name: walk(optimizer) for name, optimizer in rivals.items()}
pd.Series({name: places[-1] for name, places in walks.items()}, name=f"you said {guess_adam:+.0f} for Adam").round(2)

# %%
axes = figures.plot_curves(
    {name: places[::50] for name, places in walks.items()},
    x=np.arange(0, 60_000, 50),
    title="Adam walks to the wrong end",
    x_label="events",
    y_label="weight (best: -1)",
    roles={"Adam": "alarm", "AdaGrad": "model"},
)
figures.show(
    axes,
    alt="The weight over 60,000 events, of which every 3,000th is important. Adam climbs in saw teeth and ends at"
    f" {walks['Adam'][-1]:+.2f}, the worst place; AdaGrad falls and ends at {walks['AdaGrad'][-1]:+.2f}, near the best, -1.",
)

# %% [markdown]
# **Adam climbs to the worst weight of all, and an important event pulls it back only
# for a short while, although the losses are as convex as can be.** The large gradient
# makes its own divisor large. While the small ones come, the divisor fades, their steps
# grow longer and longer, and together they out-walk the large one. AdaGrad forgets
# nothing.
#
# **Try it.** `walk(optim.Adam(0.01, radius=1.0), period=300)`. What has changed, and
# why is it no way out?
#
# <details><summary>What you should see</summary>
#
# Now the weight goes down towards -1: within 300 events the divisor hardly fades. But
# how rare the important events are is up to the stream. For any fixed memory there is a
# stream with a longer pause. AMSGrad keeps the largest divisor seen, and has a bound
# again.
#
# </details>
#
# ## 3. Which weights may be exactly 0?
#
# A recommender over ids has a weight for every user and film, most of them seen a few
# times. Each costs memory wherever the model is served. Steps of a gradient never make
# a weight 0. **FTRL-Proximal** asks for evidence first. For each weight it keeps $z_j$,
# the sum of its gradients (corrected for where the weight was), and $n_j$, the sum of
# their squares:
#
# $$w_j = 0 \ \text{ if } |z_j| \le \lambda_1, \qquad \text{else}\quad
# w_j = -\,\frac{z_j - \operatorname{sign}(z_j)\,\lambda_1}{(\beta + \sqrt{n_j})/\eta}$$
#
# In words: as long as the gradients do not add up to more than $\lambda_1$, the weight
# is 0. Beyond that only the excess counts, with steps like AdaGrad's ($\beta$ makes the
# first ones smaller). By hand, with $\lambda_1 = 1$, $\beta = 1$, $\eta = 0.5$ and
# $n = 9$: for $z = 0.8$ the weight is 0; for $z = -3$ it is
# $(3 - 1) / (4 / 0.5) = 0.25$.


# %%
def ftrl_step(w, z, n, g, rate=0.5, beta=1.0, l1=1.0):
    """One weight: its next value, z and n."""
    sigma = (np.sqrt(n + g * g) - np.sqrt(n)) / rate
    z, n = z + g - sigma * w, n + g * g
    excess = max(abs(z) - l1, 0.0)
    return -np.sign(z) * excess / ((beta + np.sqrt(n)) / rate), z, n


w, z, n_squares = 0.0, 0.0, 0.0
reference, ftrl = np.zeros(1), Descent(optim.FTRLProximal(0.5, beta=1.0, l1=1.0))
for x, target in zip(X[:, 0], y, strict=True):
    ftrl.step(reference, [(x * reference[0] - target) * x])
    w, z, n_squares = ftrl_step(w, z, n_squares, (x * w - target) * x)
assert abs(w - reference[0]) < 1e-12

# %% [markdown]
# On real ratings: will this person give at least 8 points? One weight for each user,
# film, genre and decade.

# %%
informed = datasets.load().with_item_features()
liked = list(replace(informed, targets=(informed.targets >= 8) * 1.0))


# %%
def outcome(optimizer):
    """Weights that are not 0, all weights, and the Brier score."""
    model = OnlineLinearModel("logistic", optimizer)
    score = np.mean([model.partial_fit(sample) for sample in liked])
    return np.count_nonzero([*model.weights.values()]), len(model.weights), score


# %% [markdown]
# The error is the mean squared distance of the probability from the answer (the **Brier
# score**; always saying 0.5 costs 0.25). **Predict.** With $\lambda_1 = 1$: what
# percentage of the weights is not 0?

# %%
guess_kept = 50  # your guess

# %%
penalties, columns = [0.0, 0.3, 1.0, 2.0, 4.0, 8.0], ["not 0", "all", "Brier score"]
outcomes = pd.DataFrame([outcome(optim.FTRLProximal(0.3, l1=l1)) for l1 in penalties], columns=columns, index=penalties)
outcomes.rename_axis("l1").round(3)

# %%
kept = outcomes["not 0"] / outcomes["all"]
gain = (0.25 - outcomes["Brier score"]) / (0.25 - outcomes["Brier score"][0.0])
f"{kept[1.0]:.0%} of the weights, {gain[1.0]:.0%} of the gain; you said {guess_kept} %"

# %%
axes = figures.plot_curves(
    {"FTRL-Proximal": 100 * gain.to_numpy()},
    x=100 * kept.to_numpy(),
    title=f"{kept[1.0]:.0%} of the weights keep {gain[1.0]:.0%} of the gain",
    x_label="weights that are not 0, % of all",
    y_label="gain over a constant, %",
)
figures.mark_points(axes, 100 * kept, 100 * gain, label="one value of l1")
figures.show(
    axes,
    alt="The gain in Brier score over a constant answer, against the share of weights that are not 0, in percent of the gain without a penalty: "
    + ", ".join(f"{share:.0%} of the weights {part:.0%}" for share, part in zip(kept, gain, strict=True))
    + ".",
)

# %% [markdown]
# **Most weights say almost nothing, and FTRL-Proximal finds out which, while it
# learns.** While learning it still keeps $z$ and $n$ of each. What is served is small.
#
# **Try it.** Compare `outcome("adagrad")` and `outcome("sgd")`. How many of their
# weights are 0?
#
# <details><summary>What you should see</summary>
#
# None. AdaGrad's score is a little better than that of FTRL-Proximal without a penalty:
# its steps are not the same. SGD's is worse than both: most features are rare here.
#
# </details>
#
# ## 4. Which optimizer for which stream, and must you choose?
#
# Regret compares with one *fixed* choice. If the world changes, that is a low bar. So
# we measure the error itself, in four worlds. Five weights stay; turn to their opposite
# once; are mixed with their opposite ever more often; turn around every 200 events. The
# noise alone is 1.


# %%
def moving_world(drift, seed, n=4_000):
    """Five features; a share of 1 turns all weights to their opposite."""
    rng = np.random.default_rng(seed)
    X, weights = rng.normal(size=(n, 5)), rng.normal(size=5)
    share = np.zeros(n) if drift is None else drift.draw(n, rng)
    return X, (1 - 2 * share) * (X @ (1.5 * weights / np.linalg.norm(weights))) + rng.normal(size=n)


def predictions_of(optimizer, X, y):
    """Predict, then learn."""
    w, predictions, descent = np.zeros(X.shape[1]), np.empty(len(y)), Descent(optimizer)
    for t, x in enumerate(X):
        predictions[t] = x @ w
        descent.step(w, (predictions[t] - y[t]) * x)
    return predictions


# %%
worlds = {
    "calm": None,
    "abrupt": datasets.AbruptDrift(size=1.0),
    "gradual": datasets.GradualDrift(start=1_000, stop=3_000, size=1.0),
    "recurring": datasets.RecurringDrift(start=200, period=200, size=1.0),
}
steps = {
    "SGD, short": optim.SGD(0.02),
    "SGD, long": optim.SGD(0.1),
    "SGD, shrinking": optim.SGD(0.3, decay=0.5),
    "AdaGrad": optim.AdaGrad(0.5),
    "FTRL-Proximal": optim.FTRLProximal(0.5),
    "Adam": optim.Adam(0.02),
}

# %% [markdown]
# **Predict.** Which optimizer has the smallest error in the calm world, and which in
# the recurring one?

# %%
guess_calm, guess_recurring = "AdaGrad", "AdaGrad"  # your guesses

# %%
kinds = {kind: [moving_world(drift, seed) for seed in SEEDS] for kind, drift in worlds.items()}
answers = {
    (name, kind): np.array([predictions_of(optimizer, *world) for world in each])
    for name, optimizer in steps.items()
    for kind, each in kinds.items()
}
scores = {
    key: np.mean([rmse(y, each) for each, (_, y) in zip(found, kinds[key[1]], strict=True)]) for key, found in answers.items()
}
table = pd.Series(scores).unstack()[list(worlds)].loc[list(steps)]
print(f"calm: {table['calm'].idxmin()}, recurring: {table['recurring'].idxmin()}; you said {guess_calm} and {guess_recurring}")
table.round(3)

# %%
targets = np.array([y for _, y in kinds["recurring"]])
shown = {name: (answers[name, "recurring"] - targets) ** 2 for name in ("SGD, long", "AdaGrad")}
blocks = {name: np.sqrt(each.reshape(len(SEEDS), -1, 50).mean(axis=2)) for name, each in shown.items()}
peak, rest = ({name: float(np.median(each[:, 40 + at :: 4])) for name, each in blocks.items()} for at in (0, 3))
axes = figures.plot_curves(
    {name: each[:, 40:] for name, each in blocks.items()},
    x=np.arange(2_050, 4_001, 50),
    title="AdaGrad follows too slowly; constant steps keep up",
    x_label="events",
    y_label="RMSE in 50 events",
    roles={"SGD, long": "model", "AdaGrad": "baseline"},
)
figures.mark_drift(axes, range(3_800, 2_000, -200), label="switch")
figures.show(
    axes,
    alt="Error in blocks of 50 events while the weights turn around every 200 events, second half of the stream, with bands of 10 streams. SGD with constant steps"
    f" has about {peak['SGD, long']:.1f} just after a switch and {rest['SGD, long']:.1f} before the next; AdaGrad {peak['AdaGrad']:.1f} and {rest['AdaGrad']:.1f}.",
)

# %% [markdown]
# **Rates that shrink are best in a calm world and lose in one that keeps changing; for
# long constant steps it is the other way round.** After a single jump, short constant
# steps are best. When two worlds are mixed, no weights are right, and nearly all
# optimizers are alike. A detector (lesson 05) that resets the memory is one way out.
# The other is not to choose.
#
# An **ensemble** asks all members and gives each a share $p_i$ of the vote. By hand:
# two members with a half each, squared errors 1 and 4, and $\eta = \tfrac12$. Multiply
# each share by $e^{-\eta \cdot \text{error}^2}$: $0.5 \cdot 0.607$ and
# $0.5 \cdot 0.135$. Scaled to sum to 1: 0.82 and 0.18. Then everybody gets a little
# back:
#
# $$p_i \leftarrow (1 - \alpha)\,\frac{p_i\, e^{-\eta (y - \hat y_i)^2}}{\sum_k p_k\, e^{-\eta (y - \hat y_k)^2}} + \frac{\alpha}{N}
# \qquad\text{with}\quad \eta = \frac{1}{2 (b - a)^2}$$
#
# In words: the share of a member shrinks with its squared error at this event; the
# share $\alpha$ is handed out equally to all $N$ members, so that nobody is ever out of
# the game; $a$ and $b$ are the smallest and largest target.


# %%
def vote(predictions, targets, alpha, width):
    """The mixed prediction and the shares at each event."""
    n, n_members = predictions.shape
    p, mixed, shares = np.full(n_members, 1 / n_members), np.empty(n), np.empty((n, n_members))
    for t in range(n):
        shares[t], mixed[t] = p, p @ predictions[t]
        p = p * np.exp(-((targets[t] - predictions[t]) ** 2) / (2 * width**2))
        p = (1 - alpha) * p / p.sum() + alpha / n_members
    return mixed, shares


# %% [markdown]
# Tastes that take turns: every 2,000 ratings everybody has the other of two tastes. Two
# members each know one of the worlds from before and learn no more. The third learns
# all the time.


# %%
class Resting(OnlineMatrixFactorization):
    """Learns in `study` only."""

    study = OnlineMatrixFactorization.predict_then_learn_many

    def predict_then_learn_many(self, chunk):
        return self.predict_many(chunk.user_ids, chunk.item_ids)


# %%
def members_and_future(seed):
    """Three members after 16,000 ratings, the next 8,000, and which world each of those is from."""
    turns = datasets.RecurringDrift(start=2_000, period=2_000, size=1.0)
    stream = datasets.rating_stream(24_000, seed=seed, drift=turns, drifting="tastes", taste_std=0.8, rating_range=(1, 5))
    past, members = stream.slice(0, 16_000), [Resting(10), Resting(10), OnlineMatrixFactorization(10)]
    for world in (0, 1):
        members[world].study(events.Chunk.of(past[at] for at in np.flatnonzero(stream.magnitude[:16_000] == world)))
    members[2].partial_fit_many(past)
    return members, stream.slice(16_000, 24_000), stream.magnitude[16_000:]


# %%
members, future, _ = members_and_future(seed=0)
by_reference = WeightedEnsemble(members, target_range=(1, 5), share=0.001).predict_then_learn_many(future)
members, future, _ = members_and_future(seed=0)
columns = np.column_stack([each.predict_then_learn_many(future) for each in members]).clip(1, 5)
assert np.allclose(vote(columns, future.targets, alpha=0.001, width=4)[0], by_reference)

# %% [markdown]
# Our vote is the reference's, event for event. Now on ten streams, beside somebody who
# is told at each event which of the two experts to ask:

# %%
names, rows, all_shares = ["knows world A", "knows world B", "learns on"], [], []
for seed in SEEDS:
    members, future, world = members_and_future(seed)
    columns = np.column_stack([each.predict_then_learn_many(future) for each in members]).clip(1, 5)
    mixed, shares = vote(columns, future.targets, alpha=0.001, width=4)
    oracle = np.where(world == 0, columns[:, 0], columns[:, 1])
    rows.append([rmse(future.targets, each) for each in [*columns.T, oracle, mixed]])
    all_shares.append(shares[::50])
errors_of = pd.DataFrame(rows, columns=[*names, "told which world", "ensemble"])
errors_of.mean().round(3).rename("RMSE")

# %%
axes = figures.plot_curves(
    {name: 100 * np.array(all_shares)[:, :, at] for at, name in enumerate(names)},
    x=np.arange(0, 8_000, 50),
    title="After each switch the vote goes to whoever knows that world",
    x_label="ratings",
    y_label="share of the vote, %",
    roles={"knows world A": "model", "knows world B": "challenger", "learns on": "baseline"},
)
figures.mark_drift(axes, range(2_000, 8_000, 2_000), label="switch")
when = {world: np.median(np.array(all_shares)[:, :, world], axis=0) for world in (0, 1)}
figures.show(
    axes,
    alt="Shares of three members while two worlds take turns every 2,000 ratings, medians of 10 streams with bands. At the ends of the four turns, member A has"
    f" {', '.join(f'{when[0][at]:.0%}' for at in (39, 79, 119, 159))} and member B"
    f" {', '.join(f'{when[1][at]:.0%}' for at in (39, 79, 119, 159))}.",
)

# %% [markdown]
# **An ensemble that is told nothing beats each of its members and comes close to being
# told which world it is.** It comes with a promise: on *any* stream, its total squared
# error exceeds that of the best member by no more than $2 (b - a)^2 \ln N$ (for
# $\alpha = 0$), however long the stream. With switches it costs more:

# %%
lead = ((mixed - future.targets) ** 2).sum() - ((oracle - future.targets) ** 2).sum()
allowed = WeightedEnsemble(members, target_range=(1, 5), share=0.001).regret_bound(8_000, n_switches=3)
f"against four turns of A and B, measured {lead:+.0f}, allowed {allowed:+,.0f}"

# %% [markdown]
# **Try it.** What becomes of the ensemble with `alpha=0`?
#
# <details><summary>What you should see</summary>
#
# In the end it is the third member and nothing else. While world A lasts, the share of
# B shrinks to almost nothing. After the switch it would have to be won back factor by
# factor; the learner gets there first, takes the whole vote, and neither expert ever
# returns. With $\alpha$ no share falls far below $\alpha/N$, from where it comes back
# within a few hundred ratings. A good $\alpha$ is about one over the number of events
# between changes.
#
# </details>
#
# ## 5. What if some events are lies?
#
# Who can send events can teach your model. That is **poisoning**: ratings by bots,
# clicks by a competitor. By hand: nine gradients of 1 and one lie of $-100$ have the
# mean $-9.1$. One event in ten has turned the step around. Two repairs:
#
# - **clip**: no event may pull harder than $c$. With $c = 2$ the mean is
#   $(9 - 2)/10 = 0.7$;
# - **trim**: in each mini-batch and for each weight, drop the largest and the smallest
#   tenth. What is left has the mean 1.
#
# $$g^{clip} = g \cdot \min\!\Big(1, \frac{c}{\lVert g \rVert}\Big) \qquad\qquad
# g^{trim}_j = \text{mean of } g_{(k+1),j}, \dots, g_{(B-k),j}$$
#
# In words: clipping scales a gradient $g$ longer than $c$ down to that length. Trimming
# sorts the $B$ gradients of a batch, weight by weight, and takes the mean without the
# $k$ at each end.


# %%
def mean(gradients):
    return gradients.mean(axis=0)


def clipped(gradients, longest=3.0):
    lengths = np.linalg.norm(gradients, axis=1, keepdims=True)
    return (gradients * np.minimum(1, longest / np.maximum(lengths, 1e-12))).mean(axis=0)


def trimmed(gradients, share=0.1):
    k = int(share * len(gradients))
    return np.sort(gradients, axis=0)[k : len(gradients) - k].mean(axis=0)


# %%
hand, batch = np.array([1.0] * 9 + [-100.0])[:, None], gradients[:20]
assert np.allclose(clipped(batch, 1.0), np.mean([robust.clipped(each, 1.0) for each in batch], axis=0))
assert np.allclose(trimmed(batch), robust.trimmed_mean(batch, 0.1))
[round(float(combine(hand)[0]), 2) for combine in (mean, lambda g: clipped(g, 2.0), trimmed)]

# %% [markdown]
# The attack: for a given share of the events, the target becomes 10, with the sign
# turned round. **Predict.** With 5 % of lies, how many times further from the truth are
# the weights of the plain mean than without any?

# %%
guess_harm = 2  # your guess

# %%
TRUTH = np.array([1.0, -1.0, 0.5, 2.0, -0.5])
ways = {"plain mean": mean, "trimmed": trimmed, "clipped": clipped}


def harm(combine, lies, seed, lie=10.0, n=4_000, batch=20):
    """Mean distance of the weights from the truth, over the second half of the stream."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    y = np.where(rng.random(n) < lies, -lie * np.sign(X @ TRUTH), X @ TRUTH + rng.normal(size=n))
    w, sgd, distances = np.zeros(5), Descent(optim.SGD(0.1)), []
    for at in range(0, n, batch):
        x = X[at : at + batch]
        sgd.step(w, combine((x @ w - y[at : at + batch])[:, None] * x))
        distances.append(np.linalg.norm(w - TRUTH))
    return np.mean(distances[len(distances) // 2 :])


# %%
lies = np.array([0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3])
harms = {name: np.array([[harm(way, share, seed) for share in lies] for seed in SEEDS]) for name, way in ways.items()}
typical = pd.DataFrame({name: np.median(each, axis=0) for name, each in harms.items()}, index=[f"{each:.0%}" for each in lies])
print(f"{typical['plain mean']['5%'] / typical['plain mean']['0%']:.0f} times; you said {guess_harm}")
typical.rename_axis("lies").round(2)

# %%
axes = figures.plot_curves(
    harms,
    x=100 * lies,
    title="A few lies move the mean; clipping holds longest",
    x_label="events that are lies, %",
    y_label="distance from the truth",
    roles={"plain mean": "alarm", "trimmed": "challenger", "clipped": "model"},
)
figures.show(
    axes,
    alt="Distance of the weights from the truth against the share of lies, with bands of 10 streams. At 10 % lies: "
    + ", ".join(f"{name} {typical[name]['10%']:.2f}" for name in ways)
    + ". At 30 %: "
    + ", ".join(f"{name} {typical[name]['30%']:.2f}" for name in ways)
    + ".",
)

# %% [markdown]
# **Clipping and trimming cost nothing here without lies, and with 5 % of lies they hold
# most of the harm off.** Neither makes lies harmless. Trimming a tenth at each end
# fails once more than about a tenth are lies. A clipped lie still pulls, with every
# event.
#
# **Try it.** You are the attacker and know about the clipping. Take 20 % of lies, and
# let `lie` be 3, 10 and 100.
#
# <details><summary>What you should see</summary>
#
# The plain mean suffers in proportion to the size of the lie. Clipping does not care:
# all three do the same harm, about 0.4. You gain nothing by lying louder, only by lying
# more often. That is what a robust update buys.
#
# </details>
#
# So what does a sensible attacker do? Lie quietly and often. `RobustLearner` clips the
# errors of any learner at three times their usual size. A film that people give 7.4
# points is attacked by 40 invented users, once with absurd ratings of -1,000, once with
# ordinary ratings of 1. What is it then said to be worth, with and without protection?

# %%
ratings = datasets.load().ratings.slice(0, 20_000)
FILM = "1217209"


def worth_after(attack, learner):
    """What somebody new is told about the film, after 20,000 honest ratings and the forged ones."""
    attacked, _ = robust.push_attack(ratings, item_id=FILM, target=attack, share=0.002, seed=0)
    for sample in attacked:
        learner.partial_fit(sample)
    return learner.predict("somebody new", FILM)


protections = {"plain": lambda learner: learner, "RobustLearner": robust.RobustLearner}
worth = {
    name: {f"ratings of {attack:,}": worth_after(attack, protect(OnlineMatrixFactorization(10))) for attack in (-1_000, 1)}
    for name, protect in protections.items()
}
pd.DataFrame(worth).T.round(1)

# %% [markdown]
# Against the loud lie the protection takes nearly all of the harm away, and -1.8 is
# still absurd: a check of the range of ratings costs less and does more. Against the
# quiet lie it does nothing. Each event is ordinary, only their number is not. For that
# you need limits per account, a gate before a new version goes live, and a rollback
# after (lesson 06).
#
# ## Break it once
#
# **Fault 1: steps too long.** On an event with features $x$, a step of squared loss
# multiplies the error on that event by $1
# - \eta \lVert x\rVert^2$. Above $\eta = 2 / \lVert x \rVert^2$ each step makes it
#   larger. Here are three random features for each rating, a rate of 1, and no box:

# %%
wild = OnlineLinearModel("squared", optim.SGD(1.0), use_ids=False)
try:
    wild.partial_fit_many(replace(informed.slice(0, 3_000), features=list(X)))
except errors.CourseKitError as error:
    print(error)

# %% [markdown]
# The target in the message is an ordinary rating. Nothing is wrong with the event: the
# weights were already beyond all bounds. The learner refuses before the numbers turn
# into infinities, and what it knew is still there to look at. Make steps shorter, scale
# the features, or give the optimizer a `radius`.
#
# **Fault 2: constant steps, constant unrest.** The world is calm. Does more data help?

# %%
long_stream = linear_stream(seed=1, n=20_000)
unrest = {}
for name, optimizer in {"constant": optim.SGD(0.1), "shrinking": optim.SGD(0.5, decay=0.5)}.items():
    w, far, descent = np.zeros(3), [], Descent(optimizer)
    for x, target in zip(*long_stream, strict=True):
        descent.step(w, (x @ w - target) * x)
        far.append(np.linalg.norm(w - [1.0, -1.0, 0.5]))
    unrest[name] = [np.mean(far[1_000:2_000]), np.mean(far[10_000:20_000])]
pd.DataFrame(unrest, index=["events 1,000 to 2,000", "events 10,000 to 20,000"]).T.round(3)

# %% [markdown]
# Not with constant steps. They throw the weights about the truth for ever, at a
# distance that the rate decides. It is the price of staying awake (section 4). Pay it
# only where the world moves.
#
# ## In production
#
# The optimizer is the smallest part of a learner and decides how it ages. Serve one
# that suits your stream, let a few rivals run along, and keep their votes. Clip every
# event, log how often the clip was used, and treat a sudden rise as an alarm.

# %%
figures.show(
    figures.plot_platform(lit=["learner"], title="This lesson: how the learner moves"),
    alt="The platform as a loop from people to people. Lit is the learner, which every event moves.",
)

# %% [markdown]
# ## Takeaways
#
# 1. Regret is what one fixed choice in hindsight would have saved; a bound promises its
#    shape, not its size (figure of section 1).
# 2. A rate for each weight learns what is rare, and a memory that fades can walk the
#    wrong way (figures of section 2).
# 3. Most weights may be 0, and the optimizer can find out which (figure of section 3).
# 4. Shrinking rates are for calm worlds, constant ones for restless worlds; a weighted
#    vote need not choose (figures of section 4).
# 5. Clipping and trimming bound what a liar can do with one event, not what many liars
#    can do (figure of section 5).
#
# ## Questions
#
# ### Beginner
#
# **1. Your model's regret per event falls to 0. Is it a good model?**
#
# <details><summary>Model answer</summary>
#
# It is as good as the best *fixed* weights of its own form, no more. If that form is
# poor (a straight line for a curve), so is the model. And if the world changes, the
# best fixed weights are poor themselves. Look at the error as well, and at error over
# time.
#
# </details>
#
# **2. When is a constant step better than one that shrinks?**
#
# <details><summary>Model answer</summary>
#
# When what is to be learnt moves. A constant step forgets at a constant pace, so it
# follows. The price is unrest that never ends (fault 2). A shrinking step averages over
# everything seen, which is best if all of it is from one world, and ever slower to
# notice that it is not.
#
# </details>
#
# ### Intermediate
#
# **3. How would you use an ensemble of online models for a recommender, and what does
# it cost?**
#
# <details><summary>Model answer</summary>
#
# Take members that fail at different times: short and long memory, models of past
# seasons, a plain baseline. Predict with the weighted mean; after each event let all of
# them learn and multiply each share by $e^{-\eta\,\ell_i}$, with the loss $\ell_i$ of
# its member, and divide by their sum. It costs the sum of all members in time and
# memory, and in total loss only a logarithm of their number. Members that always agree
# cost and add nothing. A small fixed share keeps the forgotten ones ready to return.
#
# </details>
#
# **4. Your learner sees ratings only of what it recommended. Which promise of this
# lesson breaks, and what would help?**
#
# <details><summary>Model answer</summary>
#
# Regret here assumes that after each event the loss of *every* choice can be computed.
# If you only see the answer to what you showed, you do not know what another item would
# have got, and a learner that is wrong about an item never shows it again and never
# finds out. You have to show something less promising now and then, which is
# exploration, and weight what you see by how likely it was to be shown. The lesson on
# bandits does this; its EXP3 is the vote of section 4 with such weights.
#
# </details>
#
# ### Advanced
#
# **5. Which convergence guarantees do you have for online learning of a matrix
# factorization?**
#
# <details><summary>Model answer</summary>
#
# Few. The regret bounds need convex losses, and the product of two unknown factors is
# not convex: there are several equally good solutions and saddle points. For fixed user
# factors the problem is convex in those of the items, and the other way round; with
# steps whose sum is infinite and whose squares have a finite sum, SGD converges to a
# stationary point if the data come from one distribution. With constant steps or drift
# there is no convergence at all, only tracking within a distance. What you can always
# have is a promise around the model: the ensemble of section 4 needs nothing from its
# members.
#
# </details>
#
# **6. How would you attack an online learner, and how would you defend it?**
#
# <details><summary>Model answer</summary>
#
# Send events that pull in one direction: many accounts, each below every limit, slowly
# enough that drift detectors adapt. Or send noise, so that real drift is missed.
# Defence comes in layers: limit events per account, check their range, clip what each
# may move, take trimmed means over batches, compare with a slow model and with a small
# trusted stream before an update goes live, keep checkpoints and roll back. No update
# is safe against a majority of lies.
#
# </details>
#
# ## Further reading
#
# - E. Hazan,
#   [Introduction to online convex optimization](https://arxiv.org/abs/1909.05207): the
#   textbook of sections 1 and 2, free; chapter 3 has the proof of the bound on half a
#   page.
# - H. B. McMahan et al.,
#   [Ad click prediction: a view from the trenches](https://doi.org/10.1145/2487575.2488200)
#   (2013): FTRL-Proximal where it was needed, with what worked and, rarer, what did
#   not.
# - S. Reddi, S. Kale and S. Kumar,
#   [On the convergence of Adam and beyond](https://arxiv.org/abs/1904.09237) (2018):
#   streams like that of section 2, why the published proof was wrong, and the repair.
# - M. Herbster and M. K. Warmuth,
#   [Tracking the best expert](https://doi.org/10.1023/A:1007424614876) (1998): the
#   fixed share of section 4, with the bound for any number of switches.
# - D. Yin et al.,
#   [Byzantine-robust distributed learning](https://arxiv.org/abs/1803.01498) (2018):
#   what trimmed means can promise against a given share of lies, and what nobody can.
#
# Next: [08 · Versions and shipping safely](08_model_registry.ipynb) · Back: [06 · Adapting to drift](06_adaptation.ipynb)
