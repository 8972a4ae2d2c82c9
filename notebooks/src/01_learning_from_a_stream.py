# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 01 · Learning from a stream
#
# **You let a model predict every event before it learns from it, and find out why the
# number that comes out can be trusted when most others cannot.**
#
# After this lesson you are able to
#
# - say what a stream lets a model see, and what it does not;
# - write a learner: two methods, with one promise each;
# - measure any learner by progressive validation: test, then train;
# - recognise three leaks by the numbers that they produce;
# - say who pays for a model's errors, and what it costs to learn late.
#
# 60 minutes · modules [evaluation](../coursekit/evaluation/progressive.py),
# [learner](../coursekit/learning/learners/learner.py) and
# [streams](../coursekit/datasets/streams.py) · you come from
# [00 · Start here](00_start_here.ipynb)

# %% [markdown]
# ## Why: the model that stops learning knows fewer people every day
#
# Here are 50,000 ratings of films, from 0 to 10, in the order in which people tweeted
# them in the spring of 2013. One model learns from the first 5,000 and then stops. Its
# twin goes on learning. How wrong are they from then on? The figure shows the RMSE: how
# many points a prediction is off, with large errors counting more (section 3).

# %%
import numpy as np

from coursekit import datasets, evaluation, figures
from coursekit.core import errors, events
from coursekit.learning.learners import matrix_factorization

# %%
figures.use_course_style()
ratings = datasets.load().ratings  # MovieTweetings

# %%
early, later = ratings.slice(0, 5_000), ratings.slice(5_000, 50_000)
twin = matrix_factorization.OnlineMatrixFactorization(n_factors=0)  # section 2 builds it by hand
twin.partial_fit_many(early)
from_stopped = twin.predict_many(later.user_ids, later.item_ids)
from_learning = twin.predict_then_learn_many(later)

# %%
stopped = evaluation.learning_curve(later, from_stopped, n_points=15)
learning = evaluation.learning_curve(later, from_learning, n_points=15)
axes = figures.plot_learning_curves(
    {"goes on learning": learning, "stopped": stopped},
    title=f"The model that stopped ends {stopped.rmse[-1] - learning.rmse[-1]:.2f} points behind",
    x_label="ratings after the stop",
    roles={"stopped": "baseline"},
)
figures.show(
    axes,
    alt="Line chart of the error in blocks of 3,000 over the 45,000 ratings after the stop. The"
    " model that stopped begins at 1.73 points and ends at 1.84; the one that goes on"
    " learning begins at 1.67 and ends at 1.64.",
)

# %% [markdown]
# **Right after the stop the twin is 0.06 points better; in the end it is 0.20 points
# better.** Nobody's taste has to change for that. It is enough that the people change.
# In five equal parts of what came after the stop, this share of the ratings came from
# people whom the model had met:

# %%
known = set(early.user_ids)
[round(float(np.mean([user in known for user in part.user_ids])), 2) for part in later.chunks(9_000)]

# %% [markdown]
# First every second rating, in the end every third.
#
# ## 1. What does a stream let a model see?
#
# One event, then the next. This is the first of ours:

# %%
ratings[0]

# %% [markdown]
# An **event** says who (`user_id`), what (`item_id`) and what came of it (`target`). It
# says when: `timestamp` is in seconds since 1970 (UTC), and it is the time at which the
# thing happened, not the time at which we heard of it. It may carry a `weight`, how
# much it counts, and `features`, what else was known at that moment. What is in
# `metadata` is kept, and no learner reads it.
#
# | | a batch | a stream |
# |---|---|---|
# | how much is there? | all of it, now | one event, then the next; there is no last one |
# | how often may we look? | as often as we like | once, unless we keep it |
# | in which order? | ours to choose | the order of time |
# | which users and films are there? | a complete list | a list that grows |
# | when is the model used? | after training | at every event, before it learns from it |
#
# What can be learnt by looking once? A mean, for example. By hand: after the ratings 4,
# 5 and 3 the mean is 4, and all we keep is that 4 and the count 3. Now a 9 arrives. It
# surprises us by $9 - 4 = 5$, and it is one event of four.
#
# $$m_n = m_{n-1} + \frac{1}{n}\,(y_n - m_{n-1})$$
#
# In words: the new mean $m_n$ is the old mean $m_{n-1}$ plus one $n$-th of the
# surprise, where $n$ counts the events so far and $y_n$ is the newest target.
# **Predict**: where does the mean go?

