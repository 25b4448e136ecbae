"""Clinical significance: every share by hand, the rules that may be missing, groups, both directions."""

import math
from dataclasses import replace

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.analyses.clinical_significance import clinical_significance
from katoutcomes.cohorts.analysis_set import AnalysisSet, Variable
from katoutcomes.errors import DesignError, ImmortalTimeError, OptionError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.estimands.visit_window import VisitWindow
from katoutcomes.instruments.instrument import DefinitionSet, Instrument, Norms, Reliability
from katoutcomes.results.provenance import Provenance

WEEK_4 = VisitWindow("week 4", 28, 21, 41)
WEEK_12 = VisitWindow("week 12", 84, 70, 98)
SERVICE = "mood/service_reliable_change"
RELIABILITY = Reliability(0.5, "retest", "made up for this test")
NORMS = Norms(5.0, 3.0, 18.0, 6.0, "made-up norms")


def mood_scale(direction="higher_is_worse", **changes):
    """A made-up scale of 0 to 30 with one definition set of each kind and two caseness sets."""
    fields = {
        "id": "mood",
        "name": "Mood",
        "full_name": "Made-up mood scale",
        "aliases": (),
        "construct": "depression",
        "rater": "self",
        "n_items": 10,
        "item_minimum": 0,
        "item_maximum": 3,
        "reverse_items": (),
        "minimum": 0,
        "maximum": 30,
        "direction": direction,
        "recall_days": 14,
        "versions": (),
        "safety_items": (),
        "licence": "none",
        "definition_sets": (
            DefinitionSet("mood/half", "response", 0.5, (), "source of response", is_default=True),
            DefinitionSet("mood/third", "response", 1 / 3, (), "source of the third"),
            DefinitionSet("mood/low", "remission", 4, (), "source of remission", is_default=True),
            DefinitionSet("mood/service_caseness", "caseness", 10, (), "source of the service", is_default=True),
            DefinitionSet("mood/paper_caseness", "caseness", 8, (), "source of the paper"),
            DefinitionSet(SERVICE, "reliable_change", 6, (), "source of the service", is_default=True),
        ),
        "reliabilities": (RELIABILITY,),
        "norms": (NORMS,),
        "sources": (),
    }
    return Instrument(**(fields | changes))


def analysis_set(baseline, follow_up, instrument=None, variables=(), notes=(), treatment=None):
    """A set with a visit in week 4 where nobody was scored and one in week 12."""
    scores = np.column_stack((np.full(len(baseline), np.nan), np.array(follow_up, dtype=float)))
    return AnalysisSet(
        instrument=instrument or mood_scale(),
        visits=(WEEK_4, WEEK_12),
        baseline=np.array(baseline, dtype=float),
        scores=scores,
        variables=tuple(variables),
        treatment=treatment,
        attrition=(),
        cohort="test cohort",
        population="made-up patients",
        provenance=Provenance("frame", "0" * 64),
        notes=notes,
    )


# Ten patients with both scores, two without the second, one without the first.
#             rec  rec  imp  cut  same same same det  det  zero | lost      | late
BASELINE = [20, 12, 28, 16, 20, 9, 11, 15, 8, 0, 22, 13, np.nan]
FOLLOW_UP = [4, 5, 15, 10, 19, 7, 9, 26, 15, 3, np.nan, np.nan, 6]


@pytest.fixture
def result():
    return clinical_significance(analysis_set(BASELINE, FOLLOW_UP, notes=("a note of the data",)))


def counts(result, definition_set, subgroup=""):
    """Return term -> (numerator, denominator) of the shares of one definition set."""
    return {
        share.term: (round(share.estimate * share.n_patients), share.n_patients)
        for share in result.select(measure="proportion", definition_set=definition_set, subgroup=subgroup)
    }


