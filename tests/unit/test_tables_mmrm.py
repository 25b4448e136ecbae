"""The table of a repeated-measures model: its numbers in words, and notes only about what is there."""

from __future__ import annotations

from functools import cache

import pytest

import katoutcomes as kat
from katoutcomes.results.formatting import format_estimate, format_interval, format_p


@cache
def cohort():
    return kat.select_cohort(kat.simulate_registry(seed=20260930, n_patients=160))


@cache
def data(treatment="program_booked"):
    return cohort().analysis_set("PHQ-9", treatment=treatment)


@cache
def fitted(treatment="program_booked", **choices):
    return kat.mmrm(data(treatment), **choices)


def rows_under(table, heading):
    return [row for row, group in zip(table.rows, table.row_groups, strict=True) if group == heading]


def test_every_row_is_an_estimate_of_the_result():
    result = fitted()
    table = result.to_table()
    means = result.select(measure="adjusted mean")
    rows = rows_under(table, "Adjusted mean score")
    assert [(row[1], row[3], row[4]) for row in rows] == [
        (mean.visit, format_estimate(mean), format_interval(mean)) for mean in means
    ]
    assert [row[0] for row in rows] == ["ketamine only"] * 3 + ["with integration"] * 3
    differences = rows_under(table, "Difference between cohorts (points)")
    assert {row[0] for row in differences} == {"with integration minus ketamine only"}
    assert [row[-1] for row in differences] == [
        format_p(one.p_value) for one in result.select(measure="difference in means")
    ]


def test_joint_tests_say_both_degrees_of_freedom():
    result = fitted()
    rows = rows_under(result.to_table(), "Joint tests")
    assert [row[0] for row in rows] == ["No difference at any visit", "The same difference at every visit"]
    assert [row[6].split(" and ")[0] for row in rows] == ["3", "2"]
    assert all(row[3].startswith("F = ") for row in rows)


def test_a_model_without_cohorts_says_nothing_of_them():
    table = fitted(treatment=None).to_table()
    assert set(table.row_groups) == {"Adjusted mean score", "Adjusted change from baseline"}
    notes = " ".join(table.footnotes)
    assert "cohort" not in notes
    assert "difference" not in notes.lower()
    assert {row[0] for row in table.rows} == {"all patients"}


def test_the_fit_stands_below():
    result = fitted()
    (deviance,) = result.select(term="-2 log restricted likelihood")
    (note,) = (note for note in result.to_table().footnotes if note.startswith("Fit: "))
    assert note.startswith(f"Fit: -2 log restricted likelihood {format_estimate(deviance)}; AIC ")
    assert "-2 log likelihood" in " ".join(fitted(reml=False).to_table().footnotes)


def test_a_mean_of_visits_and_a_named_combination_have_rows():
    late = kat.contrast(fitted(), visits={"week 8": 0.5, "week 12": 0.5}).to_table()
    assert late.rows[0][0] == "with integration minus ketamine only, mean of visits"
    assert "of several visits at the one with fewest" in " ".join(late.footnotes)
    named = kat.contrast(fitted(), {"later fall": {("with_integration", "week 12"): 1.0}}).to_table()
    assert (named.rows[0][0], named.row_groups[0]) == ("Later fall", "Combinations")


def test_hidden_rows_are_hidden_throughout():
    table = kat.release(fitted(), kat.DisclosurePolicy(minimum_cell=1000)).to_table()
    assert {cell for row in table.rows for cell in row[3:]} == {"hidden"}
    assert not any(note.startswith("Fit: ") for note in table.footnotes)


@pytest.mark.parametrize("reml", [True, False])
def test_the_method_says_how_it_was_fitted(reml):
    description = fitted(reml=reml).method.description
    assert ("Restricted maximum likelihood" in description) == reml
