# %% [markdown]
# # 02 · Matrix factorization
#
# **You build a recommender that learns tastes from one rating at a time, and that knows
# how sure it is.**
#
# After this lesson you will be able to
#
# - say what biases explain and what factors explain, and do one learning step of either
#   by hand,
# - tell from a stream whether factors will pay,
# - choose between three optimizers: SGD, AdaGrad and a Gaussian belief,
# - read a model's uncertainty, and check that it is honest.
#
# *60 minutes. You come from [lesson 01](01_learning_from_a_stream.ipynb): test, then
# train; RMSE; biases. Module:
# [`coursekit.learning.learners.matrix_factorization`](../coursekit/learning/learners/matrix_factorization.py),
# on top of [`gaussian_belief`](../coursekit/learning/optim/gaussian_belief.py) and
# [`kernels`](../coursekit/learning/factors/kernels.py).*

# %%
import time
from collections import Counter, defaultdict
from dataclasses import asdict, replace

import numpy as np
import pandas as pd

from coursekit import datasets, figures
from coursekit.core import events
from coursekit.evaluation.progressive import ages, progressive_validation
from coursekit.evaluation.metrics import rmse
from coursekit.learning.learners import matrix_factorization as mf
from coursekit.learning import optim

SEED = 7
figures.use_course_style()

# %% [markdown]
# ## Why: it depends on who is asking
#
# *Is Argo a good film?* People give it about an 8. *Is Spring Breakers a good film?*
# Here is what was said about the two in the 50,000 ratings of lesson 01.

# %%
tweets = datasets.load()
ratings = tweets.ratings
titles = np.array([tweets.items[item].title for item in ratings.item_ids])
points = np.arange(1, 11)
shares = lambda title: [100 * np.mean(ratings.targets[titles == title] == each) for each in points]

# %%
axes = figures.plot_curves(
    {title: shares(title) for title in ("Argo", "Spring Breakers")},
    x=points,
    title="Most agree on Argo; nobody agrees on Spring Breakers",
    x_label="rating, points",
    y_label="share of the film's ratings, %",
    roles={"Argo": "baseline"},
)
figures.show(
    axes,
    alt="Two curves, the shares of the ratings from 1 to 10 points. Those of Argo lie mostly between"
    " 7 and 10, with a peak at 8; those of Spring Breakers cover the whole scale, and most often it is 1.",
)

# %% [markdown]
# **One number per film cannot say what you will think of Spring Breakers: that depends
# on you.** But who are you? In this stream a person gives five ratings, on average. So
# we go carefully. What can one number per person and film do? What do a few numbers
# add, and from how many ratings on? And how sure may we be?

# %% [markdown]
# ## 1. Who is generous, and what is liked?
#
# Fill in the missing number:
#
# | | Argo | Heat | Mama |
# |---|---|---|---|
# | **ada** | 9 | 8 | 7 |
# | **bob** | 6 | 5 | ? |
#
# It is 4. ada gives three points more than bob, and *Mama* gets one less than *Heat*.
# You needed no opinion about taste. These are the **biases** that you built in lesson
# 01:
#
# $$\hat y_{ui} = w_0 + b_u + c_i$$
#
# In words: the predicted rating $\hat y$ of user $u$ for item $i$ is the **intercept**
# $w_0$, what we expect of anybody for anything; plus $b_u$, how much more generous this
# user is than others; plus $c_i$, how much better this item is liked. After each rating
# $y$, both move a little in the direction of the **error** $e = y - \hat y$:
#
# $$b_u \leftarrow b_u + \eta\,(e - \lambda\, b_u) \qquad\qquad c_i \leftarrow c_i + \eta\,(e - \lambda\, c_i)$$
#
# $\eta$ (eta) is the **learning rate**, the share of the error that we take at once.
# New is $\lambda$ (lambda), the **penalty**: a pull back to 0, so that one odd rating
# is forgotten in time. The intercept is the running mean of the errors. This is
# **stochastic gradient descent**, SGD: one step down the slope of the squared error of
# one event, then the next event.
#
# By hand, with $\eta = 0.1$ and $\lambda = 0.2$: we expect 7 points of anybody, ada's
# bias is 0.5, that of *Mama* is -1, and she gives it a 9.

# %%
intercept, ada, mama = 7.0, 0.5, -1.0
error = 9.0 - (intercept + ada + mama)
ada, mama = ada + 0.1 * (error - 0.2 * ada), mama + 0.1 * (error - 0.2 * mama)
round(error, 2), round(ada, 2), round(mama, 2)

# %% [markdown]
# Both rose by about a quarter of a point; ada's a little less, because the penalty
# pulls her down and *Mama* up.
#
# Now all 50,000 ratings. Matrix factorization without factors is biases. **Predict**:
# among the films with 200 ratings or more, how many points lie between the biases of
# the best liked and the least liked?

