# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] name="title"
# # A factorization machine by hand
#
# *Exercise `fm` · about 90 minutes · 6 checks · goes with lesson 03, [factorization
# machines](../../notebooks/03_factorization_machines.ipynb)*
#
# You will build, in six small steps, a model that learns from one rating at a time and still has something to say about a
# film that opens tonight and that nobody has rated. At the end it meets twelve thousand real ratings.
#
# **How it works.** Each step has a cell for your answer; replace the line that raises `NotImplementedError`, run the cell,
# then run the check below it.
#
# - `check("fm-1")` tells you where you stand, as often as you like. It asks with new random numbers each time.
# - `hint("fm-1")` gives one hint; ask again for the next. There are three for each step, from a nudge to nearly the answer.
# - `answer("fm-1")` shows one good solution, *after* yours has passed.
# - `progress()` shows how far you are. In a terminal, `coursekit check exercises/fm` checks the whole notebook.
#
# When your work is graded, hidden checks ask more of the same questions. They hold no traps: what the text asks for is what
# they check.

# %% name="imports"
import time

import numpy as np

from coursekit.grading import answer, check, hint, progress

# %% [markdown] name="story"
# ## Tonight, a film opens
#
# Matrix factorization (lesson 02) knows users and films by their ids. A film that nobody has rated has an id that says
# nothing, so all it can offer is an average. But we know more: it is science fiction, a thriller, from this decade, and
# films like that have been rated thousands of times.
#
# A factorization machine learns about *features* instead of ids. An event is the list of features that are present, each
# with a value:

# %% name="event"
event = {"user=ada": 1.0, "film=gravity": 1.0, "genre=Sci-Fi": 0.7, "genre=Thriller": 0.7}
event

# %% [markdown] name="model"
# A feature $i$ with value $x_i$ counts twice: on its own, through a weight $w_i$, and together with every other feature
# $j$, through a *pair*.
#
# $$
# \hat y \;=\; \underbrace{w_0}_{\text{bias}} \;+\; \underbrace{\sum_i w_i\,x_i}_{\text{each feature alone}}
# \;+\; \underbrace{\sum_i \sum_{j>i} \langle v_i, v_j\rangle\, x_i\,x_j}_{\text{each pair, once}}
# $$
#
# The strength of a pair is not a number of its own. Each feature has a short row of factors $v_i$, and $\langle v_i,
# v_j\rangle$ is the inner product of two rows. So a pair that never occurred, *ada with this new film*, still has a
# strength: ada's row has met other thrillers.
#
# (S. Rendle, *Factorization Machines*, ICDM 2010, [doi:10.1109/ICDM.2010.127](https://doi.org/10.1109/ICDM.2010.127).)

# %% [markdown] name="step-1"
# ## Step 1: the definition
#
# Write the formula as it stands, with two loops. Slow is fine; this is the version that you will trust when you make it fast.
#
# By hand first: $w_0 = 1$, two features with values $x = (1, 2)$, weights $w = (3, 0)$, rows $v_1 = (1, 1)$ and $v_2 = (2,
# -1)$. The bias is 1, the features alone give $3 \cdot 1 + 0 \cdot 2 = 3$, and the only pair gives $(1 \cdot 2 + 1 \cdot
# (-1)) \cdot 1 \cdot 2 = 2$. **Predict** the score before you run anything.


# %% nbgrader={"grade": false, "grade_id": "fm-1-answer", "locked": false, "schema_version": 3, "solution": true}
def score(w0, w, V, x):
    """Return the model's score.

    w0: a number; w and x: arrays of shape (n,); V: array of shape (n, k), one row of factors for each feature.
    """
    ### BEGIN SOLUTION
    total = w0
    for i in range(len(x)):
        total += w[i] * x[i]
        for j in range(i + 1, len(x)):
            total += (V[i] @ V[j]) * x[i] * x[j]
    return total
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "fm-1", "locked": true, "points": 3, "schema_version": 3, "solution": false}
check("fm-1")

