# %% [markdown]
# # 04 · Neural collaborative filtering
#
# **You let a small network judge a person and a film, teach it one rating at a time,
# and learn to say what it costs.**
#
# After this lesson you will be able to
#
# - write the forward and the backward pass of the network by hand, and prove both
#   against PyTorch,
# - say which rows of an embedding table a step may touch, and catch an optimizer that
#   touches more,
# - keep a table bounded while ids never stop coming,
# - measure what learning in batches saves and what it loses.
#
# *60 minutes. You come from [lesson 03](03_factorization_machines.ipynb): rows, slopes,
# active features. Modules:
# [`coursekit.learning.learners.neural_cf`](../coursekit/learning/learners/neural_cf.py)
# in PyTorch and its hand-written twin
# [`coursekit.learning.learners.neural_cf_compiled`](../coursekit/learning/learners/neural_cf_compiled.py).*

# %%
import time

import numpy as np
import torch

from coursekit import datasets, figures
from coursekit.core import events
from coursekit.evaluation.progressive import ages, error_by_age, progressive_validation
from coursekit.learning.learners import matrix_factorization as mf
from coursekit.learning.learners import neural_cf, neural_cf_compiled
from coursekit.learning.neural import vocabulary

figures.use_course_style()
torch.set_num_threads(1)  # a step on one event is far too small to share
Network = neural_cf_compiled.CompiledNeuralCollaborativeFiltering

# %% [markdown]
# ## Why: is a network better?
#
# Matrix factorization takes two rows of numbers and multiplies them. A neural network
# could do anything with them. So we begin with the end. Here are the models of lessons
# 01 and 02 beside the network of this lesson, on all ratings of the shipped set.

# %%
ratings = datasets.load().ratings
contest = {"biases": mf.OnlineMatrixFactorization(0), "biases and factors": mf.OnlineMatrixFactorization(10)}
contest["network"] = Network()
results = {name: progressive_validation(model, ratings, clip=(0, 10)) for name, model in contest.items()}

# %%
means = np.cumsum(ratings.targets) / np.arange(1, len(ratings) + 1)
scores = {"running mean": np.sqrt(np.mean((ratings.targets[1:] - means[:-1]) ** 2))}
scores |= {name: result.rmse for name, result in results.items()}
axes = figures.plot_dots(
    scores,
    title="On ids alone, a network adds nothing to the biases",
    x_label="RMSE, rating points",
    number_format="{:.2f}",
)
figures.show(
    axes,
    alt="Dots: the progressive error on 50,000 ratings. "
    + ", ".join(f"{name} {score:.2f}" for name, score in scores.items())
    + " points.",
)

# %% [markdown]
# **With nothing but ids to look at, the network is no better than the biases of lesson
# 01.** It does not come as a surprise to those who measured before (the last section
# names them). Then why a lesson? Because its parts are in every large recommender,
# where a network looks at pictures, texts and sessions as well: tables of embeddings
# with millions of rows, steps that must touch only a few of them, ids that never stop
# coming, batches. Each part has a trap, and each trap is found in real systems. We go
# through them one by one.

# %% [markdown]
# ## 1. What can a network do with two ids?
#
# An id says nothing, so each person and each film gets a row of numbers, its
# **embedding**. The network sees the two rows side by side. By hand, with rows of
# length 1 and one layer of two neurons:
#
# | | input | weight for ada's 2 | weight for *Alien*'s -1 | sum | after $\max(0, \cdot)$ |
# |---|---|---|---|---|---|
# | neuron 1 | (2, -1) | 1 | 1 | 1 | 1 |
# | neuron 2 | (2, -1) | -1 | 1 | -3 | 0 |
#
# Neuron 2 is silent: a negative sum becomes 0. The output adds what is left, say with
# weights 0.5 and 3: that is $0.5 \cdot 1 + 3 \cdot 0 = 0.5$ above the mean rating. With
# two such layers,
#
# $$\hat y = \mu + w_3^\top h_2 + b_3, \qquad h_2 = \phi(W_2^\top h_1 + b_2), \qquad h_1 = \phi(W_1^\top [p_u; q_i] + b_1)$$
#
# In words: the prediction $\hat y$ is the running mean $\mu$ of all ratings so far,
# plus what the output layer ($w_3, b_3$) makes of the second hidden layer $h_2$, which
# is made from the first, $h_1$, which is made from ada's embedding $p_u$ and the film's
# $q_i$, side by side. $\phi$ replaces negative numbers by 0; $W$ and $b$ are weights
# and biases.
#
# **Predict.** The standard size has embeddings of length 64 for 10,000 people and
# 10,000 films, and layers of 128 and 64 neurons. Which share of all its numbers lies in
# the two tables?

