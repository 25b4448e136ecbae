"""The researcher's door: what a tidy frame may look like, and what it may not."""

from __future__ import annotations

from decimal import Decimal
from operator import attrgetter

import numpy as np
import pandas as pd
import pytest

from katoutcomes.cohorts.analysis_set import AnalysisSet
from katoutcomes.errors import DataError, DesignError, ImmortalTimeError, OptionError
from katoutcomes.estimands.visit_window import VisitWindow
from katoutcomes.instruments.catalog import instrument

NAN = np.nan
VALUES = attrgetter("values")


def frame():
    """Four patients; week 4 and 12; ana has both, ben week 4 only, cam none but a row, dee week 12 only."""
    return pd.DataFrame(
        {
            "id": ["ana", "ana", "ben", "cam", "dee"],
            "week": [4, 12, 4, 4, 12],
            "phq": [11, 7, 14, None, 3],
            "before": [17, 17, 15, 12, 20],
            "arm": ["new", "new", "usual", "usual", "new"],
            "age": [30, 30, 41, 52, 63],
            "sex": ["f", "f", "m", None, "f"],
            "ptsd": [True, True, False, False, True],
        }
    )


def read(df, **changes):
    choices = {
        "patient": "id",
        "visit": "week",
        "score": "phq",
        "baseline": "before",
        "instrument": "PHQ-9",
        "visits": {4: 28, 12: 84},
    }
    return AnalysisSet.from_frame(df, **(choices | changes))


def same_to_the_bit(one, other):
    arrays = [(one.baseline, other.baseline), (one.scores, other.scores)]
    arrays += zip(map(VALUES, one.variables), map(VALUES, other.variables), strict=True)
    return (
        all(a.tobytes() == b.tobytes() for a, b in arrays)
        and [variable.levels for variable in one.variables] == [variable.levels for variable in other.variables]
        and one.visits == other.visits
        and one.provenance == other.provenance
        and one.notes == other.notes
    )


class TestArrays:
    def test_one_row_a_patient_drop_outs_included(self):
        data = read(frame(), treatment="arm", covariates=["age", "sex", "ptsd"])
        assert data.baseline.tolist() == [12, 15, 17, 20]
        assert np.array_equal(data.scores, [[NAN, NAN], [14, NAN], [11, 7], [NAN, 3]], equal_nan=True)
        values = {variable.name: np.asarray(variable.values).tolist() for variable in data.variables}
        assert values["age"] == [52, 41, 30, 63]
        assert values["ptsd"] == [0, 0, 1, 1]
        assert values["arm"] == [1, 1, 0, 0]
        assert np.array_equal(values["sex"], [NAN, 1, 0, 0], equal_nan=True)
        assert [(variable.name, variable.kind) for variable in data.variables] == [
            ("arm", "category"),
            ("age", "number"),
            ("sex", "category"),
            ("ptsd", "flag"),
        ]
        assert [step.n_patients for step in data.attrition] == [4]
        assert (data.attrition[0].step, data.cohort) == ("in the data", "all patients in the data")
        assert data.provenance.source == "frame"

    def test_rows_without_a_score_and_missing_rows_are_the_same_to_the_bit(self):
        explicit = pd.concat(
            [
                frame(),
                pd.DataFrame(
                    {
                        "id": ["ben", "cam", "dee"],
                        "week": [12, 12, 4],
                        "phq": [NAN] * 3,
                        "before": [15, NAN, 20],
                        "arm": ["usual", None, "new"],
                        "age": [41, NAN, 63],
                        "sex": ["m", None, None],
                    }
                ),
            ]
        ).assign(ptsd=lambda df: df["id"].isin(["ana", "dee"]))
        choices = {"treatment": "arm", "covariates": ["age", "sex", "ptsd"]}
        assert same_to_the_bit(read(frame(), **choices), read(explicit, **choices))
        assert same_to_the_bit(read(frame(), visits=None, **choices), read(explicit, visits=None, **choices))

    def test_row_order_index_and_names_of_patients_change_no_bit(self):
        shuffled = frame().iloc[[4, 2, 0, 3, 1]].replace({"id": {"ana": "z", "ben": "y", "cam": "x", "dee": "w"}})
        choices = {"treatment": "arm", "covariates": ["age", "sex"]}
        assert same_to_the_bit(read(frame(), **choices), read(shuffled, **choices))

    def test_the_digest_follows_the_content(self):
        digest = read(frame()).provenance.digest
        assert len(digest) == 64
        assert digest == read(frame().rename(columns={"phq": "q"}), score="q").provenance.digest
        changed = frame()
        changed.loc[1, "phq"] = 8
        others = {
            read(changed).provenance.digest,
            read(frame(), visits={4: 30, 12: 84}).provenance.digest,
            read(frame(), covariates=["age"]).provenance.digest,
            read(frame().assign(age=frame()["age"] + 1), covariates=["age"]).provenance.digest,
        }
        assert len(others | {digest}) == 5

    def test_one_covariate_may_be_a_word(self):
        assert same_to_the_bit(read(frame(), covariates="age"), read(frame(), covariates=["age"]))

    def test_the_callers_frame_is_left_alone(self):
        df = frame()
        before = df.copy(deep=True)
        read(df, treatment="arm", covariates=["sex"])
        pd.testing.assert_frame_equal(df, before)


