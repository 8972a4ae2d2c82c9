"""Run a student's cells in this process and answer questions about what they defined.

Started as ``python -m coursekit.grading.inside.shell`` with the line to the grader as standard
input and output. The first message is the order::

    {"limits": {...}, "filter": true, "files": {name: base64, ...}, "folder": path,
     "output_bytes": n}

Then each message is a cell, ``{"id": i, "cell": source}``, or a question to the agent, ``{"id": i,
"ask": text}``. A cell is followed by any number of ``{"output": [kind, content]}`` and then by
``{"id": i, "error": type or ""}``, a question by ``{"id": i, "reply": text}``.
"""

from __future__ import annotations

import base64
import os
import signal
import sys
from pathlib import Path
from typing import Any

from IPython.core.history import HistoryManager

from coursekit.grading.inside import quick_torch
from coursekit.grading.inside.agent import Agent
from coursekit.grading.inside.capture import Hook, Outputs, Publisher, Shell
from coursekit.grading.inside.line import Line

__all__ = ["main", "serve"]


def main() -> None:
    """Take the line and serve until it ends."""
    quick_torch.install()
    line = Line.from_standard_streams()
    line.send({"ready": True})
    order = line.receive()
    if order is not None:
        serve(line, order)


def serve(line: Line, order: dict[str, Any]) -> None:
    """Give up power, then run cells and answer questions; does not return."""
    os.chdir(order["folder"])
    for name, content in order["files"].items():
        place = Path(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(base64.b64decode(content))
    outputs = Outputs(line, order["output_bytes"])
    shell = _make_shell(outputs)
    agent = Agent(shell.user_ns)
    sys.path.insert(0, "")  # a notebook may import the files beside it; ours are loaded by now
    if sys.platform == "linux":
        from coursekit.grading.inside import confine

        confine.limit_resources(order["limits"])
        if order["filter"]:
            confine.die_with_parent()
            confine.refuse_system_calls()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while (message := line.receive()) is not None:
        answer = _answer(shell, agent, outputs, message)
        if not line.is_ours:  # a cell forked this process
            break
        line.send({"id": message["id"], **answer})
    os._exit(0)  # threads that the cells left behind do not hold us


def _answer(shell: Shell, agent: Agent, outputs: Outputs, message: dict[str, Any]) -> Any:
    """Do what a message says; only meanwhile does an interrupt mean something."""
    outputs.muted = "ask" in message
    try:
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if "ask" in message:
                return {"reply": agent.handle(message["ask"])}
            return {"error": _run(shell, message["cell"])}
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            outputs.end_of_cell()
    except BaseException as error:  # noqa: BLE001 - an interrupt, or a shell that a cell has broken
        return {"reply": ""} if "ask" in message else {"error": type(error).__name__}


def _run(shell: Shell, source: str) -> str:
    result: Any = shell.run_cell(source, store_history=False)  # type: ignore[no-untyped-call]
    error = result.error_before_exec or result.error_in_exec
    return "" if error is None else type(error).__name__


def _make_shell(outputs: Outputs) -> Shell:
    HistoryManager.enabled = False  # type: ignore[assignment]  # a traitlet takes its value
    Publisher.outputs = Hook.outputs = outputs
    sys.stdout, sys.stderr = outputs.streams
    return Shell.instance(display_pub_class=Publisher, displayhook_class=Hook, colors="nocolor")


if __name__ == "__main__":
    main()