# %%
mean_guess = 6.5  # your guess

# %%
mean, n = 0.0, 0
for target in [4, 5, 3, 9]:
    n += 1
    mean += (target - mean) / n
f"you said {mean_guess}, it is {mean}"

# %%
running = evaluation.RunningMean()  # the package has these three lines as well
for event in ratings:
    running.update(event.target)
assert np.isclose(running.get(), np.mean(ratings.targets))

# %% [markdown]
# Each rating was seen once, two numbers were kept, and the result is the mean that
# numpy finds in all 50,000 at once. For a mean, a stream costs nothing. A list of all
# users is another matter. We never have it:

# %%
is_new = evaluation.ages(ratings.user_ids) == 0  # an event's age: how often its user was there before
share_of_new = 100 * is_new.reshape(50, 1_000).mean(axis=1)

# %%
axes = figures.plot_curves(
    {"newcomers": share_of_new},
    x=np.arange(1_000, 50_001, 1_000),
    title=f"Newcomers never stop: {share_of_new[-10:].mean():.0f} % of the last 10,000 ratings",
    x_label="ratings seen",
    y_label="first rating of a user, %",
)
figures.show(
    axes,
    alt="Line chart of the share of ratings, in each thousand, that come from a user never seen"
    " before. It falls from 71 % to 26 % within the first 10,000 ratings and then only"
    " slowly, to 12 %.",
)

# %% [markdown]
# **After three months and 50,000 ratings, one rating in seven still comes from somebody
# whom we have never seen.**
#
# **Try it.** Is it easier to have met every film? Put `item_ids` in place of `user_ids`
# two cells above, and run both cells again.
#
# <details>
# <summary>What you should find</summary>
#
# It is: of the last 10,000 ratings, 7 % are the first of their film, against 14 % that
# are the first of their user. Films stop being new to us twice as fast, but they do not
# stop coming either.
#
# </details>
#
# ## 2. What is a learner?
#
# Something with two methods, and each gives a promise.
#
# - `predict(user_id, item_id, features)` answers, and **changes nothing**.
# - `partial_fit(sample)` measures its error **first**, then learns, and returns the
#   squared error from before.
#
# The smallest learner predicts the mean. It takes weights, too: an event of weight 3
# counts like three events. Then $\frac{1}{n}$ becomes $\frac{w}{W}$, the weight of this
# event over the weight of all events so far.


# %%
class Mean:
    """Predict the mean of everything seen so far."""

    def __init__(self):
        self.mean, self.weight = 0.0, 0.0

    def predict(self, user_id, item_id, features=None):
        return self.mean

    def partial_fit(self, sample):
        error = sample.target - self.predict(sample.user_id, sample.item_id)
        self.weight += sample.weight
        self.mean += error * sample.weight / self.weight
        return error * error


# %% [markdown]
# **Predict**: ada gives a 4 after seeing half of a film, which we let count once, and
# an 8 after seeing all of another, which counts three times. What is the mean?

# %%
weight_guess = 6.0  # your guess

# %%
weighing = Mean()
weighing.partial_fit(events.OnlineSample(user_id="ada", item_id="Alien", target=4, weight=1))
weighing.partial_fit(events.OnlineSample(user_id="ada", item_id="Heat", target=8, weight=3))
f"you said {weight_guess}, it is {weighing.mean}"

# %% [markdown]
# A mean treats everybody alike. The next learner adds two **biases**:
#
# $$\hat y_{ui} = m + b_u + c_i \qquad e = y - \hat y_{ui} \qquad b_u \leftarrow b_u + \eta\,w\,e
# \qquad c_i \leftarrow c_i + \eta\,w\,e$$
#
# In words: the prediction $\hat y_{ui}$ for user $u$ and film $i$ is the mean $m$, plus
# how generous this user is ($b_u$), plus how well liked this film is ($c_i$). The error
# $e$ is what came, $y$, minus what was predicted. Both biases then take a small share
# $\eta$ (the **learning rate**) of the error, times the weight $w$. The mean is updated
# as before, $m \leftarrow m + w\,e / W$ with the weight $W$ of all events so far; only
# that its error is now that of the whole prediction. An unseen user or film has the
# bias 0.


