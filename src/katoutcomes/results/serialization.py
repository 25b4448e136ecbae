"""A result as a data frame, as JSON and as a few lines of HTML; and back from JSON.

Individual values are in none of them.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import DataError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.formatting import format_n_patients, format_with_interval
from katoutcomes.results.part import Cell, Part
from katoutcomes.results.presenters import TABLES
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, ReleasedResult, Result, ResultRecord
from katoutcomes.results.rounding import significant
from katoutcomes.vocabulary import ESTIMATE_COLUMNS, NUMERIC_ESTIMATE_COLUMNS, SCHEMA_VERSION

if TYPE_CHECKING:
    import pandas as pd

N_COLUMNS: tuple[str, ...] = ("n_patients", "n_observations")
NOT_FINITE = "not finite"
NOT_FOR_RELEASE = "Not for release: small cells are not suppressed."

_Number = Callable[[float], float | str | None]
"""How a number is written."""


def estimates_frame(result: ResultRecord) -> pd.DataFrame:
    """Return one row an estimate, in the order of the result.

    Returns
    -------
    pandas.DataFrame
        Columns `ESTIMATE_COLUMNS`: text as strings ("" where it does not apply), numbers as float64 (NaN where they do
        not apply or are hidden), `n_patients` and `n_observations` as nullable integers.
    """
    import pandas as pd

    columns: dict[str, pd.Series[Any]] = {}
    for name in ESTIMATE_COLUMNS:
        if name == "analysis":
            values: list[Any] = [result.analysis] * len(result.estimates)
        else:
            values = [getattr(estimate, name) for estimate in result.estimates]
        dtype = "float64" if name in NUMERIC_ESTIMATE_COLUMNS else "Int64" if name in N_COLUMNS else "str"
        columns[name] = pd.Series(values, dtype=dtype)
    return pd.DataFrame(columns)


def result_dict(result: ResultRecord, *, exact: bool = False) -> dict[str, Any]:
    """Return plain dictionaries, lists, strings, numbers and None, ready for JSON.

    Numbers are rounded to 12 significant digits, so that the same data give the same text on another processor; what is
    not finite is None. With `exact`, every digit and every infinity is kept, for a file that is read again.
    `minimum_cell` is None for a result that has not been released.
    """
    number = _exact_number if exact else _plain_number
    cell = _exact_cell if exact else _cell
    return {
        "schema_version": SCHEMA_VERSION,
        "analysis": result.analysis,
        "title": result.title,
        "minimum_cell": result.minimum_cell if isinstance(result, ReleasedResult) else None,
        "round_to": result.round_to if isinstance(result, ReleasedResult) else None,
        "estimand": {**result.estimand.to_dict(), "sentence": result.estimand.sentence()},
        "method": {
            "name": result.method.name,
            "description": result.method.description,
            "sources": list(result.method.sources),
        },
        "estimates": [_estimate_dict(estimate, number) for estimate in result.estimates],
        "parts": [_part_dict(part, cell) for part in result.parts],
        "assumptions": list(result.assumptions),
        "checks": [_check_dict(check, number) for check in result.checks],
        "verdict": result.verdict,
        "warnings": list(result.warnings),
        "provenance": {
            "source": result.provenance.source,
            "digest": result.provenance.digest,
            "settings": [list(setting) for setting in result.provenance.settings],
            "is_synthetic": result.provenance.is_synthetic,
            "software": [list(package) for package in result.provenance.software],
        },
    }


def result_json(result: ResultRecord) -> str:
    """Return `result_dict` as JSON text: sorted keys, two spaces, UTF-8 letters as they are, one newline at the end."""
    return json.dumps(result_dict(result), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def result_from_dict(content: Mapping[str, Any]) -> ResultRecord:
    """Return the record that `result_dict` was made from, without individual values.

    Parameters
    ----------
    content : mapping
        What ``json.loads`` gives for the text of `result_json`.

    Returns
    -------
    ReleasedResult or Result
        A `ReleasedResult` where `minimum_cell` is set. Writing it again gives the same bytes.

    Raises
    ------
    DataError
        If the layout is of another version, a field is missing, or a value is of another kind.
    """
    if content.get("schema_version") != SCHEMA_VERSION:
        raise DataError(f"the result is not in layout {SCHEMA_VERSION}; write it again with this version.")
    try:
        record = _record_fields(content)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        # The words of the problem may quote the file, and a file that is not what it should be may hold anything.
        kind = "lacks a field or has one too many" if isinstance(problem, KeyError | TypeError) else "has a wrong value"
        raise DataError(f"the result {kind} ({type(problem).__name__}).") from problem
    minimum_cell = content.get("minimum_cell")
    if minimum_cell is None:
        return Result(**record)
    round_to = content.get("round_to", 1)  # results that were released before counts could be rounded do not say so
    for name, number in (("minimum_cell", minimum_cell), ("round_to", round_to)):
        if type(number) is not int or number < 1:
            raise DataError(f"the result has a {name} that is no whole number of at least 1.")
    return ReleasedResult(**record, minimum_cell=minimum_cell, round_to=round_to)


def notebook_html(result: ResultRecord) -> str:
    """Return what a notebook shows: the table, the verdict and the warnings, everything escaped.

    A result that has not been released says so.
    """
    blocks = [result.to_table().to_html() if result.analysis in TABLES else _plain_table(result)]
    if not isinstance(result, ReleasedResult):
        blocks.append(f"<p><strong>{NOT_FOR_RELEASE}</strong></p>")
    if result.verdict != "report":
        reasons = " ".join(check.message for check in result.checks if not check.passed)
        blocks.append(f"<p>Verdict: {escape(result.verdict)}. {escape(reasons)}</p>")
    blocks += [f"<p>Warning: {escape(warning)}</p>" for warning in result.warnings]
    return "<div>" + "\n".join(blocks) + "</div>"


def _plain_number(value: float) -> float | None:
    return significant(float(value)) + 0.0 if math.isfinite(value) else None  # + 0.0: no "-0.0"


def _exact_number(value: float) -> float | str | None:
    """Return every digit; JSON has no word for infinity, so that it is one here, and NaN is null as ever."""
    return float(value) if math.isfinite(value) else None if math.isnan(value) else str(float(value))


def _estimate_dict(estimate: Estimate, number: _Number) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in fields(estimate):
        value = getattr(estimate, field.name)
        if field.name in NUMERIC_ESTIMATE_COLUMNS:
            value = number(value)
        elif field.name in N_COLUMNS:
            value = None if value is None else operator.index(value)
        values[field.name] = value
    return values


def _cell(value: Any) -> Cell:
    """Return a cell as a plain value; a NumPy number becomes a Python number."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, float):
        return _plain_number(value)
    return operator.index(value)