class TestBaseline:
    def test_it_may_be_a_visit(self):
        long = pd.DataFrame(
            {
                "id": [1, 1, 1, 2, 2, 3],
                "visit": ["pre", "w4", "w12", "pre", "w12", "w4"],
                "phq": [20, 10, 5, 18, 9, 7],
            }
        )
        data = read(long, visit="visit", baseline="pre", visits={"w12": 84, "w4": 28})
        assert np.array_equal(data.baseline, [18, 20, NAN], equal_nan=True)
        assert np.array_equal(data.scores, [[NAN, 9], [10, 5], [7, NAN]], equal_nan=True)
        assert [visit.name for visit in data.visits] == ["w4", "w12"]
        assert ("baseline", "visit pre") in data.provenance.settings

    def test_a_number_can_name_the_baseline_visit(self):
        long = pd.DataFrame({"id": [1, 1, 2], "visit": [0, 2, 0], "phq": [20, 10, 18]})
        data = read(long, visit="visit", baseline=0, visits=None)
        assert data.baseline.tolist() == [18, 20]
        assert [(visit.name, visit.target_day) for visit in data.visits] == [("visit 2", 2)]

    def test_a_column_of_that_name_comes_first(self):
        df = frame().assign(week=["before", "w12", "w4", "w4", "w12"])
        data = read(df, visits={"before": 3, "w4": 28, "w12": 84})
        assert ("baseline", "column before") in data.provenance.settings
        assert [visit.name for visit in data.visits] == ["before", "w4", "w12"]

    @pytest.mark.parametrize("baseline", ["pre", 0, True, None])
    def test_neither_a_column_nor_a_visit_is_refused(self, baseline):
        with pytest.raises(OptionError, match="neither a column of the frame nor a label"):
            read(frame(), baseline=baseline)


