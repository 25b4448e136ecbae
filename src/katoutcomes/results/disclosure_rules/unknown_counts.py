"""Counts that nobody here knows, since an earlier release has hidden them: what can be believed of all of them at once.

A reader believes that a hidden count is somebody, that a sum holds wherever it can, and that what a clinic counts
grows. One of these beliefs can be false: a class in which everybody is nobody is empty in each hidden group, the level
of a variable is not known of some patients, a count was corrected. Then no numbers fulfill all of them, and of what has
no solution no limit could be told. So before anything is hidden as few of them as possible are given up, given
everything that is known here. All others hold for one solution, and do so still when more is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.results.disclosure_rules.feasible_intervals import Equation
from katoutcomes.results.disclosure_rules.published_model import (
    can_be_true,
    equation_of,
    inequality_of,
    is_there,
    perhaps_nobody,
)
from katoutcomes.results.disclosure_rules.report_counts import ReportCounts
from katoutcomes.results.disclosure_rules.score_bounds import AtLeast
from katoutcomes.results.disclosure_rules.small_cells import Counts, Key, Sum, levels_of

if TYPE_CHECKING:
    from scipy.sparse import csc_array

_OF_A_SUM = 100.0
"""What a patient costs by whom a sum does not hold; that a hidden count is nobody costs 1."""
_DIGITS = 6
"""Programs are solved to about 1e-9."""


def settled(report: ReportCounts, *, zero_is_shown: bool = True, rounding: int = 1) -> ReportCounts:
    """Return the counts of a report of which all beliefs about the unknown ones have one solution, and that solution.

    Parameters
    ----------
    report : ReportCounts
        Counts of which some are None.
    zero_is_shown : bool
        Whether a hidden count is believed to be at least 1.
    rounding : int
        Shown counts are multiples of this.

    Returns
    -------
    ReportCounts
        With a remainder in sums that leave one, without sums of which more is counted than there is, and with
        `counts.likely`. Itself where all counts are known.
    """
    unknown = frozenset(key for key, value in report.counts.values.items() if value is None)
    if not unknown:
        return report
    counts = replace(report.counts, sums=tuple(_not_of_known_levels(report.counts)))
    somebody = frozenset(filter(is_there, unknown - perhaps_nobody(counts)) if zero_is_shown else ())
    tied: dict[Sum | AtLeast, Equation] = {}
    for relation in (*counts.sums, *report.known_of):
        if (sum_of := equation_of(counts, relation, unknown, rounding)) is not None:
            tied[relation] = sum_of
    for holds in report.at_least:
        if (limit := inequality_of(counts, holds, unknown, rounding)) is not None:
            tied[holds] = limit
    likely, excess_of_each = _most_believed(unknown, somebody, list(tied.values()))
    excess = dict(zip(tied, excess_of_each, strict=True))
    return replace(
        report,
        counts=replace(counts, sums=tuple(_that_hold(counts.sums, excess)), likely=likely),
        known_of=tuple(_that_hold(report.known_of, excess)),
        at_least=tuple(one for one in report.at_least if not excess.get(one)),
    )


def _not_of_known_levels(counts: Counts) -> Iterator[Sum]:
    """Yield the sums that are believed: not over levels where patients whose level is not known are seen to be missing.

    If 6 have both scores and 2 of each arm, the arms of those who improved need not add up to all who did either. It
    was known whether they do when they were hidden; of an earlier release as much as can be is believed.
    """
    denominators: dict[Key, list[Key]] = {}
    for first, second in counts.follows:
        denominators.setdefault(second, []).append(first)
    incomplete = {(one.total, levels_of(one)) for one in counts.sums if levels_of(one) and not can_be_true(counts, one)}
    for one in counts.sums:
        keys = () if one.total is None else (one.total, *one.members)
        is_unknown = any(counts.values[key] is None and key not in counts.fixed for key in keys)
        before = denominators.get(one.total, ()) if is_unknown and one.total is not None else ()
        if not any((first, levels_of(one)) in incomplete for first in before):
            yield one


def _that_hold(sums: Sequence[Sum], excess: Mapping[Sum | AtLeast, float]) -> Iterator[Sum]:
    """Yield sums that hold as they are, and those whose total is larger than all that is counted with a remainder."""
    for one in sums:
        more = excess.get(one, 0.0)
        if more >= 0.0:
            yield replace(one, has_remainder=True) if more > 0.0 else one


def _most_believed(
    unknown: frozenset[Key], somebody: frozenset[Key], equations: Sequence[Equation]
) -> tuple[dict[Key, float], list[float]]:
    """Return the unknown counts where as little as possible is given up, and by how much each equation does not hold.

    Both come from one linear program with a column for each count, for how far it is below 1 where it is believed to be
    somebody, and for how far each equation is exceeded and fallen short of.
    """
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csc_array, eye_array, hstack

    counted = dict.fromkeys([*sorted(unknown), *(key for one in equations for key in one.signs)])
    least = np.array([float(key in somebody) for key in counted])
    matrix, ones = _matrix(equations, list(counted)), eye_array(len(equations))
    lower = np.concatenate([least, np.zeros(len(least) + 2 * len(equations))])
    upper = np.concatenate([np.full(len(least), np.inf), least, np.full(2 * len(equations), np.inf)])
    cost = np.concatenate([np.zeros(len(least)), np.ones(len(least)), np.full(2 * len(equations), _OF_A_SUM)])
    limits = [one.low for one in equations], [one.high for one in equations]
    rows = LinearConstraint(csc_array(hstack([matrix, -matrix, -ones, ones])), *limits)
    solved = milp(cost, constraints=rows, bounds=Bounds(lower, upper))
    if solved.x is None:  # then nothing is given up, and what contradicts itself is hidden
        return {}, [0.0] * len(equations)
    parts = np.cumsum([len(least), len(least), len(equations)])
    point, below, over, short = np.split(solved.x.round(_DIGITS), parts)
    likely = dict(zip(counted, (point - below).tolist(), strict=True))
    return {key: likely[key] for key in unknown}, (over - short).tolist()


def _matrix(equations: Sequence[Equation], counted: Sequence[Key]) -> csc_array:
    """Return the signs of each count in each equation."""
    from scipy.sparse import csc_array

    places = {key: place for place, key in enumerate(counted)}
    found = [(sign, row, places[key]) for row, one in enumerate(equations) for key, sign in one.signs.items()]
    signs, rows, columns = zip(*found, strict=True) if found else ((), (), ())
    return csc_array((signs, (rows, columns)), shape=(len(equations), len(counted)), dtype=float)
