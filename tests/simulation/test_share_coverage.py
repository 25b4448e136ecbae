"""The coverage of intervals of shares: exact sums over all counts, and the numbers that the docs page prints."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

FILE = Path(__file__).resolve().parents[2] / "docs" / "images" / "make_share_coverage.py"
PAGES = Path(__file__).resolve().parents[2] / "docs" / "methods"
_SPEC = importlib.util.spec_from_file_location("make_share_coverage", FILE)
coverage = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(coverage)
SIX_DECIMALS = 1e-6
LEAST_OF_A_DEFAULT = 0.92


@pytest.fixture(scope="module")
def numbers():
    return json.loads(coverage.NUMBERS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("n_patients", [20, 50])
@pytest.mark.parametrize("interval", ["exact", "wilson"])
def test_the_file_holds_what_is_measured(numbers, interval, n_patients):
    measured = coverage.coverage_of_shares(interval, n_patients)
    assert numbers[interval][str(n_patients)] == pytest.approx(measured, abs=SIX_DECIMALS)


def test_the_file_holds_what_is_measured_of_superiority(numbers):
    assert numbers["superiority"]["20"] == pytest.approx(coverage.coverage_of_superiority(20), abs=SIX_DECIMALS)


@pytest.mark.slow
@pytest.mark.parametrize("interval", ["exact", "wilson"])
def test_the_file_holds_what_is_measured_of_differences(numbers, interval):
    measured = coverage.coverage_of_differences((20, 20), interval)
    assert numbers["differences"][interval]["20 and 20"] == pytest.approx(measured, abs=SIX_DECIMALS)


def test_no_default_may_cover_less_than_92_percent(numbers):
    assert coverage.INTERVALS[0] == "exact"
    assert min(min(values) for values in numbers["exact"].values()) >= coverage.LEVEL
    assert min(found["least"] for found in numbers["superiority"].values()) >= coverage.LEVEL
    assert min(found["least"] for found in numbers["differences"]["exact"].values()) >= LEAST_OF_A_DEFAULT


def test_wilson_and_newcombe_fall_below_it_and_are_no_default(numbers):
    assert min(min(values) for values in numbers["wilson"].values()) < LEAST_OF_A_DEFAULT
    assert min(found["least"] for found in numbers["differences"]["wilson"].values()) < LEAST_OF_A_DEFAULT
    for values in numbers["wilson"].values():
        assert 0.945 <= np.mean(values) <= 0.96
    for found in numbers["differences"]["wilson"].values():
        assert 0.945 <= found["mean"] <= 0.96


@pytest.mark.parametrize("sizes", [(4, 9), (12, 12), (3, 40)])
def test_differences_of_small_cohorts_cover_at_least_as_much_as_is_said(sizes):
    assert coverage.coverage_of_differences(sizes, "exact")["least"] >= LEAST_OF_A_DEFAULT


def test_standardized_differences_cover_what_they_promise(numbers):
    for found in numbers["standardized"].values():
        assert 0.935 <= found["coverage"] <= 0.965


def test_the_pages_print_these_numbers(numbers):
    page = (PAGES / "clinical_significance.md").read_text(encoding="utf-8")
    for kind in coverage.INTERVALS:
        for size, values in numbers[kind].items():
            for number in (np.mean(values), min(values)):
                assert f"{100 * number:.1f}" in page, (kind, size)
        for sizes, found in numbers["differences"][kind].items():
            for name in ("mean", "least"):
                assert f"{100 * found[name]:.1f}" in page, (kind, sizes)
    change = (PAGES / "change_from_baseline.md").read_text(encoding="utf-8")
    for found in numbers["superiority"].values():
        for number in found.values():
            assert f"{100 * number:.1f}" in change


@pytest.mark.slow
def test_the_simulation_gives_the_same_numbers_again(numbers):
    found = coverage.coverage_of_standardized(50, 0.0)
    assert found["coverage"] == pytest.approx(
        numbers["standardized"]["50 a cohort, odds ratio 1.0"]["coverage"], abs=SIX_DECIMALS
    )
