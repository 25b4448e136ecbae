"""Rounded counts: everything shown beside them is made of what is shown, and gives no exact number away."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import katoutcomes as kat
from katoutcomes.errors import DisclosureError, OptionError
from katoutcomes.kernels.shares.proportions import share
from katoutcomes.results.disclosure import hiding_plan, opened_result
from katoutcomes.results.disclosure_rules.complementary import Limits, model_of
from katoutcomes.results.disclosure_rules.counts_in_texts import with_rounded_numbers
from katoutcomes.results.disclosure_rules.printed_digits import with_digits_of_any_number, without_its_number
from katoutcomes.results.disclosure_rules.published_model import rounded_count
from katoutcomes.results.disclosure_rules.rounded_counts import Rounding, rounded_estimates
from katoutcomes.results.disclosure_rules.rounded_shares import rounded_difference, rounded_rate, rounded_share
from katoutcomes.results.estimate import Estimate
from katoutcomes.vocabulary import MEASURES

FIVE = kat.DisclosurePolicy(round_to=5)


def to_five(count: int) -> int:
    return rounded_count(count, 5)


@cache
def results() -> kat.Results:
    plan = dataclasses.replace(kat.AnalysisPlan.default(), instruments=("PHQ-9",))
    return kat.run(plan, kat.simulate_registry(seed=11, n_patients=300))


@cache
def released() -> kat.Results:
    return results().release(FIVE)


# --- the policy ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [0, -5, 5.0, "5", True, None])
def test_what_counts_may_not_be_rounded_to(wrong: object) -> None:
    with pytest.raises(OptionError, match="round_to must be a whole number of at least 1"):
        kat.DisclosurePolicy(round_to=wrong)  # type: ignore[arg-type]


def test_no_count_that_is_shown_may_become_0() -> None:
    with pytest.raises(OptionError, match=r"round_to \(12\) must not be above minimum_cell \(11\)"):
        kat.DisclosurePolicy(round_to=12)
    for to in range(1, 12):
        assert min(Rounding(to, 11).count(count) for count in range(11, 60)) > 0


@pytest.mark.parametrize("to", [2, 5, 10, 11])
def test_the_fewest_that_round_alike_are_found_by_trying_all(to: int) -> None:
    rounding = Rounding(to, 11)
    for count in range(11, 80):
        alike = [other for other in range(11, 120) if rounding.count(other) == rounding.count(count)]
        assert rounding.fewest(count) == min(alike)


# --- shares, differences, rates --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["exact", "wilson"])
def test_a_share_is_that_of_the_rounded_counts_by_the_rule_that_made_it(rule: str) -> None:
    made = share(18, 41, 0.9, rule)
    one = Estimate(
        term="response",
        measure="proportion",
        estimate=made.estimate,
        conf_low=made.conf_low,
        conf_high=made.conf_high,
        conf_level=0.9,
        n_patients=41,
    )
    shown, expected = rounded_share(one, to_five), share(20, 40, 0.9, rule)
    assert (shown.estimate, shown.conf_low, shown.conf_high) == (0.5, expected.conf_low, expected.conf_high)
    by_no_rule = rounded_share(dataclasses.replace(one, conf_low=0.3), to_five)
    assert by_no_rule.estimate == 0.5
    assert math.isnan(by_no_rule.conf_low)
    assert math.isnan(by_no_rule.conf_high)


def test_a_difference_is_that_of_the_shares_that_are_shown() -> None:
    of = {"term": "response", "measure": "proportion", "visit": "week 12", "definition_set": "half"}
    groups = [
        Estimate(**of, subgroup=f"arm: {arm}", estimate=counted / n, n_patients=n)  # type: ignore[arg-type]
        for arm, counted, n in (("a", 12, 37), ("b", 23, 41))
    ]
    contrast = Estimate(
        term="response: b - a",
        measure="difference in proportions",
        visit="week 12",
        definition_set="half",
        estimate=23 / 41 - 12 / 37,
        treatment="b",
        comparator="a",
        n_patients=78,
    )
    assert rounded_difference(contrast, groups, to_five).estimate == 25 / 40 - 10 / 35
    # Where a share is hidden, its counts are known to nobody, and the difference is coarse.
    assert rounded_difference(contrast, groups[:1], to_five).estimate == 0.2


def test_a_rate_is_that_of_the_rounded_events() -> None:
    rate = Estimate(
        term="events", measure="event rate", unit="per 100 sessions", estimate=100 * 23 / 412, n_observations=23
    )
    assert rounded_rate(rate, to_five).estimate == pytest.approx(100 * 25 / 410)


def test_an_interval_of_a_mean_is_that_of_the_fewest_patients_who_round_alike() -> None:
    """Whatever the exact number is: two clinics with the same spread show the same interval."""
    rounding, shown = Rounding(5, 11), set()
    for n_patients in (53, 55, 57):
        std_error = 6.2 / math.sqrt(n_patients)
        half = stats.t.ppf(0.975, n_patients - 1) * std_error
        mean = Estimate(
            term="change",
            measure="mean change",
            unit="points",
            estimate=-6.24,
            std_error=std_error,
            df=n_patients - 1.0,
            conf_low=-6.24 - half,
            conf_high=-6.24 + half,
            conf_level=0.95,
            statistic=-6.24 / std_error,
            p_value=1e-6,
            n_patients=n_patients,
        )
        (one,) = rounded_estimates([mean], rounding)
        assert one.conf_low <= round(mean.conf_low, 1)
        assert one.conf_high >= round(mean.conf_high, 1)
        shown.add(str(one))
    assert len(shown) == 1
    assert "n_patients=55" in shown.pop()


def test_what_tells_a_number_by_itself_is_left_out_or_coarse() -> None:
    rounding = Rounding(5, 11)
    of = {"term": "model", "n_patients": 57, "estimate": 0.4321}
    for measure in ("fit statistic", "joint test", "adjusted p-value"):
        (one,) = rounded_estimates([Estimate(measure=measure, **of)], rounding)  # type: ignore[arg-type]
        assert one.suppressed
        assert math.isnan(one.estimate)
        assert one.n_patients == 55
    (size,) = rounded_estimates([Estimate(term="x", measure="effective sample size", estimate=33.12)], rounding)
    assert size.estimate == 35.0
    (line,) = rounded_estimates([Estimate(measure="control limit of a share", **of)], rounding)  # type: ignore[arg-type]
    assert line.estimate == 0.45
    limits = {"conf_low": 0.29, "conf_high": 0.551, "conf_level": 0.95}
    (curve,) = rounded_estimates([Estimate(measure="Kaplan-Meier share", **of, **limits)], rounding)  # type: ignore[arg-type]
    assert curve.estimate == 0.45
    assert curve.conf_low == 0.25
    assert curve.conf_high == 0.6
    (bare,) = rounded_estimates([Estimate(measure="Kaplan-Meier share", **of)], rounding)  # type: ignore[arg-type]
    assert math.isnan(bare.conf_low)


def test_a_ratio_is_widened_on_its_own_scale_and_a_share_stays_one() -> None:
    rounding = Rounding(5, 11)
    of = {"conf_level": 0.95, "n_patients": 57}
    ratio = Estimate(term="x", measure="odds ratio", estimate=2.0, conf_low=0.5, conf_high=8.0, **of)  # type: ignore[arg-type]
    (shown,) = rounded_estimates([ratio], rounding)
    factor = math.sqrt(57 / 53)
    assert (shown.conf_low, shown.conf_high) == (round(2 / 4**factor, 2), round(2 * 4**factor, 2))
    superiority = Estimate(
        term="x",
        measure="probability of superiority",
        estimate=0.9,
        conf_low=0.6,
        conf_high=0.99,
        **of,  # type: ignore[arg-type]
    )
    (shown,) = rounded_estimates([superiority], rounding)
    assert (shown.estimate, shown.conf_low, shown.conf_high) == (0.9, 0.6, 1.0)


# --- what is left of a number that is hidden alone -------------------------------------------------------------------


def test_no_mean_tells_of_how_many_whole_numbers_it_is() -> None:
    """Every number of patients could have given what is printed: with two decimals, fewer than half could."""
    for printed in np.round(np.random.default_rng(1).uniform(1, 4, 40), 2):
        mean = Estimate(term="covariate_x", measure="mean", estimate=float(printed), n_patients=57)
        coarse = with_digits_of_any_number(mean).estimate
        assert all(round(round(coarse * n) / n, 1) == coarse for n in range(11, 100))


def test_no_quartile_tells_the_remainder_of_the_number() -> None:
    for measure, level in (("median", 0.5), ("lower quartile", 0.25), ("upper quartile", 0.75)):
        for unit in ("years", "points", ""):
            shown = set()
            for n_patients in range(50, 54):
                value = float(np.quantile(np.arange(n_patients), level))
                one = Estimate(term="x", measure=measure, unit=unit, estimate=value, n_patients=n_patients)
                shown.add(with_digits_of_any_number(one).estimate % 1)
            assert shown == {0.0}


def test_what_stays_without_its_number_has_nothing_that_gives_it() -> None:
    contrast = Estimate(
        term="follow-up, adjusted: b - a",
        measure="difference in means",
        unit="points",
        estimate=-3.21,
        std_error=0.985,
        df=85.0,
        conf_low=-5.17,
        conf_high=-1.25,
        conf_level=0.95,
        statistic=-3.259,
        p_value=0.0016,
        n_patients=88,
    )
    alone = without_its_number(contrast)
    assert (alone.estimate, alone.conf_low, alone.conf_high, alone.p_value) == (-3.2, -5.2, -1.3, 0.0016)
    for name in ("std_error", "df", "statistic"):
        assert math.isnan(getattr(alone, name))
    # What is left lets the standard error be anything within 2.6 %, and so the number anything within 5 %.
    widest, narrowest = (alone.conf_high - alone.conf_low + sign * 0.1 for sign in (1, -1))
    assert (widest / narrowest) ** 2 > 1.1


# --- a whole release -------------------------------------------------------------------------------------------------


def test_every_count_is_a_multiple_and_every_share_follows_from_two() -> None:
    n_shares = 0
    for result in released():
        assert result.round_to == 5  # type: ignore[union-attr]
        for one in result.estimates:
            counts = [one.n_patients, one.n_observations]
            counts.append(round(one.estimate) if one.measure == "count" and not one.suppressed else None)
            assert [count for count in counts if count is not None and count % 5] == []
            if MEASURES[one.measure].kind == "proportion" and one.n_base and not one.suppressed:
                counted = one.estimate * one.n_base
                assert counted == pytest.approx(5 * round(counted / 5), abs=1e-9)
                n_shares += 1
            if MEASURES[one.measure].kind == "statistic":
                assert all(math.isnan(value) for value in (one.df, one.statistic, one.p_value))
        for part in result.parts:
            for name in {"n_patients", "rows_in", "rows_accepted", "rows_rejected", "n_rows"} & set(part.columns):
                assert [cell for cell in part.column(name) if isinstance(cell, int) and cell % 5] == []
        assert all(math.isnan(check.value) for check in result.checks)
    assert n_shares > 50


def test_what_is_hidden_is_what_is_hidden_without_rounding() -> None:
    for plain, rounded in zip(results().release(), released(), strict=True):
        assert [one.suppressed for one in plain.estimates] == [one.suppressed for one in rounded.estimates]
        assert [part.suppressed for part in plain.parts] == [part.suppressed for part in rounded.parts]
        kept = [one for one in plain.estimates if not math.isnan(one.conf_low)]
        also = [one for one in rounded.estimates if not math.isnan(one.conf_low)]
        assert len(kept) == len(also)


def test_an_attacker_cannot_tell_the_number_behind_a_rounded_mean() -> None:
    """Spread and interval give the number of patients by n = (2 t s / width)²: no closer than its rounding does."""
    n_asked = 0
    for plain, rounded in zip(results().release(), released(), strict=True):
        if plain.analysis != "change_from_baseline":
            continue
        for before, after in zip(plain.estimates, rounded.estimates, strict=True):
            if before.measure != "mean change" or before.suppressed or before.n_patients is None:
                continue
            deviations = {"term": "change", "measure": "standard deviation"}
            same = rounded.select(**deviations, visit=after.visit, subgroup=after.subgroup)
            spread = same[0].estimate
            assert after.n_patients is not None
            fewest = max(11, after.n_patients - 2)
            half = stats.t.ppf(0.975, fewest - 1) * spread / math.sqrt(fewest)
            # The interval is that of the fewest, up to the printed digits of spread and limits.
            step = 0.5 if fewest < 25 else 0.1
            assert (after.conf_high - after.conf_low) / 2 == pytest.approx(half, abs=step + 0.02 * half)
            n_asked += 1
    assert n_asked > 5


def test_the_audit_takes_rounded_counts_for_intervals() -> None:
    for audited in (kat.audit_release(results(), FIVE), kat.audit_release(released(), FIVE)):
        assert audited.too_close == ()
        assert json.loads(audited.to_json())["round_to"] == 5


def test_what_the_audit_takes_for_true_is_true() -> None:
    """Every equation holds for the exact numbers, whatever they are rounded to; rounding only ever makes it wider."""
    plan = hiding_plan([opened_result(one, FIVE) for one in results()], FIVE, ())
    values = plan.report.counts.values
    exact, rounded = (model_of(plan.report, Limits(11, rounding=to), plan.hidden.keys).equations for to in (1, 5))
    assert len(rounded) >= len(exact) > 100
    n_wider = 0
    for equation in rounded:
        sums = [sign * (values[key] or 0) for key, sign in equation.signs.items() if key in values]
        if len(sums) == len(equation.signs):
            assert equation.low <= sum(sums) <= equation.high
        n_wider += 0.0 < equation.high - equation.low < math.inf
    assert n_wider > 100


def test_rounded_results_are_released_as_they_are_or_not_at_all(tmp_path: Path) -> None:
    again = kat.Results.read(released().write(tmp_path / "released.json"))
    assert again.disclosure == FIVE
    assert [one.to_json() for one in again.release()] == [one.to_json() for one in released()]
    for other in (kat.DisclosurePolicy(), kat.DisclosurePolicy(20, round_to=5), kat.DisclosurePolicy(round_to=10)):
        with pytest.raises(DisclosureError, match="rounded to the nearest 5"):
            again.release(other)
    with pytest.raises(DisclosureError, match="cannot be held against"):
        again.release(previous=again)
    with pytest.raises(DisclosureError, match="some of the results have rounded counts"):
        kat.release([*again.entries[:1], *results().entries[1:]], FIVE)


def test_a_rounded_release_is_an_interval_for_the_next_one() -> None:
    """What certainly differs by 1 to 10 from what was shown before is hidden; what may be the same is not."""
    before = released()
    same = results().release(FIVE, previous=before)
    assert same.earlier_release == before.title
    assert [one.to_json() for one in same] == [one.to_json() for one in before]
    for n_more, is_hidden in ((0, False), (3, False), (5, True), (20, False)):
        quality = results().of("data_quality")
        assert isinstance(quality, kat.Result)
        grown = [_with_more_patients(quality, n_more)]
        files = kat.release(grown, FIVE, previous=before)[0].part("files")
        assert ((0, files.columns.index("rows_in")) in files.suppressed) == is_hidden, n_more


def _with_more_patients(quality: kat.Result, n_more: int) -> kat.Result:
    """Return the report on the files with more rows of patients."""
    files = quality.part("files")
    rows = tuple(
        tuple(cell + n_more if isinstance(cell, int) and row[0] == "patients" and cell > 0 else cell for cell in row)
        for row in files.rows
    )
    estimates = tuple(
        dataclasses.replace(one, estimate=one.estimate + n_more) if one.term.startswith("patients: rows") else one
        for one in quality.estimates
    )
    parts = tuple(dataclasses.replace(part, rows=rows) if part.name == "files" else part for part in quality.parts)
    return dataclasses.replace(quality, parts=parts, estimates=estimates)


def test_every_output_says_so_and_shows_no_other_count(tmp_path: Path) -> None:
    exact = {n for result in results() for e in result.estimates for n in (e.n_patients, e.n_counted) if n is not None}
    exact |= {
        cell for result in results() for part in result.parts for row in part.rows for cell in row if type(cell) is int
    }
    betraying = {n for n in exact if n % 5 and n > 100}
    assert len(betraying) > 20
    note = "Counts are rounded to the nearest 5"
    for path in kat.write_report(released(), tmp_path / "out", pdf=False):
        if path.suffix not in {".csv", ".md", ".html", ".txt", ".json"}:
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix in {".txt", ".md", ".html"}:
            assert note in text, path.name
            assert ", \u2013)" not in text, path.name  # a p-value that is not there
        counted = re.findall(r"(?<![\w.,#-])(\d[\d,]*) (?:of \d|patients)|of (\d[\d,]*)(?![\w.%])", text)
        numbers = {int(word.replace(",", "")) for pair in counted for word in pair if word}
        assert numbers & betraying == set(), path.name


def test_numbers_in_sentences_are_rounded() -> None:
    assert (
        with_rounded_numbers("1,234 rows, 7 of 41 patients; in week 12", 5)
        == "1,235 rows, 5 of 41 patients; in week 12"
    )
    assert with_rounded_numbers("Rejected: 43. Within day 0 to 3.", 5, every_number=True) == (
        "Rejected: 45. Within day 0 to 3."
    )
    assert with_rounded_numbers("43 rows", 1) == "43 rows"
