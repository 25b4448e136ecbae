"""Baseline and follow-up side by side, as figures need them: pairs of scores, or cells of bins with their counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.errors import require_option
from katoutcomes.results.formatting import format_count, minimum_cell_of
from katoutcomes.results.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

PAIR_COUNTS = "score_pair_counts"


@dataclass(frozen=True, slots=True)
class PairCell:
    """Patients whose baseline and follow-up lie in the same two bins.

    Attributes
    ----------
    baseline_low, baseline_high, follow_up_low, follow_up_high : float
        First and last score of the bins, both included; equal where the cell is a pair of scores.
    n_patients : int
        How many.
    """

    baseline_low: float
    baseline_high: float
    follow_up_low: float
    follow_up_high: float
    n_patients: int

    @property
    def baseline(self) -> float:
        """Middle of the bin at baseline."""
        return (self.baseline_low + self.baseline_high) / 2.0

    @property
    def follow_up(self) -> float:
        """Middle of the bin at follow-up."""
        return (self.follow_up_low + self.follow_up_high) / 2.0

    @property
    def text(self) -> str:
        """The number as it is printed."""
        return format_count(self.n_patients)

    def bins(self) -> tuple[float, float, float, float]:
        """Return the ends of the bins."""
        return (self.baseline_low, self.baseline_high, self.follow_up_low, self.follow_up_high)


def chosen_visit(result: ResultRecord, visit: str | None) -> str:
    """Return the visit to draw: the one named, or the last at which anybody has both scores, drawn or hidden.

    A visit whose days count from a later dose is drawn unasked only if there is no other.

    Raises
    ------
    OptionError
        If the result has no such visit.
    """
    visits = [str(name) for order, name in zip(*_visit_columns(result), strict=True) if order != 0]
    if visit is not None:
        require_option("visit", visit, visits)
        return visit
    drawn = set(result.part(PAIR_COUNTS).column("visit"))
    changes = result.select(measure="mean change")
    drawn |= {estimate.visit for estimate in changes if estimate.suppressed or estimate.n_patients}
    candidates = [name for name in visits if name in drawn] or visits
    later = anchored_later(result)
    candidates = [name for name in candidates if name not in later] or candidates
    return candidates[-1] if candidates else ""


def anchored_later(result: ResultRecord) -> tuple[str, ...]:
    """Return the visits whose days count from a dose after the first, from the part ``"visits"``."""
    part = result.part("visits")
    if "anchor" not in part.columns:
        return ()
    later = (
        name for name, anchor in zip(part.column("visit"), part.column("anchor"), strict=True) if anchor != "first dose"
    )
    return tuple(str(name) for name in later)


def _visit_columns(result: ResultRecord) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    part = result.part("visits")
    return part.column("order"), part.column("visit")


def binned_pairs(result: ResultRecord, visit: str, group: str) -> tuple[PairCell, ...]:
    """Return the cells of one group at one visit from the part ``"score_pair_counts"``; hidden ones are not in it."""
    part = result.part(PAIR_COUNTS)
    positions = [
        part.columns.index(name) for name in ("baseline_low", "baseline_high", "follow_up_low", "follow_up_high")
    ]
    cells = []
    for number, (its_visit, its_group) in enumerate(zip(part.column("visit"), part.column("group"), strict=True)):
        if its_visit == visit and its_group == group:
            row = part.rows[number]
            low, high, follow_up_low, follow_up_high = (float(row[position] or 0.0) for position in positions)
            count = int(row[part.columns.index("n_patients")] or 0)
            cells.append(PairCell(low, high, follow_up_low, follow_up_high, count))
    return tuple(cells)


def not_drawn_note(result: ResultRecord, panels: Iterable[tuple[int | None, tuple[PairCell, ...]]]) -> tuple[str, ...]:
    """Return what must be said of cells that a released result has left out; nothing where none can be.

    Parameters
    ----------
    result : ResultRecord
        What is drawn.
    panels : iterable of (int or None, tuple of PairCell)
        For each panel the number of its patients, None where it is hidden, and the cells that are drawn.
    """
    minimum = minimum_cell_of(result)
    if minimum is None or minimum == 1:
        return ()
    notes = [f"Cells with fewer than {format_count(minimum)} patients are not drawn."]
    for n_patients, cells in panels:
        n_drawn = sum(cell.n_patients for cell in cells)
        if n_patients is not None and n_drawn < n_patients:
            missing = format_count(n_patients - n_drawn)
            notes.append(f"They hold {missing} of {format_count(n_patients)} patients.")
    return tuple(notes)


def individual_pairs(result: ResultRecord, visit: str, group: str) -> tuple[PairCell, ...] | None:
    """Return each pair of scores with the number of patients who have it; None where the result holds no scores."""
    values = result.individual_values if isinstance(result, Result) else None
    pairs = values.of(visit, group) if values is not None else None
    if pairs is None:
        return None
    import numpy as np

    scores = np.column_stack((pairs.baseline, pairs.follow_up))
    found, counts = np.unique(scores, axis=0, return_counts=True)
    return tuple(
        PairCell(float(before), float(before), float(after), float(after), int(count))
        for (before, after), count in zip(found.tolist(), counts.tolist(), strict=True)
    )
