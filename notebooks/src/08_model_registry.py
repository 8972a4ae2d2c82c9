# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 08 · Versions and shipping safely
#
# **You put models into production through a registry that survives a kill in the middle
# of a promotion, two promoters at once and a damaged file.**
#
# After this lesson you are able to
#
# - say which status may follow which, and keep a table of it;
# - show what a killed process leaves behind, and make a promotion one transaction;
# - count how often two promoters at once go wrong, and stop it with compare-and-set;
# - verify a model file by its SHA-256, and create models from an allow-list only;
# - go back to the version before, and say from the history who changed what, and why.
#
# 60 minutes · modules [registry](../coursekit/delivery/registry/registry.py),
# [version](../coursekit/delivery/registry/version.py),
# [sqlite](../coursekit/delivery/registry/sqlite.py) and
# [artifacts](../coursekit/delivery/registry/artifacts.py) · you come from [07 · Online
# optimization](07_online_optimization.ipynb)

# %% [markdown]
# ## Why: a model was replaced, and nobody knows by what
#
# Two models learnt from the first 40,000 of the 50,000 film ratings of lesson 02.
# Version 1 is the matrix factorization of that lesson. Version 2 has five times as many
# factors and went through the same ratings ten times. Its author reports its error, the
# RMSE in rating points.

# %%
import contextlib
import hashlib
import json
import math
import subprocess
import sys
import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from coursekit import datasets, figures
from coursekit.core import clock, errors
from coursekit.core.files import replaced_atomically
from coursekit.delivery.registry.registry import ModelRegistry
from coursekit.delivery.registry.version import TRANSITIONS, ModelStatus
from coursekit.figures.delivery import registry as figures_08
from coursekit.grading.task import check_task
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization

figures.use_course_style()
ratings = datasets.load().ratings
past = ratings.slice(0, 40_000)


# %%
def rmse(model, events):
    predicted = model.predict_many(events.user_ids, events.item_ids)
    return float(np.sqrt(np.mean((events.targets - predicted) ** 2)))


sgd = {"optimizer": "sgd", "learning_rate": 0.05, "regularization": 0.0}
first = OnlineMatrixFactorization(n_factors=10)
second = OnlineMatrixFactorization(n_factors=50, initial_scale=0.3, **sgd)
first.partial_fit_many(past)
for _ in range(10):
    second.partial_fit_many(past)
reported = {"version 1": rmse(first, past), "version 2": rmse(second, past)}
{name: round(error, 2) for name, error in reported.items()}

# %% [markdown]
# **Predict**: version 2 goes into production. How wrong is it on the ratings that come
# next?

# %%
served_guess = 0.15  # your guess, RMSE in rating points

# %%
live_blocks = list(ratings.slice(40_000, 50_000).chunks(1_000))
served = {}
for name, model in {"version 1": first, "version 2": second}.items():
    served[name] = np.array([rmse(model, block) for block in live_blocks])
f"you said {served_guess}, it is {served['version 2'].mean():.2f}"

# %% tags=["figure"]
roles = {"version 1": "model", "version 2": "alarm"}
title = "The version with the better report serves worse"
figures_08.show_versions(served, start=40_000, title=title, roles=roles)

# %% [markdown]
# **Version 2 reported its error on the ratings it had learnt by heart, and serves worse
# than version 1 in every block.** That happens to everybody. What matters is what
# happens next: which model was it, which one was before, where is its file, is it still
# the same file, and who decided? A **model registry** answers these questions. It is
# small, and nearly everything about it is about what goes wrong.
#
# ## 1. What may follow what?
#
# A version has a **status**. It begins in *training* or *staged* (trained and
# validated), may answer copies of requests as a *shadow*, serves in *production*, and
# ends *retired* or *failed*. A move from one status to another is legal or not, and a
# table says which:

# %%
statuses = [str(status) for status in ModelStatus]
table = pd.DataFrame("", index=[f"from {each}" for each in statuses], columns=statuses)
for status, following in TRANSITIONS.items():
    table.loc[f"from {status}", list(map(str, following))] = "legal"
