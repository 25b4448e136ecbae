"""Which figure and which table belongs to which analysis.

`Result.plot()` and `Result.to_table()` point upward to rooms that results may not import; the targets are therefore
names, resolved on first use. A test asserts that each of them exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from katoutcomes.errors import OptionError

FIGURES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "participant_flow": {"flow": "katoutcomes.figures.flow:flow"},
        "change_from_baseline": {
            "trajectory": "katoutcomes.figures.trajectory:trajectory",
            "paired_change": "katoutcomes.figures.paired_change:paired_change",
            "forest": "katoutcomes.figures.forest:forest",
            "change_by_baseline": "katoutcomes.figures.change_by_baseline:change_by_baseline",
            "change_distribution": "katoutcomes.figures.change_distribution:change_distribution",
        },
        "clinical_significance": {
            "jacobson": "katoutcomes.figures.jacobson:jacobson",
            "responders": "katoutcomes.figures.responders:responders",
        },
        "clinical_significance_sensitivity": {
            "sensitivity_curve": "katoutcomes.figures.sensitivity_curve:sensitivity_curve"
        },
        "nhs_outcomes": {"responders": "katoutcomes.figures.responders:responders"},
        "severity_transitions": {
            "severity_transitions": "katoutcomes.figures.severity_transitions:severity_transitions",
            "responders": "katoutcomes.figures.responders:responders",
        },
        "compare_cohorts": {
            "love": "katoutcomes.figures.love_plot:love_plot",
            "overlap": "katoutcomes.figures.overlap:overlap",
            "effects": "katoutcomes.figures.effects_by_group:effects_by_group",
            "tipping": "katoutcomes.figures.tipping_grid:tipping_grid",
            "band": "katoutcomes.figures.family_band:family_band",
        },
        "emulate_trial": {
            "bias_diary": "katoutcomes.figures.bias_diary:bias_diary",
            "love": "katoutcomes.figures.love_plot:love_plot",
            "overlap": "katoutcomes.figures.overlap:overlap",
            "effects": "katoutcomes.figures.effects_by_group:effects_by_group",
            "protocol": "katoutcomes.figures.trial_protocol:trial_protocol",
            "tipping": "katoutcomes.figures.tipping_grid:tipping_grid",
        },
        "session_dose_response": {
            "dose_response": "katoutcomes.figures.dose_response:dose_response",
            "love": "katoutcomes.figures.love_plot:love_plot",
            "overlap": "katoutcomes.figures.overlap:overlap",
            "protocol": "katoutcomes.figures.trial_protocol:trial_protocol",
        },
        "care_pathway": {"care_pathway": "katoutcomes.figures.care_pathway:care_pathway"},
        "safety": {"safety_events": "katoutcomes.figures.safety_events:safety_events"},
        "dropout": {
            "dropout_curve": "katoutcomes.figures.dropout_curve:dropout_curve",
            "individual_trajectories": "katoutcomes.figures.individual_trajectories:individual_trajectories",
        },
        "compare_sites": {
            "sites": "katoutcomes.figures.compare_sites:sites",
            "funnel": "katoutcomes.figures.site_funnel:funnel",
        },
        "outcomes_over_time": {
            "over_time": "katoutcomes.figures.outcomes_over_time:over_time",
            "recent": "katoutcomes.figures.recent_periods:recent_periods",
        },
        "multiverse": {"specification_curve": "katoutcomes.figures.specification_curve:specification_curve"},
        "mmrm": {"adjusted_means": "katoutcomes.figures.adjusted_means:adjusted_means"},
        "contrast": {"comparisons": "katoutcomes.figures.comparisons:comparisons"},
        "outcome_family": {"band": "katoutcomes.figures.family_band:family_band"},
    }
)
"""Analysis → kind of figure → "module:function"; the first kind is the default."""

TABLES: Mapping[str, str] = MappingProxyType(
    {
        "participant_flow": "katoutcomes.tables.flow:flow_table",
        "describe": "katoutcomes.tables.describe:describe_table",
        "change_from_baseline": "katoutcomes.tables.change:change_table",
        "clinical_significance": "katoutcomes.tables.clinical_significance:clinical_significance_table",
        "clinical_significance_sensitivity": (
            "katoutcomes.tables.clinical_significance_sensitivity:clinical_significance_sensitivity_table"
        ),
        "nhs_outcomes": "katoutcomes.tables.nhs_outcomes:nhs_outcomes_table",
        "severity_transitions": "katoutcomes.tables.severity_transitions:severity_transitions_table",
        "cohort_difference": "katoutcomes.tables.cohort_difference:cohort_difference_table",
        "compare_cohorts": "katoutcomes.tables.compare_cohorts:compare_cohorts_table",
        "emulate_trial": "katoutcomes.tables.emulate_trial:emulate_trial_table",
        "session_dose_response": "katoutcomes.tables.session_dose_response:session_dose_response_table",
        "outcome_family": "katoutcomes.tables.outcome_family:outcome_family_table",
        "contrast": "katoutcomes.tables.mmrm:mmrm_table",
        "mmrm": "katoutcomes.tables.mmrm:mmrm_table",
        "data_quality": "katoutcomes.tables.data_quality:data_quality_table",
        "internal_consistency": "katoutcomes.tables.internal_consistency:internal_consistency_table",
        "care_pathway": "katoutcomes.tables.care_pathway:care_pathway_table",
        "multiverse": "katoutcomes.tables.multiverse:multiverse_table",
        "from_summary": "katoutcomes.tables.from_summary:from_summary_table",
        "safety": "katoutcomes.tables.safety:safety_table",
        "dropout": "katoutcomes.tables.dropout:dropout_table",
        "change_correlation": "katoutcomes.tables.change_correlation:change_correlation_table",
        "quality_gates": "katoutcomes.tables.quality_gates:quality_gates_table",
        "compare_sites": "katoutcomes.tables.compare_sites:compare_sites_table",
        "outcomes_over_time": "katoutcomes.tables.outcomes_over_time:outcomes_over_time_table",
    }
)
"""Analysis → "module:function"."""

FURTHER_TABLES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "change_from_baseline": {"details": "katoutcomes.tables.change_details:change_details_table"},
        "outcomes_over_time": {
            "recent": "katoutcomes.tables.outcomes_over_time:recent_table",
            "signals": "katoutcomes.tables.outcomes_over_time:signals_table",
        },
        "compare_cohorts": {
            "flow": "katoutcomes.tables.flow:steps_table",
            "balance": "katoutcomes.tables.compare_cohorts:balance_table",
            "tipping": "katoutcomes.tables.tipping:tipping_table",
        },
        "emulate_trial": {
            "flow": "katoutcomes.tables.flow:steps_table",
            "protocol": "katoutcomes.tables.emulate_trial:protocol_table",
            "tipping": "katoutcomes.tables.tipping:tipping_table",
            "checks": "katoutcomes.tables.emulate_trial_trust:checks_table",
            "by_week": "katoutcomes.tables.emulate_trial_trust:by_week_table",
            "balance": "katoutcomes.tables.emulate_trial_trust:balance_table",
        },
        "session_dose_response": {
            "flow": "katoutcomes.tables.flow:steps_table",
            "protocol": "katoutcomes.tables.emulate_trial:protocol_table",
            "checks": "katoutcomes.tables.emulate_trial_trust:checks_table",
            "sensitivity": "katoutcomes.tables.session_dose_response:sensitivity_table",
            "by_week": "katoutcomes.tables.emulate_trial_trust:by_week_table",
            "balance": "katoutcomes.tables.emulate_trial_trust:balance_table",
        },
    }
)
"""Analysis → kind of table → "module:function", for those that have more than one."""


def _resolve(target: str) -> Callable[..., Any]:
    module_name, function_name = target.split(":")
    function: Callable[..., Any] = getattr(import_module(module_name), function_name)
    return function


def figure_function(analysis: str, kind: str | None) -> Callable[..., Any]:
    """Return the function that draws `kind` (or the default figure) for `analysis`."""
    kinds = FIGURES.get(analysis, {})
    if not kinds:
        raise OptionError(f"{analysis} has no figure; use to_table() or to_frame().")
    chosen = kind if kind is not None else next(iter(kinds))
    if chosen not in kinds:
        raise OptionError(f"{analysis} has no figure {chosen!r}; it has {', '.join(map(repr, kinds))}.")
    return _resolve(kinds[chosen])


def table_function(analysis: str, kind: str | None = None) -> Callable[..., Any]:
    """Return the function that makes the table of `analysis`, or another one of its tables."""
    if analysis not in TABLES:
        raise OptionError(f"{analysis} has no table; use to_frame().")
    if kind is not None:
        further = FURTHER_TABLES.get(analysis, {})
        if kind not in further:
            listed = ", ".join(map(repr, further)) or "none"
            raise OptionError(f"{analysis} has no further table {kind!r}; it has {listed}.")
        return _resolve(further[kind])
    return _resolve(TABLES[analysis])
