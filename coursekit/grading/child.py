"""Run a student's cells in this process, then answer questions about what they defined.

Started by `coursekit.grading.process` as ``python -m coursekit.grading.child``. It speaks JSON texts, one a line: in comes
``{"cells": [source, ...]}``, out goes one line ``{"errors": [null or {"type", "message"}, ...]}``, then a reply for every request to the
agent. The lines travel on private copies of standard input and output; what the cells read or print never meets them.
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any

from coursekit.grading.agent import Agent

__all__ = ["main"]

INTERRUPTED = '{"interrupted": true}'


def main() -> None:
    """Serve until the questions end."""
    questions, answers = _take_streams()
    shell = _make_shell()
    _say(answers, json.dumps({"errors": [_run(shell, source) for source in json.loads(questions.readline())["cells"]]}))
    agent = Agent(shell.user_ns)
    while question := _next(questions):
        try:
            reply = agent.handle(question)
        except KeyboardInterrupt:
            reply = INTERRUPTED
        _say(answers, reply)
    os._exit(0)  # threads that the cells left behind do not hold us


def _take_streams() -> tuple[IO[str], IO[str]]:
    """Keep standard input and output to ourselves and leave nothing in their place."""
    questions = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    return questions, answers


def _make_shell() -> Any:
    """Return a shell that understands cells as a notebook does, magics included, and keeps no history."""
    from IPython.core.history import HistoryManager
    from IPython.core.interactiveshell import InteractiveShell

    HistoryManager.enabled = False
    os.environ.setdefault("MPLBACKEND", "agg")
    return InteractiveShell.instance()


def _run(shell: Any, source: str) -> dict[str, str] | None:
    result = shell.run_cell(source, store_history=False, silent=True)
    error = result.error_before_exec or result.error_in_exec
    return None if error is None else {"type": type(error).__name__, "message": str(error)}


def _next(questions: IO[str]) -> str:
    """Wait for a question; an interrupt that comes between questions was meant for the one before."""
    while True:
        try:
            return questions.readline()
        except KeyboardInterrupt:
            continue


def _say(answers: IO[str], text: str) -> None:
    answers.write(text + "\n")
    answers.flush()


if __name__ == "__main__":
    sys.path.insert(0, "")  # as in a notebook, modules beside it can be imported
    main()