# %%
class Biases(Mean):
    """Predict the mean, plus how generous the user is, plus how well liked the film is."""

    def __init__(self, rate=0.1):
        super().__init__()
        self.rate, self.users, self.items = rate, {}, {}

    def predict(self, user_id, item_id, features=None):
        return self.mean + self.users.get(user_id, 0.0) + self.items.get(item_id, 0.0)

    def partial_fit(self, sample):
        error = sample.target - self.predict(sample.user_id, sample.item_id)
        self.weight += sample.weight
        self.mean += error * sample.weight / self.weight
        for biases, id_ in ((self.users, sample.user_id), (self.items, sample.item_id)):
            biases[id_] = biases.get(id_, 0.0) + self.rate * sample.weight * error
        return error * error


# %% [markdown]
# By hand: 100 ratings have passed and the mean is 7. Now ada gives Heat a 9. The error
# is $9 - 7 = 2$; a tenth of it goes to ada, a tenth to Heat, and a hundred-and-first of
# it to the mean.

# %%
hand = Biases(rate=0.1)
hand.mean, hand.weight = 7.0, 100.0
hand.partial_fit(events.OnlineSample(user_id="ada", item_id="Heat", target=9))
round(hand.mean, 2), hand.users, hand.items

# %% [markdown]
# The package has this learner as well: it is matrix factorization (lesson 02) without
# factors. We hold ours against it, loss by loss:

# %%
steps = {"optimizer": "sgd", "bias_rate": 0.1, "regularization": 0.0}
reference = matrix_factorization.OnlineMatrixFactorization(n_factors=0, **steps)
by_hand = Biases(rate=0.1)
losses = [by_hand.partial_fit(event) for event in ratings]
assert np.allclose(losses, reference.partial_fit_many(ratings))

# %% [markdown]
# 50,000 losses, all the same. What have the biases learnt? We look at one harsh critic,
# user 9172, through the eyes of both learners. This loop is worth a second look: it
# predicts, and only then learns.


# %%
def predict_then_learn_many(learner, chunk):
    predictions = []
    for sample in chunk:
        predictions.append(learner.predict(sample.user_id, sample.item_id))
        learner.partial_fit(sample)
    return np.array(predictions)


of_mean = predict_then_learn_many(Mean(), ratings)
of_biases = predict_then_learn_many(Biases(), ratings)
is_critic = np.array(ratings.user_ids) == 9172

# %%
axes = figures.plot_curves(
    {"biases": of_biases[is_critic], "mean": of_mean[is_critic]},
    title="After ten ratings the biases know this harsh critic",
    x_label="ratings that user 9172 gave before",
    y_label="rating, points",
)
figures.mark_points(axes, range(25), ratings.targets[is_critic], label="ratings given")
figures.show(
    axes,
    alt="The 25 ratings of one user as points, all between 2 and 7, and two lines of predictions."
    " The mean predicts 7.3 throughout; the biases begin there, are below 6 after eight"
    " ratings and then stay around 5.",
)

# %% [markdown]
# **For this user the mean stays 2.4 points too high; after ten ratings the biases err
# by one point on average.**
#
# Other libraries say the same with other words. In River, which you will meet again:
#
# | | here | River's recommenders |
# |---|---|---|
# | ask | `predict(user_id, item_id, features)` | `predict_one(user, item, x)` |
# | learn | `partial_fit(sample)`, returns the loss from before | `learn_one(user, item, y, x)`, returns nothing |
# | measure | `evaluation.progressive_validation` | `evaluate.progressive_val_score` |
#
# So one can be put into the words of the other in two short methods. (bob gives Heat a
# 6, and is asked about Alien.)


# %%
class AsRiver:
    """Let a learner of this course be called with River's words."""

    def __init__(self, learner):
        self.learner = learner

    def predict_one(self, user, item, x=None):
        return self.learner.predict(user, item, x)

    def learn_one(self, user, item, y, x=None):
        sample = events.OnlineSample(user_id=user, item_id=item, target=y, features=x)
        self.learner.partial_fit(sample)


AsRiver(hand).learn_one("bob", "Heat", 6.0)
round(AsRiver(hand).predict_one("bob", "Alien"), 2)

