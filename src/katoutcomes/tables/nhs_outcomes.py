"""Recovery and reliable change by the rules of NHS Talking Therapies as a table with denominators."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.results.formatting import format_estimate, format_interval, format_share, minimum_cell_of
from katoutcomes.tables.footnotes import footnotes, group_label, interval_words, subgroups
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_OF_WHOM: Mapping[str, str] = MappingProxyType(
    {
        "scored on both measures": "of all counted with both measures at baseline",
        "recovery": "of those at caseness at baseline",
        "reliable recovery": "of those at caseness at baseline",
    }
)
_OTHERWISE = "of those scored on both measures at both times"


def nhs_outcomes_table(result: ResultRecord) -> Table:
    """Return the shares of an `nhs_outcomes` with numerators and denominators, one row a share and group.

    Parameters
    ----------
    result : ResultRecord
        A result of `nhs_outcomes`, released or not.
    """
    shares = result.select(measure="proportion")
    has_groups = any(subgroups(shares))
    terms = list(dict.fromkeys(share.term for share in shares))
    ordered = sorted(shares, key=lambda share: terms.index(share.term))
    rows = tuple(_row(share, has_groups=has_groups, minimum_cell=minimum_cell_of(result)) for share in ordered)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        columns=(
            "Outcome",
            "Of whom",
            *(("Group",) if has_groups else ()),
            "Patients",
            "Share",
            interval_words(result),
        ),
        rows=rows,
        footnotes=footnotes(result, rows, result.method.description),
    )


def _row(share: Estimate, *, has_groups: bool, minimum_cell: int | None) -> tuple[str, ...]:
    group = (group_label(share.subgroup),) if has_groups else ()
    counted = format_share(share, minimum_cell)
    of_whom = _OF_WHOM.get(share.term, _OTHERWISE)
    return (share.term, of_whom, *group, counted, format_estimate(share), format_interval(share))
