# ruff: noqa: F821  (the names come from the notebook: a cell here is run after it)
"""Wrong solutions that people really write, each named like what is said about it in hints.toml.

A cell replaces what the notebook defined. Never shipped: most of them are one line away from the
answer.
"""


# %% equal-shares
def assign(user, experiment, split):
    digest = hashlib.sha256(f"{experiment}/{user}".encode()).digest()
    return list(split)[int.from_bytes(digest, "big") % len(split)]


# %% random-again
def assign(user, experiment, split):
    return str(np.random.default_rng().choice(list(split), p=list(split.values())))


# %% no-salt
def assign(user, experiment, split):
    u = int(hashlib.md5(user.encode()).hexdigest(), 16) / 2**128
    for variant, share in split.items():
        u -= share
        if u < 0:
            return variant
    return variant


# %% hash-does-not-mix
import zlib


def assign(user, experiment, split):
    u = zlib.crc32(f"{experiment}:{user}".encode()) / 2**32
    for variant, share in split.items():
        u -= share
        if u < 0:
            return variant
    return variant


# %% counts-events
class Variant(Variant):
    def __init__(self):
        super().__init__()
        self.values = []

    def record(self, user, value):
        if user in self.totals:
            self.values.append(value)

    def summary(self):
        values = np.array(self.values)
        n = len(values)
        return Summary(n, values.mean() if n else 0.0, values.var(ddof=1) if n > 1 else 0.0)


# %% population-variance
class Variant(Variant):
    def summary(self):
        totals = np.array(list(self.totals.values()))
        return Summary(len(totals), totals.mean(), totals.var())


# %% forgets-silent-users
class Variant(Variant):
    def __init__(self):
        super().__init__()
        self.exposed = set()

    def expose(self, user):
        self.exposed.add(user)

    def record(self, user, value):
        if user in self.exposed:
            self.totals[user] = self.totals.get(user, 0.0) + value


# %% counts-strangers
class Variant(Variant):
    def record(self, user, value):
        self.totals[user] = self.totals.get(user, 0.0) + value


# %% last-outcome-only
class Variant(Variant):
    def record(self, user, value):
        if user in self.totals:
            self.totals[user] = value


# %% counts-exposures
class Variant(Variant):
    def __init__(self):
        super().__init__()
        self.exposures = []

    def expose(self, user):
        self.exposures.append(user)
        super().expose(user)

    def summary(self):
        totals = np.array([self.totals[user] for user in self.exposures])
        return Summary(len(totals), totals.mean(), totals.var(ddof=1) if len(totals) > 1 else 0.0)


# %% treatment-minus-control
right_compare = compare


def compare(control, treatment, level=0.05):
    return right_compare(treatment, control, level)


# %% spread-for-standard-error
right_compare = compare


def compare(control, treatment, level=0.05):
    nu = right_degrees(control, treatment)
    d, e = treatment.mean - control.mean, math.sqrt(control.variance + treatment.variance)
    if e == 0.0:
        return right_compare(control, treatment, level)
    width = stdtrit(nu, 1 - level / 2) * e
    return Comparison(d, d - width, d + width, 2 * stdtr(nu, -abs(d) / e))


def right_degrees(control, treatment):
    a, b = control.variance / control.n, treatment.variance / treatment.n
    if a + b == 0:
        return 1.0
    return (a + b) ** 2 / (a**2 / (control.n - 1) + b**2 / (treatment.n - 1))


# %% one-tail
right_compare = compare


def compare(control, treatment, level=0.05):
    found = right_compare(control, treatment, level)
    return found._replace(p=found.p / 2)


# %% one-sided-quantile
right_compare = compare


def compare(control, treatment, level=0.05):
    narrow = right_compare(control, treatment, 2 * level)
    return narrow


# %% pooled-variance
def compare(control, treatment, level=0.05):
    nu = control.n + treatment.n - 2
    pooled = ((control.n - 1) * control.variance + (treatment.n - 1) * treatment.variance) / nu
    d, e = treatment.mean - control.mean, math.sqrt(pooled * (1 / control.n + 1 / treatment.n))
    if e == 0.0:
        return Comparison(d, d, d, float(d == 0.0))
    width = stdtrit(nu, 1 - level / 2) * e
    return Comparison(d, d - width, d + width, 2 * stdtr(nu, -abs(d) / e))


# %% pooled-degrees
def compare(control, treatment, level=0.05):
    nu = control.n + treatment.n - 2
    d = treatment.mean - control.mean
    e = math.sqrt(control.variance / control.n + treatment.variance / treatment.n)
    if e == 0.0:
        return Comparison(d, d, d, float(d == 0.0))
    width = stdtrit(nu, 1 - level / 2) * e
    return Comparison(d, d - width, d + width, 2 * stdtr(nu, -abs(d) / e))


# %% normal-for-t
from statistics import NormalDist


