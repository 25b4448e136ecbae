"""Checks of the internal consistency of a scale: enough patients, a model that holds, items that go together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from katoutcomes.results.check import Check

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.kernels.reliability.internal_consistency import Alpha, Omega

PATIENTS_LIMIT = 30
"""With fewer complete questionnaires the limits of alpha lie so far apart that the number says next to nothing. A
convention."""

RMSEA_LIMIT = 0.08
"""Above it one factor describes the items poorly (Browne and Cudeck 1993)."""


def item_checks(scale: Instrument, alpha: Alpha, omega: Omega) -> tuple[Check, ...]:
    """Return what a reader of the coefficients must know of the patients, the model and the items.

    Parameters
    ----------
    scale : Instrument
        Its first published internal consistency is held against alpha.
    alpha, omega : Alpha, Omega
        What was found.
    """
    patients = _patients_check(alpha)
    if not patients.passed:
        # The result is withheld anyway, and what is said of the model of few patients would tell something about them.
        return (patients,)
    return (
        patients,
        _model_check(omega),
        _one_factor_check(omega),
        _direction_check(omega),
        *_published_check(scale, alpha),
    )


def _patients_check(alpha: Alpha) -> Check:
    enough = alpha.n_complete >= PATIENTS_LIMIT
    return Check(
        name="complete questionnaires",
        passed=enough,
        severity="withhold",
        value=float(alpha.n_complete),
        limit=float(PATIENTS_LIMIT),
        message=(
            "Enough patients have a complete questionnaire."
            if enough
            else "Too few patients have a complete questionnaire to say how far its items agree."
        ),
    )


def _model_check(omega: Omega) -> Check:
    from katoutcomes.kernels.reliability.one_factor import CONVERGED, HEYWOOD, NOT_CONVERGED, NOT_IDENTIFIED, SINGULAR

    messages = {
        CONVERGED: "The one-factor model converged to an inner maximum.",
        HEYWOOD: (
            "The one-factor model is a Heywood case: it gives all of an item's variance to the factor, so omega is not "
            "to be relied on and has no interval."
        ),
        NOT_CONVERGED: "The one-factor model did not converge, so there is no omega.",
        SINGULAR: (
            "There are no more patients than items, or an item follows from others, so there is no one-factor model "
            "and no omega."
        ),
        NOT_IDENTIFIED: (
            "Two items do not determine a factor, so there is no omega; their standardized alpha is the Spearman-Brown "
            "coefficient."
        ),
    }
    status = omega.model.status
    return Check(
        name="one-factor model",
        passed=status == CONVERGED,
        severity="caution",
        value=math.nan,
        limit=math.nan,
        message=messages[status],
    )


def _one_factor_check(omega: Omega) -> Check:
    fits = not omega.model.rmsea > RMSEA_LIMIT  # NaN, where nothing is left to test, passes
    return Check(
        name="fit of one factor",
        passed=fits,
        severity="note",
        value=omega.model.rmsea,
        limit=RMSEA_LIMIT,
        message=(
            "Nothing speaks against one factor behind the items."
            if fits
            else "One factor describes the items poorly (root mean square error of approximation), so alpha and omega "
            "mix several things."
        ),
    )


def _direction_check(omega: Omega) -> Check:
    n_against = int((omega.model.standardized_loadings < 0.0).sum())
    return Check(
        name="direction of the items",
        passed=n_against == 0,
        severity="caution",
        value=math.nan,
        limit=math.nan,
        message=(
            "No item runs against the others."
            if n_against == 0
            else "An item runs against the others: look at how it was keyed before the totals are used."
        ),
    )


def _published_check(scale: Instrument, alpha: Alpha) -> tuple[Check, ...]:
    """Compare with the first published internal consistency, if one is known."""
    known = next((one for one in scale.reliabilities if one.kind == "internal_consistency"), None)
    if known is None:
        return ()
    inside = alpha.conf_low <= known.value <= alpha.conf_high
    return (
        Check(
            name="published internal consistency",
            passed=inside,
            severity="note",
            value=alpha.estimate,
            limit=known.value,
            message=(
                "The published internal consistency lies inside the interval of alpha."
                if inside
                else "The published internal consistency lies outside the interval of alpha, so a threshold of "
                "reliable change made from it is not that of these patients."
            ),
        ),
    )
