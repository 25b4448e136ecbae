"""A comparison of cohorts as a table: the answer, whom it rests on, how far it could be wrong, and the balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    format_count,
    format_estimate,
    format_interval,
    format_n_patients,
    format_p,
    format_share,
    format_std_error,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, in_words, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

ANSWER = "Score at the visit, weighted and adjusted (points)"
ANSWER_IN_PERCENT = "Share at the visit, weighted and adjusted (percent)"
ANSWER_IN_DAYS = "Days up to the visit, weighted and adjusted"
SHARES_BY_VISIT = "Share in response at each visit, weighted and adjusted (percent)"
EFFECTS = "For whom the difference differs"
CLINICS = "With clinics as clusters"
PATIENTS = "Patients"
SENSITIVITY = "How far it could be wrong"
MISSING = "Who has no score at the visit"
_POOLED = "effect by modifier, partially pooled"
_ORDER = (ANSWER, ANSWER_IN_PERCENT, ANSWER_IN_DAYS, SHARES_BY_VISIT, EFFECTS, CLINICS, PATIENTS, SENSITIVITY, MISSING)
_HEADINGS = {
    "follow-up, weighted": ANSWER,
    "simultaneous band": ANSWER,
    "ratio, weighted": ANSWER_IN_PERCENT,
    "missing information of the difference": SENSITIVITY,
    "in response, weighted": SHARES_BY_VISIT,
    "days between visits": SENSITIVITY,
    "seen, of those scored": PATIENTS,
    "seen, of those with an outcome": PATIENTS,
    "with an outcome, of those compared": PATIENTS,
    "scored in care, of those compared": PATIENTS,
    "left care, of those compared": PATIENTS,
    "compared": PATIENTS,
    "scored, of those compared": PATIENTS,
    "in care, of those compared": PATIENTS,
    "no score at the visit": MISSING,
    "effect by modifier": EFFECTS,
    _POOLED: EFFECTS,
    "difference of effects": EFFECTS,
}
_ANSWERS_BY_UNIT = {"points": ANSWER, "": ANSWER_IN_PERCENT, "days": ANSWER_IN_DAYS}
_OF_COMPARED = frozenset(
    {
        *("compared", "scored, of those compared", "with an outcome, of those compared"),
        *("scored in care, of those compared", "left care, of those compared", "in care, of those compared"),
    }
)
_EFFECTIVE = "weights: effective sample size"
_BEFORE, _AFTER, _TARGET = "balance, before weighting: ", "balance, as analyzed: ", "target population: "
_SHORTER = {
    "unmeasured confounding: ": "",
    "tipping point: ": "",
    "precision: smallest difference that would be found in four of five studies": (
        "smallest difference found with a power of 80 percent"
    ),
}


def compare_cohorts_table(result: ResultRecord) -> Table:
    """Return the estimates of a `compare_cohorts` under headings; balance is another table, quantiles the frame's.

    Parameters
    ----------
    result : ResultRecord
        A result of `compare_cohorts`, released or not.

    Returns
    -------
    Table
        The differences first, under the question.
    """
    pairs = [
        (heading, _row(result, estimate, is_one_of_many=_has_several_arms(result)))
        for estimate in result.estimates
        if (heading := _heading(estimate))
    ]
    pairs.sort(key=lambda pair: _ORDER.index(pair[0]))
    rows = tuple(row for _, row in pairs)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        question=result.estimand.sentence(),
        columns=("", "Patients", "Estimate", interval_words(result), "Standard error", "p"),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            result.method.description,
            f"A difference is the first-named arm minus the second. {_whether_effect(result)}",
            'The balance of every covariate: to_table("balance").',
        ),
        row_groups=tuple(_for_question(heading, result) for heading, _ in pairs),
    )


def _for_question(heading: str, result: ResultRecord) -> str:
    is_while_in_care = result.estimand.name == "while_in_care"
    return heading.replace("Score at the visit", "Last score in care") if is_while_in_care else heading


def balance_table(result: ResultRecord) -> Table:
    """Return the balance of every covariate before weighting and as analyzed, with its mean in the target population.

    Parameters
    ----------
    result : ResultRecord
        A result of `compare_cohorts`, released or not.

    Returns
    -------
    Table
        Standardized mean differences, which the love plot shows, of each pair of arms.
    """
    before = [one for one in result.select(measure="standardized mean difference") if one.term.startswith(_BEFORE)]
    is_one_of_many = _has_several_arms(result)
    rows = tuple(_balance_row(result, one, is_one_of_many=is_one_of_many) for one in before)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument, "balance"),
        caption=f"{result.title}: balance of the arms",
        columns=("", "Before weighting", "As analyzed", "Mean in the target population"),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            "Standardized mean differences: treatment minus comparator over the root mean square of the two unweighted "
            "standard deviations. As analyzed: the scored, with their weights.",
        ),
    )


def _balance_row(result: ResultRecord, before: Estimate, *, is_one_of_many: bool) -> tuple[str, ...]:
    name = before.term.removeprefix(_BEFORE)
    sides = {"treatment": before.treatment, "comparator": before.comparator}
    after = result.select(term=_AFTER + name, measure="standardized mean difference", **sides)
    target = result.select(term=_TARGET + name)
    label = in_words(name)
    if is_one_of_many:
        label += f" ({in_words(before.treatment)} minus {in_words(before.comparator)})"
    cells = (format_estimate(one[0]) if one else "" for one in (after, target))
    return (label, format_estimate(before), *cells)


def _whether_effect(result: ResultRecord) -> str:
    is_causal = result.estimand.is_causal
    return "It is an effect only if the assumptions hold." if is_causal else "It describes and is no effect."


def _has_several_arms(result: ResultRecord) -> bool:
    return len({estimate.treatment for estimate in result.estimates if estimate.treatment}) > 1


def _heading(estimate: Estimate) -> str:
    """Return under which heading an estimate stands; nothing for those that only the frame or another table shows."""
    stem = estimate.term.split(": ", 1)[0]
    if estimate.measure == "adjusted p-value":
        return ""
    if stem in _HEADINGS:
        is_answer = stem in {"follow-up, weighted", "simultaneous band"}
        return _ANSWERS_BY_UNIT[estimate.unit] if is_answer else _HEADINGS[stem]
    if estimate.term == _EFFECTIVE:
        return PATIENTS
    if stem.startswith(("clinic", "wild cluster")):
        return CLINICS
    is_shown = stem in {"unmeasured confounding", "tipping point", "precision", "negative control", "overlap"}
    return SENSITIVITY if is_shown or stem.startswith(("truncated", "reference-based")) else ""


def _row(result: ResultRecord, estimate: Estimate, *, is_one_of_many: bool) -> tuple[str, ...]:
    minimum_cell = minimum_cell_of(result)
    label = _label(result, estimate, is_one_of_many=is_one_of_many)
    if estimate.term == _POOLED:
        label += _own_weight(result, estimate)
    if estimate.measure == "proportion":
        interval = format_interval(estimate)
        return (label, format_share(estimate, minimum_cell), format_estimate(estimate), interval, "", "")
    patients = format_n_patients(estimate, minimum_cell)
    if estimate.measure == "count":
        count = format_count(
            estimate.n_patients,
            suppressed=estimate.suppressed,
            below_minimum=estimate.below_minimum,
            minimum_cell=minimum_cell,
        )
        return (label, count, "", "", "", "")
    if estimate.suppressed:
        hidden = format_estimate(estimate)
        return (label, patients, hidden, hidden, hidden, hidden)
    return (
        label,
        patients,
        format_estimate(estimate),
        format_interval(estimate),
        format_std_error(estimate),
        _p(result, estimate),
    )


def _label(result: ResultRecord, estimate: Estimate, *, is_one_of_many: bool) -> str:
    sides = f"{in_words(estimate.treatment)} minus {in_words(estimate.comparator)}" if estimate.comparator else ""
    stem, _, rest = estimate.term.partition(": ")
    if stem == "ratio, weighted":
        return f"{in_words(estimate.treatment)} over {in_words(estimate.comparator)}, ratio"
    if stem in {"follow-up, weighted", "simultaneous band"}:
        extra = ", together with the others" if stem == "simultaneous band" else ""
        return f"{sides}{extra}" or group_label(estimate.subgroup)
    if (what := _what_of_arm(result, estimate)) is not None:
        return f"{group_label(estimate.subgroup)}{what}"
    if stem in _HEADINGS and _HEADINGS[stem] == EFFECTS:
        text = _label_of_effect(estimate, stem, rest)
    else:
        text = in_words(rest if stem == "no score at the visit" else estimate.term)
        for long, short in _SHORTER.items():
            text = text.replace(long, short)
    return f"{text} ({sides})" if sides and is_one_of_many else text


def _what_of_arm(result: ResultRecord, estimate: Estimate) -> str | None:
    """Return what a row says of its arm, None where a row is of no arm."""
    stem, _, rest = estimate.term.partition(": ")
    at_visit = f" at {estimate.visit}"
    if stem == "in response, weighted":
        return at_visit
    if stem in {"seen, of those scored", "seen, of those with an outcome"}:
        return f", {rest} seen{at_visit if result.estimand.name == 'days_in_response' else ''}"
    if stem in _OF_COMPARED:
        return f", {stem.split(',')[0]}{at_visit if stem.startswith('in care') else ''}"
    return ", effective number after weighting" if estimate.term == _EFFECTIVE else None


def _label_of_effect(estimate: Estimate, stem: str, rest: str) -> str:
    where = in_words(rest or estimate.subgroup)
    extra = {_POOLED: ", partially pooled", "difference of effects": ", difference of effects"}
    return where + extra.get(stem, "")


def _own_weight(result: ResultRecord, pooled: Estimate) -> str:
    sides = {"treatment": pooled.treatment, "subgroup": pooled.subgroup}
    found = result.select(term="own weight in partial pooling", **sides)
    return f" (own weight {format_estimate(found[0])})" if found else ""


def _p(result: ResultRecord, estimate: Estimate) -> str:
    """Return the p-value, after Holm where it is one of a family."""
    adjusted = result.select(term=f"{estimate.term}, Holm", treatment=estimate.treatment)
    if not adjusted or adjusted[0].suppressed:
        return format_p(estimate.p_value)
    return f"{format_p(adjusted[0].estimate)} (Holm)"
