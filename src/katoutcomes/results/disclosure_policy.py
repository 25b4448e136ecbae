"""What may leave a clinic: the one record that every rule of release asks."""

from __future__ import annotations

from dataclasses import dataclass

from katoutcomes.errors import OptionError
from katoutcomes.results.disclosure_rules.small_cells import is_small


@dataclass(frozen=True, slots=True)
class DisclosurePolicy:
    """What may leave.

    Attributes
    ----------
    minimum_cell : int
        The smallest count of people, events or rows that is shown; 1 hides nothing.
    zero_is_shown : bool
        Whether a count of 0 is shown.
    marks_small : bool
        Whether a hidden count that is below the minimum may be shown as ``"<11"``. That says that it is 1 to 10, which
        is more than a count that is merely hidden tells.
    round_to : int
        Every count that is shown is rounded to the nearest multiple of this; 1 rounds nothing. At most `minimum_cell`,
        so that no count that is shown becomes 0.
    previous : str
        File of the release before this one, which a plan names; ``""`` for none. Nothing is released then without it.

    References
    ----------
    Centers for Medicare & Medicaid Services, cell size suppression policy: counts of 1 to 10 are neither shown nor
    derivable, which gives the minimum of 11. ResDAC, https://resdac.org/node/1506 (January 2024).
    NHS Digital, Hospital Episode Statistics: counts of 1 to 7 are not shown, all others rounded to the nearest 5, which
    is ``DisclosurePolicy(minimum_cell=8, round_to=5)``.

    Examples
    --------
    >>> DisclosurePolicy().minimum_cell
    11
    """

    minimum_cell: int = 11
    zero_is_shown: bool = True
    marks_small: bool = False
    round_to: int = 1
    previous: str = ""

    def __post_init__(self) -> None:
        if type(self.minimum_cell) is not int or self.minimum_cell < 1:
            raise OptionError("minimum_cell must be a whole number of at least 1; 11 is usual.")
        if type(self.round_to) is not int or self.round_to < 1:
            raise OptionError("round_to must be a whole number of at least 1, which rounds nothing; 5 is usual.")
        if self.round_to > self.minimum_cell:
            raise OptionError(
                f"round_to ({self.round_to}) must not be above minimum_cell ({self.minimum_cell}): a count that is "
                "shown would become 0."
            )

    def hides(self, count: int | None) -> bool:
        """Return whether a count is too small to be shown."""
        return is_small(count, self.minimum_cell, zero_is_shown=self.zero_is_shown)


DEFAULT_POLICY = DisclosurePolicy()