class TestVisits:
    def test_numbers_without_visits_come_in_ascending_order_and_a_note_says_what_they_stand_for(self):
        data = read(frame(), visits=None)
        assert [(visit.name, visit.target_day) for visit in data.visits] == [("visit 4", 4), ("visit 12", 12)]
        assert any("numbers or order stand for days" in note for note in data.notes)
        assert not any("stand for days" in note for note in read(frame()).notes)

    @pytest.mark.parametrize("weeks", [[0, 12, 4, 4, 12], [-4, 12, 4, 4, 12], [4.5, 12, 4, 4, 12]])
    def test_numbers_that_cannot_be_days_after_time_zero_need_visits(self, weeks):
        with pytest.raises(OptionError, match="whole and come after"):
            read(frame().assign(week=weeks), visits=None)

    def test_an_ordered_categorical_gives_its_order(self):
        labels = pd.Categorical(["w4", "w12", "w4", "w4", "w12"], categories=["pre", "w4", "w12"], ordered=True)
        data = read(frame().assign(week=labels), visits=None)
        assert [(visit.name, visit.target_day) for visit in data.visits] == [("w4", 2), ("w12", 3)]

    def test_text_has_no_order(self):
        text = frame().assign(week=["w4", "w12", "w4", "w4", "w12"])
        with pytest.raises(OptionError, match=r"name the visits and their days"):
            read(text, visits=None)
        with pytest.raises(OptionError, match=r"name the visits and their days"):
            read(text.assign(week=text["week"].astype("category")), visits=None)
        assert read(text, visits={"w4": 28, "w12": 84}).scores.shape == (4, 2)

    def test_windows_may_be_given_and_rows_at_other_visits_are_left_out_with_a_note(self):
        data = read(frame(), visits=[VisitWindow("visit 12", 84, 70, 98)])
        assert data.visits == (VisitWindow("visit 12", 84, 70, 98),)
        assert data.n_patients == 4
        assert np.array_equal(data.scores[:, 0], [NAN, NAN, 7, 3], equal_nan=True)
        assert any("other than those named were left out" in note for note in data.notes)

    def test_a_named_visit_without_scores_is_a_visit_unless_it_looks_misspelled(self):
        data = read(frame(), visits={4: 28, 12: 84, 24: 168})
        assert np.isnan(data.scores_at("visit 24")).all()
        with pytest.raises(OptionError, match="check the spelling of visit 13"):
            read(frame(), visits={4: 28, 13: 84})

    @pytest.mark.parametrize("visits", [{4: 28.5}, {4: "28"}, {True: 28}, {4: True}])
    def test_days_are_whole_numbers(self, visits):
        with pytest.raises(OptionError, match="whole days"):
            read(frame(), visits=visits)

    @pytest.mark.parametrize("visits", [{4: 0, 12: 84}, {4: -28, 12: 84}])
    def test_visits_follow_time_zero(self, visits):
        with pytest.raises(OptionError, match="day 1 or later"):
            read(frame(), visits=visits)

    def test_visits_on_one_day_and_no_visits_are_refused(self):
        with pytest.raises(DesignError, match="share day 28"):
            read(frame(), visits={4: 28, 12: 28})
        with pytest.raises(DesignError, match="at least one visit"):
            read(frame(), visits={})
        with pytest.raises(OptionError, match="no visit after baseline has a score"):
            read(frame().assign(phq=NAN), visits=None)

    def test_the_baseline_visit_is_not_a_visit_after_it(self):
        long = pd.DataFrame({"id": [1, 1], "visit": ["pre", "w4"], "phq": [20, 10]})
        with pytest.raises(OptionError, match="name only those after it"):
            read(long, visit="visit", baseline="pre", visits={"pre": 1, "w4": 28})