# %% [markdown]
# **Try it.** Give a new `Mean()` an event of weight 0 as its very first. What happens,
# and what should happen? Change one line of `partial_fit`.
#
# <details>
# <summary>A model answer</summary>
#
# `ZeroDivisionError`: the weight so far is 0, and we divide by it. An event without
# weight should change nothing, so the line becomes `if sample.weight > 0: self.mean +=
# error * sample.weight / self.weight`. The learners of the package are tested for it:
# weight 0 teaches nothing, and a negative weight is refused before anything changes.
#
# </details>
#
# ## 3. How good is it, if nothing is held back?
#
# A batch is split: some of it to train on, some to test on. A stream tests on the next
# event. It is always new, and after the test it can still be learnt from. This is
# **progressive validation**, also called prequential evaluation: *test, then train*. By
# hand, with the mean and the four ratings from above:

# %%
import pandas as pd

four = events.Chunk(user_ids="aabb", item_ids="wxyz", targets=[4, 5, 3, 9])
table = pd.DataFrame({"prediction": predict_then_learn_many(Mean(), four), "target": four.targets})
table["error"] = table.target - table.prediction
table

# %% [markdown]
# One number for all of them is the root mean squared error,
#
# $$\mathrm{RMSE} = \sqrt{\frac{1}{n} \sum_{t=1}^{n} (y_t - \hat y_t)^2}$$
#
# where $y_t$ is the target of event $t$, and $\hat y_t$ the prediction that was made
# for it *when only the events $1, \dots, t-1$ had been seen*. It has the unit of the
# target: here, rating points on a scale from 0 to 10.
#
# **Predict**: over all 50,000 ratings, how far off is the mean? And how far off are the
# biases?

# %%
rmse_guess_mean = 3.0  # your guesses
rmse_guess_biases = 2.0

# %% [markdown]
# `progressive_validation` measures any learner and keeps the curve. All it asks for is
# our loop, as a method. The learners of the package inherit it from
# [OnlineLearner](../coursekit/learning/learners/learner.py), together with
# `evaluate_sample`, which asks without teaching, and a state that can be saved and
# taken up again. We add a third learner, the one of the first figure: biases, too, but
# how far they move depends on how sure they are (lesson 02).

# %%
Mean.predict_then_learn_many = predict_then_learn_many  # Biases inherits it
sure = matrix_factorization.OnlineMatrixFactorization(n_factors=0)
results = {
    "mean": evaluation.progressive_validation(Mean(), ratings, n_points=25),
    "biases": evaluation.progressive_validation(Biases(), ratings, n_points=25),
    "sure of itself": evaluation.progressive_validation(sure, ratings, n_points=25),
}
assert np.isclose(results["biases"].rmse, evaluation.rmse(ratings.targets, of_biases))
said = {"mean": rmse_guess_mean, "biases": rmse_guess_biases}
measured = {name: result.rmse for name, result in results.items()}
pd.DataFrame({"measured": measured, "you said": said}).round(3)

# %%
gain = 1 - measured["biases"] / measured["mean"]
axes = figures.plot_learning_curves(
    {name: result.curve for name, result in results.items()},
    title=f"Biases are {100 * gain:.0f} % less wrong than the mean",
    roles={"mean": "baseline", "biases": "model", "sure of itself": "challenger"},
)
figures.show(
    axes,
    alt="Line chart of the error in blocks of 2,000 ratings. The mean stays between 1.8 and 2.0"
    " points; the biases fall from 1.71 to about 1.55 and rise to 1.65 at the end; the third"
    " learner is a little below them.",
)

# %% [markdown]
# **Knowing who rates and what is rated takes 12 % off the error; a better step takes
# off another 1.5 %.** Nothing was held back, every event was tested once, and no error
# was made on something that had been learnt. The same measurement on ratings of your
# own, in a terminal: `coursekit evaluate ratings.csv --learner mf`.
#
# **Try it.** Is a film's *last* rating a good prediction for its next one? Complete the
# learner.


# %%
class LastOfFilm(Mean):
    """Predict the last rating of the film; the mean, if there is none."""

    # def predict(...): and def partial_fit(...): go here; keep what you need in a dict


round(evaluation.progressive_validation(LastOfFilm(), ratings).rmse, 3)

# %% [markdown]
# <details>
# <summary>A model answer</summary>
#
# ```python
# class LastOfFilm(Mean):
#     def __init__(self):
#         super().__init__()
#         self.last = {}
#
#     def predict(self, user_id, item_id, features=None):
#         return self.last.get(item_id, self.mean)
#
#     def partial_fit(self, sample):
#         error = sample.target - self.predict(sample.user_id, sample.item_id)
#         self.weight += sample.weight
#         self.mean += (sample.target - self.mean) * sample.weight / self.weight
#         self.last[sample.item_id] = sample.target
#         return error * error
# ```
#
# Its error is 2.204 points, more than that of the plain mean. A single rating is mostly
# noise, and this learner trusts it with a learning rate of 1. Our biases take a tenth,
# and so they average over many ratings.
#
# </details>

