# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 06 · Adapting to drift
#
# **You put a manager around a learner: it decides when to learn, answers an alarm for
# as long as the answer helps, and can go back to any checkpoint as if nothing had
# happened since.**
#
# After this lesson you are able to
#
# - choose between four learning modes by what they cost and what they gain;
# - raise a learning rate so that it stays raised, and see when it does not;
# - compare answers to an alarm, and say why starting afresh is usually the worst;
# - make checkpoints that hold everything, and prove that a rollback is exact;
# - read the whole of Part I from one figure and one table.
#
# 60 minutes · modules [manager](../coursekit/learning/adaptation/manager.py),
# [responses](../coursekit/learning/adaptation/responses.py),
# [learning_rate](../coursekit/learning/optim/learning_rate.py) and
# [checkpoints](../coursekit/learning/adaptation/checkpoints.py) · you come from
# [05 · Detecting drift](05_drift_detection.ipynb)

# %% [markdown]
# ## Why: an alarm does not repair anything
#
# In the world of lesson 01, everybody begins to rate half a point higher, half-way
# through 5,000 ratings. One model is retrained from scratch after every 1,000 ratings,
# as many are in practice. The other learns online, and has a manager that listens to a
# drift detector. Twenty such worlds:

# %%
import copy

import numpy as np
import pandas as pd

from coursekit import datasets, figures
from coursekit.core import errors, events
from coursekit.learning import drift
from coursekit.learning.adaptation import monitor, responses
from coursekit.learning.drift import mean_and_scale
from coursekit.learning.optim import learning_rate
from coursekit.learning.learners.factorization_machine import OnlineFactorizationMachine
from coursekit.learning.adaptation.manager import OnlineLearningManager
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
from coursekit.learning.learners.neural_cf_compiled import CompiledNeuralCollaborativeFiltering

figures.use_course_style()
worlds = [datasets.rating_stream(seed=seed) for seed in range(20)]  # 100 users, 200 items, 5,000 ratings, +0.5 from 2,500 on


# %%
def losses_of(stream, mode, answer=responses.Boost, **settings):
    """Let a manager with a new learner process a stream; return the squared error of each prediction on arrival."""
    learner = OnlineMatrixFactorization(n_factors=10)
    return OnlineLearningManager(learner, mode, response=answer(), **settings).process_many(stream).losses


def rmse_in_blocks(losses, size=250):
    return np.sqrt(losses.reshape(-1, size).mean(axis=1))


# %%
ends = np.arange(250, 5_001, 250)
retrained = [rmse_in_blocks(losses_of(world, "batch", enable_drift_detection=False)) for world in worlds]
managed = [rmse_in_blocks(losses_of(world, "adaptive")) for world in worlds]

# %%
first_500 = {name: np.median(runs, axis=0)[10:12].mean() for name, runs in {"retrained": retrained, "managed": managed}.items()}
axes = figures.plot_curves(
    {"retrained every 1,000": np.array(retrained)[:, 5:], "managed": np.array(managed)[:, 5:]},
    x=ends[5:],
    title=f"After the change: {first_500['retrained']:.2f} points wrong, or {first_500['managed']:.2f}",
    x_label="ratings seen",
    y_label="RMSE, rating points",
    roles={"retrained every 1,000": "baseline", "managed": "model"},
)
figures.mark_drift(axes, 2_500)
figures.show(
    axes,
    alt="Line chart of the error of 20 worlds from the 1,250th rating on, median and 10-90 % band. In the 500 ratings after the"
    f" change at 2,500 the retrained model is wrong by {first_500['retrained']:.2f} points; the managed one by"
    f" {first_500['managed']:.2f}, and back where it was after the first 250.",
)

# %% [markdown]
# **The managed model is back to its old error after 250 ratings, the retrained one has
# to wait for its next training, and then learns from a mixture of two worlds.** Lesson
# 05 ended with an alarm, which is a question: what now? This lesson answers it. Four
# things have to be decided: *when* to learn, *how fast*, *what to do at an alarm*, and
# *how to go back* if that was wrong.
#
# ## 1. When should a learner learn?
#
# The learner predicts every event when it arrives. When it *learns* the event is a
# choice, and the choice is called the **mode**:
#
# | mode | learns | good when |
# |---|---|---|
# | `single_sample` | each event, at once | a step is cheap |
# | `mini_batch` | 32 events together, say | a step has a fixed cost (a network, a database) |
# | `batch` | from scratch, every 1,000 events, on the last 10,000 | nothing may change without approval |
# | `adaptive` | in mini-batches while all is calm, one by one after an alarm | both matter |
#
# By hand: with mini-batches of $b$ events, the first one of a batch waits for $b - 1$
# others, the last one for none. So on average
#
# $$\text{wait} = \frac{b - 1}{2}$$
#
# In words: an event is used half a batch late. With $b = 32$ that is 15.5 events.
# **Predict**: a stream of 100 events ends. How many of them has a learner with batches
# of 32 *not* learnt?

