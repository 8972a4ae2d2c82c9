# %% [markdown]
# # 03 · Factorization machines
#
# **You let a recommender use everything that is known about an event, and pay only for
# what is there.**
#
# After this lesson you will be able to
#
# - write an event as a list of features, and say which pairs of them carry a taste,
# - compute all pairs in one pass, and do one learning step by hand,
# - feed a model with sparse, dense and ever new features,
# - measure what side features are worth for new films, and say which optimizer spoils
#   it.
#
# *60 minutes. You come from [lesson 02](02_matrix_factorization.ipynb): biases,
# factors, slopes, beliefs. Module:
# [`coursekit.learning.learners.factorization_machine`](../coursekit/learning/learners/factorization_machine.py).*

# %%
import time
from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from coursekit import datasets, figures
from coursekit.core import errors, events
from coursekit.evaluation.progressive import error_by_age, progressive_validation
from coursekit.learning import optim
from coursekit.learning.learners import factorization_machine as fm
from coursekit.learning.learners import matrix_factorization as mf

figures.use_course_style()

# %% [markdown]
# ## Why: tonight a film opens
#
# Matrix factorization knows a film by its ratings. Here is how far it is off, by how
# many ratings the film has.

# %%
tweets = datasets.load()
ratings = tweets.ratings
by_ids = progressive_validation(mf.OnlineMatrixFactorization(10), ratings)
print(f"{len(set(ratings.item_ids)) / len(ratings):.0%} of the ratings are the first of their film")

# %%
slices = error_by_age(ratings, by_ids.predictions, of="item", starts=(0, 1, 5, 20))
axes = figures.plot_dots(
    {f"{each.label} ratings before": each.rmse for each in slices},
    title="The less a film was rated, the worse we predict it",
    x_label="RMSE, rating points",
)
figures.show(
    axes,
    alt="Dots: the error on a rating by the number of ratings that its film had before. "
    + ", ".join(f"{each.label}: {each.rmse:.2f}" for each in slices)
    + " points.",
)

# %% [markdown]
# **A film is hardest to predict on its first rating, and 15 % of all ratings are the
# first of their film.** About such a film the model says what it says about any film.
# And yet something is known about it. The model of this lesson takes anything that is
# known: ids, genres, the hour, the weather. (A film with $g$ genres has each of them
# with the value $1/\sqrt g$. You will see why.)

# %%
first = tweets.items[ratings.item_ids[0]]
first, first.features()

# %% [markdown]
# ## 1. How can a model read anything at all?
#
# An event becomes a list of **features**, each with a value: ada rates *Alien*, a
# horror film, so *ada* is 1, *Alien* is 1, *horror* is 1, and everything else in the
# world is 0. By hand, give every feature a weight and one factor:
#
# | | ada | Alien | horror |
# |---|---|---|---|
# | weight | 0.5 | 0.3 | -0.8 |
# | factor | 2.0 | 0.5 | -0.6 |
#
# We expect 7 of anybody. The weights add 0. Then every **pair** of active features adds
# the product of its factors: ada and *Alien* $2.0 \cdot 0.5 = 1$, ada and horror
# $2.0 \cdot (-0.6) = -1.2$, *Alien* and horror $0.5 \cdot (-0.6) = -0.3$. In all, 6.5.
#
# Look at the second pair. It says how ada likes horror. It was learnt from every horror
# film that she ever rated, and it is there for a horror film that opens tonight. That
# is the whole idea of a **factorization machine**:
#
# $$\hat y = w_0 + \sum_r x_r\, w_r + \sum_{q<r} x_q\, x_r\, \langle v_q, v_r\rangle$$
#
# In words: the prediction $\hat y$ is the intercept $w_0$, plus the weight $w_r$ of
# each feature $r$ times its value $x_r$, plus, for every pair of features $q$ and $r$,
# their values times the inner product of their factors $v_q$ and $v_r$.
#
# With a user and an item alone there is one pair, $\langle v_u, v_i\rangle$. Then the
# formula *is* matrix factorization. The two modules agree on all 50,000 ratings, to the
# last bit:

