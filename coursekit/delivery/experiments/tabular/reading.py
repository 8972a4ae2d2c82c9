"""Read an experiment from a delimited file: one row for each unit, each event or each variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import FileFormatError, InvalidParameterError, UnknownNameError
from coursekit.datasets.delimited import (
    MISSING,
    DelimitedFile,
    LineError,
    column_at,
    number_in,
    open_delimited,
)

__all__ = ["ExperimentTable", "OutcomeColumn", "read_experiment"]

_Floats = npt.NDArray[np.float64]
_CONTROLS = ("control", "baseline", "a", "0", "off", "false", "none", "old")
_LARGEST = 1e100  # its square is finite
_TRUTH = {"true": "1", "false": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeColumn:
    """An outcome of each unit: values, or the two sides of a ratio.

    Parameters
    ----------
    name : str
        As in the command: "sales" or "clicks/views".
    values : array, shape (n_units,)
    denominators : array, shape (n_units,), optional
    """

    name: str
    values: _Floats
    denominators: _Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentTable:
    """An experiment as columns, one entry for each unit in the order of its first row.

    Parameters
    ----------
    file : str
    n_rows : int
    variants : tuple of str
        The control first.
    variant_of : array of int, shape (n_units,)
    outcomes : tuple of OutcomeColumn
    before : array, shape (n_units,), optional
        A measurement from before the experiment.
    is_aggregated : bool
        Whether each unit is a whole variant, with successes and trials.
    assumptions : tuple of str
        How the file was understood, as sentences.
    """

    file: str
    n_rows: int
    variants: tuple[str, ...]
    variant_of: npt.NDArray[np.int64]
    outcomes: tuple[OutcomeColumn, ...]
    before: _Floats | None
    is_aggregated: bool
    assumptions: tuple[str, ...]


def read_experiment(
    path: str | Path,
    variant: str,
    outcomes: Sequence[str],
    *,
    unit: str | None = None,
    before: str | None = None,
    control: str | None = None,
) -> ExperimentTable:
    r"""Read an experiment from a file with a header (comma, semicolon or tab; plain or gzip).

    Parameters
    ----------
    path : path
    variant : str
        The column with the name of the variant.
    outcomes : sequence of str
        Columns with outcomes; "clicks/views" is the ratio of the sums of two columns.
    unit : str, optional
        The column with the id that was randomised: rows of the same unit are added up. Without it,
        each row is a unit; or each row is a variant, with counts, if there is one for each.
    before : str, optional
        The column with a measurement from before the experiment; a unit's rows are averaged.
    control : str, optional
        The variant to compare with; default: one called control, baseline, A or the like, else the
        first in the file.

    Raises
    ------
    FileFormatError
        If the file or a column does not exist, a value is missing or not a number, a unit is in
        two variants, or a variant has fewer than two units; the message names the line.
    UnknownNameError
        If there is no variant called `control`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "test.csv"
    ...     _ = file.write_text("arm,user,sales\nold,1,3\nnew,2,5\nold,1,1\nold,3,0\nnew,4,2\n")
    ...     table = read_experiment(file, "arm", ["sales"], unit="user")
    >>> table.variants, table.outcomes[0].values.tolist()
    (('old', 'new'), [4.0, 5.0, 0.0, 2.0])
    """
    sides = [name.split("/") if "/" in name else [name] for name in outcomes]
    if not sides or any(len(each) > 2 or not all(each) for each in sides):
        raise InvalidParameterError(
            f"`outcome` must be a column, or two as in clicks/views, got {list(outcomes)!r}."
        )
    if len(set(outcomes)) != len(outcomes):
        raise InvalidParameterError(f"`outcome` must name each outcome once, got {list(outcomes)}.")
    columns = [name for each in sides for name in each] + ([before] if before else [])
    with open_delimited(path, "a CSV file with one row for each unit or event") as file:
        arms, ids, numbers = _columns(Path(path), file, variant, unit, columns)
    if not arms:
        raise FileFormatError(f"{path} has a header and no rows.")
    names, said = _ordered(path, variant, list(dict.fromkeys(arms)), control)
    number_of = {name: at for at, name in enumerate(names)}
    of_row = np.array([number_of[arm] for arm in arms], np.int64)
    table = np.array(numbers)  # (n_rows, n_columns)
    if unit is not None:
        variant_of, sums, means = _added_up(str(path), unit, ids, of_row, table, names)
    else:
        variant_of, sums, means = of_row, table, table
    counts = np.bincount(variant_of)
    is_aggregated = unit is None and counts.max() == 1
    parts = iter(sums.T)
    found = tuple(
        OutcomeColumn(name=name, values=next(parts), denominators=next(parts) if pair[1:] else None)
        for name, pair in zip(outcomes, sides, strict=True)
    )
    if is_aggregated:
        _check_aggregated(path, found, before)
    else:
        _check_units(path, names, variant_of, found)
    if is_aggregated:
        said += ("Each row holds the counts of a variant: successes and trials.",)
    elif unit is not None:
        said += (f"The randomised unit is `{unit}`; its rows are added up.",)
    else:
        said += ("Each row is a randomised unit; name its id with --unit if it is not.",)
    return ExperimentTable(
        file=str(path),
        n_rows=len(arms),
        variants=names,
        variant_of=variant_of,
        outcomes=found,
        before=means[:, -1] if before else None,
        is_aggregated=is_aggregated,
        assumptions=said,
    )


def _columns(
    path: Path, file: DelimitedFile, variant: str, unit: str | None, columns: list[str]
) -> tuple[list[str], list[str], list[list[float]]]:
    """Return variant, unit and numbers of each row."""
    header = [name.strip() for name in file.first]
    variant_at = column_at(path, header, variant)
    unit_at = None if unit is None else column_at(path, header, unit)
    places = [(name, column_at(path, header, name)) for name in columns]
    arms, ids, numbers = [], [], []
    for fields in file:
        arms.append(_text(fields[variant_at], variant))
        if unit_at is not None:
            ids.append(_text(fields[unit_at], str(unit)))
        numbers.append([_number(fields[at], name) for name, at in places])
    return arms, ids, numbers


def _text(field: str, name: str) -> str:
    text = field.strip()
    if text.lower() in MISSING - {"none"}:
        raise LineError(f"`{name}` is missing; fill it in or remove the line")
    return text


def _number(field: str, name: str) -> float:
    text = field.strip()
    if text.lower() in MISSING:
        raise LineError(f"`{name}` is missing; fill in the number (0 for none) or remove the line")
    number = number_in(_TRUTH.get(text.lower(), text), f"`{name}`")
    if abs(number) > _LARGEST:
        raise LineError(f"`{name}` must be at most {_LARGEST:g} in size, got {text}")
    return number


def _ordered(
    path: str | Path, variant: str, names: list[str], control: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the variants with the control first, and how it was chosen."""
    if len(names) < 2:
        raise FileFormatError(
            f"{path} has one variant only, {names[0]!r} in `{variant}`; a comparison needs two."
        )
    if control is not None and control not in names:
        raise UnknownNameError(
            f"There is no variant {control!r} in `{variant}`; there are {', '.join(names[:20])}."
        )
    usual = next((name for key in _CONTROLS for name in names if name.lower() == key), None)
    first = control or usual or names[0]
    why = "" if control else (", by its name" if usual else ", the first in the file")
    ordered = (first, *(name for name in names if name != first))
    return ordered, (f"The control is {first!r}{why}.",)