# %%
guess_share = 0.5  # your guess

# %%
tables = 2 * 10_000 * 64
layers = {"layer 1": 128 * 128 + 128, "layer 2": 128 * 64 + 64, "output": 64 + 1}
share = tables / (tables + sum(layers.values()))
print(f"{tables + sum(layers.values()):,} numbers, {share:.0%} of them in the tables; you said {guess_share:.0%}")

# %% [markdown]
# Keep that in mind: **the network is small, its tables are not.** Everything expensive
# in this lesson has to do with tables. Here is the forward pass, as the formula says
# it.


# %%
def forward(network, p, q):
    """Return the layers of one prediction, from the input to the output."""
    x = np.concatenate([p, q])
    h1 = np.maximum(0, network["W1"].T @ x + network["b1"])
    h2 = np.maximum(0, network["W2"].T @ h1 + network["b2"])
    return x, h1, h2, network["w3"] @ h2 + network["b3"]


# %%
rng = np.random.default_rng(4)
shapes = {"W1": (6, 5), "b1": 5, "W2": (5, 4), "b2": 4, "w3": 4, "b3": ()}
network = {name: rng.normal(size=shape) for name, shape in shapes.items()}
ada, alien = rng.normal(size=3), rng.normal(size=3)
x, h1, h2, offset = forward(network, ada, alien)
print(f"silent neurons: {np.sum(h1 == 0)} of 5, {np.sum(h2 == 0)} of 4; the prediction is {offset:+.2f} from the mean")

# %% [markdown]
# **Try it.** Set the first two weights of `w3` to 0 and run the forward pass again.
# Which weights of the network have lost all influence on this prediction?
#
# <details><summary>What you should see</summary>
#
# The columns of `W2` and the entries of `b2` that lead to the first two neurons of
# layer 2: nothing listens to them any more. Silent neurons do the same all the time:
# what leads to a neuron that is 0 has no influence on this event, and so it will not
# learn from it.
#
# </details>

# %% [markdown]
# ## 2. How does it learn from one rating?
#
# Down the slope, as always. The slope of the prediction for the last weights is the
# layer before them: $\partial \hat y / \partial w_3 = h_2$. One layer further back, we
# pass the slope on through the weights, but only where the neuron was not silent:
# $\delta_2 = w_3$ where $h_2 > 0$, else 0. And again: $\delta_1 = W_2\,\delta_2$ where
# $h_1 > 0$. The slope for a weight is *what came in* times *what was passed back*:
#
# $$\frac{\partial\hat y}{\partial W_2} = h_1\,\delta_2^\top, \qquad \frac{\partial\hat y}{\partial W_1} = x\,\delta_1^\top,
# \qquad \frac{\partial\hat y}{\partial [p_u; q_i]} = W_1\,\delta_1$$
#
# In words: $h_1$ and $x$ are what came in, $\delta_2$ and $\delta_1$ are what came
# back, and the embeddings are at the end of the line: they get what came back through
# all of it. That is **backpropagation**, and it fits into six lines.


# %%
def backward(network, x, h1, h2):
    """Return the slope of the prediction along every number."""
    delta2 = network["w3"] * (h2 > 0)
    delta1 = (network["W2"] @ delta2) * (h1 > 0)
    slopes = {"w3": h2, "b3": 1.0, "W2": np.outer(h1, delta2), "b2": delta2, "W1": np.outer(x, delta1), "b1": delta1}
    p_slope, q_slope = np.split(network["W1"] @ delta1, 2)
    return slopes | {"p": p_slope, "q": q_slope}


