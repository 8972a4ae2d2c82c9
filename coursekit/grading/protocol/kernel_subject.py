"""A solution in a sandboxed kernel, behind the same questions as one in the notebook."""

from __future__ import annotations

import base64
import builtins
from typing import Any

from coursekit.grading.errors import RefusedReply, StudentError
from coursekit.grading.inside.agent import MIME_TYPE
from coursekit.grading.protocol.client import KernelClient
from coursekit.grading.protocol.codec import DEFAULT_LIMITS, Limits
from coursekit.grading.protocol.subject import Subject

__all__ = ["KernelSubject", "known_exception"]

_KNOWN = {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}


class KernelSubject(Subject):
    """The namespace of a kernel.

    A question travels as base64 in an expression of an otherwise empty execution, its answer in the
    reply to it under a MIME type of its own; what the solution prints meanwhile is not read at all.

    Parameters
    ----------
    client : KernelClient
    call_seconds : float
        How long one answer may take.
    limits : Limits
    """

    def __init__(
        self, client: KernelClient, *, call_seconds: float = 10.0, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        super().__init__(limits)
        self._client = client
        self._call_seconds = call_seconds

    def exchange(self, request: str) -> str:
        """Ask the agent in the kernel."""
        packed = base64.b64encode(request.encode()).decode("ascii")
        data = self._client.ask(
            f"__import__('agent').handle('{packed}', get_ipython().user_ns)", self._call_seconds
        )
        text = data.get(MIME_TYPE) if data is not None else None
        if not isinstance(text, str):
            raise RefusedReply("The reply has an unknown form.")
        return text

    def _ask(self, operation: dict[str, Any]) -> Any:
        """As inherited, but say no more about an exception than that it is one that Python
        knows.
        """
        try:
            return super()._ask(operation)
        except StudentError as error:
            raise StudentError(known_exception(error.type_name), "") from error


def known_exception(name: str) -> str:
    """Return the name of a built-in exception; a solution can name its own ones after what it was
    asked.

    >>> known_exception("ValueError"), known_exception("TheInputWas42")
    ('ValueError', 'an exception')
    """
    return name if name in _KNOWN else "an exception"
