"""`from_summary`: what it accepts, what it refuses, and how it says what agrees."""

from __future__ import annotations

import math

import pytest

import katoutcomes as kat
from katoutcomes.errors import OptionError
from katoutcomes.evidence.printed_numbers import as_printed
from katoutcomes.vocabulary import PART_FIELDS


def change(**printed):
    return kat.from_summary(
        baseline=kat.PrintedMean(n=50, mean="17.2", sd="4.1"),
        follow_up=kat.PrintedMean(n=50, mean="10.1", sd="5.6"),
        printed=printed,
    )


def verdicts(result):
    return {term: verdict for _, _, term, verdict in result.part("compared").rows}


def value(result, name):
    return {row[0]: row[1] for row in result.part("recomputed").rows}.get(name)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("6.20", 6.195, 6.205),
        (6.2, 6.15, 6.25),
        (16, 15.5, 16.5),
        ("\u22126.7", -6.75, -6.65),
        (".0219", 0.02185, 0.02195),
    ],
)
def test_a_printed_number_stands_for_all_that_round_to_it(text, low, high):
    assert (as_printed(text).low, as_printed(text).high) == (low, high)


def test_a_bound_has_one_open_end():
    assert (as_printed("<0.001").low, as_printed("< 0.001").high) == (0.0, 0.001)
    assert as_printed(">0.05").high == math.inf


@pytest.mark.parametrize("text", ["about 5", "", "5.", "1e3"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(OptionError, match="printed number"):
        as_printed(text)


def test_means_without_a_correlation_give_no_paired_test():
    result = change(t="12.0")
    # From the printed t alone the SD of the changes follows, and with it the correlation.
    assert value(result, "correlation") == pytest.approx(0.658, abs=0.01)
    assert "t" not in {row[0] for row in result.part("compared").rows}
    without = change(d="1.45", ci=("-8.3", "-5.9"))
    assert value(without, "t (paired t)") is None
    assert verdicts(without)["d_av"] == "reproduced with the opposite sign"
    assert verdicts(without)[""] == "cannot be checked"


def test_the_correlation_gives_the_paired_test():
    result = kat.from_summary(
        baseline=kat.PrintedMean(n=50, mean="17.2", sd="4.1"),
        follow_up=kat.PrintedMean(n=46, mean="10.1", sd="5.6"),
        correlation="0.4",
    )
    (estimate,) = result.select(measure="mean change")
    sd = math.sqrt(4.1**2 + 5.6**2 - 2 * 0.4 * 4.1 * 5.6)
    assert estimate.n_patients == 46  # only who has both scores has a change
    assert estimate.std_error == pytest.approx(sd / math.sqrt(46), rel=1e-12)
    (d_z,) = result.select(measure="d_z")
    assert d_z.conf_low < d_z.estimate < d_z.conf_high < 0
    assert d_z.estimate == pytest.approx(-7.1 / sd, rel=1e-12)


def test_a_standard_error_and_an_interval_stand_for_the_sd():
    by_se = kat.from_summary(change=kat.PrintedMean(n=25, mean="-5.00", se="1.20"))
    limits = by_se.select(measure="mean change")[0]
    by_interval = kat.from_summary(
        change=kat.PrintedMean(n=25, mean="-5.00", conf_int=(f"{limits.conf_low:.6f}", f"{limits.conf_high:.6f}"))
    )
    assert by_se.select(measure="d_z")[0].estimate == pytest.approx(-5 / 6, rel=1e-12)
    assert by_interval.select(measure="d_z")[0].estimate == pytest.approx(-5 / 6, rel=1e-5)


def test_a_change_that_is_not_the_difference_of_the_means_is_found():
    before, after = kat.PrintedMean(n=50, mean="17.2", sd="4.1"), kat.PrintedMean(n=50, mean="10.1", sd="5.6")
    good, bad = (
        kat.from_summary(baseline=before, follow_up=after, change=kat.PrintedMean(n=50, mean=text, sd="5.0"))
        for text in ("-7.1", "-7.4")
    )
    assert good.verdict == "report"
    assert [check.name for check in bad.checks if not check.passed] == ["printed mean change"]


def test_impossible_means_of_whole_numbers_are_found():
    groups = {
        "treatment": kat.PrintedMean(n=28, mean="5.19", sd="2.0"),
        "comparator": kat.PrintedMean(n=18, mean="3.44", sd="2.47"),
    }
    result = kat.from_summary(**groups, whole_numbers=True)
    assert {check.name for check in result.checks if not check.passed} == {
        "mean of whole numbers, treatment",
        "SD of whole numbers, comparator",
    }
    assert kat.from_summary(**groups).checks == ()


def test_a_percentage_that_no_count_gives_is_found():
    possible, impossible = (kat.from_summary(share=kat.PrintedCount(n=19, percent=text)) for text in ("36.8", "50.0"))
    assert value(possible, "patients counted") == 7.0
    assert possible.verdict == "report"
    assert value(impossible, "patients counted") is None
    assert impossible.verdict == "with caution"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"baseline": kat.PrintedMean(mean=3)},
        {"treatment": kat.PrintedMean(n=5, mean=3, sd=1)},
        {"treatment": kat.PrintedMean(n=5, mean=3, sd=1), "comparator": kat.PrintedCount(n=5, n_counted=2)},
        {"treatment": kat.PrintedMean(n=5, mean=3), "comparator": kat.PrintedMean(n=5, mean=3, sd=1)},
        {"treatment": kat.PrintedCount(n=5, percent=20), "comparator": kat.PrintedCount(n=5, n_counted=2)},
        {"change": kat.PrintedMean(n=5, mean=3, sd=1), "share": kat.PrintedCount(n=5, n_counted=2)},
        {"change": kat.PrintedMean(n=5, mean=3, sd=1), "printed": {"ci": "3"}},
        {"change": kat.PrintedMean(n=5, mean=3, sd=1), "printed": {"eta": "3"}},
        {"change": kat.PrintedMean(n=5, mean=3, sd=1), "conf_level": 95},
    ],
)
def test_what_makes_no_design_is_refused(given):
    with pytest.raises(OptionError):
        kat.from_summary(**given)


@pytest.mark.parametrize("given", [{"n": 1}, {"n": 2.0}])
def test_a_mean_of_nobody_is_refused(given):
    with pytest.raises(OptionError):
        kat.PrintedMean(mean=3, **given)


@pytest.mark.parametrize("given", [{"n": 0, "n_counted": 0}, {"n": 5, "n_counted": 6}, {"n": 5}])
def test_a_count_of_nothing_is_refused(given):
    with pytest.raises(OptionError):
        kat.PrintedCount(**given)


def test_the_result_is_one_like_others_and_leaves_unchanged():
    result = change(t="11.9", p="<0.001", d="1.4")
    released = kat.release(result)
    assert released.estimates == result.estimates
    assert released.parts == result.parts
    assert all(set(part.columns) <= PART_FIELDS for part in result.parts)
    assert result.to_json() == change(t="11.9", p="<0.001", d="1.4").to_json()
    table = result.to_table()
    assert "nan" not in table.to_csv()
    assert table.to_html()
