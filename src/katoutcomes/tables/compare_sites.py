"""Sites beside each other as a table, in alphabetical order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    format_n_patients,
    format_share,
    format_with_interval,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, interval_words, one, subgroups
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

_NOT_SAID = "not shown"


def compare_sites_table(result: ResultRecord) -> Table:
    """Return all patients and then one row a site of `compare_sites`.

    Parameters
    ----------
    result : ResultRecord
        Released or not.
    """
    verdicts = result.part("site_verdicts")
    said = dict(zip(verdicts.column("group"), verdicts.column("verdict"), strict=True))
    rows = tuple(
        (group_label(site), *_cells(result, site), _verdict(site, said))
        for site in subgroups(result.select(term="change", measure="mean change"))
    )
    interval = interval_words(result)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        columns=(
            "Site",
            "Patients with both scores",
            f"Mean change, points ({interval})",
            f"Adjusted ({interval})",
            f"Adjusted and partially pooled ({interval})",
            f"Reliable improvement ({interval})",
            f"Standardized ({interval})",
            "Paired completeness",
            "What can be said",
        ),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            "Sites stand in alphabetical order; they are described and not ranked.",
            "Too small to tell: the interval of the site alone is wider than what matters. No difference shown is not "
            "the same as no difference.",
            _spread(result),
        ),
    )


def _cells(result: ResultRecord, site: str) -> tuple[str, ...]:
    minimum = minimum_cell_of(result)
    change = one(result, term="change", measure="mean change", subgroup=site)
    share = one(result, term="reliable improvement", measure="proportion", subgroup=site)
    completeness = one(result, term="paired completeness", subgroup=site)
    named = (
        one(result, term="change, adjusted", subgroup=site),
        one(result, term="change, adjusted and partially pooled", subgroup=site),
    )
    standardized = one(result, term="reliable improvement, standardized", subgroup=site)
    adjusted, pooled, standard = (
        DOES_NOT_APPLY if found is None else format_with_interval(found, minimum) for found in (*named, standardized)
    )
    share_text = DOES_NOT_APPLY
    if share is not None:
        counted = format_share(share, minimum)
        share_text = counted if share.suppressed else f"{counted}, {format_with_interval(share)}"
    return (
        DOES_NOT_APPLY if change is None else format_n_patients(change, minimum),
        DOES_NOT_APPLY if change is None else format_with_interval(change, minimum),
        adjusted,
        pooled,
        share_text,
        standard,
        DOES_NOT_APPLY if completeness is None else format_share(completeness, minimum),
    )


def _verdict(site: str, said: Mapping[Cell, Cell]) -> str:
    if not site or not said:
        return DOES_NOT_APPLY
    return str(said.get(site, _NOT_SAID))


def _spread(result: ResultRecord) -> str:
    """Return how far the true means of sites lie apart, in words; nothing where that is not known."""
    found = one(result, measure="standard deviation between groups")
    if found is None or found.suppressed:
        return ""
    return f"Standard deviation of the adjusted means between sites: {format_with_interval(found)} points."
