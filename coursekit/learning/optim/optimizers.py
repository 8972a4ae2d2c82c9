r"""Online optimisers for vectors of weights: how far each weight moves, given its gradient (lesson
07).

The rules of :mod:`coursekit.learning.optim.rules` move the factors of a recommender; these move the
weights of any model with a gradient $g_t = \nabla\ell_t(w_t)$, dense or with only some weights
active. SGD and AdaGrad are the same rules in both places (a test holds them together).

- **SGD**: $w \leftarrow w - \eta_t g$ with $\eta_t = \eta\,t^{-p}$; $p = 1/2$ is the rate of the
  regret bound (Zinkevich 2003).
- **AdaGrad** (Duchi, Hazan and Singer 2011, JMLR 12): $G_j \mathrel{+}= g_j^2$, $w_j \leftarrow w_j
  - \eta\,g_j/\sqrt{G_j}$.
- **FTRL-Proximal** (McMahan et al. 2013, doi:10.1145/2487575.2488200): $n_j \mathrel{+}= g_j^2$,
  $z_j \mathrel{+}= g_j - \sigma_j w_j$ with $\sigma_j = (\sqrt{n_j} - \sqrt{n_j - g_j^2})/\eta$,
  and $w_j = 0$ if $|z_j| \le \lambda_1$, else $w_j = -(z_j -
  \operatorname{sign}(z_j)\lambda_1)\,/\,((\beta + \sqrt{n_j})/\eta + \lambda_2)$: AdaGrad's rates,
  with weights that are exactly 0.
- **Adam** (Kingma and Ba 2015, arXiv:1412.6980): means of gradients and of their squares, both
  unbiased. It has no regret
  bound: there are convex streams on which it fails (Reddi, Kale and Kumar 2018, arXiv:1904.09237).

A weight whose gradient is not given rests, memory included; Adam counts each weight's own steps.
"""

from __future__ import annotations

import math
from abc import ABC
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from coursekit.core.compiled import compiled
from coursekit.core.errors import InvalidParameterError, StateFormatError, UnknownNameError
from coursekit.core.state import State

__all__ = ["SGD", "AdaGrad", "Adam", "FTRLProximal", "Optimizer", "move_weight", "optimizer_named"]

_FloatArray = npt.NDArray[np.float64]
_IntArray = npt.NDArray[np.intp]

SGD_TAG, ADAGRAD_TAG, FTRL_TAG, ADAM_TAG = 0, 1, 2, 3
RATE, FIRST, SECOND, THIRD, BOX = range(
    5
)  # the settings: the rate, three of the rule's own, the half width of the box


@compiled
def move_weight(tag, settings, t, weights, memory, j, gradient):
    """Move weight j in place, at step t of the optimiser; its memory is column j of `memory`."""
    rate = settings[RATE]
    if tag == SGD_TAG:
        weights[j] -= rate * t ** (-settings[FIRST]) * gradient
    elif tag == ADAGRAD_TAG:
        memory[0, j] += gradient * gradient
        if memory[0, j] > 0.0:
            weights[j] -= rate * gradient / math.sqrt(memory[0, j])
    elif tag == FTRL_TAG:
        before = math.sqrt(memory[0, j])
        memory[0, j] += gradient * gradient
        root = math.sqrt(memory[0, j])
        memory[1, j] += gradient - (root - before) / rate * weights[j]
        excess = abs(memory[1, j]) - settings[SECOND]
        weights[j] = 0.0
        if excess > 0.0:
            weights[j] = -math.copysign(excess, memory[1, j]) / (
                (settings[FIRST] + root) / rate + settings[THIRD]
            )
    else:
        memory[0, j] += (1.0 - settings[FIRST]) * (gradient - memory[0, j])
        memory[1, j] += (1.0 - settings[SECOND]) * (gradient * gradient - memory[1, j])
        memory[2, j] += 1.0
        mean = memory[0, j] / (1.0 - settings[FIRST] ** memory[2, j])
        square = memory[1, j] / (1.0 - settings[SECOND] ** memory[2, j])
        weights[j] -= rate * mean / (math.sqrt(square) + settings[THIRD])
    weights[j] = min(max(weights[j], -settings[BOX]), settings[BOX])


@compiled
def _move_weights(tag, settings, t, weights, memory, active, gradients):
    for at in range(active.size):
        move_weight(tag, settings, t, weights, memory, active[at], gradients[at])


