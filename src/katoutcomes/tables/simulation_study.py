"""The table of a simulation study: for each cell and estimator bias, spread, coverage, type I error or power."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import format_level, format_number, format_percent
from katoutcomes.results.simulation_study import (
    ALLOWANCE,
    DEFAULT,
    LEAST_COVERAGE,
    MOST_BIAS,
    MOST_COVERAGE,
    MOST_REJECTIONS,
    NAIVE,
)
from katoutcomes.tables.table import Table

if TYPE_CHECKING:
    from katoutcomes.results.simulation_study import Performance, SimulationStudy

EXPOSURE_WORDS: dict[str, str] = {
    "time_zero": "Program booked at time zero",
    "later": "Integration begun by day 28",
}
CLINIC_WORDS: dict[str, str] = {"linear": "linear clinic", "curved": "curved clinic"}
SCENARIO_WORDS: dict[str, str] = {
    "null": "no effect",
    "effect": "effect",
    "mnar": "no effect, scores missing because of their value",
    "unmeasured_confounding": "no effect, a confounder unmeasured",
    "effect_mnar": "effect, scores missing because of their value",
}
_COLUMNS: tuple[str, ...] = (
    "Estimator",
    "Bias (error)",
    "SD of estimates",
    "Mean SE",
    "Coverage",
    "Finds a difference",
    "Not estimable",
    "Judgement",
)
_MANY = 100
"""Percentages have a decimal."""


def simulation_study_table(study: SimulationStudy) -> Table:
    """Return a row for each estimator under a heading for each cell.

    Parameters
    ----------
    study : SimulationStudy
        What was simulated.
    """
    return Table(
        name="simulation_study",
        caption="What the estimators do when the truth is known (PHQ-9 points, lower is better)",
        columns=_COLUMNS,
        rows=tuple(_row(line) for line in study.performances),
        footnotes=_footnotes(study),
        row_groups=tuple(heading(line) for line in study.performances),
    )


def heading(line: Performance) -> str:
    """Return the words of a cell.

    Examples
    --------
    ``"Integration begun by day 28, curved clinic, no effect, 300 patients"``
    """
    scenario = SCENARIO_WORDS[line.scenario]
    if not line.is_null:
        scenario += f" {format_number(line.truth, 2)}"
    patients = format_number(line.n_patients, 0)
    return f"{EXPOSURE_WORDS[line.exposure]}, {CLINIC_WORDS[line.clinic]}, {scenario}, {patients} patients"


def estimator_words(line: Performance) -> str:
    """Return the name of an estimator, the package's default marked as such."""
    return f"{line.estimator} (default)" if line.role == DEFAULT else line.estimator


def _row(line: Performance) -> tuple[str, ...]:
    return (
        estimator_words(line),
        f"{format_number(line.bias, 2)} ({format_number(line.bias_error, 2)})",
        format_number(line.empirical_se, 2),
        format_number(line.mean_se, 2),
        format_percent(line.coverage, _MANY),
        format_percent(line.rejection, _MANY),
        format_percent(line.not_estimable, _MANY),
        line.judgement,
    )


def _footnotes(study: SimulationStudy) -> tuple[str, ...]:
    design = study.design
    notes = [
        (
            f"{format_number(design['n_replicates'], 0)} studies a cell, {format_number(design['n_bootstrap'], 0)} "
            f"resamples a study; intervals at {format_level(design['conf_level'])}. Synthetic patients: the truth is "
            f"computed from {format_number(design['n_truth'], 0)} who are followed twice with the same random numbers."
        ),
        (
            "Bias: mean estimate minus truth, with its Monte-Carlo error. Finds a difference: the interval does not "
            "hold 0; where there is no effect this is the type I error, else the power. All but the last share are of "
            "the studies with an estimate and an interval."
        ),
        (
            f"Within bounds: bias at most {format_number(MOST_BIAS, 1)} points, coverage "
            f"{format_percent(LEAST_COVERAGE)} to {format_percent(MOST_COVERAGE)}, type I error at most "
            f"{format_percent(MOST_REJECTIONS)}, each with {format_number(ALLOWANCE, 0)} Monte-Carlo errors of "
            "allowance."
        ),
    ]
    if any(line.role == NAIVE for line in study.performances):
        notes.append("Ever against never is shown to be seen through: it is offered by no analysis.")
    if design.get("effect") is not None:
        notes.append("The effect was set; the scenario was fitted to it.")
    if design.get("missing_share") is not None:
        notes.append(
            f"{format_percent(design['missing_share'])} of the patients have no score at the visit, as was set; the "
            "scenario was fitted to it."
        )
    return tuple(notes)
