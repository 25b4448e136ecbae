"""Numbers become text in one way: rounding, signs, digits, hidden counts, percentages that never lie."""

import locale
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import (
    digits_of,
    format_count,
    format_day,
    format_df,
    format_estimate,
    format_interval,
    format_level,
    format_mean_sd,
    format_n_patients,
    format_number,
    format_p,
    format_part_cell,
    format_percent,
    format_share,
    format_std_error,
    format_with_interval,
)
from katoutcomes.results.part import Part
from katoutcomes.results.rounding import significant
from katoutcomes.vocabulary import MEASURES, UNITS

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.125, 2, "0.13"),  # half goes away from zero, not to the even digit
        (0.135, 2, "0.14"),
        (-0.125, 2, "−0.13"),
        (2.675, 2, "2.68"),  # the float lies below, its shortest decimal does not
        (2.5, 0, "3"),
        (0.1 + 0.2, 1, "0.3"),
        (0.05 - 1e-17, 1, "0.1"),  # noise in the last bit changes no digit
        (-0.04, 1, "0.0"),  # no minus before a zero
        (-0.0, 1, "0.0"),
        (1234567.891, 1, "1,234,567.9"),
        (12.0, 1, "12.0"),
        (NAN, 1, "–"),
        (None, 1, "–"),
        (math.inf, 1, "∞"),
        (-math.inf, 1, "−∞"),
    ],
)
def test_numbers(value, digits, text):
    assert format_number(value, digits) == text


def test_trailing_zeros_can_go():
    assert format_number(6.0, 2, trailing_zeros=False) == "6"
    assert format_number(5.5, 2, trailing_zeros=False) == "5.5"
    assert format_number(100.0, 0, trailing_zeros=False) == "100"


@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_text_is_within_half_a_digit_and_symmetric(value, digits):
    text = format_number(value, digits)
    back = float(text.replace("−", "-").replace(",", ""))
    assert abs(back - value) <= 0.5 * 10.0**-digits * (1 + 1e-9) + 1e-11 * abs(value)
    assert format_number(-value, digits).lstrip("−") == text.lstrip("−")


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 4))
def test_text_is_the_same_before_and_after_json(value, digits):
    assert format_number(significant(value), digits) == format_number(value, digits)


def test_text_does_not_hang_on_the_locale():
    before = locale.setlocale(locale.LC_ALL)
    try:
        for name in ("de_DE.UTF-8", "fr_CA.UTF-8", "C"):
            try:
                locale.setlocale(locale.LC_ALL, name)
            except locale.Error:
                continue
            assert format_number(1234.5, 1) == "1,234.5"
    finally:
        locale.setlocale(locale.LC_ALL, before)


@pytest.mark.parametrize(
    ("p_value", "text"),
    [
        (0.0, "<0.001"),
        (1e-300, "<0.001"),
        (0.00099, "<0.001"),
        (0.001, "0.001"),
        (0.0496, "0.050"),
        (0.0994, "0.099"),
        (0.0995, "0.10"),
        (0.5, "0.50"),
        (0.99, "0.99"),
        (0.9901, ">0.99"),
        (1.0, ">0.99"),
        (NAN, "–"),
        (None, "–"),
    ],
)
def test_p_is_never_zero_and_never_one(p_value, text):
    assert format_p(p_value) == text


def test_named_p():
    assert format_p(0.0, named=True) == "p < 0.001"
    assert format_p(0.03, named=True) == "p = 0.030"
    assert format_p(NAN, named=True) == "–"


@pytest.mark.parametrize(
    ("share", "n_patients", "text"),
    [
        (0.455, 99, "46%"),
        (0.455, 100, "45.5%"),
        (0.455, None, "46%"),
        (0.0, 500, "0.0%"),
        (1.0, 500, "100.0%"),
        (1.0, 40, "100%"),
        (0.0004, 5000, "<0.1%"),
        (0.9996, 5000, ">99.9%"),
        (0.004, 50, "<1%"),
        (0.996, 50, ">99%"),
        (NAN, 50, "–"),
    ],
)
def test_percentages(share, n_patients, text):
    assert format_percent(share, n_patients) == text


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_some_never_reads_as_none_and_not_all_never_reads_as_all(pair):
    count, n_patients = pair
    text = format_percent(count / n_patients, n_patients)
    assert (text in {"0%", "0.0%"}) == (count == 0)
    assert (text in {"100%", "100.0%"}) == (count == n_patients)


def test_counts_and_what_hides_them():
    assert format_count(0) == "0"
    assert format_count(1234) == "1,234"
    assert format_count(None) == "–"
    assert format_count(None, suppressed=True, below_minimum=True, minimum_cell=5) == "<5"
    assert format_count(None, suppressed=True, below_minimum=False, minimum_cell=5) == "hidden"
    assert format_count(None, suppressed=True, below_minimum=True) == "hidden"
    assert format_count(7, suppressed=True) == "hidden"  # the mark goes before the number


def test_levels_days_and_degrees_of_freedom():
    assert [format_level(level) for level in (0.95, 0.9, 0.995)] == ["95%", "90%", "99.5%"]
    assert [format_day(day) for day in (0, 84, -14)] == ["day 0", "day 84", "day −14"]
    assert [format_df(df) for df in (58.0, 57.31, 1204.0, NAN)] == ["58", "57.3", "1,204", "–"]


