"""The yardstick: the load and the cohort as an experienced analyst would write them with pandas, vectorised throughout.

It holds the same rows to the same rules on the same columns as `read_registry`, `select_cohort` and `analysis_set` do,
counts every broken rule and every warning, and ends with the same arrays. It leaves out what such scripts leave out:
the search for identifiers in every column, what makes patients recognizable, the digest of the accepted content, the
row numbers of what was rejected and its likely causes, phases of courses, and sub-scales.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SEXES = ["female", "male", "other", "unknown"]
PROGRAMS = ["with_integration", "ketamine_only"]
KINDS = ["screening", "preparation", "dosing", "integration", "follow_up", "support"]
ROUTES = ["intramuscular", "intravenous", "intranasal", "sublingual"]
DIAGNOSES = [
    "treatment_resistant_depression", "depression", "bipolar_depression", "anxiety", "ptsd", "obsessive_compulsive",
    "substance_use", "eating_disorder", "chronic_pain", "adjustment", "other",
]  # fmt: skip
SCALES = {"PHQ-9": 9, "GAD-7": 7}
VISITS = {"week 4": (28, 21, 41), "week 8": (56, 42, 69), "week 12": (84, 70, 98)}
GAP_DAYS = 90
WIDEST_SPAN_DAYS = 7305
ITEMS = [f"item_{number}" for number in range(1, 10)]


class Table:
    """A data frame with the mask of its rows that have kept every rule so far."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.is_sound = np.ones(len(frame), dtype=bool)
        self.counts: dict[str, int] = {}

    def reject(self, rule: str, broken: Any) -> None:
        """Count the rows that break a rule and take them out."""
        mask = np.asarray(broken, dtype=bool)
        self.counts[rule] = int(mask.sum())
        self.is_sound &= ~mask

    def sound(self) -> pd.DataFrame:
        """Return the rows that have kept every rule."""
        return self.frame[self.is_sound]


def read(folder: Path, name: str, coded: list[str]) -> Table:
    """Read a table; columns with few values come as categoricals."""
    return Table(pd.read_parquet(folder / f"{name}.parquet", read_dictionary=coded))


def _by_category(column: pd.Series, values: dict[str, Any], unknown: Any) -> np.ndarray[Any, Any]:
    """Return what each category stands for, row by row."""
    of_category = [values.get(category, unknown) for category in column.cat.categories]
    return np.append(np.array(of_category), unknown)[column.cat.codes]


def _unknown_code(column: pd.Series, codes: list[str]) -> Any:
    return _by_category(column, dict.fromkeys(codes, False), True) & column.notna().to_numpy()


def _outside(column: pd.Series, low: float, high: float) -> Any:
    return (column < low) | (column > high)


def check_patients(folder: Path) -> Table:
    table = read(folder, "patients", ["site", "sex", "diagnoses", "program_booked"])
    frame = table.frame
    table.reject("patient_id required", frame["patient_id"].isna())
    table.reject("patient_id unique", frame["patient_id"].duplicated(keep=False))
    table.reject("patient_id text", frame["patient_id"].str.len() > 64)
    table.reject(
        "site text", _by_category(frame["site"], {s: len(s) > 100 for s in frame["site"].cat.categories}, False)
    )
    table.reject("age_years range", _outside(frame["age_years"], 12, 89))
    table.reject("sex code", _unknown_code(frame["sex"], SEXES))
    listed = frame["diagnoses"]
    wrong = [set(text.split(";")) - set(DIAGNOSES) != set() for text in listed.cat.categories]
    table.reject("diagnoses codes", np.append(np.array(wrong, dtype=bool), False)[listed.cat.codes])
    table.reject("prior_antidepressant_trials range", _outside(frame["prior_antidepressant_trials"], 0, 40))
    table.reject("program_booked code", _unknown_code(frame["program_booked"], PROGRAMS))
    return table


