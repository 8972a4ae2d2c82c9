"""nbgrader copies what links lead to: a submission with a link is refused before it is graded."""

import nbformat
import pytest

from coursekit.grading.classroom.nbgrader.sandboxed import TrustedCells
from coursekit.grading.errors import GradingError
from tests.grading.submissions import SOLUTION, solved


@pytest.mark.parametrize("name", ["fm.ipynb", "notes/secret.txt"])
def test_a_submission_with_a_link_is_refused(tmp_path, name):
    folder = tmp_path / "ada" / "fm"
    (folder / "notes").mkdir(parents=True)
    step = TrustedCells(solutions=str(SOLUTION.parent), submitted=str(tmp_path))
    resources = {"nbgrader": {"student": "ada", "assignment": "fm"}}
    notebook = nbformat.from_dict(solved())
    step.preprocess(notebook, resources)
    (folder / name).symlink_to("/etc/passwd")
    with pytest.raises(GradingError, match="links are not followed"):
        step.preprocess(notebook, resources)
