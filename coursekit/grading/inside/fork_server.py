"""Fork server: inside one sandbox, a process with the libraries in memory forks one for each
submission.

It is started as ``python -m coursekit.grading.inside.fork_server SOCKET LIBRARY...``: it imports
the libraries once and then forks a shell for each set of descriptors that arrives on the socket.
Nothing of a submission ever runs in this process.

Each shell is the first process of namespaces of its own (user, mount, process, network, IPC, host
name) inside the sandbox's: it sees its own processes only, an empty ``/tmp`` and home, and has no
capability and no way to make more namespaces. The server ends a shell when whoever asked closes the
socket that came with the pipes.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import select
import signal
import socket
import sys
from typing import Any

from coursekit.grading.inside import confine, shell
from coursekit.grading.inside.line import Line

__all__ = ["main"]

_NEW_NAMESPACES = 0x00020000 | 0x08000000 | 0x04000000 | 0x10000000 | 0x20000000 | 0x40000000
_CLONE = {"x86_64": 56, "aarch64": 220}
_USER, _GROUP = f"{os.getuid()} {os.getuid()} 1", f"{os.getgid()} {os.getgid()} 1"
_NOSUID, _NODEV, _BIND, _RECURSIVE, _PRIVATE = 2, 4, 0x1000, 0x4000, 0x40000
_PR_CAPBSET_DROP, _PR_SET_SECUREBITS = 24, 28
_ALL_SECURE_BITS = 0x2F
_SCRATCH = ("/tmp", "/dev/shm", "/home/student")  # noqa: S108 - private folders inside the sandbox


def main() -> None:
    """Fork a shell for each request until the socket closes."""
    server = socket.socket(fileno=int(sys.argv[1]))
    _preload(sys.argv[2:])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the shells
    server.sendall(b"ready")
    shells: dict[int, int] = {}
    while True:
        waited: list[Any] = [server, *shells, *shells.values()]
        ready = select.select(waited, [], [])[0]
        for line, shell_ in list(shells.items()):
            if line in ready or shell_ in ready:
                _end(line, shells.pop(line))
        if server in ready:
            message, descriptors, _, _ = socket.recv_fds(server, 64, 8, socket.MSG_DONTWAIT)
            if not message:
                return
            confine.die_with_parent()  # bubblewrap, the first parent, has been ended by now
            pid = _fork()
            if pid == 0:
                _be_the_shell(descriptors, [server.detach(), *shells, *shells.values()])
            for descriptor in descriptors[1:]:
                os.close(descriptor)
            try:
                shells[descriptors[0]] = os.pidfd_open(pid)
            except ProcessLookupError:  # it has ended already
                os.close(descriptors[0])


def _preload(libraries: list[str]) -> None:
    import IPython.core.completer
    import IPython.core.interactiveshell
    import IPython.core.magics  # noqa: F401

    for name in libraries:
        importlib.import_module(name)
        if name == "torch":
            importlib.import_module("torch._dynamo")  # the first optimizer would import it


def _fork() -> int:
    """Fork a process that is the first one of new namespaces, as `os.fork` would without them."""
    python, libc = ctypes.pythonapi, ctypes.PyDLL(None, use_errno=True)
    python.PyOS_BeforeFork()
    pid: int = libc.syscall(_CLONE[os.uname().machine], _NEW_NAMESPACES | signal.SIGCHLD, *[0] * 5)
    if pid == 0:
        python.PyOS_AfterFork_Child()
    else:
        python.PyOS_AfterFork_Parent()
        _demand(0 if pid > 0 else -1)
    return pid


def _end(line: int, shell_: int) -> None:
    try:
        signal.pidfd_send_signal(shell_, signal.SIGKILL)
    except ProcessLookupError:
        pass
    os.close(line)
    os.close(shell_)


def _be_the_shell(descriptors: list[int], others: list[int]) -> None:
    """Mount empty folders, give up every capability and serve; does not return."""
    try:
        confine.die_with_parent()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        line, *pipes = descriptors
        for name, text in (("setgroups", "deny"), ("uid_map", _USER), ("gid_map", _GROUP)):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        os.write(line, b"!")  # with it goes, from the machine, who we are
        for descriptor, pipe in enumerate(pipes):
            os.dup2(pipe, descriptor)
        for descriptor in (*descriptors, *others):
            os.close(descriptor)
        talk = Line.from_standard_streams()
        talk.send({"ready": True})
        order = talk.receive()
        if order is None:
            return
        libc = ctypes.CDLL(None, use_errno=True)
        _demand(libc.mount(b"none", b"/", None, _RECURSIVE | _PRIVATE, None))
        size = f"mode=700,size={order['scratch_bytes']},nr_inodes={order['scratch_files']}".encode()
        for folder in _SCRATCH:
            _empty(libc, folder, size)
        _demand(libc.mount(b"proc", b"/proc", b"proc", _NOSUID | _NODEV | 8, None))
        os.setsid()
        _forbid_namespaces()
        _drop_capabilities(libc)
        _forget_the_past()
        shell.serve(talk, order)
    finally:
        os._exit(1)


def _empty(libc: ctypes.CDLL, folder: str, size: bytes) -> None:
    """Mount an empty folder in place of a folder; where Python itself lies in it, keep that."""
    places = [place for place in {sys.prefix, sys.base_prefix} if place.startswith(f"{folder}/")]
    kept = {place: os.open(place, os.O_PATH) for place in places}
    _demand(libc.mount(b"tmpfs", folder.encode(), b"tmpfs", _NOSUID | _NODEV, size))
    for place, descriptor in kept.items():
        os.makedirs(place)
        _demand(
            libc.mount(
                f"/proc/self/fd/{descriptor}".encode(),
                place.encode(),
                None,
                _BIND | _RECURSIVE,
                None,
            )
        )
        os.close(descriptor)


def _forbid_namespaces() -> None:
    """Let nobody in this user namespace make another one of any kind."""
    for kind in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup"):
        with open(f"/proc/sys/user/max_{kind}_namespaces", "w") as file:
            file.write("0")


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    for capability in range(64):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    _demand(libc.prctl(_PR_SET_SECUREBITS, _ALL_SECURE_BITS, 0, 0, 0))
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _demand(libc.capset(ctypes.byref(header), ctypes.byref(nothing)))


def _forget_the_past() -> None:
    """Draw other random numbers than the siblings do."""
    import random

    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(int.from_bytes(os.urandom(4), "little"))


def _demand(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main()
