"""Baseline and follow-up scores side by side: as counts that may leave a clinic, and as points that may not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from katoutcomes.results.part import Cell, IndividualValues, Part, ScorePairs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import Instrument

PAIR_COLUMNS: tuple[str, ...] = (
    "visit",
    "group",
    "baseline_low",
    "baseline_high",
    "follow_up_low",
    "follow_up_high",
    "n_patients",
)
_MOST_BINS = 9
_FEWEST_BINS = 3
_PATIENTS_A_CELL = 6


def paired_scores(
    data: AnalysisSet, visit: VisitWindow, group: Group
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return baseline and follow-up, each of shape (n_pairs,), of the group's patients who have both.

    The order is that of the analysis set; `individual_pairs` sorts before anything is kept.
    """
    import numpy as np

    follow_up = data.scores[:, data.visits.index(visit)]
    has_both = group.mask & ~np.isnan(data.baseline) & ~np.isnan(follow_up)
    return data.baseline[has_both], follow_up[has_both]


def bin_width(instrument: Instrument, n_patients: int) -> int:
    """Return the width of a bin in whole points.

    With many patients a ninth of the instrument's range; with fewer the bins are wider, about six patients to a cell if
    they were spread evenly over all cells, so that the cells that are in use mostly hold enough to be shown.

    Parameters
    ----------
    instrument : Instrument
        Its range is divided.
    n_patients : int
        Patients with a baseline score, whatever the visit or group: bins of different widths could be subtracted from
        each other.

    Examples
    --------
    >>> from katoutcomes.instruments.catalog import instrument
    >>> [bin_width(instrument("PHQ-9"), n_patients) for n_patients in (20, 100, 200, 1000)]
    [9, 7, 6, 3]
    """
    n_bins = min(_MOST_BINS, max(_FEWEST_BINS, math.isqrt(n_patients // _PATIENTS_A_CELL)))
    return max(1, math.ceil((instrument.maximum - instrument.minimum) / n_bins))


def score_pair_counts(data: AnalysisSet, visits: Sequence[VisitWindow], groups: Sequence[Group]) -> Part:
    """Count the patients of each group and visit by bin of baseline and bin of follow-up.

    Parameters
    ----------
    data : AnalysisSet
        The scores.
    visits : sequence of VisitWindow
        Which of `data.visits`.
    groups : sequence of Group
        Which patients; a group's `subgroup` text becomes the `group` column.

    Returns
    -------
    Part
        ``"score_pair_counts"``: one row for each pair of bins that holds somebody, ordered by visit, group, baseline
        and follow-up. The bins are equally wide (`bin_width`), start at the instrument's minimum (at the whole point
        below it, where it is not whole) and are named by their first and last whole point, both included; the last one
        ends at the whole point at or below the instrument's maximum. A score between two whole points counts with the
        lower.
    """
    rows: list[tuple[Cell, ...]] = []
    width = bin_width(data.instrument, int(data.with_baseline.sum()))
    for visit in visits:
        for group in groups:
            baseline, follow_up = paired_scores(data, visit, group)
            counts = _counts_by_bins(data.instrument, width, baseline, follow_up)
            rows += [(visit.name, group.subgroup, *cell) for cell in counts]
    return Part("score_pair_counts", PAIR_COLUMNS, tuple(rows))


def individual_pairs(data: AnalysisSet, visits: Sequence[VisitWindow], groups: Sequence[Group]) -> IndividualValues:
    """Return the scores themselves, for the figures of a notebook: unkeyed and sorted, one record a visit and group."""
    import numpy as np

    pairs = []
    for visit in visits:
        for group in groups:
            baseline, follow_up = paired_scores(data, visit, group)
            order = np.lexsort((follow_up, baseline))
            pairs.append(ScorePairs(visit.name, group.subgroup, baseline[order], follow_up[order]))
    return IndividualValues(tuple(pairs))


def _counts_by_bins(
    instrument: Instrument, width: int, baseline: NDArray[np.float64], follow_up: NDArray[np.float64]
) -> list[tuple[int, int, int, int, int]]:
    """Return (baseline low, high, follow-up low, high, patients) of every pair of bins that holds somebody."""
    import numpy as np

    start, end = math.floor(instrument.minimum), math.floor(instrument.maximum)
    bins = np.floor((np.column_stack((baseline, follow_up)) - start) / width).astype(np.int64)
    # One whole number a pair of bins: counting these is a hundred times faster than sorting pairs.
    n_bins = int(bins.max(initial=0)) + 1
    counted = np.bincount(bins[:, 0] * n_bins + bins[:, 1])
    used = np.flatnonzero(counted)
    cells, counts = np.column_stack(np.divmod(used, n_bins)), counted[used]
    lows = start + cells * width
    highs = np.minimum(lows + width - 1, end)
    return [
        (int(low[0]), int(high[0]), int(low[1]), int(high[1]), int(count))
        for low, high, count in zip(lows, highs, counts, strict=True)
    ]