# %%
machine = fm.OnlineFactorizationMachine(10)
assert np.array_equal(machine.predict_then_learn_many(ratings), by_ids.predictions)

# %% [markdown]
# Now with the genres and the decade of each film. Ten machines, with ten random starts,
# learn the stream. Then we ask them about user 5922 and a genre:
# $\langle v_u, v_g\rangle$, in points.
#
# **Predict.** This user rated 131 films: 11 of horror, which got 4.2 on average, and
# 120 others, which got 7.1. From everybody, horror gets one point less than other
# films. How many points does the pair of 5922 and horror add?

# %%
guess_pair = -2.0  # your guess

# %%
informed = tweets.with_item_features()
machines = [fm.OnlineFactorizationMachine(10, seed=seed) for seed in range(10)]
for machine in machines:
    machine.partial_fit_many(informed)


# %%
def pair(machine, genre):
    return machine.factors("user", 5922) @ machine.factors("feature", f"genre={genre}")


genres = ["Horror", "Comedy", "Animation", "Action", "Crime", "Documentary"]
tastes = {genre: [pair(machine, genre) for machine in machines] for genre in genres}
print(f"5922 and horror: {np.median(tastes['Horror']):+.1f} points; you said {guess_pair:+.1f}")

# %%
axes = figures.plot_dots(
    tastes,
    title="User 5922 and horror do not get along",
    x_label="what the pair of user and genre adds, rating points (ten random starts)",
    number_format="{:+.2f}",
)
figures.show(
    axes,
    alt="Dots with intervals over ten random starts: what the pairs of user 5922 and a genre add: "
    + ", ".join(f"{genre} {np.median(each):+.2f}" for genre, each in tastes.items())
    + " points.",
)

# %% [markdown]
# **A pair of user and genre is a taste with a name.** The machine adds it on top of
# what everybody thinks of horror, and a little less than the raw means say: eleven
# films are not many. So two people now hear different things about a film that nobody
# has seen:

# %%
new_film = {"genre=Horror": 1.0, "decade": "2010s"}
expected = {user: machines[0].predict(user, "new film", new_film) for user in (5922, 1365, "new user")}
pd.Series(expected, name="points").round(1)

# %% [markdown]
# **Try it.** Ask about `{"genre=Drama": 1.0, "decade": "1950s"}`, and about a genre
# that does not exist.
#
# <details><summary>What you should see</summary>
#
# All three like old dramas, each in their measure. A genre that does not exist adds
# nothing, no weight and no pair: the answer is what the machine says without it. And
# asking has not given it a row.
#
# </details>

# %% [markdown]
# ## 2. Must it visit every pair?
#
# Ten features have 45 pairs, a hundred have 4,950. But look what happens if you square
# a sum. By hand, with 1, 2 and 4:
#
# $$(1 + 2 + 4)^2 = 49 = \underbrace{1 + 4 + 16}_{21} + 2 \cdot \underbrace{(1\cdot2 + 1\cdot4 + 2\cdot4)}_{14}$$
#
# The pairs are half of what is left of the square of the sum when the squares are gone:
# $\tfrac12(49 - 21) = 14$. So for each factor $f$
#
# $$\sum_{q<r} x_q x_r \langle v_q, v_r\rangle = \frac12 \sum_f \Big[\Big(\sum_r x_r v_{rf}\Big)^2 - \sum_r x_r^2\, v_{rf}^2\Big]$$
#
# In words: add up the factors of all active features, each times its value; square the
# sum; take away the squares of the parts; halve it. Nobody has met anybody in pairs.


# %%
def by_pairs(w0, w, v, x):
    """The definition: every pair of active features, once."""
    pairs = sum(x[q] * x[r] * (v[q] @ v[r]) for q, r in combinations(x, 2))
    return w0 + sum(w[name] * x[name] for name in x) + pairs