# %%
tail_guess = 0  # your guess

# %%
manager = OnlineLearningManager(OnlineMatrixFactorization(n_factors=10), "mini_batch", batch_size=32)
reports = [manager.process_sample(sample) for sample in worlds[0].slice(0, 100)]
f"you said {tail_guess}, {reports[-1].n_buffered} wait in the buffer"

# %% [markdown]
# They wait for a batch that never fills, and if the process ends now, they are lost.
# **The tail of a buffer is data, too.** `flush()` learns it; every place that stops a
# manager has to call it.

# %%
assert manager.flush() == 4
stats = manager.get_learning_stats()
stats.samples_processed, stats.samples_learnt, stats.n_buffered

# %% [markdown]
# A `StepReport` says the same things in every mode: the prediction, its loss, how many
# events were learnt in this step and how many wait, whether the detector spoke, the
# learning rate and the model's version. Now all four modes in the twenty worlds:

# %%
modes = ("batch", "mini_batch", "adaptive", "single_sample")
by_mode = {mode: [rmse_in_blocks(losses_of(world, mode)) for world in worlds] for mode in modes}

# %%
roles = {"batch": "baseline", "mini_batch": "second", "adaptive": "model", "single_sample": "challenger"}
after = {mode: [run[10] for run in runs] for mode, runs in by_mode.items()}
axes = figures.plot_dots(
    after,
    title=f"Right after the change, batch mode is {np.median(after['batch']) - np.median(after['adaptive']):.2f} points behind",
    x_label="RMSE on the 250 ratings after the change, rating points",
    roles=roles,
    number_format="{:.3f}",
)
figures.show(
    axes,
    alt="Dot chart of the error on the 250 ratings after the change, median and 10-90 % interval of 20 worlds: "
    + "; ".join(f"{mode} {np.median(each):.3f}" for mode, each in after.items())
    + ".",
)

# %% [markdown]
# **Right after the change adaptive mode is as good as learning one by one, and it pays
# for single steps only while it needs them.** A detector has to see *every* error, in
# every mode. One that is shown a single mean per batch hears of 32 times fewer values:
# it needs 32 times as long to have seen 100 of them, and the mean hides what it looks
# for.
#
# **Try it.** Set `batch_size=256` in `losses_of(world, mode, batch_size=256)`. Which
# two modes become worse, and which of the two recovers?
#
# <details>
# <summary>What you should find</summary>
#
# Mini-batch and adaptive mode: both learn up to 255 events late while all is calm.
# Right after the change mini-batch mode is 0.86 points wrong, instead of 0.79. Adaptive
# mode stays at 0.77: after the alarm it learns at once what has waited, and from then
# on each event as it comes. Batch mode has no mini-batches.
#
# </details>
#
# ## 2. How long does a raised learning rate have to last?
#
# After a change, old experience is worth less and new experience is worth more: so
# learn faster. We multiply the learning rate by a factor that falls back to 1:
#
# $$\eta_t = \eta \cdot \big(1 + (f - 1) \cdot 2^{-10\,t/n}\big)$$
#
# In words: $t$ events after the alarm, the rate is the usual rate $\eta$ (eta), raised
# by the factor $f$ at first; of the raise, half is left after $n/10$ events, and
# nothing after $n$. By hand, with $f = 2$ and $n = 500$: twice $\eta$ at the alarm, one
# and a half times after 50 events, one and a quarter after 100.
#
# Many systems have exactly this idea, and a fault in it. The learning rate also has a
# **schedule**, which lowers it when learning stalls. Who writes last? Read the loop,
# and find out for how many events the rate is raised:


# %%
def adapt_naively(learner, schedule, detector, stream):
    """Learn, follow the schedule, and double the rate at an alarm; return the rate that each event was learnt with."""
    rates = []
    for sample in stream:
        detector.update(sample.target - learner.predict(sample.user_id, sample.item_id))
        if detector.drift_detected:
            learner.learning_rate *= 2
        rates.append(learner.learning_rate)
        loss = learner.partial_fit(sample)
        learner.learning_rate = schedule.update(loss)
    return np.array(rates)


