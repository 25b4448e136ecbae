"""The record that every analysis takes: its questions, and what it refuses to hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from katoutcomes.cohorts.analysis_set import AnalysisSet, AttritionStep, Variable
from katoutcomes.cohorts.value_order import in_value_order, value_order
from katoutcomes.errors import DataError, DesignError, ImmortalTimeError, OptionError
from katoutcomes.estimands.visit_window import DEFAULT_VISITS
from katoutcomes.instruments.catalog import instrument
from katoutcomes.results.provenance import Provenance

NAN = np.nan


def variables():
    return (
        Variable("arm", "Arm", "category", np.array([0.0, 1.0, NAN, 1.0]), ("usual", "new", "nobody")),
        Variable("ptsd", "PTSD", "flag", np.array([1.0, 0.0, 1.0, NAN])),
        Variable("age_years", "Age", "number", np.array([30.0, 40.0, NAN, 60.0]), unit="years"),
        Variable("late", "Late", "flag", np.zeros(4), known_by_day=28),
    )


@pytest.fixture
def data():
    return AnalysisSet(
        instrument=instrument("PHQ-9"),
        visits=DEFAULT_VISITS,
        baseline=np.array([20.0, NAN, 15.0, 10.0]),
        scores=np.array([[9.0, NAN, 5.0], [8.0, 7.0, 6.0], [NAN, NAN, NAN], [4.0, NAN, NAN]]),
        variables=variables(),
        treatment="arm",
        attrition=(AttritionStep("in the data", "", 4, 0),),
        cohort="test",
        population="nobody real",
        provenance=Provenance("frame", "0" * 64),
    )


def test_counts_and_masks(data):
    assert data.n_patients == 4
    assert data.with_baseline.tolist() == [True, False, True, True]
    assert data.pairs("week 4").tolist() == [True, False, False, True]
    assert data.pairs().tolist() == data.pairs("week 12").tolist() == [True, False, False, False]
    assert np.array_equal(data.scores_at("week 8"), [NAN, 7.0, NAN, NAN], equal_nan=True)
    assert data.notes == ()


def test_visits_by_name_and_the_last_by_default(data):
    assert (data.visit_index("week 8"), data.visit_index()) == (1, 2)
    assert data.visit("week 4") is DEFAULT_VISITS[0]
    assert data.visit() is DEFAULT_VISITS[2]
    with pytest.raises(OptionError, match="'week 12'"):
        data.visit_index("week 99")


def test_groups_are_everybody_or_one_a_level_and_unknown_belongs_to_none(data):
    (everybody,) = data.groups()
    assert (everybody.label, everybody.subgroup, everybody.mask.tolist()) == ("all", "", [True] * 4)
    groups = data.groups("arm")
    assert [group.label for group in groups] == ["usual", "new", "nobody"]
    assert [group.subgroup for group in groups] == ["arm: usual", "arm: new", "arm: nobody"]
    assert [group.mask.tolist() for group in groups] == [
        [True, False, False, False],
        [False, True, False, True],
        [False, False, False, False],
    ]
    assert [(group.label, int(group.mask.sum())) for group in data.groups("ptsd")] == [("no", 1), ("yes", 2)]


def test_groups_refuse_what_is_known_later_numbers_and_unknown_names(data):
    with pytest.raises(ImmortalTimeError, match="day 28"):
        data.groups("late")
    with pytest.raises(DesignError, match="is a number"):
        data.groups("age_years")
    with pytest.raises(OptionError, match="'arm', 'ptsd', 'age_years', 'late'"):
        data.groups("site")


def test_the_treatment_is_found_or_none(data):
    assert data.treatment_variable().levels == ("usual", "new", "nobody")
    assert replace(data, treatment=None).treatment_variable() is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baseline": np.zeros(3)}, r"scores have shape \(4, 3\), \(3, 3\) needed"),
        ({"baseline": np.zeros((4, 1))}, "baseline must have one dimension"),
        ({"scores": np.zeros((4, 2))}, r"\(4, 3\) needed"),
        ({"treatment": "site"}, "'site' is not among the variables"),
        ({"variables": (*variables(), variables()[1])}, "'ptsd' stands twice"),
        ({"variables": (Variable("arm", "Arm", "category", np.zeros(3), ("a", "b")),)}, r"shape \(3,\), \(4,\) needed"),
        ({"variables": (Variable("arm", "Arm", "category", np.full(4, 2.0), ("a", "b")),)}, "not among its levels"),
        ({"variables": (Variable("arm", "Arm", "category", np.full(4, 0.5), ("a", "b")),)}, "not among its levels"),
        ({"variables": (Variable("arm", "Arm", "category", np.zeros(4), ("a", "a")),)}, "two levels of one name"),
        ({"variables": (*variables(), Variable("f", "F", "flag", np.full(4, 2.0)))}, "'f' holds codes"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(data, changes, message):
    with pytest.raises(DataError, match=message):
        replace(data, **changes)


def test_all_problems_are_named_at_once(data):
    with pytest.raises(DataError, match=r"scores have shape.*'arm' has shape.*'late' has shape"):
        replace(data, baseline=np.zeros(5))


def test_visits_must_be_separate_and_in_order(data):
    with pytest.raises(DesignError, match="in order of time"):
        replace(data, visits=DEFAULT_VISITS[::-1])
    with pytest.raises(DesignError, match="same name"):
        replace(data, visits=(DEFAULT_VISITS[0], DEFAULT_VISITS[0], DEFAULT_VISITS[2]))


@pytest.mark.parametrize(
    ("name", "error"), [("late", ImmortalTimeError), ("ptsd", DesignError), ("age_years", DesignError)]
)
def test_a_treatment_is_a_category_known_at_time_zero(data, name, error):
    with pytest.raises(error):
        replace(data, treatment=name)


def test_a_treatment_needs_two_levels(data):
    one = Variable("arm", "Arm", "category", np.zeros(4), ("usual",))
    with pytest.raises(DesignError, match="at least two levels"):
        replace(data, variables=(one,))


def test_value_order_sorts_by_baseline_then_scores_then_variables_and_writes_one_nan_and_one_zero(data):
    baseline, scores, (group,) = in_value_order(
        np.array([NAN, 10.0, 10.0, 5.0]),
        np.array([[1.0], [-0.0], [0.0], [-NAN]]),
        (Variable("g", "G", "flag", np.array([0.0, 1.0, 0.0, 1.0])),),
    )
    assert np.array_equal(baseline, [5.0, 10.0, 10.0, NAN], equal_nan=True)
    assert np.array_equal(scores[:, 0], [NAN, 0.0, 0.0, 1.0], equal_nan=True)
    assert np.array_equal(group.values, [1.0, 0.0, 1.0, 0.0])
    assert scores.tobytes() == np.array([[NAN], [0.0], [0.0], [1.0]]).tobytes()


def test_value_order_is_that_of_all_keys_one_after_the_other():
    """Whole numbers are joined into one key before they are sorted; these are all kinds of columns."""
    rng = np.random.default_rng(20261122)
    for _ in range(200):
        n = int(rng.integers(0, 40))
        kinds = (
            rng.integers(-3, 4, (8, n)).astype(float),
            rng.normal(size=(2, n)).round(1),
            rng.integers(0, 3, (1, n)) * 1e18,
            rng.choice([0.0, -0.0, 1.0, np.inf, -np.inf], (1, n)),
            np.full((1, n), NAN),
        )
        keys = np.concatenate(kinds)[rng.permutation(13)]
        keys[rng.random(keys.shape) < 0.2] = NAN
        variables = tuple(Variable(f"v{place}", "", "number", key) for place, key in enumerate(keys[4:]))
        assert value_order(keys[0], keys[1:4].T, variables).tolist() == np.lexsort(keys[::-1]).tolist()


def test_its_text_tells_what_it_is_and_shows_no_value(data):
    assert repr(data) == "<AnalysisSet: PHQ-9, 4 patients, week 4, week 8, week 12, by arm>"
    assert repr(replace(data, treatment=None)).endswith("week 12>")
    assert "30" not in repr(data.variable("age_years"))
