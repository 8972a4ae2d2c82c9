# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 00 · Start here
#
# **In half an hour you know what this course builds, how to work with it, and that it
# runs on your machine.**
#
# After this lesson you are able to
#
# - say what sets a model that learns apart from a model that was trained;
# - work through a lesson: predict, run, break, try;
# - solve an exercise with `check`, `hint` and `progress`;
# - tell whether you and your machine are ready, and where help is.
#
# 30 minutes · module: the package as a whole, [coursekit](../coursekit/__init__.py) ·
# nothing comes before this lesson
#
# A cell runs with Shift+Enter. The lessons come with their results, so that you can
# compare yours. If you want to guess without seeing them, choose *Edit → Clear Outputs
# of All Cells* first.

# %% [markdown]
# ## Why: the world moves on, and a trained model does not
#
# A made-up world, in which we know the truth: 100 people rate 200 films, 5,000 times.
# After 2,500 ratings everybody begins to rate half a point higher. One model learns
# from the first 1,000 ratings and then stops. A second one, the same in every other
# respect, goes on learning. How far off are their predictions, in rating points? (The
# RMSE is a mean in which large errors count more.) We ask ten such worlds, so that
# chance does not decide.

# %%
import numpy as np

from coursekit import datasets, evaluation, figures
from coursekit.core import errors, events
from coursekit.learning.learners import matrix_factorization

figures.use_course_style()

# %% [markdown]
# One such world, two models, and how their errors go on after the first 1,000 ratings.
# You need not read this yet; lesson 01 explains every line of it.


# %%
def errors_of_both(seed):
    world = datasets.rating_stream(seed=seed)
    early, later = world.slice(0, 1_000), world.slice(1_000, 5_000)
    model = matrix_factorization.OnlineMatrixFactorization(n_factors=0)
    model.partial_fit_many(early)
    stopped = model.predict_many(later.user_ids, later.item_ids)
    learning = model.predict_then_learn_many(later)
    return [evaluation.learning_curve(later, each, n_points=16).rmse for each in (stopped, learning)]


# %%
worlds = np.array([errors_of_both(seed) for seed in range(1, 11)])  # (worlds, models, points)
stopped, learning = worlds[:, 0], worlds[:, 1]

# %%
axes = figures.plot_curves(
    {"goes on learning": learning, "stopped": stopped},
    x=np.linspace(1_250, 5_000, 16),
    title="After the change, only the model that learns recovers",
    x_label="ratings seen",
    y_label="RMSE, rating points",
    roles={"stopped": "baseline"},
)
figures.mark_drift(axes, 2_500, label="the world changes")
figures.show(
    axes,
    alt="Line chart of the error of two models, median and 10-90 % band over ten made-up worlds."
    " Before the change both are around 0.75 points; at the change both jump; after it one"
    " falls back to 0.72, the one that stopped stays near 0.9.",
)

# %% [markdown]
# **Both errors jump when the world changes; one of them comes down again.** The model
# that comes down is what this course builds, together with everything that has to stand
# around it before anybody should trust it.
#
# ## 1. What do we build?
#
# Four parts. Each is drawn above the one that it stands on:

# %%
figures.show(
    figures.plot_course_map(lit=["I"]),
    alt="Diagram of the parts of the course. Part I, learning from a stream, lies on"
    " coursekit.core over the whole width; Part II with Part III above it, and beside them"
    " Part IV, forecasting a fleet, lie on Part I.",
)

