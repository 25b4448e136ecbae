"""The estimands that comparisons of integration with less support may have, each with a sentence for readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class NamedEstimand:
    """An estimand by name.

    Attributes
    ----------
    name : str
        For example ``"start_integration"``.
    sentence : str
        The question in plain words.
    leaving_care : str
        What is done about leaving care: the strategy of ICH E9(R1) for the intercurrent event that matters most.
    answered_by : str
        The function that answers it: a result of it carries the name.
    term : str
        Of the estimate that answers it, where it stands beside the answer to another question; else ``""``.
    also_answered_by : str
        The function that answers it of what began after time zero, where there are two; else ``""``.
    """

    name: str
    sentence: str
    leaving_care: str
    answered_by: str
    term: str = ""
    also_answered_by: str = ""


_ALL = (
    NamedEstimand(
        "booked_program",
        "How would scores differ on average if everybody had been booked for the program with integration rather than "
        "for ketamine only, whatever happened afterwards?",
        "treatment policy",
        "compare_cohorts",
    ),
    NamedEstimand(
        "start_integration",
        "How would scores differ on average if everybody who is still in care began integration within the grace "
        "period, at the usual pace, rather than having none in it, and had usual care afterwards?",
        "compatible with both strategies, then treatment policy",
        "emulate_trial",
    ),
    NamedEstimand(
        "sustained_integration",
        "How would scores differ on average if everybody still in care had integration after every dose, in time, "
        "rather than none during the course?",
        "compatible with both strategies, then treatment policy",
        "emulate_trial",
    ),
    NamedEstimand(
        "if_all_had_stayed",
        "How would scores differ on average between the two if nobody had left care?",
        "hypothetical",
        "compare_cohorts",
    ),
    NamedEstimand(
        "reference_based",
        "How would scores differ on average if patients with integration who leave fared from then on like those with "
        "less support?",
        "hypothetical, reference-based",
        "compare_cohorts",
        "reference-based imputation, jump to reference",
    ),
    NamedEstimand(
        "composite_response",
        "How would the share of responders differ, if everybody who leaves care counts as a non-responder?",
        "composite",
        "compare_cohorts",
        also_answered_by="emulate_trial",
    ),
    NamedEstimand(
        "days_in_response",
        "By how many days in response would patients differ on average until the end of follow-up?",
        "treatment policy",
        "compare_cohorts",
        also_answered_by="emulate_trial",
    ),
    NamedEstimand(
        "while_in_care",
        "How do the last scores in care differ? This describes and is no effect.",
        "while on treatment",
        "compare_cohorts",
        also_answered_by="emulate_trial",
    ),
    NamedEstimand(
        "change_under_ketamine",
        "By how much did scores change from baseline? This describes one group and is no effect.",
        "as chosen",
        "change_from_baseline",
    ),
)

NAMED_ESTIMANDS: Mapping[str, NamedEstimand] = MappingProxyType({one.name: one for one in _ALL})
"""Name → estimand."""
