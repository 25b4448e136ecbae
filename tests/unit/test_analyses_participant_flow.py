"""Participant flow: every row of the diagram and every estimate of a small set counted by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from katoutcomes.analyses.participant_flow import participant_flow
from katoutcomes.cohorts.analysis_set import AnalysisSet, AttritionStep, Variable
from katoutcomes.errors import DesignError, ImmortalTimeError, OptionError
from katoutcomes.estimands.visit_window import DEFAULT_VISITS
from katoutcomes.instruments import catalog
from katoutcomes.results.disclosure import release
from katoutcomes.results.provenance import Provenance

NAN = float("nan")
LEVELS = ("ketamine_only", "with_integration")


def analysis_set():
    """Six patients: one without a baseline, one whose program is not known; scores at weeks 4 and 12."""
    program = np.array([0.0, 0.0, 0.0, 1.0, 1.0, NAN])
    return AnalysisSet(
        instrument=catalog.instrument("PHQ-9"),
        visits=(DEFAULT_VISITS[0], DEFAULT_VISITS[2]),
        baseline=np.array([20.0, 18.0, NAN, 15.0, 22.0, 11.0]),
        scores=np.array([[10.0, 8.0], [12.0, NAN], [9.0, 9.0], [14.0, 7.0], [NAN, NAN], [5.0, 4.0]]),
        variables=(
            Variable("program_booked", "Program booked", "category", program, LEVELS),
            Variable("any_integration_by_day_84", "Any integration", "flag", np.zeros(6), known_by_day=84),
            Variable("age_years", "Age", "number", np.full(6, 40.0), unit="years"),
        ),
        treatment="program_booked",
        attrition=(
            AttritionStep("in the registry", "", 9, 0),
            AttritionStep("with a first dose", "no dosing session", 6, 3),
            AttritionStep("adults", "under 18 or age unknown", 6, 0),
        ),
        cohort="first course",
        population="patients with a first dose",
        provenance=Provenance("frame", "0" * 64),
        notes=("A note about the data.",),
    )


def test_every_row_of_the_diagram():
    part = participant_flow(analysis_set()).part("flow")
    only, both = (f"program_booked: {level}" for level in LEVELS)
    assert part.columns == ("order", "kind", "step", "reason", "group", "visit", "n_patients")
    assert part.rows == (
        (0, "stage", "in the registry", "", "", "", 9),
        (1, "excluded", "with a first dose", "no dosing session", "", "", 3),
        (2, "stage", "with a first dose", "", "", "", 6),
        (3, "excluded", "adults", "under 18 or age unknown", "", "", 0),
        (4, "stage", "adults", "", "", "", 6),
        (5, "excluded", "with a baseline score", "no baseline score", "", "", 1),
        (6, "stage", "with a baseline score", "", "", "", 5),
        (7, "visit", "scored at visit", "", "", "week 4", 4),
        (8, "visit", "scored at visit", "", "", "week 12", 3),
        (9, "group", "with a baseline score", "", only, "", 2),
        (10, "visit", "scored at visit", "", only, "week 4", 2),
        (11, "visit", "scored at visit", "", only, "week 12", 1),
        (12, "group", "with a baseline score", "", both, "", 2),
        (13, "visit", "scored at visit", "", both, "week 4", 1),
        (14, "visit", "scored at visit", "", both, "week 12", 1),
    )


def test_repeat_courses_are_counted_where_courses_are_known():
    unknown = participant_flow(analysis_set())
    assert unknown.select(unit="courses") == ()
    found = participant_flow(replace(analysis_set(), n_repeat_courses=3)).select(unit="courses")
    assert [(one.term, one.measure, one.estimate) for one in found] == [("repeat courses, not analyzed", "count", 3.0)]


def test_scores_in_no_window_are_counted_where_they_are_known():
    assert not participant_flow(analysis_set()).select(term="scores outside every window, not analyzed")
    result = participant_flow(replace(analysis_set(), n_scores_outside=40))
    (found,) = result.select(term="scores outside every window, not analyzed")
    assert (found.measure, found.estimate, found.instrument) == ("count", 40.0, "PHQ-9")
    rows = [row for row in result.to_table().rows if row[0].startswith("scores outside")]
    assert rows == [("scores outside every window, not analyzed", "40", "", "")]
    hidden = release(participant_flow(replace(analysis_set(), n_scores_outside=4)))
    assert [row[1] for row in hidden.to_table().rows if row[0].startswith("scores outside")] == ["hidden"]


def test_every_estimate():
    result = participant_flow(analysis_set())
    counts = [(found.term, found.estimate, found.n_patients) for found in result.select(measure="count")]
    assert counts == [
        ("in the registry", 9.0, 9),
        ("with a first dose", 6.0, 6),
        ("adults", 6.0, 6),
        ("with a baseline score", 5.0, 5),
    ]
    shares = {(found.subgroup, found.visit): found for found in result.select(measure="proportion")}
    assert {key: (found.n_counted, found.n_patients) for key, found in shares.items()} == {
        ("", "week 4"): (4, 5),
        ("", "week 12"): (3, 5),
        ("program_booked: ketamine_only", "week 4"): (2, 2),
        ("program_booked: ketamine_only", "week 12"): (1, 2),
        ("program_booked: with_integration", "week 4"): (1, 2),
        ("program_booked: with_integration", "week 12"): (1, 2),
    }
    # Exact for 4 of 5: four or five have 2.5 % at the lower limit, four or fewer (all but five) at the upper one.
    whole = shares["", "week 4"]
    assert 5 * whole.conf_low**4 * (1 - whole.conf_low) + whole.conf_low**5 == pytest.approx(0.025, rel=1e-9)
    assert 1 - whole.conf_high**5 == pytest.approx(0.025, rel=1e-9)
    assert {found.conf_level for found in shares.values()} == {0.95}
    assert all(found.instrument == "PHQ-9" and found.cohort == "first course" for found in shares.values())


def test_a_group_without_a_baseline_has_no_share():
    data = analysis_set()
    baseline = np.where(data.variable("program_booked").values == 1.0, NAN, data.baseline)
    result = participant_flow(replace(data, baseline=baseline))
    for found in result.select(subgroup="program_booked: with_integration"):
        assert found.n_patients == 0
        assert math.isnan(found.estimate)
        assert math.isnan(found.conf_level)


def test_without_groups_there_is_only_everybody():
    result = participant_flow(replace(analysis_set(), treatment=None))
    assert {found.subgroup for found in result.estimates} == {""}
    assert not any("not known" in sentence for sentence in result.assumptions)


def test_the_question_and_the_notes_travel_with_the_answer():
    data = analysis_set()
    result = participant_flow(data)
    assert result.estimand.population == data.population
    assert result.estimand.endpoint.instrument == "PHQ-9"
    assert not result.estimand.is_causal
    assert result.provenance is data.provenance
    assert "A note about the data." in result.assumptions
    assert any("program_booked is not known" in sentence for sentence in result.assumptions)
    own = replace(result.estimand, name="another wording")
    assert participant_flow(data, own).estimand is own


def test_steps_that_add_up_pass():
    result = participant_flow(analysis_set())
    assert [check.name for check in result.checks] == ["steps add up"]
    assert result.verdict == "report"


@pytest.mark.parametrize("last", [AttritionStep("adults", "under 18", 6, 1), AttritionStep("adults", "under 18", 5, 1)])
def test_steps_that_lose_somebody_withhold_the_result(last):
    data = analysis_set()
    assert participant_flow(replace(data, attrition=(*data.attrition[:2], last))).verdict == "withhold"


def test_refuses_groups_that_came_about_later():
    with pytest.raises(ImmortalTimeError, match="any_integration_by_day_84"):
        participant_flow(analysis_set(), by="any_integration_by_day_84")


def test_refuses_groups_of_a_number():
    with pytest.raises(DesignError, match="age_years"):
        participant_flow(analysis_set(), by="age_years")


@pytest.mark.parametrize("choices", [{"by": "clinic"}, {"conf_level": 95.0}, {"conf_level": 0.0}])
def test_refuses_what_it_cannot_read(choices):
    with pytest.raises(OptionError):
        participant_flow(analysis_set(), **choices)