# %% [markdown]
# PyTorch finds slopes by itself. We ask it about the same network and compare every
# number.

# %%
tensors = {name: torch.tensor(value, requires_grad=True) for name, value in (network | {"p": ada, "q": alien}).items()}
hidden = torch.relu(torch.cat([tensors["p"], tensors["q"]]) @ tensors["W1"] + tensors["b1"])
hidden = torch.relu(hidden @ tensors["W2"] + tensors["b2"])
(hidden @ tensors["w3"] + tensors["b3"]).backward()

# %%
ours = backward(network, x, h1, h2)
for name, tensor in tensors.items():
    assert np.allclose(ours[name], tensor.grad.numpy(), atol=1e-12), name
f"{sum(tensor.numel() for tensor in tensors.values())} slopes, all equal"

# %% [markdown]
# The reference comes as two models with the same numbers: one in PyTorch, one with
# these slopes written out and compiled. They learn the first ratings side by side.

# %%
few = ratings.slice(0, 500)
sizes = {"embedding_dim": 8, "hidden_dims": (16, 8), "seed": 1, "dtype": "float64"}
by_torch = neural_cf.OnlineNeuralCollaborativeFiltering(**sizes).predict_then_learn_many(few)
by_hand = Network(**sizes).predict_then_learn_many(few)
assert np.allclose(by_torch, by_hand, atol=1e-9)

# %% [markdown]
# Now the trap. A rating has one person and one film, so only two rows of the two tables
# have a slope at all.
#
# **Predict.** The usual optimizer is Adam. It keeps a running mean of each number's
# slopes, and moves along that mean. Two people rate: bob ten times, then ada a hundred
# times. How far does *bob's* row move while he is away: not at all, a little, or
# further than while he was rating?

# %%
guess_moves = "not at all"  # your guess: "not at all", "a little" or "further"


# %%
def rows_under(optimizer_of, who):
    """The rows of everybody at the start and after each rating, shape (1 + ratings, people, 4)."""
    torch.manual_seed(0)
    table = torch.nn.Embedding(2, 4)
    optimizer, rows = optimizer_of(table.parameters()), [table.weight.detach().numpy().copy()]
    for person in who:
        optimizer.zero_grad()
        (1 - table(torch.tensor(person)).sum()).square().backward()
        optimizer.step()
        rows.append(table.weight.detach().numpy().copy())
    return np.array(rows)


# %%
bob, someone = 1, 0
who = [bob] * 10 + [someone] * 100
kinds = {"Adam": lambda p: torch.optim.Adam(p, lr=0.01), "AdaGrad": lambda p: torch.optim.Adagrad(p, lr=0.1)}
rows = {name: rows_under(optimizer_of, who)[:, bob] for name, optimizer_of in kinds.items()}
away = {name: np.linalg.norm(each[10:] - each[10], axis=1) for name, each in rows.items()}
while_here = np.linalg.norm(rows["Adam"][10] - rows["Adam"][0])
verdict = "further" if away["Adam"][-1] > while_here else "a little"
print(f"{away['Adam'][-1]:.2f} while away, {while_here:.2f} while rating: {verdict}; you said {guess_moves}")

# %%
axes = figures.plot_curves(
    away,
    title="Adam moves people who are away",
    x_label="ratings by somebody else",
    y_label="distance from where bob was",
    roles={"Adam": "alarm", "AdaGrad": "model"},
)
figures.show(
    axes,
    alt="Two curves: how far bob's row has moved while somebody else rates. Under AdaGrad it stays where it was. Under Adam it "
    f"moves on by {away['Adam'][-1]:.2f}, most of it in the first twenty ratings.",
)

# %% [markdown]
# **A dense optimizer with a memory of slopes keeps moving those who are away.** It
# costs time as well: with weight decay or momentum, every step must visit all 1.28
# million numbers to change two rows. The reference moves the small network by plain SGD
# and the rows of the tables by AdaGrad, and of the tables only the two rows of the
# event.
#
# **Try it.** Replace Adam by SGD with `momentum=0.9`. Then by SGD without momentum. Who
# moves bob?
#
# <details><summary>An answer</summary>
#
# Momentum moves him, for the same reason: the mean of his past slopes fades slowly and
# is applied at every step. Plain SGD leaves him alone, since his slope is 0. What moves
# absent rows is memory of *direction*; AdaGrad remembers only sizes.
#
# </details>