# %% [markdown]
# ## 4. What does a leak look like?
#
# A **leak** is knowledge at the moment of prediction that will not be there in
# production. It needs one line, and no error message tells you. We make three leaks on
# purpose and look at the numbers.
#
# ### Train, then test
#
# Swap two lines of the loop, and the learner has seen the answer before it is asked. By
# hand: the mean of 4, 5 and 3 predicts 4 for the rating 9. If it may learn the 9 first,
# it predicts 5.25, and the error falls from 5 to 3.75. **Predict**: the honest RMSE of
# the biases is 1.645. What will the leak report?

# %%
leak_guess = 1.6  # your guess


# %%
def learn_then_predict_many(learner, chunk):
    predictions = []
    for sample in chunk:
        learner.partial_fit(sample)
        predictions.append(learner.predict(sample.user_id, sample.item_id))
    return np.array(predictions)


leaky = evaluation.rmse(ratings.targets, learn_then_predict_many(Biases(), ratings))
f"you said {leak_guess}, the leak reports {leaky:.3f}"

# %% [markdown]
# A fifth better, for nothing. It gets worse, because numbers like this one decide which
# learning rate we choose:

# %%
rates = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5]
honest = [predict_then_learn_many(Biases(rate), ratings) for rate in rates]
leaking = [learn_then_predict_many(Biases(rate), ratings) for rate in rates]


def rmses(all_predictions):
    return [evaluation.rmse(ratings.targets, predictions) for predictions in all_predictions]


axes = figures.plot_curves(
    {"test, then train": rmses(honest), "train, then test": rmses(leaking)},
    x=rates,
    title="The leak picks the worst learning rate",
    x_label="learning rate",
    y_label="RMSE, rating points",
    roles={"train, then test": "alarm"},
)
figures.show(
    axes,
    alt="Line chart of the error against the learning rate. Tested before training, the error is"
    " lowest at 0.1, with 1.645 points, and highest at 0.5, with 1.913. Trained before"
    " testing, it falls in almost a straight line from 1.656 to 0.028 at 0.5.",
)

# %% [markdown]
# **With the learning rate 0.5 the biases are worse than the plain mean, and the leak
# reports that they are almost never wrong.** A leak does not add a little to every
# score. It rewards whoever copies best.
#
# ### The label in a feature
#
# A mean that has already taken in the rating which it is about to predict: does that
# matter? We measure it twice, for the mean of all ratings and for the mean of the
# user's own ratings. For an unseen user, the honest version falls back to the mean of
# all.

# %%
frame = pd.DataFrame({"user": ratings.user_ids, "rating": ratings.targets})
of_user = frame.groupby("user").rating
before = ((of_user.cumsum() - frame.rating) / of_user.cumcount()).fillna(pd.Series(of_mean))
features = {
    ("all ratings", "before the rating"): of_mean,
    ("all ratings", "rating included"): frame.rating.expanding().mean(),
    ("the user's ratings", "before the rating"): before,
    ("the user's ratings", "rating included"): of_user.cumsum() / (of_user.cumcount() + 1),
}
measured = pd.Series(rmses(features.values()), index=pd.MultiIndex.from_tuples(features))
measured.unstack(sort=False).round(3)

# %% [markdown]
# **In the mean of all ratings the slip cannot be seen; in the mean of a user's ratings
# the very same slip hides a third of the error.** A leak weighs as much as the label's
# share in the feature. After 1,000 ratings that is a thousandth of the mean of all; of
# a user's mean it is the whole, if it is the first rating. So a leak that did no harm
# in one feature says nothing about the next.
#
# ### Time, shuffled
#
# Most tools shuffle before they split. What is lost? In this made-up world we know the
# truth: half-way through, everybody begins to rate one point higher. Ten such worlds,
# each in the order of time and shuffled:


# %%
def errors_over_time(stream):
    model = matrix_factorization.OnlineMatrixFactorization(n_factors=0)
    return evaluation.progressive_validation(model, stream, n_points=20).curve.rmse


