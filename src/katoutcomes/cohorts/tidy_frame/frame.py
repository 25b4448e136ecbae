"""A tidy frame becomes an analysis set: what `AnalysisSet.from_frame` does, step by step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.analysis_set import AnalysisSet, AttritionStep, Variable
from katoutcomes.cohorts.exposure import require_time_zero
from katoutcomes.cohorts.tidy_frame.rules import (
    Problem,
    broken,
    one_row_a_visit,
    one_value_a_patient,
    read_scores,
    require_no_problem,
)
from katoutcomes.cohorts.tidy_frame.values import (
    CodedColumn,
    code_covariate,
    code_treatment,
    is_infinite,
    level_name,
    with_first_level,
)
from katoutcomes.cohorts.tidy_frame.visits import VisitColumn, choose_visits, read_visit_column, visit_name
from katoutcomes.cohorts.value_order import in_value_order
from katoutcomes.errors import DataError, OptionError
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.results.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from katoutcomes.estimands.visit_window import VisitWindow


@dataclass(frozen=True, slots=True)
class FrameColumns:
    """Which column of a frame plays which part; the fields are those of `AnalysisSet.from_frame`."""

    patient: str
    visit: str
    score: str
    baseline: str | float
    treatment: str | None
    covariates: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The checked rows of a frame, as codes and numbers, and the values that each patient has once."""

    patient: NDArray[np.int64]
    n_patients: int
    visit: VisitColumn
    score: NDArray[np.float64]
    baseline: NDArray[np.float64]
    """Shape (n_patients,); the other arrays have one entry a row."""
    baseline_name: str | None
    """Name of the baseline visit, or None where the baseline is a column."""
    coded: tuple[tuple[str, CodedColumn], ...]
    """Treatment (if any) and covariates, one value a patient."""


def analysis_set_from_frame(
    df: Any,
    columns: FrameColumns,
    *,
    instrument: str | Instrument,
    visits: Mapping[Any, int] | Sequence[VisitWindow] | None,
    treatment_known_by_day: int | None,
    comparator: str | float | None,
    name: str,
) -> AnalysisSet:
    """Return the analysis set of a tidy frame; see `AnalysisSet.from_frame` for every argument."""
    if columns.treatment is not None:
        require_time_zero(columns.treatment, treatment_known_by_day)
    scale = _instrument(instrument)
    frame = _as_pandas(df)
    baseline_is_column = columns.baseline in frame.columns
    _require_columns(frame, columns, baseline_is_column=baseline_is_column)
    rows = _read_rows(frame, columns, scale, baseline_is_column=baseline_is_column)
    choice = choose_visits(rows.visit, ~np.isnan(rows.score), rows.baseline_name, visits)
    variables, notes = _variables(rows, columns.treatment, treatment_known_by_day, comparator)
    baseline, scores, ordered = in_value_order(rows.baseline, _score_matrix(rows, choice.windows), variables)
    return AnalysisSet(
        instrument=scale,
        visits=choice.windows,
        baseline=baseline,
        scores=scores,
        variables=ordered,
        treatment=columns.treatment,
        attrition=(AttritionStep("in the data", "", rows.n_patients, 0),),
        cohort=name,
        population=name,
        provenance=Provenance(
            source="frame",
            digest=_digest(scale, choice.windows, baseline, scores, ordered),
            settings=_settings(columns, scale, choice.windows, treatment_known_by_day, baseline_is_column),
        ),
        notes=choice.notes + notes,
    )


def _instrument(instrument: str | Instrument) -> Instrument:
    if isinstance(instrument, Instrument):
        return instrument
    from katoutcomes.instruments import catalog

    return catalog.instrument(instrument)


def _as_pandas(df: Any) -> pd.DataFrame:
    import pandas as pd

    frame = df.to_pandas() if hasattr(df, "to_pandas") else df
    if not isinstance(frame, pd.DataFrame):
        raise OptionError("df must be a pandas data frame or have a to_pandas() method.")
    return frame


def _require_columns(frame: pd.DataFrame, columns: FrameColumns, *, baseline_is_column: bool) -> None:
    needed: list[str] = [columns.patient, columns.visit, columns.score]
    needed += [str(columns.baseline)] if baseline_is_column else []
    needed += [columns.treatment] if columns.treatment is not None else []
    needed += columns.covariates
    if len(set(needed)) < len(needed):
        raise OptionError("each column plays one part; one was named for two.")
    found = list(frame.columns)
    problems = [
        Problem(name, "column_is_there", "the column is there, once")
        for name in needed
        if sum(column == name for column in found) != 1
    ]
    require_no_problem(problems)
    if frame.empty:
        raise DataError("the frame has no rows.")


def _read_rows(
    frame: pd.DataFrame, columns: FrameColumns, instrument: Instrument, *, baseline_is_column: bool
) -> _Rows:
    import pandas as pd

    patient, keys = pd.factorize(frame[columns.patient])
    visit = read_visit_column(frame[columns.visit])
    score, problems = read_scores(frame[columns.score], instrument)
    problems += broken(columns.patient, "patient_is_known", "no cell is empty", patient < 0)
    problems += broken(columns.visit, "visit_is_label", "text or a number in every cell", visit.codes < 0)
    problems += one_row_a_visit((columns.patient, columns.visit), patient, visit.codes)
    baseline_name = None if baseline_is_column else _baseline_visit(columns.baseline, visit)
    if baseline_name is None:
        by_row, baseline_problems = read_scores(frame[columns.baseline], instrument)
        problems += baseline_problems
    else:
        by_row = np.where(visit.codes == visit.names.index(baseline_name), score, np.nan)
    baseline, baseline_problems = one_value_a_patient(str(columns.baseline), by_row, patient, len(keys))
    coded, coding_problems = _coded_columns(frame, columns, patient, len(keys))
    # Of two baseline rows of one patient the repeated row has been named already.
    require_no_problem(problems + (baseline_problems if baseline_name is None else []) + coding_problems)
    return _Rows(patient, len(keys), visit, score, baseline, baseline_name, coded)


