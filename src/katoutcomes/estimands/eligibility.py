"""Who belongs to the population: criteria as data, so that attrition can be counted by the code that applies them."""

from __future__ import annotations

from dataclasses import dataclass

from katoutcomes.errors import DesignError, require_option

OPERATORS: tuple[str, ...] = ("==", ">=", "<=", ">", "<")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition that a patient must meet at time zero.

    Attributes
    ----------
    field : str
        A numeric or flag column of `patients` (``"age_years"``, ``"eligible_consent"``,
        ``"prior_antidepressant_trials"``, any ``eligible_*`` or ``covariate_*`` column), or ``"baseline_score"``:
        the score of the cohort's instrument in the baseline window.
    operator : {"==", ">=", "<=", ">", "<"}
        How the field is compared with `value`.
    value : float
        What it is compared with. Flags are 0 and 1.
    reason : str
        What the flow diagram says of those who do not meet it, for example ``"under 18"``.

    Notes
    -----
    A patient whose field is missing does not meet the criterion and is counted under its reason.

    Examples
    --------
    >>> Criterion("age_years", ">=", 18, "under 18 or age unknown").field
    'age_years'
    """

    field: str
    operator: str
    value: float
    reason: str

    def __post_init__(self) -> None:
        require_option("operator", self.operator, OPERATORS)
        if not self.field.replace("_", "").isalnum() or not self.field.islower():
            raise DesignError(f"criterion field {self.field!r} is not a column name.")
        if not self.reason:
            raise DesignError(f"the criterion on {self.field!r} needs a reason for the flow diagram.")
