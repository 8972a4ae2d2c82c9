# ruff: noqa: F821  (the names come from the notebook: a cell here is run after it)
"""Wrong solutions that people really write, each named like what is said about it in hints.toml.

A cell replaces what the notebook defined. Never shipped: most of them are one line away from the
answer.
"""


# %% counts-pairs-twice
def score(w0, w, V, x):
    n = len(x)
    return w0 + w @ x + sum(V[i] @ V[j] * x[i] * x[j] for i in range(n) for j in range(n) if i != j)


# %% pairs-with-itself
def score(w0, w, V, x):
    n = len(x)
    return w0 + w @ x + sum(V[i] @ V[j] * x[i] * x[j] for i in range(n) for j in range(i, n))


# %% ignores-values
def score(w0, w, V, x):
    here = [i for i in range(len(x)) if x[i] != 0]
    return w0 + sum(w[i] for i in here) + sum(V[i] @ V[j] for i in here for j in here if i < j)


# %% forgets-bias
def score(w0, w, V, x):
    return w @ x + pairs(V, x)


# %% forgets-half
def pairs(V, x):
    return ((x @ V) ** 2 - (x**2) @ (V**2)).sum()


# %% forgets-squares
def pairs(V, x):
    return 0.5 * ((x @ V) ** 2).sum()


# %% forgets-half-and-squares
def pairs(V, x):
    return ((x @ V) ** 2).sum()


# %% squares-without-values
def pairs(V, x):
    return 0.5 * ((x @ V) ** 2 - x @ (V**2)).sum()


# %% visits-every-pair
def pairs(V, x):
    total = 0.0
    for i in range(len(x)):
        for j in range(i):
            total += V[i] @ V[j] * x[i] * x[j]
    return total


# %% fills-a-table
def pairs(V, x):
    return np.triu((V @ V.T) * np.outer(x, x), 1).sum()


# %% keeps-own-term
def pairs_gradient(V, x):
    return np.outer(x, x @ V)


# %% forgets-own-value
def pairs_gradient(V, x):
    return x @ V - x[:, None] * V


# %% own-term-without-values
def pairs_gradient(V, x):
    return np.outer(x, x @ V) - V


# %% transposed-gradient
def pairs_gradient(V, x):
    return (np.outer(x, x @ V) - (x**2)[:, None] * V).T


# %% gives-up-on-unseen
def predict_one(machine, features):
    try:
        rows = np.array([machine.V[name] for name in features])
        weights = np.array([machine.w[name] for name in features])
    except KeyError:
        return machine.w0
    x = np.array(list(features.values()))
    return machine.w0 + weights @ x + pairs(rows, x)


# %% predict-creates-rows
def predict_one(machine, features):
    rows = np.array([machine.V.setdefault(name, np.zeros(machine.n_factors)) for name in features])
    weights = np.array([machine.w.setdefault(name, 0.0) for name in features])
    x = np.array(list(features.values()))
    return machine.w0 + weights @ x + pairs(rows, x)


# %% loss-after-step
learn_rightly = learn_one


def learn_one(machine, features, target):
    learn_rightly(machine, features, target)
    return (target - predict_one(machine, features)) ** 2


# %% decays-bias
learn_rightly = learn_one


def learn_one(machine, features, target):
    pull = machine.learning_rate * machine.regularization * machine.w0
    loss = learn_rightly(machine, features, target)
    machine.w0 -= pull
    return loss


# %% bias-stays
learn_rightly = learn_one


def learn_one(machine, features, target):
    bias = machine.w0
    loss = learn_rightly(machine, features, target)
    machine.w0 = bias
    return loss


# %% climbs
def learn_one(machine, features, target):
    error = predict_one(machine, features) - target
    for name in features:
        machine.w.setdefault(name, 0.0)
        machine.V.setdefault(name, machine.rng.normal(0, 0.1, machine.n_factors))
    x = np.array(list(features.values()))
    slopes = pairs_gradient(np.array([machine.V[name] for name in features]), x)
    machine.w0 += machine.learning_rate * error
    for name, value, slope in zip(features, x, slopes, strict=True):
        machine.w[name] += machine.learning_rate * (
            error * value - machine.regularization * machine.w[name]
        )
        machine.V[name] += machine.learning_rate * (
            error * slope - machine.regularization * machine.V[name]
        )
    return error**2


