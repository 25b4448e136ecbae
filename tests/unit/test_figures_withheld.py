"""A figure whose numbers are hidden says so in words: no reader takes an empty picture for a lack of data."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

import katoutcomes as kat
from katoutcomes.figures.drawing.withheld import WITHHELD
from katoutcomes.figures.figure import Figure
from katoutcomes.results.estimate import NOT_A_NUMBER
from katoutcomes.results.result import Result


@cache
def answers() -> dict[str, Result]:
    registry = kat.simulate_registry(seed=20260930, n_patients=120)
    cohort = kat.select_cohort(registry)
    data = cohort.analysis_set("PHQ-9", treatment="program_booked")
    return {
        "change_from_baseline": kat.change_from_baseline(data, by="program_booked"),
        "clinical_significance": kat.clinical_significance(data),
        "clinical_significance_sensitivity": kat.clinical_significance_sensitivity(data),
        "compare_sites": kat.compare_sites(data),
        "dropout": kat.dropout(data),
        "mmrm": kat.mmrm(data),
        "safety": kat.safety(cohort, by="program_booked"),
    }


def words_in(figure: Figure) -> str:
    """Return all that is written inside the axes of a figure."""
    return "\n".join(text.get_text() for axes in figure.axes() for text in axes.texts)


def hidden(result: Result, *, groups_only: bool = False) -> Result:
    """Return a result whose estimates, or those of its groups, are hidden as a release would hide them."""
    nothing = {"estimate": NOT_A_NUMBER, "conf_low": NOT_A_NUMBER, "conf_high": NOT_A_NUMBER}
    return replace(
        result,
        estimates=tuple(
            replace(one, suppressed=True, n_patients=None, **nothing) if one.subgroup or not groups_only else one
            for one in result.estimates
        ),
    )


@pytest.mark.parametrize(
    ("analysis", "kind"),
    [
        ("change_from_baseline", "trajectory"),
        ("change_from_baseline", "forest"),
        ("clinical_significance", "responders"),
        ("clinical_significance_sensitivity", "sensitivity_curve"),
        ("compare_sites", "sites"),
        ("dropout", "dropout_curve"),
        ("mmrm", "adjusted_means"),
        ("safety", "safety_events"),
    ],
)
def test_where_everything_is_hidden_the_axes_say_so(analysis: str, kind: str) -> None:
    assert WITHHELD in words_in(hidden(answers()[analysis]).plot(kind))
    assert WITHHELD not in words_in(answers()[analysis].plot(kind))


@pytest.mark.parametrize("kind", ["paired_change", "change_by_baseline", "change_distribution"])
def test_where_no_pair_of_scores_is_shown_the_figure_says_why(kind: str) -> None:
    released = kat.release(answers()["change_from_baseline"], kat.DisclosurePolicy(minimum_cell=40))
    assert "too few with the same scores" in words_in(released.plot(kind))


@pytest.mark.parametrize(
    ("analysis", "kind"),
    [("dropout", "dropout_curve"), ("change_from_baseline", "trajectory"), ("safety", "safety_events")],
)
def test_where_only_the_groups_are_hidden_everybody_is_drawn_and_the_figure_says_so(analysis: str, kind: str) -> None:
    figure = hidden(answers()[analysis], groups_only=True).plot(kind)
    assert {row[figure.columns.index("group")] for row in figure.rows} == {"all patients"}
    assert "by program booked" not in figure.title
    assert "By program booked nothing is shown, to protect patients" in figure.alt_text


def test_where_one_group_is_shown_both_stand_in_the_figure() -> None:
    result = answers()["dropout"]
    one = next(estimate.subgroup for estimate in result.estimates if "with_integration" in estimate.subgroup)
    kept = tuple(
        old if old.subgroup != one else new for old, new in zip(result.estimates, hidden(result).estimates, strict=True)
    )
    figure = replace(result, estimates=kept).plot("dropout_curve")
    assert {row[0] for row in figure.rows} == {"ketamine only", "with integration"}
