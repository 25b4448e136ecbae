"""Which analyses have said what they count. Nothing of any other leaves a clinic."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from katoutcomes.errors import DisclosureError
from katoutcomes.results.result import ResultRecord

COUNTS_OF: Mapping[str, str] = MappingProxyType(
    {
        "care_pathway": "linked_steps.py: conditions that patients meet, each of which may hold another",
        "change_correlation": "linked_losses.py: those with a change on both instruments",
        "change_from_baseline": "linked_counts.py, linked_scores.py: pairs at each visit, moves, bins of scores",
        "clinical_significance": "linked_counts.py, linked_definitions.py, linked_shares.py: classes of change",
        "clinical_significance_sensitivity": "linked_definitions.py, linked_shares.py: classes by choice",
        "cohort_difference": "linked_counts.py: those in the model, of those with both scores",
        "compare_cohorts": "linked_comparison.py: compared, scored, in care, missing for a time and for good",
        "compare_sites": "linked_sites.py: sites, those in the model, what rests on all sites together",
        "contrast": "linked_visits.py: those of the model that it asks",
        "data_quality": "linked_counts.py: rows in, accepted, rejected, by rule",
        "describe": "linked_counts.py: levels of each variable, and of how many it is known",
        "dropout": "linked_losses.py: steps of the curve, those in the model",
        "emulate_trial": "linked_emulation.py: eligible, in the trial, followers of each strategy, who left care",
        "internal_consistency": "linked_counts.py: those with all items",
        "mmrm": "linked_visits.py: those in the model, seen at each visit",
        "multiverse": "linked_specifications.py: patients of windows that hold each other",
        "nhs_outcomes": "linked_shares.py: counted, scored on both measures, at caseness",
        "outcome_family": "linked_family.py: the fewest scored in a comparison, one number for all",
        "outcomes_over_time": "linked_time.py: periods, and totals of periods that charts are made of",
        "participant_flow": "linked_counts.py, merged_exclusions.py: stages, exclusions, scored at each visit",
        "published_outcomes": "counts of studies that were published",
        "quality_gates": "linked_counts.py: what each gate found, of how many",
        "safety": "linked_events.py: events, and the patients and sessions that had one",
        "session_dose_response": "linked_emulation.py, linked_arms.py: in the trial, who followed which arms",
        "severity_transitions": "linked_shares.py: cells of a matrix of bands",
    }
)
"""Analysis → where the links of its counts are written down, and what they are."""


def require_declared(result: ResultRecord) -> None:
    """Assert that an analysis has said what it counts.

    Raises
    ------
    DisclosureError
        If it has not; the message says where to.
    """
    if result.analysis not in COUNTS_OF:
        raise DisclosureError(
            f"{result.analysis} has not said what it counts, so nothing of it can be released. Write down which of its "
            "counts are the same, which hold others and which add up, and name it in COUNTS_OF of "
            'results/disclosure_rules/declared_counts.py: CONTRIBUTING.md, "How an analysis declares its counts".'
        )
