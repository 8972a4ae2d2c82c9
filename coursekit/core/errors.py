"""Every error that coursekit raises on purpose.

::

    CourseKitError
    ├── InvalidSampleError      an event with an invalid value (also a ValueError)
    ├── InvalidParameterError   a setting outside its range (also a ValueError)
    ├── FileFormatError         a file that is not in the expected format
    ├── DataUnavailableError    a data set that is missing and cannot be fetched
    ├── UnknownNameError        an unknown name (also a LookupError)
    ├── ConflictError           what is stored contradicts the request
    ├── IllegalTransitionError  a status that cannot follow the present one (also a ValueError)
    ├── ServiceUnavailableError a service, such as Redis, that does not answer
    ├── ArithmeticOverflowError a value would exceed the range of a float (also an ArithmeticError)
    ├── StateFormatError        saved state of another class, version or shape
    └── IntegrityError          content that does not match its digest

A message names the argument, the expected and the actual value, and the next step when there is
one: "`threshold` must be in (0, 1], got 1.7."
"""

__all__ = [
    "ArithmeticOverflowError",
    "ConflictError",
    "CourseKitError",
    "DataUnavailableError",
    "FileFormatError",
    "IllegalTransitionError",
    "IntegrityError",
    "InvalidParameterError",
    "InvalidSampleError",
    "ServiceUnavailableError",
    "StateFormatError",
    "UnknownNameError",
]


class CourseKitError(Exception):
    """The base of every error raised on purpose."""


class InvalidSampleError(CourseKitError, ValueError):
    """An event holds a value that no learner accepts."""


class InvalidParameterError(CourseKitError, ValueError):
    """A setting is outside its range."""


class FileFormatError(CourseKitError):
    """A file is not in the expected format; the message names the file and the line."""


class DataUnavailableError(CourseKitError):
    """A data set is not on this machine and could not be fetched."""


class UnknownNameError(CourseKitError, LookupError):
    """A name is not among the known ones."""


class ConflictError(CourseKitError):
    """What is stored contradicts the request: taken names, or a change by somebody else."""


class IllegalTransitionError(CourseKitError, ValueError):
    """A status cannot follow the present one; the message names those that can."""


class ServiceUnavailableError(CourseKitError):
    """A service, such as Redis, does not answer."""


class ArithmeticOverflowError(CourseKitError, ArithmeticError):
    """An update would leave the range of floating-point numbers; `at` is the index of the event in
    its chunk or batch, None for a single event.
    """

    def __init__(self, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.at = at


class StateFormatError(CourseKitError):
    """Saved state belongs to another class, another format version or another shape."""


class IntegrityError(CourseKitError):
    """Stored content does not match its sha256."""
