"""Multiple imputation of scores at several visits: all imputations at once, as chains of batched regressions.

Scores are multivariate normal given the covariates. Written in order of time this is one regression a visit on the
covariates and the scores before it. Where patients are lost for good ("monotone" gaps) these regressions are all there
is: their parameters are drawn in closed form. Only a gap with a score after it makes them hang together; such gaps, and
no others, are drawn again in each sweep of a Markov chain (monotone data augmentation), one chain an imputation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

N_SWEEPS = 60
"""Sweeps of a chain before its imputation is taken; how far the chains agree over the second half is reported."""
PRIOR_PATIENTS = 1.0
"""The prior of each standardized covariate is worth one patient: it decides what the data leave open and no more."""
_SMALLEST = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class ScoresToImpute:
    """What the imputation model is about.

    Attributes
    ----------
    scores : ndarray of float64, shape (n_patients, T)
        In order of time; NaN where missing.
    arms : ndarray of int64, shape (n_patients,)
        0 for the comparator, then 1, 2, ...; every arm has a score at every visit.
    n_arms : int
        How many there are.
    covariates : ndarray of float64, shape (n_patients, p)
        Known for everybody; no NaN.
    """

    scores: Floats
    arms: Codes
    n_arms: int
    covariates: Floats


@dataclass(frozen=True, slots=True, eq=False)
class NormalDraws:
    """Draws of the parameters, one an imputation: means X B of the visits and the covariance around them.

    Attributes
    ----------
    coefficients : ndarray of float64, shape (m, K + p, T)
        Of the arms' indicators and of the covariates, which are centered and divided by their standard deviation.
    covariance : ndarray of float64, shape (m, T, T)
        Of the residuals.
    """

    coefficients: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Imputations:
    """Completed scores.

    Attributes
    ----------
    completed : ndarray of float64, shape (m, n_patients, T)
        What was seen as it is, what is missing drawn.
    draws : NormalDraws
        The parameters with which they were drawn.
    design : ndarray of float64, shape (n_patients, K + p)
        What the coefficients multiply.
    scale_reduction : float
        How much wider the chains together are than each alone in the arms' means at the last visit, over the second
        half of the sweeps (Gelman and Rubin; 1 is best). NaN where no gap has a score after it: nothing is iterated.
    """

    completed: Floats
    draws: NormalDraws
    design: Floats
    scale_reduction: float


def fewest_scores(data: ScoresToImpute) -> Codes:
    """Return, for each visit, how many scores its regression has beyond its coefficients; below 1 there is no draw.

    Examples
    --------
    >>> scores = np.array([[1.0, 2.0], [3.0, 4.5], [2.0, np.nan], [4.0, 5.0]])
    >>> fewest_scores(ScoresToImpute(scores, np.array([0, 0, 1, 1]), 2, np.empty((4, 0)))).tolist()
    [2, 0]
    """
    n_columns = data.n_arms + data.covariates.shape[1]
    n_visits = data.scores.shape[1]
    known = _last_seen(data.scores)[:, None] >= np.arange(n_visits)
    return np.asarray(known.sum(axis=0) - n_columns - np.arange(n_visits), dtype=np.int64)


def impute(
    data: ScoresToImpute, n_imputations: int, rng: np.random.Generator, *, n_sweeps: int = N_SWEEPS
) -> Imputations:
    """Draw every missing score `n_imputations` times.

    For each visit the residual variance is drawn as RSS / chi-square and the coefficients as normal around a ridge
    estimate whose penalty is worth `PRIOR_PATIENTS` patients a standardized covariate; arms and earlier scores are not
    penalized. Scores after the last one seen are drawn from these regressions in order of time; gaps before it from
    the multivariate normal distribution given everything seen of the patient.

    Parameters
    ----------
    data : ScoresToImpute
        Scores, arms and covariates.
    n_imputations : int
        How many, each the end of its own chain.
    rng : numpy.random.Generator
        Source of all draws.
    n_sweeps : int, default `N_SWEEPS`
        Length of the chains; of no consequence where no gap has a score after it.

    Raises
    ------
    ValueError
        If a visit has too few scores for its regression (see `fewest_scores`).

    References
    ----------
    Schafer JL. Analysis of Incomplete Multivariate Data. Chapman and Hall, 1997, section 6.5.
    Rubin DB. Multiple Imputation for Nonresponse in Surveys. Wiley, 1987, section 5.4.

    Examples
    --------
    >>> scores = np.array([[1.0, 2.0], [3.0, 4.5], [2.0, np.nan], [4.0, 5.0], [5.0, 6.5], [2.5, 4.0]])
    >>> found = impute(ScoresToImpute(scores, np.zeros(6, dtype=int), 1, np.empty((6, 0))), 3, np.random.default_rng(1))
    >>> found.completed.shape, bool(np.isnan(found.completed).any()), found.completed[0, 0].tolist()
    ((3, 6, 2), False, [1.0, 2.0])
    """
    if (fewest_scores(data) < 1).any():
        raise ValueError("a visit has too few scores for its regression.")
    design = _design(data)
    completed = np.repeat(data.scores[None], n_imputations, axis=0)
    gaps = _gaps(data.scores)
    steps = [_step(data, design, visit) for visit in range(data.scores.shape[1])]
    traces: list[Floats] = []
    if gaps:
        _fill_with_noise(completed, gaps, data.scores, rng)
        for _ in range(n_sweeps):
            sequence = [_drawn_regression(step, completed, design, rng) for step in steps]
            draws = _joint(sequence, design.shape[1])
            traces.append(draws.coefficients[:, : data.n_arms, -1])
            _draw_gaps(completed, gaps, draws, design, rng)
    sequence = [_drawn_regression(step, completed, design, rng) for step in steps]
    _draw_tails(completed, data.scores, sequence, design, rng)
    return Imputations(completed, _joint(sequence, design.shape[1]), design, _scale_reduction(traces))


def _design(data: ScoresToImpute) -> Floats:
    centered = data.covariates - data.covariates.mean(axis=0)
    scale = np.maximum(centered.std(axis=0), _SMALLEST)
    indicators = (data.arms[:, None] == np.arange(data.n_arms)).astype(np.float64)
    return np.column_stack([indicators, centered / scale])


def _last_seen(scores: Floats) -> Codes:
    """Return the position of the last score of each patient, -1 where there is none."""
    seen = ~np.isnan(scores)
    last = scores.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1)
    return np.where(seen.any(axis=1), last, -1)


# --- one regression a visit ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """The regression of one visit: what stays the same in all sweeps, and the patients whose gaps change."""

    visit: int
    fixed: Floats
    """Cross-products of covariates, earlier scores and the score, of patients without a gap up to here."""
    changing: Codes
    """Rows of the patients with a gap up to here."""
    penalty: Floats
    df: float


def _step(data: ScoresToImpute, design: Floats, visit: int) -> _Step:
    used = _last_seen(data.scores) >= visit
    upto = data.scores[:, : visit + 1]
    has_gap = used & np.isnan(upto).any(axis=1)
    rows = np.column_stack([design, upto])[used & ~has_gap]
    n_free, n_columns = data.n_arms, design.shape[1]
    penalty = np.zeros(n_columns + visit)
    penalty[n_free:n_columns] = PRIOR_PATIENTS
    return _Step(visit, rows.T @ rows, np.flatnonzero(has_gap), penalty, float(used.sum() - penalty.size))


@dataclass(frozen=True, slots=True, eq=False)
class _Regression:
    """Draws of the coefficients, shape (m, q + visit), and residual standard deviations, shape (m,), of a visit."""

    coefficients: Floats
    sd: Floats


def _drawn_regression(step: _Step, completed: Floats, design: Floats, rng: np.random.Generator) -> _Regression:
    m, size = len(completed), step.penalty.size
    products = np.repeat(step.fixed[None], m, axis=0)
    if step.changing.size:
        rows = _beside(design[step.changing], completed[:, step.changing, : step.visit + 1])
        products = products + rows.transpose(0, 2, 1) @ rows
    precision = products[:, :size, :size] + np.diag(step.penalty)
    right = products[:, :size, size]
    factor = np.linalg.cholesky(precision)
    center = np.linalg.solve(precision, right[:, :, None])[:, :, 0]
    explained = np.einsum("bi,bij,bj->b", center, products[:, :size, :size], center)
    rss = np.maximum(products[:, size, size] - 2.0 * np.einsum("bi,bi->b", center, right) + explained, _SMALLEST)
    sd = np.sqrt(rss / rng.chisquare(step.df, m))
    noise = np.linalg.solve(factor.transpose(0, 2, 1), rng.standard_normal((m, size))[:, :, None])[:, :, 0]
    return _Regression(center + sd[:, None] * noise, sd)


def _beside(design: Floats, scores: Floats) -> Floats:
    """Return the same covariates beside the scores of every imputation, shape (m, n, q + t)."""
    shared = np.broadcast_to(design, (len(scores), *design.shape))
    return np.concatenate([shared, scores], axis=2)


def _joint(sequence: list[_Regression], n_columns: int) -> NormalDraws:
    """Return means and covariance of all visits from the regressions of each on those before."""
    m, n_visits = len(sequence[0].sd), len(sequence)
    coefficients = np.empty((m, n_columns, n_visits))
    root = np.zeros((m, n_visits, n_visits))
    for visit, one in enumerate(sequence):
        slopes = one.coefficients[:, n_columns:]
        carried = np.einsum("bqt,bt->bq", coefficients[:, :, :visit], slopes)
        coefficients[:, :, visit] = one.coefficients[:, :n_columns] + carried
        root[:, visit] = np.einsum("bt,bts->bs", slopes, root[:, :visit])
        root[:, visit, visit] = one.sd
    return NormalDraws(coefficients, root @ root.transpose(0, 2, 1))


def _draw_tails(
    completed: Floats, scores: Floats, sequence: list[_Regression], design: Floats, rng: np.random.Generator
) -> None:
    """Fill in what comes after each patient's last score, visit by visit."""
    last = _last_seen(scores)
    for visit, one in enumerate(sequence):
        rows = np.flatnonzero(last < visit)
        before = _beside(design[rows], completed[:, rows, :visit])
        mean = np.einsum("bnq,bq->bn", before, one.coefficients)
        completed[:, rows, visit] = mean + one.sd[:, None] * rng.standard_normal(mean.shape)