def by_sums(w0, w, v, x):
    """The same in one pass."""
    terms = np.array([v[name] * x[name] for name in x])
    total = terms.sum(axis=0)
    return w0 + sum(w[name] * x[name] for name in x) + 0.5 * (total @ total - (terms * terms).sum())


# %%
rng = np.random.default_rng(7)
x = dict(enumerate(rng.normal(size=30)))
w, v = dict(enumerate(rng.normal(size=30))), dict(enumerate(rng.normal(size=(30, 10))))
assert abs(by_pairs(1.0, w, v, x) - by_sums(1.0, w, v, x)) < 1e-10

# %% [markdown]
# How much cheaper is it? We do not time it, because machines differ. We count, with
# numbers that know how often they were multiplied.
#
# **Predict.** With 30 active features and 10 factors: how many times fewer products
# does one pass need?

# %%
guess_times_fewer = 15  # your guess


# %%
class Counted(float):
    """A number that counts products."""

    n_products = 0

    def __mul__(self, other):
        Counted.n_products += 1
        return Counted(float(self) * float(other))

    __rmul__ = __mul__
    __add__ = __radd__ = lambda self, other: Counted(float(self) + float(other))


def products(score, n_active, k=10):
    """How many products a score costs."""
    x = {name: Counted(1.0) for name in range(n_active)}
    v = {name: np.array([Counted(0.1)] * k, dtype=object) for name in x}
    Counted.n_products = 0
    score(0.0, x, v, x)
    return Counted.n_products


# %%
sizes = np.arange(2, 31)
counts = {score.__name__: [products(score, n) for n in sizes] for score in (by_pairs, by_sums)}
cheaper_from = sizes[np.argmax(np.array(counts["by_sums"]) < counts["by_pairs"])]
times_fewer = counts["by_pairs"][-1] / counts["by_sums"][-1]
print(f"{times_fewer:.1f} times fewer with 30; you said {guess_times_fewer}")

# %%
axes = figures.plot_curves(
    {"one pass": counts["by_sums"], "every pair": counts["by_pairs"]},
    x=sizes,
    title=f"From {cheaper_from} features on, one pass is cheaper",
    x_label="active features",
    y_label="products for one prediction",
)
figures.show(
    axes,
    alt="Products against active features: every pair grows with the square, one pass in a line. From"
    f" {cheaper_from} features on, one pass is cheaper; at 30 it needs {times_fewer:.1f} times fewer.",
)

# %% [markdown]
# **The cost of a prediction grows with the features that are there, and no longer with
# their square.** Of features that are 0 it never hears.
#
# **Try it.** With five or six features, as in our stream, little is gained. Why does
# the identity matter all the same? (Think of the slopes.)
#
# <details><summary>An answer</summary>
#
# Learning needs the slope of every factor, and the slope of one feature is the sum over
# all *others*. From the total it is one subtraction (section 3). In pairs, it would be
# a second double loop.
#
# </details>

# %% [markdown]
# ## 3. How does it learn from one event?
#
# As in lesson 02: every number moves by the error times its slope. For a weight the
# slope is $x_r$. For the factors, look for $v_r$ in the formula: it stands in every
# pair of $r$, times all the others. By hand, for values of 1 and the factors 1, 2 and
# 4: the slope of the 2 is $1 + 4 = 5$, which is the total 7 less its own 2.
#
# $$\frac{\partial \hat y}{\partial w_r} = x_r \qquad\qquad
# \frac{\partial \hat y}{\partial v_r} = x_r \Big(\sum_q x_q v_q - x_r v_r\Big)$$
#
# In words: the total of all, less its own part, times its own value. Does it hold?
# Nudge the 2 a little, and see how far the prediction moves:

