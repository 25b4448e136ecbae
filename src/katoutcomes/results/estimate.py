"""One number with everything that is needed to read it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from katoutcomes.errors import require_option
from katoutcomes.vocabulary import MEASURES, UNITS

NOT_A_NUMBER = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One estimate: what it is, of whom, its value and its uncertainty. Never formatted.

    Attributes
    ----------
    term : str
        What is estimated, for example ``"change"``, ``"reliable improvement"`` or ``"site: North"``.
    measure : str
        A key of `vocabulary.MEASURES`.
    unit : str
        One of `vocabulary.UNITS`; ``"points"`` are points of `instrument`.
    instrument, definition_set, cohort, subgroup, visit, treatment, comparator : str
        Where they apply; ``""`` where they do not. `subgroup` is the group an estimate describes, such as
        ``"program_booked: with_integration"``, and ``""`` for all. A contrast is always treatment minus comparator.
    estimate, std_error, df, conf_low, conf_high, conf_level, statistic, p_value : float
        NaN means "does not apply" or, when `suppressed`, "hidden". The level is between 0 and 1.
    n_patients, n_observations : int or None
        How many patients and rows the number rests on; None when hidden or when it rests on none (a threshold).
    suppressed : bool
        Whether disclosure control has hidden the numbers.
    below_minimum : bool
        Whether the hidden count may be shown as ``"<11"`` (with the minimum cell): it is below the minimum, and to
        know that gives nothing else away. Otherwise it is shown as ``"hidden"``.
    """

    term: str
    measure: str
    unit: str = ""
    instrument: str = ""
    definition_set: str = ""
    cohort: str = ""
    subgroup: str = ""
    visit: str = ""
    treatment: str = ""
    comparator: str = ""
    estimate: float = NOT_A_NUMBER
    std_error: float = NOT_A_NUMBER
    df: float = NOT_A_NUMBER
    conf_low: float = NOT_A_NUMBER
    conf_high: float = NOT_A_NUMBER
    conf_level: float = NOT_A_NUMBER
    statistic: float = NOT_A_NUMBER
    p_value: float = NOT_A_NUMBER
    n_patients: int | None = None
    n_observations: int | None = None
    suppressed: bool = False
    below_minimum: bool = False

    def __post_init__(self) -> None:
        require_option("measure", self.measure, MEASURES)
        require_option("unit", self.unit, UNITS)

    @property
    def n_counted(self) -> int | None:
        """How many the estimate counts: itself if it is a count, the numerator if it is a proportion, else None.

        Examples
        --------
        >>> Estimate(term="response", measure="proportion", estimate=0.45, n_patients=40).n_counted
        18
        """
        if math.isnan(self.estimate):
            return None
        if self.measure == "count":
            return round(self.estimate)
        n_base = self.n_base
        return None if n_base is None else round(self.estimate * n_base)

    @property
    def n_base(self) -> int | None:
        """Of how many a proportion is a share: patients or sessions; None where it is hidden or there is none."""
        if self.measure == "proportion":
            return self.n_patients
        return self.n_observations if self.measure == "proportion of sessions" else None


def number_alone(estimate: Estimate, value: float) -> Estimate:
    """Return an estimate with another value and nothing of its uncertainty."""
    return replace(
        estimate,
        estimate=value,
        std_error=NOT_A_NUMBER,
        df=NOT_A_NUMBER,
        conf_low=NOT_A_NUMBER,
        conf_high=NOT_A_NUMBER,
        conf_level=NOT_A_NUMBER,
        statistic=NOT_A_NUMBER,
        p_value=NOT_A_NUMBER,
    )
