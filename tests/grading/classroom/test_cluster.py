"""More than one machine: two Dask workers give the same grades as this process."""

import json

import pytest

from coursekit.grading.classroom.service import grade_class
from coursekit.grading.classroom.settings import ClassSettings, load_plan
from tests.grading.submissions import FULL, SOLUTION, hand_in, solved, stub, with_cell

pytestmark = [pytest.mark.needs("bubblewrap"), pytest.mark.slow]


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
def test_two_dask_workers_give_the_same_grades(tmp_path):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    class_ = {
        f"s{i}": [solved(), stub(), with_cell(solved(), "import os; os._exit(1)", after="fm-2")][
            i % 3
        ]
        for i in range(6)
    }
    submissions = hand_in(tmp_path / "in", **class_)
    grades = {}
    secret = tmp_path / "secret"
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        for name, settings in {
            "here": ClassSettings(out=tmp_path / "here", secret=secret),
            "dask": ClassSettings(
                out=tmp_path / "dask",
                secret=secret,
                backend="dask",
                address=cluster.scheduler_address,
                n_jobs=2,
            ),
        }.items():
            run = grade_class(submissions, load_plan(SOLUTION), settings)
            grades[name] = {
                each.student: [(c.id, c.tier, c.points, c.seed) for c in each.report.checks]
                for each in run.reports
            }
            [stated] = {
                json.loads(file.read_text())["sandbox"]
                for file in (settings.out / "reports").glob("*.json")
            }
            assert stated.startswith("bubblewrap, fresh processes, ")
    assert grades["here"] == grades["dask"]
    assert sum(points for _, _, points, _ in grades["dask"]["s0"]) == FULL
    assert sum(points for _, _, points, _ in grades["dask"]["s2"]) == FULL
