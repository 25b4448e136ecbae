"""Running a plan: what is answered, what is noted, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.plans.planned_analysis import PlannedAnalysis

N_PATIENTS = 60


def tables(*, program: bool = True, covariate: str = "covariate_income") -> dict[str, Any]:
    """A clinic of adults, one dose and two PHQ-9 scores each; nobody is like anybody real."""
    numbers = range(N_PATIENTS)
    patients = pd.DataFrame(
        {
            "patient_id": [f"P{n:03d}" for n in numbers],
            "age_years": [30 + n % 40 for n in numbers],
            "eligible_consent": [int(n % 6 != 0) for n in numbers],
            covariate: [n % 7 for n in numbers],
        }
    )
    if program:
        patients["program_booked"] = [("with_integration", "ketamine_only")[n % 2] for n in numbers]
    sessions = pd.DataFrame(
        {
            "session_id": [f"S{n:03d}" for n in numbers],
            "patient_id": patients["patient_id"],
            "day": 0,
            "kind": "dosing",
        }
    )
    before = pd.DataFrame(
        {
            "score_id": [f"B{n:03d}" for n in numbers],
            "patient_id": patients["patient_id"],
            "day": -1,
            "instrument": "PHQ-9",
            "total": [12 + n % 9 for n in numbers],
        }
    )
    after = before.assign(
        score_id=[f"A{n:03d}" for n in numbers], day=84, total=[5 + (n * 5) % 11 for n in numbers]
    ).iloc[:50]
    return {"patients": patients, "sessions": sessions, "scores": pd.concat([before, after])}


@pytest.fixture(scope="module")
def registry() -> kat.Registry:
    return kat.read_registry(tables())


@pytest.fixture(scope="module")
def results(registry: kat.Registry) -> kat.Results:
    return kat.run(kat.AnalysisPlan.default(), registry)


def test_the_flow_comes_right_after_the_data_and_each_analysis_stands_once(results: kat.Results) -> None:
    assert [entry.analysis for entry in results] == [
        "data_quality",
        "quality_gates",
        "participant_flow",
        "describe",
        "safety",
        "change_from_baseline",
        "clinical_significance",
        "cohort_difference",
        "dropout",
        "compare_sites",
    ]
    assert results.instruments() == ("PHQ-9",)


def test_eligibility_flags_of_the_data_become_criteria(results: kat.Results, registry: kat.Registry) -> None:
    counts = {found.term: found.estimate for found in results.of("participant_flow").select(measure="count")}
    assert counts["eligible: consent"] == 50
    everybody = replace(kat.AnalysisPlan.default(), require_eligibility_flags=False)
    flow = kat.run(everybody, registry).of("participant_flow")
    assert not flow.select(term="eligible: consent")


def test_what_the_data_lack_is_noted_without_a_number(results: kat.Results) -> None:
    notes = " ".join(results.notes)
    for name in ("GAD-7", "BDI-II", "HAM-A", "MADRS", "PCL-5"):
        assert f"{name}: the data hold no baseline score of it" in notes
    assert "Sex is not known or the same for everybody" in notes
    assert "Site is not known or the same for everybody" in notes


def test_the_comparison_is_adjusted_for_what_the_plan_says(results: kat.Results) -> None:
    description = results.of("cohort_difference").method.description
    assert "Age" in description
    assert "Income" in description
    assert "Sex" not in description


def test_progress_has_one_step_for_the_cohort_and_one_an_instrument(registry: kat.Registry) -> None:
    told: list[str] = []
    plan = kat.AnalysisPlan.default()
    kat.run(plan, registry, progress=told.append)
    assert len(told) == 1 + len(plan.instruments)


def test_without_two_cohorts_nothing_is_compared() -> None:
    results = kat.run(kat.AnalysisPlan.default(), kat.read_registry(tables(program=False)))
    assert not results.has("cohort_difference")
    assert any("does not make two cohorts" in note for note in results.notes)


def test_a_plan_that_compares_nothing(registry: kat.Registry) -> None:
    results = kat.run(replace(kat.AnalysisPlan.default(), treatment=""), registry)
    assert not results.has("cohort_difference")


def test_cohorts_known_later_are_refused(registry: kat.Registry) -> None:
    plan = replace(kat.AnalysisPlan.default(), treatment="integration_within_72_hours")
    with pytest.raises(kat.ImmortalTimeError):
        kat.run(plan, registry)


def test_a_named_covariate_known_later_is_refused(registry: kat.Registry) -> None:
    plan = replace(kat.AnalysisPlan.default(), covariates=("n_doses",))
    with pytest.raises(kat.DesignError, match="n_doses"):
        kat.run(plan, registry)


def test_a_misspelled_covariate_is_refused(registry: kat.Registry) -> None:
    plan = replace(kat.AnalysisPlan.default(), covariates=("covariate_wealth",))
    with pytest.raises(kat.OptionError, match="covariate_wealth"):
        kat.run(plan, registry)


def test_data_without_any_instrument_of_the_plan_are_refused(registry: kat.Registry) -> None:
    with pytest.raises(kat.DesignError, match="no patient of the cohort has a baseline score"):
        kat.run(replace(kat.AnalysisPlan.default(), instruments=("MADRS",)), registry)


def test_released_results_are_asked_for_by_name(results: kat.Results) -> None:
    released = results.release()
    assert all(isinstance(entry, kat.ReleasedResult) for entry in released)
    assert released.has("describe")
    assert not released.has("describe", "GAD-7")
    with pytest.raises(kat.OptionError, match="no change_from_baseline on the GAD-7"):
        released.of("change_from_baseline", "GAD-7")


def asked(*analyses: PlannedAnalysis, **fields: Any) -> kat.AnalysisPlan:
    return replace(kat.AnalysisPlan.default(), instruments=("PHQ-9",), analyses=analyses, **fields)


def test_a_plan_names_its_analyses_and_their_options(registry: kat.Registry) -> None:
    plan = asked(
        PlannedAnalysis("safety"),
        PlannedAnalysis("care_pathway"),
        PlannedAnalysis("dropout", {"predictors": []}),
        PlannedAnalysis("change_from_baseline", {"margins": ["gad7/kroenke_2019_mcid"], "multiplicity": "none"}),
        PlannedAnalysis("clinical_significance", {"definition_sets": ["phq9/nhs_talking_therapies_caseness"]}),
        PlannedAnalysis("mmrm", {"mean": "treatment"}, ("GAD-7",)),
    )
    results = kat.run(plan, registry)
    assert [entry.analysis for entry in results] == [
        "data_quality",
        "quality_gates",
        "participant_flow",
        "describe",
        "safety",
        "care_pathway",
        "dropout",
        "change_from_baseline",
        "clinical_significance",
    ]
    sets = {found.definition_set for found in results.of("clinical_significance").estimates}
    assert not any("response" in name for name in sets)
    assert len(results.of("dropout").select(measure="odds ratio")) == 1  # the baseline score alone


def test_the_seed_of_the_plan_decides_the_bootstrap(registry: kat.Registry) -> None:
    comparison = PlannedAnalysis("compare_cohorts", {"n_bootstrap": 100})

    def interval(seed: int) -> tuple[float, float]:
        results = kat.run(asked(comparison, covariates=("age_years",), seed=seed), registry)
        found = results.of("compare_cohorts").select(measure="difference in means")[0]
        return found.conf_low, found.conf_high

    assert interval(1) == interval(1)
    assert interval(1) != interval(2)


def test_what_these_data_cannot_answer_is_noted_without_a_number(registry: kat.Registry) -> None:
    model = PlannedAnalysis("mmrm", {"mean": "treatment*visit"})
    results = kat.run(asked(model, treatment=""), registry)
    assert not results.has("mmrm")
    note = next(note for note in results.notes if "mmrm" in note)
    assert note == "PHQ-9, mmrm: these data cannot answer it; call the analysis by itself to see why."


def test_an_option_that_does_not_go_with_the_data_is_named_with_its_table(registry: kat.Registry) -> None:
    with pytest.raises(kat.OptionError, match=r"^\[analyses.change_from_baseline\]: .*clinic"):
        kat.run(asked(PlannedAnalysis("change_from_baseline", {"by": "clinic"})), registry)
    with pytest.raises(kat.ImmortalTimeError):
        kat.run(asked(PlannedAnalysis("change_from_baseline", {"by": "any_integration_by_day_84"})), registry)
