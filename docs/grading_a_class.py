# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Grading a class
#
# **In ten minutes you have graded a class of 27, hostile and broken submissions included, and know what it did not understand.**
#
# The class is made up, and that is the point: we know what each student has written, so we can see whether grading finds it.
# With a class of your own, only the folder of submissions is another one. What each file means is in the
# [guide for instructors](instructor_guide.md).
#
# You need Linux with bubblewrap (`coursekit doctor` says whether it is there) and the extra `coursekit[grading]`.

# %%
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from coursekit import figures
from coursekit.grading.classroom.reports import load_reports
from coursekit.grading.classroom.publish.analytics import (
    items_figure,
    items_of,
    items_table,
    mistakes_figure,
    mistakes_of,
    mistakes_table,
)
from coursekit.authoring.sample import LEFT_OUT, SOLVED, sample_class, write_class
from coursekit.grading.exercises.exercise import load_exercise
from coursekit.grading.classroom.publish.feedback import feedback_text
from coursekit.grading.exercises.notebook import cell_name

figures.use_course_style()

# %% [markdown]
# ## A class hands in
#
# Twenty-four students work on the exercise `fm`. The stronger a student, the more checks they solve; what they do not solve, they
# leave out, or they make one of the mistakes that `solutions/fm/misconceptions.py` names.

# %%
exercise = load_exercise(Path("../solutions/fm"))
students = sample_class(exercise, 24, seed=7)
room = tempfile.TemporaryDirectory()
place = Path(room.name)
write_class(students, exercise, place / "submissions")

students[0].did

# %% [markdown]
# Three more submissions are of the kind that makes instructors work late. One ends its own kernel after the third check, one
# makes every comparison come out as it likes, one was cut off while it was uploaded.


# %%
def with_cell(notebook, source, after):
    """Return a notebook with one more cell."""
    cells = list(notebook["cells"])
    at = [cell_name(cell) for cell in cells].index(after)
    extra = {"cell_type": "code", "id": "extra", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
    return {**notebook, "cells": [*cells[: at + 1], extra, *cells[at + 1 :]]}


FORGERY = """
import numpy as np
np.isclose = np.allclose = np.array_equal = lambda *args, **kwargs: True
from coursekit.grading import check
check = lambda name: print(f"{name}: all points!")
"""
best = next(student.notebook for student in students if set(student.did.values()) == {SOLVED})
idle = min(students, key=lambda student: sum(did == SOLVED for did in student.did.values())).notebook
texts = {
    "crash": json.dumps(with_cell(best, "import os\nos._exit(1)", after="fm-3")),
    "forger": json.dumps(with_cell(idle, FORGERY, after="imports")),
    "torn": json.dumps(best)[:2_000],
}
for name, text in texts.items():
    folder = place / "submissions" / name
    folder.mkdir()
    (folder / "fm.ipynb").write_text(text, encoding="utf-8")

# %% [markdown]
# ## One command
#
# The random questions of the hidden checks come from a secret. By default it is made at the first run and kept beside the
# reports; here it is a fixed one, so that this page shows the same each time.

# %%
(place / "secret").write_text("no secret at all, for a page that repeats", encoding="utf-8")
program = Path(sys.executable).with_name("coursekit")
command = [program, "grade", "submissions", "--exercise", exercise.folder, "--out", "graded", "--secret", "secret", "--forked"]
done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
print(done.stdout.partition("\n\n")[0])

# %% [markdown]
# **The crash costs only the cell that crashes: a fresh process runs the others. The forger gets what the answers below the forgery are worth, and the
# torn file is reported instead of stopping the run.**

# %%
grades = load_reports(place / "graded" / "reports")
forged = next(student.name for student in students if student.notebook is idle)
print(f"forger: {grades['forger'].report.points:g}, the same answers without the forgery: {grades[forged].report.points:g}\n")
for name in ("crash", "torn"):
    print(f"{name}: {' '.join(grades[name].report.notes)}\n")

# %% [markdown]
# Did grading find what was put in? For each of the 144 answers: what the student did, and what the report says of it.


# %%
def verdict_on(report, check_id):
    """Say in a few words what a report says about a check."""
    checks = [check for check in report.checks if check.id == check_id]
    if report.score(check_id)[0] == report.score(check_id)[1]:
        return "all points"
    return "not attempted" if all(check.outcome == "not attempted" for check in checks) else "points lost"


def named(report, check_id):
    """Return the mistakes that a report recognises in a check."""
    return {mistake for check in report.checks if check.id == check_id for mistake in check.misconceptions}


table = Counter()
for student in students:
    report = grades[student.name].report
    for check_id, did in student.did.items():
        kind = did if did in {SOLVED, LEFT_OUT} else "mistake"
        said = "mistake named" if did in named(report, check_id) else verdict_on(report, check_id)
        table[kind, said] += 1
for (kind, said), count in sorted(table.items()):
    print(f"{kind:<9} -> {said:<14} {count:>4}")

# %% [markdown]
# A right answer that lost points stands on a wrong one: `fm-4`, `fm-5` and `fm-6` call what was written before. **Nobody who made
# a mistake or left something out got all of its points.**

# %%
assert not any(said == "all points" for kind, said in table if kind != SOLVED)

# %% [markdown]
# ## What the class found hard

# %%
items = items_of(list(grades.values()))
items_figure(items).show()

# %%
print(items_table(items))

# %% [markdown]
# *Discrimination* is the correlation between a check's points and all the others'. Near 0, a check does not tell who is strong in
# the rest; below 0.2 the table says that it is worth a look. With two dozen students, chance alone moves it by about 0.2.
#
# ## What it got wrong in the same way

# %%
mistakes = mistakes_of(list(grades.values()))
mistakes_figure(mistakes).show()

# %%
print(mistakes_table(mistakes, most=4))

# %% [markdown]
# **The first rows of this table are the first ten minutes of your next class.**
#
# ## What a student reads

# %%
print(feedback_text(grades["student-01"]).partition("Each check")[0])

# %% [markdown]
# The same as a page is `graded/feedback/student-01.html`. `graded/review/` holds every submission as a page for your own eyes:
# open these instead of a submitted notebook, which would run in your browser with your rights.
#
# ## Again
#
# A run that was stopped is finished by the same command, and what has been graded is not graded twice.

# %%
again = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
print(again.stdout.strip().splitlines()[-1])

# %%
sorted(file.name for file in (place / "graded").iterdir() if file.name != "work")

# %%
room.cleanup()
