"""How far the items of a questionnaire agree in a clinic's own patients: coefficient alpha and McDonald's omega."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.choices import require_conf_level
from katoutcomes.analyses.steps.item_checks import item_checks
from katoutcomes.errors import DesignError, NumericalError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.instruments.catalog import instrument as instrument_called
from katoutcomes.instruments.catalog import subscales
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_level
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, Result
from katoutcomes.vocabulary import SCHEMA_VERSION

if TYPE_CHECKING:
    from katoutcomes.cohorts.item_answers import ItemAnswers
    from katoutcomes.kernels.reliability.internal_consistency import Alpha, Omega
    from katoutcomes.registry.registry import Registry

_SOURCES = (
    (
        "Cronbach LJ. Coefficient alpha and the internal structure of tests. Psychometrika 1951;16:297-334. "
        "doi:10.1007/BF02310555"
    ),
    (
        "Feldt LS. The approximate sampling distribution of Kuder-Richardson reliability coefficient twenty. "
        "Psychometrika 1965;30:357-370. doi:10.1007/BF02289499"
    ),
    "McDonald RP. Test theory: a unified treatment. Mahwah: Erlbaum; 1999",
    (
        "Zinbarg RE, Revelle W, Yovel I, Li W. Cronbach's alpha, Revelle's beta, and McDonald's omega H. Psychometrika "
        "2005;70:123-133. doi:10.1007/s11336-003-0974-7"
    ),
    (
        "Kelley K, Pornprasertmanit S. Confidence intervals for population reliability coefficients. Psychol Methods "
        "2016;21:69-92. doi:10.1037/a0040086"
    ),
)
_WHICH_WORDS = {
    "first": "the earliest complete questionnaire of each patient",
    "last": "the latest complete questionnaire of each patient",
    "baseline": "the latest complete questionnaire of each patient before the first dose",
}
_WHY_NOT = {
    "domains": (
        "is scored by the largest item of each domain and not by adding its items; alpha and omega are about sums of "
        "items"
    ),
    "none": "has no total that is a sum of its items; alpha and omega are about such sums",
}


def internal_consistency(
    registry: Registry,
    instrument: str | Instrument,
    *,
    which: str = "first",
    day_window: tuple[int, int] | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Report how far the items of a scale agree in the clinic's own patients, beside what others published.

    One questionnaire of each patient is used, because several of one patient are not independent. Reverse-keyed items
    are reversed first; a questionnaire counts only if every item is answered.

    Parameters
    ----------
    registry : Registry
        The checked data, with item answers in its scores.
    instrument : str or Instrument
        A scale, or a sub-scale, whose total is a sum or a mean of two items or more.
    which : {"first", "last", "baseline"}
        The earliest complete questionnaire of a patient, the latest, or the latest before the first dose.
    day_window : (int, int), optional
        First and last day on which a questionnaire counts, from the patient's index day. By default any day; for the
        baseline the fourteen days before the first dose and its day.
    conf_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Result
        Coefficient alpha with Feldt's interval, standardized alpha, and omega of a one-factor model with its
        delta-method interval; for every item alpha without it, its correlation with the sum of the others, and its
        standardized loading; the published reliabilities of the catalog as constants, the source of each in
        `definition_set`; and how many questionnaires could not be used. Omega and the loadings are NaN where no
        one-factor model was found, and omega has no interval where the model is a Heywood case; a check says so.

    Raises
    ------
    DesignError
        If the total of the scale is not a sum or a mean of two items or more, or fewer than two patients have a
        complete questionnaire.
    NumericalError
        If all patients answered an item alike, or the items cancel so that their sum does not vary.
    OptionError
        If there is no such scale or choice, or the level or the window is outside its range.

    References
    ----------
    Feldt LS. Psychometrika 1965;30:357-370. doi:10.1007/BF02289499. McDonald RP. Test theory: a unified treatment.
    Erlbaum 1999. Zinbarg RE et al. Psychometrika 2005;70:123-133. doi:10.1007/s11336-003-0974-7. Kelley K,
    Pornprasertmanit S. Psychol Methods 2016;21:69-92. doi:10.1037/a0040086.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=120)
    >>> result = kat.internal_consistency(registry, "PHQ-9")
    >>> [one.term for one in result.estimates if one.measure.startswith("coefficient")][:2]
    ['alpha', 'omega']
    >>> for one in result.select(measure="published reliability"):
    ...     print(one.term, one.estimate)
    published, internal consistency 0.89
    published, retest 0.737
    """
    from katoutcomes.cohorts.item_answers import item_answers
    from katoutcomes.kernels.reliability.internal_consistency import coefficient_alpha, coefficient_omega

    require_conf_level(conf_level)
    scale = instrument_called(instrument) if isinstance(instrument, str) else instrument
    _require_sum_of_items(scale)
    items = item_answers(registry, scale, which=which, day_window=day_window)
    _require_variation(scale, items)
    alpha = coefficient_alpha(items.answers, conf_level)
    omega = coefficient_omega(items.answers, conf_level)
    if math.isnan(alpha.estimate):
        raise NumericalError(f"the items of the {scale.name} cancel: their sum is the same for every patient.")
    own = (*_coefficients(alpha, omega, conf_level), *_by_item(items, alpha, omega), *_counts(items))
    estimates = (*own, *_published(scale))
    return Result(
        analysis="internal_consistency",
        title=f"Internal consistency of the {scale.name}",
        estimand=_estimand(scale, which),
        method=_method(which, conf_level),
        estimates=tuple(replace(one, instrument=scale.name, cohort="patients of the registry") for one in estimates),
        provenance=Provenance(
            source="registry",
            digest=registry.digest,
            settings=_settings(registry, scale, which, day_window),
            is_synthetic=registry.is_synthetic,
        ),
        assumptions=_assumptions(scale),
        checks=item_checks(scale, alpha, omega),
    )


