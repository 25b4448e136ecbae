"""Clinical significance as a table: under each definition, the shares with their counts and intervals."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.instruments.definition_words import capitalized_definition, definition_set
from katoutcomes.results.formatting import (
    format_estimate,
    format_interval,
    format_n_patients,
    format_percent,
    format_share,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import (
    footnotes,
    group_label,
    interval_words,
    level_label,
    subgroups,
)
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_COMPLETENESS = "Patients with both scores, of those with a baseline"
_ABOVE_ZERO = "of those with a baseline score above 0"
_DENOMINATORS: Mapping[str, str] = MappingProxyType(
    {
        "recovery": "of those at caseness at baseline",
        "reliable recovery": "of those at caseness at baseline",
        "relative improvement": _ABOVE_ZERO,
        "no relative change": _ABOVE_ZERO,
        "relative deterioration": _ABOVE_ZERO,
    }
)
_UNCOUNTED: Mapping[str, str] = MappingProxyType(
    {
        "model-based share": "estimated share, counts nobody",
        "mean change": "mean change in points",
        "difference in proportions": "difference",
        "standardized difference in proportions": "standardized difference",
    }
)
"""Numbers beside the shares, and what stands behind their term."""


def clinical_significance_table(result: ResultRecord) -> Table:
    """Return the shares of a `clinical_significance`, grouped by the definition they follow.

    Parameters
    ----------
    result : ResultRecord
        A result of `clinical_significance`, released or not.

    Returns
    -------
    Table
        One row a share (and group), "n of N" first, under the name of its definition set with its thresholds.
    """
    shares = tuple(one for one in result.estimates if one.measure == "proportion" or one.measure in _UNCOUNTED)
    has_groups = any(subgroups(shares))
    names = tuple(dict.fromkeys(share.definition_set for share in shares))
    verdicts = _verdicts(result)
    rows: list[tuple[str, ...]] = []
    headings: list[str] = []
    for share in sorted(shares, key=_order(shares)):
        verdict = verdicts.get((share.visit, share.subgroup, share.definition_set), "")
        rows.append(_row(result, share, verdict, has_groups=has_groups))
        headings.append(_heading(result, share.definition_set))
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        columns=("Class", *(("Group",) if has_groups else ()), "Patients", "Share", interval_words(result)),
        rows=tuple(rows),
        footnotes=footnotes(
            result,
            rows,
            "Definitions differ and so do their shares; compare only shares of one definition.",
            result.method.description,
            *(_source(name) for name in names),
        ),
        row_groups=tuple(headings),
    )


def _order(shares: tuple[Estimate, ...]) -> Callable[[Estimate], tuple[int, int]]:
    """Return the order of the rows: definitions and classes as they come, the groups of a class side by side."""
    definitions = list(dict.fromkeys(share.definition_set for share in shares))
    terms = list(dict.fromkeys((share.definition_set, share.term) for share in shares))
    return lambda share: (definitions.index(share.definition_set), terms.index((share.definition_set, share.term)))


def _verdicts(result: ResultRecord) -> dict[tuple[str, ...], str]:
    """Return what the interval of each mean change says, by visit, group and definition set."""
    rows = next((part.rows for part in result.parts if part.name == "anchors"), ())
    return {(str(row[0]), str(row[1]), str(row[2])): str(row[3]) for row in rows}


def _row(result: ResultRecord, share: Estimate, verdict: str, *, has_groups: bool) -> tuple[str, ...]:
    minimum_cell = minimum_cell_of(result)
    if share.measure != "proportion":
        words = _UNCOUNTED[share.measure]
        named = share.term.removesuffix(f": {share.treatment} - {share.comparator}")
        term = f"{named} ({words}{f': {verdict}' if verdict and share.measure == 'mean change' else ''})"
        compared = f"{level_label(result, share.treatment)} minus {level_label(result, share.comparator)}"
        group = (compared if share.comparator else group_label(share.subgroup),) if has_groups else ()
        return (term, *group, format_n_patients(share, minimum_cell), format_estimate(share), format_interval(share))
    of_whom = _DENOMINATORS.get(share.term, "")
    text = f"{share.term} ({of_whom})" if of_whom else share.term
    group = (group_label(share.subgroup),) if has_groups else ()
    return (text, *group, format_share(share, minimum_cell), format_estimate(share), format_interval(share))


def _heading(result: ResultRecord, name: str) -> str:
    """Return the name of a definition and the thresholds that the result used for it."""
    if not name:
        return _COMPLETENESS
    heading = capitalized_definition(name)
    thresholds = ", ".join(
        _threshold(threshold, heading) for threshold in result.select(measure="threshold", definition_set=name)
    )
    return f"{heading} ({thresholds})" if thresholds else heading


def _threshold(threshold: Estimate, heading: str) -> str:
    """Return a threshold with its unit, and its name where the heading does not say it."""
    in_points = threshold.unit == "points"
    text = (
        f"{format_estimate(threshold)} points" if in_points else f"{format_percent(threshold.estimate)} of the baseline"
    )
    return text if threshold.term in heading else f"{threshold.term} {text}"


def _source(name: str) -> str:
    """Return the source of a definition set of the catalog; "" for others, whose source the method names."""
    found = definition_set(name) if "/" in name else None
    return "" if found is None else f"{capitalized_definition(name)}: {found.source.rstrip('.')}."
