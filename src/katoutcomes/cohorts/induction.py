"""The phases of a course: which doses are its induction, which come after it, and what a second induction is."""

from __future__ import annotations

from dataclasses import dataclass

from katoutcomes.errors import DesignError


@dataclass(frozen=True, slots=True)
class InductionRule:
    """How the doses of a course divide into induction and maintenance.

    The induction begins with the first dose of the course. A dose belongs to it as long as it comes at most
    `largest_gap_days` days after the dose before it, and as long as there are no more than `most_doses`. Every later
    dose of the course is a maintenance dose (a booster). A *re-induction* is a new run of doses inside the course: it
    begins with a dose after a gap of more than `largest_gap_days` days, and at least `reinduction_doses` doses, that
    one included, lie in the `reinduction_days` days from it.

    Attributes
    ----------
    largest_gap_days : int
        Largest gap between two doses of the induction, in days.
    most_doses : int
        The induction has at most so many doses.
    reinduction_doses : int
        A run of at least so many doses, 2 or more, is a re-induction; a shorter one is boosters.
    reinduction_days : int
        In so many days from the first dose of the run, that day being day 0.

    Raises
    ------
    DesignError
        If a rule is not one that can be applied.

    Notes
    -----
    The defaults are conventions of this package, not a guideline's: a weekly schedule may miss one week (14 days), and
    programs of four to eight doses are the usual ones, so the ninth dose of an unbroken series counts as maintenance.
    Three doses within 21 days are a weekly series again. Vary them where an answer rests on them.

    Examples
    --------
    >>> InductionRule().largest_gap_days, InductionRule(most_doses=6).most_doses
    (14, 6)
    """

    largest_gap_days: int = 14
    most_doses: int = 8
    reinduction_doses: int = 3
    reinduction_days: int = 21

    def __post_init__(self) -> None:
        least = {"largest_gap_days": 0, "most_doses": 1, "reinduction_doses": 2, "reinduction_days": 0}
        for name, minimum in least.items():
            value = getattr(self, name)
            if type(value) is not int or value < minimum:
                raise DesignError(f"{name} of an induction rule must be a whole number, {minimum} or more.")

    def sentence(self) -> str:
        """Return the rule in words, for settings and methods."""
        return (
            f"the first doses of the course, each at most {self.largest_gap_days} days after the one before, "
            f"at most {self.most_doses}; later doses are maintenance; a re-induction is a run of at least "
            f"{self.reinduction_doses} doses within {self.reinduction_days} days after a longer gap"
        )


DEFAULT_INDUCTION = InductionRule()
"""The rule of a definition that names none."""
