"""Numbers that lesson 09 states in words (nbval compares outputs, but not prose)."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from coursekit.evaluation import statistics
from coursekit.evaluation.statistics import Moments

SHIPPED = files("coursekit.datasets") / "shipped"


@pytest.fixture(scope="module")
def arms() -> pd.DataFrame:
    return pd.read_csv(SHIPPED / "upworthy-headlines" / "arms.csv.gz")


@pytest.fixture(scope="module")
def training() -> pd.DataFrame:
    return pd.read_csv(SHIPPED / "nsw-job-training" / "nsw.csv")


def test_the_sizes_are_as_stated(arms: pd.DataFrame, training: pd.DataFrame) -> None:
    asos = pd.read_csv(SHIPPED / "asos-experiments" / "conversions.csv.gz")
    assert (arms.test.nunique(), len(arms)) == (4873, 22_666)
    assert (len(training), training.treat.sum()) == (445, 185)
    assert asos.experiment.nunique() == 78
    looks = asos.groupby(["experiment", "variant"]).size()
    assert len(looks) == 99 and looks.mean() == pytest.approx(61, abs=1)


def test_one_split_in_22_is_as_far_from_halves() -> None:
    assert 1 / statistics.sample_ratio_p_value([5100, 4900], [1, 1]) == pytest.approx(22, abs=0.5)


def test_the_known_defect_is_found(arms: pd.DataFrame) -> None:
    """The archive's notice: tests created from 25 June 2013 to 10 January 2014 are doubtful."""
    by_test = arms.groupby("test")
    p = by_test.impressions.agg(lambda n: statistics.sample_ratio_p_value(n, np.ones(len(n))))
    inside = by_test.week.first().between(201326, 201402)
    assert (p < 0.001)[inside].mean() > 0.6
    assert (p < 0.001)[~inside].mean() < 0.02


def test_the_coefficient_is_small_and_one_widens_the_interval(training: pd.DataFrame) -> None:
    groups = [training[training.treat == each] for each in (0, 1)]
    earned, before = ([each[y].to_numpy() for each in groups] for y in ("re78", "re75"))
    assert statistics.cuped_coefficient(earned, before) == pytest.approx(0.17, abs=0.005)
    changes = [y - x for y, x in zip(earned, before, strict=True)]
    plain, changed = (
        statistics.welch_test(*map(Moments.of, each)).standard_error for each in (earned, changes)
    )
    assert changed > plain


def test_the_e_value_by_hand() -> None:
    effect = statistics.Effect(estimate=0.2, variance=0.01)
    assert np.exp(statistics.mixture_log_e(effect, 0.03)) == pytest.approx(2.2, abs=0.05)


def test_holm_by_hand() -> None:
    assert statistics.holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])


def test_the_solutions_to_unfold_are_right() -> None:
    """The four tasks, as their model answers solve them."""
    source = (files("coursekit") / ".." / "notebooks" / "src" / "09_ab_tests.py").read_text()
    found: dict = {"np": np}
    for block in source.split("# ```python\n")[1:]:
        code = block.partition("# ```\n")[0]
        exec("\n".join(line[2:] for line in code.splitlines()), found)  # noqa: S102 - our own text
    counts, shares = np.array([5100, 4900]), np.array([0.5, 0.5])
    one, two = np.random.default_rng(0).normal(size=(2, 9))
    pair = Moments.of(one), Moments.of(two)
    p = np.array([0.01, 0.02, 0.3])
    assert found["my_chi_square"](counts, shares) == pytest.approx(4.0)
    assert found["my_standard_error"](one, two) == pytest.approx(
        float(statistics.difference(*pair).standard_error)
    )
    effect = statistics.Effect(estimate=0.3, variance=0.02)
    assert np.log(found["my_e_value"](0.3, 0.02, 0.1)) == pytest.approx(
        float(statistics.mixture_log_e(effect, 0.1))
    )
    assert found["my_holm"](p).tolist() == pytest.approx(statistics.holm(p).tolist())
