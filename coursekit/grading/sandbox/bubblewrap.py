"""Start a program under bubblewrap: new namespaces of every kind, a read-only file
system, no network, nothing left afterwards.

Source: the manual page bwrap(1), version 0.8.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from coursekit.core.processes import find_program
from coursekit.grading.sandbox.errors import SandboxUnavailableError
from coursekit.grading.sandbox.limits import Limits
from coursekit.grading.sandbox.mounts import (
    COURSE,
    HOME,
    SCRATCH,
    Mounts,
    runtime_folders,
    shown_in_scratch,
)
from coursekit.grading.sandbox.orphans import process_tree
from coursekit.grading.sandbox.privileges import drop_privileges

__all__ = ["HOW_TO", "command_line", "environment", "first_inside", "start"]

_ENVIRONMENT = {
    "HOME": str(HOME),
    "USER": "student",
    "LOGNAME": "student",
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "PYTHONPATH": str(COURSE),
    "PYTHONSAFEPATH": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "IPYTHONDIR": "/tmp/ipython",  # noqa: S108 - a private folder inside the sandbox
    "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108
}
HOW_TO = (
    "Install bubblewrap (`apt install bubblewrap`) and let ordinary users make user namespaces "
    "(on Ubuntu 23.10 and later an AppArmor profile for bwrap; in a container, a seccomp "
    "profile that allows them). "
    "Or accept the risk with --allow-unsandboxed: every report will say so."
)


def command_line(
    program: Sequence[str], *, mounts: Mounts, limits: Limits, nested_namespaces: bool = False
) -> list[str]:
    """Return the command that starts a program in the sandbox.

    Parameters
    ----------
    program : sequence of str
    mounts : Mounts
    limits : Limits
        Here they bound the temporary folders; the program itself must call `confine`.
    nested_namespaces : bool
        Whether the program is trusted to make namespaces of its own. Then it is the first process
        inside, without one of bubblewrap's before it: it stays when bubblewrap's process outside is
        ended, and must see to its own end.
    """
    scratch = str(limits.scratch_mb * 1_000_000)
    command = [_bwrap(), "--unshare-all", "--unshare-user", "--new-session"]
    command += ["--as-pid-1"] if nested_namespaces else ["--die-with-parent", "--disable-userns"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    command += ["--dev-bind", "/dev/null", "/dev/zero"]  # mapped, it is memory that no one counts
    for folder in SCRATCH:
        command += ["--size", scratch, "--tmpfs", str(folder)]
    shown = shown_in_scratch()  # Python may lie below /tmp: what leads to it is not scratch space
    for folder in shown:
        command += ["--tmpfs", str(folder)]
    command += mounts.arguments()
    for folder in shown:
        command += ["--remount-ro", str(folder)]
    if nested_namespaces:
        command += ["--dir", "/mnt"]
    command += [
        "--remount-ro",
        "/dev",
        "--remount-ro",
        "/",
        "--chdir",
        str(HOME),
        "--uid",
        "1000",
        "--gid",
        "1000",
    ]
    command += ["--hostname", "sandbox", "--cap-drop", "ALL", "--clearenv"]
    for name, value in _ENVIRONMENT.items():
        command += ["--setenv", name, value]
    return [*command, "--", *program]


def start(
    program: Sequence[str],
    *,
    mounts: Mounts,
    limits: Limits,
    pass_fds: Sequence[int] = (),
    nested_namespaces: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program in the sandbox, as a user without rights, with pipes to and from it.

    Parameters
    ----------
    program, mounts, limits, nested_namespaces
        See `command_line`.
    pass_fds : sequence of int
        Descriptors that the program inherits; it inherits no others.

    Raises
    ------
    SandboxUnavailableError
        If bubblewrap is not there, or root privileges cannot be dropped.
    """
    command = command_line(
        program, mounts=mounts, limits=limits, nested_namespaces=nested_namespaces
    )
    become = _drop_root if os.geteuid() == 0 else None
    try:
        return subprocess.Popen(
            command,
            env={"PATH": "/usr/bin:/bin"},  # of bubblewrap itself: readable inside, under /proc/1
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=pass_fds,
            preexec_fn=become,
        )
    except subprocess.SubprocessError as error:
        raise SandboxUnavailableError(f"Root privileges cannot be dropped: {error}") from error


def first_inside(process: subprocess.Popen[bytes]) -> int:
    """Return the first process inside, now a child of ours; bubblewrap's own is ended as soon as
    the program has taken its child's place, for it would only wait.
    """
    pid = process.pid
    while process.poll() is None:
        inside = process_tree(process.pid)[1:2]
        if inside and _program(inside[0]) not in ("bwrap", ""):
            pid = inside[0]
            process.kill()
            process.wait()
        time.sleep(0.001)
    return pid


def _program(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a submission, for a run without a sandbox, with changes."""
    return {**_ENVIRONMENT, **(changes or {})}


def _drop_root() -> None:
    drop_privileges([*runtime_folders(), *(Path(source) for source, _ in Mounts().pairs())])


def _bwrap() -> str:
    found = find_program("bwrap")
    if found is None:
        raise SandboxUnavailableError(
            f"Submissions cannot be run safely: bubblewrap is not installed. {HOW_TO}"
        )
    return found
