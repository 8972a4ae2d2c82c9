"""The seam between checks and solutions: what goes through it, what does not, and what a report says."""

from coursekit.grading.checks import check, run_check
from coursekit.grading.report import CheckReport, Outcome
from coursekit.grading.subject import LocalSubject


@check("demo-1", points=3)
def addition(t):
    """Addition."""
    a, b = t.rng.normal(size=2)
    with t.part("two numbers", 1) as p:
        p.close(t.subject.call("add", a, b), a + b, mistakes={"subtracts": a - b})
    with t.part("an accumulator", 2) as p:
        total = t.subject.new("Total", 1.0)
        total.call("add", a)
        p.close(total.get("value"), 1 + a)


class Total:
    def __init__(self, value):
        self.value = value

    def add(self, amount):
        self.value += amount


SAYS = {"subtracts": "That is a difference."}


def outcome_of(add, **names):
    return run_check(addition, LocalSubject({"add": add, **names}), seed=1, mistakes=SAYS)


def test_a_right_solution_earns_all():
    report = outcome_of(lambda a, b: a + b, Total=Total)
    assert (report.outcome, report.points, report.max_points) == (Outcome.PASSED, 3, 3)


def test_points_of_one_part_survive_what_happens_in_another():
    report = outcome_of(lambda a, b: a + b)
    assert (report.outcome, report.points, report.max_points) == (Outcome.COULD_NOT_RUN, 1, 3)
    assert "`Total` is not defined" in report.message


def test_a_known_mistake_is_named():
    report = outcome_of(lambda a, b: a - b, Total=Total)
    assert (report.message, report.misconceptions, report.points) == ("That is a difference.", ("subtracts",), 2)


def test_a_report_survives_json():
    report = outcome_of(lambda a, b: a - b, Total=Total)
    assert CheckReport.from_json(report.to_json()) == report
