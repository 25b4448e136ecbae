"""Which courses are analyzed: the rules as data."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace

from katoutcomes.cohorts.induction import DEFAULT_INDUCTION, InductionRule
from katoutcomes.errors import DesignError, require_option
from katoutcomes.estimands.eligibility import Criterion
from katoutcomes.estimands.quarters import QUARTER_FIELD, Quarter
from katoutcomes.estimands.visit_window import BASELINE_WINDOW, VISIT_CHOICES, VisitWindow
from katoutcomes.results.formatting import format_number

BASELINE_CHOICES: tuple[str, ...] = ("last", "nearest", "mean")
"""Which score of the baseline window is taken; the first is the default."""

FIRST_COURSE, LAST_COURSE = "first", "last"

BASELINE_SCORE = "baseline_score"
"""The field of a criterion that asks for the score in the baseline window."""

DEFAULT_CRITERIA: tuple[Criterion, ...] = (Criterion("age_years", ">=", 18, "under 18 or age unknown"),)
"""Adults. Eligibility flags are not assumed: which of them must hold is the user's decision."""


@dataclass(frozen=True, slots=True)
class CohortDefinition:
    """The rules that turn a registry into a cohort of courses, one a patient.

    Attributes
    ----------
    name : str
        How outputs call the cohort.
    instrument : str
        Name in the catalog; its score in the baseline window is the field ``"baseline_score"`` of criteria.
    gap_days : int
        A new course begins with a dosing session more than this many days after the one before it.
    baseline_window : VisitWindow
        Where the baseline is looked for. It counts from the first dose of the course and ends on day 0 or before.
    criteria : tuple of Criterion
        What a patient must meet at time zero, in the order in which the flow diagram asks. Having a dosing session
        is asked first and need not be named.
    baseline_choice : {"last", "nearest", "mean"}
        Which score of the baseline window is the baseline: the last one, whatever its distance; the one nearest to the
        window's target day, of two equally near the earlier; or the mean of all of them.
    course : {"first", "last"} or int
        Which course of a patient is analyzed; its first dose is time zero. A number n takes the nth course of those who
        have it. ``"last"`` looks back from the end of the data: who never came again is analyzed at another time than
        who did, so it describes and does not compare.
    induction : InductionRule
        How the doses of the course divide into induction and maintenance.

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
    baseline_choice: str = BASELINE_CHOICES[0]
    course: str | int = FIRST_COURSE
    induction: InductionRule = DEFAULT_INDUCTION

    def __post_init__(self) -> None:
        object.__setattr__(self, "criteria", tuple(self.criteria))  # a list is what people write
        if not self.name.strip():
            raise DesignError("a cohort needs a name.")
        if type(self.gap_days) is not int or self.gap_days < 1:
            raise DesignError("gap_days must be a whole number of days, 1 or more.")
        require_option("baseline_choice", self.baseline_choice, BASELINE_CHOICES)
        if self.course not in (FIRST_COURSE, LAST_COURSE) and (type(self.course) is not int or self.course < 1):
            raise DesignError("course is 'first', 'last' or the number of a course, 1 or more.")
        if self.baseline_window.is_anchored_later or self.baseline_window.choice != VISIT_CHOICES[0]:
            raise DesignError(
                "the baseline counts from the first dose of the course, and baseline_choice says which score of its "
                "window is taken; leave anchor and choice out of the baseline window."
            )
        if self.baseline_window.last_day > 0:
            raise DesignError(
                f"the baseline window ends on day {self.baseline_window.last_day}, after the first dose (day 0): "
                "a baseline cannot be measured under treatment."
            )
        for criterion in self.criteria:
            if not math.isfinite(criterion.value):
                raise DesignError(f"the criterion on {criterion.field!r} compares with a value that is not finite.")

    @property
    def course_number(self) -> int:
        """The number of the analyzed course; 0 stands for the last."""
        if isinstance(self.course, int):
            return self.course
        return 1 if self.course == FIRST_COURSE else 0

    @property
    def course_words(self) -> str:
        """Which course, in words.

        Examples
        --------
        >>> [CohortDefinition(course=course).course_words for course in ("first", "last", 2)]
        ['the first course', 'the last course', 'course 2']
        """
        if self.course_number == 1:
            return "the first course"
        return f"course {self.course}" if self.course_number else "the last course"

    @property
    def effective_baseline_window(self) -> VisitWindow:
        """The baseline window, with the choice of its score."""
        return replace(self.baseline_window, choice=self.baseline_choice)

    def baseline_criteria(self, instrument_id: str) -> tuple[Criterion, ...]:
        """Return what is asked of the baseline score of an instrument; of another one than the definition's, nothing.

        Examples
        --------
        >>> moderate = Criterion("baseline_score", ">=", 10, "baseline PHQ-9 below 10 or unknown")
        >>> definition = CohortDefinition(criteria=(*DEFAULT_CRITERIA, moderate))
        >>> len(definition.baseline_criteria("phq9")), len(definition.baseline_criteria("gad7"))
        (1, 0)
        """
        from katoutcomes.instruments.catalog import instrument

        if instrument(self.instrument).id != instrument_id:
            return ()
        return tuple(criterion for criterion in self.criteria if criterion.field == BASELINE_SCORE)

    def to_dict(self) -> dict[str, object]:
        """Return the rules as plain values, criteria, window and induction rule as dictionaries."""
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
            "baseline_choice": self.baseline_choice,
            "course": self.course,
            "induction": asdict(self.induction),
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


_WHEN = {"==": "in ", ">=": "in or after ", "<=": "in or before ", ">": "after ", "<": "before "}
_UNITS = (" years", " days", " mg")
"""Units that names of columns end with; they stand behind the number."""
_IN_WORDS = {"==": "", ">=": "at least ", "<=": "at most ", ">": "above ", "<": "below "}


def criterion_text(criterion: Criterion) -> str:
    """Return a criterion as outputs print it: who meets it.

    Examples
    --------
    >>> criterion_text(DEFAULT_CRITERIA[0])
    'age at least 18 years'
    >>> criterion_text(Criterion("eligible_consent", "==", 1, "no consent"))
    'eligible: consent'
    """
    if criterion.field == QUARTER_FIELD:
        return f"first dose {_WHEN[criterion.operator]}{Quarter(int(criterion.value)).text}"
    name = criterion.field.replace("_", " ")
    if criterion.field.startswith("eligible_") and (criterion.operator, criterion.value) == ("==", 1):
        return f"eligible: {name.removeprefix('eligible ')}"
    unit = next((unit for unit in _UNITS if name.endswith(unit)), "")
    value = format_number(criterion.value, 6, trailing_zeros=False)
    return f"{name.removesuffix(unit)} {_IN_WORDS[criterion.operator]}{value}{unit}"
