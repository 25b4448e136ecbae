"""Printed numbers beside recomputed ones: which are the same within what rounding allows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.evidence.printed_numbers import Printed, PrintedCount, PrintedMean, as_printed, printed_text
from katoutcomes.evidence.recomputed import Quantity, mean_difference

if TYPE_CHECKING:
    from katoutcomes.kernels.summary_statistics import Allowed

REPRODUCED = "reproduced"
OPPOSITE_SIGN = "reproduced with the opposite sign"
SIGN_LOST = "reproduced but for a lost sign"
NOT_REPRODUCED = "not reproduced"
NOT_CHECKED = "cannot be checked"
_SIGNED = frozenset({"t", "d", "g", "difference", "percent change"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """A printed number beside one recomputed number.

    Attributes
    ----------
    key, printed, name : str
        What is printed, as it is printed, and which recomputed number stands beside it (``""``: none).
    verdict : str
        Whether the two are the same within rounding.
    """

    key: str
    printed: str
    name: str
    verdict: str


def compared_numbers(
    quantities: Sequence[Quantity], printed: Mapping[str, Printed | tuple[Printed, Printed]], used: str
) -> Iterator[Comparison]:
    """Yield each printed number beside each recomputed number of its kind, without the one it was worked out of."""
    for key, number in printed.items():
        if isinstance(number, tuple) != (key == "ci"):
            raise OptionError("ci has two limits, every other printed number is one number.")
        if key == used:
            continue
        if isinstance(number, tuple):
            yield from _compared_limits(quantities, number)
            continue
        candidates = [quantity for quantity in quantities if quantity.key == key]
        for quantity in candidates:
            verdict = _verdict(as_printed(number), quantity.allowed, is_signed=key in _SIGNED)
            yield Comparison(key, printed_text(number), quantity.name, verdict)
        if not candidates:
            yield Comparison(key, printed_text(number), "", NOT_CHECKED)


def _verdict(printed: Allowed, found: Allowed, *, is_signed: bool) -> str:
    if math.isnan(found.value):
        return NOT_CHECKED
    if _overlap(printed, found):
        return REPRODUCED
    if is_signed and _overlap(printed, _mirrored(found)):
        return OPPOSITE_SIGN
    return NOT_REPRODUCED


def _overlap(one: Allowed, other: Allowed) -> bool:
    slack = 1e-12 * max(abs(one.value), 1.0)  # the ends of a rounding are decimals
    return one.low <= other.high + slack and other.low <= one.high + slack


def _mirrored(found: Allowed) -> Allowed:
    return type(found)(-found.high, -found.value, -found.low)


def _compared_limits(quantities: Sequence[Quantity], limits: tuple[Printed, Printed]) -> Iterator[Comparison]:
    """Yield a printed interval beside each recomputed one: as it stands, mirrored, or with the signs left aside."""
    text = " to ".join(printed_text(limit) for limit in limits)
    lows = [quantity for quantity in quantities if quantity.key == "ci low"]
    highs = [quantity for quantity in quantities if quantity.key == "ci high"]
    first, second = (as_printed(limit) for limit in limits)
    for low, high in zip(lows, highs, strict=True):
        found = (low.allowed, high.allowed)
        name = f"interval {low.name.removeprefix('lower limit ')}"
        yield Comparison("ci", text, name, _verdict_of_limits((first, second), found))
    if not lows:
        yield Comparison("ci", text, "", NOT_CHECKED)


def _verdict_of_limits(printed: tuple[Allowed, Allowed], found: tuple[Allowed, Allowed]) -> str:
    if all(map(_overlap, printed, found)):
        return REPRODUCED
    mirrored = (_mirrored(found[1]), _mirrored(found[0]))
    if all(map(_overlap, printed, mirrored)):
        return OPPOSITE_SIGN
    by_size = [sorted(map(_without_sign, pair), key=lambda one: one.value) for pair in (printed, found)]
    return SIGN_LOST if all(map(_overlap, *by_size)) else NOT_REPRODUCED


def _without_sign(one: Allowed) -> Allowed:
    if one.low <= 0.0 <= one.high:
        return type(one)(0.0, abs(one.value), max(-one.low, one.high))
    return one if one.low > 0.0 else _mirrored(one)


def compared_share(share: PrintedCount | None, quantities: Sequence[Quantity]) -> Iterator[Comparison]:
    """Yield the percentage of a share beside what its count gives, or whether any count gives it."""
    if share is None or share.percent is None:
        return
    found = quantities[0].allowed
    text = f"{printed_text(share.percent)}%"
    if share.n_counted is None:
        verdict = NOT_REPRODUCED if math.isnan(found.value) else REPRODUCED
        yield Comparison("percent", text, quantities[0].name, verdict)
    else:
        verdict = _verdict(as_printed(share.percent), found, is_signed=False)
        yield Comparison("percent", text, quantities[0].name, verdict)


def compared_change(
    baseline: PrintedMean | None, follow_up: PrintedMean | None, change: PrintedMean | None
) -> Iterator[Comparison]:
    """Yield a printed mean change beside the difference of the two printed means."""
    if baseline is not None and follow_up is not None and change is not None:
        found = mean_difference(follow_up, baseline)
        verdict = _verdict(as_printed(change.mean), found, is_signed=True)
        yield Comparison("mean change", printed_text(change.mean), "follow-up minus baseline", verdict)
