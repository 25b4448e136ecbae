"""Records of one table on their way from the sections of a mapping to a `ConvertedTable`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.readers.conversion import ConvertedTable, FurtherRows, RowProblem
from katoutcomes.registry.readers.mapped_tables.keys import generated_keys, repeats
from katoutcomes.registry.readers.mapped_tables.nominal_days import first_dose_dates, put_dates
from katoutcomes.registry.tables import SCORES, SESSIONS, TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from katoutcomes.registry.readers.mapped_tables.cells import Refusal
    from katoutcomes.registry.tables import TableSchema


@dataclass(slots=True, eq=False)
class Records:
    """Records that one section makes of one file.

    Attributes
    ----------
    schema : TableSchema
        Which table.
    columns : dict of str to array of object
        Text by column of the schema, None where it is unknown.
    file : int
        Position of the file.
    rows : array of int64
        Row of the file that each record was made from.
    refused : dict of (str, Refusal) to array of int64
        By column: positions of records with a cell that could not be read.
    further : tuple of (array of int64, array of int64)
        Positions of records, and further rows of the file that make the same record.
    sessions : tuple of (Records, array of int64), optional
        Sessions that scores belong to: those of the same rows of the file.
    visit_day : int, optional
        Day of the visit that the mapping states for all of these scores, counted from the first dose.
    """

    schema: TableSchema
    columns: dict[str, NDArray[Any]]
    file: int
    rows: NDArray[Any]
    refused: dict[tuple[str, Refusal], NDArray[Any]] = field(default_factory=dict)
    further: tuple[NDArray[Any], NDArray[Any]] | None = None
    sessions: tuple[Records, NDArray[Any]] | None = None
    visit_day: int | None = None

    def merged(self) -> Records:
        """Return the records with each that stands in several rows once; the other rows are named as further ones."""
        import numpy as np

        first: dict[tuple[Any, ...], int] = {}
        kept: list[int] = []
        into: list[int] = []
        again: list[int] = []
        broken = {int(position) for positions in self.refused.values() for position in positions}
        for position, record in enumerate(zip(*self.columns.values(), strict=True)):
            if position in broken or record not in first:
                if position not in broken:
                    first[record] = len(kept)
                kept.append(position)
            else:
                into.append(first[record])
                again.append(position)
        places = np.array(kept, dtype=np.int64)
        new_place = {position: place for place, position in enumerate(kept)}
        return Records(
            self.schema,
            {name: values[places] for name, values in self.columns.items()},
            self.file,
            self.rows[places],
            {
                key: np.array([new_place[int(position)] for position in positions], dtype=np.int64)
                for key, positions in self.refused.items()
            },
            (np.array(into, dtype=np.int64), self.rows[np.array(again, dtype=np.int64)]),
            visit_day=self.visit_day,
        )


def joined_tables(records: Sequence[Records]) -> tuple[ConvertedTable, ...]:
    """Return one table for each schema that has records, keys filled in where a file has none.

    Parameters
    ----------
    records : sequence of Records
        In the order of the mapping.
    """
    tables: list[ConvertedTable] = []
    session_ids: dict[int, NDArray[Any]] = {}
    for schema in TABLES:  # sessions come before scores, which may name them
        parts = [part for part in records if part.schema is schema]
        if not parts:
            continue
        for part in parts:
            if part.sessions is not None:
                sessions, positions = part.sessions
                part.columns["session_id"] = session_ids[id(sessions)][positions]
        if schema is SCORES:
            _put_dates(parts, next((made for made in tables if made.schema is SESSIONS), None))
        table = _joined(schema, parts)
        tables.append(table)
        if schema is SESSIONS:
            ids = _split(table.columns["session_id"], parts)
            session_ids = {id(part): keys for part, keys in zip(parts, ids, strict=True)}
    return tuple(tables)


def _put_dates(scores: Sequence[Records], sessions: ConvertedTable | None) -> None:
    """Give scores of stated visit days a date where the sessions have dates."""
    if sessions is not None and {"date", "kind"} <= set(sessions.columns):
        first_doses = first_dose_dates(sessions)
        for part in scores:
            put_dates(part, first_doses)


def _split(values: NDArray[Any], parts: Sequence[Records]) -> list[NDArray[Any]]:
    import numpy as np

    return np.split(values, np.cumsum([len(part.rows) for part in parts])[:-1])


def _joined(schema: TableSchema, parts: Sequence[Records]) -> ConvertedTable:
    """Put the records of all parts one after the other; what a part lacks is unknown there."""
    import numpy as np

    starts = [0, *np.cumsum([len(part.rows) for part in parts])[:-1].tolist()]
    names = dict.fromkeys(name for part in parts for name in part.columns)
    columns = {
        name: np.concatenate([part.columns.get(name, np.full(len(part.rows), None, object)) for part in parts])
        for name in names
    }
    problems = [
        RowProblem(refusal.rule, column, refusal.description, positions + start)
        for part, start in zip(parts, starts, strict=True)
        for (column, refusal), positions in part.refused.items()
    ]
    lacks_key = np.concatenate([np.full(len(part.rows), schema.key not in part.columns) for part in parts])
    if lacks_key.any():
        refused = {int(position) for problem in problems for position in problem.positions}
        columns, again = _with_keys(schema, columns, np.flatnonzero(lacks_key), refused)
        problems.append(again)
    return ConvertedTable(
        schema=schema,
        columns=columns,
        file=np.concatenate([np.full(len(part.rows), part.file, dtype=np.int32) for part in parts]),
        file_row=np.concatenate([part.rows for part in parts]),
        problems=_by_rule(problems),
        further=_further(parts, starts),
    )


def _by_rule(problems: list[RowProblem]) -> tuple[RowProblem, ...]:
    """Put problems of the same column, rule and description, found in several files, together."""
    import numpy as np

    same: dict[tuple[str, str, str], list[NDArray[Any]]] = {}
    for problem in problems:
        same.setdefault((problem.column, problem.rule, problem.description), []).append(problem.positions)
    return tuple(
        RowProblem(rule, column, description, np.unique(np.concatenate(positions)))
        for (column, rule, description), positions in same.items()
    )


def _further(parts: Sequence[Records], starts: Sequence[int]) -> FurtherRows | None:
    import numpy as np

    merged = [(part, start, part.further) for part, start in zip(parts, starts, strict=True) if part.further]
    if not merged:
        return None
    return FurtherRows(
        np.concatenate([positions + start for _, start, (positions, _) in merged]),
        np.concatenate([np.full(len(rows), part.file, dtype=np.int32) for part, _, (_, rows) in merged]),
        np.concatenate([rows for _, _, (_, rows) in merged]),
    )


def _with_keys(
    schema: TableSchema, columns: dict[str, NDArray[Any]], positions: NDArray[Any], refused: set[int]
) -> tuple[dict[str, NDArray[Any]], RowProblem]:
    """Fill in the keys of records of files that have none, and find those that say the same as another."""
    import numpy as np

    content = {name: values[positions] for name, values in columns.items() if name != schema.key}
    keys = columns.get(schema.key, np.full(len(columns["patient_id"]), None, dtype=object)).copy()
    keys[positions] = generated_keys(schema, content)
    sound = np.array([position not in refused for position in positions.tolist()], dtype=bool)
    again = positions[sound][repeats({name: values[sound] for name, values in content.items()})]
    description = "must not be said by another row already; these rows have no key that would tell them apart"
    rest = {name: values for name, values in columns.items() if name != schema.key}
    return {schema.key: keys, **rest}, RowProblem("repeated_row", schema.key, description, again)