# %% name="run-1" tags=["raises-exception"]
score(
    1.0, np.array([3.0, 0.0]), np.array([[1.0, 1.0], [2.0, -1.0]]), np.array([1.0, 2.0])
)  # did you say 6?

# %% [markdown] name="step-2"
# ## Step 2: all pairs in one pass
#
# An event with 30 features has 435 pairs, one with 1,000 has half a million. The pairs need not be visited at all. Look at
# three numbers:
#
# $$
# (2 + 3 + 5)^2 = \underbrace{2^2 + 3^2 + 5^2}_{38} + 2\,\underbrace{(2 \cdot 3 + 2 \cdot 5 + 3 \cdot 5)}_{31}
# \qquad\Rightarrow\qquad 31 = \tfrac12\,(100 - 38)
# $$
#
# The sum over pairs is half of *the square of the sum minus the sum of the squares*. Here the numbers are $v_{if}\,x_i$,
# and there is one such sum for every factor $f$; add them up over $f$. The work grows with $k$ times the number of features
# that are present, no longer with its square.
#
# Write the pairwise term alone, without $w_0$ and $w$.


# %% nbgrader={"grade": false, "grade_id": "fm-2-answer", "locked": false, "schema_version": 3, "solution": true}
def pairs(V, x):
    """Return the sum over all pairs of <v_i, v_j> x_i x_j as a number.

    V: array of shape (n, k); x: array of shape (n,). n may be 0.
    """
    ### BEGIN SOLUTION
    sums = x @ V  # (k,)
    squares = (x**2) @ (V**2)
    return 0.5 * (sums**2 - squares).sum()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "fm-2", "locked": true, "points": 4, "schema_version": 3, "solution": false}
check("fm-2")

# %% [markdown] name="predict-2"
# **Predict**: with 400 features and 8 factors, how many times faster is one pass than two loops? Ten times, a hundred, a
# thousand? Write your guess down, then run.

# %% name="run-2" tags=["raises-exception"]
V, x = np.random.default_rng(0).normal(size=(400, 8)), np.ones(400)
start = time.perf_counter()
slow = score(0.0, np.zeros(400), V, x)
middle = time.perf_counter()
fast = pairs(V, x)
end = time.perf_counter()
print(
    f"two loops {slow:.6f}, one pass {fast:.6f}, {(middle - start) / (end - middle):.0f} times faster"
)

# %% [markdown] name="step-3"
# ## Step 3: which way is up
#
# To learn, the model must know how the score moves when a number in it moves. For the bias and the weights that is easy:
# $\partial \hat y / \partial w_0 = 1$ and $\partial \hat y / \partial w_i = x_i$. For a factor, look at where $v_{if}$
# occurs in the definition: in every pair of feature $i$, each time multiplied by $x_i$ and by the other one's
# $v_{jf}\,x_j$.
#
# $$
# \frac{\partial \hat y}{\partial v_{if}} \;=\; x_i \sum_{j \ne i} v_{jf}\,x_j
# $$
#
# The sum leaves out $i$ itself. You have the sum over *all* features from step 2 already; take $i$'s own share away again,
# and no loop over pairs is needed here either.


# %% nbgrader={"grade": false, "grade_id": "fm-3-answer", "locked": false, "schema_version": 3, "solution": true}
def pairs_gradient(V, x):
    """Return the slope of the score with respect to each entry of V, an array of shape (n, k)."""
    ### BEGIN SOLUTION
    sums = x @ V  # (k,)
    return x[:, None] * (sums - x[:, None] * V)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "fm-3", "locked": true, "points": 4, "schema_version": 3, "solution": false}
check("fm-3")

# %% [markdown] name="predict-3"
# A slope can always be checked without its formula: move one number, see how far the result moves, divide. Usually the step
# must be tiny for that. **Predict**: with a step as coarse as 0.5, how many digits will agree here?

