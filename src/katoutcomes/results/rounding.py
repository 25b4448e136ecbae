"""Numbers rounded as people do on paper, the same on every machine: what `formatting` and release rest on."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

SIGNIFICANT_DIGITS = 12
"""Beyond these, numbers differ between processors and libraries that are both right."""

_ROOM_FOR_EVERY_FLOAT = Context(prec=330)


def significant(value: float) -> float:
    """Return `value` rounded to 12 significant digits.

    Examples
    --------
    >>> significant(0.1 + 0.2)
    0.3
    """
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def rounded(value: float, digits: int) -> float:
    """Return a number with the decimals that `format_number` prints; what is not finite stays.

    Examples
    --------
    >>> rounded(-6.25, 1), rounded(0.125, 2)
    (-6.3, 0.13)
    """
    return float(quantized(value, digits)) + 0.0 if math.isfinite(value) else value  # + 0.0: no "-0.0"


def quantized(value: float, digits: int) -> Decimal:
    """Return a finite number rounded to 12 significant digits, then half away from zero to `digits` decimals.

    Examples
    --------
    >>> quantized(-0.125, 2)
    Decimal('-0.13')
    """
    exact = Decimal(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=_ROOM_FOR_EVERY_FLOAT)
