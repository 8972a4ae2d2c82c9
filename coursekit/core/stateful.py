"""One protocol to save and restore objects: `config()`, their settings, and their memory.

Detectors, optimizers, schedules, responses, buffers and learners are :class:`Stateful`: restored
from a state, they continue exactly as the original would have.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from functools import cache, wraps
from typing import Any, ClassVar, Self

import numpy as np

from coursekit.core.errors import StateFormatError
from coursekit.core.state import State
from coursekit.core.validation import bind

__all__ = ["Stateful"]


class Stateful:
    """A mixin: `config`, `clone`, `get_state` and `set_state` without code in the subclass.

    The arguments of a subclass's constructor are checked by their types (see
    :func:`~coursekit.core.validation.validated`) and recorded: they are its settings. Arguments
    passed on as ``**settings`` are those of the constructor above.

    A subclass names its memory in `_memory_names`; an attribute may be a number, a string, None, an
    array, nested lists and dicts of these, another `Stateful`, or a tuple of them. Where memory is
    not an attribute, override `_get_memory` and `_set_memory`.

    Examples
    --------
    >>> class Counter(Stateful):
    ...     _memory_names = ("count",)
    ...     def __init__(self, step=1):
    ...         self.step, self.count = step, 0
    >>> counter = Counter(step=2)
    >>> counter.count = 6
    >>> counter.get_state()
    {'class': 'Counter', 'config': {'step': 2}, 'memory': {'count': 6}}
    >>> Counter(step=3).set_state(counter.get_state())
    Traceback (most recent call last):
    coursekit.core.errors.StateFormatError: The state is of Counter with {'step': 2}, expected ...
    """

    _memory_names: ClassVar[tuple[str, ...]] = ()
    _state_name: ClassVar[str] = ""
    """The class name in states, for classes that can exchange them; default: their own."""

    def __init_subclass__(cls) -> None:
        if "__init__" in vars(cls):
            cls.__init__ = _recorded(cls.__init__)  # type: ignore[method-assign]

    def _settings(self) -> dict[str, Any]:
        """Return the arguments of the constructor, checked and with defaults."""
        recorded, cls = getattr(self, "_arguments", {}), type(self)
        names = _parameters(cls)  # type: ignore[arg-type]  # it takes classes for objects
        return {name: recorded[name] for name in names if name in recorded}

    def config(self) -> State:
        """Return the settings by name: JSON values and nested dicts of them."""
        return {name: _plain(value) for name, value in self._settings().items()}

    def clone(self) -> Self:
        """Return a new object with the same settings and initial memory."""
        return type(self)(**{name: _cloned(value) for name, value in self._settings().items()})

    def get_state(self) -> State:
        """Return a copy of class, settings and memory, ready for `save_state`."""
        name = self._state_name or type(self).__name__
        return {"class": name, "config": self.config(), "memory": self._get_memory()}

    def set_state(self, state: State) -> None:
        """Restore a state that `get_state` returned.

        Raises
        ------
        StateFormatError
            If class, settings or shapes differ; nothing has changed.
        """
        self._check_state(state)
        self._set_memory(state["memory"])

    def _get_memory(self) -> State:
        """Return copies of the attributes of `_memory_names`."""
        return {name: _written(getattr(self, name)) for name in self._memory_names}

    def _set_memory(self, memory: State) -> None:
        """Restore a copy of memory that `_check_memory` has accepted."""
        for name in self._memory_names:
            parts = _parts(getattr(self, name))
            for part, theirs in zip(parts, _listed(memory[name]), strict=False):
                part.set_state(theirs)
            if not parts:
                setattr(self, name, copy.deepcopy(memory[name]))

    def _check_state(self, state: State) -> None:
        """Raise StateFormatError for a state of another class or other settings."""
        if missing := {"class", "config", "memory"} - state.keys():
            raise StateFormatError(
                f"This is no state of {type(self).__name__}: {', '.join(sorted(missing))} missing."
            )
        ours = self._state_name or type(self).__name__, self.config()
        theirs = state["class"], state["config"]
        if theirs != ours:
            raise StateFormatError(
                f"The state is of {theirs[0]} with {theirs[1]}, expected {ours[0]} with {ours[1]}."
            )
        self._check_memory(state["memory"])

    def _check_memory(self, memory: State) -> None:
        """Raise StateFormatError for missing names or another type or number of dimensions."""
        if missing := set(self._memory_names) - memory.keys():
            raise StateFormatError(
                f"The state of {type(self).__name__} has no {', '.join(sorted(missing))}."
            )
        for name in self._memory_names:
            mine, theirs = getattr(self, name), memory[name]
            if parts := _parts(mine):
                self._check_size(name, "parts", len(_listed(theirs)), len(parts))
                for part, its in zip(parts, _listed(theirs), strict=True):
                    part._check_state(its)
            elif isinstance(mine, np.ndarray):
                self._check_size(name, "dimensions", np.ndim(theirs), mine.ndim)

    def _check_size(self, name: str, of: str, found: int, expected: int) -> None:
        if found != expected:
            raise StateFormatError(
                f"`{name}` in the state of {type(self).__name__} has {found} {of}, expected "
                f"{expected}."
            )


def _parts(value: Any) -> tuple[Stateful, ...]:
    """Return the stateful parts of an attribute: itself, or those of a tuple of them."""
    parts = value if isinstance(value, tuple) else (value,)
    return parts if all(isinstance(part, Stateful) for part in parts) else ()


def _listed(states: Any) -> list[State]:
    return states if isinstance(states, list) else [states]


def _written(value: Any) -> Any:
    if value is None or isinstance(value, int | float | str):
        return value
    if parts := _parts(value):
        states = [part.get_state() for part in parts]
        return states if isinstance(value, tuple) else states[0]
    return copy.deepcopy(value)


def _recorded(init: Callable[..., None]) -> Callable[..., None]:
    """Return a constructor that checks and records its arguments."""

    @wraps(init)
    def recording(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = bind(init, (self, *args), kwargs)
        self._arguments = {**bound.arguments, **getattr(self, "_arguments", {})}
        init(*bound.args, **bound.kwargs)

    return recording


@cache
def _parameters(cls: type[Any]) -> tuple[str, ...]:
    """Return the names of the settings of a class."""
    names: list[str] = []
    for init in (vars(base)["__init__"] for base in cls.__mro__ if "__init__" in vars(base)):
        _, *parameters = inspect.signature(init).parameters.values()
        names += [each.name for each in parameters if each.kind not in (_ARGS, _KWARGS)]
        if all(each.kind is not _KWARGS for each in parameters):
            break
    return tuple(dict.fromkeys(names))


_ARGS, _KWARGS = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD


def _plain(value: Any) -> Any:
    """Return a setting as it is written: an object without `config` by its name or its class."""
    if hasattr(value, "config"):
        return value.config()
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, bool | int | float | str | dict):
        return value
    if is_dataclass(value):
        return asdict(value)  # type: ignore[arg-type]
    return getattr(value, "__name__", type(value).__name__)


def _cloned(value: Any) -> Any:
    """Return a setting for another object: stateful ones cloned."""
    if isinstance(value, list | tuple):
        return type(value)(map(_cloned, value))
    return value.clone() if hasattr(value, "clone") else value
