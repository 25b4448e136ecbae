"""What a report says once: reasons of several visits together, the patients, that data are synthetic."""

from __future__ import annotations

import pytest

import katoutcomes as kat
from katoutcomes.report.content import report_content
from katoutcomes.report.markdown import report_markdown
from katoutcomes.results.reasons import joined_by_visit

VISITS = ("week 1", "week 12")


def test_reasons_that_differ_by_the_visit_are_one() -> None:
    given = ["Few at week 1; beware.", "Few at week 12; beware.", "Few at week 1; beware."]
    assert joined_by_visit(given, VISITS) == ("Few at week 1 and week 12; beware.",)


def test_other_reasons_stay_as_they_are_and_in_order() -> None:
    given = ["All differ.", "Few at week 12.", "All differ.", "Scores at week 1 differ."]
    assert joined_by_visit(given, VISITS) == ("All differ.", "Few at week 12.", "Scores at week 1 differ.")


@pytest.fixture(scope="module")
def page() -> str:
    registry = kat.simulate_registry(seed=20260930, n_patients=160)
    plan = kat.AnalysisPlan.default()
    return report_markdown(report_content(kat.run(plan, registry).release()))


def test_whom_the_report_is_about_stands_in_one_place(page: str) -> None:
    assert page.count("age at least 18 years)") == 1
    assert page.count("in the patients of this report") > 5


def test_a_page_that_says_synthetic_at_the_top_does_not_say_it_below_each_table(page: str) -> None:
    assert page.count("**Synthetic data") == 1
    assert "\nSynthetic data: made by a program, not by patients.\n" not in page


def test_what_to_type_in_a_program_is_not_told_to_readers_of_a_report(page: str) -> None:
    assert "pass norms=" not in page
    assert "pass reliability=" not in page
    assert "No norms of the HAM-A are known here, so recovery by a cut-off (c) is not reported." in page


def test_a_reason_for_caution_stands_once_in_its_section(page: str) -> None:
    sections = page.split("\n## ")
    cautious = [section for section in sections if "**Read with caution: see the reasons below.**" in section]
    assert cautious
    for section in cautious:
        for part in section.split("\n### "):
            said = [line for line in part.splitlines() if line.startswith("- Many patients with a baseline score")]
            assert len(said) <= 1
        assert "\nVerdict: " not in section
