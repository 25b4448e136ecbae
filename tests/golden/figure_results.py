"""Results for the tests of the figures: built by hand from made-up scores, so that the tests need no analysis.

The numbers are plausible, not estimates of anything. Load it by path (see `load_results` in the tests).
"""

from __future__ import annotations

import dataclasses
import math
from statistics import NormalDist

import numpy as np

from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.disclosure import DisclosurePolicy, release
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import IndividualValues, Part, ScorePairs
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, ReleasedResult, Result

VISITS = (("week 4", 28), ("week 8", 56), ("week 12", 84))
GROUPS = ("program_booked: ketamine_only", "program_booked: with_integration")
MAXIMUM = {"PHQ-9": 27, "BDI-II": 63, "Local mood scale": 40}
LEVELS = {"program_booked": ("ketamine_only", "with_integration"), "site": ("North", "South", "East", "West", "Lake")}
_STRIDES = tuple(math.sqrt(prime) for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37))
"""Multiples of an irrational number fill the unit interval evenly: as good as random here, and the same for ever."""


def _uniform(n_patients, stream):
    positions = np.arange(1, n_patients + 1) * _STRIDES[stream % len(_STRIDES)] + stream / 7
    return np.clip(positions % 1.0, 1e-6, 1 - 1e-6)


def _normal(n_patients, stream):
    return np.array([NormalDist().inv_cdf(share) for share in _uniform(n_patients, stream)])


def made_up_scores(n_patients, visits=VISITS, maximum=27, n_levels=2, effect=0.42):
    """Return baseline, scores at the visits (NaN where there is none) and a group code from 0."""
    baseline = np.clip(np.round((0.6 + 0.17 * _normal(n_patients, 0)) * maximum), 0, maximum)
    baseline[_uniform(n_patients, 1) < 0.06] = np.nan
    group = np.floor(_uniform(n_patients, 2) ** 1.2 * n_levels).astype(int)
    columns = []
    for number in range(len(visits)):
        falling = effect * (0.8 + 0.1 * number) + 0.06 * group
        score = baseline * (1 - falling) + 0.16 * _normal(n_patients, 3 + 2 * number) * maximum
        score = np.clip(np.round(score), 0, maximum)
        score[_uniform(n_patients, 4 + 2 * number) < 0.15 + 0.14 * number] = np.nan
        columns.append(score)
    return baseline, np.column_stack(columns), group


def groups_of(group, by):
    """Return (subgroup text, mask) pairs: everybody, then one a level."""
    everybody = [("", np.ones(group.size, dtype=bool))]
    return everybody + [(f"{by}: {level}", group == code) for code, level in enumerate(LEVELS.get(by, ()))]


def _estimand(instrument, variable):
    return Estimand(
        "made_up",
        "made-up patients",
        "",
        "",
        Endpoint(instrument, "every visit", variable),
        "scores are used as observed",
        "mean change",
    )


def _result(analysis, title, instrument, estimates, parts, pairs=None):
    return Result(
        analysis=analysis,
        title=title,
        estimand=_estimand(instrument, title),
        method=Method("made up", "Made up for a test."),
        estimates=tuple(estimates),
        parts=tuple(parts),
        provenance=Provenance("frame", "0" * 64, is_synthetic=True),
        individual_values=None if pairs is None else IndividualValues(tuple(pairs)),
    )


def _mean(values, **fields):
    """A mean with t limits; NaN where there are too few values."""
    from scipy import stats

    n = values.size
    numbers = {"estimate": float(values.mean()) if n else math.nan, "n_patients": n, "unit": "points"}
    if n > 1:
        std_error = float(values.std(ddof=1) / math.sqrt(n))
        reach = float(stats.t.ppf(0.975, n - 1)) * std_error
        numbers |= {
            "std_error": std_error,
            "df": n - 1.0,
            "conf_low": numbers["estimate"] - reach,
            "conf_high": numbers["estimate"] + reach,
            "conf_level": 0.95,
        }
    return Estimate(**numbers, **fields)


def _share(count, n, **fields):
    """A share with Wilson limits."""
    if n == 0:
        return Estimate(measure="proportion", n_patients=0, **fields)
    z, share = 1.959963984540054, count / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Estimate(
        measure="proportion",
        estimate=share,
        conf_low=middle - reach,
        conf_high=middle + reach,
        conf_level=0.95,
        n_patients=n,
        **fields,
    )


def _pair_counts(pairs, maximum):
    width = max(1, math.ceil(maximum / 9))
    rows = []
    for pair in pairs:
        bins = np.floor(np.column_stack((pair.baseline, pair.follow_up)) / width).astype(int)
        cells, counts = np.unique(bins, axis=0, return_counts=True) if bins.size else ((), ())
        for cell, count in zip(cells, counts, strict=True):
            low = [int(position) * width for position in cell]
            high = [min(edge + width - 1, maximum) for edge in low]
            rows.append((pair.visit, pair.group, low[0], high[0], low[1], high[1], int(count)))
    columns = (
        "visit",
        "group",
        "baseline_low",
        "baseline_high",
        "follow_up_low",
        "follow_up_high",
        "n_patients",
    )
    return Part("score_pair_counts", columns, tuple(rows))