def shuffle(stream, seed):
    order = np.random.default_rng(seed).permutation(len(stream))
    return events.Chunk.of(stream[at] for at in order)


drift = datasets.AbruptDrift(size=1.0)
worlds = [datasets.rating_stream(seed=seed, drift=drift) for seed in range(1, 11)]
in_time = [errors_over_time(world) for world in worlds]
shuffled = [errors_over_time(shuffle(world, seed)) for seed, world in enumerate(worlds)]

# %%
axes = figures.plot_curves(
    {"in time": in_time, "shuffled": shuffled},
    x=np.linspace(250, 5_000, 20),
    title="Shuffled, the change cannot be seen",
    x_label="ratings seen",
    y_label="RMSE, rating points",
    roles={"shuffled": "baseline"},
)
figures.mark_drift(axes, 2_500, label="all rate 1 point higher")
figures.show(
    axes,
    alt="Line chart of the error of ten made-up worlds, median and 10-90 % band. In the order of"
    " time it falls to 0.74, jumps to 0.99 at the change and falls again; shuffled it falls"
    " from 0.99 to about 0.85 without a jump.",
)

# %% [markdown]
# **In the order of time the error jumps at the change and falls again; shuffled, there
# is nothing to see.** The shuffled error is not even smaller: every part of that stream
# is a mixture of two worlds. The most common shuffle of all, the random split, does one
# thing more. It trains on the future of the people whom it tests.
#
# **Try it.** This cell trains on the first 80 % of our ratings and tests on the last 20
# %. Split at random instead, with the call in the comment. By how much does the error
# fall? And why: who is in the test?

# %%
ordered = ratings  # at random: shuffle(ratings, seed=1)
train, test = ordered.slice(0, 40_000), ordered.slice(40_000, 50_000)
model = matrix_factorization.OnlineMatrixFactorization(n_factors=0)
model.partial_fit_many(train)
round(evaluation.rmse(test.targets, model.predict_many(test.user_ids, test.item_ids)), 3)

# %% [markdown]
# <details>
# <summary>What you should find</summary>
#
# From 1.603 to 1.572. Split by time, 23 % of the test ratings come from users whom the
# model has never met; split at random, 11 %: many of the others it has met in their
# future. Neither test is wrong as arithmetic. But the model will be used on tomorrow's
# ratings, and only the first test is like tomorrow.
#
# </details>
#
# ## 5. Who pays for the errors, and what does it cost to learn late?
#
# An average over all ratings is an average over people who are in very different
# places. **Predict**: the biases are 1.645 points off on average. How far off are they
# on the very first rating of a user?

# %%
first_guess = 1.7  # your guess

# %%
starts = (0, 1, 2, 3, 5, 8, 12, 18, 26)  # 0 ratings before; 1; 2; 3 or 4; ...; 26 or more
slices = {
    name: evaluation.error_by_age(ratings, predictions, starts=starts)
    for name, predictions in {"mean": of_mean, "biases": of_biases}.items()
}
first_ratings = slices["biases"][0]
f"you said {first_guess}, it is {first_ratings.rmse:.2f}, on {first_ratings.n_samples:,} ratings"

# %%
axes = figures.plot_curves(
    {name: [each.rmse for each in of_name] for name, of_name in slices.items()},
    x=starts,
    title="The first rating of a user is the hardest",
    x_label="ratings that the user gave before (at least)",
    y_label="RMSE, rating points",
    roles={"mean": "baseline", "biases": "model"},
)
figures.show(
    axes,
    alt="Line chart of the error against the number of ratings that the user gave before. The"
    " mean is 2.04 points off on a first rating, about 1.8 later and 1.95 from the 27th on;"
    " the biases are 1.91 points off on a first rating, 1.66 on a second and 1.5 to 1.6"
    " later.",
)

# %% [markdown]
# **One rating in five is somebody's first, and there the biases gain 0.14 points on the
# mean; from the 27th rating on they gain 0.40.** The hard part has a name, **cold
# start**: on a first rating the biases know the film, but nothing of the user. So
# report your error by age. A stream with more newcomers looks worse with the very same
# model.
#
# Who pays also depends on when we learn. The course has four **modes**:
#
# | mode | the learner learns |
# |---|---|
# | `single_sample` | after every event |
# | `mini_batch` | after every so many events, all of them at once |
# | `batch` | once, and then no more |
# | `adaptive` | in mini-batches while all is calm, after every event when the world has changed (lesson 06) |
#
# What does waiting cost? All learn the first 10,000 ratings. Then events pile up: each
# is predicted when it arrives, and they are learnt together when there are enough of
# them. All are judged on the same 40,000 ratings.

