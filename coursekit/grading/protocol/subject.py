"""What a check asks its questions to: a student's solution, wherever it lives.

A `Subject` can call functions, make objects and read attributes by name. Questions leave and
replies come back as JSON texts, always: the local subject goes through the very same agent and
codec as one in a sandboxed kernel, so instant feedback and grading cannot differ by a type, a
rounding or a shared array. A transport gives one method, `Subject.exchange`.
"""

from __future__ import annotations

import gc
import json
import time
import tracemalloc
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from coursekit.grading.errors import Missing, NotAttempted, RefusedReply, StudentError
from coursekit.grading.inside.agent import PROTOCOL, Agent
from coursekit.grading.protocol.codec import (
    DEFAULT_LIMITS,
    Handle,
    ReplyLimits,
    decode,
    encode,
    parse,
)

__all__ = ["LocalSubject", "Ref", "Subject"]


class Subject(ABC):
    """A student's solution behind questions and answers; subclasses say how the texts travel.

    Every question raises a `SubjectError` when the student's side does not answer as asked:
    `NotAttempted`, `Missing`, `StudentError`, `TookTooLong`, `RefusedReply` or `SubjectLost`.
    Arguments are plain data, arrays of numbers and `Ref`; the student's code receives copies.

    Parameters
    ----------
    limits : ReplyLimits
        What a reply may hold.
    """

    memory_repeats = 20
    """How often a question is repeated before memory that grows with it shows."""

    def __init__(self, limits: ReplyLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits

    @abstractmethod
    def exchange(self, request: str) -> str:
        """Carry one request text to the agent and bring back its reply text.

        Raises
        ------
        TookTooLong
            If the agent was interrupted at its deadline and still lives.
        SubjectLost
            If there is no agent any more.
        """

    def cpu_seconds(self) -> float:
        """Return the CPU seconds that the solution's side has used so far; 0 where they are not
        known, and then no cost is judged.
        """
        return 0.0

    @contextmanager
    def memory(self) -> Iterator[Callable[[], int]]:
        """Yield a function that returns the bytes that the solution's side holds now; 0 where they
        are not known, and then no memory is judged.
        """
        yield lambda: 0

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a function of the solution; objects it returns come back as a `Ref`."""
        return self._ask(_call(None, name, args, kwargs))

    def map(self, name: str, argument_lists: Sequence[Sequence[Any]]) -> list[Any]:
        """Call a function once per list of arguments, in one round trip."""
        answers: list[Any] = self._ask(_map(None, name, argument_lists))
        return answers

    def new(self, cls: str, *args: Any, **kwargs: Any) -> Ref:
        """Make an object and leave it where it is."""
        ref = self._ask({**_call(None, cls, args, kwargs), "keep": True})
        if not isinstance(ref, Ref):
            raise RefusedReply(f"`{cls}` did not make an object.")
        return ref

    def get(self, name: str) -> Any:
        """Read a variable of the solution."""
        return self._ask(_get(None, name))

    def set(self, name: str, value: Any) -> None:
        """Set a variable of the solution."""
        self._ask(_set(None, name, value))

    def _ask(self, operation: dict[str, Any]) -> Any:
        request = json.dumps({"protocol": PROTOCOL, "operations": [operation]}, allow_nan=False)
        reply = parse(self.exchange(request), self._limits)
        replies = (
            reply.get("replies")
            if isinstance(reply, dict) and reply.get("protocol") == PROTOCOL
            else None
        )
        if not isinstance(replies, list) or len(replies) != 1:
            raise RefusedReply("The reply has an unknown form.")
        return self._read(replies[0], operation)

    def _read(self, reply: Any, operation: dict[str, Any]) -> Any:
        if not isinstance(reply, dict):
            raise RefusedReply("The reply has an unknown form.")
        if operation["op"] == "map" and "map" in reply:
            wanted = len(operation["argument_lists"])
            if not isinstance(reply["map"], list) or len(reply["map"]) != wanted:
                raise RefusedReply(f"The reply does not hold {wanted} answers.")
            return [self._read(answer, {**operation, "op": "call"}) for answer in reply["map"]]
        if "value" in reply and operation["op"] != "map":
            return decode(reply["value"], lambda handle: Ref(self, handle), self._limits)
        raise _failure(reply, operation["name"])


class Ref:
    """An object of the solution that stays on the student's side; made by `Subject.new` or returned
    by a call.
    """

    def __init__(self, subject: Subject, handle: Handle) -> None:
        self._subject = subject
        self._handle = handle

    @property
    def type_name(self) -> str:
        """The class that the object claims to be of."""
        return self._handle.type_name

    @property
    def handle(self) -> Handle:
        """The name under which the student's side keeps the object."""
        return self._handle

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method."""
        return self._subject._ask(_call(self, name, args, kwargs))

    def map(self, name: str, argument_lists: Sequence[Sequence[Any]]) -> list[Any]:
        """Call a method once per list of arguments, in one round trip."""
        answers: list[Any] = self._subject._ask(_map(self, name, argument_lists))
        return answers

    def get(self, name: str) -> Any:
        """Read an attribute."""
        return self._subject._ask(_get(self, name))

    def set(self, name: str, value: Any) -> None:
        """Set an attribute to a copy of a value."""
        self._subject._ask(_set(self, name, value))

    def __repr__(self) -> str:
        """Show what the object claims to be."""
        return f"<an object of type {self.type_name}>"


class LocalSubject(Subject):
    """A namespace in this process, through the same agent and the same texts as everywhere else.

    Parameters
    ----------
    namespace : dict
        Names of the solution, such as a notebook's globals.
    limits : ReplyLimits

    Examples
    --------
    >>> subject = LocalSubject({"double": lambda xs: [2 * x for x in xs]})
    >>> subject.call("double", [1, 2])
    [2, 4]
    >>> subject.call("triple", [1, 2])
    Traceback (most recent call last):
    coursekit.grading.errors.Missing: `triple` is not defined. Run the cell that defines it...
    """

    memory_repeats = 1  # every object is counted

    def __init__(self, namespace: dict[str, Any], limits: ReplyLimits = DEFAULT_LIMITS) -> None:
        super().__init__(limits)
        self._agent = Agent(namespace)

    def exchange(self, request: str) -> str:
        """Ask the agent directly."""
        return self._agent.handle(request)

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of this thread, in which the solution runs."""
        return time.thread_time()

    @contextmanager
    def memory(self) -> Iterator[Callable[[], int]]:
        """Yield a function that returns the bytes of what was made since then and still exists."""

        def held() -> int:
            gc.collect()  # what Python keeps for the next object is not held
            return tracemalloc.get_traced_memory()[0]

        was_tracing = tracemalloc.is_tracing()
        tracemalloc.start()
        try:
            yield held
        finally:
            if not was_tracing:
                tracemalloc.stop()


def _call(on: Ref | None, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    named = {key: _sent(value) for key, value in kwargs.items()}
    return {
        "op": "call",
        "on": _handle_id(on),
        "name": name,
        "args": [_sent(value) for value in args],
        "kwargs": named,
    }


def _map(on: Ref | None, name: str, argument_lists: Sequence[Sequence[Any]]) -> dict[str, Any]:
    lists = [[_sent(value) for value in args] for args in argument_lists]
    return {"op": "map", "on": _handle_id(on), "name": name, "argument_lists": lists}


def _get(on: Ref | None, name: str) -> dict[str, Any]:
    return {"op": "get", "on": _handle_id(on), "name": name}


def _set(on: Ref | None, name: str, value: Any) -> dict[str, Any]:
    return {"op": "set", "on": _handle_id(on), "name": name, "value": _sent(value)}


def _handle_id(on: Ref | None) -> str | None:
    return None if on is None else on.handle.id


def _sent(value: Any) -> Any:
    return encode(value.handle if isinstance(value, Ref) else value)


def _failure(reply: dict[str, Any], name: str) -> Exception:
    """Turn a reply that is no value into the error it reports."""
    if "not_attempted" in reply:
        stub = reply["not_attempted"]
        return NotAttempted(
            stub if isinstance(stub, str) and stub.isidentifier() and len(stub) <= 60 else name
        )
    if "missing" in reply:
        return Missing(name)
    error = reply.get("error")
    if not isinstance(error, dict):
        return RefusedReply("The reply has an unknown form.")
    type_name, message, line = (error.get(key) for key in ("type", "message", "line"))
    if not (isinstance(type_name, str) and isinstance(message, str) and isinstance(line, str)):
        return RefusedReply("The reply has an unknown form.")
    return StudentError(type_name[:100], message[:2000], line[:300])