def estimate(measure="mean change", unit="points", value=-6.25, **fields):
    return Estimate(term="change", measure=measure, unit=unit, estimate=value, **fields)


def test_digits_follow_measure_and_unit():
    assert format_estimate(estimate()) == "−6.3"
    assert format_estimate(estimate("d_av", "SD", -1.046)) == "−1.05"
    assert format_estimate(estimate("correlation", "", 0.5)) == "0.50"
    assert format_estimate(estimate("effective sample size", "", 22.49)) == "22"
    assert format_estimate(estimate("median", "years", 42.0)) == "42"
    assert format_estimate(estimate("lower quartile", "years", 34.25)) == "34.3"
    assert format_estimate(estimate("threshold", "points", 5.98)) == "5.98"  # 6 points are more than that
    assert format_estimate(estimate("threshold", "points", 6.0)) == "6"
    assert format_estimate(estimate("mean", "mg", 54.4)) == "54"
    assert format_estimate(estimate("proportion", "", 0.45, n_patients=40)) == "45%"
    assert format_estimate(estimate("count", "patients", 1200.0)) == "1,200"


def test_every_measure_and_unit_has_digits():
    assert all(digits_of(measure, unit) in {0, 1, 2} for measure in MEASURES for unit in UNITS)


def test_intervals():
    with_limits = estimate(conf_low=-7.5, conf_high=-5.0)
    assert format_interval(with_limits) == "−7.5 to −5.0"
    assert format_with_interval(with_limits) == "−6.3 (−7.5 to −5.0)"
    assert format_interval(estimate()) == "–"
    assert format_with_interval(estimate()) == "−6.3"
    share = estimate("proportion", "", 0.45, conf_low=0.0004, conf_high=0.6, n_patients=400)
    assert format_with_interval(share) == "45.0% (<0.1% to 60.0%)"


def test_standard_errors_have_one_digit_more():
    assert format_std_error(estimate(std_error=0.4567)) == "0.46"
    assert format_std_error(estimate("proportion", "", 0.45, std_error=0.0786, n_patients=40)) == "7.9"


def test_mean_and_sd():
    mean, sd = estimate("mean", "points", 18.25), estimate("standard deviation", "points", 4.44)
    assert format_mean_sd(mean, sd) == "18.3 (4.4)"
    assert format_mean_sd(None, sd) == "–"
    assert format_mean_sd(mean, None) == "18.3"
    assert format_mean_sd(estimate("mean", "points", NAN), sd) == "–"
    hidden = estimate("mean", "points", NAN, suppressed=True)
    assert format_mean_sd(hidden, hidden) == "hidden"


def test_a_hidden_share_keeps_the_denominator_that_is_shown():
    share = estimate("proportion", "", 0.45, n_patients=40)
    assert format_share(share) == "18 of 40"
    small = estimate("proportion", "", NAN, n_patients=40, suppressed=True, below_minimum=True)
    assert format_share(small, 11) == "<11 of 40"
    linked = estimate("proportion", "", NAN, n_patients=40, suppressed=True)
    assert format_share(linked, 11) == "hidden of 40"
    few = estimate("proportion", "", NAN, suppressed=True, below_minimum=True)
    assert format_share(few, 11) == "<11"
    assert format_estimate(small, 11) == format_interval(small) == format_std_error(small) == "hidden"


def test_patients_behind_a_number():
    assert format_n_patients(estimate(n_patients=57)) == "57"
    assert format_n_patients(estimate()) == "–"
    assert format_n_patients(estimate(suppressed=True, below_minimum=True), 11) == "<11"
    assert format_n_patients(estimate(suppressed=True), 11) == "hidden"
    # Only the numerator is hidden here, so the number of patients stays in sight.
    assert format_n_patients(estimate(n_patients=57, suppressed=True, below_minimum=True), 11) == "57"


def test_part_cells():
    part = Part(
        "flow",
        ("step", "n_patients", "value"),
        (("enrolled", 1200, 0.5), ("treated", None, None), ("scored", None, 2.0), ("left", None, 3.25)),
        suppressed=((1, 1), (2, 1)),
        below_minimum=((1, 1),),
    )
    assert format_part_cell(part, 0, "step") == "enrolled"
    assert [format_part_cell(part, row, "n_patients", 11) for row in range(4)] == ["1,200", "<11", "hidden", "–"]
    assert [format_part_cell(part, row, "value") for row in range(4)] == ["0.5", "–", "2", "3.25"]


def test_differences_of_shares_read_as_percentage_points_beside_percentages():
    fields = {"term": "response", "estimate": 0.2567, "conf_low": -0.0149, "conf_high": 0.3449, "std_error": 0.0412}
    for measure in ("difference in proportions", "standardized difference in proportions"):
        difference = Estimate(measure=measure, n_patients=521, **fields)
        assert format_with_interval(difference) == "26 pp (−1 to 34 pp)"
        assert format_std_error(difference) == "4.1"
        nobody = Estimate(measure=measure, term="response")
        assert (format_estimate(nobody), format_interval(nobody)) == ("–", "–")
    for measure in ("model-based share", "adjusted share"):
        assert format_with_interval(Estimate(measure=measure, **(fields | {"conf_low": 0.2}))) == "26% (20% to 34%)"