class TestTreatment:
    def test_levels_are_sorted_and_the_comparator_can_be_named(self):
        assert read(frame(), treatment="arm").treatment_variable().levels == ("new", "usual")
        data = read(frame(), treatment="arm", comparator="usual")
        assert data.treatment_variable().levels == ("usual", "new")
        assert [(group.label, int(group.mask.sum())) for group in data.groups("arm")] == [("usual", 2), ("new", 2)]

    def test_a_categorical_keeps_its_order_without_unused_levels(self):
        arms = pd.Categorical(frame()["arm"], categories=["usual", "none", "new"])
        assert read(frame().assign(arm=arms), treatment="arm").treatment_variable().levels == ("usual", "new")

    def test_three_levels_keep_their_order_behind_the_comparator(self):
        arms = ["a", "a", "b", "c", "a"]
        data = read(frame().assign(arm=arms), treatment="arm", comparator="b")
        assert data.treatment_variable().levels == ("b", "a", "c")
        assert np.asarray(data.treatment_variable().values).tolist() == [2, 0, 1, 1]  # cam, ben, ana, dee

    @pytest.mark.parametrize(
        ("arms", "levels"),
        [
            ([1, 1, 0, 0, 1], ("0", "1")),
            ([True, True, False, False, True], ("no", "yes")),
            ([9, 9, 10, 10, 9], ("9", "10")),
        ],
    )
    def test_numbers_and_bool_become_levels(self, arms, levels):
        assert read(frame().assign(arm=arms), treatment="arm").treatment_variable().levels == levels

    def test_a_comparator_that_is_no_level_is_refused_without_listing_levels(self):
        with pytest.raises(OptionError, match="none of the 2 levels of column 'arm'") as caught:
            read(frame(), treatment="arm", comparator="placebo")
        assert "usual" not in str(caught.value)

    def test_one_level_makes_no_comparison(self):
        with pytest.raises(DesignError, match="at least two levels"):
            read(frame().assign(arm="new"), treatment="arm")

    def test_unstated_timing_is_an_assumption_and_stated_timing_is_none(self):
        unstated = read(frame(), treatment="arm")
        assert any("'arm' was known for everybody at time zero" in note for note in unstated.notes)
        assert unstated.treatment_variable().known_by_day is None
        stated = read(frame(), treatment="arm", treatment_known_by_day=0)
        assert stated.notes == ()
        assert stated.treatment_variable().known_by_day == 0

    def test_covariates_of_unstated_timing_are_an_assumption_too(self):
        assert any("'age', 'sex'" in note for note in read(frame(), covariates=["age", "sex"]).notes)

    def test_a_treatment_that_came_later_is_refused_before_anything_else(self):
        broken = frame().assign(phq="text")
        with pytest.raises(ImmortalTimeError, match="day 28"):
            read(broken, treatment="arm", treatment_known_by_day=28)
        with pytest.raises(ImmortalTimeError, match="sounds like something that happened after time zero"):
            read(broken, treatment="had_integration")
        allowed = frame().rename(columns={"arm": "had_integration"})
        assert read(allowed, treatment="had_integration", treatment_known_by_day=0).treatment == "had_integration"

    def test_a_covariate_whose_name_says_later_cannot_group(self):
        data = read(frame().rename(columns={"ptsd": "ever_integration"}), covariates=["ever_integration"])
        with pytest.raises(ImmortalTimeError):
            data.groups("ever_integration")


class TestColumnTypes:
    @pytest.mark.parametrize(
        "scores",
        [
            pd.array([11, 7, 14, None, 3], dtype="Int64"),
            pd.array([11.0, 7.0, 14.0, None, 3.0], dtype="Float64"),
            np.array([11, 7, 14, None, 3], dtype=object),
            np.array([Decimal(11), 7, 14.0, float("nan"), np.int64(3)], dtype=object),
            pd.Categorical([11, 7, 14, None, 3]),
        ],
        ids=["Int64", "Float64", "object", "mixed numbers", "categorical"],
    )
    def test_numbers_in_any_dtype_are_scores(self, scores):
        assert same_to_the_bit(read(frame().assign(phq=scores)), read(frame()))

    @pytest.mark.parametrize("dtype", ["object", "string", "category"])
    def test_text_in_any_dtype_is_a_category(self, dtype):
        choices = {"treatment": "arm", "covariates": ["sex"]}
        converted = frame().astype({"id": dtype, "arm": dtype, "sex": dtype})
        assert same_to_the_bit(read(converted, **choices), read(frame(), **choices))

    @pytest.mark.parametrize("column", [[1, 1, 0, 0, 1], [1.0, 1.0, 0.0, NAN, 1.0], [True, True, False, False, True]])
    def test_zero_and_one_are_flags(self, column):
        assert read(frame().assign(ptsd=column), covariates=["ptsd"]).variable("ptsd").kind == "flag"

    def test_a_nullable_bool_is_a_flag_with_unknown_values(self):
        column = pd.array([True, True, False, None, True], dtype="boolean")
        variable = read(frame().assign(ptsd=column), covariates=["ptsd"]).variable("ptsd")
        assert variable.kind == "flag"
        assert np.array_equal(variable.values, [NAN, 0, 1, 1], equal_nan=True)

    def test_anything_with_to_pandas_is_read(self):
        class Wrapped:
            def to_pandas(self):
                return frame()

        assert same_to_the_bit(read(Wrapped()), read(frame()))
        with pytest.raises(OptionError, match="must be a pandas data frame"):
            read([1, 2])

    def test_an_instrument_record_of_ones_own_is_taken(self):
        own = instrument("GAD-7")
        assert read(frame(), instrument=own).instrument is own