def _added_up(
    path: str,
    unit: str,
    ids: list[str],
    of_row: npt.NDArray[np.int64],
    table: _Floats,
    names: tuple[str, ...],
) -> tuple[npt.NDArray[np.int64], _Floats, _Floats]:
    """Return variant, sums and means of each unit."""
    known: dict[str, int] = {}
    rows = np.array([known.setdefault(each, len(known)) for each in ids], np.int64)
    variant_of = np.empty(len(known), np.int64)
    variant_of[rows] = of_row
    crossed = np.flatnonzero(variant_of[rows] != of_row)
    if len(crossed):
        at = crossed[0]
        two = sorted({names[of_row[at]], names[variant_of[rows[at]]]})
        raise FileFormatError(
            f"{path}: `{unit}` {ids[at]!r} is in two variants, {two[0]!r} and {two[1]!r} "
            f"({len(set(rows[crossed].tolist())):,} such); each unit must have one."
        )
    sums = np.array([np.bincount(rows, column) for column in table.T], dtype=np.float64).T
    return variant_of, sums, sums / np.bincount(rows)[:, None]


def _check_aggregated(
    path: str | Path, outcomes: tuple[OutcomeColumn, ...], before: str | None
) -> None:
    """Raise FileFormatError if an outcome is not successes of trials."""
    for each in outcomes:
        successes, trials = each.values, each.denominators
        if (
            trials is None
            or before
            or (successes < 0).any()
            or (successes > trials).any()
            or (trials < 2).any()
            or (np.stack([successes, trials]) % 1).any()
        ):
            raise FileFormatError(
                f"{path} has one row for each variant: then `outcome` must be successes/trials, "
                f"two columns of counts, without `before`, got {each.name!r}."
            )


def _check_units(
    path: str | Path,
    names: tuple[str, ...],
    variant_of: npt.NDArray[np.int64],
    outcomes: tuple[OutcomeColumn, ...],
) -> None:
    """Raise FileFormatError where nothing can be estimated."""
    counts = np.bincount(variant_of)
    if counts.min() < 2:
        raise FileFormatError(
            f"{path} has one unit only in variant {names[int(counts.argmin())]!r}; expected 2 or "
            "more in each."
        )
    for each in outcomes:
        bottom = each.denominators
        if bottom is None and (each.values == each.values[0]).all():
            raise FileFormatError(
                f"{path}: `{each.name}` is {each.values[0]:g} for every unit; a constant has no "
                "differences."
            )
        if bottom is not None and (
            (bottom < 0).any() or np.bincount(variant_of, bottom).min() <= 0
        ):
            raise FileFormatError(
                f"{path}: the denominator of `{each.name}` must be 0 or more, with a sum above 0 "
                "in each variant."
            )