# %% [markdown]
# **Part I carries the other three: whoever wants to ship, run or forecast with learning
# models needs it first.**
#
# | part | in it you build | and measure |
# |---|---|---|
# | I | learners that take one event at a time, and detectors that notice a change | error, delay, false alarms |
# | II | a registry, A/B tests, bandits, a pipeline, a service | significance, regret, latency |
# | III | the whole loop, with simulated people in it | lift, freshness |
# | IV | a large forecasting model that goes on learning, with a brake | cost, forgetting, safety |
#
# A lesson teaches a module, and both have the same name:
# `notebooks/02_matrix_factorization.ipynb` teaches
# `coursekit/learning/learners/matrix_factorization.py`. You first build the idea in a
# few cells. Then you import the module, and a line beginning with `assert` proves that
# both say the same. The modules are short, and they are meant to be read.
#
# ## 2. How do we work?
#
# In four steps, again and again. The first is the one that most readers skip, and the
# one that teaches most.
#
# 1. **Predict.** Write down what you expect, as a number.
# 2. **Run.** The next cell holds your number against the truth.
# 3. **Break.** Make it go wrong on purpose, and read the message.
# 4. **Try.** Change something, and say before you run it what will change.
#
# Let us do it once. The course brings 50,000 ratings of films along, from 0 to 10, that
# people tweeted in the spring of
# 2013. **Predict**: what is the mean rating? And which share of all ratings is a 10?

# %%
mean_guess = 5.0  # your guesses
share_guess = 0.05

# %%
ratings = datasets.load().ratings
mean, share = np.mean(ratings.targets), np.mean(ratings.targets == 10)
f"mean: you said {mean_guess}, it is {mean:.2f}; tens: you said {share_guess}, it is {share:.2f}"

# %% [markdown]
# People tweet about films that they like. Were you far off? Then you know something now
# that you would have read over.
#
# **Try it.** Is the tenth rating of a person milder than the first? Put 9 in place
# of 0.

# %%
age = evaluation.ages(ratings.user_ids)  # how many ratings the same person gave before
round(float(np.mean(ratings.targets[age == 0])), 2)

# %% [markdown]
# <details>
# <summary>What you should find</summary>
#
# No, it is harsher: 7.12 points on average against 7.74. Whether people become harsher,
# or whether the mild ones leave early, this number cannot say.
#
# </details>
#
# If something looks strange, choose *Kernel → Restart Kernel and Run All Cells*. A
# notebook remembers what you ran, in the order in which you ran it; a fresh start
# forgets.
#
# ## 3. How does an exercise work?
#
# An exercise is a notebook in `exercises/`. Where you are to write, a line raises
# `NotImplementedError`. You replace that line, and then you ask. We do it here with the
# first question of the exercise *fm*, in a copy, so that your own progress stays as it
# is. You need not understand the question yet.

# %%
import os
import shutil
import tempfile

from coursekit.grading import check, hint, progress

here, copy = os.getcwd(), os.path.join(tempfile.mkdtemp(), "fm")
os.chdir(shutil.copytree("../exercises/fm", copy, ignore=shutil.ignore_patterns(".*")))


# %%
def score(w0, w, V, x):
    raise NotImplementedError


check("fm-1", seed=1)

# %% [markdown]
# *Not attempted* is no mistake. Now an answer that is half right:


# %%
def score(w0, w, V, x):
    return w0 + w @ x


check("fm-1", seed=1)

# %% [markdown]
# Points belong to parts: the part that is right has earned its point, and the other
# says what came and what was expected. Where a mistake is a common one, it is called by
# its name. There are four verdicts:
#
# | verdict | it means |
# |---|---|
# | passed | right, for random inputs that were new to you and to us |
# | wrong | it ran, and something else was expected |
# | not attempted | the line that raises `NotImplementedError` is still there |
# | could not run | the code stopped with an error of its own, or a name is missing |
#
# You may ask as often as you like. Without `seed=` the inputs are new each time. If you
# are stuck, ask for a hint, and then for the next one; the first is a nudge, the last
# is nearly the answer.

# %%
hint("fm-1")

# %%
progress()

# %% [markdown]
# Checks that you see tell you where you stand. When your work is graded, hidden checks
# ask more of the same questions, and they ask them in a process of their own: only
# right answers count. In a terminal the same commands are
# `coursekit check exercises/fm`, `coursekit hint fm-1` and `coursekit progress`.
#
# **Try it.** Break `score` so that the verdict becomes *could not run*, and read the
# message.
#
# <details>
# <summary>One way</summary>
#
# `return w0 + W @ x`: there is no `W`. The message names the error and the line.
# Another way is to delete the function: `del score`.
#
# </details>

