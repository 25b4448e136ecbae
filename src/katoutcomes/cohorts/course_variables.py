"""What is known of the patients of a cohort, as variables: labels, units, levels and by which day each is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.analysis_set import Variable
from katoutcomes.cohorts.exposure import sounds_later
from katoutcomes.cohorts.tidy_frame.values import code_numbers
from katoutcomes.registry.engines.coded_texts import CodedTexts
from katoutcomes.vocabulary import AGE_BANDS, APPROACHES, DIAGNOSES, PROGRAMS, ROUTES, SEXES

if TYPE_CHECKING:
    from numpy.typing import NDArray

Columns = dict[str, "NDArray[Any]"]


@dataclass(frozen=True, slots=True)
class _Column:
    """How a column of the cohort's table becomes a variable; the fields are those of `Variable`."""

    name: str
    label: str
    kind: str
    unit: str = ""
    known_by_day: int = 0
    order: tuple[str, ...] = ()
    """The vocabulary's order of the levels; empty: levels are sorted. Only levels that occur are kept."""


_OF_PATIENTS: tuple[_Column, ...] = (
    _Column("site", "Site", "category"),
    _Column("age_years", "Age", "number", "years"),
    _Column("age_band", "Age band", "category", order=AGE_BANDS),
    _Column("sex", "Sex", "category", order=SEXES),
    _Column("prior_antidepressant_trials", "Prior antidepressant trials", "number", "trials"),
    _Column("program_booked", "Program booked at intake", "category", order=PROGRAMS),
)
_OF_COURSES: tuple[_Column, ...] = (
    _Column("index_quarter", "Quarter of the first dose", "category"),
    _Column("route", "Route of the first dose", "category", order=ROUTES),
    _Column("approach", "Approach of the first dose", "category", order=APPROACHES),
    _Column("first_dose_mg", "First dose", "number", "mg"),
)
_AFTER_FIRST_DOSE: tuple[_Column, ...] = (
    _Column("integration_within_72_hours", "Integration within 72 hours of the first dose", "flag", "", 3),
    _Column("integration_within_7_days", "Integration within 72 hours and again within 7 days", "flag", "", 7),
    _Column("integration_sessions_by_day_28", "Integration sessions by day 28", "number", "sessions", 28),
    _Column("any_integration_by_day_84", "Any integration by day 84", "flag", "", 84),
)


def course_variables(columns: Columns, patient_columns: Sequence[str]) -> tuple[Variable, ...]:
    """Return every variable of a cohort's table.

    Parameters
    ----------
    columns : dict of str to ndarray, shape (n_patients,)
        The cohort's table, one row a patient; unknown values are masked. What has become a variable is taken out, so
        that the table and the variables of millions of patients are never there at once.
    patient_columns : sequence of str
        The ``eligible_*`` and ``covariate_*`` columns of the registry.

    Returns
    -------
    tuple of Variable
        Always the same names for one registry; a variable that is known for nobody is there and NaN. What came after
        the first dose carries the day by which it is known, so that it can be described but never define a cohort.
    """
    return (
        *(_variable(column, columns) for column in _OF_PATIENTS),
        *_diagnoses(columns.pop("diagnoses")),
        *(_patient_column(name, columns.pop(name)) for name in patient_columns),
        *(_variable(column, columns) for column in _OF_COURSES),
        *_phases(columns),
        *(_variable(column, columns) for column in _AFTER_FIRST_DOSE),
    )


def as_floats(column: NDArray[Any]) -> NDArray[np.float64]:
    """Return a column of numbers as floats, NaN where it is masked."""
    floats: NDArray[np.float64] = np.ma.filled(column.astype(np.float64), np.nan)
    return floats


def as_texts(column: NDArray[Any]) -> list[str | None]:
    """Return a column of texts as a list, None where it is masked."""
    texts: list[str | None] = np.ma.asarray(column).tolist()  # a masked cell becomes None
    return texts


def as_coded(column: NDArray[Any] | CodedTexts) -> CodedTexts:
    """Return a column of texts as positions in the list of those that occur, -1 where it is masked."""
    if isinstance(column, CodedTexts):
        return replace(column, codes=column.codes.astype(np.intp))  # as NumPy looks them up
    texts = as_texts(column)
    values = sorted({text for text in texts if text is not None})
    place = {text: position for position, text in enumerate(values)} | {None: -1}
    return CodedTexts(np.array([place[text] for text in texts], dtype=np.intp), tuple(values))


