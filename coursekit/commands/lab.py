"""`coursekit lab`: open the course in JupyterLab, from any folder."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import click

import coursekit
from coursekit.commands.command import command
from coursekit.core.errors import CourseKitError
from coursekit.core.processes import python

__all__ = ["course_folder", "lab", "lab_command"]

FIRST_LESSON = "notebooks/00_start_here.ipynb"
_SETTINGS = Path(__file__).with_name("lab_settings")


@command
def lab(
    *, no_browser: bool = False, port: Annotated[int | None, click.IntRange(1, 65535)] = None
) -> None:
    """Open the course in JupyterLab.

    It starts at the first lesson. Ctrl-C ends it.

    Parameters
    ----------
    no_browser
        Print the address of the server, open no browser.
    port
        Port to listen on (by default the first free one from 8888).
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise CourseKitError(
            f"JupyterLab is not installed in {sys.prefix}: run `make lab`, or `pip install "
            f"-e '.[lab]'`."
        )
    folder = course_folder()
    line = lab_command(folder, no_browser=no_browser, port=port)
    os.chdir(folder)  # Jupyter executes a configuration file in the current folder
    os.environ.pop("PYTHONSAFEPATH", None)  # a notebook may import the files beside it
    if os.name == "nt":  # exec on Windows detaches from the terminal
        sys.exit(subprocess.call(line))
    os.execv(line[0], line)


def course_folder() -> Path:
    """Return the folder that holds notebooks/ and exercises/, independent of the current folder.

    Raises
    ------
    CourseKitError
        If this installation came without the lessons.
    """
    folder = Path(coursekit.__file__).resolve().parents[1]
    if not (folder / FIRST_LESSON).is_file():
        raise CourseKitError(
            f"The lessons are not beside this installation of coursekit (no {FIRST_LESSON} in "
            f"{folder}); get the course's repository and run `make lab` in it."
        )
    return folder


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
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [
        *python("jupyterlab"),
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}",
        f"--LabApp.app_settings_dir={_SETTINGS}",
        *(["--no-browser"] if no_browser else []),
        # the only user of many containers; the server listens on loopback, with a token
        *(["--allow-root"] if is_root else []),
        *([f"--port={port}", "--ServerApp.port_retries=0"] if port else []),
    ]
