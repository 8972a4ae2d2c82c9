"""Confine a process before untrusted code runs: resource limits and a seccomp filter.

It imports the standard library only. Neither the process nor its children can undo `confine`: hard
limits can only be lowered, and a seccomp filter is inherited.

The filter is classic BPF. It answers ``EPERM`` to system calls that notebooks never need and

- that have been used to escape from sandboxes: tracing, kernel key rings, io_uring, BPF, mounts,
  new namespaces, userfaultfd;
- whose memory is counted for no process: System V shared memory and message queues, POSIX message
  queues, memfd, shared anonymous mappings, ``vmsplice``, asynchronous input and output, Landlock;
- that make buffers larger than the watchdog charges (`coursekit.grading.inside.memory`): the sizes
  of pipes and of socket buffers.

It answers ``ENOSYS`` to ``clone3``, whose flags a filter cannot read (the C library then falls back
to ``clone``), and allows sockets of the family unix only.

Source: Linux, Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct

__all__ = [
    "ARCHITECTURES",
    "confine",
    "die_with_parent",
    "filter_program",
    "limit_resources",
    "refuse_system_calls",
]

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_JUMP_EQUAL, _JUMP_AT_LEAST = 0x15, 0x35
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_X32_CALLS = 0x40000000
_NEW_NAMESPACES = 0x7E020000 | 0x00000080  # every CLONE_NEW… flag
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _SIGKILL = 1, 4, 9
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2

ARCHITECTURES: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {
            "ptrace": 101, "syslog": 103, "personality": 135, "pivot_root": 155, "_sysctl": 156,
            "adjtimex": 159, "chroot": 161, "acct": 163, "settimeofday": 164, "mount": 165,
            "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169, "sethostname": 170,
            "setdomainname": 171, "iopl": 172, "ioperm": 173, "init_module": 175,
            "delete_module": 176, "quotactl": 179, "lookup_dcookie": 212, "clock_settime": 227,
            "mbind": 237, "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250,
            "migrate_pages": 256, "unshare": 272, "move_pages": 279, "perf_event_open": 298,
            "fanotify_init": 300, "name_to_handle_at": 303, "open_by_handle_at": 304,
            "clock_adjtime": 305, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311,
            "kcmp": 312, "finit_module": 313, "kexec_file_load": 320, "bpf": 321,
            "userfaultfd": 323, "io_uring_setup": 425, "io_uring_enter": 426,
            "io_uring_register": 427, "open_tree": 428, "move_mount": 429, "fsopen": 430,
            "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438,
            "process_madvise": 440, "mount_setattr": 442,
            "shmget": 29, "msgget": 68, "mq_open": 240, "memfd_create": 319, "memfd_secret": 447,
            "vmsplice": 278, "io_setup": 206, "landlock_create_ruleset": 444,
            "clone": 56, "clone3": 435, "socket": 41, "socketpair": 53, "prctl": 157, "mmap": 9,
            "fcntl": 72, "setsockopt": 54,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "ptrace": 117, "syslog": 116, "personality": 92, "pivot_root": 41, "adjtimex": 171,
            "chroot": 51, "acct": 89, "settimeofday": 170, "mount": 40, "umount2": 39,
            "swapon": 224, "swapoff": 225, "reboot": 142, "sethostname": 161, "setdomainname": 162,
            "init_module": 105, "delete_module": 106, "quotactl": 60, "lookup_dcookie": 18,
            "clock_settime": 112, "mbind": 235, "kexec_load": 104, "add_key": 217,
            "request_key": 218, "keyctl": 219, "migrate_pages": 238, "unshare": 97,
            "move_pages": 239, "perf_event_open": 241, "fanotify_init": 262,
            "name_to_handle_at": 264, "open_by_handle_at": 265, "clock_adjtime": 266, "setns": 268,
            "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "finit_module": 273,
            "kexec_file_load": 294, "bpf": 280, "userfaultfd": 282, "io_uring_setup": 425,
            "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
            "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438,
            "process_madvise": 440, "mount_setattr": 442,
            "shmget": 194, "msgget": 186, "mq_open": 180, "memfd_create": 279, "memfd_secret": 447,
            "vmsplice": 75, "io_setup": 0, "landlock_create_ruleset": 444,
            "clone": 220, "clone3": 435, "socket": 198, "socketpair": 199, "prctl": 167,
            "mmap": 222, "fcntl": 25, "setsockopt": 208,
        },
    ),
}  # fmt: skip
"""Machine -> (its audit number, system call -> number). Those of `_BY_ARGUMENT` are refused for
some arguments only, `clone3` in another way.
"""

_EVERY_BIT = 0xFFFFFFFF
_BY_ARGUMENT: dict[str, tuple[int, int, tuple[int, ...], bool]] = {
    "clone": (0, _NEW_NAMESPACES, (0,), False),
    "prctl": (0, _EVERY_BIT, (_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE), True),
    "mmap": (3, 0x21, (0x21,), True),  # MAP_SHARED | MAP_ANONYMOUS
    "fcntl": (1, _EVERY_BIT, (1031,), True),  # F_SETPIPE_SZ
    "setsockopt": (2, _EVERY_BIT, (7, 8, 32, 33), True),  # SO_SNDBUF, SO_RCVBUF, their …FORCE
    "socket": (0, _EVERY_BIT, (1,), False),  # AF_UNIX
    "socketpair": (0, _EVERY_BIT, (1,), False),
}
"""System call -> (argument, mask, values, whether these are refused or, if not, all others)."""


def confine(limits: dict[str, int]) -> None:
    """Set resource limits, then install the filter, for this process and its children."""
    limit_resources(limits)
    refuse_system_calls()


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    _demand(ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0))


def limit_resources(limits: dict[str, int]) -> None:
    """Lower soft and hard limits; never raise one.

    Parameters
    ----------
    limits : dict of str to int
        A name of the module `resource` without its prefix, in lower case (``{"nproc": 64, "fsize":
        10**6}``), to a number.
    """
    for name, wanted in limits.items():
        which = getattr(resource, f"RLIMIT_{name.upper()}")
        _, hard = resource.getrlimit(which)
        lowered = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(which, (lowered, lowered))


def refuse_system_calls() -> None:
    """Install the seccomp filter; on an unknown architecture, only set ``no_new_privs``."""
    libc = ctypes.CDLL(None, use_errno=True)
    _demand(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if platform.machine() not in ARCHITECTURES:
        return
    program = filter_program(platform.machine())
    buffer = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog { unsigned short len; struct sock_filter *filter; }
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    _demand(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.c_char_p(header), 0, 0))


def filter_program(machine: str) -> bytes:
    """Return the filter for a machine as BPF instructions of 8 bytes each.

    >>> len(filter_program("x86_64")) % 8
    0
    """
    audit_number, calls = ARCHITECTURES[machine]
    refuse, absent = _REFUSE | errno.EPERM, _REFUSE | errno.ENOSYS
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_EQUAL, 1, 0, audit_number),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_AT_LEAST, 0, 1, _X32_CALLS),
        (_RETURN, 0, 0, refuse),
    ]
    for name, number in calls.items():
        if name == "clone3":
            code += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, absent)]
        elif name not in _BY_ARGUMENT:
            code += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse)]
    for name, (argument, mask, values, refused) in _BY_ARGUMENT.items():
        matched, other = (refuse, _ALLOW) if refused else (_ALLOW, refuse)
        code.append((_JUMP_EQUAL, 0, len(values) + 4, calls[name]))
        code += [(_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument), (_AND, 0, 0, mask)]
        for at, value in enumerate(values):
            code.append((_JUMP_EQUAL, len(values) - at, 0, value))
        code += [(_RETURN, 0, 0, other), (_RETURN, 0, 0, matched)]
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)


def _demand(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
