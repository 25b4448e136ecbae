"""Several results that belong together: what a plan produced, and what a report is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from katoutcomes.errors import OptionError
from katoutcomes.results.disclosure import DisclosurePolicy, release
from katoutcomes.results.result import ReleasedResult, Result


@dataclass(frozen=True, slots=True)
class Results:
    """The results of one run of a plan, in the order in which a report shows them.

    Attributes
    ----------
    title : str
        Title of the plan.
    entries : tuple of Result or of ReleasedResult
        The answers; an analysis appears once an instrument.
    notes : tuple of str
        What the plan asked for and the data could not give, in sentences without numbers.
    """

    title: str
    entries: tuple[Result | ReleasedResult, ...]
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Result | ReleasedResult]:
        return iter(self.entries)

    def of(self, analysis: str, instrument: str = "") -> Result | ReleasedResult:
        """Return the result of `analysis` on `instrument` (the first one where none is named).

        Raises
        ------
        OptionError
            If the plan did not produce it.
        """
        for entry in self.entries:
            if entry.analysis == analysis and instrument in ("", entry.estimand.endpoint.instrument):
                return entry
        of_what = f" on the {instrument}" if instrument else ""
        raise OptionError(f"these results hold no {analysis}{of_what}.")

    def has(self, analysis: str, instrument: str = "") -> bool:
        """Return whether the plan produced `analysis` (on `instrument`)."""
        return any(
            entry.analysis == analysis and instrument in ("", entry.estimand.endpoint.instrument)
            for entry in self.entries
        )

    def instruments(self) -> tuple[str, ...]:
        """Return the names of the instruments, in order of first appearance."""
        names = (entry.estimand.endpoint.instrument for entry in self.entries)
        return tuple(dict.fromkeys(name for name in names if name))

    def release(self, policy: DisclosurePolicy | None = None) -> Results:
        """Return the same results as they may leave the clinic."""
        chosen = policy if policy is not None else DisclosurePolicy()
        return Results(self.title, tuple(release(entry, chosen) for entry in self.entries), self.notes)