# %%
x, w = {"ada": 1.0, "Alien": 1.0, "horror": 1.0}, {"ada": 0.0, "Alien": 0.0, "horror": 0.0}
v = {"ada": np.array([1.0]), "Alien": np.array([2.0]), "horror": np.array([4.0])}
nudged = v | {"Alien": v["Alien"] + 0.001}
round(float(by_sums(0.0, w, nudged, x) - by_sums(0.0, w, v, x)) / 0.001, 6)

# %% [markdown]
# Here is the machine, learning by SGD. The rows are as in lesson 02: the weight, then
# the factors, which count once the weight has moved. A feature that is not in the event
# is not touched.


# %%
class Machine:
    """A factorization machine in dictionaries; `start` holds the first factors of every feature."""

    def __init__(self, start, settings):
        self.rows = {name: np.r_[0.0, factors] for name, factors in start.items()}
        k = len(next(iter(start.values())))
        self.rate = np.repeat([settings.bias_rate, settings.optimizer.learning_rate], [1, k])
        self.penalty = np.repeat([settings.penalties[0], settings.penalties[-1]], [1, k])
        self.intercept, self.n = 0.0, 0

    def learn(self, x, rating):
        rows, values = np.array([self.rows[name] for name in x]), np.array([*x.values()])[:, None]
        terms = values * rows[:, 1:] * (rows[:, :1] != 0)  # (active, k)
        total = terms.sum(axis=0)
        pairs = 0.5 * (total @ total - (terms * terms).sum())
        prediction = self.intercept + values[:, 0] @ rows[:, 0] + pairs
        slopes = np.c_[values, values * (total - terms)]
        self.gain = (self.rate * slopes**2).sum()  # for later
        self.n += 1
        self.intercept += (rating - prediction) / self.n
        rows += self.rate * ((rating - prediction) * slopes - self.penalty * rows)
        self.rows.update(zip(x, rows, strict=True))
        return prediction


# %% [markdown]
# Against the reference, on 5,000 real ratings with genres and decades, from the same
# start:


# %%
def named(event):
    """The active features of an event: field and name, each with its value."""
    x = {("user", event.user_id): 1.0, ("item", event.item_id): 1.0}
    for name, value in event.features.items():
        is_text = isinstance(value, str)
        x["feature", f"{name}={value}" if is_text else name] = 1.0 if is_text else value
    return x


def first_factors(model, stream):
    """The random factors that a new model gives to every feature of a stream (see lesson 02)."""
    model.partial_fit_many(replace(stream, weights=np.zeros(len(stream))))
    names = [(field, id_) for field in model.field_names for id_ in model.ids(field)]
    return {name: model.factors(*name) for name in names}


# %%
few = informed.slice(0, 5_000)
new_machine = lambda: fm.OnlineFactorizationMachine(5, optimizer="sgd", seed=7)
by_hand = Machine(first_factors(new_machine(), few), new_machine().settings)
predictions = np.array([by_hand.learn(named(event), event.target) for event in few])
assert np.abs(new_machine().predict_then_learn_many(few) - predictions).max() < 1e-10

# %% [markdown]
# They agree on all 5,000 predictions.
#
# What has a machine learnt after the whole stream? Every genre has a weight, what it is
# worth to everybody. **Predict.** Which genre is liked least?

# %%
guess_least_liked = "Western"  # your guess

# %%
genres = ["Documentary", "Drama", "Animation", "Western", "Crime", "Romance", "Sci-Fi", "Action", "Horror"]
weights = {genre: [each.bias("feature", f"genre={genre}") for each in machines] for genre in genres}
least = min(weights, key=lambda genre: np.median(weights[genre]))
films = Counter(item for item in ratings.item_ids if least in tweets.items[item].genres)
print(f"{least}: {films.total():,} ratings of {len(films)} films; you said {guess_least_liked}")