# %% name="run-3" tags=["raises-exception"]
V, x, step = np.array([[0.3, -0.2], [0.5, 0.1], [-0.4, 0.7]]), np.array([1.0, 2.0, 0.5]), 0.5
moved = V.copy()
moved[1, 0] += step
print(f"measured {(pairs(moved, x) - pairs(V, x)) / step:.12f}")
print(f"formula  {pairs_gradient(V, x)[1, 0]:.12f}")

# %% [markdown] name="finding-3"
# **In each single number of it the model is a straight line**, so every step measures the same slope. It bends only when
# several numbers move at once, which is why a learning rate still has to be small.

# %% [markdown] name="step-4"
# ## Step 4: predict
#
# Features arrive by name, and new ones keep arriving. So the machine keeps its rows in dictionaries: `w["genre=Sci-Fi"]` is
# a weight, `V["genre=Sci-Fi"]` a row of factors. The class below is complete; it calls the two functions that you write in
# this step and the next.


# %% nbgrader={"grade": false, "grade_id": "fm-machine", "locked": true, "schema_version": 3, "solution": false}
class FactorizationMachine:
    """What a machine knows: a bias, and for every feature it has learnt from a weight and a row of factors."""

    def __init__(self, n_factors=8, learning_rate=0.02, regularization=0.02, seed=0):
        self.n_factors = n_factors
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.rng = np.random.default_rng(seed)  # this machine's own source of chance
        self.w0 = 0.0
        self.w = {}  # name -> number
        self.V = {}  # name -> array of shape (n_factors,)

    def predict(self, features):
        return predict_one(self, features)

    def partial_fit(self, features, target):
        return learn_one(self, features, target)


# %% [markdown] name="step-4-rules"
# `predict_one(machine, features)` returns the score of an event.
#
# - A feature that the machine has never learnt from contributes nothing, as if it were not there. The others still count.
# - With nothing known at all, what is left is the bias.
# - **A question changes nothing.** Whoever asks a million times about films that do not exist must not make the model grow.


# %% nbgrader={"grade": false, "grade_id": "fm-4-answer", "locked": false, "schema_version": 3, "solution": true}
def predict_one(machine, features):
    """Return the machine's score for features, a dict of name -> value."""
    ### BEGIN SOLUTION
    known = [name for name in features if name in machine.w]
    if not known:
        return machine.w0
    x = np.array([features[name] for name in known])
    weights = np.array([machine.w[name] for name in known])
    factors = np.array([machine.V[name] for name in known])
    return machine.w0 + weights @ x + pairs(factors, x)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "fm-4", "locked": true, "points": 4, "schema_version": 3, "solution": false}
check("fm-4")

# %% [markdown] name="step-5"
# ## Step 5: learn from one event
#
# Test, then train. `learn_one(machine, features, target)` does this, in this order:
#
# 1. **Predict** as `predict_one` does, before anything changes. The error is $e = y - \hat y$ (target minus prediction),
#    the loss is $e^2$.
# 2. **Make room**: each feature that is new gets the weight 0 and a row of `machine.n_factors` small random factors, normal
#    with mean 0 and standard deviation 0.1, drawn from `machine.rng`.
# 3. **Step**: each number $\theta$ that belongs to this event moves against its error, with learning rate $\eta$ and
#    regularization $\lambda$:
#
# $$
# \theta \;\leftarrow\; \theta + \eta \Big( e\,\frac{\partial \hat y}{\partial \theta} - \lambda\,\theta \Big)
# \quad\text{for } w_i \text{ and } v_i \text{ of the features present,}\qquad w_0 \leftarrow w_0 + \eta\,e
# $$
#
# All slopes belong to the model *before* the step: work them out first, then move. The bias is not pulled towards 0, and
# **rows of features that are not in this event are not touched at all**. That is what makes a step cheap, however many
# features the machine has met.
#
# 4. **Return the loss** of 1.


