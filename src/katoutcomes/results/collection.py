"""Several results that belong together: what a plan produced, and what a report is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from katoutcomes.errors import OptionError
from katoutcomes.results.disclosure import DEFAULT_POLICY, DisclosurePolicy, earlier_results, release
from katoutcomes.results.result import ReleasedResult, Result
from katoutcomes.results.results_file import is_released, read_results_file, results_json
from katoutcomes.results.whole_files import write_whole


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
    disclosure : DisclosurePolicy
        What the plan lets leave the clinic; of released results, what they were released with.
    earlier_release : str
        Title of the release that released results were held against; ``""`` for none.
    in_full : tuple of str
        Instruments that a report tells in full, with figures; the others stand in one table. None: the first one.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> results = kat.run(kat.AnalysisPlan.default(), kat.read_registry("data/sample"))  # doctest: +SKIP
    >>> results.write("results.json")  # doctest: +SKIP
    >>> kat.Results.read("results.json").release().write("released.json")  # doctest: +SKIP
    """

    title: str
    entries: tuple[Result | ReleasedResult, ...]
    notes: tuple[str, ...] = ()
    disclosure: DisclosurePolicy = DEFAULT_POLICY
    earlier_release: str = ""
    in_full: tuple[str, ...] = ()

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

    @property
    def is_released(self) -> bool:
        """Whether there are results and all of them have been released."""
        return is_released(self.entries)

    def release(self, policy: DisclosurePolicy | None = None, *, previous: Results | None = None) -> Results:
        """Return the same results as they may leave the clinic.

        Parameters
        ----------
        policy : DisclosurePolicy, optional
            What may leave; by default what the plan says.
        previous : Results, optional
            What was released before, of the last quarter for example; what changed since by a few patients is hidden.

        Raises
        ------
        DisclosureError
            If they were released with a higher minimum or another rounding before, `previous` was not released, or is
            not given although the plan names one.
        """
        chosen = policy if policy is not None else self.disclosure
        entries = release(self.entries, chosen, previous=previous)
        earlier = self.earlier_release if previous is None else previous.title
        return Results(self.title, entries, self.notes, replace(chosen, previous=""), earlier, self.in_full)

    def write(self, path: str | Path) -> Path:
        """Write one JSON file that `read` reads without loss, and return its path.

        The file says whether everything in it has been released. Unreleased results hold small counts and stay in the
        clinic. Individual values and fitted models are never in a file.

        Raises
        ------
        OSError
            If the file cannot be written; then what was there before is still there.
        """
        return write_whole(path, results_json(self))

    @classmethod
    def read(cls, path: str | Path) -> Results:
        """Read a file that `write` has written.

        Raises
        ------
        OptionError
            If the file cannot be read, is not JSON, or does not hold results of this layout.
        DisclosureError
            If it says that its results are released and one of them is not.
        """
        return cls(**read_results_file(path))


def read_earlier(given: Results | str | Path | None, policy: DisclosurePolicy) -> Results | None:
    """Return the release before this one: of a file, else of the one that the policy names, None where there is none.

    Parameters
    ----------
    given : Results, str, Path or None
        Results that have been released, or the file of them.
    policy : DisclosurePolicy
        Names a file where nothing is given.

    Raises
    ------
    OptionError
        If the file cannot be read, or holds no results of this layout.
    DisclosureError
        If its results have not been released.
    """
    chosen = policy.previous if given is None else given
    if chosen == "":
        return None
    try:
        found = chosen if isinstance(chosen, Results) else Results.read(chosen)
    except OptionError as problem:
        fault = str(problem)
    else:
        earlier_results(policy, found)
        return found
    raise OptionError(f"the earlier release cannot be used: {fault}")