class TestNumbers:
    @pytest.mark.parametrize("dtype", ["object", "string"])
    def test_numbers_that_came_as_text_are_the_numbers(self, dtype):
        text = pd.Series(["30", "30", " 41 ", "5.2e1", "63"], dtype=dtype)
        data, plain = read(frame().assign(age=text), covariates=["age"]), read(frame(), covariates=["age"])
        assert data.variable("age").kind == "number"
        assert np.asarray(data.variable("age").values).tolist() == np.asarray(plain.variable("age").values).tolist()
        assert "The text in 'age' spells numbers and was read as numbers, not as categories." in data.notes
        assert not any("spells" in note for note in plain.notes)

    def test_an_empty_text_among_numbers_is_unknown_and_a_word_makes_it_a_category(self):
        data = read(frame().assign(age=["30", "30", "", "52", "63"]), covariates=["age"])
        assert np.array_equal(data.variable("age").values, [52, NAN, 30, 63], equal_nan=True)
        assert read(frame().assign(age=["30", "30", "old", "52", "63"]), covariates=["age"]).variable("age").levels

    def test_a_categorical_of_numbers_stays_a_category(self):
        codes = pd.Categorical(["30", "30", "41", "52", "63"])
        assert read(frame().assign(age=codes), covariates=["age"]).variable("age").levels == ("30", "41", "52", "63")

    @pytest.mark.parametrize("column", [[1, 1, 2, 2, 1], [1.0, 1.0, 2.0, NAN, 1.0], ["1", "1", "2", "2", "1"]])
    def test_two_values_are_counted_because_their_mean_would_give_the_counts(self, column):
        variable = read(frame().assign(age=column), covariates=["age"]).variable("age")
        assert (variable.kind, variable.levels) == ("category", ("1", "2"))
        known = np.asarray(variable.values)[~np.isnan(np.asarray(variable.values))]
        assert set(known.tolist()) == {0.0, 1.0}

    @pytest.mark.parametrize("number", [np.inf, -np.inf, 10**400, -(10**400), Decimal("1e999"), "inf", "1e999"])
    @pytest.mark.parametrize("part", ["covariates", "treatment"])
    def test_infinite_numbers_are_refused(self, number, part):
        cells = np.array([30, 30, 41, number, 63], dtype=object)
        with pytest.raises(DataError, match=r"'age', rule number_is_finite .*; rows 4$"):
            read(frame().assign(age=cells), **{part: "age"})

    def test_a_float_column_with_an_infinite_number_is_refused(self):
        with pytest.raises(DataError, match=r"'age', rule number_is_finite .*; rows 2$"):
            read(frame().assign(age=[30.0, np.inf, 41, 52, 63]), covariates=["age"])

    def test_a_site_called_infinity_is_a_site(self):
        sites = ["Infinity", "Infinity", "North", "North", "South"]
        assert read(frame().assign(sex=sites), covariates=["sex"]).variable("sex").levels[0] == "Infinity"

    def test_huge_whole_numbers_break_a_rule_wherever_they_stand(self):
        huge = np.array([11, 7, 10**400, None, 3], dtype=object)
        with pytest.raises(DataError, match=r"'phq', rule score_in_range .*; rows 3$"):
            read(frame().assign(phq=huge))
        with pytest.raises(DataError, match=r"'week', rule visit_is_label .*; rows 3$"):
            read(frame().assign(week=np.array([4, 12, 10**400, 4, 12], dtype=object)))
        with pytest.raises(OptionError, match="whole days"):
            read(frame(), visits={4: 10**400, 12: 84})
        with pytest.raises(OptionError, match="none of the 2 levels"):
            read(frame(), treatment="arm", comparator=10**400)

    @pytest.mark.parametrize("blank", ["", "  "])
    def test_an_empty_text_is_no_level(self, blank):
        data = read(frame().assign(arm=["new", "new", "usual", blank, "new"]), treatment="arm")
        assert data.treatment_variable().levels == ("new", "usual")
        assert int(np.isnan(np.asarray(data.treatment_variable().values)).sum()) == 1

    @pytest.mark.parametrize("part", ["covariates", "treatment"])
    def test_a_name_with_the_separator_of_terms_is_refused(self, part):
        with pytest.raises(OptionError, match="rename the column"):
            read(frame().rename(columns={"arm": "arm: first"}), **{part: "arm: first"})


