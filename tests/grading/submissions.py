"""Make submissions for tests: notebooks of the exercise fm with cells replaced or added."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOLUTION = ROOT / "solutions" / "fm"
FULL = 25


def solved():
    return json.loads((SOLUTION / "fm.ipynb").read_text())


def stub():
    return json.loads((ROOT / "exercises" / "fm" / "fm.ipynb").read_text())


def cell(notebook, name):
    return next(each for each in notebook["cells"] if each["id"] == name)


def code(source, name="extra", **metadata):
    return {
        "cell_type": "code",
        "id": name,
        "metadata": metadata,
        "outputs": [],
        "execution_count": None,
        "source": source,
    }


def with_cell(notebook, source, after="imports"):
    """Return the notebook with one more code cell."""
    changed = copy.deepcopy(notebook)
    at = [each["id"] for each in changed["cells"]].index(after)
    changed["cells"].insert(at + 1, code(source))
    return changed


def replaced(notebook, **sources):
    """Return the notebook with the sources of cells replaced; `fm_1_answer` stands for
    fm-1-answer.
    """
    changed = copy.deepcopy(notebook)
    for name, source in sources.items():
        cell(changed, name.replace("_", "-"))["source"] = source
    return changed


def solution_of(name):
    """Return the source of an answer cell as solved."""
    return re.sub(r"[ \t]*### (BEGIN|END) SOLUTION\n?", "", "".join(cell(solved(), name)["source"]))


def hand_in(folder, **notebooks):
    """Write notebooks as one folder for each student."""
    for student, notebook in notebooks.items():
        place = folder / student / "fm.ipynb"
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(notebook, bytes):
            place.write_bytes(notebook)
        else:
            place.write_text(json.dumps(notebook))
    return folder
