"""Assignment of units to variants: layers for mutual exclusion, ramps that move nobody."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import number, require
from coursekit.delivery.experiments.hashing import SaltedHash, Texts, texts_of

__all__ = ["N_BUCKETS", "Assignment", "Layer", "shares_of"]

N_BUCKETS = 10_000
"""A layer is divided into so many equal parts of the units: coverage counts in 0.01 %."""

_NOBODY = -1


class Layer(Stateful):
    """Experiments that never share a unit: each owns some of 10,000 buckets of the units.

    The bucket of a unit follows from the name of the layer, so buckets of two layers are
    independent of each other.

    Parameters
    ----------
    name : str

    Examples
    --------
    >>> layer = Layer("search page")
    >>> layer.extend("ranking", 0.2)
    >>> layer.extend("colours", 0.5)
    >>> layer.share_of("ranking"), layer.free_share
    (0.2, 0.3)
    >>> layer.extend("layout", 0.4)
    Traceback (most recent call last):
    coursekit.core.errors.InvalidParameterError: `share` must be at most 0.3, what is free in ...
    """

    _memory_names = ("_experiments", "_owners")

    def __init__(self, name: str) -> None:
        self.name = name
        self._hash = SaltedHash(f"layer:{name}")
        self._experiments: list[str] = []
        self._owners = np.full(N_BUCKETS, _NOBODY, np.int64)
        self._owned: dict[str, tuple[npt.NDArray[np.bool_], bool]] = {}

    @property
    def free_share(self) -> float:
        """The share of the units that no experiment owns."""
        return float(np.count_nonzero(self._owners == _NOBODY)) / N_BUCKETS

    def share_of(self, experiment: str) -> float:
        """Return the share of the units that an experiment owns."""
        return float(np.count_nonzero(self._owners == self._number(experiment))) / N_BUCKETS

    def extend(self, experiment: str, share: float) -> None:
        """Give an experiment free buckets until it owns this share; it keeps those that it has.

        Raises
        ------
        InvalidParameterError
            If it owns more already (a smaller share would move units), or too few are free.
        """
        share = number("share", share, above=0, at_most=1)
        more = round(share * N_BUCKETS) - round(self.share_of(experiment) * N_BUCKETS)
        free = np.flatnonzero(self._owners == _NOBODY)
        if more < 0:
            raise InvalidParameterError(
                f"`share` must be at least {self.share_of(experiment):g}, what {experiment} has "
                f"already, got {share:g}: units that were assigned never move."
            )
        if more > len(free):
            most = self.share_of(experiment) + self.free_share
            raise InvalidParameterError(
                f"`share` must be at most {most:g}, what is free in layer {self.name!r}, got "
                f"{share:g}."
            )
        if experiment not in self._experiments:
            self._experiments.append(experiment)
        self._owners[free[:more]] = self._number(experiment)
        self._owned.clear()

    def release(self, experiment: str) -> None:
        """Free the buckets of an experiment that has ended."""
        self._owners[self._owners == self._number(experiment)] = _NOBODY
        self._owned.clear()

    def owns(self, experiment: str, unit: Any) -> bool:
        """Return whether a unit is in a bucket of the experiment."""
        mine, is_all = self._owned.get(experiment) or self._own(experiment)
        return is_all or bool(mine[((self._hash(unit) >> 32) * N_BUCKETS) >> 32])

    def owns_many(self, experiment: str, texts: Texts) -> npt.NDArray[np.bool_]:
        """Return the same for many units, encoded by `texts_of`, shape (n,)."""
        mine, is_all = self._owned.get(experiment) or self._own(experiment)
        if is_all:
            return np.ones(len(texts[1]) - 1, bool)
        high = self._hash.of_texts(texts) >> np.uint64(32)
        found: npt.NDArray[np.bool_] = mine[(high * np.uint64(N_BUCKETS)) >> np.uint64(32)]
        return found

    def _own(self, experiment: str) -> tuple[npt.NDArray[np.bool_], bool]:
        """Return which buckets an experiment owns, and whether all; kept until they change."""
        mine = self._owners == self._number(experiment)
        self._owned[experiment] = mine, bool(mine.all())
        return self._owned[experiment]

    def _set_memory(self, memory: State) -> None:
        super()._set_memory(memory)
        self._owned.clear()

    def _number(self, experiment: str) -> int:
        """Return the number of an experiment; one that owns nothing has a number of its own."""
        known = self._experiments
        return known.index(experiment) if experiment in known else len(known)


class Assignment:
    """The variant of every unit of an experiment: a function of two salts and the unit's id.

    A unit takes part if the layer says so; which variant it gets follows from a second salt, the
    id of the experiment. So a ramp adds units and moves none, and two experiments are independent.

    Parameters
    ----------
    experiment_id : str
    shares : mapping
        Variant -> its share of the units, summing to 1.
    layer : Layer
        Where the experiment owns buckets.

    Examples
    --------
    >>> layer = Layer("all")
    >>> layer.extend("ranking", 1.0)
    >>> assignment = Assignment("ranking", {"old": 0.5, "new": 0.5}, layer)
    >>> assignment.variant_of("ada"), assignment.variants_of(["ada", "bob"]).tolist()
    ('old', [0, 0])
    """

    def __init__(self, experiment_id: str, shares: Mapping[str, float], layer: Layer) -> None:
        self.experiment_id = experiment_id
        self.shares = shares_of(shares)
        self.layer = layer
        self._variants = list(self.shares)
        self._hash = SaltedHash(f"experiment:{experiment_id}")
        ends = list(accumulate(self.shares.values()))[:-1]
        self._ends = [int(end * 2**64) for end in ends]  # variant k gets [ends[k - 1], ends[k])
        self._end_array = np.array(self._ends, np.uint64)

    def variant_of(self, unit: Any) -> str | None:
        """Return the variant of a unit, or None if it does not take part."""
        if not self.layer.owns(self.experiment_id, unit):
            return None
        return self._variants[bisect_right(self._ends, self._hash(unit))]

    def variants_of(self, units: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Return the number of each unit's variant, in the order of `shares`; -1 for none."""
        texts = texts_of(units)
        found = np.searchsorted(self._end_array, self._hash.of_texts(texts), side="right")
        return np.where(self.layer.owns_many(self.experiment_id, texts), found, _NOBODY)


def shares_of(shares: Mapping[str, float]) -> dict[str, float]:
    """Return planned shares: two or more, positive, with the sum 1.

    Raises
    ------
    InvalidParameterError
        If they are not.
    """
    require(len(shares) >= 2, "shares", "of two variants or more", dict(shares))
    checked = {name: number(f"shares[{name!r}]", each, above=0) for name, each in shares.items()}
    if abs(sum(checked.values()) - 1) > 1e-9:
        raise InvalidParameterError(f"`shares` must sum to 1, got {sum(checked.values()):g}.")
    return checked
