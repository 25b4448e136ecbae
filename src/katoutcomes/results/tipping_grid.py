"""The grid of differences with the missing of both arms other than assumed, as table and figure read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.results.formatting import format_estimate

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_GRID = "tipping grid: "
_AS_ASSUMED = f"{_GRID}as assumed"
_TREATED, _COMPARATOR = f"{_GRID}treated ", ", comparator "
ASSUMED = "as assumed"
"""Of the missing scores of an arm to which nothing is added."""


@dataclass(frozen=True, slots=True)
class TippingGrid:
    """One pair of arms with what is supposed of the missing of each.

    Attributes
    ----------
    treatment, comparator : str
        The arms, as the data name them.
    treated, of_comparator : tuple of str
        What is supposed of the missing of each, in words.
    cells : mapping of (str, str) to Estimate
        The difference by what is supposed of the treated and of the comparator.
    """

    treatment: str
    comparator: str
    treated: tuple[str, ...]
    of_comparator: tuple[str, ...]
    cells: Mapping[tuple[str, str], Estimate]


def tipping_grids(result: ResultRecord) -> Iterator[TippingGrid]:
    """Yield the grid of every pair of arms in order; nothing where there is none."""
    of_arm: dict[str, list[Estimate]] = {}
    for one in result.estimates:
        if one.term.startswith(_TREATED):
            of_arm.setdefault(one.treatment, []).append(one)
    for treatment, found in of_arm.items():
        cells = {_supposed(one): one for one in found}
        treated, of_comparator = (tuple(dict.fromkeys(pair[side] for pair in cells)) for side in (0, 1))
        yield TippingGrid(treatment, found[0].comparator, treated, of_comparator, cells)


def _supposed(one: Estimate) -> tuple[str, str]:
    treated, _, comparator = one.term.removeprefix(_TREATED).partition(_COMPARATOR)
    return treated, comparator


def holds_no_difference(one: Estimate) -> bool:
    """Return whether the interval of a cell is shown and holds 0."""
    return not one.suppressed and one.conf_low <= 0.0 <= one.conf_high


def is_of_events(result: ResultRecord) -> bool:
    """Return whether shares of the missing are supposed, and not points added to their scores."""
    return bool(result.select(term=_AS_ASSUMED))


def how_supposed(result: ResultRecord) -> str:
    """Return in a sentence what the words along the grid mean, and what the answer itself takes for granted."""
    if not is_of_events(result):
        return "So much is added to every missing score of an arm. As assumed: missing at random given what was seen."
    shares = dict.fromkeys(
        f"{one.subgroup.split(': ', 1)[-1].replace('_', ' ')} {format_estimate(one)}"
        for one in result.select(term=_AS_ASSUMED)
    )
    if result.estimand.name == "days_in_response":
        return (
            "Of the days for which a visit without a score speaks such a share of an arm's was in response, and "
            f"everybody is analyzed. The answer itself takes for granted: {', '.join(shares)}."
        )
    outcome = result.estimand.endpoint.variable
    return (
        f"Such a share of an arm's patients without a score had the outcome ({outcome}), and everybody compared is "
        f"analyzed. The answer itself takes for granted: {', '.join(shares)}."
    )
