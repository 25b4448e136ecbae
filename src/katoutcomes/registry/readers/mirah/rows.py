"""Rows of an outcomes export become scores: which rows, which of their values, and on which day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.readers.conversion import ConvertedTable, LeftOut
from katoutcomes.registry.readers.mirah.settings import (
    DOMAIN_COLUMN,
    ID_COLUMN,
    MNEMONIC_COLUMN,
    PATIENT_COLUMN,
    START_COLUMN,
    MeasurementSetting,
    MirahSettings,
)
from katoutcomes.registry.tables import PATIENTS, SCORES

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOT_RAW = ("score_domain", DOMAIN_COLUMN, "must be raw; normed and interpreted scores are not the instrument's own")
NOT_MAPPED = ("questionnaire_not_mapped", MNEMONIC_COLUMN, "must be a questionnaire that the mapping lists")
NO_VALUE = ("no_value", "", "must hold a value of a measurement that the mapping lists")

Cell = str | None


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeRows:
    """The rows of all exports.

    Attributes
    ----------
    cells : mapping of str to list
        Trimmed text by column, None where the cell is empty.
    file, file_row : array of int
        File, as a position in the list of files, and data row from 1.
    """

    cells: Mapping[str, list[Cell]]
    file: NDArray[Any]
    file_row: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The scores of all rows, why rows gave none, and how often a row repeats a measurement."""

    table: ConvertedTable
    rows: NDArray[Any]
    left_out: tuple[LeftOut, ...]
    n_repeated: int


def date_after(start: Cell, days: Cell) -> Cell:
    """Return the date some calendar days after a start; None where either is not known or is none.

    The time of day of the start is dropped, because the days are calendar days.

    Examples
    --------
    >>> date_after("2026-01-30T08:00:00Z", "3"), date_after("2026-01-30", None), date_after("soon", "3")
    ('2026-02-02', None, None)
    """
    found = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([ T].*)?", start or "")
    number = re.fullmatch(r"[+-]?[0-9]{1,5}([.]0+)?", days or "")
    if found is None or number is None:
        return None
    try:
        return (dt.date.fromisoformat(found[1]) + dt.timedelta(days=int(float(number[0])))).isoformat()
    except (ValueError, OverflowError):
        return None


def plain_date(text: Cell) -> Cell:
    """Return the date of a cell that may hold a time of day as well; anything else stays as it is and is rejected."""
    found = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([ T].*)?", text or "")
    return found[1] if found else text


def score_table(rows: OutcomeRows, settings: MirahSettings, files: Sequence[str]) -> Scores:
    """Return the raw scores of the questionnaires that the mapping lists.

    Parameters
    ----------
    rows : OutcomeRows
        Every row.
    settings : MirahSettings
        The mapping.
    files : sequence of str
        Names of the files.
    """
    import numpy as np

    scales = {scale.mnemonic: scale for scale in settings.scales}
    made: list[tuple[int, str, Cell, Cell]] = []
    reasons: dict[int, tuple[str, str, str]] = {}
    n_repeated = 0
    for row, (domain, mnemonic) in enumerate(zip(rows.cells[DOMAIN_COLUMN], rows.cells[MNEMONIC_COLUMN], strict=True)):
        if domain != "raw" or mnemonic not in scales:
            reasons[row] = NOT_RAW if domain != "raw" else NOT_MAPPED
            continue
        found = _measurements(rows.cells, row, settings.measurements)
        different = list(dict.fromkeys((value, date) for _, value, date in found if date is not None))
        n_repeated += sum(date is not None for _, _, date in found) - len(different)
        seen: set[tuple[Cell, Cell]] = set()
        for name, value, date in found:
            if date is None or (value, date) not in seen:
                made.append((row, name, value, date))
            seen.add((value, date))
        if not found:
            reasons[row] = NO_VALUE
    chosen = np.array([row for row, *_ in made], dtype=np.int64)
    table = ConvertedTable(SCORES, _columns(rows, made, scales), rows.file[chosen], rows.file_row[chosen])
    return Scores(table, np.unique(chosen), _left_out(rows, reasons, files), n_repeated)


def _measurements(
    cells: Mapping[str, list[Cell]], row: int, settings: Sequence[MeasurementSetting]
) -> list[tuple[str, Cell, Cell]]:
    """Return name, value and date of each measurement that a row holds."""
    found: list[tuple[str, Cell, Cell]] = []
    for part in settings:
        value = cells[part.value_column][row]
        if value is not None:
            date = (
                date_after(cells[START_COLUMN][row], cells[part.days_column][row])
                if part.days_column
                else plain_date(cells[part.date_column][row])
            )
            found.append((part.name, value, date))
    return found


def _columns(
    rows: OutcomeRows, made: Sequence[tuple[int, str, Cell, Cell]], scales: Mapping[str, Any]
) -> dict[str, NDArray[Any]]:
    ids, patients, mnemonics = (rows.cells[name] for name in (ID_COLUMN, PATIENT_COLUMN, MNEMONIC_COLUMN))
    listed = [scales[mnemonics[row] or ""] for row, *_ in made]
    return {
        "score_id": text_array([None if ids[row] is None else f"{ids[row]}/{name}" for row, name, _, _ in made]),
        "patient_id": text_array([patients[row] for row, *_ in made]),
        "date": text_array([date for *_, date in made]),
        "instrument": text_array([scale.instrument for scale in listed]),
        "version": text_array([scale.version or None for scale in listed]),
        "metric": text_array([scale.metric or None for scale in listed]),
        "total": text_array([value for _, _, value, _ in made]),
    }


def _left_out(
    rows: OutcomeRows, reasons: Mapping[int, tuple[str, str, str]], files: Sequence[str]
) -> tuple[LeftOut, ...]:
    import numpy as np

    grouped: dict[tuple[int, tuple[str, str, str]], list[int]] = {}
    for row, reason in reasons.items():
        grouped.setdefault((int(rows.file[row]), reason), []).append(int(rows.file_row[row]))
    return tuple(
        LeftOut(files[file], rule, column, description, np.array(sorted(numbers), dtype=np.int64))
        for (file, (rule, column, description)), numbers in sorted(grouped.items())
    )


def patient_table(rows: OutcomeRows, used: NDArray[Any], site_column: str) -> tuple[ConvertedTable, int]:
    """Return one row for each patient with a score, and of how many the site is not known because there are several."""
    import numpy as np

    first: dict[Cell, int] = {}
    sites: dict[Cell, set[str]] = {}
    for row in used.tolist():
        patient = rows.cells[PATIENT_COLUMN][row]
        first.setdefault(patient, row)
        site = rows.cells[site_column][row] if site_column else None
        sites.setdefault(patient, set()).update([site] if site is not None else [])
    chosen = np.array(list(first.values()), dtype=np.int64)
    columns = {"patient_id": text_array(list(first))}
    if site_column:
        columns["site"] = text_array([next(iter(sites[key])) if len(sites[key]) == 1 else None for key in first])
    n_several = sum(len(found) > 1 for found in sites.values())
    return ConvertedTable(PATIENTS, columns, rows.file[chosen], rows.file_row[chosen]), n_several


def text_array(values: Sequence[object]) -> NDArray[Any]:
    """Return an array of objects."""
    import numpy as np

    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