class Optimizer(ABC):
    """Moves weights against gradients and remembers what its rule needs.

    Parameters
    ----------
    learning_rate : float, greater than 0
        The rate; it may be set at any time.
    radius : float, greater than 0
        Every weight is kept in [-radius, radius] (projection onto a box); infinite for none. The
        regret bounds need it finite.

    Attributes
    ----------
    n_steps : int
        Steps done.
    """

    tag: ClassVar[int]
    n_memories: ClassVar[int]
    names: ClassVar[tuple[str, ...]] = ()
    """The rule's own settings."""

    def __init__(self, learning_rate: float, radius: float, **own: float) -> None:
        for name, value in own.items():
            _require(math.isfinite(value) and value >= 0, name, "a finite number, 0 or more", value)
        _require(radius > 0, "radius", "greater than 0", radius)
        self._settings = np.zeros(5)
        self._settings[FIRST : FIRST + len(own)] = list(own.values())
        self._settings[BOX] = radius
        self.learning_rate = learning_rate
        self.n_steps = 0
        self._start = 0.0  # of the first memory
        self._memory = np.zeros((self.n_memories, 0))

    @property
    def learning_rate(self) -> float:
        """The present rate, without its decay."""
        return float(self._settings[RATE])

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        _require(
            math.isfinite(value) and value > 0,
            "learning_rate",
            "a finite number greater than 0",
            value,
        )
        self._settings[RATE] = value

    @property
    def radius(self) -> float:
        """Half the width of the box."""
        return float(self._settings[BOX])

    @property
    def memory(self) -> _FloatArray:
        """What is remembered of each weight, shape (n_memories, n_weights); read only."""
        view = self._memory.view()
        view.flags.writeable = False
        return view

    def step(
        self, weights: _FloatArray, gradients: npt.ArrayLike, active: _IntArray | None = None
    ) -> None:
        """Move weights in place.

        Parameters
        ----------
        weights : array, shape (n_weights,)
            Float64. It may have become longer since the last step.
        gradients : array, shape (n_weights,) or (n_active,)
        active : array of int, shape (n_active,), optional
            Which weights the gradients belong to, each once. Default: all.
        """
        where = np.arange(len(weights)) if active is None else np.asarray(active, dtype=np.intp)
        given = np.ascontiguousarray(gradients, dtype=np.float64)
        _require(given.shape == where.shape, "gradients", f"of shape {where.shape}", given.shape)
        self.reserve(len(weights))
        self.n_steps += 1
        _move_weights(self.tag, self._settings, self.n_steps, weights, self._memory, where, given)

    def reserve(self, n_weights: int) -> None:
        """Make room for the memory of `n_weights` weights."""
        n_known = self._memory.shape[1]
        if n_weights > n_known:
            memory = np.zeros((self.n_memories, n_weights))
            memory[:1, n_known:] = self._start
            memory[:, :n_known] = self._memory
            self._memory = memory

    def discount_evidence(self, keep: float) -> None:
        """Remember as if only the share `keep`, in (0, 1], of the gradients had been seen: later
        steps become larger.
        """
        _require(0 < keep <= 1, "keep", "in (0, 1]", keep)
        self.n_steps = max(round(keep * self.n_steps), 0)
        self._discount(keep)

    def _discount(self, keep: float) -> None:  # noqa: B027 - not every rule has a memory that ages
        """Discount the memory."""

    def get_state(self) -> State:
        """Return a copy of everything that the next steps depend on."""
        return {
            "class": type(self).__name__,
            "settings": self._settings.copy(),
            "n_steps": self.n_steps,
            "memory": self._memory.copy(),
        }

    def set_state(self, state: State) -> None:
        """Continue from a state; one of another optimiser is refused and nothing changes."""
        if (
            state.get("class") != type(self).__name__
            or np.shape(state["memory"])[0] != self.n_memories
        ):
            raise StateFormatError(
                f"The state belongs to {state.get('class')}, expected {type(self).__name__}."
            )
        self._settings = np.array(state["settings"], dtype=np.float64)
        self._memory = np.array(state["memory"], dtype=np.float64)
        self.n_steps = int(state["n_steps"])


class SGD(Optimizer):
    """Stochastic gradient descent with the rate `learning_rate` * t ** -`decay`.

    Parameters
    ----------
    learning_rate, radius
        As in :class:`Optimizer`.
    decay : float, 0 or more
        0 for a constant rate (which goes on adapting), 1/2 for the rate of the regret bound.

    >>> weights = np.array([1.0, 1.0])
    >>> SGD(0.1).step(weights, [2.0, 0.0])
    >>> weights
    array([0.8, 1. ])
    """

    tag = SGD_TAG
    n_memories = 0

    def __init__(
        self, learning_rate: float = 0.05, *, decay: float = 0.0, radius: float = math.inf
    ) -> None:
        super().__init__(learning_rate, radius, decay=decay)

    @property
    def decay(self) -> float:
        """The power of t by which the rate falls."""
        return float(self._settings[FIRST])

    @property
    def rate(self) -> float:
        """The rate of the latest step."""
        return float(self.learning_rate * max(self.n_steps, 1) ** -self.decay)


