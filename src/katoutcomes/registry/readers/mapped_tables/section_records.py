"""From the rows of a file to records of a table, and to the scores that stand in columns of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.registry.readers.mapped_tables.cells import (
    ReadColumn,
    Refusal,
    column_reading,
    item_reading,
    read_column,
    time_of_date,
)
from katoutcomes.registry.readers.mapped_tables.records import Records
from katoutcomes.registry.readers.mapped_tables.sections import ITEM, FileSection, ScoreSection
from katoutcomes.registry.readers.mapped_tables.source_files import OpenedFile, item_columns
from katoutcomes.registry.tables import SCORES, Column, TableSchema

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

_EMPTY_ROW = ("empty_row", "", "must hold something")
_NO_SCORE = ("no_score", "", "must hold a total or an item of a score that the mapping names")
_NOT_SELECTED = "must hold what the mapping selects (only_where)"


def section_records(section: FileSection, file: OpenedFile) -> list[Records]:
    """Return what one section makes of one file: records of its table, and scores.

    Parameters
    ----------
    section : FileSection
        What the mapping says.
    file : OpenedFile
        One of its files; which rows are used, and why the others are not, is noted there.
    """
    import numpy as np

    is_chosen = _chosen_rows(section, file)
    found: list[Records] = []
    main: Records | None = None
    if section.schema is not None:
        main = _table_records(section, section.schema, file, is_chosen)
        file.is_used |= is_chosen
        found.append(main.merged() if section.merges_equal_rows else main)
    places = np.cumsum(is_chosen) - 1  # of each row among the records of the table
    has_score = np.zeros(len(file.rows), dtype=bool)
    for score in section.scores:
        scores, is_scored = _score_records(section, score, file, is_chosen)
        if score.belongs_to_session and main is not None and not section.merges_equal_rows:
            scores.sessions = (main, places[is_scored])
        found.append(scores.merged() if section.merges_equal_rows else scores)
        has_score |= is_scored
    file.is_used |= has_score
    file.leave_out(_NO_SCORE, is_chosen & ~has_score)
    return found


def _chosen_rows(section: FileSection, file: OpenedFile) -> NDArray[Any]:
    """Return the rows that the section is about; note why the others are not."""
    import numpy as np

    is_chosen = np.zeros(len(file.rows), dtype=bool)
    for cells in file.cells.values():
        is_chosen |= np.array([cell is not None for cell in cells], dtype=bool)
    file.leave_out(_EMPTY_ROW, ~is_chosen)
    for column, allowed in section.only_where.items():
        holds = np.array([(cell or "") in allowed for cell in file.cells[column]], dtype=bool)
        file.leave_out(("not_selected", column, _NOT_SELECTED), is_chosen & ~holds)
        is_chosen &= holds
    return is_chosen


def _table_records(section: FileSection, schema: TableSchema, file: OpenedFile, is_chosen: NDArray[Any]) -> Records:
    """Return one record for each chosen row."""
    records = Records(schema, {}, file.number, file.rows[is_chosen])
    for source, targets in section.columns:
        for target in targets:
            for column, cells in _sources(schema, file, source, target):
                reading = column_reading(section, column, is_typed=file.is_typed)
                _put(records, column.name, read_column(cells[is_chosen], _missing(section, source), reading))
    _put_time_of_date(section, schema, file, is_chosen, records)
    _put_constants(section, records)
    return records


def _sources(schema: TableSchema, file: OpenedFile, source: str, target: str) -> list[tuple[Column, NDArray[Any]]]:
    """Return the columns to fill and their cells; a pattern of items stands for several."""
    pairs = [(target, source)]
    if ITEM in source:
        columns = item_columns(tuple(file.cells), source)
        pairs = [(target.replace(ITEM, str(number)), name) for number, name in columns.items()]
    found = [(schema.column(filled), file.cells[name]) for filled, name in pairs]
    return [(column, cells) for column, cells in found if column is not None]


def _missing(section: FileSection, source: str) -> frozenset[str]:
    return section.missing | section.missing_in.get(source, frozenset())


def _put(records: Records, column: str, read: ReadColumn) -> None:
    import numpy as np

    records.columns[column] = read.values
    for refusal, positions in read.refused.items():
        records.refused[column, refusal] = np.array(positions, dtype=np.int64)


def _put_time_of_date(
    section: FileSection, schema: TableSchema, file: OpenedFile, is_chosen: NDArray[Any], records: Records
) -> None:
    """Where a column of dates tells the time as well, and no column of times is named, take it from there."""
    source = section.source_of("date")
    reading = time_of_date(section, is_typed=file.is_typed)
    if not source or reading is None or "time" in records.columns or schema.column("time") is None:
        return
    read = read_column(file.cells[source][is_chosen], _missing(section, source), reading)
    if any(value is not None for value in read.values):
        records.columns["time"] = read.values


def _put_constants(section: FileSection, records: Records) -> None:
    import numpy as np

    for name, value in section.constants.items():
        records.columns[name] = np.full(len(records.rows), value, dtype=object)


def _score_records(
    section: FileSection, score: ScoreSection, file: OpenedFile, is_chosen: NDArray[Any]
) -> tuple[Records, NDArray[Any]]:
    """Return a score for each chosen row that holds its total or one of its items, and which rows these are."""
    import numpy as np

    names = ["total"] * bool(score.total) + [f"item_{number}" for number in range(1, len(score.items) + 1)]
    sources = [score.total] * bool(score.total) + list(score.items)
    reads: dict[str, ReadColumn] = {}
    is_scored = np.zeros(len(file.rows), dtype=bool)
    for name, source in zip(names, sources, strict=True):
        decoding = {} if name == "total" else score.item_values
        reading = item_reading(section, decoding, is_typed=file.is_typed)
        reads[name] = read_column(file.cells[source], _missing(section, source), reading)
        is_scored |= np.array([value is not None for value in reads[name].values], dtype=bool)
        for positions in reads[name].refused.values():
            is_scored[positions] = True
    is_scored &= is_chosen
    records = Records(SCORES, {}, file.number, file.rows[is_scored])
    _put_row_columns(section, score, file, is_scored, records)
    _put_fixed(records, instrument=score.instrument, version=score.version, metric=score.metric)
    for name, read in reads.items():
        _put(records, name, _only(read, is_scored))
    return records, is_scored


def _put_row_columns(
    section: FileSection, score: ScoreSection, file: OpenedFile, is_scored: NDArray[Any], records: Records
) -> None:
    """Fill in patient and moment: of the score itself where it has its own, of the row otherwise."""
    own = dict(score.moment)
    has_own_day = bool(own) or bool(score.visit_day)
    sources = {name: section.source_of(name) for name in ("patient_id", "day", "date", "time")}
    if has_own_day:
        sources = {"patient_id": sources["patient_id"], **own}
    for name, source in sources.items():
        column = SCORES.column(name)
        if source and column is not None:
            reading = column_reading(section, column, is_typed=file.is_typed)
            _put(records, name, read_column(file.cells[source][is_scored], _missing(section, source), reading))
    if "patient_id" not in records.columns:
        _put_fixed(records, patient_id=section.constants.get("patient_id", ""))
    if score.visit_day:
        _put_fixed(records, day=score.visit_day)
        records.visit_day = int(score.visit_day)
    elif "date" in sources and "time" not in records.columns:
        _put_score_time(section, sources["date"], file, is_scored, records)


def _put_score_time(
    section: FileSection, source: str, file: OpenedFile, is_scored: NDArray[Any], records: Records
) -> None:
    reading = time_of_date(section, is_typed=file.is_typed)
    if source and reading is not None:
        read = read_column(file.cells[source][is_scored], _missing(section, source), reading)
        if any(value is not None for value in read.values):
            records.columns["time"] = read.values


def _put_fixed(records: Records, **values: str) -> None:
    import numpy as np

    for name, value in values.items():
        if value:
            records.columns[name] = np.full(len(records.rows), value, dtype=object)


def _only(read: ReadColumn, is_scored: NDArray[Any]) -> ReadColumn:
    """Return a column for the rows that hold a score."""
    import numpy as np

    places = np.cumsum(is_scored) - 1
    refused: dict[Refusal, list[int]] = {}
    for refusal, positions in read.refused.items():
        kept = [int(places[position]) for position in positions if is_scored[position]]
        if kept:
            refused[refusal] = kept
    return ReadColumn(read.values[is_scored], refused)
