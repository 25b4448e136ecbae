"""Whatever a release believes of two consecutive quarters of a small clinic is true, though it sees one as released."""

from __future__ import annotations

import pytest

import katoutcomes as kat
from katoutcomes.estimands.quarters import Quarter, QuarterSpan
from katoutcomes.results.disclosure import PUBLISHED, opened_result
from katoutcomes.results.disclosure_rules.earlier_release import EARLIER, with_earlier_release
from katoutcomes.results.disclosure_rules.hidden_numbers import without_small_exclusions
from katoutcomes.results.disclosure_rules.published_model import REST, published_model
from katoutcomes.results.disclosure_rules.report_counts import report_counts
from katoutcomes.results.disclosure_rules.unknown_counts import settled

PLAN = kat.AnalysisPlan.default()
POLICY = kat.DisclosurePolicy()
OWN_SPREAD = "jacobson_truax"


def counted(results):
    ours = [opened_result(one, POLICY) for one in results if one.provenance.source != PUBLISHED]
    return report_counts([without_small_exclusions(one, POLICY) for one in ours])


def two_quarters(seed, n_patients, n_quarters, mechanism, scenario):
    last = Quarter.of("2026Q3")
    registry = kat.simulate_registry(
        seed=seed,
        n_patients=n_patients,
        n_quarters=n_quarters,
        first_quarter=last.before(n_quarters - 1).text,
        mechanism=mechanism,
        scenario=scenario,
    )
    return [kat.run(PLAN, registry, quarters=QuarterSpan(quarter)) for quarter in (last.before(1), last)]


def has_emptied(equation, truth):
    """Return whether it is about a class by the clinic's own spread in which nobody is any more.

    Where nobody is now, nobody is believed to have been. That holds of nearly every class; of those by the spread of
    everybody's baseline it cannot be seen whether it does.
    """
    return any(OWN_SPREAD in key and truth[key] == 0 and truth.get((EARLIER, *key)) for key in equation.shown)


# Each of these clinics has broken another belief: quarters that hold everybody, the cohort that holds the registry,
# exclusions that grow.
CLINICS = (
    (28, 80, 7, "booked", "null"),
    pytest.param((3, 70, 6, "curved_booked", "effect"), marks=pytest.mark.slow),
    pytest.param((17, 39, 8, "curved_start", "mnar"), marks=pytest.mark.slow),
)


@pytest.mark.parametrize("clinic", CLINICS, ids=["28", "3", "17"])
def test_what_a_release_believes_is_true(clinic):
    before, now = two_quarters(*clinic)
    report = with_earlier_release(counted(now), counted(before.release()))
    truth = report.counts.values | {
        key: value
        for name, value in counted(before).counts.values.items()
        if report.counts.values.get(key := (EARLIER, *name), 0) is None
    }
    unknown = frozenset(key for key, value in report.counts.values.items() if value is None)
    sums = (*report.counts.sums, *report.known_of)
    n_asked = 0
    for one in published_model(report.counts, sums, report.at_least, unknown).equations:
        known = {key: truth[key] for key in one.signs if key[0] != REST}
        if None in known.values():  # two counts that the results of a quarter show as one
            continue
        if has_emptied(one, truth):
            continue
        n_asked += 1
        total = sum(one.signs[key] * value for key, value in known.items())
        assert total >= one.low, (one, known)
        assert len(known) < len(one.signs) or total <= one.high, (one, known)
    assert n_asked > 500
    # So nothing of it has to be given up.
    after = settled(report)
    assert after.counts.sums == report.counts.sums
    assert (after.known_of, after.at_least) == (report.known_of, report.at_least)
