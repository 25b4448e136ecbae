"""How small a difference the data could find: rows that a comparison and a trial share."""

from __future__ import annotations

from typing import Any

from katoutcomes.results.estimate import Estimate

PRECISION = "precision"


def detectable_difference(value: float, words: str, fields: dict[str, Any]) -> Estimate:
    """Return the row of a minimal detectable difference, which without a unit is one of shares.

    Parameters
    ----------
    value : float
        In the unit of the difference.
    words : str
        Which of the differences that could be found.
    fields : dict
        Further fields of the row, the unit among them.
    """
    measure = "minimal detectable difference" if fields["unit"] else "minimal detectable difference in proportions"
    return Estimate(term=f"{PRECISION}: {words}", measure=measure, estimate=value, **fields)


def detectable_in_four_of_five(std_error: float, fields: dict[str, Any]) -> Estimate:
    """Return the row of the smallest difference that would be found with a power of 80 percent."""
    from katoutcomes.kernels.groups.sensitivity import minimal_detectable_difference

    words = "smallest difference that would be found in four of five studies"
    return detectable_difference(minimal_detectable_difference(std_error), words, fields)
