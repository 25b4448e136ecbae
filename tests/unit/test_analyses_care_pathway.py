"""The care pathway: shares, days and doses against counts by hand, and the sentence that must not be missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.cohorts.pathway import Pathway
from katoutcomes.errors import DesignError, ImmortalTimeError, OptionError

NAN = float("nan")


def analysis_set(n_patients=20):
    """Patients 0 to 9 booked one program, 10 to 19 the other; who had which step is written out below."""
    frame = pd.DataFrame({"id": range(n_patients), "week": 12, "phq": 9, "before": range(n_patients)})
    frame["arm"] = ["a"] * (n_patients // 2) + ["b"] * (n_patients // 2)
    data = kat.AnalysisSet.from_frame(
        frame,
        patient="id",
        visit="week",
        score="phq",
        baseline="before",
        instrument="PHQ-9",
        treatment="arm",
        treatment_known_by_day=0,
    )
    place = np.arange(n_patients)
    reached = np.column_stack([place < 18, place % 2 == 0, place >= 0, place < 16, place < 8])
    days = np.full((n_patients, 4), NAN)
    days[:5, 0] = [1, 2, 3, 4, 10]
    pathway = Pathway(
        reached=reached,
        days_between=days,
        n_doses=np.full(n_patients, 3.0),
        n_doses_timely=np.where(place < 5, 2.0, 0.0),
        n_doses_timely_again=np.where(place < 5, 1.0, 0.0),
        first_dose_timely=(place < 5).astype(float),
        first_dose_timely_again=(place < 2).astype(float),
        n_never_dosed=8,
        n_never_dosed_screened=6,
        n_never_dosed_prepared=1,
    )
    from dataclasses import replace

    return replace(data, pathway=pathway)


@pytest.fixture(scope="module")
def result():
    return kat.care_pathway(analysis_set())


def counts(result, term, subgroup=""):
    (estimate,) = [one for one in result.select(term=term, subgroup=subgroup) if one.n_base is not None]
    return estimate.n_counted, estimate.n_base


def test_each_step_is_of_all_and_the_next_of_those_with_every_step_before(result):
    assert counts(result, "screening") == (18, 20)
    assert counts(result, "preparation") == (10, 20)
    assert counts(result, "integration") == (16, 20)
    assert counts(result, "preparation, of those with every step before") == (9, 18)
    assert counts(result, "integration, of those with every step before") == (8, 9)
    assert counts(result, "follow-up, of those with every step before") == (4, 8)
    assert counts(result, "every step") == (4, 20)


def test_groups_are_those_of_time_zero(result):
    assert counts(result, "follow-up", "arm: a") == (8, 10)
    assert counts(result, "follow-up", "arm: b") == (0, 10)


def test_days_are_medians_and_quartiles_of_those_with_both(result):
    found = {
        one.measure: (one.estimate, one.n_patients)
        for one in result.select(term="screening to preparation", subgroup="")
    }
    assert found == {"median": (3.0, 5), "lower quartile": (2.0, 5), "upper quartile": (4.0, 5)}
    assert np.isnan(result.select(term="integration to follow-up", measure="median", subgroup="")[0].estimate)


def test_doses_and_first_doses_are_counted_apart(result):
    assert counts(result, "integration within 72 hours of the first dose") == (5, 20)
    assert counts(result, "integration within 72 hours and again within 7 days of the first dose") == (2, 20)
    assert counts(result, "integration within 72 hours of a dose") == (10, 60)
    assert counts(result, "integration within 72 hours and again within 7 days of a dose") == (5, 60)
    (share,) = result.select(term="integration within 72 hours of a dose", subgroup="")
    assert (share.n_patients, share.n_observations) == (20, 60)
    assert np.isnan(share.conf_low)


def test_those_without_a_dose_are_described_apart(result):
    assert counts(result, "screening, never a dose") == (6, 8)
    assert counts(result, "preparation, never a dose") == (1, 8)


def test_intervals_are_exact(result):
    from katoutcomes.kernels.shares.proportions import share

    (found,) = result.select(term="preparation", subgroup="")
    exact = share(10, 20, 0.95, "exact")
    assert (found.conf_low, found.conf_high) == (exact.conf_low, exact.conf_high)


def test_it_says_that_integration_is_described_and_never_compared(result):
    assert any("never compared" in text for text in result.assumptions)
    assert "never compared" in " ".join(result.to_table().footnotes)
    assert "not compared" in result.plot().alt_text


def test_integration_makes_no_groups():
    data = kat.select_cohort(kat.simulate_registry(seed=1, n_patients=60)).analysis_set(pathway=True)
    with pytest.raises(ImmortalTimeError):
        kat.care_pathway(data, by="integration_within_72_hours")


def test_sets_without_sessions_are_refused():
    data = kat.select_cohort(kat.simulate_registry(seed=1, n_patients=60)).analysis_set()
    with pytest.raises(DesignError, match="pathway=True"):
        kat.care_pathway(data)
    with pytest.raises(OptionError):
        kat.care_pathway(analysis_set(), conf_level=95)


def test_a_step_that_nobody_has_is_a_caution():
    from dataclasses import replace

    data = analysis_set()
    reached = data.pathway.reached.copy()
    reached[:, 0] = False
    result = kat.care_pathway(replace(data, pathway=replace(data.pathway, reached=reached)))
    assert [check.name for check in result.checks if not check.passed] == ["patients per group", "steps recorded"]
    assert np.isnan(result.select(term="preparation, of those with every step before", subgroup="")[0].estimate)


def test_a_pathway_of_other_patients_is_refused():
    from dataclasses import replace

    with pytest.raises(kat.DataError, match="the pathway has 20 patients"):
        replace(analysis_set(22), pathway=analysis_set().pathway)


def test_a_step_that_was_recorded_for_nobody_is_not_drawn_as_none():
    from dataclasses import replace

    data = analysis_set()
    reached = data.pathway.reached.copy()
    reached[:, 3] = False
    result = kat.care_pathway(replace(data, pathway=replace(data.pathway, reached=reached)))
    for drawn in (result, kat.release(result)):
        figure = drawn.plot()
        rows = [row for row in figure.rows if row[0] == "integration"]
        assert [(row[2], row[4]) for row in rows] == [("not recorded", None)] * len(rows)
        assert "no such session of anybody" in figure.alt_text
        assert "not recorded" not in {row[2] for row in figure.rows if row[0] != "integration"}


def test_the_figure_draws_what_the_result_holds(result):
    figure = result.plot(each_group=False)
    assert [row[0] for row in figure.rows] == ["screening", "preparation", "first dose", "integration", "follow-up"]
    assert [row[4] for row in figure.rows] == [0.9, 0.5, 1.0, 0.8, 0.4]
    released = kat.release(result).plot(each_group=False)
    assert [row[4] for row in released.rows].count(None) >= 1
    assert figure.svg() == figure.svg()
