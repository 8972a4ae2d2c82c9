"""Start child processes that load no code from the current folder.

An untrusted folder may hold ``coursekit/``, ``json.py``, ``sitecustomize.py`` or a
program called ``bwrap``. Python puts the current folder on ``sys.path`` (``-m``, ``-c``, an empty
entry of ``PYTHONPATH``), and a relative entry of ``PATH`` does the same for programs. Every process
that the package starts is started through this module: with Python's safe path, absolute search
paths only, and a minimal environment.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

__all__ = ["clean_environment", "find_program", "isolate", "python", "python_path"]

_ROOT = Path(__file__).resolve().parents[2]
_KEPT = ("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT")


def isolate() -> None:
    """Remove the current folder from the search paths of this process and its children."""
    sys.path[:] = python_path()
    os.environ["PYTHONSAFEPATH"] = "1"
    os.environ["PATH"] = _absolute(os.environ.get("PATH", os.defpath))


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module with this Python, without the current folder.

    >>> python("json.tool", "--help")[1:]
    ['-P', '-m', 'json.tool', '--help']
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def clean_environment() -> dict[str, str]:
    """Return a minimal environment for a child process, with the module search path of this one."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    paths = {name: _absolute(os.environ.get(name, "")) for name in ("PATH", "LD_LIBRARY_PATH")}
    return (
        kept
        | {name: path for name, path in paths.items() if path}
        | {
            "PYTHONPATH": os.pathsep.join(python_path()),
            "PYTHONSAFEPATH": "1",
            "PYTHONNOUSERSITE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
    )


def python_path(own: bool = True) -> list[str]:
    """Return the entries of ``sys.path`` that are absolute and not the current folder.

    Parameters
    ----------
    own : bool
        Whether the folder of this package is one of them.
    """
    here = os.path.realpath(os.curdir)
    entries = [name for name in sys.path if os.path.isabs(name) and os.path.realpath(name) != here]
    return list(dict.fromkeys([*entries, str(_ROOT)] if own else entries))


def find_program(name: str) -> str | None:
    """Return the path of a program on the absolute entries of ``PATH``, or None."""
    return shutil.which(name, path=_absolute(os.environ.get("PATH", os.defpath)))


def _absolute(path: str) -> str:
    return os.pathsep.join(entry for entry in path.split(os.pathsep) if os.path.isabs(entry))
