"""The page on the simulation study says what its kept numbers say, and these keep the bounds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from katoutcomes.results.simulation_study import study_from_dict

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def study():
    return study_from_dict(json.loads((DOCS / "images" / "simulation_study.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def page():
    return (DOCS / "methods" / "simulation.md").read_text(encoding="utf-8")


def test_it_is_the_full_study(study):
    assert (study.design["n_replicates"], study.design["n_patients"]) == (2000, [300])
    assert len({line.cell for line in study.performances}) == 8


def test_the_defaults_keep_their_bounds_as_the_page_says(study, page):
    for line in study.select(role="default"):
        assert abs(line.bias) <= 0.1
        assert 0.92 <= line.coverage <= 0.97
        assert not line.is_null or line.rejection <= 0.07
        assert line.judgement == "within bounds"
    assert "keep all bounds in all eight cells**, even without the two Monte-Carlo errors" in page


def test_the_page_holds_the_table_of_the_study(study, page):
    assert page.endswith(study.to_table().to_markdown() + "\n")


def test_the_table_of_the_defaults_is_that_of_the_study(study, page):
    rows = [line for line in page.splitlines() if re.match(r"\| (Program|Integration) .*(effect| −)", line)]
    for row, line in zip(rows, study.select(role="default"), strict=True):
        bias, coverage, error, power, not_estimable = (
            re.sub(r"[ %+]", "", cell).replace("−", "-") for cell in row.split("|")[2:-1]
        )
        assert float(bias) == pytest.approx(line.bias, abs=0.0051)
        assert float(coverage) == pytest.approx(100 * line.coverage, abs=0.051)
        assert float(error if line.is_null else power) == pytest.approx(100 * line.rejection, abs=0.051)
        assert float(not_estimable) == pytest.approx(100 * line.not_estimable, abs=0.051)


def test_words_of_the_page_are_true(study, page):
    words = " ".join(page.split())
    ratios = [1.0 - line.mean_se / line.empirical_se for line in study.select(role="default")]
    assert (round(100 * min(ratios)), round(100 * max(ratios))) == (3, 8)
    assert "(3 to 8 % below the spread" in words
    (naive,) = study.select(exposure="later", clinic="linear", scenario="null", role="naive")
    assert f"−{abs(naive.bias):.2f} points and a type I error of {100 * naive.rejection:.1f} %" in words
    augmented = study.select(estimator="augmented weighting")
    shares = [line.coverage for line in augmented]
    assert f"coverage {100 * min(shares):.1f} to {100 * max(shares):.1f} %" in words
    for line in augmented:
        (default,) = study.select(role="default", exposure="time_zero", clinic=line.clinic, scenario=line.scenario)
        assert 0.86 < line.empirical_se / default.empirical_se < 0.91
        assert line.is_null or line.rejection >= default.rejection
    (complete,) = study.select(clinic="linear", scenario="effect", estimator="overlap weights, complete cases")
    assert f"off by −{abs(complete.bias):.2f} points" in words
