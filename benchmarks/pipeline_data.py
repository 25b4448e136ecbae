"""Synthetic clinics of any size as three typed Parquet files: about twelve scores and eight sessions a patient.

Rows are shuffled (within blocks of a million patients), keys are text, dates are dates, items are small integers, and
1.5 % of the rows break a rule. Nothing in them comes from a person.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq

PATIENTS_A_BLOCK = 1_000_000
DIRTY_SHARE = 0.015
SCORE_DAYS = np.array([-9, -1, 14, 28, 42, 56, 84, 168, -9, 28, 84, 168])
"""Eight PHQ-9 and four GAD-7 scores a patient, on about these days from the first dose."""
N_PHQ9 = 8
SESSION_DAYS = np.array([-14, -6, 0, 4, 9, 16, 2, 30])
SESSION_KINDS = ("screening", "preparation", "dosing", "dosing", "dosing", "dosing", "integration", "integration")
N_ITEMS = 9

Arrays = dict[str, np.ndarray[Any, Any]]

PATIENTS_QUERY = """
select printf('P%08d', number) as patient_id, 'site ' || site as site, age_years, list_extract(['female', 'male',
    'other', 'unknown'], sex) as sex, list_extract(['depression', 'depression;anxiety', 'ptsd',
    'treatment_resistant_depression', 'anxiety;ptsd;depression'], diagnoses) as diagnoses, prior_antidepressant_trials,
    list_extract(['with_integration', 'ketamine_only'], program) as program_booked
from made"""
SESSIONS_QUERY = """
select printf('S%09d', number) as session_id, printf('P%08d', patient) as patient_id, date '2021-01-01' + day as date,
    list_extract(['screening', 'preparation', 'dosing', 'integration', 'unheard_of'], kind) as kind,
    case when kind = 3 then list_extract(['intramuscular', 'sublingual'], route) end as route,
    case when kind = 3 then dose_mg end as dose_mg, duration_minutes
from made"""
SCORES_QUERY = """
select printf('Q%09d', number) as score_id, printf('P%08d', patient) as patient_id, date '2021-01-01' + day as date,
    case when instrument = 1 then 'PHQ-9' else 'GAD-7' end as instrument, {items}, total
from made"""


def write_clinic(folder: Path, n_patients: int, seed: int = 20260930) -> None:
    """Write patients.parquet, sessions.parquet and scores.parquet."""
    rng = np.random.default_rng(seed)
    items = ", ".join(f"case when item_{i} >= 0 then item_{i} end as item_{i}" for i in range(1, N_ITEMS + 1))
    queries = {"patients": PATIENTS_QUERY, "sessions": SESSIONS_QUERY, "scores": SCORES_QUERY.format(items=items)}
    writers: dict[str, pq.ParquetWriter] = {}
    connection = duckdb.connect()
    for first in range(0, n_patients, PATIENTS_A_BLOCK):
        for name, made in _block(rng, first, min(PATIENTS_A_BLOCK, n_patients - first)):
            connection.register("made", made)
            table = connection.sql(queries[name]).to_arrow_table()
            connection.unregister("made")
            if name not in writers:
                writers[name] = pq.ParquetWriter(folder / f"{name}.parquet", table.schema)
            writers[name].write_table(table, row_group_size=122_880)
    for writer in writers.values():
        writer.close()


def _block(rng: np.random.Generator, first: int, n: int) -> list[tuple[str, Arrays]]:
    number = np.arange(first, first + n)
    start = rng.integers(0, 1500, n)
    age = np.clip(rng.normal(44, 13, n), 12, 89).astype(np.int16)
    age[rng.random(n) < DIRTY_SHARE] = 7
    patients = {
        "number": number,
        "site": rng.integers(1, 6, n),
        "age_years": age,
        "sex": rng.integers(1, 5, n),
        "diagnoses": rng.integers(1, 6, n),
        "prior_antidepressant_trials": rng.integers(0, 8, n).astype(np.int8),
        "program": rng.integers(1, 3, n),
    }
    made: list[tuple[str, Callable[..., Arrays]]] = [("sessions", _sessions), ("scores", _scores)]
    tables = [("patients", patients)]
    for name, make in made:
        columns = make(rng, number, start)
        order = rng.permutation(len(columns["number"]))
        tables.append((name, {key: values[order] for key, values in columns.items()}))
    return tables


def _sessions(rng: np.random.Generator, patients: np.ndarray[Any, Any], start: np.ndarray[Any, Any]) -> Arrays:
    n, each = len(patients), len(SESSION_DAYS)
    day = start[:, None] + SESSION_DAYS + rng.integers(0, 3, (n, each)) * (np.array(SESSION_DAYS) > 0)
    codes = np.array([1, 2, 3, 3, 3, 3, 4, 4], dtype=np.int64)
    kind = np.broadcast_to(codes, (n, each)).copy()
    dirty = rng.random((n, each))
    kind[dirty < DIRTY_SHARE / 3] = 5
    dose = rng.integers(40, 120, (n, each)).astype(np.float64)
    dose[(dirty > 1 - DIRTY_SHARE / 3) & (kind == 3)] = 4000.0
    patient = np.repeat(patients, each).reshape(n, each)
    patient[(dirty > 0.5) & (dirty < 0.5 + DIRTY_SHARE / 3)] += 90_000_000  # not in patients
    return {
        "number": (patients[:, None] * each + np.arange(each)).ravel(),
        "patient": patient.ravel(),
        "day": day.ravel().astype(np.int32),
        "kind": kind.ravel(),
        "route": rng.integers(1, 3, n * each),
        "dose_mg": dose.ravel(),
        "duration_minutes": rng.integers(45, 180, n * each).astype(np.int16),
    }


def _scores(rng: np.random.Generator, patients: np.ndarray[Any, Any], start: np.ndarray[Any, Any]) -> Arrays:
    n, each = len(patients), len(SCORE_DAYS)
    day = start[:, None] + SCORE_DAYS + rng.integers(0, 5, (n, each)) * (np.array(SCORE_DAYS) > 0)
    is_phq9 = np.broadcast_to(np.arange(each) < N_PHQ9, (n, each)).ravel()
    severity = np.clip(rng.normal(1.9, 0.5, n)[:, None] - 0.004 * np.clip(SCORE_DAYS, 0, 120), 0, 3).ravel()
    items = np.clip(severity[:, None] + rng.normal(0, 0.8, (n * each, N_ITEMS)), 0, 3).round().astype(np.int8)
    items[~is_phq9, 7:] = -1  # GAD-7 has seven items; a negative one is written as empty
    total = np.where(items >= 0, items, 0).sum(axis=1).astype(np.int16)
    dirty = rng.random(n * each)
    edge = DIRTY_SHARE / 5
    items[dirty < edge, 2] = 9
    items[(dirty > edge) & (dirty < 2 * edge), 4] = -1
    total[(dirty > 2 * edge) & (dirty < 3 * edge)] += 1
    patient = np.repeat(patients, each)
    patient[(dirty > 3 * edge) & (dirty < 4 * edge)] += 90_000_000
    number = (patients[:, None] * each + np.arange(each)).ravel()
    number[(dirty > 4 * edge) & (dirty < 5 * edge)] //= each
    number[(dirty > 4 * edge) & (dirty < 5 * edge)] *= each  # the key of another row
    return {
        "number": number,
        "patient": patient,
        "day": day.ravel().astype(np.int32),
        "instrument": np.where(is_phq9, 1, 2),
        "total": total,
        **{f"item_{position + 1}": items[:, position] for position in range(N_ITEMS)},
    }
