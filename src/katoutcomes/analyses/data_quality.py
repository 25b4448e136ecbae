"""How many rows of each table were taken, how many were rejected, and by which rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.registry.registry_needed import require_registry
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, Result
from katoutcomes.vocabulary import SCHEMA_VERSION

if TYPE_CHECKING:
    from katoutcomes.registry.load_reports.load_report import LoadReport
    from katoutcomes.registry.registry import Registry

REJECTED_ROWS_LIMIT = 0.05
"""Above this share of rejected rows a table may no longer be what the clinic recorded. A convention."""

_ESTIMAND = Estimand(
    name="data_quality",
    population="the tables as they arrived",
    treatment="",
    comparator="",
    endpoint=Endpoint("", "", "rows accepted and rows rejected"),
    intercurrent_events="a row that breaks a rule is rejected and counted, and nothing is repaired or guessed",
    summary_measure="number of rows",
)
_METHOD = Method(
    name="validation rules",
    description=(
        "Every cell is tested against the rules of the schema before it becomes a value. A row that breaks a rule is "
        "rejected and counted once, though it may break several; a row that belongs to a rejected patient or session "
        "is rejected as unlinked. Rows in = rows accepted + rows rejected, for each table."
    ),
)
_ASSUMPTIONS = (
    (
        "A row that keeps every rule can still be wrong: a plausible score of another patient, or on another day, "
        "cannot be seen."
    ),
    "What was never entered is not counted here.",
)


def data_quality(registry: Registry) -> Result:
    """Report what loading did with every row.

    Parameters
    ----------
    registry : Registry
        The checked data; the numbers are those of its `load_report`.

    Returns
    -------
    Result
        For each table the rows accepted and rejected; the part ``"files"`` with the rows in as well, and the part
        ``"rules"`` with every rule that some row broke. Columns that the schema does not know, and what else the
        loader noted, are in `Result.warnings`. Row numbers stay in the load report.

    Raises
    ------
    OptionError
        If `registry` is no `Registry`.

    Examples
    --------
    >>> import pandas as pd
    >>> import katoutcomes as kat
    >>> patients = pd.DataFrame({"patient_id": ["P1", "P2"], "age_years": [41, 7]})
    >>> sessions = pd.DataFrame({"session_id": ["S1"], "patient_id": ["P1"], "day": [0], "kind": ["dosing"]})
    >>> registry = kat.read_registry({"patients": patients, "sessions": sessions}, is_synthetic=True)
    >>> for count in kat.data_quality(registry).estimates:
    ...     print(count.term, int(count.estimate))
    patients: rows accepted 1
    patients: rows rejected 1
    sessions: rows accepted 1
    sessions: rows rejected 0
    """
    require_registry(registry)
    report = registry.load_report
    return Result(
        analysis="data_quality",
        title="Data quality",
        estimand=_ESTIMAND,
        method=_METHOD,
        estimates=tuple(_counts(report)),
        provenance=Provenance(
            source="registry",
            digest=registry.digest,
            settings=(("schema version", SCHEMA_VERSION),),
            is_synthetic=registry.is_synthetic,
        ),
        parts=(_files_part(report), _rules_part(report)),
        assumptions=_ASSUMPTIONS,
        checks=(_rejected_rows_check(report), _left_out_columns_check(report)),
        warnings=_warnings(report),
    )


def _counts(report: LoadReport) -> Iterator[Estimate]:
    for file in report.files:
        for what, count in (("accepted", file.rows_accepted), ("rejected", file.rows_rejected)):
            yield Estimate(term=f"{file.table}: rows {what}", measure="count", estimate=float(count))


def _files_part(report: LoadReport) -> Part:
    # The table's name, not the file's: the counts are then known to be those of the estimates, and hidden with them.
    rows = ((file.table, file.rows_in, file.rows_accepted, file.rows_rejected) for file in report.files)
    return Part("files", ("file", "rows_in", "rows_accepted", "rows_rejected"), tuple(rows))


def _rules_part(report: LoadReport) -> Part:
    # Converted data name the same rule once for each file that a table was made from.
    counts: dict[tuple[str, str, str, str], int] = {}
    for problem in report.problems:
        key = (problem.table, problem.rule, problem.column, problem.description)
        counts[key] = counts.get(key, 0) + problem.n_rows
    rows = ((*key, n_rows) for key, n_rows in counts.items())
    return Part("rules", ("file", "rule", "column", "description", "n_rows"), tuple(rows))


def _rejected_rows_check(report: LoadReport) -> Check:
    """Return whether every table kept nearly all of its rows."""
    worst = max((file.rows_rejected / file.rows_in for file in report.files if file.rows_in), default=0.0)
    passed = worst <= REJECTED_ROWS_LIMIT
    return Check(
        name="rejected rows",
        passed=passed,
        severity="caution",
        value=worst,
        limit=REJECTED_ROWS_LIMIT,
        message=(
            "Nearly all rows of every table were accepted."
            if passed
            else "Many rows of a table were rejected, so the results may not be those of the clinic's whole records."
        ),
    )


def _left_out_columns_check(report: LoadReport) -> Check:
    n_left_out = len(report.left_out_columns)
    return Check(
        name="columns left out",
        passed=n_left_out == 0,
        severity="note",
        value=float(n_left_out),
        limit=0.0,
        message=(
            "Some columns are not in the schema and were not loaded."
            if n_left_out
            else "Every column of the input is in the schema."
        ),
    )


def _warnings(report: LoadReport) -> tuple[str, ...]:
    left_out = tuple(
        f"{file}: the column {column!r} is not in the schema and was left out."
        for file, column in report.left_out_columns
    )
    return left_out + tuple(f"{note[:1].upper()}{note[1:]}" for note in report.notes)
