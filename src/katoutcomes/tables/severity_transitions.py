"""Severity bands at baseline against those at a visit as a table: one row a band at baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.instruments.definition_words import definition_set, definition_words
from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    format_count,
    format_estimate,
    format_interval,
    format_share,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.result import ResultRecord

_EMPTY_RELEASED = "Empty cells hold nobody, or too few to be shown, or would give such a number away."
_EMPTY = "Empty cells hold nobody."
MOVES: tuple[str, ...] = ("to a milder band", "same band", "to a more severe band")


def severity_transitions_table(result: ResultRecord) -> Table:
    """Return the matrix of each group, then the shares who moved.

    Parameters
    ----------
    result : ResultRecord
        A result of `severity_transitions`, released or not.
    """
    part = result.part("severity_transitions")
    name = next((share.definition_set for share in result.select(measure="proportion") if share.definition_set), "")
    labels = _labels(name, part.column("baseline_band"), part.column("follow_up_band"))
    rows: list[tuple[str, ...]] = []
    headings: list[str] = []
    for group in dict.fromkeys(share.subgroup for share in result.select(measure="proportion")):
        counts = {row[2:4]: row[5] for row in part.rows if row[1] == group}
        for before in labels:
            cells = (counts.get((before, after)) for after in labels)
            rows.append((before, *(format_count(n) if isinstance(n, int) else DOES_NOT_APPLY for n in cells)))
            headings.append(f"{group_label(group)[:1].upper()}{group_label(group)[1:]}")
    released = minimum_cell_of(result) is not None
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=f"{result.title} (patients; rows: at baseline)",
        columns=("At baseline", *labels),
        rows=tuple(rows),
        footnotes=footnotes(
            result,
            rows,
            _EMPTY_RELEASED if released else _EMPTY,
            *_shares(result),
            f"Bands: {definition_words(name)}." if name else "",
            result.method.description,
        ),
        row_groups=tuple(headings),
    )


def _labels(name: str, *columns: tuple[object, ...]) -> tuple[str, ...]:
    """Return the bands from least to most severe; those that occur where the catalog does not hold the definition."""
    found = definition_set(name) if name else None
    if found is not None:
        return tuple(band.label for band in found.bands)
    return tuple(dict.fromkeys(str(label) for column in columns for label in column)) or ("any",)


def _shares(result: ResultRecord) -> tuple[str, ...]:
    """Return one sentence a group on who moved in which direction."""
    minimum = minimum_cell_of(result)
    sentences = []
    for group in dict.fromkeys(share.subgroup for share in result.select(measure="proportion")):
        shares = [one for term in MOVES for one in result.select(term=term, measure="proportion", subgroup=group)]
        words = "; ".join(
            f"{one.term} {format_share(one, minimum)} ({format_estimate(one)}, {format_interval(one)})"
            for one in shares
        )
        label = group_label(group)
        sentences.append(f"{label[:1].upper()}{label[1:]}: {words} [{interval_words(result)}].")
    return tuple(sentences)
