"""`read_registry`: from files or frames to a checked registry, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import DataError
from katoutcomes.registry.checking.acceptance import Acceptance, accept_rows
from katoutcomes.registry.checking.prorating import (
    joined_rules,
    prorating_doubts,
    prorating_notes,
    prorating_rules,
    prorating_settings,
)
from katoutcomes.registry.checking.quality_warnings import quality_warnings
from katoutcomes.registry.checking.row_accounting import count_rows
from katoutcomes.registry.content_digest import registry_digest
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.engines.load_places import is_small, load_into
from katoutcomes.registry.engines.spark_engine import SparkEngine, local_frames
from katoutcomes.registry.fingerprint import load_fingerprint
from katoutcomes.registry.identifiers import (
    Finding,
    Gate,
    evident_name_rules,
    holds_identifier,
    name_rule,
    parse_overrides,
    reference_year,
    value_findings,
)
from katoutcomes.registry.load_reports.load_report import LoadReport
from katoutcomes.registry.mapping.mapping_file import Mapping as MappingFile
from katoutcomes.registry.mapping.mapping_file import mapping_of_folder, read_mapping
from katoutcomes.registry.privacy.privacy_warnings import doubt_warnings, registry_warnings, text_warnings
from katoutcomes.registry.privacy.rekeying import REKEYED_FORMATS, Salt, make_salt, rekey
from katoutcomes.registry.privacy.uniqueness import count_classes
from katoutcomes.registry.readers.conversion import (
    Conversion,
    converted_sources,
    drop_origins,
    missing_table_faults,
)
from katoutcomes.registry.readers.formats import convert_source
from katoutcomes.registry.readers.sources import (
    TableSource,
    find_sources,
    read_marker,
    required_column_faults,
    structure_error,
)
from katoutcomes.registry.registry import Registry
from katoutcomes.registry.tables import PATIENTS, SESSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from katoutcomes.registry.load_reports.load_report import PrivacyWarning, QualityWarning
    from katoutcomes.registry.readers.conversion import SourceFile


def read_registry(
    source: str | Path | Mapping[str, Any],
    *,
    mapping: str | Path | None = None,
    is_synthetic: bool = False,
    rekey_salt: bytes | str | None = None,
    allow: Sequence[str] = (),
    prorating: Mapping[str, str] | None = None,
    engine: Engine | SparkEngine | None = None,
    progress: Callable[[str], None] | None = None,
) -> Registry:
    """Read, check and link the tables of a registry.

    Every cell is read as text, tested and only then turned into a value. A row that breaks a rule is rejected and
    counted; nothing is repaired or guessed. Calendar dates become days counted from the patient's index day, the first
    dosing session or, without one, the first record.

    Parameters
    ----------
    source : path or mapping of str to DataFrame
        A folder that holds ``patients.csv``, ``patients.parquet`` or ``patients.xlsx`` and so on, or the same tables as
        data frames (pandas, Polars, Arrow). ``docs/reference/schema.md`` describes them. A folder may hold
        ``registry.json`` with ``schema_version`` and ``is_synthetic``. With a mapping: a folder of the files that it
        names, or the frames by those names.
    mapping : path, optional
        A mapping file (TOML), which says how files of another format become the tables of the schema;
        ``docs/reference/mapping.md`` describes it. Default: ``mapping.toml`` inside the folder, if it is there.
    is_synthetic : bool, default False
        Whether the data were made by a program; a folder may say so itself.
    rekey_salt : bytes or str, optional
        A secret of at least 16 bytes or characters. Keys are replaced by HMAC-SHA256 of themselves under it: the same
        salt gives the same keys in every load. It is never kept. Keys of formats from hospital systems are always
        replaced, without a salt by running numbers.
    allow : sequence of str, default ()
        Rules of the privacy gate that may be broken, each ``"rule"``, ``"rule:column"`` or ``"rule:file:column"``. What
        was allowed is written into the load report and into the provenance of every result.
    prorating : mapping of str to str, optional
        Scale, by id or name, to the name of one of its published rules for missing items, for example
        ``{"K10": "alswh"}``; `Instrument.prorating` lists them. Incomplete questionnaires of that scale then get a
        total by the rule; the load report counts them, and the provenance of every result names the rule. Otherwise a
        questionnaire with a missing item is rejected. The mapping file may ask for rules as well.
    engine : Engine, WorkspaceEngine or SparkEngine, optional
        Where the tables are kept; a new `Engine` in memory by default. A `WorkspaceEngine` keeps them in a folder and
        reads nothing again as long as the input is the same; with a `SparkEngine` everything after loading is done on
        Spark, and frames of Spark may be given.
    progress : callable, optional
        Is told, in a few words, what is being done.

    Returns
    -------
    Registry
        The accepted rows, their digest, and the load report.

    Raises
    ------
    IdentifierError
        If a column name or a value looks like a direct identifier. Nothing is loaded then.
    DataError
        If a file or column that is needed is missing, a file is not a proper table, the mapping does not fit, or no
        patient is accepted.
    OptionError
        If `source` is neither a folder nor a mapping of table names to frames; if a scale has no such prorating rule.

    See Also
    --------
    Registry.load_report : rows in, accepted and rejected, and why.

    Examples
    --------
    >>> import pandas as pd
    >>> patients = pd.DataFrame({"patient_id": ["P1", "P2"], "age_years": [41, 7]})
    >>> sessions = pd.DataFrame(
    ...     {"session_id": ["S1"], "patient_id": ["P1"], "date": ["2026-03-02"], "kind": ["dosing"]}
    ... )
    >>> registry = read_registry({"patients": patients, "sessions": sessions}, is_synthetic=True)
    >>> registry
    <Registry (synthetic): 1 patient, 1 session; 1 row rejected>
    >>> problem = registry.load_report.problems[0]
    >>> problem.column, problem.rule, problem.row_numbers
    ('age_years', 'range', (2,))
    >>> registry.table("patients")["index_quarter"].tolist()
    ['2026Q1']
    """
    asked = prorating_rules(prorating or {})
    mapped = _mapping_of(source, mapping)
    rules = joined_rules(asked, {} if mapped is None else dict(mapped.prorating))
    salt = make_salt(rekey_salt)
    say = progress or _stay_silent

    def load(into: Engine) -> Registry:
        given = local_frames(source) if isinstance(engine, SparkEngine) else source
        gate = Gate(parse_overrides(allow))
        return _read(
            given, mapped, is_synthetic=is_synthetic, salt=salt, gate=gate, prorating=rules, engine=into, say=say
        )

    def fingerprint() -> str | None:
        if not isinstance(source, str | Path) or not Path(source).is_dir():
            return None
        return load_fingerprint(
            Path(source),
            mapped,
            is_synthetic=is_synthetic,
            allow=tuple(allow),
            rekey_salt=rekey_salt,
            prorating=asked,
        )

    return load_into(engine, load, fingerprint=fingerprint, say=say, is_small=is_small(source))


def _stay_silent(_: str) -> None:
    return


def _mapping_of(source: Any, mapping: str | Path | None) -> MappingFile | None:
    """Return the mapping file that is named, or else the one that the folder holds."""
    if mapping is not None:
        return read_mapping(mapping)
    return mapping_of_folder(Path(source)) if isinstance(source, str | Path) else None


def _convert(
    source: Any, mapping: MappingFile, gate: Gate, engine: Engine, say: Callable[[str], None]
) -> tuple[tuple[TableSource, ...], Conversion]:
    """Read files of another format; refuse identifiers first, and what the mapping does not fit then."""
    conversion = convert_source(source, mapping, engine, say)
    gate.refuse(conversion.findings)
    if faults := [*conversion.faults] or missing_table_faults(conversion):
        raise structure_error(faults)
    return converted_sources(conversion), conversion


@dataclass(frozen=True, slots=True)
class _Input:
    """The tables of the input as they are found, and how they came to be."""

    tables: tuple[TableSource, ...]
    is_synthetic: bool
    notes: tuple[str, ...]
    mapping: MappingFile | None = None
    conversion: Conversion | None = None

    @property
    def files(self) -> dict[str, str]:
        """How the input calls each table."""
        return {table.schema.name: table.file for table in self.tables}

    @property
    def source_files(self) -> tuple[SourceFile, ...]:
        """The files that converted data come from."""
        return () if self.conversion is None else self.conversion.files


def _found(source: Any, mapping: MappingFile | None, gate: Gate, engine: Engine, say: Callable[[str], None]) -> _Input:
    say("looking for tables")
    if mapping is None:
        return _Input(*find_sources(source, engine))
    tables, conversion = _convert(source, mapping, gate, engine, say)
    is_marked = mapping.is_synthetic or conversion.is_synthetic
    is_marked = is_marked or (isinstance(source, str | Path) and read_marker(Path(source)))
    return _Input(tables, is_marked, conversion.notes, mapping, conversion)


def _read(
    source: Any,
    mapping: MappingFile | None,
    *,
    is_synthetic: bool,
    salt: Salt | None,
    gate: Gate,
    prorating: Mapping[str, str],
    engine: Engine,
    say: Callable[[str], None],
) -> Registry:
    found = _found(source, mapping, gate, engine, say)
    _stage_and_refuse(engine, found.tables, gate, say)
    is_required = mapping is not None and mapping.format in REKEYED_FORMATS
    keys = rekey(engine, found.tables, salt, is_required=is_required)
    texts = text_warnings(engine, found.tables)
    accepted = accept_rows(engine, found.tables, say, prorating=prorating)
    warnings = (*texts, *_warnings(engine, found, accepted, gate, prorating, is_rekeyed=bool(keys)))
    report = _load_report(engine, found, accepted, warnings, gate=gate, prorating=prorating)
    if report.files[0].rows_accepted == 0:
        message = "no patient is accepted, so there is nothing to analyze:\n" + report.to_text()
        raise DataError(message, load_report=report)
    engine.give_back()
    say("taking the digest")
    return Registry(
        engine=engine,
        digest=registry_digest(engine),
        load_report=report,
        is_synthetic=is_synthetic or found.is_synthetic,
        settings=_settings((*keys, *prorating_settings(prorating)), gate, mapping, found.conversion),
        patient_columns=tuple(column.name for column in PATIENTS.family_columns(found.tables[0].names)),
        has_minutes=bool(engine.scalar("select count(minute) from sessions")),
    )


def _warnings(
    engine: Engine, found: _Input, accepted: Acceptance, gate: Gate, prorating: Mapping[str, str], *, is_rekeyed: bool
) -> tuple[PrivacyWarning | QualityWarning, ...]:
    """Return the warnings about what was accepted."""
    doubts, ordered = prorating_doubts(engine, prorating), accepted.sorted_scores
    return (
        *doubt_warnings(gate.doubts),
        *registry_warnings(engine, found.files, count_classes(engine), is_rekeyed=is_rekeyed),
        *quality_warnings(engine, found.files, found.source_files, further=doubts, sorted_scores=ordered),
    )


def _load_report(
    engine: Engine,
    found: _Input,
    accepted: Acceptance,
    warnings: tuple[PrivacyWarning | QualityWarning, ...],
    *,
    gate: Gate,
    prorating: Mapping[str, str],
) -> LoadReport:
    """Account for every row; forget the tables that only that needs."""
    conversion = found.conversion
    counted = count_rows(
        engine,
        accepted.rules,
        accepted.rows_in,
        found.files,
        source_files=found.source_files,
        left_out=() if conversion is None else conversion.left_out,
    )
    left_out = tuple((table.file, name) for table in found.tables for name in table.left_out)
    if conversion is not None:
        left_out += conversion.left_out_columns
        drop_origins(engine)
    engine.drop("problems", "problem_causes")
    return LoadReport(
        counted.files,
        counted.problems,
        left_out,
        (*found.notes, *_notes(engine, found.tables, accepted), *prorating_notes(engine, prorating)),
        source_files=counted.source_files,
        left_out_rows=counted.left_out_rows,
        warnings=warnings,
        overrides=gate.used,
        mapping_digest=found.mapping.digest if found.mapping is not None else "",
        rejected_rows=counted.rejected_rows,
    )


def _stage_and_refuse(engine: Engine, sources: tuple[TableSource, ...], gate: Gate, say: Callable[[str], None]) -> None:
    """Read every file as text; refuse identifiers first, and files that are no proper tables then."""
    faults = required_column_faults(sources)
    staged: list[TableSource] = []
    for table in sources:
        say(f"reading {table.file}")
        wrong = table.stage(engine)
        faults += [f"{table.file}: {fault}" for fault in wrong]
        staged += [table] * (not wrong)
    findings = [finding for table in sources for finding in (*table.findings, *_name_findings(engine, table, staged))]
    sessions = next((table for table in staged if table.schema is SESSIONS), None)
    year = reference_year(engine) if sessions is not None and any(table.left_out for table in staged) else None
    for table in staged:
        text = f"text_{table.schema.name}"
        findings += value_findings(engine, text, table.file, table.shown_names(), reference_year=year)
    gate.refuse(findings)
    if faults:
        raise structure_error(faults)


def _settings(
    keys: tuple[tuple[str, str], ...], gate: Gate, mapping: MappingFile | None, conversion: Conversion | None
) -> tuple[tuple[str, str], ...]:
    """Return the choices of the load that every result should name."""
    allowed = tuple(("identifier rule allowed", used) for used in gate.used)
    mapped = () if mapping is None else (("mapping", f"{mapping.format}, SHA-256 {mapping.digest}"),)
    return (*keys, *allowed, *mapped, *(() if conversion is None else conversion.settings))


def _name_findings(engine: Engine, table: TableSource, staged: list[TableSource]) -> list[Finding]:
    """Return the columns whose names announce an identifier, unless their cells say that there is none."""
    findings = []
    named = dict(zip(table.shown_names(), table.names, strict=True))
    rules = {key: rule for key, name in named.items() if (rule := name_rule(name)) is not None}
    if rules and table in staged:
        rules = evident_name_rules(engine, f"text_{table.schema.name}", named)
    for position, (key, name) in enumerate(named.items(), start=1):
        if holds_identifier(name):
            findings.append(Finding(table.file, f"number {position}", "value_in_header", None))
        elif key in rules:
            findings.append(Finding(table.file, name, rules[key], None))
    return findings


def _notes(engine: Engine, sources: tuple[TableSource, ...], accepted: Acceptance) -> tuple[str, ...]:
    """Say what a reader of the results should know about data that keep every rule."""
    names = {name for table in sources for name in table.names}
    given = {table.schema.name for table in sources}
    notes = []
    if accepted.n_uncertain_index_days:
        notes.append(
            "patients of whom a dosing session was rejected that lies before their index day, or on an unknown day: "
            f"{accepted.n_uncertain_index_days}. Their time zero may be wrong, so cohorts leave them out until that "
            "session is corrected."
        )
    if "date" in names:
        notes.append("calendar dates were turned into days and forgotten; files with 'day' instead would do as well.")
    if "date" in names and "index_quarter" in names:
        notes.append(
            "index_quarter was worked out from the dates; where that was possible, the given one was not used."
        )
    if not engine.scalar("select count(*) from scores"):
        why = "all of them were rejected" if "scores" in given else "there is no table of scores"
        notes.append(f"no scores were made, so nothing can be said about symptoms: {why}.")
    if not engine.scalar("select count(minute) from sessions"):
        notes.append("no session has a time: “within 72 hours” means on day 0 to 3.")
    if accepted.n_without_records:
        notes.append(f"accepted patients with neither a session nor a score: {accepted.n_without_records}.")
    return tuple(notes)