def link(table: Table, key: str, all_ids: pd.Index, sound_ids: pd.Index) -> None:
    """Hold keys and patients of an event table; adds the column `patient`, the place in `sound_ids`."""
    frame = table.frame
    table.reject(f"{key} required", frame[key].isna())
    table.reject(f"{key} unique", frame[key].duplicated(keep=False))
    table.reject(f"{key} text", frame[key].str.len() > 64)
    table.reject("patient_id required", frame["patient_id"].isna())
    table.reject("patient_id text", frame["patient_id"].str.len() > 64)
    day = (pd.to_datetime(frame["date"]) - pd.Timestamp("1970-01-01")).dt.days
    table.reject("date required", day.isna())
    table.reject("date range", _outside(day, -25567, 47481))
    position = all_ids.get_indexer(frame["patient_id"])
    place = np.append(sound_ids.get_indexer(all_ids), -1)[position]
    table.reject("patient_id link", position < 0)
    table.reject("patient_id unlinked", (position >= 0) & (place < 0))
    frame["patient"] = place.astype(np.int32)
    frame["day"] = day.astype(np.int32)
    frame.drop(columns=["patient_id", "date"], inplace=True)  # noqa: PD002 - to keep the peak of memory low


def check_sessions(folder: Path, all_ids: pd.Index, sound_ids: pd.Index) -> Table:
    table = read(folder, "sessions", ["kind", "route"])
    link(table, "session_id", all_ids, sound_ids)
    frame = table.frame
    table.reject("kind required", frame["kind"].isna())
    table.reject("kind code", _unknown_code(frame["kind"], KINDS))
    table.reject("route code", _unknown_code(frame["route"], ROUTES))
    is_other = _by_category(frame["kind"], {kind: kind != "dosing" for kind in KINDS}, False)
    table.reject("route dosing_only", frame["route"].notna() & is_other)
    table.reject("dose_mg range", (frame["dose_mg"] <= 0) | (frame["dose_mg"] > 1000))
    table.reject("dose_mg dosing_only", frame["dose_mg"].notna() & is_other)
    table.reject("duration_minutes range", _outside(frame["duration_minutes"], 1, 720))
    return table


def check_scores(folder: Path, all_ids: pd.Index, sound_ids: pd.Index) -> Table:
    table = read(folder, "scores", ["instrument"])
    link(table, "score_id", all_ids, sound_ids)
    frame = table.frame
    n_items = _by_category(frame["instrument"], SCALES, np.nan)
    table.reject("instrument required", frame["instrument"].isna())
    table.reject("instrument known", np.isnan(n_items))
    items = frame[ITEMS].to_numpy(dtype=np.float32)
    filled = ~np.isnan(items)
    inside = np.arange(1, 10) <= n_items[:, None]
    n_given = (filled & inside).sum(axis=1)
    total = frame["total"].to_numpy(dtype=np.float64)
    table.reject("total_or_items", np.isnan(total) & (n_given == 0))
    table.reject("items_complete", (n_given > 0) & (n_given < n_items))
    table.reject("items_beyond", (filled & ~inside).any(axis=1))
    table.reject("item_range", (((items < 0) | (items > 3)) & inside).any(axis=1))
    table.reject("total_range", (total < 0) | (total > 3 * n_items))
    summed = np.where(n_given == n_items, np.where(inside, items, 0).sum(axis=1), np.nan)
    table.reject("total_equals_items", ~np.isnan(summed) & ~np.isnan(total) & (summed != total))
    frame["total"] = np.where(np.isnan(summed), total, summed)
    scale = frame["instrument"].cat.codes.to_numpy().astype(np.int64)
    slot = pd.Series((frame["patient"].to_numpy() * 10 + scale) * 100_000 + frame["day"].to_numpy())[table.is_sound]
    crowded = frame.loc[slot.index[slot.duplicated(keep=False)], ["score_id"]].assign(slot=slot)
    crowded = crowded.sort_values("score_id")
    table.reject("one_score_a_day", frame.index.isin(crowded.index[crowded["slot"].duplicated()]))
    return table


