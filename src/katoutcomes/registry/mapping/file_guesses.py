"""What a file seems to be: which table its rows belong to, and which of its columns are which."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.identifiers import Finding, holds_identifier
from katoutcomes.registry.mapping.dialects import GuessedDialect, guess_dialect
from katoutcomes.registry.mapping.profiles import DATE_FORMATS, TIME_FORMATS, ColumnProfile, column_profile
from katoutcomes.registry.mapping.score_guesses import ScoreGuess, guess_scores
from katoutcomes.registry.mapping.words import (
    COLUMN_WORDS,
    DISTINCTIVE,
    ELIGIBILITY_WORDS,
    FILE_WORDS,
    MISSING_WORDS,
    RESEARCH_WORDS,
    SURE_ONLY_WITH_CARE,
    UNIT_WORDS,
    normalized,
)
from katoutcomes.registry.readers.mapped_tables.date_formats import MomentForm, is_day, iso_moment, moment_form
from katoutcomes.registry.readers.raw_rows import FileDialect
from katoutcomes.registry.readers.raw_tables import WORKBOOK_ENDINGS, RawTable, is_typed_file, raw_findings, read_raw
from katoutcomes.registry.tables import table_schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

TABLE_ENDINGS: tuple[str, ...] = (".csv", ".tsv", ".txt", ".parquet", *WORKBOOK_ENDINGS)
"""Endings of files that may be tables."""

_MOST_SKIPPED_ROWS = 10
_CLEAR_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Target:
    """A guess of what a column is.

    Attributes
    ----------
    column : str
        Column of the file.
    name : str
        Column of the schema.
    is_sure : bool
        Whether name and cells leave little doubt.
    why : str
        The reason in a few words; counts, never a cell.
    """

    column: str
    name: str
    is_sure: bool
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class SeenFile:
    """A file or sheet that has been looked at.

    Attributes
    ----------
    name, sheet : str
        File name; sheet, "" where there is none to name.
    guessed : GuessedDialect
        How it is written.
    columns : tuple of str
        Its columns.
    profiles : mapping of str to ColumnProfile
        What their cells look like.
    cells : mapping of str to array of object
        The cells; nothing of them is written anywhere but known code words.
    findings : tuple of Finding
        Direct identifiers.
    faults : tuple of str
        Why it cannot be read.
    has_header : bool
        Whether the first line seems to hold names, so that they may be written.
    scores : tuple of ScoreGuess
        Questionnaires in columns of their own.
    """

    name: str
    sheet: str
    guessed: GuessedDialect
    columns: tuple[str, ...]
    profiles: Mapping[str, ColumnProfile]
    cells: Mapping[str, NDArray[Any]]
    findings: tuple[Finding, ...]
    faults: tuple[str, ...]
    has_header: bool
    scores: tuple[ScoreGuess, ...]

    @property
    def is_typed(self) -> bool:
        """Whether its cells were real dates and numbers."""
        return is_typed_file(self.name)


def look_at_folder(folder: Path, engine: Engine, say: Callable[[str], None]) -> list[SeenFile]:
    """Look at every table of a folder, in the order of the file names."""
    seen = []
    for path in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if path.is_file() and path.suffix.lower() in TABLE_ENDINGS and not path.name.startswith((".", "~$")):
            say(f"looking at {path.name}")
            seen += _look_at(path, engine)
    return seen


def _look_at(path: Path, engine: Engine) -> list[SeenFile]:
    if path.suffix.lower() not in WORKBOOK_ENDINGS:
        guessed = GuessedDialect(FileDialect(), ())
        if path.suffix.lower() != ".parquet":
            guessed = guess_dialect(path)
        return [_seen(path, read_raw(engine, path, "seen", dialect=guessed.dialect), guessed, engine)]
    from katoutcomes.registry.readers.excel import sheet_names

    names = sheet_names(path)
    found = [_sheet(path, sheet if len(names) > 1 else "", engine) for sheet in names or ("",)]
    return [sheet for sheet in found if sheet is not None]


def _sheet(path: Path, sheet: str, engine: Engine) -> SeenFile | None:
    """Look at a sheet under the first row that makes it a table; None where the sheet is empty."""
    first: tuple[RawTable, GuessedDialect] | None = None
    for skip_rows in range(_MOST_SKIPPED_ROWS):
        reasons = (f"rows before the column names: {skip_rows}",) if skip_rows else ()
        guessed = GuessedDialect(FileDialect(skip_rows=skip_rows, sheet=sheet), reasons)
        raw = read_raw(engine, path, "seen", dialect=guessed.dialect)
        if not raw.faults and len(raw.columns) > 1:
            return _seen(path, raw, guessed, engine)
        first = first or (raw, guessed)
    if first is None or (first[0].faults and all("rule header" in fault for fault in first[0].faults)):
        return None
    return _seen(path, first[0], first[1], engine)


def _seen(path: Path, raw: RawTable, guessed: GuessedDialect, engine: Engine) -> SeenFile:
    import numpy as np

    cells: dict[str, NDArray[Any]] = {}
    findings: tuple[Finding, ...] = ()
    if not raw.faults:
        fetched = engine.fetch(f"select * from {raw.name} order by input_row")
        for position, column in enumerate(raw.columns, start=1):
            values = fetched[f"c{position}"]
            cells[column] = np.array(np.ma.getdata(values), dtype=object)
            cells[column][np.ma.getmaskarray(values)] = None
        findings = raw_findings(engine, raw)
        engine.drop(raw.name)
    return SeenFile(
        name=path.name,
        sheet=guessed.dialect.sheet,
        guessed=guessed,
        columns=raw.columns,
        profiles={column: column_profile(column, values) for column, values in cells.items()},
        cells=cells,
        findings=findings,
        faults=raw.faults,
        has_header=not any(_looks_like_data(column) for column in raw.columns),
        scores=guess_scores(raw.columns),
    )


def _looks_like_data(name: str) -> bool:
    profile = column_profile("", [name])
    return bool(profile.forms) or holds_identifier(name)


def likely_table(file: SeenFile) -> str:
    """Return the table that the rows of a file belong to, "" where nothing tells."""
    names = normalized(Path(file.name).stem), normalized(file.sheet)
    points = {}
    for table, distinctive in DISTINCTIVE.items():
        hits = {target.name for target in guess_targets(file, table)} & distinctive
        hinted = any(word in name for name in names for word in FILE_WORDS[table])
        points[table] = len(hits) + 0.5 * hinted if hits else 0.0
    best = max(points, key=lambda table: points[table])
    return best if points[best] else ""


def guess_targets(file: SeenFile, table: str) -> tuple[Target, ...]:
    """Guess which columns of a file fill which columns of a table.

    Parameters
    ----------
    file : SeenFile
        The file.
    table : str
        Name of the table.
    """
    taken = {column for score in file.scores for column in score.columns()}
    found: dict[str, Target] = {}
    for column in file.columns:
        if column not in taken:
            target = _by_name(file, table, column)
            if target is not None and target.name not in found:
                found[target.name] = target
    if table == "patients":
        rest = [column for column in file.columns if column not in {target.column for target in found.values()}]
        found |= {target.name: target for target in _eligibility(file, rest) if target.name not in found}
    if table_schema(table).has_days and not {"date", "day"} & set(found):
        dated = _dated_column(file, taken | {target.column for target in found.values()})
        found |= {} if dated is None else {"date": dated}
    if {"date", "day"} <= set(found):
        del found["day"]
    return tuple(found.values())


def _by_name(file: SeenFile, table: str, column: str) -> Target | None:
    name = normalized(column)
    schema = table_schema(table)
    meant = schema.column(name)
    if meant is None:
        target = next((target for target, words in COLUMN_WORDS[table].items() if name in words), None)
        meant = schema.column(target) if target else None
    if meant is None:
        return None
    profile = file.profiles[column]
    fits, why = _fit(profile, meant.kind)
    if not fits and (unit := named_unit(file, column, meant.name)):
        fits, why = True, f"; numbers with the unit {unit} behind them"
    if not fits and profile.n_filled:
        return None
    return Target(column, meant.name, name not in SURE_ONLY_WITH_CARE and fits, f"the name says so{why}")


def _eligibility(file: SeenFile, columns: Sequence[str]) -> list[Target]:
    """Return the columns that may be flags of eligibility; of two, the one that speaks of research comes first."""
    found = []
    for name, words in ELIGIBILITY_WORDS.items():
        parts = {column: set(normalized(column).split("_")) for column in columns}
        fitting = [column for column in columns if parts[column] & set(words)]
        fitting.sort(key=lambda column: not parts[column] & RESEARCH_WORDS)
        for column in fitting[:1]:
            if file.profiles[column].best(DATE_FORMATS)[1] < 0.5:
                asks = (
                    "is it consent to research?" if name == "eligible_consent" else "is it known before the first dose?"
                )
                found.append(Target(column, name, False, f"the name says so; {asks}"))
    return found


def named_unit(file: SeenFile, column: str, target: str) -> str:
    """Return the unit that stands behind numbers of a column, "" if none does or the rest is no number.

    Parameters
    ----------
    file : SeenFile
        The file.
    column : str
        Column of the file.
    target : str
        Column of the schema that it may fill.
    """
    cells = [cell for cell in file.cells[column] if cell is not None and cell not in MISSING_WORDS]
    for unit in UNIT_WORDS.get(target, ()):
        pattern = re.compile(rf"[+-]?[0-9]+([.,][0-9]+)?(\s*{re.escape(unit)})?", flags=re.IGNORECASE)
        n_with = sum(cell.lower().endswith(unit.lower()) for cell in cells)
        if n_with and sum(pattern.fullmatch(cell) is not None for cell in cells) >= 0.5 * len(cells):
            return unit
    return ""


def date_formats(file: SeenFile, column: str) -> tuple[tuple[str, ...], int, int]:
    """Return the formats that the dates of a column have, how many dates have one, and how many are ambiguous.

    Parameters
    ----------
    file : SeenFile
        The file.
    column : str
        A column of dates. Formats are added, the most frequent first, until no further one is of use. Real dates of a
        workbook need none and are not counted.
    """
    forms = [form for form in map(moment_form, DATE_FORMATS) if isinstance(form, MomentForm)]
    cells = [cell for cell in file.cells[column] if cell is not None and cell not in MISSING_WORDS]
    if file.is_typed:  # what was a real date in its file is read without a format
        cells = [cell for cell in cells if iso_moment(cell) is None]
    days = [_days(cell, forms) for cell in cells]
    chosen: list[str] = []
    candidates = [form.text for form in forms]
    while candidates:
        gained = {text: sum(text in read and not read.keys() & set(chosen) for read in days) for text in candidates}
        best = max(candidates, key=lambda text: gained[text])
        candidates.remove(best)
        # A form that makes more dates ambiguous than it reads is that of a few mistakes.
        n_more = _n_ambiguous(days, [*chosen, best]) - _n_ambiguous(days, chosen)
        if gained[best] and gained[best] >= n_more:
            chosen.append(best)
    n_read = sum(bool(read.keys() & set(chosen)) for read in days)
    return tuple(chosen), n_read, _n_ambiguous(days, chosen)


def _n_ambiguous(days: Sequence[Mapping[str, str]], forms: Sequence[str]) -> int:
    """Return how many dates two of the formats read as different days."""
    return sum(len({read[text] for text in forms if text in read}) > 1 for read in days)


def _days(cell: str, forms: Sequence[MomentForm]) -> dict[str, str]:
    """Return the day that each format reads in a cell, where it is a day of the calendar."""
    read = {form.text: form.read(cell) for form in forms}
    return {text: moment.date for text, moment in read.items() if moment is not None and is_day(moment.date)}


def _fit(profile: ColumnProfile, kind: str) -> tuple[bool, str]:
    """Return whether at least half of the cells look like the kind, and how many do."""
    shares = {
        "date": profile.best(DATE_FORMATS)[1],
        "time": profile.best(TIME_FORMATS)[1],
        "integer": max(profile.share("integer"), profile.share("comma_number")),
        "day": profile.share("integer"),
        "number": max(profile.share("number"), profile.share("comma_number")),
    }
    if kind not in shares or not profile.n_filled:
        return True, ""
    looks = {"date": "a date", "time": "a time", "integer": "a number", "day": "a number", "number": "a number"}
    return shares[kind] >= 0.5, f"; {shares[kind]:.0%} of its cells look like {looks[kind]}"


def _dated_column(file: SeenFile, taken: set[str]) -> Target | None:
    """Return the first column that is full of dates, whatever it is called."""
    for column in file.columns:
        share = file.profiles[column].best(DATE_FORMATS)[1]
        if column not in taken and share >= _CLEAR_SHARE:
            return Target(column, "date", False, f"{share:.0%} of its cells look like a date")
    return None


def visit_moments(file: SeenFile, visits: Sequence[str]) -> tuple[str, str] | None:
    """Return "date" or "day" and the pattern with {visit} of the columns that say when each visit was, None if none do.

    Parameters
    ----------
    file : SeenFile
        The file.
    visits : sequence of str
        As the columns of the scores write them.
    """
    for column in file.columns:
        if visits[0] not in column:
            continue
        pattern = column.replace(visits[0], "{visit}")
        all_columns = [pattern.replace("{visit}", visit) for visit in visits]
        if not set(all_columns) <= set(file.columns):
            continue
        profiles = [file.profiles[name] for name in all_columns]
        words = set(re.split("_", normalized(pattern)))
        if all(profile.best(DATE_FORMATS)[1] >= _CLEAR_SHARE for profile in profiles):
            return "date", pattern
        if words & {"d", "day", "days", "tag"} and all(p.share("integer") >= _CLEAR_SHARE for p in profiles):
            return "day", pattern
    return None