# %%
guess_range = 4.0  # your guess

# %%
biases = mf.OnlineMatrixFactorization(n_factors=0, optimizer="sgd")
result = progressive_validation(biases, ratings)
often = [item for item, n in Counter(ratings.item_ids).items() if n >= 200]
chart = pd.Series({tweets.items[item].title: biases.bias("item", item) for item in often})
print(f"RMSE {result.rmse:.3f}; {np.ptp(chart):.1f} points apart; you said {guess_range}")

# %%
best_and_worst = pd.concat([chart.nlargest(4), chart.nsmallest(4)[::-1]])
axes = figures.plot_dots(
    best_and_worst.to_dict(),
    title="Two points separate the best liked from the worst",
    x_label="bias of the film, rating points",
    number_format="{:+.2f}",
)
figures.show(
    axes,
    alt="Dots: biases of the four best and the four least liked films, "
    + ", ".join(f"{title} {bias:+.2f}" for title, bias in best_and_worst.items())
    + ".",
)

# %% [markdown]
# **One number per film makes a sensible chart, and it is the same chart for
# everybody.** The mean of all ratings errs by 1.88 points, biases by 1.65. This is what
# everything below has to beat.
#
# **Try it.** Give `biases` a `regularization=0.5`, or 0.0. What happens to the chart,
# and to the error?
#
# <details><summary>What you should see</summary>
#
# Without a penalty the chart is a little wider, and the error differs by less than
# 0.001. With the large one the chart shrinks and the error grows to 1.67: it pulls back
# even what was learnt from hundreds of ratings. A little penalty is a cheap insurance
# against odd ratings; much of it is a refusal to learn. (`user_bias_reg` and
# `item_bias_reg` set it for one side alone.)
#
# </details>

# %% [markdown]
# ## 2. What do biases miss?
#
# | | Alien | Amélie |
# |---|---|---|
# | **ada** | 9 | 3 |
# | **bob** | 3 | 9 |
#
# Every row has the mean 6, and so has every column. All biases are 0. The model says 6
# four times and is wrong by 3 four times. Nobody is generous here and nothing is
# popular. There is *taste*, and one number each is enough for it. Give ada +1 and bob
# -1, *Alien* +3 and *Amélie* -3, and multiply: $6 + (+1)(+3) = 9$, $6 + (+1)(-3) = 3$,
# and so on. All four are right.
#
# Such numbers are called **factors**. Nobody has to name them; the ratings will find
# them. With $k$ of them on each side, multiply pair by pair and add up (the inner
# product):
#
# $$\hat y_{ui} = w_0 + b_u + c_i + \langle p_u, q_i\rangle, \qquad \langle p_u, q_i\rangle = p_{u1}q_{i1} + \dots + p_{uk}q_{ik}$$
#
# In words: $p_u$ is what user $u$ looks for, $q_i$ is what item $i$ offers, and the
# product is large where the two agree. A wide table becomes the product of two narrow
# ones, hence **matrix factorization**.
#
# The step is the old one, times a **slope**. If *Alien* offers 3, raising ada's factor
# by 0.01 raises the prediction by 0.03. Her slope is the film's factor, and the other
# way round:
#
# $$p_u \leftarrow p_u + \eta\,(e\, q_i - \lambda\, p_u) \qquad\qquad q_i \leftarrow q_i + \eta\,(e\, p_u - \lambda\, q_i)$$
#
# Both use the values from before the step. By hand, with two factors, $\eta = 0.1$, no
# penalty and an error of 2:

# %%
ada, alien, error = np.array([0.5, 0.1]), np.array([1.0, -0.2]), 2.0
ada_after, alien_after = ada + 0.1 * error * alien, alien + 0.1 * error * ada
ada_after, alien_after, round(float(ada_after @ alien_after - ada @ alien), 3)

# %% [markdown]
# The inner product rose by 0.28. Two things to know before we build it:
#
# - If all factors started at 0, all slopes would be 0 and nothing would ever move. So
#   they start as small random numbers.
# - A random start knows nothing, and should not be heard. A bias of exactly 0 means
#   that its row has learnt nothing yet; then its factors do not count. From its second
#   event on, they do.
#
# One row per id holds the bias and then the factors. A bias is then simply a number
# whose slope is always 1.


# %%
def slopes(row):
    """What this row gives the other to multiply with: 1 for the bias, and its factors, if they count."""
    return np.r_[1.0, row[1:] * (row[0] != 0)]


