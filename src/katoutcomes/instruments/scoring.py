"""From items to a total. Every item is needed, unless a published rule for missing ones is asked for by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.errors import DataError, DesignError
from katoutcomes.instruments.answers import (
    as_floats,
    blanks_filled,
    n_missing,
    read_answers,
    reverse_keyed,
    row_numbers,
    without_omitted,
)
from katoutcomes.instruments.catalog import subscales as subscales_of
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.instruments.severity import BandedScores, severity_band

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from katoutcomes.instruments.item_arithmetic import ProratingRule

__all__ = [
    "BandedScores",
    "ScoredItems",
    "TotalMismatch",
    "check_totals",
    "score_items",
    "score_subscales",
    "severity_band",
    "to_own_metric",
]

_TOLERANCE = 1e-9
"""Totals that are equal on paper may differ by rounding in the last bits: a mean of seven items, a factor of 0.1."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredItems:
    """Totals with the count of what could not be scored, or only by a rule.

    Attributes
    ----------
    totals : ndarray of float64, shape (n,)
        In the scale's own metric; NaN where items are missing and no rule that was asked for allows it.
    n_items_answered : ndarray of int64, shape (n,)
        How many items of each row are answered; blanks are not, also where they are legal.
    n_complete, n_incomplete : int
        Rows with every item answered that the scale needs, and the others.
    is_prorated : ndarray of bool, shape (n,)
        Rows whose total was worked out by the prorating rule.
    n_prorated : int
        How many they are.
    n_prorated_without_safety_item : int
        Prorated rows in which an item about suicide or self-harm is not answered: their total looks like an answer to
        it and is none.
    prorating : str
        Name of the rule that was asked for; ``""`` if none was.
    """

    totals: NDArray[np.float64]
    n_items_answered: NDArray[np.int64]
    n_complete: int
    n_incomplete: int
    is_prorated: NDArray[np.bool_]
    n_prorated: int = 0
    n_prorated_without_safety_item: int = 0
    prorating: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the totals must know; counts only."""
        notes = []
        if self.n_prorated:
            notes.append(f"{self.n_prorated} totals were prorated by the rule {self.prorating}.")
        if self.n_prorated_without_safety_item:
            notes.append(
                f"{self.n_prorated_without_safety_item} of them lack an item about suicide or self-harm: such a total "
                "says nothing about it."
            )
        return tuple(notes)


def score_items(
    instrument: Instrument, items: ArrayLike, *, prorating: str | None = None, version: str | None = None
) -> ScoredItems:
    """Work out the total of a questionnaire from its items.

    Reverse-keyed items x become lowest + highest legal answer - x first. Then, with f the factor of the scoring:
    sum: f (x_1 + ... + x_n); mean: f (x_1 + ... + x_n) / n; domains: f times the sum over the domains of the largest of
    their items. A total needs every item, because a total of eight items out of nine looks like a low score, except
    where a form means a blank: of alternatives one answer suffices (the QIDS asks for one of two items), and a blank
    after certain answers stands for an answer (the AUDIT skips items). A version that does not ask some items (the
    PHQ-15 of men) is the sum of the others, and has to be named. A published rule for missing items is applied only
    where it is asked for, and counted. It puts the mean of the k answered items in place of the missing ones:
    sum: f (sum of the answered) n / k; mean: f (sum of the answered) / k.

    Parameters
    ----------
    instrument : Instrument
        Number, legal answers, reverse keys and scoring of the items.
    items : array_like of float, shape (n, n_items)
        One row a questionnaire, the items in their printed order. NaN, and a masked value, mean "not answered".
    prorating : str, optional
        Name of one of the instrument's prorating rules.
    version : str, optional
        Version of the questionnaires, all of which are of one; the first of the scale where none is named.

    Returns
    -------
    ScoredItems
        Totals in the scale's own metric, and how many rows are complete, incomplete and prorated.

    Raises
    ------
    DataError
        If the number of columns is not the number of items, an answer is not a legal one of its item, or an item is
        answered that the version does not ask. The message names items and rows, counted from 1, and never a value.
    DesignError
        If items of this scale are never added up.
    OptionError
        If the instrument has no such prorating rule or version.

    Examples
    --------
    >>> from katoutcomes.instruments.catalog import instrument
    >>> nan = float("nan")
    >>> scored = score_items(instrument("GAD-7"), [[1, 2, 3, 0, 1, 2, 3], [1, 2, nan, 0, 1, 2, 3]])
    >>> scored.totals.tolist(), scored.n_items_answered.tolist(), scored.n_incomplete
    ([12.0, nan], [7, 6], 1)

    Item 4 of the PHQ-15 does not apply to men; their largest total is 28.

    >>> men = [[2, 2, 2, nan, *[2] * 11]]
    >>> score_items(instrument("PHQ-15"), men, version="fourteen_items_men").totals.tolist()
    [28.0]
    """
    if instrument.scoring.kind == "none":
        raise DesignError(
            f"items of the {instrument.name} are never added up; it is given as a total, or as categories."
        )
    rule = None if prorating is None else instrument.prorating_rule(prorating)
    answers = read_answers(instrument, items)
    filled = without_omitted(instrument, blanks_filled(instrument, answers), version)
    keyed = reverse_keyed(instrument, filled)
    answered = ~np.isnan(answers)
    n_lacking = n_missing(instrument, filled)
    complete = n_lacking == 0
    totals = np.full(complete.shape, np.nan)
    totals[complete] = _totals(instrument, keyed[complete])
    is_prorated = np.zeros(complete.shape, dtype=np.bool_)
    if rule is not None:
        is_prorated = ~complete & (n_lacking <= rule.most_missing)
        totals[is_prorated] = _prorated(instrument, rule, keyed[is_prorated])
    safety = [number - 1 for number in instrument.safety_items]
    return ScoredItems(
        totals=totals,
        n_items_answered=answered.sum(axis=1).astype(np.int64),
        n_complete=int(complete.sum()),
        n_incomplete=int((~complete).sum()),
        is_prorated=is_prorated,
        n_prorated=int(is_prorated.sum()),
        n_prorated_without_safety_item=int((is_prorated & ~answered[:, safety].all(axis=1)).sum()),
        prorating=rule.name if rule is not None else "",
    )


def _totals(instrument: Instrument, keyed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the totals of complete rows of keyed items; of alternatives those that are answered count."""
    scoring = instrument.scoring
    if scoring.kind == "domains":
        columns = [[number - 1 for number in domain] for domain in scoring.domains]
        largest = [np.fmax.reduce(keyed[:, column], axis=1) for column in columns]
        return np.asarray(scoring.factor * np.sum(largest, axis=0))
    total = scoring.factor * keyed.sum(axis=1)
    return np.asarray(total / instrument.n_items if scoring.kind == "mean" else total)


