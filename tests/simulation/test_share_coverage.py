"""The coverage of intervals of shares: exact sums over all counts, and the numbers that the docs page prints."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

FILE = Path(__file__).resolve().parents[2] / "docs" / "images" / "make_share_coverage.py"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "clinical_significance.md"
_SPEC = importlib.util.spec_from_file_location("make_share_coverage", FILE)
coverage = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(coverage)
SIX_DECIMALS = 1e-6


@pytest.fixture(scope="module")
def numbers():
    return json.loads(coverage.NUMBERS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("n_patients", [20, 50])
@pytest.mark.parametrize("interval", ["wilson", "exact"])
def test_the_file_holds_what_is_measured(numbers, interval, n_patients):
    measured = coverage.coverage_of_shares(interval, n_patients)
    assert numbers[interval][str(n_patients)] == pytest.approx(measured, abs=SIX_DECIMALS)


def test_exact_intervals_never_cover_less_than_promised(numbers):
    assert min(min(values) for values in numbers["exact"].values()) >= 0.95


def test_wilson_and_newcombe_cover_what_they_promise_on_average(numbers):
    for kind in ("wilson", "newcombe"):
        for values in numbers[kind].values():
            assert 0.945 <= np.mean(values) <= 0.96
            assert min(values) >= 0.91


def test_standardized_differences_cover_what_they_promise(numbers):
    for found in numbers["standardized"].values():
        assert 0.935 <= found["coverage"] <= 0.965


def test_the_page_prints_these_numbers(numbers):
    page = PAGE.read_text(encoding="utf-8")
    for kind, size in (("wilson", "50"), ("exact", "200"), ("newcombe", "20 and 20")):
        values = numbers[kind][size]
        for number in (np.mean(values), min(values)):
            assert f"{100 * number:.1f}" in page


@pytest.mark.slow
def test_the_simulation_gives_the_same_numbers_again(numbers):
    found = coverage.coverage_of_standardized(50, 0.0)
    assert found["coverage"] == pytest.approx(
        numbers["standardized"]["50 a cohort, odds ratio 1.0"]["coverage"], abs=SIX_DECIMALS
    )