class Factors:
    """w0 + b_u + c_i + <p_u, q_i>, learnt by SGD; `start` holds the first factors of every id."""

    def __init__(self, start, settings):
        self.rows = {key: np.r_[0.0, factors] for key, factors in start.items()}
        k = len(next(iter(start.values())))
        self.rate = np.repeat([settings.bias_rate, settings.optimizer.learning_rate], [1, k])
        self.penalty = np.repeat([settings.penalties[0], settings.penalties[-1]], [1, k])
        self.intercept, self.n = 0.0, 0

    def learn(self, u, i, rating):
        user, item = self.rows["user", u], self.rows["item", i]
        for_user, for_item = slopes(item), slopes(user)
        prediction = self.intercept + user[0] + item[0] + for_user[1:] @ for_item[1:]
        error = rating - prediction
        self.n += 1
        self.intercept += error / self.n
        user += self.rate * (error * for_user - self.penalty * user)
        item += self.rate * (error * for_item - self.penalty * item)
        return prediction


# %% [markdown]
# To see whether it finds taste, we need a stream whose truth is known. `rating_stream`
# invents 100 people and 200 films with hidden biases and factors, and adds half a point
# of noise. Nobody can predict better than that noise.
#
# Ours and the reference must start from the same random numbers. Learning with weight 0
# changes nothing, but it gives every id its row, so we can read the reference's start
# from there.


# %%
def learn_all(model, stream):
    """Test, then train: the prediction of every event, made before learning from it."""
    return np.array([model.learn(event.user_id, event.item_id, event.target) for event in stream])


def first_factors(model, stream):
    """The random factors that a new model gives to every id of a stream."""
    model.partial_fit_many(replace(stream, weights=np.zeros(len(stream))))
    names = [(field, id_) for field in ("user", "item") for id_ in model.ids(field)]
    return {name: model.factors(*name) for name in names}


def sgd_model(n_factors):
    return mf.OnlineMatrixFactorization(n_factors, optimizer="sgd", initial_scale=0.1, seed=SEED)


world = datasets.rating_stream(20_000, seed=SEED, drift=None)
by_hand = learn_all(Factors(first_factors(sgd_model(5), world), sgd_model(5).settings), world)
reference = progressive_validation(sgd_model(5), world)
assert np.abs(reference.predictions - by_hand).max() < 1e-10
round(reference.rmse, 3), round(world.best_rmse, 3)

# %% [markdown]
# Ours and the reference agree on all 20,000 predictions.
#
# Everybody in this world has taste. Now ten such worlds; in each, one model with five
# factors and one with none. We subtract their errors, world by world, so that what is
# hard for both cancels.
#
# **Predict.** After how many ratings by each person do factors pay, that is, save a
# hundredth of a point in nine worlds of ten?

# %%
guess_ratings_needed = 20  # your guess


# %%
def gains(make_model, n_worlds=10):
    """How much less five factors err than none, in 20 blocks of each world, shape (n_worlds, 20)."""
    worlds = [datasets.rating_stream(20_000, seed=seed, drift=None) for seed in range(n_worlds)]
    curve = lambda k, each: progressive_validation(make_model(k), each, n_points=20).curve.rmse
    return np.array([curve(0, each) - curve(5, each) for each in worlds])


per_person = 10 * np.arange(1, 21)  # a block is 1,000 ratings by 100 people
pay_from = lambda gain: int(per_person[np.argmax(np.quantile(gain, 0.1, axis=0) > 0.01)])
gain_of_sgd = gains(sgd_model)
print(f"factors pay from {pay_from(gain_of_sgd)} ratings a person on; you said {guess_ratings_needed}")

# %%
axes = figures.plot_curves(
    {"gain of factors": gain_of_sgd, "no factors": np.zeros(20)},
    x=per_person,
    title="Factors pay, but late",
    x_label="ratings given by each person",
    y_label="error saved, rating points",
)
figures.show(
    axes,
    alt="Curve with a band over ten worlds: the error that five factors save against none. It is"
    " about zero up to fifty ratings a person and rises to about 0.06 points at 200.",
)

# %% [markdown]
# **Factors pay, but only after many ratings by every person.** A bias has one number to
# learn about a person, taste has five. And the real stream? It has five ratings a
# person.

# %%
real = {f"{k} factors": progressive_validation(sgd_model(k), ratings).rmse for k in (0, 2, 10)}
pd.Series(real, name="RMSE, points").round(3)

# %% [markdown]
# On 50,000 ratings by 10,000 people, factors buy nothing. That is no failure of the
# method; it is what the figure says about five ratings a person. Count them before you
# pay for factors.
#
# **Try it.** `sgd_model` starts its factors with a spread of 0.1. Below it is 0.01.
# Think of the slopes: what will change at 100 and at 200 ratings a person?
#
# <details><summary>Why is it so?</summary>
#
# Small factors have small slopes, and small slopes mean small steps. The factors sleep
# longer. Start too large, and the noise costs more than it brings. Optimizers that set
# their own step (section 4) care much less.
#
# </details>