# %% [markdown]
# **Predict**: for how many events?

# %%
boost_guess = 500  # your guess


# %%
def sgd():
    return OnlineMatrixFactorization(n_factors=10, optimizer="sgd", learning_rate=0.05)


def schedule():
    return learning_rate.AdaptiveLearningRate(initial_lr=0.05, min_lr=0.01)


naive = adapt_naively(sgd(), schedule(), mean_and_scale.MeanAndScale(), worlds[0])
f"you said {boost_guess}, it is {np.sum(naive > 0.05)}"

# %%
manager = OnlineLearningManager(sgd(), "single_sample", schedule=schedule())
lasting = np.array([manager.process_sample(sample).learning_rate for sample in worlds[0]])
shown = slice(2_400, 3_200)

# %%
axes = figures.plot_curves(
    {"lasting": lasting[shown], "overwritten": naive[shown]},
    x=np.arange(2_400, 3_200),
    title="The next event writes over the raised rate",
    x_label="ratings seen",
    y_label="learning rate",
    roles={"overwritten": "alarm", "lasting": "model"},
)
figures.mark_drift(axes, 2_500)
figures.show(
    axes,
    alt=f"Line chart of the learning rate around the change at 2,500. In the naive loop it jumps to {naive.max():.2f} for a single"
    f" event; with the manager it jumps to {lasting.max():.2f} and falls back to its schedule within 500 events.",
)

# %% [markdown]
# **The schedule writes over the boost one event later: the alarm was raised, the log
# says "rate doubled", and nothing was answered.** In the manager the rate has one
# owner. It is computed anew after every event as *schedule times boost*, so neither can
# undo the other. (There the rate rises more than twofold: an alarm also restarts the
# schedule, which had come down to about 0.03, at 0.05, and the boost doubles that.)
#
# Does it matter? And is a raised rate enough? The learner of lesson 02 is a *belief*:
# it knows how sure it is, takes small steps where it is sure, and a raised rate alone
# does not make it doubt. So `Boost` can also **discount the evidence**: of what was
# learnt, only a share of `keep_evidence` still counts. Four managers: without an
# answer, with a boost of one event, with one of 500 events, and with one of 500 events
# and doubt.

# %%
boosts = {
    "no answer": responses.NoResponse,
    "for one event": lambda: responses.Boost(n_samples=1, keep_evidence=1.0),
    "for 500 events": lambda: responses.Boost(n_samples=500, keep_evidence=1.0),
    "and with doubt": lambda: responses.Boost(n_samples=500, keep_evidence=0.01),
}
by_boost = {
    name: [rmse_in_blocks(losses_of(world, "adaptive", each), 100) for world in worlds] for name, each in boosts.items()
}

# %%
medians = {name: np.median(runs, axis=0) for name, runs in by_boost.items()}
late = {name: np.mean(each[26:30]) for name, each in medians.items()}

# %%
axes = figures.plot_curves(
    {name: each[20:40] for name, each in medians.items()},
    x=np.arange(2_100, 4_001, 100),
    title=f"A boost of one event changes nothing: {late['for one event']:.2f} like no answer",
    x_label="ratings seen",
    y_label="RMSE, rating points",
    roles={"no answer": "baseline", "for one event": "alarm", "for 500 events": "second", "and with doubt": "model"},
)
axes.set(ylim=(0.64, 0.86))
figures.mark_drift(axes, 2_500)
figures.show(
    axes,
    alt="Line chart of the error in blocks of 100 around the change at 2,500, medians of 20 worlds. From 2,600 to 3,000"
    + " it is "
    + ", ".join(f"{value:.2f} points ({name})" for name, value in late.items())
    + "; the first two lines run together.",
)

# %% [markdown]
# **Only a boost that lasts brings the error down, and doubt brings it down further.**
# (The lines are medians of 20 worlds; their bands would hide each other.) By default
# `Boost` has both: twice the rate at first, 500 events, a hundredth of the evidence.
# Plain SGD keeps no account of its evidence; for it, the rate is all there is.
#
# The schedule has a trap of its own, which the package avoids: a naive one compares
# each noisy loss with the *smallest ever seen*. One lucky event, and no later loss is
# ever better: so the rate decays for ever.

