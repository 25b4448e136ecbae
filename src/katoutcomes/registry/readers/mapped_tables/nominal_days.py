"""Scores whose file names a visit and no day: the visit's stated day, counted from the first dose, as a date."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from katoutcomes.registry.readers.mapped_tables.cells import Refusal

if TYPE_CHECKING:
    from katoutcomes.registry.readers.conversion import ConvertedTable
    from katoutcomes.registry.readers.mapped_tables.records import Records

_NO_DOSE = Refusal(
    "no_first_dose", "must be of a patient with a dosing session: visit_days counts from the day of the first one"
)


def first_dose_dates(sessions: ConvertedTable) -> dict[str, date]:
    """Return the earliest date of a dosing session by patient, of those whose date can be read.

    Parameters
    ----------
    sessions : ConvertedTable
        With the columns `date` and `kind`.
    """
    first: dict[str, date] = {}
    columns = (sessions.columns[name] for name in ("patient_id", "kind", "date"))
    for patient, kind, text in zip(*columns, strict=True):
        if kind != "dosing" or patient is None or text is None:
            continue
        try:
            day = date.fromisoformat(text)
        except ValueError:
            continue  # the row is rejected later, by the rule about dates
        first[patient] = min(first.get(patient, day), day)
    return first


def put_dates(scores: Records, first_doses: dict[str, date]) -> None:
    """Replace the stated day of a visit by the date that it means for each patient.

    Parameters
    ----------
    scores : Records
        With a `visit_day`.
    first_doses : dict of str to date
        As `first_dose_dates` returns them.
    """
    import numpy as np

    if scores.visit_day is None:
        return
    del scores.columns["day"]
    patients = scores.columns.get("patient_id", np.full(len(scores.rows), None, dtype=object))
    dates = np.empty(len(scores.rows), dtype=object)
    lacking = []
    for position, patient in enumerate(patients):
        if patient in first_doses:
            dates[position] = str(first_doses[patient] + timedelta(days=scores.visit_day))
        else:
            lacking.append(position)
    scores.columns["date"] = dates
    if lacking:
        scores.refused["date", _NO_DOSE] = np.array(lacking, dtype=np.int64)
