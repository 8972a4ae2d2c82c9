"""A course on online learning for recommender systems.

`LESSONS` maps each lesson to the modules that it teaches. Importing `coursekit` imports no other
module.

>>> LESSONS["03_factorization_machines"]
('coursekit.learning.learners.factorization_machine',)
"""

__all__ = ["LESSONS", "__version__"]

__version__ = "0.1.0"

LESSONS: dict[str, tuple[str, ...]] = {
    "00_start_here": (),
    "01_learning_from_a_stream": (
        "coursekit.datasets.streams",
        "coursekit.evaluation.progressive",
        "coursekit.learning.learners.learner",
    ),
    "02_matrix_factorization": ("coursekit.learning.learners.matrix_factorization",),
    "03_factorization_machines": ("coursekit.learning.learners.factorization_machine",),
    "04_neural_collaborative_filtering": (
        "coursekit.learning.learners.neural_cf",
        "coursekit.learning.learners.neural_cf_compiled",
    ),
    "05_drift_detection": (
        "coursekit.learning.drift.detectors.mean_shift",
        "coursekit.learning.drift.detectors.page_hinkley",
        "coursekit.learning.drift.glr.bernoulli",
    ),
    "06_adaptation": (
        "coursekit.learning.adaptation.manager",
        "coursekit.learning.adaptation.responses",
        "coursekit.learning.optim.learning_rate",
        "coursekit.learning.adaptation.checkpoints",
    ),
    "07_online_optimization": (
        "coursekit.learning.optim.descent",
        "coursekit.learning.optim.regret",
        "coursekit.learning.learners.ensemble",
        "coursekit.learning.learners.robust",
    ),
    "08_model_registry": (
        "coursekit.delivery.registry.registry",
        "coursekit.delivery.registry.version",
        "coursekit.delivery.registry.sqlite",
        "coursekit.delivery.registry.artifacts",
    ),
    "09_ab_tests": (
        "coursekit.evaluation.statistics.always_valid",
        "coursekit.delivery.experiments.assignment",
        "coursekit.delivery.experiments.stopping",
        "coursekit.delivery.experiments.experiment",
    ),
    "10_bandits": (
        "coursekit.delivery.bandits.policy",
        "coursekit.delivery.bandits.policies.bernoulli_thompson",
        "coursekit.delivery.bandits.off_policy.estimators",
        "coursekit.delivery.bandits.simulation",
    ),
}
"""Lesson (the stem of its notebook) to the modules it teaches, in the order of the course."""
