"""What happened to every row on its way in: counts, rules and row numbers, never a value."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.checking.advice import advice
from katoutcomes.vocabulary import SCHEMA_VERSION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.identifiers import Finding

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
    causes : tuple of (str, int)
        What the cells look like, in words, and in how many of the rows; the rest looks like nothing known.
    """

    table: str
    file: str
    column: str
    rule: str
    description: str
    n_rows: int
    row_numbers: tuple[int, ...]
    causes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RejectedRows:
    """Every rejected row with every rule it breaks, as aligned arrays in the order of file, row and rule.

    Attributes
    ----------
    file : array of int32
        Position in `LoadReport.source_files`.
    row : array of int64
        Row number in that file, from 1.
    problem : array of int32
        Position in `LoadReport.problems`.
    """

    file: NDArray[Any]
    row: NDArray[Any]
    problem: NDArray[Any]


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
    faults, findings : tuple of str, tuple of Finding
        Why nothing was loaded: files that are no proper tables, and evidence of direct identifiers. Empty in the report
        of a `Registry`; `katoutcomes check` writes them.
    rejected_rows : RejectedRows or None
        All rejected rows; `write_rejects` writes them.
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
    faults: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    rejected_rows: RejectedRows | None = field(default=None, repr=False, compare=False)

    @property
    def has_rejections(self) -> bool:
        """Whether any row was rejected."""
        return any(file.rows_rejected for file in self.files)

    @property
    def is_refused(self) -> bool:
        """Whether nothing was loaded."""
        return bool(self.faults or self.findings)

    def to_text(self) -> str:
        """Return the report as plain text for a terminal, in aligned columns."""
        blocks = [_counts_text(self)]
        if self.problems:
            header = ("file", "column", "rule", "rows", "which", "a cell here")
            rows = [(p.file, p.column, p.rule, str(p.n_rows), _row_numbers(p), p.description) for p in self.problems]
            blocks.append("rules that rows break (a row may break several):\n" + _aligned((header, *rows)))
        if causes := _causes_text(self.problems):
            blocks.append(f"why, where it can be told:\n{causes}")
        if helps := _advice_text(self.problems):
            blocks.append(f"what usually helps:\n{helps}")
        if self.left_out_rows:
            header = ("file", "column", "rule", "rows", "which", "to be used, a row must be")
            rows = [
                (p.file, p.column, p.rule, str(p.n_rows), _row_numbers(p), p.description) for p in self.left_out_rows
            ]
            blocks.append("rows of which nothing was made:\n" + _aligned((header, *rows)))
        if self.warnings:
            heads = ("file", "column", "rule", "rows", "what it means")
            warned = [(w.file, w.column, w.rule, str(w.n_rows), w.text) for w in self.warnings]
            blocks.append("warnings (nothing was rejected for them):\n" + _aligned((heads, *warned)))
        if self.overrides:
            blocks.append("allowed although the privacy gate refuses it:\n" + _listed(self.overrides))
        if self.left_out_columns:
            listed = _listed(tuple(f"{file}: {column}" for file, column in self.left_out_columns))
            blocks.append(f"columns that are not in the schema and were left out:\n{listed}")
        if self.notes:
            blocks.append("notes:\n" + _listed(self.notes))
        return "\n\n".join(blocks)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "is_refused": self.is_refused,
            "files": [asdict(file) for file in self.files],
            "source_files": [asdict(file) for file in self.source_files],
            "problems": [_problem_dict(problem) for problem in self.problems],
            "left_out_rows": [_problem_dict(problem) for problem in self.left_out_rows],
            "left_out_columns": [{"file": file, "column": column} for file, column in self.left_out_columns],
            "warnings": [_warning_dict(warning) for warning in self.warnings],
            "findings": [asdict(finding) for finding in self.findings],
            "faults": list(self.faults),
            "overrides": list(self.overrides),
            "mapping_digest": self.mapping_digest,
            "notes": list(self.notes),
        }

    def to_html(self) -> str:
        """Return the report as one self-contained page: what was read, what was rejected and what to do about it."""
        from katoutcomes.registry.load_reports.load_report_page import load_report_page

        return load_report_page(self)

    def write_rejects(self, path: str | Path) -> None:
        """Write every rejected row, one line for each rule it breaks, as CSV.

        Parameters
        ----------
        path : str or Path
            The file to write. It holds file, row, column, rule and description; never a value and never a key, so the
            rows are found by their numbers in the files that were read.
        """
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("file", "row", "column", "rule", "description"))
            writer.writerows(self._reject_lines())

    def _reject_lines(self) -> Iterator[tuple[str, int, str, str, str]]:
        rejected = self.rejected_rows
        if rejected is None:
            return
        names = [file.file for file in self.source_files]
        rules = [(problem.column, problem.rule, problem.description) for problem in self.problems]
        for file, row, problem in zip(
            rejected.file.tolist(), rejected.row.tolist(), rejected.problem.tolist(), strict=True
        ):
            yield (names[file], row, *rules[problem])


def _problem_dict(problem: Problem) -> dict[str, Any]:
    causes = [{"cause": cause, "n_rows": n_rows} for cause, n_rows in problem.causes]
    return {**asdict(problem), "row_numbers": list(problem.row_numbers), "causes": causes}


def _warning_dict(warning: PrivacyWarning | QualityWarning) -> dict[str, Any]:
    kind = "quality" if isinstance(warning, QualityWarning) else "privacy"
    row_numbers = list(warning.row_numbers) if isinstance(warning, QualityWarning) else []
    return {"kind": kind, **asdict(warning), "row_numbers": row_numbers}


def _counts_text(report: LoadReport) -> str:
    """Return the counts of the files; of the tables where a report has no files."""
    rows = [(f.file, str(f.rows_in), str(f.rows_accepted), str(f.rows_rejected)) for f in report.files]
    of_files = [(f.file, str(f.rows_in), str(f.rows_accepted), str(f.rows_rejected)) for f in report.source_files]
    has_left_out = any(file.rows_left_out for file in report.source_files)
    if not has_left_out and (not of_files or of_files == rows):
        return _aligned((("file", "rows in", "accepted", "rejected"), *rows))
    header = ("file", "rows in", "accepted", "rejected", "left out")
    sources = [
        (f.file, str(f.rows_in), str(f.rows_accepted), str(f.rows_rejected), str(f.rows_left_out))
        for f in report.source_files
    ]
    records = [(file.table, *row[1:]) for file, row in zip(report.files, rows, strict=True)]
    made = _aligned((("records of", "made", "accepted", "rejected"), *records))
    return f"{_aligned((header, *sources))}\n\n{made}"


def _causes_text(problems: tuple[Problem, ...]) -> str:
    rows = [
        (problem.file, problem.column, problem.rule, str(n_rows), cause)
        for problem in problems
        for cause, n_rows in problem.causes
    ]
    return _aligned((("file", "column", "rule", "rows", "what they look like"), *rows)) if rows else ""


def _advice_text(problems: tuple[Problem, ...]) -> str:
    rows = [(rule, text) for rule in dict.fromkeys(problem.rule for problem in problems) if (text := advice(rule))]
    return _aligned(tuple(rows)) if rows else ""


def _listed(texts: tuple[str, ...]) -> str:
    return "\n".join(f"  {text}" for text in texts)


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