class TestProblems:
    def test_missing_columns_are_all_named(self):
        with pytest.raises(DataError, match=r"2 rule(.|\n)*'when'(.|\n)*'arm2'"):
            read(frame(), visit="when", treatment="arm2")

    def test_a_column_that_is_there_twice_is_refused(self):
        twice = pd.concat([frame(), frame()[["phq"]]], axis=1)
        with pytest.raises(DataError, match="'phq', rule column_is_there"):
            read(twice)

    def test_one_column_in_two_parts_is_refused(self):
        with pytest.raises(OptionError, match="one was named for two"):
            read(frame(), treatment="arm", covariates=["arm"])

    def test_an_empty_frame_is_refused(self):
        with pytest.raises(DataError, match="no rows"):
            read(frame().iloc[:0])

    def test_every_problem_is_listed_with_rows_and_without_values(self):
        df = pd.DataFrame(
            {
                "id": ["ana", "ana", "ben", None, "zoe", "zoe", "dee"],
                "week": [4, 4, 4, 4, 4, 12, None],
                "phq": pd.Series([11, 12, "fourteen", 5, 28, -1, 3], dtype=object),
                "before": [17, 18, 15, 12, 99, 99, 4],
                "arm": ["new", "usual", "new", "new", "new", "new", "new"],
                "born": pd.to_datetime(["2000-01-01"] * 7),
            }
        )
        with pytest.raises(DataError) as caught:
            read(df, treatment="arm", covariates=["born"])
        lines = str(caught.value).splitlines()
        assert "breaks 9 rule(s)" in lines[0]
        expected = [
            ("'phq', rule score_is_number", "rows 3"),
            ("'phq', rule score_in_range (0 to 27 on the PHQ-9)", "rows 5, 6"),
            ("'id', rule patient_is_known", "rows 4"),
            ("'week', rule visit_is_label", "rows 7"),
            ("'id and week', rule one_row_a_visit", "rows 2"),
            ("'before', rule score_in_range", "rows 5, 6"),
            ("'before', rule one_value_a_patient", "rows 2"),
            ("'arm', rule one_value_a_patient", "rows 2"),
            ("'born', rule can_be_a_variable", ""),
        ]
        assert len(lines) == 1 + len(expected)
        for line, (rule, rows) in zip(lines[1:], expected, strict=True):
            assert rule in line
            assert line.endswith(rows)
        for value in ("ana", "ben", "zoe", "fourteen", "28", "99", "2000", "usual"):
            assert value not in str(caught.value)

    def test_text_that_looks_like_numbers_is_refused_with_the_way_out(self):
        with pytest.raises(DataError, match=r"pandas\.to_numeric"):
            read(frame().assign(phq=["11", "7", "14", None, "3"]))

    @pytest.mark.parametrize("scores", [[True, False, True, False, True], [11, 7, 14, np.inf, 3]])
    def test_bool_and_infinite_scores_are_refused(self, scores):
        with pytest.raises(DataError, match=r"score_(is_number|in_range)"):
            read(frame().assign(phq=scores))

    def test_many_rows_are_counted_and_not_all_listed(self):
        df = pd.DataFrame({"id": range(30), "week": 4, "phq": 99, "before": 1})
        with pytest.raises(DataError, match=r"rows 1, 2, .*, 20 and 10 more$"):
            read(df)

    def test_a_patient_twice_at_the_baseline_visit_is_one_problem(self):
        long = pd.DataFrame({"id": [1, 1, 1], "visit": ["pre", "pre", "w4"], "phq": [20, 18, 10]})
        with pytest.raises(DataError, match="breaks 1 rule"):
            read(long, visit="visit", baseline="pre", visits={"w4": 28})