def _visits_part(visits):
    rows = ((0, "baseline", 0), *((order, name, day) for order, (name, day) in enumerate(visits, start=1)))
    return Part("visits", ("order", "visit", "target_day"), tuple(rows))


def _score_pairs(baseline, scores, visits, groups):
    pairs = []
    for number, (name, _) in enumerate(visits):
        for text, mask in groups:
            both = mask & ~np.isnan(baseline) & ~np.isnan(scores[:, number])
            before, after = baseline[both], scores[both, number]
            order = np.lexsort((after, before))
            pairs.append(ScorePairs(name, text, before[order], after[order]))
    return pairs


def change_result(n_patients=320, by="", visits=VISITS, instrument="PHQ-9", scores=None, **choices):
    """A result like that of `change_from_baseline`."""
    maximum = MAXIMUM[instrument]
    baseline, followed, group = scores or made_up_scores(
        n_patients, visits, maximum, len(LEVELS.get(by, "12")), **choices
    )
    groups = groups_of(group, by)
    pairs = _score_pairs(baseline, followed, visits, groups)
    estimates = []
    for text, mask in groups:
        known = baseline[mask & ~np.isnan(baseline)]
        fields = {"instrument": instrument, "subgroup": text}
        estimates.append(_mean(known, term="baseline, all with baseline", measure="mean", visit="baseline", **fields))
        for pair in (pair for pair in pairs if pair.group == text):
            fields["visit"] = pair.visit
            estimates += [
                _mean(pair.baseline, term="baseline, completers", measure="mean", **fields),
                _mean(pair.follow_up, term="follow-up", measure="mean", **fields),
                _mean(pair.follow_up - pair.baseline, term="change", measure="mean change", **fields),
            ]
    parts = (_visits_part(visits), _pair_counts(pairs, maximum))
    return _result("change_from_baseline", "Change from baseline", instrument, estimates, parts, pairs)


def mmrm_result(n_patients=320, by="", visits=VISITS, instrument="PHQ-9", baseline_used=True, **choices):
    """A result like that of `mmrm`: plain means in the place of adjusted ones."""
    n_levels = len(LEVELS.get(by, "12"))
    baseline, followed, group = made_up_scores(n_patients, visits, MAXIMUM[instrument], n_levels, **choices)
    is_in = ~np.isnan(baseline) & ~np.isnan(followed).all(axis=1)
    fields = {"instrument": instrument, "unit": "points"}
    estimates = []
    if baseline_used:
        mean, n = float(baseline[is_in].mean()), int(is_in.sum())
        start = {"term": "baseline, in the model", "visit": "baseline", "estimate": mean, "n_patients": n}
        estimates.append(Estimate(measure="mean", **start, **fields))
    rows = []
    for text, mask in groups_of(group, by)[1 if by else 0 :]:
        for number, (visit, _) in enumerate(visits):
            scores = followed[is_in & mask, number]
            scores = scores[~np.isnan(scores)]
            shown = {"term": "follow-up, adjusted", "measure": "adjusted mean", "visit": visit, "subgroup": text}
            estimates.append(_mean(scores, instrument=instrument, **shown))
            rows.append((visit, text, scores.size))
    parts = (_visits_part(visits), Part("patients_at_visits", ("visit", "group", "n_patients"), tuple(rows)))
    return _result("mmrm", "Repeated-measures model", instrument, estimates, parts)


JT, NHS = "jacobson_truax", "phq9/nhs_talking_therapies_reliable_change"


def clinical_result(n_patients=320, by="", visits=VISITS, instrument="PHQ-9", norms=True, reliable=True, **choices):
    """A result like that of `clinical_significance` at the last visit."""
    maximum = MAXIMUM[instrument]
    baseline, followed, group = made_up_scores(n_patients, visits, maximum, len(LEVELS.get(by, "12")), **choices)
    groups = groups_of(group, by)
    visit = visits[-1][0]
    pairs = [pair for pair in _score_pairs(baseline, followed, visits, groups) if pair.visit == visit]
    points = {"measure": "threshold", "unit": "points", "instrument": instrument}
    sets = ((JT, 5.24),) * reliable + ((NHS, 6.0),) * (instrument == "PHQ-9")
    estimates = [
        Estimate(term="reliable change threshold", definition_set=name, estimate=value * maximum / 27, **points)
        for name, value in sets
    ]
    if norms:
        estimates.append(Estimate(term="cut-off c", definition_set=JT, estimate=9.3 * maximum / 27, **points))
    if instrument == "PHQ-9":
        caseness = "phq9/nhs_talking_therapies_caseness"
        estimates.append(Estimate(term="caseness", definition_set=caseness, estimate=10.0, **points))
    for pair in pairs:
        change, n = pair.follow_up - pair.baseline, pair.baseline.size
        for name, value in sets:
            threshold = value * maximum / 27
            counts = {
                "reliable improvement": np.sum(change <= -threshold),
                "no reliable change": np.sum(np.abs(change) < threshold),
                "reliable deterioration": np.sum(change >= threshold),
            }
            fields = {"instrument": instrument, "subgroup": pair.group, "visit": visit, "definition_set": name}
            estimates += [_share(int(count), n, term=term, **fields) for term, count in counts.items()]
    parts = (_visits_part(visits), _pair_counts(pairs, maximum))
    return _result("clinical_significance", "Clinical significance", instrument, estimates, parts, pairs)