class TestSharesByHand:
    def test_completeness(self, result):
        assert counts(result, "") == {"paired completeness": (10, 12)}

    def test_response_leaves_out_the_baseline_of_zero(self, result):
        """Drops of 16/20, 7/12, 13/28, 6/16 ... : the first two reach a half; the patient at 0 is not counted."""
        assert counts(result, "mood/half") == {"response": (2, 9)}

    def test_remission_is_of_all_pairs(self, result):
        """At 4 or below: 4 and 3."""
        assert counts(result, "mood/low") == {"remission": (2, 10)}

    def test_service_rule(self, result):
        """Changes -16 -7 -13 -6 -1 -2 -2 +11 +7 +3; cases at baseline (>= 10): 20 12 28 16 20 11 15, of which 4, 5 and
        9 end below 10; of these, 11 -> 9 is not a drop of 6."""
        assert counts(result, SERVICE) == {
            "reliable improvement": (4, 10),
            "no reliable change": (4, 10),
            "reliable deterioration": (2, 10),
            "recovery": (3, 7),
            "reliable recovery": (2, 7),
        }

    def test_jacobson_and_truax(self, result):
        """SD 6, r .5: threshold 1.959964 · 6 = 11.76 points. c = (3 · 18 + 6 · 5)/9 = 28/3. Reliable: -16 and -13, of
        which only 20 -> 4 crosses 9.33; the worst change is +11."""
        assert counts(result, "jacobson_truax") == {
            "reliable improvement": (2, 10),
            "no reliable change": (8, 10),
            "reliable deterioration": (0, 10),
            "recovered": (1, 10),
            "improved, not recovered": (1, 10),
            "harmed": (0, 10),
            "deteriorated, not harmed": (0, 10),
        }

    def test_thresholds(self, result):
        found = {
            (estimate.term, estimate.definition_set): (estimate.estimate, estimate.n_patients)
            for estimate in result.select(measure="threshold", unit="points")
        }
        assert found == {
            ("reliable change threshold", "jacobson_truax"): (pytest.approx(6 * 1.959963984540054, rel=1e-12), None),
            ("cut-off c", "jacobson_truax"): (pytest.approx(28 / 3, rel=1e-12), None),
            ("reliable change threshold", SERVICE): (6, None),
            ("caseness", "mood/service_caseness"): (10, None),
        }

    def test_exact_limits(self, result):
        """The interval of 4 in 10 by R's binom.test is .1215523 to .7376219: each tail has 2.5 % there."""
        share = result.select(term="reliable improvement", definition_set=SERVICE)[0]
        tails = [
            [math.comb(10, k) * limit**k * (1 - limit) ** (10 - k) for k in range(11)]
            for limit in (share.conf_low, share.conf_high)
        ]
        assert (sum(tails[0][4:]), sum(tails[1][:5])) == pytest.approx((0.025, 0.025), rel=1e-9)
        assert (round(share.conf_low, 7), round(share.conf_high, 7)) == (0.1215523, 0.7376219)
        assert share.conf_level == 0.95

    def test_every_share_names_its_visit_instrument_and_cohort(self, result):
        for share in result.select(measure="proportion"):
            assert (share.visit, share.instrument, share.cohort) == ("week 12", "Mood", "test cohort")
        assert {estimate.instrument for estimate in result.estimates} == {"Mood"}

    def test_higher_is_better_gives_the_same_counts_on_the_turned_scale(self, result):
        """Everything turned around 30 except response, whose relative drop has no mirror image."""
        scale = mood_scale()
        turned_sets = tuple(
            DefinitionSet(
                d.id,
                d.kind,
                30 - d.value if d.kind in ("caseness", "remission") else d.value,
                (),
                d.source,
                d.is_default,
            )
            for d in scale.definition_sets
        )
        turned = mood_scale(
            "higher_is_better", definition_sets=turned_sets, norms=(Norms(25.0, 3.0, 12.0, 6.0, "turned"),)
        )
        baseline, follow_up = 30 - np.array(BASELINE), 30 - np.array(FOLLOW_UP)
        mirrored = clinical_significance(analysis_set(baseline, follow_up, turned))
        for definition_set in ("", "mood/low", SERVICE, "jacobson_truax"):
            assert counts(mirrored, definition_set) == counts(result, definition_set)


class TestParts:
    def test_visits(self, result):
        assert result.part("visits").rows == (
            (0, "baseline", 0, "first dose"),
            (1, "week 12", 84, "first dose"),
        )

    def test_score_pair_counts_hold_every_pair_once(self, result):
        part = result.part("score_pair_counts")
        assert sum(part.column("n_patients")) == 10
        assert set(part.column("visit")) == {"week 12"}

    def test_individual_values(self, result):
        pairs = result.individual_values.of("week 12")
        assert sorted(pairs.baseline) == sorted(BASELINE[:10])


