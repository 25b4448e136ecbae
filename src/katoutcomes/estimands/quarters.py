"""Calendar quarters, the only trace of the calendar in a registry, and spans of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from katoutcomes.errors import OptionError
from katoutcomes.estimands.eligibility import Criterion

QUARTER_FIELD = "index_quarter"
"""The field of criteria that asks about the quarter of the first dose; its values are `Quarter.number`."""

_FORM = re.compile(r"(\d{4})Q([1-4])")


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """One quarter of a calendar year.

    Attributes
    ----------
    number : int
        Quarters since the year 0, so that one more is the next quarter.

    Examples
    --------
    >>> quarter = Quarter.of("2026Q3")
    >>> quarter.text, quarter.before(8).text
    ('2026Q3', '2024Q3')
    """

    number: int

    @classmethod
    def of(cls, text: str) -> Quarter:
        """Return the quarter that ``"2026Q3"`` names.

        Raises
        ------
        OptionError
            If the text is none.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise OptionError(f"a quarter is written as in 2026Q3; got {text!r}.")
        return cls(4 * int(found[1]) + int(found[2]) - 1)

    @property
    def text(self) -> str:
        """The quarter as registries write it."""
        return f"{self.number // 4:04d}Q{self.number % 4 + 1}"

    def before(self, n_quarters: int) -> Quarter:
        """Return the quarter that lies `n_quarters` earlier."""
        return Quarter(self.number - n_quarters)


@dataclass(frozen=True, slots=True)
class QuarterSpan:
    """A quarter that is reported, and those before it that it is seen against.

    Attributes
    ----------
    last : Quarter
        The quarter of the report.
    n_previous : int
        How many quarters before it belong to the span, 0 or more.

    Examples
    --------
    >>> span = QuarterSpan(Quarter.of("2026Q3"), 8)
    >>> span.first.text, [criterion.reason for criterion in span.criteria()]
    ('2024Q3', ['first dose before 2024Q3, or unknown when', 'first dose after 2026Q3'])
    """

    last: Quarter
    n_previous: int = 8

    def __post_init__(self) -> None:
        if type(self.n_previous) is not int or self.n_previous < 0:
            raise OptionError("the number of previous quarters is a whole number of 0 or more.")

    @property
    def first(self) -> Quarter:
        """The earliest quarter of the span."""
        return self.last.before(self.n_previous)

    def criteria(self) -> tuple[Criterion, ...]:
        """Return what a patient must meet to belong to the span."""
        first, last = self.first, self.last
        return (
            Criterion(QUARTER_FIELD, ">=", first.number, f"first dose before {first.text}, or unknown when"),
            Criterion(QUARTER_FIELD, "<=", last.number, f"first dose after {last.text}"),
        )