# %%
axes = figures.plot_dots(
    weights,
    title="Documentaries gain 0.9 points, horror loses as many",
    x_label="weight of the genre, rating points (ten random starts)",
    number_format="{:+.2f}",
)
figures.show(
    axes,
    alt="Dots: weights of nine genres, "
    + ", ".join(f"{genre} {np.median(each):+.2f}" for genre, each in weights.items())
    + " points.",
)

# %% [markdown]
# **One row for horror has learnt from thousands of ratings of hundreds of films.** More
# than half of these films were rated just once, and their own rows know next to
# nothing. This is why a machine has something to say where ids have nothing: what is
# shared is known early.
#
# **Try it.** Horror has a mean rating of 6.5, all other films of 7.4. Why is the weight
# of horror not simply the difference?
#
# <details><summary>An answer</summary>
#
# The mean also counts who watches horror, and which other genres and decades these
# films have. A weight is what is left for horror when user, film and all other features
# have had their say. That is the same reason for which a bias was no mean in lesson 02.
#
# </details>

# %% [markdown]
# ## 4. What if features keep coming?
#
# Nobody can list all features beforehand. So a feature is given its row when it is
# first **learnt** from, and a question never makes one. Features come in two forms. By
# hand, four ways to say something about an event:

# %%
model = fm.OnlineFactorizationMachine(2)
sparse = [{"hour": 0.7, "rain": 0.0}, {"genre": "comedy"}, {"genre": ["comedy", "drama"]}]
for features in [*sparse, np.array([0.0, 3.0, 0.0])]:
    sample = events.OnlineSample(user_id="ada", item_id="Heat", target=8.0, features=features)
    model.partial_fit(sample)
model.predict("ada", "Heat", {"never heard of": 1.0})
model.ids("feature")

# %% [markdown]
# A number is a value, a text is a category, several texts are several categories, and a
# **dense** vector is the features 0, 1, 2 and so on (`feature_dim` says how long it
# must be, and refuses others). A value of 0 is not there: neither *rain* nor the
# entries 0 and 2 of the vector have a row. And the question about something never heard
# of has left no trace.
#
# $$\text{rows} = n_{\text{users}} + n_{\text{items}} + n_{\text{features}} \qquad\qquad \text{work per event} \propto k \cdot m$$
#
# In words: memory grows with the number of different users, items and features learnt
# from so far; work grows with the number of factors $k$ and of *active* features $m$,
# however many rows there are.
#
# **Predict.** How many rows does the machine have after 50,000 ratings?

# %%
guess_rows = 5_000  # your guess

# %%
growing = fm.OnlineFactorizationMachine(10)
fields = {"people": "user", "films": "item", "genres and decades": "feature"}
rows = {name: [] for name in fields}
for chunk in informed.chunks(1_000):
    growing.partial_fit_many(chunk)
    for name, field in fields.items():
        rows[name].append(len(growing.ids(field)))
print(f"{sum(n[-1] for n in rows.values()):,} rows; you said {guess_rows:,}")

# %%
axes = figures.plot_curves(
    rows,
    x=np.arange(1_000, 50_001, 1_000),
    title="People and films keep coming; genres were there at once",
    x_label="ratings learnt",
    y_label="rows in the table",
)
figures.show(
    axes,
    alt="Three curves: rows in the table after 1,000 and after 50,000 ratings. "
    + "; ".join(f"{name}: {n[0]:,} and {n[-1]:,}" for name, n in rows.items())
    + ".",
)

# %% [markdown]
# **New people and films never end, but what describes them is known after a thousand
# ratings.** That is what a new film can lean on.
#
# **Try it.** Say the same in both forms, sparse and dense. Is there any difference?
#
# <details><summary>Why there is none</summary>
#
# Both become the same list of names and values before anything is computed, and a 0 in
# the vector is dropped. A dense vector costs only the time to look for what is not 0.
# It says nothing about its names, so prefer a mapping.
#
# </details>

