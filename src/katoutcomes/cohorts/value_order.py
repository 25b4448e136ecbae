"""The order of the patients in an analysis set: their values decide it, not their keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import Variable


def in_value_order(
    baseline: NDArray[np.float64], scores: NDArray[np.float64], variables: tuple[Variable, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[Variable, ...]]:
    """Put the patients in the order that their values decide, and make the arrays read-only.

    Parameters
    ----------
    baseline : ndarray of float64, shape (n_patients,)
    scores : ndarray of float64, shape (n_patients, n_visits)
    variables : tuple of Variable

    Returns
    -------
    baseline, scores, variables
        The same, reordered alike: by baseline, then each visit, then each variable, NaN last. Patients that tie in all
        of them are interchangeable, so neither keys nor input order can be told from the result.
    """
    return reordered(baseline, scores, variables, value_order(baseline, scores, variables))


def reordered(
    baseline: NDArray[np.float64],
    scores: NDArray[np.float64],
    variables: Iterable[Variable],
    order: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[Variable, ...]]:
    """Return the three with their patients in another order, every NaN and zero written one way, and read-only."""
    ordered = tuple(replace(variable, values=_read_only(variable.values[order])) for variable in variables)
    return _read_only(baseline[order]), _read_only(scores[order]), ordered


def value_order(
    baseline: NDArray[np.float64],
    scores: NDArray[np.float64],
    variables: tuple[Variable, ...],
    further: Sequence[NDArray[np.float64]] = (),
) -> NDArray[np.int64]:
    """Return the positions of the patients in the order of their values; `further` columns come last."""
    keys = [baseline, *scores.T, *(variable.values for variable in variables), *further]
    first = _joined(keys[:_FIRST_KEYS])
    # lexsort takes the most important key last, and keeps the order of those that tie.
    order: NDArray[np.int64] = np.lexsort(first[::-1])
    tied = _tied(order, first)
    # Those that tie stand next to each other, and among them the other keys decide; the groups keep their places.
    group = np.cumsum(~tied)[_beside(tied)]
    ones = order[_beside(tied)]
    order[_beside(tied)] = ones[np.lexsort([*(key[ones] for key in keys[: _FIRST_KEYS - 1 : -1]), group])]
    return order


_FIRST_KEYS = 8
"""So many keys tell most patients apart; only among those who tie in them are the others looked at."""
_MOST_JOINED = 2**62
_MOST_DIGITS = 2**53 - 1  # whole numbers up to here differ as floats


def _joined(keys: Sequence[NDArray[np.float64]]) -> list[NDArray[Any]]:
    """Return fewer keys that put into the same order: neighbors that are whole numbers become digits of one number."""
    joined: list[NDArray[Any]] = []
    n_values = _MOST_JOINED  # of the last of `joined`
    for key in keys:
        unknown = np.isnan(key)
        low, high = (0.0, 0.0) if unknown.all() else (np.nanmin(key), np.nanmax(key))
        is_finite = np.isfinite(low) and np.isfinite(high)
        if not (is_finite and high - low < _MOST_DIGITS) or (key[~unknown] % 1).any():
            joined.append(key)
            n_values = _MOST_JOINED
            continue
        span = high - low + 1
        digit = np.where(unknown, span, key - low).astype(np.int64)  # not known comes last
        n_digits = int(span) + 1
        if n_values * n_digits < _MOST_JOINED:
            joined[-1] *= n_digits
            joined[-1] += digit
            n_values *= n_digits
        else:
            joined.append(digit)
            n_values = n_digits
    return joined


def _tied(order: NDArray[np.int64], keys: Sequence[NDArray[Any]]) -> NDArray[np.bool_]:
    """Return who ties in all keys with the one before in the order."""
    tied = np.zeros(len(order), dtype=np.bool_)
    tied[1:] = True
    for key in keys:
        ordered = key[order]
        same = (ordered[1:] == ordered[:-1]) | (np.isnan(ordered[1:]) & np.isnan(ordered[:-1]))
        tied[1:] &= same
    return tied


def _beside(tied: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return who ties with the one before or with the one after."""
    beside = tied.copy()
    beside[:-1] |= tied[1:]
    return beside


def _read_only(taken: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an array that was just made, one way of writing for each number, and no longer to be written."""
    # Adding 0.0 turns -0.0 into 0.0, and every NaN gets the same bits, so that equal arrays have equal bytes.
    taken += 0.0
    taken[np.isnan(taken)] = np.nan
    taken.setflags(write=False)
    return taken