def _require_sum_of_items(scale: Instrument) -> None:
    if scale.scoring.kind in _WHY_NOT:
        parts = [part.name for part in subscales(scale) if part.scoring.kind not in _WHY_NOT and part.n_items > 1]
        hint = f" Its sub-scales {', '.join(parts)} have one." if parts else ""
        raise DesignError(f"the {scale.name} {_WHY_NOT[scale.scoring.kind]}.{hint}")
    if scale.n_items < 2:
        raise DesignError(f"internal consistency needs two items or more; the {scale.name} has {scale.n_items}.")


def _require_variation(scale: Instrument, items: ItemAnswers) -> None:
    """Raise an error unless there are two patients or more and every item varies."""
    if items.n_patients < 2:
        raise DesignError(
            f"fewer than two patients have a {scale.name} with every item answered in this span of days; totals "
            "without items say nothing about internal consistency."
        )
    constant = [
        str(number)
        for number, column in zip(items.item_numbers, items.answers.T, strict=True)
        if bool((column == column[0]).all())
    ]
    if constant:
        listed = f"item{'s' if len(constant) > 1 else ''} {', '.join(constant)}"
        raise NumericalError(
            f"all patients gave the same answer to {listed} of the {scale.name}, so the items' covariances do not "
            "show how far they agree. Look at more patients, or at other days."
        )


def _coefficients(alpha: Alpha, omega: Omega, conf_level: float) -> Iterator[Estimate]:
    yield Estimate(
        term="alpha",
        measure="coefficient alpha",
        estimate=alpha.estimate,
        conf_low=alpha.conf_low,
        conf_high=alpha.conf_high,
        conf_level=conf_level,
        n_patients=alpha.n_complete,
    )
    yield Estimate(
        term="omega",
        measure="coefficient omega",
        estimate=omega.estimate,
        std_error=omega.std_error,
        conf_low=omega.conf_low,
        conf_high=omega.conf_high,
        conf_level=math.nan if math.isnan(omega.conf_low) else conf_level,
        n_patients=omega.n_complete,
    )
    yield Estimate(
        term="standardized alpha",
        measure="standardized alpha",
        estimate=alpha.standardized,
        n_patients=alpha.n_complete,
    )