def _baseline_visit(baseline: str | float, visit: VisitColumn) -> str:
    name = visit_name(baseline)
    if name is None or name not in visit.names:
        raise OptionError(
            f"baseline={baseline!r} is neither a column of the frame nor a label of its visit column; name the column "
            "that holds the baseline score, or the visit that is the baseline."
        )
    return name


def _coded_columns(
    frame: pd.DataFrame, columns: FrameColumns, patient: NDArray[np.int64], n_patients: int
) -> tuple[tuple[tuple[str, CodedColumn], ...], list[Problem]]:
    treatment = () if columns.treatment is None else (columns.treatment,)
    found: list[tuple[str, CodedColumn]] = []
    problems: list[Problem] = []
    for name in (*treatment, *columns.covariates):
        infinite = broken(name, "number_is_finite", "no number is infinite or too large", is_infinite(frame[name]))
        if infinite:
            problems += infinite
            continue
        by_row = code_treatment(frame[name]) if name in treatment else code_covariate(frame[name])
        if by_row is None:
            problems.append(Problem(name, "can_be_a_variable", "numbers, bool, text or a categorical of these"))
            continue
        values, value_problems = one_value_a_patient(name, by_row.values, patient, n_patients)
        problems += value_problems
        found.append((name, replace(by_row, values=values)))
    return tuple(found), problems


def _score_matrix(rows: _Rows, windows: tuple[VisitWindow, ...]) -> NDArray[np.float64]:
    names = [window.name for window in windows]
    column_of = np.array([names.index(name) if name in names else -1 for name in rows.visit.names], dtype=np.int64)
    column = column_of[rows.visit.codes]
    is_counted = (column >= 0) & ~np.isnan(rows.score)
    scores = np.full((rows.n_patients, len(windows)), np.nan)
    scores[rows.patient[is_counted], column[is_counted]] = rows.score[is_counted]
    return scores


def _variables(
    rows: _Rows, treatment: str | None, known_by_day: int | None, comparator: str | float | None
) -> tuple[tuple[Variable, ...], tuple[str, ...]]:
    notes: list[str] = []
    variables: list[Variable] = []
    for name, coded in rows.coded:
        if name != treatment:
            variables.append(Variable(name, name, coded.kind, coded.values, coded.levels, known_by_day=None))
            continue
        ordered = coded if comparator is None else _with_comparator(name, coded, level_name(comparator))
        variables.append(Variable(name, name, "category", ordered.values, ordered.levels, known_by_day=known_by_day))
        if known_by_day is None:
            notes.append(f"It is assumed, not stated, that {name!r} was known for everybody at time zero.")
    covariates = [repr(variable.name) for variable in variables if variable.name != treatment]
    if covariates:
        notes.append(f"It is assumed, not stated, that {', '.join(covariates)} were known at time zero.")
    read_text = [repr(name) for name, coded in rows.coded if coded.is_read_text]
    if read_text:
        notes.append(f"The text in {', '.join(read_text)} spells numbers and was read as numbers, not as categories.")
    return tuple(variables), tuple(notes)


def _with_comparator(treatment: str, coded: CodedColumn, comparator: str) -> CodedColumn:
    if comparator not in coded.levels:
        raise OptionError(
            f"comparator={comparator!r} is none of the {len(coded.levels)} levels of column {treatment!r}."
        )
    return with_first_level(coded, comparator)


def _settings(
    columns: FrameColumns,
    instrument: Instrument,
    windows: tuple[VisitWindow, ...],
    known_by_day: int | None,
    baseline_is_column: bool,
) -> tuple[tuple[str, str], ...]:
    settings = [
        ("instrument", instrument.name),
        ("baseline", f"{'column' if baseline_is_column else 'visit'} {columns.baseline}"),
        ("visits", "; ".join(f"{window.name}: day {window.target_day}" for window in windows)),
    ]
    if columns.treatment is not None:
        settings.append(("treatment", columns.treatment))
        settings.append(("treatment known by day", "not stated" if known_by_day is None else str(known_by_day)))
    return tuple(settings)


def _digest(
    instrument: Instrument,
    windows: tuple[VisitWindow, ...],
    baseline: NDArray[np.float64],
    scores: NDArray[np.float64],
    variables: tuple[Variable, ...],
) -> str:
    labels = {
        "instrument": instrument.id,
        "visits": [[window.name, window.target_day, window.first_day, window.last_day] for window in windows],
        "variables": [[variable.name, variable.kind, list(variable.levels)] for variable in variables],
    }
    digest = hashlib.sha256(json.dumps(labels, sort_keys=True).encode("utf-8"))
    for array in [baseline, scores, *map(attrgetter("values"), variables)]:
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()
