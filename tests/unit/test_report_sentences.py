"""The words of a report: each kind of answer, the null and the hidden one included."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.report import sentences
from katoutcomes.results.check import Check
from katoutcomes.results.collection import Results
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, ReleasedResult

HIDDEN: dict[str, Any] = {
    "estimate": float("nan"),
    "conf_low": float("nan"),
    "conf_high": float("nan"),
    "suppressed": True,
}


def released(analysis: str, estimates: tuple[Estimate, ...], **fields: Any) -> ReleasedResult:
    return ReleasedResult(
        analysis=analysis,
        title=analysis,
        estimand=Estimand("name", "patients", "", "", Endpoint("PHQ-9", "week 12", "score"), "as observed", "mean"),
        method=Method("method", "How it was done.", ("A source. doi:10.1/1",)),
        estimates=estimates,
        provenance=Provenance("frame", "0" * 64, (("gap rule", "90 days"),), software=(("katoutcomes", "0"),)),
        minimum_cell=11,
        **fields,
    )


def contrast(estimate: float, low: float, high: float) -> Estimate:
    return Estimate(
        term="follow-up, adjusted: with_integration - ketamine_only",
        measure="difference in means",
        unit="points",
        instrument="PHQ-9",
        visit="week 12",
        treatment="with_integration",
        comparator="ketamine_only",
        estimate=estimate,
        conf_low=low,
        conf_high=high,
        conf_level=0.95,
        p_value=0.04,
        n_patients=200,
    )


def share(term: str, value: float, **changes: Any) -> Estimate:
    numbers = {"estimate": value, "conf_low": value - 0.05, "conf_high": value + 0.05} | changes
    return Estimate(
        term=term,
        measure="proportion",
        instrument="PHQ-9",
        definition_set="jacobson_truax",
        visit="week 12",
        conf_level=0.95,
        n_patients=200,
        **numbers,
    )


def test_a_difference_is_an_association_with_its_side() -> None:
    text = sentences.difference_sentence(released("cohort_difference", (contrast(-2.0, -3.5, -0.5),)))
    assert "is lower in “with integration” than in “ketamine only”" in text
    assert "−2.0 points (95% interval −3.5 to −0.5, p = 0.040)" in text
    assert "association" in text
    higher = sentences.difference_sentence(released("cohort_difference", (contrast(2.0, 0.5, 3.5),)))
    assert "is higher in “with integration”" in higher


@pytest.mark.parametrize(("low", "high"), [(-1.5, 0.5), (0.0, 1.0), (-1.0, 0.0)])
def test_a_null_is_said_with_its_range(low: float, high: float) -> None:
    text = sentences.difference_sentence(released("cohort_difference", (contrast(-0.5, low, high),)))
    assert text.startswith("These data do not show a difference")
    assert "no difference among them" in text
    assert "is lower" not in text


def test_a_withheld_comparison_gives_its_reason_and_no_number() -> None:
    check = Check("patients per cohort", False, "withhold", 4.0, 10.0, "Too few patients in a cohort.")
    text = sentences.difference_sentence(released("cohort_difference", (contrast(-2.0, -3.0, -1.0),), checks=(check,)))
    assert "are not compared: Too few patients in a cohort." in text
    assert "−2.0" not in text


def test_caution_is_said_beside_the_number() -> None:
    check = Check("leverage", False, "caution", 0.7, 0.5, "One patient weighs much.")
    result = released("cohort_difference", (contrast(-2.0, -3.0, -1.0),), checks=(check,))
    assert sentences.difference_sentence(result).endswith("Read it with caution: One patient weighs much.")
    assert sentences.failed_checks(result) == ("One patient weighs much.",)


def test_a_hidden_difference_is_not_a_null() -> None:
    text = sentences.difference_sentence(released("cohort_difference", (replace(contrast(0.0, 0.0, 0.0), **HIDDEN),)))
    assert "is not shown" in text
    assert "do not show a difference" not in text


def test_a_difference_without_limits_is_not_told() -> None:
    nan = float("nan")
    text = sentences.difference_sentence(released("cohort_difference", (contrast(nan, nan, nan),)))
    assert (
        text == "The difference between “with integration” and “ketamine only” has no interval, so it is not reported."
    )


@pytest.mark.parametrize(("p_value", "text"), [(0.9999, "p > 0.99"), (1e-9, "p < 0.001"), (0.5, "p = 0.50")])
def test_p_is_written_with_its_sign(p_value: float, text: str) -> None:
    found = replace(contrast(-0.5, -1.5, 0.5), p_value=p_value)
    assert f"{text})" in sentences.difference_sentence(released("cohort_difference", (found,)))


def test_a_withheld_change_is_not_told() -> None:
    check = Check("patients", False, "withhold", 9.0, 11.0, "Too few patients have both scores.")
    mean_change = Estimate(
        term="change", measure="mean change", instrument="PHQ-9", visit="week 12", estimate=-7.2, n_patients=9
    )
    text = sentences.change_sentence(released("change_from_baseline", (mean_change,), checks=(check,)))
    assert text == "The change of the PHQ-9 is not reported: Too few patients have both scores."


def test_several_curves_are_said_to_be_unadjusted() -> None:
    one = Estimate(term="change", measure="mean change", estimate=-5.0, n_patients=50)
    assert sentences.curves_note(released("change_from_baseline", (one,))) == ""
    several = (one, replace(one, subgroup="program_booked: with_integration"))
    assert "not adjusted" in sentences.curves_note(released("change_from_baseline", several))


def test_the_description_explains_differences_only_where_there_are_some() -> None:
    assert "p-values" not in sentences.description_sentence(released("describe", ()))
    smd = Estimate(term="age", measure="standardized mean difference", estimate=0.1, n_patients=50)
    assert "p-values" in sentences.description_sentence(released("describe", (smd,)))


def test_every_class_of_reliable_change_is_said_deterioration_included() -> None:
    classes = (
        share("reliable improvement", 0.5),
        share("no reliable change", 0.4),
        share("reliable deterioration", 0.1),
    )
    text = sentences.significance_sentence(released("clinical_significance", classes))
    assert "of the 200 patients with both PHQ-9 scores" in text
    assert "50.0% (45.0% to 55.0%) improved reliably" in text
    assert "40.0% (35.0% to 45.0%) did not change reliably" in text
    assert "10.0% (5.0% to 15.0%) deteriorated reliably" in text
    assert "Jacobson and Truax" in text


def test_a_small_class_is_named_as_small_and_a_linked_one_as_hidden() -> None:
    classes = (
        share("reliable improvement", 0.5),
        share("no reliable change", 0.0, **HIDDEN),
        share("reliable deterioration", 0.0, **HIDDEN, below_minimum=True),
    )
    text = sentences.significance_sentence(released("clinical_significance", classes))
    assert "fewer than 11 patients deteriorated reliably" in text
    assert "the share that did not change reliably is hidden" in text


@pytest.mark.parametrize(
    ("below", "said"), [(True, "fewer than 11 patients have both PHQ-9 scores"), (False, "is not shown")]
)
def test_too_few_patients_are_said_once(below: bool, said: str) -> None:
    few = replace(share("reliable improvement", 0.5, **HIDDEN, below_minimum=below), n_patients=None)
    text = sentences.significance_sentence(released("clinical_significance", (few,)))
    assert said in text
    assert "<" not in text


def test_a_change_without_an_interval_says_so() -> None:
    nan = float("nan")
    same = Estimate(
        term="change", measure="mean change", unit="points", instrument="PHQ-9", visit="week 12", estimate=-8.0,
        conf_low=nan, conf_high=nan, n_patients=40,
    )  # fmt: skip
    assert "(no interval; 40 patients)" in sentences.change_sentence(released("change_from_baseline", (same,)))


def test_where_all_are_scored_nobody_is_missing() -> None:
    counted = Estimate(term="with a baseline score", measure="count", unit="patients", estimate=40.0, n_patients=40)
    seen = replace(share("scored at visit", 1.0, conf_high=1.0), definition_set="", n_patients=40)
    text = sentences.flow_sentence(released("participant_flow", (counted, seen)))
    assert text.endswith("also have one at week 12.")
    most = replace(seen, estimate=0.7)
    assert "The others are missing" in sentences.flow_sentence(released("participant_flow", (counted, most)))


def test_without_a_change_the_headline_says_so() -> None:
    assert any(text.startswith("No change is reported") for text in sentences.headline(Results("title", ())))


def test_without_reliable_change_the_missing_piece_is_named() -> None:
    result = released("clinical_significance", (), warnings=("HAM-A: no reliability is known; pass reliability=…",))
    # The advice is for those who call the function, not for those who read a report.
    assert sentences.significance_sentence(result).endswith("HAM-A: no reliability is known.")


def test_the_change_stands_beside_the_number_of_its_patients() -> None:
    estimates = (
        Estimate(
            term="change",
            measure="mean change",
            unit="points",
            instrument="PHQ-9",
            visit="week 12",
            estimate=-5.0,
            conf_low=-6.0,
            conf_high=-4.0,
            conf_level=0.9,
            n_patients=150,
        ),
        replace(share("paired completeness", 0.75), definition_set=""),
    )
    text = sentences.change_sentence(released("change_from_baseline", estimates))
    assert "changed by −5.0 points (90% interval −6.0 to −4.0; 150 patients, 75.0% of those at baseline)" in text
    hidden = (replace(estimates[0], **HIDDEN),)
    assert "is not shown" in sentences.change_sentence(released("change_from_baseline", hidden))
    assert sentences.change_sentence(released("change_from_baseline", ())) == "No patient has both scores."


@pytest.mark.parametrize(
    ("rows", "suppressed", "start"),
    [
        ((("scores", 20, 20, 0),), (), "Every row of the input was accepted."),
        ((("scores", 40, 20, 20),), (), "Rows that break a rule"),
        ((("scores", None, 20, None),), ((0, 3),), "Rows that break a rule"),
    ],
)
def test_quality_never_claims_more_than_is_shown(
    rows: tuple[tuple[Any, ...], ...], suppressed: tuple[tuple[int, int], ...], start: str
) -> None:
    part = Part("files", ("file", "rows_in", "rows_accepted", "rows_rejected"), rows, suppressed)
    assert sentences.quality_sentence(released("data_quality", (), parts=(part,))).startswith(start)


def test_methods_and_provenance_are_said_once() -> None:
    results = Results("title", (released("describe", ()), released("change_from_baseline", ())))
    assert sentences.methods(results) == (
        "describe; change_from_baseline. How it was done. Sources: A source. doi:10.1/1.",
    )
    assert sentences.provenance(results)[0] == "Gap rule: 90 days."
    assert sentences.provenance(results)[-1].endswith("0" * 64 + ".")
    emptied = replace(results.entries[0], provenance=replace(results.entries[0].provenance, digest=""))
    assert sentences.provenance(Results("title", (emptied,)))[-1] == "Software: katoutcomes 0."


def test_the_reasons_for_caution_stand_below_a_cautious_answer() -> None:
    caution = Check("paired completeness", False, "caution", 0.6, 0.8, "Many were not scored again.")
    note = Check("reliability", False, "note", 0.0, 0.0, "A note that changes no verdict.")
    warnings = ("No norms are known here; pass norms=…",)
    classes = (
        share("reliable improvement", 0.5),
        share("no reliable change", 0.4),
        share("reliable deterioration", 0.1),
    )
    result = released("clinical_significance", classes, checks=(caution, note), warnings=warnings)
    assert sentences.significance_remarks(result) == ("Many were not scored again.", "No norms are known here.")
    unanswered = released("clinical_significance", (), checks=(caution,), warnings=warnings)
    assert sentences.significance_remarks(unanswered) == ("Many were not scored again.",)


def test_two_hidden_classes_are_told_in_one_breath() -> None:
    shares = (
        share("reliable improvement", 0.5),
        share("no reliable change", 0.0, **HIDDEN),
        share("reliable deterioration", 0.0, **HIDDEN),
    )
    said = sentences.significance_sentence(released("clinical_significance", shares))
    assert said.count("hidden") == 1
    assert "improved reliably; the others did not; how many of them deteriorated reliably is hidden" in said


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (("first dose in or after 2024Q3", "first dose in or before 2026Q3"), "2024Q3 to 2026Q3."),
        (("first dose in or after 2026Q3", "first dose in or before 2026Q3"), "in 2026Q3."),
        (("first dose in or after 2026Q3",), ""),
        ((), ""),
    ],
)
def test_the_quarters_of_a_report_are_named_where_both_ends_are_known(steps: tuple[str, ...], said: str) -> None:
    rows = tuple(("stage", step, 100) for step in ("patients in the registry", *steps))
    flow = released("participant_flow", (), parts=(Part("flow", ("kind", "step", "n_patients"), rows),))
    assert sentences.quarters_sentence(flow).endswith(said)
    assert bool(sentences.quarters_sentence(flow)) == bool(said)