# %%
vectors = rng.normal(size=(200, 5)) * (rng.random((200, 5)) < 0.5)
dense = replace(ratings.slice(0, 200), features=list(vectors))
sparse = replace(dense, features=[dict(enumerate(vector.tolist())) for vector in vectors])
answers = [fm.OnlineFactorizationMachine(3).predict_then_learn_many(form) for form in (dense, sparse)]
bool(np.array_equal(*answers))

# %% [markdown]
# ## 5. What are side features worth to a new film?
#
# Now the question of this lesson, measured. The smallest example is the first event of
# a new horror film with a new user. Matrix factorization says $w_0$. The machine says
#
# $$\hat y = w_0 + w_{\text{horror}} + w_{\text{2010s}} + \langle v_{\text{horror}}, v_{\text{2010s}}\rangle$$
#
# In words: what is expected of anything, plus what horror and the decade are worth,
# plus what they are worth together. Later the film's own weight speaks, and the genre
# has less to add.
#
# **Predict.** On the first rating of a film, by how many percent will the error fall?
# And from 26 ratings on?

# %%
guess_first, guess_later = 10.0, 2.0  # your guesses


# %%
def errors_by_age(stream, ages, seed):
    """The error by the number of ratings that the film had before."""
    model = fm.OnlineFactorizationMachine(10, seed=seed)
    predictions = model.predict_then_learn_many(stream)
    return [each.rmse for each in error_by_age(stream, predictions, of="item", starts=ages)]


# %%
ages = [0, 1, 2, 3, 5, 8, 12, 18, 26]
with_ids = [errors_by_age(ratings, ages, seed) for seed in range(10)]
with_features = [errors_by_age(informed, ages, seed) for seed in range(10)]
fall = 100 * (1 - np.median(with_features, axis=0) / np.median(with_ids, axis=0))
print(f"{fall[0]:.1f} % and {fall[-1]:.1f} %; you said {guess_first} % and {guess_later} %")

# %%
axes = figures.plot_curves(
    {"ids alone": with_ids, "with genres and decade": with_features},
    x=ages,
    title="Side features help a film most before it is known",
    x_label="ratings that the film had before (at least)",
    y_label="RMSE, rating points",
    roles={"ids alone": "baseline", "with genres and decade": "model"},
)
figures.show(
    axes,
    alt="Error against the ratings that the film had before, with a band of ten random starts that is"
    f" too narrow to see. With genres and decade it is {fall[0]:.1f} % lower on a first rating; the curves"
    " meet as films become known.",
)

# %% [markdown]
# **Side features are worth most on a film's first ratings, and nothing once the film
# speaks for itself.** A few percent are modest, real, and measured without a leak. And
# no single rating of that film was needed for them.
#
# Is it the features, or the optimizer? The same two streams under four of them:


# %%
def both_errors(optimizer):
    new = lambda: fm.OnlineFactorizationMachine(10, optimizer=optimizer)
    return [progressive_validation(new(), stream).rmse for stream in (ratings, informed)]


four = {"SGD": "sgd", "AdaGrad": "adagrad", "belief": "belief"}
four["belief, genres walk, too"] = optim.GaussianBelief(feature_walk=2.4e-4)
table = {name: both_errors(optimizer) for name, optimizer in four.items()}
pd.DataFrame(table, index=["ids alone", "with genres and decade"]).T.round(3)

# %% [markdown]
# **The same features help under two optimizers and hurt under two.** A genre takes part
# in thousands of ratings. SGD moves it by the same share at each of them, so it never
# comes to rest, and its unrest goes into every prediction. The last row does the same
# more politely: it gives a genre as much walk per rating as a person. AdaGrad and the
# belief as it comes let a genre settle.
#
# **Try it.** Set `feature_walk` to 0 and to 1e-5. Is no walk the best? What would you
# choose if the worth of a genre did change?
#
# <details><summary>What you should see</summary>
#
# Without any walk the error is a little smaller still (in the fourth decimal), with
# 1e-5 it is larger: within 96 days, what a genre is worth hardly changes. Over ten
# years it would. A walk per *event* is a walk per day times the events per day, so what
# takes part often needs a small one. You would choose as here: by the progressive
# error.
#
# </details>

