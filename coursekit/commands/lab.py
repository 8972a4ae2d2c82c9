"""`coursekit lab`: open the course in JupyterLab, from any folder."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import click

from coursekit.commands.course_folder import FIRST_LESSON, course_folder
from coursekit.core.errors import CourseKitError
from coursekit.core.processes import python

__all__ = ["lab", "lab_command"]

_SETTINGS = Path(__file__).with_name("lab_settings")


@click.command(short_help="Open the course in JupyterLab.")
@click.option(
    "--no-browser", is_flag=True, help="Print the address of the server, open no browser."
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port to listen on (by default the first free one from 8888).",
)
def lab(no_browser: bool, port: int | None) -> None:
    """Open the course in JupyterLab, at its first lesson. Ctrl-C ends it."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise CourseKitError(
            f"JupyterLab is not installed in {sys.prefix}: run `make lab`, or `pip install "
            f"-e '.[lab]'`."
        )
    folder = course_folder()
    command = lab_command(folder, no_browser=no_browser, port=port)
    os.chdir(folder)  # Jupyter executes a configuration file in the current folder
    os.environ.pop("PYTHONSAFEPATH", None)  # a notebook may import the files beside it
    if os.name == "nt":  # exec on Windows detaches from the terminal
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)


def lab_command(folder: Path, *, no_browser: bool = False, port: int | None = None) -> list[str]:
    """Return the command line that starts JupyterLab on the course.

    Parameters
    ----------
    folder : path
        The course, root folder of JupyterLab.
    no_browser : bool
    port : int, optional
        This port only; default: the first free one from 8888.
    """
    return [
        *python("jupyterlab"),
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}",
        f"--LabApp.app_settings_dir={_SETTINGS}",
        *(["--no-browser"] if no_browser else []),
        # the only user of many containers; the server listens on loopback, with a token
        *(["--allow-root"] if _is_root() else []),
        *([f"--port={port}", "--ServerApp.port_retries=0"] if port else []),
    ]


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
