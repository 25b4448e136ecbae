"""Sessions, scores and patients of an export as tables of the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from katoutcomes.instruments.catalog import instrument
from katoutcomes.registry.readers.coded import scores as score_rules
from katoutcomes.registry.readers.coded import sessions as session_rules
from katoutcomes.registry.readers.coded.forms import Line
from katoutcomes.registry.readers.coded.patient_columns import PatientRows
from katoutcomes.registry.readers.coded.scale_codes import ScaleCodes
from katoutcomes.registry.readers.coded.scores import Score
from katoutcomes.registry.readers.coded.sessions import Session
from katoutcomes.registry.readers.conversion import ConvertedTable, FurtherRows, RowProblem
from katoutcomes.registry.tables import PATIENTS, SCORES, SESSIONS, TableSchema

if TYPE_CHECKING:
    from numpy.typing import NDArray

Cells = dict[str, str | None]


def session_table(sessions: Sequence[Session]) -> ConvertedTable:
    """Return the table of sessions."""
    rows: list[Cells] = [
        {
            "session_id": one.id,
            "patient_id": one.patient,
            "date": one.moment.date,
            "time": one.moment.time,
            "kind": one.meaning.kind,
            "route": one.route,
            "dose_mg": one.dose_mg,
            "dose_mg_per_kg": one.dose_mg_per_kg,
            "approach": one.meaning.approach or None,
            "duration_minutes": None if one.minutes is None else str(one.minutes),
            "format": one.meaning.session_format or None,
        }
        for one in sessions
    ]
    lines = [one.lines for one in sessions]
    return _table(SESSIONS, rows, lines, [one.problems for one in sessions], session_rules.PROBLEMS)


def score_table(scores: Sequence[Score], sessions: Sequence[Session], codes: ScaleCodes) -> ConvertedTable:
    """Return the table of scores. Scores of states during a session name their session."""
    by_name, by_encounter = _sessions_by_name(sessions), _sessions_by_encounter(sessions)
    is_state = {scale: instrument(scale).use == "session_state" for scale in {score.instrument for score in scores}}
    numbers = sorted({number for score in scores for number in score.items})
    rows: list[Cells] = []
    for score in scores:
        session = None
        if is_state[score.instrument]:
            named = [by_name[name] for name in score.part_of if name in by_name]
            session = named[0] if named else by_encounter.get(score.encounter)
        rows.append(
            {
                "score_id": score.id,
                "patient_id": score.patient,
                "session_id": session,
                "date": score.date,
                "time": score.time,
                "instrument": score.instrument,
                "version": codes.versions.get(score.instrument),
                "metric": codes.metrics.get(score.instrument) if score.total is not None else None,
                "total": score.total,
                **{f"item_{number}": score.items.get(number) for number in numbers},
            }
        )
    # A cell with a problem is unknown; its column must be there all the same.
    for column in sorted({column for score in scores for _, column in score.problems}):
        for row in rows:
            row.setdefault(column, None)
    lines = [score.lines for score in scores]
    return _table(SCORES, rows, lines, [score.problems for score in scores], score_rules.PROBLEMS)


def _sessions_by_name(sessions: Sequence[Session]) -> dict[str, str]:
    return {name: session.id for session in sessions for name in session.names}


def _sessions_by_encounter(sessions: Sequence[Session]) -> dict[str, str]:
    """Return the session of each visit that has one session only."""
    found: dict[str, list[str]] = {}
    for session in sessions:
        if session.encounter:
            found.setdefault(session.encounter, []).append(session.id)
    return {encounter: ids[0] for encounter, ids in found.items() if len(ids) == 1}


def patients_with_records(sessions: Sequence[Session], scores: Sequence[Score]) -> ConvertedTable:
    """Return the table of patients where no file tells about them: everybody with a record, and nothing but the key."""
    first: dict[str, Line] = {}
    records = [(one.patient, one.lines) for one in sessions] + [(one.patient, one.lines) for one in scores]
    for patient, lines in records:
        if patient is not None:
            first[patient] = min(first.get(patient, lines[0]), *lines)
    rows: list[Cells] = [{"patient_id": patient} for patient in sorted(first)]
    return _table(PATIENTS, rows, [[first[patient]] for patient in sorted(first)], [set()] * len(first), {})


def patients_of_file(rows: PatientRows, file: int) -> ConvertedTable:
    """Return the table of patients that a file tells about.

    Parameters
    ----------
    rows : PatientRows
        What it says.
    file : int
        Its position among the files.
    """
    import numpy as np

    return ConvertedTable(
        schema=PATIENTS,
        columns=rows.columns,
        file=np.full(rows.n_rows, file, dtype=np.int32),
        file_row=np.arange(1, rows.n_rows + 1, dtype=np.int64),
        problems=rows.problems,
    )


def _table(
    schema: TableSchema,
    rows: Sequence[Cells],
    lines: Sequence[Sequence[Line]],
    problems: Sequence[set[tuple[str, str]]],
    descriptions: Mapping[str, str],
) -> ConvertedTable:
    import numpy as np

    names = list(rows[0]) if rows else [column.name for column in schema.columns if column.kind != "day"]
    first = np.array([line[0] for line in lines], dtype=np.int64).reshape(-1, 2)
    more = [(position, *line) for position, found in enumerate(lines) for line in found[1:]]
    further = np.array(more, dtype=np.int64).reshape(-1, 3)
    return ConvertedTable(
        schema=schema,
        columns={name: _column([row[name] for row in rows]) for name in names},
        file=first[:, 0].astype(np.int32),
        file_row=first[:, 1],
        problems=_row_problems(problems, descriptions),
        further=FurtherRows(further[:, 0], further[:, 1].astype(np.int32), further[:, 2]),
    )


def _column(values: list[str | None]) -> NDArray[Any]:
    import numpy as np

    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _row_problems(problems: Sequence[set[tuple[str, str]]], descriptions: Mapping[str, str]) -> tuple[RowProblem, ...]:
    import numpy as np

    positions: dict[tuple[str, str], list[int]] = {}
    for position, found in enumerate(problems):
        for problem in found:
            positions.setdefault(problem, []).append(position)
    return tuple(
        RowProblem(rule, column, descriptions[rule], np.array(where, dtype=np.int64))
        for (rule, column), where in sorted(positions.items())
    )