# %% [markdown]
# ## Break it once
#
# **Fault 1: everything decays.** This step is often seen. It keeps all factors in one
# array, and takes the penalty of all of them. Feature 19 is not in any of the 5,000
# events. What becomes of it?


# %%
def naive_step(V, x, error, rate=0.05, penalty=0.02):
    """One step of SGD for the factors V, shape (features, k), and the values x, shape (features,)."""
    total = x @ V
    V += rate * (error * x[:, None] * (total - x[:, None] * V) - penalty * V)


V, x = rng.normal(0, 0.1, size=(20, 3)), np.zeros(20)
x[[0, 1]] = 1.0
before = np.linalg.norm(V[19])
for error in rng.normal(size=5_000):
    naive_step(V, x, error)
f"feature 19 has {np.linalg.norm(V[19]) / before:.1%} of its length left"

# %% [markdown]
# It was forgotten for no reason but that others were busy. A genre that comes once a
# month starts anew every month. Only rows that are active may pay the penalty; then a
# step is cheap, too. In `Machine` and in the reference all others rest.
#
# **Fault 2: every column is visited.** A dense version with all pairs looks at each
# pair of *known* features, at each rating:

# %%
n_known = sum(n[-1] for n in rows.values())
n_active = int(np.median([2 + len(features) for features in informed.features]))
all_columns = n_known * (n_known - 1) // 2 * (10 + 2)
one_pass = products(by_sums, n_active)
print(f"{all_columns:,} products per rating; {one_pass} in one pass over {n_active} active features")

# %% [markdown]
# **Fault 3: the steps add up.** `Item.features` gives a film with four genres the value
# 0.5 for each. Why not 1? We try, with SGD:

# %%
louder = lambda value: value if isinstance(value, str) else 1.0
loud = [{name: louder(value) for name, value in each.items()} for each in informed.features]
shouting = replace(informed, features=loud)
model = fm.OnlineFactorizationMachine(10, optimizer="sgd")
try:
    model.partial_fit_many(shouting)
except errors.CourseKitError as error:
    print(error)

# %% [markdown]
# Read the message from its end: it says what to do. And why did it happen, after 11,836
# ratings? All active numbers move in the same direction at once. To first order (with
# the slopes from before the step), the error on the same event is then
# $1 - \sum_j \eta_j s_j^2$ of what it was. While that sum is small, all is well. Above
# 2 the step overshoots by more than the error. Here is the sum in our own machine, for
# the last ratings before the end:

# %%
last = shouting.slice(0, 11_836)
start, gains = first_factors(fm.OnlineFactorizationMachine(10, optimizer="sgd"), last), []
loud_machine = Machine(start, model.settings)
for event in last:
    loud_machine.learn(named(event), event.target)
    gains.append(loud_machine.gain)
[float(f"{gain:.2g}") for gain in gains[-8:]]

# %% [markdown]
# Factors grow, slopes grow with them, and then the step. Give values a common size
# (that is what $1/\sqrt g$ for $g$ genres is for), or use a belief: each number's share
# is $s_j^2 v_j / V$, and all shares together are always less than 1.

# %% [markdown]
# ## In production
#
# A machine takes whatever the feature store knows at the moment of the event, and new
# features need no release: they get a row when they first come. Lesson 13 builds that
# store.

# %%
figures.show(
    figures.plot_platform(lit=["features", "learner"], title="This lesson: features for the learner"),
    alt="The platform as a loop from people to people. Lit are the feature store and the learner it feeds.",
)

# %% [markdown]
# The reference is our `Machine` on growing tables, compiled. (Your numbers will
# differ.)