# %% [markdown]
# ## 3. What if people never stop coming?
#
# The tables of lessons 02 and 03 grew. On a server, memory is bought once, so here a
# table has a fixed number of rows. When all are taken, somebody must go. The
# **vocabulary** forgets whoever has gone longest without rating. By hand, with two
# rows: ada takes row 0, bob row 1, ada rates again, eve comes. Whose row does she get?

# %%
words = vocabulary.BoundedVocabulary(size=2)
[(person, *words.learn(person)) for person in ("ada", "bob", "ada", "eve")]

# %% [markdown]
# Eve takes bob's row 1, and `True` says that the row has to start from the beginning:
# nothing of bob may be left in it, neither his numbers nor the optimizer's memory of
# them. Asked about bob, the model says what it says of anybody unknown.
#
# **Predict.** The shipped ratings have 10,455 people. We give the model rows for 1,000.
# By how many percent does its error grow?

# %%
guess_price = 5.0  # your guess, in percent

# %%
small = {"embedding_dim": 16, "hidden_dims": (32, 16)}
room = (30, 100, 300, 1_000, 3_000, 10_455)
errors = [progressive_validation(Network(user_vocab_size=n, **small), ratings).rmse for n in room]
price = 100 * (errors[room.index(1_000)] / errors[-1] - 1)
print(f"1,000 rows instead of 10,455: the error grows by {price:.1f} %; you said {guess_price:.0f} %")

# %%
axes = figures.plot_curves(
    {"network": errors, "room for all": [errors[-1]] * len(room)},
    title=f"Rows for 30 people instead of 10,455 cost {100 * (errors[0] / errors[-1] - 1):.0f} %",
    x=np.log10(room),
    x_label="rows for people (2 is 100, 3 is 1,000, 4 is 10,000)",
    y_label="RMSE, rating points",
    roles={"network": "model", "room for all": "baseline"},
)
figures.show(
    axes,
    alt="Curve: the error falls as there are more rows for people. "
    + ", ".join(f"{n:,} rows {error:.3f}" for n, error in zip(room, errors, strict=True))
    + " points.",
)

# %% [markdown]
# **A small table that forgets people in the right order loses a few percent, and never
# fails.** What the network knows of the films stays, and somebody who rates ten films
# in a row keeps the row for so long. What matters is the order of forgetting: by last
# *rating*, not by last question. Otherwise a robot that asks about a million names
# would throw everybody out.
#
# **Try it.** Which films would be forgotten first by a table with 1,000 rows for films?
# Is the price higher or lower than for people? Change `user_vocab_size` to
# `item_vocab_size` and look.
#
# <details><summary>An answer</summary>
#
# Films that nobody has rated for the longest time. With 30 rows the price is higher
# than for people: 1.76 points instead of 1.71. A film has no sessions: it is rated now
# and then over the whole time, and each time it comes back as a stranger.
#
# </details>

# %% [markdown]
# ## 4. Why not learn in batches?
#
# A network is usually taught in **batches**: the slopes of 256 events are averaged,
# then one step is made. PyTorch then does the work of 256 events almost for the price
# of one. But 256 events share a single step, made with a model that knew none of them.
#
# $$\theta \leftarrow \theta - \eta\,\frac1n \sum_{t=1}^{n} \frac{\partial \ell_t}{\partial\theta}$$
#
# In words: each number $\theta$ of the model moves by the learning rate $\eta$ against
# the average slope of the losses $\ell_t$ of the $n$ events in the batch.
#
# **Predict.** Learning each of the first 20,000 ratings at once, the network errs by
# 1.69 points. What if it learns in batches of 256?

# %%
guess_batch = 1.75  # your guess, rating points


