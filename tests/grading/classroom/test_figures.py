"""A submission's figures arrive with its results and on the page for the instructor."""

import json

import pytest

from coursekit.grading.classroom.publish.review import publish_review
from coursekit.grading.classroom.service import grade_class
from coursekit.grading.classroom.settings import ClassSettings, load_plan
from tests.grading.submissions import SOLUTION, hand_in, stub, with_cell

pytestmark = [pytest.mark.needs("bubblewrap"), pytest.mark.slow]

PLOT = """
import matplotlib.pyplot as plt
import numpy as np

plt.imshow(np.random.default_rng(0).normal(size=(300, 300)))
"""


@pytest.mark.parametrize("forked", [False, True], ids=["fresh", "forked"])
def test_a_figure_reaches_the_results_and_the_review_page(tmp_path, forked):
    hand_in(tmp_path / "in", ada=with_cell(stub(), PLOT))
    settings = ClassSettings(out=tmp_path / "out", forked=forked)
    run = grade_class(tmp_path / "in", load_plan(SOLUTION), settings, [publish_review])
    [work] = run.works
    [picture] = [
        content["data"]["image/png"]
        for cell in work.result.cells
        for kind, content in cell.outputs
        if kind == "display_data" and "image/png" in content["data"]
    ]
    assert picture.startswith("iVBORw0KGgo")
    assert len(picture) > 40_000
    kept = json.loads((tmp_path / "out" / "work" / "results" / "ada.json").read_text())
    assert picture in json.dumps(kept)
    [page] = (tmp_path / "out" / "review").rglob("ada*.html")
    assert picture in page.read_text()
