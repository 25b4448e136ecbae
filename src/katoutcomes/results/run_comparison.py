"""Which numbers and texts changed between two runs of a plan."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from katoutcomes.errors import OptionError, require_option
from katoutcomes.results.collection import Results
from katoutcomes.results.run_items import Items, Key, Value, background_of, items_of
from katoutcomes.results.serialization import NOT_FOR_RELEASE


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may lie apart and still count as the same.

    Attributes
    ----------
    relative : float
        Share of the larger one.
    absolute : float
        For numbers near 0.
    printed : bool
        Whether estimates are compared with the digits that a reader sees.
    """

    relative: float
    absolute: float
    printed: bool = False

    def same(self, before: Value, after: Value) -> bool:
        """Return whether two values count as the same; NaN is the same as NaN, texts and flags have no tolerance."""
        if isinstance(before, float) and isinstance(after, float):
            if math.isnan(before) or math.isnan(after):
                return math.isnan(before) and math.isnan(after)
            return math.isclose(before, after, rel_tol=self.relative, abs_tol=self.absolute)
        return type(before) is type(after) and before == after


LAST_DIGITS = "last digits"
TOLERANCES: Mapping[str, Tolerance] = MappingProxyType(
    {
        "none": Tolerance(0.0, 0.0),
        # What another processor or order of summation does to a number; a file of results holds 17 digits.
        LAST_DIGITS: Tolerance(1e-9, 1e-12),
        # What another version of a numerical library does to a model that is fitted step by step.
        "iterative fit": Tolerance(1e-5, 1e-8),
        # What a reader of the report would see; what is only drawn may move by half a thousandth of itself.
        "as printed": Tolerance(5e-4, 5e-7, printed=True),
    }
)
"""Name → tolerance."""

CHANGED, APPEARED, VANISHED = "changed", "appeared", "vanished"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same in two runs.

    Attributes
    ----------
    key : Key
        Which estimate, row of a part, check or text.
    what : {"changed", "appeared", "vanished"}
        Whether it is in both runs, in the second alone or in the first alone.
    field : str
        Which of its fields changed, for example ``"conf_low"``; ``""`` where it appeared or vanished.
    before, after : str, int, float, bool or None
        The field in the first and in the second run.
    """

    key: Key
    what: str
    field: str = ""
    before: Value = None
    after: Value = None

    def __str__(self) -> str:
        home = ", ".join(word for word in (self.key.instrument, self.key.analysis) if word) or "the run"
        words = ", ".join(word for word in self.key.words if word not in {"", self.key.instrument})
        number = f" (number {self.key.occurrence + 1})" if self.key.occurrence else ""
        name = f"{home}: {self.key.kind}" + (f" {words}" if words else "") + number
        if self.what != CHANGED:
            return f"{name}: {self.what}"
        return f"{name}: {self.field} {_shown(self.before)} -> {_shown(self.after)}"


@dataclass(frozen=True, slots=True)
class RunComparison:
    """What `compare_runs` found.

    Attributes
    ----------
    differences : tuple of Difference
        Numbers, texts, verdicts and checks that are not the same, in the order of the results.
    background : tuple of Difference
        Data, settings and software that are not the same; they may explain differences and are none themselves.
    n_compared : int
        How many items both runs have.
    tolerance : str
        Name of the tolerance.
    is_released : bool
        Whether the results compared are released ones, so that the comparison may leave the clinic as well.
    """

    differences: tuple[Difference, ...]
    background: tuple[Difference, ...]
    n_compared: int
    tolerance: str
    is_released: bool

    @property
    def is_same(self) -> bool:
        """Whether nothing differs but what is behind the numbers."""
        return not self.differences

    def to_text(self) -> str:
        """Return a line a difference, after one that counts them."""
        counts = Counter(difference.what for difference in self.differences)
        told = ", ".join(f"{counts[what]} {what}" for what in (CHANGED, APPEARED, VANISHED))
        head = "The runs are the same" if self.is_same else f"The runs differ: {told}"
        lines = [f"{head}; {self.n_compared} items compared (tolerance: {self.tolerance})."]
        lines += [f"  {difference}" for difference in self.differences]
        if self.background:
            lines.append("Behind the numbers:")
            lines += [f"  {difference}" for difference in self.background]
        if not self.is_released and self.differences:
            lines.append(NOT_FOR_RELEASE)
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.to_text()


def compare_runs(
    first: Results | str | Path, second: Results | str | Path, *, tolerance: str = LAST_DIGITS
) -> RunComparison:
    """Say which numbers, texts, verdicts and checks changed between two runs.

    Estimates are matched by their words (term, measure, unit, visit, group, …), rows of parts by everything in them
    that is no count and no decimal, so that a result with one estimate more does not shift the others.

    Parameters
    ----------
    first, second : Results, str or Path
        Results, or the files that `Results.write` wrote: both released or both not.
    tolerance : {"none", "last digits", "iterative fit", "as printed"}, default "last digits"
        How far numbers may lie apart: not at all; 1e-9 of the larger (another processor); 1e-5 of it (another version
        of a numerical library); or so that a reader of the report sees no change. Counts, texts and verdicts have none.

    Returns
    -------
    RunComparison
        What changed, appeared or vanished, and what differs behind the numbers.

    Raises
    ------
    OptionError
        If a file is no file of results, there is no such tolerance, or only one of the two is released.
    DisclosureError
        If a file says that its results are released and one of them is not.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=40)
    >>> quality = kat.data_quality(registry)
    >>> compare_runs(kat.Results("a", (quality,)), kat.Results("b", (quality,))).to_text().splitlines()[1]
    "  the run: result: title 'a' -> 'b'"
    """
    require_option("tolerance", tolerance, TOLERANCES)
    before, after = _results(first), _results(second)
    if before.is_released != after.is_released:
        raise OptionError("one of the runs is released and the other is not; compare two of a kind.")
    chosen = TOLERANCES[tolerance]
    items, others = (items_of(results, printed=chosen.printed) for results in (before, after))
    return RunComparison(
        differences=tuple(_differences(items, others, chosen)),
        background=tuple(_differences(background_of(before), background_of(after), TOLERANCES["none"])),
        n_compared=len(items.keys() & others.keys()),
        tolerance=tolerance,
        is_released=before.is_released,
    )


def _results(given: Results | str | Path) -> Results:
    return given if isinstance(given, Results) else Results.read(given)


def _differences(items: Items, others: Items, tolerance: Tolerance) -> Iterator[Difference]:
    """Yield what changed or vanished, in the order of the first run, then what appeared, in that of the second."""
    for key, fields in items.items():
        if key not in others:
            yield Difference(key, VANISHED)
            continue
        after = others[key]
        for name in dict.fromkeys((*fields, *after)):
            if not tolerance.same(fields.get(name), after.get(name)):
                yield Difference(key, CHANGED, name, fields.get(name), after.get(name))
    yield from (Difference(key, APPEARED) for key in others if key not in items)


def _shown(value: Value) -> str:
    """Return a value with every digit, since the last ones may be what differs."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "nothing"
    return repr(value) if isinstance(value, str) else str(value)