class TestWhatIsMissing:
    def test_without_reliability(self):
        result = clinical_significance(analysis_set(BASELINE, FOLLOW_UP, mood_scale(reliabilities=())))
        assert counts(result, "jacobson_truax") == {}
        assert len(result.warnings) == 1
        assert "No reliability of the Mood is known" in result.warnings[0]
        assert "reliability=Reliability(value, kind, source)" in result.warnings[0]
        assert [term.term for term in result.select(definition_set="jacobson_truax")] == ["cut-off c"]
        check = next(check for check in result.checks if check.name == "reliability known")
        assert (check.passed, check.severity) == (False, "note")

    def test_without_norms_reliable_change_rests_on_the_baseline_sd(self):
        result = clinical_significance(analysis_set(BASELINE, FOLLOW_UP, mood_scale(norms=())))
        known = np.array(BASELINE[:12])
        threshold = result.select(term="reliable change threshold", definition_set="jacobson_truax")[0]
        assert threshold.estimate == pytest.approx(1.959963984540054 * known.std(ddof=1), rel=1e-12)
        assert threshold.n_patients == 12
        assert set(counts(result, "jacobson_truax")) == {
            "reliable improvement",
            "no reliable change",
            "reliable deterioration",
        }
        assert not result.select(term="cut-off c")
        assert "norms=Norms(" in result.warnings[0]
        assert "of the baseline scores of all patients" in result.method.description

    def test_norms_without_a_dysfunctional_population_use_the_baseline_scores(self):
        norms = Norms(5.0, 3.0, math.nan, math.nan, "functional only")
        result = clinical_significance(analysis_set(BASELINE, FOLLOW_UP), norms=norms)
        known = np.array(BASELINE[:12])
        mean, sd = known.mean(), known.std(ddof=1)
        cut_off = result.select(term="cut-off c")[0]
        assert cut_off.estimate == pytest.approx((3 * mean + sd * 5) / (3 + sd), rel=1e-12)
        assert cut_off.n_patients == 12
        assert "stand in for the dysfunctional population" in result.method.description

    def test_the_caller_can_choose_the_baseline_sd(self):
        result = clinical_significance(analysis_set(BASELINE, FOLLOW_UP), sd="baseline")
        threshold = result.select(term="reliable change threshold", definition_set="jacobson_truax")[0]
        assert threshold.n_patients == 12
        assert result.select(term="cut-off c")[0].estimate == pytest.approx(28 / 3, rel=1e-12)

    def test_asking_for_a_norm_sd_that_is_not_there(self):
        with pytest.raises(OptionError, match='sd="norms" needs norms of the Mood'):
            clinical_significance(analysis_set(BASELINE, FOLLOW_UP, mood_scale(norms=())), sd="norms")

    def test_a_baseline_without_variation_gives_no_threshold(self):
        result = clinical_significance(analysis_set([12, 12], [4, 20], mood_scale(norms=())))
        assert counts(result, "jacobson_truax") == {}
        assert "do not vary" in result.warnings[0]

    def test_rounding_in_the_baseline_is_no_variation(self):
        """Thirteen times 10.1: the plain formula gives a standard deviation of 2e-15, below which all changed."""
        baseline, follow_up = np.full(13, 10.1), np.append(np.full(12, 9.1), 10.1)
        assert baseline.std(ddof=1) > 0.0
        functional_only = Norms(5.0, 3.0, math.nan, math.nan, "made-up norms")
        for choices in ({"sd": "baseline"}, {"norms": functional_only}):
            result = clinical_significance(analysis_set(baseline, follow_up), **choices)
            assert not result.select(term="reliable change threshold", definition_set="jacobson_truax")
            assert counts(result, "jacobson_truax") == {}
            assert any("do not vary, so they give no threshold" in warning for warning in result.warnings)
        assert not result.select(term="cut-off c")
        assert any("there is no cut-off c" in warning for warning in result.warnings)

    def test_a_change_of_exactly_the_published_points_counts_whatever_its_rounding(self):
        result = clinical_significance(analysis_set([10.2, 16.3, 18.7], [4.2, 10.3, 12.71]))
        assert 10.2 - 4.2 < 6
        assert counts(result, SERVICE)["reliable improvement"] == (2, 3)

    def test_given_reliability_and_norms_come_before_those_of_the_catalog(self):
        reliability = Reliability(0.875, "internal_consistency", "another source")
        norms = Norms(4.0, 2.0, 16.0, 4.0, "other norms")
        result = clinical_significance(analysis_set(BASELINE, FOLLOW_UP), reliability=reliability, norms=norms)
        threshold = result.select(term="reliable change threshold", definition_set="jacobson_truax")[0]
        assert threshold.estimate == pytest.approx(1.959963984540054 * 4 * math.sqrt(2 * 0.125), rel=1e-12)
        assert result.select(term="cut-off c")[0].estimate == pytest.approx(8.0, rel=1e-12)
        assert "r = 0.875 (internal consistency; another source)" in result.method.description
        assert "4 points (other norms)" in result.method.description
        assert {"another source", "other norms"} <= set(result.method.sources)

    def test_nothing_known_at_all_still_gives_completeness(self):
        scale = mood_scale(definition_sets=(), reliabilities=(), norms=())
        result = clinical_significance(analysis_set(BASELINE, FOLLOW_UP, scale))
        assert [estimate.term for estimate in result.estimates] == ["paired completeness"]
        assert len(result.warnings) == 2