# %%
sleepy = gains(lambda k: mf.OnlineMatrixFactorization(k, optimizer="sgd", initial_scale=0.01, seed=SEED))
saved = {"0.1": np.median(gain_of_sgd, axis=0), "0.01": np.median(sleepy, axis=0)}
pd.DataFrame(saved, index=per_person).loc[[100, 200]].rename_axis("ratings a person").round(3)

# %% [markdown]
# ## 3. Why not retrain every week?
#
# Many recommenders start afresh every night or week, and go over all their data several
# times. Lesson 01 showed what a late update costs. But several passes also learn more.
# Which is worth more? By hand: a film opens, and everybody gives it a 9. Say both
# models take half of the error at each rating. One does it at once. The other waits for
# Sunday, and then goes over the ratings three times:
#
# | ratings so far | 0 | 1 | 2 | 3 | Sunday |
# |---|---|---|---|---|---|
# | **online** says | 7 | 8 | 8.5 | 8.75 | 8.75 |
# | **retrained** says | 7 | 7 | 7 | 7 | 9.00 |
#
# On Sunday the second knows more. But it was wrong when people asked.
#
# On the real stream, a week or so is $d = 5{,}000$ ratings:
#
# $$\hat y_t = f_m\big(\text{events } 1, \dots, d\,\lfloor t/d \rfloor\big)$$
#
# In words: the prediction for event $t$ comes from a fresh model $f_m$, which went $m$
# times over everything up to the last multiple of $d$. Both are judged on the second
# half of the stream, where there is much to learn from.


# %%
def retrained_rmse(passes, every=5_000, judged_from=25_000):
    """The error of a model that starts afresh after every so many ratings, and goes over all so far."""
    model, predictions = sgd_model(10), []
    for chunk in ratings.chunks(every):
        predictions.extend(model.predict_many(chunk.user_ids, chunk.item_ids))
        model, seen = sgd_model(10), ratings.slice(0, len(predictions))
        for _ in range(passes):
            model.partial_fit_many(seen)
    return rmse(ratings.targets[judged_from:], np.array(predictions)[judged_from:])


# %% [markdown]
# **Predict.** Online, this model goes over everything once. How many passes does
# retraining need to catch up?

# %%
guess_passes_needed = 3  # your guess

# %%
passes = [1, 2, 3, 4, 6, 8, 10]
retrained = pd.Series({m: retrained_rmse(m) for m in passes})
online = rmse(ratings.targets[25_000:], sgd_model(10).predict_then_learn_many(ratings)[25_000:])
best = f"{retrained.min():.3f} with {retrained.idxmin()} passes"
print(f"online {online:.3f}; retrained, at best, {best}; you said {guess_passes_needed}")

# %%
axes = figures.plot_curves(
    {"retrained": retrained, "online": np.full(len(passes), online)},
    x=passes,
    title="Once and at once beats many times and late",
    x_label="passes over the data at each retraining",
    y_label="RMSE, rating points",
    roles={"online": "model", "retrained": "baseline"},
)
figures.show(
    axes,
    alt="RMSE of the retrained model against its number of passes: it falls until three passes and"
    " rises again, and lies above the flat line of the online model everywhere.",
)

# %% [markdown]
# **Once and at once beats many times and late.** More passes first learn more, and then
# learn the noise by heart. Online, each rating was touched once; with three passes at
# each retraining, it is touched sixteen times on average.
#
# **Try it.** Is that fair? SGD with a smaller rate suits many passes better. Give
# `retrained_rmse` a model with `optimizer="sgd", bias_rate=0.02` and no factors, and
# ten passes.
#
# <details><summary>What you should see</summary>
#
# About 1.608, as good as SGD online, for 55 times the work. So the honest sentence is:
# tuned for it, retraining can draw level with plain SGD here. With the better optimizer
# of section 4, online is at 1.580.
#
# </details>

