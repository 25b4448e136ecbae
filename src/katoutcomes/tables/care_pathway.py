"""The care pathway as a table: who had which step, the days between steps, how soon integration followed a dose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    HIDDEN,
    format_estimate,
    format_interval,
    format_n_patients,
    format_share,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, interval_words, one, subgroups
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_STEPS = "Steps of care, of all patients"
_AFTER = "Next step, of those with every step before"
_DAYS = "Days between steps, median (quartiles)"
_DOSES = "Integration after a dose"
_NEVER = "Patients of the registry without a dose"
_AFTER_EVERY_STEP = ", of those with every step before"
_NEVER_A_DOSE = ", never a dose"
_EVERY_STEP = "every step"
NOT_RECORDED = "not recorded"
_NOT_RECORDED_NOTE = (
    "Not recorded: the data hold no such session of anybody in the cohort. It may be held and not entered, so this is "
    "no share of 0%."
)


def care_pathway_table(result: ResultRecord) -> Table:
    """Return the steps of a `care_pathway`, for everybody and each group.

    Parameters
    ----------
    result : ResultRecord
        A result of `care_pathway`, released or not.

    Returns
    -------
    Table
        Under five headings: the share of all patients who had each step, the share of those with every step before who
        had the next, the days between steps, integration after the first dose and after each dose, and the patients who
        never had a dose. A step that was recorded for nobody is no share of 0 %: it reads "not recorded".
    """
    groups = subgroups(result.estimates)
    rows: list[tuple[str, ...]] = []
    headings: list[str] = []
    shares = [estimate for estimate in result.estimates if estimate.measure in {"proportion", "proportion of sessions"}]
    medians = result.select(measure="median", unit="days")
    for heading in (_STEPS, _AFTER, _DAYS, _DOSES, _NEVER):
        of_heading = medians if heading == _DAYS else [share for share in shares if _heading(share.term) == heading]
        for term in dict.fromkeys(estimate.term for estimate in of_heading):
            for group in groups:
                for estimate in (found for found in of_heading if (found.term, found.subgroup) == (term, group)):
                    rows.append(_row(result, estimate))
                    headings.append(heading)
    return Table(
        name=table_name(result.analysis),
        caption=result.title,
        columns=("Step", "Patients", "Share or days", interval_words(result)),
        rows=tuple(rows),
        row_groups=tuple(headings),
        footnotes=footnotes(
            result,
            rows,
            "That somebody had integration is described, never compared: whoever had it stayed in care long enough.",
            "Of a dose: counts are dosing sessions, not patients; their shares have no interval.",
            _NOT_RECORDED_NOTE if any(NOT_RECORDED in row for row in rows) else "",
        ),
    )


def _heading(term: str) -> str:
    if term.endswith(_AFTER_EVERY_STEP):
        return _AFTER
    if term.endswith(_NEVER_A_DOSE):
        return _NEVER
    return _DOSES if "within" in term else _STEPS


def _row(result: ResultRecord, estimate: Estimate) -> tuple[str, ...]:
    minimum_cell = minimum_cell_of(result)
    text = estimate.term.removesuffix(_AFTER_EVERY_STEP).removesuffix(_NEVER_A_DOSE)
    label = f"{text}, {group_label(estimate.subgroup)}" if estimate.subgroup else text
    if estimate.unit == "days":
        return (label, format_n_patients(estimate, minimum_cell), _median_text(result, estimate), "")
    if _is_unrecorded(result, text):
        return (label, NOT_RECORDED, "", "")
    has_none = estimate.measure == "proportion of sessions" and not estimate.suppressed
    interval = "" if has_none else format_interval(estimate)
    return (label, format_share(estimate, minimum_cell), format_estimate(estimate), interval)


def _is_unrecorded(result: ResultRecord, text: str) -> bool:
    """Return whether a row is about a step, or every step, of which one has no session of anybody in the cohort."""
    steps = [
        one
        for one in result.select(measure="proportion", subgroup="")
        if _heading(one.term) == _STEPS and one.term != _EVERY_STEP
    ]
    missing = {one.term for one in steps if one.estimate == 0.0}
    return bool(missing) if text == _EVERY_STEP else text.split(" within ", maxsplit=1)[0] in missing


def _median_text(result: ResultRecord, median: Estimate) -> str:
    """Return ``"median (lower to upper quartile)"``."""
    at = {"term": median.term, "subgroup": median.subgroup}
    quartiles = [one(result, measure=measure, **at) for measure in ("lower quartile", "upper quartile")]
    text = format_estimate(median)
    if text in (DOES_NOT_APPLY, HIDDEN) or None in quartiles:
        return text
    low, high = (format_estimate(quartile) for quartile in quartiles if quartile is not None)
    return f"{text} ({low} to {high})"
