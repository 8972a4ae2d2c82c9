"""What the machine loses to process trees, added up several times a second.

Limits of the kernel count each process alone and leave out what lies behind descriptors. Here all
processes below a root are added up: their anonymous memory, page tables, buffers of pipes and
sockets, and the files in temporary folders. What is not counted page by page is charged at its
upper bound: the seccomp filter (`coursekit.grading.inside.confine`) keeps those bounds small.

Source: Linux, Documentation/filesystems/proc.rst.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable

__all__ = ["Meter", "Tree", "pause"]

_PAGE = mmap.PAGESIZE
_PER_PROCESS = 100_000  # task, kernel stack, descriptor table
_PER_DESCRIPTOR = 32_000  # a pipe has two and holds 64 KiB
_PER_SOCKET = 300_000  # the default send buffer is 208 KiB
_PER_FILE = 1_000
_MAPPED_PER_TABLE = 512  # bytes that a byte of page tables can map: 4 KiB by entries of 8 bytes
_LARGE = 8_000_000_000
_BYTES_PER_SECOND = 10e9
_SHORTEST, _LONGEST = 0.002, 0.1


class Tree:
    """A process and all its descendants.

    Parameters
    ----------
    root : int
        Its process id. Orphans below it become its children: it is the first process of a process
        namespace.
    limit : int
        Bytes.
    folders : iterable of str
        Temporary folders, as the root sees them. Without any, it shares the machine's network and
        files, and these are not counted.

    Attributes
    ----------
    now, peak : int
        Bytes that were seen last, and the most.
    pids : list of int
        All its processes.
    """

    def __init__(self, root: int, limit: int, folders: Iterable[str] = ()) -> None:
        self.root, self.limit = root, limit
        self.now = self.peak = 0
        self.pids = [root]
        self._folders = {folder: -1 for folder in folders}
        self._sockets = -1

    def measured(self, process_bytes: int) -> int:
        """Return what all of it takes, given the bytes of its processes."""
        self.now = process_bytes + self._in_files() + self._in_sockets()
        self.peak = max(self.peak, self.now)
        return self.now

    def close(self) -> None:
        """Close the descriptors."""
        for descriptor in (self._sockets, *self._folders.values()):
            if descriptor >= 0:
                os.close(descriptor)
        self._folders, self._sockets = {}, -1

    def _in_files(self) -> int:
        """Return the size of the files in the temporary folders, once these are mounted."""
        total = 0
        for folder, descriptor in self._folders.items():
            if descriptor < 0:
                try:
                    descriptor = os.open(f"/proc/{self.root}/root{folder}", os.O_RDONLY)
                except OSError:  # it has ended, or does not have it yet
                    continue
                if os.fstat(descriptor).st_dev == os.stat(folder).st_dev:  # not mounted yet
                    os.close(descriptor)
                    continue
                self._folders[folder] = descriptor
            found = os.fstatvfs(descriptor)
            total += (found.f_blocks - found.f_bfree) * found.f_frsize
            total += (found.f_files - found.f_ffree) * _PER_FILE
        return total

    def _in_sockets(self) -> int:
        """Return the most that buffers of sockets in its network namespace can hold."""
        if not self._folders:
            return 0
        try:
            if self._sockets < 0:
                self._sockets = os.open(f"/proc/{self.root}/net/unix", os.O_RDONLY)
            n_lines = at = 0
            while part := os.pread(self._sockets, 1 << 16, at):
                n_lines += part.count(b"\n")
                at += len(part)
        except OSError:
            return 0
        return _PER_SOCKET * max(n_lines - 1, 0)


class Meter:
    """Measures several trees at once.

    Every process belongs to the tree of its parent when it is first seen. A sample of a process
    costs one read and one stat.
    """

    def __init__(self) -> None:
        self._open: dict[int, int] = {}
        self._tree_of: dict[int, Tree | None] = {}

    def measure(self, trees: Iterable[Tree]) -> None:
        """Set `now`, `peak` and `pids` of each tree."""
        sums: dict[Tree, int] = {}
        for tree in trees:
            sums[tree] = 0
            tree.pids = []
            self._tree_of[tree.root] = tree
        there = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        for pid in self._tree_of.keys() - there:
            self._forget(pid)
        for pid in there:
            found = self._find_tree(pid)
            if found is not None and found in sums:
                sums[found] += self._of_process(pid)
                found.pids.append(pid)
        for tree, process_bytes in sums.items():
            tree.measured(process_bytes)

    def _find_tree(self, pid: int) -> Tree | None:
        if pid not in self._tree_of:
            try:
                with open(f"/proc/{pid}/stat", "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except OSError:  # it has ended
                return None
            self._tree_of[pid] = None if parent in (0, pid) else self._find_tree(parent)
        return self._tree_of[pid]

    def _of_process(self, pid: int) -> int:
        try:
            if pid not in self._open:
                self._open[pid] = os.open(f"/proc/{pid}/statm", os.O_RDONLY)
            size, resident, shared = map(int, os.pread(self._open[pid], 200, 0).split()[:3])
            n_descriptors = os.stat(f"/proc/{pid}/fd").st_size or _n_descriptors(pid)
        except (OSError, ValueError):  # it has ended
            self._forget(pid)
            return 0
        tables = size * _PAGE // _MAPPED_PER_TABLE
        if size * _PAGE > _LARGE:
            tables = min(tables, _page_tables(pid))
        own = (resident - shared) * _PAGE + tables
        return own + _PER_PROCESS + n_descriptors * _PER_DESCRIPTOR

    def _forget(self, pid: int) -> None:
        del self._tree_of[pid]
        descriptor = self._open.pop(pid, -1)
        if descriptor >= 0:
            os.close(descriptor)


def pause(trees: Iterable[Tree]) -> float:
    """Return the seconds until the next measurement: as long as the fastest memory needs to fill
    what is left below a limit.
    """
    left = min((tree.limit - tree.now for tree in trees), default=0)
    return min(max(left / _BYTES_PER_SECOND, _SHORTEST), _LONGEST)


def _page_tables(pid: int) -> int:
    with open(f"/proc/{pid}/status", "rb") as file:
        for line in file:
            if line.startswith(b"VmPTE:"):
                return 1024 * int(line.split()[1])
    return 0


def _n_descriptors(pid: int) -> int:
    """Count them one by one: the size of the folder tells since Linux 6.2."""
    return len(os.listdir(f"/proc/{pid}/fd"))