# %% [markdown]
# ## 4. How large should a step be?
#
# A new film gets a 9, a 7 and an 8. The best summary is the mean. Written as steps, the
# mean takes the whole first error, half of the second, a third of the third: **the more
# you know, the smaller the step**. A constant rate is too timid at first and too
# nervous later. Three optimizers:
#
# - **SGD**: one rate for everything, for ever.
# - **AdaGrad**: every number has a rate of its own, which shrinks with the slopes it
#   has seen. With $g$ for what SGD would multiply by its rate, and $G$ for the sum of
#   all $g^2$ so far, $\;\theta \leftarrow \theta + \eta\, g/\sqrt{G}$.
# - **Gaussian belief**: no number is a value; each is a mean $m$ with a **variance**
#   $v$. A large variance says "I hardly know". With the slope $s$, and $V$ for the
#   variance of the whole prediction:
#
# $$m \leftarrow m + \frac{v\,s}{V}\, e \qquad\qquad v \leftarrow v\,\Big(1 - \frac{s^2 v}{V}\Big) \qquad\qquad
# V = \sigma^2 + \sum_j s_j^2\, v_j$$
#
# In words: $V$ is the noise $\sigma^2$ that no model can remove, plus the variance
# $v_j$ of every number $j$ that has a say, times its slope squared. Each number takes
# its share of the error, and becomes more certain by that share. There is no learning
# rate to choose: certainty is the learning rate. (It is a Kalman filter that keeps only
# the diagonal.)
#
# By hand: one bias, as uncertain as one rating is noisy, so $v = 1$ and $\sigma^2 = 1$.
# Which share of each error does it take?

# %%
variance, shares = 1.0, []
for _ in range(4):
    shares.append(variance / (variance + 1.0))
    variance *= 1 - shares[-1]
np.round(shares, 3)

# %% [markdown]
# One half, a third, a quarter, a fifth: the running mean, with what we believed before
# counting as one rating.
#
# Now all of matrix factorization. Every row of `Factors` gets a row of variances. The
# one new word is the **walk**: a little variance (the field says *process noise*),
# added at every event to the rows that take part in it, because tastes move and old
# knowledge ages.


# %%
class Belief:
    """w0 + b_u + c_i + <p_u, q_i>; every number is a mean and a variance."""

    def __init__(self, start, optimizer):
        k = len(next(iter(start.values())))
        self.mean = {key: np.r_[0.0, factors] for key, factors in start.items()}
        prior = np.repeat([optimizer.bias_variance, optimizer.factor_variance], [1, k])
        self.variance = {key: prior.copy() for key in start}
        self.walk = np.repeat([optimizer.bias_walk, optimizer.factor_walk], [1, k])
        self.intercept, self.noise = 0.0, optimizer.noise
        self.intercept_variance = optimizer.intercept_variance

    def learn(self, u, i, rating):
        user, item = self.mean["user", u], self.mean["item", i]
        prediction = self.intercept + user[0] + item[0] + slopes(user)[1:] @ slopes(item)[1:]
        self.step({("user", u): slopes(item), ("item", i): slopes(user)}, rating - prediction)
        return prediction

    def step(self, active, error):
        for key in active:
            self.variance[key] += self.walk
        unknown = sum(s**2 @ self.variance[key] for key, s in active.items())
        V = self.noise + self.intercept_variance + unknown
        self.intercept += self.intercept_variance / V * error
        self.intercept_variance *= 1 - self.intercept_variance / V
        for key, s in active.items():
            self.mean[key] += self.variance[key] * s / V * error
            self.variance[key] *= 1 - s**2 * self.variance[key] / V


# %%
new_model = lambda: mf.OnlineMatrixFactorization(5, optimizer="belief", seed=SEED)
by_hand = learn_all(Belief(first_factors(new_model(), world), optim.GaussianBelief()), world)
reference = progressive_validation(new_model(), world)
assert np.abs(reference.predictions - by_hand).max() < 1e-10
round(reference.rmse, 3)

# %% [markdown]
# Equal again. Now the three optimizers on the real stream. Whoever compares them at one
# setting each compares luck. So each gets 30 settings: every number in it times a
# random factor between 1/3 and 3.


# %%
def jittered(numbers, rng):
    """Every number times a random factor between 1/3 and 3."""
    return [number * 3 ** rng.uniform(-1, 1) for number in numbers]


def settings(optimizer, bias_rate, bias_penalty, penalty):
    of_biases = {"user_bias_reg": bias_penalty, "item_bias_reg": bias_penalty}
    return {"optimizer": optimizer, "bias_rate": bias_rate, "regularization": penalty, **of_biases}


def sgd(rng):
    bias_rate, rate, *penalties = jittered([0.08, 0.06, 0.05, 0.03], rng)  # the defaults
    return settings(optim.SGD(rate), bias_rate, *penalties)


def adagrad(rng):
    bias_rate, rate, *penalties, memory = jittered([0.3, 0.15, 0.01, 0.01, 0.2], rng)
    return settings(optim.AdaGrad(rate, initial_memory=memory), bias_rate, *penalties)


def belief(rng):
    numbers = asdict(optim.GaussianBelief())
    changed = dict(zip(numbers, jittered(numbers.values(), rng), strict=True))
    return {"optimizer": optim.GaussianBelief(**changed)}


def errors_of(settings_of, n=30):
    """RMSE on the real stream of n models with ten factors."""
    rng = np.random.default_rng(SEED)
    models = [mf.OnlineMatrixFactorization(10, **settings_of(rng), seed=seed) for seed in range(n)]
    return [progressive_validation(model, ratings).rmse for model in models]


