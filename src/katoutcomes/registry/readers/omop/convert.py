"""A folder of OMOP CDM tables becomes the tables of the schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.readers.coded.assembly import Assembled, assemble
from katoutcomes.registry.readers.coded.patient_columns import PatientRows, read_patient_rows
from katoutcomes.registry.readers.coded.scale_codes import LOINC
from katoutcomes.registry.readers.coded.tables import score_table, session_table
from katoutcomes.registry.readers.conversion import Conversion, LeftOut, SourceFile, unreadable
from katoutcomes.registry.readers.omop.cdm_tables import CONCEPT, READ_TABLES, SCORE_TABLES, SESSION_TABLES
from katoutcomes.registry.readers.omop.folder import CdmFolder, read_folder
from katoutcomes.registry.readers.omop.persons import index_years, read_persons
from katoutcomes.registry.readers.omop.records import Found, read_scores, read_sessions
from katoutcomes.registry.readers.omop.sections import OmopMapping, read_sections

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.mapping.mapping_file import Mapping as MappingFile

LEFT_OUT: dict[str, tuple[str, str]] = {
    "code": ("concept_id", "must have a concept whose code the catalog or the mapping knows"),
    "refused_code": ("concept_id", "must not have a code that is easily taken for that of a scale"),
    "no_value": ("value_as_number", "must have a number or an answer"),
    "same_score_twice": ("concept_id", "must not repeat a score that another row gives"),
    "repeated_line": ("id", "must not say the same as another row with the same id; the first is used"),
}
"""Rules by which rows are left out: which column decided it, and what it must be."""


def convert(folder: Path, mapping: MappingFile, engine: Engine, say: Callable[[str], None]) -> Conversion:
    """Read a folder of CDM tables.

    Parameters
    ----------
    folder : Path
        Holds the tables as CSV or Parquet files.
    mapping : Mapping
        A mapping file with ``format = "omop"``; `sections.py` has its sections.
    engine : Engine
        Where the tables are joined.
    say : callable
        Is told what is being done.

    Returns
    -------
    Conversion
        Patients, sessions and scores; every row is either in one of them or left out by a rule.

    Raises
    ------
    DataError
        If a section of the mapping file is wrong.
    """
    wanted = read_sections(mapping)
    cdm = read_folder(folder, wanted, engine, say)
    own = None
    if wanted.patients is not None:
        own = read_patient_rows(folder, wanted.patients, engine, to_key=lambda key: key.removesuffix(".0"))
    faults = (*cdm.faults, *(own.faults if own is not None else ()))
    findings = (*cdm.findings, *(own.findings if own is not None else ()))
    if not faults:
        faults = _concept_faults(engine)
    if faults:
        return unreadable(faults, findings)
    say("looking up concepts")
    conversion = _conversion(engine, wanted, cdm, own)
    engine.drop(*(f"omop_{table.name}" for table in READ_TABLES))
    return conversion


def _concept_faults(engine: Engine) -> tuple[str, ...]:
    n_repeated = engine.scalar("select count(*) - count(distinct concept) from omop_concept")
    text = f"concept: rule unique: concept ids that stand in more than one row: {n_repeated}."
    return (text,) if n_repeated else ()


def _conversion(engine: Engine, wanted: OmopMapping, cdm: CdmFolder, own: PatientRows | None) -> Conversion:
    # Concepts are a dictionary: their rows are no records, and not counted.
    names = [table.name for table in READ_TABLES if table.name in cdm.files and table is not CONCEPT]
    files = [SourceFile(*cdm.files[name]) for name in names]
    found = _read(engine, wanted, {name: place for place, name in enumerate(names)})
    forms = [form for part in found for form in part.forms]
    sessions = [session for part in found for session in part.sessions]
    made = assemble(forms, sessions, wanted.scales, wanted.several_doses)
    own_file = None
    if own is not None and wanted.patients is not None:
        own_file = (len(files), wanted.patients.file)
        files.append(SourceFile(wanted.patients.file, own.n_rows))
    years = index_years(made.sessions, made.scores)
    person_file = (names.index("person"), cdm.files["person"][0])
    persons = read_persons(engine, wanted, (person_file, own_file), years, own)
    if persons.faults:
        return unreadable(persons.faults, cdm.findings)
    return Conversion(
        tables=(
            persons.table,
            session_table(made.sessions),
            score_table(made.scores, made.sessions, wanted.scales),
        ),
        files=tuple(files),
        left_out=(*_left_out(wanted, found, made, files), *persons.left_out),
        left_out_columns=cdm.unused + _own_unused(wanted, own),
        # A year of birth that any data would tell is found in the file already.
        findings=tuple(dict.fromkeys((*cdm.findings, *(own.findings if own is not None else ()), *persons.findings))),
        notes=_notes(wanted, cdm, made.n_joined),
        settings=(("age", wanted.age), ("format", "OMOP CDM 5.4"), ("several_doses", wanted.several_doses)),
    )


def _read(engine: Engine, wanted: OmopMapping, places: dict[str, int]) -> list[Found]:
    scores = [read_scores(engine, table, places[table.name], wanted) for table in SCORE_TABLES if table.name in places]
    return scores + [
        read_sessions(engine, table, places[table.name], wanted) for table in SESSION_TABLES if table.name in places
    ]


def _left_out(wanted: OmopMapping, found: list[Found], made: Assembled, files: list[SourceFile]) -> tuple[LeftOut, ...]:
    import numpy as np

    rows: list[tuple[int, str, str, NDArray[Any]]] = [
        (part.file, rule, code, numbers) for part in found for (rule, code), numbers in part.left_out.items()
    ]
    for rule, lines in made.unused.items():
        for place in sorted({file for file, _ in lines}):
            numbers = sorted(number for file, number in lines if file == place)
            rows.append((place, rule, "", np.array(numbers, dtype=np.int64)))
    left_out = []
    for place, rule, code, numbers_of_rule in rows:
        column, text = LEFT_OUT[rule]
        text = f"must not be coded {code}: {wanted.scales.refused[LOINC, code]}" if code else text
        left_out.append(LeftOut(files[place].name, rule, column, text, numbers_of_rule))
    return tuple(left_out)


def _own_unused(wanted: OmopMapping, own: PatientRows | None) -> tuple[tuple[str, str], ...]:
    if own is None or wanted.patients is None:
        return ()
    return tuple((wanted.patients.file, name) for name in own.unused)


def _notes(wanted: OmopMapping, cdm: CdmFolder, n_joined: int) -> tuple[str, ...]:
    notes = list(cdm.notes)
    if n_joined:
        notes.append(f"drug exposures that were put to the dosing session they belong to: {n_joined}.")
    if wanted.age == "index_year":
        notes.append("age_years is the year of the index date minus the year of birth: it may be one year too high.")
    if not wanted.sessions:
        notes.append("the mapping names no session: there are patients and scores only.")
    return tuple(notes)
