"""The table of persons, with a file of the clinic's own beside it, as patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.identifiers import AGE_RULE, Finding
from katoutcomes.registry.readers.coded.patient_columns import PatientRows, texts
from katoutcomes.registry.readers.coded.scores import Score
from katoutcomes.registry.readers.coded.sessions import Session
from katoutcomes.registry.readers.conversion import ConvertedTable, FurtherRows, LeftOut, RowProblem
from katoutcomes.registry.readers.omop.sections import OmopMapping
from katoutcomes.registry.tables import HIGHEST_AGE_YEARS, PATIENTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine


@dataclass(frozen=True, slots=True, eq=False)
class Persons:
    """The patients of a CDM folder.

    Attributes
    ----------
    table : ConvertedTable
        One row a person.
    left_out : tuple of LeftOut
        Rows of the clinic's own file about nobody in the table of persons.
    findings : tuple of Finding
        Ages above 89.
    faults : tuple of str
        Keys that stand twice in the clinic's own file.
    """

    table: ConvertedTable
    left_out: tuple[LeftOut, ...]
    findings: tuple[Finding, ...]
    faults: tuple[str, ...]


def index_years(sessions: Sequence[Session], scores: Sequence[Score]) -> dict[str, int]:
    """Return the calendar year of each patient's first dosing session, or else of the first record of any kind."""
    first: dict[str, tuple[bool, str]] = {}
    dated = [(one.patient, one.moment.date, one.meaning.kind != "dosing") for one in sessions]
    dated += [(score.patient, score.date, True) for score in scores]
    for patient, date, is_other in dated:
        if patient is not None and date is not None and date[:4].isdigit() and len(date) == 10:
            first[patient] = min(first.get(patient, (is_other, date)), (is_other, date))
    return {patient: int(date[:4]) for patient, (_, date) in first.items()}


def read_persons(
    engine: Engine,
    mapping: OmopMapping,
    files: tuple[tuple[int, str], tuple[int, str] | None],
    years: Mapping[str, int],
    own: PatientRows | None,
) -> Persons:
    """Return the patients.

    Parameters
    ----------
    engine : Engine
        Holds ``omop_person`` and ``omop_concept``.
    mapping : OmopMapping
        What genders mean, and whether the age is worked out.
    files : ((int, str), (int, str) or None)
        Position and name of the file of persons, and of the clinic's own file.
    years : mapping of str to int
        Calendar year of each patient's index date.
    own : PatientRows or None
        The clinic's own file.
    """
    import numpy as np

    cells = engine.fetch(
        "select p.input_row, p.person, p.gender, p.birth_year, g.vocabulary, g.code from omop_person as p "
        "left join omop_concept as g on p.gender = g.concept order by p.input_row"
    )
    keys = texts(cells["person"])
    columns: dict[str, NDArray[Any]] = {PATIENTS.key: np.array([*keys, None], dtype=object)[:-1]}
    problems: list[RowProblem] = []
    findings: tuple[Finding, ...] = ()
    if mapping.sexes:
        codes = list(zip(texts(cells["vocabulary"]), texts(cells["code"]), strict=True))
        columns["sex"], wrong = _sexes(codes, texts(cells["gender"]), mapping)
        description = f"must be a gender that the mapping decodes ({len(mapping.sexes)} are)"
        if wrong:
            problems.append(RowProblem("not_decoded", "sex", description, np.array(wrong, dtype=np.int64)))
    ages, n_high = _ages(keys, texts(cells["birth_year"]), years)
    findings = (Finding(files[0][1], "year_of_birth", AGE_RULE, n_high),) * (n_high > 0)
    if mapping.age == "index_year":
        columns["age_years"] = ages
    table = ConvertedTable(
        schema=PATIENTS,
        columns=columns,
        file=np.full(len(keys), files[0][0], dtype=np.int32),
        file_row=cells["input_row"],
        problems=tuple(problems),
    )
    if own is None or files[1] is None:
        return Persons(table, (), findings, ())
    return _with_own(table, own, files[1], findings)


def _sexes(
    codes: Sequence[tuple[str | None, str | None]], genders: Sequence[str | None], mapping: OmopMapping
) -> tuple[NDArray[Any], list[int]]:
    import numpy as np

    sexes = np.empty(len(codes), dtype=object)
    wrong = []
    for position, ((vocabulary, code), gender) in enumerate(zip(codes, genders, strict=True)):
        known = mapping.sexes.get((vocabulary or "", code or ""))
        if known is not None:
            sexes[position] = known
        elif gender not in (None, "0"):  # 0 is the CDM's "no matching concept"
            wrong.append(position)
    return sexes, wrong


def _ages(
    keys: Sequence[str | None], birth_years: Sequence[str | None], years: Mapping[str, int]
) -> tuple[NDArray[Any], int]:
    """Return the difference of the years, and how many ages are above 89."""
    import numpy as np

    ages = np.empty(len(keys), dtype=object)
    n_high = 0
    for position, (key, birth_year) in enumerate(zip(keys, birth_years, strict=True)):
        text = birth_year or ""
        if key in years and len(text) == 4 and text.isdigit():
            age = years[key or ""] - int(text)
            ages[position] = str(age)
            n_high += age > HIGHEST_AGE_YEARS
    return ages, n_high


def _with_own(table: ConvertedTable, own: PatientRows, file: tuple[int, str], findings: tuple[Finding, ...]) -> Persons:
    """Add the columns of the clinic's own file."""
    import numpy as np

    place: dict[Any, int] = {}
    n_repeated = 0
    for row, key in enumerate(own.columns[PATIENTS.key]):
        n_repeated += key in place
        place[key] = row
    if n_repeated:
        fault = f"{file[1]}: rule unique: keys that stand in more than one row: {n_repeated}; each must stand in one."
        return Persons(table, (), findings, (fault,))
    persons = table.columns[PATIENTS.key]
    rows = np.array([place.get(key, -1) for key in persons], dtype=np.int64)
    known = np.flatnonzero(rows >= 0)
    columns = dict(table.columns)
    for name, values in own.columns.items():
        if name != PATIENTS.key:
            columns[name] = np.array([*(values[row] if row >= 0 else None for row in rows), None], dtype=object)[:-1]
    problems = [
        RowProblem(one.rule, one.column, one.description, np.flatnonzero(np.isin(rows, one.positions)))
        for one in own.problems
    ]
    further = FurtherRows(known, np.full(len(known), file[0], dtype=np.int32), rows[known] + 1)
    nobody = np.setdiff1d(np.arange(own.n_rows), rows) + 1
    text = "must be about somebody in the table of persons"
    left_out = (LeftOut(file[1], "no_person", PATIENTS.key, text, nobody),) if len(nobody) else ()
    joined = ConvertedTable(PATIENTS, columns, table.file, table.file_row, (*table.problems, *problems), further)
    return Persons(joined, left_out, findings, ())
