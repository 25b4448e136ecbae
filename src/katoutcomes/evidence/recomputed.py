"""What n, mean and standard deviation say about a test: every quantity under the name that papers print."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.evidence.printed_numbers import Printed, PrintedCount, PrintedMean, as_printed, not_below_zero

if TYPE_CHECKING:
    from katoutcomes.kernels.summary_statistics import Allowed


@dataclass(frozen=True, slots=True)
class Quantity:
    """One recomputed number.

    Attributes
    ----------
    key : str
        What papers print it as: ``"t"``, ``"df"``, ``"p"``, ``"ci low"``, ``"ci high"``, ``"d"``, ``"g"``, ...
    name : str
        Which of the numbers that go by that name, for example ``"d_av"`` or ``"p (Welch)"``.
    allowed : Allowed
        Its value and what rounding allows.
    """

    key: str
    name: str
    allowed: Allowed


@dataclass(frozen=True, slots=True)
class ChangeSD:
    """The standard deviation of the changes, and where it comes from: ``""`` where it is not known.

    Attributes
    ----------
    allowed : Allowed
        With what rounding allows.
    source : str
        ``"the printed SD"``, ``"the printed t"``, and so on.
    key : str
        The printed statistic that it was worked out of, which it therefore cannot check.
    """

    allowed: Allowed
    source: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class PairedNumbers:
    """What is printed of the same patients at two times.

    Attributes
    ----------
    n : int or None
        Pairs, where known.
    mean_change : Allowed
        Follow-up minus baseline.
    sds : tuple of two Allowed, or None
        Of baseline and follow-up.
    """

    n: int | None
    mean_change: Allowed
    sds: tuple[Allowed, Allowed] | None


_T_TEST = (("se", "standard error"), ("df", "df"), ("t", "t"), ("p", "p"), ("ci low", "lower limit"))
_T_TEST_FIELDS = ("std_error", "df", "t", "p", "conf_low")


def t_test_quantities(found: Mapping[str, Allowed], test: str) -> Iterator[Quantity]:
    """Yield standard error, df, t, p and limits of one t test."""
    named = [*zip(_T_TEST, _T_TEST_FIELDS, strict=True), (("ci high", "upper limit"), "conf_high")]
    for (key, name), field in named:
        yield Quantity(key, f"{name} ({test})", found[field])


def sd_of(one: PrintedMean, conf_level: float) -> ChangeSD | None:
    """Return the standard deviation that is printed beside a mean, or follows from its SE or interval."""
    from katoutcomes.kernels.summary_statistics import Allowed, allowed, sd_from_limits

    if one.sd is not None:
        return ChangeSD(not_below_zero(as_printed(one.sd)), "the printed SD")
    if one.n is None:
        return None
    n = Allowed(one.n, one.n, one.n)
    if one.se is not None:
        se = not_below_zero(as_printed(one.se))
        return ChangeSD(allowed(lambda se, n: {"sd": se * n**0.5}, [se, n])["sd"], "the printed SE")
    if one.conf_int is not None:
        limits = [as_printed(limit) for limit in one.conf_int]
        found = allowed(lambda n, low, high: {"sd": sd_from_limits(n, low, high, conf_level)}, [n, *limits])
        return ChangeSD(found["sd"], "the printed interval", "ci")
    return None


def change_sd(
    pairs: PairedNumbers,
    change: PrintedMean | None,
    correlation: Printed | None,
    printed: Mapping[str, Printed],
    conf_level: float,
) -> ChangeSD | None:
    """Return the SD of the changes from the best of what is printed: itself, SE, interval, r, t, p; else None."""
    from katoutcomes.kernels.summary_statistics import Allowed, allowed, sd_from_p, sd_from_t, sd_of_change

    if change is not None and (direct := sd_of(change, conf_level)) is not None:
        return direct
    if correlation is not None and pairs.sds is not None:
        found = allowed(lambda s0, s1, r: {"sd": sd_of_change(s0, s1, r)}, [*pairs.sds, as_printed(correlation)])
        return ChangeSD(found["sd"], "both SDs and the printed correlation", "correlation")
    if pairs.n is None:
        return None
    exact = Allowed(pairs.n, pairs.n, pairs.n)
    for key, function in (("t", sd_from_t), ("p", sd_from_p)):
        if key in printed and not str(printed[key]).strip().startswith(("<", ">")):
            number = as_printed(printed[key])
            found = allowed(lambda n, m, s, f=function: {"sd": f(n, m, s)}, [exact, pairs.mean_change, number])
            return ChangeSD(found["sd"], f"the printed {key}", key)
    return None


def mean_difference(later: PrintedMean, earlier: PrintedMean) -> Allowed:
    """Return later minus earlier mean."""
    from katoutcomes.kernels.summary_statistics import allowed

    return allowed(lambda m1, m0: {"d": m1 - m0}, [as_printed(later.mean), as_printed(earlier.mean)])["d"]


def paired_quantities(pairs: PairedNumbers, changes: ChangeSD | None, level: float) -> Iterator[Quantity]:
    """Yield everything that is known of a change: paired t, d_z, d_av, delta_pre, d_rm, their g, the correlation."""
    from katoutcomes.kernels.summary_statistics import (
        Allowed,
        allowed,
        implied_correlation,
        one_mean,
        paired_effects,
        small_sample_factor,
    )

    mean_change, sds = pairs.mean_change, pairs.sds
    exact = None if pairs.n is None else Allowed(pairs.n, pairs.n, pairs.n)
    if changes is not None and exact is not None:
        found = allowed(lambda n, m, s: one_mean(n, m, s, level), [exact, mean_change, changes.allowed])
        yield from t_test_quantities(found, "paired t")
        yield Quantity("d", "d_z", found["d_z"])
        yield Quantity("g", "g_z", found["g_z"])
    if sds is None:
        return
    effects = allowed(paired_effects, [mean_change, *sds])
    for name, effect in effects.items():
        yield Quantity("d", name, effect)
    if exact is not None:
        for name in effects:
            found = allowed(
                lambda n, m, s0, s1, name=name: {"g": small_sample_factor(n - 1) * paired_effects(m, s0, s1)[name]},
                [exact, mean_change, *sds],
            )
            yield Quantity("g", name.replace("d_av", "g_av").replace("delta_pre", "g_pre"), found["g"])
    if changes is not None:
        yield from _with_correlation(mean_change, sds, changes)
        implied = allowed(lambda s0, s1, s: {"r": implied_correlation(s0, s1, s)}, [*sds, changes.allowed])
        yield Quantity("correlation", "correlation", implied["r"])


def _with_correlation(mean_change: Allowed, sds: tuple[Allowed, Allowed], changes: ChangeSD) -> Iterator[Quantity]:
    """Yield d_rm = d_z √(2(1 − r)), the change in SDs of a raw score."""
    from katoutcomes.kernels.summary_statistics import allowed, implied_correlation

    found = allowed(
        lambda m, s0, s1, s: {"d": m / s * (2.0 * (1.0 - implied_correlation(s0, s1, s))) ** 0.5},
        [mean_change, *sds, changes.allowed],
    )
    yield Quantity("d", "d_rm", found["d"])


@dataclass(frozen=True, slots=True)
class PrintedChange:
    """What is printed of a change within patients.

    Attributes
    ----------
    baseline, follow_up, change : PrintedMean or None
        As far as they are printed.
    correlation : str, float or None
        Between baseline and follow-up.
    others : mapping
        Printed statistics by name.
    """

    baseline: PrintedMean | None
    follow_up: PrintedMean | None
    change: PrintedMean | None
    correlation: Printed | None
    others: Mapping[str, Printed | tuple[Printed, Printed]]

    def pairs(self) -> PairedNumbers:
        """Return n, mean change and the two SDs, as far as they are printed."""
        before, after, change = self.baseline, self.follow_up, self.change
        known = [one.n for one in (change, after, before) if one is not None and one.n is not None]
        # Only who has both scores has a change: the smallest of the printed numbers is all that can be.
        n = min(known) if known else None
        if before is None or after is None:
            if change is None:
                raise OptionError("a change needs baseline and follow_up, or change.")
            return PairedNumbers(n, as_printed(change.mean), None)
        mean_change = mean_difference(after, before) if change is None else as_printed(change.mean)
        if before.sd is None or after.sd is None:
            return PairedNumbers(n, mean_change, None)
        sds = (not_below_zero(as_printed(before.sd)), not_below_zero(as_printed(after.sd)))
        return PairedNumbers(n, mean_change, sds)

    def change_with_interval(self, n: int | None) -> PrintedMean | None:
        """Return the change with the interval that is printed elsewhere, where nothing else gives its SD."""
        change, limits = self.change, self.others.get("ci")
        if change is None or not isinstance(limits, tuple) or (change.sd, change.se, change.conf_int) != (None,) * 3:
            return change
        return PrintedMean(n=n, mean=change.mean, conf_int=limits)


def change_quantities(printed: PrintedChange, conf_level: float) -> tuple[list[Quantity], ChangeSD | None]:
    """Return everything about a change within patients, and where the SD of the changes comes from."""
    pairs = printed.pairs()
    numbers = {key: value for key, value in printed.others.items() if not isinstance(value, tuple)}
    change = printed.change_with_interval(pairs.n)
    changes = change_sd(pairs, change, printed.correlation, numbers, conf_level)
    quantities = [Quantity("difference", "mean change", pairs.mean_change)]
    quantities += paired_quantities(pairs, changes, conf_level)
    before, after = printed.baseline, printed.follow_up
    if before is not None and after is not None and as_printed(before.mean).value != 0.0:
        quantities.append(percent_change(after, before))
    return quantities, changes


def two_group_quantities(treatment: PrintedMean, comparator: PrintedMean, level: float) -> Iterator[Quantity]:
    """Yield the pooled and the Welch t test, and d, g, delta and d over the root mean square SD.

    Raises
    ------
    OptionError
        If a group lacks its n or everything that its SD could be worked out of.
    """
    from katoutcomes.kernels.summary_statistics import Allowed, allowed, two_means

    inputs: list[Allowed] = []
    for group in (treatment, comparator):
        spread = sd_of(group, level)
        if group.n is None or spread is None:
            raise OptionError("each of two groups needs n, mean, and one of sd, se and conf_int.")
        inputs += [Allowed(group.n, group.n, group.n), as_printed(group.mean), spread.allowed]
    for test, name in (("pooled", "pooled t"), ("welch", "Welch")):
        found = allowed(lambda *values, test=test: two_means(values[:3], values[3:], level)[test], inputs)
        yield Quantity("difference", f"difference ({name})", found["estimate"])
        yield from t_test_quantities(found, name)
        for field, key, label in _EFFECTS[test]:
            yield Quantity(key, label, found[field])


_EFFECTS = {
    "pooled": (
        ("d", "d", "d (pooled SD)"),
        ("g", "g", "g (pooled SD)"),
        ("delta", "d", "delta (SD of the comparator)"),
    ),
    "welch": (("d_rms", "d", "d (root mean square SD)"),),
}


def percent_change(later: PrintedMean, earlier: PrintedMean) -> Quantity:
    """Return the change in percent of the earlier number: of means or medians, never a mean of percentages."""
    from katoutcomes.kernels.summary_statistics import allowed

    inputs = [as_printed(later.mean), as_printed(earlier.mean)]
    found = allowed(lambda m1, m0: {"percent": 100.0 * (m1 - m0) / m0}, inputs)
    return Quantity("percent change", "change in percent of the baseline number", found["percent"])


def two_count_quantities(treatment: PrintedCount, comparator: PrintedCount) -> Iterator[Quantity]:
    """Yield the difference of two shares in percentage points and the p-values of three tests.

    Raises
    ------
    OptionError
        If a numerator is not printed.
    """
    from katoutcomes.kernels.summary_statistics import Allowed, two_by_two

    if treatment.n_counted is None or comparator.n_counted is None:
        raise OptionError("two shares are compared by their counts; n_counted is missing.")
    found = two_by_two(treatment.n_counted, treatment.n, comparator.n_counted, comparator.n)
    named = (
        ("difference", "difference in percentage points", 100.0 * found.difference),
        ("p", "p (Fisher's exact test)", found.p_fisher),
        ("p", "p (chi-squared)", found.p_chi_squared),
        ("p", "p (chi-squared, Yates's correction)", found.p_yates),
    )
    for key, name, value in named:
        yield Quantity(key, name, Allowed(value, value, value))


def share_quantities(share: PrintedCount) -> Iterator[Quantity]:
    """Yield the percentage of a count, or the counts that a percentage can stand for (NaN where there is none)."""
    from katoutcomes.kernels.summary_statistics import Allowed, allowed

    if share.n_counted is not None:
        value = 100.0 * share.n_counted / share.n
        yield Quantity("percent", "percentage", Allowed(value, value, value))
        return
    scaled = allowed(lambda p: {"n": p * share.n / 100.0}, [as_printed(share.percent or 0.0)])["n"]
    first, last = math.ceil(float(f"{scaled.low:.12g}")), math.floor(float(f"{scaled.high:.12g}"))
    nearest = float(min(max(round(scaled.value), first), last)) if first <= last else math.nan
    is_possible = first <= last
    yield Quantity(
        "count",
        "patients counted",
        Allowed(float(first), nearest, float(last)) if is_possible else Allowed(math.nan, math.nan, math.nan),
    )