class TestChosenDefinitions:
    def test_several_of_a_kind(self):
        result = clinical_significance(analysis_set(BASELINE, FOLLOW_UP), definition_sets=("half", "mood/third"))
        assert counts(result, "mood/half") == {"response": (2, 9)}
        assert counts(result, "mood/third") == {"response": (4, 9)}
        assert not result.select(term="remission")
        assert not result.select(definition_set=SERVICE)

    def test_caseness_alone_gives_recovery_under_its_own_name(self):
        result = clinical_significance(analysis_set(BASELINE, FOLLOW_UP), definition_sets="mood/paper_caseness")
        assert counts(result, "mood/paper_caseness") == {"recovery": (3, 9)}

    def test_a_change_rule_without_its_caseness_gives_no_recovery(self):
        result = clinical_significance(
            analysis_set(BASELINE, FOLLOW_UP), definition_sets=(SERVICE, "mood/paper_caseness")
        )
        assert set(counts(result, SERVICE)) == {"reliable improvement", "no reliable change", "reliable deterioration"}
        assert set(counts(result, "mood/paper_caseness")) == {"recovery"}

    def test_unknown_definition_set(self):
        with pytest.raises(OptionError, match="mood/service_caseness"):
            clinical_significance(analysis_set(BASELINE, FOLLOW_UP), definition_sets=("nobody",))

    def test_every_definition_and_its_source_are_described(self, result):
        for words in ("half: improvement", "low: a score", "service caseness: ", "service reliable change: "):
            assert words in result.method.description
        assert "mood/" not in result.method.description
        assert {"source of response", "source of remission", "source of the service"} <= set(result.method.sources)


class TestGroups:
    def site(self, known_by_day=0):
        values = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0], dtype=float)
        return Variable("site", "Site", "category", values, ("North", "South"), known_by_day=known_by_day)

    def test_everybody_comes_first_and_groups_add_up(self, result):
        data = analysis_set(BASELINE, FOLLOW_UP, variables=(self.site(),))
        grouped = clinical_significance(data, by="site")
        subgroups = dict.fromkeys(share.subgroup for share in grouped.select(measure="proportion"))
        assert list(subgroups) == ["", "site: North", "site: South"]
        for definition_set in ("", "mood/half", "mood/low", SERVICE, "jacobson_truax"):
            assert counts(grouped, definition_set) == counts(result, definition_set)
            north, south = (counts(grouped, definition_set, f"site: {name}") for name in ("North", "South"))
            total = {term: tuple(np.add(north[term], south[term])) for term in north}
            assert total == counts(result, definition_set)

    def test_the_cohorts_are_the_groups_where_none_are_named(self):
        data = analysis_set(BASELINE, FOLLOW_UP, variables=(self.site(),), treatment="site")
        assert clinical_significance(data).estimates == clinical_significance(data, by="site").estimates

    def test_a_small_group_calls_for_caution(self):
        twice = replace(self.site(), values=np.tile(self.site().values, 2))
        data = analysis_set(np.tile(BASELINE, 2), np.tile(FOLLOW_UP, 2), variables=(twice,))
        result = clinical_significance(data, by="site")
        check = next(check for check in result.checks if check.name == "patients per group")
        assert (check.value, check.limit, check.passed) == (10, 11, False)
        assert result.verdict == "with caution"

    def test_a_level_that_nobody_has_is_not_reported(self):
        empty = Variable("site", "Site", "category", np.zeros(13), ("North", "South"))
        grouped = clinical_significance(analysis_set(BASELINE, FOLLOW_UP, variables=(empty,)), by="site")
        assert not grouped.select(subgroup="site: South")

    def test_a_group_without_both_scores_has_shares_of_nobody(self):
        lost = Variable("site", "Site", "category", np.isnan(FOLLOW_UP).astype(float), ("North", "South"))
        grouped = clinical_significance(analysis_set(BASELINE, FOLLOW_UP, variables=(lost,)), by="site")
        nobody = grouped.select(term="reliable improvement", subgroup="site: South")
        assert {share.n_patients for share in nobody} == {0}
        assert all(math.isnan(share.estimate) and math.isnan(share.conf_low) for share in nobody)
        assert counts(grouped, "", "site: South") == {"paired completeness": (0, 2)}

    def test_groups_made_after_time_zero_are_refused(self):
        data = analysis_set(BASELINE, FOLLOW_UP, variables=(self.site(known_by_day=28),))
        with pytest.raises(ImmortalTimeError):
            clinical_significance(data, by="site")


