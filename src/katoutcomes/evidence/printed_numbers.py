"""Numbers as a paper prints them: what stands there, and what rounding lets it have been."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError

if TYPE_CHECKING:
    from katoutcomes.kernels.summary_statistics import Allowed

Printed = str | float
"""A number as printed. Text keeps its last zero: ``"6.20"`` is known to two decimals, ``6.2`` to one."""

_NUMBER = re.compile(r"(?P<bound>[<>]?)(?P<sign>[-+\u2212]?)(?P<digits>\d+(?:\.(?P<decimals>\d+))?|\.(?P<only>\d+))")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedMean:
    """A mean with what is printed beside it.

    Attributes
    ----------
    mean : str or float
        As printed.
    n : int or None
        How many patients; None where it is not printed. Then there is no test.
    sd, se : str, float or None
        Standard deviation, standard error.
    conf_int : tuple of two, or None
        Limits of the interval of the mean.

    Examples
    --------
    >>> PrintedMean(n=16, mean="37.75", sd="6.2").n
    16
    """

    mean: Printed
    n: int | None = None
    sd: Printed | None = None
    se: Printed | None = None
    conf_int: tuple[Printed, Printed] | None = None

    def __post_init__(self) -> None:
        if self.n is not None and (type(self.n) is not int or self.n < 2):
            raise OptionError("n must be a whole number of at least 2.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedCount:
    """A count of patients with its denominator and, where printed, the percentage.

    Attributes
    ----------
    n : int
        The denominator.
    n_counted : int or None
        The numerator; None where only the percentage is printed.
    percent : str, float or None
        As printed, without the sign.

    Examples
    --------
    >>> PrintedCount(n_counted=26457, n=54672, percent="48.4").n
    54672
    """

    n: int
    n_counted: int | None = None
    percent: Printed | None = None

    def __post_init__(self) -> None:
        if type(self.n) is not int or self.n < 1:
            raise OptionError("n must be a whole number of at least 1.")
        if self.n_counted is not None and not 0 <= self.n_counted <= self.n:
            raise OptionError("n_counted must lie between 0 and n.")
        if self.n_counted is None and self.percent is None:
            raise OptionError("a count needs n_counted, percent or both.")


def as_printed(number: Printed) -> Allowed:
    """Return a printed number with everything that would have been rounded to it; "<0.001" is 0 to 0.001.

    Raises
    ------
    OptionError
        If the text is not a number.

    Examples
    --------
    >>> as_printed("6.20")
    Allowed(low=6.195, value=6.2, high=6.205)
    >>> as_printed("<0.001")
    Allowed(low=0.0, value=0.001, high=0.001)
    """
    from katoutcomes.kernels.summary_statistics import Allowed

    found = _NUMBER.fullmatch(printed_text(number))
    if found is None:
        raise OptionError(f"{number!r} is not a printed number; write it as it stands in the paper, such as '6.20'.")
    value = float(found["digits"]) * (-1.0 if found["sign"] in ("-", "\u2212") else 1.0)
    if found["bound"]:
        return Allowed(0.0, value, value) if found["bound"] == "<" else Allowed(value, value, math.inf)
    n_decimals = len(found["decimals"] or found["only"] or "")
    half = 0.5 * 10.0**-n_decimals
    # The ends are decimals with one digit more; binary sums would miss them by a bit.
    low, high = (float(f"{end:.{n_decimals + 1}f}") for end in (value - half, value + half))
    return Allowed(low, value, high)


def not_below_zero(number: Allowed) -> Allowed:
    """Return a printed standard deviation: what rounding allows below 0 is not allowed."""
    from katoutcomes.kernels.summary_statistics import Allowed

    return Allowed(max(number.low, 0.0), number.value, number.high)


def printed_text(number: Printed) -> str:
    """Return a number as text: text without its spaces, a float by its shortest form."""
    return re.sub(r"\s", "", number) if isinstance(number, str) else str(number)


def decimals_of(number: Printed) -> int:
    """Return how many decimals are printed.

    Examples
    --------
    >>> decimals_of("6.20"), decimals_of(6.2), decimals_of(16)
    (2, 1, 0)
    """
    return len(printed_text(number).partition(".")[2])
