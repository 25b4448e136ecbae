"""Methods, cut-offs, anchors and differences of `clinical_significance`; bands; two measures; sensitivity."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.analyses.steps.significance.methods import METHODS
from katoutcomes.errors import DesignError, ImmortalTimeError, OptionError
from katoutcomes.kernels.individual.growth_model import fit_growth_model
from katoutcomes.kernels.shares.proportion_difference import share_difference
from katoutcomes.kernels.shares.standardized_shares import standardized_shares

VISITS = {"week 4": 28, "week 8": 56, "week 12": 84}
OWN_MCID = kat.DefinitionSet("phq9/own_mcid", "mcid", 5, (), "made up for this test", unit="points")
OWN_SHARE = kat.DefinitionSet("phq9/own_share", "mcid", 0.5, (), "made up for this test", unit="share_of_baseline")


def made_up_set(n_patients=160, seed=4, treatment_known_by_day=0):
    """Patients with lines of their own, two arms, an age that goes missing, and anxiety scores."""
    rng = np.random.default_rng(seed)
    before = np.clip(np.round(rng.normal(17, 4, n_patients)), 1, 27)
    slope = rng.normal(-1.6, 1.4, n_patients)
    people = pd.DataFrame(
        {
            "id": np.arange(n_patients),
            "before": before,
            "arm": np.where(rng.random(n_patients) < 0.5, "usual", "program"),
            "age": np.where(rng.random(n_patients) < 0.1, np.nan, rng.normal(45, 10, n_patients)),
            "gad7_baseline": np.clip(np.round(rng.normal(12, 4, n_patients)), 0, 21),
            "gad7_week_8": np.clip(np.round(rng.normal(9, 4, n_patients)), 0, 21),
            "gad7_week_12": np.where(rng.random(n_patients) < 0.2, np.nan, np.round(rng.uniform(0, 16, n_patients))),
            "finished": (rng.random(n_patients) < 0.7).astype(int),
        }
    )
    rows = []
    for number, name in enumerate(VISITS, start=1):
        score = np.clip(np.round(before + number * slope + rng.normal(0, 2.0, n_patients)), 0, 27)
        score[rng.random(n_patients) < 0.15] = np.nan
        rows.append(people.assign(visit=name, score=score))
    return kat.AnalysisSet.from_frame(
        pd.concat(rows),
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        instrument="PHQ-9",
        treatment="arm",
        comparator="usual",
        treatment_known_by_day=treatment_known_by_day,
        covariates=["age", "gad7_baseline", "gad7_week_8", "gad7_week_12", "finished"],
        visits=VISITS,
    )


def values_of(data, name):
    return data.variable(name).values  # noqa: PD011 - no data frame


@pytest.fixture(scope="module")
def data():
    return made_up_set()


class TestMethods:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("cut_off", ["a", "b", "c"])
    def test_classes_add_up_and_deterioration_is_there(self, data, method, cut_off):
        result = kat.clinical_significance(data, method=method, cut_off=cut_off)
        for group in ("", "arm: usual", "arm: program"):
            counts = {
                one.term: one.n_counted
                for one in result.select(definition_set=method, subgroup=group, measure="proportion")
            }
            n_pairs = result.select(term="paired completeness", subgroup=group)[0].n_counted
            if method == "cut_off_only":
                assert sum(counts.values()) == n_pairs
                continue
            better, same, worse = (
                counts[term] for term in ("reliable improvement", "no reliable change", "reliable deterioration")
            )
            assert better + same + worse == n_pairs
            assert counts["recovered"] + counts["improved, not recovered"] == better
            assert counts["harmed"] + counts["deteriorated, not harmed"] == worse

    def test_several_methods_stand_side_by_side(self, data):
        names = ("jacobson_truax", "hageman_arrindell", "growth_model")
        both = kat.clinical_significance(data, method=names)
        for name in names:
            assert both.select(definition_set=name) == kat.clinical_significance(data, method=name).select(
                definition_set=name
            )
        assert all(words in both.method.description for words in ("Jacobson and Truax", "Hageman", "growth model"))

    def test_the_growth_model_takes_every_visit_of_the_pairs(self, data):
        result = kat.clinical_significance(data, method="growth_model")
        pairs = data.pairs("week 12")
        scores = np.column_stack((data.baseline, data.scores))[pairs]
        model = fit_growth_model(scores, np.array([0.0, 4.0, 8.0, 12.0]))
        improved = (model.slope / model.slope_error < -1.959963984540054).sum()
        assert result.select(term="reliable improvement", definition_set="growth_model")[0].n_counted == improved

    def test_group_shares_have_intervals(self, data):
        for share in kat.clinical_significance(data, method="hageman_arrindell").select(measure="model-based share"):
            assert 0.0 <= share.conf_low < share.estimate < share.conf_high <= 1.0

    def test_choices_that_do_not_fit(self, data):
        with pytest.raises(OptionError, match="method"):
            kat.clinical_significance(data, method="reliable")
        with pytest.raises(OptionError, match="cut_off"):
            kat.clinical_significance(data, cut_off="d")
        with pytest.raises(OptionError, match='leave out sd="norms"'):
            kat.clinical_significance(data, method="nunnally_kotsch", sd="norms")
        with pytest.raises(OptionError, match="interval"):
            kat.clinical_significance(data, interval="wald")
        with pytest.raises(DesignError, match="three times"):
            kat.clinical_significance(data, method="growth_model", visit="week 4")

    def test_a_growth_model_says_what_to_do_where_it_cannot_be_used(self, data):
        with pytest.raises(DesignError, match=r"more visits.*jacobson_truax"):
            kat.clinical_significance(data, method="growth_model", visit="week 4")

    def test_a_growth_model_of_many_visits_as_the_page_prints_it(self):
        """Sixty patients on lines of their own, seven scores each; the counts stand in docs/methods."""
        rng = np.random.default_rng(4)
        start, slope = np.round(np.clip(rng.normal(17, 3.5, 60), 5, 27)), rng.normal(-0.55, 0.45, 60)
        weeks = (2, 4, 6, 8, 10, 12)
        rows = [
            pd.DataFrame({"id": range(60), "week": week, "before": start, "phq": np.clip(np.round(score), 0, 27)})
            for week in weeks
            for score in [start + slope * week + rng.normal(0, 1.8, 60)]
        ]
        data = kat.AnalysisSet.from_frame(
            pd.concat(rows),
            patient="id",
            visit="week",
            score="phq",
            baseline="before",
            instrument="PHQ-9",
            visits={week: 7 * week for week in weeks},
        )
        result = kat.clinical_significance(data, method=("jacobson_truax", "growth_model"))
        counts = [
            result.select(term=term, definition_set=method)[0].n_counted
            for term in ("reliable improvement", "reliable deterioration")
            for method in ("jacobson_truax", "growth_model")
        ]
        assert counts == [33, 45, 2, 1]
        page = (Path(__file__).resolve().parents[2] / "docs/methods/clinical_significance.md").read_text("utf-8")
        assert "33 as reliably improved by two scores and 45 by the line" in page

    def test_exact_intervals_hold_wilsons(self, data):
        wilson, exact = (kat.clinical_significance(data, interval=name) for name in ("wilson", "exact"))
        for one, other in zip(wilson.estimates, exact.estimates, strict=True):
            assert one.term == other.term
            if one.measure == "proportion" and 0 < one.estimate < 1:
                assert other.conf_high - other.conf_low > one.conf_high - one.conf_low
        assert "Clopper" in exact.method.description


class TestAnchors:
    def test_points_and_shares_by_counting(self, data):
        result = kat.clinical_significance(data, definition_sets=[OWN_MCID, OWN_SHARE])
        pairs = data.pairs("week 12")
        change = (data.scores[:, 2] - data.baseline)[pairs]
        counts = {(one.definition_set, one.term): one.n_counted for one in result.select(subgroup="")}
        assert counts["phq9/own_mcid", "improvement that matters"] == (change <= -5).sum()
        assert counts["phq9/own_mcid", "deterioration that matters"] == (change >= 5).sum()
        relative = change / data.baseline[pairs]
        assert counts["phq9/own_share", "relative improvement"] == (relative <= -0.5).sum()
        assert counts["phq9/own_share", "relative deterioration"] == (relative >= 0.5).sum()

    def test_the_mean_change_is_held_against_the_points(self, data):
        result = kat.clinical_significance(data, definition_sets=[OWN_MCID, OWN_SHARE])
        assert {one.definition_set for one in result.select(measure="mean change")} == {"phq9/own_mcid"}
        part = result.part("anchors")
        assert part.column("group") == ("", "arm: usual", "arm: program")
        mean = result.select(measure="mean change", subgroup="")[0]
        reference = kat.change_from_baseline(data).select(term="change", measure="mean change", visit="week 12")[0]
        assert (mean.estimate, mean.conf_low) == pytest.approx((reference.estimate, reference.conf_low))
        assert "matter" in part.column("description")[0] or mean.conf_high > 0


class TestDifferences:
    def test_newcombe_and_standardized_from_the_same_patients(self, data):
        result = kat.clinical_significance(data, differences=True, adjust_for=["age"])
        term = "reliable improvement: program - usual"
        sides = {
            group: result.select(
                term="reliable improvement", definition_set="jacobson_truax", subgroup=f"arm: {group}"
            )[0]
            for group in ("usual", "program")
        }
        plain, adjusted = (
            result.select(term=term, definition_set="jacobson_truax", measure=measure)[0]
            for measure in ("difference in proportions", "standardized difference in proportions")
        )
        counts = [n for group in ("program", "usual") for n in (sides[group].n_counted, sides[group].n_patients)]
        expected = share_difference(*counts, conf_level=0.95)
        assert (plain.estimate, plain.conf_low, plain.conf_high) == (
            expected.estimate,
            expected.conf_low,
            expected.conf_high,
        )
        known = data.pairs("week 12") & ~np.isnan(values_of(data, "age"))
        change = (data.scores[:, 2] - data.baseline)[known]
        threshold = result.select(term="reliable change threshold", definition_set="jacobson_truax")[0].estimate
        found = standardized_shares(
            change < -threshold,
            values_of(data, "arm")[known] == 1,
            np.column_stack((data.baseline[known], values_of(data, "age")[known])),
            0.95,
        )
        assert adjusted.estimate == pytest.approx(found.difference.estimate, abs=1e-12)
        assert adjusted.n_patients == known.sum() < plain.n_patients

    def test_nobody_of_a_cohort_gives_no_standardized_difference(self):
        small = made_up_set(40)
        result = kat.clinical_significance(small, differences=True)
        empty = [
            one for one in result.select(measure="standardized difference in proportions") if math.isnan(one.estimate)
        ]
        assert empty
        assert all(math.isnan(one.conf_level) for one in empty)

    def test_groups_are_needed_and_must_be_known_at_time_zero(self, data):
        with pytest.raises(ImmortalTimeError):
            made_up_set(treatment_known_by_day=30)
        from dataclasses import replace

        with pytest.raises(DesignError, match="two groups"):
            kat.clinical_significance(replace(data, treatment=None), differences=True)


class TestTwoMeasures:
    def test_shares_by_counting(self, data):
        result = kat.nhs_outcomes(data, finished="finished")
        values = {name: values_of(data, name) for name in ("gad7_baseline", "gad7_week_12", "finished")}
        phq = data.baseline, data.scores[:, 2]
        known = ~np.isnan(phq[1]) & ~np.isnan(values["gad7_week_12"]) & (values["finished"] == 1)
        before, after = (phq[0] >= 10) | (values["gad7_baseline"] >= 8), (phq[1] >= 10) | (values["gad7_week_12"] >= 8)
        changes = phq[1] - phq[0], values["gad7_week_12"] - values["gad7_baseline"]
        better, worse = ((sign * changes[0] >= 6) | (sign * changes[1] >= 4) for sign in (-1, 1))
        expected = {
            "scored on both measures": (known.sum(), (values["finished"] == 1).sum()),
            "at caseness at baseline": ((known & before).sum(), known.sum()),
            "recovery": ((known & before & ~after).sum(), (known & before).sum()),
            "reliable recovery": ((known & before & ~after & better & ~worse).sum(), (known & before).sum()),
            "reliable improvement": ((known & better & ~worse).sum(), known.sum()),
            "no reliable change": ((known & ~better & ~worse).sum(), known.sum()),
            "reliable change both ways": ((known & better & worse).sum(), known.sum()),
            "reliable deterioration": ((known & worse & ~better).sum(), known.sum()),
        }
        found = {one.term: (one.n_counted, one.n_patients) for one in result.select(subgroup="")}
        assert found == expected
        assert not result.warnings

    def test_scores_are_carried_forward_only_on_request(self, data):
        plain, carried = (kat.nhs_outcomes(with_week_4(data), carry_forward=flag) for flag in (False, True))
        n_plain, n_carried = (one.select(term="scored on both measures")[0].n_counted for one in (plain, carried))
        assert n_carried > n_plain
        assert any("carried" in text or "last one" in text for text in carried.assumptions)

    def test_what_is_missing_is_said(self, data):
        assert any("finished=" in text for text in kat.nhs_outcomes(with_week_4(data)).warnings)
        with pytest.raises(OptionError, match="hama"):
            kat.nhs_outcomes(data, anxiety="HAM-A")
        with pytest.raises(OptionError, match="must be a flag"):
            kat.nhs_outcomes(data, finished="age")

    def test_the_cohort_brings_the_second_instrument(self):
        cohort = kat.select_cohort(kat.simulate_registry(seed=3, n_patients=80))
        both = cohort.analysis_set("PHQ-9", with_scores_of="GAD-7")
        alone = cohort.analysis_set("GAD-7")
        follow_up = both.variable("gad7_week_12")
        assert follow_up.known_by_day > 0
        for name, values in (("gad7_baseline", alone.baseline), ("gad7_week_12", alone.scores_at("week 12"))):
            assert np.array_equal(np.sort(values_of(both, name)), np.sort(values), equal_nan=True)


def with_week_4(data):
    """The set with anxiety scores at week 4 as well, which carrying forward looks for."""
    from dataclasses import replace

    week_8 = data.variable("gad7_week_8")
    return replace(data, variables=(*data.variables, replace(week_8, name="gad7_week_4", label="GAD-7 at week 4")))


class TestBands:
    def test_the_matrix_by_counting(self, data):
        result = kat.severity_transitions(data)
        pairs = data.pairs("week 12")
        bands = [np.digitize(values, [5, 10, 15, 20]) for values in (data.baseline[pairs], data.scores[pairs, 2])]
        labels = ("minimal", "mild", "moderate", "moderately severe", "severe")
        rows = {(row[2], row[3]): row[5] for row in result.part("severity_transitions").rows if row[1] == ""}
        assert sum(rows.values()) == pairs.sum()
        for (before, after), count in rows.items():
            assert count == ((bands[0] == labels.index(before)) & (bands[1] == labels.index(after))).sum()
        milder = result.select(term="to a milder band", subgroup="")[0]
        assert milder.n_counted == (bands[1] < bands[0]).sum()

    def test_bands_that_are_not_known(self, data):
        with pytest.raises(OptionError, match="definition set"):
            kat.severity_transitions(data, bands="mine")


class TestSensitivity:
    def test_each_choice_is_clinical_significance_with_that_choice(self, data):
        result = kat.clinical_significance_sensitivity(data, reliabilities=[0.83])
        for value in (0.7, 0.83, 0.89):
            for cut_off in "abc":
                own = kat.clinical_significance(
                    data, cut_off=cut_off, reliability=kat.Reliability(value, "retest", "made up")
                )
                for term, name in (
                    ("reliable improvement", f"r = {value}"),
                    ("recovered", f"r = {value}, cut-off {cut_off}"),
                ):
                    expected = own.select(term=term, definition_set="jacobson_truax", subgroup="")[0]
                    found = result.select(term=term, definition_set=name)[0]
                    assert (found.estimate, found.conf_low) == (expected.estimate, expected.conf_low)

    def test_a_reliability_outside_its_range(self, data):
        with pytest.raises(OptionError, match="between 0 and 1"):
            kat.clinical_significance_sensitivity(data, reliabilities=[1.2])


def test_the_table_shows_what_is_not_counted_as_well(data):
    choices = {"method": ("jacobson_truax", "hageman_arrindell"), "definition_sets": [OWN_MCID], "differences": True}
    result = kat.clinical_significance(data, **choices)
    table = result.to_table()
    classes = [row[0] for row in table.rows]
    compared = ("reliable improvement (standardized difference)", "program minus usual")
    assert compared in [row[:2] for row in table.rows]
    assert "true improvement (estimated share, counts nobody)" in classes
    assert f"change (mean change in points: {result.part('anchors').rows[0][3]})" in classes
    assert any("Hageman and Arrindell (standard error of the index" in heading for heading in table.row_groups)