class AdaGrad(Optimizer):
    """A rate of its own for every weight, falling with the gradients it has seen.

    Parameters
    ----------
    learning_rate, radius
        As in :class:`Optimizer`.
    initial_memory : float, 0 or more
        The sum of squared gradients that each weight starts with; larger makes the first steps
        smaller.
    """

    tag = ADAGRAD_TAG
    n_memories = 1

    def __init__(
        self, learning_rate: float = 0.2, *, initial_memory: float = 0.1, radius: float = math.inf
    ) -> None:
        super().__init__(learning_rate, radius, initial_memory=initial_memory)
        self._start = float(initial_memory)

    @property
    def initial_memory(self) -> float:
        """The sum of squared gradients that each weight starts with."""
        return self._start

    def _discount(self, keep: float) -> None:
        self._memory[0] = self._start + keep * (self._memory[0] - self._start)


class FTRLProximal(Optimizer):
    """Follow the regularised leader: AdaGrad's rates, and weights that are exactly 0 unless the
    evidence exceeds `l1`.

    Parameters
    ----------
    learning_rate, radius
        As in :class:`Optimizer`; the rate is called alpha in the paper. Do not change it between
        steps.
    beta : float, 0 or more
        Makes the first steps smaller.
    l1, l2 : float, 0 or more
        Penalties; `l1` decides how many weights are 0.
    """

    tag = FTRL_TAG
    n_memories = 2

    def __init__(
        self,
        learning_rate: float = 0.2,
        *,
        beta: float = 1.0,
        l1: float = 0.0,
        l2: float = 0.0,
        radius: float = math.inf,
    ) -> None:
        super().__init__(learning_rate, radius, beta=beta, l1=l1, l2=l2)
        self.beta, self.l1, self.l2 = float(beta), float(l1), float(l2)

    @property
    def learning_rate(self) -> float:
        """The rate, called alpha in the paper."""
        return float(self._settings[RATE])

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        """Set the rate, and restate the memory so that the weights stay where they are."""
        _require(
            math.isfinite(value) and value > 0,
            "learning_rate",
            "a finite number greater than 0",
            value,
        )
        before = self._settings[RATE]
        self._settings[RATE] = value
        if before and hasattr(self, "_memory"):
            self._restate(self._memory[0], before, self._memory[0].copy())

    def _discount(self, keep: float) -> None:
        self._restate(keep * self._memory[0], self._settings[RATE], self._memory[0].copy())

    def _restate(
        self, squares: _FloatArray, rate_before: float, squares_before: _FloatArray
    ) -> None:
        """Change squared gradients or rate while every weight that is not 0 stays: $z$ is what the
        weights follow from.
        """
        z = self._memory[1]
        moved = np.sign(z) * np.maximum(np.abs(z) - self.l1, 0.0)
        stiffness_before = (self.beta + np.sqrt(squares_before)) / rate_before + self.l2
        stiffness = (self.beta + np.sqrt(squares)) / self._settings[RATE] + self.l2
        self._memory[1] = np.where(
            moved != 0.0, np.sign(z) * self.l1 + moved * stiffness / stiffness_before, z
        )
        self._memory[0] = squares


class Adam(Optimizer):
    """Steps of about the learning rate, in the direction of the mean gradient over its spread.

    Parameters
    ----------
    learning_rate, radius
        As in :class:`Optimizer`.
    beta1, beta2 : float, in [0, 1)
        How long gradients and their squares are remembered.
    epsilon : float, greater than 0
        Keeps the division finite.
    """

    tag = ADAM_TAG
    n_memories = 3

    def __init__(
        self,
        learning_rate: float = 0.01,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        radius: float = math.inf,
    ) -> None:
        for name, value in (("beta1", beta1), ("beta2", beta2)):
            _require(0 <= value < 1, name, "in [0, 1)", value)
        _require(epsilon > 0, "epsilon", "greater than 0", epsilon)
        super().__init__(learning_rate, radius, beta1=beta1, beta2=beta2, epsilon=epsilon)


_OPTIMIZERS: dict[str, type[Any]] = {
    "sgd": SGD,
    "adagrad": AdaGrad,
    "ftrl": FTRLProximal,
    "adam": Adam,
}


def optimizer_named(optimizer: str | Optimizer) -> Optimizer:
    """Return a new optimiser of that name with its defaults; an optimiser is returned as it is.

    >>> optimizer_named("ftrl").learning_rate
    0.2
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if optimizer not in _OPTIMIZERS:
        raise UnknownNameError(
            f"`optimizer` must be one of {', '.join(_OPTIMIZERS)} or an optimiser, got "
            f"{optimizer!r}."
        )
    made: Optimizer = _OPTIMIZERS[optimizer]()
    return made


def _require(holds: bool, name: str, expectation: str, value: object) -> None:
    if not holds:
        raise InvalidParameterError(f"`{name}` must be {expectation}, got {value!r}.")