n_moves = table.size

# %% [markdown]
# By hand: six statuses and six that may follow make $6 \cdot 6 = 36$ pairs.
# **Predict**: how many of them are legal?

# %%
legal_guess = 36  # your guess

# %%
n_legal = sum(map(len, TRANSITIONS.values()))
f"you said {legal_guess}, it is {n_legal} of {n_moves}"

# %%
table

# %% [markdown]
# Read it by rows. *Failed* is final: what is known to be bad never comes back.
# *Retired* can go back into production: that is a **rollback**. Nothing goes back to
# *training*: a model that is trained again is a new version. And nothing can be
# deleted. A version that may vanish cannot be blamed.

# %% tags=["figure"]
figures_08.show_moves({str(each): len(TRANSITIONS[each]) for each in ModelStatus})

# %% [markdown]
# **Most moves are illegal, and a table of the legal ones finds every mistake that a
# rule in somebody's head forgets.**
#
# **Your turn.** A path is a tuple of statuses. Write a function that says whether every
# step of it is legal.


# %%
def is_legal(path):
    raise NotImplementedError


paths = {
    ("staged", "production", "retired", "production"): True,
    ("staged", "failed", "staged"): False,
    ("training", "production"): False,
    ("shadow",): True,
}
check_task(is_legal, paths.get, *((path,) for path in paths))

# %% [markdown]
# <details>
# <summary>A solution</summary>
#
# ```python
# def is_legal(path):
#     steps = zip(path, path[1:])
#     return all(after in TRANSITIONS[before] for before, after in steps)
# ```
#
# </details>
#
# ## 2. What does a killed process leave behind?
#
# To promote version 2 is to change two statuses: *1 is retired, 2 is in production*. By
# hand: a program that writes them one after the other can be killed before the first,
# between them, or after both. Killed: out of memory, a full disk, a machine that is
# switched off, `kill -9`. Nothing catches it, no `finally` runs.


# %%
def killed_after(n_writes, writes):
    """Apply the first writes only; return how many versions are in production."""
    status = {"1": "production", "2": "staged"}
    for version, new in writes[:n_writes]:
        status[version] = new
    return list(status.values()).count("production")


retire, promote = ("1", "retired"), ("2", "production")

# %% [markdown]
# **Predict**: two orders are possible, and three places to be killed. In how many of
# these six cases is *not* exactly one version in production?

# %%
killed_guess = 0  # your guess

# %%
programs = {
    "retire, then promote": [retire, promote],
    "promote, then retire": [promote, retire],
}
left = {}
for name, writes in programs.items():
    left[name] = [killed_after(n, writes) for n in range(3)]
n_wrong = sum(n != 1 for counts in left.values() for n in counts)
f"you said {killed_guess}, it is {n_wrong}: {left}"

# %% [markdown]
# One order leaves none, so nobody is served. The other leaves two, and each server may
# pick another. There is no third order, so order does not help. What helps is to make
# both changes *one* write: a **transaction**. It happens completely or not at all.
#
# Build it: write the new state beside the old one, then rename it. Renaming a file is
# one step of the operating system: a reader finds the old file or the new one. Killed
# before the renaming, and after it:


# %%
def promote_in_one_write(file, version, killed):
    status = json.loads(file.read_text())
    new = {each: "retired" for each, now in status.items() if now == "production"}
    with replaced_atomically(file) as beside:
        Path(beside).write_text(json.dumps({**status, **new, version: "production"}))
        if killed:
            raise InterruptedError  # all is written, nothing is renamed


place = tempfile.TemporaryDirectory()
folder = Path(place.name)

# %%
state, left["one write"] = folder / "state.json", []
state.write_text('{"1": "production", "2": "staged"}')
for killed in (True, False):
    with contextlib.suppress(InterruptedError):
        promote_in_one_write(state, "2", killed)
    left["one write"].append(state.read_text().count("production"))

# %% tags=["figure"]
roles = dict(zip(left, ("baseline", "alarm", "model"), strict=True))
figures_08.show_kills(left, roles=roles)