# %% nbgrader={"grade": false, "grade_id": "fm-5-answer", "locked": false, "schema_version": 3, "solution": true}
def learn_one(machine, features, target):
    """Learn from one event and return the squared error from before the step."""
    ### BEGIN SOLUTION
    error = target - predict_one(machine, features)
    for name in features:
        if name not in machine.w:
            machine.w[name] = 0.0
            machine.V[name] = machine.rng.normal(0.0, 0.1, machine.n_factors)
    x = np.array(list(features.values()))
    gradient = pairs_gradient(np.array([machine.V[name] for name in features]), x)
    rate, decay = machine.learning_rate, machine.regularization
    machine.w0 += rate * error
    for name, value, slope in zip(features, x, gradient, strict=True):
        machine.w[name] += rate * (error * value - decay * machine.w[name])
        machine.V[name] += rate * (error * slope - decay * machine.V[name])
    return error**2
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "fm-5", "locked": true, "points": 7, "schema_version": 3, "solution": false}
check("fm-5")

# %% [markdown] name="predict-5"
# Ada rates *Gravity* with an 8. **Predict**, before you run: which of these four predictions move, and which moves most?

# %% name="run-5" tags=["raises-exception"]
machine = FactorizationMachine(learning_rate=0.1)
questions = {
    "ada, gravity": event,
    "ada, another film": {"user=ada": 1.0, "film=alien": 1.0},
    "bob, another thriller": {"user=bob": 1.0, "film=heat": 1.0, "genre=Thriller": 1.0},
    "bob, a comedy": {"user=bob": 1.0, "film=airplane": 1.0, "genre=Comedy": 1.0},
}
machine.partial_fit(event, 8.0)
{who: round(float(machine.predict(features)), 2) for who, features in questions.items()}

# %% [markdown] name="finding-5"
# **One rating taught the machine about films it has never seen**, through what they share: the user, the genre, and for all
# of them the bias. Make the learning rate 0.9 and run again. What happens after five ratings?

# %% [markdown] name="step-6"
# ## Step 6: an honest score
#
# Is it any good? On a stream, every event is first a question and then a lesson: ask for the prediction, note its error,
# and only then show the answer. That is *progressive validation* (lesson 01), and its classic accident is to ask after
# learning: the model has then seen the answer it is asked for.
#
# `progressive_rmse(machine, stream)` goes once through a list of `(features, target)`, teaches the machine every event, and
# returns a list with one number for each event: the root of the mean squared error so far.
#
# Anything with `predict(features)` and `partial_fit(features, target)` can be measured like this, such as the simplest
# opponent there is:


# %% nbgrader={"grade": false, "grade_id": "fm-running-mean", "locked": true, "schema_version": 3, "solution": false}
class RunningMean:
    """Predicts the mean of the targets so far, whatever it is asked."""

    def __init__(self):
        self.n_events = 0
        self.mean = 0.0

    def predict(self, features):
        return self.mean

    def partial_fit(self, features, target):
        self.n_events += 1
        self.mean += (target - self.mean) / self.n_events


# %% nbgrader={"grade": false, "grade_id": "fm-6-answer", "locked": false, "schema_version": 3, "solution": true}
def progressive_rmse(machine, stream):
    """Return the running root mean squared error of predictions made before learning, one number for each event."""
    ### BEGIN SOLUTION
    total, curve = 0.0, []
    for n_events, (features, target) in enumerate(stream, start=1):
        total += (target - machine.predict(features)) ** 2
        machine.partial_fit(features, target)
        curve.append((total / n_events) ** 0.5)
    return curve
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "fm-6", "locked": true, "points": 3, "schema_version": 3, "solution": false}
check("fm-6")

# %% [markdown] name="try-6"
# **Try it**: swap the two steps in your function, so that the machine learns before it is asked, and check again. Put it
# back before you go on; the next cells need an honest score.

