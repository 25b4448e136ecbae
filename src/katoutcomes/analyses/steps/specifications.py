"""One way of answering a question: the windows, choices, gap rule and definition set that it uses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from katoutcomes.cohorts.definition import CohortDefinition
from katoutcomes.errors import OptionError
from katoutcomes.estimands.visit_window import VisitWindow

MOST_SPECIFICATIONS = 1000
"""More than these say nothing that fewer do not, and take long."""


@dataclass(frozen=True, slots=True)
class Specification:
    """One combination of choices.

    Attributes
    ----------
    definition : CohortDefinition
        Cohort with its baseline window, baseline choice and gap rule.
    visit : VisitWindow
        The visit with its window and choice.
    definition_set : str
        Id of the catalog for shares such as response, ``""`` where none is used.
    """

    definition: CohortDefinition
    visit: VisitWindow
    definition_set: str = ""

    def words(self) -> str:
        """Return the choices in words, without what is the same for every way of answering."""
        window, visit = self.definition.baseline_window, self.visit
        texts = [
            f"baseline day {window.first_day} to {window.last_day} {self.definition.baseline_choice}",
            f"visit day {visit.first_day} to {visit.last_day} {visit.choice}",
            f"gap {self.definition.gap_days}",
        ]
        return ", ".join(texts + ([self.definition_set] if self.definition_set else []))


def all_specifications(
    definition: CohortDefinition,
    *,
    baseline_windows: Sequence[VisitWindow],
    baseline_choices: Sequence[str],
    visits: Sequence[VisitWindow],
    visit_choices: Sequence[str],
    gap_days: Sequence[int],
    definition_sets: Sequence[str],
) -> tuple[Specification, ...]:
    """Return every combination; the first of each choice makes the first, the main specification.

    Raises
    ------
    OptionError
        If a choice is empty or names something twice, or there are more than `MOST_SPECIFICATIONS` combinations.
    """
    axes: dict[str, Sequence[object]] = {
        "baseline_windows": baseline_windows,
        "baseline_choices": baseline_choices,
        "gap_days": gap_days,
        "visits": visits,
        "visit_choices": visit_choices,
        "definition_sets": definition_sets,
    }
    for name, values in axes.items():
        if not values or len(set(values)) < len(values):
            raise OptionError(f"{name} must name at least one choice, and none of them twice.")
    size = math.prod(len(values) for values in axes.values())
    if size > MOST_SPECIFICATIONS:
        raise OptionError(f"{size} specifications are more than {MOST_SPECIFICATIONS}; leave choices out.")
    definitions = [
        replace(definition, baseline_window=window, baseline_choice=choice, gap_days=gap)
        for window, choice, gap in product(baseline_windows, baseline_choices, gap_days)
    ]
    chosen = [replace(visit, choice=choice) for visit, choice in product(visits, visit_choices)]
    return tuple(Specification(*combination) for combination in product(definitions, chosen, definition_sets))