# %%
first, rest = ratings.slice(0, 10_000), ratings.slice(10_000, 50_000)


def score_of_waiting(size):
    model = matrix_factorization.OnlineMatrixFactorization(n_factors=0)
    model.partial_fit_many(first)
    predictions = [model.predict_then_batch_update(part) for part in rest.chunks(size)]
    return evaluation.rmse(rest.targets, np.concatenate(predictions))


waits = {"after every rating": score_of_waiting(1)}
waits |= {f"after {size:,} ratings": score_of_waiting(size) for size in (10, 100, 1_000, 10_000)}
waits |= {"never again": score_of_waiting(len(rest))}

# %%
price = waits["after 1,000 ratings"] / waits["after every rating"] - 1
axes = figures.plot_dots(
    waits,
    title=f"Waiting for 1,000 ratings costs {100 * price:.1f} %",
    x_label="RMSE on the last 40,000 ratings, rating points",
    number_format="{:.3f}",
    roles={"never again": "baseline"},
)
figures.show(
    axes,
    alt="Dot chart of the error by how long the learner waits: 1.607 points after every rating,"
    " 1.615 after 10, 1.622 after 100, 1.629 after 1,000, 1.660 after 10,000, and 1.740 if it"
    " never learns again.",
)

# %% [markdown]
# **Waiting for 1,000 ratings costs 1.4 %, never learning again costs 8 %.** So
# mini-batches are a fair trade where they make learning cheaper, and lesson 04 has a
# learner for which they do. A model that is trained once is the worst of all, and it
# takes no change of taste: new people and new films are enough.
#
# ## Break it once: a learning rate that is too large
#
# A learning rate of 5 takes five times the error. The next error is larger, and the
# step after it larger again.

# %%
reckless = Biases(rate=5.0)
losses = [reckless.partial_fit(event) for event in ratings]
reckless.predict("somebody", "something")

# %% [markdown]
# No error message, and `nan` as the answer to everything: the mean has taken part in
# it, so even users and films that nobody has met are lost. The learner of the package
# looks before it leaps:

# %%
careful = matrix_factorization.OnlineMatrixFactorization(n_factors=0, optimizer="sgd", learning_rate=5.0)
try:
    careful.partial_fit_many(ratings)
except errors.CourseKitError as error:
    print(error)

# %% [markdown]
# It names the event, says what would have happened and what to change, and it has
# learnt nothing from that event. Read messages from the end: the last sentence is the
# next step.
#
# ## In production

# %%
axes = figures.plot_platform(
    lit=["events", "learner", "evaluation"],
    title="This lesson: events, the learner, its evaluation",
)
figures.show(
    axes,
    alt="Diagram of the platform as a loop of nine boxes, from people over event API, learner,"
    " evaluation, registry, experiments and serving API back to people. Lit are event API,"
    " learner and evaluation.",
)

# %% [markdown]
# - An event arrives over the event API and becomes an `OnlineSample`. Its time is when
#   it happened.
# - The learner's prediction is stored when it is *made*. The outcome may come minutes
#   or days later, and is then held against what was said, never against a new
#   prediction.
# - The progressive error is the pulse of the platform: the drift detector listens to it
#   (lesson 05), the registry keeps it with each version (lesson 08), and a new model
#   replaces an old one only if it wins on it.
# - It is free. Every event that is served anyway is also a test.
#
# ## Takeaways
#
# 1. A stream is seen once, in order, and without an end; newcomers never stop (figure
#    in section 1).
# 2. A learner predicts without changing, and learns after it has been tested (figure in
#    section 2).
# 3. Progressive validation tests every event and holds nothing back (figure in section
#    3).
# 4. A leak rewards the model that copies best, and no message tells you (first figure
#    in section 4); shuffling hides what changed (second figure in section 4).
# 5. One average hides who pays: split the error by age, and know what waiting costs
#    (figures in section 5).

