"""A family of comparisons as a table: each with its p-value, alone and as one of the family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import HIDDEN, format_estimate, format_interval, format_p
from katoutcomes.tables.footnotes import footnotes, in_words, interval_words
from katoutcomes.tables.table import Table

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_BINARY = "Differences of binary outcomes are released with their own comparisons only."
_ALONE, _TOGETHER = "alone: ", "together with the family: "


def outcome_family_table(result: ResultRecord) -> Table:
    """Return one row a hypothesis.

    Parameters
    ----------
    result : ResultRecord
        A result of `outcome_family`, released or not.

    Returns
    -------
    Table
        In the order in which the family was declared.
    """
    hypotheses = result.select(measure="adjusted p-value")
    has_band = bool(result.select(measure="critical value"))
    rows = tuple(_row(one) + (_numbers(result, one) if has_band else ()) for one in hypotheses)
    interval = interval_words(result)
    of_band = ("Difference", f"{interval}, alone", f"{interval}, together") if has_band else ()
    return Table(
        name="outcome_family",
        caption=result.title,
        question=result.estimand.sentence(),
        columns=("", "p", "p, adjusted", *of_band),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            result.method.description,
            "Rejected at a level is what has an adjusted p of at most that level; the chance of any false rejection in "
            "the family is then at most the level.",
            *map(_reach, result.select(measure="critical value")),
            _BINARY if has_band and any(one.suppressed for one in result.estimates) else "",
        ),
    )


def _numbers(result: ResultRecord, one: Estimate) -> tuple[str, ...]:
    """Return the difference, its interval alone and the band."""
    alone, together = (result.select(term=f"{side}{one.term}")[0] for side in (_ALONE, _TOGETHER))
    return (format_estimate(alone), format_interval(alone), format_interval(together))


def _reach(critical: Estimate) -> str:
    return f"The band reaches {format_estimate(critical)} standard errors to either side of each difference."


def _row(one: Estimate) -> tuple[str, ...]:
    outcome = one.term.split(": ", 1)[0]
    label = f"{outcome}: {in_words(one.treatment)} minus {in_words(one.comparator)}"
    numbers = (HIDDEN, HIDDEN) if one.suppressed else (format_p(one.p_value), format_p(one.estimate))
    return (label, *numbers)
