"""From a total to a severity band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.errors import DataError
from katoutcomes.instruments.answers import as_floats, row_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from katoutcomes.instruments.instrument import Instrument


@dataclass(frozen=True, slots=True, eq=False)
class BandedScores:
    """Severity bands of scores.

    Attributes
    ----------
    labels : tuple of str
        Bands from least to most severe.
    codes : ndarray of int64, shape (n,)
        Position in `labels`; -1 where the score is not known, or lies between two bands.
    definition_set : str
        Id of the cited definition that was used.
    n_between_bands : int
        How many scores lie between the end of a band and the start of the next. Only prorated totals do, where the rule
        does not round them; no source says to which band they belong.
    """

    labels: tuple[str, ...]
    codes: NDArray[np.int64]
    definition_set: str
    n_between_bands: int = 0


def severity_band(instrument: Instrument, scores: ArrayLike, name: str | None = None) -> BandedScores:
    """Return the severity band of each score.

    Parameters
    ----------
    instrument : Instrument
        The scale and its cited bands.
    scores : array_like of float, shape (n,)
        Totals in the scale's own metric; NaN and masked values mean "not known". Where bands of continuous totals share
        an end, a total on it belongs to the more severe one. Where a prorating rule of the scale leaves totals
        unrounded, a total may lie between two of its steps; it is then in a band, or between two and in none.
    name : str, optional
        Id of the bands, with or without the instrument's id; the default bands where none is named.

    Returns
    -------
    BandedScores
        Labels and codes.

    Raises
    ------
    DataError
        If a score is not a total that the scale can have; the message names rows, never a value.
    OptionError
        If the instrument has no such bands, or no default ones.

    Examples
    --------
    >>> from katoutcomes.instruments.catalog import instrument
    >>> banded = severity_band(instrument("HAM-A"), [7, 8, float("nan"), 24])
    >>> [banded.labels[code] if code >= 0 else "not known" for code in banded.codes]
    ['none or minimal', 'mild', 'not known', 'severe']

    Nine items of the CORE-10 may make a prorated total between its bands 0 to 10 and 11 to 14.

    >>> prorated = severity_band(instrument("CORE-10"), [95 / 9, 100 / 9])
    >>> prorated.codes.tolist(), prorated.n_between_bands
    ([-1, 1], 1)
    """
    definition = instrument.definition("bands", name)
    totals = as_floats(scores)
    if totals.ndim != 1:
        raise DataError(f"the scores must be one column of numbers; their shape is {totals.shape}.")
    known = ~np.isnan(totals)
    wrong = known & ~_is_total(instrument, totals)
    if wrong.any():
        step = 0.0 if _may_be_unrounded(instrument) else instrument.scoring.step
        kind = "whole number" if step and float(step).is_integer() else "number"
        raise DataError(
            f"a total of the {instrument.name} is a {kind} from {instrument.minimum:g} to {instrument.maximum:g}; "
            f"it is not in {row_numbers(wrong)}."
        )
    codes = np.full(totals.shape, -1, dtype=np.int64)
    for code, band in enumerate(definition.bands):
        reached = totals <= band.high if instrument.sign > 0 else totals >= band.low
        codes[known & reached] = code  # from least to most severe: the last one that is reached stays
    inside = [(totals >= band.low) & (totals <= band.high) for band in definition.bands]
    between = known & ~_is_on_step(instrument, totals) & ~np.any(inside, axis=0)
    codes[between] = -1
    return BandedScores(tuple(band.label for band in definition.bands), codes, definition.id, int(between.sum()))


def _is_total(instrument: Instrument, totals: NDArray[np.float64]) -> NDArray[np.bool_]:
    inside = (totals >= instrument.minimum) & (totals <= instrument.maximum)
    return np.asarray(inside if _may_be_unrounded(instrument) else inside & _is_on_step(instrument, totals))


def _may_be_unrounded(instrument: Instrument) -> bool:
    """Whether a prorated total may lie between two steps."""
    return any(rule.rounding == "none" for rule in instrument.prorating)


def _is_on_step(instrument: Instrument, totals: NDArray[np.float64]) -> NDArray[np.bool_]:
    step = instrument.scoring.step
    if step == 0.0:
        return np.ones(totals.shape, dtype=np.bool_)
    steps = (totals - instrument.minimum) / step
    return np.isclose(steps, np.rint(steps), rtol=0.0, atol=1e-6)
