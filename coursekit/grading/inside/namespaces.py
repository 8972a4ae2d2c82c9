"""Namespaces, empty folders and no capabilities: what makes a forked process a sandbox of its own.

Source: the manual pages namespaces(7), user_namespaces(7), capabilities(7).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["SCRATCH", "fork", "require_one_thread", "seclude"]

SCRATCH = ("/tmp", "/dev/shm", "/home/student")  # noqa: S108 - private folders inside the sandbox
"""The temporary folders."""

# user, mount, process, network, IPC, host name
_NEW_NAMESPACES = 0x10000000 | 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000
_CLONE = {"x86_64": 56, "aarch64": 220}
_NOSUID, _NODEV, _NOEXEC, _BIND, _RECURSIVE, _PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
_PR_CAPBSET_DROP, _PR_SET_SECUREBITS = 24, 28
_ALL_SECURE_BITS = 0x2F


def fork() -> int:
    """Fork a process that is the first one of new namespaces, as `os.fork` would without them.

    Raises
    ------
    RuntimeError
        If this process has several threads.
    OSError
        If the machine cannot fork.
    """
    require_one_thread()
    python, libc = ctypes.pythonapi, ctypes.PyDLL(None, use_errno=True)
    python.PyOS_BeforeFork()
    pid: int = libc.syscall(_CLONE[os.uname().machine], _NEW_NAMESPACES | signal.SIGCHLD, *[0] * 5)
    if pid == 0:
        python.PyOS_AfterFork_Child()
    else:
        python.PyOS_AfterFork_Parent()
        _demand(0 if pid > 0 else -1)
    return pid


def require_one_thread() -> None:
    """Refuse to go on with several threads: a fork would hold locks that nobody releases.

    Raises
    ------
    RuntimeError
        If there are several.
    """
    if len(os.listdir("/proc/self/task")) != 1:
        raise RuntimeError("a process with several threads cannot be forked")


def seclude(scratch_bytes: int, scratch_files: int) -> None:
    """Mount empty folders and a list of the own processes, and give up every capability.

    Parameters
    ----------
    scratch_bytes, scratch_files : int
        Size of each temporary folder, and the number of its files.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{_USER} {_USER} 1"),
        ("gid_map", f"{_GROUP} {_GROUP} 1"),
    ):
        _write(f"/proc/self/{name}", text)
    _demand(libc.mount(b"none", b"/", None, _RECURSIVE | _PRIVATE, None))
    options = f"mode=700,size={scratch_bytes},nr_inodes={scratch_files}".encode()
    for folder in SCRATCH:
        _empty(libc, folder, options)
    _demand(libc.mount(b"proc", b"/proc", b"proc", _NOSUID | _NODEV | _NOEXEC, None))
    os.setsid()
    for kind in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup"):
        _write(f"/proc/sys/user/max_{kind}_namespaces", "0")
    _drop_capabilities(libc)


_USER, _GROUP = os.getuid(), os.getgid()  # before there is a namespace in which they are unknown


def _empty(libc: ctypes.CDLL, folder: str, options: bytes) -> None:
    """Mount an empty folder in place of a folder; what leads to Python stays, if it lies there."""
    kept = {}
    for prefix in (sys.prefix, sys.base_prefix):
        if prefix.startswith(f"{folder}/"):
            place = f"{folder}/{prefix[len(folder) + 1 :].split('/')[0]}"
            kept[place] = os.open(place, os.O_PATH)
    _demand(libc.mount(b"tmpfs", folder.encode(), b"tmpfs", _NOSUID | _NODEV, options))
    for place, descriptor in kept.items():
        os.mkdir(place)
        source = f"/proc/self/fd/{descriptor}".encode()
        _demand(libc.mount(source, place.encode(), None, _BIND | _RECURSIVE, None))
        os.close(descriptor)


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    for capability in range(64):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    _demand(libc.prctl(_PR_SET_SECUREBITS, _ALL_SECURE_BITS, 0, 0, 0))
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _demand(libc.capset(ctypes.byref(header), ctypes.byref(nothing)))


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _demand(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
