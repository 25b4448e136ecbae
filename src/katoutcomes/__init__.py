"""Honest outcome studies of ketamine-assisted therapy: from a clinic's files to a checked report.

Every public name is loaded on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from katoutcomes._version import __version__

if TYPE_CHECKING:
    from katoutcomes.analyses.care_pathway import care_pathway
    from katoutcomes.analyses.change_correlation import change_correlation
    from katoutcomes.analyses.change_from_baseline import change_from_baseline
    from katoutcomes.analyses.clinical_significance import clinical_significance
    from katoutcomes.analyses.clinical_significance_sensitivity import clinical_significance_sensitivity
    from katoutcomes.analyses.cohort_difference import cohort_difference
    from katoutcomes.analyses.compare_cohorts import compare_cohorts
    from katoutcomes.analyses.compare_sites import compare_sites
    from katoutcomes.analyses.contrast import contrast
    from katoutcomes.analyses.data_quality import data_quality
    from katoutcomes.analyses.describe import describe
    from katoutcomes.analyses.dropout import dropout
    from katoutcomes.analyses.emulate_trial import emulate_trial
    from katoutcomes.analyses.internal_consistency import internal_consistency
    from katoutcomes.analyses.mmrm import mmrm
    from katoutcomes.analyses.multiverse import multiverse
    from katoutcomes.analyses.nhs_outcomes import nhs_outcomes
    from katoutcomes.analyses.outcome_family import outcome_family
    from katoutcomes.analyses.outcomes_over_time import outcomes_over_time
    from katoutcomes.analyses.participant_flow import participant_flow
    from katoutcomes.analyses.safety import safety
    from katoutcomes.analyses.session_dose_response import session_dose_response
    from katoutcomes.analyses.severity_transitions import severity_transitions
    from katoutcomes.analyses.steps.over_time.choices import Rebasing
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Variable
    from katoutcomes.cohorts.cohort import Cohort
    from katoutcomes.cohorts.definition import CohortDefinition
    from katoutcomes.cohorts.induction import InductionRule
    from katoutcomes.cohorts.selection import select_cohort
    from katoutcomes.errors import (
        DataError,
        DesignError,
        DisclosureError,
        IdentifierError,
        ImmortalTimeError,
        KatOutcomesError,
        KatOutcomesWarning,
        NumericalError,
        OptionError,
    )
    from katoutcomes.estimands.eligibility import Criterion
    from katoutcomes.estimands.estimand import Endpoint, Estimand
    from katoutcomes.estimands.named_estimands import NAMED_ESTIMANDS, NamedEstimand
    from katoutcomes.estimands.selection_rule import SelectionRule
    from katoutcomes.estimands.strategies import AfterEachDose, NoneUntil, StartIntegration
    from katoutcomes.estimands.target_trial import FeasibilityGate, TargetTrial
    from katoutcomes.estimands.visit_window import BASELINE_WINDOW, DEFAULT_VISITS, VisitWindow
    from katoutcomes.evidence.from_summary import from_summary
    from katoutcomes.evidence.printed_numbers import PrintedCount, PrintedMean
    from katoutcomes.evidence.published import published_outcomes
    from katoutcomes.figures.figure import Figure
    from katoutcomes.instruments.answers import safety_flags
    from katoutcomes.instruments.catalog import instrument, instrument_by_loinc, instruments
    from katoutcomes.instruments.instrument import Band, DefinitionSet, Instrument, Norms, Reliability
    from katoutcomes.instruments.scoring import check_totals, score_items, score_subscales
    from katoutcomes.plans.plan import AnalysisPlan
    from katoutcomes.plans.run import run
    from katoutcomes.registry.load_reports.load_report import LoadReport
    from katoutcomes.registry.privacy.uniqueness import UniquenessReport, uniqueness
    from katoutcomes.registry.reading import read_registry
    from katoutcomes.registry.registry import Registry
    from katoutcomes.registry.synthetic.clinic import simulate_registry
    from katoutcomes.report.write import write_report
    from katoutcomes.results.check import Check
    from katoutcomes.results.collection import Results
    from katoutcomes.results.disclosure import DisclosurePolicy, release
    from katoutcomes.results.disclosure_audit import audit_release
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Part
    from katoutcomes.results.provenance import Provenance
    from katoutcomes.results.result import Method, ReleasedResult, Result
    from katoutcomes.results.run_comparison import compare_runs
    from katoutcomes.tables.table import Table
    from katoutcomes.workflows.outcome_report import outcome_report, run_plan
    from katoutcomes.workflows.published_studies import published_layout
    from katoutcomes.workflows.quarterly_report import quarterly_report
    from katoutcomes.workflows.simulate_study import simulate_study

_HOME_OF_NAME: dict[str, str] = {
    name: f"katoutcomes.{module}"
    for module, names in {
        "analyses.care_pathway": ("care_pathway",),
        "analyses.change_correlation": ("change_correlation",),
        "analyses.change_from_baseline": ("change_from_baseline",),
        "analyses.clinical_significance": ("clinical_significance",),
        "analyses.clinical_significance_sensitivity": ("clinical_significance_sensitivity",),
        "analyses.cohort_difference": ("cohort_difference",),
        "analyses.compare_cohorts": ("compare_cohorts",),
        "analyses.compare_sites": ("compare_sites",),
        "analyses.contrast": ("contrast",),
        "analyses.data_quality": ("data_quality",),
        "analyses.describe": ("describe",),
        "analyses.dropout": ("dropout",),
        "analyses.emulate_trial": ("emulate_trial",),
        "analyses.internal_consistency": ("internal_consistency",),
        "analyses.mmrm": ("mmrm",),
        "analyses.multiverse": ("multiverse",),
        "analyses.nhs_outcomes": ("nhs_outcomes",),
        "analyses.session_dose_response": ("session_dose_response",),
        "analyses.severity_transitions": ("severity_transitions",),
        "analyses.outcome_family": ("outcome_family",),
        "analyses.outcomes_over_time": ("outcomes_over_time",),
        "analyses.participant_flow": ("participant_flow",),
        "analyses.safety": ("safety",),
        "analyses.steps.over_time.choices": ("Rebasing",),
        "cohorts.analysis_set": ("AnalysisSet", "Variable"),
        "cohorts.cohort": ("Cohort",),
        "cohorts.definition": ("CohortDefinition",),
        "cohorts.induction": ("InductionRule",),
        "cohorts.selection": ("select_cohort",),
        "errors": (
            "DataError",
            "DesignError",
            "DisclosureError",
            "IdentifierError",
            "ImmortalTimeError",
            "KatOutcomesError",
            "KatOutcomesWarning",
            "NumericalError",
            "OptionError",
        ),
        "estimands.eligibility": ("Criterion",),
        "estimands.estimand": ("Endpoint", "Estimand"),
        "estimands.selection_rule": ("SelectionRule",),
        "estimands.named_estimands": ("NAMED_ESTIMANDS", "NamedEstimand"),
        "estimands.strategies": ("AfterEachDose", "NoneUntil", "StartIntegration"),
        "estimands.target_trial": ("FeasibilityGate", "TargetTrial"),
        "estimands.visit_window": ("BASELINE_WINDOW", "DEFAULT_VISITS", "VisitWindow"),
        "evidence.from_summary": ("from_summary",),
        "evidence.printed_numbers": ("PrintedCount", "PrintedMean"),
        "evidence.published": ("published_outcomes",),
        "figures.figure": ("Figure",),
        "instruments.answers": ("safety_flags",),
        "instruments.catalog": ("instrument", "instrument_by_loinc", "instruments"),
        "instruments.instrument": ("Band", "DefinitionSet", "Instrument", "Norms", "Reliability"),
        "instruments.scoring": ("check_totals", "score_items", "score_subscales"),
        "plans.plan": ("AnalysisPlan",),
        "plans.run": ("run",),
        "registry.load_reports.load_report": ("LoadReport",),
        "registry.reading": ("read_registry",),
        "registry.registry": ("Registry",),
        "registry.synthetic.clinic": ("simulate_registry",),
        "registry.privacy.uniqueness": ("UniquenessReport", "uniqueness"),
        "report.write": ("write_report",),
        "results.check": ("Check",),
        "results.collection": ("Results",),
        "results.disclosure": ("DisclosurePolicy", "release"),
        "results.disclosure_audit": ("audit_release",),
        "results.estimate": ("Estimate",),
        "results.part": ("Part",),
        "results.provenance": ("Provenance",),
        "results.result": ("Method", "ReleasedResult", "Result"),
        "results.run_comparison": ("compare_runs",),
        "tables.table": ("Table",),
        "workflows.outcome_report": ("outcome_report", "run_plan"),
        "workflows.quarterly_report": ("quarterly_report",),
        "workflows.published_studies": ("published_layout",),
        "workflows.simulate_study": ("simulate_study",),
    }.items()
    for name in names
}

__all__ = [
    "BASELINE_WINDOW",
    "DEFAULT_VISITS",
    "NAMED_ESTIMANDS",
    "AfterEachDose",
    "AnalysisPlan",
    "AnalysisSet",
    "Band",
    "Check",
    "Cohort",
    "CohortDefinition",
    "Criterion",
    "DataError",
    "DefinitionSet",
    "DesignError",
    "DisclosureError",
    "DisclosurePolicy",
    "Endpoint",
    "Estimand",
    "Estimate",
    "FeasibilityGate",
    "Figure",
    "IdentifierError",
    "ImmortalTimeError",
    "InductionRule",
    "Instrument",
    "KatOutcomesError",
    "KatOutcomesWarning",
    "LoadReport",
    "Method",
    "NamedEstimand",
    "NoneUntil",
    "Norms",
    "NumericalError",
    "OptionError",
    "Part",
    "PrintedCount",
    "PrintedMean",
    "Provenance",
    "Rebasing",
    "Registry",
    "ReleasedResult",
    "Reliability",
    "Result",
    "Results",
    "SelectionRule",
    "StartIntegration",
    "Table",
    "TargetTrial",
    "UniquenessReport",
    "Variable",
    "VisitWindow",
    "__version__",
    "audit_release",
    "care_pathway",
    "change_correlation",
    "change_from_baseline",
    "check_totals",
    "clinical_significance",
    "clinical_significance_sensitivity",
    "cohort_difference",
    "compare_cohorts",
    "compare_runs",
    "compare_sites",
    "contrast",
    "data_quality",
    "describe",
    "dropout",
    "emulate_trial",
    "from_summary",
    "instrument",
    "instrument_by_loinc",
    "instruments",
    "internal_consistency",
    "mmrm",
    "multiverse",
    "nhs_outcomes",
    "outcome_family",
    "outcome_report",
    "outcomes_over_time",
    "participant_flow",
    "published_layout",
    "published_outcomes",
    "quarterly_report",
    "read_registry",
    "release",
    "run",
    "run_plan",
    "safety",
    "safety_flags",
    "score_items",
    "score_subscales",
    "select_cohort",
    "session_dose_response",
    "severity_transitions",
    "simulate_registry",
    "simulate_study",
    "uniqueness",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF_NAME:
        raise AttributeError(f"module 'katoutcomes' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF_NAME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
