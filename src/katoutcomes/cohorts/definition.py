"""Which courses are analyzed: the rules as data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from katoutcomes.errors import DesignError
from katoutcomes.estimands.eligibility import Criterion
from katoutcomes.estimands.visit_window import BASELINE_WINDOW, VisitWindow
from katoutcomes.results.formatting import format_number

DEFAULT_CRITERIA: tuple[Criterion, ...] = (Criterion("age_years", ">=", 18, "under 18 or age unknown"),)
"""Adults. Eligibility flags are not assumed: which of them must hold is the user's decision."""


@dataclass(frozen=True, slots=True)
class CohortDefinition:
    """The rules that turn a registry into a cohort of first courses, one a patient.

    Attributes
    ----------
    name : str
        How outputs call the cohort.
    instrument : str
        Name in the catalog; its score in the baseline window is the field ``"baseline_score"`` of criteria.
    gap_days : int
        A new course begins with a dosing session more than this many days after the one before it.
    baseline_window : VisitWindow
        The last score in it is the baseline. It counts from the first dose and ends on day 0 or before.
    criteria : tuple of Criterion
        What a patient must meet at time zero, in the order in which the flow diagram asks. Having a dosing session
        is asked first and need not be named.

    Raises
    ------
    DesignError
        If a rule is not one that can be applied.

    Examples
    --------
    >>> CohortDefinition().gap_days
    90
    >>> moderate = Criterion("baseline_score", ">=", 10, "baseline PHQ-9 below 10 or unknown")
    >>> len(CohortDefinition(criteria=(*DEFAULT_CRITERIA, moderate)).criteria)
    2
    """

    name: str = "first courses of adults"
    instrument: str = "PHQ-9"
    gap_days: int = 90
    baseline_window: VisitWindow = BASELINE_WINDOW
    criteria: tuple[Criterion, ...] = DEFAULT_CRITERIA

    def __post_init__(self) -> None:
        object.__setattr__(self, "criteria", tuple(self.criteria))  # a list is what people write
        if not self.name.strip():
            raise DesignError("a cohort needs a name.")
        if type(self.gap_days) is not int or self.gap_days < 1:
            raise DesignError("gap_days must be a whole number of days, 1 or more.")
        if self.baseline_window.last_day > 0:
            raise DesignError(
                f"the baseline window ends on day {self.baseline_window.last_day}, after the first dose (day 0): "
                "a baseline cannot be measured under treatment."
            )
        for criterion in self.criteria:
            if not math.isfinite(criterion.value):
                raise DesignError(f"the criterion on {criterion.field!r} compares with a value that is not finite.")

    def to_dict(self) -> dict[str, object]:
        """Return the rules as plain values, criteria and window as dictionaries."""
        window = self.baseline_window
        return {
            "name": self.name,
            "instrument": self.instrument,
            "gap_days": self.gap_days,
            "baseline_window": {
                "name": window.name,
                "target_day": window.target_day,
                "first_day": window.first_day,
                "last_day": window.last_day,
            },
            "criteria": [
                {
                    "field": criterion.field,
                    "operator": criterion.operator,
                    "value": criterion.value,
                    "reason": criterion.reason,
                }
                for criterion in self.criteria
            ],
        }


_IN_WORDS = {"==": "", ">=": "at least ", "<=": "at most ", ">": "above ", "<": "below "}


def criterion_text(criterion: Criterion) -> str:
    """Return a criterion as outputs print it: who meets it.

    Examples
    --------
    >>> criterion_text(DEFAULT_CRITERIA[0])
    'age years at least 18'
    >>> criterion_text(Criterion("eligible_consent", "==", 1, "no consent"))
    'eligible: consent'
    """
    name = criterion.field.replace("_", " ")
    if criterion.field.startswith("eligible_") and (criterion.operator, criterion.value) == ("==", 1):
        return f"eligible: {name.removeprefix('eligible ')}"
    return f"{name} {_IN_WORDS[criterion.operator]}{format_number(criterion.value, 6, trailing_zeros=False)}"
