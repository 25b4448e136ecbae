"""What the conformance suite runs on: every analysis, on frames of several sizes and on a synthetic registry.

A new analysis is added to `ANALYSES`; a test asserts that none is missing.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.errors import KatOutcomesWarning
from katoutcomes.results.result import ReleasedResult, Result

KEY = "patient-key-"
"""Every key of the made-up patients begins so; no output may hold it."""

SET_ANALYSES: dict[str, dict[str, Any]] = {
    "participant_flow": {},
    "describe": {},
    "change_from_baseline": {},
    "clinical_significance": {},
    "severity_transitions": {},
    "clinical_significance_sensitivity": {},
    "cohort_difference": {},
    "compare_sites": {},
    "compare_cohorts": {"n_bootstrap": 100, "rng": 20261122},
    "mmrm": {},
    "dropout": {},
}
"""Analyses of an analysis set, with the choices they are called with."""

REGISTRY_SET_ANALYSES: tuple[str, ...] = ("care_pathway", "nhs_outcomes", "change_correlation", "outcomes_over_time")
"""Analyses of an analysis set that need sessions, quarters or a second instrument, which the frames do not have."""

REGISTRY_ANALYSES: dict[str, dict[str, Any]] = {
    "data_quality": {},
    "internal_consistency": {"instrument": "PHQ-9"},
    "multiverse": {"question": "remission", "against": 0.5, "baseline_choices": ["last"]},
}
"""Analyses of a registry, with the choices they are called with."""

COHORT_ANALYSES: dict[str, dict[str, Any]] = {"safety": {"by": "program_booked"}}
"""Analyses of a cohort, which need sessions and events."""

TRIAL_ANALYSES: dict[str, dict[str, Any]] = {
    "emulate_trial": {"n_bootstrap": 100, "rng": 20261122, "modifiers": ("program_booked", "baseline_score")},
    "session_dose_response": {"n_bootstrap": 100, "rng": 20261122},
}
"""Analyses of a target trial and a registry."""

RESULT_ANALYSES: dict[str, str] = {"contrast": "mmrm", "outcome_family": "compare_cohorts"}
"""Analyses of the result of another analysis, which is run on the data first."""

ANALYSES: tuple[str, ...] = (
    *SET_ANALYSES,
    *REGISTRY_SET_ANALYSES,
    *COHORT_ANALYSES,
    *TRIAL_ANALYSES,
    *RESULT_ANALYSES,
    *REGISTRY_ANALYSES,
)
FRAME_SIZES: dict[str, int] = {"tiny": 30, "small": 90, "large": 420}
VISITS = {"week 4": 28, "week 12": 84}


@dataclass(frozen=True)
class Case:
    """One analysis on one data set."""

    analysis: str
    data: str

    def __str__(self) -> str:
        return f"{self.analysis}-{self.data}"


@dataclass(frozen=True)
class EveryCourse:
    """A registry whose every course starts a trial."""

    registry: kat.Registry


@dataclass(frozen=True)
class Asked:
    """Data of which something else than usual is asked."""

    data: Any
    choices: dict[str, Any]


OTHER_QUESTIONS: dict[str, dict[str, Any]] = {
    "composite": {"outcome": "response", "left_care": "composite"},
    "composite by days in care": {"outcome": "response", "left_care": "composite", "in_care_until": "until"},
    "while in care": {"left_care": "while_in_care", "in_care_until": "until"},
    "days in response": {"outcome": "days_in_response"},
}
"""What else is asked of `compare_cohorts`, by the name of the data of it."""

OTHER_TRIALS: dict[str, dict[str, Any]] = {
    "composite trial": {"outcome": "response", "left_care": "composite"},
    "trial while in care": {"left_care": "while_in_care"},
    "trial of days": {"outcome": "days_in_response"},
}
"""What else is asked of `emulate_trial`, by the name of the data of it."""

OTHER_FAMILIES: dict[str, dict[str, Any]] = {"band over a response": {"outcome": "response", "procedure": "max_t"}}
"""What else is asked of `outcome_family` and of the comparison in it, by the name of the data of it."""

CASES: tuple[Case, ...] = (
    *(Case(analysis, data) for analysis in (*SET_ANALYSES, *RESULT_ANALYSES) for data in (*FRAME_SIZES, "registry")),
    *(Case(analysis, data) for analysis in REGISTRY_SET_ANALYSES for data in ("registry", "small registry")),
    *(Case("compare_cohorts", asked) for asked in OTHER_QUESTIONS),
    *(Case("outcome_family", asked) for asked in OTHER_FAMILIES),
    Case("outcomes_over_time", "many quarters"),
    *(Case(analysis, data) for analysis in COHORT_ANALYSES for data in ("registry", "small registry")),
    Case("emulate_trial", "start registry"),
    Case("emulate_trial", "registry"),
    Case("emulate_trial", "every course"),
    *(Case("emulate_trial", asked) for asked in OTHER_TRIALS),
    Case("session_dose_response", "start registry"),
    Case("data_quality", "registry"),
    Case("data_quality", "broken registry"),
    Case("internal_consistency", "registry"),
    Case("internal_consistency", "patchy registry"),
    Case("multiverse", "registry"),
)


def made_up_frame(n_patients: int, seed: int = 20260930) -> pd.DataFrame:
    """Return one row a patient and visit: two arms, sites with unfriendly names, scores that go missing."""
    rng = np.random.default_rng(seed + n_patients)
    before = np.clip(np.round(rng.normal(16, 4, n_patients)), 0, 27)
    before[rng.random(n_patients) < 0.04] = np.nan
    people = pd.DataFrame(
        {
            "id": [f"{KEY}{number:05d}" for number in rng.permutation(n_patients)],
            "before": before,
            "arm": np.where(rng.random(n_patients) < 0.6, "usual care", "usual & <b>integration"),
            "site": rng.choice(["north", 'so"uth', "<script>west", "lake"], n_patients, p=[0.5, 0.3, 0.15, 0.05]),
            "age": np.where(rng.random(n_patients) < 0.05, np.nan, np.round(rng.normal(44, 12, n_patients))),
            "smoker": (rng.random(n_patients) < 0.2).astype(int),
        }
    )
    visits = []
    for number, name in enumerate(VISITS):
        treated = people["arm"].to_numpy() != "usual care"
        score = people["before"].fillna(16) - 3 - 2 * number - 2 * treated + rng.normal(0, 5, n_patients)
        score = np.clip(np.round(score), 0, 27)
        score[rng.random(n_patients) < 0.1 + 0.2 * number] = np.nan
        visits.append(people.assign(visit=name, score=score))
    return pd.concat(visits, ignore_index=True)


def as_analysis_set(frame: pd.DataFrame) -> kat.AnalysisSet:
    return kat.AnalysisSet.from_frame(
        frame,
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        treatment="arm",
        comparator="usual care",
        treatment_known_by_day=0,
        covariates=["site", "age", "smoker"],
        instrument="PHQ-9",
        visits=VISITS,
    )


def with_days_in_care(data: kat.AnalysisSet) -> kat.AnalysisSet:
    """Return the data with a last day in care, which nothing else is made of."""
    days = np.random.default_rng(20261122).integers(0, 300, data.n_patients).astype(np.float64)
    until = kat.Variable("until", "Last day in care", "number", days, unit="days", known_by_day=84)
    return dataclasses.replace(data, variables=(*data.variables, until))


@cache
def registry() -> kat.Registry:
    return kat.simulate_registry(seed=20260930, n_patients=160)


@cache
def broken_registry() -> kat.Registry:
    """A registry of which a few rows of one table and many of another are rejected."""
    tables = {name: registry().table(name) for name in ("patients", "sessions", "scores")}
    keep = {
        "patients": ["patient_id", "age_years", "sex"],
        "sessions": ["session_id", "patient_id", "day", "kind"],
        "scores": ["score_id", "patient_id", "day", "instrument", "total"],
    }
    tables = {name: tables[name][columns].copy() for name, columns in keep.items()}
    tables["scores"].loc[:2, "total"] = 999
    tables["sessions"].loc[:40, "kind"] = "unheard_of"
    return kat.read_registry(tables, is_synthetic=True)


@cache
def patchy_registry() -> kat.Registry:
    """A registry in which ten patients have item answers, and everybody else totals only."""
    tables = {name: registry().table(name).dropna(axis=1, how="all") for name in ("patients", "sessions", "scores")}
    scores = tables["scores"][tables["scores"]["instrument"] == "phq9"].copy()
    people = scores["patient_id"].unique()
    items = [name for name in scores.columns if name.startswith("item_")]
    scores.loc[scores["patient_id"].isin(people[10:]), items] = pd.NA
    return kat.read_registry(tables | {"scores": scores}, is_synthetic=True)


@cache
def start_registry() -> kat.Registry:
    """A registry in which booking decides less, so that enough patients have no integration at first."""
    return kat.simulate_registry(seed=20260930, n_patients=300, mechanism="start")


REGISTRIES: dict[str, Callable[[], kat.Registry]] = {
    "registry": registry,
    "start registry": start_registry,
    "every course": start_registry,
    **dict.fromkeys(OTHER_TRIALS, start_registry),
    "broken registry": broken_registry,
    "patchy registry": patchy_registry,
}


@cache
def data_of(name: str) -> Any:
    if name in {"registry", "small registry"}:
        return registry_set(registry() if name == "registry" else kat.simulate_registry(seed=7, n_patients=45))
    if name == "many quarters":  # enough for lines, limits and signals
        return registry_set(kat.simulate_registry(seed=3, n_patients=480, n_quarters=16))
    if name in (asked := OTHER_QUESTIONS | OTHER_FAMILIES):
        return Asked(with_days_in_care(as_analysis_set(made_up_frame(FRAME_SIZES["large"]))), asked[name])
    return as_analysis_set(made_up_frame(FRAME_SIZES[name]))


@cache
def cohort_of(name: str) -> kat.Cohort:
    source = registry() if name == "registry" else kat.simulate_registry(seed=7, n_patients=45)
    return kat.select_cohort(source, kat.CohortDefinition(instrument="PHQ-9"))


def registry_set(source: kat.Registry) -> kat.AnalysisSet:
    cohort = kat.select_cohort(source, kat.CohortDefinition(instrument="PHQ-9"))
    return cohort.analysis_set(
        "PHQ-9", visits=kat.DEFAULT_VISITS, treatment="program_booked", pathway=True, with_scores_of=["GAD-7"]
    )


def run(analysis: str, data: Any, **choices: Any) -> Result:
    """Run an analysis; what it warns of must also stand in the result."""
    if isinstance(data, Asked):
        data, choices = data.data, data.choices | choices
    if analysis in RESULT_ANALYSES:
        own = {name: choices.pop(name) for name in ("procedure",) if name in choices}
        data, choices = run(RESULT_ANALYSES[analysis], data, **choices), own
    function: Callable[..., Result] = getattr(kat, analysis)
    if analysis in TRIAL_ANALYSES:
        courses, data = ("every", data.registry) if isinstance(data, EveryCourse) else ("first", data)
        confounders = ("site", "program_booked", "covariate_affluence")
        trial = kat.TargetTrial(confounders=confounders, courses=courses, **choices)
        return function(trial, data, **TRIAL_ANALYSES[analysis])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function(data, **(SET_ANALYSES | COHORT_ANALYSES | REGISTRY_ANALYSES).get(analysis, {}), **choices)
    for warning in caught:
        assert issubclass(warning.category, KatOutcomesWarning), warning
        assert any(text in str(warning.message) for text in result.warnings), warning
    return result


@cache
def result_of(case: Case) -> Result:
    if case.analysis in (*REGISTRY_ANALYSES, *TRIAL_ANALYSES):
        found = REGISTRIES[case.data]()
        if case.data in OTHER_TRIALS:
            return run(case.analysis, Asked(found, OTHER_TRIALS[case.data]))
        return run(case.analysis, EveryCourse(found) if case.data == "every course" else found)
    if case.analysis in COHORT_ANALYSES:
        return run(case.analysis, cohort_of(case.data))
    return run(case.analysis, data_of(case.data))


@cache
def released_of(case: Case, minimum_cell: int = 11) -> ReleasedResult:
    return kat.release(result_of(case), kat.DisclosurePolicy(minimum_cell=minimum_cell))


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture(params=[case for case in CASES if case.data in FRAME_SIZES], ids=str)
def frame_case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture
def result(case: Case) -> Result:
    return result_of(case)


@pytest.fixture
def released(case: Case) -> ReleasedResult:
    return released_of(case)


@pytest.fixture(scope="session")
def house() -> ModuleType:
    """This module: its functions and names, for the tests beside it (test folders are no packages)."""
    import sys

    return sys.modules[__name__]
