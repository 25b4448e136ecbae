"""What a paper's n, mean and SD give when its tests are done again, and which printed numbers they do not give."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from katoutcomes.errors import OptionError, require_option
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.evidence.comparison import (
    NOT_CHECKED,
    NOT_REPRODUCED,
    Comparison,
    compared_change,
    compared_numbers,
    compared_share,
)
from katoutcomes.evidence.printed_numbers import (
    Printed,
    PrintedCount,
    PrintedMean,
    as_printed,
    decimals_of,
    not_below_zero,
)
from katoutcomes.evidence.recomputed import (
    ChangeSD,
    PrintedChange,
    Quantity,
    change_quantities,
    share_quantities,
    two_count_quantities,
    two_group_quantities,
)
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.part import Cell, Part
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, Result

PRINTED_KEYS: tuple[str, ...] = (
    "t",
    "df",
    "p",
    "se",
    "ci",
    "d",
    "g",
    "correlation",
    "difference",
    "percent change",
)
_SOURCES = (
    "Brown NJL, Heathers JAJ. The GRIM test. Soc Psychol Personal Sci 2017;8:363-369. doi:10.1177/1948550616673876",
    "Hedges LV. J Educ Stat 1981;6:107-128. doi:10.3102/10769986006002107",
    "Welch BL. Biometrika 1947;34:28-35. doi:10.1093/biomet/34.1-2.28",
)
_ASSUMPTIONS = (
    "Every printed number stands for all numbers that would be rounded to it, and each of them is taken to its ends.",
    "That a number does not reproduce is a finding about what is printed, not about how it came about.",
    "The tests hold for independent patients; groups that overlap cannot be compared by them.",
)


def from_summary(
    *,
    baseline: PrintedMean | None = None,
    follow_up: PrintedMean | None = None,
    change: PrintedMean | None = None,
    correlation: Printed | None = None,
    treatment: PrintedMean | PrintedCount | None = None,
    comparator: PrintedMean | PrintedCount | None = None,
    share: PrintedCount | None = None,
    printed: Mapping[str, Printed | tuple[Printed, Printed]] | None = None,
    whole_numbers: bool = False,
    conf_level: float = 0.95,
    source: str = "",
) -> Result:
    """Recompute tests, intervals and effects from printed summary statistics and say which printed ones they give.

    Three designs: a change within patients (`baseline` with `follow_up`, or `change`, or all three), two independent
    groups (`treatment` and `comparator`, means or counts), and one `share`.

    Parameters
    ----------
    baseline, follow_up, change : PrintedMean, optional
        Scores before and after, and follow-up minus baseline. The SD of the changes is taken from the first of these
        that is printed: itself, its SE, its interval, both SDs with `correlation`, t, p.
    correlation : str or float, optional
        Between baseline and follow-up, where printed.
    treatment, comparator : PrintedMean or PrintedCount, optional
        Differences are treatment minus comparator.
    share : PrintedCount, optional
        A count against its percentage.
    printed : mapping, optional
        What else is printed: "t", "df", "p", "se", "ci" (two limits), "d", "g", "correlation", "difference",
        "percent change" (of the baseline number). Text keeps last zeros; "<0.001" is a bound.
    whole_numbers : bool, default False
        Whether the scores are whole numbers; then means and SDs are tested for being possible at all (GRIM, GRIMMER).
    conf_level : float, default 0.95
        Level of printed and recomputed intervals.
    source : str
        Where the numbers are printed; it stands in the title.

    Returns
    -------
    Result
        Estimates of what the printed numbers give; the part ``"recomputed"`` with what rounding allows for each; the
        part ``"compared"`` with a verdict for each printed number against each number that goes by its name (d alone is
        five). A check fails for a printed number that none of them gives. NaN and None mean "cannot be worked out".

    Raises
    ------
    OptionError
        If the arguments make none of the three designs, or a printed number cannot be read.

    Notes
    -----
    Two-sided p; pooled and Welch t tests; d_z = M/s of changes, d_av = M/√((s₀² + s₁²)/2), delta_pre = M/s₀,
    d_rm = d_z √(2(1 − r)); g is d times J(df) (n − 1 for changes). `docs/methods/from_summary.md` has the formulas.
    The numbers must be published: a result of this function is never changed by `release`.

    References
    ----------
    Brown NJL, Heathers JAJ. Soc Psychol Personal Sci 2017;8:363-369. doi:10.1177/1948550616673876.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> result = kat.from_summary(
    ...     treatment=kat.PrintedMean(n=14, mean="-6.71", sd="9.15"),
    ...     comparator=kat.PrintedMean(n=104, mean="-2.45", sd="6.01"),
    ...     printed={"p": ".0219", "ci": ("1.37", "8.11")},
    ... )
    >>> [check.name for check in result.checks if not check.passed]
    ['printed ci']
    """
    if not 0.0 < conf_level < 1.0:
        raise OptionError("conf_level lies between 0 and 1, both excluded; 0.95 is usual.")
    given = dict(printed or {})
    for key in given:
        require_option("printed number", key, PRINTED_KEYS)
    one = change or (follow_up if baseline is not None else None)
    changes: ChangeSD | None = None
    if share is not None and one is None and treatment is None:
        quantities = list(share_quantities(share))
    elif treatment is not None and comparator is not None and one is None and share is None:
        quantities = _of_groups(treatment, comparator, conf_level)
    elif one is not None and treatment is None and share is None:
        quantities, changes = change_quantities(
            PrintedChange(baseline, follow_up, change, correlation, given), conf_level
        )
        if correlation is not None:
            given.setdefault("correlation", correlation)
    else:
        raise OptionError("give baseline and follow_up or change, or treatment and comparator, or share alone.")
    compared = [
        *compared_numbers(quantities, given, "" if changes is None else changes.key),
        *compared_share(share, quantities),
    ]
    compared += compared_change(baseline, follow_up, change)
    named = (baseline, follow_up, change, treatment, comparator)
    names = ("baseline", "follow-up", "change", "treatment", "comparator")
    possible = _possible(zip(names, named, strict=True)) if whole_numbers else ()
    estimates = _estimates(quantities, _n_of(one, baseline, treatment, comparator, share), conf_level)
    return Result(
        analysis="from_summary",
        title="Printed numbers done again" + (f": {source}" if source else ""),
        estimand=_estimand(),
        method=_method(changes),
        estimates=estimates,
        provenance=Provenance(source="published", digest=_digest(named, share, given, correlation)),
        parts=(_recomputed_part(quantities), _compared_part(compared)),
        assumptions=_ASSUMPTIONS,
        checks=(*_checks(compared), *possible),
    )


def _of_groups(
    treatment: PrintedMean | PrintedCount, comparator: PrintedMean | PrintedCount, conf_level: float
) -> list[Quantity]:
    if isinstance(treatment, PrintedMean) and isinstance(comparator, PrintedMean):
        return list(two_group_quantities(treatment, comparator, conf_level))
    if isinstance(treatment, PrintedCount) and isinstance(comparator, PrintedCount):
        return list(two_count_quantities(treatment, comparator))
    raise OptionError("treatment and comparator are both means or both counts.")


def _possible(groups: Iterator[tuple[str, PrintedMean | PrintedCount | None]]) -> tuple[Check, ...]:
    """Return, for each mean and SD of whole numbers, whether any scores give it."""
    from katoutcomes.kernels.summary_statistics import is_possible_sd, whole_sums

    checks = []
    for name, one in groups:
        if not isinstance(one, PrintedMean) or one.n is None:
            continue
        sums = whole_sums(one.n, as_printed(one.mean))
        found = [("mean", bool(sums))]
        if sums and one.sd is not None:
            found.append(("SD", is_possible_sd(one.n, sums, not_below_zero(as_printed(one.sd)))))
        says_little = one.n >= 10 ** decimals_of(one.mean)
        for what, passed in found:
            message = (
                f"The printed {what} of the {name} is possible for whole numbers"
                + (", as any mean is at this n and these digits." if says_little and what == "mean" else ".")
                if passed
                else f"No whole numbers of so many patients have the printed {what} of the {name}."
            )
            checks.append(
                Check(f"{what} of whole numbers, {name}", passed, "caution", NOT_A_NUMBER, NOT_A_NUMBER, message)
            )
    return tuple(checks)


def _checks(compared: Sequence[Comparison]) -> Iterator[Check]:
    """Yield a check for each printed number: whether any number that goes by its name gives it."""
    for key in dict.fromkeys(one.key for one in compared):
        of_key = [one for one in compared if one.key == key]
        if all(one.verdict == NOT_CHECKED for one in of_key):
            message = f"The printed {key} cannot be checked from what is printed."
            yield Check(f"printed {key}", True, "note", NOT_A_NUMBER, NOT_A_NUMBER, message)
            continue
        reproduced = [one for one in of_key if one.verdict not in (NOT_REPRODUCED, NOT_CHECKED)]
        message = (
            f"The printed {key} is given by {', '.join(one.name for one in reproduced)}."
            if reproduced
            else f"The printed {key} does not follow from the other printed numbers, whatever their rounding."
        )
        yield Check(f"printed {key}", bool(reproduced), "caution", NOT_A_NUMBER, NOT_A_NUMBER, message)


_MEASURES_OF_D = {"d_z": "d_z", "d_av": "d_av"}


def _estimates(quantities: Sequence[Quantity], n: int | None, conf_level: float) -> tuple[Estimate, ...]:
    """Return what the printed numbers give as estimates, each with the test that belongs to it."""
    found = {quantity.name: quantity.allowed.value for quantity in quantities}
    estimates = []
    for term, measure, test in (
        ("change", "mean change", "paired t"),
        ("difference, pooled t", "difference in means", "pooled t"),
        ("difference, Welch", "difference in means", "Welch"),
    ):
        name = "mean change" if measure == "mean change" else f"difference ({test})"
        if name not in found:
            continue
        is_change = measure == "mean change"
        has_limits = not math.isnan(found.get(f"lower limit ({test})", NOT_A_NUMBER))
        estimates.append(
            Estimate(
                term=term,
                measure=measure,
                estimate=found[name],
                std_error=found.get(f"standard error ({test})", NOT_A_NUMBER),
                df=found.get(f"df ({test})", NOT_A_NUMBER),
                conf_low=found.get(f"lower limit ({test})", NOT_A_NUMBER),
                conf_high=found.get(f"upper limit ({test})", NOT_A_NUMBER),
                conf_level=conf_level if has_limits else NOT_A_NUMBER,
                statistic=found.get(f"t ({test})", NOT_A_NUMBER),
                p_value=found.get(f"p ({test})", NOT_A_NUMBER),
                n_patients=n,
                treatment="" if is_change else "treatment",
                comparator="" if is_change else "comparator",
            )
        )
    estimates += [
        _effect(name, measure, found, n, conf_level) for name, measure in _MEASURES_OF_D.items() if name in found
    ]
    if "percentage" in found:
        estimates.append(
            Estimate(term="share", measure="proportion", estimate=found["percentage"] / 100.0, n_patients=n)
        )
    return tuple(estimates)


def _effect(name: str, measure: str, found: Mapping[str, float], n: int | None, conf_level: float) -> Estimate:
    """Return a standardized change; d_z with the limits of the noncentral t."""
    from katoutcomes.kernels.noncentral_t import noncentrality_limits

    low = high = NOT_A_NUMBER
    statistic = found.get("t (paired t)", NOT_A_NUMBER)
    if name == "d_z" and n is not None and math.isfinite(statistic):
        low, high = (limit / math.sqrt(n) for limit in noncentrality_limits(statistic, n - 1.0, conf_level))
    return Estimate(
        term="change",
        measure=measure,
        unit="SD",
        estimate=found[name],
        conf_low=low,
        conf_high=high,
        conf_level=NOT_A_NUMBER if math.isnan(low) else conf_level,
        n_patients=n,
    )


def _n_of(
    one: PrintedMean | None,
    baseline: PrintedMean | None,
    treatment: PrintedMean | PrintedCount | None,
    comparator: PrintedMean | PrintedCount | None,
    share: PrintedCount | None,
) -> int | None:
    if share is not None:
        return share.n
    if treatment is not None and comparator is not None:
        return (treatment.n or 0) + (comparator.n or 0)
    known = [mean.n for mean in (one, baseline) if mean is not None and mean.n is not None]
    return min(known) if known else None


def _number(value: float) -> Cell:
    return None if math.isnan(value) else value


def _recomputed_part(quantities: Sequence[Quantity]) -> Part:
    rows = [
        (quantity.name, _number(quantity.allowed.value), _number(quantity.allowed.low), _number(quantity.allowed.high))
        for quantity in quantities
    ]
    return Part("recomputed", ("name", "value", "lowest", "highest"), tuple(rows))


def _compared_part(compared: Sequence[Comparison]) -> Part:
    return Part(
        "compared",
        ("name", "printed", "term", "verdict"),
        tuple((one.key, one.printed, one.name, one.verdict) for one in compared),
    )


def _estimand() -> Estimand:
    return Estimand(
        name="from_summary",
        population="the patients of the printed numbers",
        treatment="",
        comparator="",
        endpoint=Endpoint("", "", "what the printed numbers give"),
        intercurrent_events="as the source dealt with them",
        summary_measure="as printed",
    )


def _method(changes: ChangeSD | None) -> Method:
    spread = f" The SD of the changes is from {changes.source}." if changes is not None else ""
    return Method(
        name="recomputation from printed numbers",
        description=(
            "Two-sided t tests (paired; pooled and Welch), Fisher's exact and chi-squared tests, and every common d, "
            "from the printed n, means and standard deviations; each at every combination of the ends of their "
            f"roundings.{spread}"
        ),
        sources=_SOURCES,
    )


def _digest(*given: object) -> str:
    def plain(value: object) -> object:
        if isinstance(value, PrintedMean | PrintedCount):
            return asdict(value)
        return list(map(plain, value)) if isinstance(value, tuple | list) else value

    text = json.dumps([plain(value) for value in given], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
