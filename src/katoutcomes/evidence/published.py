"""What others found, as a Result: context for a reader, never a benchmark to be beaten."""

from __future__ import annotations

import math

from katoutcomes.errors import OptionError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.evidence.studies import PublishedNumber, PublishedStudy, published_studies, studies_digest
from katoutcomes.instruments.catalog import instrument as find_instrument
from katoutcomes.instruments.catalog import name_key
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Cell, Part
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, Result

ASSUMPTIONS: tuple[str, ...] = (
    "Published numbers are context, never a benchmark to be beaten.",
    "The studies differ in who was treated, with what, for how long, and in how many were still there to be scored.",
    "A rate among those who were scored says nothing about the others; the number treated stands beside it where seen.",
    "Every number is as printed in an abstract, a table, a caption or an official statistic; few were read whole.",
    "An effect size of unstated formula is listed but is no estimate: another denominator gives another number.",
    "A study without a comparison group does not show what the treatment did.",
)


def published_outcomes(instrument: str | None = None) -> Result:
    """Return what published studies of ketamine treatment and of talking therapies print about outcomes.

    Parameters
    ----------
    instrument : str, optional
        Only the studies about this scale: a name of the catalog (``"PHQ-9"``), or a scale as a study names it
        (``"QIDS-SR16"``). All studies where none is named.

    Returns
    -------
    Result
        Estimates with the term ``"<study>: <what>"``, the study as `subgroup` and its follow-up as `visit`:
        the numbers treated and analyzed (measure "count") and what the package's vocabulary covers (shares between
        0 and 1, mean changes and standard deviations in points of the instrument). `n_patients` is the number of
        patients analyzed, None where it was not seen. No interval is computed. The part ``"studies"`` adds the
        design, the numbers that the vocabulary does not cover, and what is not known.

    Raises
    ------
    OptionError
        If the name is neither in the catalog nor used by a study.

    Notes
    -----
    A scale of the catalog that no study reports gives a result without estimates and a warning in `warnings`.
    Dore 2019 prints two mean changes and no standard deviation; none is made up for it.

    References
    ----------
    The citations, each with its DOI, are in `Result.method.sources`.

    Examples
    --------
    >>> result = published_outcomes("PHQ-9")
    >>> estimate = result.select(term="McInnes 2022: response")[0]
    >>> estimate.estimate, estimate.n_patients
    (0.536, 537)
    >>> result.select(term="McInnes 2022: treated")[0].estimate
    9016.0
    """
    name = "" if instrument is None else _scale_name(instrument)
    studies = tuple(study for study in published_studies() if not name or name in study.instruments)
    return Result(
        analysis="published_outcomes",
        title=f"Published outcomes on the {name}" if name else "Published outcomes",
        estimand=_estimand(name),
        method=Method(
            name="quotation",
            description="Numbers quoted from published studies; no number is pooled, converted or compared.",
            sources=tuple(_source(study) for study in studies),
        ),
        estimates=tuple(estimate for study in studies for estimate in _estimates(study, name)),
        parts=(_studies_part(studies, name),),
        assumptions=ASSUMPTIONS,
        warnings=() if studies else (f"no study of the list reports the {name}.",),
        provenance=Provenance(source="published", digest=studies_digest(), settings=(("instrument", name or "all"),)),
    )


def _scale_name(instrument: str) -> str:
    named_by_studies = {name_key(name): name for study in published_studies() for name in study.instruments}
    if name_key(instrument) in named_by_studies:
        return named_by_studies[name_key(instrument)]
    try:
        return find_instrument(instrument).name
    except OptionError as error:
        others = ", ".join(sorted(named_by_studies.values()))
        raise OptionError(f"{error} The published studies name {others}.") from error


def _estimand(name: str) -> Estimand:
    return Estimand(
        name="published_outcomes",
        population="the patients whom each study analyzed",
        treatment="",
        comparator="",
        endpoint=Endpoint(instrument=name, visit="the follow-up of each study", variable="outcome as printed"),
        intercurrent_events="as each study dealt with them",
        summary_measure="as printed",
    )


def _source(study: PublishedStudy) -> str:
    return f"{study.citation}. doi:{study.doi}" if study.doi else study.citation


def _concerns(number: PublishedNumber, name: str) -> bool:
    return not name or number.instrument in ("", name)


def _estimates(study: PublishedStudy, name: str) -> list[Estimate]:
    counts = (("treated", study.n_treated), ("analyzed", study.n_analyzed))
    found = [
        Estimate(
            term=f"{study.name}: {step}",
            measure="count",
            unit="patients",
            subgroup=study.name,
            visit=study.follow_up if step == "analyzed" else "",
            estimate=float(count),
            n_patients=count,
        )
        for step, count in counts
        if count is not None
    ]
    found += [
        Estimate(
            term=f"{study.name}: {number.name}",
            measure=number.measure,
            unit="" if number.measure == "proportion" else "points",
            instrument=number.instrument,
            subgroup=study.name,
            visit=study.follow_up,
            estimate=number.value,
            n_patients=number.n_patients,
        )
        for number in study.estimates
        if _concerns(number, name)
    ]
    return found


def _studies_part(studies: tuple[PublishedStudy, ...], name: str) -> Part:
    rows: list[tuple[Cell, ...]] = []
    for study in studies:
        where = (study.name, study.doi)
        rows.append((*where, "design", None, None, study.design))
        rows.append((*where, "treated", study.n_treated, study.n_treated, "" if study.n_treated else "not seen"))
        rows.append((*where, "analyzed", study.n_analyzed, study.n_analyzed, study.follow_up))
        for number in (*study.estimates, *study.figures):
            if _concerns(number, name):
                value = None if math.isnan(number.value) else number.value
                rows.append((*where, number.name, value, number.n_patients, number.description))
        rows.append((*where, "not known", None, None, study.not_known))
    return Part("studies", ("study", "doi", "name", "value", "n_patients", "description"), tuple(rows))