# %%
stationary = datasets.rating_stream(seed=0, drift=None)
naive_rate, least, n_waited, ours = 0.05, np.inf, 0, schedule()
for loss in sgd().partial_fit_many(stationary):
    least, n_waited = (loss, 0) if loss < least else (least, n_waited + 1)
    if n_waited >= 100:
        naive_rate, n_waited = max(naive_rate * 0.95, 0.01), 0
    ours.update(float(loss))
f"after 5,000 events of an unchanged world: naive {naive_rate:.3f}, with smoothed losses {ours.learning_rate:.3f}"

# %% [markdown]
# ## 3. What is the right answer to an alarm?
#
# There is more than one. The textbooks' favourite is to **start afresh**. Others keep a
# **second model** that is always young, and let it take over if it has lately been
# better. And one can do without alarms, and **boost on a schedule**. By hand: a model
# that knows 100 users and 200 items has learnt 300 biases. The change moved one number,
# the level. Starting afresh throws away 300 numbers that are right to correct one that
# is wrong. **Predict**: in the 1,000 ratings after the change, doing nothing has an
# RMSE of 0.72. What has starting afresh?

# %%
reset_guess = 0.72  # your guess

# %%
answers = {
    "nothing": {"answer": responses.NoResponse},
    "start afresh": {"answer": responses.Reset},
    "second model": {"answer": responses.PairedLearner},
    "boost": {"answer": responses.Boost},
    "boost every 500": {"answer": responses.Boost, "detector": monitor.PeriodicAlarm(500)},
}
shapes = {
    "no change": {"drift": None},
    "level +0.5": {},
    "tastes turn": {"drifting": "tastes", "drift": datasets.AbruptDrift(size=1.0)},
    "level, on and off": {"drift": datasets.RecurringDrift(start=2_500, period=600, size=0.7)},
}


# %%
def late_rmse(stream, settings):
    losses = losses_of(stream.slice(0, 3_500), "single_sample", **copy.deepcopy(settings))
    return np.sqrt(losses[2_500:].mean())


# %%
scores = {
    shape: {
        name: [late_rmse(datasets.rating_stream(seed=seed, **how), each) for seed in range(10)]
        for name, each in answers.items()
    }
    for shape, how in shapes.items()
}
table = pd.DataFrame({shape: {name: np.median(each) for name, each in rows.items()} for shape, rows in scores.items()})
table.round(3)

# %% [markdown]
# The numbers are RMSE on the ratings from 2,500 to 3,500, medians of ten worlds, all
# learning one by one.

# %%
f"you said {reset_guess}, it is {table.loc['start afresh', 'level +0.5']:.2f}"

# %% [markdown]
# Three answers to the change of level, as curves:

# %%
compared = {"nothing": "baseline", "start afresh": "alarm", "boost": "model"}
courses = {}
for name in compared:
    losses = [losses_of(world, "single_sample", **copy.deepcopy(answers[name])) for world in worlds[:10]]
    courses[name] = np.median([rmse_in_blocks(each, 100) for each in losses], axis=0)
costs = table["level +0.5"] - table.loc["nothing", "level +0.5"]

# %%
axes = figures.plot_curves(
    {name: each[20:40] for name, each in courses.items()},
    x=np.arange(2_100, 4_001, 100),
    title=f"Starting afresh costs {costs['start afresh']:.2f} points, a boost gains {-costs['boost']:.2f}",
    x_label="ratings seen",
    y_label="RMSE, rating points",
    roles=compared,
)
figures.mark_drift(axes, 2_500)
figures.show(
    axes,
    alt="Line chart of the error in blocks of 100 around the change at 2,500, medians of ten worlds. In the thousand ratings after it"
    " the largest error is "
    + ", ".join(f"{each[25:35].max():.2f} points ({name})" for name, each in courses.items())
    + ". The fresh model stays above both others up to the end at 4,000.",
)

