"""Every error that coursekit raises on purpose.

::

    CourseKitError
    ├── InvalidSampleError      an event that no learner could use (also a ValueError)
    ├── InvalidParameterError   a setting outside its range (also a ValueError)
    ├── FileFormatError         a file that cannot be read as what it should be
    ├── DataUnavailableError    a data set that is neither here nor to be had
    ├── UnknownNameError        a name that is not in its list (also a LookupError)
    ├── ArithmeticOverflowError the numbers left the range of a float (also an ArithmeticError)
    ├── StateFormatError        saved state of another class, version or shape
    └── IntegrityError          bytes that do not match their digest

A message names the thing, says what was expected and what came, and gives the next step when there
is one: "`threshold` must be in (0, 1], got 1.7."
"""

__all__ = [
    "ArithmeticOverflowError",
    "CourseKitError",
    "DataUnavailableError",
    "FileFormatError",
    "IntegrityError",
    "InvalidParameterError",
    "InvalidSampleError",
    "StateFormatError",
    "UnknownNameError",
]


class CourseKitError(Exception):
    """The base of every error raised on purpose."""


class InvalidSampleError(CourseKitError, ValueError):
    """An event holds a value that cannot be learnt from."""


class InvalidParameterError(CourseKitError, ValueError):
    """A setting is outside its range."""


class FileFormatError(CourseKitError):
    """A file could not be read as what it should be; names the file and the line."""


class DataUnavailableError(CourseKitError):
    """A data set is not on this machine and could not be fetched."""


class UnknownNameError(CourseKitError, LookupError):
    """A name is not in the list it should come from."""


class ArithmeticOverflowError(CourseKitError, ArithmeticError):
    """An update would leave the range of floating-point numbers."""


class StateFormatError(CourseKitError):
    """Saved state belongs to another class, another format version or another shape."""


class IntegrityError(CourseKitError):
    """Stored bytes do not match the digest written beside them."""
