"""A course on online learning for recommender systems.

Each lesson teaches one or a few modules; this table says which. Importing `coursekit` loads nothing else.

>>> LESSONS["03_factorization_machines"]
('coursekit.learning.factorization_machine',)
"""

__all__ = ["LESSONS", "__version__"]

__version__ = "0.1.0"

LESSONS: dict[str, tuple[str, ...]] = {
    "00_start_here": (),
    "01_learning_from_a_stream": ("coursekit.core.streams", "coursekit.core.evaluation", "coursekit.learning.learner"),
    "02_matrix_factorization": ("coursekit.learning.matrix_factorization",),
    "03_factorization_machines": ("coursekit.learning.factorization_machine",),
    "04_neural_collaborative_filtering": ("coursekit.learning.neural_cf", "coursekit.learning.neural_cf_compiled"),
    "05_drift_detection": (
        "coursekit.learning.drift.mean_shift",
        "coursekit.learning.drift.page_hinkley",
        "coursekit.learning.drift.glr_bernoulli",
    ),
    "06_adaptation": (
        "coursekit.learning.manager",
        "coursekit.learning.responses",
        "coursekit.learning.learning_rate",
        "coursekit.learning.checkpoints",
    ),
    "07_online_optimization": (
        "coursekit.learning.optimizers",
        "coursekit.learning.regret",
        "coursekit.learning.ensemble",
        "coursekit.learning.rules",
        "coursekit.learning.robust",
    ),
}
"""Lesson (the stem of its notebook) to the modules it teaches, in the order of the course."""