# %% [markdown]
# **Starting afresh is worse than doing nothing, and a boost is better.** The fresh
# model has to learn everything again, and for what? The rest of the table:
#
# - *No change*: the detector keeps quiet, so nobody pays. Boosting every 500 ratings
#   does, because it answers questions that nobody asked.
# - *Tastes turn*: hardly any alarm, and no answer helps. With 25 ratings per user
#   little of their taste had been learnt, so there is little to unlearn.
# - *Level, on and off*: starting afresh and the second model both lose to doing
#   nothing. What they throw away is needed again 600 ratings later.
#
# So measure an answer against *nothing*. A good detector does not save a bad answer. It
# is the same on a real stream: Elec2, 45,312 half-hours of an electricity market, will
# the price go up or down? An online logistic regression with AdaGrad answers; the table
# shows the share of wrong answers (from
# [tests/benchmarks/RESULTS.md](../tests/benchmarks/RESULTS.md)):
#
# | alarms from | nothing | start afresh | second model | boost | boost, 5 times for 1,000 |
# |---|---|---|---|---|---|
# | our likelihood ratio | 0.3090 | 0.3391 | 0.3202 | 0.1992 | 0.1688 |
# | River's ADWIN | 0.3090 | 0.3299 | 0.3188 | 0.2376 | 0.2149 |
# | no detector: every 200 events | 0.3090 | 0.3403 | 0.3225 | 0.1965 | 0.1505 |
#
# Forgetting loses, boosting wins. But read the last row, too: a schedule does as well
# as an alarm. This market never stands still, and plain SGD at a constant, larger rate
# is wrong in 0.1446 of all cases, without any detector. Compare with *nothing*, and
# compare with *simple*.
#
# **Try it.** How much of the past should a boost trust? Compare
# `responses.Boost(keep_evidence=0.01)` with 0.1 and 1.0 in the columns "level +0.5" and
# "level, on and off".
#
# <details>
# <summary>What you should find</summary>
#
# The less of the past is trusted, the better: 0.703, 0.704 and 0.716 points after one
# change, 0.725, 0.734 and 0.757 when the level goes on and off. With 1.0 only the rate
# is raised, and a belief that is sure of itself hardly moves. There is a price as well,
# to be paid at each false alarm; how dear it is depends on how often your world really
# changes, and no default knows.
#
# </details>

# %% [markdown]
# ## 4. How do you go back?
#
# Sometimes what came was not a new world but garbage. Then the right answer is to undo
# it. A **checkpoint** is everything that the future depends on, at one moment; a
# **rollback** continues from there, *bit for bit*, as if the events since had never
# come.
#
# By hand, two ways to get it wrong. The first: a checkpoint that is a name and not a
# copy.

# %%
biases = {"ada": 0.5, "bob": -0.2}
checkpoint = {"biases": biases}  # "saved"
biases["ada"] += 4.0  # learning goes on ...
checkpoint["biases"]["ada"]  # ... in the checkpoint

# %% [markdown]
# The second: a checkpoint of the *learner* only. What else does the next prediction
# depend on? In symbols, the state is
#
# $$S_t = (\text{learner},\ \text{schedule},\ \text{boost},\ \text{detector},\ \text{buffer},\ \text{counters})_t
# \qquad\text{and}\qquad S_{t+1} = F(S_t,\ x_{t+1})$$
#
# In words: the next state is a function $F$ of the present one, $S_t$, and of the next
# event $x_{t+1}$, and of nothing else. Leave out one part, and the future is another
# one.
#
# An attack: after 3,000 ratings, a program sends 300 ratings of 10. A twin of our model
# never sees them. **Predict**: of the 2,000 predictions after the rollback, how many
# are *exactly* those of the twin, to the last bit?

# %%
same_guess = 1_900  # your guess

# %%
world = worlds[1]
attack = events.Chunk(user_ids=list(range(100)) * 3, item_ids=list(range(100, 200)) * 3, targets=np.full(300, 10.0))


# %%
def managed_until_3000():
    manager = OnlineLearningManager(sgd(), "adaptive", schedule=schedule(), checkpoint_interval=1_000)
    manager.process_many(world.slice(0, 3_000))  # the third checkpoint is made here
    return manager


# %%
twin, attacked, half_restored, rolled_back = (managed_until_3000() for _ in range(4))
only_learner = half_restored.learner.get_model_state()  # a copy, not a name
for manager in (attacked, half_restored, rolled_back):
    manager.process_many(attack)
half_restored.learner.set_model_state(only_learner)
gone_back_to = rolled_back.rollback_to_checkpoint(3_000)

# %% [markdown]
# Now all four go on with the same 2,000 ratings, which nobody has tampered with.

# %%
futures = {"twin": twin, "attacked": attacked, "learner only": half_restored, "rolled back": rolled_back}
predictions = {name: manager.process_many(world.slice(3_000, 5_000)).predictions for name, manager in futures.items()}
n_same = {name: int(np.sum(each == predictions["twin"])) for name, each in predictions.items()}
assert n_same["rolled back"] == 2_000
f"you said {same_guess:,}, it is {n_same['rolled back']:,}; if only the learner is put back, {n_same['learner only']:,}"