class TestTheResult:
    def test_checks_and_verdict(self, result):
        checks = {check.name: check for check in result.checks}
        assert list(checks) == [
            "patients",
            "patients per group",
            "paired completeness",
            "completers at baseline",
            "reliability known",
            "norms known",
        ]
        assert checks["paired completeness"].value == pytest.approx(10 / 12)
        # Ten of twelve began at 13.9 on average, all twelve at 14.5 with a variance of 55: less than a tenth of an SD.
        assert checks["completers at baseline"].value == pytest.approx(-0.6 / math.sqrt(55))
        assert [check.name for check in result.checks if not check.passed] == ["patients", "patients per group"]
        assert result.verdict == "withhold"  # ten pairs
        assert clinical_significance(analysis_set(np.tile(BASELINE, 2), np.tile(FOLLOW_UP, 2))).verdict == "report"

    def test_question_and_limits_are_stated(self, result):
        assert result.analysis == "clinical_significance"
        assert not result.estimand.is_causal
        assert result.estimand.endpoint == Endpoint("Mood", "week 12", "clinically significant change")
        assert any("count neither as improved" in sentence for sentence in result.assumptions)
        assert any("rests on one instrument" in sentence for sentence in result.assumptions)
        assert result.assumptions[-1] == "a note of the data"

    def test_the_estimand_of_the_caller_is_kept(self):
        mine = Estimand("mine", "people", "", "", Endpoint("Mood", "week 12", "response"), "as observed", "share")
        assert clinical_significance(analysis_set(BASELINE, FOLLOW_UP), mine).estimand is mine

    def test_no_text_holds_a_number_of_patients(self, result):
        grouped = clinical_significance(analysis_set([17] * 13, [5] * 7 + [np.nan] * 6, mood_scale(reliabilities=())))
        for text in (*grouped.warnings, *(check.message for check in grouped.checks)):
            assert not any(character.isdigit() for character in text.replace("week 12", ""))

    def test_the_last_visit_is_the_default_and_others_can_be_named(self):
        data = analysis_set(BASELINE, FOLLOW_UP)
        with pytest.raises(DesignError, match="no patient has both a baseline Mood score and one at week 4"):
            clinical_significance(data, visit="week 4")
        with pytest.raises(OptionError, match="week 12"):
            clinical_significance(data, visit="week 8")

    @pytest.mark.parametrize("conf_level", [0.0, 1.0, 95])
    def test_level_outside_its_range(self, conf_level):
        with pytest.raises(OptionError, match="conf_level"):
            clinical_significance(analysis_set(BASELINE, FOLLOW_UP), conf_level=conf_level)


def test_catalog_instruments_have_service_rules_with_both_parts():
    """The PHQ-9 and GAD-7 rules of NHS Talking Therapies pair by their ids; no other definition does that for them."""
    for name, points in (("PHQ-9", 6), ("GAD-7", 4)):
        instrument = kat.instrument(name)
        data = analysis_set([15, 15], [5, 14], instrument)
        definition_set = f"{instrument.id}/nhs_talking_therapies_reliable_change"
        assert counts(clinical_significance(data), definition_set)["reliable recovery"] == (1, 2)
        threshold = clinical_significance(data).select(term="reliable change threshold", definition_set=definition_set)
        assert threshold[0].estimate == points
