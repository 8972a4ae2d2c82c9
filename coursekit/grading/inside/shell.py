"""Run a student's cells in this process, then answer questions about what they defined.

Started by `coursekit.grading.sandbox.session` as ``python -m coursekit.grading.inside.shell``. It
speaks JSON texts, one a line: in comes ``{"cells": [source, ...]}``, out goes ``{"errors": [null or
{"type", "message"}, ...]}``, then a reply for every request to the agent. The lines travel on
private copies of standard input and output; what the cells read or print never meets them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import IO, Any

from coursekit.grading.inside.agent import Agent

__all__ = ["main"]

INTERRUPTED = '{"interrupted": true}'


def main() -> None:
    """Serve until the questions end."""
    questions, answers = _take_streams()
    shell = _make_shell()
    os.chdir(sys.argv[1])
    sys.path.insert(0, "")  # a notebook may import the files beside it; ours are loaded by now
    _say(
        answers,
        json.dumps(
            {
                "errors": [
                    _run(shell, source) for source in json.loads(questions.readline())["cells"]
                ]
            }
        ),
    )
    agent = Agent(shell.user_ns)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while question := questions.readline():
        _say(answers, _answer(agent, question))
    os._exit(0)  # threads that the cells left behind do not hold us


def _answer(agent: Agent, question: str) -> str:
    """Answer one question; only while we work on it does an interrupt mean something."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return agent.handle(question)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        return INTERRUPTED


def _take_streams() -> tuple[IO[str], IO[str]]:
    """Keep standard input and output to ourselves and leave nothing in their place."""
    questions = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    return questions, answers


def _make_shell() -> Any:
    """Return a shell that understands cells as a notebook does, magics included, and keeps no
    history.
    """
    from IPython.core.history import HistoryManager
    from IPython.core.interactiveshell import InteractiveShell

    class Shell(InteractiveShell):
        def enable_gui(self, gui: Any = None) -> None:
            """Open no window, whatever a cell asks for."""

    HistoryManager.enabled = False  # type: ignore[assignment]  # a traitlet takes its value
    os.environ.setdefault("MPLBACKEND", "agg")
    return Shell.instance()


def _run(shell: Any, source: str) -> dict[str, str] | None:
    result = shell.run_cell(source, store_history=False, silent=True)
    error = result.error_before_exec or result.error_in_exec
    return None if error is None else {"type": type(error).__name__, "message": str(error)}


def _say(answers: IO[str], text: str) -> None:
    answers.write(text + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