# %%
def in_batches(size, n=20_000):
    """RMSE of predictions made on arrival, when events are learnt in batches of this size."""
    model, part = Network(**small), ratings.slice(0, n)
    predictions = np.concatenate([model.predict_then_batch_update(batch) for batch in part.chunks(size)])
    return np.sqrt(np.mean((part.targets - predictions) ** 2))


# %%
batch_sizes = (1, 4, 16, 64, 256)
batch_errors = [in_batches(size) for size in batch_sizes]
print(f"batches of 256: {batch_errors[-1]:.2f} points; you said {guess_batch:.2f}")

# %%
axes = figures.plot_dots(
    {f"batches of {size}": error for size, error in zip(batch_sizes, batch_errors, strict=True)},
    title="Every step that is not made is missed",
    x_label="RMSE on the first 20,000 ratings, rating points",
    number_format="{:.2f}",
)
figures.show(
    axes,
    alt="Dots: the error by batch size. "
    + ", ".join(f"{size}: {error:.2f}" for size, error in zip(batch_sizes, batch_errors, strict=True))
    + " points. Predicting the mean would err by about 1.9.",
)

# %% [markdown]
# **In batches of 256, with the same learning rate, the network is worse than the
# mean.** It has made 79 steps instead of 20,000. Batches are a tool for speed, and
# their price has to be shown beside it. Here is the other side: microseconds per rating
# for the standard size. (Your numbers will differ.)


# %% tags=["nbval-ignore-output"]
def microseconds(learn, size, n=512):
    """Processor time per rating, when `learn` is given chunks of this size."""
    chunks = list(ratings.slice(0, n).chunks(size))
    learn(chunks[0])
    begin = time.process_time()
    for chunk in chunks:
        learn(chunk)
    return round(1e6 * (time.process_time() - begin) / n, 1)


in_torch = neural_cf.OnlineNeuralCollaborativeFiltering()
{
    "PyTorch, one by one": microseconds(lambda one: in_torch.partial_fit(one[0]), 1),
    "PyTorch, batches of 16": microseconds(in_torch.predict_then_batch_update, 16),
    "PyTorch, batches of 256": microseconds(in_torch.predict_then_batch_update, 256),
    "by hand, one by one": microseconds(Network().predict_then_learn_many, 256),
}

# %% [markdown]
# One event at a time, nearly all of PyTorch's time goes into being called. The
# hand-written twin does the same step with the same numbers in a small part of it. So
# with the twin there is no reason to wait for a batch at all.
#
# **Try it.** Batches of 256 make fewer steps; may they be longer? Let `in_batches` take
# a `learning_rate` and an `embedding_rate`, and try ten times the standard ones (0.003
# and 0.1) with batches of 64.
#
# <details><summary>An answer</summary>
#
# It helps, from 1.91 to 1.80 points, and does not close the gap to 1.69. The average of
# 64 slopes is less noisy than one slope, so a longer step is safe, up to a point. But a
# step that comes once in 64 ratings comes late: at every fifth rating of a batch, the
# person has been in it before, and the model that learns at once has used that already.
#
# </details>

# %% [markdown]
# ## Break it once
#
# **Fault 1: rows by remainder.** A bounded table is often indexed by a number modulo
# its size. It needs no vocabulary and never fails. We give it three rows and let two
# people rate who have nothing in common.

# %%
n_rows = 3
model = Network(**small, user_vocab_size=n_rows)
for _ in range(200):
    for person, points in ((0, 9.0), (3, 1.0)):
        row = person % n_rows  # the fault
        model.partial_fit(events.OnlineSample(user_id=row, item_id="Alien", target=points))
f"person 0 gave nines, person 3 ones; predicted: {model.predict(0 % n_rows, 'Alien'):.1f} and {model.predict(3 % n_rows, 'Alien'):.1f}"

# %% [markdown]
# The same prediction for both, between a nine and a one: they *are* the same row. No
# error is raised, and the average error over all people hardly shows it. Only a test
# that asks about two people does.
#
# **Fault 2: zero for strangers.** Before anything is known, a network's output is
# near 0. A rating of 0 is the worst there is. How much do strangers cost, then?