def _variable(column: _Column, columns: Columns) -> Variable:
    cells = columns.pop(column.name)
    if column.kind == "number":
        return _number(column, as_floats(cells))
    levels: tuple[str, ...] = ()
    if column.kind == "category":
        coded = as_coded(cells)
        levels = _levels(coded, column)
        values = _values_of(coded, {level: float(place) for place, level in enumerate(levels)})
    else:
        values = as_floats(cells)
    return Variable(column.name, column.label, column.kind, values, levels, column.unit, column.known_by_day)


def _number(column: _Column, values: NDArray[np.float64]) -> Variable:
    """Return a number, or a category where only two values of it occur, whose mean would give their counts away."""
    coded = code_numbers(values, column.unit, can_be_flag=False)
    unit = column.unit if coded.kind == "number" else ""
    return Variable(column.name, column.label, coded.kind, coded.values, coded.levels, unit, column.known_by_day)


def _levels(coded: CodedTexts, column: _Column) -> tuple[str, ...]:
    if column.order == PROGRAMS:
        return PROGRAMS  # both cohorts are there by name even if one of them is empty
    n_patients = np.bincount(coded.codes + 1, minlength=len(coded.values) + 1)[1:]
    occurring = {text for text, n in zip(coded.values, n_patients, strict=True) if n}
    return tuple(level for level in column.order or sorted(occurring) if level in occurring)


def _values_of(coded: CodedTexts, value_of: Mapping[str, float]) -> NDArray[np.float64]:
    """Return the number that stands for each text; NaN where the text is not known."""
    numbers = [value_of.get(text, np.nan) for text in coded.values]
    values: NDArray[np.float64] = np.array([*numbers, np.nan])[coded.codes]  # the last one is that of -1
    return values


def _diagnoses(column: NDArray[Any] | CodedTexts) -> tuple[Variable, ...]:
    coded = as_coded(column)
    codes_of = {text: {code.strip() for code in text.split(";")} for text in coded.values}
    return tuple(
        Variable(
            f"diagnosis_{code}",
            f"Diagnosis: {'PTSD' if code == 'ptsd' else code.replace('_', ' ')}",
            "flag",
            _values_of(coded, {text: float(code in codes) for text, codes in codes_of.items()}),
        )
        for code in DIAGNOSES
    )


def _patient_column(name: str, column: NDArray[Any]) -> Variable:
    values = as_floats(column)
    prefix, _, rest = name.partition("_")
    words = rest.replace("_", " ")
    known_by_day = None if sounds_later(rest) else 0  # a promise of the schema, unless the name speaks against it
    if prefix == "eligible":
        return Variable(name, f"Eligible: {words}", "flag", values, known_by_day=known_by_day)
    coded = code_numbers(values)
    return Variable(name, words.capitalize(), coded.kind, coded.values, coded.levels, known_by_day=known_by_day)


def _phases(columns: Columns) -> tuple[Variable, ...]:
    """Return what is counted over the whole course: known for everybody only when the longest course has ended."""
    lasting = as_floats(columns.pop("last_day")) - as_floats(columns.pop("first_day"))
    known_by_day = max(1, int(lasting.max(initial=0.0)))
    del lasting
    flag = (as_floats(columns["reinductions"]) > 0).astype(np.float64)
    numbers = (
        _Column("n_doses", "Dosing sessions in the course", "number", "sessions", known_by_day),
        _Column("induction_doses", "Doses of the induction", "number", "sessions", known_by_day),
        _Column("end_of_induction_day", "Day of the last induction dose", "number", "days", known_by_day),
        _Column("maintenance_doses", "Doses after the induction", "number", "sessions", known_by_day),
        _Column("reinductions", "Re-inductions in the course", "number", "", known_by_day),
    )
    # Later courses begin after this one has ended, so their number is known later than anything that is counted in it.
    n_courses = _Column("n_courses", "Courses in the data", "number", "courses", 1 + known_by_day)
    return (
        *(_variable(column, columns) for column in numbers),
        Variable("any_reinduction", "Any re-induction in the course", "flag", flag, known_by_day=known_by_day),
        _variable(n_courses, columns),
    )