# %%
os.chdir(here)
shutil.rmtree(os.path.dirname(copy))

# %% [markdown]
# ## 4. Are you ready?
#
# Five questions. Say each result before you look. If one surprises you, the table below
# says what to read; half an hour is enough for each.

# %%
counts = {}
for word in "to be or not to be".split():
    counts[word] = counts.get(word, 0) + 1
counts

# %%
np.array([[1, 2, 3], [5, 6, 7]]).mean(axis=0)  # one mean for each column, or for each row?

# %%
float((np.array([3, 8, 9, 2]) > 5).mean())

# %% [markdown]
# The mean of 100 random numbers that spread by 1 spreads by how much?

# %%
spread_guess = 0.5  # your guess

# %%
means = np.random.default_rng(seed=1).normal(size=(10_000, 100)).mean(axis=1)
f"you said {spread_guess}, it is {means.std():.2f}"

# %% [markdown]
# The loss is $(y - pq)^2$ with $y = 5$, $p = 1$ and $q = 2$. How fast does it change
# when $p$ grows?

# %%
slope_guess = 0.0  # your guess

# %%
step = 1e-6
slope = ((5 - (1 + step) * 2) ** 2 - (5 - 1 * 2) ** 2) / step
f"you said {slope_guess}, it is {slope:.2f}; by hand: -2 (y - p q) q = {-2 * (5 - 1 * 2) * 2}"

# %% [markdown]
# | if this surprised you | read |
# |---|---|
# | the dictionary | [Python tutorial, 5.5](https://docs.python.org/3/tutorial/datastructures.html#dictionaries) |
# | the means of the columns, the share | [NumPy for beginners](https://numpy.org/doc/stable/user/absolute_beginners.html) |
# | the spread of a mean | [Standard error](https://en.wikipedia.org/wiki/Standard_error), its first two sections |
# | the slope | [Visualizing the chain rule](https://www.3blue1brown.com/lessons/chain-rule-and-product-rule) |
#
# ## 5. Does everything run here?
#
# `coursekit doctor` looks at Python, the packages, the kernel and the programs around
# it. In a terminal it says for everything that is missing how to get it. Here we only
# ask for its verdict:

# %%
import json

from click.testing import CliRunner

from coursekit.cli import cli

json.loads(CliRunner().invoke(cli, ["doctor", "--json"]).stdout)["lessons_can_run"]

# %% [markdown]
# And does this machine compute what ours did? This learner, on this made-up stream, has
# the error 0.7133 everywhere.

# %%
learner = matrix_factorization.OnlineMatrixFactorization(n_factors=10, seed=1)
result = evaluation.progressive_validation(learner, datasets.rating_stream(seed=2))
assert np.isclose(result.rmse, 0.713306, atol=1e-6)
round(result.rmse, 4)

# %% [markdown]
# **Try it.** What would it look like if it did not? Put `seed=3` in the place of
# `seed=2`, and run the cell again.
#
# <details>
# <summary>What you should find</summary>
#
# An `AssertionError`: another seed makes another world, and its error is another.
# `assert` is silent as long as what follows it is true. You will meet it wherever
# something has to agree.
#
# </details>
#
# If a line above says `False` or stops at `assert`, or if you are stuck anywhere in the
# course:
#
# | you want to know | ask |
# |---|---|
# | what is missing on this machine | `coursekit doctor` in a terminal, and the [README](../README.md) |
# | what a function does, with an example | `help(evaluation.progressive_validation)`, or Shift+Tab inside its brackets |
# | how something is computed | the module itself; each lesson links to the one that it teaches |
# | the next step of an exercise | `hint("fm-1")`, again and again |
# | what an error means | its last sentence (next section) |
#
# ## Break it once: an event that nobody could learn from
#
# A rating that is not a number would spoil a mean for ever. So it never becomes an
# event:

