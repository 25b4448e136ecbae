"""How items become a total: legal answers, the rule of adding, the metrics of a total, and rules for missing items."""

from __future__ import annotations

from dataclasses import dataclass

from katoutcomes.errors import OptionError, require_option

SCORING_KINDS: tuple[str, ...] = ("sum", "mean", "domains", "none")
ROUNDINGS: tuple[str, ...] = ("none", "half_up")


@dataclass(frozen=True, slots=True)
class ItemRange:
    """The legal answers of items that differ from the usual range.

    Attributes
    ----------
    items : tuple of int
        Item numbers, from 1.
    values : tuple of int
        Every answer that is legal, ascending: ``(0, 1, 2)``, or ``(0, 2, 4)`` for the last two items of the AUDIT.
    """

    items: tuple[int, ...]
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Scoring:
    """How a total is made of items x, after reverse-keyed ones are reversed.

    Attributes
    ----------
    kind : {"sum", "mean", "domains", "none"}
        * sum: total = factor * (x_1 + ... + x_n);
        * mean: total = factor * (x_1 + ... + x_n) / n;
        * domains: total = factor * the sum over `domains` of the largest of its items (QIDS);
        * none: items are never added.
    factor : float
        Above 0.
    domains : tuple of tuple of int
        Item numbers, each in one domain; empty for the other kinds.
    step : float
        Smallest difference between two totals; 0 where totals are continuous.

    Examples
    --------
    >>> Scoring()
    Scoring(kind='sum', factor=1.0, domains=(), step=1.0)
    """

    kind: str = "sum"
    factor: float = 1.0
    domains: tuple[tuple[int, ...], ...] = ()
    step: float = 1.0

    def __post_init__(self) -> None:
        require_option("kind of scoring", self.kind, SCORING_KINDS)
        if not self.factor > 0.0 or not self.step >= 0.0:
            raise OptionError("the factor of a scoring is above 0, its step 0 or more.")
        if bool(self.domains) != (self.kind == "domains"):
            raise OptionError("domains belong to the scoring kind 'domains', and to no other.")


@dataclass(frozen=True, slots=True)
class Metric:
    """A unit in which totals of a scale are reported. A total t in it is factor * t + offset in the scale's own.

    Attributes
    ----------
    name : str
        For example ``"doubled"``; lower case.
    factor, offset : float
        1 and 0 for the scale's own metric, which is the first of an instrument; the factor is not 0.
    minimum, maximum : float
        Range of the total in this metric.
    """

    name: str
    factor: float
    offset: float
    minimum: float
    maximum: float

    def __post_init__(self) -> None:
        if self.factor == 0.0:
            raise OptionError("the factor of a metric is not 0.")


@dataclass(frozen=True, slots=True)
class ProratingRule:
    """A published rule for questionnaires with missing items: the mean of the answered items stands for the others.

    Applied only where it is asked for by name.

    Attributes
    ----------
    name : str
        Lower case, for example ``"alswh_k10"``.
    most_missing : int
        How many items may be missing; with more of them there is no total.
    rounding : {"none", "half_up"}
        Whether the total is rounded to a whole number.
    source : str
        Where the rule was seen.
    """

    name: str
    most_missing: int
    rounding: str
    source: str

    def __post_init__(self) -> None:
        require_option("rounding", self.rounding, ROUNDINGS)
        if self.most_missing < 1:
            raise OptionError("a prorating rule allows at least one missing item.")
        if not self.source.strip():
            raise OptionError("a prorating rule needs its source.")
