"""Errors while a solution is checked: of the course (GradingError), or of the solution.

::

    CourseKitError
    ├── GradingError            the course or its tools are faulty or misused
    │   ├── CheckBugError       a check raised an exception: never grade with it
    │   ├── ExerciseError       an invalid exercise folder
    │   └── MachineFaultError   the sandbox or the machine failed: the work is judged again
    └── SubjectError            the solution did not answer: reported to the student
        ├── NotAttempted        the stub is still there (it raises NotImplementedError)
        ├── Missing             a name is not defined
        ├── StudentError        the student's code raised
        ├── TookTooLong         a call reached its timeout and was interrupted
        ├── RefusedReply        the reply cannot be decoded
        ├── WrongValue          the reply has another type or value than expected
        └── SubjectLost         the process has ended or no longer answers
"""

from __future__ import annotations

from coursekit.core.errors import CourseKitError

__all__ = [
    "CheckBugError",
    "ExerciseError",
    "GradingError",
    "MachineFaultError",
    "Missing",
    "NotAttempted",
    "RefusedReply",
    "StudentError",
    "SubjectError",
    "SubjectLost",
    "TookTooLong",
    "WrongValue",
]


class GradingError(CourseKitError):
    """The course or its tools are faulty or misused."""


class CheckBugError(GradingError):
    """A check itself raised an exception; its result is not valid."""


class ExerciseError(GradingError):
    """An exercise folder is invalid."""


class MachineFaultError(GradingError):
    """The sandbox or the machine failed; nothing is known about the submission."""


class SubjectError(CourseKitError):
    """The solution did not answer."""


class NotAttempted(SubjectError):  # noqa: N818 - an outcome, not a fault
    """The stub is still in place.

    Parameters
    ----------
    name : str
        The function or method that is still to be written.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"`{name}` is still to be written.")
        self.name = name


class Missing(SubjectError):  # noqa: N818 - an outcome, not a fault
    """A name that a check asks for is not defined."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"`{name}` is not defined. Run the cell that defines it, or restore the cell if "
            f"it was deleted."
        )
        self.name = name


class StudentError(SubjectError):
    """The student's code raised.

    Parameters
    ----------
    type_name, message : str
        Of the exception.
    line : str
        The line of the student's code where it happened, empty when not known.
    """

    def __init__(self, type_name: str, message: str, line: str = "") -> None:
        text = f"{type_name}: {message}" if message else type_name
        super().__init__(f"{text} (in the line `{line}`)" if line else text)
        self.type_name = type_name
        self.message = message
        self.line = line


class TookTooLong(SubjectError):  # noqa: N818 - an outcome, not a fault
    """A call reached its timeout."""


class RefusedReply(SubjectError):  # noqa: N818 - an outcome, not a fault
    """The codec cannot decode a reply."""


class WrongValue(SubjectError):  # noqa: N818 - an outcome, not a fault
    """A value has another type, shape or content than expected."""


class SubjectLost(SubjectError):  # noqa: N818 - an outcome, not a fault
    """The student's process has ended or no longer answers."""