def count_days(sessions: Table, scores: Table, n_patients: int) -> None:
    """Count days from the index day: the first dosing session or, without one, the first record."""
    dosing = sessions.sound()
    first_dose = dosing[dosing["kind"] == "dosing"].groupby("patient")["day"].min()
    records = pd.concat([table.sound()[["patient", "day"]] for table in (sessions, scores)])
    first = records.groupby("patient")["day"].min()
    index_day = first_dose.reindex(range(n_patients)).fillna(first.reindex(range(n_patients))).to_numpy()
    uncertain = sessions.frame[~sessions.is_sound & (sessions.frame["kind"] == "dosing").to_numpy()]
    is_early = (uncertain["day"].to_numpy() < index_day[uncertain["patient"]]) & (uncertain["patient"] >= 0)
    sessions.frame.attrs["uncertain"] = np.unique(uncertain["patient"][is_early])
    for table in (sessions, scores):
        table.frame["day"] = table.frame["day"] - index_day[table.frame["patient"]]
        table.reject("span", table.is_sound & (table.frame["day"].abs() > WIDEST_SPAN_DAYS).to_numpy())


def count_warnings(sessions: Table, scores: Table, n_patients: int) -> dict[str, int]:
    """Count rows that keep every rule and still look wrong: out of order, unusual, or too close together."""
    kept = sessions.sound()
    is_dose = (kept["kind"] == "dosing").to_numpy()
    has_dose = np.bincount(kept["patient"].to_numpy()[is_dose], minlength=n_patients)[kept["patient"]] > 0
    is_after = kept["kind"].isin(["integration", "follow_up"]).to_numpy()
    dose = kept["dose_mg"].to_numpy()
    limits = {"intramuscular": (5, 300), "sublingual": (10, 600)}
    low = _by_category(kept["route"], {route: limit[0] for route, limit in limits.items()}, np.nan)
    high = _by_category(kept["route"], {route: limit[1] for route, limit in limits.items()}, np.nan)
    spaced = scores.sound()[["patient", "instrument", "day"]].sort_values(["patient", "instrument", "day"])
    gap = spaced["day"].diff().to_numpy()
    same = (spaced["patient"].diff().to_numpy() == 0) & (spaced["instrument"].cat.codes.diff().to_numpy() == 0)
    return {
        "before_dose": int((is_after & (~has_dose | (kept["day"] < 0).to_numpy())).sum()),
        "late_screening": int(
            ((kept["kind"] == "screening").to_numpy() & has_dose & (kept["day"] > 0).to_numpy()).sum()
        ),
        "repeated_dose": int(kept.loc[is_dose, ["patient", "day"]].duplicated(keep=False).sum()),
        "unusual_dose": int(((dose < low) | (dose > high)).sum()),
        "recall_overlap": int((same & (gap < 14)).sum()),
    }


def courses_of(sessions: pd.DataFrame) -> pd.DataFrame:
    """Return one row a course: a gap of more than 90 days between doses begins a new one."""
    doses = sessions[sessions["kind"] == "dosing"].sort_values(["patient", "day"], kind="stable")
    is_new = (doses["patient"] != doses["patient"].shift()) | (doses["day"].diff() > GAP_DAYS)
    doses = doses.assign(course=is_new.cumsum())
    grouped = doses.groupby("course")
    courses = grouped.agg(
        patient=("patient", "first"), first_day=("day", "first"), last_day=("day", "last"), n_doses=("day", "size"),
        route=("route", "first"), first_dose_mg=("dose_mg", "first"),
    )  # fmt: skip
    courses["place"] = courses.groupby("patient").cumcount() + 1
    return courses


