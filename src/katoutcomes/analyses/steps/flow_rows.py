"""The part ``"flow"``: who is left at each step of a selection, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from katoutcomes.results.part import Cell, Part

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AttritionStep

FLOW = "flow"
FLOW_COLUMNS: tuple[str, ...] = ("order", "kind", "step", "reason", "group", "visit", "n_patients")
BASELINE_STEP = "with a baseline score"
NO_BASELINE = "no baseline score"

Row = tuple[Cell, ...]
"""A row without its place: kind, step, reason, group, visit, number of patients."""


def stage(step: str, n_patients: int) -> Row:
    """Return who is left at a step."""
    return ("stage", step, "", "", "", n_patients)


def excluded(step: str, reason: str, n_patients: int) -> Row:
    """Return who does not reach a step, and why."""
    return ("excluded", step, reason, "", "", n_patients)


def selection_rows(steps: Sequence[AttritionStep], last_step: str = "") -> list[Row]:
    """Return the rows of a selection, each stage behind those whom it leaves out; the last may get another name."""
    rows: list[Row] = []
    for number, step in enumerate(steps, start=1):
        name = last_step if last_step and number == len(steps) else step.step
        if step.reason:
            rows.append(excluded(name, step.reason, step.n_excluded))
        rows.append(stage(name, step.n_patients))
    return rows


def flow_of(rows: Iterable[Row]) -> Part:
    """Return rows as a part, numbered in their order."""
    return Part(FLOW, FLOW_COLUMNS, tuple((order, *row) for order, row in enumerate(rows)))