# %% double-step
def learn_one(machine, features, target):
    error = target - predict_one(machine, features)
    for name in features:
        machine.w.setdefault(name, 0.0)
        machine.V.setdefault(name, machine.rng.normal(0, 0.1, machine.n_factors))
    x = np.array(list(features.values()))
    slopes = pairs_gradient(np.array([machine.V[name] for name in features]), x)
    machine.w0 += machine.learning_rate * 2 * error
    for name, value, slope in zip(features, x, slopes, strict=True):
        machine.w[name] += machine.learning_rate * (
            2 * error * value - machine.regularization * machine.w[name]
        )
        machine.V[name] += machine.learning_rate * (
            2 * error * slope - machine.regularization * machine.V[name]
        )
    return error**2


# %% updates-while-reading
def learn_one(machine, features, target):
    error = target - predict_one(machine, features)
    for name in features:
        machine.w.setdefault(name, 0.0)
        machine.V.setdefault(name, machine.rng.normal(0, 0.1, machine.n_factors))
    x = np.array(list(features.values()))
    machine.w0 += machine.learning_rate * error
    for at, name in enumerate(features):
        slope = pairs_gradient(np.array([machine.V[other] for other in features]), x)[at]
        machine.w[name] += machine.learning_rate * (
            error * x[at] - machine.regularization * machine.w[name]
        )
        machine.V[name] = machine.V[name] + machine.learning_rate * (
            error * slope - machine.regularization * machine.V[name]
        )
    return error**2


# %% decays-the-wrong-way
learn_rightly = learn_one


def learn_one(machine, features, target):
    machine.regularization = -machine.regularization
    loss = learn_rightly(machine, features, target)
    machine.regularization = -machine.regularization
    return loss


# %% forgets-decay
learn_rightly = learn_one


def learn_one(machine, features, target):
    decay, machine.regularization = machine.regularization, 0.0
    loss = learn_rightly(machine, features, target)
    machine.regularization = decay
    return loss


# %% decays-untouched-rows
learn_rightly = learn_one


def learn_one(machine, features, target):
    loss = learn_rightly(machine, features, target)
    for name in set(machine.w) - set(features):
        machine.w[name] *= 1 - machine.learning_rate * machine.regularization
        machine.V[name] *= 1 - machine.learning_rate * machine.regularization
    return loss


# %% rows-of-zeros
learn_rightly = learn_one


def learn_one(machine, features, target):
    for name in features:
        if name not in machine.w:
            machine.w[name], machine.V[name] = 0.0, np.zeros(machine.n_factors)
    return learn_rightly(machine, features, target)


# %% noise-in-first-loss
learn_rightly = learn_one


def learn_one(machine, features, target):
    for name in features:
        if name not in machine.w:
            machine.w[name] = 0.0
            machine.V[name] = machine.rng.normal(0.0, 0.1, machine.n_factors)
    return learn_rightly(machine, features, target)


# %% somebody-elses-chance
learn_rightly = learn_one


def learn_one(machine, features, target):
    machine.rng = np.random
    return learn_rightly(machine, features, target)


# %% learns-before-testing
def progressive_rmse(machine, stream):
    losses = []
    for features, target in stream:
        machine.partial_fit(features, target)
        losses.append((target - machine.predict(features)) ** 2)
    return np.sqrt(np.cumsum(losses) / np.arange(1, len(losses) + 1))


# %% learns-everything-first
def progressive_rmse(machine, stream):
    for features, target in stream:
        machine.partial_fit(features, target)
    losses = [(target - machine.predict(features)) ** 2 for features, target in stream]
    return np.sqrt(np.cumsum(losses) / np.arange(1, len(losses) + 1))


# %% never-learns
def progressive_rmse(machine, stream):
    losses = [(target - machine.predict(features)) ** 2 for features, target in stream]
    return np.sqrt(np.cumsum(losses) / np.arange(1, len(losses) + 1))


# %% forgets-the-root
right_curve = progressive_rmse


def progressive_rmse(machine, stream):
    return np.square(right_curve(machine, stream))


# %% averages-absolute-errors
def progressive_rmse(machine, stream):
    errors = []
    for features, target in stream:
        errors.append(abs(target - machine.predict(features)))
        machine.partial_fit(features, target)
    return np.cumsum(errors) / np.arange(1, len(errors) + 1)


# %% forgets-to-average
def progressive_rmse(machine, stream):
    errors = []
    for features, target in stream:
        errors.append(abs(target - machine.predict(features)))
        machine.partial_fit(features, target)
    return errors
