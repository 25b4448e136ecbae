"""What the artists of figures of quarters, sites, losses and events hold: the numbers of the result, each in its place.

Nothing here asks how it looks; the figures' conformance and the golden pictures do.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from numpy.testing import assert_allclose

import katoutcomes as kat

N_QUARTERS = 14
SITES = ("east", "lake", "north")
DRAWN = 1e-12
"""Relative: what is drawn is handed on, not computed."""


@cache
def clinic():
    """An analysis set of quarters and sites, with changes that differ between sites and scores that go missing."""
    rng = np.random.default_rng(20261122)
    n_rows = 30 * N_QUARTERS
    quarter, before = np.repeat(np.arange(N_QUARTERS), 30), np.round(rng.uniform(10, 24, n_rows))
    site = rng.integers(0, len(SITES), n_rows)
    frame = pd.DataFrame(
        {
            "id": range(n_rows),
            "visit": "week 12",
            "before": before,
            "score": np.clip(before - np.round(rng.normal(4 + site + quarter / 4, 4)), 0, 27),
            "index_quarter": [f"{2018 + one // 4}Q{one % 4 + 1}" for one in quarter],
            "site": np.array(SITES)[site],
        }
    )
    frame.loc[rng.random(n_rows) < 0.2, "score"] = np.nan
    columns = {"patient": "id", "visit": "visit", "score": "score", "baseline": "before"}
    data = kat.AnalysisSet.from_frame(
        frame, **columns, instrument="PHQ-9", covariates=["index_quarter", "site"], visits={"week 12": 84}
    )
    return replace(data, provenance=replace(data.provenance, is_synthetic=True))


@cache
def small_clinic():
    return kat.select_cohort(kat.simulate_registry(seed=5, n_patients=90))


def marks(axes):
    """Return where single marks stand: lines of one point."""
    return [tuple(line.get_xydata()[0]) for line in axes.get_lines() if len(line.get_xydata()) == 1]


def segments(axes):
    return [
        segment
        for collection in axes.collections
        if isinstance(collection, LineCollection)
        for segment in collection.get_segments()
    ]


@cache
def over_time():
    return kat.outcomes_over_time(clinic())


def quarters_of(term):
    """Return the estimates of single quarters, in order."""
    found = [one for one in over_time().select(term=term) if one.measure in {"mean change", "proportion"}]
    return [one for one in found if len(one.subgroup.split(": ")[-1]) == len("2018Q1")]


def panel_of(term):
    result = over_time()
    places = list(dict.fromkeys(row[0] for row in result.plot().rows))
    return result.plot().axes()[places.index(term)]


@pytest.mark.parametrize(("term", "n_quarters"), [("change", N_QUARTERS), ("paired completeness", N_QUARTERS - 1)])
def test_every_quarter_stands_at_its_estimate_with_its_interval(term, n_quarters):
    """Completeness waits until the follow-up of a quarter is over, which that of the last one is not."""
    estimates = quarters_of(term)
    assert len(estimates) == n_quarters
    axes = panel_of(term)
    expected = [(place, one.estimate) for place, one in enumerate(estimates)]
    assert_allclose(sorted(set(marks(axes))), expected, rtol=DRAWN)
    intervals = sorted((*segment[0], *segment[1]) for segment in segments(axes))
    wanted = [(place, one.conf_low, place, one.conf_high) for place, one in enumerate(estimates)]
    assert_allclose(intervals, wanted, rtol=DRAWN)


@pytest.mark.parametrize("term", ["change", "paired completeness"])
def test_center_and_limits_are_drawn_where_the_table_has_them(term):
    result, rows = over_time(), [row for row in over_time().plot().rows if row[0] == term]
    pieces = [line.get_xydata() for line in panel_of(term).get_lines() if len(line.get_xydata()) == 2]
    level = sorted((x, y) for (x, y), (end, same) in pieces if (end - x, same) == (1.0, y))
    wanted = sorted(
        (place - 0.5, number) for place, row in enumerate(rows) for number in row[6:9] if number is not None
    )
    assert len(wanted) >= 3 * 12
    assert_allclose(level, wanted, rtol=DRAWN)
    if term == "change":
        (center,) = result.select(term=term, measure="center line")
        assert rows[0][6] == center.estimate
    else:
        counted = np.array([(one.n_counted, one.n_patients) for one in quarters_of(term)]).sum(axis=0)
        assert rows[0][6] == pytest.approx(counted[0] / counted[1], rel=DRAWN)
    for number, words in ((rows[0][7], "lower limit"), (rows[0][8], "upper limit")):
        said = [one.estimate for one in result.select(term=f"{term}, {words}")]
        assert any(number == pytest.approx(limit, rel=DRAWN) for limit in said)


def test_the_small_lines_of_recent_quarters_are_the_last_of_the_long_ones():
    figure = over_time().plot("recent")
    terms = list(dict.fromkeys(row[0] for row in figure.rows))
    for term, axes in zip(terms, figure.axes(), strict=True):
        estimates = quarters_of(term)[: N_QUARTERS - 1]  # the follow-up of the last one is not over
        line = max((line.get_xydata() for line in axes.get_lines()), key=len)
        n_shown = len(line)
        assert n_shown == 9
        assert_allclose(line[:, 1], [one.estimate for one in estimates[-n_shown:]], rtol=DRAWN)
        assert_allclose(marks(axes), [(n_shown - 1, estimates[-1].estimate)], rtol=DRAWN)


def test_each_site_stands_at_both_of_its_estimates_in_alphabetical_order():
    result = kat.compare_sites(clinic())
    (axes,) = result.plot().axes()
    terms = ("change, adjusted", "change, adjusted and partially pooled")
    expected = [result.select(term=term, subgroup=f"site: {site}")[0] for site in SITES for term in terms]
    placed = sorted(marks(axes), key=lambda mark: mark[1])
    assert [x for x, _ in placed] == pytest.approx([one.estimate for one in expected], rel=DRAWN)
    lines = [line.get_xydata() for line in axes.get_lines() if len(line.get_xydata()) == 2]
    level = [one for one in lines if one[0, 1] == one[1, 1] and one[:, 0].tolist() != [0.0, 1.0]]
    intervals = sorted(level, key=lambda one: one[0, 1])
    limits = [(one.conf_low, one.conf_high) for one in expected]
    assert_allclose([one[:, 0] for one in intervals], limits, rtol=DRAWN)
    (mean,) = result.select(term="between sites: mean")
    uprights = [line.get_xydata()[0][0] for line in axes.get_lines() if list(line.get_ydata()) == [0, 1]]
    assert uprights == pytest.approx([0.0, mean.estimate], rel=DRAWN)


@pytest.mark.parametrize("treatment", [None, "program_booked"])
def test_the_curve_of_losses_steps_from_share_to_share(treatment):
    choices = {} if treatment is None else {"treatment": treatment}
    figure = kat.dropout(small_clinic().analysis_set("PHQ-9", **choices)).plot()
    (axes,) = figure.axes()
    groups = list(dict.fromkeys(row[0] for row in figure.rows))
    n_visits = len(figure.rows) // len(groups)
    shares = [[row[3] for row in figure.rows if row[0] == group] for group in groups]
    steps = [line.get_xydata() for line in axes.get_lines() if len(line.get_xydata()) == 3]
    assert len(steps) == len(groups) * (n_visits - 1)
    for number, values in enumerate(shares):
        own = steps[number * (n_visits - 1) : (number + 1) * (n_visits - 1)]
        heights = [tuple(step[:, 1]) for step in own]
        assert_allclose(heights, [(one, one, other) for one, other in pairwise(values)], rtol=DRAWN)
        assert [step[1, 0] for step in own] == sorted(step[1, 0] for step in own)
    assert sorted(y for _, y in marks(axes)) == pytest.approx(sorted(value for own in shares for value in own))
    limits = [(row[4], row[5]) for row in figure.rows if row[4] is not None]
    assert_allclose([one[:, 1] for one in segments(axes)], limits, rtol=DRAWN)


@pytest.mark.parametrize("by", [None, "program_booked"])
def test_the_share_with_an_event_stands_between_its_limits_above_its_count(by):
    result = kat.safety(small_clinic(), by=by)
    (axes,) = result.plot().axes()
    first = result.select(term="patients with an event", measure="proportion")
    estimates = [one for one in first if bool(one.subgroup) == bool(by)]
    assert len(estimates) == (2 if by else 1)
    drawn = sorted(marks(axes), key=lambda mark: mark[1])[: len(estimates)]
    assert [x for x, _ in drawn] == pytest.approx([one.estimate for one in estimates], rel=DRAWN)
    limits = [one[:, 0] for one in segments(axes)][: len(estimates)]
    assert_allclose(limits, [(one.conf_low, one.conf_high) for one in estimates], rtol=DRAWN)
    for one in estimates:
        assert one.estimate == pytest.approx(one.n_counted / one.n_patients)
