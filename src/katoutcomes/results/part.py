"""Small tables inside a result, and the one place where individual values may stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.errors import require_option
from katoutcomes.vocabulary import PART_FIELDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Part:
    """A named table of counts that a figure or a table is drawn from.

    Attributes
    ----------
    name : str
        For example ``"flow"`` or ``"score_pair_counts"``.
    columns : tuple of str
        Each from `vocabulary.PART_FIELDS`; those in `vocabulary.COUNT_FIELDS` are subject to disclosure control.
    rows : tuple of tuple
        One tuple a row, as long as `columns`. None means "not known" or, where `suppressed`, "hidden".
    suppressed : tuple of (int, int)
        Row and column positions that disclosure control has hidden.
    below_minimum : tuple of (int, int)
        Those of them that may be shown as ``"<11"`` (with the minimum cell); the others are shown as ``"hidden"``.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    suppressed: tuple[tuple[int, int], ...] = ()
    below_minimum: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        for column in self.columns:
            require_option("column of a part", column, sorted(PART_FIELDS))
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"part {self.name!r}: a row has {len(row)} cells, {len(self.columns)} needed.")

    def column(self, name: str) -> tuple[Cell, ...]:
        """Return one column, top to bottom."""
        position = self.columns.index(name)
        return tuple(row[position] for row in self.rows)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScorePairs:
    """Baseline and follow-up scores of the patients of one group at one visit, without keys.

    Attributes
    ----------
    visit, group : str
        Which visit and group; the group of all patients is ``""``.
    baseline, follow_up : ndarray of float64, shape (n_patients,)
        Sorted by baseline, then follow-up, so that the order of the rows tells nothing.
    """

    visit: str
    group: str
    baseline: NDArray[np.float64]
    follow_up: NDArray[np.float64]

    def __repr__(self) -> str:
        # A result that is printed into a notebook or a log must not carry anybody's scores there.
        return f"<ScorePairs: {self.visit}, {self.group or 'all patients'}; not printed>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScoreCourses:
    """Scores of the patients of one group at every visit, without keys.

    Attributes
    ----------
    group : str
        Which group; the group of all patients is ``""``.
    visits : tuple of str
        The baseline and the visits.
    scores : ndarray of float64, shape (n_patients, n_visits)
        NaN where there is none. Sorted by the scores, so that the order of the rows tells nothing.
    """

    group: str
    visits: tuple[str, ...]
    scores: NDArray[np.float64]

    def __repr__(self) -> str:
        return f"<ScoreCourses: {self.group or 'all patients'}; not printed>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IndividualValues:
    """The only part of a result that holds individual values; `release` drops it.

    Attributes
    ----------
    pairs : tuple of ScorePairs
        One a visit and group.
    courses : tuple of ScoreCourses
        One a group; empty where an analysis needs none.
    """

    pairs: tuple[ScorePairs, ...]
    courses: tuple[ScoreCourses, ...] = ()

    def __repr__(self) -> str:
        return f"<IndividualValues: {len(self.pairs)} sets of score pairs; not printed>"

    def of(self, visit: str, group: str = "") -> ScorePairs | None:
        """Return the pairs of one visit and group, or None."""
        for pair in self.pairs:
            if pair.visit == visit and pair.group == group:
                return pair
        return None