# %% [markdown]
# **Predict.** What is the error of the *typical* (median) belief? SGD as it comes has
# 1.651.

# %%
guess_typical_belief = 1.65  # your guess

# %%
by_optimizer = {
    "SGD": errors_of(sgd),
    "AdaGrad": errors_of(adagrad),
    "belief": errors_of(belief),
    "one belief": errors_of(lambda rng: {"optimizer": "belief"}),
}
print(f"a typical belief: {np.median(by_optimizer['belief']):.3f}; you said {guess_typical_belief}")
pd.DataFrame(by_optimizer).agg(["min", "median", "max"]).round(3)

# %%
axes = figures.plot_dots(
    by_optimizer,
    title="A typical belief errs less than the best SGD",
    x_label="RMSE, rating points (median and 10-90 % of 30 models)",
    roles={"SGD": "baseline", "AdaGrad": "second"},
)
figures.show(
    axes,
    alt="Dots with intervals over 30 models each: "
    + ", ".join(f"{name} {np.median(each):.3f}" for name, each in by_optimizer.items())
    + ". The dot of the belief lies left of all of SGD's interval; one belief has none to be seen.",
)

# %% [markdown]
# **The typical belief errs less than the best of thirty SGDs.** Here the optimizer
# matters more than the choice between no factors and ten. It is not luck of the random
# start, either: *one belief* is the default with 30 different starts, and their errors
# differ by less than 0.001.
#
# **Try it.** Go back to the worlds of section 2. From how many ratings a person on do
# the factors of a *belief* pay?
#
# <details><summary>Why so early?</summary>
#
# Its first steps are large, because it knows that it knows nothing; and a number that
# has learnt much is not shaken by the next surprise. SGD has to take the same step for
# both.
#
# </details>

# %%
pay_from(gains(lambda k: mf.OnlineMatrixFactorization(k, optimizer="belief", seed=SEED)))

# %% [markdown]
# ## 5. How sure is it?
#
# SGD says 7.2 about a regular and 7.2 about a stranger, in the same voice. A belief can
# tell them apart:
#
# $$V = \sigma^2 + \sum_j s_j^2\, v_j$$
#
# In words: noise plus what is not yet known. We met $V$ in section 4; it is the
# **predictive variance** of the rating, and $\sqrt V$ the error that the model expects.
#
# So the settings have a meaning, and you can guess them without tuning. Say a rating
# falls 1.4 points to either side of what one could know (noise $1.4^2 \approx 2$),
# people differ by one point, and so do films (bias variance 1). By hand: for a stranger
# and a new film we expect an error of $\sqrt{2 + 1 + 1} = 2$ points, for a regular and
# a new film $\sqrt{2 + 1} = 1.7$, for two that are known by heart $\sqrt 2 = 1.4$.
#
# Is such uncertainty **honest**? We let the model live through the stream and note the
# error that it expects before each rating. Then we sort the ratings by expected error,
# cut them into ten equal parts, and hold each part against the error it really had.
#
# **Predict.** In how many of the ten parts do they agree within 0.15 points?

# %%
guess_honest_tenths = 5  # your guess

# %%
model = mf.OnlineMatrixFactorization(10, optimizer=optim.GaussianBelief(noise=2.0, bias_variance=1.0))
variances = []
for event in ratings:
    expected = model.predict_variance(event.user_id, event.item_id)
    variances.append((expected, model.partial_fit(event)))  # which returns the squared error
variances = pd.DataFrame(variances, columns=["expected", "measured"])

# %%
part = pd.qcut(variances.expected, 10, labels=range(1, 11))
tenths = np.sqrt(variances.groupby(part, observed=True).mean())
agree = int((tenths.expected - tenths.measured).abs().lt(0.15).sum())
rmse_of_belief = float(np.sqrt(variances.measured.mean()))
print(f"RMSE {rmse_of_belief:.3f}; {agree} of 10 parts agree; you said {guess_honest_tenths}")

# %%
axes = figures.plot_curves(
    {"measured": tenths.measured, "perfectly honest": tenths.expected},
    x=tenths.expected,
    title="It errs more where it says that it will",
    x_label="error that the model expected, rating points",
    y_label="error that it made, rating points",
)
figures.show(
    axes,
    alt="Measured against expected error in ten equal parts of the ratings: both rise together, from"
    " about 1.4 to about 1.9 points, never more than 0.15 apart.",
)

# %% [markdown]
# **The model knows when it does not know: where it expects larger errors, the errors
# are larger, and by about as much.** The same by how often the person had rated before,
# the **cold start**:

