"""What a repeated-measures model may give away, tried on made-up patients: rare levels, few at a visit, the model."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pandas as pd

import katoutcomes as kat
from katoutcomes.cohorts.analysis_set import Variable
from katoutcomes.results.result import ReleasedResult

VISITS = {"week 4": 28, "week 8": 56, "week 12": 84}


@cache
def made_up(n_rare=4, n_last=60, n_missing=30, arms=("usual", "new")):
    """Return 160 patients: a site with `n_rare`, `n_last` of each arm at week 12, `n_missing` not at week 4."""
    rng = np.random.default_rng(3)
    n = 160
    people = pd.DataFrame(
        {
            "id": [f"patient-{number}" for number in range(n)],
            "before": np.round(rng.normal(16, 4, n)).clip(0, 27),
            "arm": np.resize(arms, n),
            "site": np.where(np.arange(n) < n_rare, "rare", "usual site"),
        }
    )
    rows = []
    for number, visit in enumerate(VISITS):
        score = (people["before"] - 2 - number + rng.normal(0, 4, n)).round().clip(0, 27)
        order = np.arange(n)
        if visit == "week 12":
            score[order // len(arms) >= n_last] = np.nan
        if visit == "week 4":
            score[order >= n - n_missing] = np.nan
        rows.append(people.assign(visit=visit, score=score))
    return kat.AnalysisSet.from_frame(
        pd.concat(rows, ignore_index=True),
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        treatment="arm",
        comparator=arms[0],
        treatment_known_by_day=0,
        covariates=["site"],
        instrument="PHQ-9",
        visits=VISITS,
    )


def is_shown(released, **which):
    found = released.select(**which)
    assert found
    return {not one.suppressed for one in found} == {True}


def test_coefficients_of_a_rare_level_are_hidden_and_the_rest_is_not():
    rare = kat.release(kat.mmrm(made_up(), mean="treatment*visit + baseline*visit + site"))
    assert not any(not one.suppressed for one in rare.select(measure="coefficient"))
    assert rare.part("fewest_patients").rows == (("site", None),)
    for measure in ("adjusted mean", "difference in means", "joint test", "fit statistic", "correlation"):
        assert is_shown(rare, measure=measure)
    common = kat.release(kat.mmrm(made_up(n_rare=40), mean="treatment*visit + baseline*visit + site"))
    assert is_shown(common, measure="coefficient")
    assert is_shown(kat.release(kat.mmrm(made_up())), measure="coefficient")


def test_a_rare_level_is_hidden_whether_or_not_it_is_the_first():
    """The coefficients of the other levels, and the intercept, would say the same of the reference."""
    result = kat.mmrm(made_up(), mean="visit + C(site, levels=['usual site', 'rare'])")
    assert not is_shown(kat.release(result), measure="coefficient")
    assert dict(result.part("fewest_patients").rows) == {"site": 4}


def test_a_combination_of_coefficients_is_hidden_with_them():
    result = kat.mmrm(made_up(), mean="treatment*visit + baseline*visit + site")
    of_site = kat.contrast(result, {"the usual site": {"site[T.usual site]": 1.0}})
    assert not is_shown(kat.release(of_site), measure="linear combination")
    assert is_shown(kat.release(kat.contrast(result)), measure="difference in means")


def test_few_of_a_cohort_at_a_visit_hide_that_visit_and_what_tells_of_it():
    result = kat.mmrm(made_up(n_last=8))
    released = kat.release(result)
    assert not is_shown(released, measure="adjusted mean", visit="week 12")
    assert not is_shown(released, measure="difference in means", visit="week 12")
    for visit in ("week 4", "week 8"):
        assert is_shown(released, measure="adjusted mean", visit=visit)
        assert is_shown(released, measure="difference in means", visit=visit)
    for measure in ("coefficient", "joint test"):
        assert not is_shown(released, measure=measure)
    asked = kat.release(kat.contrast(result))
    assert [one.suppressed for one in asked.estimates] == [False, False, True]
    assert not is_shown(
        kat.release(kat.contrast(result, visits={"week 8": 0.5, "week 12": 0.5})), measure="difference in means"
    )


def test_few_without_a_score_at_a_visit_hide_the_number_in_the_model():
    released = kat.release(kat.mmrm(made_up(n_missing=5)))
    assert is_shown(released, measure="adjusted mean")
    assert not is_shown(released, measure="fit statistic")
    assert {one.n_patients for one in released.select(measure="coefficient")} == {None}
    assert is_shown(kat.release(kat.mmrm(made_up(n_missing=30))), measure="fit statistic")


def test_one_cohort_of_three_takes_another_with_it():
    data = made_up(n_last=53, arms=("a", "b", "c"))
    few = data.scores.copy()
    is_c = data.groups("arm")[2].mask
    few[np.flatnonzero(is_c)[5:], 2] = np.nan
    released = kat.release(kat.mmrm(replace(data, scores=few)))
    last = released.select(measure="adjusted mean", visit="week 12")
    assert sum(one.suppressed for one in last) == 2
    assert all(one.suppressed for one in released.select(measure="difference in means", visit="week 12"))


def test_covariances_of_a_small_group_are_hidden():
    released = kat.release(kat.mmrm(made_up(n_rare=9), by="site", covariance="cs"))
    assert not is_shown(released, term="residual", subgroup="site: rare")
    assert not is_shown(released, term="residual", subgroup="site: usual site")
    assert is_shown(released, measure="adjusted mean")


def test_the_model_never_leaves():
    result = kat.mmrm(made_up())
    assert result.model is not None
    assert "model" not in {field.name for field in fields(ReleasedResult)}
    assert not hasattr(kat.release(result), "model")
    for text in (result.to_json(), json.dumps(sorted(json.loads(result.to_json()))), repr(result), repr(result.model)):
        assert "mean_rows" not in text
        assert "patient-" not in text
    assert "model" not in json.loads(result.to_json())
    assert "[" not in repr(result.model)


def test_weights_do_not_make_few_patients_many():
    data = made_up(n_last=8)
    weight = Variable("weight", "Weight", "number", np.full(data.n_patients, 5.0))
    weighted = replace(data, variables=(*data.variables, weight))
    result = kat.mmrm(weighted, weights="weight", variance="CR2")
    assert result.model.n_patients == 160
    assert not is_shown(kat.release(result), measure="adjusted mean", visit="week 12")
