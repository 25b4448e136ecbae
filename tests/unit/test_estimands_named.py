"""Every named estimand is answered: the function that is named for it returns a result that carries the name."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

import katoutcomes as kat

SMALL = {"n_bootstrap": 100, "rng": 1}
UNADJUSTED = {"weights": "none", "missing": "complete_cases", "interval": "robust", "rng": 1}


@cache
def registry():
    return kat.simulate_registry(seed=20261122, n_patients=150)


@cache
def data():
    found = kat.select_cohort(registry()).analysis_set("PHQ-9", treatment="program_booked")
    days = np.where(np.arange(found.n_patients) % 5 == 0, 40.0, 90.0 + np.arange(found.n_patients))
    until = kat.Variable("until", "Last day in care", "number", days, unit="days", known_by_day=84)
    return dataclasses.replace(found, variables=(*found.variables, until))


def trial(**strategy):
    return kat.emulate_trial(kat.TargetTrial(**strategy), registry(), **SMALL)


ASKED = {
    "booked_program": lambda: kat.compare_cohorts(data(), **UNADJUSTED),
    "start_integration": trial,
    "sustained_integration": lambda: trial(strategy=kat.AfterEachDose(), comparator=kat.NoneUntil(by_day=42)),
    "if_all_had_stayed": lambda: kat.compare_cohorts(
        data(), method="mmrm", missing="likelihood", weights="none", rng=1
    ),
    "reference_based": lambda: kat.compare_cohorts(
        data(), missing="multiple_imputation", n_imputations=2, in_care_until="until", rng=1
    ),
    "composite_response": lambda: kat.compare_cohorts(data(), outcome="response", left_care="composite", **UNADJUSTED),
    "days_in_response": lambda: kat.compare_cohorts(data(), outcome="days_in_response", **SMALL),
    "while_in_care": lambda: kat.compare_cohorts(data(), left_care="while_in_care", **UNADJUSTED),
    "change_under_ketamine": lambda: kat.change_from_baseline(data()),
}
"""Name → how it is asked."""

ASKED_OF_TRIALS = {
    "composite_response": lambda: trial(outcome="response", left_care="composite"),
    "days_in_response": lambda: trial(outcome="days_in_response"),
    "while_in_care": lambda: trial(left_care="while_in_care"),
}
"""Name → how it is asked of what began after time zero, where two functions answer it."""


def test_every_name_is_asked():
    assert set(ASKED) == set(kat.NAMED_ESTIMANDS)
    of_two = {name for name, named in kat.NAMED_ESTIMANDS.items() if named.also_answered_by}
    assert set(ASKED_OF_TRIALS) == of_two


@pytest.mark.parametrize("name", ASKED_OF_TRIALS)
def test_an_emulated_trial_carries_the_name_as_well(name):
    named, result = kat.NAMED_ESTIMANDS[name], ASKED_OF_TRIALS[name]()
    assert (result.analysis, result.estimand.name) == (named.also_answered_by, name)
    assert result.select(term="emulated trial")
    assert named.sentence in result.to_table().question


@pytest.mark.parametrize("name", kat.NAMED_ESTIMANDS)
def test_its_function_carries_the_name_in_the_result(name):
    named, result = kat.NAMED_ESTIMANDS[name], ASKED[name]()
    assert result.analysis == named.answered_by
    if named.term:  # an estimate beside the answer to another question
        assert result.select(term=named.term)
    else:
        assert result.estimand.name == name
    if result.estimand.comparator:
        assert result.estimand.sentence() in result.to_table().question
