"""What can go wrong while a solution is checked, and whose fault it is.

::

    CourseKitError
    ├── GradingError            the course or its tools are at fault, or were used the wrong way
    │   ├── CheckBugError       a check raised on its own account: never grade with it
    │   └── ExerciseError       an exercise folder that is not in order
    └── SubjectError            the student's side did not answer as asked: a report says so
        ├── NotAttempted        the stub is still there (it raises NotImplementedError)
        ├── Missing             a name is not defined
        ├── StudentError        the student's code raised
        ├── TookTooLong         a call did not end in time and was interrupted
        ├── RefusedReply        what came back is not data that we read
        ├── WrongValue          what came back is data, of another kind than asked for
        └── SubjectLost         the process is gone or no longer answers
"""

from __future__ import annotations

from coursekit.core.errors import CourseKitError

__all__ = [
    "CheckBugError",
    "ExerciseError",
    "GradingError",
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
    """The course's side is at fault, or was used the wrong way."""


class CheckBugError(GradingError):
    """A check raised on its own account; whatever it was about to say is worth nothing."""


class ExerciseError(GradingError):
    """An exercise folder is not in order."""


class SubjectError(CourseKitError):
    """The student's side did not answer as asked."""


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
    """A call did not end in time."""


class RefusedReply(SubjectError):  # noqa: N818 - an outcome, not a fault
    """A reply is not data that the codec reads."""


class WrongValue(SubjectError):  # noqa: N818 - an outcome, not a fault
    """A value is of another kind, type or shape than asked for."""


class SubjectLost(SubjectError):  # noqa: N818 - an outcome, not a fault
    """The student's process is gone or no longer answers."""
