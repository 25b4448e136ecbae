"""What happened to every row on its way in: counts, rules and row numbers, never a value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.tables import TABLES
from katoutcomes.vocabulary import SCHEMA_VERSION

if TYPE_CHECKING:
    from katoutcomes.registry.engine import Engine
    from katoutcomes.registry.rules import Rule

MOST_ROWS_LISTED = 20


@dataclass(frozen=True, slots=True)
class FileCounts:
    """Rows of one table.

    Attributes
    ----------
    table : str
        ``"patients"``, ``"sessions"``, ``"scores"`` or ``"adverse_events"``.
    file : str
        Name of the file, or the table's name where the input was a frame.
    rows_in, rows_accepted, rows_rejected : int
        ``rows_in = rows_accepted + rows_rejected``.
    """

    table: str
    file: str
    rows_in: int
    rows_accepted: int
    rows_rejected: int


@dataclass(frozen=True, slots=True)
class SourceFileCounts:
    """Rows of one file as it was before any conversion. A file may feed several tables.

    Attributes
    ----------
    file : str
        Name of the file, or of the table where the input was a frame.
    rows_in, rows_accepted, rows_rejected, rows_left_out : int
        ``rows_in = rows_accepted + rows_rejected + rows_left_out``. A row is rejected if any record made from it is; it
        is left out if no record was made from it.
    """

    file: str
    rows_in: int
    rows_accepted: int
    rows_rejected: int
    rows_left_out: int


@dataclass(frozen=True, slots=True)
class PrivacyWarning:
    """Something that is no direct identifier, but makes it easier to recognize somebody.

    Attributes
    ----------
    rule : str
        Rule id, for example ``"free_text"``.
    file, column : str
        Where; `column` is ``""`` where it is about several columns.
    n_rows : int
        How many rows it is about.
    text : str
        What it means and what to do. It never holds a value.
    """

    rule: str
    file: str
    column: str
    n_rows: int
    text: str


@dataclass(frozen=True, slots=True)
class QualityWarning:
    """A rule that rows break without being rejected: counted, kept, and to be looked at.

    Attributes
    ----------
    rule, file, column, n_rows, text
        As in `PrivacyWarning`.
    table : str
        As in `FileCounts`.
    row_numbers : tuple of int
        The first twenty of the rows; the first data row is 1.
    """

    rule: str
    file: str
    column: str
    n_rows: int
    text: str
    table: str
    row_numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A rule that rows of one column break. A row may break several.

    Attributes
    ----------
    table, file : str
        As in `FileCounts`.
    column : str
        Column, or ``item_*`` for the items together.
    rule : str
        Rule id.
    description : str
        What the cell must be.
    n_rows : int
        How many rows break it.
    row_numbers : tuple of int
        The first twenty of them; the first data row is 1.
    """

    table: str
    file: str
    column: str
    rule: str
    description: str
    n_rows: int
    row_numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What `read_registry` took, what it rejected and why, and what it left out.

    Attributes
    ----------
    files : tuple of FileCounts
        One a table of the input.
    problems : tuple of Problem
        One a broken rule, in the order of the tables and of the checks.
    left_out_columns : tuple of (str, str)
        File and column name of every column that the schema does not know.
    notes : tuple of str
        What else a reader should know.
    source_files : tuple of SourceFileCounts
        One a file of the input; for converted data these are the original files, for tables of the schema the tables.
    left_out_rows : tuple of Problem
        Rows of files from which no record was made, by file and reason; `table` is ``""``.
    warnings : tuple of PrivacyWarning or QualityWarning
        What should be looked at although nothing was rejected for it.
    overrides : tuple of str
        Rules of the privacy gate that the caller allowed to be broken, as named by `allow`.
    mapping_digest : str
        SHA-256 of the mapping file; ``""`` without one.
    """

    files: tuple[FileCounts, ...]
    problems: tuple[Problem, ...]
    left_out_columns: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    source_files: tuple[SourceFileCounts, ...] = ()
    left_out_rows: tuple[Problem, ...] = ()
    warnings: tuple[PrivacyWarning | QualityWarning, ...] = ()
    overrides: tuple[str, ...] = ()
    mapping_digest: str = ""

    @property
    def has_rejections(self) -> bool:
        """Whether any row was rejected."""
        return any(file.rows_rejected for file in self.files)

    def to_text(self) -> str:
        """Return the report as plain text for a terminal, in aligned columns."""
        counts = [
            (file.file, str(file.rows_in), str(file.rows_accepted), str(file.rows_rejected)) for file in self.files
        ]
        blocks = [_aligned((("file", "rows in", "accepted", "rejected"), *counts))]
        if self.problems:
            header = ("file", "column", "rule", "rows", "which", "a cell here")
            rows = [(p.file, p.column, p.rule, str(p.n_rows), _row_numbers(p), p.description) for p in self.problems]
            blocks.append("rules that rows break (a row may break several):\n" + _aligned((header, *rows)))
        if self.left_out_columns:
            listed = "\n".join(f"  {file}: {column}" for file, column in self.left_out_columns)
            blocks.append(f"columns that are not in the schema and were left out:\n{listed}")
        if self.notes:
            blocks.append("notes:\n" + "\n".join(f"  {note}" for note in self.notes))
        return "\n\n".join(blocks)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "files": [asdict(file) for file in self.files],
            "problems": [{**asdict(problem), "row_numbers": list(problem.row_numbers)} for problem in self.problems],
            "left_out_columns": [{"file": file, "column": column} for file, column in self.left_out_columns],
            "notes": list(self.notes),
        }


def _aligned(rows: tuple[tuple[str, ...], ...]) -> str:
    """Return rows with their columns padded; numbers stand at the right of theirs."""
    widths = [max(len(row[position]) for row in rows) for position in range(len(rows[0]))]
    is_number = [all(row[position].isdigit() for row in rows[1:]) for position in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_number, strict=True)
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def _row_numbers(problem: Problem) -> str:
    most = 5
    listed = ", ".join(str(number) for number in problem.row_numbers[:most])
    return listed + (", …" if problem.n_rows > most else "")


def count_rows(
    engine: Engine, rules: tuple[Rule, ...], rows_in: dict[str, int], files: dict[str, str]
) -> tuple[tuple[FileCounts, ...], tuple[Problem, ...]]:
    """Count accepted and rejected rows and broken rules from the engine's tables.

    Parameters
    ----------
    engine : Engine
        Holds the accepted tables and `problems`.
    rules : tuple of Rule
        The rules by their number in `problems`.
    rows_in : dict of str to int
        Rows of each table.
    files : dict of str to str
        How the input calls each table that it has.
    """
    counts = []
    for schema in TABLES:
        n_rows = rows_in[schema.name]
        accepted = int(engine.scalar(f"select count(*) from {schema.name}"))
        rejected = int(engine.scalar(f"select count(distinct input_row) from problems where file = {schema.number}"))
        if accepted + rejected != n_rows:
            raise AssertionError(f"{schema.name}: rows accepted and rejected do not add up to the rows read.")
        if schema.name in files:
            counts.append(FileCounts(schema.name, files[schema.name], n_rows, accepted, rejected))
    return tuple(counts), _broken_rules(engine, rules, files)


def _broken_rules(engine: Engine, rules: tuple[Rule, ...], files: dict[str, str]) -> tuple[Problem, ...]:
    """Return what `problems` holds, one entry a table, column and rule, in the order of the tables and checks."""
    seen = engine.fetch("select rule from problems group by rule order by rule")
    numbers: dict[tuple[str, str, str], list[int]] = {}
    for number in (int(value) for value in seen["rule"]):
        rule = rules[number]
        numbers.setdefault((rule.table, rule.column, rule.id), []).append(number)
    found = [_problem(engine, rules[same[0]], same, files) for same in numbers.values()]
    order = [schema.name for schema in TABLES]
    return tuple(sorted(found, key=lambda problem: order.index(problem.table)))


def _problem(engine: Engine, rule: Rule, numbers: list[int], files: dict[str, str]) -> Problem:
    broken = f"from problems where rule in ({', '.join(str(number) for number in numbers)})"
    n_rows = int(engine.scalar(f"select count(distinct input_row) {broken}"))
    first = engine.fetch(f"select distinct input_row {broken} order by input_row limit {MOST_ROWS_LISTED}")
    rows = tuple(int(row) for row in first["input_row"])
    return Problem(rule.table, files[rule.table], rule.column, rule.id, rule.description, n_rows, rows)
