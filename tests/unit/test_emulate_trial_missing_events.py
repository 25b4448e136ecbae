"""The tipping grid of a binary outcome of an emulated trial: straight in both shares, through the answer, released."""

from __future__ import annotations

from functools import cache

import pytest

import katoutcomes as kat


@cache
def result():
    registry = kat.simulate_registry(seed=20260930, n_patients=300, mechanism="start")
    trial = kat.TargetTrial(confounders=("program_booked",), outcome="response")
    return kat.emulate_trial(trial, registry, n_bootstrap=100, rng=1)


@cache
def grid():
    return {
        one.term.removeprefix("tipping grid: "): one
        for one in result().estimates
        if one.term.startswith("tipping grid: treated")
    }


def at(treated, comparator):
    return grid()[f"treated {treated}%, comparator {comparator}%"].estimate


def test_the_difference_is_straight_in_both_shares():
    assert len(grid()) == 25
    rise, fall = at(100, 0) - at(0, 0), at(0, 100) - at(0, 0)
    assert rise > 0.0 > fall
    assert at(75, 50) == pytest.approx(at(0, 0) + 0.75 * rise + 0.5 * fall, abs=1e-12)
    assert all(one.conf_low < one.estimate < one.conf_high for one in grid().values())


def test_what_is_assumed_leads_back_to_the_answer():
    """Not exactly: patients differ in what is predicted for them, and covariates are adjusted for."""
    shares = {one.subgroup: one.estimate for one in result().select(term="tipping grid: as assumed")}
    comparator, treated = shares["strategy: no integration"], shares["strategy: integration"]
    back = at(0, 0) + treated * (at(100, 0) - at(0, 0)) + comparator * (at(0, 100) - at(0, 0))
    assert back == pytest.approx(result().select(term="emulated trial")[0].estimate, abs=0.02)
    point = next(one for one in result().select(measure="tipping point of a share"))
    assert not point.estimate > 1.0 - treated


def test_table_figure_and_release():
    assert [row[4] for row in result().plot("tipping").rows] == [one.estimate for one in grid().values()]
    assert "takes for granted: no integration" in str(result().to_table("tipping"))
    released = kat.release(result())
    hidden = [one.suppressed for one in released.estimates if one.term.startswith("tipping grid")]
    counts = [
        one.suppressed for one in released.estimates if one.term.startswith(("seen with", "scored, ", "followed"))
    ]
    assert len(hidden) == 27
    assert set(hidden) == {any(counts)} == {True}