def _prorated(instrument: Instrument, rule: ProratingRule, keyed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the totals of rows with few enough missing items."""
    n_answered = (~np.isnan(keyed)).sum(axis=1)
    total = instrument.scoring.factor * np.nansum(keyed, axis=1)
    total = total / n_answered if instrument.scoring.kind == "mean" else total * instrument.n_items / n_answered
    return np.asarray(np.floor(total + 0.5) if rule.rounding == "half_up" else total)


def score_subscales(
    instrument: Instrument, items: ArrayLike, subscales: tuple[Instrument, ...] | None = None
) -> Mapping[str, ScoredItems]:
    """Work out the totals of the sub-scales of a questionnaire.

    Parameters
    ----------
    instrument : Instrument
        The scale whose items are given.
    items : array_like of float, shape (n, n_items)
        As in `score_items`. A sub-scale needs its own items only.
    subscales : tuple of Instrument, optional
        The sub-scales, where the instrument is not one of the catalog's.

    Returns
    -------
    mapping of str to ScoredItems
        By id of the sub-scale, in the order of the definition. Sub-scales whose items are not known are not in it.

    Raises
    ------
    DataError
        As in `score_items`.

    Examples
    --------
    >>> from katoutcomes.instruments.catalog import instrument
    >>> scored = score_subscales(instrument("PCL-5"), [[1] * 5 + [2] * 2 + [3] * 7 + [4] * 6])
    >>> all(part.n_complete == 1 for part in scored.values())
    True
    """
    parts = subscales_of(instrument) if subscales is None else subscales
    answers = read_answers(instrument, items)
    return MappingProxyType(
        {
            part.id: score_items(part, answers[:, [number - 1 for number in part.item_numbers]])
            for part in parts
            if part.subscale_of == instrument.id and part.scoring.kind != "none"
        }
    )


@dataclass(frozen=True, slots=True, eq=False)
class TotalMismatch:
    """Questionnaires whose given total is not the total of their items.

    Attributes
    ----------
    rows : ndarray of int64
        Their rows, from 1.
    n_compared : int
        Rows with a total and every item.
    explanation : str
        What all of the mismatches have in common, if it is a known mistake; ``""`` otherwise.
    """

    rows: NDArray[np.int64]
    n_compared: int
    explanation: str


def check_totals(
    instrument: Instrument, items: ArrayLike, totals: ArrayLike, *, version: str | None = None
) -> TotalMismatch:
    """Find the questionnaires whose total differs from their items.

    Parameters
    ----------
    instrument : Instrument
        The scale.
    items : array_like of float, shape (n, n_items)
        As in `score_items`.
    totals : array_like of float, shape (n,)
        Totals in the scale's own metric; NaN means "not given".
    version : str, optional
        As in `score_items`.

    Returns
    -------
    TotalMismatch
        The rows; where a total or an item is missing there is nothing to compare.

    Raises
    ------
    DataError
        As in `score_items`; if the number of totals is not the number of rows.
    DesignError
        If items of this scale are never added up.

    Examples
    --------
    >>> from katoutcomes.instruments.catalog import instrument
    >>> found = check_totals(instrument("GAD-7"), [[1] * 7, [2] * 7, [3] * 7], [7, 15, float("nan")])
    >>> found.rows.tolist(), found.n_compared
    ([2], 2)
    """
    scored = score_items(instrument, items, version=version)
    given = as_floats(totals)
    if given.shape != scored.totals.shape:
        raise DataError(f"there must be one total a row of items; their shape is {given.shape}.")
    compared = ~np.isnan(given) & ~np.isnan(scored.totals)
    differs = compared & ~np.isclose(given, scored.totals, rtol=0.0, atol=_TOLERANCE)
    return TotalMismatch(
        rows=np.flatnonzero(differs) + 1,
        n_compared=int(compared.sum()),
        explanation=_explain(
            instrument, reverse_keyed(instrument, blanks_filled(instrument, as_floats(items)))[differs], given[differs]
        ),
    )


def _explain(instrument: Instrument, keyed: NDArray[np.float64], given: NDArray[np.float64]) -> str:
    """Return the known mistake that gives every one of these totals, if one does."""
    if not given.size:
        return ""
    plain = np.nansum(keyed, axis=1)  # only alternatives may be blank here
    turned = reverse_keyed(instrument, keyed)  # reversing twice gives the answers as they were
    mistakes = {
        "the plain sum of all items": plain,
        "the mean of the items": plain / instrument.n_items,
        "the sum of the items without reversing": np.nansum(turned, axis=1),
    }
    own = _totals(instrument, keyed)
    mistakes |= {
        f"the metric {metric.name!r}": (own - metric.offset) / metric.factor for metric in instrument.metrics[1:]
    }
    for words, wrong in mistakes.items():
        if np.allclose(given, wrong, rtol=0.0, atol=_TOLERANCE):
            return f"they are {words}"
    return ""


def to_own_metric(instrument: Instrument, totals: ArrayLike, metric: str | None = None) -> NDArray[np.float64]:
    """Return totals of one metric in the scale's own.

    Parameters
    ----------
    instrument : Instrument
        The scale and its metrics.
    totals : array_like of float, shape (n,)
        Totals in `metric`; NaN means "not known".
    metric : str, optional
        Name of the metric; it must be named if there are several, because most numbers are legal in both.

    Returns
    -------
    ndarray of float64, shape (n,)
        factor * total + offset.

    Raises
    ------
    OptionError
        If there is no such metric, or none is named where there are several.
    DataError
        If a total lies outside the range of the metric; the message names rows, never a value.

    Examples
    --------
    >>> from katoutcomes.instruments.catalog import instrument
    >>> to_own_metric(instrument("PHQ-9"), [4, float("nan")]).tolist()
    [4.0, nan]
    """
    chosen = instrument.metric(metric)
    given = as_floats(totals)
    wrong = ~np.isnan(given) & ~((given >= chosen.minimum) & (given <= chosen.maximum))
    if wrong.any():
        raise DataError(
            f"a total of the {instrument.name} in the metric {chosen.name!r} lies between {chosen.minimum:g} and "
            f"{chosen.maximum:g}; it does not in {row_numbers(wrong)}."
        )
    return np.asarray(chosen.factor * given + chosen.offset)