# --- gaps with a score after them ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """Patients who have the same scores: the visits that are seen, and those to be drawn."""

    rows: Codes
    seen: Codes
    missing: Codes


def patterns_of(is_seen: NDArray[np.bool_], is_drawn: NDArray[np.bool_]) -> tuple[Pattern, ...]:
    """Return the patients sorted by what is seen and what is drawn of them, without those of whom nothing is drawn.

    Parameters
    ----------
    is_seen, is_drawn : ndarray of bool, shape (n_patients, T)
        Never both.

    Examples
    --------
    >>> seen = np.array([[True, False], [True, True], [True, False]])
    >>> [one.rows.tolist() for one in patterns_of(seen, ~seen)]
    [[0, 2]]
    """
    kept = np.flatnonzero(is_drawn.any(axis=1))
    kinds, which = np.unique(np.hstack([is_seen, is_drawn])[kept], axis=0, return_inverse=True)
    half = is_seen.shape[1]
    return tuple(
        Pattern(kept[which.ravel() == number], np.flatnonzero(kind[:half]), np.flatnonzero(kind[half:]))
        for number, kind in enumerate(kinds)
    )


def _gaps(scores: Floats) -> tuple[Pattern, ...]:
    seen = ~np.isnan(scores)
    before_last = np.arange(scores.shape[1]) < _last_seen(scores)[:, None]
    return patterns_of(seen, ~seen & before_last)