def _exact_cell(value: Any) -> Any:
    """Return a cell with every digit; what is not finite says so, since a cell may also be None or text."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {NOT_FINITE: str(float(value))}
    return _cell(value)


def _part_dict(part: Part, cell: Callable[[Any], Any]) -> dict[str, Any]:
    return {
        "name": part.name,
        "columns": list(part.columns),
        "rows": [[cell(value) for value in row] for row in part.rows],
        "suppressed": [list(position) for position in part.suppressed],
        "below_minimum": [list(position) for position in part.below_minimum],
    }


def _check_dict(check: Check, number: _Number) -> dict[str, Any]:
    return {
        "name": check.name,
        "passed": bool(check.passed),
        "severity": check.severity,
        "value": number(check.value),
        "limit": number(check.limit),
        "message": check.message,
    }


def _record_fields(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `Result` that JSON content holds."""
    estimand = {name: value for name, value in content["estimand"].items() if name != "sentence"}
    provenance = content["provenance"]
    return {
        "analysis": content["analysis"],
        "title": content["title"],
        "estimand": Estimand(**{**estimand, "endpoint": Endpoint(**estimand["endpoint"])}),
        "method": Method(**{**content["method"], "sources": tuple(content["method"]["sources"])}),
        "estimates": tuple(Estimate(**_numbers(values)) for values in content["estimates"]),
        "parts": tuple(_part(values) for values in content["parts"]),
        "assumptions": tuple(content["assumptions"]),
        "checks": tuple(Check(**_numbers(values)) for values in content["checks"]),
        "warnings": tuple(content["warnings"]),
        "provenance": Provenance(
            source=provenance["source"],
            digest=provenance["digest"],
            settings=_pairs(provenance["settings"]),
            is_synthetic=provenance["is_synthetic"],
            software=_pairs(provenance["software"]),
        ),
    }


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn null back into NaN where a number belongs, and whole numbers back into floats."""
    floats = {*NUMERIC_ESTIMATE_COLUMNS, "value", "limit"}
    return {
        name: value if name not in floats else NOT_A_NUMBER if value is None else float(value)
        for name, value in values.items()
    }


def _part(values: Mapping[str, Any]) -> Part:
    return Part(
        name=values["name"],
        columns=tuple(values["columns"]),
        rows=tuple(tuple(_read_cell(value) for value in row) for row in values["rows"]),
        suppressed=_pairs(values["suppressed"]),
        below_minimum=_pairs(values["below_minimum"]),
    )


def _read_cell(value: Any) -> Cell:
    return float(value[NOT_FINITE]) if isinstance(value, dict) else value


def _pairs(values: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    return tuple(tuple(value) for value in values)


def _plain_table(result: ResultRecord) -> str:
    """Return the estimates of an analysis that has no table of its own."""
    minimum_cell = result.minimum_cell if isinstance(result, ReleasedResult) else None
    rows = []
    for estimate in result.estimates:
        what = ", ".join(word for word in (estimate.subgroup, estimate.visit, estimate.term, estimate.measure) if word)
        cells = (format_with_interval(estimate, minimum_cell), format_n_patients(estimate, minimum_cell))
        data = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{escape(what)}</th>{data}</tr>')
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Estimate", "Value (interval)", "Patients"))
    caption = f"<caption>{escape(result.title)}</caption>"
    return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