# %%
groups = ["never", "1 to 4", "5 to 19", "20 or more"]
times_seen = pd.cut(ages(ratings.user_ids), [-1, 0, 4, 19, np.inf], labels=groups)
np.sqrt(variances.groupby(times_seen, observed=True).mean()).rename_axis("times seen before").round(2)

# %% [markdown]
# Bandits (lesson 09) use this number to decide where trying is worth it, drift
# detectors (lesson 05) to tell a surprise from noise.
#
# **Try it.** Multiply all variances of this belief by 4, the noise and the walk
# included (`intercept_variance=40.0`, `factor_variance=0.176`, `bias_walk=9.6e-4`,
# `factor_walk=5.6e-5`). Do the predictions change? Does the uncertainty?
#
# <details><summary>What you should see</summary>
#
# The RMSE is the same, and every expected error is twice as large. Shares are ratios of
# variances, and a common factor cancels. So a model can predict well and still be
# dishonest about its certainty. Check both, as in the figure.
#
# </details>

# %% [markdown]
# ## Break it once
#
# Here is matrix factorization as it is often written. It runs, it learns, and it has
# three faults. Find them before you read on. (The step of the factors is left out; it
# is not at fault.)


# %%
class NaiveMF:
    """Wrong in three ways."""

    def __init__(self, rate=0.05):
        self.rate, self.total, self.n = rate, 0.0, 0
        self.bias, self.factors, self.rng = defaultdict(float), {}, np.random.default_rng(SEED)

    def predict(self, user_id, item_id):
        for key in (user_id, item_id):
            if key not in self.factors:
                self.factors[key] = self.rng.normal(0, 0.1, size=5)
        biases = self.total / max(self.n, 1) + self.bias[user_id] + self.bias[item_id]
        return biases + self.factors[user_id] @ self.factors[item_id]

    def partial_fit(self, sample):
        self.total, self.n = self.total + sample.target, self.n + 1
        error = sample.target - self.predict(sample.user_id, sample.item_id)
        self.bias[sample.user_id] += self.rate * error
        self.bias[sample.item_id] += self.rate * error
        return error**2


# %% [markdown]
# **Fault 1: the answer leaks into the question.** What is the squared error on the very
# first rating of its life, a 9?


# %%
def rated(who, what, points):
    return events.OnlineSample(user_id=who, item_id=what, target=points)


models = {"naive": NaiveMF(), "reference": mf.OnlineMatrixFactorization(0)}
losses = {name: float(model.partial_fit(rated("ada", "Heat", 9.0))) for name, model in models.items()}
{name: round(loss, 2) for name, loss in losses.items()}

# %% [markdown]
# A model that knows nothing cannot be right by 0.0. It had put the 9 into its mean
# before it was asked. Predict first, and touch nothing before.
#
# **Fault 2: the mean moves under the biases.** A bias is a distance from the mean; when
# the mean moves, everybody moves with it. A critic gives *Heat* 1 point, a fan gives
# it 9. Then the critic leaves, and the fan goes on to rate *Alien*, always 9.


# %%
def fan_goes_on(model):
    """What is said of critic and Heat: when the critic leaves, and 2,000 ratings of Alien later."""
    for _ in range(1000):
        model.partial_fit(rated("critic", "Heat", 1.0))
        model.partial_fit(rated("fan", "Heat", 9.0))
    on_leaving = model.predict("critic", "Heat")
    for _ in range(2000):
        model.partial_fit(rated("fan", "Alien", 9.0))
    return {"critic leaves": on_leaving, "later": model.predict("critic", "Heat")}


models = {"naive": NaiveMF(), "reference": mf.OnlineMatrixFactorization(0)}
pd.DataFrame({name: fan_goes_on(model) for name, model in models.items()}).T.round(1)

# %% [markdown]
# Nobody said anything about *Heat* meanwhile, nor did the critic. The reference's
# intercept follows only what the biases leave *unexplained*. They explain the fan, so
# it rests.
#
# **Fault 3: asking changes the answer.** `predict` invents factors for whoever it has
# not met, and draws random numbers for them. So a model that was asked learns something
# else than one that was not. And its memory fills with people who only looked. Rank
# *Heat* for 10,000 visitors:

# %%
naive, reference = NaiveMF(), mf.OnlineMatrixFactorization(5)
for visitor in range(10_000):
    naive.predict(visitor, "Heat"), reference.predict(visitor, "Heat")
{"naive": len(naive.factors), "reference": len(reference.ids("user")) + len(reference.ids("item"))}

# %% [markdown]
# ## In production
#
# The learner sits where events arrive. Lesson 05 watches its errors, lesson 12 serves
# it, lesson 14 feeds it live events.

# %%
figures.show(
    figures.plot_platform(lit=["learner"], title="This lesson: the learner"),
    alt="The platform as a loop from people to people. Lit is the learner, which gets events and features.",
)