# %%
truth = world.slice(3_000, 5_000).targets
after_attack = {name: rmse_in_blocks((truth - each) ** 2, 100) for name, each in predictions.items() if name != "twin"}

# %%
axes = figures.plot_curves(
    after_attack,
    x=np.arange(3_100, 5_001, 100),
    title=f"300 poisoned ratings cost {after_attack['attacked'][0] - after_attack['rolled back'][0]:.1f} points at first, a rollback nothing",
    x_label="ratings seen",
    y_label="RMSE, rating points",
    roles={"attacked": "alarm", "learner only": "baseline", "rolled back": "model"},
)
figures.show(
    axes,
    alt="Line chart of the error after the attack, in blocks of 100. Without a rollback it begins at"
    f" {after_attack['attacked'][0]:.1f} points; with the learner alone put back at {after_attack['learner only'][0]:.2f}; with a full"
    f" rollback at {after_attack['rolled back'][0]:.2f}, the same as if the attack had never come.",
)

# %% [markdown]
# **After a rollback all 2,000 predictions are the twin's, to the last bit; with the
# learner alone put back, hardly any is.** The boost that the attack had set off was
# still running, and the detector still remembered it. In the figure the two lines look
# alike: such a fault is found by equality, and not by looking. The test for a
# checkpoint is therefore simple and merciless: *are they equal*, not *are they close*.
#
# One thing does not go back: `model_version` gets a new number, because no two models
# may share one. On disk, `manager.save(path)` and `manager.load(path)` do the same, as
# numbers and text with a checksum; never as a pickle, which runs code when it is
# opened.
#
# **Try it.** Leave out `checkpoint_interval=1_000`, and pass `max_checkpoints=1`. Which
# checkpoints are there after 3,000 events? What happens if you ask for the one at
# 2,000?
#
# <details>
# <summary>What you should find</summary>
#
# 1,000 is the default interval, so checkpoints are made as before, but only the newest
# is kept: 3,000. Asked for 2,000, the manager raises an `UnknownNameError` that lists
# the checkpoints there are, and changes nothing.
#
# </details>
#
# ## 5. Part I on one page: which learner, which mode, which drift?
#
# Now everything together. A world of 100 users, 200 items and 5,000 ratings changes
# half-way. Three learners meet two kinds of drift in four modes, in ten worlds each.
# The manager is at its defaults throughout; nothing was tuned for this page.

# %%
learners = {
    "MF": lambda: OnlineMatrixFactorization(n_factors=10),
    "FM": lambda: OnlineFactorizationMachine(n_factors=10),
    "neural CF": lambda: CompiledNeuralCollaborativeFiltering(),
}
drifts = {"level +0.5": shapes["level +0.5"], "tastes turn": shapes["tastes turn"]}
cases = [(learner, kind) for kind in drifts for learner in learners]

# %% [markdown]
# **Predict**: which learner has the smallest error after the change, in its best mode?

# %%
winner_guess = "neural CF"  # your guess


# %%
def losses_of_case(learner, kind, mode):
    """Return the losses of ten worlds, shape (10, 5000)."""
    chunks = [datasets.rating_stream(seed=seed, **drifts[kind]) for seed in range(10)]
    return np.array([OnlineLearningManager(learners[learner](), mode).process_many(chunk).losses for chunk in chunks])


losses = {(learner, kind, mode): losses_of_case(learner, kind, mode) for learner, kind in cases for mode in modes}


# %%
def late(case, mode):
    return np.median(np.sqrt(losses[*case, mode][:, 2_500:3_500].mean(axis=1)))


page = pd.DataFrame({mode: {case: late(case, mode) for case in cases} for mode in modes})
page.index.names = ["learner", "drift"]
means = page.min(axis=1).groupby("learner", sort=False).mean()
f"you said {winner_guess}, it is {' and '.join(means.index[means < means.min() + 0.0005])}"

# %%
page.round(3)

# %% [markdown]
# The table: RMSE on the 1,000 ratings after the change, median of ten worlds. The noise
# alone is 0.50. And the figure:

# %%
panels = {
    f"{learner} · {kind}": {mode: [rmse_in_blocks(run)[5:] for run in losses[learner, kind, mode]] for mode in modes}
    for learner, kind in cases
}
gain = 100 * (1 - page["adaptive"] / page["batch"])

