"""How far the missing scores would have to be from what was assumed: tipping points, and a grid over both arms."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.resamples import estimate_of
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_number, format_percent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.resamples import Interval
    from katoutcomes.kernels.groups.delta_adjustment import DeltaAdjustment

    Floats = NDArray[np.float64]

TIPPING, GRID = "tipping point", "tipping grid"
LARGEST_DELTA = 8.0 / 27.0
"""Of the instrument's range: 8 points of the PHQ-9."""
_STEPS_OF_DELTA = 64
_UNITS = 27.0
"""The grid's units are this part of the instrument's range: points of the PHQ-9."""
_OF_TREATED, _OF_COMPARATOR = (0.0, 2.0, 4.0, 6.0, 8.0), (-4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0)
"""Deltas in these units, towards no difference where both are positive and the other arm's is 0."""
AS_ASSUMED = f"{GRID}: as assumed"
"""Term of the share of the missing of an arm with which the completed data give the answer."""
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the missing of an arm who had a binary outcome."""
FAVORABLE = ("more favorable", "less favorable")
"""How it is said of missing scores which way they move."""
_INTERVAL, _TOO_SMALL = "until the interval holds 0", "until the difference is too small to matter"


@dataclass(frozen=True, slots=True, eq=False)
class MissingScores:
    """A difference of two arms, and how it moves with the missing scores of each.

    Attributes
    ----------
    difference : Interval
        As it is reported.
    slopes : ndarray of float64, shape (2,)
        By how much it rises with a point more in the missing scores of the comparator, of the treated.
    conf_level : float
        Of its interval.
    replicates : ndarray of float64, shape (n_replicates,), or None
        The difference in each resample, where there are resamples.
    replicate_slopes : ndarray of float64, shape (n_replicates, 2), or None
        The slopes in each resample.
    """

    difference: Interval
    slopes: Floats
    conf_level: float
    replicates: Floats | None = None
    replicate_slopes: Floats | None = None

    @property
    def direction(self) -> float:
        """In which direction the scores of the treated must move for the difference to come nearer to 0."""
        return -1.0 if self.difference.estimate > 0.0 else 1.0

    def moved(self, comparator: Floats, treated: Floats) -> DeltaAdjustment:
        """Return the difference with so much added to the missing scores, in `direction`."""
        import numpy as np

        from katoutcomes.kernels.groups.delta_adjustment import adjusted_by_deltas

        return adjusted_by_deltas(
            self.difference.estimate,
            (self.difference.conf_low, self.difference.conf_high),
            self.slopes,
            self.direction * np.column_stack([comparator, treated]),
            replicates=self.replicates,
            replicate_slopes=self.replicate_slopes,
            conf_level=self.conf_level,
        )


@dataclass(frozen=True, slots=True, eq=False)
class MissingEvents:
    """What a difference of shares becomes with each pair of shares of the missing who had the outcome.

    Attributes
    ----------
    shares : ndarray of float64, shape (25, 2)
        Of the missing of the comparator, of the treated.
    differences : tuple of Interval
        With each pair.
    assumed : ndarray of float64, shape (2,)
        The shares, between 0 and 1, with which the risks of the completed data are those of the answer; NaN where
        nobody of an arm is missing.
    """

    shares: Floats
    differences: tuple[Interval, ...]
    assumed: Floats


def shares_of_missing() -> Floats:
    """Return the pairs of shares of the grid, of the comparator and of the treated, shape (25, 2)."""
    import numpy as np

    return np.array([(comparator, treated) for treated in _SHARES for comparator in _SHARES])


def event_grid_rows(
    events: MissingEvents, subgroups: tuple[str, str], conf_level: float, fields: dict[str, Any]
) -> Iterator[Estimate]:
    """Yield what is assumed of the missing of the comparator and of the treated, and the difference with each pair.

    Parameters
    ----------
    events : MissingEvents
        The differences.
    subgroups : tuple of str
        The comparator, the treated.
    conf_level : float
        Of the intervals.
    fields : dict
        Further fields of the rows: the measure and the unit of a difference that is none of shares among them.
    """
    of_share = {name: value for name, value in fields.items() if name not in {"measure", "unit"}}
    of_difference = {"measure": "difference in proportions"} | fields
    for subgroup, share in zip(subgroups, events.assumed.tolist(), strict=True):
        yield Estimate(term=AS_ASSUMED, measure="adjusted share", estimate=share, subgroup=subgroup, **of_share)
    for (comparator, treated), difference in zip(events.shares.tolist(), events.differences, strict=True):
        yield estimate_of(
            difference,
            conf_level,
            term=f"{GRID}: treated {format_percent(treated)}, comparator {format_percent(comparator)}",
            **of_difference,
        )


def room_of(events: MissingEvents | None, direction: float) -> float:
    """Return by how much a share of the missing of the treated can move before it is 0 or 1."""
    assumed = math.nan if events is None else float(events.assumed[1])
    if math.isnan(assumed):
        return 0.0
    return assumed if direction < 0.0 else 1.0 - assumed


def tipping_rows(
    missing: MissingScores,
    words: str,
    *,
    largest: float,
    smallest_important: float,
    sd: float,
    fields: dict[str, Any],
) -> Iterator[Estimate]:
    """Yield how far the missing scores of the treated alone must move until the conclusion does.

    Parameters
    ----------
    missing : MissingScores
        The difference.
    words : str
        What moves, and in which direction.
    largest : float
        The furthest that is tried.
    smallest_important : float
        The difference below which nothing matters; NaN where none is named.
    sd : float
        Standard deviation of the scores, of which the tipping point is also told; NaN where the outcome is no score.
    fields : dict
        Further fields of the rows, the unit among them.
    """
    import numpy as np

    from katoutcomes.kernels.groups.sensitivity import tipping_point

    steps = np.linspace(0.0, largest, _STEPS_OF_DELTA + 1)
    found = missing.moved(np.zeros_like(steps), steps)
    point = tipping_point(steps, found.estimate, found.conf_low, found.conf_high, smallest_important)
    measure = "tipping point" if fields["unit"] else "tipping point of a share"
    reasons = [(_INTERVAL, point.to_interval)]
    if smallest_important > 0.0:
        reasons.append((_TOO_SMALL, point.to_threshold))
    for reason, value in reasons:
        yield Estimate(term=f"{TIPPING}: {words}, {reason}", measure=measure, estimate=value, **fields)
    if sd > 0.0:
        term = f"{TIPPING}: {words}, {_INTERVAL}, in standard deviations of the scores"
        in_sd = fields | {"unit": "SD"}
        yield Estimate(term=term, measure="tipping point", estimate=point.to_interval / sd, **in_sd)


def grid_rows(missing: MissingScores, span: float, sign: int, fields: dict[str, Any]) -> Iterator[Estimate]:
    """Yield the difference with the missing scores of both arms moved, each by its own delta.

    Parameters
    ----------
    missing : MissingScores
        The difference.
    span : float
        Range of the instrument, of which a twenty-seventh is a unit of the grid: a point of the PHQ-9.
    sign : int
        1 where a higher score is better, -1 where it is worse, 0 where it is neither.
    fields : dict
        Further fields of the rows.
    """
    import numpy as np

    unit = span / _UNITS
    pairs = np.array([(comparator, treated) for treated in _OF_TREATED for comparator in _OF_COMPARATOR]) * unit
    found = missing.moved(pairs[:, 0], pairs[:, 1])
    for place, (comparator, treated) in enumerate((missing.direction * pairs).tolist()):
        low, high = float(found.conf_low[place]), float(found.conf_high[place])
        yield Estimate(
            term=f"{GRID}: treated {_moved(treated, sign)}, comparator {_moved(comparator, sign)}",
            measure="difference in means",
            estimate=float(found.estimate[place]),
            conf_low=low,
            conf_high=high,
            conf_level=math.nan if math.isnan(low) else missing.conf_level,
            **fields,
        )


def _moved(points: float, sign: int) -> str:
    if points == 0.0:
        return "as assumed"
    return f"{format_number(abs(points), 1, trailing_zeros=False)} points {in_direction(points, sign)}"


def in_direction(points: float, sign: int, words: tuple[str, str] = ("better", "worse")) -> str:
    """Return what a change of a score is called, by `words` unless a high score is neither good nor bad.

    Examples
    --------
    >>> in_direction(2.0, -1), in_direction(-2.0, -1), in_direction(2.0, 0)
    ('worse', 'better', 'higher')
    """
    if sign == 0:
        return "higher" if points > 0.0 else "lower"
    return words[0] if points * sign > 0.0 else words[1]
