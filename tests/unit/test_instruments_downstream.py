"""Scales unlike a sum of whole numbers where higher is worse, in the analyses that follow."""

from __future__ import annotations

import dataclasses
import math

import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.instruments.instrument import DefinitionSet
from katoutcomes.instruments.item_arithmetic import Scoring


def _data(scale: kat.Instrument, before: list[float], after: list[float]) -> kat.AnalysisSet:
    frame = pd.DataFrame({"id": range(len(before)), "week": 12, "score": after, "before": before})
    return kat.AnalysisSet.from_frame(
        frame, patient="id", visit="week", score="score", baseline="before", instrument=scale
    )


def _t_score() -> kat.Instrument:
    """Return an invented scale with T scores as totals: 38.2 to 81.3 in steps of 0.1."""
    return dataclasses.replace(
        kat.instrument("PHQ-9"), n_items=0, minimum=38.2, maximum=81.3, scoring=Scoring("none", step=0.1)
    )


def test_a_response_in_points_counts_points_whatever_the_baseline() -> None:
    points = DefinitionSet("phq9/points", "response", 8.4, (), "invented for a test", is_default=True, unit="points")
    scale = dataclasses.replace(kat.instrument("PHQ-9"), definition_sets=(points,))
    result = kat.clinical_significance(_data(scale, [20, 20, 9, 0], [11, 12, 0, 5]))
    (response,) = result.select(term="response")
    # 9 and 9 points are enough, 8 are not; the baseline of 0 stays in the denominator.
    assert (response.estimate, response.n_patients) == (0.5, 4)
    assert "points: improvement by at least 8.4 points" in result.method.description


def test_bins_of_a_scale_that_starts_between_two_whole_points() -> None:
    result = kat.clinical_significance(_data(_t_score(), [38.2, 60.5, 81.3], [81.3, 50.0, 38.2]))
    pairs = next(part for part in result.parts if part.name == "score_pair_counts")
    ends = {name: [row[pairs.columns.index(name)] for row in pairs.rows] for name in pairs.columns}
    assert sum(ends["n_patients"]) == 3
    assert min(ends["baseline_low"]) == 38
    assert max(ends["baseline_high"]) == 81
    assert all(isinstance(low, int) for low in ends["baseline_low"])


def test_a_score_outside_a_range_with_decimals_is_named_with_that_range() -> None:
    with pytest.raises(kat.DataError, match=r"38\.2 to 81\.3 on the PHQ-9"):
        _data(_t_score(), [38.1, 50.0], [50.0, 60.0])


@pytest.mark.parametrize("name", ["CADSS", "CGI-I", "C-SSRS Screener", "DASS-21"])
def test_what_is_no_outcome_is_no_baseline_either(name: str) -> None:
    scale = kat.instrument(name)
    low = 0.0 if math.isnan(scale.minimum) else scale.minimum
    with pytest.raises(kat.DesignError, match=scale.name):
        _data(scale, [low, low], [low + 1, low])


def test_a_scale_where_higher_is_better_improves_upward() -> None:
    result = kat.change_from_baseline(_data(kat.instrument("WHO-5"), [20, 24, 40, 28], [60, 64, 80, 40]))
    (change,) = result.select(measure="mean change")
    assert change.estimate == 33.0