# %% [markdown]
# **A promotion of two writes is wrong in the middle, whatever their order; a promotion
# of one write has no middle.**
#
# The registry of the package keeps its tables in SQLite, and its promotion is one SQL
# transaction. The file has a rule of its own besides, a unique index over the versions
# in production, so that no other program can break it either:

# %%
time = clock.ManualClock(start=1_700_000_000.0)
registry = ModelRegistry.at(folder, by="you", clock=time)
for model, error in zip((first, second), reported.values(), strict=True):
    registry.register_model("films", model, performance_metrics={"rmse": error})
registry.promote("films", "1", why="the model of lesson 02")
registry.promote("films", "2", why=f"RMSE {reported['version 2']:.2f}")
[(each.version, str(each.status)) for each in registry.list_models("films")]

# %% [markdown]
# Do not believe it, kill it. The program below starts a second process that promotes
# version 1 and 2 in turn, as fast as it can, ends it with signal 9 after a few
# milliseconds, and counts the versions in production. Thirty times:

# %%
killer = """
import os, random, signal, sys, time
from coursekit.delivery.registry.registry import ModelRegistry

rng = random.Random(8)
for _ in range(30):
    child = os.fork()
    if child == 0:
        registry = ModelRegistry.at(sys.argv[1], by="killed")
        while True:
            registry.promote("films", "1", why="in turn")
            registry.promote("films", "2", why="in turn")
    time.sleep(rng.uniform(0.01, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with ModelRegistry.at(sys.argv[1], by="counting") as registry:
        print(len(registry.list_models(status="production")))
"""
(folder / "killer.py").write_text(killer, encoding="utf-8")
run = [sys.executable, str(folder / "killer.py"), str(folder)]
counts = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
len(counts), set(counts)

# %% [markdown]
# Thirty kills, and each time exactly one version is in production. (Random moments can
# miss the one that matters. So a [test](../tests/delivery/registry/test_killed.py) of
# the package kills a promotion before *each* SQL statement, and before each 16 bytes
# that are sent to Redis.)
#
# **Try it.** Is the history right as well? After the kills, every promotion in it must
# be complete: one version retired, one promoted.
#
# <details>
# <summary>What you should find</summary>
#
# ```python
# moves = [each.after for each in registry.history("films") if each.action == "status"]
# assert moves.count("production") == moves.count("retired") + 1
# ```
#
# There is one more promotion than retirements: the first one, which replaced nothing.
# Status and history are written in the same transaction, so none is ever without the
# other.
#
# </details>

# %% [markdown]
# ## 3. What if two promote at once?
#
# Ada wants version 2, Bob version 3. Each of them does two steps: *read* which version
# is in production, then *write* that this one is retired and that their own is in
# production. Each write is one transaction. Is that enough?
#
# The steps of both can happen in several orders. By hand: of four places in a row, two
# are Ada's, and the rest is Bob's. With $a$ steps of one and $b$ of the other there are
#
# $$\binom{a+b}{a} = \frac{(a+b)!}{a!\,b!}$$
#
# orders. In words: all orders of $a+b$ steps, divided by those that only swap steps of
# the same person. For $a = b = 2$ that is $24 / 4 = 6$. **Predict**: in how many of the
# six do two versions end in production?

# %%
race_guess = 0  # your guess


# %%
def promoter(status, own, write):
    """Read, then write: two steps."""
    seen = next(each for each, now in status.items() if now == "production")
    yield
    write(status, seen, own)
    yield


def write_anyway(status, seen, own):
    status[seen] = "retired"
    status[own] = "production"


# %%
def ending_of(order, write):
    """Let Ada do her steps at the places `order`, Bob the others; who is live then?"""
    status = {"1": "production", "2": "staged", "3": "staged"}
    ada, bob = promoter(status, "2", write), promoter(status, "3", write)
    for place_in_row in range(4):
        next(ada if place_in_row in order else bob)
    return "".join(each for each, now in status.items() if now == "production")


