"""The axis that scores are drawn on: the whole range of the instrument, with the better end named."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.instruments.catalog import instruments
from katoutcomes.results.formatting import format_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axis import Axis

    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.result import ResultRecord

_TICK_STEPS: tuple[float, ...] = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_MOST_INTERVALS = 7


@dataclass(frozen=True, slots=True)
class ScoreScale:
    """A score axis.

    Attributes
    ----------
    instrument : str
        Name of the instrument, as papers print it.
    low, high : float
        Ends of the axis.
    better : {"lower", "higher", ""}
        Which scores are better; ``""`` where neither is, or the catalog does not know the instrument and none was
        given.
    is_whole_range : bool
        Whether the ends are those of the instrument; otherwise they are those of what is drawn, 0 included.
    """

    instrument: str
    low: float
    high: float
    better: str
    is_whole_range: bool

    @property
    def arrow(self) -> str:
        """The better direction as a sign and words, ``""`` where it is not known."""
        signs = {"lower": "\u2193 lower is better", "higher": "\u2191 higher is better"}
        return signs.get(self.better, "")

    def sentence(self) -> str:
        """Return what a reader must know about the axis."""
        low, high = (format_number(end, 1, trailing_zeros=False) for end in (self.low, self.high))
        if self.is_whole_range:
            return f"The axis is the whole range of the {self.instrument}, {low} to {high}."
        return f"The axis goes from {low} to {high}; it need not be the whole range of the instrument."

    def set_axis(self, axis: Axis) -> None:
        """Give a matplotlib axis its ticks, with text from `results/formatting.py`."""
        ticks = nice_ticks(self.low, self.high)
        axis.set_ticks(ticks, [format_number(tick, 1, trailing_zeros=False) for tick in ticks])


def _tick_step(low: float, high: float) -> float:
    return next((step for step in _TICK_STEPS if (high - low) / step <= _MOST_INTERVALS), _TICK_STEPS[-1])


def nice_ticks(low: float, high: float) -> list[float]:
    """Return round numbers between two ends, at most eight.

    Examples
    --------
    >>> nice_ticks(0, 27)
    [0.0, 5.0, 10.0, 15.0, 20.0, 25.0]
    """
    step = _tick_step(low, high)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(number * step) for number in range(first, last + 1)]


def score_scale(result: ResultRecord, drawn: Iterable[float], instrument: Instrument | None = None) -> ScoreScale:
    """Return the axis for the scores of a result.

    Parameters
    ----------
    result : ResultRecord
        Its estimand names the instrument.
    drawn : iterable of float
        Every score that is drawn, limits of intervals included; NaN is ignored.
    instrument : Instrument, optional
        The instrument, where it is not one of the catalog's.

    Returns
    -------
    ScoreScale
        The instrument's range, widened where an interval reaches beyond it; the range of what is drawn, 0 included,
        where the instrument is not known.
    """
    name = result.estimand.endpoint.instrument
    known = [value for value in drawn if not math.isnan(value)]
    found = instrument or next((entry for entry in instruments() if entry.name == name), None)
    if found is not None:
        low, high = min([float(found.minimum), *known]), max([float(found.maximum), *known])
        is_whole_range = (low, high) == (found.minimum, found.maximum)
        better = {-1: "lower", 1: "higher"}.get(found.sign, "")
        return ScoreScale(name, low, high, better, is_whole_range)
    low, high = min([0.0, *known]), max([1.0, *known])
    step = _tick_step(low, high)
    rounded = math.floor(low / step) * step, math.ceil(high / step) * step
    return ScoreScale(name or "score", *rounded, better="", is_whole_range=False)
