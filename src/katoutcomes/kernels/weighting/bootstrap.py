"""The patient bootstrap of a whole analysis: frequencies in, estimates out, block by block.

Random numbers belong to blocks of a fixed size, each with its own stream, and every block is computed by calls of the
same shape. So results are the same bits whatever the number of workers or of blocks that are in memory at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BLOCK = 100
"""Replicates in a block. It is part of the random stream, so changing it changes the draws."""


def seed_entropy(rng: np.random.Generator | int) -> int:
    """Return the number that all streams grow from: the seed itself, or 128 bits drawn from a generator."""
    if isinstance(rng, np.random.Generator):
        return int.from_bytes(rng.bytes(16), "little")
    return int(rng)


def frequencies_of_block(
    entropy: int, block: int, n_replicates: int, n_patients: int, units: NDArray[np.int64] | None = None
) -> Floats:
    """Return how often each patient is drawn in each replicate of a block, shape (n_replicates, n_patients).

    Parameters
    ----------
    entropy, block : int
        Which stream.
    n_replicates : int
        At most `BLOCK`; fewer are the first of it.
    n_patients : int
        How many patients; as many are drawn, with replacement.
    units : ndarray of int64, shape (n_patients,), optional
        Codes 0, 1, ... of clinics that are drawn instead, each with all of its patients.

    Examples
    --------
    >>> frequencies_of_block(7, 0, 2, 5).sum(axis=1).tolist()
    [5.0, 5.0]
    """
    n_units = n_patients if units is None else int(units.max()) + 1
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy, spawn_key=(block,))))
    drawn = rng.integers(0, n_units, size=(BLOCK, n_units))[:n_replicates]
    offsets = n_units * np.arange(n_replicates)[:, None]
    counts = np.bincount((drawn + offsets).ravel(), minlength=n_replicates * n_units)
    frequencies = counts.reshape(n_replicates, n_units).astype(np.float64)
    return frequencies if units is None else frequencies[:, units]


def bootstrap(
    statistic: Callable[[Floats], Floats],
    n_patients: int,
    n_replicates: int,
    entropy: int,
    *,
    units: NDArray[np.int64] | None = None,
    n_workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Floats:
    """Return the statistic of every replicate, shape (n_replicates, k).

    Parameters
    ----------
    statistic : callable
        Takes frequencies of shape (B, n_patients), returns estimates of shape (B, k); NaN where there is none.
    n_patients, n_replicates : int
        Size of the data and number of replicates.
    entropy : int
        See `seed_entropy`.
    units : ndarray of int64, optional
        As in `frequencies_of_block`.
    n_workers : int, default 1
        Threads; each holds one block in memory.
    progress : callable, optional
        Called with replicates done and in all, after each block.

    Examples
    --------
    >>> values = np.array([1.0, 2.0, 6.0])
    >>> def mean(frequencies):
    ...     return (frequencies @ values / frequencies.sum(axis=1))[:, None]
    >>> bool((bootstrap(mean, 3, 120, 7) == bootstrap(mean, 3, 120, 7, n_workers=3)).all())
    True
    """
    sizes = [min(BLOCK, n_replicates - first) for first in range(0, n_replicates, BLOCK)]

    def one_block(number: int) -> Floats:
        return statistic(frequencies_of_block(entropy, number, sizes[number], n_patients, units))

    if n_workers == 1:
        blocks = map(one_block, range(len(sizes)))
        return np.concatenate(list(_told(blocks, sizes, progress)))
    with ThreadPoolExecutor(n_workers) as pool:
        return np.concatenate(list(_told(pool.map(one_block, range(len(sizes))), sizes, progress)))


def _told(blocks: Iterable[Floats], sizes: list[int], progress: Callable[[int, int], None] | None) -> Iterator[Floats]:
    """Yield the blocks as they come, and tell how far they are."""
    done = 0
    for block, size in zip(blocks, sizes, strict=True):
        done += size
        if progress is not None:
            progress(done, sum(sizes))
        yield block


@dataclass(frozen=True, slots=True)
class BootstrapInterval:
    """What the replicates of one number say.

    Attributes
    ----------
    std_error : float
        Their standard deviation.
    conf_low, conf_high : float
        Percentile limits (type 7 quantiles).
    p_value : float
        Twice the smaller share of replicates at or beyond 0 on one side, (1 + count) / (1 + replicates); at most 1.
    n_replicates : int
        Replicates with a value; the others could not be estimated and are left out.
    """

    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    n_replicates: int


def percentile_interval(replicates: Floats, conf_level: float) -> BootstrapInterval:
    """Summarize the replicates of one number.

    Parameters
    ----------
    replicates : ndarray of float64, shape (n_replicates,)
        NaN where a replicate has no estimate.
    conf_level : float
        Between 0 and 1.

    References
    ----------
    Efron B, Tibshirani RJ. An Introduction to the Bootstrap. Chapman and Hall, 1993, chapters 13 and 15.

    Examples
    --------
    >>> found = percentile_interval(np.arange(1.0, 102.0), 0.9)
    >>> round(found.conf_low, 9), round(found.conf_high, 9), found.n_replicates
    (6.0, 96.0, 101)
    """
    known = replicates[np.isfinite(replicates)]
    if known.size < 2:
        return BootstrapInterval(*(math.nan,) * 4, n_replicates=int(known.size))
    tail = (1.0 - conf_level) / 2.0
    low, high = np.quantile(known, [tail, 1.0 - tail])
    beyond = min(int((known <= 0.0).sum()), int((known >= 0.0).sum()))
    p_value = min(1.0, 2.0 * (1 + beyond) / (1 + known.size))
    return BootstrapInterval(float(known.std(ddof=1)), float(low), float(high), p_value, int(known.size))