# %%
drawn = figures.plot_panels(
    panels,
    x=ends[5:],
    title=f"Adaptive mode is {gain.min():.0f} to {gain.max():.0f} % less wrong than retraining from scratch",
    x_label="ratings seen",
    y_label="RMSE, rating points",
    roles=roles,
)
for axes in drawn:
    figures.mark_drift(axes, 2_500, label="")
figures.show(
    drawn[0],
    alt="Six line charts of the error from the 1,250th rating on, for three learners (columns) and two drifts (rows), four modes each,"
    " median and 10-90 % band of ten worlds. For MF and FM, which look the same, batch mode is highest after the change at 2,500 and"
    " the other three lie close together; for neural CF mini-batches are as bad as batch mode, and learning one by one is best.",
)

# %% [markdown]
# **Learning one by one, all three are within about 0.01 points of each other; what
# separates them is how much they lose by waiting.** Read from the top:
#
# - MF and FM are the same to the last digit. An FM that sees nothing but two ids *is*
#   matrix factorization (lesson 03). It pays when there is more to know about an event.
# - Neural CF needs many steps: in mini-batches of 32 it is the worst of the three, one
#   by one it is nearly level with the others (lesson 04 says why).
# - A change of level hurts at once and is answered at once. A change of tastes hurts
#   little after 25 ratings per user.
# - Every number comes from seeded streams: run it again tomorrow, and it is the same.
#
# **Try it.** Add a fourth learner:
# `"biases": lambda: OnlineMatrixFactorization(n_factors=0)`. Where does it land?
#
# <details>
# <summary>What you should find</summary>
#
# Behind MF in almost every cell: by 0.03 points after the change of level, by 0.01 or
# less where tastes turn. Ten factors are worth something even on 5,000 ratings, because
# the belief uses them only where it is sure. In the figure the three columns become
# four, so pass `n_columns=4`.
#
# </details>
#
# ## Break it once: a nervous detector with a strong answer
#
# Each part can be fine on its own, and the loop be broken. Here is Page-Hinkley with a
# threshold of 5, made for small numbers, with a fresh start as its answer, in a world
# where **nothing changes**. Once the detector sees every error, and once it sees
# nothing for 500 events after each answer: the default `pause` of `Reset`.


# %%
def nervous_manager(pause):
    learner, detector = OnlineMatrixFactorization(n_factors=10), drift.PageHinkley(threshold=5)
    return OnlineLearningManager(learner, "single_sample", detector=detector, response=responses.Reset(pause))


left_alone = OnlineLearningManager(OnlineMatrixFactorization(n_factors=10), "single_sample", enable_drift_detection=False)
loops = {"nervous": nervous_manager(pause=0), "with a pause": nervous_manager(pause=500), "left alone": left_alone}
outcome = {name: float(np.sqrt(each.process_many(stationary).losses.mean())) for name, each in loops.items()}
{name: (each.get_learning_stats().n_drifts, round(outcome[name], 2)) for name, each in loops.items()}

# %% [markdown]
# 150 alarms about nothing, and each throws the model away: a fresh model makes large
# errors, large errors are what the detector waits for, and so the answer to one alarm
# is the cause of the next. A pause breaks this feedback: 9 alarms. But each of them is
# still a false alarm that throws a good model away; against these only a better
# detector helps. Let us go back to before it began:

# %%
try:
    loops["nervous"].rollback_to_checkpoint(0)
except errors.CourseKitError as error:
    print(error)

# %% [markdown]
# There is no such moment: the message lists those that were kept. Five checkpoints, one
# in every 1,000 events: nobody gets back to the time before the first.
#
# ## In production

# %%
figures.show(
    figures.plot_platform(
        lit=["learner", "evaluation", "drift", "registry"], title="This lesson: the loop from error to answer"
    ),
    alt="Diagram of the platform as a loop of nine boxes, from people over event API, learner, evaluation, registry,"
    " experiments and serving API back to people. Lit are learner, evaluation, drift detector and registry.",
)

# %% [markdown]
# - The manager runs inside the online learning service (lesson 13): events in,
#   predictions out, a checkpoint every 1,000 events.
# - A new `model_version` is a new entry of the registry (lesson 08). What happened to
#   it can be looked up: the version says which alarm it answered.
# - Stop the service with `flush()` and `save()`. A restart then continues bit for bit.
# - An answer that changes the model much should pass a gate before people see it: a
#   validation set, or an experiment (Parts II and III).
#
# ## Takeaways
#
# 1. When a learner learns is a decision of its own, and adaptive mode gets most of both
#    worlds (figures in *Why* and in section 1).
# 2. A boost has to have one owner, or the schedule writes over it; only one that lasts
#    helps (both figures in section 2).
# 3. Starting afresh loses to doing nothing; compare every answer with no answer (table
#    and figure in section 3).
# 4. A checkpoint is everything or nothing, and equality is the test (figure in section
#    4).
# 5. On one page: learners differ in how they take waiting, more than in what they can
#    learn (table and figure in section 5).
#
# **Now you.** In the exercise
# [A detector, a boost and a way back](../exercises/drift/drift.ipynb) you write all
# three yourself, in six steps, each checked at once.