def compare(control, treatment, level=0.05):
    d = treatment.mean - control.mean
    e = math.sqrt(control.variance / control.n + treatment.variance / treatment.n)
    if e == 0.0:
        return Comparison(d, d, d, float(d == 0.0))
    width = NormalDist().inv_cdf(1 - level / 2) * e
    return Comparison(d, d - width, d + width, 2 * NormalDist().cdf(-abs(d) / e))


# %% equal-shares-expected
def ratio_p(counts, split):
    expected = sum(counts.values()) / len(split)
    return chdtrc(len(split) - 1, sum((n - expected) ** 2 / expected for n in counts.values()))


# %% too-many-degrees
def ratio_p(counts, split):
    n = sum(counts.values())
    return chdtrc(len(split), sum((counts[k] - n * w) ** 2 / (n * w) for k, w in split.items()))


# %% shares-for-counts
def ratio_p(counts, split):
    n = sum(counts.values())
    return chdtrc(len(split) - 1, sum((counts[k] / n - w) ** 2 / w for k, w in split.items()))


# %% mixes-up-the-variants
def ratio_p(counts, split):
    n = sum(counts.values())
    pairs = zip(counts.values(), split.values(), strict=True)
    return chdtrc(len(split) - 1, sum((count - n * w) ** 2 / (n * w) for count, w in pairs))


# %% fixed-sample-p
class AlwaysValid(AlwaysValid):
    def look(self, difference, variance):
        self.p = math.erfc(abs(difference) / math.sqrt(2 * variance))
        return self.p


# %% smallest-fixed-p
class AlwaysValid(AlwaysValid):
    def look(self, difference, variance):
        self.p = min(self.p, math.erfc(abs(difference) / math.sqrt(2 * variance)))
        return self.p


# %% forgets-earlier-looks
class AlwaysValid(AlwaysValid):
    def look(self, difference, variance):
        fresh = type(self).__mro__[1](self.mixture)
        return fresh.look(difference, variance)


# %% squares-the-mixture
class AlwaysValid(AlwaysValid):
    def __init__(self, mixture):
        super().__init__(mixture**2)


# %% no-square-root
class AlwaysValid(AlwaysValid):
    def look(self, difference, variance):
        both = variance + self.mixture
        log_e = math.log(variance / both)
        log_e += self.mixture * difference**2 / (2 * variance * both)
        self.p = min(self.p, math.exp(-max(log_e, 0.0)))
        return self.p


# %% returns-e
class AlwaysValid(AlwaysValid):
    def look(self, difference, variance):
        both = variance + self.mixture
        exponent = self.mixture * difference**2 / (2 * variance * both)
        return math.sqrt(variance / both) * math.exp(min(exponent, 700.0))


# %% above-one
class AlwaysValid(AlwaysValid):
    def __init__(self, mixture):
        super().__init__(mixture)
        self.p = math.inf

    def look(self, difference, variance):
        both = variance + self.mixture
        exponent = self.mixture * difference**2 / (2 * variance * both)
        self.p = min(self.p, math.exp(-min(exponent, 700.0)) / math.sqrt(variance / both))
        return self.p


# %% ignores-the-duration
right_decide = decide


def decide(plan, registry, hours, users, ratio_p, comparison):
    return right_decide(plan, registry, plan.hours, users, ratio_p, comparison)


# %% ignores-the-minimum
right_decide = decide


def decide(plan, registry, hours, users, ratio_p, comparison):
    enough = dict.fromkeys(users, plan.min_users)
    return right_decide(plan, registry, hours, enough, ratio_p, comparison)


# %% adds-the-users
right_decide = decide


def decide(plan, registry, hours, users, ratio_p, comparison):
    both = {"all": sum(users.values())}
    return right_decide(plan, registry, hours, both, ratio_p, comparison)


# %% ignores-the-ratio
right_decide = decide


def decide(plan, registry, hours, users, ratio_p, comparison):
    return right_decide(plan, registry, hours, users, 1.0, comparison)


# %% ratio-at-five-percent
right_decide = decide


def decide(plan, registry, hours, users, ratio_p, comparison):
    return right_decide(plan, registry, hours, users, float(ratio_p >= 0.05), comparison)


# %% any-improvement
right_decide = decide


def decide(plan, registry, hours, users, ratio_p, comparison):
    return right_decide(plan, registry, hours, users, ratio_p, comparison._replace(p=0.0))


# %% promotes-the-worse
right_decide = decide


def decide(plan, registry, hours, users, ratio_p, comparison):
    positive = comparison._replace(difference=abs(comparison.difference))
    return right_decide(plan, registry, hours, users, ratio_p, positive)


# %% never-retires
right_decide = decide


def decide(plan, registry, hours, users, ratio_p, comparison):
    word = right_decide(plan, registry, hours, users, ratio_p, comparison)
    if word == "promoted":
        registry.set_status(plan.control, "production")
    return word


# %% leaves-the-loser
right_decide = decide


def decide(plan, registry, hours, users, ratio_p, comparison):
    word = right_decide(plan, registry, hours, users, ratio_p, comparison)
    if word == "kept":
        registry.set_status(plan.treatment, "staged")
    return word
