"""The notebook of this folder grades a class, which needs the sandbox: without it, the notebook is
not run, but in CI it is.
"""

from __future__ import annotations

import os

from coursekit.commands.doctor.machine import SERVICES

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

collect_ignore_glob = [] if IN_CI or SERVICES["bubblewrap"].trouble() is None else ["*.ipynb"]