# %% [markdown]
# ## Questions
#
# ### Beginner
#
# **1. Your service learns in mini-batches of 64 and is restarted every night. How much
# does it forget, and what do you change?**
#
# <details>
# <summary>A model answer</summary>
#
# On average half a batch, 32 events, and at worst 63, every night, and always those of
# the last minutes. Call `flush()` before stopping, and save the manager's state after
# it. For a crash, when nobody can call anything, events have to be stored before they
# are acknowledged, and be replayed after the last checkpoint (lesson 13).
#
# </details>
#
# **2. Which mode for a service whose model must be approved by a person before it is
# used?**
#
# <details>
# <summary>A model answer</summary>
#
# Batch: nothing may change without approval, so the model is retrained at intervals and
# the new version waits. One can let an online learner run beside it in the shadow: its
# progressive error tells when a retraining is worth asking for.
#
# </details>
#
# ### Intermediate
#
# **3. In your logs the learning rate is doubled at each alarm, and the error after
# alarms looks as if nothing had been done. What do you suspect, and how do you prove
# it?**
#
# <details>
# <summary>A model answer</summary>
#
# Another part writes the rate after the boost: a schedule, or a batch that sets it from
# its configuration. Log the rate *with which each event was learnt*, not the rate that
# was set, as in the first figure of section 2. The proof is a spike of one event. The
# repair is one owner: the rate is computed from schedule and boost at one place.
#
# </details>
#
# **4. Why is adaptive mode not simply always better than mini-batch mode?**
#
# <details>
# <summary>A model answer</summary>
#
# It is as good as its detector. A miss leaves it in mini-batches; a false alarm makes
# it learn one by one for hundreds of events, with a raised rate, from noise. For a
# neural network single steps are many times dearer. Where nothing drifts, mini-batches
# without a detector are cheaper and no worse.
#
# </details>
#
# ### Advanced
#
# **5. Somebody poisons the stream slowly, so that no alarm is raised. What do
# checkpoints help?**
#
# <details>
# <summary>A model answer</summary>
#
# Little by themselves: five checkpoints of 1,000 events reach back 5,000 events, and a
# slow attack has been going on for longer. Keep a ladder: the newest few, one per day,
# one per week. Hold the present model against an old one on trusted events; if the old
# one wins, go back that far and replay what is trusted. That needs the events as well
# as the states, so keep both.
#
# </details>
#
# **6. What does bit-for-bit equality demand of an implementation, beyond copying all
# state?**
#
# <details>
# <summary>A model answer</summary>
#
# No hidden inputs: no clock, no global random numbers, no `hash()` of strings, which
# differs from process to process. A fixed order of sums: floating-point addition is not
# associative, so chunks must give the same order as single events, and threads must not
# race. New rows have to start the same, however ids arrive. And the random state of the
# model belongs to its state.
#
# </details>
#
# ## Further reading
#
# - J. Gama et al. (2014),
#   [A survey on concept drift adaptation](https://doi.org/10.1145/2523813): the part on
#   learning and on forgetting, which is where detectors end and this lesson begins.
# - S. H. Bach and M. A. Maloof (2008),
#   [Paired learners for concept drift](https://doi.org/10.1109/ICDM.2008.119): the
#   second model, with the young one itself as the detector.
# - D. Sculley et al. (2015),
#   [Hidden technical debt in machine learning systems](https://papers.nips.cc/paper/2015/hash/86df7dcfd896fcaf2674f757a2463eba-Abstract.html):
#   why loops between parts that are each fine go wrong.
# - [`coursekit/learning/adaptation/loop.py`](../coursekit/learning/adaptation/loop.py):
#   the loop of this lesson in full. Read `answer_open_alarm` first, the only place that
#   answers an alarm, and `_set_rate`, the only one that sets the rate.
#
# Next: [07 · Online optimisation](07_online_optimization.ipynb) · Back:
# [05 · Detecting drift](05_drift_detection.ipynb)