def exposure_of(sessions: pd.DataFrame, first_day: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Return integration after the first dose, by patient."""
    integration = sessions[sessions["kind"] == "integration"]
    patient = integration["patient"].to_numpy()
    day = integration["day"].to_numpy() - first_day[patient]
    counts = {
        limit: np.bincount(patient[(day >= 0) & (day <= limit)], minlength=len(first_day)) for limit in (3, 7, 28, 84)
    }
    return {
        "integration_within_72_hours": (counts[3] >= 1).astype(float),
        "integration_within_7_days": ((counts[3] >= 1) & (counts[7] >= 2)).astype(float),
        "integration_sessions_by_day_28": counts[28].astype(float),
        "any_integration_by_day_84": (counts[84] >= 1).astype(float),
    }


def visit_scores(scores: pd.DataFrame, first_day: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return baseline and visits of the PHQ-9, one row a patient, NaN where there is none."""
    phq9 = scores[scores["instrument"] == "PHQ-9"]
    patient = phq9["patient"].to_numpy()
    day = phq9["day"].to_numpy() - first_day[patient]
    total = phq9["total"].to_numpy()
    found = np.full((len(first_day), 1 + len(VISITS)), np.nan)
    keys = {0: np.where((day >= -14) & (day <= 0), -day, np.nan)}
    for position, (target, first, last) in enumerate(VISITS.values(), start=1):
        keys[position] = np.where((day >= max(first, 1)) & (day <= last), np.abs(day - target) * 100_000 + day, np.nan)
    for position, key in keys.items():
        inside = ~np.isnan(key)
        chosen = pd.Series(key[inside], index=np.flatnonzero(inside)).groupby(patient[inside]).idxmin()
        found[chosen.index, position] = total[chosen.to_numpy()]
    return found


def variables_of(patients: pd.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
    """Return what is known of the patients as arrays of numbers and codes."""
    variables = {name: patients[name].to_numpy(dtype=float) for name in ("age_years", "prior_antidepressant_trials")}
    for name in ("site", "sex", "program_booked", "route"):
        variables[name] = patients[name].astype("category").cat.codes.to_numpy(dtype=float)
    bands = [12, 18, 25, 35, 45, 55, 65, 75, 90]
    variables["age_band"] = np.digitize(variables["age_years"], bands).astype(float)
    listed = patients["diagnoses"].astype("category")
    for code in DIAGNOSES:
        holds = np.array([float(code in text.split(";")) for text in listed.cat.categories])
        variables[f"diagnosis_{code}"] = np.append(holds, np.nan)[listed.cat.codes]
    return variables


def analysis_arrays(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return baseline, scores at visits, change and variables of adults' first courses."""
    patients = check_patients(folder)
    all_ids = pd.Index(patients.frame["patient_id"].dropna().unique())
    sound_ids = pd.Index(patients.sound()["patient_id"]).sort_values()
    sessions = check_sessions(folder, all_ids, sound_ids)
    scores = check_scores(folder, all_ids, sound_ids)
    n_patients = len(sound_ids)
    count_days(sessions, scores, n_patients)
    count_warnings(sessions, scores, n_patients)
    courses = courses_of(sessions.sound())
    first = courses[courses["place"] == 1].set_index("patient").reindex(range(n_patients))
    first_day = first["first_day"].to_numpy()
    found = visit_scores(scores.sound(), first_day)
    by_patient = patients.sound().set_index("patient_id").reindex(sound_ids)
    for name in ("route", "first_dose_mg", "n_doses", "last_day"):
        by_patient[name] = first[name].to_numpy()
    is_in = (by_patient["age_years"] >= 18).to_numpy() & ~np.isnan(first_day)
    is_in[sessions.frame.attrs["uncertain"]] = False
    arrays = variables_of(by_patient[is_in])
    arrays |= {name: by_patient[name].to_numpy(dtype=float)[is_in] for name in ("first_dose_mg", "n_doses")}
    arrays |= {name: values[is_in] for name, values in exposure_of(sessions.sound(), first_day).items()}
    arrays["baseline"] = found[is_in, 0]
    arrays["scores"] = found[is_in, 1:]
    arrays["change"] = arrays["scores"] - arrays["baseline"][:, None]
    return arrays