# %%
newcomers = error_by_age(ratings, results["network"].predictions, of="user", starts=(0, 1))[0]
is_first = ages(ratings.user_ids) == 0
zero = np.sqrt(np.mean(ratings.targets[is_first] ** 2))
print(f"first rating of a person: {newcomers.rmse:.2f} points around the running mean, {zero:.2f} if it answers 0")

# %% [markdown]
# Two lines cure it: predict around the running mean, and let every new row start where
# an unknown one is. Then the first prediction for a stranger is the mean plus what is
# known of the film.

# %% [markdown]
# ## In production
#
# The network is one more learner with the same contract: it can be managed,
# checkpointed and compared like the others. Where pictures and texts are known, it is
# the first that can use them. Its tables are what the memory of a server is planned
# for.

# %%
figures.show(
    figures.plot_platform(lit=["learner"], title="This lesson: another learner"),
    alt="The platform as a loop from people to people. Lit is the learner.",
)

# %% [markdown]
# ## Takeaways
#
# 1. On ids alone a network is no better than biases; measure before you believe (figure
#    of the beginning).
# 2. Nearly all numbers of the model lie in its tables, and a step may touch two rows of
#    them. An optimizer with a memory of direction touches more (figure of section 2).
# 3. A bounded table with an honest order of forgetting costs little (figure of section
#    3).
# 4. Batches trade accuracy for speed; with a cheap step there is nothing to trade
#    (figure of section 4).

# %% [markdown]
# ## Questions
#
# ### Beginner
#
# **1. Why does a new person's row start as a copy of the row for unknown people, and
# not at random?**
#
# <details><summary>Model answer</summary>
#
# Then the first prediction for somebody is the same whether or not they have been given
# a row: it does not depend on chance, and asking about a stranger gives what the
# stranger will get. It is also a sensible guess, since that row stands for anybody. A
# random row would add noise to exactly those predictions that are hardest.
#
# </details>
#
# ### Intermediate
#
# **2. Somebody proposes to train with dropout and to report the training loss to a
# drift detector. What goes wrong?**
#
# <details><summary>Model answer</summary>
#
# Dropout switches neurons off at random, so the loss during training is that of a
# crippled network: higher and noisier than the error that users see. The detector then
# watches the noise of dropout. The loss that counts is that of the prediction made
# before the step, with everything switched on: test, then train.
#
# </details>
#
# ### Advanced
#
# **3. Collaborative, content-based, neural: what would you run for a shop with a
# million visitors a day, and how would you find out?**
#
# <details><summary>Model answer</summary>
#
# Begin with what is cheap and hard to beat: biases and factors, learnt online, as a
# baseline in production. Add side features by a factorization machine, which helps with
# new items. Only then a network, fed with what the others cannot read: text, pictures,
# the session. Compare all by progressive validation on the same stream, by age of user
# and item, and then by an experiment on real visitors; count the cost per prediction
# and per update too. A gain on ids alone would surprise us: this lesson found none, and
# published comparisons found the same.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - X. He et al.,
#   [Neural collaborative filtering](https://doi.org/10.1145/3038912.3052569) (2017):
#   the model of this lesson as it was proposed; read it with section 4 of this lesson
#   in mind, since all its results come from many passes over the data.
# - S. Rendle et al., [Neural collaborative filtering vs. matrix factorization
#   revisited](https://doi.org/10.1145/3383313.3412488) (2020): the careful comparison,
#   in which a well-tuned inner product wins; read it to learn how a baseline is tuned.
# - M. Ferrari Dacrema et al.,
#   [Are we really making much progress?](https://doi.org/10.1145/3298689.3347058)
#   (2019): many neural recommenders, repeated; read it before you believe a table of
#   results, and before you print one.
# - [`coursekit/learning/neural/kernels.py`](../coursekit/learning/neural/kernels.py):
#   the forward and backward pass of this lesson as loops over arrays, compiled; read it
#   to see that six lines of slopes are all there is to it.
#
# Back to [lesson 03](03_factorization_machines.ipynb). Next:
# [lesson 05](05_drift_detection.ipynb), how to notice that what was learnt is no longer
# true.