def _fill_with_noise(completed: Floats, gaps: tuple[Pattern, ...], scores: Floats, rng: np.random.Generator) -> None:
    """Begin each chain somewhere else: at the visit's mean with the visit's spread."""
    mean, sd = np.nanmean(scores, axis=0), np.nanstd(scores, axis=0)
    for gap in gaps:
        noise = rng.standard_normal((len(completed), gap.rows.size, gap.missing.size))
        completed[:, gap.rows[:, None], gap.missing] = mean[gap.missing] + sd[gap.missing] * noise


def _draw_gaps(
    completed: Floats, gaps: tuple[Pattern, ...], draws: NormalDraws, design: Floats, rng: np.random.Generator
) -> None:
    for gap in gaps:
        means = design[gap.rows] @ draws.coefficients
        draw_given_seen(completed, gap, means, draws.covariance, rng.standard_normal)


def draw_given_seen(
    completed: Floats,
    pattern: Pattern,
    means: Floats,
    covariance: Floats,
    standard_normal: Callable[[tuple[int, ...]], Floats],
) -> None:
    """Draw what is missing of the patients of one pattern given what is seen of them, in place.

    Parameters
    ----------
    completed : ndarray of float64, shape (m, n_patients, T)
        Holds what is seen, and is written to.
    pattern : Pattern
        Whose, and which visits.
    means : ndarray of float64, shape (m, n_rows, T)
        Of the pattern's patients at every visit.
    covariance : ndarray of float64, shape (m, T, T)
        Around the means.
    standard_normal : callable
        Takes a shape; with zeros for noise the expectation is written.
    """
    rows, seen, missing = pattern.rows[:, None], pattern.seen, pattern.missing
    left = covariance[:, missing[:, None], missing]
    expected = means[:, :, missing]
    if seen.size:
        across = covariance[:, seen[:, None], missing]
        slopes = np.linalg.solve(covariance[:, seen[:, None], seen], across)
        left = left - slopes.transpose(0, 2, 1) @ across
        expected = expected + (completed[:, rows, seen] - means[:, :, seen]) @ slopes
    diagonal = np.arange(missing.size)
    left[:, diagonal, diagonal] += _SMALLEST
    root = np.linalg.cholesky(left)
    noise = standard_normal(expected.shape)
    completed[:, rows, missing] = expected + noise @ root.transpose(0, 2, 1)


def _scale_reduction(traces: list[Floats]) -> float:
    """Return the largest potential scale reduction of the arms' means over the second half of the chains."""
    if len(traces) < 4:
        return float("nan")
    kept = np.stack(traces[len(traces) // 2 :])
    n = len(kept)
    within = kept.var(axis=0, ddof=1).mean(axis=0)
    between = kept.mean(axis=0).var(axis=0, ddof=1)
    return float(np.sqrt(((n - 1.0) / n * within + between) / np.maximum(within, _SMALLEST)).max())
