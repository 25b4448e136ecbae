"""Several instruments in one table: a line a visit, for those that a report does not tell in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    format_estimate,
    format_mean_sd,
    format_n_patients,
    format_share,
    format_with_interval,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import interval_words, mark_notes, one
from katoutcomes.tables.table import Table

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

NAME = "instruments_in_brief"
_CLASSES = ("reliable improvement", "no reliable change", "reliable deterioration")
NOT_REPORTED = "not reported"


def instruments_in_brief(changes: Sequence[ResultRecord], significances: Sequence[ResultRecord]) -> Table:
    """Return one row a visit and instrument: who was scored again, the mean change, the classes of change.

    Parameters
    ----------
    changes : sequence of ResultRecord
        Of `change_from_baseline`, one an instrument, at least one; released or not. A change that its checks withhold
        is not shown.
    significances : sequence of ResultRecord
        Of `clinical_significance`; classes are those of the first definition, at the visit that they are of.
    """
    of_instrument = {result.estimand.endpoint.instrument: result for result in significances}
    rows, headings = [], []
    for result in changes:
        name = result.estimand.endpoint.instrument
        for change in result.select(term="change", measure="mean change", subgroup=""):
            rows.append((change.visit, *_cells(result, change), *_shares(of_instrument.get(name), change.visit)))
            headings.append(name)
    interval = interval_words(changes[0])
    return Table(
        name=NAME,
        caption="The other instruments: change from baseline and reliable change of all patients",
        columns=(
            "Visit",
            "With both scores, of those with a baseline",
            "Baseline of those seen, mean (SD)",
            "Follow-up, mean (SD)",
            f"Mean change in points ({interval})",
            *(f"{name[:1].upper()}{name[1:]}" for name in _CLASSES),
        ),
        rows=tuple(rows),
        row_groups=tuple(headings),
        footnotes=(
            "A change is follow-up minus baseline; means and shares are of the patients with both scores.",
            "Reliable change is told at one visit, by the rule that stands with the instrument above.",
            *mark_notes({cell for row in rows for cell in row}, minimum_cell_of(changes[0])),
            *dict.fromkeys(filter(None, (result.rounding_note for result in (*changes, *significances)))),
        ),
    )


def _cells(result: ResultRecord, change: Estimate) -> tuple[str, ...]:
    """Return how many were scored, both means and the mean change of one visit."""
    minimum = minimum_cell_of(result)
    completeness = one(result, term="paired completeness", visit=change.visit, subgroup="")
    is_shown = completeness is not None and not completeness.suppressed
    seen = format_share(completeness, minimum) if completeness and is_shown else format_n_patients(change, minimum)
    if result.verdict == "withhold":
        return seen, *(NOT_REPORTED,) * 3
    at = {"visit": change.visit, "subgroup": ""}
    means = (
        format_mean_sd(
            one(result, term=term, measure="mean", **at), one(result, term=term, measure="standard deviation", **at)
        )
        for term in ("baseline, completers", "follow-up")
    )
    return seen, *means, format_with_interval(change, minimum)


def _shares(significance: ResultRecord | None, visit: str) -> tuple[str, ...]:
    """Return the shares of the three classes at a visit, by the first definition that has them."""
    first = None if significance is None else one(significance, term=_CLASSES[0], measure="proportion", subgroup="")
    if significance is None or first is None or first.visit != visit:
        return (DOES_NOT_APPLY,) * len(_CLASSES)
    if significance.verdict == "withhold":
        return (NOT_REPORTED,) * len(_CLASSES)
    same = {"definition_set": first.definition_set, "visit": visit, "measure": "proportion", "subgroup": ""}
    found = (one(significance, term=term, **same) for term in _CLASSES)
    return tuple(DOES_NOT_APPLY if share is None else format_estimate(share) for share in found)