# %% tags=["nbval-ignore-output"]
def per_second(learn, n):
    """Ratings learnt per second of processor time."""
    begin = time.process_time()
    learn()
    return f"{n / (time.process_time() - begin):,.0f}"


ours, reference = Machine(first_factors(new_machine(), few), new_machine().settings), new_machine()
{
    "ours": per_second(lambda: [ours.learn(named(event), event.target) for event in few], 5_000),
    "reference, as a chunk": per_second(lambda: reference.partial_fit_many(informed), 50_000),
}

# %% [markdown]
# ## Takeaways
#
# 1. A pair of features is a taste with a name; user and item alone are matrix
#    factorization (figure of section 1).
# 2. All pairs cost one pass over the features that are there (figure of section 2).
# 3. What many events share is learnt early: a genre's weight has seen thousands of
#    ratings (figure of section 3).
# 4. People and films never stop coming; what describes them does (figure of section 4).
# 5. Side features help most where ids know nothing, if the optimizer lets them settle
#    (figure of section 5).
#
# **Now you.** In the exercise
# [A factorization machine by hand](../exercises/fm/fm.ipynb) you write the machine
# yourself, in six steps, each checked at once, and let it meet twelve thousand real
# ratings.

# %% [markdown]
# ## Questions
#
# ### Beginner
#
# **1. A film that nobody has rated, a user we know well. Which parts of the formula
# have something to say?**
#
# <details><summary>Model answer</summary>
#
# The intercept, the user's weight, the weights of the film's genres and of its decade,
# and the pairs among these: the user with each genre and with the decade, the genres
# with each other. The film's own weight and its pairs are missing, and unknown means 0.
#
# </details>
#
# ### Intermediate
#
# **2. Why does the pair of a user and a genre need fewer ratings than a weight of its
# own for each such pair would?**
#
# <details><summary>Model answer</summary>
#
# A weight per pair would be learnt from the ratings of this user for this genre alone,
# and there are few or none. The inner product uses the user's row, learnt from all
# their ratings, and the genre's row, learnt from everybody's. So a pair that has never
# occurred has a value: it is inferred from what each side did elsewhere. That is what
# the factors buy, at the price of being able to say only what $k$ factors can say.
#
# </details>
#
# ### Advanced
#
# **3. Somebody adds 500 dense features to every event. What happens to speed, to the
# steps, and to the cold start?**
#
# <details><summary>Model answer</summary>
#
# Each event now has some 500 active features: the work grows a hundredfold, though only
# linearly, by the identity. The steps add up over all of them, so SGD needs a far
# smaller rate or inputs scaled to a common length; AdaGrad and a belief adapt by
# themselves, but the shares of user and film shrink as well, because 500 others claim
# their part of every error. For new films it can help, if the features say something.
# Measure it as in section 5, by age, before you pay for it.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - S. Rendle, [Factorization machines](https://doi.org/10.1109/ICDM.2010.127) (2010):
#   six pages with the formula, the identity of section 2 and its proof; read it to see
#   how many older models are special cases.
# - Y. Juan et al.,
#   [Field-aware factorization machines](https://doi.org/10.1145/2959100.2959134)
#   (2016): what wins click prediction contests; each feature gets a row of factors per
#   field, and you can say from section 2 what that does to the identity.
# - H. B. McMahan et al.,
#   [Ad click prediction: a view from the trenches](https://doi.org/10.1145/2487575.2488200)
#   (2013): how online learning with billions of sparse features is run in earnest; read
#   it for rates per coordinate and for what memory costs.
# - [`coursekit/learning/factors/kernels.py`](../coursekit/learning/factors/kernels.py):
#   `learn_rows` is `Machine.learn` for all three optimizers; read it to recognise every
#   line.
#
# Back to [lesson 02](02_matrix_factorization.ipynb). Next:
# [lesson 04](04_neural_collaborative_filtering.ipynb), a small network in place of the
# inner product, and what it costs.
