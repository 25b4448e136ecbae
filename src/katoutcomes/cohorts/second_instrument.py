"""Scores of a second instrument beside those of the first, as variables of the same analysis set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.cohorts.analysis_set import Variable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import Instrument


def score_variable_name(instrument_id: str, visit: str) -> str:
    """Return the name of the variable that holds an instrument's scores at a visit.

    Examples
    --------
    >>> score_variable_name("gad7", "week 12"), score_variable_name("gad7", "baseline")
    ('gad7_week_12', 'gad7_baseline')
    """
    return f"{instrument_id}_{re.sub(r'[^a-z0-9]+', '_', visit.lower()).strip('_')}"


def score_variables(
    scale: Instrument,
    windows: Sequence[VisitWindow],
    baseline: NDArray[np.float64],
    scores: NDArray[np.float64],
) -> tuple[Variable, ...]:
    """Return the baseline and the score at each visit of an instrument, one variable each.

    Their unit is left out: points are points of the set's own instrument. The baseline is known at time zero; the
    others are known when their window ends, so nothing adjusts for them and nobody is grouped by them.
    """
    first = Variable(score_variable_name(scale.id, "baseline"), f"{scale.name} at baseline", "number", baseline)
    later = (
        Variable(
            score_variable_name(scale.id, window.name),
            f"{scale.name} at {window.name}",
            "number",
            np.ascontiguousarray(scores[:, place]),
            known_by_day=max(1, window.last_day),
        )
        for place, window in enumerate(windows)
    )
    return (first, *later)
