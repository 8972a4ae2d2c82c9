"""The small exercise that tests of this folder work in."""

from tests.demo_exercise import course, exercise_folder, write_notebook

__all__ = ["course", "exercise_folder", "write_notebook"]