# %% [markdown]
# ## Questions
#
# ### Beginner
#
# **1. What does a recommender gain by learning online instead of being retrained every
# night? What does it pay?**
#
# <details>
# <summary>A model answer</summary>
#
# It knows users and films a second after their first event and not a day later, follows
# a change without being told, needs memory for the model only and never for the
# history, and spends the work evenly. It pays with order: each event is seen once, so a
# bad one cannot be taken back without a checkpoint; a wrong update is live at once; and
# it has to be watched all the time. In *Why*, a stopped model lost 0.2 points within
# three months.
#
# </details>
#
# **2. Why must `predict` change nothing?**
#
# <details>
# <summary>A model answer</summary>
#
# Otherwise the answer depends on who asked before. A page that ranks 1,000 films would
# create 1,000 rows and draw 1,000 random starts; a monitoring tool that asks for a
# prediction would change the model it watches; and no result could be repeated. A look
# at the model must not be an event.
#
# </details>
#
# ### Intermediate
#
# **3. A colleague reports an RMSE of 0.69 on these ratings. Which three questions do
# you ask?**
#
# <details>
# <summary>A model answer</summary>
#
# Was each prediction made before its rating was learnt (section 4: a learning rate of
# 0.3 gives exactly this number if it was not)? Was any feature computed from a table
# that holds the rating itself, or later ones? Were training and test separated by time?
# And a fourth: on whom? An error on users with 50 ratings is another quantity than one
# on everybody.
#
# </details>
#
# **4. When is a model that is trained in batches the better choice?**
#
# <details>
# <summary>A model answer</summary>
#
# When one look at the data is not enough (large networks need many passes), when
# outcomes come so late that there is nothing to learn in between, when every model must
# be approved before it is used, or when learning in batches is so much cheaper that the
# 1.4 % for waiting is a good price. Many platforms do both: a batch model with a small
# online learner on top.
#
# </details>
#
# ### Advanced
#
# **5. Somebody wants their film recommended and sends 10,000 ratings of 10. How does an
# online learner differ from a batch model under this attack, and what helps?**
#
# <details>
# <summary>A model answer</summary>
#
# The attack works at once, there is no night in which somebody looks at the data, and
# the learner adapts to it as it would to a change of taste. What helps: a `weight` that
# falls with doubt about the source; a limit on how far one user, or one hour, can move
# a parameter (a decreasing step does this by itself); a detector on the inputs, not
# only on the error; checkpoints to roll back to (lesson 06), and a gate before a new
# version is served (Parts II and III). A batch model suffers the same, later, and for
# longer.
#
# </details>
#
# **6. A batch learner is promised to converge if the data are independent and come from
# one distribution. A stream promises neither. What can still be guaranteed?**
#
# <details>
# <summary>A model answer</summary>
#
# Something relative. *Regret* compares the sum of our progressive losses with that of
# the best fixed model chosen afterwards. For convex losses, gradient descent with a
# suitably falling step has a regret that grows no faster than $\sqrt{n}$, for every
# sequence of events, so the regret per event goes to 0 (lesson 07). It says that we do
# as well as the best *fixed* model, not that this model is good; in a world that
# changes, we have to ask for more, and it costs more. Where events really are
# independent, the progressive error is as good a promise for the future as a hold-out
# of the same size (Blum, Kalai and Langford, below).
#
# </details>
#
# ## Further reading
#
# - A. P. Dawid (1984), [Present position and potential developments: the prequential
#   approach](https://doi.org/10.2307/2981683): why a forecaster should be judged by the
#   forecasts that were made, and by nothing else.
# - A. Blum, A. Kalai and J. Langford (1999),
#   [Beating the hold-out](https://doi.org/10.1145/307400.307439): the proof that
#   testing on every event before training on it is as trustworthy as a hold-out, and
#   wastes nothing.
# - J. Gama, R. Sebastião and P. P. Rodrigues (2013),
#   [On evaluating stream learning algorithms](https://doi.org/10.1007/s10994-012-5320-9):
#   how to let the progressive error forget, so that it shows how good a learner is
#   *now*.
# - Y. Ji, A. Sun, J. Zhang and C. Li (2023), [A critical study on data leakage in
#   recommender system offline evaluation](https://doi.org/10.1145/3569930): what
#   shuffled time does to published comparisons of recommenders.
# - J. Montiel et al. (2021), [River: machine learning for streaming data in
#   Python](https://www.jmlr.org/papers/v22/20-1380.html): the library whose words stand
#   beside ours, from the people who wrote it.
#
# Next: [02 · Matrix factorization](02_matrix_factorization.ipynb) · Back:
# [00 · Start here](00_start_here.ipynb)