def _by_item(items: ItemAnswers, alpha: Alpha, omega: Omega) -> Iterator[Estimate]:
    columns = (
        ("coefficient alpha", "alpha without item {}", alpha.if_dropped),
        ("item-rest correlation", "item {} with the others", alpha.item_rest_correlation),
        ("standardized loading", "item {}", omega.model.standardized_loadings),
    )
    for position, number in enumerate(items.item_numbers):
        for measure, term, values in columns:
            yield Estimate(
                term=term.format(number),
                measure=measure,
                estimate=float(values[position]),
                n_patients=alpha.n_complete,
            )


def _counts(items: ItemAnswers) -> Iterator[Estimate]:
    """Yield what could not be used; those used stand beside every coefficient."""
    for term, count in (
        ("incomplete questionnaires", items.n_incomplete),
        ("questionnaires with a total only", items.n_without_items),
    ):
        yield Estimate(term=term, measure="count", estimate=float(count))


def _published(scale: Instrument) -> Iterator[Estimate]:
    for known in scale.reliabilities:
        yield Estimate(
            term=f"published, {known.kind.replace('_', ' ')}",
            measure="published reliability",
            definition_set=known.source,
            estimate=known.value,
        )


def _estimand(scale: Instrument, which: str) -> Estimand:
    return Estimand(
        name="internal_consistency",
        population="patients of the registry with a complete questionnaire",
        treatment="",
        comparator="",
        endpoint=Endpoint(scale.name, "", "agreement of the items"),
        intercurrent_events=f"{_WHICH_WORDS[which]} is used, whatever came before or after it",
        summary_measure="coefficients alpha and omega",
    )


def _method(which: str, conf_level: float) -> Method:
    level = format_level(conf_level)
    return Method(
        name="coefficient alpha and omega of a one-factor model",
        description=(
            f"Items are reversed where the key says so, and {_WHICH_WORDS[which]} is used; a questionnaire is complete "
            "if every item is answered. Alpha: k/(k − 1) times one minus the sum of the item variances over the "
            f"variance of their sum, with the {level} limits of Feldt (F distribution). Omega: the squared sum of the "
            "loadings over itself plus the sum of the uniquenesses, in a one-factor model of the covariances by "
            f"maximum likelihood, with {level} limits by the delta method on the scale of the logit (expected "
            "information under normality)."
        ),
        sources=_SOURCES,
    )


def _settings(
    registry: Registry, scale: Instrument, which: str, day_window: tuple[int, int] | None
) -> tuple[tuple[str, str], ...]:
    days = "default" if day_window is None else f"{day_window[0]} to {day_window[1]}"
    own = (("instrument", scale.id), ("which questionnaire", which), ("day window", days))
    return (("schema version", SCHEMA_VERSION), *registry.settings, *own)


def _assumptions(scale: Instrument) -> tuple[str, ...]:
    return (
        (
            "Internal consistency is not test-retest reliability: it says how far items agree on one day, not how far "
            "the totals of an unchanged person differ from day to day. Thresholds of reliable change differ by several "
            "points between the two."
        ),
        _in_reliable_change(scale),
        (
            "Alpha equals the reliability of the total only if all items measure the same thing equally well and their "
            "errors are independent; otherwise it is usually too low, with errors that go together too high. Omega "
            "lets items differ, and needs one factor and independent errors."
        ),
        (
            "The intervals suppose normal items. Where most answers lie at one end of the range, as after a treatment "
            "that works, the intervals are too narrow."
        ),
        "Coefficients hold for these patients: where scores vary less, items agree less.",
    )


def _in_reliable_change(scale: Instrument) -> str:
    """Say which reliability a threshold of reliable change uses unless another is passed."""
    if not scale.reliabilities:
        return (
            f"The catalog holds no reliability of the {scale.name}, so reliable change by Jacobson and Truax needs one "
            "that is passed; name its kind."
        )
    known = scale.reliabilities[0]
    return (
        f"Reliable change by Jacobson and Truax uses the first published coefficient of the {scale.name} in the "
        f"catalog, one of {known.kind.replace('_', ' ')} ({known.source.rstrip('.')}), unless another is passed; the "
        "coefficients found here are not used unasked."
    )
