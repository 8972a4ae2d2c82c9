"""Find out whether this machine has a sandbox, by running something in one."""

from __future__ import annotations

import os
from functools import cache

from coursekit.core.processes import find_program
from coursekit.grading.errors import MachineFaultError
from coursekit.grading.sandbox.bubblewrap import HOW_TO
from coursekit.grading.sandbox.errors import SandboxUnavailableError
from coursekit.grading.sandbox.fork_server import ForkServer
from coursekit.grading.sandbox.limits import Limits
from coursekit.grading.sandbox.mounts import Mounts
from coursekit.grading.sandbox.orphans import adopt_orphans, collect, process_tree

__all__ = ["require_sandbox", "trouble"]


@cache
def trouble() -> str:
    """Say why there is no sandbox on this machine, or nothing; found out by starting one."""
    if find_program("bwrap") is None:
        return "bubblewrap is not installed"
    before = set(process_tree(os.getpid()))
    try:
        with ForkServer((), Mounts(), Limits()) as server:
            server.launch(Limits()).end()
    except (SandboxUnavailableError, OSError) as error:
        return str(error)
    except MachineFaultError as error:
        return f"{error} Is it forbidden to make user namespaces?"
    finally:
        collect(set(process_tree(os.getpid())) - before)
        adopt_orphans(False)
    return ""


def require_sandbox() -> None:
    """Go on only where there is a sandbox.

    Raises
    ------
    SandboxUnavailableError
        With what is missing and what to do.
    """
    if trouble():
        raise SandboxUnavailableError(f"Submissions cannot be run safely: {trouble()}. {HOW_TO}")