# %% [markdown] name="real"
# ## Twelve thousand real ratings
#
# Ratings of films, 0 to 10, collected from public posts in 2013, in the order in which they were written (MovieTweetings,
# S. Dooms et al. 2013, MIT licence). The same events twice: with the ids of user and film alone, and with the genres of the
# film as well. Each genre of a film with $g$ genres gets the value $1/\sqrt g$, so that a film with five genres does not
# speak louder than one with a single one.

# %% name="load-ratings"
from coursekit.datasets import load

tweets = load()
ratings = list(tweets.ratings.slice(0, 12_000))
targets = [rating.target for rating in ratings]


# %% name="make-streams"
def genres_of(film):
    genres = tweets.items[film].genres
    return {f"genre={genre}": len(genres) ** -0.5 for genre in genres}


ids = [{f"user={rating.user_id}": 1.0, f"film={rating.item_id}": 1.0} for rating in ratings]
with_genres = [
    {**features, **genres_of(rating.item_id)} for features, rating in zip(ids, ratings, strict=True)
]
with_genres[0]

# %% [markdown] name="predict-real"
# **Predict** the order of the three, best first. By how much will genres help: a hundredth, a tenth, a half of a point?

# %% name="run-real" tags=["raises-exception"]
curves = {
    "running mean": progressive_rmse(RunningMean(), list(zip(ids, targets, strict=True))),
    "user and film": progressive_rmse(FactorizationMachine(), list(zip(ids, targets, strict=True))),
    "user, film and genres": progressive_rmse(
        FactorizationMachine(), list(zip(with_genres, targets, strict=True))
    ),
}
{name: round(float(curve[-1]), 2) for name, curve in curves.items()}

# %% [markdown] name="predict-new"
# And tonight's film? More than a quarter of these ratings are the first one of their film. From a curve $r_n$ every single
# loss can be had back, because $n\,r_n^2$ is the sum of the first $n$ losses. **Predict** again, for the first ratings
# only: what can *user and film* know about such a film, and what can genres?

# %% name="run-new" tags=["raises-exception"]
n_events = np.arange(1, len(ratings) + 1)
first = np.zeros(len(ratings), dtype=bool)
first[np.unique([rating.item_id for rating in ratings], return_index=True)[1]] = True
losses = {name: np.diff(n_events * np.square(curve), prepend=0.0) for name, curve in curves.items()}
{
    name: round(float(loss[first & (n_events > 2000)].mean() ** 0.5), 2)
    for name, loss in losses.items()
}

# %% [markdown] name="finding-real"
# **On films that nobody has rated yet, genres say what ids cannot**, and the gain is a few hundredths of a point on each
# rating: modest, real, and measured without a leak. That is the usual size of a good idea in recommendation.

# %% [markdown] name="takeaways"
# ## What you have built
#
# - A model of all pairs whose cost grows with the features *present*: steps 1 and 2.
# - Slopes that you can check without trusting anybody: step 3.
# - Predictions that change nothing, rows that grow with the features learnt from, steps that touch only what an event is
#   about: steps 4 and 5.
# - A score that no leak has improved: step 6.
#
# The course's own `coursekit.learning.learners.factorization_machine` does the same on growing tables, compiled, at a few
# microseconds for each event; lesson 03 shows that the numbers agree. In production (Part III of the course) it is the
# model that is asked for a score while it learns from the clicks of a second ago.
#
# **Going further**: Rendle's paper, section III, has the proof of step 2 in three lines. For features that come in groups,
# read Y. Juan et al., *Field-aware Factorization Machines* (RecSys 2016,
# [doi:10.1145/2959100.2959134](https://doi.org/10.1145/2959100.2959134)).

# %% name="progress"
progress()

# %% [markdown] name="hand-in"
# Save the notebook: what is graded is the file, run from top to bottom, and not what this kernel remembers. In a terminal,
# `coursekit preflight exercises/fm/fm.ipynb` looks at the file as a grader will and names what would surprise you;
# `coursekit submit exercises/fm/fm.ipynb --student NAME` does so, too, and packs it.
