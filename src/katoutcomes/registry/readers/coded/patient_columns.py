"""A file about patients that goes along with an export of another format: age, sex, program, as the clinic knows them.

Exports without names and birth dates say little about patients. What was booked at intake, the age band and so on come
from a small CSV, Parquet or Excel file of the clinic's own, one row a patient, keyed as the export is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.instruments.toml_table import TomlTable
from katoutcomes.registry.readers.conversion import RowProblem
from katoutcomes.registry.readers.raw_tables import raw_findings, read_raw
from katoutcomes.registry.tables import PATIENTS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.identifiers import Finding

_RAW = "raw_patients"


@dataclass(frozen=True, slots=True, eq=False)
class PatientColumns:
    """What a mapping file says about the file of patients.

    Attributes
    ----------
    file : str
        Its name.
    key : str
        Its column with the key of the patient.
    columns : mapping of str to str
        Column of the schema to column of the file.
    values : mapping of str to mapping of str to str
        Column of the schema to what the values of the file mean; ``""`` is "not known".
    """

    file: str
    key: str
    columns: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, eq=False)
class PatientRows:
    """The file about patients, read.

    Attributes
    ----------
    columns : mapping of str to array of object
        Text by column of the schema, ``patient_id`` among them; None where it is unknown.
    n_rows : int
        Data rows of the file.
    problems : tuple of RowProblem
        Cells that the mapping does not decode.
    unused : tuple of str
        Columns of the file that are not used.
    findings : tuple of Finding
        Direct identifiers in it.
    faults : tuple of str
        Why it cannot be read.
    """

    columns: Mapping[str, NDArray[Any]]
    n_rows: int
    problems: tuple[RowProblem, ...] = ()
    unused: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    faults: tuple[str, ...] = ()


def read_patient_columns(table: TomlTable, *, default_key: str) -> PatientColumns:
    """Read the ``[patients]`` section of a mapping file; what is wrong is noted in it.

    Parameters
    ----------
    table : TomlTable
        The top of the mapping file.
    default_key : str
        The column with the key where the section names none.

    Examples
    --------
    >>> section = {"file": "patients.csv", "columns": {"sex": "gender"}, "values": {"sex": {"F": "female"}}}
    >>> read_patient_columns(TomlTable({"patients": section}, "", []), default_key="patient").columns
    {'sex': 'gender'}
    """
    section = table.table("patients")
    file, key = section.text("file"), section.text("key", default=default_key)
    named = section.table("columns", is_required=False)
    columns = {name: named.text(name) for name in named.names()}
    for name in columns:
        if name == PATIENTS.key or PATIENTS.column(name) is None:
            named.note(name, "is not a column of the table patients that can be mapped.")
    decoded = section.table("values", is_required=False)
    values: dict[str, dict[str, str]] = {}
    for name in decoded.names():
        words = decoded.table(name)
        values[name] = {word: words.text(word, may_be_empty=True) for word in words.names()}
        if name not in columns:
            decoded.note(name, "decodes a column that is not among the columns.")
    for part in (named, decoded, section):
        part.finish()
    return PatientColumns(file, key, columns, values)


def read_patient_rows(
    folder: Path, wanted: PatientColumns, engine: Engine, *, to_key: Callable[[str], str]
) -> PatientRows:
    """Read the file about patients.

    Parameters
    ----------
    folder : Path
        Where it is.
    wanted : PatientColumns
        What the mapping says about it.
    engine : Engine
        Where it is read.
    to_key : callable
        Makes the key of the export from that of the file.
    """
    import numpy as np

    raw = read_raw(engine, folder / wanted.file, _RAW)
    if raw.faults:
        return PatientRows({}, 0, faults=tuple(f"{wanted.file}: {fault}" for fault in raw.faults))
    findings = raw_findings(engine, raw, known=(wanted.key, *wanted.columns.values()))
    missing = [name for name in dict.fromkeys((wanted.key, *wanted.columns.values())) if name not in raw.columns]
    faults = tuple(f"{wanted.file}: rule missing_column: column {name!r} is needed." for name in missing)
    if faults:
        engine.drop(_RAW)
        return PatientRows({}, raw.n_rows, findings=findings, faults=faults)
    place = {name: f"c{position}" for position, name in enumerate(raw.columns, start=1)}
    cells = engine.fetch(f"select {', '.join(place.values())} from {_RAW} order by input_row")
    engine.drop(_RAW)
    keys = [None if key is None else to_key(key) for key in texts(cells[place[wanted.key]])]
    columns: dict[str, NDArray[Any]] = {PATIENTS.key: np.array([*keys, None], dtype=object)[:-1]}
    problems = []
    for name, given in wanted.columns.items():
        columns[name], wrong = _decoded(texts(cells[place[given]]), wanted.values.get(name))
        if wrong:
            description = f"must be a value that the mapping decodes ({len(wanted.values[name])} for {name})"
            problems.append(RowProblem("not_decoded", name, description, np.array(wrong, dtype=np.int64)))
    used = {wanted.key, *wanted.columns.values()}
    unused = tuple(name for name in raw.columns if name not in used)
    return PatientRows(columns, raw.n_rows, tuple(problems), unused, findings)


def texts(cells: NDArray[Any]) -> list[str | None]:
    """Return the cells of a fetched text column, None where they are empty."""
    import numpy as np

    masked = np.ma.getmaskarray(cells)
    return [None if is_empty else str(cell) for cell, is_empty in zip(np.ma.getdata(cells), masked, strict=True)]


def _decoded(cells: list[str | None], words: Mapping[str, str] | None) -> tuple[NDArray[Any], list[int]]:
    import numpy as np

    values = np.empty(len(cells), dtype=object)
    wrong = []
    for position, cell in enumerate(cells):
        if cell is None or words is None:
            values[position] = cell
        elif cell in words:
            values[position] = words[cell] or None
        else:
            wrong.append(position)
    return values, wrong
