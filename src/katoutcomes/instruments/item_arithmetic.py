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
class LegalBlank:
    """Items that a form may leave out after certain answers: a blank there is no missing answer.

    Attributes
    ----------
    items : tuple of int
        Items that may be blank, from 1.
    counts_as : int
        The answer that a blank stands for, before any reversing.
    when : tuple of (int, int)
        Items and the answers that all of them must have been given; blanks that stand for an answer do not count.

    Examples
    --------
    Who never drinks skips the items 2 to 8 of the AUDIT.

    >>> LegalBlank(items=(2, 3, 4, 5, 6, 7, 8), counts_as=0, when=((1, 0),)).counts_as
    0
    """

    items: tuple[int, ...]
    counts_as: int
    when: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        if not self.items or not self.when:
            raise OptionError("a legal blank names the items that may be blank, and after which answers.")


@dataclass(frozen=True, slots=True)
class Omission:
    """Items that a version of a scale does not ask, because they do not apply to whom it is for.

    The total of such a version is the sum of the other items, so its largest total is smaller. A blank alone never
    means it: the data must name the version.

    Attributes
    ----------
    version : str
        One of the versions of the scale, not the first.
    items : tuple of int
        Items that are not asked, from 1.
    source : str
        Where it was seen that the other items make the total.

    Examples
    --------
    Item 4 of the PHQ-15 does not apply to men.

    >>> Omission("men", (4,), "a scoring manual").items
    (4,)
    """

    version: str
    items: tuple[int, ...]
    source: str

    def __post_init__(self) -> None:
        if not self.items or not self.source.strip():
            raise OptionError("an omission names the items that are not asked, and its source.")


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
    alternatives : tuple of tuple of int
        Items of which a respondent answers one: one answer of each group suffices. Each group lies in one of `domains`,
        whose total is the largest of the items that are answered.
    blanks : tuple of LegalBlank
        Blanks that stand for an answer.
    omissions : tuple of Omission
        Versions that do not ask some of the items; only sums have them.

    Examples
    --------
    >>> Scoring().kind, Scoring().step
    ('sum', 1.0)
    """

    kind: str = "sum"
    factor: float = 1.0
    domains: tuple[tuple[int, ...], ...] = ()
    step: float = 1.0
    alternatives: tuple[tuple[int, ...], ...] = ()
    blanks: tuple[LegalBlank, ...] = ()
    omissions: tuple[Omission, ...] = ()

    def __post_init__(self) -> None:
        require_option("kind of scoring", self.kind, SCORING_KINDS)
        if not self.factor > 0.0 or not self.step >= 0.0:
            raise OptionError("the factor of a scoring is above 0, its step 0 or more.")
        if bool(self.domains) != (self.kind == "domains"):
            raise OptionError("domains belong to the scoring kind 'domains', and to no other.")
        if any(not any(set(group) <= set(domain) for domain in self.domains) for group in self.alternatives):
            raise OptionError("alternatives are items of one domain.")

    def omitted(self, version: str | None) -> tuple[int, ...]:
        """Return the items that a version does not ask; none where no version is named.

        Examples
        --------
        >>> Scoring(omissions=(Omission("men", (4,), "a scoring manual"),)).omitted("men")
        (4,)
        """
        return next((omission.items for omission in self.omissions if omission.version == version), ())

    def required(self, n_items: int) -> tuple[tuple[int, ...], ...]:
        """Return groups of items of each of which one answer is needed: the alternatives, and every item beside them.

        Examples
        --------
        >>> Scoring("domains", domains=((1, 2), (3,)), alternatives=((1, 2),)).required(3)
        ((1, 2), (3,))
        """
        of_choice = {number: group for group in self.alternatives for number in group}
        return tuple(dict.fromkeys(of_choice.get(number, (number,)) for number in range(1, n_items + 1)))


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