STEPS = (
    ("in the registry", "", 0),
    ("with a first dose", "no dosing session", 41),
    ("first course of ketamine in this clinic", "an earlier course elsewhere, or a course that had begun before", 23),
    ("aged 18 or older", "under 18 or age unknown", 0),
    ("gave consent to research use of their records", "no consent, or consent withdrawn", 17),
    ("with a score of the instrument at some time", "never filled in the questionnaire", 12),
)


def flow_result(n_patients=420, by="", visits=VISITS, instrument="PHQ-9", steps=STEPS, **choices):
    """A result like that of `participant_flow`."""
    baseline, scores, group = made_up_scores(
        n_patients, visits, MAXIMUM[instrument], len(LEVELS.get(by, "12")), **choices
    )
    columns = ("order", "kind", "step", "reason", "group", "visit", "n_patients")
    total = n_patients + sum(excluded for _, _, excluded in steps)
    rows, estimates = [], []
    for step, reason, excluded in steps:
        total -= excluded
        if reason:
            rows.append(("excluded", step, reason, "", "", excluded))
        rows.append(("stage", step, "", "", "", total))
        estimates.append(Estimate(term=step, measure="count", unit="patients", estimate=total, n_patients=total))
    n_with_baseline = int((~np.isnan(baseline)).sum())
    rows.append(("excluded", "with a baseline score", "no baseline score", "", "", total - n_with_baseline))
    rows.append(("stage", "with a baseline score", "", "", "", n_with_baseline))
    for text, mask in groups_of(group, by):
        known = mask & ~np.isnan(baseline)
        n_known = int(known.sum())
        if text:
            rows.append(("group", "with a baseline score", "", text, "", n_known))
        else:
            term = "with a baseline score"
            estimates.append(
                Estimate(term=term, measure="count", unit="patients", estimate=n_known, n_patients=n_known)
            )
        for number, (visit, _) in enumerate(visits):
            n_seen = int((known & ~np.isnan(scores[:, number])).sum())
            rows.append(("visit", "scored at visit", "", text, visit, n_seen))
            estimates.append(_share(n_seen, n_known, term="scored at visit", visit=visit, subgroup=text))
    part = Part("flow", columns, tuple((order, *row) for order, row in enumerate(rows)))
    return _result("participant_flow", "Participant flow", instrument, estimates, (part,))


def released(result, minimum_cell=11):
    """Let a result through the door of disclosure control."""
    return release(result, DisclosurePolicy(minimum_cell=minimum_cell))


def hidden_below(result, minimum_cell=11):
    """Hide what rests on few patients, and nothing else: a released result that no rule of disclosure control moves."""
    fields = {
        field.name: getattr(result, field.name)
        for field in dataclasses.fields(ReleasedResult)
        if field.name not in {"minimum_cell", "round_to"}
    }
    fields["estimates"] = tuple(_hidden(estimate, minimum_cell) for estimate in result.estimates)
    fields["parts"] = tuple(_hidden_part(part, minimum_cell) for part in result.parts)
    return ReleasedResult(**fields, minimum_cell=minimum_cell)


def _hidden(estimate, minimum_cell):
    n, counted = estimate.n_patients, estimate.n_counted
    is_small = [count is not None and 0 < count < minimum_cell for count in (n, counted)]
    if not any(is_small):
        return estimate
    names = ("estimate", "std_error", "df", "conf_low", "conf_high", "conf_level")
    nothing = dict.fromkeys(names, math.nan)
    kept = None if is_small[0] else n
    return dataclasses.replace(estimate, **nothing, n_patients=kept, suppressed=True, below_minimum=True)


def _hidden_part(part, minimum_cell):
    if "n_patients" not in part.columns:
        return part
    column = part.columns.index("n_patients")
    if part.name == "score_pair_counts":
        return dataclasses.replace(part, rows=tuple(row for row in part.rows if row[column] >= minimum_cell))
    small = [0 < row[column] < minimum_cell for row in part.rows]
    rows = tuple(
        (*row[:column], None, *row[column + 1 :]) if hide else row for row, hide in zip(part.rows, small, strict=True)
    )
    hidden = tuple((number, column) for number, hide in enumerate(small) if hide)
    return dataclasses.replace(part, rows=rows, suppressed=hidden, below_minimum=hidden)