# %%
try:
    events.OnlineSample(user_id="ada", item_id="Heat", target=float("nan"))
except errors.CourseKitError as error:
    print(error)

# %%
try:
    datasets.load("movielens")
except errors.CourseKitError as error:
    print(error)

# %% [markdown]
# Every message of the course has this form: *what* was wrong, what was *expected*, what
# *came*. Where there is a next step, it says that too. In a notebook such a message
# stands at the bottom of a long red text; read the bottom first.
#
# ## In production

# %%
figures.show(
    figures.plot_platform(),
    alt="Diagram of the platform as a loop of nine boxes, from people over event API, feature"
    " store, learner, evaluation with its drift detector, registry, experiments and serving"
    " API back to people.",
)

# %% [markdown]
# **What you build turns in a loop: people act, a learner learns, they are shown
# something else, they act again.**
#
# - Part I is the column with the learner, the evaluation and the drift detector.
# - Part II is the lower row: which version is served, to whom, and who decides.
# - Part III closes the loop, with simulated people, so that what it brings can be
#   measured.
# - At the end of each lesson this picture comes back, with the box of that lesson lit.
#
# ## Takeaways
#
# 1. When the world changes, a model that has stopped learning stays wrong (first
#    figure).
# 2. Every other part depends on Part I: learners that see one event at a time
#    (second figure).
# 3. A platform is a loop, and every lesson lights one box of it (third figure).
# 4. Guess first, as a number. Then run, break, try.
# 5. `check`, `hint`, `progress`: ask as often as you like.
#
# ## Questions
#
# ### Beginner
#
# **1. What is the difference between a model that was trained and a model that
# learns?**
#
# <details>
# <summary>A model answer</summary>
#
# A trained model is a photograph: it was true on the day on which it was taken. It is
# replaced as a whole, by another training. A model that learns is changed a little by
# every event and is used all the while; there is no day on which it is finished. In the
# first figure, both were the same until event 1,000.
#
# </details>
#
# ### Intermediate
#
# **2. You run a lesson and get another number than the one that is printed. Name three
# causes, and how you would tell.**
#
# <details>
# <summary>A model answer</summary>
#
# Cells ran in another order, or one of them twice: restart the kernel and run all.
# Something was changed, a seed or a setting: compare with the stored lesson
# (`git diff`). The packages have other versions: `coursekit doctor` names every package
# that differs. Chance is no cause: every random number of the course has a seed, and
# its tests run all lessons again and compare the outputs.
#
# </details>
#
# ### Advanced
#
# **3. An offer says: "Online learning raises click rates by 15 to 25 %." What would
# have to be shown to you?**
#
# <details>
# <summary>A model answer</summary>
#
# Against what it was compared: a model retrained every night is another opponent than
# one from last year. That people were assigned to both at random, by person and not by
# page view. How many they were, and an interval for the lift, not only its middle
# (lesson 08). That the test was not stopped on the day on which it looked best. What it
# cost elsewhere: latency, sales, variety. And whether the gain is still there when the
# novelty is gone. Part III makes this measurement on a simulated population whose truth
# is known, and reports what it finds, also when that is less.
#
# </details>
#
# ## Further reading
#
# - [River's documentation](https://riverml.xyz): the library for learning from streams
#   in Python; its introduction says in ten minutes why one would.
# - D. Sculley et al. (2015),
#   [Hidden technical debt in machine learning systems](https://papers.nips.cc/paper/2015/hash/86df7dcfd896fcaf2674f757a2463eba-Abstract.html):
#   why the model is the smallest box in the picture above, and what the other boxes
#   cost if nobody plans them.
# - J. Gama et al. (2014),
#   [A survey on concept drift adaptation](https://doi.org/10.1145/2523813): a map of
#   everything that can change under a model; Part I walks through it.
#
# Next: [01 · Learning from a stream](01_learning_from_a_stream.ipynb)