orders = list(combinations(range(4), 2))
naive = [ending_of(order, write_anyway) for order in orders]
assert len(orders) == math.comb(4, 2)
f"you said {race_guess}, it is {sum(len(each) == 2 for each in naive)} of {len(orders)}"

# %% [markdown]
# Only if one of them is ready before the other begins, all is well. Otherwise the
# slower one acts on what was true when they looked. The repair is to look and to write
# in one step: **compare-and-set**. Write only if what you saw is still true, and say so
# if it is not.
#
# **Your turn.** Write it. `seen` is the version that was in production when its
# promoter looked. Change `status` only if it still is. The check runs it in all six
# orders: the right one must be alone in production.


# %%
def compare_and_set(status, seen, own):
    raise NotImplementedError


alone = dict(zip(orders, "323232", strict=True))  # who has to be in production then
check_task(
    lambda order: int(ending_of(order, compare_and_set)),
    lambda order: int(alone[order]),
    *((order,) for order in orders),
)

# %% [markdown]
# <details>
# <summary>A solution</summary>
#
# ```python
# def compare_and_set(status, seen, own):
#     if status[seen] == "production":
#         status[seen] = "retired"
#         status[own] = "production"
# ```
#
# </details>
#
# In the registry it is the argument `replacing=`. The same six orders:


# %%
def with_registry(model_id, own):
    """Read, then promote in place of what was read: two steps."""
    seen = registry.get_model_by_alias(model_id, "champion").version
    yield
    try:
        registry.promote(model_id, own, why="mine is better", replacing=seen)
    except errors.ConflictError:
        told.append(own)
    yield


# %%
told, guarded = [], []
for number, order in enumerate(orders):
    model_id = f"order-{number}"
    for _ in range(3):
        registry.register_model(model_id, algorithm="any")
    registry.promote(model_id, "1", why="first")
    ada, bob = with_registry(model_id, "2"), with_registry(model_id, "3")
    for place_in_row in range(4):
        next(ada if place_in_row in order else bob)
    live = registry.list_models(model_id, "production")
    guarded.append("".join(each.version for each in live))

# %%
share = {
    "read, then write": 100 * np.mean([len(each) == 2 for each in naive]),
    "compare-and-set": 100 * np.mean([len(each) == 2 for each in guarded]),
}
guarded == list(alone.values()), f"{len(told)} of 12 promoters were refused"

# %% tags=["figure"]
roles = {"read, then write": "alarm", "compare-and-set": "model"}
figures_08.show_races(share, roles=roles)

# %% [markdown]
# **Compare-and-set never ends with two: the slower promoter is refused instead.** Now
# two real processes, which both saw version 2 in production and are let go at the same
# moment:

# %%
rival = """
import sys
from coursekit.core.errors import ConflictError
from coursekit.delivery.registry.registry import ModelRegistry

registry = ModelRegistry.at(sys.argv[1], by=f"the promoter of {sys.argv[2]}")
print("ready", flush=True)
sys.stdin.readline()
try:
    registry.promote("films", sys.argv[2], why="mine is better", replacing="2")
except ConflictError:
    sys.exit("lost")
"""
(folder / "rival.py").write_text(rival, encoding="utf-8")
registry.promote("films", "2", why="as before the kills")
for version in ("3", "4"):
    registry.register_model("films", first, version=version)

# %%
pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
program = [sys.executable, str(folder / "rival.py"), str(folder)]
rivals = []
for version in ("3", "4"):
    rivals.append(subprocess.Popen([*program, version], text=True, **pipes))
assert [each.stdout.readline() for each in rivals] == ["ready\n"] * 2
for each in rivals:
    each.stdin.write("go\n")
    each.stdin.flush()
refused = [each.communicate()[1].strip() for each in rivals]
sorted(refused), len(registry.list_models("films", status="production"))