# %% [markdown]
# Two promises make it fit for that. A chunk gives the same numbers as one by one, only
# faster. And the model is a table of numbers with a list of ids, so a saved state goes
# on as if nothing had happened.
#
# Ours and the reference compute the same, but not in the same time. (Your numbers will
# differ.)


# %% tags=["nbval-ignore-output"]
def per_second(learn):
    """Ratings of `world` learnt per second of processor time."""
    begin = time.process_time()
    learn()
    return f"{len(world) / (time.process_time() - begin):,.0f}"


ours, reference = Factors(first_factors(sgd_model(5), world), sgd_model(5).settings), sgd_model(5)
samples = list(world)
{
    "ours": per_second(lambda: learn_all(ours, world)),
    "reference, one by one": per_second(lambda: [reference.partial_fit(each) for each in samples]),
    "reference, as a chunk": per_second(lambda: reference.partial_fit_many(world)),
}

# %% [markdown]
# ## Takeaways
#
# 1. Biases come first: one number per film is a sensible chart, the same for everybody
#    (figure of section 1).
# 2. Factors need many ratings a person; with five they buy nothing (figure of section
#    2). Count before you pay.
# 3. Once and at once beats many times and late, with the same optimizer (figure of
#    section 3).
# 4. The optimizer is a choice like the model: the typical belief beats the best SGD
#    (figure of section 4).
# 5. A belief also says how sure it is, and that can be checked (figure of section 5).
#
# ## Questions
#
# ### Beginner
#
# **1. Somebody whom the model has never met asks about a film that it knows well. What
# does it answer?**
#
# <details><summary>Model answer</summary>
#
# The intercept plus the film's bias. The user's bias is unknown, and unknown means 0:
# no more and no less generous than others. The factors add nothing, since a product
# needs both sides. So a newcomer is shown what everybody likes, until the first rating.
#
# </details>
#
# ### Intermediate
#
# **2. Why must the intercept not be the running mean of the ratings, once there are
# biases?**
#
# <details><summary>Model answer</summary>
#
# Biases were learnt as distances from the intercept of their time. If active users
# change, the mean of the ratings changes, and with it the prediction for everybody who
# is away, although nothing new is known of them. Fault 2 shows a prediction that climbs
# from 1 to 3 points without any reason. The intercept should follow only what the
# biases leave unexplained: the mean of the errors.
#
# </details>
#
# **3. A platform has 1,000 newcomers a day, who give three ratings each, and 200
# regulars, who give hundreds. Factors or not?**
#
# <details><summary>Model answer</summary>
#
# Most ratings come from people about whom taste cannot be known yet, so the average
# error will hardly show a gain, as on our stream. For the 200 regulars it may be large.
# So measure by age, as in lesson 01: if the regulars gain and nobody loses, factors
# pay. A belief makes that likely, since factors that nothing is known about stay near 0
# and do no harm.
#
# </details>
#
# ### Advanced
#
# **4. AdaGrad's steps shrink for ever. Why is that wrong in a world that changes, and
# how does a belief's walk repair it?**
#
# <details><summary>Model answer</summary>
#
# A belief without a walk has the same fault: its variance only falls, roughly like one
# over the number of events; after a thousand events the next one moves a bias by a
# thousandth of its error. That is right if the truth stands still, and too slow if it
# moves. The walk adds a little variance at each event. The variance settles where what
# is added equals what is learnt away, and the step stops shrinking. A larger walk
# follows faster and jitters more. AdaGrad needs a reset, or a sum that forgets.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Y. Koren, R. Bell and C. Volinsky, [Matrix factorization techniques for recommender
#   systems](https://doi.org/10.1109/MC.2009.263) (2009): the best known eight pages on
#   the subject; read it for what biases, factors and time each contribute.
# - J. Duchi, E. Hazan and Y. Singer,
#   [Adaptive subgradient methods](https://jmlr.org/papers/v12/duchi11a.html) (2011):
#   where AdaGrad comes from; read section 1 for why rare features deserve larger steps.
# - K. Crammer, A. Kulesza and M. Dredze,
#   [Adaptive regularization of weight vectors](https://doi.org/10.1007/s10994-013-5327-x)
#   (2013): the belief of section 4 as a classifier, for those who want to see its
#   mistakes bounded.
# - [`coursekit/learning/optim/gaussian_belief.py`](../coursekit/learning/optim/gaussian_belief.py):
#   the belief as the course runs it, in a function of four lines; read it to see that
#   the reference is no longer than the lesson.
#
# Back to [lesson 01](01_learning_from_a_stream.ipynb), where a stream is learnt from
# and judged. On to [lesson 03](03_factorization_machines.ipynb), where a film that
# nobody has rated stops being a stranger.