# %% [markdown]
# Who wins changes from run to run. That one wins and one is told does not. (The tests
# go on with four processes and a thousand promotions each, while a fifth one reads.)
#
# **Try it.** What would be left without `replacing=`? Promote version 3 and then
# version 4 without it, and look.
#
# <details>
# <summary>What you should find</summary>
#
# ```python
# for version in ("3", "4"):
#     registry.promote("films", version, why="mine is better")
# assert len(registry.list_models("films", status="production")) == 1
# ```
#
# Still one in production: each promotion is a transaction that looks for itself. But
# both promoters were told that they had succeeded, and the first one's model serves
# nobody. The store protects the registry; `replacing=` protects your decision.
#
# </details>
#
# ## 4. Is it still the file that was tested?
#
# A model is a file, and files change: a disk fails, an upload is cut off, somebody
# "just" fixes a number. Take the smallest change there is, one bit of one number. By
# hand: the mean rating of version 1, its intercept, is stored in 64 bits: a sign, 11
# bits for the exponent, 52 for the digits. Flipping a late digit changes nothing that
# anybody would see. **Predict**: of the 64 bits, how many change the RMSE on the next
# 1,000 ratings by more than 0.01 points?

# %%
bits_guess = 64  # your guess


# %%
def with_flipped_bit(model, bit):
    state = model.get_model_state()
    numbers = state["memory"]["_model"]
    at = int(np.flatnonzero(numbers == model.intercept)[0])
    numbers.view(np.uint64)[at] ^= np.uint64(1) << np.uint64(bit)
    twin = model.clone()
    twin.set_model_state(state)
    return twin


whole = rmse(first, live_blocks[0])
with np.errstate(over="ignore"):
    twins = [with_flipped_bit(first, bit) for bit in range(64)]
    damaged = np.array([rmse(twin, live_blocks[0]) for twin in twins])
n_seen = int(np.sum(~(np.abs(damaged - whole) <= 0.01)))
f"you said {bits_guess}, it is {n_seen}; the worst RMSE is {damaged.max():.0e}"

# %% tags=["figure"]
figures_08.show_flipped_bits(damaged, whole, visible=0.01)

# %% [markdown]
# **No look at the error finds a damaged file: most damage is invisible, and the rest
# may be anything.** So at registration the content is reduced to 256 bits by
# **SHA-256**, and at every load it is compared. Nobody knows how to make another file
# with the same digest.
#
# **Your turn.** Write the check: does `data` have this digest? `hashlib.sha256(data)`
# has a method `hexdigest()`.


# %%
def is_unchanged(data, digest):
    raise NotImplementedError


of_abc = hashlib.sha256(b"abc").hexdigest()
pairs = [(data, of_abc) for data in (b"abc", b"abd", b"", b"abcabc")]
check_task(is_unchanged, lambda data, digest: data == b"abc", *pairs)

# %% [markdown]
# <details>
# <summary>A solution</summary>
#
# ```python
# def is_unchanged(data, digest):
#     return hashlib.sha256(data).hexdigest() == digest
# ```
#
# </details>
#
# In the registry, after one byte in the middle of the file of version 1 was changed:

# %%
version = registry.get_model_version("films", "1")
file = folder / "artifacts" / version.model_path
data = bytearray(file.read_bytes())
data[len(data) // 2] ^= 1
file.write_bytes(data)
try:
    registry.load_model("films", "1")
except errors.IntegrityError as error:
    _, _, message = str(error).partition(" does ")
message.partition(":")[0]

# %%
data[len(data) // 2] ^= 1  # repair it
file.write_bytes(data)
assert rmse(registry.load_model("films", "1"), live_blocks[0]) == whole

# %% [markdown]
# A digest proves that the file is the one that was registered. It does not prove that
# the file is harmless. A **pickle** is a program: loading it runs what its author
# wrote. Our files hold arrays, numbers and the *name* of a class, and that name is
# looked up in an **allow-list**. A name that is not in it creates nothing:

# %%
from coursekit.learning.learners import LEARNERS, learner_of_state

evil = {"class": "os.system", "config": {"command": "echo hello"}, "memory": {}}
try:
    learner_of_state(evil)
except errors.UnknownNameError as error:
    message = str(error).partition(";")[0]
message, len(LEARNERS)

# %% [markdown]
# ## 5. How do you get back?
#
# Back to version 2 of the beginning, in a registry of its own. The platform asks for
# the **champion**, an alias of the version in production; names such as "2" stand in no
# program. Version 2 serves from rating 42,000 on, and at 46,000 somebody has seen
# enough:


# %%
def serve(actions):
    """Serve each block by the champion; before some blocks, do what `actions` says."""
    seen = []
    for number, block in enumerate(live_blocks):
        actions.get(number, lambda: None)()
        time.advance(hours=1)
        seen.append(rmse(shop.load_model("films"), block))
    return np.array(seen)


shop = ModelRegistry.at(folder / "shop", by="ada", clock=time)
for model in (first, second):
    shop.register_model("films", model)
shop.promote("films", "1", why="the model of lesson 02")
actions = {
    2: lambda: shop.promote("films", "2", why="a better report", replacing="1"),
    6: lambda: shop.rollback("films", why="worse than version 1 was"),
}

# %% [markdown]
# **Predict**: how many of the ten blocks does version 2 serve?

# %%
blocks_guess = 8  # your guess

# %%
errors_served = serve(actions)
n_second = int(np.sum(errors_served == served["version 2"]))
f"you said {blocks_guess}, it is {n_second}"

# %% tags=["figure"]
curves = {"served": errors_served, "version 1": served["version 1"]}
roles = {"served": "model", "version 1": "baseline"}
title = f"A rollback ends it after {n_second} blocks"
figures_08.show_versions(curves, start=40_000, title=title, roles=roles)

# %% [markdown]
# **A bad version costs as long as it serves, and the way back is one transaction.**
# What happened, the history tells. It can only be appended to, by anybody: the file
# refuses to change or delete a line.

# %%
history = pd.DataFrame(shop.history("films"))
history["hour"] = (history["at"] - history["at"].min()) / 3600
history[["hour", "by", "version", "before", "after", "why"]].fillna("")

# %% [markdown]
# **Try it.** Roll back once more. Which version serves then, and what should you do if
# that must not happen?
#
# <details>
# <summary>What you should find</summary>
#
# ```python
# assert shop.rollback("films", why="try it").version == "2"
# shop.rollback("films", why="back again")
# shop.update_model_status("films", "2", "failed", why="learnt by heart")
# ```
#
# Version 2: it was in production before version 1 came back. Set it to *failed*, and no
# rollback can ever choose it again.
#
# </details>
#
# ## Break it: what the registry refuses
#
# Five mistakes that people make. Each gets a message that says what to do, and after
# all of them nothing has changed:

# %%
nan = {"rmse": float("nan")}
mistakes = [
    lambda: shop.update_model_status("films", "2", "production", why="two of them"),
    lambda: shop.register_model("films", first, version="2"),
    lambda: shop.update_performance_metrics("films", "1", nan),
    lambda: shop.promote("films", "7", why="lucky"),
    lambda: shop.promote("films", "2", why=""),
]
before = shop.list_models(), shop.history("films")


def message_of(mistake):
    try:
        mistake()
    except errors.CourseKitError as error:
        return f"{type(error).__name__}: {error}"


messages = [message_of(mistake) for mistake in mistakes]
assert (shop.list_models(), shop.history("films")) == before
for each in (shop, registry):
    each.close()
place.cleanup()
print("\n\n".join(messages))

# %% [markdown]
# ## In production
#
# The registry stands between learning and serving: training registers, experiments
# promote, serving asks for the champion. One file of SQLite serves all processes of one
# machine. For several machines the same registry keeps its tables in Redis, by one
# setting: `ModelRegistry.at(folder, by="ada", url="redis://host:6379/0")`. One suite of
# tests runs on both. Redis has no locks to forget: a promoter *watches* the model's
# key, and its writes are executed together, or not at all if the key has changed. Start
# Redis with `--appendonly yes --appendfsync always`, or it forgets what it has
# confirmed when its machine fails.

# %% tags=["figure"]
figures.show(
    figures.plot_platform(lit=["registry"], title="The registry knows every version"),
    alt="The platform as a loop; lit is the registry, before the experiments.",
)

# %% [markdown]
# ## Takeaways
#
# 1. A better report is no better model; what counts is the error on what comes next
# (figure of *Why*).
# 2. The legal moves are a table, not a habit (figure of section 1).
# 3. Two writes have a middle in which a process can be killed; a transaction has none
# (figure of section 2).
# 4. Read, then write is wrong in most orders of two promoters; compare-and-set refuses
# the slower one (figure of section 3).
# 5. A file is trusted by its digest, never by its error, and the way back is one
# transaction (figures of sections 4 and 5).
#
# ## Questions
#
# ### Beginner
#
# **1. Why is "the latest version" by date not the version in production?**
#
# <details><summary>Model answer</summary>
#
# Because an older version can be promoted again, after a rollback for example, and
# newer ones may be waiting or have failed. Which version serves is a decision, so it is
# stored as one: a status that one version has, or an alias that points to it, and not a
# comparison of dates.
#
# </details>
#
# **2. Why can a version be retired but not deleted?**
#
# <details><summary>Model answer</summary>
#
# Predictions that it made are still in logs, bills and other models. Whoever asks why
# something was recommended in May needs the version that served in May, its file and
# its settings. A deleted version also takes the way back with it.
#
# </details>
#
# ### Intermediate
#
# **3. The answer to your promotion was lost: the network failed. May you repeat it?**
#
# <details><summary>Model answer</summary>
#
# Here, yes: promoting the version that is in production changes nothing and writes no
# history, so the promotion is idempotent. With `replacing=` it succeeds as well,
# because what it wanted is the case. A metric that is added twice leaves two lines in
# the history but the same value. Registering twice without a version name makes two
# versions, so give the name yourself if you have to repeat.
#
# </details>
#
# **4. Why is a lock file no substitute for a transaction?**
#
# <details><summary>Model answer</summary>
#
# A process that is killed while it holds the lock leaves the lock file and half of its
# writes. The others wait for ever, or remove the lock after some time and read the
# half. A database releases the lock of a dead process and undoes what it had not
# committed.
#
# </details>
#
# ### Advanced
#
# **5. Redis executes one command after the other. Why is WATCH needed?**
#
# <details><summary>Model answer</summary>
#
# Because the decision is taken outside: read which version is in production, decide in
# Python, write. Between the read and the write, commands of others are executed. WATCH
# makes EXEC fail if the key has changed since it was read, so the program reads and
# decides again: optimistic compare-and-set on a whole transaction. The alternative is
# to run the decision inside Redis as a Lua script, in another language and out of reach
# of the tests of the other store.
#
# </details>
#
# **6. What does SHA-256 not protect you from?**
#
# <details><summary>Model answer</summary>
#
# From whoever can write both the file and the registry, because they store the digest
# of their own file. Against that there are signatures, whose key the attacker does not
# have. And from a model that was bad when it was registered: a digest says "the same",
# not "good".
#
# </details>
#
# ## Further reading
#
# - [SQLite: atomic commit](https://www.sqlite.org/atomiccommit.html): how one file
#   survives a loss of power, step by step, with what is assumed about disks.
# - [Redis:
#   transactions](https://redis.io/docs/latest/develop/using-commands/transactions/):
#   WATCH, MULTI and EXEC, and why there is no rollback in them.
# - [MLflow model registry](https://mlflow.org/docs/latest/ml/model-registry/): the
#   registry that most teams meet first; compare its aliases and tags with the table of
#   section 1.
# - D. Sculley et al., [Hidden technical debt in machine learning systems][debt] (2015):
#   why the code around a model is larger than the model itself, and harder to keep
#   right.
#
# [debt]:
# https://papers.nips.cc/paper/5656-hidden-technical-debt-in-machine-learning-systems
#
# Next: [09 · A/B tests](09_ab_tests.ipynb) · Back: [07 · Online optimization](07_online_optimization.ipynb)
